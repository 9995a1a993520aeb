package netsecgame

import (
	"slices"

	"idsrl/envs"
)

// A World is the networks, services, data, firewall and logs that all agents share. One goroutine uses it at a time.
//
// Inside, everything that has a name is a number: addresses, networks, services, data. New addresses change names, and
// no sets of numbers.
type World struct {
	task   *Task
	compat Compat
	random Randomness

	names
	layout

	// What play changes.
	allowed  table    // by existing address, the existing addresses that it reaches
	files    table    // by host, its data
	contents contents // of those, by host
	logs     [][]logEntry
	logged   int // entries in all logs
	stored   int // bytes of the contents, here and in states
	blocks   relation
	authors  []authorship // in order

	// Memory for draws.
	pool         candidates
	left, chosen []int32
}

// layout is what play does not change.
type layout struct {
	hostOf, networkOf []int32   // by existing address
	offered, remote   []int32   // by existing address, the set of all its services, and of those that are not local
	serviceIDs        [][]int32 // by existing address, in the order of the scenario
	local             bitset    // existing addresses in private networks
	starts, all       []int32   // what addresses are drawn from: start candidates, all that exist
	firewall, disks   table     // allowed and files at the start
	anywhere          bitset    // data of any host
	documents         []int32   // those of them that are no logs
	views             [envs.Benign + 1]struct{ start, goal view }
}

// A serviceSet is a set of services.
type serviceSet struct {
	bitset
	ids      []int32 // ascending
	services []Service
}

// A logEntry is an action on a host, as its log has it.
type logEntry struct {
	source int32
	action ActionType
}

// An authorship is that an agent has blocked a pair of addresses.
type authorship struct {
	pair
	agent *Agent
}

// NewWorld builds the world of a task as it is after a Reset. All draws come from r, which it does not seed.
func NewWorld(t *Task, c Compat, r Randomness) *World {
	w := &World{task: t, compat: c, random: r}
	w.nameAll()
	w.buildHosts()
	w.buildFirewall()
	for role, part := range t.Roles {
		if part != nil {
			w.views[role].start, w.views[role].goal = w.compile(&part.Start), w.compile(&part.Goal)
		}
	}
	w.logs = make([][]logEntry, len(t.Scenario.Hosts))
	w.Reset(false)
	return w
}

// Reset puts data, logs, firewall and blocks back to how they were at the start, under new addresses if renumber is
// true. It does not seed; to start the streams anew, seed the world's Randomness before.
//
// Every agent must go through [World.Begin] before its next action, in joining order. States and snapshots of before
// lose their meaning: what is to be shown of them must be rendered before Reset.
func (w *World) Reset(renumber bool) {
	for _, ip := range w.addresses[w.fixed:] {
		delete(w.addressID, ip)
	}
	w.addresses = w.addresses[:w.fixed]
	if renumber {
		t := w.Topology()
		w.random.Renumber(&t)
		w.rename(&t)
	}
	copy(w.allowed.all, w.firewall.all)
	copy(w.files.all, w.disks.all)
	for i := range w.logs {
		w.logs[i] = w.logs[i][:0]
	}
	clear(w.contents)
	clear(w.authors) // let go of agents
	w.logged, w.stored = 0, 0
	w.contents, w.blocks, w.authors = w.contents[:0], w.blocks[:0], w.authors[:0]
}

// buildHosts finds out what is on which address.
func (w *World) buildHosts() {
	hosts := w.task.Scenario.Hosts
	w.local, w.anywhere = make(bitset, words(w.existing)), make(bitset, words(len(w.data)))
	w.disks, w.files = newTable(len(hosts), len(w.data)), newTable(len(hosts), len(w.data))
	for h, host := range hosts {
		disk := w.disks.row(int32(h))
		disk.add(w.logFile)
		for _, key := range host.Data {
			disk.add(w.dataID[key])
		}
		w.anywhere.addAll(disk)
	}
	for id := range w.anywhere.all() {
		if id != w.logFile {
			w.documents = append(w.documents, id)
		}
	}
	for at := range int32(w.existing) {
		var ids, remote []int32
		for _, s := range hosts[w.hostOf[at]].Services {
			ids = append(ids, w.serviceID[s])
			if !s.Local {
				remote = append(remote, w.serviceID[s])
			}
		}
		w.serviceIDs = append(w.serviceIDs, ids)
		w.offered, w.remote = append(w.offered, w.setOf(ids)), append(w.remote, w.setOf(remote))
		w.all = append(w.all, at)
		if w.networks[w.networkOf[at]].isPrivate() {
			w.local.add(at)
		}
	}
	for _, ip := range w.task.Scenario.Start {
		w.starts = append(w.starts, w.addressID[ip])
	}
}

// setOf returns the set of services that somebody finds: none at all is no set.
func (w *World) setOf(ids []int32) int32 {
	if len(ids) == 0 {
		return unknown
	}
	return w.serviceSet(slices.Clone(ids))
}

// serviceSet returns the number of a set, of which it sorts the ids.
func (w *World) serviceSet(ids []int32) int32 {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for n := unknown + 1; n < len(w.sets); n++ {
		if slices.Equal(w.sets[n].ids, ids) {
			return int32(n)
		}
	}
	s := serviceSet{bitset: make(bitset, words(len(w.services))), ids: slices.Clone(ids)}
	for _, id := range ids {
		s.add(id)
		s.services = append(s.services, w.services[id])
	}
	w.sets = append(w.sets, s)
	return int32(len(w.sets) - 1)
}

// buildFirewall finds out who reaches whom.
func (w *World) buildFirewall() {
	n := int32(w.existing)
	w.firewall, w.allowed = newTable(w.existing, w.existing), newTable(w.existing, w.existing)
	for x := range n {
		row := w.firewall.row(x)
		row.add(x)
		for y := range n {
			inside := w.local.has(x) && (w.networkOf[x] == w.networkOf[y] || !w.local.has(y))
			if inside || !w.task.UseFirewall {
				row.add(y)
			}
		}
	}
	for _, rule := range w.task.Scenario.Allow {
		to := w.within(rule.To)
		for x := range w.within(rule.From).all() {
			w.firewall.row(x).addAll(to)
		}
	}
}

// within returns the existing addresses in any of some networks.
func (w *World) within(networks []Network) bitset {
	at := make(bitset, words(w.existing))
	for _, n := range networks {
		b, _ := n.block()
		for id, number := range w.numbers {
			if b.contains(number) {
				at.add(int32(id))
			}
		}
	}
	return at
}

// logText returns the first n entries of a host's log as its content.
func (w *World) logText(host int32, n int) string {
	const source, action, end, entry = `{"source_host": "`, `", "action_type": "ActionType.`, `"}`, 80
	text := append(make([]byte, 0, n*entry), '[')
	for i, e := range w.logs[host][:n] {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(append(append(text, source...), w.addresses[e.source]...), action...)
		text = append(append(text, e.action.String()...), end...)
	}
	return string(append(text, ']'))
}
