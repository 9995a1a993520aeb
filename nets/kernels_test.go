package nets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

const guard = -7.25e20

// A guarded is a slice inside of a larger one whose other elements must not change.
type guarded struct{ all, x []float32 }

// newGuarded copies x. The offset varies the alignment.
func newGuarded(x []float32, offset int) guarded {
	all := slices.Repeat([]float32{guard}, len(x)+2*40+offset)
	g := guarded{all, all[40+offset:][:len(x):len(x)]}
	copy(g.x, x)
	return g
}

func (g guarded) check(t *testing.T, what string) {
	t.Helper()
	start := 0
	for &g.all[start] != &g.x[0] {
		start++
	}
	for i, v := range g.all {
		if (i < start || i >= start+len(g.x)) && v != guard {
			t.Fatalf("%s: wrote %v at %d of %d elements", what, v, i-start, len(g.x))
		}
	}
}

// widths are below, at and above multiples of 8, 16, 32 and 64.
var widths = []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 30, 31, 32, 33, 48, 63, 64, 65, 80, 97, 130}

func TestGemm(t *testing.T) {
	rng := newRand(1)
	for _, m := range []int{1, 2, 3, 4, 5, 8, 11, 13, 33, 64} {
		for _, n := range widths {
			for _, k := range []int{1, 2, 33, 64, 255, 257, 600} {
				if m*n*k <= 64*64*64 {
					testGemm(t, rng, m, n, k)
				}
			}
		}
	}
}

// testGemm compares the kernels for a row-major and a transposed a, a bias row and accumulation. The rows of a, b and c lie
// apart by one, two and three times a gap.
func testGemm(t *testing.T, rng *rand.Rand, m, n, k int) {
	t.Helper()
	gap, offset := rng.IntN(4), rng.IntN(8)
	a, b, c := normal[float32](rng, m*k+gap*max(m, k)), normal[float32](rng, k*(n+2*gap)), normal[float32](rng, m*(n+3*gap))
	for i := range a {
		a[i] /= float32(math.Sqrt(float64(k))) // unit scale in the result
	}
	for _, trans := range []bool{false, true} {
		for _, bias := range []bool{false, true} {
			name := fmt.Sprintf("%dx%dx%d gap %d transposed %v bias %v", m, n, k, gap, trans, bias)
			want := to64(c)
			runGemm(&plain64, want, to64(a), to64(b), m, n, k, gap, trans, bias)
			var assembly []float32
			for set, ks := range float32Sets {
				ga, gb, gc := newGuarded(a, offset), newGuarded(b, offset), newGuarded(c, offset)
				runGemm(&ks, gc.x, ga.x, gb.x, m, n, k, gap, trans, bias)
				closeTo(t, name, gc.x, want, 2e-6*max(1, float64(k)/64))
				gc.check(t, name)
				if set == 1 {
					assembly = gc.x
				} else if set > 1 && !slices.Equal(gc.x, assembly) {
					t.Fatalf("%s: sets 1 and %d of the assembly compute other bits", name, set)
				}
			}
		}
	}
}

func runGemm[T Float](ks *kernels[T], c, a, b []T, m, n, k, gap int, trans, bias bool) {
	av, cv := rowsOf(a, k+gap), rowsOf(c, n+3*gap)
	if trans {
		av = rowsOf(a, m+gap).transposed()
	}
	init := cv
	if bias {
		init = rowsOf(slices.Clone(b[:n]), 0)
	}
	ks.gemm(cv, init, av, rowsOf(b, n+2*gap), m, n, k)
}

// Reading past the end of a slice would let NaNs there into the sums.
func TestGemmReadsInside(t *testing.T) {
	nan := float32(math.NaN())
	for _, ks := range float32Sets {
		for _, n := range widths {
			for _, m := range []int{1, 3, 4, 7, 8} {
				const k = 3
				c := make([]float32, m*n)
				a := append(slices.Repeat([]float32{1}, m*k), nan, nan, nan, nan)
				b := append(slices.Repeat([]float32{2}, k*n), slices.Repeat([]float32{nan}, 64)...)
				ks.gemm(rowsOf(c, n), rowsOf(make([]float32, n), 0), rowsOf(a, k), rowsOf(b, n), m, n, k)
				for i, v := range c {
					if v != 2*k {
						t.Fatalf("%dx%d: element %d is %v, want %v", m, n, i, v, 2*k)
					}
				}
			}
		}
	}
}

func TestGemmPanicsOnShortSlices(t *testing.T) {
	const n, k = 30, 7
	for set, ks := range float32Sets {
		for _, m := range []int{1, 5, 16} {
			for short := range 4 {
				x := [][]float32{make([]float32, m*n), make([]float32, m*n), make([]float32, m*k), make([]float32, k*n)}
				x[short] = x[short][:len(x[short])-1]
				func() {
					defer func() {
						if recover() == nil {
							t.Errorf("set %d: no panic for operand %d, too short for %d rows", set, short, m)
						}
					}()
					ks.gemm(rowsOf(x[0], n), rowsOf(x[1], n), rowsOf(x[2], k), rowsOf(x[3], n), m, n, k)
				}()
			}
		}
	}
}

