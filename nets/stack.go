package nets

import (
	"fmt"
	"math/rand/v2"
)

// A stack is a sequence of dense layers with activations between them, and after the last one too if it is hidden. All
// networks are made of stacks.
type stack[T Float] struct {
	name    string
	act     Activation
	hidden  bool    // the output is activated
	gain    float64 // of the last layer's initial weights, unless hidden
	layers  []dense[T]
	kernels *kernels[T]

	input   []T   // of the last forward pass; the caller's
	outputs [][]T // of layer i, activated, [n x layers[i].out]
	deltas  [][]T // derivatives of the loss with respect to outputs[i]; none for the last one
	weights []T   // a transposed weight matrix
	zeros   []T   // one row, as wide as the widest layer
}

func newStack[T Float](name string, act Activation, hidden bool, gain float64, sizes ...int) *stack[T] {
	s := &stack[T]{name: name, act: act, hidden: hidden, gain: gain, kernels: kernelsOf[T]()}
	for i := range len(sizes) - 1 {
		s.layers = append(s.layers, dense[T]{in: sizes[i], out: sizes[i+1]})
	}
	s.outputs, s.deltas = make([][]T, len(s.layers)), make([][]T, len(s.layers)-1)
	return s
}

// size is the number of parameters.
func (s *stack[T]) size() (n int) {
	for i := range s.layers {
		n += s.layers[i].size()
	}
	return n
}

// bind makes the layers parts of the first size() elements of params and grads, and returns the rest of both.
func (s *stack[T]) bind(params, grads []T) (restParams, restGrads []T) {
	most, widest := 0, 0
	for i := range s.layers {
		l := &s.layers[i]
		params, grads = l.bind(params, grads)
		most, widest = max(most, l.in*l.out), max(widest, l.in)
	}
	s.weights, s.zeros = make([]T, most), make([]T, widest)
	return params, grads
}

// initialize draws orthogonal weights with gain √2 before an activation and s.gain before a linear output, and zeroes
// the biases.
func (s *stack[T]) initialize(rng *rand.Rand) {
	for i := range s.layers {
		l := &s.layers[i]
		gain := s.gain
		if i < len(s.layers)-1 || s.hidden {
			gain = hiddenGain
		}
		orthogonal(l.w, l.in, l.out, gain, rng)
		clear(l.b)
	}
}

// grow makes room for n rows.
func (s *stack[T]) grow(n int) {
	for i := range s.layers {
		l := &s.layers[i]
		s.outputs[i] = resize(s.outputs[i], n*l.out)
		if i < len(s.deltas) {
			s.deltas[i] = resize(s.deltas[i], n*l.out)
		}
	}
}

// resize returns a slice of n elements, x itself if it is large enough.
func resize[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

// forward computes the output [n x out] for x [n x in], which must stay as it is until backward.
func (s *stack[T]) forward(x []T, n int) []T {
	s.grow(n)
	s.input = x
	for i := range s.layers {
		y := s.outputs[i]
		s.layers[i].forward(s.kernels, y, x, n)
		if i < len(s.layers)-1 || s.hidden {
			s.activate(y)
		}
		x = y
	}
	return x
}

func (s *stack[T]) activate(y []T) {
	if s.act == ReLU {
		s.kernels.relu(y)
		return
	}
	s.kernels.tanh(y)
}

// activationGrad multiplies d by the derivative of the activation whose value is y.
func (s *stack[T]) activationGrad(d, y []T) {
	if s.act == ReLU {
		s.kernels.reluGrad(d, y)
		return
	}
	s.kernels.tanhGrad(d, y)
}

// backward adds the gradients of the parameters for the derivatives dy [n x out] of the last output. If the output is
// hidden, it overwrites dy. Unless dx is nil, it writes the derivatives of the input [n x in] to it, or adds them.
func (s *stack[T]) backward(dx, dy []T, n int, add bool) {
	if s.hidden {
		s.activationGrad(dy, s.outputs[len(s.layers)-1])
	}
	for i := len(s.layers) - 1; i >= 0; i-- {
		l, x := &s.layers[i], s.input
		if i > 0 {
			x = s.outputs[i-1]
		}
		l.backward(s.kernels, dy, x, n)
		zero := rowsOf(s.zeros, 0)
		if i > 0 {
			d := s.deltas[i-1]
			l.inputGrad(s.kernels, rowsOf(d, l.in), zero, dy, s.weights, n)
			s.activationGrad(d, x)
			dy = d
			continue
		}
		if dx == nil {
			return
		}
		to := rowsOf(dx, l.in)
		if add {
			zero = to
		}
		l.inputGrad(s.kernels, to, zero, dy, s.weights, n)
	}
}

// tensors names the parameters of layer i as those of <stack>.i.
func (s *stack[T]) tensors() (ts []Tensor[T]) {
	for i := range s.layers {
		ts = append(ts, s.layers[i].tensors(fmt.Sprintf("%s.%d", s.name, i))...)
	}
	return ts
}

// A part of a network has some of its parameters.
type part[T Float] interface {
	size() int
	bind(params, grads []T) (restParams, restGrads []T)
	initialize(rng *rand.Rand)
	tensors() []Tensor[T]
}

// A network is some parts over one slice of parameters.
type network[T Float] struct {
	params, grads []T
	parts         []part[T]
}

// newNetwork allocates the parameters of parts, in this order, and draws them.
func newNetwork[T Float](rng *rand.Rand, parts ...part[T]) network[T] {
	n := 0
	for _, p := range parts {
		n += p.size()
	}
	net := network[T]{make([]T, n), make([]T, n), parts}
	net.bind()
	if rng != nil {
		for _, p := range parts {
			p.initialize(rng)
		}
	}
	return net
}

// bind makes the parts use params and grads.
func (n *network[T]) bind() {
	params, grads := n.params, n.grads
	for _, p := range n.parts {
		params, grads = p.bind(params, grads)
	}
}

// share makes n a network over the parameters of another, with gradients of its own.
func (n *network[T]) share(of *network[T]) {
	n.params = of.params
	n.bind()
}

// Params returns all parameters, to read and to write.
func (n *network[T]) Params() []T { return n.params }

// Grads returns the gradients, laid out like Params. Backward passes add to them; [Adam.Step] sets them to 0.
func (n *network[T]) Grads() []T { return n.grads }

// Tensors returns the parameters as named tensors that share the memory of Params. Weights are [in x out], so that a
// layer is x·W + b.
func (n *network[T]) Tensors() (ts []Tensor[T]) {
	for _, p := range n.parts {
		ts = append(ts, p.tensors()...)
	}
	return ts
}
