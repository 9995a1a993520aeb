package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"idsrl/envs/idsgame/recording"
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "play recorded games again and compare everything that they record",
		ArgsUsage: "FILE ...",
		Description: `Checks recordings of idsgame (.jsonl, .jsonl.gz): those of the Python original, and those of idsrl eval --record.
Observations, rewards to the last bit, flags, legal actions, the bots' choices, statistics, initial states from
their logged draws, and state numbers must all be equal. Prints a line per file, and the first difference of each
in full; exits with 1 if there is any, or a line that cannot be read.

   idsrl replay recordings/*.jsonl.gz`,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usagef("idsrl replay needs recordings to replay")
			}
			failed := 0
			for _, path := range c.Args().Slice() {
				if err := c.Context.Err(); err != nil {
					return err
				}
				equal, err := replayFile(c, path)
				if err != nil {
					fmt.Fprintf(c.App.ErrWriter, "idsrl: %s: %v\n", path, err)
				}
				if !equal || err != nil {
					failed++
				}
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d files differ or cannot be read", failed, c.NArg())
			}
			return nil
		},
	}
}

func replayFile(c *cli.Context, path string) (equal bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	r, err := recording.Verify(f)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(c.App.Writer, "%s: %d episodes, %d steps, %d initial states, %d state numbers: %d differences\n",
		path, r.Episodes, r.Steps, r.Initials, r.States, r.Differences)
	if r.First != nil {
		fmt.Fprintf(c.App.Writer, "  first: %s, %s\n", path, r.First)
	}
	if r.Lines == 0 {
		return false, errors.New("holds nothing to replay")
	}
	return r.Differences == 0, nil
}
