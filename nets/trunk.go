package nets

import (
	"fmt"
	"slices"
)

// A trunk is hidden layers and, if it has one, an LSTM after them.
type trunk[T Float] struct {
	stack  *stack[T]
	memory *lstm[T] // may be nil
	output []T      // of the last forward pass
	dbody  []T      // derivatives of the hidden layers' output
}

// validateTrunk reports what is wrong with the configuration of a trunk.
func validateTrunk(hidden []int, units int, act Activation) error {
	if len(hidden) < 1 || slices.Min(hidden) < 1 {
		return fmt.Errorf("nets: hidden layers %v: want one at least, all positive", hidden)
	}
	if units < 0 {
		return fmt.Errorf("nets: an LSTM of %d units: want 0 or more", units)
	}
	return act.Validate()
}

// newTrunk returns hidden layers of the given sizes and, unless units is 0, an LSTM of so many cells.
func newTrunk[T Float](name string, act Activation, units int, sizes ...int) trunk[T] {
	t := trunk[T]{stack: newStack[T](name, act, true, 0, sizes...)}
	if units > 0 {
		t.memory = newLSTM[T](sizes[len(sizes)-1], units)
	}
	return t
}

// width is that of the output.
func (t *trunk[T]) width() int {
	if t.memory != nil {
		return t.memory.units
	}
	return t.stack.layers[len(t.stack.layers)-1].out
}

// parts are what has parameters.
func (t *trunk[T]) parts() []part[T] {
	if t.memory == nil {
		return []part[T]{t.stack}
	}
	return []part[T]{t.stack, t.memory}
}

// forward computes the output for x [n x in], which must stay as it is until backward.
func (t *trunk[T]) forward(x []T, n int) []T {
	t.output = t.stack.forward(x, n)
	if t.memory != nil {
		t.output = t.memory.forward(t.output, n)
	}
	return t.output
}

// backward adds the gradients of the parameters for the derivatives dy of the output, which it overwrites.
func (t *trunk[T]) backward(dy []T, n int) {
	if t.memory != nil {
		t.dbody = resize(t.dbody, n*t.memory.in)
		t.memory.backward(t.dbody, dy, n)
		dy = t.dbody
	}
	t.stack.backward(nil, dy, n, false)
}
