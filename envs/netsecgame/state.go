package netsecgame

import (
	"iter"
	"slices"
)

// knowledge is sets of ids: what an agent knows, or has to know to reach its goal.
type knowledge struct {
	networks, hosts, controlled bitset
	services                    []int32 // by address: the number of a set of services, or unknown
	files                       bitset  // addresses of which data are known, be it none
	data                        table   // by address, those data
}

// unknown is the number of no set of services.
const unknown = 0

func (w *World) newKnowledge() knowledge {
	return knowledge{
		networks: make(bitset, words(3*w.scenarioNetworks)), hosts: make(bitset, words(w.fixed)),
		controlled: make(bitset, words(w.fixed)), services: make([]int32, w.fixed),
		files: make(bitset, words(w.fixed)), data: newTable(w.fixed, len(w.data)),
	}
}

func (k *knowledge) clear() {
	clear(k.networks)
	clear(k.hosts)
	clear(k.controlled)
	clear(k.services)
	clear(k.files)
	clear(k.data.all)
}

// copy makes k equal to o, of the same world.
func (k *knowledge) copy(o *knowledge) {
	copy(k.networks, o.networks)
	copy(k.hosts, o.hosts)
	copy(k.controlled, o.controlled)
	copy(k.services, o.services)
	copy(k.files, o.files)
	copy(k.data.all, o.data.all)
}

func (k *knowledge) clone() knowledge {
	return knowledge{
		slices.Clone(k.networks), slices.Clone(k.hosts), slices.Clone(k.controlled), slices.Clone(k.services),
		slices.Clone(k.files), table{slices.Clone(k.data.all), k.data.words},
	}
}

// contains reports whether all of o is in k. w knows the sets of services.
func (k *knowledge) contains(o *knowledge, w *World) bool {
	if !k.networks.contains(o.networks) || !k.hosts.contains(o.hosts) || !k.controlled.contains(o.controlled) ||
		!k.files.contains(o.files) || !k.data.all.contains(o.data.all) {
		return false
	}
	for at, set := range o.services {
		if set != unknown && (k.services[at] == unknown || !w.sets[k.services[at]].contains(w.sets[set].bitset)) {
			return false
		}
	}
	return true
}

// A content is the size and the text of data that are not empty.
type content struct {
	at, data int32 // where, and which
	size     int
	text     string
}

type contents []content

// find returns the size and the text of data, as far as known.
func (c contents) find(at, data int32) (size int, text string) {
	for i := range c {
		if c[i].at == at && c[i].data == data {
			return c[i].size, c[i].text
		}
	}
	return 0, ""
}

// put notes the size and the text of data that were not there.
func (c *contents) put(at, data int32, size int, text string) {
	if size != 0 || text != "" {
		*c = append(*c, content{at, data, size, text})
	}
}

// A State is what an agent knows and controls. It belongs to a [World], whose names it uses. Its methods that list
// something do so in a fixed order that means nothing.
//
// A state may change without an action of its agent: after an agent's first FindData on a host it sees that host's
// data, log and blocks as they change, until its own next action.
type State struct {
	knowledge
	world    *World
	logs     []logCopy // by address
	contents contents  // by address; what is not there is empty
	blocks   relation

	liveData, liveBlocks int32 // the address of which the agent sees what changes; nowhere if none
	version              uint64
	last                 *State // snapshot
}

// A logCopy is the start of a host's log.
type logCopy struct {
	entries int    // 0 if the log is not known, or was exfiltrated to here
	text    string // its content; "" until somebody asks
}

// none is the id of nothing.
const none = -1

func (w *World) newState() State {
	return State{knowledge: w.newKnowledge(), world: w, logs: make([]logCopy, w.fixed)}
}

func (s *State) clear() {
	s.knowledge.clear()
	clear(s.logs)
	clear(s.contents) // let go of texts
	s.contents, s.blocks = s.contents[:0], s.blocks[:0]
	s.freeze()
	s.version++
}

// learn adds the data of an address, as they are in the world.
func (s *State) learn(at int32) (changed bool) {
	w := s.world
	host := w.hostOf[at]
	known, found := s.data.row(at), w.files.row(host)
	for id := range found.all() {
		if !known.add(id) {
			continue
		}
		changed = true
		if id == w.logFile {
			s.logs[at] = logCopy{entries: len(w.logs[host])}
		} else {
			size, text := w.contents.find(host, id)
			s.contents.put(at, id, size, text)
		}
	}
	return s.files.add(at) || changed
}

// learnBlocks adds the blocks of an address, as they are in the world.
func (s *State) learnBlocks(at int32) (changed bool) {
	for _, p := range s.world.blocks.row(at) {
		changed = s.blocks.add(p) || changed
	}
	return changed
}

