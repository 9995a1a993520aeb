package manual

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gdamore/tcell/v2"

	"idsrl/envs/scene"
)

// Terminal lets a person play a seat on a screen, until the person quits or ctx is done. It ends with the screen as it
// was.
func Terminal(ctx context.Context, screen tcell.Screen, s *Session, seat int) error {
	if err := screen.Init(); err != nil {
		return err
	}
	defer screen.Fini()
	stop := context.AfterFunc(ctx, func() { screen.PostEvent(tcell.NewEventInterrupt(nil)) }) //nolint:errcheck // a full queue is read
	defer stop()
	c := newConsole(s, seat)
	for ctx.Err() == nil {
		c.show(screen)
		switch event := screen.PollEvent().(type) {
		case *tcell.EventResize:
			screen.Sync()
		case *tcell.EventKey:
			if event.Key() == tcell.KeyCtrlC {
				return nil
			}
			k, ok := keys[event.Key()]
			if event.Key() == tcell.KeyRune {
				k, ok = event.Rune(), true
			}
			if !ok {
				continue
			}
			if goOn, err := c.press(k); !goOn {
				return err
			}
		case nil: // the screen is gone
			return nil
		}
	}
	return ctx.Err()
}

// keys are those of the terminal that are no characters.
var keys = map[tcell.Key]rune{
	tcell.KeyLeft: keyLeft, tcell.KeyRight: keyRight, tcell.KeyUp: keyUp, tcell.KeyDown: keyDown,
	tcell.KeyEnter: keyEnter, tcell.KeyEscape: keyEscape, tcell.KeyBackspace: keyErase, tcell.KeyBackspace2: keyErase,
}

// styles are the colours of meaning, of the 16 that every terminal has.
var styles = map[scene.Style]tcell.Style{
	scene.Plain:      tcell.StyleDefault,
	scene.Muted:      tcell.StyleDefault.Dim(true),
	scene.Strong:     tcell.StyleDefault.Bold(true),
	scene.OfAttacker: tcell.StyleDefault.Foreground(tcell.ColorOlive).Bold(true),
	scene.OfDefender: tcell.StyleDefault.Foreground(tcell.ColorTeal).Bold(true),
	scene.Chosen:     tcell.StyleDefault.Reverse(true),
	scene.Target:     tcell.StyleDefault.Bold(true).Underline(true),
}

// show draws the console.
func (c *console) show(screen tcell.Screen) {
	width, height := screen.Size()
	screen.Clear()
	for y, line := range c.draw(width, height) {
		x := 0
		for _, span := range line {
			for _, r := range span.Text {
				screen.SetContent(x, y, r, nil, styles[span.Style])
				x++
			}
		}
	}
	screen.Show()
}

// Lines lets a person play a seat by lines of text, where there is no screen: for pipes, and for screen readers. It ends
// with the input.
func Lines(ctx context.Context, in io.Reader, out io.Writer, s *Session, seat int) error {
	c := newConsole(s, seat)
	input := bufio.NewScanner(in)
	fmt.Fprint(out, linesHelp)
	for c.print(out); ctx.Err() == nil && input.Scan(); c.print(out) {
		switch word := strings.TrimSpace(input.Text()); word {
		case "":
		case "q", "n", "s", "t":
			if goOn, err := c.press([]rune(word)[0]); !goOn {
				return err
			}
		default:
			if err := c.choose(word); err != nil {
				return err
			}
			c.look()
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return input.Err()
}

const linesHelp = `Each line is an action, by its number or by words of its text that no other action has. A part of the text that
several have lists them. Besides: n new game, s change seats, t the truth once a game is over, q quit.
`

// print writes the state and asks for a line.
func (c *console) print(out io.Writer) {
	frame := c.frame()
	fmt.Fprintf(out, "\n%s, you: %s, step %d, return %g\n", c.view.Env, c.view.Seats[c.seat].Role, frame.Step, c.view.Return)
	for _, line := range frame.Scene.Text(lineWidth, "", nil) {
		fmt.Fprintln(out, line)
	}
	for i := range frame.Scene.Nodes {
		n := &frame.Scene.Nodes[i]
		if n.Attack != nil || n.Defence != nil {
			fmt.Fprintln(out, values(n))
		}
	}
	lines := c.bottom(lineWidth)
	for _, line := range lines[:len(lines)-1] { // without the keys
		fmt.Fprintln(out, line)
	}
	if c.message = ""; !frame.Over {
		fmt.Fprintf(out, "%d actions, %s\n> ", len(c.view.Legal), span(c.view.Legal))
	} else {
		fmt.Fprint(out, "> ")
	}
}

const lineWidth = 100

// values are those of a node.
func values(n *scene.Node) string {
	text := n.Name + ":"
	if n.Attack != nil {
		text += fmt.Sprintf(" attack %s", hidden(n.Attack))
	}
	if n.Defence != nil {
		text += fmt.Sprintf(" defence %s", hidden(n.Defence))
	}
	if n.Detection != scene.Hidden {
		text += fmt.Sprintf(" detection %d", n.Detection)
	}
	return text
}

// hidden lists values, with ? for those that are not shown.
func hidden(values []int) string {
	return strings.ReplaceAll(fmt.Sprint(values), strconv.Itoa(scene.Hidden), "?")
}

// span is the first and the last of some actions.
func span(actions []scene.Action) string {
	if len(actions) == 0 {
		return "none"
	}
	first, last := actions[0], actions[len(actions)-1]
	return fmt.Sprintf("from %d (%s) to %d (%s)", first.ID, first.Text, last.ID, last.Text)
}

// choose plays the action that a line names.
func (c *console) choose(words string) error {
	c.search = words
	found := c.found()
	c.search = ""
	for _, a := range c.view.Legal {
		if words == strconv.Itoa(a.ID) || strings.EqualFold(words, a.Text) {
			found = []scene.Action{a}
		}
	}
	if len(found) == 1 {
		return c.play(found[0])
	}
	c.message = "no action is called so"
	if len(found) > 0 {
		c.message = "several fit:"
		for _, a := range found[:min(len(found), 20)] {
			c.message += fmt.Sprintf("\n  %4d  %s", a.ID, a.Text)
		}
	}
	return nil
}
