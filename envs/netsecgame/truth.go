package netsecgame

import (
	"slices"

	"idsrl/envs"
)

// View returns the true state by the names of things, as an agent would see it that knows everything and controls what
// attackers do.
func (w *World) View(agents []*Agent) GameState {
	v := GameState{
		KnownNetworks: slices.Clone(w.networks[:w.scenarioNetworks]), KnownHosts: slices.Clone(w.addresses[:w.existing]),
		KnownServices: map[IP][]Service{}, KnownData: map[IP][]Data{}, KnownBlocks: map[IP][]IP{},
	}
	for at, ip := range w.addresses[:w.existing] {
		for _, id := range w.serviceIDs[at] {
			v.KnownServices[ip] = append(v.KnownServices[ip], w.services[id])
		}
		host := w.hostOf[at]
		for id := range w.files.row(host).all() {
			key := w.data[id]
			size, text := w.contents.find(host, id)
			v.KnownData[ip] = append(v.KnownData[ip], Data{key.Owner, key.ID, size, key.Type, text})
		}
		if slices.ContainsFunc(agents, func(a *Agent) bool { return a.Role == envs.Attacker && a.State.controlled.has(int32(at)) }) {
			v.ControlledHosts = append(v.ControlledHosts, ip)
		}
	}
	for _, p := range w.blocks {
		v.KnownBlocks[w.addresses[p.x]] = append(v.KnownBlocks[w.addresses[p.x]], w.addresses[p.y])
	}
	return v
}

// Goal returns what the agent must know and control, by the names of things.
func (a *Agent) Goal() GameState {
	w := a.State.world
	goal := State{knowledge: a.goal, world: w, logs: make([]logCopy, w.fixed), liveData: none, liveBlocks: none}
	return goal.View()
}
