package nets

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// MLPConfig describes a multilayer perceptron.
type MLPConfig struct {
	Sizes      []int      // of the input, the hidden layers and the output; at least two
	Activation Activation // between layers; the output is linear
	OutputGain float64    // of the output layer's initial weights; hidden layers have √2
}

// Validate reports what is wrong with the configuration.
func (c *MLPConfig) Validate() error {
	if len(c.Sizes) < 2 || slices.Min(c.Sizes) < 1 {
		return fmt.Errorf("nets: sizes %v: want an input and an output at least, all positive", c.Sizes)
	}
	return c.Activation.Validate()
}

// An MLP is a multilayer perceptron with a linear output.
type MLP[T Float] struct {
	network[T]
	cfg  MLPConfig
	body *stack[T]
}

// NewMLP returns a network with orthogonal weights drawn from rng and zero biases; with a nil rng all are zero.
func NewMLP[T Float](cfg MLPConfig, rng *rand.Rand) (*MLP[T], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Sizes = slices.Clone(cfg.Sizes)
	m := &MLP[T]{cfg: cfg, body: newStack[T]("mlp", cfg.Activation, false, cfg.OutputGain, cfg.Sizes...)}
	m.network = newNetwork(rng, m.body)
	return m, nil
}

// Inputs is the width of the input.
func (m *MLP[T]) Inputs() int { return m.cfg.Sizes[0] }

// Outputs is the width of the output.
func (m *MLP[T]) Outputs() int { return m.cfg.Sizes[len(m.cfg.Sizes)-1] }

// Forward returns the outputs [n x Outputs] for x [n x Inputs]. They are valid until the next call of Forward. The
// network keeps x for Backward.
func (m *MLP[T]) Forward(x []T, n int) []T { return m.body.forward(x[:n*m.Inputs()], n) }

// Backward adds the gradients of the parameters, given the derivatives dout [n x Outputs] of a loss with respect to the
// last Forward's outputs.
func (m *MLP[T]) Backward(dout []T, n int) { m.body.backward(nil, dout[:n*m.Outputs()], n, false) }

// Clone returns a network with the same parameters, zero gradients and its own workspace.
func (m *MLP[T]) Clone() *MLP[T] {
	c, err := NewMLP[T](m.cfg, nil)
	if err != nil {
		panic(err) // the configuration was valid before
	}
	copy(c.params, m.params)
	return c
}

// Polyak moves target a fraction tau of the way to params: target += tau (params − target). A hard update is copy. Both
// have the same length, or it panics.
func Polyak[T Float](target, params []T, tau float64) {
	if len(target) != len(params) {
		panic(fmt.Sprintf("nets: Polyak of %d and %d parameters", len(target), len(params)))
	}
	t := T(tau)
	for i, p := range params {
		target[i] += mul(t, p-target[i])
	}
}
