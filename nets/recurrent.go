package nets

import (
	"fmt"
	"math/rand/v2"
)

// A Recurrent is a Policy with a memory, an LSTM. A row of what it sees is an observation and the state of the memory,
// StateSize numbers that are all 0 where an episode begins:
//
//	observation, state → distribution, value, next state
//
// So the caller keeps the states, and rows are as independent of each other as those of any Policy; but gradients of
// EvaluateSequences go back through time.
type Recurrent[T Float] struct {
	Policy[T]
	memory  *lstm[T]
	packing packing
	obs     []T // packed, as all that follows
	actions []int
	legal   []bool
	d       PolicyOut
	out     PolicyOut // not packed
	states  []T       // not packed
}

// remembering is a Policy that may have a memory.
type remembering[T Float] interface {
	Policy[T]
	lstm() *lstm[T] // nil without
}

// NewRecurrent returns a policy over the parameters and gradients of p, an [ActorCritic] or an [AutoActorCritic] with
// an LSTM. Use the result only.
func NewRecurrent[T Float](p Policy[T]) (*Recurrent[T], error) {
	if p, ok := p.(remembering[T]); ok && p.lstm() != nil {
		return &Recurrent[T]{Policy: p, memory: p.lstm()}, nil
	}
	return nil, fmt.Errorf("nets: a %T without an LSTM", p)
}

// StateSize is the width of a state.
func (r *Recurrent[T]) StateSize() int { return 2 * r.memory.units }

// Inputs is the width of an observation and a state.
func (r *Recurrent[T]) Inputs() int { return r.Policy.Inputs() + r.StateSize() }

// States returns the states after the rows of the last call [rows x StateSize], valid until the next call.
func (r *Recurrent[T]) States() []T {
	u := r.memory.units
	r.states = resize(r.states, len(r.packing.slot)*2*u)
	for i, slot := range r.packing.slot {
		state := r.states[i*2*u:][:2*u]
		copy(state, r.memory.h[slot*u:][:u])
		copy(state[u:], r.memory.c[slot*u:][:u])
	}
	return r.states
}

// pack lays out n rows for the policy; row i begins a sequence if first[i], or without first.
func (r *Recurrent[T]) pack(rows []T, first []bool, n int) {
	r.packing.plan(first, n)
	seen, size := r.Policy.Inputs(), r.StateSize()
	r.memory.steps = r.packing.steps
	r.memory.start = resize(r.memory.start, r.packing.steps[1]*size)
	r.obs = resize(r.obs, n*seen)
	for i, slot := range r.packing.slot {
		row := rows[i*(seen+size):][:seen+size]
		copy(r.obs[slot*seen:][:seen], row)
		if slot < r.packing.steps[1] {
			copy(r.memory.start[slot*size:][:size], row[seen:])
		}
	}
}

// Sample implements [Policy].
func (r *Recurrent[T]) Sample(actions []int, rows []T, legal []bool, rng *rand.Rand) PolicyOut {
	r.pack(rows, nil, len(actions))
	return r.Policy.Sample(actions, r.obs, legal, rng)
}

// Greedy implements [Policy].
func (r *Recurrent[T]) Greedy(actions []int, rows []T, legal []bool) PolicyOut {
	r.pack(rows, nil, len(actions))
	return r.Policy.Greedy(actions, r.obs, legal)
}

// Values implements [Policy].
func (r *Recurrent[T]) Values(rows []T, n int) []float64 {
	r.pack(rows, nil, n)
	return r.Policy.Values(r.obs, n)
}

// Evaluate implements [Policy]: every row is a sequence of one step.
func (r *Recurrent[T]) Evaluate(actions []int, rows []T, legal []bool) PolicyOut {
	return r.EvaluateSequences(nil, actions, rows, legal)
}

// EvaluateSequences is Evaluate of sequences, one after the other: row i begins one if first[i], and otherwise goes on
// from row i−1, whatever its own state says. The first row of all begins one in any case. [Recurrent.Propagate] then
// goes back through each sequence to its first row; the state there is taken as given.
func (r *Recurrent[T]) EvaluateSequences(first []bool, actions []int, rows []T, legal []bool) PolicyOut {
	n, wide := len(actions), r.Actions()
	r.pack(rows, first, n)
	r.actions, r.legal, r.out = resize(r.actions, n), resize(r.legal, n*wide), resizeOut(r.out, n)
	for i, slot := range r.packing.slot {
		r.actions[slot] = actions[i]
		copy(r.legal[slot*wide:][:wide], legal[i*wide:])
	}
	packed := r.Policy.Evaluate(r.actions, r.obs, r.legal)
	for i, slot := range r.packing.slot {
		r.out.LogProb[i], r.out.Entropy[i] = packed.LogProb[slot], packed.Entropy[slot]
		r.out.Value[i] = packed.Value[slot]
	}
	return r.out
}

// Propagate implements [Policy].
func (r *Recurrent[T]) Propagate(d PolicyOut) {
	r.d = resizeOut(r.d, len(r.packing.slot))
	for i, slot := range r.packing.slot {
		r.d.LogProb[slot], r.d.Entropy[slot], r.d.Value[slot] = d.LogProb[i], d.Entropy[i], d.Value[i]
	}
	r.Policy.Propagate(r.d)
}

// ClonePolicy implements [Policy].
func (r *Recurrent[T]) ClonePolicy() Policy[T] { return recurrent(r.Policy.ClonePolicy()) }

// Replica implements [Policy].
func (r *Recurrent[T]) Replica() Policy[T] { return recurrent(r.Policy.Replica()) }

// recurrent is NewRecurrent of a policy that has a memory.
func recurrent[T Float](p Policy[T]) Policy[T] {
	r, err := NewRecurrent(p)
	if err != nil {
		panic(err)
	}
	return r
}

// A packing lays out rows of sequences as an lstm wants them: the first steps of all sequences, the longest sequence
// first, then the second steps of those that have one, and so on.
type packing struct {
	slot   []int // where row i goes
	steps  []int // first slot of each step, and the number of rows
	longer []int // how many sequences are longer than t, and how many of length t have a place
}

// plan lays out n rows. Row i begins a sequence if first[i]; without first, all do, and stay where they are.
func (p *packing) plan(first []bool, n int) {
	begins := func(i int) bool { return i == 0 || first == nil || first[i] }
	p.longer = append(p.longer[:0], 0)
	for i, t := 0, 0; i < n; i++ {
		if begins(i) {
			t = 0
		}
		p.longer[t]++
		if t++; t == len(p.longer) {
			p.longer = append(p.longer, 0)
		}
	}
	p.steps = p.steps[:0]
	from := 0
	for _, rows := range p.longer {
		p.steps = append(p.steps, from)
		from += rows
	}
	p.slot = resize(p.slot, n)
	for from := 0; from < n; {
		to := from + 1
		for to < n && !begins(to) {
			to++
		}
		place := p.longer[to-from]
		p.longer[to-from]++
		for t := range to - from {
			p.slot[from+t] = p.steps[t] + place
		}
		from = to
	}
}
