package nets

import (
	"fmt"
	"slices"
)

// Activation is the function between layers.
type Activation string

// The activations.
const (
	Tanh Activation = "tanh"
	ReLU Activation = "relu"
)

// Activations are all activations.
var Activations = []Activation{Tanh, ReLU}

// Validate reports a name that is not an activation's.
func (a Activation) Validate() error {
	if !slices.Contains(Activations, a) {
		return fmt.Errorf("nets: no activation is called %q; there are %q", string(a), Activations)
	}
	return nil
}

// dense is an affine map y = x·W + b. Parameters and gradients are sub-slices of the network's.
type dense[T Float] struct {
	in, out int
	w, dw   []T // [in x out]
	b, db   []T // [out]
	one     [1]T
}

// size is the number of parameters.
func (l *dense[T]) size() int { return l.in*l.out + l.out }

// bind makes the layer the first size() elements of params and grads, and returns the rest of both.
func (l *dense[T]) bind(params, grads []T) (restParams, restGrads []T) {
	cut := func(from *[]T, n int) []T {
		part := (*from)[:n:n]
		*from = (*from)[n:]
		return part
	}
	l.w, l.dw = cut(&params, l.in*l.out), cut(&grads, l.in*l.out)
	l.b, l.db = cut(&params, l.out), cut(&grads, l.out)
	l.one[0] = 1
	return params, grads
}

// tensors names the parameters: <name>.weight [in x out] and <name>.bias [out].
func (l *dense[T]) tensors(name string) []Tensor[T] {
	return []Tensor[T]{{name + ".weight", []int{l.in, l.out}, l.w}, {name + ".bias", []int{l.out}, l.b}}
}

// forward computes y [n x out] from x [n x in].
func (l *dense[T]) forward(k *kernels[T], y, x []T, n int) {
	k.gemm(rowsOf(y, l.out), rowsOf(l.b, 0), rowsOf(x, l.in), rowsOf(l.w, l.out), n, l.out, l.in)
}

// backward adds the gradients of the parameters:
//
//	dW += xᵀ·dy,   db += 1ᵀ·dy
func (l *dense[T]) backward(k *kernels[T], dy, x []T, n int) {
	if l.out == 1 { // as dWᵀ += dyᵀ·x: a single column is laid out like its transpose, and long rows are faster
		dw := rowsOf(l.dw, l.in)
		k.gemm(dw, dw, rowsOf(dy, 1).transposed(), rowsOf(x, l.in), 1, l.in, n)
	} else {
		dw := rowsOf(l.dw, l.out)
		k.gemm(dw, dw, rowsOf(x, l.in).transposed(), rowsOf(dy, l.out), l.in, l.out, n)
	}
	db, ones := rowsOf(l.db, l.out), matrix[T]{l.one[:], 0, 0}
	k.gemm(db, db, ones, rowsOf(dy, l.out), 1, l.out, n)
}

// inputGrad computes dx [n x in] = init + dy·Wᵀ; init is dx itself, or one row of zeros with stride 0. scratch holds
// in*out values.
func (l *dense[T]) inputGrad(k *kernels[T], dx, init matrix[T], dy, scratch []T, n int) {
	k.transpose(scratch[:l.in*l.out], l.w, l.in, l.out)
	k.gemm(dx, init, rowsOf(dy, l.out), rowsOf(scratch, l.in), n, l.in, l.out)
}
