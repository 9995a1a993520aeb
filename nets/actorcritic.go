package nets

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// The gains of the output layers' initial weights: a policy that starts almost uniform, and a value of the usual size
// (Andrychowicz et al. 2021, arXiv:2006.05990, section 3.2).
const (
	policyGain = 0.01
	valueGain  = 1
)

// ActorCriticConfig describes a policy and its value function.
type ActorCriticConfig struct {
	Obs, Actions int
	Hidden       []int // widths of the hidden layers, one at least
	Activation   Activation
	Shared       bool // one tower of hidden layers for both, instead of one each
	LSTM         int  // units of an LSTM after a shared tower, for [NewRecurrent]; 0: none
	NoValue      bool // a policy without a value function: all values are 0
}

// Validate reports what is wrong with the configuration.
func (c *ActorCriticConfig) Validate() error {
	if c.Obs < 1 || c.Actions < 1 {
		return fmt.Errorf("nets: %d observations and %d actions: want one of each at least", c.Obs, c.Actions)
	}
	if c.Shared && c.NoValue {
		return errors.New("nets: nothing to share a tower with where there is no value")
	}
	if c.LSTM > 0 && !c.Shared {
		return errors.New("nets: an LSTM after two towers: want a shared one")
	}
	return validateTrunk(c.Hidden, c.LSTM, c.Activation)
}

// An ActorCritic is a Policy with one logit for each action.
//
//	separate:  obs → policy tower → policy head → logits      shared:  obs → tower → policy head → logits
//	           obs → value tower  → value head  → value                             → value head  → value
//
// An LSTM stands between a shared tower and the heads.
type ActorCritic[T Float] struct {
	network[T]
	cfg                     ActorCriticConfig
	policyBody              trunk[T]
	valueBody               *stack[T] // nil if shared, or without a value
	policyHead, valueHead   *stack[T] // the latter nil without a value
	dhidden                 []T       // derivatives of what the heads see
	rows                    []categorical[T]
	actions                 []int // of Evaluate
	out                     PolicyOut
	dlogits, dvalues, blank []T
}

// NewActorCritic returns a network with orthogonal weights drawn from rng, gains √2 for hidden layers, 0.01 for the
// policy head and 1 for the value head, and zero biases; with a nil rng all are zero.
func NewActorCritic[T Float](cfg ActorCriticConfig, rng *rand.Rand) (*ActorCritic[T], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Hidden = slices.Clone(cfg.Hidden)
	sizes := append([]int{cfg.Obs}, cfg.Hidden...)
	a := &ActorCritic[T]{cfg: cfg}
	// The towers come first: with the usual widths their weights then begin on multiples of 64 bytes.
	a.policyBody = newTrunk[T]("policy", cfg.Activation, cfg.LSTM, sizes...)
	width := a.policyBody.width()
	a.policyHead = newStack[T]("policy_head", cfg.Activation, false, policyGain, width, cfg.Actions)
	parts := a.policyBody.parts()
	if !cfg.Shared && !cfg.NoValue {
		a.valueBody = newStack[T]("value", cfg.Activation, true, 0, sizes...)
		parts = append(parts, a.valueBody)
	}
	parts = append(parts, a.policyHead)
	if !cfg.NoValue {
		a.valueHead = newStack[T]("value_head", cfg.Activation, false, valueGain, width, 1)
		parts = append(parts, a.valueHead)
	}
	a.network = newNetwork(rng, parts...)
	return a, nil
}

func (a *ActorCritic[T]) lstm() *lstm[T] { return a.policyBody.memory }

// Inputs is the width of an observation.
func (a *ActorCritic[T]) Inputs() int { return a.cfg.Obs }

// Actions is the number of actions.
func (a *ActorCritic[T]) Actions() int { return a.cfg.Actions }

// Forward returns logits [n x Actions] and values [n] of obs [n x Obs], valid until the next forward pass. The network
// keeps obs for Backward.
func (a *ActorCritic[T]) Forward(obs []T, n int) (logits, values []T) {
	return a.forwardPolicy(obs, n), a.forwardValue(obs, n)
}

func (a *ActorCritic[T]) forwardPolicy(obs []T, n int) (logits []T) {
	return a.policyHead.forward(a.policyBody.forward(obs[:n*a.cfg.Obs], n), n)
}

