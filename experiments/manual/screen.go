package manual

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"idsrl/envs"
	"idsrl/envs/scene"
)

// A console is what a person at a terminal sees and has in mind: the view of the seat, and what is chosen so far. It
// draws lines and takes keys; what a terminal is, it does not know.
type console struct {
	session  *Session
	seat     int
	view     *View
	selected string // id of a node, in games with types
	cursor   int    // in the list of actions
	search   string
	typing   bool // a search
	truth    int  // the frame of Session.Reveal that is shown, or none
	message  string
}

func newConsole(s *Session, seat int) *console {
	c := &console{session: s, seat: seat, truth: none}
	c.look()
	return c
}

// look takes the view of now.
func (c *console) look() {
	c.view = c.session.View(c.seat)
	if targets := c.targets(); len(targets) > 0 && !slices.Contains(targets, c.selected) {
		c.selected = targets[0]
	}
}

func (c *console) last() *scene.Frame { return &c.view.Frames[len(c.view.Frames)-1] }

// typed reports whether actions are a node and a type.
func (c *console) typed() bool { return len(c.last().Scene.Types) > 0 }

// targets are the nodes at which something can be done.
func (c *console) targets() (ids []string) {
	if !c.typed() {
		return nil
	}
	for _, a := range c.view.Legal {
		if !slices.Contains(ids, a.To) {
			ids = append(ids, a.To)
		}
	}
	return ids
}

// here are the actions on the node that is chosen.
func (c *console) here() (actions []scene.Action) {
	for _, a := range c.view.Legal {
		if a.To == c.selected {
			actions = append(actions, a)
		}
	}
	return actions
}

// found are the actions that the search lets through.
func (c *console) found() (actions []scene.Action) {
	words := strings.Fields(strings.ToLower(c.search))
	for _, a := range c.view.Legal {
		text := strings.ToLower(a.Text)
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			actions = append(actions, a)
		}
	}
	return actions
}

// key is the key of an action on a node.
func key(a scene.Action) rune {
	switch a.Verb {
	case scene.Scan:
		return 'r'
	case scene.Detect:
		return 'd'
	default:
		return scene.Key(a.Type)
	}
}

// draw fills a screen of width x height.
func (c *console) draw(width, height int) []scene.Line {
	frame := c.frame()
	role := c.view.Seats[c.seat].Role
	title := fmt.Sprintf(" %s  ", c.view.Env)
	state := fmt.Sprintf("you: %s  step %d  return %g ", role, c.last().Step, c.view.Return)
	lines := []scene.Line{{{Text: title, Style: scene.Strong}, {Text: state, Style: styleOf(role)}}}
	bottom := c.bottom(width)
	room := height - len(bottom) - 1
	switch {
	case c.typed():
		lines = append(lines, clip(append(frame.Scene.Text(width, c.selected, c.targets()), c.choices(frame)...), room)...)
	default:
		lines = append(lines, beside(frame.Scene.Text(width*2/5, "", nil), c.list(room), width, room)...)
	}
	for len(lines) < height-len(bottom) {
		lines = append(lines, nil)
	}
	lines = append(lines, bottom...)
	for i := range lines {
		lines[i] = lines[i].Cut(width)
	}
	return lines
}

// frame is what is shown: now, or the truth of some step.
func (c *console) frame() *scene.Frame {
	if c.truth != none {
		if frames, err := c.session.Reveal(); err == nil {
			return &frames[min(c.truth, len(frames)-1)]
		}
	}
	return c.last()
}

func styleOf(role string) scene.Style {
	if role == envs.Attacker.String() {
		return scene.OfAttacker
	}
	return scene.OfDefender
}

// clip is the first lines.
func clip(lines []scene.Line, n int) []scene.Line { return lines[:min(len(lines), max(n, 0))] }

