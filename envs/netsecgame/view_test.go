package netsecgame_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// TestStart: section 15, start positions.
func TestStart(t *testing.T) {
	const near = "192.168.1.0/24, 192.168.2.0/24, 192.168.3.0/24" // of a client's network
	for _, c := range []struct {
		name  string
		start part
		pick  string // what a draw chooses; "" if there is none
		want  string // the state's lines
	}{
		{"nothing", part{}, "", ""},
		{
			"a client knows the networks next to its own", part{controlled: "[192.168.2.2]"}, "",
			"networks " + near + "; hosts 192.168.2.2; controlled 192.168.2.2",
		},
		{
			"no network is next to a public one", part{controlled: "[213.47.23.195]"}, "",
			"networks 213.47.23.192/26; hosts 213.47.23.195; controlled 213.47.23.195",
		},
		{
			"who does not exist is nowhere", part{controlled: "[9.9.9.9]", hosts: "[8.8.8.8]"}, "",
			"hosts 8.8.8.8, 9.9.9.9; controlled 9.9.9.9",
		},
		{
			"known hosts bring no networks", part{hosts: "[192.168.2.2]", networks: "[213.47.23.192/26]"}, "",
			"networks 213.47.23.192/26; hosts 192.168.2.2",
		},
		{
			"random", part{controlled: "[random, random]"}, "192.168.2.4",
			"networks " + near + "; hosts 192.168.2.4; controlled 192.168.2.4",
		},
		{
			"all_local", part{hosts: "[all_local]"}, "",
			"hosts 192.168.1.1, 192.168.1.2, 192.168.1.3, 192.168.1.4, 192.168.1.5, 192.168.1.6, 192.168.2.1, 192.168.2.2, " +
				"192.168.2.3, 192.168.2.4, 192.168.2.5, 192.168.2.6",
		},
		{
			"services as given", part{services: "{192.168.1.3: [[a, b, c, true]], 9.9.9.9: []}"}, "",
			"services 192.168.1.3 a, 9.9.9.9",
		},
		{
			"a random service", part{services: "{192.168.1.3: [[a, b, c, true], random]}"}, "postgresql passive 14.3.0 false",
			"services 192.168.1.3 a, 192.168.1.3 postgresql",
		},
		{
			"data as given", part{data: "{192.168.1.2: [[Ghost, file]], 9.9.9.9: []}"}, "",
			"data 192.168.1.2 file, 9.9.9.9",
		},
		{
			"random data", part{data: "{192.168.1.2: [[User1, DataFromServer1], random, random]}"}, "User2 Data2FromServer1 ",
			"data 192.168.1.2 Data2FromServer1, 192.168.1.2 DataFromServer1",
		},
		{
			"random data, none left", part{data: "{192.168.1.3: [[User1, DatabaseData], random], 192.168.2.2: [random]}"}, "",
			"data 192.168.1.3 DatabaseData, 192.168.2.2",
		},
	} {
		d := &dice{pick: func(names []string) int { return slices.Index(names, c.pick) }}
		task := load(t, taskText("two_networks", c.start, part{}))
		a := netsecgame.NewWorld(task, netsecgame.Compat{}, d).NewAgent(envs.Attacker)
		if got := outline(a.State.View()); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if drawn := len(d.asked) == 1; drawn != (c.pick != "") {
			t.Errorf("%s: %d draws", c.name, len(d.asked))
		}
	}
}

// outline writes a view in one line, without what is empty.
func outline(v netsecgame.GameState) string {
	var parts []string
	add := func(name string, list []string) {
		if len(list) > 0 {
			parts = append(parts, name+" "+strings.Join(list, ", "))
		}
	}
	add("networks", sorted(v.KnownNetworks))
	add("hosts", sorted(v.KnownHosts))
	add("controlled", sorted(v.ControlledHosts))
	add("services", byAddress(v.KnownServices, func(s netsecgame.Service) string { return s.Name }))
	add("data", byAddress(v.KnownData, func(d netsecgame.Data) string { return d.ID }))
	add("blocks", byAddress(v.KnownBlocks, func(ip netsecgame.IP) string { return string(ip) }))
	return strings.Join(parts, "; ")
}

