package selfplay

import (
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/envs"
)

// fixed is a player that always does the same and counts the episodes that it hears of.
type fixed struct{ action, started int }

func (f *fixed) StartEpisode(*rand.Rand)           { f.started++ }
func (f *fixed) Act(envs.Env, int, *rand.Rand) int { return f.action }

// TestMixture counts whom a mixture draws. Each count is binomial; 5 standard deviations are exceeded with a chance of
// 6e-7 each.
func TestMixture(t *testing.T) {
	weights := []float64{1, 0, 5, 2}
	members := make([]envs.Policy, len(weights))
	for i := range members {
		members[i] = &fixed{action: 10 + i}
	}
	m := NewMixture(members, weights)
	rng := rand.New(rand.NewPCG(1, 2))
	const episodes = 20000
	for range episodes {
		m.StartEpisode(rng)
		first := m.Act(nil, 0, rng)
		if first != 10+m.playing || m.Act(nil, 0, rng) != first {
			t.Fatalf("member %d plays, and the action was %d", m.playing, first)
		}
	}
	for i, w := range weights {
		p := w / 8
		got := members[i].(*fixed).started
		if math.Abs(float64(got)-p*episodes) > 5*math.Sqrt(p*(1-p)*episodes) {
			t.Errorf("member %d played %d of %d episodes, want a share of %v", i, got, episodes, p)
		}
	}
}

func TestMixturePanics(t *testing.T) {
	one := []envs.Policy{new(fixed)}
	for name, weights := range map[string][]float64{
		"number": {1, 1}, "negative": {-1}, "all zero": {0}, "not a number": {math.NaN()}, "infinite": {math.Inf(1)},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			NewMixture(one, weights)
		})
	}
}

func TestDrawBounds(t *testing.T) {
	for _, c := range []struct {
		u    float64
		want int
	}{{0, 1}, {0.2499, 1}, {0.25, 3}, {math.Nextafter(1, 0), 3}} {
		if got := draw([]float64{0, 1, 0, 3, 0}, c.u); got != c.want {
			t.Errorf("draw(%v) = %d, want %d", c.u, got, c.want)
		}
	}
}
