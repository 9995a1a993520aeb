package dqn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
)

// courses are trainings that are saved and restored on the way: memories that fill up and that do not, with and without
// priorities, one environment and several, one seat and two.
var courses = []struct {
	algotest.Setup
	set []string
}{
	{algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 1, Budget: algos.Budget{Steps: 1500}}, nil},
	{algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 3, Budget: algos.Budget{Steps: 1500}}, nil},
	{
		algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 3, Budget: algos.Budget{Steps: 1500}},
		[]string{"prioritized=true", "dueling=true"},
	},
	{
		algotest.Setup{ID: "idsgame-random_attack-v1", N: 1, Budget: algos.Budget{Episodes: 200}},
		[]string{"prioritized=true", "n_step=7", "train_every=3", "explore_at=entry"},
	},
	{
		algotest.Setup{ID: "idsgame-v13", N: 3, Budget: algos.Budget{Steps: 1500}},
		[]string{"target_every=0", "tau=0.01", "double=false", "train_every=7"},
	},
	{
		algotest.Setup{ID: "toy-clock-v0", N: 3, Budget: algos.Budget{Steps: 1500}},
		[]string{"replay_size=5000", "explore_repeat=0.99", "train_every=10"},
	},
	{
		algotest.Setup{ID: "toy-clock-v0", N: 1, Budget: algos.Budget{Steps: 1500}},
		[]string{"learning_starts=700", "hidden=[]"},
	},
}

// Learners go on after a restart, and their policies stand for themselves.
func TestCourses(t *testing.T) {
	for _, c := range courses {
		t.Run(fmt.Sprintf("%s, %d environments, %v", c.ID, c.N, c.set), func(t *testing.T) {
			t.Parallel()
			open := func(seed uint64) *room { return small.With(c.set...).Open(t, c.Setup, seed) }
			for _, l := range algotest.CheckRestore(t, open).Learners {
				if l.updates == 0 {
					t.Error("nothing was learnt")
				}
			}
			algotest.CheckPolicies(t, open)
		})
	}
}

func TestRestoredGoesOn(t *testing.T) {
	cfg := plain()
	cfg.LearningRate = algos.Schedule{Start: 0.9, End: 0.1, Over: 1, Shape: "linear"}
	cfg.Epsilon, cfg.Repeat, cfg.NStep, cfg.ReplaySize, cfg.BatchSize = algos.Constant(0.5), 0.5, 3, 20, 4
	cfg.Prioritized = true
	algotest.CheckGoesOn(t, func() *algotest.Board { return newBoard(t, cfg, 1).Board })
}

// A step, with its update, allocates nothing.
func TestAllocations(t *testing.T) {
	for _, set := range [][]string{nil, {"dueling=true", "prioritized=true"}, {"target_every=0", "tau=0.01", "double=false"}} {
		setup := algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 2, Budget: algos.Budget{Steps: 2000}}
		algotest.CheckAllocations(t, small.With(set...).With("train_every=1").Open(t, setup, 1))
	}
}

func TestStateErrors(t *testing.T) {
	v := small.With("prioritized=true", "hidden=[2]", "learning_starts=2", "train_every=3")
	setup := algotest.Setup{ID: "idsgame-minimal_defense-v0", N: 2, Budget: algos.Budget{Steps: 14}}
	fresh := func(n int, more ...string) *learner {
		return v.With(more...).Learner(t, setup.NewEnv().Spec(), 0, n, 1)
	}
	data := algotest.Must(v.Open(t, setup, 1).Train(1).Learners[0].MarshalBinary())
	l := fresh(2)
	before := algotest.State(l)
	for n := range data {
		if err := l.UnmarshalBinary(data[:n]); err == nil || !strings.HasPrefix(err.Error(), "dqn: ") {
			t.Fatalf("the first %d of %d bytes: error %v", n, len(data), err)
		}
	}
	if algotest.State(l) != before {
		t.Fatal("an error leaves something behind")
	}
	for _, c := range []struct {
		name string
		l    *learner
		want string
	}{
		{"one environment, not two", fresh(1), "a state of 2 environments, not 1"},
		{"another network", fresh(2, "hidden=[3]"), "entries, not"},
		{"a dueling network", fresh(2, "dueling=true"), "entries, not"},
		{"a smaller memory", fresh(2, "replay_size=5"), "in a memory of 5"},
		{"no priorities", fresh(2, "prioritized=false"), "too many"},
		{"shorter transitions", fresh(2, "n_step=1"), "of a transition of 1"},
		{"updates more often", fresh(2, "train_every=1"), "due"},
	} {
		if err := c.l.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	stranger := v.Learner(t, algotest.NewEnv("idsgame-minimal_defense-v2").Spec(), 0, 2, 1)
	if err := stranger.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), "number of actions is 30, not 40") {
		t.Errorf("another game: error %v", err)
	}
}

// tiny are learners with little to save.
var tiny = defaults.With("hidden=[2]", "replay_size=12", "batch_size=4", "learning_starts=4")

// A byte that has changed anywhere is an error or changes a number, with which training goes on.
func TestCorruptedState(t *testing.T) {
	v := tiny.With("prioritized=true", "n_step=3")
	setup := algotest.Setup{ID: "toy-pursuit-attack-v0", N: 2, Budget: algos.Budget{Steps: 20}}
	saved := algotest.Must(algos.Save(v.Open(t, setup, 1).Train(1).Learners[0]))
	size := len(saved.Data) + len(saved.Weights)
	refused, stride := 0, 1
	if testing.Short() {
		stride = 7
	}
	for at := 0; at < size; at += stride {
		for _, x := range []byte{0x01, 0x80, 0xff} {
			changed := append(slices.Clone(saved.Data), saved.Weights...)
			changed[at] ^= x
			r := v.Open(t, setup, 1)
			state := algos.State{Data: changed[:len(saved.Data)], Weights: changed[len(saved.Data):]}
			if state.Restore(r.Learners[0]) != nil {
				refused++
				continue
			}
			r.GoOn()
		}
	}
	if refused < size/stride/4 {
		t.Errorf("%d of %d changes are errors", refused, 3*size/stride)
	}
}

// Whatever a saved state holds, it is an error or a learner that goes on.
func FuzzRestore(f *testing.F) {
	kinds := []algotest.Variant[*learner]{tiny.With("n_step=2"), tiny.With("prioritized=true", "dueling=true", "train_every=3")}
	setup := algotest.Setup{ID: "toy-pursuit-attack-v0", N: 2, Budget: algos.Budget{Steps: 40}}
	for _, v := range kinds {
		for _, fraction := range []float64{0.15, 0.55} {
			state := algotest.Must(algos.Save(v.Open(f, setup, 1).Train(fraction).Learners[0]))
			f.Add(state.Data, state.Weights)
		}
	}
	f.Fuzz(func(t *testing.T, data, weights []byte) {
		for _, v := range kinds {
			r := v.Open(t, setup, 1)
			l := r.Learners[0]
			if err := (algos.State{Data: data, Weights: weights}).Restore(l); err != nil {
				continue
			}
			if got := algotest.Must(l.MarshalBinary()); string(got) != string(data) {
				t.Fatalf("%x is restored as %x", data, got)
			}
			r.GoOn()
		}
	})
}
