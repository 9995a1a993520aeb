package exact_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/envs/exact"
)

// twice is matching pennies played twice, where seat 0 wins 1 for each match. State 2 is the first throw, state 1 the second
// after a match, state 0 after a miss.
type twice struct{}

func (twice) States() int { return 3 }

func (twice) Legal(int, int) []int { return []int{0, 1} }

func (twice) Joint(dst []exact.Transition, s, a, b int) []exact.Transition {
	t := exact.Transition{Prob: 1, Terminal: s < 2}
	if a == b {
		t.Reward, t.Next = 1, 1
	}
	return append(dst, t)
}

// always plays the same in every state.
func always(p float64) [][]float64 { return [][]float64{{p, 1 - p}, {p, 1 - p}, {p, 1 - p}} }

func TestRespondToMixture(t *testing.T) {
	start := []exact.Transition{{Prob: 1, Next: 2}}
	for _, c := range []struct {
		name    string
		seat    int
		members [][][]float64
		weights []float64
		want    float64
	}{
		// By hand: the first throw wins for 1/2 and tells who plays, the second wins for sure.
		{"one always heads or one always tails", 0, [][][]float64{always(1), always(0)}, []float64{2, 2}, 1.5},
		{"which seat 1 never lets match", 1, [][][]float64{always(1), always(0)}, []float64{0.5, 0.5}, -0.5},
		// The same on average, but nothing to find out.
		{"one that mixes each throw", 0, [][][]float64{always(0.5)}, []float64{1}, 1},
		{"two who are alike", 0, [][][]float64{always(0.5), always(0.5)}, []float64{0.3, 0.7}, 1},
		// By hand: heads at first, with 0.8·0.75 + 0.2·0.25 = 0.65. A match leaves the first with 0.6/0.65, so heads; a miss with
		// 0.2/0.35, so heads still, as 0.75·4/7 + 0.25·3/7 > 1/2.
		{"two who lean to a side", 0, [][][]float64{always(0.75), always(0.25)}, []float64{0.8, 0.2}, 1.3},
	} {
		if got := exact.RespondToMixture(twice{}, start, c.seat, c.members, c.weights); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// ladder is a random game of two in which states lead to lower ones.
type ladder struct {
	reward [][2][2]float64
	next   [][2][2][2]int
	prob   [][2][2]float64
}

func newLadder(rng *rand.Rand, states int) *ladder {
	g := &ladder{}
	for s := range states {
		var reward, prob [2][2]float64
		var next [2][2][2]int
		for a := range 2 {
			for b := range 2 {
				reward[a][b], prob[a][b] = rng.NormFloat64(), rng.Float64()
				if s > 0 {
					next[a][b] = [2]int{rng.IntN(s), rng.IntN(s)}
				}
			}
		}
		g.reward, g.next, g.prob = append(g.reward, reward), append(g.next, next), append(g.prob, prob)
	}
	return g
}

func (g *ladder) States() int { return len(g.reward) }

func (g *ladder) Legal(int, int) []int { return []int{0, 1} }

func (g *ladder) Joint(dst []exact.Transition, s, a, b int) []exact.Transition {
	p, r, n := g.prob[s][a][b], g.reward[s][a][b], g.next[s][a][b]
	return append(dst, exact.Transition{Prob: p, Reward: r, Next: n[0], Terminal: s == 0},
		exact.Transition{Prob: 1 - p, Reward: r, Next: n[1], Terminal: s == 0})
}

// Against one policy it is the best response by backward induction; against several, it is at most the mean of the best
// responses to each, and at least that to any policy that ignores what it sees.
func TestRespondToMixtureBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 50 {
		g := newLadder(rng, 7)
		start := []exact.Transition{{Prob: 1, Next: 6}}
		var members [][][]float64
		for range 3 {
			var policy [][]float64
			for range g.States() {
				p := rng.Float64()
				policy = append(policy, []float64{p, 1 - p})
			}
			members = append(members, policy)
		}
		for seat := range 2 {
			mean, weights := 0.0, []float64{0.5, 0.2, 0.3}
			worth := make([][]float64, 3) // of each member's best response, against each member
			for i, m := range members {
				model := exact.Against(g, seat, m)
				alone := exact.BackwardInduction(model)[6]
				if got := exact.RespondToMixture(g, start, seat, members[i:i+1], []float64{1}); math.Abs(got-alone) > 1e-12 {
					t.Fatalf("against one: %v, want %v", got, alone)
				}
				mean += weights[i] * alone
				best := exact.Greedy(exact.ActionValues(model, exact.BackwardInduction(model), 1))
				for _, other := range members {
					worth[i] = append(worth[i], exact.PolicyValue(exact.Against(g, seat, other), best, 1)[6])
				}
			}
			got := exact.RespondToMixture(g, start, seat, members, weights)
			if got > mean+1e-12 {
				t.Errorf("%v, more than with knowing who plays: %v", got, mean)
			}
			for i := range members {
				if blind := weights[0]*worth[i][0] + weights[1]*worth[i][1] + weights[2]*worth[i][2]; got < blind-1e-12 {
					t.Errorf("%v, less than a policy that ignores what it sees: %v", got, blind)
				}
			}
		}
	}
}
