package ppo

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"idsrl/algos/algotest"
	"idsrl/envs/settings"
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

// play makes steps with rewards that differ.
func (b board) play(steps int) {
	for range steps {
		reward := make([]float64, b.N)
		for i := range reward {
			reward[i] = b.Rng.NormFloat64()
		}
		b.Step(reward)
	}
}

// A round is so many passes over minibatches; rows that do not fill one wait.
func TestRound(t *testing.T) {
	for _, c := range []struct {
		n, horizon, minibatch, epochs, lstm int
		segments, want                      int
	}{
		{1, 8, 8, 1, 0, 8, 1},
		{2, 6, 4, 3, 0, 12, 9},
		{2, 6, 5, 3, 0, 12, 6},
		{3, 5, 2, 2, 0, 15, 14},
		{3, 5, 15, 10, 0, 15, 10},
		{3, 5, 5, 2, 3, 3, 6}, // with a memory, environments stay whole
		{3, 5, 10, 2, 3, 3, 2},
	} {
		b := newBoard(t, c.n, "network.hidden=[4]", fmt.Sprint("horizon=", c.horizon), fmt.Sprint("minibatch=", c.minibatch),
			fmt.Sprint("epochs=", c.epochs), fmt.Sprint("network.lstm=", c.lstm))
		b.play(c.horizon - 1)
		if b.Adam.Steps != 0 {
			t.Errorf("%+v: %d updates before the end of the round", c, b.Adam.Steps)
		}
		b.play(1)
		if b.Adam.Steps != c.want {
			t.Errorf("%+v: %d updates", c, b.Adam.Steps)
		}
		all := slices.Sorted(slices.Values(b.order))
		for i, segment := range all {
			if i != segment || len(all) != c.segments {
				t.Fatalf("%+v: the order of segments is no permutation: %v", c, b.order)
			}
		}
		b.play(c.horizon)
		if b.Adam.Steps != 2*c.want {
			t.Errorf("%+v: %d updates after two rounds", c, b.Adam.Steps)
		}
	}
}

// A round ends after the epoch that moves the policy too far; without a limit it does not.
func TestTargetKL(t *testing.T) {
	for _, c := range []struct {
		target string
		want   int
	}{{"0", 20}, {"1e-6", 2}, {"1e6", 20}} {
		b := newBoard(t, 2, "network.hidden=[4]", "horizon=4", "minibatch=4", "epochs=10", "learning_rate.start=0.05", "target_kl="+c.target)
		b.play(4)
		if b.Adam.Steps != c.want {
			t.Errorf("target %s: %d updates, want %d", c.target, b.Adam.Steps, c.want)
		}
	}
}

func TestMetrics(t *testing.T) {
	b := newBoard(t, 2, "network.hidden=[4]", "horizon=4", "minibatch=4")
	got := algotest.CheckMetrics(t, b.Board, func() { b.play(12) })
	if got["learning_rate"] != 1e-3 || got["updates"] != 24 {
		t.Errorf("%v", got)
	}
	if h := got["entropy"]; h < 1 || h > 1.0987 { // log 3 at first
		t.Errorf("entropy %v of almost uniform policies", h)
	}
}

func TestMinibatchTooLarge(t *testing.T) {
	_, err := algotest.Configure(t, Defaults(), "horizon=100", "minibatch=201").NewLearner(algotest.BoardSpec(), 0, 2, 1)
	var setting *settings.Error
	if !errors.As(err, &setting) || err.Error() != "minibatch = 201: must be at most envs * horizon = 200" {
		t.Errorf("error %v", err)
	}
	newBoard(t, 2, "horizon=100", "minibatch=200")
}

func TestAlgorithm(t *testing.T) { algotest.CheckAlgorithm(t, Algorithm()) }
