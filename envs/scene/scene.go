// Package scene is what a game looks like: a [Scene] says what a seat may see of a state and where it stands, and is all
// that pages, pictures and terminals draw. A game that can be drawn is a [Drawer]; nobody else looks at its state.
//
// Positions are in units of the distance between neighbours, x to the right and y down, from (0, 0) to (Width, Height).
// [Scene.Text] draws a scene for a terminal, [Frame.Picture] as an image, [Film] several as a GIF.
package scene

import (
	"slices"
	"strconv"
	"strings"

	"idsrl/envs"
)

// Everything is the seat of nobody: it sees the true state.
const Everything = -1

// Hidden stands for a value that is there but not shown.
const Hidden = -1

// Drawer is a game that can be drawn.
type Drawer interface {
	envs.Env
	// Scene is what a seat may see now, or Everything.
	Scene(seat int) *Scene
	// Describe is what an id of a seat means now.
	Describe(seat, id int) Action
	// Result says what seat's action of the last step came to, as that seat hears of it. Its Text is empty where only the
	// scene tells.
	Result(seat, id int) Result
	// Reveals reports whether the rules show a seat the actions of another one.
	Reveals(seat, other int) bool
}

// Scene is a state as somebody sees it.
type Scene struct {
	Width  float64  `json:"width"`
	Height float64  `json:"height"`
	Types  []string `json:"types,omitempty"` // names of what Node.Attack and Node.Defence count
	Max    int      `json:"max,omitempty"`   // the largest value
	Nodes  []Node   `json:"nodes"`
	Links  []Link   `json:"links"`
	Facts  []string `json:"facts,omitempty"` // what belongs to no node, a line each
}

// Kind is what a node stands for.
type Kind string

// The kinds of nodes.
const (
	Start   Kind = "start"
	Server  Kind = "server"
	Data    Kind = "data"
	Network Kind = "network"
	Host    Kind = "host"
)

// Node is a place in a scene.
type Node struct {
	ID         string   `json:"id"`
	Kind       Kind     `json:"kind"`
	Name       string   `json:"name"`
	X          float64  `json:"x"`
	Y          float64  `json:"y"`
	Attacker   bool     `json:"attacker,omitempty"`   // stands here
	Controlled bool     `json:"controlled,omitempty"` // by who looks
	Scanned    bool     `json:"scanned,omitempty"`    // its defence is known by reconnaissance
	Attack     []int    `json:"attack,omitempty"`     // by type; nil if not shown; single ones may be Hidden
	Defence    []int    `json:"defence,omitempty"`    // likewise
	Detection  int      `json:"detection"`            // Hidden if not shown
	Lines      []string `json:"lines,omitempty"`      // services, files
}

// Link joins two nodes.
type Link struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Blocked bool   `json:"blocked,omitempty"`
}

// Node finds a node; nil if there is none.
func (s *Scene) Node(id string) *Node {
	for i := range s.Nodes {
		if s.Nodes[i].ID == id {
			return &s.Nodes[i]
		}
	}
	return nil
}

// Verb is what kind an action is of.
type Verb string

// The verbs.
const (
	Attack Verb = "attack"
	Scan   Verb = "scan"
	Defend Verb = "defend"
	Detect Verb = "detect"
	Wait   Verb = "wait"
)

// Action is what an id means to people.
type Action struct {
	ID   int    `json:"id"`
	Verb Verb   `json:"verb"`
	From string `json:"from,omitempty"` // node, if any
	To   string `json:"to,omitempty"`   // node, if any
	Type int    `json:"type"`           // of Scene.Types; Hidden if none
	Text string `json:"text"`
}

// Effect is how an action ended.
type Effect string

// The effects.
const (
	Done     Effect = "done"
	Failed   Effect = "failed"
	Detected Effect = "detected"
	Nothing  Effect = "nothing"
)

// Result is what an action came to.
type Result struct {
	Effect Effect `json:"effect"`
	Text   string `json:"text"`
}

// Move is an action that was played, and what it came to.
type Move struct {
	Seat   int    `json:"seat"`
	Role   string `json:"role"`
	Action Action `json:"action"`
	Result Result `json:"result"`
}

// News says in a few words what somebody has learnt between two scenes.
func News(before, after *Scene) string {
	nodes, lines, controlled := map[Kind]int{}, 0, 0
	for i := range after.Nodes {
		node := &after.Nodes[i]
		old := before.Node(node.ID)
		if old == nil {
			nodes[node.Kind]++
			old = new(Node)
		}
		for _, line := range node.Lines {
			if !slices.Contains(old.Lines, line) {
				lines++
			}
		}
		if node.Controlled && !old.Controlled {
			controlled++
		}
	}
	var parts []string
	for _, part := range []struct {
		count int
		what  string
	}{{nodes[Network], "network"}, {nodes[Host], "host"}, {lines, "service or file"}, {controlled, "host taken"}} {
		switch {
		case part.count == 1:
			parts = append(parts, "1 "+part.what)
		case part.count > 1:
			parts = append(parts, strconv.Itoa(part.count)+" "+plurals[part.what])
		}
	}
	if blocks := after.blocked() - before.blocked(); blocks > 0 {
		parts = append(parts, strconv.Itoa(blocks)+" blocked")
	}
	if len(parts) == 0 {
		return "nothing new"
	}
	return "new: " + strings.Join(parts, ", ")
}

var plurals = map[string]string{
	"network": "networks", "host": "hosts", "service or file": "services and files", "host taken": "hosts taken",
}

// blocked is the number of links that are blocked.
func (s *Scene) blocked() (n int) {
	for _, l := range s.Links {
		if l.Blocked {
			n++
		}
	}
	return n
}
