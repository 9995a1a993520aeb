package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"idsrl/envs/idsgame/recording"
	netsecgame "idsrl/envs/netsecgame/recording"
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "play recorded games again and compare everything that they record",
		ArgsUsage: "FILE ...",
		Description: `Checks recordings (.jsonl, .jsonl.gz). Prints a line per file, and the first difference of each in full; exits with 1 if
there is any, or a line that cannot be read.

Of idsgame, those of the Python original, and those of idsrl eval --record: observations, rewards to the last bit, flags,
legal actions, the bots' choices, statistics, initial states from their logged draws, and state numbers must all be
equal.

Of NetSecGame, conversations of agents with a server: every reply must be equal, but for the order of what is a set.
They are held with a server in this process, or with the one at --connect, which must have been started for this file:
with its task, world, number of connections, seed and random events, as idsrl serve --compat strict takes them.

   idsrl replay recordings/*.jsonl.gz
   idsrl replay --compat default conversation.jsonl.gz
   idsrl replay --connect 127.0.0.1:9000 conversation.jsonl.gz`,
		Flags: []cli.Flag{
			compatFlag("strict"),
			&cli.StringFlag{Name: "connect", Usage: "hold the one conversation with the server at `ADDRESS`"},
		},
		Action: func(c *cli.Context) error {
			switch {
			case c.NArg() == 0:
				return usagef("idsrl replay needs recordings to replay")
			case c.NArg() > 1 && c.IsSet("connect"):
				return usagef("--connect is for one conversation, not %d: each needs a server of its own", c.NArg())
			}
			failed := 0
			for _, path := range c.Args().Slice() {
				if err := c.Context.Err(); err != nil {
					return err
				}
				equal, err := replayFile(c, path)
				if isUsage(err) {
					return err
				}
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
	conversation, err := netsecgame.Open(f)
	switch {
	case err == nil:
		return replayConversation(c, path, conversation)
	case c.IsSet("connect"):
		return false, fmt.Errorf("holds no conversation: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
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

// replayConversation checks a recording of NetSecGame.
func replayConversation(c *cli.Context, path string, conversation *netsecgame.Recording) (equal bool, err error) {
	compat, err := compatOf(c)
	if err != nil {
		return false, err
	}
	var r netsecgame.Report
	if address := c.String("connect"); address != "" {
		r, err = netsecgame.NewDialer(address).Verify(c.Context, conversation)
	} else {
		r, err = conversation.Verify(compat)
	}
	fmt.Fprintf(c.App.Writer, "%s: %d messages, %d replies: %d differences\n", path, r.Messages, r.Replies, r.Differences)
	if r.First != nil {
		fmt.Fprintf(c.App.Writer, "  first: %s, %s\n", path, r.First)
	}
	if err == nil && r.Messages == 0 {
		err = errors.New("holds nothing to replay")
	}
	return r.Differences == 0, err
}
