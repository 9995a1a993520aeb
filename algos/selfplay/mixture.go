package selfplay

import (
	"fmt"
	"math"
	"math/rand/v2"

	"idsrl/envs"
)

// Mixture is a mixed strategy over policies: it plays each episode as one of its members, drawn by weight. It plays one
// seat of one game.
type Mixture struct {
	members []envs.Policy
	weights []float64
	playing int
}

// NewMixture returns a mixture in which members[i] is drawn with probability weights[i] over their sum. It panics unless
// there is a weight for each member, none is negative, and one at least is positive.
func NewMixture(members []envs.Policy, weights []float64) *Mixture {
	if len(members) != len(weights) {
		panic(fmt.Sprintf("selfplay: %d weights for %d members", len(weights), len(members)))
	}
	return &Mixture{members: members, weights: weights, playing: draw(weights, 0)}
}

// Members are those of the mixture and their weights.
func (m *Mixture) Members() ([]envs.Policy, []float64) { return m.members, m.weights }

// StartEpisode draws who plays, and tells that one.
func (m *Mixture) StartEpisode(rng *rand.Rand) {
	m.playing = draw(m.weights, rng.Float64())
	if s, ok := m.members[m.playing].(envs.Starter); ok {
		s.StartEpisode(rng)
	}
}

// Act asks the member that plays the episode.
func (m *Mixture) Act(env envs.Env, seat int, rng *rand.Rand) int {
	return m.members[m.playing].Act(env, seat, rng)
}

// draw is the index that u in [0, 1) falls on, where index i is as wide as its weight. It panics unless weights are
// finite, not negative, and one at least is positive.
func draw(weights []float64, u float64) int {
	sum := 0.0
	for _, w := range weights {
		if w < 0 {
			panic(fmt.Sprintf("selfplay: weights %v, one of them negative", weights))
		}
		sum += w
	}
	if !(sum > 0) || math.IsInf(sum, 1) {
		panic(fmt.Sprintf("selfplay: weights %v, which add up to %v", weights, sum))
	}
	return envs.Pick(weights, u*sum)
}
