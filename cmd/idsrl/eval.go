package main

import (
	"github.com/urfave/cli/v2"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame/recording"
	"idsrl/experiments"
	"idsrl/results"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:      "eval",
		Usage:     "test what a run has learnt",
		ArgsUsage: "RUN",
		Description: `Plays games with the frozen policy of RUN, the folder of a run or a checkpoint file, with seeds of their own:
greedy, and sampled, as the policy acted at the end of training. For a defender, too, "hacked" is the share of
games that the attacker wins.

   idsrl eval results/idsgame-minimal_defense-v2/tabular-q/seed-0
   idsrl eval --episodes 100000 --opponent bot:random RUN
   idsrl eval --env idsgame-random_defense-v2 RUN            the same layout against other bots
   idsrl eval --opponent checkpoint:OTHER_RUN RUN            one run against another
   idsrl eval --record games.jsonl --episodes 10 RUN         keep the games, for idsrl replay`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "episodes", Value: 10000, Usage: "games for each mode"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "root of the test's random numbers"},
			envFlag("test in another environment, `ID` as in idsrl envs list"),
			envFileFlag(), envSetFlag(),
			instanceFlag("test in another instance: other weak spots"),
			&cli.StringFlag{Name: "opponent", Usage: "`PLAYER` of the other seat: " + experiments.PlayerHelp},
			&cli.StringFlag{Name: "as", Usage: "`ROLE` that RUN plays, if it has learnt several: attacker, defender"},
			&cli.StringFlag{Name: "record", Usage: "write the greedy games to `FILE` (.jsonl or .jsonl.gz)"},
			formatFlag(),
		},
		Action: eval,
	}
}

func eval(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("idsrl eval needs one RUN, after the flags: the folder of a run or a checkpoint file")
	}
	if c.Int("episodes") < 1 {
		return usagef("--episodes %d: must be at least 1", c.Int("episodes"))
	}
	as, err := roleOf(c.String("as"))
	if err != nil {
		return err
	}
	saved, err := catalog().Open(c.Args().First())
	if err != nil {
		return err
	}
	envFile, err := sourceOf(c, "env-config")
	if err != nil {
		return err
	}
	test := experiments.Test{
		Env: c.String("env"), EnvFile: envFile, EnvSet: assignmentsOf(c, "env-set"),
		InstanceSeed: c.Uint64("instance-seed"), As: as, Opponent: c.String("opponent"),
		Episodes: c.Int("episodes"), Seed: c.Uint64("seed"),
	}
	var tests []experiments.Result
	for _, mode := range algos.Modes {
		one := test
		if path := c.String("record"); path != "" && mode == algos.Greedy {
			recorder, err := recording.Create(path)
			if err != nil {
				return err
			}
			defer recorder.Close()
			one.Watch = recorder
		}
		r, err := saved.Run(c.Context, one, []algos.Mode{mode})
		if err != nil {
			return err
		}
		if one.Watch != nil {
			if err := one.Watch.(*recording.Recorder).Close(); err != nil {
				return err
			}
		}
		tests = append(tests, r...)
	}
	return testGrid(tests).Render(c.App.Writer, c.String("format"))
}

func roleOf(name string) (envs.Role, error) {
	for _, role := range []envs.Role{envs.Nobody, envs.Attacker, envs.Defender} {
		if name == role.String() || name == "" {
			return role, nil
		}
	}
	return envs.Nobody, usagef("--as %s: there are attacker and defender", name)
}

// testGrid is the table of tests.
func testGrid(tests []experiments.Result) *results.Grid {
	grid := &results.Grid{Columns: []results.Column{
		{Title: "mode", Names: []string{"mode"}},
		{Title: "games", Names: []string{"games"}},
		{Title: "hacked", Names: []string{"hack_probability", "hack_low", "hack_high"}},
		{Title: "detected", Names: []string{"detection_probability"}},
		{Title: "truncated", Names: []string{"truncated"}},
	}}
	for _, seat := range tests[0].Seats {
		name := seat.Role.String() + "_return"
		grid.Columns = append(grid.Columns, results.Column{Title: seat.Role.String() + " return", Names: []string{name}})
	}
	grid.Columns = append(grid.Columns, results.Column{Title: "length", Names: []string{"episode_length"}})
	for _, t := range tests {
		low, high := results.Wilson(int(t.Hacks), int(t.Episodes), results.Z95)
		row := []results.Cell{
			results.Text(t.Mode.String()), results.Int(t.Episodes),
			results.Interval(results.Estimate{Mean: t.HackProbability(), Low: low, High: high}, 3),
			results.Fixed(t.DetectionProbability(), 3),
			results.Fixed(float64(t.Truncated)/float64(t.Episodes), 3),
		}
		for seat := range t.Seats {
			row = append(row, results.Fixed(t.MeanReturn(seat), 3))
		}
		grid.Add(append(row, results.Fixed(t.MeanLength(), 2))...)
	}
	return grid
}
