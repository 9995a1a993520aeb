package netsecgame_test

import (
	"math/rand/v2"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// An episode is a world with four agents, and the moves of a game of theirs: mostly sensible ones, a few of any kind.
type episode struct {
	w      *netsecgame.World
	agents []*netsecgame.Agent
	moves  []netsecgame.Move // the agents take turns
}

func newEpisode(tb testing.TB, steps int) *episode {
	goal := part{data: "{213.47.23.195: [[User1, DatabaseData]]}"}
	e := &episode{w: newWorld(tb, taskText("two_networks", part{controlled: "[213.47.23.195, random]"}, goal))}
	for _, role := range []envs.Role{envs.Attacker, envs.Attacker, envs.Defender, envs.Benign} {
		e.agents = append(e.agents, e.w.NewAgent(role))
	}
	e.begin()
	rng := rand.New(rand.NewPCG(1, 2))
	all := e.w.AllMoves()
	var valid []netsecgame.Move
	for i := range steps {
		a := e.agents[i%len(e.agents)]
		valid = e.w.AppendValid(valid[:0], &a.State, rng.IntN(10) == 0)
		if rng.IntN(10) == 0 {
			valid = all
		}
		m := one(rng, valid)
		e.moves = append(e.moves, m)
		if err := e.w.Apply(a, m); err != nil {
			tb.Fatal(err)
		}
	}
	return e
}

// begin resets the game to the same draws.
func (e *episode) begin() {
	e.w.Randomness().Seed(1)
	e.w.Reset(false)
	for _, a := range e.agents {
		e.w.Begin(a)
	}
}

// step plays the i-th move.
func (e *episode) step(i int) (reached bool) {
	a := e.agents[i%len(e.agents)]
	return e.w.Apply(a, e.moves[i]) == nil && a.GoalReached()
}

func TestNoAllocations(t *testing.T) {
	e := newEpisode(t, 400)
	reached := 0
	if n := testing.AllocsPerRun(3, func() {
		e.begin()
		for i := range e.moves {
			if e.step(i) {
				reached++
			}
		}
	}); n > 0 {
		t.Errorf("an episode allocates %v times", n)
	}
	if reached == 0 {
		t.Error("no goal is reached")
	}
}

// BenchmarkWorld is one action of an episode with four agents, resets included.
func BenchmarkWorld(b *testing.B) {
	e := newEpisode(b, 400)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == 0 {
			e.begin()
		}
		e.step(i)
		i = (i + 1) % len(e.moves)
	}
}

// BenchmarkView renders the state of an agent that knows a lot.
func BenchmarkView(b *testing.B) {
	e := newEpisode(b, 400)
	b.ReportAllocs()
	for b.Loop() {
		e.agents[0].State.View()
	}
}
