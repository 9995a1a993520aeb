package algos_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
)

// The scale is the deviation of all discounted sums of rewards so far, by definition.
func TestRewardScale(t *testing.T) {
	const n, gamma = 3, 0.8
	rng := rand.New(envs.NewPCG(1))
	r := algos.NewRewardScale(n, gamma)
	b := &envs.Batch{N: n, Reward: make([]float64, n), Terminated: make([]bool, n), Truncated: make([]bool, n)}
	var all []float64
	episode := make([][]float64, n) // rewards so far
	for step := range 200 {
		for i := range n {
			b.Reward[i] = 5 + 20*rng.NormFloat64()
			b.Terminated[i], b.Truncated[i] = rng.IntN(7) == 0, rng.IntN(9) == 0
			episode[i] = append(episode[i], b.Reward[i])
			g := 0.0
			for k, x := range episode[i] {
				g += x * math.Pow(gamma, float64(len(episode[i])-1-k))
			}
			all = append(all, g)
			if b.Terminated[i] || b.Truncated[i] {
				episode[i] = nil
			}
		}
		mean, squares := 0.0, 0.0
		for _, g := range all {
			mean += g / float64(len(all))
		}
		for _, g := range all {
			squares += (g - mean) * (g - mean) / float64(len(all))
		}
		for i, got := range r.Scale(b) {
			near(t, fmt.Sprintf("step %d, reward %d", step, i), got, max(-10, min(b.Reward[i]/math.Sqrt(squares), 10)), 1e-9)
		}
	}
}

// Rewards that never vary stay as they are, and an outlier is held.
func TestRewardScaleExtremes(t *testing.T) {
	r := algos.NewRewardScale(1, 0)
	b := &envs.Batch{N: 1, Reward: []float64{2}, Terminated: []bool{false}, Truncated: []bool{false}}
	for range 100 {
		near(t, "a reward that does not vary", r.Scale(b)[0], 2, 0)
	}
	for range 400 {
		r.Scale(b)
	}
	b.Reward[0] = -100 // in 501 values: deviation 4.55, which makes it −22
	near(t, "an outlier", r.Scale(b)[0], -10, 0)
}