// choices are the values and keys of the node that is chosen, a type a line, in two columns.
func (c *console) choices(frame *scene.Frame) (lines []scene.Line) {
	n := frame.Scene.Node(c.selected)
	if n == nil {
		return nil
	}
	lines = append(lines, nil, scene.Line{{Text: n.Name, Style: scene.Strong}})
	if n.Detection != scene.Hidden {
		lines[1] = append(lines[1], scene.Span{Text: fmt.Sprintf("  detection %d", n.Detection)})
	}
	for _, a := range c.here() {
		if a.Type == scene.Hidden {
			lines[1] = append(lines[1], scene.Span{Text: fmt.Sprintf("   %c %s", key(a), a.Text), Style: scene.Target})
		}
	}
	types := frame.Scene.Types
	half := (len(types) + 1) / 2
	for row := range half {
		var line scene.Line
		for typ := row; typ < len(types); typ += half {
			line = append(line, c.choice(n, typ, types[typ])...)
		}
		lines = append(lines, line)
	}
	return lines
}

// choice is a type of attack on a node: its key if it can be chosen, its name, its values.
func (c *console) choice(n *scene.Node, typ int, name string) scene.Line {
	open := slices.ContainsFunc(c.here(), func(a scene.Action) bool { return a.Type == typ })
	mark, style := " ", scene.Muted
	if open {
		mark, style = string(scene.Key(typ)), scene.Target
	}
	values := one("a", n.Attack, typ) + one("d", n.Defence, typ)
	return scene.Line{{Text: fmt.Sprintf(" %s ", mark), Style: style}, {Text: fmt.Sprintf("%-21s%-13s", name, values)}}
}

// one is the value of a type, after a letter; nothing if values are not shown.
func one(letter string, values []int, typ int) string {
	switch {
	case values == nil:
		return ""
	case values[typ] == scene.Hidden:
		return " " + letter + "?"
	default:
		return fmt.Sprintf(" %s%d", letter, values[typ])
	}
}

// list is the actions that the search lets through, the one at the cursor among them.
func (c *console) list(height int) (lines []scene.Line) {
	found := c.found()
	c.cursor = max(0, min(c.cursor, len(found)-1))
	cursor := ""
	if c.typing {
		cursor = "_"
	}
	lines = append(lines, scene.Line{
		{Text: fmt.Sprintf("/%s%s", c.search, cursor), Style: scene.Strong},
		{Text: fmt.Sprintf("  %d of %d actions", len(found), len(c.view.Legal)), Style: scene.Muted},
	})
	from := max(0, min(c.cursor-height/2, len(found)-height+1))
	for i := from; i < min(len(found), from+height-1); i++ {
		style, mark := scene.Plain, "  "
		if i == c.cursor {
			style, mark = scene.Chosen, "> "
		}
		lines = append(lines, scene.Line{{Text: mark + found[i].Text, Style: style}})
	}
	return lines
}

// beside puts lines left and right of each other.
func beside(left, right []scene.Line, width, height int) (lines []scene.Line) {
	column := width * 2 / 5
	for i := range min(height, max(len(left), len(right))) {
		var line scene.Line
		if i < len(left) {
			line = left[i].Cut(column)
		}
		line = append(line, scene.Span{Text: strings.Repeat(" ", column+1-line.Len())})
		if i < len(right) {
			line = append(line, right[i]...)
		}
		lines = append(lines, line)
	}
	return lines
}

// bottom is the last moves, what is to do, and the keys.
func (c *console) bottom(width int) (lines []scene.Line) {
	frame := c.frame()
	for _, m := range frame.Moves {
		lines = append(lines, scene.Line{
			{Text: fmt.Sprintf("step %d: ", frame.Step), Style: scene.Muted},
			{Text: m.Action.Text + ": " + m.Result.Text, Style: styleOf(m.Role)},
		})
	}
	for _, fact := range frame.Scene.Facts {
		lines = append(lines, scene.Line{{Text: fact, Style: scene.Muted}})
	}
	if frame.Over {
		lines = append(lines, wrap(frame.Outcome, width)...)
	}
	if c.message != "" {
		lines = append(lines, scene.Line{{Text: c.message, Style: scene.Strong}})
	}
	help := "arrows node  1-9 0 type  r recon  n new  s seats  q quit"
	switch {
	case c.truth != none:
		help = "left right step through the truth  t back  n new game  q quit"
	case frame.Over:
		help = "n new game  t the truth  s change seats  q quit"
	case !c.typed():
		help = "arrows choose  Enter play  / search  n new game  s change seats  q quit"
	case c.view.Seats[c.seat].Role == envs.Defender.String():
		help = "arrows node  1-9 0 type  d detection  n new  s seats  q quit"
	}
	return append(lines, scene.Line{{Text: help, Style: scene.Muted}})
}

