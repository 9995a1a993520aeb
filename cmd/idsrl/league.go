package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/experiments/league"
	"idsrl/results"
)

func leagueCommand() *cli.Command {
	return &cli.Command{
		Name:  "league",
		Usage: "train agents against each other over rounds, and measure all by all",
		Description: `A league has attackers and defenders: agents of any algorithms, what they were after earlier rounds, and bots. In each
round agents train against mixtures of the other side, all new matches are played, and the payoff matrix, Elo ratings and
the equilibrium of the matrix, the meta-strategy, are brought up to date.

   idsrl config league > league.yaml             every setting, to edit
   idsrl league run --out my-league league.yaml  train and play; go on after an interrupt or a kill
   idsrl league show my-league`,
		Subcommands: []*cli.Command{leagueRunCommand(), leagueShowCommand(), leagueVerifyCommand(), leagueMeasureCommand(), leagueExploitCommand()},
	}
}

func leagueRunCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "train and play the rounds of a league", ArgsUsage: "CONFIG",
		Description: `CONFIG is a file as idsrl config league prints it. All of the league is in its folder: league.yaml, the members'
checkpoints by the hash of their bytes, the training runs, and the tables as CSV. After an interrupt or a kill at any
moment the same command goes on, and ends with the same files; they do not depend on --workers.

   idsrl league run --out my-league league.yaml
   idsrl league run --out my-league --workers 1 league.yaml
   idsrl league run --out short --set rounds=1 --set games=100 league.yaml`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "`DIR` of the league", DefaultText: resultsDir + "/ENV/league-NAME, as the file is called"},
			&cli.GenericFlag{Name: "set", Value: new(assignments), Usage: "one setting of the league, as `KEY=VALUE`; may be repeated"},
			leagueWorkersFlag(),
		},
		Action: leagueRun,
	}
}

func leagueWorkersFlag() cli.Flag {
	return &cli.IntFlag{
		Name: "workers", Value: runtime.NumCPU(), Usage: "training runs and matches at the same time; no byte depends on it",
	}
}

func leagueRun(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("idsrl league run needs one CONFIG, after the flags; make one with: idsrl config league > league.yaml")
	}
	path := c.Args().First()
	data, err := os.ReadFile(path)
	if err != nil {
		return usageError{err}
	}
	catalog := catalog()
	cfg, err := league.Load(catalog, settings.File(path, data), assignmentsOf(c, "set"))
	if err != nil {
		return usageError{err}
	}
	dir := c.String("out")
	if dir == "" {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		dir = filepath.Join(resultsDir, cfg.Env, "league-"+name)
	}
	l, err := league.Start(catalog, cfg, dir, leagueOptions(c))
	if err != nil {
		return err
	}
	if err := l.Run(c.Context); errors.Is(err, experiments.ErrInterrupted) {
		return fmt.Errorf("%w; the same command goes on", err)
	} else if err != nil {
		return err
	}
	if err := showLeague(c, l, "all", results.Formats[0]); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "Kept in %s\n", dir)
	return nil
}

// leagueOptions log progress now and then.
func leagueOptions(c *cli.Context) league.Options {
	var logged time.Time
	return league.Options{
		Workers: c.Int("workers"), Command: os.Args, Program: program(),
		Progress: func(p league.Progress) {
			if p.Done > 0 && p.Done < p.All && time.Since(logged) < logEvery {
				return
			}
			logged = time.Now()
			slog.Info("league", "round", fmt.Sprintf("%d/%d", p.Round, p.Rounds), "doing", p.Doing,
				"done", fmt.Sprintf("%d/%d", p.Done, p.All), "value", fmt.Sprintf("%.3f", p.Value))
		},
	}
}

// openLeague opens the league that the only argument names.
func openLeague(c *cli.Context) (*league.League, error) {
	if c.NArg() != 1 {
		return nil, usagef("idsrl %s needs one DIR, the folder of a league, after the flags", c.Command.FullName())
	}
	return league.Open(catalog(), c.Args().First(), leagueOptions(c))
}

// leagueTables are those that show prints, by name.
var leagueTables = []struct {
	name, title string
	grid        func(*league.League) *results.Grid
}{
	{"matrix", "Payoff to the attacker", (*league.League).Matrix},
	{"ratings", "Members", (*league.League).Ratings},
	{"rounds", "Meta-strategies by round", (*league.League).Rounds},
	{"meta", "Members of the meta-strategies by round", (*league.League).Metas},
	{"payoff", "Matches", (*league.League).Payoffs},
}

