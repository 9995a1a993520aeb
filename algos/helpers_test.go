package algos_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
)

type (
	room    = algotest.Room[algos.Learner]
	variant = algotest.Variant[algos.Learner]
)

// open makes a room in which variants of algorithms take the open seats in turn.
func open(tb testing.TB, s algotest.Setup, seed uint64, variants ...variant) *room {
	tb.Helper()
	var cfgs []algos.Config
	for _, v := range variants {
		cfgs = append(cfgs, v.Settings(tb))
	}
	return algotest.Open[algos.Learner](tb, s, seed, cfgs...)
}

// scribe is a learner that plays at random and folds all that it hears into one number.
type scribe struct {
	pcg      *rand.PCG
	rng      *rand.Rand
	heard    uint64
	progress float64
	looks    []float64 // what Anneal said; not part of what is saved
}

func newScribe(seed uint64) *scribe {
	s := &scribe{pcg: envs.NewPCG(seed)}
	s.rng = rand.New(s.pcg)
	return s
}

func (s *scribe) fold(xs ...uint64) {
	for _, x := range xs {
		s.heard = (s.heard ^ x) * 1099511628211
	}
}

func (s *scribe) View() envs.View {
	return envs.View{Legal: true, Row: func(env envs.Env, seat int) int { return len(env.AppendKey(nil, seat)) + env.State(seat, 0) }}
}

func (s *scribe) Anneal(progress float64) {
	s.progress = progress
	s.looks = append(s.looks, progress)
}

func (s *scribe) Act(b *envs.Batch, actions []int) {
	s.fold(math.Float64bits(s.progress))
	for i := range actions {
		s.fold(uint64(b.Row[i]))
		actions[i] = envs.RandomLegal(b.Legal[i*b.Actions:(i+1)*b.Actions], s.rng)
	}
}

func (s *scribe) Learn(b *envs.Batch, actions []int) error {
	for i, a := range actions {
		s.fold(uint64(a), math.Float64bits(b.Reward[i]), uint64(b.Row[i]))
		if b.Terminated[i] || b.Truncated[i] {
			s.fold(uint64(b.LastRow[i]))
		}
	}
	return nil
}

func (s *scribe) Updates() int                  { return 0 }
func (s *scribe) Policy(algos.Mode) envs.Policy { return envs.Uniform() }
func (s *scribe) Metrics() []string             { return nil }
func (s *scribe) Report([]float64)              {}

func (s *scribe) MarshalBinary() ([]byte, error) {
	var e algos.Encoder
	e.PCG(s.pcg)
	e.Int(int(s.heard))
	return e.Data, nil
}

func (s *scribe) UnmarshalBinary(data []byte) error {
	d := algos.NewDecoder(data)
	d.PCG(s.pcg)
	s.heard = uint64(d.Int())
	return d.Close()
}

// scribes is the configuration of scribes.
type scribes struct{}

func (scribes) Validate() error { return nil }

func (scribes) NewLearner(_ *envs.Spec, _, _ int, seed uint64) (algos.Learner, error) {
	return newScribe(seed), nil
}

// class is a room of scribes.
type class struct{ *algotest.Room[*scribe] }

func newClass(tb testing.TB, id string, n int, budget algos.Budget) class {
	tb.Helper()
	return class{algotest.Open[*scribe](tb, algotest.Setup{ID: id, N: n, Budget: budget}, 7, scribes{})}
}

// state is all that a class has come to.
func (c class) state() string { return string(algotest.Must(c.MarshalJSON())) + c.Bytes() }

// reborn is a new class that goes on from what c saves.
func (c class) reborn(tb testing.TB) class {
	tb.Helper()
	return class{c.Restored(newClass(tb, c.Setup.ID, c.Setup.N, c.Setup.Budget).Room)}
}
