package netsecgame

import (
	"slices"
	"strconv"

	"idsrl/envs"
)

// A view is a View by numbers.
type view struct {
	networks          bitset
	known, controlled hostView
	services          []serviceView
	data              []dataView
}

type hostView struct {
	at     bitset
	random int
}

type serviceView struct {
	at  int32
	ids []int32 // none: one that is drawn
}

type dataView struct {
	at     int32
	ids    bitset
	random bool
}

func (w *World) compile(v *View) view {
	c := view{
		networks: make(bitset, words(w.scenarioNetworks)),
		known:    w.compileHosts(v.Known), controlled: w.compileHosts(v.Controlled),
	}
	for _, n := range v.Networks {
		c.networks.add(w.networkID[n])
	}
	for _, s := range v.Services {
		ids := make([]int32, len(s.Services))
		for i, service := range s.Services {
			ids[i] = none
			if service != nil {
				ids[i] = w.serviceID[*service]
			}
		}
		c.services = append(c.services, serviceView{w.addressID[s.Host], ids})
	}
	for _, d := range v.Data {
		ids := make(bitset, words(len(w.data)))
		for _, key := range d.Data {
			ids.add(w.dataID[key])
		}
		c.data = append(c.data, dataView{w.addressID[d.Host], ids, d.Random})
	}
	return c
}

func (w *World) compileHosts(v HostView) hostView {
	c := hostView{make(bitset, words(w.fixed)), v.Random}
	for _, ip := range v.IPs {
		c.at.add(w.addressID[ip])
	}
	if v.AllLocal {
		c.at.addAll(w.local)
	}
	return c
}

// NewAgent returns an agent of a role that the task has, as [World.Begin] leaves it.
func (w *World) NewAgent(role envs.Role) *Agent {
	a := &Agent{Role: role, State: w.newState(), goal: w.newKnowledge()}
	w.Begin(a)
	return a
}

// Begin draws the agent's start position, then its goal, and sets its false positives to 0: at every join and reset.
func (w *World) Begin(a *Agent) {
	views, s := &w.views[a.Role], &a.State
	a.FalsePositives = 0
	a.unreached = a.Role == envs.Defender && !w.compat.DefenderGoal && w.task.Roles[a.Role].Goal.isEmpty()
	s.clear()
	w.drawHosts(&s.knowledge, &views.start, w.starts)
	s.hosts.addAll(s.controlled)
	for at := range s.controlled.all() {
		if w.exists(at) {
			w.addNetworks(s, w.networkOf[at])
		}
	}
	w.drawServices(&s.knowledge, &views.start)
	for i := range views.start.data {
		v := &views.start.data[i]
		var there bitset
		if v.random {
			there = w.files.row(w.hostOf[v.at])
		}
		w.drawData(&s.knowledge, v, there, w.logFile)
	}
	a.goal.clear()
	w.drawHosts(&a.goal, &views.goal, w.all)
	w.drawServices(&a.goal, &views.goal)
	for i := range views.goal.data {
		w.drawData(&a.goal, &views.goal.data[i], w.anywhere, none)
	}
}

// addNetworks adds a network and its neighbours.
func (w *World) addNetworks(s *State, network int32) {
	s.networks.add(network)
	if id := w.below[network]; id != none {
		s.networks.add(id)
	}
	if id := w.above[network]; id != none {
		s.networks.add(id)
	}
}

// drawHosts adds the networks and addresses of a view.
func (w *World) drawHosts(k *knowledge, v *view, from []int32) {
	k.networks.addAll(v.networks)
	k.controlled.addAll(v.controlled.at)
	for range v.controlled.random {
		k.controlled.add(w.draw(drawAddress, from))
	}
	k.hosts.addAll(v.known.at)
	for range v.known.random {
		k.hosts.add(w.draw(drawAddress, from))
	}
}

// drawServices adds the services of a view.
func (w *World) drawServices(k *knowledge, v *view) {
	for i := range v.services {
		s := &v.services[i]
		w.chosen = w.chosen[:0]
		for _, id := range s.ids {
			if id == none {
				w.left = w.left[:0]
				for _, id := range w.serviceIDs[s.at] {
					if !slices.Contains(w.chosen, id) {
						w.left = append(w.left, id)
					}
				}
				if len(w.left) == 0 {
					continue
				}
				id = w.draw(drawService, w.left)
			}
			w.chosen = append(w.chosen, id)
		}
		k.services[s.at] = w.serviceSet(w.chosen)
	}
}

// drawData adds the data of a view. A random one is drawn from some data without one of them.
func (w *World) drawData(k *knowledge, v *dataView, from bitset, without int32) {
	k.files.add(v.at)
	row := k.data.row(v.at)
	row.addAll(v.ids)
	if !v.random {
		return
	}
	w.left = w.left[:0]
	for id := range from.all() {
		if id != without && !row.has(id) {
			w.left = append(w.left, id)
		}
	}
	if len(w.left) > 0 {
		row.add(w.draw(drawData, w.left))
	}
}

// draw chooses one of the ids of a kind.
func (w *World) draw(kind drawKind, ids []int32) int32 {
	w.pool = candidates{w, kind, ids}
	return ids[w.random.Choose(&w.pool)]
}

// candidates are ids of a kind.
type candidates struct {
	world *World
	kind  drawKind
	ids   []int32
}

// A drawKind is what is drawn.
type drawKind uint8

const (
	drawAddress drawKind = iota
	drawService
	drawData
)

func (c *candidates) Len() int { return len(c.ids) }

func (c *candidates) Name(i int) []string {
	w, id := c.world, c.ids[i]
	switch c.kind {
	case drawService:
		s := w.services[id]
		return []string{s.Name, s.Type, s.Version, strconv.FormatBool(s.Local)}
	case drawData:
		d := w.data[id]
		return []string{d.Owner, d.ID, d.Type}
	default:
		return []string{string(w.addresses[id])}
	}
}
