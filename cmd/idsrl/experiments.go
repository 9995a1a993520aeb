package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"idsrl/experiments"
	"idsrl/results"
)

func experimentsCommand() *cli.Command {
	return &cli.Command{
		Name:  "experiments",
		Usage: "run the experiments of a folder and publish what they came to",
		Description: `An experiment is a folder with a config.yaml below experiments/, and its path is its name. A NAME may be the beginning of
one and hold *, ? and [...]; without one, all experiments are meant.

   idsrl experiments list '*/v0'
   idsrl experiments show training/v0/minimal_defense/dqn
   idsrl experiments run training/v0
   idsrl experiments publish training/v0
   idsrl experiments verify training/v0

It works in the folder that holds experiments/, elsewhere with --tree and --runs.`,
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list experiments and how far they are", ArgsUsage: "[NAME ...]",
				Description: `   idsrl experiments list
   idsrl experiments list --format csv 'training/*/two_agents'`,
				Flags: append(treeFlags(), formatFlag()), Action: listExperiments,
			},
			{
				Name: "show", Usage: "print the README of an experiment", ArgsUsage: "NAME",
				Description: `   idsrl experiments show training/v0/minimal_defense/dqn`,
				Flags:       treeFlags(), Action: showExperiments,
			},
			{
				Name: "run", Usage: "run experiments that are not finished", ArgsUsage: "[NAME ...]",
				Description: `Trains what is not trained yet with the configuration as it is, several runs at the same time, plays simulations, and
ends with a table. A run that was interrupted goes on; one of another configuration is replaced. Tables are trained with 10
seeds, networks with 5. For manual play it trains the opponent; idsrl play plays.

   idsrl experiments run training/v0 simulations/v0
   idsrl experiments run --seeds 20 --parallel 8 'training/*/*/ppo_openai'
   idsrl experiments run --config original.yaml training/v0/minimal_defense/dqn
   idsrl experiments run --quick                 does all of it run? a few updates and games each, nothing kept`,
				Flags: append(treeFlags(),
					&cli.IntFlag{Name: "seeds", Usage: "runs of each training", DefaultText: "10 for tables, 5 for networks"},
					&cli.IntFlag{Name: "parallel", Value: runtime.NumCPU(), Usage: "runs at the same time; their bytes do not depend on it"},
					&cli.BoolFlag{Name: "quick", Usage: "a few updates of a seed each, in a temporary folder"},
					&cli.BoolFlag{Name: "keep-going", Usage: "run the others if a configuration is wrong, and fail at the end"},
					formatFlag(),
				),
				Action: runExperiments,
			},
			{
				Name: "publish", Usage: "write what experiments came to", ArgsUsage: "[NAME ...]",
				Description: `Writes results/experiments.json and, of each experiment, the learning curve, the README and the Makefile, from its
finished runs. What has none keeps what was published of it. A new experiment is a folder with a config.yaml; this adds the
rest.

   idsrl experiments publish
   idsrl experiments publish --config original.yaml training/v0`,
				Flags: treeFlags(), Action: publishExperiments,
			},
			{
				Name: "verify", Usage: "compare finished runs with what is published", ArgsUsage: "[NAME ...]",
				Description: `Compares the score and the checkpoint of each finished run with those in results/experiments.json, by seed; simulations are
played for it. If one differs, the exit code is 1.

   idsrl experiments run training/v0/minimal_defense
   idsrl experiments verify training/v0/minimal_defense

Whether a run of one's own is made again to the last byte is what idsrl verify tells.`,
				Flags: append(treeFlags(), formatFlag()), Action: verifyExperiments,
			},
		},
	}
}

// treeFlags say which experiments there are and where their runs go.
func treeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "tree", Value: "experiments", Usage: "`DIR` of the experiments"},
		&cli.StringFlag{Name: "runs", Value: filepath.Join("bin", "runs"), Usage: "`DIR` for their runs"},
		&cli.StringFlag{Name: "config", Value: results.ConfigFile, Usage: "`FILE` in the folder of an experiment that says what to do"},
	}
}

