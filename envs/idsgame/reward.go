package idsgame

import "math"

// scheme is a way to pay.
type scheme uint8

const (
	sparse scheme = iota
	dense
	dense2 // dense and v2
	v3
)

func (c *Config) scheme() scheme {
	switch {
	case c.DenseRewardsV3:
		return v3
	case c.DenseRewards && c.DenseRewardsV2:
		return dense2
	case c.DenseRewards || c.DenseRewardsV2:
		return dense
	default:
		return sparse
	}
}

const (
	limitReward      = -100 // of both sides, for each call after the step limit
	impossibleReward = -1   // of the attacker, for an attack that cannot take place
	scoutReward      = 0.5  // of the attacker, for reconnaissance that reveals something; negative for one that does not
	detectionReward2 = 100  // of the defender under dense2, for a detection; the attacker pays it
)

// rewardHack pays for reaching the data node.
func (r *Rules) rewardHack(s *State, a *target, tr *Transition) {
	switch r.scheme {
	case sparse:
		tr.AttackerReward, tr.DefenderReward = 1, -1
	case dense, dense2:
		tr.AttackerReward, tr.DefenderReward = bonus(s)+1, -float64(s.Moves)
	case v3:
		tr.AttackerReward = r.goodAttackReward(s, a)
		tr.DefenderReward = r.Score(s) - float64(r.cfg.MaxValue*r.Net.Rows)
	}
}

// rewardAdvance pays for reaching another node.
func (r *Rules) rewardAdvance(s *State, a *target, tr *Transition) {
	switch r.scheme {
	case sparse:
	case v3:
		tr.AttackerReward = r.goodAttackReward(s, a)
	case dense, dense2:
		row := r.Net.Row[s.Node]
		if row >= s.Furthest {
			return
		}
		s.Furthest = row
		if r.scheme == dense2 {
			tr.AttackerReward, tr.DefenderReward = 1, -1
			return
		}
		extra := 0.0
		if r.cfg.ExtraReconnaissanceReward && s.Scouted[s.Node] {
			extra = 1
		}
		tr.AttackerReward = bonus(s) + extra + 1
	}
}

// rewardDetection pays for a failed attack or reconnaissance that was detected.
func (r *Rules) rewardDetection(s *State, a *target, tr *Transition) {
	switch r.scheme {
	case sparse, dense:
		tr.AttackerReward, tr.DefenderReward = -1, 1
	case dense2:
		tr.AttackerReward, tr.DefenderReward = -detectionReward2, detectionReward2
	case v3:
		tr.AttackerReward = -1
		if !a.scout && r.goodAttack(s, a) {
			tr.AttackerReward = 0
		}
		tr.DefenderReward = r.Score(s) - r.Reference
	}
}

// bonus is what the dense schemes add for a success: the less, the more attacks failed directly before it.
func bonus(s *State) float64 {
	if s.Fails == 0 {
		return 1
	}
	return 1 / float64(s.Fails)
}

// Score is how well the network is defended under the v3 rewards: the sum over rows from the top of the smallest
// defence value in the row, up to and with the first row where that is below the maximum; +Inf if none is.
func (r *Rules) Score(s *State) float64 {
	sum := 0.0
	for row, v := 0, 0; row < r.Net.Rows-1; row++ {
		least := int8(math.MaxInt8)
		for ; v < r.Net.Start() && r.Net.Row[v] == row; v++ {
			least = min(least, r.weakest(s, v))
		}
		sum += float64(least)
		if int(least) < r.cfg.MaxValue {
			return sum
		}
	}
	return math.Inf(1)
}

// finiteScore is the largest finite value that Score could count up to: every row at the maximum.
func (r *Rules) finiteScore() float64 { return float64(r.cfg.MaxValue * (r.Net.Rows - 1)) }

// weakest is the smallest defence value of a node.
func (r *Rules) weakest(s *State, node int) int8 {
	least := int8(math.MaxInt8)
	for _, v := range s.Defence[node*r.defenceWidth:][:r.cfg.NumAttackTypes] {
		least = min(least, v)
	}
	return least
}

// goodAttack is the v3 judgement of an attack: the target's defence is known and not above the smallest of the nodes
// 0 to k-1, where k is the number of nodes in the attacker's row. (That the ids start at 0 and not at the row's first is
// a slip of the original, kept because its rewards rest on it.)
func (r *Rules) goodAttack(s *State, a *target) bool {
	if !s.known(a.node) {
		return false
	}
	k := 0
	for _, row := range r.Net.Row {
		if row == r.Net.Row[s.Node] {
			k++
		}
	}
	least := int8(math.MaxInt8)
	for v := range k {
		least = min(least, r.weakest(s, v))
	}
	return s.Defence[a.guard] <= least
}

// goodAttackReward pays a successful good attack for the failures of the same attack that led to it, less the square
// of the number of distinct attacks that failed on other nodes, and at least 0; any other success pays -1.
func (r *Rules) goodAttackReward(s *State, a *target) float64 {
	if !r.goodAttack(s, a) {
		return -1
	}
	elsewhere := 0
	for i, n := range s.Failed {
		if n > 0 && i/r.cfg.NumAttackTypes != a.node {
			elsewhere++
		}
	}
	return math.Max(float64(int(s.Failed[a.known])+1-elsewhere*elsewhere), 0)
}

func (s *State) known(node int) bool { return s.Scanned != nil && s.Scanned[node] }
