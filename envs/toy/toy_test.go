package toy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/envtest"
	"idsrl/envs/exact"
	"idsrl/envs/settings"
	"idsrl/envs/toy"
)

// games are all toy games with their default settings, and some with others.
func games() []toy.Game {
	var gs []toy.Game
	for _, e := range toy.Entries() {
		if e.Cast == nil {
			gs = append(gs, e.Game().(toy.Game))
		}
	}
	return append(gs,
		&toy.Corridor{Cells: 2, Slip: 0, MaxSteps: 1},
		&toy.Corridor{Cells: 3, Slip: 0.5, MaxSteps: 9},
		&toy.Forbidden{Fields: 1},
		&toy.Clock{Hours: 1, MaxSteps: 1},
		&toy.Pursuit{Depth: 1, Creep: 1, Catch: 0.2, MaxSteps: 3},
		&toy.Clock{Hours: 1000, MaxSteps: 3},
		&toy.Recall{Cues: 3, Delay: 0},
	)
}

func TestContract(t *testing.T) {
	for _, e := range toy.Entries() {
		t.Run(e.ID, func(t *testing.T) { envtest.Run(t, e.New, envtest.Options{}) })
	}
	for _, g := range games() {
		t.Run(fmt.Sprintf("%+v", g), func(t *testing.T) { envtest.Run(t, g.New, envtest.Options{Steps: 200}) })
	}
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestCorridorValues(t *testing.T) {
	const gamma = 0.9
	v, _ := exact.ValueIteration((&toy.Corridor{Cells: 6, MaxSteps: 50}).Model(), gamma, 1e-12)
	for s := range 5 {
		near(t, fmt.Sprintf("without slips, v(%d)", s), v[s], math.Pow(gamma, float64(4-s)), 1e-11)
	}
	near(t, "at the goal", v[5], 0, 0)

	// With slips and 3 cells, always right: v1 = (1-p) + γ p v0, v0 = γ ((1-p) v1 + p v0).
	const p = 0.1
	c := gamma * (1 - p) / (1 - gamma*p) // v0 = c v1
	v1 := (1 - p) / (1 - gamma*p*c)
	v, q := exact.ValueIteration((&toy.Corridor{Cells: 3, Slip: p, MaxSteps: 50}).Model(), gamma, 1e-12)
	near(t, "v(1)", v[1], v1, 1e-11)
	near(t, "v(0)", v[0], c*v1, 1e-11)
	for s := range 2 {
		if policy := exact.Greedy(q); policy[s][1] != 1 {
			t.Errorf("cell %d: best play is %v, not right", s, policy[s])
		}
	}
}

// By hand with γ = 0.9, from the last field on: the shortcut for -0.5; then a walk or a ride, whichever is better.
func TestForbiddenValues(t *testing.T) {
	const walk, ride, shortcut = 0, 1, 2
	m := (&toy.Forbidden{Fields: 5}).Model()
	v, q := exact.ValueIteration(m, 0.9, 1e-12)
	policy := exact.Greedy(q)
	for _, tt := range []struct {
		field, action int
		value         float64
	}{
		{4, shortcut, -0.5},
		{2, ride, -1.5 + 0.9*-0.5},
		{1, walk, -1 + 0.9*-1.95},
		{0, ride, -1.5 + 0.9*-1.95},
	} {
		near(t, fmt.Sprintf("v(%d)", tt.field), v[tt.field], tt.value, 1e-11)
		if policy[tt.field][tt.action] != 1 {
			t.Errorf("field %d: best play is %v, not %d", tt.field, policy[tt.field], tt.action)
		}
	}
	near(t, "v(3)", v[3], -1-0.45, 1e-11) // a walk and a ride are worth the same

	// The trap: what may not be played is better than what may, and so is a table that starts at zero.
	for s := range 4 {
		if ids := m.Actions(s); !slices.Equal(ids, []int{walk, ride}) {
			t.Errorf("field %d: legal are %v", s, ids)
		}
		forbidden := m.Transitions(nil, s, shortcut)
		if len(forbidden) != 1 || !forbidden[0].Terminal || forbidden[0].Reward != -0.5 || v[s] > -1 {
			t.Errorf("field %d: the shortcut does %+v, the best play gets %v", s, forbidden, v[s])
		}
	}
}

// A learner that takes truncation for the end sees, in every state, one step in MaxSteps end the episode.
func TestClockValues(t *testing.T) {
	const gamma, limit, hours = 0.9, 10, 3
	game := &toy.Clock{Hours: hours, MaxSteps: limit}
	v, _ := exact.ValueIteration(game.Model(), gamma, 1e-12)
	for s := range hours {
		near(t, fmt.Sprintf("v(%d)", s), v[s], 1/(1-gamma), 1e-11)
	}

	env, err := game.New(0)
	if err != nil {
		t.Fatal(err)
	}
	var visits, ends [hours]float64
	out := env.Spec().NewOutcome()
	for seed := range uint64(3000) {
		if err := env.Reset(seed); err != nil {
			t.Fatal(err)
		}
		for *out = (envs.Outcome{Rewards: out.Rewards}); !out.Over(); {
			s := env.State(0, 0)
			if err := env.Step([]int{0}, out); err != nil {
				t.Fatal(err)
			}
			if out.Terminated {
				t.Fatal("a clock has no end")
			}
			visits[s]++
			if out.Truncated {
				ends[s]++
			}
		}
	}
	for s := range hours {
		// 10000 visits, 1000 ends, give or take 5 standard deviations of 30: a false alarm once in 10^6.
		near(t, fmt.Sprintf("ends in state %d", s), ends[s]/visits[s], 1./limit, 0.015)
	}
	near(t, "the wrong value", 1/(1-gamma*(1-1./limit)), 5.3, 0.05) // what the doc says
}

// After the cue, episodes look the same whatever it was, so that all policies of the observation are worth the same: as
// much as one answer. Knowing the state is worth Cues times as much.
func TestRecall(t *testing.T) {
	const gamma, cues, delay, steps = 0.9, 3, 2, 4
	game := &toy.Recall{Cues: cues, Delay: delay}
	env, err := game.New(0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{} // what is seen in a step, to the step; at first, with the cue
	out, obs := env.Spec().NewOutcome(), make([]float32, env.Spec().Seats[0].Obs.Len())
	for seed := range uint64(100) {
		if err := env.Reset(seed); err != nil {
			t.Fatal(err)
		}
		for step := range steps {
			env.Observe(0, obs)
			at := step
			if step == 0 {
				at = -1 - env.State(0, 0)/steps
			} else if step < steps-1 {
				at = 1
			}
			if before, ok := seen[fmt.Sprint(obs)]; ok && before != at {
				t.Fatalf("step %d shows %v, and so does step %d", at, obs, before)
			}
			seen[fmt.Sprint(obs)] = at
			if err := env.Step([]int{int(seed) % cues}, out); err != nil {
				t.Fatal(err)
			}
		}
		if !out.Terminated {
			t.Fatal("the question does not end the episode")
		}
	}
	if len(seen) != cues+2 {
		t.Errorf("%d views: %v", len(seen), seen)
	}

	m := game.Model()
	mean := func(v []float64) (sum float64) {
		for s, p := range m.Start() {
			sum += p * v[s]
		}
		return sum
	}
	best, _ := exact.ValueIteration(m, gamma, 1e-12)
	near(t, "best play", mean(best), math.Pow(gamma, delay+1), 1e-11)
	rng := rand.New(envs.NewPCG(1))
	for range 20 {
		answer := make([]float64, cues)
		rest := 1.0
		for a := range cues - 1 {
			answer[a] = rest * rng.Float64()
			rest -= answer[a]
		}
		answer[cues-1] = rest
		policy := make([][]float64, m.States())
		for s := range policy {
			policy[s] = answer // what is played before the question makes no difference
		}
		near(t, "an answer", mean(exact.PolicyValue(m, policy, gamma)), math.Pow(gamma, delay+1)/cues, 1e-12)
	}
}

func TestMatrixGameValues(t *testing.T) {
	for _, tt := range []struct {
		game  toy.Game
		value float64
		mix   []float64 // of both seats
	}{
		{&toy.MatchingPennies{Heads: 2, Tails: 1, Miss: 1}, 1. / 5, []float64{2. / 5, 3. / 5}},
		{&toy.MatchingPennies{Heads: 1, Tails: 1, Miss: 1}, 0, []float64{1. / 2, 1. / 2}},
		{&toy.MatchingPennies{Heads: 4, Tails: 2, Miss: 1}, 7. / 8, []float64{3. / 8, 5. / 8}},
		{&toy.RockPaperScissors{Rock: 3, Paper: 2, Scissors: 1}, 0, []float64{1. / 6, 3. / 6, 2. / 6}},
		{&toy.RockPaperScissors{Rock: 1, Paper: 1, Scissors: 1}, 0, []float64{1. / 3, 1. / 3, 1. / 3}},
		{&toy.RockPaperScissors{Rock: 5, Paper: 1, Scissors: 2}, 0, []float64{2. / 8, 5. / 8, 1. / 8}},
	} {
		t.Run(fmt.Sprintf("%+v", tt.game), func(t *testing.T) {
			v, p := exact.Shapley(tt.game.Model(), 0.9, 1e-12)
			near(t, "value", v[0], tt.value, 1e-12)
			for a, want := range tt.mix {
				near(t, fmt.Sprintf("attacker's %d", a), p[0][0][a], want, 1e-12)
				near(t, fmt.Sprintf("defender's %d", a), p[1][0][a], want, 1e-12)
			}
		})
	}
}

// Every room has a mixed equilibrium and each another one; neither seat can do better.
func TestPursuitEquilibrium(t *testing.T) {
	const gamma = 0.95
	m := (&toy.Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 100}).Model()
	v, p := exact.Shapley(m, gamma, 1e-12)
	for seat := range p {
		for s := range 2 {
			if front := p[seat][s][0]; front < 0.2 || front > 0.8 {
				t.Errorf("seat %d plays %v in room %d: that is hardly mixed", seat, p[seat][s], s)
			}
		}
		if math.Abs(p[seat][0][0]-p[seat][1][0]) < 0.05 {
			t.Errorf("seat %d plays the same in both rooms: %v", seat, p[seat])
		}
	}
	// The matrices of both rooms, solved by the formula for two by two: (ad - bc)/(a - b - c + d).
	for s := range 2 {
		on := []float64{gamma * v[1], 1}[s]
		a, b, c, d := -1.0, on, 0.5*on+0.5*gamma*v[s], -0.2+0.8*gamma*v[0]
		near(t, fmt.Sprintf("v(%d)", s), v[s], (a*d-b*c)/(a-b-c+d), 1e-11)
		near(t, fmt.Sprintf("attacker in room %d", s), p[0][s][0], (d-c)/(a-b-c+d), 1e-11)
		near(t, fmt.Sprintf("defender in room %d", s), p[1][s][0], (d-b)/(a-b-c+d), 1e-11)
	}
	for seat, sign := range []float64{1, -1} {
		best, _ := exact.ValueIteration(exact.Against(m, seat, p[1-seat]), gamma, 1e-12)
		near(t, fmt.Sprintf("best response of seat %d", seat), best[0], sign*v[0], 1e-11)
	}
}

// play steps game with uniform random actions for about the given number of steps and shows every one.
func play(t *testing.T, g toy.Game, steps int, start func(s int), visit func(s int, actions []int, out *envs.Outcome,
	next int)) {
	t.Helper()
	env, err := g.New(0)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(envs.NewPCG(1))
	out, actions := env.Spec().NewOutcome(), make([]int, len(env.Spec().Seats))
	for seed := uint64(0); steps > 0; seed++ {
		if err := env.Reset(seed); err != nil {
			t.Fatal(err)
		}
		start(env.State(0, 0))
		for *out = (envs.Outcome{Rewards: out.Rewards}); !out.Over(); steps-- {
			for i, seat := range env.Spec().Seats {
				actions[i] = rng.IntN(seat.Actions.N)
			}
			s := env.State(0, 0)
			if err := env.Step(actions, out); err != nil {
				t.Fatal(err)
			}
			visit(s, actions, out, env.State(0, 0))
		}
	}
}

// follows compares what g does with what model says. It returns how many tests it has made and what has failed, a
// chi-square test with a false alarm of 1e-7 for every joint action in every state, and one for the first state.
func follows(t *testing.T, g toy.Game, model *toy.Table) (tests int, failures []string) {
	t.Helper()
	type pair struct{ s, a, b int }
	type end struct {
		next     int
		terminal bool
	}
	counts := map[pair]map[end]float64{}
	starts := make([]float64, model.States())
	fail := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	play(t, g, 20000, func(s int) { starts[s]++ }, func(s int, actions []int, out *envs.Outcome, next int) {
		p := pair{s: s, a: actions[0]}
		if len(actions) == 2 {
			p.b = actions[1]
			if out.Rewards[0]+out.Rewards[1] != 0 {
				fail("%v: rewards %v do not add up to 0", p, out.Rewards)
			}
		}
		if counts[p] == nil {
			counts[p] = map[end]float64{}
		}
		e := end{next, out.Terminated}
		counts[p][e]++
		for _, tr := range model.Joint(nil, p.s, p.a, p.b) {
			if (end{tr.Next, tr.Terminal}) == e && tr.Prob > 0 && tr.Reward == out.Rewards[0] {
				return
			}
		}
		fail("%v: the model does not know %+v with rewards %v", p, e, out.Rewards)
	})
	if len(failures) > 0 {
		return 0, failures[:1]
	}
	for p, seen := range counts {
		probs := map[end]float64{}
		for _, tr := range model.Joint(nil, p.s, p.a, p.b) {
			probs[end{tr.Next, tr.Terminal}] += tr.Prob
		}
		var observed, expected []float64
		for e, prob := range probs {
			observed, expected = append(observed, seen[e]), append(expected, prob)
		}
		if !fits(observed, expected) {
			fail("%v: seen %v, expected in proportion %v", p, observed, expected)
		}
		if len(observed) > 1 {
			tests++
		}
	}
	if !fits(starts, model.Start()) {
		fail("first state: seen %v, expected in proportion %v", starts, model.Start())
	}
	return tests + 1, failures
}

// fits is Pearson's chi-square test at the level 1e-7 (z = 5.2), by the approximation of Wilson and Hilferty (1931,
// doi:10.1073/pnas.17.12.684). Samples with an expectation below 10 in some cell are left alone.
func fits(observed, probs []float64) bool {
	n, x, k := 0.0, 0.0, 0.0
	for _, o := range observed {
		n += o
	}
	for i, p := range probs {
		if p == 0 {
			if observed[i] > 0 {
				return false
			}
			continue
		}
		if n*p < 10 {
			return true
		}
		x += (observed[i] - n*p) * (observed[i] - n*p) / (n * p)
		k++
	}
	if k < 2 {
		return true
	}
	h := 2 / (9 * (k - 1))
	return math.Cbrt(x/(k-1)) < 1-h+5.2*math.Sqrt(h)
}

// The games do what their models say. There are at most 150 tests at 1e-7 each, so a false alarm has a chance below
// 1e-4; seeds are fixed.
func TestFollowsModel(t *testing.T) {
	total := 0
	for _, g := range games() {
		tests, failures := follows(t, g, g.Model())
		for _, f := range failures {
			t.Errorf("%T: %s", g, f)
		}
		total += tests
	}
	if total < 30 || total > 150 {
		t.Errorf("%d tests", total)
	}

	// The control: games that are a little different must be told apart.
	for _, tt := range []struct {
		name        string
		game, model toy.Game
	}{
		{"slip", &toy.Corridor{Cells: 4, Slip: 0.2, MaxSteps: 50}, &toy.Corridor{Cells: 4, Slip: 0.25, MaxSteps: 50}},
		{"impossible", &toy.Corridor{Cells: 4, Slip: 0.1, MaxSteps: 50}, &toy.Corridor{Cells: 4, MaxSteps: 50}},
		{"creep", &toy.Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 9},
			&toy.Pursuit{Depth: 2, Creep: 0.4, Catch: 0.2, MaxSteps: 9}},
		{"pay", &toy.MatchingPennies{Heads: 2, Tails: 1, Miss: 1}, &toy.MatchingPennies{Heads: 1, Tails: 2, Miss: 1}},
	} {
		if _, failures := follows(t, tt.game, tt.model.Model()); len(failures) == 0 {
			t.Errorf("%s: a game that does not follow its model passes", tt.name)
		}
	}
}

