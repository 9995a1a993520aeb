package netsecgame_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

func number(t *testing.T, ip netsecgame.IP) int {
	t.Helper()
	a, err := netip.ParseAddr(string(ip))
	if err != nil || !a.Is4() {
		t.Fatalf("%q is no IPv4 address", ip)
	}
	b := a.As4()
	return int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
}

// TestRenumber: section 14. Distances of private networks and offsets of hosts stay, the kinds of addresses stay.
func TestRenumber(t *testing.T) {
	topology := func() *netsecgame.Topology {
		return &netsecgame.Topology{
			Networks: []netsecgame.Network{
				{IP: "192.168.3.0", Mask: 24}, {IP: "213.47.23.195", Mask: 26}, {IP: "192.168.1.0", Mask: 24},
				{IP: "192.168.64.0", Mask: 18},
			},
			Addresses: []netsecgame.IP{"192.168.3.9", "213.47.23.200", "192.168.1.1", "192.168.127.254", "192.168.1.254"},
			In:        []int{0, 1, 2, 3, 2},
		}
	}
	kinds := map[string]int{}
	for name, r := range map[string]netsecgame.Randomness{
		"generator": netsecgame.NewGenerator(), "twister": netsecgame.NewTwister(),
	} {
		for seed := range uint64(60) {
			r.Seed(seed)
			before, after := topology(), topology()
			for range 2 { // the next change starts from these
				r.Renumber(after)
				public, err := netip.ParsePrefix(after.Networks[1].String())
				if err != nil || public.Addr().IsPrivate() || !public.Addr().IsGlobalUnicast() || public.Bits() != 26 {
					t.Errorf("%s, seed %d: public network %s", name, seed, after.Networks[1])
				}
				first := number(t, after.Networks[2].IP)
				for i, distance := range map[int]int{0: 512, 2: 0, 3: 63 * 256} {
					n := after.Networks[i]
					if number(t, n.IP)-first != distance || n.Mask != before.Networks[i].Mask || !netip.MustParseAddr(string(n.IP)).IsPrivate() {
						t.Errorf("%s, seed %d: network %d is %s", name, seed, i, n)
					}
				}
				for i, offset := range []int{9, 200 - 192, 1, 64*256 - 2, 254} {
					n := after.Networks[after.In[i]]
					base := number(t, n.IP) &^ (1<<(32-n.Mask) - 1)
					if got := number(t, after.Addresses[i]) - base; got != offset {
						t.Errorf("%s, seed %d: %s is number %d in %s, want %d", name, seed, after.Addresses[i], got, n, offset)
					}
				}
				kinds[fmt.Sprint(strings.Split(string(after.Networks[2].IP), ".")[0])]++
			}
		}
	}
	if len(kinds) != 3 || kinds["10"] < 40 || kinds["172"] < 40 || kinds["192"] < 40 { // of 240, each a third
		t.Errorf("first private networks by their first number: %v", kinds)
	}
}

// TestTooFarApart: private networks that no draw can move together stay where they are.
func TestTooFarApart(t *testing.T) {
	topology := netsecgame.Topology{
		Networks:  []netsecgame.Network{{IP: "169.254.0.0", Mask: 24}, {IP: "239.0.0.0", Mask: 24}},
		Addresses: []netsecgame.IP{"169.254.0.1", "239.0.0.1"}, In: []int{0, 1},
	}
	r := netsecgame.NewGenerator()
	r.Seed(1)
	r.Renumber(&topology)
	if !slices.Equal(topology.Addresses, []netsecgame.IP{"169.254.0.1", "239.0.0.1"}) {
		t.Errorf("addresses %v", topology.Addresses)
	}
}

// TestCollisions: addresses that meet are drawn again.
func TestCollisions(t *testing.T) {
	r := netsecgame.NewGenerator()
	r.Seed(1)
	for range 2000 { // one draw in 256 would move the first host onto the second, whose network starts at 10.0.0.0
		topology := netsecgame.Topology{
			Networks:  []netsecgame.Network{{IP: "10.0.0.0", Mask: 24}, {IP: "10.0.1.0", Mask: 16}},
			Addresses: []netsecgame.IP{"10.0.0.5", "10.0.9.5"}, In: []int{0, 1},
		}
		r.Renumber(&topology)
		if topology.Addresses[0] == topology.Addresses[1] {
			t.Fatalf("addresses %v", topology.Addresses)
		}
	}
}

// TestPublicOnly: there need not be private networks.
func TestPublicOnly(t *testing.T) {
	topology := netsecgame.Topology{
		Networks: []netsecgame.Network{{IP: "1.2.3.0", Mask: 24}}, Addresses: []netsecgame.IP{"1.2.3.4"}, In: []int{0},
	}
	r := netsecgame.NewGenerator()
	r.Seed(1)
	r.Renumber(&topology)
	if topology.Addresses[0] == "1.2.3.4" || number(t, topology.Addresses[0])&255 != 4 {
		t.Errorf("addresses %v", topology.Addresses)
	}
}

