package idsgame_test

import (
	"testing"

	"idsrl/envs/idsgame"
)

// sample is how many states a distribution is estimated from.
func sample() int {
	if testing.Short() {
		return 5000
	}
	return 20000
}

// values are the defence values of a node and, as the last, its detection value.
func values(g *idsgame.Game, s *idsgame.State, node int) []int8 {
	width := g.Rules().Config().NumAttackTypes + 1
	return s.Defence[node*width : (node+1)*width]
}

// weakTypes are the types of a node whose defence value is at most the given one.
func weakTypes(g *idsgame.Game, s *idsgame.State, node, most int) (types []int) {
	v := values(g, s, node)
	for t, x := range v[:len(v)-1] {
		if int(x) <= most {
			types = append(types, t)
		}
	}
	return types
}

// eachInstance shows the base states of many instances, of fewer than episodes, for they take longer.
func eachInstance(t *testing.T, cfg idsgame.Config, visit func(g *idsgame.Game, base *idsgame.State)) {
	t.Helper()
	for instance := range uint64(sample() / 4) {
		g := newGame(t, cfg, instance)
		visit(g, g.Base())
	}
}

// eachEpisode shows the first states of many episodes of one instance.
func eachEpisode(t *testing.T, cfg idsgame.Config, visit func(g *idsgame.Game, s *idsgame.State)) {
	t.Helper()
	g := newGame(t, cfg, 1)
	for seed := range uint64(sample()) {
		if err := g.Reset(seed); err != nil {
			t.Fatal(err)
		}
		visit(g, g.True())
	}
}

// TestWeakServers: of each row, every set of as many servers as are weak is equally likely, whatever the other rows.
func TestWeakServers(t *testing.T) {
	cfg := idsgame.Defaults()
	cfg.NumLayers, cfg.NumServersPerLayer, cfg.NumAttackTypes = 2, 4, 1
	for _, k := range []int{1, 2, 3} {
		cfg.VulnerabilitiesPerLayer = k
		var subsets []int // of 4 servers, as bits
		for set := range 16 {
			if set&1+set>>1&1+set>>2&1+set>>3 == k {
				subsets = append(subsets, set)
			}
		}
		index := map[int]int{}
		for i, set := range subsets {
			index[set] = i
		}
		counts := make([]int, len(subsets)*len(subsets))
		eachInstance(t, cfg, func(g *idsgame.Game, s *idsgame.State) {
			var set [2]int
			for v := 1; v < g.Rules().Net.Start(); v++ {
				if len(weakTypes(g, s, v, 0)) > 0 {
					set[(v-1)/4] |= 1 << ((v - 1) % 4)
				}
			}
			i, ok := index[set[0]]
			j, ok2 := index[set[1]]
			if !ok || !ok2 {
				t.Fatalf("weak servers %b, not %d a row", set, k)
			}
			counts[i*len(subsets)+j]++
			if len(weakTypes(g, s, idsgame.Data, 0)) != 1 {
				t.Fatal("the data node is not weak")
			}
		})
		uniformly(t, "weak servers", counts)
	}
}

// TestWeakTypes: types are drawn uniformly, with repetition, for the data node and each weak server on its own.
func TestWeakTypes(t *testing.T) {
	counts := make([]int, 100)
	eachInstance(t, configOf(t, "idsgame-v0"), func(g *idsgame.Game, s *idsgame.State) {
		data, server := weakTypes(g, s, 0, 0), weakTypes(g, s, 1, 0)
		if len(data) != 1 || len(server) != 1 {
			t.Fatalf("weak types %v and %v", data, server)
		}
		counts[data[0]*10+server[0]]++
	})
	uniformly(t, "weak types of v0", counts)

	// Four draws out of ten types hit d distinct ones in S(4, d) 10!/(10-d)! of 10^4 cases: 10, 630, 4320, 5040. The
	// first is too rare for the test and counts with the second.
	distinct := []float64{0, 0, 0.064, 0.432, 0.504}
	var numbers [2][]int
	numbers[0], numbers[1] = make([]int, 5), make([]int, 5)
	eachInstance(t, configOf(t, "idsgame-v1"), func(g *idsgame.Game, s *idsgame.State) {
		for v := range 2 {
			numbers[v][max(2, len(weakTypes(g, s, v, 0)))]++
		}
	})
	distributed(t, "weak types of v1, data node", numbers[0], distinct)
	distributed(t, "weak types of v1, server", numbers[1], distinct)

	// More draws than types are cut to as many as there are types: 2 of 2 hit the same with probability 1/2.
	cfg := idsgame.Defaults()
	cfg.NumAttackTypes, cfg.VulnerabilitiesPerNode = 2, 50
	both := make([]int, 2)
	eachInstance(t, cfg, func(g *idsgame.Game, s *idsgame.State) { both[len(weakTypes(g, s, 0, 0))-1]++ })
	uniformly(t, "two draws out of two types", both)
}

