package main

import (
	"github.com/urfave/cli/v2"

	"idsrl/experiments"
	"idsrl/results"
)

func baselinesCommand() *cli.Command {
	return &cli.Command{
		Name:      "baselines",
		Usage:     "what players that learn nothing reach in environments",
		ArgsUsage: "ID ...",
		Description: `Plays in the open seat of each environment: any legal action, each bot of the seat, and, where the
environment numbers states, the best constant action, all that a defender with a single state can learn. The layouts are
those of training with the same seeds; the best constant action is chosen in other games than those that measure it.

   idsrl baselines --seeds 10 idsgame-random_attack-v0`,
		Flags: []cli.Flag{
			envFileFlag(), envSetFlag(),
			countFlag("seeds", 10, "`K` layouts"),
			countFlag("games", 4000, "games for each player, layout and constant action"),
			formatFlag(),
		},
		Action: baselines,
	}
}

func baselines(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("idsrl baselines needs IDs of environments with one open seat; idsrl envs list shows all")
	}
	catalog := catalog()
	grid := results.NewGrid("env", "player", "layouts")
	grid.Columns = append(grid.Columns, results.IntervalColumn("hacked", "hack_probability"))
	for _, id := range c.Args().Slice() {
		if _, err := catalog.Envs.Lookup(id); err != nil {
			return err
		}
	}
	for _, id := range c.Args().Slice() {
		envFile, err := sourceOf(c, "env-config")
		if err != nil {
			return err
		}
		cfg, err := catalog.Load(experiments.Sources{
			Env: id, Algo: algorithmNames()[0], EnvFile: envFile, EnvSet: assignmentsOf(c, "env-set"),
		})
		if err != nil {
			return err
		}
		players, err := catalog.Baselines(c.Context, cfg, c.Int("seeds"), c.Int("games"))
		if err != nil {
			return err
		}
		for _, b := range players {
			grid.Add(results.Text(catalog.EnvName(cfg)), results.Text(b.Player), results.Int(len(b.Hacked)),
				results.Interval(results.NewEstimate(results.Statistics[0], b.Hacked), 3))
		}
	}
	return grid.Render(c.App.Writer, c.String("format"))
}
