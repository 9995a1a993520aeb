// Package algotest helps to test learning algorithms. A [Room] is a session of learners, a [Board] shows a learner what no
// game would, a [Truth] is what a toy game is worth, a [Control] spoils learning. The functions Check… are tests that
// learners have in common.
package algotest

import (
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
	"idsrl/envs/toy"
)

// Must is x. It panics on an error, for what cannot fail.
func Must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

// Registry has the environments of idsgame and toy.
var Registry = func() *envs.Registry {
	r := new(envs.Registry)
	r.Add(idsgame.Entries()...)
	r.Add(toy.Entries()...)
	return r
}()

// Lookup finds one of them.
func Lookup(id string) envs.Entry { return Must(Registry.Lookup(id)) }

// NewEnv makes such an environment.
func NewEnv(id string) envs.Env { return Must(Lookup(id).New(0)) }

// Variant is an algorithm whose learners are of type L, with settings, each KEY=VALUE, that differ from its defaults. Of
// several values for a key, the last one counts.
type Variant[L algos.Learner] struct {
	algos.Algorithm
	Set []string
}

// With has more settings.
func (v Variant[L]) With(set ...string) Variant[L] {
	return Variant[L]{v.Algorithm, append(slices.Clone(v.Set), set...)}
}

// Settings are all settings.
func (v Variant[L]) Settings(tb testing.TB) algos.Config {
	tb.Helper()
	return Configure(tb, v.Config(), v.Set...)
}

// Learner makes a learner.
func (v Variant[L]) Learner(tb testing.TB, spec *envs.Spec, seat, n int, seed uint64) L {
	tb.Helper()
	return newLearner(tb, v.Settings(tb), spec, seat, n, seed).(L)
}

// Open makes a room of such learners.
func (v Variant[L]) Open(tb testing.TB, s Setup, seed uint64) *Room[L] {
	tb.Helper()
	return Open[L](tb, s, seed, v.Settings(tb))
}

// Board makes a board for such a learner.
func (v Variant[L]) Board(tb testing.TB, n int) *Board {
	tb.Helper()
	return NewBoard(tb, v.Settings(tb), n)
}

// Set assigns settings as flags do.
func Set(cfg algos.Config, assignments ...string) error {
	return settings.Load(cfg, settings.Assign("--set", assignments))
}

// Configure makes settings in cfg and returns it.
func Configure[C algos.Config](tb testing.TB, cfg C, set ...string) C {
	tb.Helper()
	if err := Set(cfg, Last(set)...); err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// Last are the settings, each KEY=VALUE, that count: of several for a key, the last one.
func Last(set []string) (last []string) {
	for i, assignment := range set {
		key, _, _ := strings.Cut(assignment, "=")
		if !slices.ContainsFunc(set[i+1:], func(later string) bool { return strings.HasPrefix(later, key+"=") }) {
			last = append(last, assignment)
		}
	}
	return last
}

func newLearner(tb testing.TB, cfg algos.Config, spec *envs.Spec, seat, n int, seed uint64) algos.Learner {
	tb.Helper()
	l, err := cfg.NewLearner(spec, seat, n, envs.Derive(seed, "learner", uint64(seat)))
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// Metrics are the values of a learner's report, by name.
func Metrics(l algos.Learner) map[string]float64 {
	metrics, values := map[string]float64{}, make([]float64, len(l.Metrics()))
	l.Report(values)
	for k, name := range l.Metrics() {
		metrics[name] = values[k]
	}
	return metrics
}

// State is everything that a learner holds.
func State(l algos.Learner) string {
	s := Must(algos.Save(l))
	return string(s.Data) + string(s.Weights)
}

// Restore puts what one learner has come to into another.
func Restore(tb testing.TB, to, from algos.Learner) {
	tb.Helper()
	if err := Must(algos.Save(from)).Restore(to); err != nil {
		tb.Fatal(err)
	}
}
