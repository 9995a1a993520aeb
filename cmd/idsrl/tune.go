package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/experiments"
	"idsrl/results"
)

func tuneCommand() *cli.Command {
	return &cli.Command{
		Name:  "tune",
		Usage: "search for hyperparameters",
		Description: `Draws settings from a space, trains with each, and shows which did best: random search or, with several rungs,
successive halving, in which all trials train with a part of the budget and the best, one in --eta, go on to the next rung
with --eta times as much.

   idsrl tune --env idsgame-minimal_defense-v2 --algo tabular-q --space space.yaml --trials 9 --rungs 3
   idsrl tune --env idsgame-minimal_defense-v2 --algo ppo --space space.yaml --trials 20 --seeds 3 --out tuned-ppo

The space names settings of the run or its algorithm (see: idsrl config ALGO) and where their values come from:

   gamma: {uniform: [0.9, 1]}
   alpha.start: {log: [0.001, 1]}          each size as likely
   envs: {int: [1, 16]}                    or log_int
   state: {choice: [node, observation]}

The score is how often the learner succeeds in the last greedy evaluation: the hack probability for an attacker, 1 − it for a
defender; mean over seeds. It is that of the seeds the best was chosen by, so test the winner with others:

   idsrl train --config tuned/best.yaml --seed 100 --seeds 10

Each rung trains from the start, since schedules follow the budget. Its runs are ordinary ones, below --out. The same seed
draws the same trials, for any --parallel; the same command again goes on where it was interrupted.`,
		Flags: append(runFlags(),
			&cli.StringFlag{Name: "space", Usage: "`FILE` with settings and their ranges"},
			countFlag("trials", 20, "points of the space"),
			countFlag("rungs", 1, "of successive halving; 1 is random search"),
			&cli.IntFlag{Name: "eta", Value: 3, Usage: "of each rung, one in so many goes on"},
			&cli.Uint64Flag{Name: "search-seed", Usage: "root of what is drawn from the space"},
			&cli.StringFlag{Name: "out", Value: "tuned", Usage: "`FOLDER` of the runs, trials.csv and best.yaml"},
			formatFlag(),
		),
		Action: tune,
	}
}

func tune(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("idsrl tune takes flags only, not %q", c.Args().First())
	}
	search, err := searchOf(c)
	if err != nil {
		return err
	}
	if err := search.Draw(); err != nil {
		return err
	}
	err = search.Run(c.Context, func(jobs []experiments.Job) error {
		var starts []start
		for _, job := range jobs {
			starts = append(starts, func(o experiments.Options) (*experiments.Run, error) {
				return search.Catalog.Reach(job.Config, job.Dir, false, o)
			})
		}
		p := newProgress(c.App.ErrWriter, len(starts))
		defer p.finish()
		_, err := trainAll(c.Context, starts, max(1, c.Int("parallel")), p, nil)
		if errors.Is(err, experiments.ErrInterrupted) || errors.Is(err, experiments.ErrExists) ||
			errors.Is(err, experiments.ErrBusy) {
			return err
		} else if err != nil {
			slog.Warn("trials failed", "error", err)
		}
		return nil
	})
	switch {
	case errors.Is(err, experiments.ErrInterrupted), errors.Is(err, context.Canceled):
		return fmt.Errorf("%w; the same command goes on", experiments.ErrInterrupted)
	case err != nil:
		return err
	}
	return reportSearch(c, search)
}

// searchOf is the search that the flags describe.
func searchOf(c *cli.Context) (*experiments.Search, error) {
	if c.Int("eta") < 2 {
		return nil, usagef("--eta %d: must be at least 2", c.Int("eta"))
	}
	path := c.String("space")
	if path == "" {
		return nil, usagef("which settings? name a file with --space; idsrl tune --help shows one")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("--space: %w", err)
	}
	space, err := experiments.ParseSpace(path, data)
	if err != nil {
		return nil, err
	}
	base, err := sourcesOf(c)
	if err != nil {
		return nil, err
	}
	return &experiments.Search{
		Catalog: catalog(), Base: base, Space: space, Dir: c.String("out"), Seed: c.Uint64("search-seed"),
		Trials: c.Int("trials"), Seeds: c.Int("seeds"), Rungs: c.Int("rungs"), Eta: c.Int("eta"),
	}, nil
}

// reportSearch shows the trials and keeps them and the best configuration.
func reportSearch(c *cli.Context, search *experiments.Search) error {
	table := search.Table()
	var csv bytes.Buffer
	if err := table.Render(&csv, "csv"); err != nil {
		return err
	}
	trials, winner := filepath.Join(search.Dir, "trials.csv"), filepath.Join(search.Dir, "best.yaml")
	if err := results.WriteFile(trials, csv.Bytes()); err != nil {
		return err
	}
	if err := table.Render(c.App.Writer, c.String("format")); err != nil {
		return err
	}
	best, err := search.Best()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "Kept in %s\n", strings.Join([]string{trials, winner}, " and "))
	return results.WriteFile(winner, best.Encode())
}
