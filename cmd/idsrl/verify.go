package main

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"

	"github.com/urfave/cli/v2"

	"idsrl/experiments"
	"idsrl/results"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "train finished runs again and compare every byte",
		ArgsUsage: "RUN ...",
		Description: `Trains each RUN again, from the configuration in its folder and in a temporary one, and compares config.yaml,
train.csv, eval.csv, final.ckpt, the frozen policies, and manifest.json but for times, command and program. What differs is
shown with its line and column, or with its tensor and element. The exit code is then 1.

   idsrl verify RUN
   idsrl verify --tolerance 1e-6 RUN         on another architecture, whose floating point may round otherwise

With a tolerance, numbers in tables and weights may differ by that much, absolutely or relative to the larger one; of what
else learners hold, such as the state of the optimizer, nothing is compared.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "tolerance", Value: exact, Usage: "how much numbers may differ: none, or a `NUMBER`"},
			formatFlag(),
		},
		Action: verify,
	}
}

// exact is the tolerance that allows no difference.
const exact = "none"

func verify(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("idsrl verify needs a RUN or more, after the flags: folders of runs")
	}
	tolerance := 0.0
	if text := c.String("tolerance"); text != exact {
		var err error
		if tolerance, err = strconv.ParseFloat(text, 64); err != nil || !(tolerance > 0) || math.IsInf(tolerance, 0) {
			return usagef("--tolerance %s: must be %s or a number above 0", text, exact)
		}
	}
	grid := results.NewGrid("run", "file", "sha256", "difference")
	different := 0
	for _, dir := range c.Args().Slice() {
		p := newProgress(c.App.ErrWriter, 1)
		checks, err := catalog().Verify(c.Context, dir, tolerance, experiments.Options{
			Program: program(), Progress: func(now experiments.Progress) { p.update(0, now) },
		})
		p.finish()
		if err != nil {
			return err
		}
		for _, check := range checks {
			difference := results.Text(check.Difference)
			if check.Difference == "" {
				difference.Text = "none"
			} else {
				different++
			}
			grid.Add(results.Text(check.Dir), results.Text(check.File),
				results.Cell{Text: fmt.Sprintf("%.16s", check.SHA256), Values: []any{check.SHA256}}, difference)
		}
		if err := warnOfBuild(dir); err != nil {
			return err
		}
	}
	if err := grid.Render(c.App.Writer, c.String("format")); err != nil {
		return err
	}
	if different > 0 {
		return fmt.Errorf("%d of %d files differ", different, len(grid.Rows))
	}
	return nil
}

// warnOfBuild says if another build made the run than the one that verifies it.
func warnOfBuild(dir string) error {
	run, err := results.ReadRun(dir)
	if err == nil && run.Program != program() {
		slog.Warn("another build made this run", "run", dir, "made_by", run.Program, "verified_by", program())
	}
	return err
}
