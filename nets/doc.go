// Package nets holds the small neural networks of reinforcement learning: multilayer perceptrons, masked policies, their
// losses in closed form, and Adam. It computes on the CPU without cgo and, after the first call, without allocating.
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
// # Recurrent policies
//
// An [ActorCritic] or [AutoActorCritic] with an LSTM is used through [NewRecurrent], as a Policy whose rows are an
// observation and a state. The caller keeps the states:
//
//	out := net.Sample(actions, rows, legal, rng)                   // act
//	copy(states, net.States())                                     // for the next rows; 0 where an episode begins
//	...
//	out := net.EvaluateSequences(first, actions, rows, legal)      // rows[i] goes on from rows[i-1] unless first[i]
//	net.Propagate(d)                                               // through time
//
// # Other programs
//
// [WriteTensors] saves parameters by name in the safetensors format. A network that is a [Describer] also says by what
// operators it goes from an observation to an action: a [Model] of it is a policy that runs wherever ONNX does.
//
// # Gorgonia
//
// Backward passes are written out by hand. A [PolicyGraph] or an [MLPGraph] makes the same updates of the same parameters by
// a graph of gorgonia for the layers, the distributions, a loss, its gradients, clipping and Adam. Tests hold both ways
// equal, to the last bit unless heads share a tower, and both equal to a graph of nothing but gorgonia's own operations. Of
// gorgonia there is the symbolic differentiation; all operations are ours, on the same kernels, and they run one after the
// other instead of on gorgonia's machine. Its softmax gives NaN under a mask, its LispMachine gets gradients of minima and
// maxima wrong, nobody can seed its initialisers, its clipping is by element, and its AdamW changes nothing. A graph belongs
// to its network, and so to the same goroutine. No type of gorgonia leaves this package, and only the files gorgonia*.go
// import it.
//
// # Precision and determinism
//
// Networks train in float32 and are generic over float64, in which the tests check gradients. On amd64 with AVX2 and FMA
// the float32 kernels are assembly, elsewhere, or with the build tag purego, plain Go. AVX-512, where there is, makes matrix
// products faster and changes no bit. The same calls give the same bits on one machine, and a row gives the same bits in
// a batch of any size. Plain Go also agrees between machines, apart from what package math does. Assembly and plain Go
// differ in the last bits, as one rounds once where the other rounds twice.
package nets
