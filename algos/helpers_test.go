package algos_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
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

func newEnv(tb testing.TB, id string) envs.Env {
	tb.Helper()
	return must[envs.Env](tb)(must[envs.Entry](tb)(registry.Lookup(id)).New(1))
}

// restore puts what one learner has come to into another.
func restore(tb testing.TB, to, from algos.Learner) {
	tb.Helper()
	if err := must[algos.State](tb)(algos.Save(from)).Restore(to); err != nil {
		tb.Fatal(err)
	}
}

// stateOf is everything that a learner holds.
func stateOf(tb testing.TB, l algos.Learner) string {
	tb.Helper()
	s := must[algos.State](tb)(algos.Save(l))
	return string(s.Data) + string(s.Weights)
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

func (s *scribe) Policy(algos.Mode) envs.Policy { return envs.Uniform() }
func (s *scribe) Metrics() []string             { return nil }
func (s *scribe) Report([]float64)              {}

func (s *scribe) MarshalBinary() ([]byte, error) {
	var e algos.Encoder
	random, err := s.pcg.MarshalBinary()
	e.Bytes(random)
	e.Int(int(s.heard))
	return e.Data, err
}

func (s *scribe) UnmarshalBinary(data []byte) error {
	d := algos.NewDecoder(data)
	if err := s.pcg.UnmarshalBinary(d.Bytes()); err != nil {
		d.Fail("%w", err)
	}
	s.heard = uint64(d.Int())
	return d.Close()
}

// class is a session whose learners are scribes.
type class struct {
	*algos.Session
	scribes []*scribe
}

func newClass(tb testing.TB, id string, n int, budget algos.Budget) *class {
	tb.Helper()
	es := make([]envs.Env, n)
	for i := range es {
		es[i] = newEnv(tb, id)
	}
	c := new(class)
	var learners []algos.Learner
	var views []envs.View
	for seat := range es[0].Spec().Seats {
		s := newScribe(uint64(seat))
		c.scribes = append(c.scribes, s)
		learners, views = append(learners, s), append(views, s.View())
	}
	c.Session = algos.NewSession(must[*envs.Vec](tb)(envs.NewVec(7, es, views)), learners, budget)
	return c
}

// state is all that a class has come to.
func (c *class) state(tb testing.TB) string {
	tb.Helper()
	text := string(must[[]byte](tb)(c.MarshalJSON()))
	for _, s := range c.scribes {
		text += fmt.Sprintf(" %x", must[[]byte](tb)(s.MarshalBinary()))
	}
	return text
}

// reborn is a new class that goes on from what c saves.
func (c *class) reborn(tb testing.TB, id string, n int, budget algos.Budget) *class {
	tb.Helper()
	fresh := newClass(tb, id, n, budget)
	for i, s := range c.scribes {
		if err := fresh.scribes[i].UnmarshalBinary(must[[]byte](tb)(s.MarshalBinary())); err != nil {
			tb.Fatal(err)
		}
	}
	if err := fresh.UnmarshalJSON(must[[]byte](tb)(c.MarshalJSON())); err != nil {
		tb.Fatal(err)
	}
	return fresh
}
