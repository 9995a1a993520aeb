package play

import (
	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// addresses is the randomness of a game, in which new addresses depend on the seed of the episode only: they are those of
// one of some variants, or drawn as if the present ones were the scenario's own.
type addresses struct {
	netsecgame.Randomness
	variants []int               // those that episodes have, 0 being the scenario's own; none: new ones for each episode
	own      netsecgame.Topology // the scenario's
	variant  uint64              // of this episode; without variants, its seed
	draws    netsecgame.Randomness
}

func newAddresses(variants []int) *addresses {
	return &addresses{Randomness: netsecgame.NewGenerator(), variants: variants, draws: netsecgame.NewGenerator()}
}

// change reports whether there are others than the scenario's own.
func (a *addresses) change() bool {
	for _, variant := range a.variants {
		if variant != 0 {
			return true
		}
	}
	return len(a.variants) == 0
}

// Seed starts an episode.
func (a *addresses) Seed(seed uint64) {
	a.Randomness.Seed(seed)
	a.variant = seed
	if n := uint64(len(a.variants)); n > 0 {
		a.variant = uint64(a.variants[envs.Derive(seed, "variant", 0)%n])
	}
}

// Renumber overwrites t.
func (a *addresses) Renumber(t *netsecgame.Topology) {
	copy(t.Networks, a.own.Networks)
	copy(t.Addresses, a.own.Addresses)
	if a.variant == 0 && len(a.variants) > 0 {
		return
	}
	a.draws.Seed(a.variant)
	a.draws.Renumber(t)
}
