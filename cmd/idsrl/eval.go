package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/experiments"
	"idsrl/results"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:      "eval",
		Usage:     "test what a run has learnt",
		ArgsUsage: "RUN ...",
		Description: `Plays games with the frozen policy of RUN, the folder of a run or a checkpoint file, with seeds that training does not
use, from --seed and the seed of RUN: greedy, and sampled, with what is left of exploration at the end of training. For a
defender, too, "hacked" is the share of games that the attacker wins. The opponent is that of the training or, by
--opponent, another: bot:NAME, random, constant:ACTION (an id or a name), checkpoint:OTHER_RUN, which draws its actions as at
the end of its training, or greedy:OTHER_RUN, which takes the best. Several runs are the seeds of one training: the table has
their means, with 95 % bootstrap intervals over runs instead of games.

   idsrl eval results/idsgame-minimal_defense-v2/tabular-q/seed-0
   idsrl eval --episodes 100000 --opponent bot:random RUN
   idsrl eval results/idsgame-minimal_defense-v2/tabular-q/seed-*
   idsrl eval --env idsgame-random_defense-v2 RUN            the same layout against other bots
   idsrl eval --opponent greedy:OTHER_RUN RUN                one run against another
   idsrl eval --record games.jsonl --episodes 10 RUN         keep the games, for idsrl replay`,
		Flags: []cli.Flag{
			countFlag("episodes", 10000, "games for each mode"),
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "root of the test's random numbers"},
			envFlag("test in another environment, `ID` as in idsrl envs list"),
			envFileFlag(), envSetFlag(),
			instanceFlag("test in another instance: other weak spots", "the run's"),
			&cli.StringFlag{Name: "opponent", Usage: "`PLAYER` of the other seat, as above"},
			&cli.StringFlag{Name: "as", Usage: "`ROLE` that RUN plays, if it has learnt several: attacker, defender"},
			workersFlag(), recordFlag("greedy games"), attackStatsFlag("greedy games"),
			formatFlag(),
		},
		Action: eval,
	}
}

func eval(c *cli.Context) error {
	runs := c.Args().Slice()
	switch {
	case len(runs) == 0:
		return usagef("idsrl eval needs a RUN, after the flags: the folder of a run or a checkpoint file")
	case slices.ContainsFunc(runs, func(run string) bool { return strings.HasPrefix(run, "-") }):
		return usagef("idsrl eval needs its flags before the first RUN")
	case len(runs) > 1 && (c.IsSet("record") || c.IsSet("attack-stats")):
		return usagef("--record and --attack-stats keep the games of one RUN")
	}
	as, err := roleOf(c, "as")
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
		Episodes: c.Int("episodes"), Workers: c.Int("workers"),
	}
	catalog := catalog()
	var algo string
	tests := make([][]experiments.Result, len(algos.Modes)) // by mode, one a run
	for i, path := range runs {
		saved, err := catalog.Open(path)
		if err != nil {
			return err
		}
		if i == 0 {
			algo = saved.Checkpoint.Algo
		}
		test.Seed = envs.Derive(c.Uint64("seed"), "test", saved.Config.Seed) // the runs of a training play different games
		played, err := runTest(c, saved, test)
		if err != nil {
			return err
		}
		for mode, result := range played {
			tests[mode] = append(tests[mode], result)
		}
		if env := tests[0][0].Env; saved.Checkpoint.Algo != algo || played[0].Env != env {
			return usagef("%s is %s in %s, the first run %s in %s: several runs must be the seeds of one training",
				path, saved.Checkpoint.Algo, played[0].Env, algo, env)
		}
	}
	warnOf(tests[0][0].Settings)
	return testGrid(algo, tests).Render(c.App.Writer, c.String("format"))
}

// runTest plays both modes and keeps of the greedy games what the flags ask for.
func runTest(c *cli.Context, saved *experiments.Saved, test experiments.Test) (tests []experiments.Result, err error) {
	watch, closeAll, err := watchersOf(c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	for _, mode := range algos.Modes {
		test.Watch = nil
		if mode == algos.Greedy {
			test.Watch = watch
		}
		result, err := saved.Run(c.Context, test, mode)
		if err != nil {
			return nil, err
		}
		tests = append(tests, result)
	}
	return tests, nil
}

// roleOf is the role that a flag names; Nobody if it was not given.
func roleOf(c *cli.Context, flag string) (envs.Role, error) {
	name := c.String(flag)
	for _, role := range []envs.Role{envs.Nobody, envs.Attacker, envs.Defender} {
		if name == role.String() || name == "" {
			return role, nil
		}
	}
	return envs.Nobody, usagef("--%s %s: there are attacker and defender", flag, name)
}

// testGrid is the table of tests of an algorithm: of each mode, one a run.
func testGrid(algo string, tests [][]experiments.Result) *results.Grid {
	grid := &results.Grid{Columns: []results.Column{
		{Names: []string{"env"}}, {Names: []string{"algo"}},
		{Title: "runs", Names: []string{"runs"}},
		{Title: "mode", Names: []string{"mode"}},
		{Title: "games", Names: []string{"games"}},
		{Title: "hacked", Names: []string{"hack_probability", "hack_low", "hack_high"}},
		{Title: "detected", Names: []string{"detection_probability"}},
		{Title: "truncated", Names: []string{"truncated"}},
	}}
	seats := tests[0][0].Seats
	for _, seat := range seats {
		name := seat.Role.String() + "_return"
		grid.Columns = append(grid.Columns, results.Column{Title: seat.Role.String() + " return", Names: []string{name}})
	}
	grid.Columns = append(grid.Columns, results.Column{Title: "length", Names: []string{"episode_length"}})
	for _, runs := range tests {
		first := &runs[0]
		over := func(value func(*experiments.Result) float64) []float64 {
			values := make([]float64, len(runs))
			for i := range runs {
				values[i] = value(&runs[i])
			}
			return values
		}
		mean := func(value func(*experiments.Result) float64, digits int) results.Cell {
			return results.Fixed(results.Mean(over(value)), digits)
		}
		hacked := results.NewEstimate(results.Statistics[0], over((*experiments.Result).HackProbability))
		if len(runs) == 1 {
			hacked.Low, hacked.High = results.Wilson(int(first.Hacks), int(first.Episodes), results.Z95)
		}
		row := []results.Cell{
			results.Text(first.Env), results.Text(algo), results.Int(len(runs)), results.Text(first.Mode.String()),
			results.Int(first.Episodes * int64(len(runs))),
			results.Interval(hacked, 3),
			mean((*experiments.Result).DetectionProbability, 3),
			mean(func(r *experiments.Result) float64 { return float64(r.Truncated) / float64(r.Episodes) }, 3),
		}
		for seat := range seats {
			row = append(row, mean(func(r *experiments.Result) float64 { return r.MeanReturn(seat) }, 3))
		}
		grid.Add(append(row, mean((*experiments.Result).MeanLength, 2))...)
	}
	return grid
}
