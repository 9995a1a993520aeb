package play

import (
	"math/rand/v2"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// A Remote lets a policy for a seat of a Game play elsewhere, in a game of the same scenario, by what an agent is shown
// there. It is a Policy of package agent. The policy sees what it would see in the Game, which is used for nothing else.
type Remote struct {
	game   *Game
	seat   int
	policy envs.Policy
	mirror *netsecgame.Mirror
}

// NewRemote returns a Remote.
func NewRemote(game *Game, seat int, policy envs.Policy) *Remote {
	return &Remote{game, seat, policy, netsecgame.NewMirror(game.world, game.players[seat].agent)}
}

// Start begins an episode.
func (r *Remote) Start(rng *rand.Rand) {
	r.mirror.Begin()
	r.game.players[r.seat].begin()
	if s, ok := r.policy.(envs.Starter); ok {
		s.StartEpisode(rng)
	}
}

// Act returns what the policy plays by what its agent knows. The error says why the game there is not the Game's.
func (r *Remote) Act(s *netsecgame.GameState, rng *rand.Rand) (netsecgame.Action, error) {
	if err := r.mirror.Show(s); err != nil {
		return netsecgame.Action{}, err
	}
	id := r.policy.Act(r.game, r.seat, rng)
	r.game.players[r.seat].played(id)
	return r.game.Action(r.seat, id), nil
}
