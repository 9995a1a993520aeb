package main

import (
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/results"
)

func simulateCommand() *cli.Command {
	return &cli.Command{
		Name:  "simulate",
		Usage: "play bots and saved policies against each other",
		Description: `Plays games in which nobody learns. Each seat has the environment's bot or, by --attacker and --defender, another player:
bot:NAME, random, constant:ACTION (an id or a name), checkpoint:RUN, which draws its actions as at the end of its training,
greedy:RUN, which takes the best, or a mixture of these, one of which is drawn for each game by weight. Intervals are of
95 %: Wilson's for probabilities, normal ones for means.

   idsrl simulate --env idsgame-v2 --attacker bot:maximal --defender bot:minimal
   idsrl simulate --env idsgame-minimal_defense-v2 --attacker greedy:RUN --episodes 100000
   idsrl simulate --env idsgame-v2 --attacker random --defender random --window 100 --format csv   each 100 games
   idsrl simulate --config FILE                            env, attacker, defender, episodes and seed from a file
   idsrl simulate --env idsgame-v0 --attacker random --defender random --record games.jsonl --episodes 10

A mixture takes quotes: --defender "mixture:0.4 greedy:RUN; 0.6 bot:random". The layout is that in which the saved policies
have learnt. The numbers do not depend on --workers.`,
		Flags: append(append([]cli.Flag{envFlag("environment, `ID` as in idsrl envs list")}, seatFlags()...),
			countFlag("episodes", 10000, "games"),
			&cli.StringFlag{Name: "config", Usage: "`FILE` with env, attacker, defender, episodes and seed; flags win"},
			&cli.IntFlag{Name: "window", Usage: "a row for each `N` games, and what they came to with all games before them"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "root of all random numbers"},
			envFileFlag(), envSetFlag(),
			instanceFlag("decides the layout: where the weak spots are", "that of the runs that play, or from the seed"),
			workersFlag(), recordFlag("games"), attackStatsFlag("games"), formatFlag(),
		),
		Action: simulate,
	}
}

func simulate(c *cli.Context) (err error) {
	cfg, players, err := simulationOf(c)
	switch {
	case err != nil:
		return err
	case cfg.Env == "":
		return usagef("which environment? name one with --env; idsrl envs list shows all")
	case c.Int("window") < 0:
		return usagef("--window %d: must not be negative", c.Int("window"))
	}
	envFile, err := sourceOf(c, "env-config")
	if err != nil {
		return err
	}
	watch, closeAll, err := watchersOf(c)
	if err != nil {
		return err
	}
	var begun atomic.Int64
	finish := showGames(c.App.ErrWriter, &begun, int64(cfg.Episodes))
	simulated, err := catalog().Simulate(c.Context, experiments.Simulation{
		Env: cfg.Env, EnvFile: envFile, EnvSet: assignmentsOf(c, "env-set"), InstanceSeed: c.Uint64("instance-seed"),
		Players: players, Episodes: cfg.Episodes, Window: c.Int("window"),
		Seed: cfg.Seed, Workers: c.Int("workers"), Watch: watch, Begun: &begun,
	})
	finish()
	if err := errors.Join(err, closeAll()); err != nil {
		return err
	}
	return simulatedGrid(simulated, c.Int("window") > 0).Render(c.App.Writer, c.String("format"))
}

// simulationOf is what the file of --config says, over which the flags win, and who plays.
func simulationOf(c *cli.Context) (cfg *experiments.SimulationConfig, players map[envs.Role]string, err error) {
	cfg = &experiments.SimulationConfig{Episodes: c.Int("episodes"), Seed: c.Uint64("seed")}
	file, err := sourceOf(c, "config")
	if err == nil && file != nil {
		err = settings.Load(cfg, file)
	}
	cfg.Root(filepath.Dir(c.String("config")))
	players = cfg.Players()
	maps.Copy(players, playersOf(c))
	if c.IsSet("env") {
		cfg.Env = c.String("env")
	}
	if c.IsSet("episodes") {
		cfg.Episodes = c.Int("episodes")
	}
	if c.IsSet("seed") {
		cfg.Seed = c.Uint64("seed")
	}
	return cfg, players, err
}

// simulatedGrid is the table of a simulation. With windows it also has what all games up to each came to.
func simulatedGrid(s *experiments.Simulated, windows bool) *results.Grid {
	grid := &results.Grid{}
	column := func(title string, names ...string) {
		grid.Columns = append(grid.Columns, results.Column{Title: title, Names: names})
	}
	interval := func(title, name string) { grid.Columns = append(grid.Columns, results.IntervalColumn(title, name)) }
	column("", "env")
	for _, seat := range s.Seats {
		column(seat.Role.String(), seat.Role.String())
	}
	column("games", "games")
	interval("hacked", "hack_probability")
	interval("detected", "detection_probability")
	column("truncated", "truncated")
	for _, seat := range s.Seats {
		interval(seat.Role.String()+"\nreturn", seat.Role.String()+"_return")
	}
	interval("length", "episode_length")
	if windows {
		column("games\nso far", "games_so_far")
		interval("hacked\nso far", "hack_probability_so_far")
		for _, seat := range s.Seats {
			column("", seat.Role.String()+"_return_sum_so_far")
		}
	}
	var sum algos.Tally
	for _, t := range s.Windows {
		sum.Merge(t)
		row := []results.Cell{results.Text(s.Env)}
		for _, player := range s.Players {
			row = append(row, results.Text(player))
		}
		row = append(row, results.Int(t.Episodes), results.Proportion(t.Hacks, t.Episodes), brief(results.Proportion(t.Detected, t.Episodes)),
			results.Fixed(float64(t.Truncated)/float64(t.Episodes), 3))
		for seat := range s.Seats {
			row = append(row, results.NormalMean(t.MeanReturn(seat), t.ReturnError(seat), 3))
		}
		row = append(row, results.NormalMean(t.MeanLength(), t.LengthError(), 2))
		if windows {
			row = append(row, results.Int(sum.Episodes), results.Proportion(sum.Hacks, sum.Episodes))
			for seat := range s.Seats {
				row = append(row, results.Fixed(sum.Returns[seat], 1))
			}
		}
		grid.Add(row...)
	}
	return grid
}

// brief leaves the interval to machines.
func brief(c results.Cell) results.Cell {
	c.Text, _, _ = strings.Cut(c.Text, " [")
	return c
}
