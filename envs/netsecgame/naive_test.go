package netsecgame_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// set is a set.
type set[T comparable] map[T]bool

func setOf[T comparable](list []T) set[T] {
	s := set[T]{}
	for _, x := range list {
		s[x] = true
	}
	return s
}

// files are data by what identifies them.
type files map[netsecgame.DataKey]netsecgame.Data

// naive is the rules once more, as plainly as they can be written: maps of names, and no numbers. What an agent sees
// live it shares with the world, until it acts again.
type naive struct {
	hostOf    map[netsecgame.IP]string
	networkOf map[netsecgame.IP]netsecgame.Network
	services  map[string][]netsecgame.Service
	allowed   map[netsecgame.IP]set[netsecgame.IP]
	data      map[string]files
	logs      map[string][]string
	blocks    map[netsecgame.IP]set[netsecgame.IP]
	authors   map[[2]netsecgame.IP]set[*naiveAgent]
}

// naiveAgent is an agent.
type naiveAgent struct {
	role              envs.Role
	networks          set[netsecgame.Network]
	hosts, controlled set[netsecgame.IP]
	services          map[netsecgame.IP]set[netsecgame.Service]
	data              map[netsecgame.IP]files
	blocks            map[netsecgame.IP]set[netsecgame.IP]
	falsePositives    int
}

var privateNetworks = []string{"10.", "192.168.", "169.254."} // enough for the scenarios

func isPrivate(n netsecgame.Network) bool {
	return slices.ContainsFunc(privateNetworks, func(start string) bool { return strings.HasPrefix(string(n.IP), start) })
}

// bits returns the first n binary digits of an address.
func bits(ip netsecgame.IP, n int) string {
	var b [4]int
	if _, err := fmt.Sscanf(string(ip), "%d.%d.%d.%d", &b[0], &b[1], &b[2], &b[3]); err != nil {
		return "no IPv4 address"
	}
	return fmt.Sprintf("%08b%08b%08b%08b", b[0], b[1], b[2], b[3])[:n]
}

func isIn(ip netsecgame.IP, n netsecgame.Network) bool { return bits(ip, n.Mask) == bits(n.IP, n.Mask) }

// newNaive is section 17, and the firewall of section 9.
func newNaive(s *netsecgame.Scenario, firewall bool) *naive {
	w := &naive{
		hostOf: map[netsecgame.IP]string{}, networkOf: map[netsecgame.IP]netsecgame.Network{},
		services: map[string][]netsecgame.Service{}, allowed: map[netsecgame.IP]set[netsecgame.IP]{},
		data: map[string]files{}, logs: map[string][]string{}, blocks: map[netsecgame.IP]set[netsecgame.IP]{},
		authors: map[[2]netsecgame.IP]set[*naiveAgent]{},
	}
	for _, h := range s.Hosts {
		for _, i := range h.Interfaces {
			w.hostOf[i.IP], w.networkOf[i.IP] = h.Name, i.Network
		}
		w.services[h.Name] = h.Services
		w.data[h.Name] = files{netsecgame.LogFile: {Owner: "system", ID: "logfile", Type: "log"}}
		for _, key := range h.Data {
			w.data[h.Name][key] = netsecgame.Data{Owner: key.Owner, ID: key.ID, Type: key.Type}
		}
	}
	in := func(ip netsecgame.IP, networks []netsecgame.Network) bool {
		return slices.ContainsFunc(networks, func(n netsecgame.Network) bool { return isIn(ip, n) })
	}
	for x, xNet := range w.networkOf {
		w.allowed[x] = set[netsecgame.IP]{}
		for y, yNet := range w.networkOf {
			w.allowed[x][y] = !firewall || x == y || xNet == yNet && isPrivate(xNet) || isPrivate(xNet) && !isPrivate(yNet) ||
				slices.ContainsFunc(s.Allow, func(r netsecgame.Rule) bool { return in(x, r.From) && in(y, r.To) })
		}
	}
	return w
}

