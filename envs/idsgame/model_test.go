package idsgame_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/envs/exact"
	"idsrl/envs/idsgame"
)

// newModel writes a game out.
func newModel(tb testing.TB, g *idsgame.Game, full bool) *idsgame.Model {
	tb.Helper()
	m, err := idsgame.NewModel(g, full, 1<<20, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// solve returns the value of a model, and what the best responses to the two policies get: at least and at most that.
func solve(tb testing.TB, m exact.Finite) (value, low, high float64) {
	tb.Helper()
	var s exact.Solution
	if err := s.Extend(m, nil); err != nil {
		tb.Fatal(err)
	}
	low = -exact.Mean(m.Start(), exact.BackwardInduction(exact.Against(m, 1, s.Policies[0])))
	high = exact.Mean(m.Start(), exact.BackwardInduction(exact.Against(m, 0, s.Policies[1])))
	return exact.Mean(m.Start(), s.Values), low, high
}

// smallConfig is a game with few states, in which much can differ.
func smallConfig(rng *rand.Rand) idsgame.Config {
	c := idsgame.Defaults()
	c.NumLayers, c.NumServersPerLayer = rng.IntN(2), 1+rng.IntN(2)
	c.NumAttackTypes, c.MaxValue = 1+rng.IntN(2), 1+rng.IntN(3)
	c.ConnectedLayers, c.RandomizeStart = chance(rng, 0.3), chance(rng, 0.3)
	c.DefenseVal, c.DetVal = rng.IntN(2), rng.IntN(11)
	c.AttackVal = rng.IntN(c.MaxValue)
	c.VulnerabilitiesPerNode, c.VulnerabilitiesPerLayer = rng.IntN(3), rng.IntN(c.NumServersPerLayer+1)
	c.MaxRandomVVal = 0
	c.MaxGameSteps = 2 - c.NumLayers // and one more
	return c
}

// brute is the value of a state by the rules alone: every id of both seats, nothing left out, no states put together.
func brute(r *idsgame.Rules, s *idsgame.State) float64 {
	cfg := r.Config()
	if s.Hacked {
		return 1
	}
	if s.Detected || s.Steps > cfg.MaxGameSteps {
		return 0
	}
	payoff := make([][]float64, r.AttackActions()+1)
	for a := range payoff {
		for d := range r.DefenceActions() {
			attack := a
			if a == r.AttackActions() {
				attack = idsgame.NoAttack
			}
			missed := s.Clone()
			tr := r.Apply(missed, attack, d, 1)
			p := 0.0
			if tr.Rolled {
				p = min(float64(r.Detection(missed, r.AttackTarget(attack)))/10, 1)
			}
			payoff[a] = append(payoff[a], (1-p)*brute(r, missed))
		}
	}
	value, _, _ := exact.MatrixGame(payoff)
	return value
}

// What a model leaves out changes no value: it agrees with brute force over all ids, at any step limit.
func TestModelBruteForce(t *testing.T) {
	rng := newRand(1)
	mixed := 0
	for range 100 {
		cfg := smallConfig(rng)
		g := newGame(t, cfg, rng.Uint64())
		if err := g.Reset(1); err != nil {
			t.Fatal(err)
		}
		if cfg.RandomizeStart {
			continue // brute starts where the game stands
		}
		want := brute(g.Rules(), g.True())
		if want > 0 && want < 1 {
			mixed++
		}
		for _, full := range []bool{false, true} {
			value, low, high := solve(t, newModel(t, g, full))
			if math.Abs(value-want) > 1e-12 || high-low > 1e-12 {
				t.Fatalf("full %v: %v in [%v, %v], want %v: %+v", full, value, low, high, want, cfg)
			}
		}
	}
	if mixed < 5 {
		t.Errorf("%d games with a value between 0 and 1: this test says little", mixed)
	}
}

// A full model and a reduced one have the same value, also of games that last long, begin anywhere, or end early.
func TestModelReduced(t *testing.T) {
	rng := newRand(2)
	smaller := 0
	for k := range 80 {
		cfg := smallConfig(rng)
		cfg.NumAttackTypes, cfg.MaxGameSteps = 2, []int{1, 2, 3, 100}[k%4]
		if cfg.NumLayers == 0 && k%3 == 0 {
			cfg.NumAttackTypes, cfg.MaxValue = 3, 3
		}
		if cfg.NumAttackTypes*cfg.MaxValue*(1+cfg.NumLayers*cfg.NumServersPerLayer) < 10 {
			cfg.RandomizeEnv, cfg.MaxRandomVVal = chance(rng, 0.5), min(1, cfg.MaxValue)
			cfg.DetVal = min(cfg.DetVal, 2)
		}
		g := newGame(t, cfg, rng.Uint64())
		reduced, err := idsgame.NewModel(g, false, 20000, nil)
		if err != nil {
			continue
		}
		full, err := idsgame.NewModel(g, true, 20000, nil)
		if err != nil {
			continue
		}
		if reduced.States() < full.States() && reduced.States() > 0 {
			smaller++
		}
		want, _, _ := solve(t, full)
		value, low, high := solve(t, reduced)
		if math.Abs(value-want) > 1e-12 || high-low > 1e-9 {
			t.Fatalf("%v in [%v, %v], want %v: %+v", value, low, high, want, cfg)
		}
	}
	if smaller < 10 {
		t.Errorf("%d models were reduced and not empty: this test says little", smaller)
	}
}

// Play follows the model: what it says may happen with probability p does, and nothing else.
func TestModelFollowsPlay(t *testing.T) {
	rng := newRand(3)
	steps := 0
	for range 60 {
		cfg := smallConfig(rng)
		cfg.MaxGameSteps = 5
		g := newGame(t, cfg, rng.Uint64())
		m, err := idsgame.NewModel(g, true, 5000, nil)
		if err != nil {
			continue
		}
		out := g.Spec().NewOutcome()
		for seed := range uint64(30) {
			if err := g.Reset(seed); err != nil {
				t.Fatal(err)
			}
			for {
				s, ids := m.Find(g)
				if s < 0 {
					break
				}
				a, b := rng.IntN(len(ids[0])), rng.IntN(len(ids[1]))
				actions := []int{ids[0][a][0], ids[1][b][0]}
				if err := g.Step(actions, out); err != nil {
					t.Fatal(err)
				}
				tr, roll := g.Last()
				detected, next := 0.0, -1
				after, _ := m.Find(g)
				for _, o := range m.Joint(nil, s, a, b) {
					switch {
					case o.Reward == 1 && !(o.Terminal && tr.Moved && g.True().Hacked && o.Prob == 1):
						t.Fatalf("a hack: %+v", o)
					case o.Terminal && o.Reward == 0 && !(tr.Moved || o.Prob == 1):
						detected += o.Prob
					case !o.Terminal:
						next = o.Next
					}
				}
				if g.True().Detected != (tr.Rolled && roll < detected) && after != -1 {
					t.Fatalf("detected %v by a roll of %v, probability %v", g.True().Detected, roll, detected)
				}
				if !out.Over() && next != after {
					t.Fatalf("state %d after %d, want %d", after, s, next)
				}
				steps++
				if out.Over() {
					break
				}
			}
		}
	}
	if steps < 1000 {
		t.Errorf("only %d steps", steps)
	}
}

// Versions 11 and 13 by hand. There is one node to attack, with two types whose defence and attack values are 0. The
// defender has to raise the value of the type that is attacked, else it is a hack; so raising detection is dominated.
//
// Version 13 (maximum 1, detection 10): a type that is met fails, and is detected. Matching pennies for 1 or 0: 1/2.
//
// Version 11 (maximum 2, detection 1): let (x y) be the value with attack and defence values x of one type and y of the
// other. What is met fails, is detected with probability 0.1, and leads from x to x+1; a type at 2 is out, and against one
// type alone the defender holds.
//
//	(1 1): met 0, not met 1                                 so (0 + 1)/2 = 1/2
//	(1 0): met 0 at the first, 0.9 (1 1) = 0.45 at the other, so 1/(1 + 0.55) = 20/31
//	(0 0): met 0.9 (1 0) = 18/31, not met 1                 so (18/31 + 1)/2 = 49/62
func TestModelByHand(t *testing.T) {
	for id, want := range map[string]float64{"idsgame-v11": 49. / 62, "idsgame-v13": 1. / 2} {
		for _, full := range []bool{false, true} {
			value, low, high := solve(t, newModel(t, newGame(t, configOf(t, id), 1), full))
			if math.Abs(value-want) > 1e-12 || high-low > 1e-9 || high < low-1e-12 {
				t.Errorf("%s: %v in [%v, %v], want %v", id, value, low, high, want)
			}
		}
	}
}

// What is solved of the registered games: those in which the data node has at most one type to be watched at a time are
// held by a defender who sees everything.
func TestModelRegistered(t *testing.T) {
	for v := range 22 {
		id := fmt.Sprintf("idsgame-v%d", v)
		if v == 1 {
			continue // too large
		}
		value, low, high := solve(t, newModel(t, newGame(t, configOf(t, id), 1), false))
		if positive := v == 11 || v == 12 || v == 13; positive != (value > 0) || high-low > 1e-9 {
			t.Errorf("%s: %v in [%v, %v]", id, value, low, high)
		}
	}
}

// Shapley's iteration, which knows no order of states, finds the same values as induction.
func TestModelShapley(t *testing.T) {
	m := newModel(t, newGame(t, configOf(t, "idsgame-v12"), 1), false)
	var s exact.Solution
	if err := s.Extend(m, nil); err != nil {
		t.Fatal(err)
	}
	v, _ := exact.Shapley(m, 1-1e-13, 1e-1) // as good as no discount: no state recurs
	for i := range v {
		if math.Abs(v[i]-s.Values[i]) > 1e-10 {
			t.Errorf("state %d: %v and %v", i, v[i], s.Values[i])
		}
	}
}
