package nets

import (
	"hash"
	"hash/fnv"
	"io"
	"math"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A graphOp is an operation on matrices that gorgonia does not have, has wrong, or does slowly. It writes its result to
// memory of its own: a tape machine forgets what its registers held before each run and would allocate it again.
type graphOp[T Float] struct {
	name    string // all that it does: with the same name, shape and operands, two operations become one
	shape   tensor.Shape
	compute func(y []T, in [][]T)
	wrt     []bool // the operands that have derivatives
	diff    func(in gorgonia.Nodes, y, dy *gorgonia.Node) (gorgonia.Nodes, error)

	result *tensor.Dense
	y      []T // of result
	in     [][]T
}

// Arity and what follows implement gorgonia.SDOp.
func (o *graphOp[T]) Arity() int { return len(o.wrt) }

func (o *graphOp[T]) Type() hm.Type {
	types := make([]hm.Type, len(o.wrt)+1)
	for i := range types {
		types[i] = hm.TypeVariable('a')
	}
	return hm.NewFnType(types...)
}

func (o *graphOp[T]) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return o.shape.Clone(), nil
}

func (o *graphOp[T]) Do(values ...gorgonia.Value) (gorgonia.Value, error) {
	for i, v := range values {
		o.in[i] = v.Data().([]T)
	}
	o.compute(o.y, o.in)
	return o.result, nil
}

func (o *graphOp[T]) ReturnsPtr() bool      { return false }
func (o *graphOp[T]) CallsExtern() bool     { return false }
func (o *graphOp[T]) OverwritesInput() int  { return -1 }
func (o *graphOp[T]) String() string        { return o.name }
func (o *graphOp[T]) DiffWRT(int) []bool    { return o.wrt }
func (o *graphOp[T]) WriteHash(h hash.Hash) { _, _ = io.WriteString(h, o.name) } // a hash never fails

func (o *graphOp[T]) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o *graphOp[T]) SymDiff(in gorgonia.Nodes, y, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	return o.diff(in, y, dy)
}

// A graphBuilder adds to a graph for batches of n rows. What gorgonia refuses is a mistake of ours, so it panics.
type graphBuilder[T Float] struct {
	graph   *gorgonia.ExprGraph
	n       int
	kernels *kernels[T]

	params         gorgonia.Nodes
	outputs, grads gorgonia.Nodes // what has derivatives given from outside, and these
}

func newGraphBuilder[T Float](n int) *graphBuilder[T] {
	return &graphBuilder[T]{graph: gorgonia.NewGraph(), n: n, kernels: kernelsOf[T]()}
}

// matrixOf makes a tensor of memory, which it shares.
func matrixOf[T Float](memory []T, rows, cols int) *tensor.Dense {
	return tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(memory))
}

// input adds a matrix [n x cols] that is filled in before each run.
func (b *graphBuilder[T]) input(name string, cols int) (*gorgonia.Node, []T) {
	memory := make([]T, b.n*cols)
	value := matrixOf(memory, b.n, cols)
	return gorgonia.NewMatrix(b.graph, value.Dtype(), gorgonia.WithName(name), gorgonia.WithShape(b.n, cols),
		gorgonia.WithValue(value)), memory
}

// param adds parameters in the network's memory. A run adds to their gradients, which are in the network's memory, too.
func (b *graphBuilder[T]) param(name string, value, grad []T, rows, cols int) *gorgonia.Node {
	v := matrixOf(value, rows, cols)
	p := gorgonia.NewMatrix(b.graph, v.Dtype(), gorgonia.WithName(name), gorgonia.WithShape(rows, cols),
		gorgonia.WithValue(v), gorgonia.WithGrad(matrixOf(grad, rows, cols)))
	b.params = append(b.params, p)
	return p
}

// output gives y [n x cols] derivatives from outside.
func (b *graphBuilder[T]) output(name string, y *gorgonia.Node, cols int) (dy []T) {
	node, dy := b.input(name, cols)
	b.outputs, b.grads = append(b.outputs, y), append(b.grads, node)
	return dy
}

// apply adds an operation with a result [rows x cols]. Without diff it has no derivatives.
func (b *graphBuilder[T]) apply(o graphOp[T], rows, cols int, operands ...*gorgonia.Node) *gorgonia.Node {
	o.shape, o.y, o.in = tensor.Shape{rows, cols}, make([]T, rows*cols), make([][]T, len(operands))
	o.result = matrixOf(o.y, rows, cols)
	if o.wrt == nil {
		o.wrt = make([]bool, len(operands))
	}
	return gorgonia.Must(gorgonia.ApplyOp(&o, operands...))
}

// stack adds the layers of s.
func (b *graphBuilder[T]) stack(s *stack[T], x *gorgonia.Node) *gorgonia.Node {
	named := s.tensors()
	for i := range s.layers {
		l := &s.layers[i]
		w := b.param(named[2*i].Name, l.w, l.dw, l.in, l.out)
		bias := b.param(named[2*i+1].Name, l.b, l.db, 1, l.out)
		activated := i < len(s.layers)-1 || s.hidden
		x = b.layer(s, l.in, l.out, activated, x, w, bias)
	}
	return x
}