func byAddress[T any](lists map[netsecgame.IP][]T, name func(T) string) (texts []string) {
	for ip, list := range lists {
		if len(list) == 0 {
			texts = append(texts, string(ip))
		}
		for _, x := range list {
			texts = append(texts, fmt.Sprint(ip, " ", name(x)))
		}
	}
	slices.Sort(texts)
	return texts
}

// TestDraws: what is drawn from, in which order: the start position, then the goal, and hosts before services and data.
func TestDraws(t *testing.T) {
	start := part{
		hosts: "[random]", controlled: "[random]", services: "{192.168.2.2: [random, random, random]}",
		data: "{192.168.1.2: [random]}",
	}
	goal := part{
		hosts: "[random]", controlled: "[random]", services: "{192.168.1.2: [[microsoft-ds, passive, 10.0.19041, false], random]}",
		data: "{213.47.23.195: [random, [User1, DataFromServer1]], 1.1.1.1: [random]}",
	}
	const (
		starts = "192.168.2.2, 192.168.2.2"
		all    = "192.168.1.2, 192.168.2.2, 213.47.23.195, 192.168.1.1, 192.168.2.1"
		client = "ms-wbt-server passive 10.0.19041 false, powershell passive 10.0.19041 true"
		server = "ms-wbt-server passive 10.0.19041 false, windows login passive 10.0.19041 true, " +
			"powershell passive 10.0.19041 true"
		onServer = "User1 Data3FromServer1 , User1 DataFromServer1 , User2 Data2FromServer1 "
	)
	want := []string{
		starts, starts, client, "powershell passive 10.0.19041 true", onServer,
		all, all, server, "User1 Data3FromServer1 , User2 Data2FromServer1 , system logfile log", onServer + ", system logfile log",
	}
	d := &dice{}
	w := netsecgame.NewWorld(load(t, taskText("two_networks_tiny", start, goal)), netsecgame.Compat{}, d)
	a := w.NewAgent(envs.Attacker)
	if !slices.Equal(d.asked, want) {
		t.Errorf("draws\n%s\nwant\n%s", strings.Join(d.asked, "\n"), strings.Join(want, "\n"))
	}
	d.asked = nil
	w.Begin(a)
	if !slices.Equal(d.asked, want) {
		t.Errorf("draws at a reset\n%s", strings.Join(d.asked, "\n"))
	}
	d.asked = nil
	w.NewAgent(envs.Benign)
	if !slices.Equal(d.asked, []string{starts, starts, starts}) {
		t.Errorf("draws of a benign agent %q", d.asked)
	}
}

// TestGoal: section 10, one part of a goal at a time. The agent controls client and outside.
func TestGoal(t *testing.T) {
	for _, c := range []struct {
		name    string
		goal    part
		actions []netsecgame.Action // after the last one the goal is reached, and not before; none: at once
	}{
		{"networks", part{networks: "[192.168.1.0/24]"}, nil},
		{"hosts", part{hosts: "[192.168.1.2]"}, []netsecgame.Action{scan(client, "192.168.1.0/24")}},
		{"controlled", part{controlled: "[192.168.1.2, 192.168.2.2]"}, []netsecgame.Action{
			findServices(client, server), exploit(client, server, smb),
		}},
		{"services", part{services: "{192.168.1.2: [[microsoft-ds, passive, 10.0.19041, false]]}"}, []netsecgame.Action{
			findServices(client, server),
		}},
		{"services, all four fields", part{services: "{192.168.2.2: [[powershell, passive, 10.0.19041, true]]}"}, []netsecgame.Action{
			findServices(client, client),
		}},
		{"no services, but known", part{services: "{192.168.1.2: []}"}, []netsecgame.Action{findServices(client, server)}},
		{"no data, but known", part{data: "{192.168.2.2: []}"}, []netsecgame.Action{findData(client, client)}},
		{"data", part{data: "{213.47.23.195: [[User1, DataFromServer1]]}"}, []netsecgame.Action{
			findServices(client, server), exploit(client, server, smb), findData(server, server),
			exfiltrate(server, outside, copied),
		}},
	} {
		w := newWorld(t, taskText("two_networks_tiny", part{controlled: fmt.Sprintf("[%s, %s]", client, outside)}, c.goal))
		a := w.NewAgent(envs.Attacker)
		for _, action := range c.actions {
			if a.GoalReached() {
				t.Errorf("%s: reached before %+v", c.name, action)
			}
			play(t, w, a, action)
		}
		if !a.GoalReached() {
			t.Errorf("%s: not reached", c.name)
		}
	}
}

