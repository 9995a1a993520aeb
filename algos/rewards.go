package algos

import (
	"math"

	"idsrl/envs"
)

// RewardScale divides rewards by the deviation that discounted returns have had so far, so that losses and step sizes mean
// the same in games whose rewards differ in size (Engstrom et al. 2020, arXiv:2005.12729, appendix A.2). With
//
//	G_t = γ G_{t−1} + r_t   in each environment, from 0 in each episode
//
// a reward becomes r / σ, at most 10 in size, where σ is the standard deviation of all G so far about their mean.
type RewardScale struct {
	gamma             float64
	returns           []float64 // G by environment
	count, mean, sum2 float64   // of all G: how many, their mean, the squares of what they differ from it (Welford 1962)
	scaled            []float64
}

// NewRewardScale makes a scale for n environments.
func NewRewardScale(n int, gamma float64) *RewardScale {
	return &RewardScale{gamma: gamma, returns: make([]float64, n), scaled: make([]float64, n)}
}

const (
	minDeviation  = 1e-4 // below, returns hardly differ, and rewards stay as they are
	largestReward = 10   // scaled
)

// Scale takes the rewards of a step into account and returns them scaled. They hold until the next call.
func (r *RewardScale) Scale(b *envs.Batch) []float64 {
	for i, reward := range b.Reward {
		g := r.gamma*r.returns[i] + reward
		r.count++
		off := g - r.mean
		r.mean += off / r.count
		r.sum2 += off * (g - r.mean)
		if r.returns[i] = g; b.Terminated[i] || b.Truncated[i] {
			r.returns[i] = 0
		}
	}
	deviation := math.Sqrt(r.sum2 / r.count)
	if deviation < minDeviation {
		deviation = 1
	}
	for i, reward := range b.Reward {
		r.scaled[i] = max(-largestReward, min(reward/deviation, largestReward))
	}
	return r.scaled
}

// Encode saves what has been seen.
func (r *RewardScale) Encode(e *Encoder) {
	e.Floats(r.returns)
	e.Floats([]float64{r.count, r.mean, r.sum2})
}

// Decode restores what Encode saved, for as many environments.
func (r *RewardScale) Decode(d *Decoder) {
	fill(d, r.returns, d.Floats())
	seen := make([]float64, 3)
	fill(d, seen, d.Floats())
	r.count, r.mean, r.sum2 = seen[0], seen[1], seen[2]
}
