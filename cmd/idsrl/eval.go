package main

import (
	"errors"
	"io"

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
greedy, and sampled, with what is left of exploration at the end of training. For a defender, too, "hacked" is the share of
games that the attacker wins. The opponent is that of the training or, by --opponent, another: bot:NAME, random,
constant:ACTION (an id or a name), checkpoint:OTHER_RUN, which draws its actions as at the end of its training, or
greedy:OTHER_RUN, which takes the best.

   idsrl eval results/idsgame-minimal_defense-v2/tabular-q/seed-0
   idsrl eval --episodes 100000 --opponent bot:random RUN
   idsrl eval --env idsgame-random_defense-v2 RUN            the same layout against other bots
   idsrl eval --opponent greedy:OTHER_RUN RUN                one run against another
   idsrl eval --record games.jsonl --episodes 10 RUN         keep the games, for idsrl replay`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "episodes", Value: 10000, Usage: "games for each mode"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "root of the test's random numbers"},
			envFlag("test in another environment, `ID` as in idsrl envs list"),
			envFileFlag(), envSetFlag(),
			instanceFlag("test in another instance: other weak spots", "the run's"),
			&cli.StringFlag{Name: "opponent", Usage: "`PLAYER` of the other seat: " + experiments.PlayerHelp},
			&cli.StringFlag{Name: "as", Usage: "`ROLE` that RUN plays, if it has learnt several: attacker, defender"},
			&cli.StringFlag{Name: "record", Usage: "write the greedy games to `FILE` (.jsonl or .jsonl.gz)"},
			&cli.StringFlag{
				Name:  "attack-stats",
				Usage: "write what each attack of the greedy games came to, into " + recording.AttacksFile + " in `DIR`",
			},
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
	as, err := roleOf(c, "as")
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
	tests, err := runTest(c, saved, test)
	if err != nil {
		return err
	}
	return testGrid(tests).Render(c.App.Writer, c.String("format"))
}

// watcher is a file that keeps what it sees.
type watcher interface {
	algos.Watcher
	io.Closer
}

// runTest plays both modes and keeps of the greedy games what the flags ask for.
func runTest(c *cli.Context, saved *experiments.Saved, test experiments.Test) (tests []experiments.Result, err error) {
	var watchers algos.Watchers
	defer func() {
		for _, w := range watchers {
			err = errors.Join(err, w.(watcher).Close())
		}
	}()
	if path := c.String("record"); path != "" {
		w, err := recording.Create(path)
		if err != nil {
			return nil, err
		}
		watchers = append(watchers, w)
	}
	if dir := c.String("attack-stats"); dir != "" {
		w, err := recording.CreateAttackLog(dir)
		if err != nil {
			return nil, err
		}
		watchers = append(watchers, w)
	}
	for _, mode := range algos.Modes {
		test.Watch = nil
		if mode == algos.Greedy && len(watchers) > 0 {
			test.Watch = watchers
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