// TestBaseStates: but for weak spots, the values of an instance are those of its settings, also if episodes are
// randomised. Nothing is known of any.
func TestBaseStates(t *testing.T) {
	for _, e := range idsgame.Entries() {
		g := build(t, e, 2)
		cfg, s := g.Rules().Config(), g.Base()
		for v := range g.Rules().Net.Nodes {
			defence, attack, det := cfg.DefenseVal, cfg.AttackVal, cfg.DetVal
			if v == g.Rules().Net.Start() {
				defence, attack, det = 0, 0, 0
			}
			weak := 0
			row := values(g, s, v)
			for _, x := range row[:cfg.NumAttackTypes] {
				switch {
				case int(x) == defence:
				case int(x) == cfg.VulnerabilityVal:
					weak++
				default:
					t.Errorf("%s: node %d has defence %v", e.ID, v, row)
				}
			}
			if int(row[cfg.NumAttackTypes]) != det || weak > cfg.VulnerabilitiesPerNode {
				t.Errorf("%s: node %d has %v", e.ID, v, row)
			}
			width := len(s.Attack) / g.Rules().Net.Nodes
			for _, x := range s.Attack[v*width : v*width+cfg.NumAttackTypes] {
				if int(x) != attack {
					t.Errorf("%s: node %d has attack value %d", e.ID, v, x)
				}
			}
		}
		for i, x := range s.Known {
			if x != idsgame.Unknown || s.Scanned[i/cfg.NumAttackTypes] {
				t.Errorf("%s: something is known", e.ID)
			}
		}
		// The instance's seed decides all of it.
		if again := build(t, e, 2); !sameState(again.Base(), s) {
			t.Errorf("%s: the same instance seed, another base state", e.ID)
		}
		// An episode that is not randomised starts from it.
		if err := g.Reset(7); err != nil {
			t.Fatal(err)
		}
		if first := g.True().Clone(); !cfg.RandomizeEnv {
			if first.Node = s.Node; !sameState(first, s) {
				t.Errorf("%s: the episode starts from\n%+v, not from\n%+v", e.ID, first, s)
			}
		}
	}
	seen := map[string]bool{}
	for instance := range uint64(20) {
		g := build(t, lookup(t, "idsgame-v4"), instance)
		seen[string(g.AppendKey(nil, idsgame.DefenderSeat))] = true
	}
	if len(seen) != 20 {
		t.Errorf("20 instances of v4 have %d base states", len(seen))
	}
}

