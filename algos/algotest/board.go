package algotest

import (
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
)

// States and Actions are how many there are on a Board.
const States, Actions = 4, 3

// BoardSpec describes a board: a learner sees the number of the state, one-hot.
func BoardSpec() *envs.Spec {
	return &envs.Spec{ID: "board", Seats: []envs.Seat{{
		Role: envs.Attacker, Obs: envs.UniformBox(0, 1, States), Actions: envs.Discrete{N: Actions},
		Encodings: []envs.Encoding{{Name: "field", States: States}, {Name: "half", States: States / 2}},
	}}}
}

// Board is what a learner is shown without a game. The test writes the Batch.
type Board struct {
	envs.Batch
	Learner algos.Learner
	Chosen  []int // by the learner, in each row
	Rng     *rand.Rand

	tb testing.TB
}

// NewBoard makes n rows, all in state 0 with every action legal, for a learner at the beginning of its training.
func NewBoard(tb testing.TB, cfg algos.Config, n int) *Board {
	tb.Helper()
	l := newLearner(tb, cfg, BoardSpec(), 0, n, 1)
	l.Anneal(0)
	b := &Board{
		Batch: envs.Batch{
			N: n, ObsLen: States, Actions: Actions,
			Obs: make([]float32, n*States), Last: make([]float32, n*States),
			Legal: make([]bool, n*Actions), LastLegal: make([]bool, n*Actions),
			Row: make([]int, n), LastRow: make([]int, n), First: make([]bool, n),
			Reward: make([]float64, n), Terminated: make([]bool, n), Truncated: make([]bool, n),
		},
		Learner: l, Chosen: make([]int, n), Rng: rand.New(envs.NewPCG(1)), tb: tb,
	}
	for i := range n {
		b.Show(i, 0)
	}
	b.Allow(true, true, true)
	return b
}

// Allow sets what is legal in all rows.
func (b *Board) Allow(legal ...bool) {
	for i := range b.Legal {
		b.Legal[i] = legal[i%Actions]
	}
}

// Show puts row i into a state.
func (b *Board) Show(i, state int) {
	b.Row[i] = state
	oneHot(b.Obs[i*States:(i+1)*States], state)
}

// ShowLast makes a state the last one of the episode that ends in row i.
func (b *Board) ShowLast(i, state int) {
	b.LastRow[i] = state
	oneHot(b.Last[i*States:(i+1)*States], state)
}

// Plays is how often the learner plays an action in so many more steps, which pay nothing.
func (b *Board) Plays(action, steps int) (count int) {
	b.tb.Helper()
	for range steps {
		b.Step(make([]float64, b.N))
		for _, a := range b.Chosen {
			if a == action {
				count++
			}
		}
	}
	return count
}

func oneHot(dst []float32, k int) {
	clear(dst)
	dst[k] = 1
}

// Choose lets the learner act and returns what it plays.
func (b *Board) Choose() []int {
	b.Learner.Act(&b.Batch, b.Chosen)
	return b.Chosen
}

// Hear lets the learner learn from the Batch as it is after a step of these actions; without any, of those that it chose.
func (b *Board) Hear(actions ...int) {
	b.tb.Helper()
	if len(actions) > 0 {
		copy(b.Chosen, actions)
	}
	if err := b.Learner.Learn(&b.Batch, b.Chosen); err != nil {
		b.tb.Fatal(err)
	}
}

// Step makes a step with these rewards, in which the episodes of some rows terminate, and which leads to observations that
// are drawn.
func (b *Board) Step(reward []float64, terminated ...int) {
	b.tb.Helper()
	b.Choose()
	copy(b.Reward, reward)
	clear(b.Terminated)
	for _, i := range terminated {
		b.Terminated[i] = true
	}
	for i := range b.Obs {
		b.Obs[i] = b.Rng.Float32()
	}
	b.Hear()
}
