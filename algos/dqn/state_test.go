package dqn

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

// courses are trainings that are saved and restored on the way: memories that fill up and that do not, with and without
// priorities, one environment and several, one seat and two.
var courses = []struct {
	id     string
	n      int
	budget algos.Budget
	set    []string
}{
	{"idsgame-minimal_defense-v2", 1, algos.Budget{Steps: 1500}, nil},
	{"idsgame-minimal_defense-v2", 3, algos.Budget{Steps: 1500}, nil},
	{"idsgame-minimal_defense-v2", 3, algos.Budget{Steps: 1500}, []string{"prioritized=true", "dueling=true"}},
	{"idsgame-random_attack-v1", 1, algos.Budget{Episodes: 200}, []string{"prioritized=true", "n_step=7", "train_every=3"}},
	{"idsgame-v13", 3, algos.Budget{Steps: 1500}, []string{"target_every=0", "tau=0.01", "double=false", "train_every=7"}},
	{"toy-clock-v0", 3, algos.Budget{Steps: 1500}, []string{"replay_size=5000", "explore_repeat=0.99", "train_every=10"}},
	{"toy-clock-v0", 1, algos.Budget{Steps: 1500}, []string{"learning_starts=700", "hidden=[]"}},
}

// small are defaults for games of a second.
func small(tb testing.TB, set []string) *Config {
	tb.Helper()
	cfg := configured(tb, "hidden=[16]", "learning_starts=60", "batch_size=16", "replay_size=300", "target_every=50")
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
			fresh := func() *school { return enrol(t, small(t, c.set), c.id, c.n, c.budget, 1, nil) }
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
					restore(t, next.learners[i], l)
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
				if l.updates == 0 {
					t.Error("nothing was learnt")
				}
				report, other := make([]float64, len(l.Metrics())), make([]float64, len(l.Metrics()))
				l.Report(report)
				whole.learners[i].Report(other)
				if !slices.Equal(report, other) {
					t.Errorf("reports %v, uninterrupted %v", report, other)
				}
			}
		})
	}
}

// What is restored goes on by itself: no Anneal tells it the rates that the saved one had.
func TestRestoredGoesOn(t *testing.T) {
	cfg := plain()
	cfg.LearningRate = algos.Schedule{Start: 0.9, End: 0.1, Over: 1, Shape: "linear"}
	cfg.Epsilon, cfg.Repeat, cfg.NStep, cfg.ReplaySize, cfg.BatchSize = algos.Constant(0.5), 0.5, 3, 20, 4
	cfg.Prioritized = true
	saved := newBoard(t, cfg, 1)
	saved.Anneal(0.6)
	step := func(b *board, k int) {
		chosen := []int{0}
		b.see(b.Obs, 0, k%states)
		b.Act(&b.Batch, chosen)
		b.see(b.Obs, 0, (k+1)%states)
		b.Reward[0] = float64(k)
		b.Learn(&b.Batch, chosen)
	}
	for k := range 50 {
		step(saved, k)
	}
	fresh := newBoard(t, cfg, 1)
	restore(t, fresh.learner, saved.learner)
	for k := range 50 {
		step(saved, k)
		step(fresh, k)
		if stateOf(t, saved.learner) != stateOf(t, fresh.learner) {
			t.Fatalf("another course after %d steps", k+1)
		}
	}
}

