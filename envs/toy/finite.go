package toy

import (
	"fmt"

	"idsrl/envs"
	"idsrl/envs/exact"
)

// Finite is the Table of the game below, if no state recurs in it. The step limit must leave time to end it.
func (e *env) Finite(_ bool, limit int, _ func(int) error) (exact.Finite, error) {
	t := e.table
	if t.States() > limit {
		return nil, &exact.TooLargeError{What: "states", Limit: limit}
	}
	for i, next := range t.next {
		for _, tr := range next {
			if s := i / t.joints; !tr.Terminal && tr.Next >= s && !t.over[s] {
				return nil, fmt.Errorf("%s: state %d leads to state %d, which is not below it", t.id, s, tr.Next)
			}
		}
	}
	f := &finite{Table: t}
	for s, p := range t.start {
		if p > 0 {
			f.start = append(f.start, exact.Transition{Prob: p, Next: s})
		}
	}
	return f, nil
}

// finite is a Table whose actions are numbered in each state.
type finite struct {
	*Table
	start []exact.Transition
}

func (f *finite) Start() []exact.Transition { return f.start }

// Legal are the ranks of the legal ids.
func (f *finite) Legal(seat, s int) []int {
	ids := f.Table.Legal(seat, s)
	for i := range ids {
		ids[i] = i
	}
	return ids
}

func (f *finite) IDs(seat, s, action int) []int {
	return f.Table.Legal(seat, s)[action : action+1]
}

func (f *finite) Joint(dst []exact.Transition, s, a, b int) []exact.Transition {
	return f.Table.Joint(dst, s, f.IDs(0, s, a)[0], f.IDs(1, s, b)[0])
}

func (f *finite) Enter(game envs.Env, s int) {
	e, ok := envs.As[*env](game)
	if !ok {
		panic("toy: not the game of this table")
	}
	e.state = s
}

func (f *finite) Find(game envs.Env) (s int, ids [2][][]int) {
	e, _ := envs.As[*env](game)
	for seat := range ids {
		for a := range f.Legal(seat, e.state) {
			ids[seat] = append(ids[seat], f.IDs(seat, e.state, a))
		}
	}
	return e.state, ids
}

func (f *finite) Clone() exact.Finite { return f }

// Probabilities are those of the action that Act plays.
func (p *always) Probabilities(env envs.Env, seat int, dst []float64) bool {
	clear(dst)
	dst[p.Act(env, seat, nil)] = 1
	return true
}
