package netsecgame_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// wander plays moves of two attackers and a defender, mostly sensible ones, and shows each agent before its move.
func wander(t *testing.T, w *netsecgame.World, visit func(a *netsecgame.Agent)) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	all := w.AllMoves()
	var agents []*netsecgame.Agent
	for _, role := range []envs.Role{envs.Attacker, envs.Defender, envs.Attacker} {
		agents = append(agents, w.NewAgent(role))
	}
	for i := range 300 {
		a := agents[i%len(agents)]
		visit(a)
		moves := w.AppendValid(nil, &a.State, a.Role == envs.Defender)
		if i%5 == 0 {
			moves = all
		}
		if err := w.Apply(a, one(rng, moves)); err != nil {
			t.Fatal(err)
		}
	}
}

func walled(t *testing.T) *netsecgame.World {
	return newWorld(t, taskText("two_networks", part{controlled: "[213.47.23.195, random]"},
		part{data: "{213.47.23.195: [[User1, DatabaseData]]}"}))
}

// Valid is AppendValid, move by move, and follows from the features.
func TestStateValid(t *testing.T) {
	w := walled(t)
	all := w.AllMoves()
	features := make([]float32, w.Features(true))
	seen := map[string][]bool{}
	wander(t, w, func(a *netsecgame.Agent) {
		listed := map[netsecgame.Move]bool{}
		for _, m := range w.AppendValid(nil, &a.State, true) {
			listed[m] = true
		}
		var valid []bool
		for _, m := range all {
			valid = append(valid, a.State.Valid(&m))
			if got := a.State.Valid(&m); got != listed[m] {
				t.Fatalf("%s: %+v is valid: %v", a.Role, w.Action(m), got)
			}
		}
		a.State.Features(features, true)
		key := fmt.Sprint(features)
		if before, ok := seen[key]; ok && !slices.Equal(before, valid) {
			t.Fatalf("%s: other moves are valid with the same features", a.Role)
		}
		seen[key] = valid
	})
}

// Features are what the names in View say.
func TestFeatures(t *testing.T) {
	w := walled(t)
	s := w.Task().Scenario
	blocked := false
	wander(t, w, func(a *netsecgame.Agent) {
		v := a.State.View()
		var want []float32
		put := func(is bool) {
			want = append(want, 0)
			if is {
				want[len(want)-1] = 1
			}
		}
		var networks []netsecgame.Network
		var addresses []netsecgame.IP
		var services [][]netsecgame.Service
		files := map[netsecgame.DataKey]bool{}
		for _, h := range s.Hosts {
			for _, i := range h.Interfaces {
				if !slices.Contains(networks, i.Network) {
					networks = append(networks, i.Network)
				}
				addresses, services = append(addresses, i.IP), append(services, h.Services)
			}
			for _, key := range h.Data {
				files[key] = true
			}
		}
		var data []netsecgame.DataKey
		for key := range files {
			data = append(data, key)
		}
		slices.SortFunc(data, func(a, b netsecgame.DataKey) int {
			return slices.Compare([]string{a.Owner, a.ID, a.Type}, []string{b.Owner, b.ID, b.Type})
		})
		for _, n := range networks {
			put(slices.Contains(v.KnownNetworks, n))
		}
		for _, ip := range addresses {
			put(slices.Contains(v.KnownHosts, ip))
		}
		for _, ip := range addresses {
			put(slices.Contains(v.ControlledHosts, ip))
		}
		for _, ip := range addresses {
			put(slices.ContainsFunc(v.KnownData[ip], func(d netsecgame.Data) bool { return d.Key() == netsecgame.LogFile }))
		}
		for i, ip := range addresses {
			for _, service := range services[i] {
				put(slices.Contains(v.KnownServices[ip], service))
			}
		}
		for _, ip := range addresses {
			for _, key := range data {
				put(slices.ContainsFunc(v.KnownData[ip], func(d netsecgame.Data) bool { return d.Key() == key }))
			}
		}
		plain := len(want)
		for _, x := range addresses {
			for _, y := range addresses {
				is := slices.Contains(v.KnownBlocks[x], y)
				blocked = blocked || is
				put(is)
			}
		}
		for _, blocks := range []bool{false, true} {
			if !blocks {
				if got := w.Features(false); got != plain {
					t.Fatalf("%d features, want %d", got, plain)
				}
			}
			got := make([]float32, w.Features(blocks))
			for i := range got {
				got[i] = 7
			}
			a.State.Features(got, blocks)
			if !slices.Equal(got, want[:len(got)]) {
				t.Fatalf("%s: %v, want %v", a.Role, got, want)
			}
		}
	})
	if !blocked {
		t.Error("nobody has blocked anything")
	}
}

