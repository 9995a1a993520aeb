package main

import (
	"os"

	"github.com/gdamore/tcell/v2"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"idsrl/experiments/manual"
)

// playTerminal plays on the screen or, where standard input or output is none, by lines.
func playTerminal(c *cli.Context, session *manual.Session, seat int) error {
	if len(session.People()) > 1 {
		return usagef("--tty is for one person; two play by --opponent person without it")
	}
	out, isFile := c.App.Writer.(*os.File)
	if !isFile || !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return manual.Lines(c.Context, c.App.Reader, c.App.Writer, session, seat)
	}
	screen, err := tcell.NewScreen()
	if err != nil {
		return err
	}
	return manual.Terminal(c.Context, screen, session, seat)
}
