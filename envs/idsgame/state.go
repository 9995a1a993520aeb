package idsgame

import "slices"

// State is where a game stands: the values that the rules speak of, and the bookkeeping of the episode that rewards
// need. Rules.NewState allocates it; its fields may be set freely, to any state that the Config allows.
type State struct {
	Node    int    // where the attacker is
	Attack  []int8 // how much the attacker has invested, by attack id; the column of reconnaissance stays 0
	Defence []int8 // how much the defender has invested, by defence id; the last column is the detection value
	Known   []int8 // [Nodes x T] defence values as the attacker knows them, Unknown where not; nil without reconnaissance
	Scanned []bool // [Nodes] which nodes reconnaissance has revealed; nil without it

	Steps            int // joint moves of this episode
	Hacked, Detected bool

	Fails    int     // failed attacks and reconnaissance actions since the last successful attack
	Moves    int     // successful attacks
	Furthest int     // smallest row that the dense rewards have paid for
	Failed   []int32 // [Nodes x T] failed attacks; reconnaissance counts as type 0; nil but for the v3 rewards
	Scouted  []bool  // [Nodes] where the attacker performed reconnaissance; nil without it

	AttackerReturn, DefenderReturn float64 // sums of the rewards, without those at the step limit
}

// Unknown is the known defence value of what reconnaissance has not revealed.
const Unknown = 10

// NewState returns a state with room for everything, at the beginning of an episode with all values 0.
func (r *Rules) NewState() *State {
	n, t := r.Net.Nodes, r.cfg.NumAttackTypes
	s := &State{Attack: make([]int8, n*r.attackWidth), Defence: make([]int8, n*(t+1))}
	if r.cfg.Reconnaissance {
		s.Known, s.Scanned, s.Scouted = make([]int8, n*t), make([]bool, n), make([]bool, n)
	}
	if r.scheme == v3 {
		s.Failed = make([]int32, n*t)
	}
	r.begin(s)
	return s
}

// begin makes s the first state of an episode but for its values: the attacker at the start, nothing known or counted.
func (r *Rules) begin(s *State) {
	s.Node, s.Steps, s.Hacked, s.Detected = r.Net.Start(), 0, false, false
	s.Fails, s.Moves, s.Furthest = 0, 0, r.Net.Rows-1
	s.AttackerReturn, s.DefenderReturn = 0, 0
	for i := range s.Known {
		s.Known[i] = Unknown
	}
	clear(s.Scanned)
	clear(s.Scouted)
	clear(s.Failed)
}

// Set makes s a copy of o, which belongs to the same Rules.
func (s *State) Set(o *State) {
	attack, defence, known, scanned, failed, scouted := s.Attack, s.Defence, s.Known, s.Scanned, s.Failed, s.Scouted
	*s = *o
	s.Attack, s.Defence, s.Known, s.Scanned, s.Failed, s.Scouted = attack, defence, known, scanned, failed, scouted
	copy(s.Attack, o.Attack)
	copy(s.Defence, o.Defence)
	copy(s.Known, o.Known)
	copy(s.Scanned, o.Scanned)
	copy(s.Failed, o.Failed)
	copy(s.Scouted, o.Scouted)
}

// Clone returns a copy that shares nothing with s.
func (s *State) Clone() *State {
	c := *s
	c.Attack, c.Defence = slices.Clone(s.Attack), slices.Clone(s.Defence)
	c.Known, c.Scanned = slices.Clone(s.Known), slices.Clone(s.Scanned)
	c.Failed, c.Scouted = slices.Clone(s.Failed), slices.Clone(s.Scouted)
	return &c
}
