package netsecgame_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/envs/netsecgame"
)

// naiveDefender is section 12, word for word. Actions are types and a number for all parameters.
type naiveDefender struct{ history [][2]int }

func (n *naiveDefender) suspects(kind netsecgame.ActionType, action int) bool {
	current := [2]int{int(kind), action}
	n.history = append(n.history, current)
	if len(n.history) < 5 {
		return false
	}
	window := n.history[len(n.history)-5:]
	share, run, longest, repeats := 0.0, 0, 0, 0
	for _, a := range window {
		run++
		if a[0] != current[0] {
			run = 0
		} else {
			share += 0.2
		}
		longest = max(longest, run)
	}
	for _, a := range n.history {
		if a == current {
			repeats++
		}
	}
	switch kind {
	case netsecgame.ScanNetwork, netsecgame.ExfiltrateData:
		return share >= 0.25 || longest >= 2
	case netsecgame.FindServices:
		return share >= 0.3 || longest >= 3
	case netsecgame.ExploitService:
		return share >= 0.25 || repeats >= 2
	case netsecgame.FindData:
		return share >= 0.5 || repeats >= 2
	default:
		return false
	}
}

// TestDetects: when the global defender rolls, and that its chance is that of the table.
func TestDetects(t *testing.T) {
	chances := []float64{0.05, 0.075, 0.025, 0.1, 0.025, 0}
	rng := rand.New(rand.NewPCG(1, 2))
	var h netsecgame.History[int]
	suspected := [netsecgame.ActionTypes]int{}
	for episode := range 300 {
		h.Reset()
		naive := naiveDefender{}
		for step := range 30 {
			kind, action := netsecgame.ActionType(rng.IntN(netsecgame.ActionTypes)), rng.IntN(20)
			below := rng.IntN(2) == 0
			d := &dice{roll: chances[kind]}
			if below {
				d.roll -= 1e-9
			}
			detected := h.Detects(kind, action*netsecgame.ActionTypes+int(kind), d)
			suspects := naive.suspects(kind, action)
			if suspects {
				suspected[kind]++
			}
			if (d.rolls == 1) != suspects || detected != (suspects && below) {
				t.Fatalf("episode %d, step %d: %s: %d rolls, detected %t; want suspicion %t", episode, step, kind, d.rolls,
					detected, suspects)
			}
		}
	}
	if slices.Contains(suspected[:netsecgame.BlockIP], 0) {
		t.Errorf("suspicions by type: %v", suspected)
	}
}
