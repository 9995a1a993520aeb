package idsgame

import (
	"math"

	"idsrl/envs"
)

// views are what players look at: a function of the State, kept up to date by hardened and attacked.
type views struct {
	obs   [2][]float32 // by seat, one observation
	legal [2][]bool    // by seat and id
	// The rest is what the bots look for, by node.
	weakest    []extreme // the smallest defence value; the start node's plays no part
	strongest  []extreme // the largest attack value
	open       []int16   // how many attack types are below the maximum
	legalCount int       // legal attack ids

	floats []float32 // both observations: what is copied when an episode starts
}

// extreme is a smallest or largest value of a node and the first type that has it, packed so that comparing numbers
// finds both without a branch: the value first, then the type, counted backwards for a largest value.
type extreme int16

const lastType = 0xff

func smallest(value int8, typ int) extreme { return extreme(value)<<8 | extreme(typ) }

func largest(value int8, typ int) extreme { return extreme(value)<<8 | extreme(lastType-typ) }

func (e extreme) value() int8 { return int8(e >> 8) }

// smallestType is the type of an extreme that smallest packed.
func (e extreme) smallestType() int { return int(e & lastType) }

// largestType is the type of an extreme that largest packed.
func (e extreme) largestType() int { return lastType - int(e&lastType) }

func (r *Rules) newViews() views {
	n := r.Net.Nodes
	attacker, defender := r.viewLen(AttackerSeat), r.viewLen(DefenderSeat)
	floats := make([]float32, attacker+defender)
	v := views{
		floats: floats, weakest: make([]extreme, n), strongest: make([]extreme, n), open: make([]int16, n),
	}
	v.obs = [2][]float32{floats[:attacker:attacker], floats[attacker:]}
	v.legal = [2][]bool{make([]bool, len(r.attacks)), make([]bool, len(r.defences))}
	for id := range r.defences {
		v.legal[DefenderSeat][id] = r.LegalDefence(id)
	}
	return v
}

// set makes v a copy of o, which belongs to the same Rules.
func (v *views) set(o *views) {
	copy(v.floats, o.floats)
	copy(v.legal[AttackerSeat], o.legal[AttackerSeat])
	copy(v.weakest, o.weakest)
	copy(v.strongest, o.strongest)
	copy(v.open, o.open)
	v.legalCount = o.legalCount
}

// derive makes v the views of s.
func (v *views) derive(r *Rules, s *State) {
	for i, x := range s.Defence {
		v.obs[DefenderSeat][i] = float32(x)
	}
	for u := range r.Net.Nodes {
		v.weakest[u] = r.weakestType(s, u)
		v.strongest[u], v.open[u] = largest(0, lastType), 0
		for t, x := range s.Attack[u*r.attackWidth:][:r.cfg.NumAttackTypes] {
			v.strongest[u] = max(v.strongest[u], largest(x, t))
			if int(x) < r.cfg.MaxValue {
				v.open[u]++
			}
		}
	}
	clear(v.legal[AttackerSeat])
	v.targets(r, s, s.Node)
	clear(v.obs[AttackerSeat])
	if r.cfg.LocalView {
		v.local(r, s)
		return
	}
	for u := range r.Net.Nodes {
		if r.sees(s.Node, u) {
			v.row(r, s, u)
		}
		if s.Known != nil {
			v.knowledge(r, s, u)
		}
	}
	v.obs[AttackerSeat][s.Node*r.obsWidth+r.cfg.NumAttackTypes] = 1
}

// weakestType is the first of a node's smallest defence values.
func (r *Rules) weakestType(s *State, node int) extreme {
	e := smallest(math.MaxInt8, 0)
	for t, x := range s.Defence[node*r.defenceWidth:][:r.cfg.NumAttackTypes] {
		e = min(e, smallest(x, t))
	}
	return e
}

// hardened follows a defence that had an effect.
func (v *views) hardened(r *Rules, s *State, id int) {
	v.obs[DefenderSeat][id] = float32(s.Defence[id])
	if d := &r.defences[id]; d.typ == v.weakest[d.node].smallestType() {
		v.weakest[d.node] = r.weakestType(s, d.node)
	}
}