// layer adds y = act(x·W + b). With dz the derivatives of the loss before the activation,
//
//	dx = dz·Wᵀ,   dW = xᵀ·dz,   db = 1ᵀ·dz
func (b *graphBuilder[T]) layer(s *stack[T], in, out int, activated bool, x, w, bias *gorgonia.Node) *gorgonia.Node {
	n, k := b.n, b.kernels
	given := x.Op() == nil // an input, which needs no derivatives
	zeros := rowsOf(make([]T, max(in, out)), 0)
	name := "layer"
	if activated {
		name = string(s.act) + " layer"
	}

	forward := graphOp[T]{name: name, wrt: []bool{!given, true, true}}
	forward.compute = func(y []T, v [][]T) {
		l := dense[T]{in: in, out: out, w: v[1], b: v[2]}
		l.forward(k, y, v[0], n)
		if activated {
			s.activate(y)
		}
	}
	forward.diff = func(operands gorgonia.Nodes, y, dz *gorgonia.Node) (gorgonia.Nodes, error) {
		if activated {
			dz = b.apply(graphOp[T]{name: name + " activation gradient", compute: func(dz []T, v [][]T) {
				copy(dz, v[0])
				s.activationGrad(dz, v[1])
			}}, n, out, dz, y)
		}
		var dx *gorgonia.Node
		if !given {
			scratch := make([]T, in*out)
			dx = b.apply(graphOp[T]{name: "dz·Wᵀ", compute: func(dx []T, v [][]T) {
				l := dense[T]{in: in, out: out, w: v[1]}
				l.inputGrad(k, rowsOf(dx, in), zeros, v[0], scratch, n)
			}}, n, in, dz, operands[1])
		}
		dw := b.apply(graphOp[T]{name: "xᵀ·dz", compute: func(dw []T, v [][]T) {
			k.gemm(rowsOf(dw, out), zeros, rowsOf(v[0], in).transposed(), rowsOf(v[1], out), in, out, n)
		}}, in, out, operands[0], dz)
		one := []T{1}
		db := b.apply(graphOp[T]{name: "1ᵀ·dz", compute: func(db []T, v [][]T) {
			k.gemm(rowsOf(db, out), zeros, matrix[T]{one, 0, 0}, rowsOf(v[0], out), 1, out, n)
		}}, 1, out, dz)
		return gorgonia.Nodes{dx, dw, db}, nil
	}
	return b.apply(forward, n, out, x, w, bias)
}

// logSoftmax adds y = x − log Σ exp x for each row of x. Gorgonia's own takes one maximum for all rows, the first element
// of the matrix if that is the largest, and gives NaN where it is far from a row's. The derivatives are
//
//	dx = dy − exp(y) Σ dy
func (b *graphBuilder[T]) logSoftmax(x *gorgonia.Node, cols int) *gorgonia.Node {
	forward := graphOp[T]{name: "log softmax", wrt: []bool{true}}
	forward.compute = func(y []T, v [][]T) {
		for lo := 0; lo < len(y); lo += cols {
			row, out := v[0][lo:lo+cols], y[lo:lo+cols]
			top, sum := row[0], 0.0
			for _, x := range row[1:] {
				top = max(top, x)
			}
			for _, x := range row {
				sum += math.Exp(float64(x - top))
			}
			logSum := math.Log(sum)
			for j, x := range row {
				out[j] = T(float64(x-top) - logSum)
			}
		}
	}
	forward.diff = func(_ gorgonia.Nodes, y, dy *gorgonia.Node) (gorgonia.Nodes, error) {
		p, err := gorgonia.Exp(y)
		if err != nil {
			return nil, err
		}
		return gorgonia.Nodes{b.apply(graphOp[T]{name: "log softmax gradient", compute: func(dx []T, v [][]T) {
			for lo := 0; lo < len(dx); lo += cols {
				dy, p, sum := v[0][lo:lo+cols], v[1][lo:lo+cols], T(0)
				for _, d := range dy {
					sum += d
				}
				for j, d := range dy {
					dx[lo+j] = d - mul(p[j], sum)
				}
			}
		}}, b.n, cols, dy, p)}, nil
	}
	return b.apply(forward, b.n, cols, x)
}

// join adds y = (x, rest), row by row; rest is an input.
func (b *graphBuilder[T]) join(x, rest *gorgonia.Node, width, more int) *gorgonia.Node {
	n, cols := b.n, width+more
	forward := graphOp[T]{name: "join", wrt: []bool{true, false}}
	forward.compute = func(y []T, v [][]T) {
		for i := range n {
			copy(y[i*cols:], v[0][i*width:(i+1)*width])
			copy(y[i*cols+width:], v[1][i*more:(i+1)*more])
		}
	}
	forward.diff = func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
		return gorgonia.Nodes{b.apply(graphOp[T]{name: "first columns", compute: func(dx []T, v [][]T) {
			for i := range n {
				copy(dx[i*width:(i+1)*width], v[0][i*cols:])
			}
		}}, n, width, dy), nil}, nil
	}
	return b.apply(forward, n, cols, x, rest)
}
