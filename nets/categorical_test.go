package nets

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestCategoricalFormulas(t *testing.T) {
	logits, legal := []float64{1, 50, -2, 0.5}, []bool{true, false, true, true}
	c := newCategoricals[float64](1, 4)[0]
	c.Set(logits, legal)
	sum := math.Exp(1) + math.Exp(-2) + math.Exp(0.5)
	entropy := 0.0
	got, want := make([]float64, 4), make([]float64, 4)
	for j, x := range logits {
		got[j], want[j] = c.LogProb(j), x-math.Log(sum)
		if legal[j] {
			entropy -= math.Exp(want[j]) * want[j]
		}
	}
	if !math.IsInf(got[1], -1) {
		t.Errorf("log-probability of an illegal action is %v", got[1])
	}
	got[1], want[1] = 0, 0
	closeTo(t, "log-probabilities", got, want, 1e-15)
	closeTo(t, "entropy", []float64{c.Entropy()}, []float64{entropy}, 1e-15)
	if c.Greedy() != 0 {
		t.Errorf("greedy action %d, want 0", c.Greedy())
	}
}

func TestCategoricalSingleAction(t *testing.T) {
	for _, logit := range []float32{0, 3e38, -3e38} {
		c := newCategoricals[float32](1, 3)[0]
		c.Set([]float32{float32(math.NaN()), logit, float32(math.Inf(1))}, []bool{false, true, false})
		if c.LogProb(1) != 0 || c.Entropy() != 0 || c.Sample(0.999) != 1 || c.Greedy() != 1 {
			t.Errorf("logit %v: log-probability %v, entropy %v", logit, c.LogProb(1), c.Entropy())
		}
		d := []float32{1, 1, 1}
		c.Grad(d, 1, 2, 3)
		closeTo(t, "gradient", d, []float64{0, 0, 0}, 0)
	}
}

func TestCategoricalWithoutLegalPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	newCategoricals[float32](1, 2)[0].Set([]float32{1, 2}, []bool{false, false})
}

func TestCategoricalSampleBoundaries(t *testing.T) {
	c := newCategoricals[float64](1, 5)[0]
	c.Set([]float64{0, 9, 0, 0, 9}, []bool{true, false, true, true, false}) // a third each for 0, 2 and 3
	for _, k := range []struct {
		u    float64
		want int
	}{{0, 0}, {0.333, 0}, {0.334, 2}, {0.666, 2}, {0.667, 3}, {math.Nextafter(1, 0), 3}} {
		if got := c.Sample(k.u); got != k.want {
			t.Errorf("Sample(%v) = %d, want %d", k.u, got, k.want)
		}
	}
}

// Pearson's statistic of 100000 draws over 20 legal actions has 19 degrees of freedom; it exceeds 43.8 with
// probability 1e-3, and 60 with less than 1e-5.
func TestCategoricalSampleFrequencies(t *testing.T) {
	const n, draws = 30, 100_000
	rng := newRand(8)
	logits, legal := normal[float32](rng, n), make([]bool, n)
	for j := range n {
		legal[j] = j%3 != 2
	}
	c := newCategoricals[float32](1, n)[0]
	c.Set(logits, legal)
	counts := make([]float64, n)
	for range draws {
		counts[c.Sample(rng.Float64())]++
	}
	pearson, control := 0.0, 0.0
	for j, count := range counts {
		if !legal[j] {
			if count != 0 {
				t.Fatalf("illegal action %d was drawn", j)
			}
			continue
		}
		want := draws * math.Exp(c.LogProb(j))
		pearson += (count - want) * (count - want) / want
		uniform := float64(draws) / 20
		control += (count - uniform) * (count - uniform) / uniform
	}
	if pearson > 60 {
		t.Errorf("the statistic is %v", pearson)
	}
	if control < 60 {
		t.Errorf("the control, a uniform distribution, passes with %v", control)
	}
}

func TestCategoricalGradient(t *testing.T) {
	const n = 9
	rng := newRand(9)
	for round := range 20 {
		logits := normal[float64](rng, n)
		legal, actions := randomLegal(rng, 3, n)
		row := round % 3
		mask, action := legal[row*n:][:n], actions[row]
		c := newCategoricals[float64](1, n)[0]
		const dLogProb, dEntropy = 0.7, -1.3
		loss := func() float64 {
			c.Set(logits, mask)
			return dLogProb*c.LogProb(action) + dEntropy*c.Entropy()
		}
		loss()
		d := make([]float64, n)
		c.Grad(d, action, dLogProb, dEntropy)
		checkGradient(t, "logits", logits, d, loss)
		for j, ok := range mask {
			if !ok && d[j] != 0 {
				t.Fatalf("illegal action %d has derivative %v", j, d[j])
			}
		}
	}
}

func TestArgmaxLegal(t *testing.T) {
	values := []float64{3, 1, 2, 2}
	for _, k := range []struct {
		legal []bool
		want  int
	}{{[]bool{true, true, true, true}, 0}, {[]bool{false, true, true, true}, 2}, {[]bool{false, false, false, false}, -1}} {
		if got := ArgmaxLegal(values, k.legal); got != k.want {
			t.Errorf("ArgmaxLegal(%v) = %d, want %d", k.legal, got, k.want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n := rng.IntN(30)
		values, legal, want := make([]float64, n), make([]bool, n), -1
		for j := range values {
			values[j], legal[j] = float64(rng.IntN(5)), rng.IntN(3) == 0
			if legal[j] && (want < 0 || values[j] > values[want]) {
				want = j
			}
		}
		if got := ArgmaxLegal(values, legal); got != want {
			t.Fatalf("ArgmaxLegal(%v, %v) = %d, want %d", values, legal, got, want)
		}
	}
}
