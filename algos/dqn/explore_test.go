package dqn

import (
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
)

func newRand(src rand.Source) *rand.Rand { return rand.New(src) }

// critical are the values that chi-square exceeds with probability 1e-5, by degrees of freedom. The tests take 19 of them:
// one fails by chance with 2e-4.
var critical = []float64{1: 19.51, 2: 23.03, 3: 25.90}

// check compares frequencies with probabilities; what is expected to be 0 must be.
func check(t *testing.T, what string, observed []int, probs []float64) {
	t.Helper()
	n, freedom, x := 0, -1, 0.0
	for _, o := range observed {
		n += o
	}
	for i, o := range observed {
		if probs[i] == 0 {
			if o > 0 {
				t.Errorf("%s: %d times what cannot be: %v of %v", what, o, observed, probs)
			}
			continue
		}
		e := probs[i] * float64(n)
		x += (float64(o) - e) * (float64(o) - e) / e
		freedom++
	}
	if freedom > 0 && x > critical[freedom] {
		t.Errorf("%s: %v with probabilities %v: chi-square %.1f, should be below %v", what, observed, probs, x, critical[freedom])
	}
}

// Without repetition, an action is uniform over the legal ones with probability ε and the best one otherwise.
func TestEpsilonGreedy(t *testing.T) {
	for _, epsilon := range []float64{0, 0.1, 0.5, 1} {
		cfg := plain()
		cfg.Epsilon = algos.Constant(epsilon)
		b := newBoard(t, cfg, 2)
		b.allow(true, false, true)
		b.see(b.Obs, 0, 1)
		b.see(b.Obs, 1, 2)
		counts, chosen := make([]int, 3), []int{0, 0}
		for range 10_000 {
			b.Act(&b.Batch, chosen)
			for _, a := range chosen {
				counts[a]++
			}
		}
		// The best one is 2, the legal one of the largest value.
		check(t, "actions", counts, []float64{epsilon / 2, 0, 1 - epsilon + epsilon/2})
	}
}

// With repetition, what follows an exploring action is the same with probability ρ, and else as without.
func TestRepeatedExploration(t *testing.T) {
	const epsilon = 0.3
	for _, rho := range []float64{0, 0.5, 0.9} {
		cfg := plain()
		cfg.Epsilon, cfg.Repeat = algos.Constant(epsilon), rho
		b := newBoard(t, cfg, 1)
		b.see(b.Obs, 0, 1)
		var after [4][4]int // by what came before, 3 for the greedy action
		before, chosen := 3, []int{0}
		for range 60_000 {
			b.Act(&b.Batch, chosen)
			now := b.explore[0]
			if now == none {
				now = 3
				if chosen[0] != 2 {
					t.Fatalf("greedily plays %d", chosen[0])
				}
			} else if now != chosen[0] {
				t.Fatalf("plays %d but notes %d", chosen[0], now)
			}
			after[before][now]++
			before = now
		}
		each := epsilon / 3
		check(t, "after a greedy action", after[3][:], []float64{each, each, each, 1 - epsilon})
		for a := range 3 {
			probs := []float64{(1 - rho) * each, (1 - rho) * each, (1 - rho) * each, (1 - rho) * (1 - epsilon)}
			probs[a] += rho
			check(t, "after an exploring action", after[a][:], probs)
		}
	}
}

// An exploring action is not repeated where it is illegal, nor in the next episode.
func TestRepetitionEnds(t *testing.T) {
	cfg := plain()
	cfg.Epsilon, cfg.Repeat, cfg.LearningStarts = algos.Constant(1), 1, 1000
	for _, end := range []struct {
		name string
		end  func(b *board)
	}{
		{"illegal", func(b *board) { b.allow(false, true, true) }},
		{"terminated", func(b *board) { b.Terminated[0] = true }},
		{"truncated", func(b *board) { b.Truncated[0] = true }},
	} {
		b := newBoard(t, cfg, 1)
		b.see(b.Obs, 0, 1)
		chosen := []int{0}
		b.allow(true, false, false)
		b.Act(&b.Batch, chosen)
		b.allow(true, true, true)
		for range 50 {
			b.Learn(&b.Batch, chosen)
			if b.Act(&b.Batch, chosen); chosen[0] != 0 {
				t.Fatal("not repeated")
			}
		}
		end.end(b)
		copy(b.LastLegal, []bool{true, true, true})
		b.Learn(&b.Batch, chosen)
		b.Terminated[0], b.Truncated[0] = false, false
		b.epsilon = 0 // so that what is not repeated is greedy: 2
		if b.Act(&b.Batch, chosen); chosen[0] != 2 {
			t.Errorf("%s: plays %d", end.name, chosen[0])
		}
	}
}

// Sampled explores as much as the training does at the time, Greedy never.
func TestModes(t *testing.T) {
	cfg := plain()
	cfg.Epsilon = algos.Schedule{Start: 0.8, End: 0.2, Over: 1, Shape: "linear"}
	env := must[envs.Env](t)(lookup(t, "toy-rps-v0").New(1)) // four states and three actions, like the board
	b := newBoard(t, cfg, 1)
	rng := newRand(rand.NewPCG(1, 1))
	for _, c := range []struct{ progress, epsilon float64 }{{0, 0.8}, {1, 0.2}} {
		b.Anneal(c.progress)
		var greedy, sampled [3]int
		g, s := b.Policy(algos.Greedy), b.Policy(algos.Sampled)
		for range 10_000 {
			greedy[g.Act(env, 0, rng)]++
			sampled[s.Act(env, 0, rng)]++
		}
		check(t, "greedy", greedy[:], []float64{0, 0, 1})
		check(t, "sampled", sampled[:], []float64{c.epsilon / 3, c.epsilon / 3, 1 - c.epsilon*2/3})
	}
}
