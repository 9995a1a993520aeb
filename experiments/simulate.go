package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// Simulation is games between players that do not learn.
type Simulation struct {
	Env          string
	EnvFile      *settings.Source // settings of it; may be nil
	EnvSet       []string
	InstanceSeed uint64               // what the environment draws once; 0 for that of the runs that play, else derived from Seed
	Players      map[envs.Role]string // as in Catalog.player; the environment's bots where none is named
	Episodes     int
	Window       int    // episodes of a tally; 0 for one tally of all
	Seed         uint64 // root of the games' random numbers
	Workers      int    // goroutines that play; the tallies do not depend on it
	Watch        algos.Watcher
	Begun        *atomic.Int64 // counts the games that have begun; may be nil
}

// Simulated is how a simulation went.
type Simulated struct {
	Env     string        // the environment, as Catalog.EnvName
	Seats   []envs.Seat   // in the order of Tally.Returns
	Players []string      // by seat
	Windows []algos.Tally // one after the other
	Total   algos.Tally
}

// Simulate plays the games.
func (c Catalog) Simulate(ctx context.Context, sim Simulation) (*Simulated, error) {
	result := new(Simulated)
	rooms := make([]algos.Room, max(sim.Workers, 1))
	for i := range rooms {
		cast, err := c.Cast(sim)
		if err != nil {
			return nil, err
		}
		result.Env, result.Seats = cast.Env, cast.Game.Spec().Seats
		if rooms[i].Game = cast.Game; sim.Begun != nil {
			rooms[i].Game = &counted{cast.Game, sim.Begun}
		}
		if rooms[i].Players, result.Players, err = cast.players(sim.Players); err != nil {
			return nil, err
		}
	}
	var err error
	if sim.Window == 0 {
		result.Total, err = algos.EvaluateAll(ctx, rooms, sim.Episodes, sim.Seed, sim.Watch)
		result.Windows = []algos.Tally{result.Total}
		return result, err
	}
	result.Windows, err = algos.EvaluateWindows(ctx, rooms, sim.Episodes, sim.Window, sim.Seed, sim.Watch)
	for _, tally := range result.Windows {
		result.Total.Merge(tally)
	}
	return result, err
}

// counted is a game whose episodes are counted.
type counted struct {
	envs.Env
	begun *atomic.Int64
}

func (c *counted) Unwrap() envs.Env { return c.Env }

func (c *counted) Reset(seed uint64) error {
	c.begun.Add(1)
	return c.Env.Reset(seed)
}

// players makes the players of all seats, those that are named or else the environment's, and tells who they are.
func (k *Cast) players(named map[envs.Role]string) (players []envs.Policy, names []string, problems error) {
	for i, seat := range k.Game.Spec().Seats {
		name := cmp.Or(named[seat.Role], k.stage.seat(i).player)
		if name == "" {
			problems = errors.Join(problems, &settings.Error{
				Key: seat.Role.String(), Problem: "who plays this seat? name a player: " + PlayerHelp,
			})
			continue
		}
		player, err := k.Player(i, name)
		problems = errors.Join(problems, err)
		players, names = append(players, player), append(names, name)
	}
	return players, names, problems
}

// instance is the instance that is played: what is asked for, else that of the runs that play.
func (c Catalog) instance(sim Simulation) (uint64, error) {
	if sim.InstanceSeed != 0 {
		return sim.InstanceSeed, nil
	}
	var from *Saved
	for _, role := range Roles {
		for _, run := range runsOf(sim.Players[role]) {
			saved, err := c.Open(run)
			switch {
			case err != nil:
				return 0, fmt.Errorf("%s = %s: %w", role, sim.Players[role], err)
			case from == nil:
				from = saved
			case from.Config.InstanceSeed != saved.Config.InstanceSeed:
				return 0, &settings.Error{Key: "instance-seed", Problem: fmt.Sprintf(
					"%s has learnt in instance %d, %s in %d; say which one to play in",
					from.Path, from.Config.InstanceSeed, saved.Path, saved.Config.InstanceSeed)}
			}
		}
	}
	if from != nil {
		return from.Config.InstanceSeed, nil
	}
	return envs.Derive(sim.Seed, "instance", 0), nil
}