// experimentsOf are the tree and the experiments that the command line names.
func experimentsOf(c *cli.Context) (*experiments.Tree, []experiments.Experiment, error) {
	names := c.Args().Slice()
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "-") }) {
		return nil, nil, usagef("idsrl experiments %s needs its flags before the first NAME", c.Command.Name)
	}
	tree := &experiments.Tree{Catalog: catalog(), Dir: c.String("tree"), Runs: c.String("runs"), File: c.String("config"), Program: program()}
	if _, err := os.Stat(tree.Dir); err != nil {
		return nil, nil, usagef("no folder of experiments: %w; name it with --tree", err)
	}
	list, err := tree.Find(names...)
	if err == nil && len(list) == 0 {
		err = usagef("no experiment in %s has a file %s; name another with --config, such as %s", tree.Dir, tree.File, results.ConfigFile)
	}
	return tree, list, err
}

func listExperiments(c *cli.Context) error {
	_, list, err := experimentsOf(c)
	if err != nil {
		return err
	}
	grid := &results.Grid{Columns: []results.Column{
		{Title: "experiment", Names: []string{"experiment"}},
		{Names: []string{"kind", "env"}}, // the name tells both
		{Title: "players", Names: []string{"players"}},
		{Title: "finished", Names: []string{"finished", "seeds"}},
	}}
	for _, e := range list {
		env, players, err := e.Players()
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		finished := results.Cell{Values: []any{0, 0}}
		if e.Kind == experiments.Training {
			cfg, err := e.Config()
			if err != nil {
				return err
			}
			runs, err := e.Finished()
			if err != nil {
				return err
			}
			seeds := e.Seeds(cfg)
			finished = results.Cell{Text: fmt.Sprintf("%d/%d", len(runs), seeds), Values: []any{len(runs), seeds}}
		}
		grid.Add(results.Text(e.Name), results.Cell{Values: []any{string(e.Kind), env}},
			results.Cell{Text: withoutFolders(players), Values: []any{players}}, finished)
	}
	return grid.Render(c.App.Writer, c.String("format"))
}

// inFolder matches a player that is a run or an experiment; the group is the end of its name, without a seed.
var inFolder = regexp.MustCompile(`\S*?/([^/;\s]+)(?:/seed-\d+)?(;|\s|$)`)

// withoutFolders leaves of each run or experiment among the players only the end of its name.
func withoutFolders(players string) string { return inFolder.ReplaceAllString(players, "$1$2") }

func showExperiments(c *cli.Context) error {
	tree, list, err := experimentsOf(c)
	if err != nil {
		return err
	}
	if c.NArg() == 0 {
		return usagef("idsrl experiments show needs the NAME of an experiment")
	}
	for _, e := range list {
		text, err := tree.Readme(e)
		if err != nil {
			return err
		}
		if _, err := c.App.Writer.Write(text); err != nil {
			return err
		}
	}
	return nil
}

func publishExperiments(c *cli.Context) error {
	tree, list, err := experimentsOf(c)
	if err != nil {
		return err
	}
	finish := showSimulations(c, tree, list)
	err = tree.Publish(c.Context, list)
	if finish(); err != nil {
		return err
	}
	published, err := tree.Published()
	if err != nil {
		return err
	}
	count := 0
	for _, e := range list {
		if experiments.FindOutcome(published, e.Name, tree.File) != nil {
			count++
		}
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d of %d experiments are published\n", count, len(list))
	return err
}

func verifyExperiments(c *cli.Context) error {
	tree, list, err := experimentsOf(c)
	if err != nil {
		return err
	}
	published, err := tree.Published()
	if err != nil {
		return err
	}
	outcomes, err := measureAll(c, tree, list)
	if err != nil {
		return err
	}
	grid := results.NewGrid("experiment", "seed", "hack probability", "checkpoint", "difference", "published by")
	different := 0
	for _, outcome := range outcomes {
		for _, check := range outcome.Compare(published) {
			difference, by := results.Text(check.Difference), results.Text("")
			if check.Difference == "" {
				difference.Text = "none"
			} else {
				different++
				by = results.Text(strings.Join(check.PublishedBy, "; "))
			}
			grid.Add(results.Text(check.Experiment), results.Int(check.Seed), results.Fixed(check.Hacked, 3),
				checkpointCell(check.Checkpoints), difference, by)
		}
	}
	if len(grid.Rows) == 0 {
		return usagef("no finished run of these experiments is in %s: idsrl experiments run makes them", tree.Runs)
	}
	if err := grid.Render(c.App.Writer, c.String("format")); err != nil {
		return err
	}
	if different > 0 {
		return fmt.Errorf("%d of %d scores differ from what is published", different, len(grid.Rows))
	}
	return nil
}

// measureAll finds what experiments came to. The error has the problems of all.
func measureAll(c *cli.Context, tree *experiments.Tree, list []experiments.Experiment) (outcomes []experiments.Outcome, problems error) {
	defer showSimulations(c, tree, list)()
	for _, e := range list {
		outcome, err := e.Measure(c.Context)
		if c.Context.Err() != nil {
			return nil, fmt.Errorf("%w; the same command goes on", experiments.ErrInterrupted)
		}
		if err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s: %w", e.Name, err))
		} else if outcome != nil {
			outcomes = append(outcomes, *outcome)
		}
	}
	return outcomes, problems
}

