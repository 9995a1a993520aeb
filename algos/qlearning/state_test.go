package qlearning

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
)

// courses are trainings that are saved and restored on the way: tables by number and by observation, one environment
// and several, one seat and two, full tables and endless ones.
var courses = []struct {
	algotest.Setup
	set []string
}{
	{algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 1, Budget: algos.Budget{Steps: 6000}}, nil},
	{algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 3, Budget: algos.Budget{Steps: 6000}}, nil},
	{algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 1, Budget: algos.Budget{Steps: 6000}}, []string{"state=observation"}},
	{algotest.Setup{ID: "idsgame-random_attack-v1", N: 3, Budget: algos.Budget{Steps: 6000}}, []string{"state=observation"}},
	{
		algotest.Setup{ID: "idsgame-random_attack-v1", N: 3, Budget: algos.Budget{Episodes: 1500}},
		[]string{"state=observation", "max_states=50"},
	},
	{algotest.Setup{ID: "idsgame-v13", N: 3, Budget: algos.Budget{Steps: 6000}}, []string{"state=full", "omega=0", "alpha.end=0.1"}},
	{algotest.Setup{ID: "idsgame-v12", N: 1, Budget: algos.Budget{Steps: 6000}}, []string{"state=observation", "epsilon.start=0.9"}},
	{algotest.Setup{ID: "toy-clock-v0", N: 3, Budget: algos.Budget{Steps: 6000}}, []string{"explore_repeat=0.99", "initial_q=3"}},
}

// Learners go on after a restart, and their policies stand for themselves.
func TestCourses(t *testing.T) {
	for _, c := range courses {
		t.Run(fmt.Sprintf("%s, %d environments, %v", c.ID, c.N, c.set), func(t *testing.T) {
			t.Parallel()
			open := func(seed uint64) *room { return defaults.With(c.set...).Open(t, c.Setup, seed) }
			algotest.CheckRestore(t, open)
			algotest.CheckPolicies(t, open)
		})
	}
}

func TestRestoredGoesOn(t *testing.T) {
	cfg := plain()
	cfg.Omega, cfg.Alpha = 0.7, algos.Schedule{Start: 0.9, End: 0.1, Over: 1, Shape: "linear"}
	cfg.Epsilon, cfg.Repeat = algos.Constant(0.5), 0.5
	algotest.CheckGoesOn(t, func() *algotest.Board { return newBoard(t, cfg, 1).Board })
}

// Nothing is allocated in a step, in a hash table once all states were seen.
func TestAllocations(t *testing.T) {
	budget := algos.Budget{Steps: 10_000}
	algotest.CheckAllocations(t, defaults.Open(t, algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 2, Budget: budget}, 1))
	byKey := defaults.With("state=observation")
	algotest.CheckAllocations(t, byKey.Open(t, algotest.Setup{ID: "toy-clock-v0", N: 2, Budget: budget}, 1))
}

// Where a table of observations is full, all further states share the last row, in training and in play.
func TestMaxStates(t *testing.T) {
	const id = "idsgame-random_attack-v2"
	env := algotest.NewEnv(id)
	l := defaults.With("state=observation", "max_states=5").Learner(t, env.Spec(), 0, 1, 1)
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
	l.table.set(4, 3, 1) // id 3 is the best in the last row
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
	l = defaults.With("state=observation", "initial_q=-3").Learner(t, env.Spec(), 0, 1, 1)
	if a := l.Policy(algos.Greedy).Act(env, 0, rng); a != 0 || l.table.rows() != 0 {
		t.Errorf("plays %d in a state that it has never seen; %d rows", a, l.table.rows())
	}
}

func TestStateErrors(t *testing.T) {
	byKey := defaults.With("state=observation")
	setup := algotest.Setup{ID: "idsgame-minimal_defense-v0", N: 2, Budget: algos.Budget{Steps: 30}}
	data := algotest.Must(byKey.Open(t, setup, 1).Train(1).Learners[0].MarshalBinary())
	spec := setup.NewEnv().Spec()
	l := byKey.Learner(t, spec, 0, 2, 1)
	before := algotest.State(l)
	for n := range data {
		if err := l.UnmarshalBinary(data[:n]); err == nil || !strings.HasPrefix(err.Error(), "tabular-q: ") {
			t.Fatalf("the first %d of %d bytes: error %v", n, len(data), err)
		}
		if algotest.State(l) != before {
			t.Fatalf("the first %d of %d bytes leave something behind", n, len(data))
		}
	}
	for _, c := range []struct {
		name string
		l    *learner
		want string
	}{
		{"one environment, not two", byKey.Learner(t, spec, 0, 1, 1), "a state of 2 environments, not 1"},
		{"table by number", defaults.Learner(t, spec, 0, 2, 1), "states by name in a table by number"},
		{"fewer states", byKey.With("max_states=3").Learner(t, spec, 0, 2, 1), "states in a table of at most 3"},
	} {
		if err := c.l.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	stranger := byKey.Learner(t, algotest.NewEnv("idsgame-minimal_defense-v2").Spec(), 0, 2, 1)
	if err := stranger.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), "number of actions is 30, not 40") {
		t.Errorf("another game: error %v", err)
	}
}

// Whatever a saved state holds, it is an error that leaves nothing behind, or a learner that goes on.
func FuzzUnmarshal(f *testing.F) {
	kinds := []algotest.Variant[*learner]{
		defaults.With("omega=0"), defaults.With("state=observation", "omega=0"), defaults.With("state=observation", "max_states=3"),
	}
	setup := algotest.Setup{ID: "toy-pursuit-attack-v0", N: 2, Budget: algos.Budget{Steps: 100}}
	for _, v := range kinds {
		f.Add(algotest.Must(v.Open(f, setup, 1).Train(0.2).Learners[0].MarshalBinary()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range kinds {
			r := v.Open(t, setup, 1)
			before := r.Bytes()
			if err := r.Learners[0].UnmarshalBinary(data); err != nil {
				if r.Bytes() != before {
					t.Fatal("an error leaves something behind")
				}
				continue
			}
			if got := algotest.State(r.Learners[0]); got != string(data) {
				t.Fatalf("%x is restored as %x", data, got)
			}
			r.GoOn()
		}
	})
}
