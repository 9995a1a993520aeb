package qlearning

import (
	"math"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs/idsgame"
)

func TestAlgorithm(t *testing.T) { algotest.CheckAlgorithm(t, Algorithm()) }

func TestSettings(t *testing.T) {
	algotest.CheckSettings(t, Algorithm(), algotest.ScheduleValues("alpha", "1.1"), algotest.ExplorationValues(), []algotest.Values{
		{"state", []string{"auto", "node", "full", "observation"}, nil},
		{"omega", []string{"0", "0.65", "1"}, []string{"-0.1", "1.01", ".nan"}},
		{"gamma", []string{"0", "1"}, []string{"-0.1", "1.01", ".nan"}},
		{"initial_q", []string{"-100", "0", "1e9"}, []string{".inf", "-.inf", ".nan"}},
		{"max_states", []string{"1", "100000000"}, []string{"0", "-1", "100000001", "1.5"}},
	})
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
		for _, id := range []string{"idsgame-v12", "idsgame-minimal_defense-v13"} {
			r := defaults.With(set...).Open(t, algotest.Setup{ID: id, N: 2, Budget: algos.Budget{Steps: 3000}}, 1).Train(1)
			for _, l := range r.Learners {
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
		spec := algotest.NewEnv(c.id).Spec()
		if c.rows < 0 {
			c.rows = spec.Seats[c.seat].Encodings[idsgame.FullEncoding].States
		}
		l := defaults.With("state="+c.state, "initial_q=2.5").Learner(t, spec, c.seat, 1, 1)
		if l.table.rows() != c.rows || (l.table.index != nil) != (c.rows == 0) {
			t.Errorf("%s, seat %d, state %s: %d rows, want %d", c.id, c.seat, c.state, l.table.rows(), c.rows)
		}
		if slices.ContainsFunc(l.table.all(), func(q float64) bool { return q != 2.5 }) {
			t.Errorf("%s: values do not start at initial_q", c.id)
		}
	}
	bare := algotest.BoardSpec()
	bare.Seats[0].Encodings = nil
	if defaults.Learner(t, bare, 0, 1, 1).table.index == nil {
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
		_, err := defaults.With("state="+c.state).Settings(t).NewLearner(algotest.NewEnv(c.id).Spec(), 0, 1, 1)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.id, err, c.want)
		}
	}
}
