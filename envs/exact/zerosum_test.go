package exact_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/envs/exact"
)

func TestMatrixGame(t *testing.T) {
	tests := []struct {
		name   string
		payoff [][]float64
		value  float64
		x, y   []float64 // nil: not unique
	}{
		{"one cell", [][]float64{{-3}}, -3, []float64{1}, []float64{1}},
		{"pennies", [][]float64{{1, -1}, {-1, 1}}, 0, []float64{0.5, 0.5}, []float64{0.5, 0.5}},
		// (h t - 1)/(h + t + 2) with h = 2, t = 1
		{"uneven pennies", [][]float64{{2, -1}, {-1, 1}}, 0.2, []float64{0.4, 0.6}, []float64{0.4, 0.6}},
		// rock : paper : scissors as what scissors : rock : paper win
		{"uneven rock, paper, scissors", [][]float64{{0, -2, 3}, {2, 0, -1}, {-3, 1, 0}}, 0,
			[]float64{1. / 6, 3. / 6, 2. / 6}, []float64{1. / 6, 3. / 6, 2. / 6}},
		{"saddle point", [][]float64{{4, 2, 5}, {1, 0, 7}}, 2, []float64{1, 0}, []float64{0, 1, 0}},
		// the third column is worse for its player than an even mixture of the others
		{"dominated", [][]float64{{3, -1, 4}, {-1, 3, 4}}, 1, []float64{0.5, 0.5}, []float64{0.5, 0.5, 0}},
		{"a row", [][]float64{{3, 1, 2}}, 1, []float64{1}, []float64{0, 1, 0}},
		{"a column", [][]float64{{3}, {1}, {5}}, 5, []float64{0, 0, 1}, []float64{1}},
		{"all alike", [][]float64{{7, 7}, {7, 7}}, 7, nil, nil},
		// x = (3/7, 4/7) gets 17/7 from each of the first two columns, and 2.8 from the third
		{"three columns", [][]float64{{1, 5, 6}, {3.5, 0.5, 0.4}}, 17. / 7,
			[]float64{3. / 7, 4. / 7}, []float64{9. / 14, 5. / 14, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value, x, y := exact.MatrixGame(tt.payoff)
			near(t, "value", value, tt.value, 1e-12)
			certify(t, tt.payoff, value, x, y)
			for i := range tt.x {
				near(t, fmt.Sprintf("x[%d]", i), x[i], tt.x[i], 1e-12)
			}
			for j := range tt.y {
				near(t, fmt.Sprintf("y[%d]", j), y[j], tt.y[j], 1e-12)
			}
		})
	}
}

// certify checks that x gets at least the value against every column and y concedes at most that to every row, which
// only the value and optimal strategies do.
func certify(t *testing.T, payoff [][]float64, value float64, x, y []float64) {
	t.Helper()
	scale, sumX, sumY := 1.0, 0.0, 0.0
	for i, row := range payoff {
		got := 0.0
		for j, p := range row {
			got += p * y[j]
			scale = max(scale, math.Abs(p))
		}
		if got > value+1e-10*scale {
			t.Errorf("row %d gets %v, more than the value %v", i, got, value)
		}
		sumX += x[i]
	}
	for j := range payoff[0] {
		got := 0.0
		for i := range payoff {
			got += x[i] * payoff[i][j]
		}
		if got < value-1e-10*scale {
			t.Errorf("column %d concedes %v, less than the value %v", j, got, value)
		}
		sumY += y[j]
	}
	near(t, "Σx", sumX, 1, 1e-12)
	near(t, "Σy", sumY, 1, 1e-12)
	for _, p := range append(append([]float64{}, x...), y...) {
		if !(p >= 0) {
			t.Errorf("negative probability %v", p)
		}
	}
}

func TestMatrixGameRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for k := range 3000 {
		payoff := make([][]float64, 1+rng.IntN(7))
		cols := 1 + rng.IntN(7)
		scale := math.Exp(8 * rng.NormFloat64())
		for i := range payoff {
			payoff[i] = make([]float64, cols)
			for j := range payoff[i] {
				if k%2 == 0 {
					payoff[i][j] = float64(rng.IntN(3) - 1) // many ties
				} else {
					payoff[i][j] = scale * rng.NormFloat64()
				}
			}
		}
		value, x, y := exact.MatrixGame(payoff)
		certify(t, payoff, value, x, y)
		if t.Failed() {
			t.Fatalf("payoff %v", payoff)
		}
	}
}

// repeated is a matrix game that is played forever.
type repeated [][]float64

