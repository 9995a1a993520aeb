package reinforce

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// Of a board.
const obsLen, actions = 2, 3

func boardSpec() *envs.Spec {
	return &envs.Spec{ID: "board", Seats: []envs.Seat{{
		Role: envs.Attacker, Obs: envs.UniformBox(0, 1, obsLen), Actions: envs.Discrete{N: actions},
	}}}
}

// board is a learner without a game, and the Batch that it is shown.
type board struct {
	*learner
	envs.Batch
	chosen []int
	rng    *rand.Rand
}

func newBoard(tb testing.TB, n int, set ...string) *board {
	tb.Helper()
	l := must[algos.Learner](tb)(configured(tb, set...).NewLearner(boardSpec(), 0, n, 1))
	b := &board{l.(*learner), envs.Batch{
		N: n, ObsLen: obsLen, Actions: actions,
		Obs: make([]float32, n*obsLen), Last: make([]float32, n*obsLen),
		Legal: make([]bool, n*actions), LastLegal: make([]bool, n*actions),
		First: make([]bool, n), Reward: make([]float64, n), Terminated: make([]bool, n), Truncated: make([]bool, n),
	}, make([]int, n), rand.New(envs.NewPCG(1))}
	for i := range b.Legal {
		b.Legal[i] = true
	}
	b.Anneal(0)
	return b
}

// step acts, and shows what comes of it: a reward each, and the ends of some episodes.
func (b *board) step(reward []float64, terminated ...int) {
	b.Act(&b.Batch, b.chosen)
	copy(b.Reward, reward)
	clear(b.Terminated)
	for _, i := range terminated {
		b.Terminated[i] = true
	}
	for i := range b.Obs {
		b.Obs[i] = b.rng.Float32()
	}
	b.hear()
}

// hear learns from the step.
func (b *board) hear() {
	if err := b.Learn(&b.Batch, b.chosen); err != nil {
		panic(err)
	}
}

// Rewards become returns, episode by episode. The batch is the first episodes that begin, not the first to end; what
// begins later, or before an update, is not learnt from.
func TestCollect(t *testing.T) {
	b := newBoard(t, 2, "network.hidden=[4]", "episodes_per_update=3", "gamma=0.5", "scale_rewards=false")
	batch := func(ended int, want ...float64) {
		t.Helper()
		if !slices.Equal(b.batch.reward, want) || b.ended != ended {
			t.Errorf("returns %v of %d episodes, want %v of %d", b.batch.reward, b.ended, want, ended)
		}
	}
	part := func(want ...int) {
		t.Helper()
		if !slices.Equal(b.part, want) {
			t.Errorf("parts %v, want %v", b.part, want)
		}
	}
	b.step([]float64{1, 10})
	b.step([]float64{2, 20}, 1)
	batch(1, 20, 20) // 10 + ½·20, 20
	part(counts, begins)
	b.step([]float64{4, 30}, 1) // the third that begins
	batch(2, 20, 20, 30)
	b.step([]float64{8, 40}, 1) // a fourth
	batch(2, 20, 20, 30)
	b.step([]float64{16, 50})
	part(counts, late)
	if len(b.running[1].action) != 0 || len(b.running[0].action) != 5 || b.Adam.Steps != 0 {
		t.Errorf("%d and %d steps of running episodes, %d updates", len(b.running[0].action), len(b.running[1].action), b.Adam.Steps)
	}
	if len(b.batch.action) != 3 || len(b.batch.obs) != 3*obsLen || len(b.batch.legal) != 3*actions {
		t.Errorf("%d actions, %d entries of observations and %d of masks", len(b.batch.action), len(b.batch.obs), len(b.batch.legal))
	}
	b.step([]float64{32, 60}, 0)
	part(begins, late)
	batch(0)
	if b.Adam.Steps != 1 {
		t.Fatalf("%d updates", b.Adam.Steps)
	}
	b.step([]float64{1, 70}, 1) // it began before the update
	part(counts, begins)
	batch(0)
	b.step([]float64{1, 2}, 0, 1) // one of two steps, one of one
	batch(2, 1.5, 1, 2)
	b.Truncated[1] = true // counts with the rewards it got; in environment 0 one more has begun
	b.step([]float64{1, 7}, 0)
	if b.Adam.Steps != 2 {
		t.Errorf("%d updates after the third episode", b.Adam.Steps)
	}
}

