package exact

import (
	"fmt"
	"math"

	"idsrl/envs"
)

// Finite is a Game in which no state recurs, and the environment that plays it: transitions lead to lower numbers. Its
// actions are numbered from 0 in each state, and may stand for several ids of the environment that are alike.
type Finite interface {
	Game
	// Start are the first states of episodes with their probabilities. What is missing to 1 is worth 0.
	Start() []Transition
	// IDs are the ids that an action of a seat stands for in state s, to be played with equal probabilities.
	IDs(seat, s, action int) []int
	// Enter puts env into state s.
	Enter(env envs.Env, s int)
	// Find is the state of env, and the ids that each action of each seat stands for there. It may be a new one with the
	// next number, which play with dominated actions has led to. Where nothing is left to be decided it is -1, and
	// the only action of each seat is one that keeps it so. The ids hold until the next call.
	Find(env envs.Env) (s int, ids [2][][]int)
	// Clone is the same Finite for another goroutine.
	Clone() Finite
}

// Maker is an Env that can be written out.
type Maker interface {
	// Finite enumerates at most limit states; each, which may be nil, hears of each and can stop the work by an error. The
	// result may leave out what does not change the value, unless full is set: then it has an action for every legal
	// id, and a state for all that a policy may tell apart.
	Finite(full bool, limit int, each func(states int) error) (Finite, error)
}

// TooLargeError says that a game has more of something than allowed.
type TooLargeError struct {
	What  string
	Limit int
}

func (e *TooLargeError) Error() string { return fmt.Sprintf("more than %d %s", e.Limit, e.What) }

// Mean is the mean of values over the first states.
func Mean(start []Transition, v []float64) float64 {
	sum := 0.0
	for _, t := range start {
		sum += t.Prob * v[t.Next]
	}
	return sum
}

// Solution is the values, for seat 0, and the policies of an equilibrium of a Game in which no state recurs.
type Solution struct {
	Values   []float64
	Policies [2][][]float64
}

// Extend solves the states of g that the Solution does not have yet, without discount: a matrix game for each. It calls
// progress, which may be nil, after each of them, and stops at its error. It panics if a state leads to one that is not
// below it.
func (e *Solution) Extend(g Game, progress func(done int) error) error {
	for s := len(e.Values); s < g.States(); s++ {
		payoff := payoffs(g, s, func(ts []Transition) float64 { return expectBelow(ts, e.Values, s) })
		value, x, y := 0.0, []float64(nil), []float64(nil)
		if payoff != nil {
			value, x, y = MatrixGame(payoff)
		}
		e.Values = append(e.Values, value)
		e.Policies[0] = append(e.Policies[0], spread(x, g.Legal(0, s)))
		e.Policies[1] = append(e.Policies[1], spread(y, g.Legal(1, s)))
		if progress != nil {
			if err := progress(s + 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// BackwardInduction returns the optimal values of a Model without discount in which no state recurs. It panics if a state
// leads to one that is not below it.
func BackwardInduction(m Model) []float64 {
	v := make([]float64, m.States())
	var ts []Transition
	for s := range v {
		best := math.Inf(-1)
		for _, a := range m.Actions(s) {
			ts = m.Transitions(ts[:0], s, a)
			best = max(best, expectBelow(ts, v, s))
		}
		if !math.IsInf(best, -1) {
			v[s] = best
		}
	}
	return v
}

// expectBelow is expect without discount for transitions that lead from state s to states of lower numbers.
func expectBelow(ts []Transition, v []float64, s int) float64 {
	for _, t := range ts {
		if !t.Terminal && t.Next >= s {
			panic(fmt.Sprintf("exact: state %d leads to %d, which is not below it", s, t.Next))
		}
	}
	return expect(ts, v, 1)
}
