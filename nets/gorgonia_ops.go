package nets

import (
	"fmt"
	"hash"
	"hash/fnv"
	"io"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A graphOp is an operation on our kernels in a graph of gorgonia.
type graphOp struct {
	name    string         // all that it does: with the same name and operands, two operations become one
	result  gorgonia.Value // in memory of its own; or what the result is like
	inPlace bool           // the result is the first operand, overwritten
	compute func(operands []gorgonia.Value)
	wrt     []bool                                    // the operands that have derivatives; nil: none
	diff    func(y, dy *gorgonia.Node) gorgonia.Nodes // the derivatives

	types []hm.Type // of the operands and the result
}

// apply adds an operation to the graph of its operands. What gorgonia refuses is a mistake of ours, so it panics.
func apply(o graphOp, operands ...*gorgonia.Node) *gorgonia.Node {
	for _, x := range operands {
		o.types = append(o.types, x.Type())
	}
	o.types = append(o.types, gorgonia.TypeOf(o.result))
	if o.wrt == nil {
		o.wrt = make([]bool, len(operands))
	}
	return gorgonia.Must(gorgonia.ApplyOp(&o, operands...))
}

// Arity and what follows implement gorgonia.SDOp.
func (o *graphOp) Arity() int    { return len(o.types) - 1 }
func (o *graphOp) Type() hm.Type { return hm.NewFnType(o.types...) }
func (o *graphOp) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return o.result.Shape(), nil
}
func (o *graphOp) ReturnsPtr() bool      { return false }
func (o *graphOp) CallsExtern() bool     { return false }
func (o *graphOp) String() string        { return o.name }
func (o *graphOp) DiffWRT(int) []bool    { return o.wrt }
func (o *graphOp) WriteHash(h hash.Hash) { _, _ = io.WriteString(h, o.name) } // a hash never fails

func (o *graphOp) OverwritesInput() int {
	if o.inPlace {
		return 0
	}
	return -1
}

func (o *graphOp) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o *graphOp) Do(operands ...gorgonia.Value) (gorgonia.Value, error) {
	o.compute(operands)
	if o.inPlace {
		return operands[0], nil
	}
	return o.result, nil
}

func (o *graphOp) SymDiff(_ gorgonia.Nodes, y, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	return o.diff(y, dy), nil
}

// matrixOf makes a tensor of memory, which it shares.
func matrixOf[T Float](memory []T, rows, cols int) *tensor.Dense {
	return tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(memory))
}

// memoryOf is the memory of a tensor.
func memoryOf[T Float](v gorgonia.Value) []T {
	var memory any
	switch d := v.(*tensor.Dense); any(T(0)).(type) { // Data would allocate
	case float32:
		memory = d.Float32s()
	default:
		memory = d.Float64s()
	}
	return memory.([]T)
}

// stack adds the layers of s.
func (g *graph[T]) stack(s *stack[T], x *gorgonia.Node) *gorgonia.Node {
	for i := range s.layers {
		x = g.layer(s, &s.layers[i], i < len(s.layers)-1 || s.hidden, x)
	}
	return x
}

// layer adds y = act(x·W + b). With dz the derivatives of the loss before the activation,
//
//	dx = dz·Wᵀ,   dW = xᵀ·dz,   db = 1ᵀ·dz
func (g *graph[T]) layer(s *stack[T], l *dense[T], activated bool, x *gorgonia.Node) *gorgonia.Node {
	y, node := make([]T, g.rows*l.out), g.layers[l]
	inner := x.Op() != nil // not a batch, which needs no derivatives
	return apply(graphOp{
		name: "layer", result: matrixOf(y, g.rows, l.out),
		compute: func(operands []gorgonia.Value) {
			y := y[:g.n*l.out]
			l.forward(s.kernels, y, memoryOf[T](operands[0])[:g.n*l.in], g.n)
			if activated {
				s.activate(y)
			}
		},
		wrt: []bool{inner, true},
		diff: func(y, dz *gorgonia.Node) gorgonia.Nodes {
			if activated {
				dz = g.activationGrad(s, l, dz, y)
			}
			var dx *gorgonia.Node
			if inner {
				dx = g.inputGrad(s, l, dz, node.params)
			}
			return gorgonia.Nodes{dx, g.layerGrad(s, l, x, dz)}
		},
	}, x, node.params)
}

func (g *graph[T]) activationGrad(s *stack[T], l *dense[T], dy, y *gorgonia.Node) *gorgonia.Node {
	return apply(graphOp{
		name: "activation gradient", result: y.Op().(*graphOp).result, inPlace: true,
		compute: func(operands []gorgonia.Value) {
			size := g.n * l.out
			s.activationGrad(memoryOf[T](operands[0])[:size], memoryOf[T](operands[1])[:size])
		},
	}, dy, y)
}

func (g *graph[T]) inputGrad(s *stack[T], l *dense[T], dz, params *gorgonia.Node) *gorgonia.Node {
	dx := make([]T, g.rows*l.in)
	return apply(graphOp{
		name: "input gradient", result: matrixOf(dx, g.rows, l.in),
		compute: func(operands []gorgonia.Value) {
			dz := memoryOf[T](operands[0])[:g.n*l.out]
			l.inputGrad(s.kernels, rowsOf(dx, l.in), rowsOf(s.zeros, 0), dz, s.weights, g.n)
		},
	}, dz, params)
}

