package netsecgame_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// A walker draws actions: most of them make sense to an agent, the others name things that exist, that its state
// names, or that nobody has heard of.
type walker struct {
	rng      *rand.Rand
	w        *netsecgame.World
	ips      []netsecgame.IP
	networks []netsecgame.Network
	services []netsecgame.Service
	data     []netsecgame.Data
}

func newWalker(seed uint64, w *netsecgame.World) *walker {
	k := &walker{
		rng: rand.New(rand.NewPCG(seed, 1)), w: w,
		ips:      []netsecgame.IP{"10.99.0.1", "9.9.9.9", "8.8.8.8", "fe80::1"},
		networks: []netsecgame.Network{{IP: "0.0.0.0", Mask: 0}, {IP: "192.168.1.77", Mask: 27}, {IP: "::", Mask: 0}},
		services: []netsecgame.Service{{Name: "telnet", Type: "passive", Version: "1"}},
		data:     []netsecgame.Data{{Owner: "User1", ID: "nothing"}},
	}
	for _, h := range w.Task().Scenario.Hosts {
		for _, i := range h.Interfaces {
			k.ips, k.networks = append(k.ips, i.IP), append(k.networks, i.Network)
		}
		k.services = append(k.services, h.Services...)
		for _, key := range append(h.Data, netsecgame.LogFile) {
			k.data = append(k.data, netsecgame.Data{
				Owner: key.Owner, ID: key.ID, Type: key.Type, Size: k.rng.IntN(3), Content: []string{"", "", "text"}[k.rng.IntN(3)],
			})
		}
	}
	return k
}

func one[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func (k *walker) next(a *netsecgame.Agent) netsecgame.Action {
	if k.rng.IntN(3) > 0 {
		valid := k.w.AppendValid(nil, &a.State, k.rng.IntN(3) == 0)
		if len(valid) > 0 {
			action := k.w.Action(one(k.rng, valid))
			action.Data.Size = k.rng.IntN(2) // what agents send counts, not what they know
			if action.Type != netsecgame.ExfiltrateData {
				action.Data.Size = 0
			}
			return action
		}
	}
	ip := func() netsecgame.IP {
		if controlled := slices.Collect(a.State.Controlled()); len(controlled) > 0 && k.rng.IntN(3) > 0 {
			return one(k.rng, controlled)
		}
		return one(k.rng, k.ips)
	}
	switch s, t := ip(), ip(); netsecgame.ActionType(k.rng.IntN(netsecgame.ActionTypes)) {
	case netsecgame.ScanNetwork:
		n := one(k.rng, k.networks)
		return netsecgame.Action{
			Type: netsecgame.ScanNetwork, Has: netsecgame.SourceHost | netsecgame.TargetNetwork, SourceHost: s, TargetNetwork: n,
		}
	case netsecgame.FindServices:
		return findServices(s, t)
	case netsecgame.FindData:
		return findData(s, t)
	case netsecgame.ExploitService:
		return exploit(s, t, one(k.rng, k.services))
	case netsecgame.ExfiltrateData:
		return exfiltrate(s, t, one(k.rng, k.data))
	default:
		return block(s, t, one(k.rng, k.ips))
	}
}

// TestWalks plays random games of several agents, and holds every agent's state after every action against the rules
// written naively. On the way it checks what must be true of any game.
func TestWalks(t *testing.T) {
	start := part{
		controlled: "[213.47.23.195, random, 10.99.0.1]", hosts: "[8.8.8.8]",
		services: "{192.168.1.2: [[microsoft-ds, passive, 10.0.19041, false], [odd, passive, 1, true]]}",
		data:     "{192.168.1.2: [[User1, DataFromServer1]], 213.47.23.195: [[Ghost, file]], 9.9.9.8: []}",
	}
	goals := []part{
		{data: "{213.47.23.195: [[User1, DataFromServer1]]}"},
		{controlled: "[192.168.1.2]", networks: "[192.168.1.0/24]", hosts: "[192.168.1.2]"},
		{services: "{192.168.1.2: [[microsoft-ds, passive, 10.0.19041, false], [powershell, passive, 10.0.19041, true]]}"},
	}
	reached := 0
	scenarios := []string{"two_networks_tiny", "two_networks_small", "one_network", "three_net_scenario"}
	for seed := range 12 {
		name, firewall := scenarios[seed%len(scenarios)], seed%5 != 0
		t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
			w := newWorld(t, taskText(name, start, goals[seed%3], fmt.Sprintf("use_firewall: %t", firewall)))
			reached += walk(t, w, uint64(seed), firewall)
		})
	}
	if reached == 0 {
		t.Error("no goal was reached in any game")
	}
}

// A twin is an agent in both worlds, and what must stay true of it.
type twin struct {
	agent  *netsecgame.Agent
	naive  *naiveAgent
	reach  set[netsecgame.IP] // where its start position may lead
	texts  map[uint64]string  // of its states, by version
	copied *netsecgame.State
	text   string // of copied
}

