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

// StdDev returns the standard deviation of a sample, with n − 1 in the denominator, of at least two values.
func StdDev(values []float64) float64 {
	if len(values) < 2 {
		return math.NaN()
	}
	mean, sum := Mean(values), 0.0
	for _, x := range values {
		sum += (x - mean) * (x - mean)
	}
	return math.Sqrt(sum / float64(len(values)-1))
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

// Bootstrap returns the percentile interval of stat (Efron 1979): it draws resamples times len(values) values with
// replacement and cuts (1−level)/2 of the results off either end. The same arguments give the same interval. It is NaN
// for fewer than two values, which do not show how they vary, and too narrow for few: at level 0.95, it covers the mean
// of 10 normal values with probability 0.90, and of 20 with 0.93. stat must not keep its argument.
func Bootstrap(values []float64, stat func([]float64) float64, level float64, resamples int, seed uint64) (
	low, high float64) {
	if len(values) < 2 {
		return math.NaN(), math.NaN()
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	sample := make([]float64, len(values))
	stats := make([]float64, resamples)
	for i := range stats {
		for j := range sample {
			sample[j] = values[rng.IntN(len(values))]
		}
		stats[i] = stat(sample)
	}
	slices.Sort(stats)
	return quantile(stats, (1-level)/2), quantile(stats, (1+level)/2)
}

// An Estimate is a mean over seeds with its 95 % bootstrap interval. All three are NaN if no seed has a value, the
// interval if only one has.
type Estimate struct{ Mean, Low, High float64 }

// NewEstimate estimates the mean of what values come from, one a seed, with 10,000 resamples. It passes over NaN.
func NewEstimate(values []float64) Estimate {
	values = withoutNaN(values)
	low, high := Bootstrap(values, Mean, 0.95, 10_000, 1)
	return Estimate{Mean(values), low, high}
}

// withoutNaN returns a copy of values without those that are NaN.
func withoutNaN(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}
