package idsgame

import (
	"strconv"

	"idsrl/envs/scene"
)

// labels are the attack types as people read them.
var labels = [len(attackTypes)]string{
	"Injection", "Authentication", "Cross-site scripting", "References", "Misconfiguration",
	"Exposure", "Access", "Forgery", "Vulnerabilities", "Redirects",
}

// typeLabel is the name of an attack type in full.
func typeLabel(typ int) string {
	if typ < len(labels) {
		return labels[typ]
	}
	return "Type " + strconv.Itoa(typ)
}

// Scene is what a seat sees of the state: what its observation shows and, in a fully observed game, what that of the
// other seat shows. In a local view the attacker also sees where it is.
func (g *Game) Scene(seat int) *scene.Scene {
	r, s := g.rules, g.state
	t, all := r.cfg.NumAttackTypes, seat == scene.Everything || r.cfg.FullyObserved
	shown := r.showsAttack(seat, s)
	place := seat != DefenderSeat || r.cfg.FullyObserved && (!r.cfg.LocalView || r.cfg.joint())
	sc := r.Net.plan(t, r.cfg.MaxValue)
	for v := range sc.Nodes {
		node := &sc.Nodes[v]
		node.Attacker = v == s.Node && place
		if shown[v] {
			node.Attack = ints(s.Attack[v*r.attackWidth:][:t])
		}
		if all || seat == DefenderSeat {
			node.Defence, node.Detection = ints(s.Defence[v*r.defenceWidth:][:t]), int(r.Detection(s, v))
		}
		if s.Known != nil && seat != DefenderSeat && (shown[v] || !r.local(seat)) {
			node.Scanned = s.Scanned[v] && (r.cfg.ReconnaissanceBool || seat == scene.Everything)
			if node.Defence == nil {
				node.Defence = known(s.Known[v*t : (v+1)*t])
			}
		}
	}
	return sc
}

// plan is the network as a scene: where nodes stand, without values, which are of so many types and have a maximum.
func (n *Network) plan(types, maximum int) *scene.Scene {
	sc := &scene.Scene{Width: float64(n.Cols - 1), Height: float64(n.Rows - 1), Max: maximum}
	for typ := range types {
		sc.Types = append(sc.Types, typeLabel(typ))
	}
	for v := range n.Nodes {
		node := scene.Node{
			ID: strconv.Itoa(v), Kind: scene.Server, Name: n.name(v), Detection: scene.Hidden,
			X: float64(n.Col[v]), Y: float64(n.Row[v]),
		}
		switch v {
		case Data:
			node.Kind, node.X = scene.Data, sc.Width/2
		case n.Start():
			node.Kind, node.X = scene.Start, sc.Width/2
		}
		sc.Nodes = append(sc.Nodes, node)
		for _, u := range n.Neighbours[v] {
			if u > v {
				sc.Links = append(sc.Links, scene.Link{From: node.ID, To: strconv.Itoa(u)})
			}
		}
	}
	return sc
}

// showsAttack says by node whether a seat sees attack values: the attacker those of its observation, the defender in a
// fully observed game those of the attacker's or, in joint observations, all.
func (r *Rules) showsAttack(seat int, s *State) []bool {
	shown := make([]bool, r.Net.Nodes)
	if seat == DefenderSeat && !r.cfg.FullyObserved {
		return shown
	}
	if r.cfg.LocalView && seat != scene.Everything && (seat == AttackerSeat || !r.cfg.joint()) {
		for _, offset := range r.cfg.NeighborPositions {
			if u := r.Neighbour(s.Node, offset); u >= 0 {
				shown[u] = true
			}
		}
		return shown
	}
	for v := range shown {
		shown[v] = seat == scene.Everything || r.sees(s.Node, v)
	}
	return shown
}

// known are defence values as the attacker knows them; nil if it knows none.
func known(row []int8) []int {
	values, some := ints(row), false
	for i, x := range values {
		if x == Unknown {
			values[i] = scene.Hidden
		} else {
			some = true
		}
	}
	if !some {
		return nil
	}
	return values
}

func ints(values []int8) []int {
	list := make([]int, len(values))
	for i, x := range values {
		list[i] = int(x)
	}
	return list
}

// name is what people call a node.
func (n *Network) name(v int) string {
	switch v {
	case Data:
		return "Data"
	case n.Start():
		return "Start"
	default:
		return "Server " + strconv.Itoa(v)
	}
}

// Describe is what an id means to people.
func (g *Game) Describe(seat, id int) scene.Action {
	r := g.rules
	a := scene.Action{ID: id, Type: scene.Hidden}
	var target target
	switch {
	case seat == AttackerSeat && id == NoAttack:
		a.Verb, a.Text = scene.Wait, "No attack"
		return a
	case seat == AttackerSeat:
		target, a.Verb, a.From = r.attacks[id], scene.Attack, strconv.Itoa(g.state.Node)
		if target.scout {
			a.Verb = scene.Scan
		}
	default:
		target, a.Verb = r.defences[id], scene.Defend
		if target.typ == r.cfg.NumAttackTypes {
			a.Verb = scene.Detect
		}
	}
	name := r.Net.name(target.node)
	a.To = strconv.Itoa(target.node)
	switch a.Verb {
	case scene.Scan:
		a.Text = "Reconnaissance of " + name
	case scene.Detect:
		a.Text = "Detection on " + name
	default:
		a.Type = target.typ
		a.Text = typeLabel(target.typ) + map[scene.Verb]string{scene.Attack: " against ", scene.Defend: " on "}[a.Verb] + name
	}
	return a
}

// Result is what the last step made of a seat's action.
func (g *Game) Result(seat, _ int) scene.Result {
	tr := &g.last
	if tr.Capped {
		return scene.Result{Effect: scene.Nothing, Text: "too late: the step limit was reached"}
	}
	if seat == DefenderSeat {
		if tr.Hardened {
			return scene.Result{Effect: scene.Done, Text: "raised by one"}
		}
		return scene.Result{Effect: scene.Nothing, Text: "already at the maximum"}
	}
	switch {
	case !tr.Attacked:
		return scene.Result{Effect: scene.Nothing, Text: "impossible from here"}
	case g.state.Hacked:
		return scene.Result{Effect: scene.Done, Text: "succeeds: the data are taken"}
	case tr.Moved:
		return scene.Result{Effect: scene.Done, Text: "succeeds"}
	case g.state.Detected:
		return scene.Result{Effect: scene.Detected, Text: "detected"}
	case tr.Scouted:
		return scene.Result{Effect: scene.Done, Text: "done, not detected"}
	default:
		return scene.Result{Effect: scene.Failed, Text: "fails, not detected"}
	}
}

// Reveals reports whether the game is fully observed.
func (g *Game) Reveals(int, int) bool { return g.rules.cfg.FullyObserved }