// refresh brings what the agent sees live up to date.
func (s *State) refresh() {
	if at := s.liveData; at != none {
		changed := s.learn(at)
		if n := len(s.world.logs[s.world.hostOf[at]]); s.logs[at].entries != n {
			s.logs[at], changed = logCopy{entries: n}, true
		}
		s.touch(changed)
	}
	if at := s.liveBlocks; at != none {
		s.touch(s.learnBlocks(at))
	}
}

// freeze ends what the agent sees live.
func (s *State) freeze() { s.liveData, s.liveBlocks = none, none }

// touch notes whether the state has changed.
func (s *State) touch(changed bool) {
	if changed {
		s.version++
	}
}

// Version is a number that changes whenever the state does: equal versions of one agent's state, equal states.
func (s *State) Version() uint64 {
	s.refresh()
	return s.version
}

// Snapshot returns a copy that does not change. As long as the state has not changed, it is the same one.
func (s *State) Snapshot() *State {
	s.refresh()
	if s.last == nil || s.last.version != s.version {
		s.last = &State{
			knowledge: s.clone(), world: s.world, logs: slices.Clone(s.logs), contents: slices.Clone(s.contents),
			blocks: slices.Clone(s.blocks), liveData: none, liveBlocks: none, version: s.version,
		}
	}
	return s.last
}

// Networks lists the known networks.
func (s *State) Networks() iter.Seq[Network] {
	return func(yield func(Network) bool) {
		for id := range s.networks.all() {
			if !yield(s.world.networks[id]) {
				return
			}
		}
	}
}

// Hosts lists the known addresses.
func (s *State) Hosts() iter.Seq[IP] { return s.world.ips(s.hosts) }

// Controlled lists the controlled addresses.
func (s *State) Controlled() iter.Seq[IP] { return s.world.ips(s.controlled) }

func (w *World) ips(ids bitset) iter.Seq[IP] {
	return func(yield func(IP) bool) {
		for id := range ids.all() {
			if !yield(w.addresses[id]) {
				return
			}
		}
	}
}

// Services lists the known services by address. The slices are not to be changed.
func (s *State) Services() iter.Seq2[IP, []Service] {
	return func(yield func(IP, []Service) bool) {
		for at, set := range s.services {
			if set != unknown && !yield(s.world.addresses[at], s.world.sets[set].services) {
				return
			}
		}
	}
}

// Data lists the known data by address. A slice is valid until the next one.
func (s *State) Data() iter.Seq2[IP, []Data] {
	s.refresh()
	return func(yield func(IP, []Data) bool) {
		var list []Data
		for at := range s.files.all() {
			list = list[:0]
			for id := range s.data.row(at).all() {
				list = append(list, s.datum(at, id))
			}
			if !yield(s.world.addresses[at], list) {
				return
			}
		}
	}
}

func (s *State) datum(at, id int32) Data {
	key := s.world.data[id]
	d := Data{Owner: key.Owner, ID: key.ID, Type: key.Type}
	log := &s.logs[at]
	if id != s.world.logFile || log.entries == 0 {
		d.Size, d.Content = s.contents.find(at, id)
		return d
	}
	if log.text == "" {
		log.text = s.world.logText(s.world.hostOf[at], log.entries)
	}
	d.Size, d.Content = len(log.text), log.text
	return d
}

// Blocks lists the known blocks by address. A slice is valid until the next one.
func (s *State) Blocks() iter.Seq2[IP, []IP] {
	s.refresh()
	return func(yield func(IP, []IP) bool) {
		var list []IP
		for rest := s.blocks; len(rest) > 0; {
			row := rest.row(rest[0].x)
			rest, list = rest[len(row):], list[:0]
			for _, p := range row {
				list = append(list, s.world.addresses[p.y])
			}
			if !yield(s.world.addresses[row[0].x], list) {
				return
			}
		}
	}
}

// View returns the state by the names of things.
func (s *State) View() GameState {
	v := GameState{
		KnownNetworks: slices.Collect(s.Networks()), KnownHosts: slices.Collect(s.Hosts()),
		ControlledHosts: slices.Collect(s.Controlled()),
		KnownServices:   map[IP][]Service{}, KnownData: map[IP][]Data{}, KnownBlocks: map[IP][]IP{},
	}
	for ip, list := range s.Services() {
		v.KnownServices[ip] = slices.Clone(list)
	}
	for ip, list := range s.Data() {
		v.KnownData[ip] = slices.Clone(list)
	}
	for ip, list := range s.Blocks() {
		v.KnownBlocks[ip] = slices.Clone(list)
	}
	return v
}