// actionsOf is what a policy plays in 20 episodes; the other open seats play at random.
func actionsOf(tb testing.TB, id string, seat int, p envs.Policy) (chosen []int) {
	tb.Helper()
	env := must[envs.Env](tb)(lookup(tb, id).New(1))
	out := env.Spec().NewOutcome()
	actions := make([]int, len(env.Spec().Seats))
	rng := rand.New(envs.NewPCG(5))
	other := envs.Uniform()
	for seed := range uint64(20) {
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

// What is restored also plays like what was saved, in both modes, without a session.
func TestRestoredPolicy(t *testing.T) {
	for _, c := range courses {
		s := enrol(t, small(t, c.set), c.id, c.n, c.budget, 1, nil).train(t, 0.5)
		for seat, l := range s.learners {
			env := must[envs.Env](t)(lookup(t, c.id).New(1))
			fresh := must[algos.Learner](t)(small(t, c.set).NewLearner(env.Spec(), seat, c.n, 99)).(*learner)
			restore(t, fresh, l)
			for _, mode := range algos.Modes {
				a, b := actionsOf(t, c.id, seat, l.Policy(mode)), actionsOf(t, c.id, seat, fresh.Policy(mode))
				if !slices.Equal(a, b) {
					t.Errorf("%s, %s: the restored policy plays otherwise", c.id, mode)
				}
			}
		}
	}
}

// A policy is a copy: training on does not change it, nor does it change what is learnt.
func TestPolicyIsFrozen(t *testing.T) {
	const id = "idsgame-random_defense-v2"
	budget := algos.Budget{Steps: 2000}
	s := enrol(t, small(t, nil), id, 1, budget, 1, nil).train(t, 0.1)
	undisturbed := enrol(t, small(t, nil), id, 1, budget, 1, nil).train(t, 1)
	for _, mode := range algos.Modes {
		early := s.learners[0].Policy(mode)
		before := actionsOf(t, id, 0, s.learners[0].Policy(mode))
		params := slices.Clone(s.learners[0].online.Params())
		s.train(t, s.Spent()+0.4)
		if after := actionsOf(t, id, 0, early); !slices.Equal(before, after) {
			t.Errorf("%s: training on changes the policy", mode)
		}
		if slices.Equal(s.learners[0].online.Params(), params) || !slices.Equal(early.(*policy).q.Params(), params) {
			t.Errorf("%s: training on changes no parameter, or the policy's as well", mode)
		}
	}
	s.train(t, 1)
	if s.bytes(t) != undisturbed.bytes(t) {
		t.Error("taking policies changes what is learnt")
	}
}

// A step, with its update, allocates nothing.
func TestNothingAllocates(t *testing.T) {
	for _, set := range [][]string{nil, {"dueling=true", "prioritized=true"}, {"target_every=0", "tau=0.01", "double=false"}} {
		cfg := small(t, append(set, "train_every=1"))
		entry := lookup(t, "idsgame-minimal_defense-v2")
		es := []envs.Env{must[envs.Env](t)(entry.New(1)), must[envs.Env](t)(entry.New(1))}
		l := must[algos.Learner](t)(cfg.NewLearner(es[0].Spec(), 0, 2, 1)).(*learner)
		vec := must[*envs.Vec](t)(envs.NewVec(1, es, []envs.View{l.View()}))
		actions, report := []int{0, 0}, make([]float64, len(l.Metrics()))
		step := func() {
			l.Anneal(0.5)
			l.Act(vec.Batch(0), actions)
			if err := vec.Step(actions); err != nil {
				t.Fatal(err)
			}
			l.Learn(vec.Batch(0), actions)
			l.Report(report)
		}
		for range 100 {
			step()
		}
		if n := testing.AllocsPerRun(300, step); n != 0 {
			t.Errorf("%v: %v allocations a step", set, n)
		}
		for _, mode := range algos.Modes {
			p, rng := l.Policy(mode), rand.New(envs.NewPCG(1))
			p.Act(es[0], 0, rng)
			if n := testing.AllocsPerRun(100, func() { p.Act(es[0], 0, rng) }); n != 0 {
				t.Errorf("%v: %v allocations an action", set, n)
			}
		}
	}
}

func TestStateErrors(t *testing.T) {
	const id = "idsgame-minimal_defense-v0"
	set := []string{"prioritized=true", "hidden=[2]", "learning_starts=2", "train_every=3"}
	fresh := func(n int, more ...string) *learner {
		cfg := small(t, set)
		if err := settings.Set(cfg, more, "--set"); err != nil {
			t.Fatal(err)
		}
		env := must[envs.Env](t)(lookup(t, id).New(1))
		return must[algos.Learner](t)(cfg.NewLearner(env.Spec(), 0, n, 1)).(*learner)
	}
	s := enrol(t, small(t, set), id, 2, algos.Budget{Steps: 14}, 1, nil).train(t, 1)
	data := must[[]byte](t)(s.learners[0].MarshalBinary())
	l := fresh(2)
	before := string(must[[]byte](t)(l.MarshalBinary()))
	for n := range data {
		if err := l.UnmarshalBinary(data[:n]); err == nil || !strings.HasPrefix(err.Error(), "dqn: ") {
			t.Fatalf("the first %d of %d bytes: error %v", n, len(data), err)
		}
	}
	if string(must[[]byte](t)(l.MarshalBinary())) != before {
		t.Fatal("an error leaves something behind")
	}
	for _, c := range []struct {
		name string
		l    *learner
		want string
	}{
		{"one environment, not two", fresh(1), "2 numbers, not 1"},
		{"another network", fresh(2, "hidden=[3]"), "numbers, not"},
		{"a dueling network", fresh(2, "dueling=true"), "numbers, not"},
		{"a smaller memory", fresh(2, "replay_size=5"), "in a memory of 5"},
		{"no priorities", fresh(2, "prioritized=false"), "too many"},
		{"shorter transitions", fresh(2, "n_step=1"), "of a transition of 1"},
		{"updates more often", fresh(2, "train_every=1"), "due"},
	} {
		if err := c.l.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	other := must[envs.Env](t)(lookup(t, "idsgame-minimal_defense-v2").New(1))
	stranger := must[algos.Learner](t)(small(t, set).NewLearner(other.Spec(), 0, 2, 1))
	if err := stranger.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), "number of actions is 30, not 40") {
		t.Errorf("another game: error %v", err)
	}
}

// A byte that has changed anywhere is an error or changes a number, with which training goes on.
func TestCorruptedState(t *testing.T) {
	set := []string{"hidden=[2]", "replay_size=12", "batch_size=4", "learning_starts=4", "prioritized=true", "n_step=3"}
	const id = "toy-pursuit-attack-v0"
	fresh := func() *school { return enrol(t, configured(t, set...), id, 2, algos.Budget{Steps: 20}, 1, nil) }
	saved := must[algos.State](t)(algos.Save(fresh().train(t, 1).learners[0]))
	size := len(saved.Data) + len(saved.Weights)
	refused, stride := 0, 1
	if testing.Short() {
		stride = 7
	}
	for at := 0; at < size; at += stride {
		for _, x := range []byte{0x01, 0x80, 0xff} {
			changed := append(slices.Clone(saved.Data), saved.Weights...)
			changed[at] ^= x
			s := fresh()
			state := algos.State{Data: changed[:len(saved.Data)], Weights: changed[len(saved.Data):]}
			if state.Restore(s.learners[0]) != nil {
				refused++
				continue
			}
			s.goOn(t)
		}
	}
	if refused < size/stride/4 {
		t.Errorf("%d of %d changes are errors", refused, 3*size/stride)
	}
}

// Whatever a saved state holds, it is an error or a learner that goes on.
func FuzzRestore(f *testing.F) {
	kinds := [][]string{{"n_step=2"}, {"prioritized=true", "dueling=true", "train_every=3"}}
	const id = "toy-pursuit-attack-v0"
	base := []string{"hidden=[2]", "replay_size=12", "batch_size=4", "learning_starts=4"}
	config := func(tb testing.TB, set []string) *Config {
		return configured(tb, append(slices.Clone(base), set...)...)
	}
	for _, set := range kinds {
		for _, steps := range []int64{6, 21} {
			s := enrol(f, config(f, set), id, 2, algos.Budget{Steps: steps}, 1, nil).train(f, 1)
			state := must[algos.State](f)(algos.Save(s.learners[0]))
			f.Add(state.Data, state.Weights)
		}
	}
	f.Fuzz(func(t *testing.T, data, weights []byte) {
		for _, set := range kinds {
			s := enrol(t, config(t, set), id, 2, algos.Budget{Steps: 40}, 1, nil)
			if err := (algos.State{Data: data, Weights: weights}).Restore(s.learners[0]); err != nil {
				continue
			}
			once := stateOf(t, s.learners[0])
			restore(t, s.learners[0], s.learners[0])
			if again := stateOf(t, s.learners[0]); once != again {
				t.Fatalf("%x is restored as %x", once, again)
			}
			// As Resume does: the environments show themselves anew to what was restored.
			if err := s.UnmarshalJSON(must[[]byte](t)(s.MarshalJSON())); err != nil {
				t.Fatal(err)
			}
			s.goOn(t)
			env := must[envs.Env](t)(lookup(t, id).New(1))
			if err := env.Reset(1); err != nil {
				t.Fatal(err)
			}
			s.learners[0].Policy(algos.Sampled).Act(env, 0, rand.New(envs.NewPCG(1)))
		}
	})
}
