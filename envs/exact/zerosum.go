package exact

import "slices"

// Game is a finite game of two seats that move at once and whose rewards add up to zero: a Markov game in the sense of
// Shapley (1953, doi:10.1073/pnas.39.10.1095).
type Game interface {
	// States is how many states there are, numbered from 0. Both seats see which one it is.
	States() int
	// Legal are the ids that a seat, 0 or 1, may play in state s; none in a state in which episodes are over.
	Legal(seat, s int) []int
	// Joint appends to dst what may happen when the seats play a and b in s. The probabilities add up to 1.
	Joint(dst []Transition, s, a, b int) []Transition
}

// Shapley returns the values of g for seat 0, each within tol of the truth but for rounding, and the policies of an
// equilibrium. It panics if gamma is outside [0, 1) or tol is not positive.
func Shapley(g Game, gamma, tol float64) (v []float64, policies [2][][]float64) {
	stage := func(s int, v []float64) (value float64, x, y []float64) {
		payoff := payoffs(g, s, func(ts []Transition) float64 { return expect(ts, v, gamma) })
		if payoff == nil {
			return 0, nil, nil
		}
		return MatrixGame(payoff)
	}
	v = iterate(g.States(), gamma, tol, func(s int, v []float64) float64 {
		value, _, _ := stage(s, v)
		return value
	})
	for seat := range policies {
		policies[seat] = make([][]float64, g.States())
	}
	for s := range g.States() {
		_, x, y := stage(s, v)
		policies[0][s], policies[1][s] = spread(x, g.Legal(0, s)), spread(y, g.Legal(1, s))
	}
	return v, policies
}

// payoffs is the matrix game of state s, where worth is what seat 0 gets from what may happen; nil where there are no
// actions.
func payoffs(g Game, s int, worth func([]Transition) float64) [][]float64 {
	rows, cols := g.Legal(0, s), g.Legal(1, s)
	if len(rows) == 0 || len(cols) == 0 {
		return nil
	}
	var room [16]Transition
	payoff, cells := make([][]float64, len(rows)), make([]float64, len(rows)*len(cols))
	for i, a := range rows {
		payoff[i] = cells[i*len(cols) : (i+1)*len(cols)]
		for j, b := range cols {
			payoff[i][j] = worth(g.Joint(room[:0], s, a, b))
		}
	}
	return payoff
}

// spread turns probabilities of the actions in ids into a row over all ids.
func spread(p []float64, ids []int) []float64 {
	width := 0
	for _, a := range ids {
		width = max(width, a+1)
	}
	row := make([]float64, width)
	for i, x := range p {
		row[ids[i]] = x
	}
	return row
}

// Against returns what g is for one seat when the other one plays a known policy. Rewards are those of the seat.
func Against(g Game, seat int, opponent [][]float64) Model {
	return &against{Game: g, seat: seat, opponent: opponent}
}

type against struct {
	Game
	seat     int
	opponent [][]float64
}

func (m *against) Actions(s int) []int { return m.Legal(m.seat, s) }

func (m *against) Transitions(dst []Transition, s, a int) []Transition {
	for _, b := range m.Legal(1-m.seat, s) {
		p, sign, from := m.opponent[s][b], 1.0, len(dst)
		if p == 0 {
			continue
		}
		if m.seat == 0 {
			dst = m.Joint(dst, s, a, b)
		} else {
			dst, sign = m.Joint(dst, s, b, a), -1
		}
		for i := from; i < len(dst); i++ {
			dst[i].Prob *= p
			dst[i].Reward *= sign
		}
	}
	return dst
}

// MatrixGame solves the zero-sum game in which the row player gets payoff[i][j]: its value, the row player's
// probabilities x, which get at least the value, and the column player's y, which concede at most that. It is the
// simplex method on max Σu with A u <= 1, u >= 0, where A is the payoff made positive; then y = u/Σu, and the dual
// solution gives x (Dantzig 1951). Bland's rule keeps it from running in circles.
//
// It is not gonum's lp.Simplex, which takes 10 to 100 times as long (0.24 against 24 µs for 2 x 2, 3.9 against 38 ms for
// 60 x 60; BenchmarkMatrixGame), has no dual solution, and may not return where many payoffs are equal. The tests hold
// the two equal.
func MatrixGame(payoff [][]float64) (value float64, x, y []float64) {
	rows, cols := len(payoff), len(payoff[0])
	low, high := payoff[0][0], payoff[0][0]
	for _, row := range payoff {
		for _, p := range row {
			low, high = min(low, p), max(high, p)
		}
	}
	// Payoffs become 1 to 2. A row of tab is a constraint and its right-hand side last; row rows is the objective.
	scale := high - low
	if scale == 0 {
		scale = 1
	}
	width := cols + rows + 1
	tab, basis := make([][]float64, rows+1), make([]int, rows)
	for i := range tab {
		tab[i] = make([]float64, width)
		for j := range cols {
			if i == rows {
				tab[i][j] = -1
			} else {
				tab[i][j] = (payoff[i][j]-low)/scale + 1
			}
		}
		if i < rows {
			basis[i] = cols + i
			tab[i][cols+i], tab[i][width-1] = 1, 1
		}
	}
	for {
		enter := slices.IndexFunc(tab[rows][:width-1], func(cost float64) bool { return cost < -tiny })
		if enter < 0 {
			break
		}
		leave := leaving(tab[:rows], basis, enter)
		basis[leave] = enter
		pivot(tab, leave, enter)
	}
	x, y = make([]float64, rows), make([]float64, cols)
	for i, b := range basis {
		if b < cols {
			y[b] = tab[i][width-1]
		}
	}
	copy(x, tab[rows][cols:width-1])
	normalize(x)
	normalize(y)
	return (1/tab[rows][width-1]-1)*scale + low, x, y
}

// tiny is what rounding may leave of 0.
const tiny = 1e-12

// leaving is the row that limits column enter most; among equals, that whose column in the basis has the lowest number.
func leaving(tab [][]float64, basis []int, enter int) int {
	leave, least := -1, 0.0
	for i, row := range tab {
		if row[enter] <= tiny {
			continue
		}
		ratio := row[len(row)-1] / row[enter]
		if leave < 0 || ratio < least-tiny || ratio <= least+tiny && basis[i] < basis[leave] {
			leave, least = i, ratio
		}
	}
	return leave
}

// pivot brings column c into the basis at row r.
func pivot(tab [][]float64, r, c int) {
	p := tab[r][c]
	for k := range tab[r] {
		tab[r][k] /= p
	}
	for i := range tab {
		if f := tab[i][c]; i != r && f != 0 {
			for k := range tab[i] {
				tab[i][k] -= f * tab[r][k]
			}
		}
	}
}

func normalize(p []float64) {
	sum := 0.0
	for i := range p {
		p[i] = max(p[i], 0)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
}
