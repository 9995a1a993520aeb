package envs_test

import (
	"testing"

	"idsrl/envs"
	"idsrl/envs/toy"
)

func TestLimit(t *testing.T) {
	for _, tt := range []struct {
		name         string
		inner, limit int
		want         int // steps, and MaxSteps
	}{
		{"shorter", 10, 4, 4},
		{"one", 10, 1, 1},
		{"equal", 10, 10, 10},
		{"longer", 10, 15, 10},
		{"none", 10, 0, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inner := newClock(tt.inner)
			env := envs.Limit(inner, tt.limit)
			if env.Spec().MaxSteps != tt.want || inner.Spec().MaxSteps != tt.inner {
				t.Errorf("MaxSteps = %d, inside %d", env.Spec().MaxSteps, inner.Spec().MaxSteps)
			}
			out := env.Spec().NewOutcome()
			for seed := range uint64(3) {
				if err := env.Reset(seed); err != nil {
					t.Fatal(err)
				}
				for step := 1; step <= tt.want; step++ {
					if err := env.Step([]int{0}, out); err != nil {
						t.Fatal(err)
					}
					if out.Truncated != (step == tt.want) || out.Terminated {
						t.Errorf("step %d of %d: %+v", step, tt.want, *out)
					}
				}
				if !panics(func() { _ = env.Step([]int{0}, out) }) {
					t.Error("Step after the end does not panic")
				}
			}
		})
	}
}

// A game without a limit of its own gets one.
func TestLimitOfEndless(t *testing.T) {
	game := newProbe()
	game.spec.MaxSteps = 0
	if got := envs.Limit(game, 7).Spec().MaxSteps; got != 7 {
		t.Errorf("MaxSteps = %d, want 7", got)
	}
}

// An episode that ends by the rules in the last step is terminated, not truncated.
func TestLimitLeavesTermination(t *testing.T) {
	env := envs.Limit(must((&toy.Corridor{Cells: 4, MaxSteps: 10}).New(0)), 3)
	out := env.Spec().NewOutcome()
	if err := env.Reset(0); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := env.Step([]int{1}, out); err != nil {
			t.Fatal(err)
		}
	}
	if !out.Terminated || out.Truncated || out.Winner != envs.Benign {
		t.Errorf("outcome %+v", *out)
	}
}

func TestLimitPanics(t *testing.T) {
	env := envs.Limit(newClock(10), 4)
	if !panics(func() { _ = env.Step([]int{0}, env.Spec().NewOutcome()) }) {
		t.Error("Step before the first Reset does not panic")
	}
	if !panics(func() { envs.Limit(newClock(10), -1) }) {
		t.Error("a negative limit does not panic")
	}
}
