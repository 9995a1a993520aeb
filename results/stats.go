package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Z95 is the standard normal quantile of 0.975: the half-width, in standard deviations, of a 95 % interval.
const Z95 = 1.959963984540054

// The statistics below take values without NaN, in any order, and leave them as they are. Of too few values they are
// NaN.

// Mean returns the arithmetic mean of at least one value.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, x := range values {
		sum += x
	}
	return sum / float64(len(values))
}

// Quantile returns the value below which a share p in [0, 1] of at least one value lies, interpolated between
// neighbours (definition 7 of Hyndman and Fan 1996, the default of R and NumPy).
func Quantile(values []float64, p float64) float64 {
	return quantile(slices.Sorted(slices.Values(values)), p)
}

func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := p * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// IQM returns the interquartile mean of at least one value: the mean without the ⌊n/4⌋ smallest and ⌊n/4⌋ largest.
// A few failed seeds move it less than the mean, and it varies less than the median (Agarwal et al. 2021,
// arXiv:2108.13264).
func IQM(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	cut := len(sorted) / 4
	return Mean(sorted[cut : len(sorted)-cut])
}

// Wilson returns the score interval of a proportion, given successes in n independent trials (Wilson 1927):
//
//	(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n),   p = successes / n
//
// It covers the truth about as often as z says, even near 0 and 1. Without trials it is NaN; successes outside [0, n]
// panic.
func Wilson(successes, n int, z float64) (low, high float64) {
	if successes < 0 || successes > n {
		panic(fmt.Sprintf("results: %d successes in %d trials", successes, n))
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	trials := float64(n)
	p := float64(successes) / trials
	scale := 1 + z*z/trials
	centre := (p + z*z/(2*trials)) / scale
	half := z * math.Sqrt(p*(1-p)/trials+z*z/(4*trials*trials)) / scale
	low, high = centre-half, centre+half
	if successes == 0 {
		low = 0 // as in exact arithmetic
	}
	if successes == n {
		high = 1
	}
	return low, high
}

// Median returns the middle one of at least one value, or the mean of the two in the middle.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// A Statistic sums up the scores of at least one run.
type Statistic struct {
	Name string
	Of   func([]float64) float64
}

// String returns the name.
func (s Statistic) String() string { return s.Name }

// Statistics are those that tables can show; the first is the default.
var Statistics = []Statistic{{"mean", Mean}, {"iqm", IQM}, {"median", Median}}

// Bootstrap returns the stratified percentile interval of stat (Efron 1979; stratified as in Agarwal et al. 2021,
// arXiv:2108.13264): resamples times it draws from each stratum as many values as that has, with replacement, and cuts
// (1−level)/2 of the results off either end. A stratum is the runs of one algorithm in one environment. The same
// arguments give the same interval. It is NaN if a stratum has fewer than two values, which do not show how they vary, and
// too narrow for few: at level 0.95, it covers the mean of 5 normal values with probability 0.84, of 10 with 0.90, and of
// 20 with 0.93. stat must not keep its argument.
func Bootstrap(stat func([][]float64) float64, level float64, resamples int, seed uint64, strata ...[]float64) (
	low, high float64) {
	if len(strata) == 0 || slices.ContainsFunc(strata, func(s []float64) bool { return len(s) < 2 }) {
		return math.NaN(), math.NaN()
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	sample := make([][]float64, len(strata))
	for i, values := range strata {
		sample[i] = make([]float64, len(values))
	}
	stats := make([]float64, resamples)
	for i := range stats {
		for j, values := range strata {
			for k := range values {
				sample[j][k] = values[rng.IntN(len(values))]
			}
		}
		stats[i] = stat(sample)
	}
	slices.Sort(stats)
	return quantile(stats, (1-level)/2), quantile(stats, (1+level)/2)
}

// An Estimate is a statistic of runs with its 95 % bootstrap interval. All three are NaN if no run has a value, the
// interval if there are too few.
type Estimate struct{ Value, Low, High float64 }

// NewEstimate estimates what the scores in strata, taken together, come to. It passes over NaN.
func NewEstimate(stat Statistic, strata ...[]float64) Estimate {
	var pool []float64
	return estimate(func(strata [][]float64) float64 {
		pool = pool[:0]
		for _, values := range strata {
			pool = append(pool, values...)
		}
		return stat.Of(pool)
	}, strata)
}

// estimate takes 10,000 resamples of the strata without NaN.
func estimate(stat func([][]float64) float64, strata [][]float64) Estimate {
	kept := make([][]float64, len(strata))
	for i, values := range strata {
		kept[i] = withoutNaN(values)
	}
	low, high := Bootstrap(stat, 0.95, 10_000, 1, kept...)
	return Estimate{stat(kept), low, high}
}

// ImprovementProbability estimates the probability that a run of one algorithm scores higher than one of another in the
// same environment, mean over environments (Agarwal et al. 2021, section 4.3). It is that of Mann and Whitney: of all
// pairs of runs, the share that the first wins, ties counting half. a[i] and b[i] hold scores in environment i; without
// environments, or if a and b are not as many, it panics.
func ImprovementProbability(a, b [][]float64) Estimate {
	if len(a) == 0 || len(a) != len(b) {
		panic(fmt.Sprintf("results: scores in %d environments against %d", len(a), len(b)))
	}
	return estimate(func(strata [][]float64) float64 {
		sum := 0.0
		for i := range a {
			sum += wins(strata[i], strata[len(a)+i])
		}
		return sum / float64(len(a))
	}, slices.Concat(a, b))
}

// wins returns the share of pairs in which the value of a is the larger one.
func wins(a, b []float64) float64 {
	won := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				won++
			case x == y:
				won += 0.5
			}
		}
	}
	return won / float64(len(a)*len(b))
}

// Profile estimates the share of runs with a score above tau: the performance profile at tau (Agarwal et al. 2021,
// section 4.2).
func Profile(tau float64, strata ...[]float64) Estimate {
	above := make([][]float64, len(strata))
	for i, values := range strata {
		for _, x := range withoutNaN(values) {
			share := 0.0
			if x > tau {
				share = 1
			}
			above[i] = append(above[i], share)
		}
	}
	return NewEstimate(Statistics[0], above...)
}

// withoutNaN returns a copy of values without those that are NaN.
func withoutNaN(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}