// layerGrad adds to the network's gradients, which Adam leaves at 0.
func (g *graph[T]) layerGrad(s *stack[T], l *dense[T], x, dz *gorgonia.Node) *gorgonia.Node {
	return apply(graphOp{
		name: "layer gradient", result: g.layers[l].grads,
		compute: func(operands []gorgonia.Value) {
			x, dz := memoryOf[T](operands[0])[:g.n*l.in], memoryOf[T](operands[1])[:g.n*l.out]
			l.backward(s.kernels, dz, x, g.n)
		},
	}, x, dz)
}

// join adds (h, part of x) for h [rows x width] and x [rows x inputs], row by row; the part of row i is the part(i)-th of
// so many inputs.
func (g *graph[T]) join(h, x *gorgonia.Node, width, inputs, size int, part func(i int) int) *gorgonia.Node {
	cols := width + size
	y := make([]T, g.rows*cols)
	return apply(graphOp{
		name: "join", result: matrixOf(y, g.rows, cols),
		compute: func(operands []gorgonia.Value) {
			h, x := memoryOf[T](operands[0]), memoryOf[T](operands[1])
			for i := range g.n {
				row := y[i*cols:][:cols]
				copy(row, h[i*width:][:width])
				copy(row[width:], x[i*inputs+part(i)*size:])
			}
		},
		wrt: []bool{true, false},
		diff: func(_, dy *gorgonia.Node) gorgonia.Nodes {
			dh := make([]T, g.rows*width)
			return gorgonia.Nodes{apply(graphOp{
				name: "join gradient", result: matrixOf(dh, g.rows, width),
				compute: func(operands []gorgonia.Value) {
					dy := memoryOf[T](operands[0])
					for i := range g.n {
						copy(dh[i*width:][:width], dy[i*cols:])
					}
				},
			}, dy), nil}
		},
	}, h, x)
}

// categorical adds what the distributions of logits [rows x actions] say of given actions: log-probabilities, and
// entropies [2 x rows]. Gorgonia's own softmax gives NaN under a mask.
func (g *graph[T]) categorical(
	name string, logits *gorgonia.Node, actions int, given func(i int) (legal []bool, action int),
) *gorgonia.Node {
	said, rows := make([]float64, 2*g.rows), newCategoricals[T](g.rows, actions)
	return apply(graphOp{
		name: name, result: matrixOf(said, 2, g.rows),
		compute: func(operands []gorgonia.Value) {
			logits := memoryOf[T](operands[0])
			for i := range g.n {
				legal, action := given(i)
				rows[i].Set(logits[i*actions:][:actions], legal)
				rows[i].mustAllow(action)
				said[i], said[g.rows+i] = rows[i].LogProb(action), rows[i].Entropy()
			}
		},
		wrt: []bool{true},
		diff: func(_, dsaid *gorgonia.Node) gorgonia.Nodes {
			dlogits := make([]T, g.rows*actions)
			return gorgonia.Nodes{apply(graphOp{
				name: name + " gradient", result: matrixOf(dlogits, g.rows, actions),
				compute: func(operands []gorgonia.Value) {
					d := memoryOf[float64](operands[0])
					for i := range g.n {
						_, action := given(i)
						rows[i].Grad(dlogits[i*actions:][:actions], action, d[i], d[g.rows+i])
					}
				},
			}, dsaid)}
		},
	}, logits)
}

// lossNode adds a loss, which compute returns. In passing, compute leaves the derivatives with respect to each operand; they
// hold where the graph ends with the loss.
func (g *graph[T]) lossNode(
	compute func(operands []gorgonia.Value) float64, derivatives []*tensor.Dense, operands ...*gorgonia.Node,
) *gorgonia.Node {
	loss, wrt := gorgonia.NewF64(0), make([]bool, len(operands))
	for i := range wrt {
		wrt[i] = true
	}
	return apply(graphOp{
		name: "loss", result: loss,
		compute: func(operands []gorgonia.Value) {
			g.loss = compute(operands)
			*loss = gorgonia.F64(g.loss)
		},
		wrt: wrt,
		diff: func(loss, _ *gorgonia.Node) (ds gorgonia.Nodes) {
			for i, d := range derivatives {
				ds = append(ds, apply(graphOp{
					name: fmt.Sprintf("derivatives %d", i), result: d, compute: func([]gorgonia.Value) {},
				}, loss))
			}
			return ds
		},
	}, operands...)
}

// op is what a node does: its operation, if that is ours. All others are sums of derivatives where heads share a tower, which
// allocate in gorgonia.
func (g *graph[T]) op(n *gorgonia.Node) gorgonia.Op {
	if own, ok := n.Op().(*graphOp); ok {
		return own
	}
	if n.Op().String() != "+ false" {
		panic(fmt.Sprintf("nets: an operation %v in a graph", n.Op()))
	}
	width := n.Shape()[1]
	sum := make([]T, g.rows*width)
	return &graphOp{
		name: "sum", result: matrixOf(sum, g.rows, width),
		compute: func(operands []gorgonia.Value) {
			size := g.n * width
			x, y := memoryOf[T](operands[0])[:size], memoryOf[T](operands[1])[:size]
			for i := range x {
				sum[i] = x[i] + y[i]
			}
		},
	}
}

// step adds the end: clipping to a global norm and a step of Adam. The result is the norm.
func (g *graph[T]) step(gradients gorgonia.Nodes) {
	norm := gorgonia.NewF64(0)
	apply(graphOp{
		name: "Adam", result: norm,
		compute: func([]gorgonia.Value) {
			g.norm = g.adam.Step(g.net.params, g.net.grads, g.lr, g.maxNorm)
			*norm = gorgonia.F64(g.norm)
		},
	}, gradients...)
}
