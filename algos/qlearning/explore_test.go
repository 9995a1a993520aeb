package qlearning

import (
	"testing"

	"idsrl/algos"
)

// chiSquare is Σ (observed − expected)² / expected; what is expected to be 0 must be.
func chiSquare(tb testing.TB, observed []int, probs []float64) (x float64, freedom int) {
	tb.Helper()
	n, sum := 0, 0.0
	for i, o := range observed {
		n += o
		sum += probs[i]
	}
	if sum < 1-1e-12 || sum > 1+1e-12 {
		tb.Fatalf("probabilities %v add up to %v", probs, sum)
	}
	for i, o := range observed {
		if probs[i] == 0 {
			if o > 0 {
				tb.Errorf("%d times what cannot be: %v of %v", o, observed, probs)
			}
			continue
		}
		e := probs[i] * float64(n)
		x += (float64(o) - e) * (float64(o) - e) / e
		freedom++
	}
	return x, freedom - 1
}

// critical are the values that chi-square exceeds with probability 1e-5, by degrees of freedom. The tests below take
// 16 of them: one fails by chance with 1.6e-4.
var critical = []float64{1: 19.51, 2: 23.03, 3: 25.90}

func check(t *testing.T, what string, observed []int, probs []float64) {
	t.Helper()
	if x, f := chiSquare(t, observed, probs); x > critical[f] {
		t.Errorf("%s: %v with probabilities %v: chi-square %.1f, should be below %v", what, observed, probs, x, critical[f])
	}
}

// Without repetition, an action is uniform over the legal ones with probability ε and the best one otherwise.
func TestEpsilonGreedy(t *testing.T) {
	for _, epsilon := range []float64{0, 0.1, 0.5, 1} {
		cfg := plain()
		cfg.Epsilon, cfg.ExploreAt = algos.Constant(epsilon), "step"
		b := newBoard(t, cfg, 2)
		b.allow(true, false, true)
		b.Row = []int{1, 2}
		counts := make([]int, 3)
		chosen := []int{0, 0}
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
		cfg.Epsilon, cfg.Repeat, cfg.ExploreAt = algos.Constant(epsilon), rho, "step"
		b := newBoard(t, cfg, 1)
		var after [4][4]int // by what came before, 3 for the greedy action
		before, chosen := 3, []int{0}
		for range 60_000 {
			b.Act(&b.Batch, chosen)
			now := b.explore[0]
			if now == greedily {
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

// Where exploration begins at entries only, what was chosen greedily stays so until the state or the episode changes.
func TestExplorationBeginsAtEntries(t *testing.T) {
	const epsilon = 0.3
	cfg := plain()
	cfg.Epsilon, cfg.Repeat, cfg.ExploreAt = algos.Constant(epsilon), 1, "entry"
	b := newBoard(t, cfg, 1)
	entries, explored := 0, 0
	chosen := []int{0}
	b.Row[0] = 1
	for visit := range 20_000 {
		if visit%5 > 0 {
			b.Row[0] = 3 - b.Row[0]
		}
		if visit%5 == 0 { // a new episode in the state of before
			b.Terminated[0] = true
			b.Learn(&b.Batch, chosen)
			b.Terminated[0] = false
		} else if b.explore[0] >= 0 {
			b.explore[0] = greedily // an exploring action would go on
		}
		b.Act(&b.Batch, chosen)
		begun := b.explore[0]
		entries++
		if begun >= 0 {
			explored++
		}
		for range 3 {
			b.Act(&b.Batch, chosen)
			if b.explore[0] != begun {
				t.Fatalf("visit %d: %d, then %d in the same state", visit, begun, b.explore[0])
			}
		}
	}
	check(t, "entries", []int{explored, entries - explored}, []float64{epsilon, 1 - epsilon})
}

// An exploring action is not repeated where it is illegal, nor in the next episode.
func TestRepetitionEnds(t *testing.T) {
	cfg := plain()
	cfg.Epsilon, cfg.Repeat = algos.Constant(1), 1
	for _, end := range []struct {
		name string
		end  func(b *board)
	}{
		{"illegal", func(b *board) { b.allow(false, true, true) }},
		{"terminated", func(b *board) { b.Terminated[0] = true }},
		{"truncated", func(b *board) { b.Truncated[0] = true }},
	} {
		b := newBoard(t, cfg, 1)
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
		b.Anneal(0)
		b.epsilon = 0 // so that what is not repeated is greedy: 2
		if b.Act(&b.Batch, chosen); chosen[0] != 2 {
			t.Errorf("%s: plays %d", end.name, chosen[0])
		}
	}
}
