package actorcritic

import (
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

// An update is made every horizon steps of all environments, and raises the probability of what went better than the
// value said.
func TestUpdate(t *testing.T) {
	for _, whiten := range []string{"true", "false"} {
		b := newBoard(t, 4, "network.hidden=[4]", "horizon=3", "learning_rate.start=0.05", "entropy_coef.start=0", "gamma=0",
			"whiten="+whiten)
		for t := range 300 {
			b.Act(&b.Batch, b.chosen) // sees what it plays before the reward for it is made
			for i, a := range b.chosen {
				b.Reward[i] = 0
				if a == 1 {
					b.Reward[i] = 1
				}
			}
			b.hear()
			if t%3 == 1 && b.Adam.Steps != t/3 {
				panic("an update too many")
			}
		}
		if b.Adam.Steps != 100 {
			t.Errorf("%d updates, want 100", b.Adam.Steps)
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
			t.Errorf("whiten %s: plays what pays nothing %d times", whiten, other)
		}
	}
}

func TestMetrics(t *testing.T) {
	b := newBoard(t, 2, "network.hidden=[4]", "horizon=4")
	names, values := b.Metrics(), make([]float64, len(b.Metrics()))
	b.Report(values)
	for k, name := range names {
		if nan := values[k] != values[k]; nan != (name != "learning_rate" && name != "updates") {
			t.Errorf("before the first update, %s is %v", name, values[k])
		}
	}
	for range 12 {
		b.step([]float64{b.rng.Float64(), b.rng.Float64()}, b.rng.IntN(2))
	}
	b.Report(values)
	for k, x := range values {
		if x != x {
			t.Errorf("%s is %v", names[k], x)
		}
	}
	if values[0] != 2e-3 || values[slices.Index(names, "updates")] != 3 {
		t.Errorf("%v: %v", names, values)
	}
}

func TestDefaults(t *testing.T) {
	if err := settings.Check(Defaults()); err != nil {
		t.Error(err)
	}
}
