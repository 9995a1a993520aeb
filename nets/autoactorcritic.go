package nets

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// AutoActorCriticConfig describes a policy that chooses a node first and then what to do there.
type AutoActorCriticConfig struct {
	Obs          int // at least Nodes*Row
	Nodes, Types int
	Row          int   // node i's features are obs[i*Row : (i+1)*Row]
	Hidden       []int // widths of the trunk's layers, one at least
	LSTM         int   // units of an LSTM after them, for [NewRecurrent]; 0: none
	Activation   Activation
}

// Validate reports what is wrong with the configuration.
func (c *AutoActorCriticConfig) Validate() error {
	if c.Nodes < 1 || c.Types < 1 || c.Row < 1 || c.Obs < c.Nodes*c.Row {
		return fmt.Errorf("nets: %d nodes of %d types with rows of %d in an observation of %d: want all positive, and the rows inside",
			c.Nodes, c.Types, c.Row, c.Obs)
	}
	return validateTrunk(c.Hidden, c.LSTM, c.Activation)
}

// An AutoActorCritic is a Policy whose action is node*Types + type, chosen in this order:
//
//	obs → trunk → h;   h → node head → node;   (h, node's row of obs) → type head → type;   h → value head → value
//
// The type head has one hidden layer, as wide as h.
//
// A node is legal if any of its types is; types are masked by the chosen node's part of legal. So
//
//	log π(action) = log π(node) + log π(type | node)
//
// and the entropy is H(node) + Σ_node π(node) H(type | node), of which the second part is estimated at the one node that
// was chosen. The estimate is unbiased; its derivative takes the choice as given.
type AutoActorCritic[T Float] struct {
	network[T]
	cfg                         AutoActorCriticConfig
	trunk                       trunk[T]
	nodeHead, typeHead, valHead *stack[T]
	nodes, types                []categorical[T]
	nodeLegal                   []bool // [n x Nodes]
	nodeAction, typeAction      []int
	joined                      []T // (h, node's row) [n x (width + Row)]
	out                         PolicyOut
	dnodes, dtypes, dvalues     []T
	dhidden, djoined            []T
}

// NewAutoActorCritic returns a network initialised as by [NewActorCritic].
func NewAutoActorCritic[T Float](cfg AutoActorCriticConfig, rng *rand.Rand) (*AutoActorCritic[T], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Hidden = slices.Clone(cfg.Hidden)
	a := &AutoActorCritic[T]{cfg: cfg}
	a.trunk = newTrunk[T]("trunk", cfg.Activation, cfg.LSTM, append([]int{cfg.Obs}, cfg.Hidden...)...)
	w := a.trunk.width()
	a.typeHead = newStack[T]("type_head", cfg.Activation, false, policyGain, w+cfg.Row, w, cfg.Types)
	a.nodeHead = newStack[T]("node_head", cfg.Activation, false, policyGain, w, cfg.Nodes)
	a.valHead = newStack[T]("value_head", cfg.Activation, false, valueGain, w, 1)
	a.network = newNetwork(rng, append(a.trunk.parts(), a.typeHead, a.nodeHead, a.valHead)...)
	return a, nil
}

func (a *AutoActorCritic[T]) lstm() *lstm[T] { return a.trunk.memory }

// Inputs is the width of an observation.
func (a *AutoActorCritic[T]) Inputs() int { return a.cfg.Obs }

// Actions is the number of actions, Nodes*Types.
func (a *AutoActorCritic[T]) Actions() int { return a.cfg.Nodes * a.cfg.Types }

// choice is how an action is chosen.
type choice uint8

const (
	sampled choice = iota
	greedy
	given
)

// Sample implements [Policy] with two random numbers for each row.
func (a *AutoActorCritic[T]) Sample(actions []int, obs []T, legal []bool, rng *rand.Rand) PolicyOut {
	return a.forward(sampled, actions, obs, legal, rng)
}

// Greedy implements [Policy] with the most probable type of the most probable node, which need not be the most probable
// action.
func (a *AutoActorCritic[T]) Greedy(actions []int, obs []T, legal []bool) PolicyOut {
	return a.forward(greedy, actions, obs, legal, nil)
}

// Evaluate implements [Policy].
func (a *AutoActorCritic[T]) Evaluate(actions []int, obs []T, legal []bool) PolicyOut {
	return a.forward(given, actions, obs, legal, nil)
}

// Values implements [Policy].
func (a *AutoActorCritic[T]) Values(obs []T, n int) []float64 {
	a.out = resizeOut(a.out, n)
	a.values(a.trunk.forward(obs[:n*a.cfg.Obs], n), n)
	return a.out.Value
}

// values fills in the values for h [n x width].
func (a *AutoActorCritic[T]) values(h []T, n int) {
	for i, v := range a.valHead.forward(h, n) {
		a.out.Value[i] = float64(v)
	}
}

