package dqn

import (
	"math/rand/v2"

	"idsrl/nets"
)

// network is Q(s, ·). A dueling one (Wang et al. 2016, arXiv:1511.06581, equation 9) has one output more, the value of
// the state, and
//
//	Q(s, a) = V(s) + A(s, a) − mean_a' A(s, a')
//
// The mean is over all actions, as in the paper, not only over legal ones: then Q depends on nothing but the observation,
// and no mask has to be known where Q of one action is asked for.
type network struct {
	*nets.MLP[float32]
	actions int
	dueling bool
	q, dout []float32 // of a dueling one: Q, and derivatives with respect to outputs
}

// outputGain makes all values small before training.
const outputGain = 0.01

func newNetwork(c *Config, inputs, actions int, rng *rand.Rand) (*network, error) {
	sizes := append([]int{inputs}, c.Hidden...)
	outputs := actions
	if c.Dueling {
		outputs++
	}
	mlp, err := nets.NewMLP[float32](nets.MLPConfig{
		Sizes: append(sizes, outputs), Activation: nets.Activation(c.Activation), OutputGain: outputGain,
	}, rng)
	if err != nil {
		return nil, err
	}
	return &network{MLP: mlp, actions: actions, dueling: c.Dueling}, nil
}

// clone is a network with the same parameters and its own workspace.
func (n *network) clone() *network {
	return &network{MLP: n.MLP.Clone(), actions: n.actions, dueling: n.dueling}
}

// values returns Q [rows x actions] of obs [rows x inputs]. It holds until the next call.
func (n *network) values(obs []float32, rows int) []float32 { return n.combine(n.Forward(obs, rows)) }

// combine returns Q of outputs.
func (n *network) combine(out []float32) []float32 {
	if !n.dueling {
		return out
	}
	rows := len(out) / (n.actions + 1)
	if len(n.q) < rows*n.actions {
		n.q, n.dout = make([]float32, rows*n.actions), make([]float32, rows*(n.actions+1))
	}
	for i := range rows {
		q, advantage := n.q[i*n.actions:(i+1)*n.actions], out[i*(n.actions+1):]
		value := advantage[n.actions] - mean(advantage[:n.actions])
		for a := range q {
			q[a] = advantage[a] + value
		}
	}
	return n.q[:rows*n.actions]
}

// backward adds the gradients of a loss, given its derivatives dq with respect to what values returned.
func (n *network) backward(dq []float32, rows int) {
	if !n.dueling {
		n.Backward(dq, rows)
		return
	}
	n.split(n.dout, dq)
	n.Backward(n.dout, rows)
}

// split is the backward pass of combine: it writes the derivatives with respect to the outputs of a dueling network.
func (n *network) split(dout, dq []float32) {
	for i := range len(dq) / n.actions {
		d, row := dq[i*n.actions:(i+1)*n.actions], dout[i*(n.actions+1):]
		average := mean(d)
		for a, x := range d {
			row[a] = x - average
		}
		row[n.actions] = average * float32(n.actions)
	}
}

// graph makes updates by steps of adam on a loss. Given Q, loss returns it and writes its derivatives to dq, which has room
// for any batch.
func (n *network) graph(
	adam *nets.Adam[float32], dq []float32, loss func(dq, q []float32) float64,
) *nets.MLPGraph[float32] {
	if !n.dueling {
		return nets.NewMLPGraph(n.MLP, adam, loss)
	}
	return nets.NewMLPGraph(n.MLP, adam, func(dout, out []float32) float64 {
		q := n.combine(out)
		dq := dq[:len(q)]
		value := loss(dq, q)
		n.split(dout, dq)
		return value
	})
}

func mean(xs []float32) float32 {
	sum := float32(0)
	for _, x := range xs {
		sum += x
	}
	return sum / float32(len(xs))
}
