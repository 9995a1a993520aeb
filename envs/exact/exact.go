// Package exact solves small finite games by dynamic programming: the truth that learners are held against.
//
// A game of one seat is a [Model], a Markov decision process: [ValueIteration] finds what it is worth and [Greedy] how
// to play it, [PolicyValue] what a given policy gets. A game of two seats whose rewards add up to zero is a [Game]:
// [Shapley] finds its value and an equilibrium, [Against] the Model that one seat faces once the other's policy is
// known, whose values are those of a best response.
//
// Tables over actions, such as policies and Q, are indexed [state][action id]. A policy holds probabilities. What it
// says about actions that are not legal, or in states without actions, does not matter.
//
// Where no state recurs, nothing needs to be discounted: [Solution] and [BackwardInduction] take the states one after the
// other. [Finite] is such a game together with the environment that plays it.
//
// [Solution], BackwardInduction and the mixtures serve commands; value iteration, PolicyValue and Shapley serve tests.
//
// Time limits are not part of a model, but of the states of a Finite where they matter: a limit that truncates an episode
// does not change what a state is worth.
package exact

import (
	"fmt"
	"math"
)

// Model is a finite Markov decision process.
type Model interface {
	// States is how many states there are, numbered from 0.
	States() int
	// Actions are the ids that are legal in state s; none in a state in which episodes are over.
	Actions(s int) []int
	// Transitions appends to dst what may happen when a is played in s. The probabilities add up to 1.
	Transitions(dst []Transition, s, a int) []Transition
}

// Transition is one of the things that may happen after an action.
type Transition struct {
	Prob     float64
	Reward   float64 // for the first seat; a second one gets the negative
	Next     int
	Terminal bool // the episode is over, whatever Next is: nothing is added to Reward
}

// ValueIteration returns the optimal values of m, each within tol of the truth but for rounding, and the values of its
// actions Q[s][a], -Inf where a is not legal. It panics if gamma is outside [0, 1) or tol is not
// positive.
func ValueIteration(m Model, gamma, tol float64) (v []float64, q [][]float64) {
	v = iterate(m.States(), gamma, tol, func(s int, v []float64) float64 {
		best := math.Inf(-1)
		for _, a := range m.Actions(s) {
			best = max(best, backup(m, v, s, a, gamma))
		}
		if math.IsInf(best, -1) {
			return 0
		}
		return best
	})
	return v, ActionValues(m, v, gamma)
}

// ActionValues returns what each action is worth if the values v follow: Q[s][a] = Σ p (r + γ v(s')), -Inf where a is
// not legal.
func ActionValues(m Model, v []float64, gamma float64) [][]float64 {
	width := 0
	for s := range m.States() {
		for _, a := range m.Actions(s) {
			width = max(width, a+1)
		}
	}
	q := make([][]float64, m.States())
	for s := range q {
		q[s] = make([]float64, width)
		for a := range q[s] {
			q[s][a] = math.Inf(-1)
		}
		for _, a := range m.Actions(s) {
			q[s][a] = backup(m, v, s, a, gamma)
		}
	}
	return q
}

// Greedy returns the policy that plays an action of the highest value in every state, the one with the lowest id among
// equals. Rows of states without actions are zero.
func Greedy(q [][]float64) [][]float64 {
	policy := make([][]float64, len(q))
	for s, row := range q {
		policy[s] = make([]float64, len(row))
		best := -1
		for a, x := range row {
			if !math.IsInf(x, -1) && (best < 0 || x > row[best]) {
				best = a
			}
		}
		if best >= 0 {
			policy[s][best] = 1
		}
	}
	return policy
}

// PolicyValue returns what each state is worth if policy is played, by solving the linear equations
// v(s) = Σ_a policy(s,a) Σ p (r + γ v(s')). Where they have no single solution, such as for gamma = 1 and a policy that
// never ends an episode, it panics.
func PolicyValue(m Model, policy [][]float64, gamma float64) []float64 {
	n := m.States()
	a, b := make([][]float64, n), make([]float64, n) // a v = b
	var ts []Transition
	for s := range n {
		a[s] = make([]float64, n)
		a[s][s] = 1
		for _, act := range m.Actions(s) {
			ts = m.Transitions(ts[:0], s, act)
			for _, t := range ts {
				p := policy[s][act] * t.Prob
				b[s] += p * t.Reward
				if !t.Terminal {
					a[s][t.Next] -= gamma * p
				}
			}
		}
	}
	solve(a, b)
	return b
}

// backup is Σ p (r + γ v(s')) over what may happen after a in s.
func backup(m Model, v []float64, s, a int, gamma float64) float64 {
	var room [16]Transition
	return expect(m.Transitions(room[:0], s, a), v, gamma)
}

func expect(ts []Transition, v []float64, gamma float64) float64 {
	sum := 0.0
	for _, t := range ts {
		x := t.Reward
		if !t.Terminal {
			x += gamma * v[t.Next]
		}
		sum += t.Prob * x
	}
	return sum
}

// iterate applies update, a contraction by gamma in the maximum norm, until the values are within tol of its fixed
// point: |v' - v*| <= gamma/(1-gamma) |v' - v|.
func iterate(states int, gamma, tol float64, update func(s int, v []float64) float64) []float64 {
	if !(0 <= gamma && gamma < 1 && tol > 0) {
		panic(fmt.Sprintf("exact: gamma = %v is not in [0, 1) or tol = %v not positive", gamma, tol))
	}
	v, next := make([]float64, states), make([]float64, states)
	for bound := math.MaxFloat64; ; {
		change := 0.0
		for s := range next {
			next[s] = update(s, v)
			change = max(change, math.Abs(next[s]-v[s]))
		}
		v, next = next, v
		bound = min(change, gamma*bound) // rounding can keep change from falling, so count on what the theory says
		if gamma*bound <= tol*(1-gamma) {
			return v
		}
	}
}

// solve solves a x = b by Gaussian elimination with partial pivoting and leaves x in b; a is overwritten.
func solve(a [][]float64, b []float64) {
	n := len(b)
	for c := range n {
		pivot := c
		for r := c + 1; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[pivot][c]) {
				pivot = r
			}
		}
		if math.Abs(a[pivot][c]) < 1e-12 {
			panic("exact: the equations have no single solution")
		}
		a[c], a[pivot], b[c], b[pivot] = a[pivot], a[c], b[pivot], b[c]
		for r := c + 1; r < n; r++ {
			f := a[r][c] / a[c][c]
			for k := c; k < n; k++ {
				a[r][k] -= f * a[c][k]
			}
			b[r] -= f * b[c]
		}
	}
	for c := n - 1; c >= 0; c-- {
		for k := c + 1; k < n; k++ {
			b[c] -= a[c][k] * b[k]
		}
		b[c] /= a[c][c]
	}
}
