package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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
	tree := &experiments.Tree{Catalog: catalog(), Dir: c.String("tree"), Runs: c.String("runs"), File: c.String("config")}
	if _, err := os.Stat(tree.Dir); err != nil {
		return nil, nil, usagef("no folder of experiments: %w; name it with --tree", err)
	}
	list, err := tree.Find(c.Args().Slice()...)
	if err == nil && len(list) == 0 {
		err = usagef("no experiment with a %s in %s", tree.File, tree.Dir)
	}
	return tree, list, err
}

func listExperiments(c *cli.Context) error {
	_, list, err := experimentsOf(c)
	if err != nil {
		return err
	}
	grid := results.NewGrid("experiment", "kind", "env", "players", "finished", "seeds")
	for _, e := range list {
		env, players, err := e.Players()
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		finished, seeds := results.Cell{Values: []any{0}}, results.Cell{Values: []any{0}}
		if e.Kind == experiments.Training {
			cfg, err := e.Config()
			if err != nil {
				return err
			}
			runs, err := e.Finished()
			if err != nil {
				return err
			}
			finished, seeds = results.Int(len(runs)), results.Int(e.Seeds(cfg))
		}
		grid.Add(results.Text(e.Name), results.Text(string(e.Kind)), results.Text(env), results.Text(players), finished, seeds)
	}
	return grid.Render(c.App.Writer, c.String("format"))
}

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
	if err := tree.Publish(c.Context, list); err != nil {
		return err
	}
	published, err := tree.Published()
	if err != nil {
		return err
	}
	count := 0
	for _, e := range list {
		if slices.ContainsFunc(published, func(o experiments.Outcome) bool { return o.Experiment == e.Name && o.File == tree.File }) {
			count++
		}
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d of %d experiments are published\n", count, len(list))
	return err
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
	if err := trainExperiments(c, tree, list); err != nil {
		return err
	}
	var (
		outcomes []experiments.Outcome
		problems error
	)
	for _, e := range list {
		outcome, err := e.Outcome(c.Context)
		if err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s: %w", e.Name, err))
		} else if outcome != nil {
			outcomes = append(outcomes, *outcome)
		}
	}
	if problems != nil {
		return problems
	}
	if tree.Quick {
		fmt.Fprintf(c.App.Writer, "%d experiments run, %s\n", len(list), time.Since(began).Round(time.Second))
		return nil
	}
	if len(outcomes) == 0 {
		return nil
	}
	grid, err := tree.OutcomeGrid(outcomes)
	if err != nil {
		return err
	}
	return grid.Render(c.App.Writer, c.String("format"))
}

// trainExperiments trains the runs that are not finished.
func trainExperiments(c *cli.Context, tree *experiments.Tree, list []experiments.Experiment) error {
	jobs, err := tree.Jobs(list, c.Int("seeds"))
	if err != nil {
		return err
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
	_, err = trainAll(c.Context, starts, max(1, c.Int("parallel")), p, nil)
	p.finish()
	if errors.Is(err, experiments.ErrInterrupted) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w; the same command goes on", experiments.ErrInterrupted)
	}
	return err
}