// Policies play as package exact computes: discounted returns from the start agree with PolicyValue.
func TestMixedGetsPolicyValue(t *testing.T) {
	const gamma = 0.9
	g := &toy.Corridor{Cells: 4, Slip: 0.2, MaxSteps: 1000}
	m := g.Model()
	policy := make([][]float64, m.States())
	for s := range policy {
		policy[s] = []float64{0.3, 0.7}
	}
	want := exact.PolicyValue(m, policy, gamma)[0]
	game, err := g.New(0)
	if err != nil {
		t.Fatal(err)
	}
	env, err := envs.Versus(game, envtest.Mixed(policy))
	if err != nil {
		t.Fatal(err)
	}
	const episodes = 20000
	sum, squares := 0.0, 0.0
	out := env.Spec().NewOutcome()
	for seed := range uint64(episodes) {
		if err := env.Reset(seed); err != nil {
			t.Fatal(err)
		}
		ret, discount := 0.0, 1.0
		for *out = (envs.Outcome{}); !out.Over(); discount *= gamma {
			if err := env.Step(nil, out); err != nil {
				t.Fatal(err)
			}
			match, _ := envs.As[*envs.Match](env)
			ret += discount * match.Joint().Rewards[0]
		}
		sum += ret
		squares += ret * ret
	}
	mean := sum / episodes
	sd := math.Sqrt((squares/episodes - mean*mean) / episodes)
	near(t, "mean return", mean, want, 5*sd) // a false alarm once in 10^6
	if sd > 0.01*want {
		t.Errorf("the mean is off by %v: too rough to say anything", sd)
	}
}

