package algotest

import (
	"math"
	"testing"

	"idsrl/envs/exact"
	"idsrl/envs/toy"
	"idsrl/nets"
)

// Truth is what a toy game with one open seat is worth.
type Truth struct {
	Model exact.Model
	Gamma float64
	V     []float64   // of the best policy, by state
	Q     [][]float64 // by state and action
}

// Solve computes the truth about an environment. The seats that it fills play uniformly.
func Solve(id string, gamma float64) Truth {
	entry := Lookup(id)
	table := entry.Game().(toy.Game).Model()
	tr := Truth{Model: table, Gamma: gamma}
	if entry.Cast != nil {
		uniform := make([][]float64, table.States())
		for s := range uniform {
			uniform[s] = []float64{0.5, 0.5}
		}
		seat := 0
		if entry.Cast[0] != "" {
			seat = 1
		}
		tr.Model = exact.Against(table, seat, uniform)
	}
	tr.V, tr.Q = exact.ValueIteration(tr.Model, gamma, 1e-12)
	return tr
}

// Distance is how far values q, by state and action, are from the truth, at most, and how much the policy that is greedy in
// them loses in the worst state.
func (tr Truth) Distance(q [][]float64) (worst, loss float64) {
	policy := make([][]float64, tr.Model.States())
	for s := range policy {
		policy[s] = make([]float64, len(q[s]))
		legal := make([]bool, len(q[s]))
		for _, a := range tr.Model.Actions(s) {
			legal[a] = true
			worst = max(worst, math.Abs(q[s][a]-tr.Q[s][a])) // NaN if one is
		}
		if best := nets.ArgmaxLegal(q[s], legal); best >= 0 {
			policy[s][best] = 1
		}
	}
	for s, v := range exact.PolicyValue(tr.Model, policy, tr.Gamma) {
		loss = max(loss, tr.V[s]-v)
	}
	return worst, loss
}

// Lesson is a toy game with one open seat, for how long to train in it, and how far values may then be from the truth.
type Lesson struct {
	ID    string
	Steps int64
	Tol   float64
}

// Successes is how many of so many seeds learn the values, and a policy that loses nothing. learn trains with a seed.
func (l Lesson) Successes(tb testing.TB, seeds int, learn func(seed uint64) (worst, loss float64)) (n int) {
	tb.Helper()
	for seed := range uint64(seeds) {
		worst, loss := learn(seed)
		if testing.Verbose() {
			tb.Logf("seed %d: values within %.3g, the policy loses %.3g", seed, worst, loss)
		}
		if worst <= l.Tol && loss < 1e-9 {
			n++
		}
	}
	return n
}
