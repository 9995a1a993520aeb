package envtest

import (
	"math/rand/v2"

	"idsrl/envs"
)

// Mixed returns a Policy that plays action a in state s, by the first encoding of the game's states, with probability
// policy[s][a].
func Mixed(policy [][]float64) envs.Policy { return mixed(policy) }

type mixed [][]float64

func (p mixed) Act(env envs.Env, seat int, rng *rand.Rand) int {
	return envs.Pick(p[env.State(seat, 0)], rng.Float64())
}
