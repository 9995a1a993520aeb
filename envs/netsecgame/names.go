package netsecgame

import (
	"regexp"
	"slices"

	"idsrl/envs"
)

// names are what numbers stand for.
type names struct {
	addresses []IP      // those that exist, those that the task names, those that agents made up
	networks  []Network // those of the scenario, their neighbours
	services  []Service
	data      []DataKey // in order
	sets      []serviceSet

	addressID map[IP]int32
	networkID map[Network]int32
	serviceID map[Service]int32
	dataID    map[DataKey]int32
	logFile   int32

	existing, fixed  int          // addresses[:existing] exist, addresses[:fixed] are there for good
	scenarioNetworks int          // networks[:scenarioNetworks] exist
	original         map[IP]int32 // those that exist, as the scenario calls them
	numbers          []uint32     // by existing address
	ranges           []block      // by network
	below, above     []int32      // by network of the scenario, its neighbours; none of a public one
}

// nameAll numbers all that the scenario and the task name.
func (w *World) nameAll() {
	w.addressID, w.networkID, w.serviceID = map[IP]int32{}, map[Network]int32{}, map[Service]int32{}
	for h, host := range w.task.Scenario.Hosts {
		for _, i := range host.Interfaces {
			intern(&w.addresses, w.addressID, i.IP)
			w.hostOf = append(w.hostOf, int32(h))
			w.networkOf = append(w.networkOf, intern(&w.networks, w.networkID, i.Network))
		}
	}
	w.existing, w.scenarioNetworks = len(w.addresses), len(w.networks)
	w.data = []DataKey{LogFile}
	for _, host := range w.task.Scenario.Hosts {
		w.data = append(w.data, host.Data...)
		for _, s := range host.Services {
			intern(&w.services, w.serviceID, s)
		}
	}
	for _, part := range w.task.Roles {
		if part != nil {
			w.nameView(&part.Start)
			w.nameView(&part.Goal)
		}
	}
	w.fixed = len(w.addresses)
	slices.SortFunc(w.data, DataKey.compare)
	w.data = slices.Compact(w.data)
	w.dataID = map[DataKey]int32{}
	for id, key := range w.data {
		w.dataID[key] = int32(id)
	}
	w.logFile = w.dataID[LogFile]
	w.sets = make([]serviceSet, unknown+1)
	w.original = map[IP]int32{}
	for id, ip := range w.addresses[:w.existing] {
		w.original[ip] = int32(id)
	}
	w.nameNetworks()
}

func (w *World) nameView(v *View) {
	for _, ip := range slices.Concat(v.Known.IPs, v.Controlled.IPs) {
		intern(&w.addresses, w.addressID, ip)
	}
	for _, s := range v.Services {
		intern(&w.addresses, w.addressID, s.Host)
		for _, service := range s.Services {
			if service != nil {
				intern(&w.services, w.serviceID, *service)
			}
		}
	}
	for _, d := range v.Data {
		intern(&w.addresses, w.addressID, d.Host)
		w.data = append(w.data, d.Data...)
	}
}

// intern returns the number of name, a new one if it has none yet.
func intern[T comparable](all *[]T, ids map[T]int32, name T) int32 {
	id, ok := ids[name]
	if !ok {
		id = int32(len(*all))
		*all = append(*all, name)
		ids[name] = id
	}
	return id
}

// nameNetworks numbers the neighbours of the scenario's private networks: those with the same mask, 256 addresses below
// and above. It looks up what the addresses of all are.
func (w *World) nameNetworks() {
	w.below, w.above, w.ranges, w.numbers = nil, nil, nil, nil
	for _, n := range w.networks[:w.scenarioNetworks] {
		neighbour := func(distance int) int32 {
			ip, _ := n.IP.v4()
			to := Network{ipOf(uint32(int(ip) + distance)), n.Mask}
			if !n.isPrivate() || !to.isPrivate() {
				return none
			}
			return intern(&w.networks, w.networkID, to)
		}
		w.below, w.above = append(w.below, neighbour(-neighbourDistance)), append(w.above, neighbour(neighbourDistance))
	}
	for _, n := range w.networks {
		b, _ := n.block()
		w.ranges = append(w.ranges, b)
	}
	for _, ip := range w.addresses[:w.existing] {
		number, _ := ip.v4()
		w.numbers = append(w.numbers, number)
	}
}

const neighbourDistance = 256

// Topology returns which addresses are in which networks now.
func (w *World) Topology() Topology {
	t := Topology{
		Networks: slices.Clone(w.networks[:w.scenarioNetworks]), Addresses: slices.Clone(w.addresses[:w.existing]),
		In: make([]int, w.existing),
	}
	for i, network := range w.networkOf {
		t.In[i] = int(network)
	}
	return t
}

// rename gives what exists the addresses in t, which has the numbers of [World.Topology]. Those that agents have made up
// must be gone.
func (w *World) rename(t *Topology) {
	clear(w.networkID)
	w.networks = slices.Clone(t.Networks)
	for id, n := range w.networks {
		w.networkID[n] = int32(id)
	}
	clear(w.addressID)
	copy(w.addresses, t.Addresses)
	for id := w.fixed - 1; id >= 0; id-- { // where names meet, that which exists has it
		w.addressID[w.addresses[id]] = int32(id)
	}
	w.nameNetworks()
}

// GoalDescription returns what the goal of agents of a role is, with the addresses as they are now.
func (w *World) GoalDescription(role envs.Role) string {
	return ipInText.ReplaceAllStringFunc(w.task.Roles[role].Description, func(ip string) string {
		if id, ok := w.original[IP(ip)]; ok {
			return string(w.addresses[id])
		}
		return ip
	})
}

var ipInText = regexp.MustCompile(`\b(\d{1,3}\.){3}\d{1,3}\b`)
