package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"idsrl/results/track"
)

func trackCommand() *cli.Command {
	return &cli.Command{
		Name:      "track",
		Usage:     "write runs for TensorBoard, MLflow or as JSON lines",
		ArgsUsage: "[DIR ...]",
		Description: `Writes the runs below the folders (below ./results if none is named), finished or not, for experiment trackers,
from what is in their folders. To do it again adds what is new and doubles nothing. idsrl train --track does it while it
trains.

   idsrl track --to tensorboard results       then: tensorboard --logdir results
   idsrl track --to jsonl RUN                 a line for each line of train.csv and eval.csv
   idsrl track --to mlflow=mlruns results     then: MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri mlruns`,
		Flags: []cli.Flag{trackFlag("to")},
		Action: func(c *cli.Context) error {
			trackers, err := trackersOf(c, "to")
			if err != nil {
				return err
			}
			if len(trackers) == 0 {
				return usagef("track with what? name it with --to: %s", track.Help)
			}
			runs, err := runsOf(c)
			if err != nil {
				return err
			}
			for _, run := range runs {
				err = errors.Join(err, catalog().Track(run.Dir, trackers))
			}
			if err == nil {
				unit := "runs"
				if len(runs) == 1 {
					unit = "run"
				}
				fmt.Fprintf(c.App.Writer, "%d %s\n", len(runs), unit)
			}
			return err
		},
	}
}

// trackFlag names trackers.
func trackFlag(name string) cli.Flag {
	return &cli.StringFlag{Name: name, Usage: "write a `LIST` of " + track.Help}
}

// trackersOf are the trackers that a flag names, none if it was not given.
func trackersOf(c *cli.Context, flag string) ([]track.Tracker, error) {
	if !c.IsSet(flag) {
		return nil, nil
	}
	trackers, err := track.Parse(c.String(flag))
	if err != nil {
		return nil, usagef("--%s: %w", flag, err)
	}
	return trackers, nil
}
