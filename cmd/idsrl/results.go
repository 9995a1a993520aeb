package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"idsrl/results"
)

// resultsDir is where runs go and tables look.
const resultsDir = "results"

func resultsCommand() *cli.Command {
	return &cli.Command{
		Name:      "results",
		Usage:     "tables over runs and seeds",
		ArgsUsage: "[DIR ...]",
		Description: `Finds all runs below the folders (below ./results if none is named) and prints a row for each environment and
algorithm: means over seeds, with 95 % bootstrap intervals.

   idsrl results
   idsrl results --seeds --format csv results/idsgame-minimal_defense-v2`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "seeds", Usage: "a row for each run instead"},
			formatFlag(),
		},
		Action: func(c *cli.Context) error {
			dirs := c.Args().Slice()
			if len(dirs) == 0 {
				dirs = []string{resultsDir}
			}
			runs, err := results.FindRuns(dirs...)
			if errors.Is(err, os.ErrNotExist) {
				return usageError{err}
			} else if err != nil {
				return err
			}
			return printRuns(c, runs, c.Bool("seeds"))
		},
	}
}

// printRuns prints the table of runs.
func printRuns(c *cli.Context, runs []*results.Run, perSeed bool) error {
	grid := results.SummaryGrid(results.Summarize(runs))
	if perSeed {
		grid = results.PerSeed(runs)
	}
	return grid.Render(c.App.Writer, c.String("format"))
}