// attacked follows an attack or reconnaissance that took place with the attacker at node from.
func (v *views) attacked(r *Rules, s *State, id, from int, tr *Transition) {
	a := &r.attacks[id]
	if !a.scout {
		value := s.Attack[id]
		if !r.cfg.LocalView {
			v.obs[AttackerSeat][a.seen] = float32(value)
		}
		v.strongest[a.node] = max(v.strongest[a.node], largest(value, a.typ))
		if int(value) == r.cfg.MaxValue && v.legal[AttackerSeat][id] { // it may have been at the maximum before
			v.legal[AttackerSeat][id] = false
			v.legalCount--
			v.open[a.node]--
		}
	}
	if tr.Moved {
		for _, u := range r.Net.Targets[from] {
			clear(v.legal[AttackerSeat][u*r.attackWidth : (u+1)*r.attackWidth])
		}
		v.targets(r, s, s.Node)
	}
	if r.cfg.LocalView {
		v.local(r, s)
		return
	}
	if s.Known != nil {
		v.knowledge(r, s, a.node)
	}
	if !tr.Moved {
		return
	}
	width, t := r.obsWidth, r.cfg.NumAttackTypes
	obs := v.obs[AttackerSeat]
	obs[from*width+t], obs[s.Node*width+t] = 0, 1
	if r.cfg.FullyObserved {
		return
	}
	for _, u := range r.Net.Neighbours[from] {
		clear(obs[u*width : u*width+t])
	}
	v.row(r, s, s.Node)
	for _, u := range r.Net.Neighbours[s.Node] {
		v.row(r, s, u)
	}
}

// targets marks the legal attacks of an attacker at node, where none is marked, and counts them.
func (v *views) targets(r *Rules, s *State, node int) {
	v.legalCount = 0
	for _, u := range r.Net.Targets[node] {
		v.legalCount += int(v.open[u])
		legal := v.legal[AttackerSeat][u*r.attackWidth : (u+1)*r.attackWidth]
		for t, x := range s.Attack[u*r.attackWidth:][:r.cfg.NumAttackTypes] {
			legal[t] = int(x) < r.cfg.MaxValue
		}
		if r.cfg.Reconnaissance {
			legal[r.cfg.NumAttackTypes] = true
			v.legalCount++
		}
	}
}

// obsWidth is the number of columns of the attacker's observation: T attack values, the position flag (or, in a local
// view, the node id), and with reconnaissance T known defence values and, if asked for, the flag of a scanned node.
func (c *Config) obsWidth() int {
	t := c.NumAttackTypes
	switch {
	case !c.Reconnaissance:
		return t + 1
	case c.ReconnaissanceBool:
		return 2*t + 2
	default:
		return 2*t + 1
	}
}

// local reports whether a seat has a local view.
func (r *Rules) local(seat int) bool { return seat == AttackerSeat && r.cfg.LocalView }

// rows is how many rows a seat sees: nodes, or in a local view neighbours.
func (r *Rules) rows(seat int) int {
	if r.local(seat) {
		return len(r.cfg.NeighborPositions)
	}
	return r.Net.Nodes
}

// viewLen is the number of entries of a seat's observation in views.
func (r *Rules) viewLen(seat int) int {
	if seat == AttackerSeat {
		return r.rows(seat) * r.obsWidth
	}
	return r.rows(seat) * r.defenceWidth
}

// sees reports whether an attacker at node sees the attack values of node u.
func (r *Rules) sees(node, u int) bool {
	n := r.Net.Nodes
	return r.cfg.FullyObserved || node == u || r.reach[node*n+u] || r.reach[u*n+node]
}

// row writes the attack values of node u into the attacker's full view.
func (v *views) row(r *Rules, s *State, u int) {
	dst := v.obs[AttackerSeat][u*r.obsWidth:]
	for t, x := range s.Attack[u*r.attackWidth:][:r.cfg.NumAttackTypes] {
		dst[t] = float32(x)
	}
}

// knowledge writes what the attacker knows of the defence of node u into its full view.
func (v *views) knowledge(r *Rules, s *State, u int) {
	v.known(r, s, u, v.obs[AttackerSeat][u*r.obsWidth:])
}