func TestWinners(t *testing.T) {
	for _, g := range games() {
		won := map[envs.Role]int{}
		play(t, g, 3000, func(int) {}, func(_ int, _ []int, out *envs.Outcome, _ int) {
			if !out.Terminated {
				if out.Winner != envs.Nobody {
					t.Errorf("%T: %v wins in the middle or by the clock", g, out.Winner)
				}
				return
			}
			won[out.Winner]++
			want := envs.Benign
			if _, recall := g.(*toy.Recall); recall && out.Rewards[0] == 0 || len(out.Rewards) == 2 {
				want = envs.Nobody
				if out.Rewards[0] > 0 {
					want = envs.Attacker
				} else if out.Rewards[0] < 0 {
					want = envs.Defender
				}
			}
			if out.Winner != want {
				t.Errorf("%T: rewards %v, the winner is %v", g, out.Rewards, out.Winner)
			}
		})
		if _, clock := g.(*toy.Clock); len(won) == 0 && !clock {
			t.Errorf("%T: no episode ends", g)
		}
	}
}

func TestEntries(t *testing.T) {
	var r envs.Registry
	r.Add(toy.Entries()...)
	for _, e := range r.Entries() {
		if !strings.HasPrefix(e.ID, "toy-") || e.About == "" {
			t.Errorf("entry %q: %q", e.ID, e.About)
		}
		g, ok := e.Game().(toy.Game)
		if !ok {
			t.Fatalf("%s is a %T", e.ID, e.Game())
		}
		if err := settings.Check(g); err != nil {
			t.Errorf("%s: defaults: %v", e.ID, err)
		}
		for _, f := range settings.Fields(g) {
			if f.Usage == "" || f.Allowed() == "" {
				t.Errorf("%s: setting %s: usage %q, allowed %q", e.ID, f.Key, f.Usage, f.Allowed())
			}
		}
		if a, b := e.Game(), e.Game(); a == b {
			t.Errorf("%s: Game returns the same settings twice", e.ID)
		}
		env, err := e.New(0)
		if err != nil {
			t.Fatal(err)
		}
		if e.Cast == nil && env.Spec().ID != e.ID {
			t.Errorf("%s calls itself %s", e.ID, env.Spec().ID)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		game toy.Game
		want string
	}{
		{&toy.Corridor{Cells: 1, Slip: 0.1, MaxSteps: 5}, "cells = 1"},
		{&toy.Corridor{Cells: 3, Slip: -0.1, MaxSteps: 5}, "slip = -0.1"},
		{&toy.Corridor{Cells: 3, Slip: 0.1}, "max_steps = 0"},
		{&toy.Forbidden{}, "fields = 0"},
		{&toy.Clock{MaxSteps: 1}, "hours = 0"},
		{&toy.Recall{Cues: 1, Delay: 1}, "cues = 1"},
		{&toy.MatchingPennies{Heads: 1, Tails: 1}, "miss = 0"},
		{&toy.RockPaperScissors{Rock: math.Inf(1), Paper: 1, Scissors: 1}, "rock"},
		{&toy.Pursuit{Depth: 300, Creep: 0.9, Catch: 0.2, MaxSteps: 5}, "depth = 300"},
	} {
		env, err := tt.game.New(0)
		if err == nil || env != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: env %v, error %v", tt.game, env, err)
		}
	}
}

