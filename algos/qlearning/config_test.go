package qlearning

import (
	"math"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
)

func TestAlgorithm(t *testing.T) {
	a := Algorithm()
	if a.Name != "tabular-q" || a.About == "" || a.Budget.Episodes <= 0 || a.Budget.Steps != 0 {
		t.Errorf("%+v", a)
	}
	if err := settings.Check(a.Config()); err != nil {
		t.Errorf("defaults: %v", err)
	}
	if a.Config() == a.Config() {
		t.Error("settings are shared")
	}
	for _, f := range settings.Fields(a.Config()) {
		if f.Usage == "" {
			t.Errorf("%s has no usage", f.Key)
		}
	}
}

func TestConfigRanges(t *testing.T) {
	fields := map[string]bool{}
	for _, c := range []struct {
		key       string
		good, bad []string
	}{
		{"state", []string{"auto", "node", "full", "observation"}, nil},
		{"alpha.start", []string{"0", "0.5", "1"}, []string{"-0.1", "1.1", ".inf", ".nan", "x"}},
		{"alpha.end", []string{"0", "0.5", "1"}, []string{"-0.1", "1.1", ".inf"}},
		{"alpha.over", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"alpha.shape", []string{"linear", "exponential"}, []string{"cosine", "Linear"}},
		{"omega", []string{"0", "0.65", "1"}, []string{"-0.1", "1.01", ".nan"}},
		{"gamma", []string{"0", "1"}, []string{"-0.1", "1.01", ".nan"}},
		{"epsilon.start", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"epsilon.end", []string{"0", "1"}, []string{"-0.1", "2"}},
		{"epsilon.over", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"epsilon.shape", []string{"linear", "exponential"}, []string{"steps"}},
		{"explore_repeat", []string{"0", "1"}, []string{"-1", "1.5"}},
		{"explore_at", []string{"entry", "step"}, []string{"exit"}},
		{"initial_q", []string{"-100", "0", "1e9"}, []string{".inf", "-.inf", ".nan"}},
		{"max_states", []string{"1", "100000000"}, []string{"0", "-1", "100000001", "1.5"}},
	} {
		fields[c.key] = true
		for _, v := range c.good {
			if err := settings.Set(Defaults(), []string{c.key + "=" + v}, "--set"); err != nil {
				t.Errorf("%s = %s: %v", c.key, v, err)
			}
		}
		for _, v := range c.bad {
			err := settings.Set(Defaults(), []string{c.key + "=" + v}, "--set")
			if err == nil || !strings.Contains(err.Error(), "--set: "+c.key) || !strings.Contains(err.Error(), "must be") {
				t.Errorf("%s = %s: error %v", c.key, v, err)
			}
		}
	}
	for _, f := range settings.Fields(Defaults()) {
		if !fields[f.Key] {
			t.Errorf("%s is not tested", f.Key)
		}
	}
}

// Whatever the ranges allow trains without trouble, and its values stay finite.
func TestExtremeSettings(t *testing.T) {
	for _, set := range [][]string{
		{"alpha.start=1", "alpha.end=1", "omega=0", "gamma=1"},
		{"alpha.start=0", "alpha.end=0", "omega=0"},
		{"alpha.over=0", "epsilon.over=0"},
		{"initial_q=1e300", "alpha.start=1"},
		{"initial_q=-1e300", "gamma=1"},
		{"epsilon.start=0", "epsilon.end=0"},
		{"epsilon.start=1", "epsilon.end=1", "explore_repeat=1"},
		{"max_states=1", "state=observation"},
		{"state=observation", "max_states=7"},
		{"state=full"},
	} {
		cfg := Defaults()
		if err := settings.Set(cfg, set, "--set"); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"idsgame-v12", "idsgame-minimal_defense-v13"} {
			s := enrol(t, cfg, id, 2, algos.Budget{Steps: 3000}, 1, nil).train(t, 1)
			for _, l := range s.learners {
				if slices.ContainsFunc(l.table.q, func(q float64) bool { return math.IsNaN(q) || math.IsInf(q, 0) }) {
					t.Errorf("%v on %s: values %v", set, id, l.table.q)
				}
			}
		}
	}
}

// The table is keyed by what is asked for: auto is the first encoding, and observations where there is none.
func TestStates(t *testing.T) {
	for _, c := range []struct {
		id, state string
		seat      int
		rows      int // before training; of a hash table none
	}{
		{"idsgame-v0", "auto", 0, 3},
		{"idsgame-v0", "auto", 1, 1},
		{"idsgame-v2", "node", 0, 4},
		{"idsgame-v0", Observation, 0, 0},
		{"idsgame-v13", "full", 0, -1}, // what the encoding says
		{"toy-corridor-v0", "auto", 0, 8},
	} {
		spec := must[envs.Env](t)(lookup(t, c.id).New(1)).Spec()
		if c.rows < 0 {
			c.rows = spec.Seats[c.seat].Encodings[idsgame.FullEncoding].States
		}
		cfg := Defaults()
		cfg.State, cfg.InitialQ = c.state, 2.5
		l := must[algos.Learner](t)(cfg.NewLearner(spec, c.seat, 1, 1)).(*learner)
		if l.table.rows() != c.rows || (l.table.index != nil) != (c.rows == 0) {
			t.Errorf("%s, seat %d, state %s: %d rows, want %d", c.id, c.seat, c.state, l.table.rows(), c.rows)
		}
		if slices.ContainsFunc(l.table.q, func(q float64) bool { return q != 2.5 }) {
			t.Errorf("%s: values do not start at initial_q", c.id)
		}
	}
	bare := boardSpec()
	bare.Seats[0].Encodings = nil
	cfg := Defaults()
	if l := must[algos.Learner](t)(cfg.NewLearner(bare, 0, 1, 1)).(*learner); l.table.index == nil {
		t.Error("auto without encodings is no hash table")
	}
}

func TestStateThatDoesNotSuit(t *testing.T) {
	for _, c := range []struct{ id, state, want string }{
		{"idsgame-v0", "full", "state = full: idsgame-v0 offers the attacker: node, observation"},
		{"idsgame-minimal_defense-v13", "nod", "state = nod: idsgame-minimal_defense-v13 offers the attacker: node, full, observation"},
		{"idsgame-maximal_attack-v0", "obs", "state = obs: idsgame-maximal_attack-v0 offers the defender: node, observation"},
		{"toy-clock-v0", "node", "state = node: toy-clock-v0 offers the benign: state, observation"},
	} {
		cfg := Defaults()
		cfg.State = c.state
		_, err := cfg.NewLearner(must[envs.Env](t)(lookup(t, c.id).New(1)).Spec(), 0, 1, 1)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.id, err, c.want)
		}
	}
}
