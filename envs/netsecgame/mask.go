package netsecgame

import "slices"

// A Mask says which of a list of moves are valid to someone who knows a state. It says what [State.Valid] does, but asks
// again only about moves that depend on what has changed.
type Mask struct {
	Valid []bool // by move, as of the last Update
	Count int    // of valid moves

	state  *State
	moves  []Move
	groups [ActionTypes][]span // of moves, by source and target: [existing x existing]

	// The state as of the last Update.
	seen   knowledge
	blocks relation

	own []int32 // memory for controlled addresses
}

// A span is moves from one id to before another.
type span struct{ from, to int }

// NewMask returns the mask of moves from the list of [World.AllMoves], in its order. If blocks is false, BlockIP is never
// valid. Before the first Update, nothing is.
func (w *World) NewMask(s *State, moves []Move, blocks bool) *Mask {
	m := &Mask{
		Valid: make([]bool, len(moves)), state: s, moves: moves, seen: w.newKnowledge(), own: make([]int32, 0, w.fixed),
		blocks: make(relation, 0, w.existing*w.existing),
	}
	for t := range m.groups {
		m.groups[t] = make([]span, w.existing*w.existing)
	}
	for id := range moves {
		move := &moves[id]
		if move.Type == BlockIP && !blocks {
			continue
		}
		target := move.target
		if target == none { // of a scan
			target = move.source
		}
		g := m.group(move.Type, move.source, target)
		if g.to == 0 {
			g.from = id
		}
		g.to = id + 1
	}
	return m
}

func (m *Mask) group(t ActionType, source, target int32) *span {
	return &m.groups[t][int(source)*m.state.world.existing+int(target)]
}

// Update brings the mask up to date.
//
// Moves are valid only from controlled addresses, and ExfiltrateData to them. Where control changes, all of them are
// looked at; so what else changes matters only for addresses that are controlled now.
func (m *Mask) Update() {
	s, seen := m.state, &m.seen
	s.refresh()
	existing := int32(s.world.existing)
	m.own = s.controlled.appendTo(m.own[:0])
	n, _ := slices.BinarySearch(m.own, existing)
	m.own = m.own[:n] // those that exist
	for at := range s.controlled.differing(seen.controlled) {
		if at >= existing {
			break
		}
		m.check(ScanNetwork, at, at)
		m.check(FindData, at, at)
		for other := range existing {
			m.check(FindServices, at, other)
			m.check(ExploitService, at, other)
			if s.files.has(other) || seen.files.has(other) {
				m.check(ExfiltrateData, other, at)
			}
			m.check(BlockIP, at, other)
			m.check(BlockIP, other, at)
		}
	}
	if !slices.Equal(s.networks, seen.networks) {
		for _, x := range m.own {
			m.check(ScanNetwork, x, x)
		}
	}
	if !slices.Equal(s.hosts, seen.hosts) {
		for _, x := range m.own {
			for y := range s.hosts.differing(seen.hosts) {
				if y < existing {
					m.check(FindServices, x, y)
				}
			}
			for _, y := range m.own {
				m.check(BlockIP, x, y)
			}
		}
	}
	for at := range existing {
		if s.services[at] != seen.services[at] {
			for _, x := range m.own {
				m.check(ExploitService, x, at)
			}
		}
		if !slices.Equal(s.data.row(at), seen.data.row(at)) {
			for _, y := range m.own {
				m.check(ExfiltrateData, at, y)
			}
		}
	}
	for p := range s.blocks.differing(m.blocks) {
		if !s.world.exists(p.x) || !s.world.exists(p.y) {
			continue
		}
		for t := range ActionType(ActionTypes) {
			m.check(t, p.x, p.y)
		}
	}
	m.blocks = append(m.blocks[:0], s.blocks...)
	seen.copy(&s.knowledge)
}

// check asks about the moves of a type from a source to a target.
func (m *Mask) check(t ActionType, source, target int32) {
	g := m.group(t, source, target)
	for id := g.from; id < g.to; id++ {
		valid := m.state.Valid(&m.moves[id])
		if valid == m.Valid[id] {
			continue
		}
		m.Valid[id] = valid
		if valid {
			m.Count++
		} else {
			m.Count--
		}
	}
}
