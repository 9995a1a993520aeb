package dqn

import (
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
)

// Of a board.
const states, actions = algotest.States, algotest.Actions

type room = algotest.Room[*learner]

// defaults are learners with the default settings.
var defaults = algotest.Variant[*learner]{Algorithm: Algorithm()}

// small are learners for games of a second.
var small = defaults.With("hidden=[16]", "learning_starts=60", "batch_size=16", "replay_size=300", "target_every=50")

// board is a learner without a game. Its network is linear: a table, in which state s and action a are worth 3s + a, and 10
// times as much in the target.
type board struct {
	*learner
	*algotest.Board
}

func newBoard(tb testing.TB, cfg *Config, n int) board {
	tb.Helper()
	b := algotest.NewBoard(tb, cfg, n)
	l := b.Learner.(*learner)
	for i := range table(l.online) {
		l.online.Params()[i] = float32(i)
		l.target.Params()[i] = float32(10 * i)
	}
	return board{l, b}
}

// table is Q of a board's network.
func table(n *network) []float32 { return n.Params()[:states*actions] }

// plain is a linear network with updates of one transition, the latest, one step long, without exploration. A step of Adam
// moves by the learning rate of 1/4 whatever the gradient is.
func plain() *Config {
	c := Defaults()
	c.Hidden, c.LearningRate, c.Gamma, c.Epsilon, c.Repeat = nil, algos.Constant(0.25), 0.5, algos.Constant(0), 0
	c.ReplaySize, c.LearningStarts, c.TrainEvery, c.BatchSize, c.NStep = 1, 0, 1, 1, 1
	c.TargetEvery, c.Double, c.Huber, c.MaxGradNorm = 1_000_000, false, 0, 0
	return c
}

// values are Q of all states of a toy game: an observation is one-hot.
func values(l *learner, states int) [][]float64 {
	q := make([][]float64, states)
	for s := range q {
		obs := make([]float32, states)
		obs[s] = 1
		for _, x := range l.online.values(obs, 1) {
			q[s] = append(q[s], float64(x))
		}
	}
	return q
}
