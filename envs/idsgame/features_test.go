package idsgame_test

import (
	"fmt"
	"slices"
	"testing"

	"idsrl/envs/envtest"
	"idsrl/envs/idsgame"
)

// encoded are encodings of registered games with the shapes of what the seats see. Those of merged values are the input
// sizes of the original's experiments.
var encoded = []struct {
	id                 string
	change             func(c *idsgame.Config)
	attacker, defender []int
	most               float32 // bound of what the attacker sees, disregarding signs
}{
	{"idsgame-v0", func(c *idsgame.Config) { c.Normalize = true }, []int{3, 11}, []int{3, 11}, 1},
	{"idsgame-v2", func(c *idsgame.Config) { c.ZeroMean = true }, []int{4, 11}, []int{4, 11}, 9},
	{"idsgame-v10", func(c *idsgame.Config) { c.Observation = "joint" }, []int{3, 22}, []int{3, 22}, 9},
	{"idsgame-v14", func(c *idsgame.Config) { c.Observation = "joint" }, []int{2, 10}, []int{3, 10}, 4},
	{"idsgame-v14", func(c *idsgame.Config) { c.Observation = "merged" }, []int{2, 6}, []int{3, 6}, 5},
	{"idsgame-v14", func(c *idsgame.Config) { c.Observation, c.LocalView = "merged", false }, []int{3, 6}, []int{3, 6}, 4},
	{"idsgame-v16", func(c *idsgame.Config) { c.Observation = "merged" }, []int{3, 6}, []int{3, 6}, 4},
	{"idsgame-v18", func(c *idsgame.Config) { c.Observation = "merged" }, []int{2, 6}, []int{3, 5}, 11},
	{"idsgame-v18", func(c *idsgame.Config) { c.ZeroMean = true }, []int{2, 10}, []int{3, 5}, 11},
	{"idsgame-v19", func(c *idsgame.Config) { c.Observation = "merged" }, []int{4, 6}, []int{4, 5}, 10},
	{"idsgame-v20", func(c *idsgame.Config) { c.Observation, c.Normalize = "merged", true }, []int{4, 6}, []int{4, 5}, 1},
	{"idsgame-v21", func(c *idsgame.Config) { c.Observation, c.ZeroMean, c.Normalize = "merged", true, true },
		[]int{4, 6}, []int{4, 5}, 2},
}

// TestEncodings: the shapes, and the contract of all environments. TestPlay looks at the values.
func TestEncodings(t *testing.T) {
	for _, c := range encoded {
		cfg := configOf(t, c.id)
		c.change(&cfg)
		name := fmt.Sprintf("%s %s zero mean %v normalized %v", c.id, cfg.Observation, cfg.ZeroMean, cfg.Normalize)
		t.Run(name, func(t *testing.T) {
			seats := newGame(t, cfg, 1).Spec().Seats
			for seat, want := range [][]int{c.attacker, c.defender} {
				if got := seats[seat].Obs.Shape; !slices.Equal(got, want) {
					t.Errorf("seat %d sees %v, not %v", seat, got, want)
				}
			}
			box := seats[idsgame.AttackerSeat].Obs
			if most := max(-slices.Min(box.Low), slices.Max(box.High)); most != c.most {
				t.Errorf("the attacker sees values up to %v, not %v", most, c.most)
			}
			envtest.Run(t, cfg.New, envtest.Options{Steps: 150})
		})
	}
}
