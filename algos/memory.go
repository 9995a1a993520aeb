package algos

import "idsrl/nets"

// memory carries the states of a recurrent policy from step to step, for N games. Such a policy sees the input from a
// game and the state after the game's last step, 0 where an episode begins. A nil memory belongs to any other policy,
// which sees the input only.
type memory struct {
	net    *nets.Recurrent[float32]
	states []float32 // [N x StateSize]
	rows   []float32 // [N x Inputs]: what the policy sees
}

// newMemory is the memory of n games for net; nil if that is not recurrent.
func newMemory(net nets.Policy[float32], n int) *memory {
	r, ok := net.(*nets.Recurrent[float32])
	if !ok {
		return nil
	}
	return &memory{net: r, states: make([]float32, n*r.StateSize()), rows: make([]float32, 0, n*r.Inputs())}
}

// see is what the policy sees, given the input from every game, and whether an episode begins there.
func (m *memory) see(input []float32, first []bool) []float32 {
	if m == nil {
		return input
	}
	m.rows = m.rows[:0]
	for i, begins := range first {
		state := row(m.states, i, m.net.StateSize())
		if begins {
			clear(state)
		}
		m.rows = append(append(m.rows, row(input, i, len(input)/len(first))...), state...)
	}
	return m.rows
}

// seeOne is what the policy sees of game i, if the episode goes on there.
func (m *memory) seeOne(input []float32, i int) []float32 {
	if m == nil {
		return input
	}
	return append(append(m.rows[:0], input...), row(m.states, i, m.net.StateSize())...)
}

// step keeps the states after what the policy saw last, of every game.
func (m *memory) step() {
	if m != nil {
		copy(m.states, m.net.States())
	}
}

// forget begins an episode in every game.
func (m *memory) forget() {
	if m != nil {
		clear(m.states)
	}
}

// Encode saves the states.
func (m *memory) Encode(e *Encoder) {
	if m != nil {
		e.Float32s(m.states)
	}
}

// Decode restores what Encode saved, of as many games.
func (m *memory) Decode(d *Decoder) {
	if m != nil {
		fill(d, m.states, d.Float32s())
	}
}
