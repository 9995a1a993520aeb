package dqn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

const stateFormat = 2 // of MarshalBinary

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
	l.explorer.Encode(&e)
	e.PCG(l.drawing)
	e.Float(l.rate)
	e.Float(l.beta)
	e.Int(l.steps)
	e.Int(l.due)
	e.Int(l.updates)
	l.meter.Encode(&e)
	e.Adam(l.adam)
	l.replay.Encode(&e)
	l.input.Encode(&e)
	return e.Data, nil
}

// UnmarshalBinary restores a learner of the same environment and settings.
func (l *learner) UnmarshalBinary(data []byte) error {
	d := algos.NewDecoder(data)
	d.Expect("format", stateFormat)
	d.Expect("number of actions", l.actions)
	explorer := l.explorer.Decode(d)
	var drawing rand.PCG
	d.PCG(&drawing)
	rate, beta := d.Float(), d.Float()
	if !(0 <= rate && rate <= math.MaxFloat64 && 0 <= beta && beta <= 1) {
		d.Fail("learning rate = %v, beta = %v", rate, beta)
	}
	steps, due, updates := d.Int(), d.Int(), d.Int()
	if min(steps, due, updates) < 0 || due >= l.cfg.TrainEvery {
		d.Fail("%d steps, %d due, %d updates", steps, due, updates)
	}
	meter, adam := algos.NewMeter(l.meter.Names...), nets.NewAdam[float32](len(l.adam.M))
	meter.Decode(d)
	d.Adam(adam)
	replay := l.replay.Decode(d)
	l.input.Decode(d)
	if err := d.Close(); err != nil {
		return fmt.Errorf("dqn: %w", err)
	}
	*l.drawing, *l.adam = drawing, *adam
	l.explorer, l.replay, l.meter = explorer, replay, meter
	l.rate, l.beta, l.steps, l.due, l.updates = rate, beta, steps, due, updates
	return nil
}

// Policy copies the network.
func (l *learner) Policy(mode algos.Mode) envs.Policy {
	return &policy{l.input.ForPolicy(), l.explorer.Policy(mode), l.online.clone()}
}

// policy is ε-greedy in a network that does not change.
type policy struct {
	*algos.PolicyInput
	algos.EpsilonGreedy
	q *network
}

// Act runs the network on what seat sees, unless it explores.
func (p *policy) Act(env envs.Env, seat int, rng *rand.Rand) int {
	obs := p.See(env, seat)
	return p.Choose(env, seat, rng, func(legal []bool) int { return nets.ArgmaxLegal(p.q.values(obs, 1), legal) })
}

// Probabilities are those of Act, unless the network sees earlier observations.
func (p *policy) Probabilities(env envs.Env, seat int, dst []float64) bool {
	obs := p.See(env, seat)
	p.EpsilonGreedy.Probabilities(env, seat, dst, func(legal []bool) int { return nets.ArgmaxLegal(p.q.values(obs, 1), legal) })
	return p.Present()
}

// Explain shows the values of the network.
func (p *policy) Explain(env envs.Env, seat int) envs.Explanation {
	q := make([]float64, p.q.actions)
	for id, value := range p.q.values(p.See(env, seat), 1) {
		q[id] = float64(value)
	}
	return p.EpsilonGreedy.Explain(env, seat, q)
}
