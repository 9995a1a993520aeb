package qlearning

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

// board is a learner without a game. State s and action a are worth 3s + a.
type board struct {
	*learner
	*algotest.Board
}

func newBoard(tb testing.TB, cfg *Config, n int) board {
	tb.Helper()
	b := algotest.NewBoard(tb, cfg, n)
	l := b.Learner.(*learner)
	for i := range l.table.q {
		l.table.q[i] = float64(i)
	}
	return board{l, b}
}

// plain is one update of step size 1/2 and discount factor 1/2, without exploration.
func plain() *Config {
	c := Defaults()
	c.Alpha, c.Omega, c.Gamma, c.Epsilon, c.Repeat = algos.Constant(0.5), 0, 0.5, algos.Constant(0), 0
	return c
}
