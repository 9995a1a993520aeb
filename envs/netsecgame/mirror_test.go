package netsecgame_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
)

// known returns the features of an agent's state.
func known(w *netsecgame.World, a *netsecgame.Agent) []float32 {
	features := make([]float32, w.Features(true))
	a.State.Features(features, true)
	return features
}

// An agent's mirror knows the same, by name and by number, whatever the addresses: as they are, new, and new again. What it
// names can be played.
func TestMirror(t *testing.T) {
	start := part{
		controlled: "[213.47.23.195, random, 10.99.0.1]", hosts: "[8.8.8.8]",
		services: "{192.168.1.2: [[ssh, passive, 8.1.0, false], [odd, passive, 1, true]]}",
		data:     "{192.168.1.2: [[User1, DataFromServer1]], 9.9.9.8: []}",
	}
	for _, scenario := range []string{"two_networks_tiny", "two_networks", "one_network", "three_net_scenario", "test_scenario"} {
		for _, role := range roles {
			text := taskText(scenario, start, part{data: "{213.47.23.195: [random]}"})
			here, there := newWorld(t, text), newWorld(t, text)
			image, agent := here.NewAgent(role), there.NewAgent(role)
			mirror, k := netsecgame.NewMirror(here, image), newWalker(1, there)
			k.ips = []netsecgame.IP{"10.99.0.1", "8.8.8.8", "fe80::1"} // none that exist under old addresses only
			for episode := range 6 {
				there.Reset(episode > 0)
				there.Begin(agent)
				mirror.Begin()
				for step := range 40 {
					v := agent.State.View()
					if err := mirror.Show(&v); err != nil {
						t.Fatalf("%s, %s, episode %d, step %d: %v", scenario, role, episode, step, err)
					}
					compareKnowledge(t, here, there, image, agent)
					play(t, there, agent, k.next(agent))
				}
			}
		}
	}
}

// compareKnowledge holds an agent's state against that of another one elsewhere.
func compareKnowledge(t *testing.T, here, there *netsecgame.World, image, agent *netsecgame.Agent) {
	t.Helper()
	if got, want := text(image.State.View()), text(agent.State.View()); got != want {
		t.Fatalf("the mirror shows\n%s\nof\n%s", got, want)
	}
	if !slices.Equal(known(here, image), known(there, agent)) {
		t.Fatalf("the mirror takes something for something else:\n%s", text(agent.State.View()))
	}
	names := func(w *netsecgame.World, a *netsecgame.Agent) (names []netsecgame.Action) {
		for _, m := range w.AppendValid(nil, &a.State, false) {
			names = append(names, w.Action(m))
		}
		return names
	}
	if got, want := names(here, image), names(there, agent); !slices.Equal(got, want) {
		t.Fatalf("by the mirror %+v can be played, there %+v", got, want)
	}
}

// What shows the mirror where a network has gone may come late: an address outside, then its network.
func TestMirrorLearns(t *testing.T) {
	w := newWorld(t, taskText("two_networks_tiny", part{controlled: "[192.168.2.2]"}, part{}))
	a := w.NewAgent(envs.Attacker)
	m := netsecgame.NewMirror(w, a)
	v := netsecgame.GameState{
		KnownNetworks: []netsecgame.Network{{IP: "10.7.8.0", Mask: 24}, {IP: "10.7.9.0", Mask: 24}, {IP: "10.7.7.0", Mask: 24}},
		KnownHosts:    []netsecgame.IP{"10.7.8.2"}, ControlledHosts: []netsecgame.IP{"10.7.8.2"},
	}
	later := v
	later.KnownHosts = append([]netsecgame.IP{"10.7.7.2", "55.66.77.131"}, v.KnownHosts...)
	last := later
	last.KnownNetworks = append([]netsecgame.Network{{IP: "55.66.77.129", Mask: 26}}, v.KnownNetworks...)
	for i, v := range []netsecgame.GameState{v, later, last} {
		if err := m.Show(&v); err != nil {
			t.Fatal(err)
		}
		shown := a.State.View()
		shown.KnownServices, shown.KnownData, shown.KnownBlocks = nil, nil, nil
		if got, want := text(shown), text(v); got != want {
			t.Errorf("step %d: %s, want %s", i, got, want)
		}
	}
	// Numbers go by the scenario: server, client, host outside, the router's two.
	if got := known(w, a)[3:8]; !slices.Equal(got, []float32{1, 1, 1, 0, 0}) {
		t.Errorf("known addresses %v", got)
	}
}