// walk plays two episodes and returns how often a goal was reached.
func walk(t *testing.T, w *netsecgame.World, seed uint64, firewall bool) (reached int) {
	k := newWalker(seed, w)
	var team []*twin
	for _, role := range []envs.Role{envs.Attacker, envs.Defender, envs.Attacker, envs.Benign} {
		team = append(team, &twin{agent: w.NewAgent(role), texts: map[uint64]string{}})
	}
	goal := goalOf(w)
	for episode := range 2 {
		rules := newNaive(w.Task().Scenario, firewall)
		if episode > 0 {
			w.Reset(false)
		}
		for _, a := range team {
			if episode > 0 {
				w.Begin(a.agent)
			}
			a.naive = rules.join(a.agent.Role, a.agent.State.View())
			a.reach = rules.closure(a.naive.controlled)
			a.copied = a.agent.State.Snapshot()
			a.text = text(a.copied.View())
		}
		for step := range 200 {
			a := one(k.rng, team)
			action := k.next(a.agent)
			before := a.naive.view()
			play(t, w, a.agent, action)
			rules.act(a.naive, action)
			testGrown(t, action, before, a.agent.State.View())
			for i, a := range team {
				if k.rng.IntN(2) == 0 {
					continue // whoever does not look at the state must not miss anything
				}
				got, want := text(a.agent.State.View()), text(a.naive.view())
				if got != want {
					t.Fatalf("episode %d, step %d: after %+v agent %d knows\n%s\nwant\n%s", episode, step, action, i, got, want)
				}
				if a.agent.FalsePositives != a.naive.falsePositives {
					t.Fatalf("episode %d, step %d: after %+v agent %d has %d false positives, want %d", episode, step, action, i,
						a.agent.FalsePositives, a.naive.falsePositives)
				}
				if version := a.agent.State.Version(); a.texts[version] != got {
					if a.texts[version] != "" {
						t.Fatalf("version %d of agent %d is both\n%s\nand\n%s", version, i, a.texts[version], got)
					}
					a.texts[version] = got
				}
				for ip := range a.naive.controlled {
					if !a.reach[ip] {
						t.Fatalf("agent %d controls %s, which is out of reach", i, ip)
					}
				}
			}
			if team[0].agent.GoalReached() != team[0].naive.contains(goal) {
				t.Fatalf("step %d: the goal is reached: %t", step, team[0].agent.GoalReached())
			}
			if team[0].agent.GoalReached() {
				reached++
			}
		}
		for _, a := range team {
			if got := text(a.copied.View()); got != a.text {
				t.Fatalf("a snapshot was\n%s\nand is\n%s", a.text, got)
			}
		}
	}
	return reached
}

// goalOf is the attackers' goal, which has no keywords.
func goalOf(w *netsecgame.World) *naiveAgent {
	v := w.Task().Roles[envs.Attacker].Goal
	g := netsecgame.GameState{
		KnownNetworks: v.Networks, KnownHosts: v.Known.IPs, ControlledHosts: v.Controlled.IPs,
		KnownServices: map[netsecgame.IP][]netsecgame.Service{}, KnownData: map[netsecgame.IP][]netsecgame.Data{},
	}
	for _, s := range v.Services {
		for _, service := range s.Services {
			g.KnownServices[s.Host] = append(g.KnownServices[s.Host], *service)
		}
	}
	for _, d := range v.Data {
		for _, key := range d.Data {
			g.KnownData[d.Host] = append(g.KnownData[d.Host], netsecgame.Data{Owner: key.Owner, ID: key.ID, Type: key.Type})
		}
	}
	return (*naive)(nil).join(envs.Attacker, g)
}

// closure returns what can be reached from some hosts, over any number of others.
func (w *naive) closure(from set[netsecgame.IP]) set[netsecgame.IP] {
	reached := maps.Clone(from)
	for grown := true; grown; {
		grown = false
		for x := range reached {
			for y, ok := range w.allowed[x] {
				if ok && !reached[y] {
					reached[y], grown = true, true
				}
			}
		}
	}
	return reached
}

// testGrown checks that an action makes nobody forget: only FindServices may replace what is known of its target.
func testGrown(t *testing.T, action netsecgame.Action, before, after netsecgame.GameState) {
	t.Helper()
	rules := (*naive)(nil)
	old, now := rules.join(0, before), rules.join(0, after)
	old.services = maps.Clone(old.services)
	if action.Type == netsecgame.FindServices {
		delete(old.services, action.TargetHost)
	}
	blocks := true
	for ip, list := range before.KnownBlocks {
		blocks = blocks && subset(setOf(list), setOf(after.KnownBlocks[ip]))
	}
	if !now.contains(old) || !blocks {
		t.Fatalf("%+v turns\n%s\ninto\n%s", action, text(before), text(after))
	}
}
