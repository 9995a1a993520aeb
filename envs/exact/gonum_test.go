package exact_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"

	"idsrl/envs/exact"
)

// gonumValue is the value of a matrix game by gonum's simplex method: the least Σu for which A' u >= 1, with the payoff
// made positive, is the inverse of the value.
func gonumValue(payoff [][]float64) (float64, error) {
	rows, cols := len(payoff), len(payoff[0])
	low := math.Inf(1)
	for _, row := range payoff {
		for _, p := range row {
			low = min(low, p)
		}
	}
	a, b, c := mat.NewDense(cols, rows+cols, nil), make([]float64, cols), make([]float64, rows+cols)
	for j := range cols {
		b[j] = 1
		a.Set(j, rows+j, -1) // slack
		for i := range rows {
			a.Set(j, i, payoff[i][j]-low+1)
			c[i] = 1
		}
	}
	sum, _, err := lp.Simplex(c, a, b, 0, nil)
	return 1/sum + low - 1, err
}

// matrix is a payoff of a kind that occurs.
func matrix(rng *rand.Rand, kind string, rows, cols int) [][]float64 {
	payoff := make([][]float64, rows)
	for i := range payoff {
		payoff[i] = make([]float64, cols)
		for j := range payoff[i] {
			switch kind {
			case "normal":
				payoff[i][j] = rng.NormFloat64()
			case "ties":
				payoff[i][j] = float64(rng.IntN(2))
			case "pennies": // a hack unless the type is met, as in idsgame
				payoff[i][j] = 1
				if i == j {
					payoff[i][j] = 0.9 * rng.Float64()
				}
			}
		}
	}
	return payoff
}

var matrixKinds = []string{"normal", "ties", "pennies"}

// Another implementation of the simplex method finds the same values. (Where payoffs are equal, gonum's may run in circles
// and not return.)
func TestMatrixGameGonum(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 60 {
		payoff := matrix(rng, "normal", 1+rng.IntN(20), 1+rng.IntN(20))
		value, x, y := exact.MatrixGame(payoff)
		certify(t, payoff, value, x, y)
		want, err := gonumValue(payoff)
		if err != nil {
			t.Fatal(err)
		}
		near(t, fmt.Sprintf("%d x %d", len(payoff), len(payoff[0])), value, want, 1e-9)
	}
}

// Large games with many equal payoffs, too.
func TestMatrixGameDegenerate(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for k := range 60 {
		payoff := matrix(rng, matrixKinds[k%len(matrixKinds)], 1+rng.IntN(60), 1+rng.IntN(60))
		value, x, y := exact.MatrixGame(payoff)
		certify(t, payoff, value, x, y)
	}
}

func BenchmarkMatrixGame(b *testing.B) {
	for _, size := range []int{2, 5, 20, 60} {
		for _, kind := range matrixKinds {
			payoff := matrix(rand.New(rand.NewPCG(13, 14)), kind, size, size)
			b.Run(fmt.Sprintf("%s-%d", kind, size), func(b *testing.B) {
				for b.Loop() {
					exact.MatrixGame(payoff)
				}
			})
			b.Run(fmt.Sprintf("%s-%d-gonum", kind, size), func(b *testing.B) {
				for b.Loop() {
					if _, err := gonumValue(payoff); err != nil {
						b.Skip(err)
					}
				}
			})
		}
	}
}
