package qlearning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
)

// A lesson is a toy game with one open seat and how to learn it. Values start at 1, which is nowhere the truth: entries
// that should not count would be seen.
type lesson struct {
	algotest.Lesson
	alpha float64 // step size where the game leaves nothing to chance
	omega float64 // elsewhere
}

var lessons = []lesson{
	{algotest.Lesson{ID: "toy-corridor-v0", Steps: 30_000, Tol: 0.02}, 0, 0.8},
	{algotest.Lesson{ID: "toy-forbidden-v0", Steps: 5_000, Tol: 1e-4}, 0.2, 0},
	{algotest.Lesson{ID: "toy-clock-v0", Steps: 5_000, Tol: 1e-6}, 0.2, 0},
	{algotest.Lesson{ID: "toy-pursuit-attack-v0", Steps: 30_000, Tol: 0.1}, 0, 0.9},
	{algotest.Lesson{ID: "toy-pursuit-defend-v0", Steps: 30_000, Tol: 0.1}, 0, 0.9},
}

func (l lesson) config() *Config {
	c := Defaults()
	c.Gamma, c.InitialQ, c.Omega, c.Repeat = 0.9, 1, l.omega, 0.2
	c.Alpha, c.Epsilon = algos.Constant(l.alpha), algos.Constant(0.5)
	return c
}

// successes is how many of so many seeds learn.
func (l lesson) successes(tb testing.TB, cfg *Config, wrap func(envs.Env) envs.Env, seeds int) int {
	tb.Helper()
	tr := algotest.Solve(l.ID, 0.9)
	setup := algotest.Setup{ID: l.ID, N: 1, Budget: algos.Budget{Steps: l.Steps}, Wrap: wrap}
	return l.Successes(tb, seeds, func(seed uint64) (worst, loss float64) {
		learned := algotest.Open[*learner](tb, setup, seed, cfg).Train(1).Learners[0].table
		q := make([][]float64, learned.rows())
		for s := range q {
			q[s] = learned.values(s)
		}
		return tr.Distance(q)
	})
}

// Over 200 seeds, every lesson was learnt by all of them, so a right learner does with p >= 0.97 (0.97^200 = 0.002). Of
// 20 seeds, fewer than 15 succeed by chance with probability 2e-5 then, in one of the five lessons with 1e-4.
const (
	seeds  = 20
	enough = 15
	few    = 2 // as many of half the seeds as a learner that cannot learn may reach
)

func TestLearnsExactValues(t *testing.T) {
	for _, l := range lessons {
		t.Run(l.ID, func(t *testing.T) {
			t.Parallel()
			if n := l.successes(t, l.config(), nil, seeds); n < enough {
				t.Errorf("%d of %d seeds learn the values, want %d", n, seeds, enough)
			}
		})
	}
}

// What must not be learnt is not: the criterion above can fail, in each game in every way that the game is for.
func TestLearnsExactValuesControls(t *testing.T) {
	for _, c := range append(algotest.Controls(), []algotest.Control{
		{Name: "step size 1e-6", Set: []string{"alpha.start=1e-6", "alpha.end=1e-6", "omega=0"}},
		{Name: "no discount", Set: []string{"gamma=1"}, Games: []string{"toy-corridor-v0", "toy-forbidden-v0", "toy-clock-v0"}},
		{
			Name: "no exploration", Set: []string{"epsilon.start=0", "epsilon.end=0", "initial_q=0"},
			Games: []string{"toy-corridor-v0", "toy-forbidden-v0"},
		},
	}...) {
		for _, l := range lessons {
			if !c.Spoils(l.ID) {
				continue
			}
			t.Run(c.Name+"/"+l.ID, func(t *testing.T) {
				t.Parallel()
				cfg := algotest.Configure(t, l.config(), c.Set...)
				if n := l.successes(t, cfg, c.Wrap, seeds/2); n > few {
					t.Errorf("%d of %d seeds learn the values all the same", n, seeds/2)
				}
			})
		}
	}
}

// A hash table over what a seat sees learns what the table by number does, to the last bit, where both tell the same
// states apart.
func TestObservationsAreStates(t *testing.T) {
	for _, l := range lessons {
		for _, n := range []int{1, 3} {
			setup := algotest.Setup{ID: l.ID, N: n, Budget: algos.Budget{Steps: 5_000}}
			learned := func(state string) *learner {
				cfg := l.config()
				cfg.State = state
				return algotest.Open[*learner](t, setup, 1, cfg).Train(1).Learners[0]
			}
			a, b := learned("state"), learned(Observation)
			errorOf := func(l *learner) float64 { return algotest.Metrics(l)["td_error"] }
			if x, y := errorOf(a), errorOf(b); a.updates != b.updates || x != y {
				t.Errorf("%s: %d updates of %v, by observation %d of %v", l.ID, a.updates, x, b.updates, y)
			}
			env := algotest.NewEnv(l.ID)
			for seed := range uint64(20) { // states in which episodes start, and some later ones
				if err := env.Reset(seed); err != nil {
					t.Fatal(err)
				}
				out := env.Spec().NewOutcome()
				rng := rand.New(envs.NewPCG(seed))
				for !out.Over() {
					if x, y := a.table.values(a.table.find(env, 0)), b.table.values(b.table.find(env, 0)); !slices.Equal(x, y) {
						t.Fatalf("%s: values %v, by observation %v", l.ID, x, y)
					}
					if err := env.Step([]int{envs.Uniform().Act(env, 0, rng)}, out); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// Both seats learn at once, each from its own rewards and in its own table. Whether they converge is another question,
// which nobody should ask of independent learners.
func TestTwoLearners(t *testing.T) {
	for _, id := range []string{"toy-pennies-v0", "toy-pursuit-v0", "idsgame-v0", "idsgame-v17"} {
		setup := algotest.Setup{ID: id, N: 2, Budget: algos.Budget{Steps: 5_000}}
		r := algotest.CheckSeeds(t, func(seed uint64) *room { return defaults.Open(t, setup, seed) })
		for seat, l := range r.Learners {
			moved := slices.ContainsFunc(l.table.q, func(q float64) bool { return q != 0 })
			if !moved || int64(l.updates) != r.Steps {
				t.Errorf("%s: seat %d made %d updates in %d steps; values moved: %v", id, seat, l.updates, r.Steps, moved)
			}
		}
	}
	// In a game of one step, a value is the mean reward of its action against what the other seat really played.
	cfg := Defaults()
	cfg.Omega, cfg.Alpha, cfg.Epsilon, cfg.Repeat = 1, algos.Constant(0), algos.Constant(1), 0
	setup := algotest.Setup{ID: "toy-pennies-v0", N: 1, Budget: algos.Budget{Steps: 20_000}}
	r := algotest.Open[*learner](t, setup, 1, cfg).Train(1)
	// Both play at random: heads pays (2-1)/2, tails (1-1)/2, and the negative to the defender. Each value is the mean of
	// at least 9500 rewards of a spread of 3 at most, off by 0.08 with probability 2 exp(-2·9500·0.08²/9) = 3e-6.
	for seat, want := range [][]float64{{0.5, 0}, {-0.5, 0}} {
		for a, q := range r.Learners[seat].table.values(0) {
			if math.Abs(q-want[a]) > 0.08 {
				t.Errorf("seat %d: action %d is worth %v, want %v", seat, a, q, want[a])
			}
		}
	}
}
