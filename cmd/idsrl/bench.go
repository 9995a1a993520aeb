package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"idsrl/envs"
	"idsrl/envs/speed"
	"idsrl/results"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:        "bench",
		Usage:       "measure speed",
		Description: `   idsrl bench envs    how fast environments step`,
		Subcommands: []*cli.Command{{
			Name:      "envs",
			Usage:     "steps a second of environments on one core",
			ArgsUsage: "[ID ...]",
			Description: `Steps one environment in one goroutine, bots and resets included:
   raw      actions from a tape of legal play; observations are kept up to date inside the environment
   observe  the same, and the observation of every open seat is copied out after every step
   random   each open seat chooses uniformly among its legal actions

   idsrl bench envs                                  some telling ids
   idsrl bench envs --time 3s idsgame-v0 idsgame-v5`,
			Flags: []cli.Flag{
				&cli.DurationFlag{Name: "time", Value: time.Second, Usage: "how long to measure each row"},
				countFlag("best-of", 1, "measure each row so many times and show the fastest, as other work can only slow it down"),
				formatFlag(),
			},
			Action: benchEnvs,
		}},
	}
}

// tellingIDs are small and large, against bots and without.
var tellingIDs = []string{
	"idsgame-v0", "idsgame-v2", "idsgame-v5", "idsgame-v19",
	"idsgame-minimal_defense-v2", "idsgame-minimal_defense-v5", "idsgame-maximal_attack-v2", "idsgame-random_attack-v2",
	"netsecgame-two_networks_small-attacker-v0", "netsecgame-two_networks_small-v0",
	"netsecgame-two_networks-attacker-v0", "netsecgame-two_networks-v0",
}

func benchEnvs(c *cli.Context) error {
	if c.Duration("time") <= 0 {
		return usagef("--time %s: must be more than 0", c.Duration("time"))
	}
	ids := c.Args().Slice()
	if len(ids) == 0 {
		ids = tellingIDs
	}
	grid := &results.Grid{Columns: []results.Column{
		{Title: "env", Names: []string{"env"}},
		{Title: "mode", Names: []string{"mode"}},
		{Title: "steps/s", Names: []string{"steps_per_second"}},
		{Title: "ns/step", Names: []string{"ns_per_step"}},
		{Title: "allocs/step", Names: []string{"allocs_per_step"}},
	}}
	for _, id := range ids {
		entry, err := environments().Lookup(id)
		if err != nil {
			return err
		}
		for _, mode := range speed.Modes {
			if err := c.Context.Err(); err != nil {
				return err
			}
			r, err := fastest(entry, mode, c)
			if err != nil {
				return err
			}
			grid.Add(results.Text(id), results.Text(string(mode)), results.Scaled(r.PerSecond()),
				results.Fixed(1e9/r.PerSecond(), 1), results.Fixed(r.AllocsPerStep, 4))
		}
	}
	return grid.Render(c.App.Writer, c.String("format"))
}

// fastest is the fastest of the measurements that are asked for.
func fastest(entry envs.Entry, mode speed.Mode, c *cli.Context) (best speed.Result, err error) {
	env, err := entry.New(0)
	if err != nil {
		return best, err
	}
	loop, err := speed.NewLoop(env, mode, 0)
	if err != nil {
		return best, err
	}
	for range c.Int("best-of") {
		r, err := speed.Measure(loop, c.Duration("time"))
		if err != nil {
			return best, err
		}
		if best.Steps == 0 || r.PerSecond() > best.PerSecond() {
			best = r
		}
	}
	return best, nil
}
