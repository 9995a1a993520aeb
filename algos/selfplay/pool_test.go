package selfplay

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/envs"
)

// thaw makes players whose action is the number in their name.
func thaw(name string) (envs.Policy, error) {
	p := new(fixed)
	_, err := fmt.Sscan(name, &p.action)
	return p, err
}

func mustPool(tb testing.TB, cfg PoolConfig, bots []string, names ...string) *pool {
	tb.Helper()
	p, err := newPool(cfg, bots, thaw)
	for _, name := range names {
		err = errors.Join(err, p.add(name))
	}
	if err = errors.Join(err, p.freeze("99")); err != nil {
		tb.Fatal(err)
	}
	return p
}

func (p *pool) names() (list []string) {
	for _, m := range p.members {
		list = append(list, m.Name)
	}
	return list
}

// Members are drawn as often as the formulas say. Each count is binomial: 5 standard deviations are exceeded with a chance
// of 6e-7.
func TestPoolSampling(t *testing.T) {
	qualities := []float64{0.5, -1, 2, 0}
	rates := []struct{ recent, wins float64 }{{0, 0}, {9, 9}, {20, 4}, {3, 1.5}}
	x := func(i int) float64 { return (rates[i].wins + 0.5) / (rates[i].recent + 1) }
	for _, c := range []struct {
		sampling, weighting string
		weight              func(i int) float64
	}{
		{"uniform", "hard", func(int) float64 { return 1 }},
		{"quality", "hard", func(i int) float64 { return math.Exp(qualities[i]) }},
		{"pfsp", "hard", func(i int) float64 { return math.Pow(1-x(i), 2) }},
		{"pfsp", "even", func(i int) float64 { return x(i) * (1 - x(i)) }},
	} {
		t.Run(c.sampling+" "+c.weighting, func(t *testing.T) {
			const probability, episodes = 0.7, 40_000
			p := mustPool(t, PoolConfig{
				Probability: probability, Size: 4, Sampling: c.sampling, PFSPWeighting: c.weighting,
			}, []string{"0"}, "1", "2", "3")
			sum := 0.0
			for i, m := range p.members {
				m.Quality, m.Recent, m.Wins = qualities[i], rates[i].recent, rates[i].wins
				sum += c.weight(i)
			}
			p.weights = nil // of other qualities
			rng, counts := rand.New(envs.NewPCG(1)), map[string]float64{}
			for range episodes {
				m, past := p.draw(rng)
				if past == (m == p.current) {
					t.Fatalf("%s is drawn as past: %v", m.Name, past)
				}
				counts[m.Name]++
			}
			check := func(name string, want float64) {
				if math.Abs(counts[name]-want*episodes) > 5*math.Sqrt(want*(1-want)*episodes) {
					t.Errorf("%s plays %v of %d episodes, want a share of %v", name, counts[name], episodes, want)
				}
			}
			check("99", 1-probability)
			for i := range p.members {
				check(fmt.Sprint(i), probability*c.weight(i)/sum)
			}
		})
	}
}

// Qualities follow q_i − η/(N p_i), by hand, where the member lost, and only there. A new member begins with the largest.
func TestPoolQuality(t *testing.T) {
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	p := mustPool(t, PoolConfig{Probability: 1, Size: 9, Sampling: "quality", QualityEta: 0.5, InitialQuality: 1}, nil, "0", "1")
	m := p.members[0]
	p.note(m, 0)
	p.note(m, 0.5)
	near("after a win and a draw", m.Quality, 1)
	p.note(m, 1)
	near("after a loss with p = 1/2", m.Quality, 1-0.5/(2*0.5))
	p.note(m, 1)
	near("after another", m.Quality, 0.5-0.5*(math.Exp(0.5)+math.Exp(1))/(2*math.Exp(0.5)))
	near("the other member", p.members[1].Quality, 1)
	if err := p.add("2"); err != nil {
		t.Fatal(err)
	}
	near("a new member", p.members[2].Quality, 1)
	near("probability", math.Exp(p.logProbability(p.members[2])), 1/(2+math.Exp(m.Quality-1)))
	if m.Games != 4 || p.games != 4 || p.beaten != 2 {
		t.Errorf("%d games of the member, %d of the pool, %d lost; want 4, 4, 2", m.Games, p.games, p.beaten)
	}
	// However often a member loses, qualities and probabilities stay finite.
	for range 10_000 {
		p.note(m, 1)
	}
	near("the floor", m.Quality, 1-lowest)
	if w := p.distribution(); !(w[0] > 0) {
		t.Errorf("weights %v", w)
	}
	// One that was evicted while it played is not a part of any distribution.
	gone, best := &member{Record: Record{Name: "gone", Quality: 5}}, p.best()
	p.note(gone, 1)
	if gone.Quality != 5 || p.best() != best {
		t.Errorf("a policy that has left the pool has quality %v", gone.Quality)
	}
}