// With the mean over the batch as baseline, no value is learnt; with a value, one is. Either learns what pays.
func TestBaselines(t *testing.T) {
	for _, c := range []struct {
		set   []string
		value bool
	}{
		{[]string{"baseline=batch"}, false},
		{[]string{"baseline=batch", "whiten=true"}, false},
		{[]string{"baseline=value"}, true},
		{[]string{"baseline=value", "whiten=true"}, true},
		{[]string{"baseline=value", "value_coef=0"}, false},
	} {
		set := append([]string{"network.hidden=[4]", "episodes_per_update=10", "learning_rate.start=0.05", "entropy_coef.start=0"}, c.set...)
		b := newBoard(t, 4, set...)
		before := newBoard(t, 4, set...).Net.Tensors()
		for range 400 { // episodes of one step
			b.Act(&b.Batch, b.chosen)
			for i, a := range b.chosen {
				b.Reward[i], b.Terminated[i] = float64(a%2), true
			}
			b.hear()
		}
		moved := false
		for k, tensor := range b.Net.Tensors() {
			if strings.HasPrefix(tensor.Name, "value") {
				moved = moved || !slices.Equal(tensor.Data, before[k].Data)
			}
		}
		if moved != c.value {
			t.Errorf("%v: the value moves: %v", c.set, moved)
		}
		other := 0
		for range 50 {
			b.step(nil)
			for _, a := range b.chosen {
				if a != 1 {
					other++
				}
			}
		}
		if other > 20 { // of 200; 133 before training
			t.Errorf("%v: plays what pays nothing %d times", c.set, other)
		}
	}
}

// Parts of a saved state that do not fit each other are an error: what an update without steps would be, nobody knows.
func TestStateErrors(t *testing.T) {
	for name, change := range map[string]func(l *learner){
		"a full batch":             func(l *learner) { l.ended = l.cfg.Episodes },
		"a negative batch":         func(l *learner) { l.ended = -1 },
		"an unknown part":          func(l *learner) { l.part[0] = late + 1 },
		"a late episode's steps":   func(l *learner) { l.part[1] = late },
		"an episode without steps": func(l *learner) { l.part[0] = counts },
		"episodes without steps":   func(l *learner) { l.batch.reset() },
		"steps without episodes":   func(l *learner) { l.ended = 0 },
		"fewer rewards":            func(l *learner) { l.batch.reward = l.batch.reward[1:] },
		"more observations":        func(l *learner) { l.batch.obs = append(l.batch.obs, 1) },
		"fewer masks":              func(l *learner) { l.running[1].legal = l.running[1].legal[1:] },
		"an action of another":     func(l *learner) { l.running[1].action[0] = actions },
		"a negative action":        func(l *learner) { l.batch.action[0] = -1 },
		"an action that is masked": func(l *learner) { clear(l.batch.legal) },
	} {
		b := newBoard(t, 2, "network.hidden=[4]", "episodes_per_update=3")
		b.step([]float64{1, 1}, 0)
		b.step([]float64{1, 1}, 0)
		fresh := newBoard(t, 2, "network.hidden=[4]", "episodes_per_update=3")
		if err := fresh.UnmarshalBinary(must[[]byte](t)(b.MarshalBinary())); err != nil {
			t.Fatal(err)
		}
		change(b.learner)
		if err := fresh.UnmarshalBinary(must[[]byte](t)(b.MarshalBinary())); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDefaults(t *testing.T) {
	if err := settings.Check(Defaults()); err != nil {
		t.Error(err)
	}
}
