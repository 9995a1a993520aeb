package reinforce

import (
	"slices"
	"strings"
	"testing"

	"idsrl/algos/algotest"
)

// board is a learner without a game.
type board struct {
	*learner
	*algotest.Board
}

func newBoard(tb testing.TB, n int, set ...string) board {
	tb.Helper()
	b := algotest.NewBoard(tb, algotest.Configure(tb, Defaults(), set...), n)
	return board{b.Learner.(*learner), b}
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
	b.Step([]float64{1, 10})
	b.Step([]float64{2, 20}, 1)
	batch(1, 20, 20) // 10 + ½·20, 20
	part(counts, begins)
	b.Step([]float64{4, 30}, 1) // the third that begins
	batch(2, 20, 20, 30)
	b.Step([]float64{8, 40}, 1) // a fourth
	batch(2, 20, 20, 30)
	b.Step([]float64{16, 50})
	part(counts, late)
	if len(b.running[1].action) != 0 || len(b.running[0].action) != 5 || b.Adam.Steps != 0 {
		t.Errorf("%d and %d steps of running episodes, %d updates", len(b.running[0].action), len(b.running[1].action), b.Adam.Steps)
	}
	if len(b.batch.action) != 3 || len(b.batch.obs) != 3*algotest.States || len(b.batch.legal) != 3*algotest.Actions {
		t.Errorf("%d actions, %d entries of observations and %d of masks", len(b.batch.action), len(b.batch.obs), len(b.batch.legal))
	}
	b.Step([]float64{32, 60}, 0)
	part(begins, late)
	batch(0)
	if b.Adam.Steps != 1 {
		t.Fatalf("%d updates", b.Adam.Steps)
	}
	b.Step([]float64{1, 70}, 1) // it began before the update
	part(counts, begins)
	batch(0)
	b.Step([]float64{1, 2}, 0, 1) // one of two steps, one of one
	batch(2, 1.5, 1, 2)
	b.Truncated[1] = true // counts with the rewards it got; in environment 0 one more has begun
	b.Step([]float64{1, 7}, 0)
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
			b.Choose()
			for i, a := range b.Chosen {
				b.Reward[i], b.Terminated[i] = float64(a%2), true
			}
			b.Hear()
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
		if other := 200 - b.Plays(1, 50); other > 20 { // of 200; 133 before training
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
		"an action of another":     func(l *learner) { l.running[1].action[0] = algotest.Actions },
		"a negative action":        func(l *learner) { l.batch.action[0] = -1 },
		"an action that is masked": func(l *learner) { clear(l.batch.legal) },
	} {
		b := newBoard(t, 2, "network.hidden=[4]", "episodes_per_update=3")
		b.Step([]float64{1, 1}, 0)
		b.Step([]float64{1, 1}, 0)
		fresh := newBoard(t, 2, "network.hidden=[4]", "episodes_per_update=3")
		algotest.Restore(t, fresh.learner, b.learner)
		change(b.learner)
		if err := fresh.UnmarshalBinary(algotest.Must(b.MarshalBinary())); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMetrics(t *testing.T) {
	b := newBoard(t, 2, "network.hidden=[4]", "episodes_per_update=3")
	got := algotest.CheckMetrics(t, b.Board, func() {
		for range 6 { // episodes of one step
			b.Step([]float64{b.Rng.Float64(), b.Rng.Float64()}, 0, 1)
		}
	})
	if got["learning_rate"] != 2e-3 || got["updates"] != 3 {
		t.Errorf("%v", got)
	}
}

func TestAlgorithm(t *testing.T) { algotest.CheckAlgorithm(t, Algorithm()) }
