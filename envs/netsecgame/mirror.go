package netsecgame

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Wait stands for an action without any effect but a step, since nobody controls its host. The global defender never
// detects it.
var Wait = Action{
	Type: BlockIP, Has: SourceHost | TargetHost | BlockedHost, SourceHost: "0.0.0.0", TargetHost: "0.0.0.0",
	BlockedHost: "0.0.0.0",
}

// A Mirror makes an agent's state that of an agent elsewhere, of which it is shown what that one knows. The game there has
// the same scenario. Its addresses may be others, by the rules for new addresses: private networks keep their distances,
// public ones go anywhere, and hosts keep their offset. The mirror's world takes the names of the game there, so that its
// actions can be played in it.
type Mirror struct {
	world  *World
	agent  *Agent
	home   Topology   // the scenario's
	start  *GameState // what the agent knew at the start of the episode; nil before it
	placed bool       // the world has the addresses of the game there
}

// NewMirror returns a mirror for an agent of a world that has the addresses of its scenario, and is used for nothing else.
func NewMirror(w *World, a *Agent) *Mirror { return &Mirror{world: w, agent: a, home: w.Topology()} }

// Begin makes the next state that is shown the first one of an episode, of which the addresses may be new.
func (m *Mirror) Begin() { m.start, m.placed = nil, false }

// Show makes the agent's state v, which is not to be changed before the next Begin. The error says why the game there
// cannot be the agent's own, or which of its addresses could be several of the scenario's.
func (m *Mirror) Show(v *GameState) error {
	if m.start == nil {
		m.start = v
	}
	if m.placed && m.agent.State.restore(v) == nil {
		return nil
	}
	t, err := m.locate(v)
	if err != nil {
		return err
	}
	m.placed = true
	return m.place(t, v)
}

// locate finds the topology of a game in which an agent knows v.
func (m *Mirror) locate(v *GameState) (*Topology, error) {
	var fit, likely []*Topology // likely: the episode starts as the agent's may
	for _, t := range m.home.moved(v, m.world.addresses[m.world.existing:m.world.fixed]) {
		if m.place(t, v) != nil {
			continue
		}
		fit = append(fit, t)
		if m.place(t, m.start) == nil && m.world.mayStart(m.agent) {
			likely = append(likely, t)
		}
	}
	if len(likely) > 0 {
		fit = likely
	}
	for _, t := range fit {
		if len(fit) == 1 || slices.Equal(t.Networks, m.home.Networks) {
			return t, nil
		}
	}
	if len(fit) == 0 {
		return nil, fmt.Errorf("the game does not fit the scenario %s: %w", m.world.task.Scenario.Name, m.place(&m.home, v))
	}
	for i, ip := range fit[0].Addresses {
		if j := slices.Index(fit[1].Addresses, ip); j >= 0 && j != i && slices.Contains(v.addresses(), ip) {
			return nil, fmt.Errorf("the addresses are new, and %s may be what %s calls %s or %s", ip,
				m.world.task.Scenario.Name, m.home.Addresses[i], m.home.Addresses[j])
		}
	}
	return nil, errors.New("the addresses are new, and the agent knows too little to tell them apart")
}

// place gives the world the addresses in t, and the agent the knowledge v.
func (m *Mirror) place(t *Topology, v *GameState) error {
	m.world.Reset(false)
	m.world.rename(t)
	return m.agent.State.restore(v)
}

// mayStart reports whether an agent of a's role may control at the start what it does.
func (w *World) mayStart(a *Agent) bool {
	v, drawn := &w.views[a.Role].start.controlled, 0
	for at := range a.State.controlled.all() {
		switch {
		case v.at.has(at):
		case !slices.Contains(w.starts, at):
			return false
		default:
			drawn++
		}
	}
	return a.State.controlled.contains(v.at) && drawn <= v.random
}

// addresses lists those that v says something about, blocks aside. Some come more than once.
func (v *GameState) addresses() []IP {
	return slices.Concat(v.KnownHosts, v.ControlledHosts, slices.Sorted(maps.Keys(v.KnownServices)),
		slices.Sorted(maps.Keys(v.KnownData)))
}

// moved lists what a change of addresses may have made of t, by the networks in v and by its addresses, but for those in
// without. Networks of which v shows nothing stay.
func (t *Topology) moved(v *GameState, without []IP) (all []*Topology) {
	known := slices.DeleteFunc(v.addresses(), func(ip IP) bool { return slices.Contains(without, ip) })
	offsets := t.offsets()
	for _, networks := range t.movedPublic(t.movedPrivate(v.KnownNetworks, known), v.KnownNetworks, known) {
		moved := &Topology{Networks: networks, Addresses: make([]IP, len(offsets)), In: t.In}
		moved.settle(offsets)
		all = append(all, moved)
	}
	return all
}

