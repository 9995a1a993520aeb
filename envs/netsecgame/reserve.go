package netsecgame

import "slices"

// Reserve makes room for what agents do in an episode of so many actions of each, so that play takes no more memory. It
// does not count what agents make up.
func (w *World) Reserve(actions int, agents []*Agent) {
	pairs := w.existing * w.existing
	for h := range w.logs { // a scan may log on all addresses of a host
		n := len(w.task.Scenario.Hosts[h].Interfaces) * actions * len(agents)
		w.logs[h] = slices.Grow(w.logs[h], min(n, MaxLogged))
	}
	w.blocks = slices.Grow(w.blocks, pairs)
	w.authors = slices.Grow(w.authors, pairs*len(agents))
	for _, a := range agents {
		a.State.blocks = slices.Grow(a.State.blocks, pairs)
	}
}

// Reserve makes room for so many different actions.
func (h *History[A]) Reserve(actions int) {
	h.played = make(map[A]bool, actions)
}
