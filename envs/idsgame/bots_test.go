package idsgame_test

import (
	"fmt"
	"slices"
	"testing"

	"idsrl/envs/idsgame"
)

// TestBotsDrawUniformly compares what the bots play with the uniform distribution over the ids that their rules in the
// specification allow, on states in which there are many: see distributed for the chance of a false alarm.
func TestBotsDrawUniformly(t *testing.T) {
	perID := 400
	if testing.Short() {
		perID = 100
	}
	atMaximum := func(g *idsgame.Game, s *idsgame.State) {
		for i := range s.Attack {
			s.Attack[i] = int8(g.Rules().Config().MaxValue)
		}
	}
	at := func(node int) func(*idsgame.Game, *idsgame.State) {
		return func(_ *idsgame.Game, s *idsgame.State) { s.Node = node }
	}
	scanned := func(g *idsgame.Game, s *idsgame.State) {
		atMaximum(g, s)
		s.Node = 1
		for v := range s.Scanned {
			s.Scanned[v] = true
		}
	}
	everywhereEqual := func(_ *idsgame.Game, s *idsgame.State) {
		for i := range s.Defence {
			s.Defence[i] = 3
		}
	}
	for _, c := range []struct {
		id, bot string
		seat    int
		set     func(*idsgame.Game, *idsgame.State) // changes the first state of an episode; nil: does not
		ids     int                                 // how many the bot chooses from
	}{
		{"idsgame-v2", "random", idsgame.DefenderSeat, nil, 33},
		{"idsgame-v5", "random", idsgame.DefenderSeat, nil, 21 * 11},
		{"idsgame-v18", "random", idsgame.DefenderSeat, nil, 10},
		{"idsgame-v2", "minimal", idsgame.DefenderSeat, everywhereEqual, 2}, // nodes 1 and 2: the first is left out
		{"idsgame-v5", "minimal", idsgame.DefenderSeat, everywhereEqual, 20},
		{"idsgame-v2", "random", idsgame.AttackerSeat, nil, 20},
		{"idsgame-v6", "random", idsgame.AttackerSeat, at(8), 30}, // up and to both sides
		{"idsgame-v19", "random", idsgame.AttackerSeat, at(3), 10},
		{"idsgame-v18", "random", idsgame.AttackerSeat, at(1), 5},
		{"idsgame-v2", "random", idsgame.AttackerSeat, atMaximum, 40},                // none is legal: all
		{"idsgame-v18", "random", idsgame.AttackerSeat, at(0), 10},                   // none is: all of the local space
		{"idsgame-v2", "maximal", idsgame.AttackerSeat, atMaximum, 40},               // its fallback is the random attack
		{"idsgame-v19", "maximal", idsgame.AttackerSeat, at(0), 20},                  // nothing can be attacked from the data node
		{"idsgame-v19", "maximal", idsgame.AttackerSeat, andThen(scanned, at(3)), 2}, // reconnaissance only
		{"idsgame-v5", "maximal", idsgame.AttackerSeat, andThen(maximumAbove, at(8)), 20},
	} {
		t.Run(fmt.Sprintf("%s/%s/%d", c.id, c.bot, c.ids), func(t *testing.T) {
			g := build(t, lookup(t, c.id), 3)
			if err := g.Reset(4); err != nil {
				t.Fatal(err)
			}
			if c.set != nil {
				s := g.True().Clone()
				c.set(g, s)
				g.SetState(s)
			}
			cfg := g.Rules().Config()
			n := newNaive(cfg)
			n.s = g.True()
			var ids []int
			switch {
			case c.seat == idsgame.AttackerSeat && c.bot == "random":
				ids = n.randomAttack()
			case c.seat == idsgame.AttackerSeat:
				ids = n.maximalAttack()
			case c.bot == "minimal":
				ids = n.minimalDefence()
			default:
				for id := range n.nodes() * (cfg.NumAttackTypes + 1) {
					if id/(cfg.NumAttackTypes+1) != n.start() {
						ids = append(ids, id)
					}
				}
			}
			if len(ids) != c.ids {
				t.Fatalf("the bot chooses from %v, not from %d ids", ids, c.ids)
			}
			counts := make([]int, len(ids))
			bots := cfg.Bots(c.seat)
			bot := bots[slices.IndexFunc(bots, hasName(c.bot))].New()
			rng := newRand(1)
			for range perID * len(ids) {
				id := bot.Act(g, c.seat, rng)
				k := slices.Index(ids, id)
				if k < 0 {
					t.Fatalf("id %d is not among %v", id, ids)
				}
				counts[k]++
			}
			uniformly(t, "ids", counts)
		})
	}
}

func andThen(sets ...func(*idsgame.Game, *idsgame.State)) func(*idsgame.Game, *idsgame.State) {
	return func(g *idsgame.Game, s *idsgame.State) {
		for _, set := range sets {
			set(g, s)
		}
	}
}

// maximumAbove leaves an attacker on node 8 of the connected 4x5 network only sideways attacks.
func maximumAbove(g *idsgame.Game, s *idsgame.State) {
	cfg := g.Rules().Config()
	for typ := range cfg.NumAttackTypes {
		s.Attack[3*cfg.NumAttackTypes+typ] = int8(cfg.MaxValue)
	}
}

// TestDetection: a failed attack is detected with a tenth of the detection value as probability.
func TestDetection(t *testing.T) {
	g := build(t, lookup(t, "idsgame-v2"), 1)
	s := g.True().Clone()
	for i := range s.Defence {
		s.Defence[i] = 9
	}
	const node, width, defence = 1, 11, 10 // raise the detection value of the data node, which does not matter
	episodes := 4000
	if testing.Short() {
		episodes = 1000
	}
	out := g.Spec().NewOutcome()
	for det := range 11 {
		s.Defence[node*width+width-1] = int8(det)
		counts := make([]int, 2)
		for seed := range uint64(episodes) {
			if err := g.Reset(seed); err != nil {
				t.Fatal(err)
			}
			g.SetState(s)
			if err := g.Step([]int{node * (width - 1), defence}, out); err != nil {
				t.Fatal(err)
			}
			if out.Terminated {
				counts[0]++
			} else {
				counts[1]++
			}
		}
		p := []float64{float64(det) / 10, 1 - float64(det)/10}
		if det == 0 || det == 10 {
			if counts[0] != episodes*det/10 {
				t.Errorf("with detection %d, %d of %d are detected", det, counts[0], episodes)
			}
			continue
		}
		distributed(t, fmt.Sprintf("detection %d", det), counts, p)
	}
}