// forwardValue needs the policy's tower to have run, if it is shared.
func (a *ActorCritic[T]) forwardValue(obs []T, n int) (values []T) {
	if a.cfg.NoValue {
		a.blank = resize(a.blank, n)
		return a.blank
	}
	if a.cfg.Shared {
		return a.valueHead.forward(a.policyBody.output, n)
	}
	return a.valueHead.forward(a.valueBody.forward(obs[:n*a.cfg.Obs], n), n)
}

// Backward adds the gradients of the parameters, given the derivatives dlogits [n x Actions] and dvalues [n] of a loss
// with respect to the last Forward's results.
func (a *ActorCritic[T]) Backward(dlogits, dvalues []T, n int) {
	dlogits = dlogits[:n*a.cfg.Actions]
	a.dhidden = resize(a.dhidden, n*a.policyBody.width())
	a.policyHead.backward(a.dhidden, dlogits, n, false)
	if a.cfg.Shared {
		a.valueHead.backward(a.dhidden, dvalues[:n], n, true)
	}
	a.policyBody.backward(a.dhidden, n)
	if a.valueBody != nil {
		a.valueHead.backward(a.dhidden, dvalues[:n], n, false)
		a.valueBody.backward(nil, a.dhidden, n, false)
	}
}

// forward runs the network and makes a distribution of each row of logits.
func (a *ActorCritic[T]) forward(obs []T, legal []bool, n int) {
	logits, values := a.Forward(obs, n)
	if len(a.rows) < n {
		a.rows = newCategoricals[T](n, a.cfg.Actions)
	}
	a.out = resizeOut(a.out, n)
	for i := range n {
		lo, hi := i*a.cfg.Actions, (i+1)*a.cfg.Actions
		a.rows[i].Set(logits[lo:hi], legal[lo:hi])
		a.out.Entropy[i] = a.rows[i].Entropy()
		a.out.Value[i] = float64(values[i])
	}
}

// Sample implements [Policy] with one random number for each row.
func (a *ActorCritic[T]) Sample(actions []int, obs []T, legal []bool, rng *rand.Rand) PolicyOut {
	a.forward(obs, legal, len(actions))
	for i := range actions {
		actions[i] = a.rows[i].Sample(rng.Float64())
		a.out.LogProb[i] = a.rows[i].LogProb(actions[i])
	}
	return a.out
}

// Greedy implements [Policy].
func (a *ActorCritic[T]) Greedy(actions []int, obs []T, legal []bool) PolicyOut {
	a.forward(obs, legal, len(actions))
	for i := range actions {
		actions[i] = a.rows[i].Greedy()
		a.out.LogProb[i] = a.rows[i].LogProb(actions[i])
	}
	return a.out
}

// Evaluate implements [Policy].
func (a *ActorCritic[T]) Evaluate(actions []int, obs []T, legal []bool) PolicyOut {
	a.forward(obs, legal, len(actions))
	a.actions = actions
	for i, action := range actions {
		a.rows[i].mustAllow(action)
		a.out.LogProb[i] = a.rows[i].LogProb(action)
	}
	return a.out
}

// Values implements [Policy].
func (a *ActorCritic[T]) Values(obs []T, n int) []float64 {
	if a.cfg.Shared {
		a.policyBody.forward(obs[:n*a.cfg.Obs], n)
	}
	a.out = resizeOut(a.out, n)
	for i, v := range a.forwardValue(obs, n) {
		a.out.Value[i] = float64(v)
	}
	return a.out.Value
}

// Propagate implements [Policy].
func (a *ActorCritic[T]) Propagate(d PolicyOut) {
	n := len(a.actions)
	a.dlogits, a.dvalues = resize(a.dlogits, n*a.cfg.Actions), resize(a.dvalues, n)
	for i, action := range a.actions {
		a.rows[i].Grad(a.dlogits[i*a.cfg.Actions:][:a.cfg.Actions], action, d.LogProb[i], d.Entropy[i])
		a.dvalues[i] = T(d.Value[i])
	}
	a.Backward(a.dlogits, a.dvalues, n)
}

// Clone returns a network with the same parameters, zero gradients and its own workspace.
func (a *ActorCritic[T]) Clone() *ActorCritic[T] {
	c, err := NewActorCritic[T](a.cfg, nil)
	if err != nil {
		panic(err) // the configuration was valid before
	}
	copy(c.params, a.params)
	return c
}

// ClonePolicy implements [Policy].
func (a *ActorCritic[T]) ClonePolicy() Policy[T] { return a.Clone() }

// Replica implements [Policy].
func (a *ActorCritic[T]) Replica() Policy[T] {
	r := a.Clone()
	r.share(&a.network)
	return r
}
