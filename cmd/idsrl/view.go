package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"idsrl/experiments/review"
	"idsrl/results/browse"
)

func viewCommand() *cli.Command {
	return &cli.Command{
		Name:      "view",
		Usage:     "see runs, curves, leagues and games in the browser, while training goes on",
		ArgsUsage: "[DIR ...]",
		Description: `Shows a page over all runs below the folders (below ./results if none is named): the table of idsrl results, learning
curves with intervals over seeds, beside each other, of all that was measured; payoff matrices and ratings of leagues; the
games that a policy plays, with what it makes of every state; recorded games. The page follows runs that go on. It only reads
the folders.

   idsrl view                                 the page, at an address that is printed
   idsrl view --open results/idsgame-v2       in the browser
   idsrl view --export site RUN               a page of files, for any browser without idsrl
   idsrl view --host 0.0.0.0 --port 8080      for other machines, by a link with a token`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "export", Usage: "write the page with everything into `DIR`, to open from there or to put on a web server"},
			&cli.IntFlag{Name: "games", Value: 3, Usage: "games of each run in the export"},
		}, webFlags()...),
		Action: view,
	}
}

func view(c *cli.Context) (err error) {
	dirs := c.Args().Slice()
	if len(dirs) == 0 {
		dirs = []string{resultsDir}
	}
	if c.Int("games") < 0 {
		return usagef("--games %d: must not be negative", c.Int("games"))
	}
	library, err := browse.Open(dirs...)
	if errors.Is(err, os.ErrNotExist) {
		return usageError{err}
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, library.Close()) }()
	api := review.New(catalog(), library)
	if dir := c.String("export"); dir != "" {
		err := review.Export(c.Context, api, dir, c.Int("games"), func(err error) {
			slog.Warn("left out of the export", "error", err)
		})
		if err == nil {
			fmt.Fprintln(c.App.Writer, filepath.Join(dir, "index.html"))
		}
		return err
	}
	server, err := listenWeb(c)
	if err != nil {
		return err
	}
	review.Mount(server, api)
	fmt.Fprintln(c.App.Writer, server.URL())
	if c.Bool("open") {
		openBrowser(c, server.URL())
	}
	return server.Serve(c.Context)
}