// TestReaddress: under new addresses it is the same world. Two agents play the same moves in it, one before the change
// and one after, and know the same up to names.
func TestReaddress(t *testing.T) {
	start := part{
		networks: "[192.168.1.0/24]", controlled: "[192.168.2.2, 9.9.9.9]", hosts: "[213.47.23.195, 8.8.8.8]",
		data: "{192.168.1.2: [[User1, DataFromServer1]]}",
	}
	goal := part{controlled: "[all_local]", hosts: "[8.8.8.8]"}
	text := strings.Replace(taskText("two_networks_small", start, goal), "Defender:", "Benign:\n      max_steps: 1\n    Defender:", 1)
	text = strings.Replace(text, "goal: {", "goal: {description: 'from 192.168.1.2 (192.168.1.0/24, 1192.168.1.2) to 213.47.23.195, not 8.8.8.8', ", 1)
	w := newWorld(t, text)
	moves := w.AllMoves()
	episode := func() (views []netsecgame.GameState, valid int) {
		a, d := w.NewAgent(envs.Attacker), w.NewAgent(envs.Defender)
		for i := 0; i < len(moves); i += 5 {
			for _, agent := range []*netsecgame.Agent{a, d} {
				if err := w.Apply(agent, moves[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		return []netsecgame.GameState{a.State.View(), d.State.View()}, len(w.AppendValid(nil, &a.State, true))
	}
	before, validBefore := episode()
	names := w.AllActions()
	w.Reset(true)
	after, validAfter := episode()
	if validBefore != validAfter {
		t.Errorf("%d valid moves before, %d after", validBefore, validAfter)
	}

	// The names before and after, from what the moves are called.
	var pairs []string
	renamed := map[string]bool{}
	for i, m := range moves {
		action := w.Action(m)
		for _, p := range [][2]string{
			{string(names[i].SourceHost), string(action.SourceHost)},
			{names[i].TargetNetwork.String(), action.TargetNetwork.String()},
		} {
			if !renamed[p[0]] {
				pairs, renamed[p[0]] = append(pairs, p[0], p[1]), true
			}
		}
	}
	newIP := func(old string) string { return pairs[slices.Index(pairs, old)+1] }
	if newIP("192.168.1.2") == "192.168.1.2" || newIP("213.47.23.195") == "213.47.23.195" {
		t.Fatalf("nothing has changed: %v", pairs)
	}
	for i := range before {
		for j, kind := range []func(netsecgame.GameState) []string{
			func(v netsecgame.GameState) []string { return sorted(v.KnownHosts) },
			func(v netsecgame.GameState) []string { return sorted(v.ControlledHosts) },
			func(v netsecgame.GameState) []string {
				return byAddress(v.KnownServices, func(s netsecgame.Service) string { return s.Name })
			},
			func(v netsecgame.GameState) []string {
				return byAddress(v.KnownData, func(d netsecgame.Data) string { return d.ID })
			},
			func(v netsecgame.GameState) []string {
				return byAddress(v.KnownBlocks, func(ip netsecgame.IP) string { return string(ip) })
			},
		} {
			var want []string
			for _, line := range kind(before[i]) {
				words := strings.Split(line, " ")
				for k, word := range words {
					if renamed[word] {
						words[k] = newIP(word)
					}
				}
				want = append(want, strings.Join(words, " "))
			}
			slices.Sort(want)
			if got := kind(after[i]); !slices.Equal(got, want) {
				t.Errorf("agent %d, kind %d:\n%q\nwant\n%q", i, j, got, want)
			}
		}
	}
	description := fmt.Sprintf("from %s (192.168.1.0/24, 1192.168.1.2) to %s, not 8.8.8.8", newIP("192.168.1.2"), newIP("213.47.23.195"))
	if got := w.GoalDescription(envs.Attacker); got != description {
		t.Errorf("goal %q, want %q", got, description)
	}

	a, here := w.NewAgent(envs.Attacker), netsecgame.IP(newIP("192.168.2.2"))
	play(t, w, a, findServices("192.168.2.2", "192.168.2.2"))
	if len(a.State.View().KnownServices) > 0 {
		t.Error("an old address still exists")
	}
	play(t, w, a, block(here, here, "8.8.8.8"))
	for _, m := range w.AppendValid(nil, &a.State, false) {
		if w.Action(m) == findServices(here, "8.8.8.8") {
			t.Error("an address that the task names and that does not exist is two things")
		}
	}
}
