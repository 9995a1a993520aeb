package dqn

import (
	"context"
	"errors"
	"math"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
	"idsrl/envs/toy"
	"idsrl/nets"
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

// configured are the defaults but for some settings.
func configured(tb testing.TB, set ...string) *Config {
	tb.Helper()
	cfg := Defaults()
	if err := settings.Set(cfg, set, "--set"); err != nil {
		tb.Fatal(err)
	}
	return cfg
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

// goOn trains to the end, unless numbers go wrong on the way.
func (s *school) goOn(tb testing.TB) {
	tb.Helper()
	var diverged *algos.DivergedError
	if err := s.Run(context.Background(), 1); err != nil && !errors.As(err, &diverged) {
		tb.Fatal(err)
	}
}

// bytes is everything that the learners hold.
func (s *school) bytes(tb testing.TB) string {
	tb.Helper()
	text := ""
	for _, l := range s.learners {
		text += stateOf(tb, l) + "|"
	}
	return text
}

// restore puts what one learner has come to into another.
func restore(tb testing.TB, to, from *learner) {
	tb.Helper()
	if err := must[algos.State](tb)(algos.Save(from)).Restore(to); err != nil {
		tb.Fatal(err)
	}
}

// stateOf is everything that a learner holds.
func stateOf(tb testing.TB, l *learner) string {
	tb.Helper()
	s := must[algos.State](tb)(algos.Save(l))
	return string(s.Data) + string(s.Weights)
}

// a truth is what an environment with one open seat is worth.
type truth struct {
	model exact.Model
	v     []float64
	q     [][]float64
}

const gamma = 0.9

// modelOf is the decision process of a toy game with one open seat.
func modelOf(tb testing.TB, id string) exact.Model {
	tb.Helper()
	entry := lookup(tb, id)
	table := entry.Game().(toy.Game).Model()
	if entry.Cast == nil {
		return table
	}
	uniform := make([][]float64, table.States())
	for s := range uniform {
		uniform[s] = []float64{0.5, 0.5}
	}
	seat := 0
	if entry.Cast[0] != "" {
		seat = 1
	}
	return exact.Against(table, seat, uniform)
}

func solve(tb testing.TB, id string) truth {
	tb.Helper()
	m := modelOf(tb, id)
	v, q := exact.ValueIteration(m, gamma, 1e-12)
	return truth{m, v, q}
}

// values are Q of all states of a toy game: an observation is one-hot.
func values(l *learner, states int) [][]float32 {
	q := make([][]float32, states)
	for s := range q {
		obs := make([]float32, states)
		obs[s] = 1
		q[s] = append(q[s], l.online.values(obs, 1)...)
	}
	return q
}

// distance is how far the values of the learner are from the truth, at most, and how much its greedy policy loses in
// the worst state.
func (tr truth) distance(l *learner) (worst, loss float64) {
	q := values(l, tr.model.States())
	policy := make([][]float64, len(q))
	for s := range q {
		policy[s] = make([]float64, l.actions)
		legal := make([]bool, l.actions)
		for _, a := range tr.model.Actions(s) {
			legal[a] = true
			if d := math.Abs(float64(q[s][a]) - tr.q[s][a]); !(d <= worst) { // also if it is no number
				worst = d
			}
		}
		if best := nets.ArgmaxLegal(q[s], legal); best >= 0 {
			policy[s][best] = 1
		}
	}
	for s, v := range exact.PolicyValue(tr.model, policy, gamma) {
		loss = max(loss, tr.v[s]-v)
	}
	return worst, loss
}
