package netsecgame

// Features are what learners see of a state, as bits by the numbers of things, so that new addresses change nothing:
//
//	networks                  known
//	addresses                 known; controlled; log known, as after FindData: each a block of one bit an address
//	services of each address  known to be there, in the order of the scenario
//	data of each address      known to be there, logs aside
//	pairs of addresses        known to be blocked, if blocks is true
//
// Only what exists is in them: not the neighbours of networks, nor addresses that the task or agents make up. Of the moves
// on what exists, they say which are valid.

// Features returns the length of what [State.Features] writes.
func (w *World) Features(blocks bool) int {
	n := w.scenarioNetworks + (3+len(w.documents))*w.existing
	for _, services := range w.serviceIDs {
		n += len(services)
	}
	if blocks {
		n += w.existing * w.existing
	}
	return n
}

// Features overwrites dst with the features of the state, 0 or 1 each.
func (s *State) Features(dst []float32, blocks bool) {
	s.refresh()
	w, i := s.world, 0
	put := func(is bool) {
		dst[i] = 0
		if is {
			dst[i] = 1
		}
		i++
	}
	for id := range w.scenarioNetworks {
		put(s.networks.has(int32(id)))
	}
	for _, set := range [...]bitset{s.hosts, s.controlled} {
		for at := range w.existing {
			put(set.has(int32(at)))
		}
	}
	for at := range w.existing {
		put(s.data.row(int32(at)).has(w.logFile))
	}
	for at, services := range w.serviceIDs {
		known := &w.sets[s.services[at]]
		for _, id := range services {
			put(known.has(id))
		}
	}
	for at := range w.existing {
		row := s.data.row(int32(at))
		for _, id := range w.documents {
			put(row.has(id))
		}
	}
	if !blocks {
		return
	}
	pairs := dst[i:]
	clear(pairs)
	for _, p := range s.blocks {
		if w.exists(p.x) && w.exists(p.y) {
			pairs[int(p.x)*w.existing+int(p.y)] = 1
		}
	}
}

// Valid reports whether a move makes sense to someone who knows s: whether the library of the original's clients offers
// it.
func (s *State) Valid(m *Move) bool {
	free := func() bool { return m.source == m.target || !s.blocks.has(pair{m.source, m.target}) }
	if m.Type != ExfiltrateData && !s.controlled.has(m.source) {
		return false
	}
	switch m.Type {
	case ScanNetwork:
		return s.networks.has(m.network)
	case FindServices:
		return s.hosts.has(m.target) && free()
	case FindData:
		return m.source == m.target
	case ExploitService:
		return s.world.sets[s.services[m.target]].has(m.service) && free()
	case ExfiltrateData:
		return m.source != m.target && s.data.row(m.source).has(m.data) && s.controlled.has(m.target) && free()
	default:
		return s.controlled.has(m.target) && s.hosts.has(m.blocked) && free()
	}
}

// Pointless reports whether a move brings nothing that another does not: finding data or blocking from elsewhere,
// exploiting a local service, which only its host sees, copying logs or to the source, blocking a host from itself.
func (w *World) Pointless(m Move) bool {
	switch m.Type {
	case FindData:
		return m.source != m.target
	case ExploitService:
		return w.services[m.service].Local
	case ExfiltrateData:
		return m.source == m.target || m.data == w.logFile
	case BlockIP:
		return m.source != m.target || m.target == m.blocked
	default:
		return false
	}
}

// News reports whether a move of [World.AllMoves] may tell the agent what it does not know, as far as it can see: not
// if it knows services or the log, controls the target, or has the data there. A scan always may. Of what can be copied, only
// what the goal wants on the target is news, and of blocks those of addresses that are in other networks.
func (w *World) News(a *Agent, m *Move) bool {
	s := &a.State
	switch m.Type {
	case FindServices:
		return s.services[m.target] == unknown
	case FindData:
		return !s.data.row(m.target).has(w.logFile)
	case ExploitService:
		return !s.controlled.has(m.target)
	case ExfiltrateData:
		return a.goal.data.row(m.target).has(m.data) && !s.data.row(m.target).has(m.data)
	case BlockIP:
		return w.networkOf[m.target] != w.networkOf[m.blocked] && !s.blocks.has(pair{m.target, m.blocked})
	default:
		return true
	}
}
