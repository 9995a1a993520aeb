package algos

import (
	"math/rand/v2"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/nets"
)

// Exploration is the settings of an Explorer.
type Exploration struct {
	Epsilon   Schedule `yaml:"epsilon" usage:"probability ε of an exploring action"`
	ExploreAt string   `yaml:"explore_at" choice:"entry|step" usage:"where an exploring action may begin: when the state changes, so that a choice is tried for the whole stay in a state, or at any step"`
	Repeat    float64  `yaml:"explore_repeat" range:"[0, 1]" usage:"probability that an exploring action is repeated in the next step, if it is legal there"`
}

// Validate keeps ε a probability.
func (e *Exploration) Validate() error {
	var ck settings.Checks
	e.Epsilon.RequireAtMost(1, &ck, "epsilon")
	return ck.Err()
}

// Explorer chooses actions in n environments, best or exploring ones. It is ε-greedy over legal actions with repetition
// (ez-greedy; Dabney, Ostrovski and Barreto 2021, arXiv:2006.01782): with probability ε it begins with an exploring
// action, drawn uniformly, which goes on for as long as it is legal, with a probability in each step. Where none goes on,
// the next may begin. If exploring actions begin at entries only, what was chosen as the best action stays the best
// action until another state is entered.
type Explorer struct {
	settings Exploration
	actions  int
	pcg      *rand.PCG
	rng      *rand.Rand // over pcg
	epsilon  float64
	last     []int // by environment: the exploring action that it took last, or one of the following
}

const (
	undecided = -1 // an exploring action may begin
	greedily  = -2 // the best action, until another state is entered
)

// NewExplorer makes an explorer of n environments with so many actions. All that it draws comes from seed.
func NewExplorer(e Exploration, actions, n int, seed uint64) *Explorer {
	x := &Explorer{settings: e, actions: actions, pcg: envs.NewPCG(seed), last: make([]int, n)}
	x.rng = rand.New(x.pcg)
	for i := range x.last {
		x.last[i] = undecided
	}
	return x
}

// Anneal follows the schedule of ε.
func (x *Explorer) Anneal(progress float64) { x.epsilon = x.settings.Epsilon.At(progress) }

// Epsilon is ε now.
func (x *Explorer) Epsilon() float64 { return x.epsilon }

// Act chooses actions[i] for row i of b. best is the best legal action there; it is asked for only where it is played.
func (x *Explorer) Act(b *envs.Batch, actions []int, best func(i int, legal []bool) int) {
	for i := range actions {
		legal := b.Legal[i*b.Actions : (i+1)*b.Actions]
		switch last := x.last[i]; {
		case last >= 0 && legal[last] && x.rng.Float64() < x.settings.Repeat:
			actions[i] = last
		case last != greedily && x.rng.Float64() < x.epsilon:
			actions[i] = envs.RandomLegal(legal, x.rng)
			x.last[i] = actions[i]
		default:
			actions[i] = best(i, legal)
			if x.last[i] = undecided; x.settings.ExploreAt == "entry" {
				x.last[i] = greedily
			}
		}
	}
}

// Learn hears of the step after Act. entered reports whether it led environment i into another state; it is asked for
// only where that matters.
func (x *Explorer) Learn(b *envs.Batch, entered func(i int) bool) {
	for i, last := range x.last {
		if b.Terminated[i] || b.Truncated[i] || last == greedily && entered(i) {
			x.last[i] = undecided
		}
	}
}

// Encode saves ε, the running explorations and the random stream.
func (x *Explorer) Encode(e *Encoder) {
	e.PCG(x.pcg)
	e.Float(x.epsilon)
	e.Ints(x.last)
}

// Decode returns an explorer like x with what Encode saved. What is wrong with it, the Decoder says; x is as it was.
func (x *Explorer) Decode(d *Decoder) *Explorer {
	restored := NewExplorer(x.settings, x.actions, len(x.last), 0)
	d.PCG(restored.pcg)
	if restored.epsilon = d.Float(); !(0 <= restored.epsilon && restored.epsilon <= 1) {
		d.Fail("epsilon = %v", restored.epsilon)
	}
	last := d.Ints()
	if len(last) != len(x.last) {
		d.Fail("a state of %d environments, not %d", len(last), len(x.last))
	}
	for _, a := range last {
		if a < greedily || a >= x.actions {
			d.Fail("exploring action %d of %d", a, x.actions)
		}
	}
	copy(restored.last, last)
	return restored
}

// Policy chooses as the explorer does now, but for repetition, or always the best action if the mode is Greedy.
func (x *Explorer) Policy(mode Mode) EpsilonGreedy {
	p := EpsilonGreedy{legal: make([]bool, x.actions)}
	if mode == Sampled {
		p.epsilon = x.epsilon
	}
	return p
}

// EpsilonGreedy chooses actions for a Policy: with probability ε any legal one, each as often as the others, and else the
// best one.
type EpsilonGreedy struct {
	epsilon float64
	legal   []bool
}

// Choose is the action to play now. best is asked for only where it is played.
func (p *EpsilonGreedy) Choose(env envs.Env, seat int, rng *rand.Rand, best func(legal []bool) int) int {
	env.Legal(seat, p.legal)
	if p.epsilon > 0 && rng.Float64() < p.epsilon {
		return envs.RandomLegal(p.legal, rng)
	}
	return best(p.legal)
}

// Probabilities are those of Choose.
func (p *EpsilonGreedy) Probabilities(env envs.Env, seat int, dst []float64, best func(legal []bool) int) {
	env.Legal(seat, p.legal)
	envs.Evenly(dst, p.legal)
	for id := range dst {
		dst[id] *= p.epsilon
	}
	dst[best(p.legal)] += 1 - p.epsilon
}

// Explain is what a policy makes of a state in which its values are q, by id.
func (p *EpsilonGreedy) Explain(env envs.Env, seat int, q []float64) envs.Explanation {
	x := envs.Explanation{Probability: make([]float64, len(q)), Actions: q}
	p.Probabilities(env, seat, x.Probability, func(legal []bool) int {
		best := nets.ArgmaxLegal(q, legal)
		x.Value = q[best]
		return best
	})
	return x
}
