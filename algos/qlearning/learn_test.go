package qlearning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
)

// A lesson is a toy game with one open seat and how to learn it. Values start at 1, which is nowhere the truth: entries
// that should not count would be seen.
type lesson struct {
	id    string
	steps int64
	alpha float64 // step size where the game leaves nothing to chance
	omega float64 // elsewhere
	tol   float64 // of values
}

var lessons = []lesson{
	{id: "toy-corridor-v0", steps: 30_000, omega: 0.8, tol: 0.02},
	{id: "toy-forbidden-v0", steps: 5_000, alpha: 0.2, tol: 1e-4},
	{id: "toy-clock-v0", steps: 5_000, alpha: 0.2, tol: 1e-6},
	{id: "toy-pursuit-attack-v0", steps: 30_000, omega: 0.9, tol: 0.1},
	{id: "toy-pursuit-defend-v0", steps: 30_000, omega: 0.9, tol: 0.1},
}

const gamma = 0.9

func (l lesson) config() *Config {
	c := Defaults()
	c.Gamma, c.InitialQ, c.Omega, c.Repeat = gamma, 1, l.omega, 0.2
	c.Alpha, c.Epsilon = algos.Constant(l.alpha), algos.Constant(0.5)
	return c
}

// success reports whether a seed learns all values within the tolerance and a policy that loses nothing.
func (l lesson) success(tb testing.TB, tr truth, cfg *Config, seed uint64, wrap func(envs.Env) envs.Env) bool {
	tb.Helper()
	s := enrol(tb, cfg, l.id, 1, algos.Budget{Steps: l.steps}, seed, wrap).train(tb, 1)
	values, loss := tr.distance(s.learners[0])
	return values <= l.tol && loss < 1e-9
}

func (l lesson) successes(tb testing.TB, cfg *Config, wrap func(envs.Env) envs.Env, seeds int) int {
	tb.Helper()
	tr, n := solve(tb, l.id, gamma), 0
	for seed := range seeds {
		if l.success(tb, tr, cfg, uint64(seed), wrap) {
			n++
		}
	}
	return n
}

// wrapped is an environment whose outcomes something has been done to.
type wrapped struct {
	envs.Env
	change func(out *envs.Outcome)
	legal  func(dst []bool)
}

func (w *wrapped) Unwrap() envs.Env { return w.Env }

func (w *wrapped) Step(actions []int, out *envs.Outcome) error {
	err := w.Env.Step(actions, out)
	if w.change != nil {
		w.change(out)
	}
	return err
}

func (w *wrapped) Legal(seat int, dst []bool) {
	w.Env.Legal(seat, dst)
	if w.legal != nil {
		w.legal(dst)
	}
}

func changing(change func(out *envs.Outcome)) func(envs.Env) envs.Env {
	return func(env envs.Env) envs.Env { return &wrapped{Env: env, change: change} }
}

// shuffled gives back the game's rewards in a random order.
func shuffled(env envs.Env) envs.Env {
	rng, past := rand.New(envs.NewPCG(1)), make([]float64, 64)
	return changing(func(out *envs.Outcome) {
		k := rng.IntN(len(past))
		out.Rewards[0], past[k] = past[k], out.Rewards[0]
	})(env)
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
		t.Run(l.id, func(t *testing.T) {
			t.Parallel()
			if n := l.successes(t, l.config(), nil, seeds); n < enough {
				t.Errorf("%d of %d seeds learn the values, want %d", n, seeds, enough)
			}
		})
	}
}