// A row must not depend on the others of its batch: the ratio of PPO is exactly 1 in the first epoch only then.
func TestRowsAreIndependent(t *testing.T) {
	for _, ks := range float32Sets {
		useKernels(t, ks)
		rng := newRand(3)
		net := must(NewMLP[float32](MLPConfig{[]int{33, 64, 70, 30}, Tanh, 1}, rng))
		const n = 39
		x := normal[float32](rng, n*33)
		batch := slices.Clone(net.Forward(x, n))
		for i := range n {
			if got := net.Forward(x[i*33:], 1); !slices.Equal(got, batch[i*30:][:30]) {
				t.Fatalf("row %d alone is %v, in the batch %v", i, got, batch[i*30:][:30])
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	for _, rows := range widths {
		for _, cols := range widths {
			src := normal[float32](newRand(4), rows*cols)
			dst, want := newGuarded(make([]float32, rows*cols), rows%8), make([]float32, rows*cols)
			float32Kernels.transpose(dst.x, src, rows, cols)
			transposePlain(want, src, rows, cols)
			if !slices.Equal(dst.x, want) {
				t.Fatalf("%dx%d is wrong", rows, cols)
			}
			dst.check(t, "transpose")
		}
	}
}

func TestElementwise(t *testing.T) {
	rng := newRand(5)
	for _, n := range append([]int{1000}, widths...) {
		x, y := normal[float32](rng, n), normal[float32](rng, n)
		for i := range x {
			x[i] *= 3
			y[i] = tanh32(y[i])
		}
		x64, y64 := to64(x), to64(y)
		for _, ks := range float32Sets {
			cases := []struct {
				name string
				op32 func(x, y []float32)
				op64 func(x, y []float64)
			}{
				{"tanh", func(x, _ []float32) { ks.tanh(x) }, func(x, _ []float64) { plain64.tanh(x) }},
				{"tanhGrad", ks.tanhGrad, plain64.tanhGrad},
				{"relu", func(x, _ []float32) { ks.relu(x) }, func(x, _ []float64) { plain64.relu(x) }},
				{"reluGrad", ks.reluGrad, plain64.reluGrad},
				{"softmaxGrad", func(x, y []float32) { ks.softmaxGrad(x, y, y, 0.5, -2) },
					func(x, y []float64) { plain64.softmaxGrad(x, y, y, 0.5, -2) }},
			}
			for _, c := range cases {
				d, want := newGuarded(x, n%8), slices.Clone(x64)
				c.op32(d.x, y)
				c.op64(want, y64)
				closeTo(t, c.name, d.x, want, 1e-6)
				d.check(t, c.name)
			}
			sum := []float32{ks.sumSquares(newGuarded(x, n%8).x)}
			closeTo(t, "sumSquares", sum, []float64{plain64.sumSquares(x64)}, 1e-6)
		}
	}
}

func to64(x []float32) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = float64(x[i])
	}
	return y
}

func TestTanhRange(t *testing.T) {
	for _, ks := range float32Sets {
		worst := 0.0
		for x := -12.0; x < 12; x += 1e-3 {
			y := []float32{float32(x)}
			ks.tanh(y)
			worst = max(worst, math.Abs(float64(y[0])-math.Tanh(float64(float32(x)))))
		}
		if worst > 4e-7 {
			t.Errorf("the error of tanh is %v", worst)
		}
		edges := []float32{0, float32(math.Inf(1)), float32(math.Inf(-1)), 1e-20, -3e38}
		ks.tanh(edges)
		closeTo(t, "tanh", edges, []float64{0, 1, -1, 0, -1}, 4e-7)
	}
}

func TestExp(t *testing.T) {
	legal := []bool{true, true}
	for _, ks := range float32Sets {
		for x := float32(0); x > expLimit; x -= 0.0137 {
			e, z := make([]float32, 2), make([]float32, 2)
			ks.softmax(e, z, []float32{0, x}, legal)
			want := math.Exp(float64(x))
			if math.Abs(float64(e[1])-want) > 2e-7*want {
				t.Fatalf("exp %v = %v, want %v", x, e[1], want)
			}
		}
	}
}

func TestSoftmaxKernel(t *testing.T) {
	rng := newRand(6)
	for _, n := range widths {
		for range 5 {
			logits := normal[float32](rng, n)
			legal, _ := randomLegal(rng, 3, n)
			legal = legal[2*n:]
			for i := range logits {
				if !legal[i] { // whatever an illegal logit is
					logits[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), 1e30, -1e30}[rng.IntN(4)]
				}
			}
			we, wz := make([]float64, n), make([]float64, n)
			top, sum, sumEZ := plain64.softmax(we, wz, to64(logits), legal)
			for _, ks := range float32Sets {
				e, z := newGuarded(make([]float32, n), n%8), newGuarded(make([]float32, n), n%5)
				gotTop, gotSum, gotEZ := ks.softmax(e.x, z.x, logits, legal)
				closeTo(t, "e", e.x, we, 1e-6)
				closeTo(t, "z", z.x, wz, 1e-6)
				closeTo(t, "sums", []float32{gotTop, gotSum, gotEZ}, []float64{top, sum, sumEZ}, 2e-6)
				e.check(t, "e")
				z.check(t, "z")
				for j, ok := range legal {
					if !ok && (e.x[j] != 0 || z.x[j] != 0) {
						t.Fatalf("illegal action %d of %d has e = %v, z = %v", j, n, e.x[j], z.x[j])
					}
				}
			}
		}
	}
}