// TestRandomisedValues: the values of a randomised episode are uniform and independent.
func TestRandomisedValues(t *testing.T) {
	// v12: attack, defence and detection values of the data node are 0 or 1 each.
	bits := make([]int, 32)
	eachEpisode(t, configOf(t, "idsgame-v12"), func(g *idsgame.Game, s *idsgame.State) {
		v := values(g, s, 0)
		bits[s.Attack[0]|s.Attack[1]<<1|v[0]<<2|v[1]<<3|v[2]<<4]++
	})
	uniformly(t, "values of v12", bits)

	// v14: one type of each of both nodes has 0 or 1, the three others 3 or 4. The next episode has nothing to do with it.
	nodes := [2][]int{make([]int, 64), make([]int, 64)}
	joint, next, last := make([]int, 16), make([]int, 16), -1
	eachEpisode(t, configOf(t, "idsgame-v14"), func(g *idsgame.Game, s *idsgame.State) {
		var types [2]int
		for v := range nodes {
			weak := weakTypes(g, s, v, 1)
			if len(weak) != 1 || values(g, s, v)[4] != 1 {
				t.Fatalf("node %d has %v", v, values(g, s, v))
			}
			code, others := 0, 0
			for typ, x := range values(g, s, v)[:4] {
				if typ != weak[0] {
					if x != 3 && x != 4 {
						t.Fatalf("node %d has %v", v, values(g, s, v))
					}
					code, others = code|int(x-3)<<others, others+1
				}
			}
			types[v] = weak[0]
			nodes[v][weak[0]*16+int(values(g, s, v)[weak[0]])*8+code]++
		}
		joint[types[0]*4+types[1]]++
		if last >= 0 {
			next[last*4+types[0]]++
		}
		last = types[0]
	})
	uniformly(t, "values of v14, data node", nodes[0])
	uniformly(t, "values of v14, server", nodes[1])
	uniformly(t, "weak types of v14", joint)
	uniformly(t, "weak types of v14 in consecutive episodes", next)

	// v15: one server of two is weak; other values are 2 to 4, detection 1 or 2.
	weak, defence, detection := make([]int, 2), make([]int, 9), make([]int, 8)
	eachEpisode(t, configOf(t, "idsgame-v15"), func(g *idsgame.Game, s *idsgame.State) {
		first, second := len(weakTypes(g, s, 1, 1)), len(weakTypes(g, s, 2, 1))
		if first+second != 1 {
			t.Fatalf("%d and %d weak spots on the servers", first, second)
		}
		weak[second]++
		other := values(g, s, 1+first)
		defence[(other[0]-2)*3+other[9]-2]++
		detection[(values(g, s, 0)[10]-1)*4+(values(g, s, 1)[10]-1)*2+values(g, s, 2)[10]-1]++
	})
	uniformly(t, "weak server of v15", weak)
	uniformly(t, "defence of v15", defence)
	uniformly(t, "detection of v15", detection)

	// The maximal attack of v16 has other ranges: defence 1 to 4 and detection 1 to 4. The weak value, 0 or 1, is known
	// from a defence of 1 only where it is 0.
	det, zero := make([]int, 16), make([]int, 2)
	eachEpisode(t, configOf(t, "idsgame-maximal_attack-v16"), func(g *idsgame.Game, s *idsgame.State) {
		det[(values(g, s, 0)[4]-1)*4+values(g, s, 1)[4]-1]++
		zero[len(weakTypes(g, s, 0, 0))]++
	})
	uniformly(t, "detection of the maximal attack's v16", det)
	uniformly(t, "weak value of the maximal attack's v16", zero)

	// v21: nothing is random but where the attacker starts.
	eachEpisode(t, configOf(t, "idsgame-v21"), func(g *idsgame.Game, s *idsgame.State) {
		for v := range g.Rules().Net.Start() {
			for _, x := range values(g, s, v) {
				if x != 1 {
					t.Fatalf("node %d has %v", v, values(g, s, v))
				}
			}
		}
	})
}

// TestStartingPosition: every server has the same weight, the start node that of a row of servers.
func TestStartingPosition(t *testing.T) {
	wide := idsgame.Defaults()
	wide.NumLayers, wide.NumServersPerLayer, wide.RandomizeStart = 2, 3, true
	for _, c := range []struct {
		name string
		cfg  idsgame.Config
		p    []float64
	}{
		{"v16", configOf(t, "idsgame-v16"), []float64{0, 1. / 2, 1. / 2}},
		{"v19", configOf(t, "idsgame-v19"), []float64{0, 1. / 4, 1. / 4, 1. / 2}},
		{"2x3", wide, []float64{0, 1. / 9, 1. / 9, 1. / 9, 1. / 9, 1. / 9, 1. / 9, 1. / 3}},
	} {
		counts := make([]int, len(c.p))
		eachEpisode(t, c.cfg, func(_ *idsgame.Game, s *idsgame.State) { counts[s.Node]++ })
		distributed(t, c.name, counts, c.p)
	}
}