func TestBots(t *testing.T) {
	for _, g := range games() {
		env, err := g.New(0)
		if err != nil {
			t.Fatal(err)
		}
		for i, seat := range env.Spec().Seats {
			bots := g.Bots(i)
			if len(bots) != 1+seat.Actions.N || bots[0].Name != "uniform" {
				t.Fatalf("%T seat %d: bots %+v", g, i, bots)
			}
			if err := env.Reset(0); err != nil {
				t.Fatal(err)
			}
			legal := make([]bool, seat.Actions.N)
			env.Legal(i, legal)
			for a, b := range bots[1:] {
				want := a
				if !legal[a] {
					want = slices.Index(legal, true)
				}
				if got := b.New().Act(env, i, nil); b.Name != seat.Actions.Name(a) || got != want {
					t.Errorf("%T seat %d: bot %s plays %d, want %d", g, i, b.Name, got, want)
				}
			}
		}
	}
}

func ExamplePursuit() {
	game := &toy.Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 100}
	v, policies := exact.Shapley(game.Model(), 0.95, 1e-9)
	for room := range game.Depth {
		fmt.Printf("room %d is worth %+.3f, front: intruder %.3f, guard %.3f\n",
			room, v[room], policies[0][room][0], policies[1][room][0])
	}
	// Output:
	// room 0 is worth -0.362, front: intruder 0.234, guard 0.368
	// room 1 is worth +0.010, front: intruder 0.329, guard 0.495
}
