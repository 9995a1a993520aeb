package nets

import (
	"fmt"
	"math/bits"

	// Gorgonia's tensors ask it at start whether this release of Go may run them. The version that they ask for knows
	// none after 1.20 and panics; with this import the newer one in go.mod stays there.
	_ "go4.org/unsafe/assume-no-moving-gc"
	"gorgonia.org/gorgonia"
)

// NewGorgoniaPolicy returns a policy over the parameters and gradients of p, an [ActorCritic] or an [AutoActorCritic],
// whose backward pass is a graph of gorgonia: Propagate differentiates
//
//	Σ_i d.LogProb_i log π(a_i) + d.Entropy_i H_i + d.Value_i V_i
//
// Acting and Evaluate are p's own. A graph takes one number of rows, so there is one for each power of two: the first
// Propagate of 33 to 64 rows builds one for 64, in a few milliseconds, and keeps it. Use p or the result, not both in
// turns: their workspace is one.
func NewGorgoniaPolicy[T Float](p Policy[T]) (Policy[T], error) {
	switch p := p.(type) {
	case *ActorCritic[T]:
		return &gorgoniaActorCritic[T]{p, tapes[actorCriticTape[T]]{}}, nil
	case *AutoActorCritic[T]:
		return &gorgoniaAutoActorCritic[T]{p, tapes[autoActorCriticTape[T]]{}}, nil
	default:
		return nil, fmt.Errorf("nets: no graph for a %T", p)
	}
}

// illegalLogit is added to logits of illegal actions: their probability becomes 0. It is finite, as 0·(−∞) is NaN in the
// entropy.
const illegalLogit = -1e9

// tapes are graphs by the number of rows that they take.
type tapes[G any] map[int]*G

// forRows returns a graph of at least n rows, and how many it has. A graph has one size for good, so batches are filled
// up to a power of two: rows whose derivatives are 0 add nothing.
func (t tapes[G]) forRows(n int, build func(rows int) *G) (tape *G, rows int) {
	rows = 1 << bits.Len(uint(n-1))
	if t[rows] == nil {
		t[rows] = build(rows)
	}
	return t[rows], rows
}

// finish adds the backward pass and compiles the graph. The machine needs no Close: it holds nothing but memory, and as
// nothing in its graph points to it, its finalizer does not keep it.
func (b *graphBuilder[T]) finish() gorgonia.VM {
	if _, err := gorgonia.Backpropagate(b.outputs, b.grads, b.params); err != nil {
		panic(err)
	}
	return gorgonia.NewTapeMachine(b.graph, gorgonia.BindDualValues(b.params...))
}

// run adds the gradients to the network's.
func run(machine gorgonia.VM) {
	if err := machine.RunAll(); err != nil {
		panic(err)
	}
	machine.Reset() // or the next run would start at the end
}

// A categoricalTape is the part of a graph that makes a distribution of logits.
type categoricalTape[T Float] struct {
	mask  []T // 0, or illegalLogit
	taken []T // derivatives with respect to log p: 0 but for the action's
	flat  []T // derivatives with respect to p log p: those of the entropy, with the sign changed
}

// categorical adds log p and p log p for logits [n x cols].
func (b *graphBuilder[T]) categorical(name string, logits *gorgonia.Node, cols int) (c categoricalTape[T]) {
	mask, memory := b.input(name+" mask", cols)
	c.mask = memory
	logp := b.logSoftmax(gorgonia.Must(gorgonia.Add(logits, mask)), cols)
	plogp := gorgonia.Must(gorgonia.HadamardProd(gorgonia.Must(gorgonia.Exp(logp)), logp))
	c.taken = b.output(name+" dlogp", logp, cols)
	c.flat = b.output(name+" dplogp", plogp, cols)
	return c
}

// fill sets the derivatives of rows; those after the last have none.
func (c *categoricalTape[T]) fill(rows []Categorical[T], actions []int, d PolicyOut) {
	clear(c.mask)
	clear(c.taken)
	clear(c.flat)
	for i, action := range actions {
		legal := rows[i].legal
		mask, flat := c.mask[i*len(legal):], c.flat[i*len(legal):]
		for j, ok := range legal {
			if !ok {
				mask[j] = illegalLogit
			}
			flat[j] = T(-d.Entropy[i])
		}
		c.taken[i*len(legal)+action] = T(d.LogProb[i])
	}
}

// fillUp copies src to dst and zeroes the rest.
func fillUp[T, U Float](dst []T, src []U) {
	for i, x := range src {
		dst[i] = T(x)
	}
	clear(dst[len(src):])
}

type gorgoniaActorCritic[T Float] struct {
	*ActorCritic[T]
	tapes tapes[actorCriticTape[T]]
}

type actorCriticTape[T Float] struct {
	machine gorgonia.VM
	obs     []T
	policy  categoricalTape[T]
	dvalue  []T // nil without a value
}

