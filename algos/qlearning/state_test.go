package qlearning

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// courses are trainings that are saved and restored on the way: tables by number and by observation, one environment
// and several, one seat and two, full tables and endless ones.
var courses = []struct {
	id     string
	n      int
	budget algos.Budget
	set    []string
}{
	{"idsgame-minimal_defense-v2", 1, algos.Budget{Steps: 6000}, nil},
	{"idsgame-minimal_defense-v2", 3, algos.Budget{Steps: 6000}, nil},
	{"idsgame-minimal_defense-v2", 1, algos.Budget{Steps: 6000}, []string{"state=observation"}},
	{"idsgame-random_attack-v1", 3, algos.Budget{Steps: 6000}, []string{"state=observation"}},
	{"idsgame-random_attack-v1", 3, algos.Budget{Episodes: 1500}, []string{"state=observation", "max_states=50"}},
	{"idsgame-v13", 3, algos.Budget{Steps: 6000}, []string{"state=full", "omega=0", "alpha.end=0.1"}},
	{"idsgame-v12", 1, algos.Budget{Steps: 6000}, []string{"state=observation", "epsilon.start=0.9"}},
	{"toy-clock-v0", 3, algos.Budget{Steps: 6000}, []string{"explore_repeat=0.99", "initial_q=3"}},
}