// What must not be learnt is not: the criterion above can fail, in each game in every way that the game is for.
func TestLearnsExactValuesControls(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func(c *Config)
		wrap   func(envs.Env) envs.Env
		games  []string // all by default
	}{
		{name: "step size 1e-6", config: func(c *Config) { c.Alpha, c.Omega = algos.Constant(1e-6), 0 }},
		{name: "flipped sign", wrap: changing(func(out *envs.Outcome) { out.Rewards[0] *= -1 })},
		{name: "shuffled rewards", wrap: shuffled},
		{
			name: "bootstrapping through termination (B1)",
			wrap: changing(func(out *envs.Outcome) {
				out.Truncated = out.Over()
				out.Terminated = false
			}),
			games: []string{"toy-corridor-v0", "toy-forbidden-v0", "toy-pursuit-attack-v0", "toy-pursuit-defend-v0"},
		},
		{
			name: "termination by the clock",
			wrap: changing(func(out *envs.Outcome) {
				out.Terminated = out.Over()
				out.Truncated = false
			}),
			games: []string{"toy-clock-v0"},
		},
		{
			name: "illegal actions (B2)",
			wrap: func(env envs.Env) envs.Env {
				return &wrapped{Env: env, legal: func(dst []bool) {
					for i := range dst {
						dst[i] = true
					}
				}}
			},
			games: []string{"toy-forbidden-v0"},
		},
		{name: "no discount", config: func(c *Config) { c.Gamma = 1 },
			games: []string{"toy-corridor-v0", "toy-forbidden-v0", "toy-clock-v0"}},
		{name: "no exploration", config: func(c *Config) { c.Epsilon, c.InitialQ = algos.Constant(0), 0 },
			games: []string{"toy-corridor-v0", "toy-forbidden-v0"}},
	} {
		for _, l := range lessons {
			if c.games != nil && !slices.Contains(c.games, l.id) {
				continue
			}
			t.Run(c.name+"/"+l.id, func(t *testing.T) {
				t.Parallel()
				cfg := l.config()
				if c.config != nil {
					c.config(cfg)
				}
				if n := l.successes(t, cfg, c.wrap, seeds/2); n > few {
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
			byNumber := l.config()
			byNumber.State = "state"
			byKey := l.config()
			byKey.State = Observation
			budget := algos.Budget{Steps: 5_000}
			a := enrol(t, byNumber, l.id, n, budget, 1, nil).train(t, 1).learners[0]
			b := enrol(t, byKey, l.id, n, budget, 1, nil).train(t, 1).learners[0]
			if a.updates != b.updates || a.tdError != b.tdError {
				t.Errorf("%s: %d updates of %v, by observation %d of %v", l.id, a.updates, a.tdError, b.updates, b.tdError)
			}
			entry := lookup(t, l.id)
			env := must[envs.Env](t)(entry.New(1))
			for seed := range uint64(20) { // states in which episodes start, and some later ones
				if err := env.Reset(seed); err != nil {
					t.Fatal(err)
				}
				out := env.Spec().NewOutcome()
				rng := rand.New(envs.NewPCG(seed))
				for !out.Over() {
					if x, y := a.table.find(env, 0), b.table.find(env, 0); !slices.Equal(x, y) {
						t.Fatalf("%s: values %v, by observation %v", l.id, x, y)
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
		budget := algos.Budget{Steps: 5_000}
		s := enrol(t, Defaults(), id, 2, budget, 1, nil).train(t, 1)
		again := enrol(t, Defaults(), id, 2, budget, 1, nil).train(t, 1)
		other := enrol(t, Defaults(), id, 2, budget, 2, nil).train(t, 1)
		if s.bytes(t) != again.bytes(t) {
			t.Errorf("%s: the same seed, other bytes", id)
		}
		if s.bytes(t) == other.bytes(t) {
			t.Errorf("%s: another seed, the same bytes", id)
		}
		for seat, l := range s.learners {
			moved := slices.ContainsFunc(l.table.q, func(q float64) bool { return q != 0 })
			if !moved || int64(l.updates) != s.Steps {
				t.Errorf("%s: seat %d made %d updates in %d steps; values moved: %v", id, seat, l.updates, s.Steps, moved)
			}
		}
	}
	// In a game of one step, a value is the mean reward of its action against what the other seat really played.
	cfg := Defaults()
	cfg.Omega, cfg.Alpha, cfg.Epsilon, cfg.Repeat = 1, algos.Constant(0), algos.Constant(1), 0
	s := enrol(t, cfg, "toy-pennies-v0", 1, algos.Budget{Steps: 20_000}, 1, nil).train(t, 1)
	// Both play at random: heads pays (2-1)/2, tails (1-1)/2, and the negative to the defender. Each value is the mean of
	// at least 9500 rewards of a spread of 3 at most, off by 0.08 with probability 2 exp(-2·9500·0.08²/9) = 3e-6.
	for seat, want := range [][]float64{{0.5, 0}, {-0.5, 0}} {
		for a, q := range s.learners[seat].table.values(0) {
			if math.Abs(q-want[a]) > 0.08 {
				t.Errorf("seat %d: action %d is worth %v, want %v", seat, a, q, want[a])
			}
		}
	}
}
