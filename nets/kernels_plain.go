package nets

import "math"

// mul is x·y, rounded. Without the conversion the compiler may fuse the product into a sum, and does so on some machines
// only; float32(x * y) does the same below.
func mul[T Float](x, y T) T {
	return T(x * y) //nolint:unconvert // see above: it rounds
}

// plainKernels are the kernels in Go.
func plainKernels[T Float](tanh, exp func(T) T) kernels[T] {
	return kernels[T]{
		gemm:      gemmPlain[T],
		transpose: transposePlain[T],
		tanh: func(x []T) {
			for i, v := range x {
				x[i] = tanh(v)
			}
		},
		tanhGrad: func(d, y []T) {
			for i, v := range y {
				d[i] *= 1 - mul(v, v)
			}
		},
		relu: func(x []T) {
			for i, v := range x {
				x[i] = max(v, 0)
			}
		},
		reluGrad: func(d, y []T) {
			for i, v := range y {
				if v <= 0 {
					d[i] = 0
				}
			}
		},
		softmax: func(e, z, logits []T, legal []bool) (top, sum, sumEZ T) {
			return softmaxPlain(e, z, logits, legal, exp)
		},
		softmaxGrad: func(d, e, z []T, a, b T) {
			for i, v := range z {
				d[i] = e[i] * (a + mul(b, v))
			}
		},
		sumSquares: func(x []T) (sum T) {
			for _, v := range x {
				sum += mul(v, v)
			}
			return sum
		},
		adam: adamPlain[T],
	}
}

func gemmPlain[T Float](c, init, a, b matrix[T], m, n, k int) {
	mustMultiply(c, init, a, b, m, n, k)
	for i := range m {
		row := c.from(i).data[:n]
		copy(row, init.from(i).data[:n])
		for j := range k {
			x := a.from(i).data[j*int(a.col)]
			for l, y := range b.from(j).data[:n] {
				row[l] += mul(x, y)
			}
		}
	}
}

func transposePlain[T Float](dst, src []T, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*cols:][:cols] {
			dst[j*rows+i] = v
		}
	}
}

func softmaxPlain[T Float](e, z, logits []T, legal []bool, exp func(T) T) (top, sum, sumEZ T) {
	top = T(math.Inf(-1))
	for i, v := range logits {
		if legal[i] {
			top = max(top, v)
		}
	}
	for i, v := range logits {
		e[i], z[i] = 0, 0
		if legal[i] {
			z[i] = v - top
			e[i] = exp(z[i])
			sum += e[i]
			sumEZ += mul(e[i], z[i])
		}
	}
	return top, sum, sumEZ
}

func adamPlain[T Float](p, g, m, v []T, r adamRates[T]) {
	for i := range p {
		d := g[i] * r.scale
		m[i] = mul(r.beta1, m[i]) + mul(r.fresh1, d)
		v[i] = mul(r.beta2, v[i]) + mul(r.fresh2, d*d)
		p[i] -= r.step * m[i] / (T(math.Sqrt(float64(v[i]))) + r.eps)
		g[i] = 0
	}
}

// Coefficients of Eigen's rational approximation of the hyperbolic tangent (Eigen/src/Core/MathFunctionsImpl.h), odd
// over even. Beyond ±tanhLimit the result is ±1 in float32.
const (
	tanhLimit = 7.90531110763549805

	tanhP1  = 4.89352455891786e-03
	tanhP3  = 6.37261928875436e-04
	tanhP5  = 1.48572235717979e-05
	tanhP7  = 5.12229709037114e-08
	tanhP9  = -8.60467152213735e-11
	tanhP11 = 2.00018790482477e-13
	tanhP13 = -2.76076847742355e-16

	tanhQ0 = 4.89352518554385e-03
	tanhQ2 = 2.26843463243900e-03
	tanhQ4 = 1.18534705686654e-04
	tanhQ6 = 1.19825839466702e-06
)

// tanh32 is the hyperbolic tangent to 4e-7.
func tanh32(x float32) float32 {
	x = max(-tanhLimit, min(x, tanhLimit))
	s := float32(x * x)
	p := float32(s*tanhP13) + tanhP11
	p = float32(s*p) + tanhP9
	p = float32(s*p) + tanhP7
	p = float32(s*p) + tanhP5
	p = float32(s*p) + tanhP3
	p = float32(s*p) + tanhP1
	q := float32(s*tanhQ6) + tanhQ4
	q = float32(s*q) + tanhQ2
	q = float32(s*q) + tanhQ0
	return x * p / q
}

// Constants of the Cephes library's expf: e^x = 2^n e^r with n = round(x log₂ e) and |r| ≤ ½ ln 2. ln 2 is split in two,
// of which the first has so few digits that n times it is exact.
const (
	expLog2E = 1.44269504088896341
	expLn2Hi = 0.693359375
	expLn2Lo = -2.12194440e-4

	expC7 = 1.9875691500e-4
	expC6 = 1.3981999507e-3
	expC5 = 8.3334519073e-3
	expC4 = 4.1665795894e-2
	expC3 = 1.6666665459e-1
	expC2 = 5.0000001201e-1

	// expLimit is where the exponential becomes 0: e^−64 is nothing beside e^0 in float32, and products of still smaller
	// numbers would be subnormal, which costs a hundred times the cycles.
	expLimit = -64
)

// exp32 is the exponential of x ≤ 0 to a relative error of 2e-7.
func exp32(x float32) float32 {
	if x < expLimit {
		return 0
	}
	n := float32(math.RoundToEven(float64(float32(x * expLog2E))))
	r := x - float32(n*expLn2Hi)
	r -= float32(n * expLn2Lo)
	p := float32(r*expC7) + expC6
	p = float32(r*p) + expC5
	p = float32(r*p) + expC4
	p = float32(r*p) + expC3
	p = float32(r*p) + expC2
	p = float32(float32(r*r)*p) + r + 1
	return p * math.Float32frombits(uint32(int32(n)+127)<<23)
}

func tanh64(x float64) float64 { return math.Tanh(x) }

func exp64(x float64) float64 { return math.Exp(x) }
