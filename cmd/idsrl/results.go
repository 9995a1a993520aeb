package main

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"

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
		Description: `Finds all runs below the folders (below ./results if none is named) and prints a row for each environment,
algorithm, budget and configuration: a statistic over seeds, with its 95 % bootstrap interval. Other tables compare algorithms:

   idsrl results
   idsrl results --seeds --format csv results/idsgame-minimal_defense-v2
   idsrl results --matrix --stat iqm               a row an environment, a column an algorithm
   idsrl results --compare tabular-q,ppo-vs-bot-random     how likely a run of one scores higher than one of the other
   idsrl results --aggregate results/idsgame-minimal_defense-v2     a row an algorithm, over all environments
   idsrl results --profile results/idsgame-minimal_defense-v2       share of runs that score above a threshold

The last three count finished runs, in the environments in which all algorithms have some. The score of a run is how often
its learner succeeds in the last greedy evaluation: the hack probability for an attacker, 1 − it for a defender. Resamples
are drawn within each environment (Agarwal et al. 2021, arXiv:2108.13264). As there, the median of --aggregate is that of
the environments' mean scores.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "seeds", Usage: "a row for each run"},
			&cli.BoolFlag{Name: "matrix", Usage: "a row for each environment, a column for each algorithm"},
			&cli.BoolFlag{Name: "aggregate", Usage: "a row for each algorithm, with every statistic over all environments"},
			&cli.StringFlag{Name: "compare", Usage: "probability of improvement, of `A,B`: two algorithms as in the table"},
			&cli.BoolFlag{Name: "profile", Usage: "performance profiles"},
			statFlag(), formatFlag(),
		},
		Action: func(c *cli.Context) error {
			runs, err := runsOf(c)
			if err != nil {
				return err
			}
			grid, err := resultsGrid(c, runs)
			if err != nil {
				return err
			}
			return grid.Render(c.App.Writer, c.String("format"))
		},
	}
}

// runsOf are the runs below the folders that the arguments name.
func runsOf(c *cli.Context) ([]*results.Run, error) {
	dirs := c.Args().Slice()
	if len(dirs) == 0 {
		dirs = []string{resultsDir}
	}
	runs, err := results.FindRuns(dirs...)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usageError{err}
	}
	for _, run := range results.Copies(runs) {
		slog.Warn("another run has the same configuration and seed; this one does not count", "run", run.Dir)
	}
	return runs, err
}

// resultsGrid is the table that the flags choose.
func resultsGrid(c *cli.Context, runs []*results.Run) (*results.Grid, error) {
	var chosen []string
	for _, name := range []string{"seeds", "matrix", "aggregate", "compare", "profile"} {
		if c.IsSet(name) {
			chosen = append(chosen, name)
		}
	}
	if len(chosen) > 1 {
		return nil, usagef("--%s and --%s are different tables: choose one", chosen[0], chosen[1])
	}
	switch strings.Join(chosen, "") {
	case "seeds":
		return results.PerSeed(runs), nil
	case "":
		return results.SummaryGrid(results.Summarize(runs, choiceOf(c, "stat", results.Statistics))), nil
	case "matrix":
		return results.Matrix(results.Summarize(runs, choiceOf(c, "stat", results.Statistics))), nil
	case "compare":
		a, b, err := pairOf(c.String("compare"), runs)
		if err != nil {
			return nil, err
		}
		scores, err := results.NewScores(runs, a, b)
		if err != nil {
			return nil, err
		}
		return scores.Compare(), nil
	}
	scores, err := results.NewScores(runs)
	if err != nil {
		return nil, err
	}
	if c.Bool("profile") {
		return scores.Profiles(), nil
	}
	return scores.Aggregate(), nil
}

// pairOf takes A,B apart. The names of algorithms may hold commas.
func pairOf(text string, runs []*results.Run) (a, b string, err error) {
	var algos []string
	for _, run := range runs {
		if !slices.Contains(algos, run.Algo) {
			algos = append(algos, run.Algo)
		}
	}
	for at, char := range text {
		if a, b := text[:at], text[at:]; char == ',' && slices.Contains(algos, a) && slices.Contains(algos, b[1:]) {
			return a, b[1:], nil
		}
	}
	slices.Sort(algos)
	return "", "", usagef("--compare %s: must name two algorithms, A,B; there are: %s", text, strings.Join(algos, ", "))
}