// join takes a start state over from a view.
func (w *naive) join(role envs.Role, v netsecgame.GameState) *naiveAgent {
	a := &naiveAgent{
		role: role, networks: setOf(v.KnownNetworks), hosts: setOf(v.KnownHosts), controlled: setOf(v.ControlledHosts),
		services: map[netsecgame.IP]set[netsecgame.Service]{}, data: map[netsecgame.IP]files{},
		blocks: map[netsecgame.IP]set[netsecgame.IP]{},
	}
	for ip, list := range v.KnownServices {
		a.services[ip] = setOf(list)
	}
	for ip, list := range v.KnownData {
		a.data[ip] = files{}
		for _, d := range list {
			a.data[ip][d.Key()] = d
		}
	}
	return a
}

// act is section 7.
func (w *naive) act(a *naiveAgent, action netsecgame.Action) {
	for ip := range a.data { // what was shared until now is the agent's own
		a.data[ip] = maps.Clone(a.data[ip])
	}
	for ip := range a.blocks {
		a.blocks[ip] = maps.Clone(a.blocks[ip])
	}
	s, t := action.SourceHost, action.TargetHost
	switch action.Type {
	case netsecgame.ScanNetwork:
		if !a.controlled[s] {
			return
		}
		for h := range w.hostOf {
			if !isIn(h, action.TargetNetwork) {
				continue
			}
			if w.allowed[s][h] {
				a.hosts[h] = true
				w.log(s, h, action.Type)
			} else {
				w.falsePositive(a, s, h)
			}
		}
	case netsecgame.FindServices:
		if !a.controlled[s] {
			return
		}
		if !w.allowed[s][t] {
			w.falsePositive(a, s, t)
			return
		}
		found := set[netsecgame.Service]{}
		for _, v := range w.services[w.hostOf[t]] {
			if !v.Local || a.controlled[t] {
				found[v] = true
			}
		}
		if len(found) > 0 {
			a.services[t] = found
			if !a.hosts[t] {
				a.hosts[t], a.networks[w.networkOf[t]] = true, true
			}
		}
		w.log(s, t, action.Type)
	case netsecgame.FindData:
		if !a.controlled[s] {
			return
		}
		if !w.allowed[s][t] {
			w.falsePositive(a, s, t)
			return
		}
		w.log(s, t, action.Type)
		if !a.controlled[t] {
			return
		}
		there := w.data[w.hostOf[t]]
		if a.data[t] == nil {
			a.data[t] = there
		}
		for key, d := range there {
			if _, known := a.data[t][key]; !known {
				a.data[t][key] = d
			}
		}
		if w.blocks[t] != nil {
			if a.blocks[t] == nil {
				a.blocks[t] = w.blocks[t]
			}
			maps.Copy(a.blocks[t], w.blocks[t])
		}
	case netsecgame.ExploitService:
		if _, exists := w.hostOf[t]; !a.controlled[s] || !exists {
			return
		}
		if !w.allowed[s][t] {
			w.falsePositive(a, s, t)
			return
		}
		if slices.Contains(w.services[w.hostOf[t]], action.TargetService) && a.services[t][action.TargetService] {
			a.controlled[t], a.networks[w.networkOf[t]] = true, true
		}
		w.log(s, t, action.Type)
	case netsecgame.ExfiltrateData:
		if !a.controlled[t] || !a.controlled[s] {
			return
		}
		if !w.allowed[s][t] {
			w.falsePositive(a, s, t)
			return
		}
		key := action.Data.Key()
		if _, known := a.data[s][key]; !known {
			return
		}
		w.log(s, t, action.Type)
		if _, there := w.data[w.hostOf[s]][key]; !there {
			return
		}
		if a.data[t] == nil {
			a.data[t] = files{}
		}
		for _, to := range []files{a.data[t], w.data[w.hostOf[t]]} {
			if _, there := to[key]; !there {
				to[key] = action.Data
			}
		}
	case netsecgame.BlockIP:
		if !a.controlled[s] || !a.controlled[t] {
			return
		}
		if !w.allowed[s][t] {
			w.falsePositive(a, s, t)
			return
		}
		w.log(s, t, action.Type)
		if t == action.BlockedHost {
			return
		}
		for _, p := range [][2]netsecgame.IP{{t, action.BlockedHost}, {action.BlockedHost, t}} {
			put(w.authors, p, a)
			delete(w.allowed[p[0]], p[1])
			put(w.blocks, p[0], p[1])
			put(a.blocks, p[0], p[1])
		}
	}
}

