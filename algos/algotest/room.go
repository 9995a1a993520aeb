package algotest

import (
	"errors"
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
)

// Setup says where learners train, and for how long.
type Setup struct {
	ID       string // of the environment
	Instance uint64
	N        int // environments
	Budget   algos.Budget
	Wrap     func(envs.Env) envs.Env // what to make of each environment; nil: nothing
}

// NewEnv makes an environment.
func (s Setup) NewEnv() envs.Env {
	env := Must(Lookup(s.ID).New(s.Instance))
	if s.Wrap != nil {
		env = s.Wrap(env)
	}
	return env
}

// Room is a session of learners of type L, one for each open seat.
type Room[L algos.Learner] struct {
	*algos.Session
	Setup    Setup
	Envs     []envs.Env
	Vec      *envs.Vec // of Envs
	Learners []L       // by seat

	tb   testing.TB
	seed uint64
}

// Open makes a room. The open seats take their configurations from cfgs in turn. All random numbers come from seed.
func Open[L algos.Learner](tb testing.TB, s Setup, seed uint64, cfgs ...algos.Config) *Room[L] {
	tb.Helper()
	r := &Room[L]{Setup: s, tb: tb, seed: seed}
	for range s.N {
		r.Envs = append(r.Envs, s.NewEnv())
	}
	var learners []algos.Learner
	var views []envs.View
	spec := r.Envs[0].Spec()
	for seat := range spec.Seats {
		l := newLearner(tb, cfgs[seat%len(cfgs)], spec, seat, s.N, seed)
		r.Learners = append(r.Learners, l.(L))
		learners, views = append(learners, l), append(views, l.View())
	}
	r.Vec = Must(envs.NewVec(envs.Derive(seed, "training", 0), r.Envs, views))
	r.Session = algos.NewSession(algos.Arena{Vec: r.Vec, Learners: learners}, s.Budget)
	return r
}

// Train goes on to a fraction of the budget.
func (r *Room[L]) Train(fraction float64) *Room[L] {
	r.tb.Helper()
	if err := r.Run(r.tb.Context(), fraction); err != nil {
		r.tb.Fatal(err)
	}
	return r
}

// Bytes is everything that the learners hold.
func (r *Room[L]) Bytes() (text string) {
	for _, l := range r.Learners {
		text += State(l) + "|"
	}
	return text
}

// Report is what the learners have to say.
func (r *Room[L]) Report() (all []float64) {
	for _, l := range r.Learners {
		values := make([]float64, len(l.Metrics()))
		l.Report(values)
		all = append(all, values...)
	}
	return all
}

// Restored puts what r has come to into fresh, a room with the same setup, and returns that.
func (r *Room[L]) Restored(fresh *Room[L]) *Room[L] {
	r.tb.Helper()
	for i, l := range r.Learners {
		Restore(r.tb, fresh.Learners[i], l)
	}
	if r.Bytes() != fresh.Bytes() {
		r.tb.Fatalf("after %d steps, what is restored is not what was saved", r.Steps)
	}
	if err := fresh.UnmarshalJSON(Must(r.MarshalJSON())); err != nil {
		r.tb.Fatal(err)
	}
	return fresh
}

// GoOn checks that learners with a state from anywhere go on to the end of the budget, unless numbers go wrong on the way,
// and play.
func (r *Room[L]) GoOn() {
	r.tb.Helper()
	// As in a run that is resumed, the environments show themselves anew to what was restored.
	if err := r.UnmarshalJSON(Must(r.MarshalJSON())); err != nil {
		r.tb.Fatal(err)
	}
	var diverged *algos.DivergedError
	if err := r.Run(r.tb.Context(), 1); err != nil && !errors.As(err, &diverged) {
		r.tb.Fatal(err)
	}
	for seat, l := range r.Learners {
		env := r.Setup.NewEnv()
		if err := env.Reset(1); err != nil {
			r.tb.Fatal(err)
		}
		if a := l.Policy(algos.Sampled).Act(env, seat, rand.New(envs.NewPCG(1))); a < 0 || a >= r.Vec.Spec().Seats[seat].Actions.N {
			r.tb.Fatalf("seat %d plays %d", seat, a)
		}
	}
}

// Moves are what a policy plays in 30 episodes. The other open seats play at random.
func (r *Room[L]) Moves(seat int, p envs.Policy) (moves []int) {
	r.tb.Helper()
	env, rng := r.Setup.NewEnv(), rand.New(envs.NewPCG(5))
	policies := make([]envs.Policy, len(env.Spec().Seats))
	for i := range policies {
		policies[i] = envs.Uniform()
	}
	policies[seat] = p
	actions, out := make([]int, len(policies)), env.Spec().NewOutcome()
	for episode := range uint64(30) {
		if err := env.Reset(episode); err != nil {
			r.tb.Fatal(err)
		}
		if s, ok := p.(envs.Starter); ok {
			s.StartEpisode(rng)
		}
		for *out = *env.Spec().NewOutcome(); !out.Over(); {
			for i, p := range policies {
				actions[i] = p.Act(env, i, rng)
			}
			moves = append(moves, actions[seat])
			if err := env.Step(actions, out); err != nil {
				r.tb.Fatal(err)
			}
		}
	}
	return moves
}

// HackProbability is the share of 10,000 other games of the same instance of idsgame that the attacker wins if the learners
// play greedily.
func (r *Room[L]) HackProbability() float64 {
	r.tb.Helper()
	entry := Lookup(r.Setup.ID)
	world := entry.Game()
	players := Must(entry.Players(world, 2))
	seat := 0
	for i := range players {
		if entry.Open(i) {
			players[i] = r.Learners[seat].Policy(algos.Greedy)
			seat++
		}
	}
	game, seed := Must(world.New(r.Setup.Instance)), envs.Derive(r.seed, "evaluation", 0)
	return Must(algos.Evaluate(r.tb.Context(), game, players, 10_000, seed, nil)).HackProbability()
}

// Benchmark measures training with some settings: steps a second, and updates where they are a metric. Its name is the
// environment's with a suffix.
func Benchmark(b *testing.B, suffix string, a algos.Algorithm, s Setup, set ...string) {
	b.Run(s.ID+suffix, func(b *testing.B) {
		s.Budget = algos.Budget{Steps: int64(b.N)}
		r := Open[algos.Learner](b, s, 1, Configure(b, a.Config(), set...))
		b.ReportAllocs()
		b.ResetTimer()
		r.Train(1)
		b.StopTimer()
		b.ReportMetric(float64(r.Steps)/b.Elapsed().Seconds(), "steps/s")
		if updates, ok := Metrics(r.Learners[0])["updates"]; ok {
			b.ReportMetric(updates/b.Elapsed().Seconds(), "updates/s")
		}
	})
}
