package nets

import (
	"fmt"
	"math/bits"
	"slices"

	// Gorgonia's tensors ask it at start whether this release of Go may run them. The version that they ask for knows
	// none after 1.20 and panics; with this import the newer one in go.mod stays there.
	_ "go4.org/unsafe/assume-no-moving-gc"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A graph is an update of a network as a graph of gorgonia: the layers, a loss, the gradients by symbolic
// differentiation, and a step of Adam. Parameters and gradients are the network's own memory.
type graph[T Float] struct {
	net    *network[T]
	adam   *Adam[T] // nil: gradients only
	inputs int
	build  func(x *gorgonia.Node) (loss *gorgonia.Node)

	rows   int // that there is room for
	n      int // of the batch at hand; operations leave the other rows alone
	x      []T // [rows x inputs]
	nodes  *gorgonia.ExprGraph
	layers map[*dense[T]]layerNode
	tape   tape

	lr, maxNorm float64 // of the update at hand
	loss, norm  float64 // of the last update
}

// A layerNode is the parameters of a layer [(in+1) x out], weights and then the bias, and the memory of their gradients.
type layerNode struct {
	params *gorgonia.Node
	grads  *tensor.Dense
}

func newGraph[T Float](net *network[T], adam *Adam[T], inputs int) (graph[T], error) {
	for _, p := range net.parts {
		if _, ok := p.(*stack[T]); !ok {
			return graph[T]{}, fmt.Errorf("nets: no graph for a network with a %T", p)
		}
	}
	return graph[T]{net: net, adam: adam, inputs: inputs}, nil
}

// minRows is what there is room for at least: few rows more cost little, another graph some milliseconds.
const minRows = 64

// update makes an update with a batch x [n x inputs]. A graph has its shapes for good: where there is no room for n rows,
// a new one takes its place, in some milliseconds.
func (g *graph[T]) update(x []T, n int, lr, maxNorm float64) (loss, norm float64) {
	if g.rows < n {
		g.compile(max(minRows, 1<<bits.Len(uint(n-1))))
	}
	g.n, g.lr, g.maxNorm = n, lr, maxNorm
	copy(g.x, x[:n*g.inputs])
	g.tape.run()
	return g.loss, g.norm
}

// compile makes the graph for at most so many rows.
func (g *graph[T]) compile(rows int) {
	g.rows, g.x = rows, make([]T, rows*g.inputs)
	g.nodes, g.layers = gorgonia.NewGraph(), map[*dense[T]]layerNode{}
	var wrt gorgonia.Nodes
	params, grads := g.net.params, g.net.grads
	for _, p := range g.net.parts {
		s := p.(*stack[T])
		for i := range s.layers {
			l := &s.layers[i]
			size := l.size()
			node := g.input(fmt.Sprintf("%s.%d", s.name, i), matrixOf(params[:size], l.in+1, l.out))
			g.layers[l] = layerNode{node, matrixOf(grads[:size], l.in+1, l.out)}
			wrt, params, grads = append(wrt, node), params[size:], grads[size:]
		}
	}
	loss := g.build(g.input("x", matrixOf(g.x, rows, g.inputs)))
	one := gorgonia.NewScalar(g.nodes, tensor.Float64, gorgonia.WithName("1"), gorgonia.WithValue(1.0))
	gradients, err := gorgonia.Backpropagate(gorgonia.Nodes{loss}, gorgonia.Nodes{one}, wrt)
	if err != nil {
		panic(err)
	}
	if g.adam != nil {
		g.step(gradients)
	}
	g.tape = newTape(g.nodes, g.op)
}

// input adds a matrix that is there before a run.
func (g *graph[T]) input(name string, value *tensor.Dense) *gorgonia.Node {
	return gorgonia.NewMatrix(g.nodes, value.Dtype(), gorgonia.WithName(name), gorgonia.WithShape(value.Shape()...),
		gorgonia.WithValue(value))
}

// A tape runs the operations of a graph in order. Gorgonia's TapeMachine does the same on a goroutine and a thread of its
// own and with four allocations an operation, which is a fifth of the time of an update with 64 rows.
type tape struct {
	values []gorgonia.Value // of nodes, operands first
	steps  []tapeStep
}

type tapeStep struct {
	op       gorgonia.Op
	from     []int // its operands among the values
	to       int
	operands []gorgonia.Value
}

// newTape makes the tape of a graph; op is what a node with an operation does.
func newTape(g *gorgonia.ExprGraph, op func(*gorgonia.Node) gorgonia.Op) (t tape) {
	nodes, err := gorgonia.Sort(g)
	if err != nil {
		panic(err)
	}
	slices.Reverse(nodes)
	index := map[int64]int{}
	for i, n := range nodes {
		index[n.ID()], t.values = i, append(t.values, n.Value())
		if n.Op() == nil {
			continue
		}
		s := tapeStep{op: op(n), to: i}
		for operands := g.From(n.ID()); operands.Next(); {
			s.from = append(s.from, index[operands.Node().ID()])
		}
		s.operands = make([]gorgonia.Value, len(s.from))
		t.steps = append(t.steps, s)
	}
	return t
}

func (t *tape) run() {
	for _, s := range t.steps {
		for i, from := range s.from {
			s.operands[i] = t.values[from]
		}
		var err error
		if t.values[s.to], err = s.op.Do(s.operands...); err != nil {
			panic(err)
		}
	}
}

// An MLPGraph makes updates of an [MLP] by a graph of gorgonia.
type MLPGraph[T Float] struct{ graph[T] }

// NewMLPGraph returns the updates of m by steps of adam on a loss: given outputs [n x Outputs], loss returns it and writes
// its derivatives to dout.
func NewMLPGraph[T Float](m *MLP[T], adam *Adam[T], loss func(dout, out []T) float64) *MLPGraph[T] {
	g := &MLPGraph[T]{}
	var err error
	if g.graph, err = newGraph(&m.network, adam, m.Inputs()); err != nil {
		panic(err) // all parts of an MLP are layers
	}
	g.build = func(x *gorgonia.Node) *gorgonia.Node {
		width := m.Outputs()
		dout := make([]T, g.rows*width)
		return g.lossNode(func(operands []gorgonia.Value) float64 {
			return loss(dout[:g.n*width], memoryOf[T](operands[0])[:g.n*width])
		}, []*tensor.Dense{matrixOf(dout, g.rows, width)}, g.stack(m.body, x))
	}
	return g
}

// Update makes one with a batch x [n x Inputs], as Forward, Backward and [Adam.Step] do. It returns the loss, and the norm
// of its gradient before that was clipped to maxNorm.
func (g *MLPGraph[T]) Update(x []T, n int, lr, maxNorm float64) (loss, norm float64) {
	return g.update(x, n, lr, maxNorm)
}

// A PolicyGraph makes updates of a [Policy] by a graph of gorgonia.
type PolicyGraph[T Float] struct {
	graph[T]
	lossOf  func(d, now PolicyOut) float64
	actions []int // of the update at hand
	legal   []bool
}

// NewPolicyGraph returns the updates of p, an [ActorCritic] or an [AutoActorCritic] without an LSTM, by steps of adam on a
// loss: given what p says now, loss returns it and writes its derivatives with respect to that to d. With a nil adam there
// are only gradients.
func NewPolicyGraph[T Float](p Policy[T], adam *Adam[T], loss func(d, now PolicyOut) float64) (*PolicyGraph[T], error) {
	g := &PolicyGraph[T]{lossOf: loss}
	var err error
	switch p := p.(type) {
	case *ActorCritic[T]:
		g.graph, err = newGraph(&p.network, adam, p.Inputs())
		g.build = func(x *gorgonia.Node) *gorgonia.Node { return g.actorCritic(p, x) }
	case *AutoActorCritic[T]:
		g.graph, err = newGraph(&p.network, adam, p.Inputs())
		g.build = func(x *gorgonia.Node) *gorgonia.Node { return g.autoActorCritic(p, x) }
	default:
		err = fmt.Errorf("nets: no graph for a %T", p)
	}
	return g, err
}

// Update makes one with a batch, as Evaluate, Propagate and [Adam.Step] do. It returns the loss, and the norm of its
// gradient before that was clipped to maxNorm.
func (g *PolicyGraph[T]) Update(actions []int, obs []T, legal []bool, lr, maxNorm float64) (loss, norm float64) {
	g.actions, g.legal = actions, legal
	return g.update(obs, len(actions), lr, maxNorm)
}

// Gradient adds the gradient of the loss of a batch to that of the network, as Evaluate and Propagate do. It is for a graph
// without Adam.
func (g *PolicyGraph[T]) Gradient(actions []int, obs []T, legal []bool) (loss float64) {
	loss, _ = g.Update(actions, obs, legal, 0, 0)
	return loss
}

func (g *PolicyGraph[T]) actorCritic(a *ActorCritic[T], x *gorgonia.Node) (loss *gorgonia.Node) {
	width := a.cfg.Actions
	h := g.stack(a.policyBody.stack, x)
	said := g.categorical("action", g.stack(a.policyHead, h), width, func(i int) ([]bool, int) {
		return g.legal[i*width : (i+1)*width], g.actions[i]
	})
	if a.valueHead == nil {
		return g.policyLoss(nil, said)
	}
	if a.valueBody != nil {
		h = g.stack(a.valueBody, x)
	}
	return g.policyLoss(g.stack(a.valueHead, h), said)
}

func (g *PolicyGraph[T]) autoActorCritic(a *AutoActorCritic[T], x *gorgonia.Node) (loss *gorgonia.Node) {
	c := &a.cfg
	h := g.stack(a.trunk.stack, x)
	legal := make([]bool, g.rows*c.Nodes)
	node := g.categorical("node", g.stack(a.nodeHead, h), c.Nodes, func(i int) ([]bool, int) {
		row := legal[i*c.Nodes:][:c.Nodes]
		legalNodes(row, g.legal[i*c.Nodes*c.Types:], c.Types)
		return row, g.actions[i] / c.Types
	})
	joined := g.join(h, x, a.trunk.width(), c.Obs, c.Row, func(i int) int { return g.actions[i] / c.Types })
	typ := g.categorical("type", g.stack(a.typeHead, joined), c.Types, func(i int) ([]bool, int) {
		return g.legal[(i*c.Nodes+g.actions[i]/c.Types)*c.Types:][:c.Types], g.actions[i] % c.Types
	})
	return g.policyLoss(g.stack(a.valHead, h), node, typ)
}

// policyLoss adds the loss of values [rows x 1], which may be nil, and of what distributions say, the sum of all.
func (g *PolicyGraph[T]) policyLoss(values *gorgonia.Node, said ...*gorgonia.Node) *gorgonia.Node {
	now, d := NewPolicyOut(g.rows), NewPolicyOut(g.rows)
	dsaid, dvalues := make([]float64, 2*g.rows), make([]T, g.rows)
	d.LogProb, d.Entropy = dsaid[:g.rows], dsaid[g.rows:]
	var derivatives []*tensor.Dense
	for range said {
		derivatives = append(derivatives, matrixOf(dsaid, 2, g.rows))
	}
	operands := said
	if values != nil {
		operands, derivatives = append(operands, values), append(derivatives, matrixOf(dvalues, g.rows, 1))
	}
	return g.lossNode(func(operands []gorgonia.Value) float64 {
		now, d := now.Rows(g.n), d.Rows(g.n)
		clear(now.LogProb)
		clear(now.Entropy)
		for k := range said {
			out := memoryOf[float64](operands[k])
			for i := range g.n {
				now.LogProb[i] += out[i]
				now.Entropy[i] += out[g.rows+i]
			}
		}
		if values != nil {
			convert(now.Value, memoryOf[T](operands[len(said)]))
		}
		loss := g.lossOf(d, now)
		convert(dvalues, d.Value)
		return loss
	}, derivatives, operands...)
}

// convert copies as many elements as dst and src both have.
func convert[T, U Float](dst []T, src []U) {
	for i := range min(len(dst), len(src)) {
		dst[i] = T(src[i])
	}
}
