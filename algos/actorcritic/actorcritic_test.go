package actorcritic

import (
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

// An update is made every horizon steps of all environments, and raises the probability of what went better than the
// value said.
func TestUpdate(t *testing.T) {
	for _, whiten := range []string{"true", "false"} {
		b := newBoard(t, 4, "network.hidden=[4]", "horizon=3", "learning_rate.start=0.05", "entropy_coef.start=0", "gamma=0",
			"whiten="+whiten)
		for t := range 300 {
			b.Choose() // sees what it plays before the reward for it is made
			for i, a := range b.Chosen {
				b.Reward[i] = 0
				if a == 1 {
					b.Reward[i] = 1
				}
			}
			b.Hear()
			if t%3 == 1 && b.Adam.Steps != t/3 {
				panic("an update too many")
			}
		}
		if b.Adam.Steps != 100 {
			t.Errorf("%d updates, want 100", b.Adam.Steps)
		}
		if other := 200 - b.Plays(1, 50); other > 20 { // of 200; 133 before training
			t.Errorf("whiten %s: plays what pays nothing %d times", whiten, other)
		}
	}
}

func TestMetrics(t *testing.T) {
	b := newBoard(t, 2, "network.hidden=[4]", "horizon=4")
	got := algotest.CheckMetrics(t, b.Board, func() {
		for range 12 {
			b.Step([]float64{b.Rng.Float64(), b.Rng.Float64()}, b.Rng.IntN(2))
		}
	})
	if got["learning_rate"] != 2e-3 || got["updates"] != 3 {
		t.Errorf("%v", got)
	}
}

func TestAlgorithm(t *testing.T) { algotest.CheckAlgorithm(t, Algorithm()) }