// showSimulations is showGames of the simulations in the list.
func showSimulations(c *cli.Context, tree *experiments.Tree, list []experiments.Experiment) (finish func()) {
	total := int64(0)
	for _, e := range list {
		if games, err := e.Games(); err == nil { // the error comes again when they are to be played
			total += games
		}
	}
	if total == 0 {
		return func() {}
	}
	tree.Begun = new(atomic.Int64)
	return showGames(c.App.ErrWriter, tree.Begun, total)
}

// checkpointCell shows the beginnings of hashes.
func checkpointCell(hashes []string) results.Cell {
	var short []string
	for _, hash := range hashes {
		short = append(short, hash[:8])
	}
	return results.Cell{Text: strings.Join(short, " "), Values: []any{strings.Join(hashes, " ")}}
}

func runExperiments(c *cli.Context) (err error) {
	if c.IsSet("seeds") && c.Int("seeds") < 1 {
		return usagef("--seeds %d: must be at least 1", c.Int("seeds"))
	}
	tree, list, err := experimentsOf(c)
	if err != nil {
		return err
	}
	if tree.Quick = c.Bool("quick"); tree.Quick {
		if tree.Runs, err = os.MkdirTemp("", "idsrl-quick-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(tree.Runs)) }()
		slog.SetDefault(slog.New(slog.NewTextHandler(c.App.ErrWriter, &slog.HandlerOptions{Level: slog.LevelWarn})))
	}
	began := time.Now()
	list, problems := readable(list)
	if problems != nil && !c.Bool("keep-going") {
		return problems
	}
	problems = errors.Join(problems, trainExperiments(c, tree, list))
	outcomes, err := measureAll(c, tree, list)
	if errors.Is(err, experiments.ErrInterrupted) {
		return err
	}
	problems = errors.Join(problems, err)
	switch {
	case tree.Quick && problems == nil:
		fmt.Fprintf(c.App.Writer, "%d experiments run, %s\n", len(list), time.Since(began).Round(time.Second))
	case !tree.Quick && len(outcomes) > 0:
		grid, err := tree.OutcomeGrid(outcomes)
		if err == nil {
			err = grid.Render(c.App.Writer, c.String("format"))
		}
		problems = errors.Join(problems, err)
	}
	return problems
}

// readable are the experiments whose configuration can be read. The error says what is wrong with the others.
func readable(list []experiments.Experiment) (good []experiments.Experiment, problems error) {
	for _, e := range list {
		if _, _, err := e.Players(); err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s: %w", e.Name, err))
		} else {
			good = append(good, e)
		}
	}
	return good, problems
}

// trainExperiments trains the runs that are not finished.
func trainExperiments(c *cli.Context, tree *experiments.Tree, list []experiments.Experiment) error {
	jobs, problems := tree.Jobs(list, c.Int("seeds"))
	if problems != nil && !c.Bool("keep-going") {
		return problems
	}
	jobs = slices.DeleteFunc(jobs, func(job experiments.Job) bool {
		status, ok := job.Config.Holds(job.Dir)
		return ok && status == results.Finished
	})
	var starts []start
	for _, job := range jobs {
		starts = append(starts, func(o experiments.Options) (*experiments.Run, error) {
			run, err := tree.Catalog.Reach(job.Config, job.Dir, true, o)
			if err != nil {
				err = fmt.Errorf("%s: %w", job.Dir, err)
			}
			return run, err
		})
	}
	p := newProgress(c.App.ErrWriter, len(starts))
	_, err := trainAll(c.Context, starts, max(1, c.Int("parallel")), p, nil)
	p.finish()
	return errors.Join(problems, err)
}