// known writes the columns of reconnaissance of node u into a row of the attacker's observation.
func (v *views) known(r *Rules, s *State, u int, row []float32) {
	t := r.cfg.NumAttackTypes
	for i, x := range s.Known[u*t : (u+1)*t] {
		row[t+1+i] = float32(x)
	}
	if r.cfg.ReconnaissanceBool {
		row[2*t+1] = 0
		if s.Scanned[u] {
			row[2*t+1] = 1
		}
	}
}

// local writes the attacker's local view: a row for each neighbour position, all -1 where no node is that the attacker
// could attack.
func (v *views) local(r *Rules, s *State) {
	width, t := r.obsWidth, r.cfg.NumAttackTypes
	for k, offset := range r.cfg.NeighborPositions {
		row := v.obs[AttackerSeat][k*width : (k+1)*width]
		u := r.Neighbour(s.Node, offset)
		if u < 0 {
			for i := range row {
				row[i] = -1
			}
			continue
		}
		for i, x := range s.Attack[u*r.attackWidth:][:t] {
			row[i] = float32(x)
		}
		row[t] = float32(u)
		if s.Known != nil {
			v.known(r, s, u, row)
		}
	}
}

// Neighbour is the node at a grid offset (rows, columns) from node that an attacker there can attack, or -1.
func (r *Rules) Neighbour(node int, offset [2]int) int {
	u := r.Net.At(r.Net.Row[node]+offset[0], r.Net.Col[node]+offset[1])
	if u < 0 || !r.reach[node*r.Net.Nodes+u] {
		return -1
	}
	return u
}

// GlobalAttack translates an id of the local action space, slot*(T+1)+type where slot is a row of the local view, to
// the id that Apply takes; ok tells whether there is such a neighbour. It is for games with reconnaissance.
func (r *Rules) GlobalAttack(s *State, local int) (id int, ok bool) {
	u := r.Neighbour(s.Node, r.cfg.NeighborPositions[local/r.attackWidth])
	if u < 0 {
		return 0, false
	}
	return u*r.attackWidth + local%r.attackWidth, true
}

// LocalAttackActions is the number of ids of the local action space, 0 where there is none.
func (r *Rules) LocalAttackActions() int {
	if !r.cfg.LocalView || !r.cfg.Reconnaissance {
		return 0
	}
	return len(r.cfg.NeighborPositions) * r.attackWidth
}

// fullStates is the most states for which a seat offers the full-state encoding.
const fullStates = 1 << 21

// spec describes the game as an Env whose seats see features.
func (r *Rules) spec(id string, seen [2]*features) envs.Spec {
	attacker := envs.Seat{
		Role: envs.Attacker, Obs: seen[AttackerSeat].box(),
		Actions: envs.Discrete{N: len(r.attacks), NameFunc: r.AttackName},
		Encodings: []envs.Encoding{
			NodeEncoding: {Name: "node", States: r.Net.Nodes, About: "the attacker's node"},
		},
	}
	defender := envs.Seat{
		Role: envs.Defender, Obs: seen[DefenderSeat].box(),
		Actions: envs.Discrete{N: len(r.defences), NameFunc: r.DefenceName},
		Encodings: []envs.Encoding{
			NodeEncoding: {Name: "node", States: 1, About: "one state: the defender does not see the attacker"},
		},
	}
	for i, seat := range []*envs.Seat{AttackerSeat: &attacker, DefenderSeat: &defender} {
		digits := r.viewLen(i)
		if r.cfg.FullyObserved {
			digits = r.viewLen(AttackerSeat) + r.viewLen(DefenderSeat)
		}
		states := math.Pow(float64(r.cfg.MaxValue+1), float64(digits))
		if states <= fullStates && !r.cfg.Reconnaissance && !r.cfg.LocalView {
			full := envs.Encoding{Name: "full", States: int(states), About: "every value that the seat sees"}
			seat.Encodings = append(seat.Encodings, full)
		}
	}
	return envs.Spec{
		ID: id, Seats: []envs.Seat{AttackerSeat: attacker, DefenderSeat: defender},
		MaxSteps: r.cfg.MaxGameSteps + 2, // the limit is checked before a step, with a step counter that starts at 0
	}
}
