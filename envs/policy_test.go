package envs_test

import (
	"math/rand/v2"
	"testing"

	"idsrl/envs"
	"idsrl/envs/toy"
)

// Pearson's chi-square with 3 degrees of freedom exceeds 37.3 with a probability of 4e-8 (three tests, 1.2e-7).
func TestRandomLegal(t *testing.T) {
	rng := rand.New(envs.NewPCG(1))
	for _, legal := range [][]bool{
		{true, true, true, true},
		{false, true, false, true, true, false, true, false},
		{true, false, false, false, false, true, true, true},
	} {
		const n, ways = 40000, 4
		counts := make([]int, len(legal))
		for range n {
			counts[envs.RandomLegal(legal, rng)]++
		}
		x := 0.0
		for id, ok := range legal {
			if !ok {
				if counts[id] > 0 {
					t.Errorf("%v: %d is drawn %d times", legal, id, counts[id])
				}
				continue
			}
			d := float64(counts[id]) - n/ways
			x += d * d / (n / ways)
		}
		if x > 37.3 {
			t.Errorf("%v: drawn %v times, chi-square %v", legal, counts, x)
		}
		if x == 0 {
			t.Errorf("%v: drawn %v times, which is no chance", legal, counts)
		}
	}
	if got := envs.RandomLegal([]bool{false, false, true}, rng); got != 2 {
		t.Errorf("the only legal id is 2, drawn is %d", got)
	}
	if !panics(func() { envs.RandomLegal([]bool{false, false}, rng) }) {
		t.Error("RandomLegal does not panic where nothing is legal")
	}
}

func TestPick(t *testing.T) {
	weights := []float64{0, 1, 0, 3, 0}
	for u, want := range map[float64]int{0: 1, 0.999: 1, 1: 3, 3.999: 3, 4: 3, 5: 3} {
		if got := envs.Pick(weights, u); got != want {
			t.Errorf("%v falls on %d, want %d", u, got, want)
		}
	}
}

func TestUniform(t *testing.T) {
	env := must((&toy.Forbidden{Fields: 5}).New(0))
	p, rng := envs.Uniform(), rand.New(envs.NewPCG(2))
	out, legal, played := env.Spec().NewOutcome(), make([]bool, 3), [3]int{}
	for seed := range uint64(200) {
		if err := env.Reset(seed); err != nil {
			t.Fatal(err)
		}
		for *out = (envs.Outcome{Rewards: out.Rewards}); !out.Over(); {
			a := p.Act(env, 0, rng)
			env.Legal(0, legal)
			if !legal[a] {
				t.Fatalf("plays %d, legal are %v", a, legal)
			}
			played[a]++
			if err := env.Step([]int{a}, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	for a, n := range played {
		if n == 0 {
			t.Errorf("never plays %d", a)
		}
	}
	// One Policy may go from a game to another with more or fewer actions.
	pennies := must((&toy.MatchingPennies{Heads: 1, Tails: 1, Miss: 1}).New(0))
	if err := pennies.Reset(0); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if a := p.Act(pennies, 1, rng); a > 1 {
			t.Fatalf("plays %d of 2", a)
		}
	}
}