// wrap breaks a text into lines.
func wrap(text string, width int) (lines []scene.Line) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, scene.Line{{Text: line, Style: scene.Strong}})
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, scene.Line{{Text: line, Style: scene.Strong}})
}

// Keys that are no characters.
const (
	keyLeft rune = -1 - iota
	keyRight
	keyUp
	keyDown
	keyEnter
	keyEscape
	keyErase
)

// press takes a key and reports whether the person goes on. An error ends the session.
func (c *console) press(k rune) (goOn bool, err error) {
	c.message = ""
	if c.typing && c.typeSearch(k) {
		return true, nil
	}
	switch k {
	case 'q':
		return false, nil
	case 'n':
		err = c.session.Again()
		c.truth = none
	case 's':
		c.seat, err = c.session.ChangeSeats(c.seat)
		c.truth = none
	case 't':
		c.turnTruth()
	case '/':
		c.typing = !c.typed()
	case keyLeft, keyRight, keyUp, keyDown:
		c.move(k)
	case keyEnter:
		if found := c.found(); !c.typed() && c.cursor < len(found) {
			err = c.play(found[c.cursor])
		}
	default:
		for _, a := range c.here() {
			if key(a) == k {
				err = c.play(a)
				break
			}
		}
	}
	c.look()
	return err == nil, err
}

// typeSearch takes a key of a search and reports whether it was one.
func (c *console) typeSearch(k rune) bool {
	switch {
	case k == keyEscape:
		c.search, c.typing = "", false
	case k == keyEnter:
		c.typing = false
		return false // and plays what is found first
	case k == keyErase && c.search != "":
		runes := []rune(c.search)
		c.search = string(runes[:len(runes)-1])
	case k >= ' ':
		c.search += string(k)
	default:
		return k == keyErase
	}
	c.cursor = 0
	return true
}

// turnTruth shows what really happened, or no longer.
func (c *console) turnTruth() {
	frames, err := c.session.Reveal()
	switch {
	case c.truth != none:
		c.truth = none
	case err != nil:
		c.message = err.Error()
	default:
		c.truth = len(frames) - 1
	}
}

// move goes to the next node, line or step.
func (c *console) move(k rune) {
	switch {
	case c.truth != none:
		frames, _ := c.session.Reveal() // the truth is shown
		c.truth = max(0, min(c.truth+map[rune]int{keyLeft: -1, keyRight: 1}[k], len(frames)-1))
	case c.typed():
		x, y := 0.0, 0.0
		switch k {
		case keyLeft:
			x = -1
		case keyRight:
			x = 1
		case keyUp:
			y = -1
		case keyDown:
			y = 1
		}
		c.selected = c.last().Scene.Neighbour(c.selected, x, y)
	default:
		c.cursor += map[rune]int{keyUp: -1, keyDown: 1, keyLeft: -10, keyRight: 10}[k]
		c.cursor = max(0, min(c.cursor, len(c.found())-1))
	}
}

// play plays an action. What does not count is said.
func (c *console) play(a scene.Action) error {
	err := c.session.Play(c.seat, c.last().Step, a.ID)
	if move, ok := errors.AsType[*MoveError](err); ok {
		c.message, err = move.Why, nil
	}
	c.search, c.cursor = "", 0
	return err
}
