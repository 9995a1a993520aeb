package idsgame

import (
	"bytes"
	"slices"
)

// sight is what a Model makes of a State.
type sight struct {
	key    []byte
	ids    [2][][]int // by seat and action, the ids that it stands for
	order  []int      // nodes that count, those alike next to each other
	types  [][]int    // by node, types alike next to each other
	blocks [][]byte   // by node, its part of the key
}

func newSight(r *Rules) *sight {
	v := &sight{types: make([][]int, r.Net.Nodes), blocks: make([][]byte, r.Net.Nodes)}
	for u := range v.types {
		v.types[u] = make([]int, r.cfg.NumAttackTypes)
	}
	return v
}

// look makes v the sight of s; false if s is decided.
func (m *Model) look(s *State, v *sight) bool {
	if s.Hacked || s.Detected || !m.hopeful(s, s.Node) || !m.full && m.guarded(s) >= 0 {
		return false
	}
	left := m.left(s)
	v.key = append(v.key[:0], byte(left), byte(left>>8))
	if m.reduced {
		m.reduce(s, v)
	} else {
		m.copy(s, v)
	}
	return left > 0
}

// live reports whether an attack of this kind can ever succeed.
func (m *Model) live(s *State, node, typ int) bool {
	return int(s.Defence[node*m.rules.defenceWidth+typ]) < m.rules.cfg.MaxValue
}

// hopeful reports whether an attacker at node could reach the data node.
func (m *Model) hopeful(s *State, node int) bool {
	clear(m.visited)
	return m.reaches(s, node)
}

func (m *Model) reaches(s *State, node int) bool {
	m.visited[node] = true
	return node == Data || slices.ContainsFunc(m.rules.Net.Targets[node], func(u int) bool {
		return !m.visited[u] && m.vulnerable(s, u) && m.reaches(s, u)
	})
}

// vulnerable reports whether some attack on node can ever succeed.
func (m *Model) vulnerable(s *State, node int) bool {
	for t := range m.rules.cfg.NumAttackTypes {
		if m.live(s, node, t) {
			return true
		}
	}
	return false
}

// gap is by how much the defence exceeds the attack value.
func (m *Model) gap(s *State, node, typ int) int {
	return int(s.Defence[node*m.rules.defenceWidth+typ]) - int(s.Attack[node*m.rules.attackWidth+typ])
}

// guarded is a row that the defender can hold against every attack, or none. It is one that the attacker has to pass, where
// no attack value is above the defence value, and at most one equals it. The defender raises the defence value that is
// equal, or else any, so that none is left when the attack comes; that fails, and at most one value is equal again.
func (m *Model) guarded(s *State) int {
	r := m.rules
	row, equal := r.Net.Row[Data], 0
	for u := range s.Node {
		if r.Net.Row[u] != row {
			if equal <= 1 {
				return row
			}
			row, equal = r.Net.Row[u], 0
		}
		if row == r.Net.Row[s.Node] {
			return none
		}
		for t := range r.cfg.NumAttackTypes {
			switch gap := m.gap(s, u, t); {
			case !m.live(s, u, t) || gap > 0:
			case gap < 0:
				equal += 2 // too much for one defence
			default:
				equal++
			}
		}
	}
	if equal <= 1 {
		return row
	}
	return none
}

// left is how many steps may follow on s: each raises an attack value, and there is the step limit.
func (m *Model) left(s *State) int {
	r, growth := m.rules, 0
	for u := range r.Net.Start() {
		for t := range r.cfg.NumAttackTypes {
			if !m.reduced || m.counts(s, u) && m.live(s, u, t) {
				growth += r.cfg.MaxValue - int(s.Attack[u*r.attackWidth+t])
			}
		}
	}
	return min(growth, r.cfg.MaxGameSteps+1-s.Steps)
}

// counts reports whether node is above the attacker, in a reduced Model.
func (m *Model) counts(s *State, node int) bool {
	return m.rules.Net.Row[node] < m.rules.Net.Row[s.Node]
}

// copy makes v the sight of s in a full Model.
func (m *Model) copy(s *State, v *sight) {
	r := m.rules
	v.key = append(v.key, byte(s.Node), byte(s.Node>>8))
	for _, x := range s.Attack {
		v.key = append(v.key, byte(x))
	}
	for _, x := range s.Defence {
		v.key = append(v.key, byte(x))
	}
	v.clear()
	for id := range r.attacks {
		if r.LegalAttack(s, id) {
			v.add(AttackerSeat, id)
		}
	}
	for id := range r.defences {
		if r.LegalDefence(id) {
			v.add(DefenderSeat, id)
		}
	}
}

func (v *sight) clear() {
	for seat := range v.ids {
		v.ids[seat] = v.ids[seat][:0]
	}
}

// add appends an action that stands for ids.
func (v *sight) add(seat int, ids ...int) {
	list := v.ids[seat]
	if len(list) < cap(list) {
		list = list[:len(list)+1]
	} else {
		list = append(list, nil)
	}
	last := len(list) - 1
	list[last] = append(list[last][:0], ids...)
	v.ids[seat] = list
}

