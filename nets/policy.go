package nets

import "math/rand/v2"

// A Policy is a network that gives each row of observations a distribution over the legal actions and a value. The
// policy gradient algorithms need no more of it. A PolicyOut that it returns is its own and holds until the next call.
// The rows of a call are len(actions); obs has a row of Inputs for each, legal one of Actions, at least one of them true.
type Policy[T Float] interface {
	Inputs() int
	Actions() int
	// Sample draws actions. It takes the same number of random numbers for every row.
	Sample(actions []int, obs []T, legal []bool, rng *rand.Rand) PolicyOut
	// Greedy chooses the most probable actions.
	Greedy(actions []int, obs []T, legal []bool) PolicyOut
	// Evaluate looks at given actions, which must be legal, or it panics.
	Evaluate(actions []int, obs []T, legal []bool) PolicyOut
	// Values returns V of n rows of observations; 0 for a network without a value head.
	Values(obs []T, n int) []float64
	// Propagate is the backward pass of Evaluate: it adds the gradients of a loss, given its derivatives d with respect to
	// Evaluate's results. Evaluate was the last call, and its arguments are as they were.
	Propagate(d PolicyOut)

	Params() []T
	Grads() []T
	Tensors() []Tensor[T]
	// ClonePolicy returns a policy with the same parameters and its own workspace.
	ClonePolicy() Policy[T]
	// Replica returns a policy that shares the parameters, with its own gradients and workspace: another goroutine may use
	// it while nobody changes the parameters.
	Replica() Policy[T]
}

var (
	_ Policy[float32] = (*ActorCritic[float32])(nil)
	_ Policy[float32] = (*AutoActorCritic[float32])(nil)
	_ Policy[float32] = (*Recurrent[float32])(nil)
)

// PolicyOut holds, for each row of a batch, what a Policy says; or the derivatives of a loss with respect to that.
type PolicyOut struct {
	LogProb []float64 // log π(action | obs)
	Entropy []float64 // of π(· | obs), in nats
	Value   []float64 // V(obs)
}

// NewPolicyOut makes room for n rows.
func NewPolicyOut(n int) PolicyOut {
	return PolicyOut{make([]float64, n), make([]float64, n), make([]float64, n)}
}

// Rows returns the first n rows.
func (p PolicyOut) Rows(n int) PolicyOut {
	return PolicyOut{p.LogProb[:n], p.Entropy[:n], p.Value[:n]}
}

// resizeOut returns n rows, of p itself if it has so many.
func resizeOut(p PolicyOut, n int) PolicyOut {
	return PolicyOut{resize(p.LogProb, n), resize(p.Entropy, n), resize(p.Value, n)}
}
