package experiments

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/settings"
)

// Problem is a game to be solved.
type Problem struct {
	Env          string
	EnvFile      *settings.Source // settings of it; may be nil
	EnvSet       []string
	InstanceSeed uint64                        // what the environment draws once
	Limit        int                           // the most states
	Watch        func(phase string, count int) // hears how far the work is; may be nil
}

// Solved is the equilibrium of a game for two seats that both see its whole state. The number that it is worth is the
// probability of a hack, in a toy game the attacker's reward.
type Solved struct {
	Env       string // as Catalog.EnvName
	States    int    // that are left to be solved; 0 where the game is decided before it begins
	Value     float64
	Low, High float64       // what the two policies guarantee, by the best responses to them: the truth lies between
	Time      time.Duration // of it all
	Bytes     uint64        // of memory that were allocated
	Stopped   error         // nil, or an *exact.TooLargeError: then only time and memory are known

	Game     envs.Env // every seat open
	finite   exact.Finite
	solution exact.Solution
}

// Solve solves a game by backward induction, with a matrix game for each state. That it is too large is no error.
func (c Catalog) Solve(ctx context.Context, p Problem) (*Solved, error) {
	entry, game, env, err := c.open(p)
	if err != nil {
		return nil, err
	}
	s := &Solved{Env: variant(p.Env, entry.Game(), game), Game: env}
	began, before := time.Now(), allocated()
	err = s.solve(ctx, p)
	if large, ok := errors.AsType[*exact.TooLargeError](err); ok {
		s.Stopped, s.Value, s.Low, s.High, err = large, math.NaN(), math.NaN(), math.NaN(), nil
	}
	s.Time, s.Bytes = time.Since(began), allocated()-before
	return s, err
}

// open builds the game of a problem, every seat open.
func (c Catalog) open(p Problem) (entry envs.Entry, game envs.Game, env envs.Env, err error) {
	entry, game, err = c.gameOf(p.Env, p.EnvFile, settings.Assign("--env-set", p.EnvSet))
	if err == nil {
		env, err = game.New(p.InstanceSeed)
	}
	return entry, game, env, err
}

// allocated is how many bytes the program has allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// stride is how many states pass between looks at a context.
const stride = 1 << 10

// watch makes a callback of package exact.
func (p Problem) watch(ctx context.Context, phase string) func(int) error {
	return func(states int) error {
		if states%stride != 0 {
			return nil
		}
		if p.Watch != nil {
			p.Watch(phase, states)
		}
		return ctx.Err()
	}
}

func (s *Solved) solve(ctx context.Context, p Problem) (err error) {
	if s.finite, err = writeOut(s.Game, false, p.Limit, p.watch(ctx, "states found")); err != nil {
		return err
	}
	s.States = s.finite.States()
	if err := s.solution.Extend(s.finite, p.watch(ctx, "states solved")); err != nil {
		return err
	}
	start := s.finite.Start()
	s.Value = exact.Mean(start, s.solution.Values)
	s.Low = respond(s.finite, 1, s.solution.Policies[0])
	s.High = respond(s.finite, 0, s.solution.Policies[1])
	return nil
}

// writeOut is the game of env as package exact reads it.
func writeOut(env envs.Env, full bool, limit int, each func(int) error) (exact.Finite, error) {
	maker, ok := envs.As[exact.Maker](env)
	if !ok || len(env.Spec().Seats) != 2 {
		return nil, &settings.Error{Key: "env", Value: env.Spec().ID, Problem: "is not a game of two that can be solved"}
	}
	return maker.Finite(full, limit, each)
}

// respond is what seat 0 gets if a seat plays the best response to the other's policy.
func respond(g exact.Finite, seat int, policy [][]float64) float64 {
	v := exact.Mean(g.Start(), exact.BackwardInduction(exact.Against(g, seat, policy)))
	if seat == 1 {
		v = 0 - v // not -0
	}
	return v
}

// probabilities are those of the actions of a seat in a state, with the ids that each stands for.
func (s *Solved) probabilities(env envs.Env, seat int) (row []float64, ids [][]int) {
	state, both := s.finite.Find(env)
	if state < 0 {
		return []float64{1}, both[seat]
	}
	if state >= len(s.solution.Values) {
		s.solution.Extend(s.finite, nil) //nolint:errcheck // nothing stops it
	}
	return s.solution.Policies[seat][state], both[seat]
}

// Player plays a seat of the equilibrium. It is for one goroutine.
func (s *Solved) Player() envs.Policy {
	mine := *s
	mine.finite = s.finite.Clone()
	for seat, policy := range s.solution.Policies {
		mine.solution.Policies[seat] = slices.Clip(policy) // what Find adds is its own
	}
	mine.solution.Values = slices.Clip(s.solution.Values)
	return optimal{&mine}
}

// optimal plays the policies of an equilibrium.
type optimal struct{ *Solved }

// Act draws an action, and one of the ids that it stands for.
func (p optimal) Act(env envs.Env, seat int, rng *rand.Rand) int {
	row, ids := p.probabilities(env, seat)
	action := envs.Pick(row, rng.Float64())
	return ids[action][rng.IntN(len(ids[action]))]
}

// Probabilities are those of Act.
func (p optimal) Probabilities(env envs.Env, seat int, dst []float64) bool {
	row, ids := p.probabilities(env, seat)
	clear(dst)
	for a, prob := range row {
		for _, id := range ids[a] {
			dst[id] += prob / float64(len(ids[a]))
		}
	}
	return true
}

// solvable is the most states of a game whose equilibrium a player plays.
const solvable = 1 << 20

// newOptimal solves the game of env for a player.
func newOptimal(env envs.Env) (envs.Policy, error) {
	s := &Solved{Game: env}
	if err := s.solve(context.Background(), Problem{Limit: solvable}); err != nil {
		return nil, err
	}
	return s.Player(), nil
}

// SolvedAction is an id that a seat may play in a state.
type SolvedAction struct {
	State       int
	Sees        [2][]float32 // observations by seat
	Value       float64      // of the state
	Role        envs.Role
	Name        string // of the action
	Probability float64
}

// EachAction calls visit for each id that is played with a probability above 0 in the states of the solution.
func (s *Solved) EachAction(visit func(SolvedAction)) {
	seats := s.Game.Spec().Seats
	for state := range s.States {
		s.finite.Enter(s.Game, state)
		a := SolvedAction{State: state, Value: s.solution.Values[state]}
		for seat := range a.Sees {
			a.Sees[seat] = make([]float32, seats[seat].Obs.Len())
			s.Game.Observe(seat, a.Sees[seat])
		}
		for seat, policy := range s.solution.Policies {
			for action, prob := range policy[state] {
				ids := s.finite.IDs(seat, state, action)
				for _, id := range ids {
					a.Role, a.Name, a.Probability = seats[seat].Role, seats[seat].Actions.Name(id), prob/float64(len(ids))
					if prob > 0 {
						visit(a)
					}
				}
			}
		}
	}
}
