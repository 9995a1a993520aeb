// Package nets holds the small neural networks of reinforcement learning: multilayer perceptrons, masked policies, their
// losses in closed form, and Adam. It computes on the CPU without cgo and, after the first call, without allocating,
// except where gorgonia is asked for.
//
// # A training step
//
//	net, err := nets.NewActorCritic[float32](config, rng)
//	adam := nets.NewAdam[float32](len(net.Params()))
//	...
//	out := net.Sample(actions, obs, legal, rng)     // act: out.LogProb and out.Value go to the rollout
//	...
//	out := net.Evaluate(actions, obs, legal)        // the same rows under the weights of now
//	m := nets.PPOLoss(d, out, batch, coefficients)  // d: derivatives with respect to out
//	net.Propagate(d)                                // adds to net.Grads()
//	norm := adam.Step(net.Params(), net.Grads(), learningRate, maxNorm) // clips, updates, zeroes the gradients
//
// Q-learning does the same with an [MLP]: Forward, [QLoss], Backward, Step; [Polyak] or copy for its target network.
//
// # Memory
//
// Matrices are slices, row by row; row i of a batch is x[i*width : (i+1)*width]. All parameters of a network are one
// slice, Params, and all gradients another of the same layout, Grads, so that checkpoints, target networks and
// optimizers are single loops. Tensors names the parts. Params may be written at any time: nothing is derived from
// them ahead of a call.
//
// What a method returns is the network's own workspace and holds until its next call. A network belongs to one
// goroutine at a time; Clone it for another.
//
// # Gorgonia
//
// Backward passes are written out by hand. [NewGorgoniaPolicy] and [NewGorgoniaMLP] put graphs of gorgonia in their
// place, over the same parameters and gradients; acting, losses and Adam stay. That takes about three times as long and
// allocates. Tests hold the two equal, and both equal to a graph of nothing but gorgonia's own operations. Of gorgonia
// there is the symbolic differentiation, elementwise operations and the tape machine. Layers and log-softmax are
// operations of ours: gorgonia's softmax gives NaN under a mask. Its LispMachine, which gets gradients of minima and
// maxima wrong, its initialisers, which nobody can seed, and its optimizers are not used. A graph belongs to its network,
// and so to the same goroutine. No type of gorgonia leaves this package, and only the files gorgonia*.go import it.
//
// # Precision and determinism
//
// Networks train in float32 and are generic over float64, in which the tests check gradients. On amd64 with AVX2 and FMA
// the float32 kernels are assembly, elsewhere, or with the build tag purego, plain Go. The same calls give the same bits
// on one machine, and a row gives the same bits in a batch of any size. Plain Go also agrees between machines, apart
// from what package math does. Assembly and plain Go differ in the last bits, as one rounds once where the other
// rounds twice.
package nets