func (a *gorgoniaActorCritic[T]) build(n int) *actorCriticTape[T] {
	b, t := newGraphBuilder[T](n), &actorCriticTape[T]{}
	obs, memory := b.input("obs", a.cfg.Obs)
	t.obs = memory
	hidden := b.stack(a.policyBody, obs)
	t.policy = b.categorical("policy", b.stack(a.policyHead, hidden), a.cfg.Actions)
	if a.valueHead != nil {
		if a.valueBody != nil {
			hidden = b.stack(a.valueBody, obs)
		}
		t.dvalue = b.output("dvalue", b.stack(a.valueHead, hidden), 1)
	}
	t.machine = b.finish()
	return t
}

// Propagate implements [Policy].
func (a *gorgoniaActorCritic[T]) Propagate(d PolicyOut) {
	t, _ := a.tapes.forRows(len(a.actions), a.build)
	fillUp(t.obs, a.policyBody.input)
	t.policy.fill(a.rows, a.actions, d)
	if t.dvalue != nil {
		fillUp(t.dvalue, d.Value[:len(a.actions)])
	}
	run(t.machine)
}

// ClonePolicy implements [Policy].
func (a *gorgoniaActorCritic[T]) ClonePolicy() Policy[T] {
	return &gorgoniaActorCritic[T]{a.Clone(), tapes[actorCriticTape[T]]{}}
}

type gorgoniaAutoActorCritic[T Float] struct {
	*AutoActorCritic[T]
	tapes tapes[autoActorCriticTape[T]]
}

type autoActorCriticTape[T Float] struct {
	machine      gorgonia.VM
	obs, row     []T // row is the chosen node's part of obs
	nodes, types categoricalTape[T]
	dvalue       []T
}

func (a *gorgoniaAutoActorCritic[T]) build(n int) *autoActorCriticTape[T] {
	b, t, c := newGraphBuilder[T](n), &autoActorCriticTape[T]{}, &a.cfg
	obs, memory := b.input("obs", c.Obs)
	t.obs = memory
	row, memory := b.input("row", c.Row)
	t.row = memory
	hidden := b.stack(a.trunk, obs)
	t.nodes = b.categorical("nodes", b.stack(a.nodeHead, hidden), c.Nodes)
	t.types = b.categorical("types", b.stack(a.typeHead, b.join(hidden, row, a.width(), c.Row)), c.Types)
	t.dvalue = b.output("dvalue", b.stack(a.valHead, hidden), 1)
	t.machine = b.finish()
	return t
}

// Propagate implements [Policy].
func (a *gorgoniaAutoActorCritic[T]) Propagate(d PolicyOut) {
	c, n := &a.cfg, len(a.nodeAction)
	t, rows := a.tapes.forRows(n, a.build)
	fillUp(t.obs, a.trunk.input)
	for i, node := range a.nodeAction {
		copy(t.row[i*c.Row:(i+1)*c.Row], a.trunk.input[i*c.Obs+node*c.Row:])
	}
	clear(t.row[n*c.Row : rows*c.Row])
	t.nodes.fill(a.nodes, a.nodeAction, d)
	t.types.fill(a.types, a.typeAction, d)
	fillUp(t.dvalue, d.Value[:n])
	run(t.machine)
}

// ClonePolicy implements [Policy].
func (a *gorgoniaAutoActorCritic[T]) ClonePolicy() Policy[T] {
	return &gorgoniaAutoActorCritic[T]{a.Clone(), tapes[autoActorCriticTape[T]]{}}
}

// A GorgoniaMLP is an MLP whose Backward is a graph of gorgonia: it differentiates Σ dout·out. Everything else is the
// MLP's own, BackwardInput and Clone included.
type GorgoniaMLP[T Float] struct {
	*MLP[T]
	tapes tapes[mlpTape[T]]
}

type mlpTape[T Float] struct {
	machine gorgonia.VM
	x, dout []T
}

// NewGorgoniaMLP returns a network over the parameters and gradients of m. Use m or the result, not both in turns: their
// workspace is one.
func NewGorgoniaMLP[T Float](m *MLP[T]) *GorgoniaMLP[T] {
	return &GorgoniaMLP[T]{m, tapes[mlpTape[T]]{}}
}

func (m *GorgoniaMLP[T]) build(n int) *mlpTape[T] {
	b, t := newGraphBuilder[T](n), &mlpTape[T]{}
	x, memory := b.input("x", m.Inputs())
	t.x = memory
	t.dout = b.output("dout", b.stack(m.body, x), m.Outputs())
	t.machine = b.finish()
	return t
}

// Backward adds the gradients of the parameters, given the derivatives dout [n x Outputs] of a loss with respect to the
// last Forward's outputs.
func (m *GorgoniaMLP[T]) Backward(dout []T, n int) {
	t, _ := m.tapes.forRows(n, m.build)
	fillUp(t.x, m.body.input[:n*m.Inputs()])
	fillUp(t.dout, dout[:n*m.Outputs()])
	run(t.machine)
}
