package experiments

import (
	"context"
	"fmt"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// Baseline is what a player that learns nothing reaches.
type Baseline struct {
	Player string
	Hacked []float64 // hack probability by seed, each seed with its layout
}

// Baselines plays in the one open seat of an environment without learning: any legal action, each bot of the seat, and,
// where an environment numbers states, the best constant action, which is what a learner with a single state can reach.
// The layouts are those of training runs with the seeds 0 to seeds-1. The best constant action of a layout is found by
// games games of each action, and then measured by other games, so that the choice does not flatter it.
func (c Catalog) Baselines(ctx context.Context, cfg *Config, seeds, games int) ([]Baseline, error) {
	var out []Baseline
	for seed := range seeds {
		t, err := c.build(cfg.WithSeed(uint64(seed)))
		if err != nil {
			return nil, err
		}
		if len(t.open) != 1 {
			problem := fmt.Sprintf("has %d open seats; baselines are of one", len(t.open))
			return nil, &settings.Error{Key: "env", Value: cfg.Env, Problem: problem}
		}
		players, err := t.baselinePlayers(ctx, games, uint64(seed))
		if err != nil {
			return nil, err
		}
		for i, p := range players {
			tally, err := t.test(ctx, p.player, games, envs.Derive(uint64(seed), "baseline", 0))
			if err != nil {
				return nil, err
			}
			if seed == 0 {
				out = append(out, Baseline{Player: p.name})
			}
			out[i].Hacked = append(out[i].Hacked, tally.HackProbability())
		}
	}
	return out, nil
}

type namedPlayer struct {
	name   string
	player envs.Policy
}

func (t *table) baselinePlayers(ctx context.Context, games int, seed uint64) ([]namedPlayer, error) {
	players := []namedPlayer{{"random", envs.Uniform()}}
	for _, bot := range t.settings.Bots(t.open[0]) {
		players = append(players, namedPlayer{"bot:" + bot.Name, bot.New()})
	}
	seat := &t.game.Spec().Seats[t.open[0]]
	if len(seat.Encodings) == 0 {
		return players, nil
	}
	best, least := constant(0), 0.0
	defends := t.role(0) == envs.Defender
	for id := range seat.Actions.N {
		tally, err := t.test(ctx, constant(id), games, envs.Derive(seed, "baseline", 1))
		if err != nil {
			return nil, err
		}
		loss := tally.HackProbability()
		if !defends {
			loss = -loss
		}
		if id == 0 || loss < least {
			best, least = constant(id), loss
		}
	}
	return append(players, namedPlayer{"best constant", best}), nil
}

// test plays in the open seat of the table.
func (t *table) test(ctx context.Context, player envs.Policy, games int, root uint64) (algos.Tally, error) {
	players, err := t.opponents()
	if err != nil {
		return algos.Tally{}, err
	}
	players[t.open[0]] = player
	return algos.Evaluate(ctx, t.game, players, games, root, nil)
}