func leagueShowCommand() *cli.Command {
	names := []string{"all"}
	for _, t := range leagueTables {
		names = append(names, t.name)
	}
	return &cli.Command{
		Name: "show", Usage: "print payoff matrix, ratings and meta-strategies of a league", ArgsUsage: "DIR",
		Description: `In the payoff matrix attackers are rows and defenders columns, by their numbers in the table of members; numbers are
per cent of games in which the attacker hacks, or its mean return. Elo ratings have 95 % intervals. "all" are the tables
matrix, ratings and rounds.

   idsrl league show my-league
   idsrl league show --table ratings --format csv my-league`,
		Flags: []cli.Flag{
			choiceFlag("table", "what to print", names),
			formatFlag(),
		},
		Action: func(c *cli.Context) error {
			l, err := openLeague(c)
			if err != nil {
				return err
			}
			return showLeague(c, l, c.String("table"), c.String("format"))
		},
	}
}

// showLeague prints a table or, of any other name, the first three.
func showLeague(c *cli.Context, l *league.League, table, format string) error {
	for _, t := range leagueTables {
		if t.name == table {
			return t.grid(l).Render(c.App.Writer, format)
		}
	}
	if !slices.Contains([]string{"table", "markdown"}, format) {
		return usagef("--format %s is of one table; name it with --table", format)
	}
	for _, t := range leagueTables[:3] {
		fmt.Fprintf(c.App.Writer, "%s\n\n", t.title)
		if err := t.grid(l).Render(c.App.Writer, format); err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer)
	}
	return nil
}

func leagueVerifyCommand() *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "play all matches of a league again and compare", ArgsUsage: "DIR",
		Description: `Plays the matches again from the members' checkpoints, whose hashes are checked, and says whether they come out exactly
the same. Exit code 1 says that they do not.

   idsrl league verify my-league`,
		Flags: []cli.Flag{leagueWorkersFlag()},
		Action: func(c *cli.Context) error {
			l, err := openLeague(c)
			if err != nil {
				return err
			}
			differences, err := l.Verify(c.Context)
			if err != nil {
				return err
			}
			if len(differences) > 0 {
				return fmt.Errorf("%d differences:\n%s", len(differences), strings.Join(differences, "\n"))
			}
			fmt.Fprintln(c.App.Writer, "every match comes out the same")
			return nil
		},
	}
}

func leagueMeasureCommand() *cli.Command {
	return &cli.Command{
		Name: "measure", Usage: "play the meta-strategies of a league against all members and bots", ArgsUsage: "DIR",
		Description: `Plays the meta-strategies of both sides, drawn for each game, against every member of the other side and every bot of the
environment, in games that the meta-strategies were not made from.

   idsrl league measure my-league
   idsrl league measure --games 10000 --format csv my-league`,
		Flags: []cli.Flag{
			countFlag("games", 10000, "games against each player"),
			leagueWorkersFlag(), formatFlag(),
		},
		Action: func(c *cli.Context) error {
			l, err := openLeague(c)
			if err != nil {
				return err
			}
			list, err := l.Measure(c.Context, c.Int("games"))
			if err != nil {
				return err
			}
			return l.MeasurementGrid(list).Render(c.App.Writer, c.String("format"))
		},
	}
}

func leagueExploitCommand() *cli.Command {
	return &cli.Command{
		Name: "exploit", Usage: "how much the meta-strategies of a league lose against best responses", ArgsUsage: "DIR",
		Description: `Computes the best response to the meta-strategy of each side, of which a member is drawn for each game: it sees the whole
state and learns from the course of the game which member plays. The hack probability that it leads to is exact, and so is
the value of the game that it is compared with. Games must be small enough to be written out, such as v11 to v13.

   idsrl league exploit my-league`,
		Flags: []cli.Flag{
			countFlag("max-states", maxStates, "give up at more than `N` states"), formatFlag(),
		},
		Action: func(c *cli.Context) error {
			l, err := openLeague(c)
			if err != nil {
				return err
			}
			worst, value, err := l.Exploitations(c.Context, c.Int("max-states"))
			if err != nil {
				return err
			}
			return l.ExploitGrid(worst, value).Render(c.App.Writer, c.String("format"))
		},
	}
}
