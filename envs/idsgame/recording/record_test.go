package recording

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"idsrl/envs"
	"idsrl/envs/idsgame"
)

// TestRecorded plays every id and some games of no id, records them and verifies the recordings.
func TestRecorded(t *testing.T) {
	games := idsgame.Entries()
	for name, change := range map[string]func(*idsgame.Config){
		"wide": func(c *idsgame.Config) {
			c.NumLayers, c.NumServersPerLayer, c.ConnectedLayers, c.AttackVal = 3, 4, true, 1
		},
		"scouting": func(c *idsgame.Config) {
			c.Reconnaissance, c.ReconnaissanceReward, c.DetectionFactor = true, true, 0.5
			c.ConstructRandomizeVisibility, c.DenseRewards, c.DenseRewardsV2 = true, true, true
		},
		"local": func(c *idsgame.Config) {
			c.LocalView, c.NeighborPositions, c.Reconnaissance = true, [][2]int{{0, 1}, {-1, 0}, {0, -1}}, true
			c.ConnectedLayers, c.DetVal, c.MaxGameSteps = true, 0, 30
		},
		"v3": func(c *idsgame.Config) { // with a reference that depends on the instance
			c.DenseRewardsV3, c.Reconnaissance, c.NumAttackTypes, c.VulnerabilityVal = true, true, 1, 1
			c.RandomizeStart, c.MaxValue, c.DefenseVal, c.VulnerabilitiesPerNode = true, 3, 3, 0
		},
		"full": func(c *idsgame.Config) { // everything at the maximum pays infinitely much
			c.NumLayers, c.NumServersPerLayer, c.NumAttackTypes, c.MaxValue = 1, 1, 1, 1
			c.DenseRewardsV3, c.DefenseVal, c.VulnerabilitiesPerLayer, c.DetVal = true, 1, 0, 9
			c.VulnerabilitiesPerNode = 1
		},
	} {
		cfg := idsgame.Defaults()
		change(&cfg)
		games = append(games, envs.Entry{ID: name, Game: func() envs.Game { return &cfg }})
	}
	for i, e := range games {
		if testing.Short() && i%5 > 0 && i < 110 {
			continue
		}
		env, err := e.New(7)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), []string{"plain.jsonl", "zipped.jsonl.gz"}[i/5%2])
		steps := record(t, env, path, 6)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		report, err := Verify(f)
		f.Close()
		if err != nil || report.Differences > 0 || report.Episodes != 6 || report.Steps != steps {
			t.Errorf("%s: %+v, %v, %v after %d steps", e.ID, report, report.First, err, steps)
		}
	}
}

// record plays episodes at random and returns their steps.
func record(t *testing.T, env envs.Env, path string, episodes int) (steps int) {
	t.Helper()
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(envs.NewPCG(uint64(len(path))))
	seats := env.Spec().Seats
	actions, out := make([]int, len(seats)), env.Spec().NewOutcome()
	for k := range episodes {
		if err := env.Reset(uint64(k)); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(env); err != nil {
			t.Fatal(err)
		}
		for over := false; !over; over = out.Over() {
			for seat := range actions {
				actions[seat] = rng.IntN(seats[seat].Actions.N)
				if k%2 == 0 {
					actions[seat] = envs.Uniform().Act(env, seat, rng)
				}
			}
			if err := env.Step(actions, out); err != nil {
				t.Fatal(err)
			}
			played, joint := actions, out
			if m, ok := envs.As[*envs.Match](env); ok {
				played, joint = m.Actions(), m.Joint()
			}
			if err := r.Step(env, played, joint); err != nil {
				t.Fatal(err)
			}
			steps++
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestRecorderErrors: another game, and a file that cannot be.
func TestRecorderErrors(t *testing.T) {
	if _, err := Create(filepath.Join(t.TempDir(), "none", "x.jsonl")); err == nil {
		t.Error("a file in a folder that does not exist")
	}
	r, err := Create(filepath.Join(t.TempDir(), "x.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(other{}); err == nil {
		t.Error("a recording of another game")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// other is a game of another kind.
type other struct{ envs.Env }

func (other) Spec() *envs.Spec { return &envs.Spec{ID: "other"} }

// TestReal: numbers that JSON does not have come back the same, and all others bit for bit.
func TestReal(t *testing.T) {
	for _, x := range []float64{
		0, math.Copysign(0, -1), 1, -1, 1. / 3, math.Nextafter(1, 2), 1e300, 5e-324, math.Inf(1), math.Inf(-1), math.NaN(),
	} {
		text, err := json.Marshal(Real(x))
		if err != nil {
			t.Fatal(err)
		}
		var back Real
		if err := json.Unmarshal(text, &back); err != nil || math.Float64bits(float64(back)) != math.Float64bits(x) {
			t.Errorf("%v is written %s and read %v, %v", x, text, back, err)
		}
	}
	for text, want := range map[string]string{`"+Inf"`: `"+Inf"`, `"-Inf"`: `"-Inf"`, `"NaN"`: `"NaN"`, `0.5`: `0.5`} {
		var x Real
		if err := json.Unmarshal([]byte(text), &x); err != nil {
			t.Fatal(err)
		}
		if again, err := json.Marshal(x); err != nil || !bytes.Equal(again, []byte(want)) {
			t.Errorf("%s is written %s, %v", text, again, err)
		}
	}
}
