package scene

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Style is what a piece of text means, for terminals that have colours.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Muted
	Strong
	OfAttacker
	OfDefender
	Chosen // the node that a person has chosen
	Target // one that can be chosen
)

// Span is a piece of a line.
type Span struct {
	Text  string
	Style Style
}

// Line is pieces of text beside each other.
type Line []Span

// String is the text without styles.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return strings.TrimRight(b.String(), " ")
}

// Len is the number of characters.
func (l Line) Len() (n int) {
	for _, s := range l {
		n += utf8.RuneCountInString(s.Text)
	}
	return n
}

// Text draws the scene with characters, in lines of at most so many: a map of nodes, each with its largest attack value
// and its smallest defence value as far as shown; or, where there are networks, a list of them with what is in each.
// targets are ids of nodes that can be chosen.
func (s *Scene) Text(width int, selected string, targets []string) []Line {
	if len(s.Types) == 0 {
		return s.tree(width, selected)
	}
	return s.plan(width, selected, targets)
}

// plan is the map.
func (s *Scene) plan(width int, selected string, targets []string) (lines []Line) {
	rows, column := int(s.Height)+1, width/(int(s.Width)+1)
	column = min(column, 22)
	center := func(n *Node) int { return int(math.Round(n.X*float64(column))) + column/2 }
	for row := range rows {
		if row > 0 {
			lines = append(lines, Line{{s.wires(row, column, center), Muted}})
		}
		var line Line
		for i := range s.Nodes {
			n := &s.Nodes[i]
			if int(n.Y) != row {
				continue
			}
			text := s.label(n, column-1)
			at := max(line.Len(), center(n)-utf8.RuneCountInString(text)/2)
			fill := " "
			if line.Len() > 0 && s.joined(n, row) {
				fill = "─"
			}
			line = append(line, Span{strings.Repeat(fill, at-line.Len()), Muted})
			style := Plain
			switch {
			case n.ID == selected:
				style = Chosen
			case n.Attacker:
				style = OfAttacker
			case slices.Contains(targets, n.ID):
				style = Target
			}
			line = append(line, Span{text, style})
		}
		lines = append(lines, line)
	}
	return lines
}

// joined reports whether a node is linked to the one left of it.
func (s *Scene) joined(n *Node, row int) bool {
	return slices.ContainsFunc(s.Links, func(l Link) bool {
		a, b := s.Node(l.From), s.Node(l.To)
		return b == n && int(a.Y) == row || a == n && int(b.Y) == row && b.X < n.X
	})
}

// label is a node in a few characters, such as [@Data 3/2]: the attacker is here, attack 3, defence 2.
func (s *Scene) label(n *Node, width int) string {
	name := n.Name
	mark := ""
	if n.Attacker {
		mark = "@"
	}
	values := ""
	if n.Attack != nil {
		values += " a" + strconv.Itoa(slices.Max(n.Attack))
	}
	if n.Defence != nil {
		values += " d" + strconv.Itoa(slices.Min(n.Defence))
		values = strings.Replace(values, "d-1", "d?", 1)
	}
	text := "[" + mark + name + values + "]"
	if utf8.RuneCountInString(text) > width {
		text = "[" + mark + strings.TrimPrefix(name, "Server ") + values + "]"
	}
	return text
}

// wires are the links between a row and the one above it.
func (s *Scene) wires(row, column int, center func(*Node) int) string {
	const up, down, left, right = 1, 2, 4, 8
	arms := make([]int, (int(s.Width)+1)*column+1)
	for _, l := range s.Links {
		a, b := s.Node(l.From), s.Node(l.To)
		if a.Y > b.Y {
			a, b = b, a
		}
		if int(a.Y) != row-1 || int(b.Y) != row {
			continue
		}
		x, y := center(a), center(b)
		arms[x] |= up
		arms[y] |= down
		for i := min(x, y); i < max(x, y); i++ {
			arms[i] |= right
			arms[i+1] |= left
		}
	}
	runes := make([]rune, len(arms))
	for i, a := range arms {
		runes[i] = []rune("  ││ ┘┐┤ └┌├─┴┬┼")[a]
	}
	return strings.TrimRight(string(runes), " ")
}

// tree is the list of networks.
func (s *Scene) tree(width int, selected string) (lines []Line) {
	if len(s.Nodes) == 0 {
		return []Line{{{"no network is known", Muted}}}
	}
	for i := range s.Nodes {
		n := &s.Nodes[i]
		style, text := Plain, "  "+n.Name
		if n.Kind == Network {
			style, text = Strong, n.Name
		}
		if n.Controlled {
			style, text = OfAttacker, "* "+n.Name
		}
		if n.ID == selected {
			style = Chosen
		}
		lines = append(lines, Line{{cut(text, width), style}})
		for _, line := range n.Lines {
			lines = append(lines, Line{{cut("    "+line, width), Plain}})
		}
	}
	for _, l := range s.Links {
		if l.Blocked {
			lines = append(lines, Line{{cut(fmt.Sprintf("blocked: %s and %s", l.From, l.To), width), OfDefender}})
		}
	}
	return lines
}

// cut shortens a text to so many characters.
func cut(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:max(width-1, 0)]) + "…"
	}
	return text
}

// Cut is the first so many characters of the line.
func (l Line) Cut(width int) (c Line) {
	for _, s := range l {
		n := utf8.RuneCountInString(s.Text)
		if n > width {
			return append(c, Span{cut(s.Text, width), s.Style})
		}
		c, width = append(c, s), width-n
	}
	return c
}

// Key is the key of an attack type: 1 to 9, then 0.
func Key(typ int) rune { return rune("1234567890"[typ%10]) }

// Neighbour is the id of the node next to one in a direction, or that one if there is none.
func (s *Scene) Neighbour(id string, x, y float64) string {
	from, best := s.Node(id), math.Inf(1)
	if from == nil {
		return id
	}
	for i := range s.Nodes {
		dx, dy := s.Nodes[i].X-from.X, s.Nodes[i].Y-from.Y
		along, across := dx*x+dy*y, math.Abs(dx*y)+math.Abs(dy*x)
		if along > 0 && along+2*across < best {
			best, id = along+2*across, s.Nodes[i].ID
		}
	}
	return id
}