// put adds x to the set of a key.
func put[K, T comparable](sets map[K]set[T], key K, x T) {
	if sets[key] == nil {
		sets[key] = set[T]{}
	}
	sets[key][x] = true
}

func (w *naive) log(s, t netsecgame.IP, kind netsecgame.ActionType) {
	host := w.hostOf[t]
	w.logs[host] = append(w.logs[host],
		`{"source_host": "`+string(s)+`", "action_type": "ActionType.`+kind.String()+`"}`)
	text := "[" + strings.Join(w.logs[host], ", ") + "]"
	w.data[host][netsecgame.LogFile] = netsecgame.Data{
		Owner: "system", ID: "logfile", Type: "log", Size: len(text), Content: text,
	}
}

func (w *naive) falsePositive(a *naiveAgent, x, y netsecgame.IP) {
	if a.role == envs.Attacker {
		return
	}
	for author := range w.authors[[2]netsecgame.IP{x, y}] {
		author.falsePositives++
	}
}

// text writes a view such that equal views, as sets, have equal texts.
func text(v netsecgame.GameState) string {
	lines := []string{
		fmt.Sprint("networks ", sorted(v.KnownNetworks)), fmt.Sprint("hosts ", sorted(v.KnownHosts)),
		fmt.Sprint("controlled ", sorted(v.ControlledHosts)),
	}
	for ip, list := range v.KnownServices {
		lines = append(lines, fmt.Sprint("services ", ip, " ", sorted(list)))
	}
	for ip, list := range v.KnownData {
		lines = append(lines, fmt.Sprint("data ", ip, " ", sorted(list)))
	}
	for ip, list := range v.KnownBlocks {
		lines = append(lines, fmt.Sprint("blocks ", ip, " ", sorted(list)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// view is what a knows, by the names of things.
func (a *naiveAgent) view() netsecgame.GameState {
	v := netsecgame.GameState{
		KnownNetworks: slices.Collect(maps.Keys(a.networks)), KnownHosts: slices.Collect(maps.Keys(a.hosts)),
		ControlledHosts: slices.Collect(maps.Keys(a.controlled)),
		KnownServices:   map[netsecgame.IP][]netsecgame.Service{}, KnownData: map[netsecgame.IP][]netsecgame.Data{},
		KnownBlocks: map[netsecgame.IP][]netsecgame.IP{},
	}
	for ip, s := range a.services {
		v.KnownServices[ip] = slices.Collect(maps.Keys(s))
	}
	for ip, d := range a.data {
		v.KnownData[ip] = slices.Collect(maps.Values(d))
	}
	for ip, s := range a.blocks {
		v.KnownBlocks[ip] = slices.Collect(maps.Keys(s))
	}
	return v
}

// contains is the goal check of section 10.
func (a *naiveAgent) contains(goal *naiveAgent) bool {
	for ip, list := range goal.services {
		if a.services[ip] == nil || !subset(list, a.services[ip]) {
			return false
		}
	}
	for ip, list := range goal.data {
		if a.data[ip] == nil || !subset(list, a.data[ip]) {
			return false
		}
	}
	return subset(goal.networks, a.networks) && subset(goal.hosts, a.hosts) && subset(goal.controlled, a.controlled)
}

func subset[K comparable, A, B any](a map[K]A, b map[K]B) bool {
	for key := range a {
		if _, ok := b[key]; !ok {
			return false
		}
	}
	return true
}
