package ppo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

// play makes steps with rewards that differ.
func (b *board) play(steps int) {
	for range steps {
		reward := make([]float64, b.N)
		for i := range reward {
			reward[i] = b.rng.NormFloat64()
		}
		b.step(reward)
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
	names, values := b.Metrics(), make([]float64, len(b.Metrics()))
	b.Report(values)
	for k, name := range names {
		if nan := values[k] != values[k]; nan != (name != "learning_rate" && name != "updates") {
			t.Errorf("before the first update, %s is %v", name, values[k])
		}
	}
	b.play(12)
	b.Report(values)
	for k, x := range values {
		if x != x {
			t.Errorf("%s is %v", names[k], x)
		}
	}
	if values[0] != 1e-3 || values[slices.Index(names, "updates")] != 24 {
		t.Errorf("%v: %v", names, values)
	}
	if h := values[slices.Index(names, "entropy")]; h < 1 || h > 1.0987 { // log 3 at first
		t.Errorf("entropy %v of almost uniform policies", h)
	}
}

func TestMinibatchTooLarge(t *testing.T) {
	_, err := configured(t, "horizon=100", "minibatch=201").NewLearner(boardSpec(), 0, 2, 1)
	var setting *settings.Error
	if !errors.As(err, &setting) || err.Error() != "minibatch = 201: must be at most envs * horizon = 200" {
		t.Errorf("error %v", err)
	}
	if _, err := configured(t, "horizon=100", "minibatch=200").NewLearner(boardSpec(), 0, 2, 1); err != nil {
		t.Error(err)
	}
}

func TestDefaults(t *testing.T) {
	if err := settings.Check(Defaults()); err != nil {
		t.Error(err)
	}
}
