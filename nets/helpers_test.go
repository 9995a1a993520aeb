package nets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// normal returns n normal numbers.
func normal[T Float](rng *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(rng.NormFloat64())
	}
	return x
}

// randomLegal returns masks of n rows, of which row 0 has one legal action and row 1 all, and an action for each row.
func randomLegal(rng *rand.Rand, n, actions int) (legal []bool, action []int) {
	legal, action = make([]bool, n*actions), make([]int, n)
	for i := range n {
		row := legal[i*actions:][:actions]
		for j := range row {
			row[j] = i == 1 || i > 1 && rng.IntN(10) < 7
		}
		action[i] = rng.IntN(actions)
		row[action[i]] = true
	}
	return legal, action
}

// useKernels runs the rest of a test on ks.
func useKernels(t testing.TB, ks kernels[float32]) {
	before := float32Kernels
	float32Kernels = ks
	t.Cleanup(func() { float32Kernels = before })
}

// usePlain runs the rest of a test on the kernels in Go.
func usePlain(t testing.TB) { useKernels(t, plain32) }

// closeTo fails unless all elements agree to tol, relative to those above 1.
func closeTo[T, U Float](t *testing.T, what string, got []T, want []U, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range got {
		g, w := float64(got[i]), float64(want[i])
		if !(math.Abs(g-w) <= tol*max(1, math.Abs(w))) {
			t.Fatalf("%s[%d] = %v, want %v within %v", what, i, g, w, tol)
		}
	}
}

// checkGradient compares the gradient of loss with respect to x with central differences.
func checkGradient(t *testing.T, what string, x, gradient []float64, loss func() float64) {
	t.Helper()
	const h, tol = 1e-5, 1e-8 // the error is of order h² and ε/h
	for i, before := range x {
		x[i] = before + h
		up := loss()
		x[i] = before - h
		down := loss()
		x[i] = before
		want := (up - down) / (2 * h)
		if !(math.Abs(gradient[i]-want) <= tol*max(1, math.Abs(want))) {
			t.Fatalf("%s: derivative %d is %v, by differences %v", what, i, gradient[i], want)
		}
	}
}

// must is for constructors whose configuration is right.
func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

// newPolicies returns an ActorCritic of each kind and an AutoActorCritic, all with 3 nodes of 11 inputs and 10 types.
func newPolicies[T Float](act Activation, seed uint64) map[string]Policy[T] {
	ps := map[string]Policy[T]{}
	for _, c := range []ActorCriticConfig{{}, {Shared: true}, {NoValue: true}} {
		c.Obs, c.Actions, c.Hidden, c.Activation = 33, 30, []int{12, 9}, act
		ps[fmt.Sprintf("%s shared %v no value %v", act, c.Shared, c.NoValue)] = must(NewActorCritic[T](c, newRand(seed)))
	}
	auto := AutoActorCriticConfig{Obs: 33, Nodes: 3, Types: 10, Row: 11, Hidden: []int{12, 9}, Activation: act}
	ps[string(act)+" autoregressive"] = must(NewAutoActorCritic[T](auto, newRand(seed)))
	return ps
}
