package idsgame

import (
	"cmp"
	"math"
	"slices"

	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/settings"
)

// BestAttack is the hack probability of the best response to a defender, by an attacker who sees everything: exact, by
// dynamic programming with branch and bound over the states that matter, of which there may be at most limit. The
// defender's probabilities must follow from the true state; ok is false if they do not. It is for games that begin alike.
func (g *Game) BestAttack(defender envs.Stochastic, limit int) (value float64, states int, ok bool, err error) {
	c := &g.rules.cfg
	var ck settings.Checks
	ck.Require(!c.RandomizeEnv, "randomize_env", true, "makes too many first states for a best response")
	ck.Require(!c.RandomizeStart, "randomize_starting_position", true, "makes too many first states for a best response")
	ck.Require(!c.Reconnaissance, "reconnaissance_actions", true, "makes too many states to be told apart")
	if err := ck.Err(); err != nil {
		return 0, 0, false, err
	}
	m := &Model{rules: g.rules, full: true}
	m.room()
	b := &bestAttack{Model: m, game: g, defender: defender, limit: limit, values: map[string]float64{}}
	value = b.value(g.start.Clone())
	switch {
	case b.failed:
		return 0, 0, false, nil
	case len(b.values) > limit:
		return 0, 0, true, &exact.TooLargeError{What: "states", Limit: limit}
	}
	return value, len(b.values), true, nil
}

type bestAttack struct {
	*Model
	game     *Game
	defender envs.Stochastic
	limit    int
	values   map[string]float64 // by key
	failed   bool
}

// branch is an attack, what may follow on it, and what it gets at most.
type branch struct {
	bound float64
	next  []weighted
}

// weighted is a state that follows with a probability, and what the attacker gets there at most.
type weighted struct {
	prob, bound float64
	state       *State // nil: a hack
}

// value is what the attacker gets in s.
func (b *bestAttack) value(s *State) float64 {
	if b.failed || len(b.values) > b.limit || !b.look(s, b.there) {
		return 0
	}
	key := string(b.there.key)
	if v, ok := b.values[key]; ok {
		return v
	}
	best := 0.0
	for _, br := range b.branches(s, slices.Clone(b.there.ids[AttackerSeat])) {
		if br.bound <= best {
			break // and so are all that follow
		}
		got, left := 0.0, br.bound
		for _, w := range br.next {
			if got+left <= best {
				break
			}
			left -= w.prob * w.bound
			if w.state == nil {
				got += w.prob
			} else {
				got += w.prob * b.value(w.state)
			}
		}
		best = max(best, got)
	}
	b.values[key] = best
	return best
}

// branches are the attacks on s, the most promising first.
func (b *bestAttack) branches(s *State, attacks [][]int) (list []branch) {
	probabilities := make([]float64, len(b.rules.defences))
	b.game.SetState(s)
	if !b.defender.Probabilities(b.game, DefenderSeat, probabilities) {
		b.failed = true
		return nil
	}
	b.state.Set(s)
	for _, attack := range attacks {
		var br branch
		for defence, share := range probabilities {
			if share == 0 {
				continue
			}
			p, hacked := b.play(attack[0], defence)
			w := weighted{prob: share * p, bound: 1}
			if !hacked {
				if w.bound = b.bound(b.next); w.bound*p == 0 {
					continue
				}
				w.state = b.next.Clone()
			}
			br.next = append(br.next, w)
			br.bound += w.prob * w.bound
		}
		list = append(list, br)
	}
	slices.SortStableFunc(list, func(x, y branch) int { return cmp.Compare(y.bound, x.bound) })
	return list
}

// bound is what an attacker gets in s if the defender does nothing more: in each row it has to pass, the fewest failures
// at the best odds.
func (b *bestAttack) bound(s *State) float64 {
	r, product := b.rules, 1.0
	for u := 0; u < s.Node && r.Net.Row[u] < r.Net.Row[s.Node]; {
		row, best := r.Net.Row[u], 0.0
		for ; u < r.Net.Start() && r.Net.Row[u] == row; u++ {
			safe := 1 - min(r.detection[r.Detection(s, u)], 1)
			for t := range r.cfg.NumAttackTypes {
				if b.live(s, u, t) {
					best = max(best, math.Pow(safe, float64(max(b.gap(s, u, t), 0))))
				}
			}
		}
		product *= best
	}
	return product
}
