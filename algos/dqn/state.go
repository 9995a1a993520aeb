package dqn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

const stateFormat = 1 // of MarshalBinary

// Tensors are the weights of Q, and as target.NAME those of Q⁻.
func (l *learner) Tensors() []nets.Tensor[float32] {
	tensors := l.online.Tensors()
	for _, t := range l.target.Tensors() {
		t.Name = "target." + t.Name
		tensors = append(tensors, t)
	}
	return tensors
}

// Model describes Q.
func (l *learner) Model() (*nets.Model, error) { return l.input.Model(l.online), nil }

// Actions is the number of actions.
func (n *network) Actions() int { return n.actions }

// Describe adds Q to a model.
func (n *network) Describe(m *nets.Model) {
	q := n.Layers(m)
	if n.dueling {
		q = m.Dueling(q)
	}
	m.Choose("q", q, "expected discounted return of each action, -inf if illegal")
}

// MarshalBinary saves optimizer, memory and everything that moves.
func (l *learner) MarshalBinary() ([]byte, error) {
	var e algos.Encoder
	e.Int(stateFormat)
	e.Int(l.actions)
	for _, pcg := range []*rand.PCG{l.exploring, l.drawing} {
		position, err := pcg.MarshalBinary()
		if err != nil {
			return nil, err
		}
		e.Bytes(position)
	}
	e.Floats([]float64{l.epsilon, l.rate, l.beta})
	e.Ints([]int{l.steps, l.due, l.updates})
	e.Ints(l.explore)
	e.Int(l.sums.updates)
	e.Floats([]float64{l.sums.loss, l.sums.delta, l.sums.value, l.sums.norm})
	e.Int(l.adam.Steps)
	e.Float32s(l.adam.M)
	e.Float32s(l.adam.V)
	l.replay.Encode(&e)
	l.input.Encode(&e)
	return e.Data, nil
}

// UnmarshalBinary restores a learner of the same environment and settings.
func (l *learner) UnmarshalBinary(data []byte) error {
	d := algos.NewDecoder(data)
	d.Expect("format", stateFormat)
	d.Expect("number of actions", l.actions)
	var streams [2]rand.PCG
	for i := range streams {
		if err := streams[i].UnmarshalBinary(d.Bytes()); err != nil {
			d.Fail("random stream: %w", err)
		}
	}
	rates := numbers(d, d.Floats(), 3)
	counts := numbers(d, d.Ints(), 3)
	explore := numbers(d, d.Ints(), len(l.explore))
	s := sums{updates: d.Int()}
	means := numbers(d, d.Floats(), 4)
	s.loss, s.delta, s.value, s.norm = means[0], means[1], means[2], means[3]
	size := len(l.online.Params())
	adamSteps, m, v := d.Int(), numbers(d, d.Float32s(), size), numbers(d, d.Float32s(), size)
	replay := l.replay.Decode(d)

	epsilon, rate, beta := rates[0], rates[1], rates[2]
	if !(0 <= epsilon && epsilon <= 1 && 0 <= rate && rate <= math.MaxFloat64 && 0 <= beta && beta <= 1) {
		d.Fail("epsilon = %v, learning rate = %v, beta = %v", epsilon, rate, beta)
	}
	steps, due, updates := counts[0], counts[1], counts[2]
	if min(steps, due, updates, s.updates, adamSteps) < 0 || due >= l.cfg.TrainEvery {
		d.Fail("%d steps, %d due, %d updates, %d since the last report, %d of the optimizer",
			steps, due, updates, s.updates, adamSteps)
	}
	for _, a := range explore {
		if a < none || a >= l.actions {
			d.Fail("exploring action %d of %d", a, l.actions)
		}
	}
	l.input.Decode(d)
	if err := d.Close(); err != nil {
		return fmt.Errorf("dqn: %w", err)
	}
	*l.exploring, *l.drawing = streams[0], streams[1]
	l.epsilon, l.rate, l.beta = epsilon, rate, beta
	l.steps, l.due, l.updates, l.explore, l.sums = steps, due, updates, explore, s
	l.adam.Steps, l.adam.M, l.adam.V = adamSteps, m, v
	l.replay = replay
	return nil
}

// numbers are xs if they are as many as they should be, and zeros otherwise.
func numbers[T int | float32 | float64](d *algos.Decoder, xs []T, n int) []T {
	if len(xs) != n {
		d.Fail("%d numbers, not %d", len(xs), n)
		return make([]T, n)
	}
	return xs
}

// Policy copies the network.
func (l *learner) Policy(mode algos.Mode) envs.Policy {
	p := &policy{PolicyInput: l.input.ForPolicy(), q: l.online.clone(), legal: make([]bool, l.actions)}
	if mode == algos.Sampled {
		p.epsilon = l.epsilon
	}
	return p
}

// policy is ε-greedy in a network that does not change.
type policy struct {
	*algos.PolicyInput
	q       *network
	epsilon float64
	legal   []bool
}

// Act runs the network on what seat sees, unless it explores.
func (p *policy) Act(env envs.Env, seat int, rng *rand.Rand) int {
	obs := p.See(env, seat)
	env.Legal(seat, p.legal)
	if p.epsilon > 0 && rng.Float64() < p.epsilon {
		return envs.RandomLegal(p.legal, rng)
	}
	return nets.ArgmaxLegal(p.q.values(obs, 1), p.legal)
}