func (g repeated) States() int { return 1 }

func (g repeated) Legal(seat, _ int) []int {
	n := len(g)
	if seat == 1 {
		n = len(g[0])
	}
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	return ids
}

func (g repeated) Joint(dst []exact.Transition, _, a, b int) []exact.Transition {
	return append(dst, exact.Transition{Prob: 1, Reward: g[a][b]})
}

func TestShapleyRepeated(t *testing.T) {
	v, p := exact.Shapley(repeated{{2, -1}, {-1, 1}}, 0.75, 1e-11)
	near(t, "value", v[0], 0.2/(1-0.75), 1e-11)
	near(t, "first of the row player", p[0][0][0], 0.4, 1e-9)
	near(t, "first of the column player", p[1][0][0], 0.4, 1e-9)
}

// randomGame is a Game written out: [state][a][b]. The last state has no actions.
type randomGame struct {
	legal [2][][]int
	next  [][][][]exact.Transition
}

func newRandomGame(rng *rand.Rand, states, actions int) *randomGame {
	g := &randomGame{next: make([][][][]exact.Transition, states)}
	for s := range states {
		for seat := range g.legal {
			var ids []int
			for a := range actions {
				if s < states-1 && (a == seat || rng.IntN(3) > 0) {
					ids = append(ids, a)
				}
			}
			g.legal[seat] = append(g.legal[seat], ids)
		}
		for range actions {
			var row [][]exact.Transition
			for range actions {
				row = append(row, randomTransitions(rng, states))
			}
			g.next[s] = append(g.next[s], row)
		}
	}
	return g
}

func (g *randomGame) States() int             { return len(g.next) }
func (g *randomGame) Legal(seat, s int) []int { return g.legal[seat][s] }
func (g *randomGame) Joint(dst []exact.Transition, s, a, b int) []exact.Transition {
	return append(dst, g.next[s][a][b]...)
}

// In an equilibrium the best response to either seat gets the value and no more. Other policies can be exploited.
func TestShapleyIsEquilibrium(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	exploited := 0
	for range 20 {
		g := newRandomGame(rng, 6, 3)
		gamma := 0.95 * rng.Float64()
		v, p := exact.Shapley(g, gamma, 1e-10)
		first, _ := exact.ValueIteration(exact.Against(g, 0, p[1]), gamma, 1e-10)
		second, _ := exact.ValueIteration(exact.Against(g, 1, p[0]), gamma, 1e-10)
		for s := range v {
			near(t, "best response of the first seat", first[s], v[s], 1e-8)
			near(t, "best response of the second seat", second[s], -v[s], 1e-8)
		}
		even := make([][]float64, g.States())
		for s := range even {
			even[s] = make([]float64, 3)
			for _, b := range g.Legal(1, s) {
				even[s][b] = 1 / float64(len(g.Legal(1, s)))
			}
		}
		more, _ := exact.ValueIteration(exact.Against(g, 0, even), gamma, 1e-10)
		for s := range v {
			if more[s] < v[s]-1e-8 {
				t.Errorf("against an even mixture the first seat gets %v, less than the value %v", more[s], v[s])
			}
			if more[s] > v[s]+0.01 {
				exploited++
			}
		}
	}
	if exploited == 0 {
		t.Error("no game in which an even mixture can be exploited: the test above says nothing")
	}
}

// Against hands each seat its own rewards, and the probabilities still add up to 1.
func TestAgainst(t *testing.T) {
	g := repeated{{5, 1}, {2, 3}}
	mix := [][]float64{{0.25, 0.75}}
	first, second := exact.Against(g, 0, mix), exact.Against(g, 1, mix)
	for a, want := range []float64{0.25*5 + 0.75*1, 0.25*2 + 0.75*3} {
		near(t, "first seat", expected(t, first, a), want, 1e-15)
	}
	for b, want := range []float64{-(0.25*5 + 0.75*2), -(0.25*1 + 0.75*3)} {
		near(t, "second seat", expected(t, second, b), want, 1e-15)
	}
}

func expected(t *testing.T, m exact.Model, a int) float64 {
	t.Helper()
	sum, total := 0.0, 0.0
	kept := exact.Transition{Prob: -1}
	ts := m.Transitions([]exact.Transition{kept}, 0, a)
	if ts[0] != kept {
		t.Errorf("what was in dst has become %v", ts[0])
	}
	for _, tr := range ts[1:] {
		sum += tr.Prob * tr.Reward
		total += tr.Prob
	}
	near(t, "total probability", total, 1, 1e-15)
	return sum
}
