package nets

import (
	"math"
	"slices"
	"testing"
)

// textbookAdam is algorithm 1 of the paper, for one step t = 1, 2, ...
func textbookAdam(p, g, m, v []float64, t int, lr, beta1, beta2, eps float64) {
	for i := range p {
		m[i] = beta1*m[i] + (1-beta1)*g[i]
		v[i] = beta2*v[i] + (1-beta2)*g[i]*g[i]
		mHat := m[i] / (1 - math.Pow(beta1, float64(t)))
		vHat := v[i] / (1 - math.Pow(beta2, float64(t)))
		p[i] -= lr * mHat / (math.Sqrt(vHat) + eps)
	}
}

func TestAdam(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testAdam[float64](t, 1e-13) })
	t.Run("float32", func(t *testing.T) { testAdam[float32](t, 1e-6) })
	t.Run("float32 plain", func(t *testing.T) { usePlain(t); testAdam[float32](t, 1e-6) })
}

func testAdam[T Float](t *testing.T, tol float64) {
	for _, n := range widths {
		rng := newRand(31)
		params := normal[T](rng, n)
		a := NewAdam[T](n)
		a.Eps = 1e-5
		p, m, v := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range p {
			p[i] = float64(params[i])
		}
		for step := 1; step <= 20; step++ {
			grads := normal[T](rng, n)
			g, norm := make([]float64, n), 0.0
			for i, x := range grads {
				g[i] = float64(x)
				norm += g[i] * g[i]
			}
			norm = math.Sqrt(norm)
			for i := range g {
				g[i] *= min(1, 0.5/norm)
			}
			textbookAdam(p, g, m, v, step, 1e-2, a.Beta1, a.Beta2, a.Eps)
			got := a.Step(params, grads, 1e-2, 0.5)
			closeTo(t, "norm", []float64{got}, []float64{norm}, tol)
			closeTo(t, "parameters", params, p, 20*tol)
			closeTo(t, "gradients", grads, make([]float64, n), 0)
		}
	}
}

func TestAdamDoesNotClipSmallGradients(t *testing.T) {
	for _, maxNorm := range []float64{0, 10} {
		a := NewAdam[float64](2)
		a.Step([]float64{0, 0}, []float64{3, 4}, 1, maxNorm)
		closeTo(t, "first moment", a.M, []float64{0.1 * 3, 0.1 * 4}, 1e-15)
	}
}

// Fields are all the state there is.
func TestAdamState(t *testing.T) {
	rng := newRand(32)
	p, a := normal[float32](rng, 37), NewAdam[float32](37)
	a.Step(p, normal[float32](rng, 37), 1e-3, 0.5)
	q, b := slices.Clone(p), NewAdam[float32](37)
	copy(b.M, a.M)
	copy(b.V, a.V)
	b.Steps = a.Steps
	g := normal[float32](rng, 37)
	a.Step(p, slices.Clone(g), 1e-3, 0.5)
	b.Step(q, slices.Clone(g), 1e-3, 0.5)
	if !slices.Equal(p, q) {
		t.Error("the copy went another way")
	}
}

func TestAdamStaysInside(t *testing.T) {
	for _, n := range widths {
		var s [4]guarded
		for i := range s {
			s[i] = newGuarded(slices.Repeat([]float32{1}, n), n%8+i)
		}
		float32Kernels.adam(s[0].x, s[1].x, s[2].x, s[3].x, adamRates[float32]{1, 0.9, 0.1, 0.99, 0.01, 0.1, 1e-8})
		for i := range s {
			s[i].check(t, "adam")
		}
	}
}

// Moments without gradients decay to zero, not to subnormal numbers, which would slow down every step.
func TestAdamDecaysToZero(t *testing.T) {
	p, g, m, v := []float32{1}, []float32{0}, []float32{2e-38}, []float32{2e-38}
	float32Kernels.adam(p, g, m, v, adamRates[float32]{1, 0.5, 0.5, 0.5, 0.5, 0.1, 1e-8})
	if sub := float32(1e-38); m[0] != 0 && m[0] != sub || m[0] != v[0] {
		t.Errorf("moments %v and %v", m[0], v[0])
	}
	if x := math.SmallestNonzeroFloat32 * p[0]; x == 0 {
		t.Error("subnormal numbers are still off after the step")
	}
}

func TestOrthogonal(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {33, 64}, {64, 64}, {64, 30}, {64, 1}, {3, 200}} {
		rows, cols := shape[0], shape[1]
		w := make([]float64, rows*cols)
		orthogonal(w, rows, cols, math.Sqrt2, newRand(33))
		k := min(rows, cols)
		for i := range k {
			for j := range k {
				sum := 0.0
				for l := range max(rows, cols) {
					if rows < cols {
						sum += w[i*cols+l] * w[j*cols+l]
					} else {
						sum += w[l*cols+i] * w[l*cols+j]
					}
				}
				want := 0.0
				if i == j {
					want = 2
				}
				if math.Abs(sum-want) > 1e-14 {
					t.Fatalf("%dx%d: vectors %d and %d have product %v, want %v", rows, cols, i, j, sum, want)
				}
			}
		}
	}
}

func TestInitialGains(t *testing.T) {
	net := must(NewActorCritic[float64](ActorCriticConfig{Obs: 33, Actions: 30, Hidden: []int{64, 64}, Activation: Tanh}, newRand(34)))
	// The squares of a matrix with k orthonormal vectors times a gain add up to k gain².
	want := map[string]float64{
		"policy.0.weight": 33 * 2, "policy.1.weight": 64 * 2, "policy_head.0.weight": 30 * 1e-4,
		"value.0.weight": 33 * 2, "value.1.weight": 64 * 2, "value_head.0.weight": 1,
	}
	for _, x := range net.Tensors() {
		closeTo(t, x.Name, []float64{dot(x.Data, x.Data)}, []float64{want[x.Name]}, 1e-12)
	}
}
