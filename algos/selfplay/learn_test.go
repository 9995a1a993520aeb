package selfplay_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/qlearning"
	"idsrl/algos/selfplay"
	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/toy"
)

// memory is a Stock of tables: policy n of learner k is called k@n.
type memory struct {
	learners []algos.Learner
	policies []envs.Policy
}

func (m *memory) Freeze(k int) (string, error) {
	m.policies = append(m.policies, m.learners[k].Policy(algos.Greedy))
	return fmt.Sprintf("%d@%d", k, len(m.policies)-1), nil
}

func (m *memory) Thaw(_ int, name string) (envs.Policy, error) {
	var k, n int
	_, err := fmt.Sscanf(name, "%d@%d", &k, &n)
	return m.policies[n], err // without a memory of its own, one serves all environments
}

// strategy is what a seat plays: policies, each as the probability of an action in a state, one of which is drawn for each
// episode, all alike.
type strategy [][][]float64

// add adds a policy that does not mix.
func (s *strategy) add(tb testing.TB, id string, seat int, p envs.Policy) {
	tb.Helper()
	env, rng := algotest.NewEnv(id), rand.New(envs.NewPCG(1))
	spec := env.Spec()
	rows := make([][]float64, spec.Seats[seat].Encodings[0].States)
	out, actions := spec.NewOutcome(), make([]int, len(spec.Seats))
	for episode := range uint64(50) { // enough to see every state
		if err := env.Reset(episode); err != nil {
			tb.Fatal(err)
		}
		for *out = *spec.NewOutcome(); !out.Over(); {
			row := make([]float64, spec.Seats[seat].Actions.N)
			row[p.Act(env, seat, rng)] = 1
			rows[env.State(seat, 0)] = row
			for i := range actions {
				actions[i] = envs.Uniform().Act(env, i, rng)
			}
			if err := env.Step(actions, out); err != nil {
				tb.Fatal(err)
			}
		}
	}
	*s = append(*s, rows)
}

// gain is the most that a policy which depends on the state alone, and does not mix, gets in a seat against a strategy in
// the other one.
func gain(g exact.Game, seat int, against strategy) float64 {
	best := math.Inf(-1)
	var try func(s int, policy [][]float64)
	try = func(s int, policy [][]float64) {
		if s == g.States() {
			mean := 0.0
			for _, other := range against {
				mean += exact.PolicyValue(exact.Against(g, seat, other), policy, 0.999)[0] / float64(len(against))
			}
			best = max(best, mean)
			return
		}
		legal := g.Legal(seat, s)
		if len(legal) == 0 {
			try(s+1, append(policy, nil))
		}
		for _, a := range legal {
			row := make([]float64, len(legal))
			row[a] = 1
			try(s+1, append(policy, row))
		}
	}
	try(0, nil)
	return best
}

// exploitability is by how much players in both seats can be exploited, on average; the value of the game cancels out.
func exploitability(g exact.Game, attacker, defender strategy) float64 {
	return (gain(g, 0, defender) + gain(g, 1, attacker)) / 2
}

// selfPlay trains tables against each other and returns what they have learnt: of those that take turns, the members of
// their pools, of others, what they play in the end.
func selfPlay(tb testing.TB, id string, seed uint64, steps int64) (pools [2]strategy) {
	tb.Helper()
	cfg := qlearning.Defaults()
	cfg.Gamma, cfg.Alpha, cfg.Omega = 0.999, algos.Constant(0.02), 0
	cfg.Epsilon, cfg.ExploreAt, cfg.Repeat = algos.Constant(0.2), "step", 0
	spec := algotest.NewEnv(id).Spec()
	m := new(memory)
	var seats []selfplay.Seat
	for k, seat := range spec.Seats {
		m.learners = append(m.learners, algotest.Must(cfg.NewLearner(spec, k, 1, envs.Derive(seed, "learner", uint64(k)))))
		seats = append(seats, selfplay.Seat{Index: k, Role: seat.Role, Learner: m.learners[k]})
	}
	turns := algotest.Must(selfplay.NewTurns(settings("alternating", func(c *selfplay.Config) {
		c.PeriodUpdates, c.Pool.Probability = 200, 1
	}), seats, m))
	var arenas []algos.Arena
	for k, l := range m.learners {
		players := make([]envs.Policy, 2)
		players[1-k] = turns.Player(k, 1-k)
		env := algotest.Must(envs.Versus(algotest.NewEnv(id), players...))
		vec := algotest.Must(envs.NewVec(envs.Derive(seed, "training", uint64(k)), []envs.Env{env}, []envs.View{l.View()}))
		arenas = append(arenas, algos.Arena{Vec: vec, Learners: []algos.Learner{l}})
	}
	if err := algos.NewDirectedSession(arenas, turns, algos.Budget{Steps: steps}).Run(tb.Context(), 1); err != nil {
		tb.Fatal(err)
	}
	for name := range turns.Frozen() {
		p := algotest.Must(m.Thaw(0, name))
		seat := int(name[0] - '0')
		pools[seat].add(tb, id, seat, p)
	}
	return pools
}

// naive is selfPlay in the same games, without pools.
func naive(tb testing.TB, id string, seed uint64, steps int64) (last [2]strategy) {
	tb.Helper()
	cfg := algotest.Configure(tb, algos.Config(qlearning.Defaults()), "alpha.start=0.02", "alpha.end=0.02", "omega=0",
		"epsilon.start=0.2", "epsilon.end=0.2", "explore_at=step", "explore_repeat=0")
	r := algotest.Open[algos.Learner](tb, algotest.Setup{ID: id, N: 1, Budget: algos.Budget{Steps: steps}}, seed, cfg).Train(1)
	for seat, l := range r.Learners {
		last[seat].add(tb, id, seat, l.Policy(algos.Greedy))
	}
	return last
}

// What tables play on average against pools of all their past approaches an equilibrium, and so the value of the game, which
// lies between the gains: by fictitious play (Brown 1951). What they come to in the same games without pools does not. The
// exploitability over 8 seeds had these means and deviations; a mean over 4 beyond its limit, 5 deviations of such a mean
// away, has a chance of 8e-4 by Student's t of 7 degrees of freedom.
func TestPoolApproachesEquilibrium(t *testing.T) {
	const seeds = 4
	for _, c := range []struct {
		id              string
		mean, deviation float64
	}{
		{"toy-pennies-v0", 0.056, 0.037}, {"toy-rps-v0", 0.121, 0.038}, {"toy-pursuit-v0", 0.182, 0.067},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			g := algotest.Lookup(c.id).Game().(toy.Game).Model()
			limit := c.mean + 5*c.deviation/math.Sqrt(seeds)
			v, _ := exact.Shapley(g, 0.999, 1e-6)
			mean, control := 0.0, math.Inf(1)
			for seed := range uint64(seeds) {
				pools, last := selfPlay(t, c.id, seed, 100_000), naive(t, c.id, seed, 20_000)
				if up, down := gain(g, 0, pools[1]), -gain(g, 1, pools[0]); v[0] > up+1e-3 || v[0] < down-1e-3 {
					t.Errorf("the value %v is not between %v and %v", v[0], down, up)
				}
				mean += exploitability(g, pools[0], pools[1]) / seeds
				control = min(control, exploitability(g, last[0], last[1]))
			}
			if mean > limit {
				t.Errorf("the pools can be exploited by %.3f, want at most %.3f", mean, limit)
			}
			if control < 2*limit {
				t.Errorf("tables without pools can be exploited by %.3f: that tests nothing", control)
			}
		})
	}
}
