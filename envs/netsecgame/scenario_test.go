package netsecgame_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/envtest"
	"idsrl/envs/netsecgame"
	"idsrl/envs/settings"
)

// published is the published description of the scenarios, as far as the game depends on it.
type published struct {
	Networks []struct {
		CIDR    string
		Private bool
	}
	Hosts, Routers []struct {
		ID         string
		Interfaces []struct{ IP, Net string }
		Services   []struct {
			Name, Version string
			Local         bool
		}
		Data []struct {
			Owner, ID, Type string
			Size            int
		}
		IgnoredByGame bool `json:"ignored_by_game"`
	}
	StartCandidates []string        `json:"start_candidates"`
	IPOrder         []netsecgame.IP `json:"ip_order"`
	Reachability    map[netsecgame.IP][]string
	Summary         struct {
		AllowedPairsOn  int            `json:"allowed_pairs_firewall_on"`
		AllowedPairsOff int            `json:"allowed_pairs_firewall_off"`
		WhiteboxActions map[string]int `json:"whitebox_actions"`
	}
}

func publishedScenarios(t *testing.T) map[string]published {
	t.Helper()
	var all struct {
		Scenarios, Unregistered map[string]published
		Aliases                 map[string]string
	}
	if err := json.Unmarshal(envtest.ReadGzip(t, "testdata/netsecgame-scenarios.json.gz"), &all); err != nil {
		t.Fatal(err)
	}
	maps.Copy(all.Scenarios, all.Unregistered)
	for alias, name := range all.Aliases {
		all.Scenarios[alias] = all.Scenarios[name]
	}
	return all.Scenarios
}

// TestScenarios holds the scenarios against their published description: what they consist of, and what the game makes
// of them.
func TestScenarios(t *testing.T) {
	want := publishedScenarios(t)
	if got := netsecgame.Scenarios(); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("Scenarios() = %v", got)
	}
	for name, p := range want {
		t.Run(name, func(t *testing.T) {
			testHosts(t, name, &p)
			testReach(t, name, &p)
			w := newWorld(t, taskText(name, part{controlled: "[all_local]"}, part{}))
			counts := map[string]int{"total": len(w.AllMoves())}
			for _, m := range w.AllMoves() {
				counts[m.Type.String()]++
			}
			if !maps.Equal(counts, p.Summary.WhiteboxActions) {
				t.Errorf("all moves: %v, want %v", counts, p.Summary.WhiteboxActions)
			}
		})
	}
}

