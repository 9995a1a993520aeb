package experiments

import (
	"fmt"

	"idsrl/envs"
	"idsrl/envs/settings"
)

// Cast is a game with every seat open, and whoever may play in it.
type Cast struct {
	Env          string    // its name, as Catalog.EnvName
	Settings     envs.Game // of it
	InstanceSeed uint64
	Game         envs.Env

	stage  *stage
	opened map[string]*Saved // runs, by path
}

// Cast builds the game of a simulation.
func (c Catalog) Cast(sim Simulation) (*Cast, error) {
	entry, game, err := c.gameOf(sim.Env, sim.EnvFile, settings.Assign("--env-set", sim.EnvSet))
	if err != nil {
		return nil, err
	}
	instance, err := c.instance(sim)
	if err != nil {
		return nil, err
	}
	st, err := c.newStage(&Config{Env: sim.Env}, entry, game, instance)
	if err != nil {
		return nil, err
	}
	return &Cast{
		Env: variant(sim.Env, entry.Game(), game), Settings: game, InstanceSeed: instance, Game: st.game,
		stage: st, opened: map[string]*Saved{},
	}, nil
}

// Player makes the player of a seat from its description, as in Catalog.player.
func (k *Cast) Player(seat int, description string) (envs.Policy, error) {
	role := k.Game.Spec().Seats[seat].Role
	player, err := k.stage.catalog.player(description, k.stage.settings, k.Game, seat, k.open)
	if err != nil {
		return nil, fmt.Errorf("%s = %s: %w", role, description, err)
	}
	return player, nil
}

// Players are the descriptions of the players of a seat that need no run, first the one that the environment casts.
func (k *Cast) Players(seat int) []string {
	var names []string
	if !k.Open(seat) {
		names = append(names, "bot:"+k.stage.entry.Cast[seat])
	}
	for _, bot := range k.stage.settings.Bots(seat) {
		if name := "bot:" + bot.Name; len(names) == 0 || name != names[0] {
			names = append(names, name)
		}
	}
	return append(names, "random")
}

// Open reports whether the environment leaves a seat to learners.
func (k *Cast) Open(seat int) bool { return k.stage.entry.Open(seat) }

// open opens a run, each once.
func (k *Cast) open(run string) (saved *Saved, err error) {
	if k.opened[run] == nil {
		k.opened[run], err = k.stage.catalog.Open(run)
	}
	return k.opened[run], err
}