// What a bot is told to leave out does nothing for an agent that plays the rest.
func TestPointless(t *testing.T) {
	w := walled(t)
	count := map[netsecgame.ActionType]int{}
	for _, m := range w.AllMoves() {
		if !w.Pointless(m) {
			count[m.Type]++
		}
	}
	want := map[netsecgame.ActionType]int{ // 13 addresses, 3 networks, 13 remote services, 5 files
		netsecgame.ScanNetwork: 13 * 3, netsecgame.FindServices: 13 * 13, netsecgame.FindData: 13,
		netsecgame.ExploitService: 13 * 13, netsecgame.ExfiltrateData: 13 * 12 * 5, netsecgame.BlockIP: 13 * 12,
	}
	for kind, n := range want {
		if count[kind] != n {
			t.Errorf("%d of %s, want %d", count[kind], kind, n)
		}
	}
}

func TestNews(t *testing.T) {
	w := newWorld(t, taskText("two_networks_small", part{controlled: "[213.47.23.195, 192.168.2.2, 192.168.1.3]"},
		part{data: "{213.47.23.195: [[User1, DatabaseData]]}"}))
	a := w.NewAgent(envs.Attacker)
	ssh := netsecgame.Service{Name: "ssh", Type: "passive", Version: "8.1.0"}
	database := netsecgame.Data{Owner: "User1", ID: "DatabaseData"}
	const inside, server, outside = "192.168.2.2", "192.168.1.3", "213.47.23.195"
	for _, test := range []struct {
		action        netsecgame.Action
		before, after bool // it is played
	}{
		{scan(inside, "192.168.1.0/24"), true, true},
		{findServices(inside, "192.168.1.4"), true, false},
		{exploit(inside, server, ssh), false, false},
		{exploit(inside, "192.168.1.4", ssh), true, false},
		{findData(server, server), true, false},
		{exfiltrate(server, inside, database), false, false},
		{exfiltrate(server, outside, database), true, false},
		{block(inside, inside, "192.168.1.2"), true, false},
		{block(server, server, "192.168.1.2"), false, false},
	} {
		m, err := w.Compile(test.action)
		if err != nil {
			t.Fatal(err)
		}
		before := w.News(a, &m)
		play(t, w, a, test.action)
		if after := w.News(a, &m); before != test.before || after != test.after {
			t.Errorf("%+v: %v, then %v", test.action, before, after)
		}
	}
}

func TestAppendKey(t *testing.T) {
	v := netsecgame.GameState{
		KnownNetworks:   []netsecgame.Network{{IP: "192.168.10.0", Mask: 24}, {IP: "192.168.2.0", Mask: 24}},
		KnownHosts:      []netsecgame.IP{"192.168.2.2", "192.168.10.2"},
		ControlledHosts: []netsecgame.IP{"192.168.2.2"},
		KnownServices: map[netsecgame.IP][]netsecgame.Service{
			"192.168.2.2": {
				{Name: "ssh", Type: "passive", Version: "8.1.0"},
				{Name: "bash", Type: "passive", Version: "5.0.0", Local: true},
				{Name: "bash", Type: "passive", Version: "5.0.0"},
			},
		},
		KnownData: map[netsecgame.IP][]netsecgame.Data{
			"192.168.2.2":  {{Owner: "system", ID: "logfile", Type: "log", Size: 83}, {Owner: "User1", ID: "x"}},
			"192.168.10.2": {},
		},
		KnownBlocks: map[netsecgame.IP][]netsecgame.IP{"192.168.2.2": {"9.9.9.9", "1.1.1.1"}},
	}
	const want = "nets:[192.168.2.0/24, 192.168.10.0/24],hosts:[192.168.10.2, 192.168.2.2],controlled:[192.168.2.2]," +
		"services:{192.168.2.2:[Service(name='bash', type='passive', version='5.0.0', is_local=False), " +
		"Service(name='bash', type='passive', version='5.0.0', is_local=True), " +
		"Service(name='ssh', type='passive', version='8.1.0', is_local=False)]}," +
		"data:{192.168.10.2:[]192.168.2.2:[Data(owner='User1', id='x', size=0, type=''), " +
		"Data(owner='system', id='logfile', size=83, type='log')]},blocks:{192.168.2.2:[1.1.1.1, 9.9.9.9]}"
	if got := string(v.AppendKey([]byte("key "))); got != "key "+want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
