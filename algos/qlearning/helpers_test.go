package qlearning

import (
	"context"
	"math"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/idsgame"
	"idsrl/envs/toy"
)

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

var registry = func() *envs.Registry {
	r := new(envs.Registry)
	r.Add(idsgame.Entries()...)
	r.Add(toy.Entries()...)
	return r
}()

func lookup(tb testing.TB, id string) envs.Entry {
	tb.Helper()
	return must[envs.Entry](tb)(registry.Lookup(id))
}

// school is a session of learners, one for every open seat of an environment.
type school struct {
	*algos.Session
	learners []*learner
}

// enrol builds a session of n environments; wrap may be nil.
func enrol(
	tb testing.TB, cfg *Config, id string, n int, budget algos.Budget, seed uint64, wrap func(envs.Env) envs.Env,
) *school {
	tb.Helper()
	entry := lookup(tb, id)
	es := make([]envs.Env, n)
	for i := range es {
		es[i] = must[envs.Env](tb)(entry.New(1))
		if wrap != nil {
			es[i] = wrap(es[i])
		}
	}
	s := new(school)
	var learners []algos.Learner
	var views []envs.View
	for seat := range es[0].Spec().Seats {
		l := must[algos.Learner](tb)(cfg.NewLearner(es[0].Spec(), seat, n, envs.Derive(seed, "learner", uint64(seat))))
		s.learners = append(s.learners, l.(*learner))
		learners, views = append(learners, l), append(views, l.View())
	}
	vec := must[*envs.Vec](tb)(envs.NewVec(envs.Derive(seed, "training", 0), es, views))
	s.Session = algos.NewSession(vec, learners, budget)
	return s
}

// train goes on to a fraction of the budget.
func (s *school) train(tb testing.TB, fraction float64) *school {
	tb.Helper()
	if err := s.Run(context.Background(), fraction); err != nil {
		tb.Fatal(err)
	}
	return s
}

// bytes is everything that the learners hold.
func (s *school) bytes(tb testing.TB) string {
	tb.Helper()
	text := ""
	for _, l := range s.learners {
		text += string(must[[]byte](tb)(l.MarshalBinary())) + "|"
	}
	return text
}

// a truth is what an environment with one open seat is worth.
type truth struct {
	model exact.Model
	v     []float64
	q     [][]float64
}

func solve(tb testing.TB, id string, gamma float64) truth {
	tb.Helper()
	entry := lookup(tb, id)
	table := entry.Game().(toy.Game).Model()
	var m exact.Model = table
	if entry.Cast != nil {
		uniform := make([][]float64, table.States())
		for s := range uniform {
			uniform[s] = []float64{0.5, 0.5}
		}
		seat := 0
		if entry.Cast[0] != "" {
			seat = 1
		}
		m = exact.Against(table, seat, uniform)
	}
	v, q := exact.ValueIteration(m, gamma, 1e-12)
	return truth{m, v, q}
}

// distance is how far the values of the learner are from the truth, at most, and how much its greedy policy loses in
// the worst state.
func (tr truth) distance(l *learner) (values, loss float64) {
	policy := make([][]float64, tr.model.States())
	for s := range policy {
		policy[s] = make([]float64, l.table.actions)
		best := none
		for _, a := range tr.model.Actions(s) {
			values = max(values, math.Abs(l.table.values(s)[a]-tr.q[s][a]))
			if best == none || l.table.values(s)[a] > l.table.values(s)[best] {
				best = a
			}
		}
		if best != none {
			policy[s][best] = 1
		}
	}
	for s, v := range exact.PolicyValue(tr.model, policy, 0.9) {
		loss = max(loss, tr.v[s]-v)
	}
	return values, loss
}
