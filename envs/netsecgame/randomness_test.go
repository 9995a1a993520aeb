package netsecgame_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// numbered are so many candidates.
type numbered int

func (n numbered) Len() int          { return int(n) }
func (n numbered) Name(int) []string { return nil }

// TestTwister: numbers of Python's random.Random(seed): two of random(), then _randbelow for 1, 2, 6, 7, 100 and 2^24.
func TestTwister(t *testing.T) {
	for _, c := range []struct {
		seed    uint64
		rolls   [2]float64
		choices [6]int
	}{
		{0, [2]float64{0.8444218515250481, 0.7579544029403025}, [6]int{0, 0, 2, 4, 62, 13587334}},
		{1, [2]float64{0.13436424411240122, 0.8474337369372327}, [6]int{0, 1, 0, 3, 97, 15082417}},
		{42, [2]float64{0.6394267984578837, 0.025010755222666936}, [6]int{0, 0, 1, 1, 94, 3439167}},
		{1<<32 - 1, [2]float64{0.6353574441341173, 0.20319993954407756}, [6]int{0, 1, 3, 5, 88, 9383740}},
		{1<<32 + 5, [2]float64{0.15727238718789782, 0.2824866316461999}, [6]int{0, 1, 5, 1, 99, 16635419}},
		{0x123456789abcdef0, [2]float64{0.849063363578306, 0.9649343632780897}, [6]int{0, 1, 2, 2, 62, 3827149}},
	} {
		r := netsecgame.NewTwister()
		for range 2 { // a seed starts anew
			r.Seed(c.seed)
			rolls := [2]float64{r.Roll(), r.Roll()}
			var choices [6]int
			for i, n := range []int{1, 2, 6, 7, 100, 1 << 24} {
				choices[i] = r.Choose(numbered(n))
			}
			if rolls != c.rolls || choices != c.choices {
				t.Errorf("seed %d: %v %v, want %v %v", c.seed, rolls, choices, c.rolls, c.choices)
			}
		}
	}
}

// TestOriginalSeeds plays the resets of recordings of the original, whose header lists the seed and what came of it.
func TestOriginalSeeds(t *testing.T) {
	type reset struct {
		seed     uint64 // 0: none
		renumber bool
		want     string // controlled addresses
	}
	for _, c := range []struct {
		scenario string
		seed     uint64
		roles    []envs.Role
		start    part
		resets   []reset
	}{
		{ // dynamic_two_networks
			"two_networks", 42, []envs.Role{envs.Attacker}, part{controlled: "[213.47.23.195, random]"}, []reset{
				{0, false, "192.168.2.6 213.47.23.195"}, {0, false, "192.168.2.2 213.47.23.195"},
				{7, false, "192.168.2.3 213.47.23.195"}, {7, true, "192.168.49.6 175.148.76.131"},
				{7, false, "192.168.49.3 175.148.76.131"}, {8, true, "10.22.107.6 101.192.48.67"},
				{0, false, "10.22.107.2 101.192.48.67"},
			},
		},
		{ // dynamic_two_networks_tiny
			"two_networks_tiny", 42, []envs.Role{envs.Attacker}, part{controlled: "[all_local, 213.47.23.195]"}, []reset{
				{1, true, "172.30.98.2 172.30.99.2 36.9.241.3 172.30.98.1 172.30.99.1"},
				{2, true, "10.157.196.2 10.157.197.2 87.27.144.195 10.157.196.1 10.157.197.1"},
			},
		},
		{ // multi_two_networks_abbd
			"two_networks", 203, []envs.Role{envs.Benign, envs.Benign}, part{}, []reset{
				{0, false, "192.168.2.2 192.168.2.4; 192.168.2.2 192.168.2.5"},
				{0, false, "192.168.2.3 192.168.2.5; 192.168.2.2 192.168.2.6"},
				{0, false, "192.168.2.2 192.168.2.3 192.168.2.6; 192.168.2.2 192.168.2.6"},
			},
		},
	} {
		r := netsecgame.NewTwister()
		r.Seed(c.seed)
		w := netsecgame.NewWorld(load(t, taskText(c.scenario, c.start, part{})), netsecgame.Compat{}, r)
		var agents []*netsecgame.Agent
		for _, role := range c.roles {
			agents = append(agents, w.NewAgent(role))
		}
		for i, reset := range c.resets {
			if reset.seed > 0 {
				r.Seed(reset.seed)
			}
			if i > 0 || reset.renumber {
				w.Reset(reset.renumber)
				for _, a := range agents {
					w.Begin(a)
				}
			}
			var got []string
			for _, a := range agents {
				var ips []string
				for ip := range a.State.Controlled() {
					ips = append(ips, string(ip))
				}
				got = append(got, strings.Join(ips, " "))
			}
			if text := strings.Join(got, "; "); text != reset.want {
				t.Errorf("%s, seed %d, reset %d: controlled %s, want %s", c.scenario, c.seed, i, text, reset.want)
			}
		}
	}
}