func configured(tb testing.TB, set []string) *Config {
	tb.Helper()
	cfg := Defaults()
	if err := settings.Set(cfg, set, "--set"); err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// Saving and restoring at random points, often within an episode, makes no difference, to the last bit.
func TestRestore(t *testing.T) {
	for _, c := range courses {
		t.Run(fmt.Sprintf("%s, %d environments, %v", c.id, c.n, c.set), func(t *testing.T) {
			t.Parallel()
			fresh := func() *school { return enrol(t, configured(t, c.set), c.id, c.n, c.budget, 1, nil) }
			whole := fresh().train(t, 1)
			want := whole.bytes(t)
			if again := fresh().train(t, 1).bytes(t); again != want {
				t.Error("the same seed, other bytes")
			}
			rng := rand.New(envs.NewPCG(1))
			s := fresh()
			for at := 0.0; !s.Done(); at += 0.15 * rng.Float64() {
				s.train(t, min(1, at))
				next := fresh()
				for i, l := range s.learners {
					if err := next.learners[i].UnmarshalBinary(must[[]byte](t)(l.MarshalBinary())); err != nil {
						t.Fatal(err)
					}
				}
				if next.bytes(t) != s.bytes(t) {
					t.Fatalf("after %d steps, what is restored is not what was saved", s.Steps)
				}
				if err := next.UnmarshalJSON(must[[]byte](t)(s.MarshalJSON())); err != nil {
					t.Fatal(err)
				}
				s = next
			}
			if s.bytes(t) != want {
				t.Error("restored on the way, the learners end with other bytes")
			}
			for i, l := range s.learners {
				report, other := make([]float64, 4), make([]float64, 4)
				l.Report(report)
				whole.learners[i].Report(other)
				if !slices.Equal(report, other) {
					t.Errorf("reports %v, uninterrupted %v", report, other)
				}
			}
		})
	}
}

// What is restored goes on by itself: no Anneal tells it the step size and the exploration that the saved one had.
func TestRestoredGoesOn(t *testing.T) {
	cfg := plain()
	cfg.Omega, cfg.Alpha = 0.7, algos.Schedule{Start: 0.9, End: 0.1, Over: 1, Shape: "linear"}
	cfg.Epsilon, cfg.Repeat = algos.Constant(0.5), 0.5
	saved := newBoard(t, cfg, 1)
	saved.Anneal(0.6)
	step := func(b *board, k int) {
		chosen := []int{0}
		b.Row[0] = k % states
		b.Act(&b.Batch, chosen)
		b.Reward[0], b.Row[0] = float64(k), (k+1)%states
		b.Learn(&b.Batch, chosen)
	}
	for k := range 50 {
		step(saved, k)
	}
	fresh := newBoard(t, cfg, 1)
	if err := fresh.UnmarshalBinary(must[[]byte](t)(saved.MarshalBinary())); err != nil {
		t.Fatal(err)
	}
	for k := range 50 {
		step(saved, k)
		step(fresh, k)
		if a, b := must[[]byte](t)(saved.MarshalBinary()), must[[]byte](t)(fresh.MarshalBinary()); !slices.Equal(a, b) {
			t.Fatalf("another course after %d steps", k+1)
		}
	}
}

// What is restored also plays like what was saved, in both modes, without a session.
func TestRestoredPolicy(t *testing.T) {
	for _, c := range courses {
		s := enrol(t, configured(t, c.set), c.id, c.n, c.budget, 1, nil).train(t, 0.5)
		for seat, l := range s.learners {
			env := must[envs.Env](t)(lookup(t, c.id).New(1))
			fresh := must[algos.Learner](t)(configured(t, c.set).NewLearner(env.Spec(), seat, c.n, 99)).(*learner)
			if err := fresh.UnmarshalBinary(must[[]byte](t)(l.MarshalBinary())); err != nil {
				t.Fatal(err)
			}
			for _, mode := range algos.Modes {
				a, b := actionsOf(t, c.id, seat, l.Policy(mode)), actionsOf(t, c.id, seat, fresh.Policy(mode))
				if !slices.Equal(a, b) {
					t.Errorf("%s, %s: the restored policy plays otherwise", c.id, mode)
				}
			}
		}
	}
}

// actionsOf is what a policy plays in 30 episodes; the other open seats play at random.
func actionsOf(tb testing.TB, id string, seat int, p envs.Policy) (chosen []int) {
	tb.Helper()
	env := must[envs.Env](tb)(lookup(tb, id).New(1))
	out := env.Spec().NewOutcome()
	actions := make([]int, len(env.Spec().Seats))
	rng := rand.New(envs.NewPCG(5))
	other := envs.Uniform()
	for seed := range uint64(30) {
		if err := env.Reset(seed); err != nil {
			tb.Fatal(err)
		}
		for out.Terminated, out.Truncated = false, false; !out.Over(); {
			for i := range actions {
				if i == seat {
					actions[i] = p.Act(env, i, rng)
					chosen = append(chosen, actions[i])
				} else {
					actions[i] = other.Act(env, i, rng)
				}
			}
			if err := env.Step(actions, out); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return chosen
}

// A policy is a copy: training on does not change it, nor does it change what is learnt.
func TestPolicyIsFrozen(t *testing.T) {
	for _, state := range []string{"auto", Observation} {
		const id = "idsgame-random_defense-v2"
		set := []string{"state=" + state}
		s := enrol(t, configured(t, set), id, 1, algos.Budget{Steps: 10_000}, 1, nil).train(t, 0.05)
		undisturbed := enrol(t, configured(t, set), id, 1, algos.Budget{Steps: 10_000}, 1, nil).train(t, 1)
		for _, mode := range algos.Modes {
			early := s.learners[0].Policy(mode)
			before := actionsOf(t, id, 0, s.learners[0].Policy(mode))
			if lent := actionsOf(t, id, 0, s.learners[0].Lend(mode)); !slices.Equal(lent, before) {
				t.Errorf("state %s, %s: what is lent plays otherwise", state, mode)
			}
			values := slices.Clone(s.learners[0].table.q)
			s.train(t, s.Spent()+0.4)
			if after := actionsOf(t, id, 0, early); !slices.Equal(before, after) {
				t.Errorf("state %s, %s: training on changes the policy", state, mode)
			}
			if slices.Equal(s.learners[0].table.q, values) || !slices.Equal(early.(*policy).table.q, values) {
				t.Errorf("state %s, %s: training on changes no value, or the policy's as well", state, mode)
			}
		}
		s.train(t, 1)
		if s.bytes(t) != undisturbed.bytes(t) {
			t.Errorf("state %s: taking policies changes what is learnt", state)
		}
	}
}

// Sampled explores as much as the training does at the time, Greedy never.
func TestModes(t *testing.T) {
	b := newBoard(t, plain(), 1)
	b.cfg.Epsilon = algos.Schedule{Start: 0.8, End: 0.2, Over: 1, Shape: "linear"}
	env := must[envs.Env](t)(lookup(t, "toy-rps-v0").New(1)) // three actions, all of them legal, and rows to look up
	rng := rand.New(envs.NewPCG(1))
	for _, c := range []struct{ progress, epsilon float64 }{{0, 0.8}, {1, 0.2}} {
		b.Anneal(c.progress)
		var greedy, sampled [3]int
		g, s := b.Policy(algos.Greedy), b.Policy(algos.Sampled)
		for range 10_000 {
			greedy[g.Act(env, 0, rng)]++
			sampled[s.Act(env, 0, rng)]++
		}
		check(t, "greedy", greedy[:], []float64{0, 0, 1})
		check(t, "sampled", sampled[:], []float64{c.epsilon / 3, c.epsilon / 3, 1 - c.epsilon*2/3})
	}
}

// Where a table of observations is full, all further states share the last row, in training and in play.
func TestMaxStates(t *testing.T) {
	const id = "idsgame-random_attack-v2"
	env := must[envs.Env](t)(lookup(t, id).New(1))
	l := must[algos.Learner](t)(configured(t, []string{"state=observation", "max_states=5"}).NewLearner(env.Spec(), 0, 1, 1)).(*learner)
	out := env.Spec().NewOutcome()
	rng := rand.New(envs.NewPCG(1))
	rows := map[string]int{}
	shared := 0
	for seed := range uint64(20) {
		if err := env.Reset(seed); err != nil {
			t.Fatal(err)
		}
		for out.Terminated, out.Truncated = false, false; !out.Over(); {
			key := string(env.AppendKey(nil, 0))
			row := l.table.visit(env, 0)
			want, known := rows[key]
			if !known {
				if want = min(len(rows), 4); len(rows) >= 5 {
					shared++
				}
				rows[key] = want
			}
			if row != want {
				t.Fatalf("row %d, want %d", row, want)
			}
			if err := env.Step([]int{envs.Uniform().Act(env, 0, rng)}, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	if l.table.rows() != 5 || shared < 10 {
		t.Fatalf("%d rows, %d states beyond", l.table.rows(), shared)
	}
	l.table.values(4)[3] = 1 // id 3 is the best in the last row
	p := l.Policy(algos.Greedy)
	for seed := range uint64(20) {
		if err := env.Reset(seed); err != nil {
			t.Fatal(err)
		}
		for steps := 0; steps < 3 && (steps == 0 || !out.Over()); steps++ {
			if err := env.Step([]int{envs.Uniform().Act(env, 0, rng)}, out); err != nil {
				t.Fatal(err)
			}
		}
		if want := l.table.visit(env, 0); want == 4 && p.Act(env, 0, rng) != 3 {
			t.Fatal("the policy does not know what the last row says")
		}
	}
	// A table with room plays the first legal action where training has never been.
	l = must[algos.Learner](t)(configured(t, []string{"state=observation", "initial_q=-3"}).NewLearner(env.Spec(), 0, 1, 1)).(*learner)
	if a := l.Policy(algos.Greedy).Act(env, 0, rng); a != 0 || l.table.rows() != 0 {
		t.Errorf("plays %d in a state that it has never seen; %d rows", a, l.table.rows())
	}
}

func TestStateErrors(t *testing.T) {
	set := []string{"state=observation"}
	s := enrol(t, configured(t, set), "idsgame-minimal_defense-v0", 2, algos.Budget{Steps: 30}, 1, nil).train(t, 1)
	data := must[[]byte](t)(s.learners[0].MarshalBinary())
	untouched := func(set []string, n int) *learner {
		env := must[envs.Env](t)(lookup(t, "idsgame-minimal_defense-v0").New(1))
		return must[algos.Learner](t)(configured(t, set).NewLearner(env.Spec(), 0, n, 1)).(*learner)
	}
	l := untouched(set, 2)
	before := string(must[[]byte](t)(l.MarshalBinary()))
	for n := range data {
		if err := l.UnmarshalBinary(data[:n]); err == nil || !strings.HasPrefix(err.Error(), "tabular-q: ") {
			t.Fatalf("the first %d of %d bytes: error %v", n, len(data), err)
		}
		if string(must[[]byte](t)(l.MarshalBinary())) != before {
			t.Fatalf("the first %d of %d bytes leave something behind", n, len(data))
		}
	}
	for _, c := range []struct {
		name string
		l    *learner
		want string
	}{
		{"one environment, not two", untouched(set, 1), "state of 2 and 2 environments, not 1"},
		{"table by number", untouched(nil, 2), "states by name in a table by number"},
		{"fewer states", untouched([]string{"state=observation", "max_states=3"}, 2), "states in a table of at most 3"},
	} {
		if err := c.l.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	other := must[envs.Env](t)(lookup(t, "idsgame-minimal_defense-v2").New(1))
	stranger := must[algos.Learner](t)(configured(t, set).NewLearner(other.Spec(), 0, 2, 1))
	if err := stranger.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), "number of actions is 30, not 40") {
		t.Errorf("another game: error %v", err)
	}
}

// Whatever a saved state holds, it is an error or a learner that goes on.
func FuzzUnmarshal(f *testing.F) {
	kinds := [][]string{{"omega=0"}, {"state=observation", "omega=0"}, {"state=observation", "max_states=3"}}
	const id = "toy-pursuit-attack-v0"
	for _, set := range kinds {
		s := enrol(f, configured(f, set), id, 2, algos.Budget{Steps: 20}, 1, nil).train(f, 1)
		f.Add(must[[]byte](f)(s.learners[0].MarshalBinary()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, set := range kinds {
			s := enrol(t, configured(t, set), id, 2, algos.Budget{Steps: 100}, 1, nil)
			before := s.bytes(t)
			if err := s.learners[0].UnmarshalBinary(data); err != nil {
				if s.bytes(t) != before {
					t.Fatal("an error leaves something behind")
				}
				continue
			}
			if got := string(must[[]byte](t)(s.learners[0].MarshalBinary())); got != string(data) {
				t.Fatalf("%x is restored as %x", data, got)
			}
			// As Resume does: the environments show themselves anew to what was restored.
			if err := s.UnmarshalJSON(must[[]byte](t)(s.MarshalJSON())); err != nil {
				t.Fatal(err)
			}
			s.train(t, 1)
			env := must[envs.Env](t)(lookup(t, id).New(1))
			s.learners[0].Policy(algos.Sampled).Act(env, 0, rand.New(envs.NewPCG(1)))
		}
	})
}