// extend appends an id to those that the last action stands for.
func (v *sight) extend(seat, id int) {
	last := len(v.ids[seat]) - 1
	v.ids[seat][last] = append(v.ids[seat][last], id)
}

// pair is what counts of a type: its attack and defence value; where it is not live, which.
func (m *Model) pair(s *State, node, typ int) (attack, defence byte) {
	if !m.live(s, node, typ) {
		return 0, byte(m.rules.cfg.MaxValue)
	}
	return byte(s.Attack[node*m.rules.attackWidth+typ]), byte(s.Defence[node*m.rules.defenceWidth+typ])
}

// reduce makes v the sight of s in a reduced Model. The key is whether the attacker is on the start node, and a block for
// each node that counts: the pairs of its types in ascending order, and its detection value.
func (m *Model) reduce(s *State, v *sight) {
	r := m.rules
	started := byte(0)
	if s.Node == r.Net.Start() {
		started = 1
	}
	v.key, v.order = append(v.key, started), v.order[:0]
	for u := range r.Net.Start() {
		if !m.counts(s, u) {
			continue
		}
		v.order = append(v.order, u)
		types := v.types[u]
		for t := range types {
			types[t] = t
		}
		slices.SortStableFunc(types, func(t, o int) int { return m.compare(s, u, t, o) })
		block := v.blocks[u][:0]
		for _, t := range types {
			attack, defence := m.pair(s, u, t)
			block = append(block, attack, defence)
		}
		detection := byte(r.Detection(s, u))
		if !m.vulnerable(s, u) {
			detection = 0
		}
		v.blocks[u] = append(block, detection)
	}
	slices.SortStableFunc(v.order[1:], func(u, o int) int { return bytes.Compare(v.blocks[u], v.blocks[o]) })
	for _, u := range v.order {
		v.key = append(v.key, v.blocks[u]...)
	}
	v.clear()
	m.actions(s, v)
}

// compare orders two types of a node by their pairs.
func (m *Model) compare(s *State, node, t, o int) int {
	a, d := m.pair(s, node, t)
	b, e := m.pair(s, node, o)
	if d != e {
		return int(d) - int(e)
	}
	return int(a) - int(b)
}

// actions fills in the ids of v: an action for each group of nodes with equal blocks and group of types with equal pairs,
// or their detection values.
func (m *Model) actions(s *State, v *sight) {
	r := m.rules
	for rest := v.order; len(rest) > 0; {
		first, alike := rest[0], 1
		for first != Data && alike < len(rest) && bytes.Equal(v.blocks[first], v.blocks[rest[alike]]) {
			alike++
		}
		nodes := rest[:alike]
		rest = rest[alike:]
		if !m.vulnerable(s, first) {
			continue
		}
		for k, t := range v.types[first] {
			if !m.live(s, first, t) {
				continue
			}
			if k == 0 || m.compare(s, first, v.types[first][k-1], t) != 0 {
				v.add(DefenderSeat)
				v.add(AttackerSeat)
			}
			for _, u := range nodes {
				v.extend(DefenderSeat, u*r.defenceWidth+v.types[u][k])
				v.extend(AttackerSeat, u*r.attackWidth+v.types[u][k])
			}
		}
		if !r.reach[s.Node*r.Net.Nodes+first] {
			v.ids[AttackerSeat] = v.ids[AttackerSeat][:0] // the data node, seen from below the servers, comes first
		}
		if int(r.Detection(s, first)) < r.cfg.MaxValue {
			v.add(DefenderSeat)
			for _, u := range nodes {
				v.extend(DefenderSeat, u*r.defenceWidth+r.cfg.NumAttackTypes)
			}
		}
	}
}

// decode makes state the one that a key stands for.
func (m *Model) decode(key string) {
	r, s := m.rules, m.state
	left := int(key[0]) | int(key[1])<<8
	r.begin(s)
	s.Steps = r.cfg.MaxGameSteps + 1 - left
	key = key[2:]
	if !m.reduced {
		s.Node = int(key[0]) | int(key[1])<<8
		key = key[2:]
		for i := range s.Attack {
			s.Attack[i] = int8(key[i])
		}
		for i := range s.Defence {
			s.Defence[i] = int8(key[len(s.Attack)+i])
		}
		return
	}
	clear(s.Attack)
	clear(s.Defence)
	if key[0] == 0 {
		s.Node = 1 // any server
	}
	key = key[1:]
	for u := range r.Net.Start() {
		if !m.counts(s, u) {
			continue
		}
		for t := range r.cfg.NumAttackTypes {
			s.Attack[u*r.attackWidth+t], s.Defence[u*r.defenceWidth+t] = int8(key[2*t]), int8(key[2*t+1])
		}
		s.Defence[u*r.defenceWidth+r.cfg.NumAttackTypes] = int8(key[2*r.cfg.NumAttackTypes])
		key = key[2*r.cfg.NumAttackTypes+1:]
	}
}