// TestValid: what a beginner may do, and that what is blocked is left out.
func TestValid(t *testing.T) {
	w := newWorld(t, taskText("two_networks_tiny", part{controlled: fmt.Sprintf("[%s, %s]", client, outside)}, part{}))
	a := w.NewAgent(envs.Attacker)
	count := func(blocks bool) (counts [netsecgame.ActionTypes]int) {
		for _, m := range w.AppendValid(nil, &a.State, blocks) {
			counts[m.Type]++
		}
		return counts
	}
	// By type: 2 sources with 4 networks; 2 with 2 hosts; every own host.
	if got, want := count(false), [...]int{8, 4, 2, 0, 0, 0}; got != want {
		t.Errorf("at the start %v, want %v", got, want)
	}
	for _, action := range []netsecgame.Action{
		findServices(client, server), exploit(client, server, smb), findData(server, server), findData(outside, outside),
	} {
		play(t, w, a, action)
	}
	// 3 sources with 4 networks and 3 hosts; 2 services of the server; 4 and 1 files to 2 hosts; 9 pairs with 3 hosts.
	if got, want := count(true), [...]int{12, 9, 3, 6, 10, 27}; got != want {
		t.Errorf("later %v, want %v", got, want)
	}
	play(t, w, a, block(client, client, server))
	// The server and the client are blocked from each other.
	if got, want := count(true), [...]int{12, 7, 3, 4, 6, 21}; got != want {
		t.Errorf("behind a block %v, want %v", got, want)
	}
	for _, m := range w.AppendValid(nil, &a.State, true) {
		if again, err := w.Compile(w.Action(m)); err != nil || w.Action(again) != w.Action(m) {
			t.Errorf("%+v is compiled to %+v, error %v", w.Action(m), w.Action(again), err)
		}
	}
}

// TestWhitebox: the order of section 19 in full, by its own definition.
func TestWhitebox(t *testing.T) {
	w := newWorld(t, taskText("two_networks_tiny", part{}, part{}))
	ips := []netsecgame.IP{"192.168.1.1", "192.168.1.2", "192.168.2.1", "192.168.2.2", "213.47.23.195"}
	services := map[netsecgame.IP][]netsecgame.Service{}
	s, err := netsecgame.NamedScenario("two_networks_tiny")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range s.Hosts {
		services[h.Interfaces[0].IP] = h.Services
	}
	data := []netsecgame.Data{
		{Owner: "User1", ID: "Data3FromServer1"}, {Owner: "User1", ID: "DataFromServer1"},
		{Owner: "User2", ID: "Data2FromServer1"}, {Owner: "system", ID: "logfile", Type: "log"},
	}
	var want []netsecgame.Action
	each := func(add func(s, t netsecgame.IP)) {
		for _, s := range ips {
			for _, t := range ips {
				add(s, t)
			}
		}
	}
	for _, s := range ips {
		for _, n := range []string{"192.168.1.0/24", "192.168.2.0/24", "213.47.23.192/26"} {
			want = append(want, scan(s, n))
		}
	}
	each(func(s, t netsecgame.IP) { want = append(want, findServices(s, t)) })
	each(func(s, t netsecgame.IP) {
		for _, v := range services[t] {
			want = append(want, exploit(s, t, v))
		}
	})
	each(func(s, t netsecgame.IP) { want = append(want, findData(s, t)) })
	each(func(s, t netsecgame.IP) {
		for _, d := range data {
			want = append(want, exfiltrate(s, t, d))
		}
	})
	each(func(s, t netsecgame.IP) {
		for _, b := range ips {
			a := block(s, t, "")
			a.Has ^= netsecgame.BlockedHost | netsecgame.BlockedIP
			a.BlockedIP = b
			want = append(want, a)
		}
	})
	if got := w.AllActions(); !slices.Equal(got, want) {
		t.Errorf("%d actions, want %d, or in another order", len(got), len(want))
	}
}