// movedPrivate lists the networks of t as they are and after each move of the private ones after which the first private
// network of some is among them and their neighbours or, if there is none, the first private address among the hosts.
func (t *Topology) movedPrivate(networks []Network, ips []IP) (all [][]Network) {
	distances := []uint32{0}
	from := func(old, now IP, further int) {
		x, _ := old.v4()
		y, _ := now.v4()
		if d := y - x + uint32(further); !slices.Contains(distances, d) {
			distances = append(distances, d)
		}
	}
	if i := slices.IndexFunc(networks, Network.isPrivate); i >= 0 {
		for _, old := range t.Networks {
			for _, further := range [...]int{0, neighbourDistance, -neighbourDistance} {
				if old.isPrivate() {
					from(old.IP, networks[i].IP, further)
				}
			}
		}
	} else if i := slices.IndexFunc(ips, IP.isPrivate); i >= 0 {
		for host, old := range t.Addresses {
			if t.Networks[t.In[host]].isPrivate() {
				from(old, ips[i], 0)
			}
		}
	}
	for _, distance := range distances {
		moved := slices.Clone(t.Networks)
		for i, n := range t.Networks {
			if number, _ := n.IP.v4(); n.isPrivate() {
				moved[i].IP = ipOf(number + distance)
			}
		}
		all = append(all, moved)
	}
	return all
}

// movedPublic adds to lists of networks, of which the public ones are where t has them, those in which the public ones of
// some networks are among them, and some public addresses are in them.
func (t *Topology) movedPublic(lists [][]Network, networks []Network, ips []IP) [][]Network {
	sites := slices.DeleteFunc(slices.Clone(networks), Network.isPrivate)
	if len(sites) > len(t.Networks) {
		return nil
	}
	known := len(sites)
	for _, ip := range ips {
		inside := func(n Network) bool { return n.contains(ip) }
		if !ip.isPrivate() && !slices.ContainsFunc(sites[:known], inside) {
			sites = append(sites, Network{IP: ip})
		}
	}
	for k, site := range sites {
		var next [][]Network
		for _, list := range lists {
			if k >= known && slices.ContainsFunc(list, func(n Network) bool { return n.contains(site.IP) }) {
				next = append(next, list)
			}
			for i, old := range t.Networks {
				taken := list[i] != old || old != site && slices.Contains(sites[:known], old)
				if old.isPrivate() || taken || k < known && old.Mask != site.Mask {
					continue
				}
				moved := slices.Clone(list)
				moved[i] = Network{site.IP, old.Mask}
				next = append(next, moved)
			}
		}
		lists = next
	}
	return lists
}

func (n Network) contains(ip IP) bool {
	b, _ := n.block()
	number, ok := ip.v4()
	return ok && b.contains(number)
}

// restore makes s the state that v is the view of. The error says what is in v that the world does not have; then s is of
// no use.
func (s *State) restore(v *GameState) (err error) {
	w := s.world
	s.clear()
	missing := func(kind string, name any) {
		if err == nil {
			err = fmt.Errorf("there is no %s %v in it", kind, name)
		}
	}
	// address adds a known address to a set and returns its number.
	address := func(ip IP, to bitset) int32 {
		id, ok := w.addressID[ip]
		if !ok || int(id) >= w.fixed {
			missing("address", ip)
			return none
		}
		if to != nil {
			to.add(id)
		}
		return id
	}
	for _, n := range v.KnownNetworks {
		if id, ok := w.networkID[n]; ok {
			s.networks.add(id)
		} else {
			missing("network", n)
		}
	}
	for _, ip := range v.KnownHosts {
		address(ip, s.hosts)
	}
	for _, ip := range v.ControlledHosts {
		address(ip, s.controlled)
	}
	for _, ip := range slices.Sorted(maps.Keys(v.KnownServices)) {
		w.chosen = w.chosen[:0]
		for _, service := range v.KnownServices[ip] {
			if id, ok := w.serviceID[service]; ok {
				w.chosen = append(w.chosen, id)
			} else {
				missing("service", service.text())
			}
		}
		if at := address(ip, nil); at != none {
			s.services[at] = w.serviceSet(w.chosen)
		}
	}
	for _, ip := range slices.Sorted(maps.Keys(v.KnownData)) {
		at := address(ip, s.files)
		for _, d := range v.KnownData[ip] {
			id, ok := w.dataID[d.Key()]
			if !ok {
				missing("data", d.Key())
			}
			if at != none && ok && s.data.row(at).add(id) {
				s.contents.put(at, id, d.Size, d.Content)
			}
		}
	}
	for _, x := range slices.Sorted(maps.Keys(v.KnownBlocks)) {
		for _, y := range v.KnownBlocks[x] {
			s.blocks.add(pair{intern(&w.addresses, w.addressID, x), intern(&w.addresses, w.addressID, y)})
		}
	}
	return err
}