// TestGenerator: seeds count, streams are independent of each other, and draws are about uniform.
func TestGenerator(t *testing.T) {
	draws := func(seed uint64, rolls int) (choices []int) {
		r := netsecgame.NewGenerator()
		r.Seed(seed)
		for range rolls {
			r.Roll()
		}
		for range 6000 {
			choices = append(choices, r.Choose(numbered(6)))
		}
		return choices
	}
	first := draws(1, 0)
	if !slices.Equal(first, draws(1, 5)) {
		t.Error("rolls shift choices")
	}
	if slices.Equal(first, draws(2, 0)) {
		t.Error("seeds do not matter")
	}
	r := netsecgame.NewGenerator()
	r.Seed(3)
	var counts [6]float64
	mean := 0.0
	for _, c := range first {
		counts[c]++
		mean += r.Roll() / float64(len(first))
	}
	// With a right generator, a count is more than 5 standard deviations off with a chance of 6e-7; so is the mean.
	for c, n := range counts {
		if d := math.Sqrt(6000.0 * 5 / 36); math.Abs(n-1000) > 5*d {
			t.Errorf("choice %d comes %v times of 6000", c, n)
		}
	}
	if d := 1 / math.Sqrt(12*6000); math.Abs(mean-0.5) > 5*d {
		t.Errorf("the mean of rolls is %v", mean)
	}
}

// TestScript: a recording answers by kind, in order, and says where it cannot.
func TestScript(t *testing.T) {
	const events = `[
		{"kind": "choice", "candidates": ["192.168.2.2", "192.168.2.2"], "value": "192.168.2.2"},
		{"kind": "roll", "value": 0.25},
		{"kind": "choice", "candidates": [["User1", "A", ""], ["system", "logfile", "log"]], "value": ["User1", "A", ""]},
		{"kind": "choice", "candidates": [["ssh", "passive", "8", false]], "value": ["ssh", "passive", "8", false]},
		{"kind": "roll", "value": 0.5},
		{"kind": "addresses", "networks": {"10.0.0.0/8": "172.16.0.0/12"}, "hosts": {"10.0.0.1": "172.16.0.1"}}]`
	answer := func(from candidates) string {
		s, err := netsecgame.NewScript([]byte(events))
		if err != nil {
			t.Fatal(err)
		}
		s.Choose(candidates{"192.168.2.2", "192.168.2.2"})
		if s.Roll() != 0.25 || s.Roll() != 0.5 || s.Choose(from) != 1 || s.Choose(candidates{"ssh passive 8 false"}) != 0 {
			return "other answers"
		}
		topology := &netsecgame.Topology{
			Networks: []netsecgame.Network{{IP: "10.0.0.0", Mask: 8}}, Addresses: []netsecgame.IP{"10.0.0.1"}, In: []int{0},
		}
		s.Renumber(topology)
		if topology.Networks[0].String() != "172.16.0.0/12" || topology.Addresses[0] != "172.16.0.1" {
			return "other addresses"
		}
		if s.Err() != nil {
			return s.Err().Error()
		}
		if x := s.Roll(); x < 0 || x >= 1 || s.Err() == nil {
			return "a roll that is not there"
		}
		s.Renumber(topology)
		return s.Err().Error() // still the first one
	}
	if got, want := answer(candidates{"system logfile log", "User1 A "}), "random events: no roll is left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s, err := netsecgame.NewScript([]byte(events))
	if err != nil {
		t.Fatal(err)
	}
	if i := s.Choose(candidates{"192.168.2.2", "192.168.2.3"}); i < 0 || i > 1 || s.Err() == nil {
		t.Error("other candidates pass")
	}
	for _, c := range []struct{ events, want string }{
		{`[{"kind": "throw"}]`, `random events: 0: no kind is called "throw"`},
		{`{}`, "random events: json: "},
	} {
		if _, err := netsecgame.NewScript([]byte(c.events)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.events, err, c.want)
		}
	}
}

// candidates are words, separated by spaces.
type candidates []string

func (c candidates) Len() int            { return len(c) }
func (c candidates) Name(i int) []string { return strings.Split(c[i], " ") }

// TestScriptAddresses: a change of addresses that does not fit is an error, and the generator answers.
func TestScriptAddresses(t *testing.T) {
	for _, c := range []struct{ networks, hosts, want string }{
		{`{}`, `{"10.0.0.1": "10.1.0.1", "10.0.0.2": "10.1.0.2"}`, `network 10.0.0.0/24: "" is no network`},
		{`{"10.0.0.0/24": "10.1.0.0/24"}`, `{"10.0.0.1": "10.1.0.1"}`, `address 10.0.0.2: "" is no IPv4 address`},
		{`{"10.0.0.0/24": "10.1.0.0/24"}`, `{"10.0.0.1": "::1", "10.0.0.2": "10.1.0.2"}`, `"::1" is no IPv4 address`},
		{`{"10.0.0.0/24": "10.1.0.0/24"}`, `{"10.0.0.1": "10.1.0.2", "10.0.0.2": "10.1.0.2"}`, "are the same"},
	} {
		s, err := netsecgame.NewScript([]byte(`[{"kind": "addresses", "networks": ` + c.networks + `, "hosts": ` + c.hosts + `}]`))
		if err != nil {
			t.Fatal(err)
		}
		topology := netsecgame.Topology{
			Networks: []netsecgame.Network{{IP: "10.0.0.0", Mask: 24}}, Addresses: []netsecgame.IP{"10.0.0.1", "10.0.0.2"},
			In: []int{0, 0},
		}
		s.Renumber(&topology)
		if s.Err() == nil || !strings.Contains(s.Err().Error(), c.want) {
			t.Errorf("error %v, want %q", s.Err(), c.want)
		}
		if topology.Addresses[0] == "10.0.0.1" || topology.Addresses[0] == topology.Addresses[1] {
			t.Errorf("addresses %v", topology.Addresses)
		}
	}
}
