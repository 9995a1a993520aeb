package algotest_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/qlearning"
	"idsrl/envs"
)

// Of several values for a setting, the last one counts.
func TestVariant(t *testing.T) {
	v := algotest.Variant[algos.Learner]{Algorithm: qlearning.Algorithm(), Set: []string{"gamma=0.5", "omega=0"}}
	got := v.With("gamma=0.6").With("gamma=0.7", "initial_q=2").Settings(t).(*qlearning.Config)
	if got.Gamma != 0.7 || got.Omega != 0 || got.InitialQ != 2 {
		t.Errorf("%+v", got)
	}
	if first := v.Settings(t).(*qlearning.Config); first.Gamma != 0.5 || first.InitialQ != 0 {
		t.Errorf("the variant itself has changed: %+v", first)
	}
}

// The truth is at no distance from itself, and other values are as far away as they are made.
func TestDistance(t *testing.T) {
	for _, id := range []string{"toy-corridor-v0", "toy-forbidden-v0", "toy-clock-v0", "toy-pursuit-attack-v0"} {
		tr := algotest.Solve(id, 0.9)
		for s, v := range tr.V {
			legal := tr.Model.Actions(s)
			if len(legal) == 0 {
				continue
			}
			q := make([][]float64, len(tr.Q))
			for s := range q {
				q[s] = slices.Clone(tr.Q[s])
			}
			if worst, loss := tr.Distance(q); worst != 0 || loss > 1e-9 {
				t.Errorf("%s: the truth is at a distance of %v from itself, and loses %v", id, worst, loss)
			}
			worse := slices.MinFunc(legal, func(a, b int) int { return int(math.Copysign(1, q[s][a]-q[s][b])) })
			regret := v - q[s][worse]
			q[s][worse] += regret + 0.5
			worst, loss := tr.Distance(q)
			if math.Abs(worst-regret-0.5) > 1e-9 || loss < regret-1e-9 {
				t.Errorf("%s: a value too high by %v is at a distance of %v; it loses %v at least, not %v", id, regret+0.5, worst, regret, loss)
			}
			q[s][worse] = math.NaN()
			if worst, _ := tr.Distance(q); !math.IsNaN(worst) {
				t.Errorf("%s: a value of NaN is at a distance of %v", id, worst)
			}
		}
	}
}

// Controls spoil what they say, in the games that they name.
func TestControls(t *testing.T) {
	type step struct {
		legal []bool
		envs.Outcome
	}
	play := func(env envs.Env) (steps []step) {
		rng, out := rand.New(envs.NewPCG(1)), env.Spec().NewOutcome()
		legal := make([]bool, env.Spec().Seats[0].Actions.N)
		for seed := range uint64(20) {
			if err := env.Reset(seed); err != nil {
				t.Fatal(err)
			}
			for over := false; !over; over = out.Over() {
				env.Legal(0, legal)
				if err := env.Step([]int{rng.IntN(len(legal))}, out); err != nil {
					t.Fatal(err)
				}
				o := *out
				o.Rewards = slices.Clone(out.Rewards)
				steps = append(steps, step{slices.Clone(legal), o})
			}
		}
		return steps
	}
	spoiled := map[string]func(real, shown step) bool{
		"flipped sign": func(real, shown step) bool { return shown.Rewards[0] == -real.Rewards[0] },
		"bootstrapping through termination": func(real, shown step) bool {
			return !shown.Terminated && shown.Truncated == real.Over()
		},
		"termination by the clock": func(real, shown step) bool {
			return !shown.Truncated && shown.Terminated == real.Over()
		},
		"illegal actions": func(_, shown step) bool { return !slices.Contains(shown.legal, false) },
	}
	for _, id := range []string{"toy-corridor-v0", "toy-forbidden-v0", "toy-clock-v0", "toy-pursuit-attack-v0", "toy-pursuit-defend-v0"} {
		real := play(algotest.NewEnv(id))
		for _, c := range algotest.Controls() {
			if !c.Spoils(id) {
				continue
			}
			shown, other := play(c.Wrap(algotest.NewEnv(id))), false
			for i, s := range shown {
				if as, ok := spoiled[c.Name]; ok && !as(real[i], s) {
					t.Fatalf("%s, %s: step %d is %+v, shown as %+v", id, c.Name, i, real[i], s)
				}
				other = other || s.Outcome.Rewards[0] != real[i].Rewards[0] || s.Terminated != real[i].Terminated ||
					!slices.Equal(s.legal, real[i].legal)
			}
			if !other || len(shown) != len(real) {
				t.Errorf("%s, %s: nothing is spoilt in %d of %d steps", id, c.Name, len(shown), len(real))
			}
		}
	}
}
