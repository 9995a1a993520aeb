package netsecgame_test

import (
	"slices"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// A masked agent has a mask of some moves.
type masked struct {
	agent *netsecgame.Agent
	moves []netsecgame.Move
	mask  *netsecgame.Mask
}

// Whatever happens between two updates, a mask says what the state does, move by move.
func TestMask(t *testing.T) {
	for _, scenario := range netsecgame.Scenarios() {
		t.Run(scenario, func(t *testing.T) {
			view := part{controlled: "[random]", hosts: "[8.8.8.8]"}
			w := newWorld(t, taskText(scenario, view, view))
			all := w.AllMoves()
			useful := slices.DeleteFunc(slices.Clone(all), w.Pointless)
			var team []*masked
			for _, role := range []envs.Role{envs.Attacker, envs.Defender, envs.Benign} {
				for _, moves := range [][]netsecgame.Move{all, useful} {
					a := w.NewAgent(role)
					team = append(team, &masked{a, moves, w.NewMask(&a.State, moves, role == envs.Defender)})
				}
			}
			k := newWalker(5, w)
			for step := range 600 {
				if step%200 == 199 {
					w.Reset(step%400 == 199)
					for _, a := range team {
						w.Begin(a.agent)
					}
				}
				a := one(k.rng, team).agent
				play(t, w, a, k.next(a))
				for _, a := range team {
					if k.rng.IntN(5) == 0 {
						a.check(t, w)
					}
				}
			}
		})
	}
}

func (a *masked) check(t *testing.T, w *netsecgame.World) {
	t.Helper()
	a.mask.Update()
	count := 0
	for id, m := range a.moves {
		want := a.agent.State.Valid(&m) && (m.Type != netsecgame.BlockIP || a.agent.Role == envs.Defender)
		if a.mask.Valid[id] != want {
			t.Fatalf("%s: %+v is valid: %t, want %t", a.agent.Role, w.Action(m), !want, want)
		}
		if want {
			count++
		}
	}
	if a.mask.Count != count {
		t.Fatalf("%s: %d valid moves, want %d", a.agent.Role, a.mask.Count, count)
	}
}