// TestVisibility: each node is revealed with the given probability, independently, with the values that it has.
func TestVisibility(t *testing.T) {
	reveal := func(t *testing.T, g *idsgame.Game, s *idsgame.State) (set int) {
		t.Helper()
		types := g.Rules().Config().NumAttackTypes
		for v, scanned := range s.Scanned {
			if scanned {
				set |= 1 << v
			}
			for typ, x := range s.Known[v*types : (v+1)*types] {
				if scanned && x != values(g, s, v)[typ] || !scanned && x != idsgame.Unknown {
					t.Fatalf("node %d: scanned %v, known %v", v, scanned, s.Known[v*types:(v+1)*types])
				}
			}
		}
		return set
	}
	independent := func(p float64) []float64 {
		all := make([]float64, 8)
		for set := range all {
			all[set] = 1
			for v := range 3 {
				if set>>v&1 == 1 {
					all[set] *= p
				} else {
					all[set] *= 1 - p
				}
			}
		}
		return all
	}
	counts := make([]int, 8)
	eachEpisode(t, configOf(t, "idsgame-v18"), func(g *idsgame.Game, s *idsgame.State) { counts[reveal(t, g, s)]++ })
	distributed(t, "v18", counts, independent(0.5))

	cfg := configOf(t, "idsgame-v18")
	cfg.VisibilityP = 0.2
	counts = make([]int, 8)
	eachEpisode(t, cfg, func(g *idsgame.Game, s *idsgame.State) { counts[reveal(t, g, s)]++ })
	distributed(t, "with probability 0.2", counts, independent(0.2))

	cfg.VisibilityP, cfg.RandomizeVisibility = 1, false
	eachEpisode(t, cfg, func(g *idsgame.Game, s *idsgame.State) {
		if set := reveal(t, g, s); set != 0 {
			t.Fatalf("reveals %b, though randomize_visibility is false", set)
		}
	})

	cfg.RandomizeEnv, cfg.ConstructRandomizeVisibility, cfg.ConstructVisibilityP = false, true, 0.3
	counts = make([]int, 8)
	eachInstance(t, cfg, func(g *idsgame.Game, base *idsgame.State) { counts[reveal(t, g, base)]++ })
	distributed(t, "of the base state, with probability 0.3", counts, independent(0.3))

	for _, id := range []string{"idsgame-v19", "idsgame-v20", "idsgame-v21"} {
		eachEpisode(t, configOf(t, id), func(g *idsgame.Game, s *idsgame.State) {
			if set := reveal(t, g, s); set != 0 {
				t.Fatalf("%s reveals %b", id, set)
			}
		})
	}
}

// TestEpisodeSeeds: the seed of Reset names the episode, whatever was played before.
func TestEpisodeSeeds(t *testing.T) {
	for v, id := range []string{"idsgame-v0", "idsgame-v12", "idsgame-v15", "idsgame-v18", "idsgame-v20"} {
		a, b := build(t, lookup(t, id), 5), build(t, lookup(t, id), 5)
		rng := newRand(uint64(v))
		for range 20 {
			seed := rng.Uint64()
			if err := a.Reset(rng.Uint64()); err != nil {
				t.Fatal(err)
			}
			a.Apply(rng.IntN(a.Rules().AttackActions()), rng.IntN(a.Rules().DefenceActions()), rng.Float64())
			if err := a.Reset(seed); err != nil {
				t.Fatal(err)
			}
			if err := b.Reset(seed); err != nil {
				t.Fatal(err)
			}
			if !sameState(a.True(), b.True()) {
				t.Fatalf("%s: seed %d begins with\n%+v and\n%+v", id, seed, a.True(), b.True())
			}
		}
	}
}
