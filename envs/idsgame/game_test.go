package idsgame_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"idsrl/envs"
	"idsrl/envs/envtest"
	"idsrl/envs/idsgame"
)

// TestContract runs every id through the tests that all environments have in common.
func TestContract(t *testing.T) {
	options := envtest.Options{}
	if testing.Short() {
		options.Steps = 150
	}
	for _, e := range idsgame.Entries() {
		t.Run(e.ID, func(t *testing.T) { envtest.Run(t, e.New, options) })
	}
}

// TestStepPanics: ids outside the spaces are mistakes of the caller, and do not go unnoticed.
func TestStepPanics(t *testing.T) {
	for _, id := range []string{"idsgame-v0", "idsgame-v18", "idsgame-v19"} {
		g := build(t, lookup(t, id), 1)
		out := g.Spec().NewOutcome()
		n, m := g.Rules().AttackActions(), g.Rules().DefenceActions()
		for _, actions := range [][]int{{-1, 0}, {n, 0}, {0, -1}, {0, m}, {-2, -2}, {n + 1000, m + 1000}} {
			if err := g.Reset(1); err != nil {
				t.Fatal(err)
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: Step(%v) does not panic", id, actions)
					}
				}()
				_ = g.Step(actions, out)
			}()
		}
	}
}

// TestNames: ids have the names that the specification's kinds of attack have.
func TestNames(t *testing.T) {
	rules := func(id string) *idsgame.Rules { return build(t, lookup(t, id), 1).Rules() }
	cfg := idsgame.Defaults()
	cfg.NumAttackTypes = 12
	v2, v19, many := rules("idsgame-v2"), rules("idsgame-v19"), newGame(t, cfg, 1).Rules()
	for _, c := range [][2]string{
		{v2.AttackName(0), "injection@0"},
		{v2.AttackName(32), "xss@3"},
		{v2.AttackName(idsgame.NoAttack), "nothing"},
		{v19.AttackName(4), "recon@0"},
		{v19.AttackName(13), "references@2"},
		{many.AttackName(23), "type11@1"},
		{v2.DefenceName(10), "detection@0"},
		{v2.DefenceName(20), "redirects@1"},
		{v2.DefenceName(33), "injection@3"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s, not %s", c[0], c[1])
		}
	}
}

// TestBotsNeedTheirGame: in another game a bot panics.
func TestBotsNeedTheirGame(t *testing.T) {
	cfg := idsgame.Defaults()
	bot, err := envs.NewBot(&cfg, idsgame.DefenderSeat, "minimal")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a bot plays another game")
		}
	}()
	bot.Act(nil, 0, newRand(1))
}

// TestStats counts a hacked, a detected and a truncated game.
func TestStats(t *testing.T) {
	var stats idsgame.Stats
	if p := stats.HackProbability(); p != 0 {
		t.Errorf("before the first game, the probability is %v", p)
	}
	for _, s := range []idsgame.State{
		{Hacked: true, AttackerReturn: 2, DefenderReturn: -1},
		{Detected: true, AttackerReturn: -3, DefenderReturn: 1},
		{AttackerReturn: -50, DefenderReturn: 7},
		{Hacked: true, AttackerReturn: 4, DefenderReturn: -3},
	} {
		stats.Count(&s)
	}
	want := idsgame.Stats{Games: 4, Hacks: 2, AttackerReturn: 3, DefenderReturn: -3}
	if stats != want || stats.HackProbability() != 0.5 {
		t.Errorf("%+v with probability %v", stats, stats.HackProbability())
	}
}

// TestNoAllocations: once it is built, a game with or without bots allocates nothing.
func TestNoAllocations(t *testing.T) {
	ids := []string{}
	for _, v := range []int{0, 5, 12, 14, 15, 17, 18, 19} {
		for _, family := range []string{"", "-minimal_defense", "-random_defense", "-maximal_attack", "-random_attack"} {
			ids = append(ids, fmt.Sprintf("idsgame%s-v%d", family, v))
		}
	}
	for _, id := range ids {
		env, err := lookup(t, id).New(1)
		if err != nil {
			t.Fatal(err)
		}
		seats := env.Spec().Seats
		actions, out := make([]int, len(seats)), env.Spec().NewOutcome()
		obs, legal := make([][]float32, len(seats)), make([][]bool, len(seats))
		for seat := range seats {
			obs[seat], legal[seat] = make([]float32, seats[seat].Obs.Len()), make([]bool, seats[seat].Actions.N)
		}
		key := make([]byte, 0, 1<<10)
		pcg := envs.NewPCG(1)
		rng := rand.New(pcg)
		seed := uint64(0)
		episode := func() {
			if seed++; env.Reset(seed) != nil {
				t.Fatal("Reset fails")
			}
			*out = envs.Outcome{Rewards: out.Rewards}
			for !out.Over() {
				for seat := range seats {
					env.Observe(seat, obs[seat])
					env.Legal(seat, legal[seat])
					env.State(seat, idsgame.NodeEncoding)
					key = env.AppendKey(key[:0], seat)
					actions[seat] = envs.RandomLegal(legal[seat], rng)
				}
				if env.Step(actions, out) != nil {
					t.Fatal("Step fails")
				}
			}
		}
		for range 200 { // bots make room for as many ids as they ever choose from
			episode()
		}
		if n := testing.AllocsPerRun(100, episode); n > 0 {
			t.Errorf("%s: %v allocations an episode", id, n)
		}
	}
}

// BenchmarkStep is a step of any ids with everything that a learner looks at, and a new episode where one ends.
func BenchmarkStep(b *testing.B) {
	for _, id := range []string{
		"idsgame-v0", "idsgame-v2", "idsgame-v5", "idsgame-v18", "idsgame-v19", "idsgame-minimal_defense-v2",
		"idsgame-minimal_defense-v5", "idsgame-maximal_attack-v2", "idsgame-maximal_attack-v19", "idsgame-random_attack-v2",
	} {
		b.Run(id, func(b *testing.B) {
			env, err := lookup(b, id).New(1)
			if err != nil {
				b.Fatal(err)
			}
			seats := env.Spec().Seats
			rng := newRand(3)
			const n = 1 << 12
			actions := make([][]int, n)
			for i := range actions {
				actions[i] = make([]int, len(seats))
				for s := range seats {
					actions[i][s] = rng.IntN(seats[s].Actions.N)
				}
			}
			out := env.Spec().NewOutcome()
			obs := make([][]float32, len(seats))
			for s := range obs {
				obs[s] = make([]float32, seats[s].Obs.Len())
			}
			seed := uint64(0)
			if err := env.Reset(seed); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if err := env.Step(actions[i&(n-1)], out); err != nil {
					b.Fatal(err)
				}
				if out.Over() {
					seed++
					if err := env.Reset(seed); err != nil {
						b.Fatal(err)
					}
				}
				for s := range seats {
					env.Observe(s, obs[s])
				}
			}
		})
	}
}
