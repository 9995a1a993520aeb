package nets

import (
	"math"
	"slices"
	"testing"
)

// lstmByDefinition is one step of the equations of [lstm], number by number.
func lstmByDefinition(l *lstm[float64], x, state []float64) (next []float64) {
	u := l.units
	seen := slices.Concat(x, state[:u])
	z := func(gate, j int) float64 {
		sum := l.gates.b[gate*u+j]
		for i, s := range seen {
			sum += s * l.gates.w[i*4*u+gate*u+j]
		}
		return sum
	}
	sigmoid := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	next = make([]float64, 2*u)
	for j := range u {
		c := sigmoid(z(1, j))*state[u+j] + sigmoid(z(0, j))*math.Tanh(z(3, j))
		next[j], next[u+j] = sigmoid(z(2, j))*math.Tanh(c), c
	}
	return next
}

func TestLSTM(t *testing.T) {
	const in, units = 5, 3
	rng := newRand(91)
	l := newLSTM[float64](in, units)
	newNetwork(rng, l)
	randomBiases(l.gates.w, rng)
	randomBiases(l.gates.b, rng)
	l.steps = []int{0, 4, 6, 8, 9} // sequences of 4, 3, 1 and 1
	l.start = normal[float64](rng, 4*2*units)
	x := normal[float64](rng, 9*in)
	got := slices.Clone(l.forward(x, 9))
	for sequence, rows := range [][]int{{0, 4, 6, 8}, {1, 5, 7}, {2}, {3}} {
		state := l.start[sequence*2*units:][:2*units]
		for _, r := range rows {
			state = lstmByDefinition(l, x[r*in:][:in], state)
			closeTo(t, "h", got[r*units:][:units], state[:units], 1e-14)
			closeTo(t, "c", l.c[r*units:][:units], state[units:], 1e-14)
		}
	}

	weight := normal[float64](rng, len(got))
	loss := func() float64 { return dot(l.forward(x, 9), weight) }
	loss()
	dx := make([]float64, len(x))
	l.backward(dx, slices.Clone(weight), 9)
	checkGradient(t, "weights", l.gates.w, l.gates.dw, loss)
	checkGradient(t, "biases", l.gates.b, l.gates.db, loss)
	checkGradient(t, "x", x, dx, loss)
}

// Of the initial weights, the rows for x are orthonormal, and so are those for h.
func TestLSTMInitialization(t *testing.T) {
	const in, units = 7, 4
	l := newLSTM[float64](in, units)
	newNetwork(newRand(92), l)
	row := func(i int) []float64 { return l.gates.w[i*4*units:][:4*units] }
	for i := range in + units {
		for j := range i {
			if (i < in) == (j < in) {
				closeTo(t, "product", []float64{dot(row(i), row(j))}, []float64{0}, 1e-14)
			}
		}
		closeTo(t, "norm", []float64{dot(row(i), row(i))}, []float64{1}, 1e-14)
	}
	for i, b := range l.gates.b {
		if want := map[bool]float64{true: 1}[i/units == 1]; b != want {
			t.Errorf("bias %d is %v, want %v", i, b, want)
		}
	}
}
