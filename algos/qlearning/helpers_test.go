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
	for s := range states {
		for a := range actions {
			l.table.set(s, a, float64(s*actions+a))
		}
	}
	return board{l, b}
}

func (t *table) set(row, action int, value float64) { t.q[t.entry(row, action)] = value }

func (t *table) values(row int) []float64 { return copyRow(t, row, t.q) }

// all is the values of all rows.
func (t *table) all() (q []float64) {
	for row := range t.rows() {
		q = append(q, t.values(row)...)
	}
	return q
}

// plain is one update of step size 1/2 and discount factor 1/2, without exploration.
func plain() *Config {
	c := Defaults()
	c.Alpha, c.Omega, c.Gamma, c.Epsilon, c.Repeat = algos.Constant(0.5), 0, 0.5, algos.Constant(0), 0
	return c
}
