package nets

import (
	"math"
	"math/rand/v2"
)

// hiddenGain scales the initial weights of layers that have an activation.
const hiddenGain = math.Sqrt2

// orthogonal fills w [rows x cols] with gain times a random matrix whose columns, or rows if there are fewer of them,
// are orthonormal (Saxe et al. 2014, arXiv:1312.6120, section 3): Gaussian vectors, made orthonormal one by one. The
// same generator gives float32 and float64 the same matrix.
func orthogonal[T Float](w []T, rows, cols int, gain float64, rng *rand.Rand) {
	count, length, step, next := cols, rows, 1, cols // vector v has its element i at w[v*step + i*next]
	if rows < cols {
		count, length, step, next = rows, cols, cols, 1
	}
	basis := make([][]float64, 0, count)
	for len(basis) < count {
		v := make([]float64, length)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		for range 2 { // the second pass removes what rounding left in the first
			for _, b := range basis {
				axpy(v, b, -dot(v, b))
			}
		}
		norm := math.Sqrt(dot(v, v))
		if norm < 1e-6 { // by chance in the span of the others: draw again
			continue
		}
		for i := range v {
			v[i] /= norm
			w[len(basis)*step+i*next] = T(gain * v[i])
		}
		basis = append(basis, v)
	}
}

func dot(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += mul(v, y[i])
	}
	return sum
}

// axpy adds a·x to y.
func axpy(y, x []float64, a float64) {
	for i, v := range x {
		y[i] += mul(a, v)
	}
}