// Win rates count late games more: by hand for a win, a draw and a loss of the learner.
func TestPoolWinRate(t *testing.T) {
	p := mustPool(t, PoolConfig{Probability: 1, Size: 9, Sampling: "pfsp", PFSPWeighting: "hard"}, nil, "0")
	m := p.members[0]
	if m.winRate() != 0.5 {
		t.Errorf("win rate %v before the first game", m.winRate())
	}
	for _, score := range []float64{1, 0.5, 0} {
		p.note(m, score)
	}
	recent, wins := 0.99*0.99+0.99+1, 0.99*0.99+0.5*0.99
	if math.Abs(m.winRate()-(wins+0.5)/(recent+1)) > 1e-12 {
		t.Errorf("win rate %v of %v games, want %v of %v", m.winRate(), m.Recent, wins, recent)
	}
	if want := math.Pow(1-m.winRate(), 2); math.Abs(p.distribution()[0]-want) > 1e-12 {
		t.Errorf("weight %v, want %v", p.distribution()[0], want)
	}
}

// The oldest past policy goes, never a bot; a policy that is a member does not join again.
func TestPoolEviction(t *testing.T) {
	p := mustPool(t, PoolConfig{Size: 3, Sampling: "uniform"}, []string{"10", "11"}, "0")
	for i, want := range [][]string{
		{"10", "11", "0", "1"}, {"10", "11", "0", "1", "2"}, {"10", "11", "1", "2", "3"}, {"10", "11", "2", "3", "4"},
	} {
		for range 2 {
			if err := p.add(fmt.Sprint(i + 1)); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.names(); !slices.Equal(got, want) {
			t.Errorf("after %d: %v, want %v", i+1, got, want)
		}
		if got := len(p.distribution()); got != len(want) {
			t.Errorf("weights of %d members, want %d", got, len(want))
		}
	}
	if err := p.add("x"); err == nil {
		t.Error("a policy that cannot be made joins")
	}
}

func TestPoolReport(t *testing.T) {
	p := mustPool(t, PoolConfig{Probability: 1, Size: 9, Sampling: "quality", QualityEta: 0.5, InitialQuality: 2}, nil, "0", "1")
	p.note(p.members[0], 1)
	p.note(p.members[1], 0)
	p.note(p.members[1], 0)
	got := make([]float64, len(statistics))
	p.report(got)
	q := 1 / (1 + math.Exp(-0.5)) // of the member of quality 2 beside one of 1.5
	want := []float64{2, -q*math.Log(q) - (1-q)*math.Log(1-q), 2, 1.5, 1.5, 1.0 / 3}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Errorf("%s = %v, want %v", statistics[i], got[i], want[i])
		}
	}
	if p.report(got); !math.IsNaN(got[5]) || got[4] != 1.5 {
		t.Errorf("the second report: %v", got)
	}
}

// Once every member has played, games cost no memory.
func TestPoolAllocates(t *testing.T) {
	for _, sampling := range []string{"uniform", "quality", "pfsp"} {
		p := mustPool(t, PoolConfig{Probability: 0.5, Size: 9, Sampling: sampling, QualityEta: 1e-4}, []string{"0"}, "1", "2")
		one, rng := &player{pool: p}, rand.New(envs.NewPCG(1))
		game := func() {
			one.StartEpisode(rng)
			if one.before.past {
				p.note(one.before.member, 1)
			}
		}
		for range 100 {
			game()
		}
		if n := testing.AllocsPerRun(100, game); n > 0 {
			t.Errorf("%s: %v allocations a game", sampling, n)
		}
	}
}
