package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/results"
	"idsrl/results/plots"
)

func plotCommand() *cli.Command {
	return &cli.Command{
		Name:      "plot",
		Usage:     "draw learning curves with intervals over seeds",
		ArgsUsage: "[DIR ...]",
		Description: `Draws the runs below the folders (below ./results if none is named): a panel for each environment, a curve for
each algorithm and budget. The band around a curve is the 95 % bootstrap interval over seeds at each point. A dashed line is
the best hack probability that an attacker can reach, where that is known.

   idsrl plot --out curves.svg results/idsgame-minimal_defense-v2
   idsrl plot --out curves.png --stat iqm --y attacker_return RUN`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "`FILE` to draw into, .svg or .png"},
			choiceFlag("y", "what", plots.Metrics), choiceFlag("mode", "how the policy acts", results.Modes),
			choiceFlag("x", "what training is measured in", results.Axes), statFlag(),
		},
		Action: func(c *cli.Context) error {
			out := c.String("out")
			format := strings.TrimPrefix(filepath.Ext(out), ".")
			if !slices.Contains(plots.Formats, format) {
				return usagef("--out %s: name a file that ends in .%s", out, strings.Join(plots.Formats, " or ."))
			}
			runs, err := runsOf(c)
			if err != nil {
				return err
			}
			figure := plots.Figure{
				Metric: choiceOf(c, "y", plots.Metrics), Mode: choiceOf(c, "mode", results.Modes),
				Axis: choiceOf(c, "x", results.Axes), Stat: choiceOf(c, "stat", results.Statistics),
			}
			return exportTo(c.App.Writer, out, func(w io.Writer) error { return figure.Write(w, runs, format) })
		},
	}
}
