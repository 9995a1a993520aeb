package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func ExampleWilson() {
	low, high := Wilson(0, 10, Z95)
	fmt.Printf("not once in 10 games: %.3f to %.3f\n", low, high)
	// Output: not once in 10 games: 0.000 to 0.278
}

func ExampleBootstrap() {
	seeds := []float64{0.61, 0.64, 0.63, 0.66, 0.62, 0.65, 0.60, 0.67, 0.64, 0.66}
	low, high := Bootstrap(of(Mean), 0.95, 10_000, 1, seeds)
	fmt.Printf("%.3f [%.3f, %.3f]\n", Mean(seeds), low, high)
	// Output: 0.638 [0.625, 0.651]
}

func TestStatistics(t *testing.T) {
	nan := math.NaN()
	cases := []struct {
		name      string
		got, want float64
	}{
		{"mean", Mean([]float64{1, 2, 3, 4}), 2.5},
		{"mean of none", Mean(nil), nan},
		{"lowest", Quantile([]float64{3, 1, 2}, 0), 1},
		{"median", Quantile([]float64{3, 1, 2}, 0.5), 2},
		{"highest", Quantile([]float64{3, 1, 2}, 1), 3},
		{"interpolated", Quantile([]float64{4, 3, 2, 1}, 0.25), 1.75}, // 1 + ¾ of the way from 1 to 2
		{"quantile of one", Quantile([]float64{7}, 0.3), 7},
		{"quantile of none", Quantile(nil, 0.5), nan},
		{"middle half", IQM([]float64{8, 1, 7, 2, 6, 3, 5, 4}), 4.5}, // of 3, 4, 5, 6
		{"outliers", IQM([]float64{1, 2, 3, 1e9, -1e9}), 2},          // of 1, 2, 3
		{"too few to cut", IQM([]float64{1, 2, 6}), 3},
		{"interquartile mean of none", IQM(nil), nan},
		{"median of even", Median([]float64{4, 1, 3, 2}), 2.5},
	}
	for _, c := range cases {
		if !near(c.got, c.want, 1e-12) {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestStatisticsKeepOrder(t *testing.T) {
	values := []float64{3, 1, 2, 0}
	Quantile(values, 0.5)
	IQM(values)
	Bootstrap(of(Mean), 0.95, 10, 1, values)
	if !slices.Equal(values, []float64{3, 1, 2, 0}) {
		t.Errorf("changed to %v", values)
	}
}

// With z = 2 the formula can be followed by hand: for 5 of 12, p = 5/12, z²/n = 1/3, so the centre is
// (5/12 + 1/6)·¾ = 7/16 and the half-width 2·¾·√(35/1728 + 1/144) = 1.5·√(47/1728).
func TestWilsonByHand(t *testing.T) {
	half := 1.5 * math.Sqrt(47./1728)
	cases := []struct {
		successes, n int
		low, high    float64
	}{
		{5, 12, 7./16 - half, 7./16 + half},
		{7, 12, 9./16 - half, 9./16 + half},
		{0, 12, 0, 0.25}, // z²/(n+z²) = 4/16
		{12, 12, 0.75, 1},
		{0, 0, math.NaN(), math.NaN()},
	}
	for _, c := range cases {
		low, high := Wilson(c.successes, c.n, 2)
		if !near(low, c.low, 1e-12) || !near(high, c.high, 1e-12) {
			t.Errorf("%d of %d: [%v, %v], want [%v, %v]", c.successes, c.n, low, high, c.low, c.high)
		}
	}
	for n := 1; n < 200; n++ {
		if low, _ := Wilson(0, n, Z95); low != 0 {
			t.Errorf("0 of %d: low end %v", n, low)
		}
		if _, high := Wilson(n, n, Z95); high != 1 {
			t.Errorf("%d of %d: high end %v", n, n, high)
		}
	}
	mustPanic(t, func() { Wilson(3, 2, Z95) })
	mustPanic(t, func() { Wilson(-1, 2, Z95) })
}

// The coverage of an interval of a proportion is a sum over the binomial distribution, so this test is exact. Near
// p = 0 Wilson's interval keeps what the textbook's p ± z√(p(1−p)/n), the control, loses.
func TestWilsonCoverage(t *testing.T) {
	const n = 100
	wald := func(k, n int, z float64) (low, high float64) {
		p := float64(k) / float64(n)
		half := z * math.Sqrt(p*(1-p)/float64(n))
		return p - half, p + half
	}
	coverage := func(interval func(k, n int, z float64) (low, high float64), p float64) float64 {
		covered := 0.0
		for k := range n + 1 {
			if low, high := interval(k, n, Z95); low <= p && p <= high {
				covered += binomial(k, n, p)
			}
		}
		return covered
	}
	var all []float64
	for i := 2; i <= 98; i++ {
		c := coverage(Wilson, float64(i)/100)
		if c < 0.91 {
			t.Errorf("p = %d %%: covered with probability %.3f", i, c)
		}
		all = append(all, c)
	}
	if mean := Mean(all); !near(mean, 0.95, 0.005) {
		t.Errorf("covered with probability %.4f on average", mean)
	}
	if c := coverage(wald, 0.02); c > 0.9 {
		t.Errorf("the control covers 2 %% with probability %.3f", c)
	}
}

// Resamples of {0, 1} have the mean 0, ½ or 1 with probability ¼, ½, ¼. The quantiles below lie 0.05 away from where
// these change, 11 standard deviations of a share of 10,000.
func TestBootstrapByHand(t *testing.T) {
	cases := []struct{ level, low, high float64 }{{0.95, 0, 1}, {0.6, 0, 1}, {0.4, 0.5, 0.5}}
	for _, c := range cases {
		low, high := Bootstrap(of(Mean), c.level, 10_000, 7, []float64{0, 1})
		if low != c.low || high != c.high {
			t.Errorf("level %v: [%v, %v], want [%v, %v]", c.level, low, high, c.low, c.high)
		}
	}
}

func TestBootstrapIsDeterministic(t *testing.T) {
	values := []float64{1, 5, 2, 8, 3, 9, 4}
	a, b := Bootstrap(of(IQM), 0.9, 500, 1, values)
	c, d := Bootstrap(of(IQM), 0.9, 500, 1, values)
	if a != c || b != d {
		t.Errorf("[%v, %v], then [%v, %v]", a, b, c, d)
	}
	if c, d = Bootstrap(of(Mean), 0.9, 500, 2, values); a == c && b == d {
		t.Error("neither seed nor statistic matter")
	}
}

func TestBootstrapOfFewerThanTwo(t *testing.T) {
	for _, values := range [][]float64{nil, {1}} {
		if low, high := Bootstrap(of(Mean), 0.95, 10, 1, values); !math.IsNaN(low) || !math.IsNaN(high) {
			t.Errorf("%v: [%v, %v]", values, low, high)
		}
	}
}

// The percentile interval of the mean of n normal values is close to mean ± z·s·√((n−1)/n)/√n, which covers the truth
// with P(|tₙ₋₁| < 1.96·√((n−1)/n)): 0.846, 0.902 and 0.929 for 5, 10 and 20. In 1000 trials the share has a standard
// deviation of at most 0.0115, so 0.046 are 4 of them: a false alarm has a chance of 1e-4, and of 0 with this fixed seed.
// The controls are intervals of another level.
func TestBootstrapCoverage(t *testing.T) {
	coverage := func(n int, level float64) float64 {
		rng := rand.New(rand.NewPCG(3, 0))
		covered := 0
		for trial := range uint64(1000) {
			values := make([]float64, n)
			for i := range values {
				values[i] = 5 + rng.NormFloat64()
			}
			if low, high := Bootstrap(of(Mean), level, 200, trial, values); low <= 5 && 5 <= high {
				covered++
			}
		}
		return float64(covered) / 1000
	}
	for n, want := range map[int]float64{5: 0.846, 10: 0.902, 20: 0.929} {
		if c := coverage(n, 0.95); !near(c, want, 0.046) {
			t.Errorf("%d values: covered with frequency %.3f, want %v", n, c, want)
		}
		for _, level := range []float64{0.85, 0.9999} {
			if c := coverage(n, level); near(c, want, 0.046) {
				t.Errorf("%d values: an interval of level %v passes, too: %.3f", n, level, c)
			}
		}
	}
}

// The sums of resamples of {0, 4} are 0, 4, 8 and those of {11, 13} are 22, 24, 26, each with probability ¼, ½, ¼. So the
// sum of both is 22, 24, 26, 28, 30, 32, 34 with probability 1, 2, 3, 4, 3, 2, 1 of 16. Its quantiles at 1/8 and 7/8 lie in
// the middle of 24 and of 32, 19 standard deviations of a share of 10,000 away from the next. The control draws from both
// together, which varies far more.
func TestBootstrapIsStratified(t *testing.T) {
	sum := func(strata [][]float64) (sum float64) {
		for _, values := range strata {
			sum += Mean(values) * float64(len(values))
		}
		return sum
	}
	if low, high := Bootstrap(sum, 0.75, 10_000, 1, []float64{0, 4}, []float64{11, 13}); low != 24 || high != 32 {
		t.Errorf("[%v, %v], want [24, 32]", low, high)
	}
	if low, high := Bootstrap(sum, 0.75, 10_000, 1, []float64{0, 4, 11, 13}); low >= 24 || high <= 32 {
		t.Errorf("the control: [%v, %v]", low, high)
	}
	for _, few := range [][][]float64{nil, {{1}, {2}}, {{1, 2, 3}, {2}}, {{1}, {1, 2, 3}}, {{1, 2}, nil}} {
		if low, high := Bootstrap(sum, 0.75, 100, 1, few...); !math.IsNaN(low) || !math.IsNaN(high) {
			t.Errorf("of strata %v: [%v, %v]", few, low, high)
		}
	}
}

func TestNewEstimate(t *testing.T) {
	nan, mean, iqm := math.NaN(), Statistic{"mean", Mean}, Statistic{"iqm", IQM}
	if e := NewEstimate(mean, []float64{nan, 1, nan, 3}); e != (Estimate{2, 1, 3}) {
		t.Errorf("of 1 and 3: %v", e)
	}
	if e := NewEstimate(mean, []float64{nan, 1}); e.Value != 1 || !math.IsNaN(e.Low) || !math.IsNaN(e.High) {
		t.Errorf("of one: %v", e)
	}
	if e := NewEstimate(mean, []float64{nan}); !math.IsNaN(e.Value) || !math.IsNaN(e.Low) {
		t.Errorf("of none: %v", e)
	}
	// The scores of all environments are one sample: of 1, 1, 1, 5, 6, 7, 9, 100 the middle half is 1, 5, 6, 7. The mean
	// over environments would be (1 + 6.5) / 2.
	if e := NewEstimate(iqm, []float64{1, 9, 1, 1}, []float64{100, 5, 7, 6}); e.Value != 4.75 {
		t.Errorf("interquartile mean of two environments: %v", e)
	}
	// Resampling within each does not mix them.
	if e := NewEstimate(mean, []float64{1, 1}, []float64{3, 3}); e != (Estimate{2, 2, 2}) {
		t.Errorf("of two environments without variation: %v", e)
	}
}

func TestImprovementProbability(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b [][]float64
		want Estimate
	}{
		// 3 beats 2 and ties with 3, 1 loses twice. With probability ¼ a is 1, 1 and always loses, with 1/16 it is 3, 3
		// against 2, 2 and always wins: both more than 2.5 %.
		{"pairs", [][]float64{{1, 3}}, [][]float64{{2, 3}}, Estimate{1.5 / 4, 0, 1}},
		{"ties", [][]float64{{5, 5}}, [][]float64{{5, 5, 5}}, Estimate{0.5, 0.5, 0.5}},
		{"always", [][]float64{{2, 3}}, [][]float64{{0, 1}}, Estimate{1, 1, 1}},
		// Always, and ties with half of {0, 1}: (1 + ¼) / 2. That half is 0, ½ or 1 with probability ¼, ½, ¼.
		{"environments", [][]float64{{2, 3}, {0, 0}}, [][]float64{{0, 1}, {0, 1}}, Estimate{0.625, 0.5, 0.75}},
	} {
		got := ImprovementProbability(c.a, c.b)
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if back := ImprovementProbability(c.b, c.a); back.Value != 1-got.Value {
			t.Errorf("%s: %v and %v", c.name, got, back)
		}
	}
	mustPanic(t, func() { ImprovementProbability(nil, nil) })
	mustPanic(t, func() { ImprovementProbability([][]float64{{1}}, nil) })
}

func TestProfile(t *testing.T) {
	strata := [][]float64{{0.2, 0.4}, {0.6, 0.8, math.NaN()}}
	for tau, want := range map[float64]Estimate{
		0.1: {1, 1, 1}, 0.4: {0.5, 0.5, 0.5}, 0.8: {0, 0, 0}, // 0.4 is not above 0.4
		0.7: {0.25, 0, 0.5}, // 0.6 twice and 0.8 twice with probability ¼ each
	} {
		if got := Profile(tau, strata...); got != want {
			t.Errorf("above %v: %v, want %v", tau, got, want)
		}
	}
}

// of makes a statistic of one stratum.
func of(stat func([]float64) float64) func([][]float64) float64 {
	return func(strata [][]float64) float64 { return stat(strata[0]) }
}

// binomial returns the probability of k successes in n trials.
func binomial(k, n int, p float64) float64 {
	lgamma := func(x int) float64 { y, _ := math.Lgamma(float64(x)); return y }
	return math.Exp(lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1) +
		float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// near holds for values that differ by at most tolerance, and for two NaN.
func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance || math.IsNaN(a) && math.IsNaN(b)
}