// forward runs the network and chooses the actions, or reads them if they are given.
func (a *AutoActorCritic[T]) forward(how choice, actions []int, obs []T, legal []bool, rng *rand.Rand) PolicyOut {
	c, n, w := &a.cfg, len(actions), a.trunk.width()
	a.grow(n)
	h := a.trunk.forward(obs[:n*c.Obs], n)
	a.values(h, n)

	logits := a.nodeHead.forward(h, n)
	for i := range n {
		d, mask := &a.nodes[i], a.nodeLegal[i*c.Nodes:][:c.Nodes]
		legalNodes(mask, legal[i*c.Nodes*c.Types:], c.Types)
		d.Set(logits[i*c.Nodes:][:c.Nodes], mask)
		node := choose(how, d, actions[i]/c.Types, rng)
		a.nodeAction[i], a.out.LogProb[i], a.out.Entropy[i] = node, d.LogProb(node), d.Entropy()
		joined := a.joined[i*(w+c.Row):][:w+c.Row]
		copy(joined, h[i*w:][:w])
		copy(joined[w:], obs[i*c.Obs+node*c.Row:][:c.Row])
	}

	logits = a.typeHead.forward(a.joined, n)
	for i, node := range a.nodeAction {
		d := &a.types[i]
		d.Set(logits[i*c.Types:][:c.Types], legal[(i*c.Nodes+node)*c.Types:][:c.Types])
		typ := choose(how, d, actions[i]%c.Types, rng)
		a.typeAction[i], actions[i] = typ, node*c.Types+typ
		a.out.LogProb[i] += d.LogProb(typ)
		a.out.Entropy[i] += d.Entropy()
	}
	return a.out
}

// legalNodes writes of each node if any of its types is legal.
func legalNodes(dst, legal []bool, types int) {
	for node := range dst {
		dst[node] = slices.Contains(legal[node*types:(node+1)*types], true)
	}
}

// choose picks an action of d; action is the given one.
func choose[T Float](how choice, d *categorical[T], action int, rng *rand.Rand) int {
	switch how {
	case sampled:
		return d.Sample(rng.Float64())
	case greedy:
		return d.Greedy()
	default:
		d.mustAllow(action)
		return action
	}
}

// grow makes room for n rows.
func (a *AutoActorCritic[T]) grow(n int) {
	c, w := &a.cfg, a.trunk.width()
	if len(a.nodes) < n {
		a.nodes, a.types = newCategoricals[T](n, c.Nodes), newCategoricals[T](n, c.Types)
	}
	a.nodeLegal = resize(a.nodeLegal, n*c.Nodes)
	a.nodeAction, a.typeAction = resize(a.nodeAction, n), resize(a.typeAction, n)
	a.joined, a.djoined = resize(a.joined, n*(w+c.Row)), resize(a.djoined, n*(w+c.Row))
	a.dnodes, a.dtypes, a.dvalues = resize(a.dnodes, n*c.Nodes), resize(a.dtypes, n*c.Types), resize(a.dvalues, n)
	a.dhidden = resize(a.dhidden, n*w)
	a.out = resizeOut(a.out, n)
}

// Propagate implements [Policy].
func (a *AutoActorCritic[T]) Propagate(d PolicyOut) {
	c, n, w := &a.cfg, len(a.nodeAction), a.trunk.width()
	for i := range n {
		a.nodes[i].Grad(a.dnodes[i*c.Nodes:][:c.Nodes], a.nodeAction[i], d.LogProb[i], d.Entropy[i])
		a.types[i].Grad(a.dtypes[i*c.Types:][:c.Types], a.typeAction[i], d.LogProb[i], d.Entropy[i])
		a.dvalues[i] = T(d.Value[i])
	}
	a.typeHead.backward(a.djoined, a.dtypes, n, false)
	for i := range n { // h is the first part of what the type head saw; the rest is the observation
		copy(a.dhidden[i*w:][:w], a.djoined[i*(w+c.Row):])
	}
	a.nodeHead.backward(a.dhidden, a.dnodes, n, true)
	a.valHead.backward(a.dhidden, a.dvalues, n, true)
	a.trunk.backward(a.dhidden, n)
}

// Clone returns a network with the same parameters, zero gradients and its own workspace.
func (a *AutoActorCritic[T]) Clone() *AutoActorCritic[T] {
	c, err := NewAutoActorCritic[T](a.cfg, nil)
	if err != nil {
		panic(err) // the configuration was valid before
	}
	copy(c.params, a.params)
	return c
}

// ClonePolicy implements [Policy].
func (a *AutoActorCritic[T]) ClonePolicy() Policy[T] { return a.Clone() }

// Replica implements [Policy].
func (a *AutoActorCritic[T]) Replica() Policy[T] {
	r := a.Clone()
	r.share(&a.network)
	return r
}