// testHosts compares a scenario in its file with the description.
func testHosts(t *testing.T, name string, p *published) {
	s, err := netsecgame.NamedScenario(name)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, h := range s.Hosts {
		got = append(got, fmt.Sprint(h.Name, h.Interfaces, h.Services, sorted(append(h.Data, netsecgame.LogFile))))
	}
	for _, h := range append(p.Hosts, p.Routers...) {
		if h.IgnoredByGame {
			continue
		}
		var interfaces []netsecgame.Interface
		for _, i := range h.Interfaces {
			n, err := netsecgame.ParseNetwork(i.Net)
			if err != nil {
				t.Fatal(err)
			}
			interfaces = append(interfaces, netsecgame.Interface{IP: netsecgame.IP(i.IP), Network: n})
		}
		var services []netsecgame.Service
		for _, s := range h.Services {
			services = append(services, netsecgame.Service{Name: s.Name, Type: "passive", Version: s.Version, Local: s.Local})
		}
		var data []netsecgame.DataKey
		for _, d := range h.Data {
			data = append(data, netsecgame.DataKey{Owner: d.Owner, ID: d.ID, Type: d.Type})
		}
		want = append(want, fmt.Sprint(h.ID, interfaces, services, sorted(data)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("hosts:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// testReach compares who reaches whom. An agent on every host scans everything from each host in turn.
func testReach(t *testing.T, name string, p *published) {
	pairs := func(x netsecgame.IP, env string) []netsecgame.IP {
		w := newWorld(t, taskText(name, part{controlled: fmt.Sprintf("[%s]", x)}, part{}, env))
		a := w.NewAgent(envs.Attacker)
		play(t, w, a, scan(x, "0.0.0.0/0"))
		return slices.Collect(a.State.Hosts())
	}
	on, off := 0, 0
	for _, x := range p.IPOrder {
		reached := pairs(x, "use_firewall: true")
		if !equal(reached, p.Reachability[x]...) {
			t.Errorf("%s reaches %v, want %v", x, reached, p.Reachability[x])
		}
		on += len(reached)
		off += len(pairs(x, "use_firewall: false"))
	}
	if on != p.Summary.AllowedPairsOn || off != p.Summary.AllowedPairsOff {
		t.Errorf("%d pairs with a firewall, %d without; want %d and %d", on, off, p.Summary.AllowedPairsOn,
			p.Summary.AllowedPairsOff)
	}
}

// TestDrawnFrom: where the keyword random may lead, in the order of the draws.
func TestDrawnFrom(t *testing.T) {
	for name, p := range publishedScenarios(t) {
		d := &dice{}
		task := load(t, taskText(name, part{controlled: "[random]"}, part{controlled: "[random]"}))
		netsecgame.NewWorld(task, netsecgame.Compat{}, d).NewAgent(envs.Attacker)
		all := make([]string, len(p.IPOrder))
		for i, ip := range p.IPOrder {
			all[i] = string(ip)
		}
		want := []string{strings.Join(p.StartCandidates, ", "), strings.Join(all, ", ")}
		if !slices.Equal(d.asked, want) {
			t.Errorf("%s: draws from %q, want %q", name, d.asked, want)
		}
	}
}

func TestNoScenario(t *testing.T) {
	_, err := netsecgame.NamedScenario("two_netwroks")
	if err == nil || !strings.Contains(err.Error(), "did you mean two_networks?") ||
		!strings.Contains(err.Error(), "three_net_scenario") {
		t.Errorf("error %v", err)
	}
}

// TestScenarioProblems: each line of a bad file is told, all at once.
func TestScenarioProblems(t *testing.T) {
	_, err := netsecgame.ParseScenario("x", "x.yaml", []byte(`hosts:
  a:
    addresses: {192.168.1.2: 192.168.1.0/24, 192.168.1.3: 192.168.2.0/24}
  b:
    addresses: {192.168.1.2: 192.168.1.0/24, server: 192.168.1.0/24}
    services:
      - {version: 1.0, locla: true}
      - {name: ssh, local: maybe}
      - {name: ssh}
      - {name: ssh}
    data: [[User1, A], [User1, A], User1, [a]]
  c: {addresses: {10.0.0.0: 10.0.0.0/8, 10.0.0.1: 10.0.0.0/7, 10.0.0.2: ten}}
  d: {adresses: {}}
  e: {addresses: {}}
start: [1.1.1.1]
allow:
  - {from: 192.168.1.2, to: everywhere}
  - {from: [192.168.1.0/24]}
  - none
`))
	want := `x.yaml:3: hosts.a.addresses.192.168.1.3 = 192.168.2.0/24: has no room for a host at 192.168.1.3
x.yaml:5: hosts.b.addresses.192.168.1.2 = 192.168.1.0/24: 192.168.1.2 belongs to another host
x.yaml:5: hosts.b.addresses.server = 192.168.1.0/24: server is no IPv4 address
x.yaml:7: hosts.b.services: needs name; write name: ssh
x.yaml:7: hosts.b.services.locla = true: means nothing here; did you mean local?
x.yaml:8: hosts.b.services.local = maybe: must be true or false
x.yaml:9: hosts.b.services: is there already
x.yaml:10: hosts.b.services: is there already
x.yaml:11: hosts.b.data = [User1, A]: is there already
x.yaml:11: hosts.b.data = User1: must be [owner, id]
x.yaml:11: hosts.b.data = [a]: must be [owner, id]
x.yaml:12: hosts.c.addresses.10.0.0.0 = 10.0.0.0/8: has no room for a host at 10.0.0.0
x.yaml:12: hosts.c.addresses.10.0.0.1 = 10.0.0.0/7: must be a network from /8 to /30
x.yaml:12: hosts.c.addresses.10.0.0.2 = ten: must be a network like 192.168.1.0/24
x.yaml:13: hosts.d: needs addresses; write addresses: {192.168.1.2: 192.168.1.0/24}
x.yaml:13: hosts.d.adresses: means nothing here; did you mean addresses?
x.yaml:14: hosts.e.addresses: must have at least one address: network
x.yaml:15: start = 1.1.1.1: must be an address of a host
x.yaml:17: allow.to = everywhere: must be an address, or a network like 192.168.1.0/24
x.yaml:18: allow: needs to; write to: 192.168.1.0/24
x.yaml:19: allow = none: must hold keys and values; write {} if there are none`
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

func FuzzScenario(f *testing.F) {
	for _, name := range netsecgame.Scenarios() {
		data, err := netsecgame.ScenarioFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("hosts: {a: {addresses: {10.0.0.1: 10.0.0.0/8}}}\nstart: [10.0.0.1]\nallow: [{from: 0.0.0.0/0, to: 1.1.1.1}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := netsecgame.ParseScenario("x", "x.yaml", data)
		if err != nil {
			if _, ok := errors.AsType[settings.Errors](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		task := load(t, taskText("two_networks", part{controlled: "[random]"}, part{data: "{1.1.1.1: [random]}"}))
		task.Scenario = s
		exercise(t, task)
	})
}

// exercise plays some moves of every role in the world of a task, under new addresses, too.
func exercise(t *testing.T, task *netsecgame.Task) {
	r := netsecgame.NewGenerator()
	r.Seed(1)
	w := netsecgame.NewWorld(task, netsecgame.Compat{}, r)
	for _, renumber := range []bool{false, true} {
		w.Reset(renumber)
		for _, role := range roles {
			if task.Roles[role] == nil {
				continue
			}
			a := w.NewAgent(role)
			for i, m := range w.AppendValid(nil, &a.State, true) {
				if i%7 != 0 {
					continue
				}
				play(t, w, a, w.Action(m))
				a.GoalReached()
			}
			a.State.View()
			w.GoalDescription(role)
		}
	}
}