// What does not fit, or could be several things, is not guessed.
func TestMirrorRefuses(t *testing.T) {
	state := func(network string, hosts ...netsecgame.IP) netsecgame.GameState {
		n, err := netsecgame.ParseNetwork(network)
		if err != nil {
			t.Fatal(err)
		}
		return netsecgame.GameState{KnownNetworks: []netsecgame.Network{n}, KnownHosts: hosts, ControlledHosts: hosts}
	}
	service := state("192.168.2.0/24", "192.168.2.2")
	service.KnownServices = map[netsecgame.IP][]netsecgame.Service{"192.168.2.2": {{Name: "finger"}}}
	data := state("192.168.2.0/24", "192.168.2.2")
	data.KnownData = map[netsecgame.IP][]netsecgame.Data{"192.168.2.2": {{Owner: "me", ID: "it"}}}
	for _, test := range []struct {
		controlled string
		shown      netsecgame.GameState
		want       string
	}{
		{"[192.168.2.2]", state("10.1.2.0/24", "10.1.2.2"), ""},
		{"[192.168.1.2]", state("10.1.2.0/24", "10.1.2.2"), ""},
		{"[192.168.1.2]", state("192.168.2.0/24", "192.168.2.2"), ""}, // where the other one was
		{"[random, 192.168.1.1]", state("192.168.2.0/24", "192.168.2.2"), ""},
		{"[213.47.23.195]", state("192.168.2.0/24", "192.168.2.2"), ""},
		{"[213.47.23.195]", state("10.1.2.0/24", "10.1.2.2"), "10.1.2.2 may be what two_networks_tiny calls"},
		{"[192.168.2.2]", state("10.1.2.0/24", "10.1.2.3"), "no network 10.1.2.0/24"},
		{"[192.168.2.2]", state("192.168.2.0/24", "192.168.2.2", "192.168.2.3"), "no address 192.168.2.3"},
		{"[192.168.2.2]", state("10.1.2.0/25", "10.1.2.2"), "no network 10.1.2.0/25"},
		{"[192.168.2.2]", state("77.1.2.0/24", "77.1.2.2"), "no network 77.1.2.0/24"},
		{"[192.168.2.2]", service, "no service Service(name='finger'"},
		{"[192.168.2.2]", data, "no data"},
	} {
		w := newWorld(t, taskText("two_networks_tiny", part{controlled: test.controlled}, part{}))
		err := netsecgame.NewMirror(w, w.NewAgent(envs.Attacker)).Show(&test.shown)
		switch {
		case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s, %+v: %v, want %q", test.controlled, test.shown, err, test.want)
		}
	}
}

// Whatever state a server sends, the mirror either shows it or refuses it.
func FuzzMirror(f *testing.F) {
	for _, state := range []string{
		`"known_networks":[{"ip":"10.0.1.0","mask":24}],"known_hosts":[{"ip":"10.0.1.2"}],"controlled_hosts":[{"ip":"10.0.1.2"}],
		"known_services":{"10.0.1.2":[{"name":"powershell","type":"passive","version":"10.0.19041","is_local":true}]},
		"known_data":{"10.0.1.2":[{"owner":"system","id":"logfile","size":3,"type":"log","content":"..."}]},
		"known_blocks":{"10.0.1.2":[{"ip":"8.8.8.8"}]}`,
		`"known_networks":[{"ip":"::","mask":99}],"known_hosts":[{"ip":"10.0.1.2"},{"ip":"77.0.0.1"}],"controlled_hosts":[],
		"known_services":{},"known_data":{"::1":[]},"known_blocks":{}`,
		`"known_networks":[{"ip":"","mask":-1},{"ip":"77.1.2.3","mask":26}],"known_hosts":[],"controlled_hosts":[{"ip":"77.1.2.5"}],
		"known_services":{"77.1.2.5":[]},"known_data":{},"known_blocks":{"77.1.2.5":[]}`,
	} {
		f.Add([]byte(state))
	}
	w := newWorld(f, taskText("two_networks_tiny", part{controlled: "[192.168.2.2]"}, part{}))
	a := w.NewAgent(envs.Attacker)
	m := netsecgame.NewMirror(w, a)
	f.Fuzz(func(t *testing.T, state []byte) {
		reply, err := coordinator.ParseAnswer(fmt.Appendf(nil,
			`{"status":"GameStatus.OK","observation":{"state":{%s},"reward":0,"end":false,"info":{}}}`, state))
		if err != nil {
			return
		}
		m.Begin()
		if m.Show(&reply.State) != nil {
			return
		}
		shown := a.State.View()
		if !maps.Equal(setOf(shown.KnownHosts), setOf(reply.State.KnownHosts)) ||
			!maps.Equal(setOf(shown.KnownNetworks), setOf(reply.State.KnownNetworks)) {
			t.Errorf("%v, shown %v", reply.State, shown)
		}
	})
}
