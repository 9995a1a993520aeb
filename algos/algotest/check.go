package algotest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// CheckAlgorithm checks an entry of the list of algorithms and its defaults.
func CheckAlgorithm(t *testing.T, a algos.Algorithm) {
	t.Helper()
	if a.Name == "" || a.About == "" || (a.Budget.Episodes > 0) == (a.Budget.Steps > 0) || a.Envs < 1 {
		t.Errorf("%+v", a)
	}
	if err := settings.Check(a.Config()); err != nil {
		t.Errorf("defaults: %v", err)
	}
	if a.Config() == a.Config() {
		t.Error("settings are shared")
	}
	for _, f := range settings.Fields(a.Config()) {
		if f.Usage == "" {
			t.Errorf("%s has no usage", f.Key)
		}
	}
}

// Values are good and bad values of a setting. It is an alias so that tables need not name the fields.
type Values = struct {
	Key       string
	Good, Bad []string
}

// ScheduleValues are those of a schedule, with values of which some are bad besides negative ones and no numbers.
func ScheduleValues(key string, bad ...string) []Values {
	bad = append([]string{"-0.1", ".inf", ".nan", "x"}, bad...)
	return []Values{
		{key + ".start", []string{"0", "0.5", "1"}, bad},
		{key + ".end", []string{"0", "0.5", "1"}, bad},
		{key + ".over", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{key + ".shape", []string{"linear", "exponential"}, []string{"cosine", "Linear"}},
	}
}

// ExplorationValues are those of algos.Exploration.
func ExplorationValues() []Values {
	return append(ScheduleValues("epsilon", "1.1"), []Values{
		{"explore_at", []string{"entry", "step"}, []string{"exit"}},
		{"explore_repeat", []string{"0", "1"}, []string{"-1", "1.5"}},
	}...)
}

// CheckSettings checks that every setting of an algorithm is among values, and that it takes the good ones and refuses the
// bad ones.
func CheckSettings(t *testing.T, a algos.Algorithm, values ...[]Values) {
	t.Helper()
	tested := map[string]bool{}
	for _, v := range slices.Concat(values...) {
		tested[v.Key] = true
		for _, x := range v.Good {
			if err := Set(a.Config(), v.Key+"="+x); err != nil {
				t.Errorf("%s = %s: %v", v.Key, x, err)
			}
		}
		for _, x := range v.Bad {
			err := Set(a.Config(), v.Key+"="+x)
			if err == nil || !strings.Contains(err.Error(), "--set: "+v.Key) || !strings.Contains(err.Error(), "must be") {
				t.Errorf("%s = %s: error %v", v.Key, x, err)
			}
		}
	}
	for _, f := range settings.Fields(a.Config()) {
		if !tested[f.Key] {
			t.Errorf("%s is not tested", f.Key)
		}
	}
}

// CheckMetrics checks that there is nothing to report before the first update but the step size and the number of updates,
// and that all metrics are numbers after play, which makes updates. It returns those.
func CheckMetrics(t *testing.T, b *Board, play func()) map[string]float64 {
	t.Helper()
	for name, x := range Metrics(b.Learner) {
		if math.IsNaN(x) != (name != "learning_rate" && name != "updates") {
			t.Errorf("before the first update, %s is %v", name, x)
		}
	}
	play()
	metrics := Metrics(b.Learner)
	for name, x := range metrics {
		if math.IsNaN(x) {
			t.Errorf("%s is %v", name, x)
		}
	}
	return metrics
}

// CheckSeeds checks that training depends on the seed alone. open makes equal rooms but for the seed. It returns one after
// its training.
func CheckSeeds[L algos.Learner](t *testing.T, open func(seed uint64) *Room[L]) *Room[L] {
	t.Helper()
	r := open(1).Train(1)
	if open(1).Train(1).Bytes() != r.Bytes() {
		t.Errorf("%s: the same seed, other bytes", r.Setup.ID)
	}
	if open(2).Train(1).Bytes() == r.Bytes() {
		t.Errorf("%s: another seed, the same bytes", r.Setup.ID)
	}
	return r
}

// CheckRestore is CheckSeeds, and checks that saving and restoring on the way, often within
// episodes, makes no difference to the last bit, nor does asking for metrics.
func CheckRestore[L algos.Learner](t *testing.T, open func(seed uint64) *Room[L]) *Room[L] {
	t.Helper()
	whole := CheckSeeds(t, open)
	bytes, report := whole.Bytes(), whole.Report()
	r, rng := open(1), rand.New(envs.NewPCG(1))
	for at := 0.0; !r.Done(); at += 0.08 * rng.Float64() {
		// into a room that has a past of its own
		r = r.Train(min(1, at)).Restored(open(1).Train(0.1 * rng.Float64()))
	}
	same := func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) } // also NaN
	if r.Bytes() != bytes {
		t.Error("restored on the way, the learners end with other bytes")
	}
	if got := r.Report(); !slices.EqualFunc(got, report, same) {
		t.Errorf("restored on the way, reports %v, uninterrupted %v", got, report)
	}
	return whole
}

// CheckGoesOn checks that a restored learner goes on by itself: no Anneal tells it the rates that the saved one had. open
// makes a board with one row.
func CheckGoesOn(t *testing.T, open func() *Board) {
	t.Helper()
	step := func(b *Board, k int) {
		b.Show(0, k%States)
		b.Choose()
		b.Reward[0], b.Terminated[0] = float64(k), k%5 == 4
		b.Show(0, (k+1)%States)
		b.Hear()
	}
	saved, fresh := open(), open()
	saved.Learner.Anneal(0.6)
	for k := range 50 {
		step(saved, k)
	}
	Restore(t, fresh.Learner, saved.Learner)
	for k := range 50 {
		step(saved, k)
		step(fresh, k)
		if State(saved.Learner) != State(fresh.Learner) {
			t.Fatalf("another course after %d steps", k+1)
		}
	}
}

// CheckPolicies checks that a policy is a copy, that training on does not change it and taking it does not change what is
// learnt; that a policy that is lent plays the same, and that of a learner that is restored elsewhere, too; and that policies
// explain what they do.
func CheckPolicies[L algos.Learner](t *testing.T, open func(seed uint64) *Room[L]) {
	t.Helper()
	r, moved := open(1), false
	for k, mode := range algos.Modes {
		r.Train(0.1 + 0.5*float64(k))
		var early []envs.Policy
		var moves [][]int
		for seat, l := range r.Learners {
			early, moves = append(early, l.Policy(mode)), append(moves, r.Moves(seat, l.Policy(mode)))
			r.Moves(seat, &witness{l.Policy(mode), l.Policy(mode).(envs.Explainer), mode, t})
			checkExplained(t, r.Setup.NewEnv(), seat, l.Policy(mode), l.Policy(mode))
			other := open(2).Learners[seat]
			Restore(t, other, l)
			for what, p := range map[string]envs.Policy{"a lent": algos.Lend(l, mode), "a restored": other.Policy(mode)} {
				if !slices.Equal(r.Moves(seat, p), moves[seat]) {
					t.Errorf("seat %d, %s: %s policy plays otherwise", seat, mode, what)
				}
			}
		}
		r.Train(0.5 + 0.5*float64(k))
		for seat, l := range r.Learners {
			if !slices.Equal(r.Moves(seat, early[seat]), moves[seat]) {
				t.Errorf("seat %d, %s: training on changes the policy", seat, mode)
			}
			moved = moved || !slices.Equal(r.Moves(seat, l.Policy(mode)), moves[seat])
		}
	}
	if !moved {
		t.Error("training on changes nothing, so that this tests nothing")
	}
	if r.Bytes() != open(1).Train(1).Bytes() {
		t.Error("taking policies changes what is learnt")
	}
}

// witness plays as a policy does and checks what another copy of it says of every state.
type witness struct {
	envs.Policy
	explainer envs.Explainer
	mode      algos.Mode
	t         *testing.T
}

// StartEpisode tells both.
func (w *witness) StartEpisode(rng *rand.Rand) {
	for _, p := range []any{w.Policy, w.explainer} {
		if s, ok := p.(envs.Starter); ok {
			s.StartEpisode(rng)
		}
	}
}

// Act checks that the probabilities are of legal actions and sum to 1, that what is played is possible, or if it is greedy,
// certain, and where there are values, that the largest legal one is that of the state.
func (w *witness) Act(env envs.Env, seat int, rng *rand.Rand) int {
	x, legal := w.explainer.Explain(env, seat), make([]bool, env.Spec().Seats[seat].Actions.N)
	env.Legal(seat, legal)
	action, sum, best := w.Policy.Act(env, seat, rng), 0.0, math.Inf(-1)
	for id, p := range x.Probability {
		sum += p
		if !legal[id] && p != 0 {
			w.t.Errorf("seat %d, %s: action %d has probability %v and is illegal", seat, w.mode, id, p)
		}
		if legal[id] && x.Actions != nil {
			best = max(best, x.Actions[id])
		}
	}
	if p := x.Probability[action]; math.Abs(sum-1) > 1e-4 || p == 0 || w.mode == algos.Greedy && p != 1 {
		w.t.Errorf("seat %d, %s: it plays what has probability %v of %v", seat, w.mode, p, sum)
	}
	if x.Actions != nil && x.Value != best {
		w.t.Errorf("seat %d, %s: value %v, of the best action %v", seat, w.mode, x.Value, best)
	}
	return action
}

// checkExplained checks that a policy that has explained a step remembers it like one that has acted.
func checkExplained(t *testing.T, env envs.Env, seat int, acting, explaining envs.Policy) {
	t.Helper()
	if err := env.Reset(1); err != nil {
		t.Fatal(err)
	}
	actions, rng := make([]int, len(env.Spec().Seats)), rand.New(envs.NewPCG(1))
	for i := range actions {
		actions[i] = envs.Uniform().Act(env, i, rng)
	}
	actions[seat] = acting.Act(env, seat, rng)
	explaining.(envs.Explainer).Explain(env, seat)
	if err := env.Step(actions, env.Spec().NewOutcome()); err != nil {
		t.Fatal(err)
	}
	got, want := explaining.(envs.Explainer).Explain(env, seat), acting.(envs.Explainer).Explain(env, seat)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("seat %d: after a step that it has explained, it explains\n%v, not\n%v", seat, got, want)
	}
}

// CheckAllocations checks that steps and updates allocate nothing once buffers have their size, after half of the budget,
// nor do reports and policies.
func CheckAllocations[L algos.Learner](t *testing.T, r *Room[L]) {
	t.Helper()
	r.Train(0.5)
	report, updates := make([][]float64, len(r.Learners)), make([]float64, len(r.Learners))
	for i, l := range r.Learners {
		report[i] = make([]float64, len(l.Metrics()))
		updates[i] = Metrics(l)["updates"]
	}
	ctx, at, steps := t.Context(), r.Spent(), r.Steps
	var counts []float64 // a batch of more steps than any before may still make buffers grow
	for range 4 {
		counts = append(counts, testing.AllocsPerRun(1, func() {
			at += 0.06
			if err := r.Run(ctx, at); err != nil {
				t.Fatal(err)
			}
			for i, l := range r.Learners {
				l.Report(report[i])
			}
		}))
	}
	if slices.Min(counts) != 0 || r.Steps == steps {
		t.Errorf("%v allocations in %d steps", counts, r.Steps-steps)
	}
	for i, l := range r.Learners {
		if slices.Contains(l.Metrics(), "updates") && Metrics(l)["updates"] < updates[i]+50 {
			t.Errorf("seat %d: fewer than 50 updates", i)
		}
	}
	env, rng := r.Setup.NewEnv(), rand.New(envs.NewPCG(1))
	if err := env.Reset(1); err != nil {
		t.Fatal(err)
	}
	for seat, l := range r.Learners {
		for _, mode := range algos.Modes {
			p := l.Policy(mode)
			p.Act(env, seat, rng)
			if n := testing.AllocsPerRun(100, func() { p.Act(env, seat, rng) }); n != 0 {
				t.Errorf("seat %d, %s: %v allocations an action", seat, mode, n)
			}
		}
	}
}

// critical are the values that chi-square exceeds with probability 1e-5, by degrees of freedom.
var critical = []float64{1: 19.51, 2: 23.03, 3: 25.90}

// CheckFrequencies compares how often up to four things were observed with their probabilities, by Pearson's chi-square. A
// right learner fails by chance with 1e-5. What has probability 0 must not occur.
func CheckFrequencies(t *testing.T, what string, observed []int, probs []float64) {
	t.Helper()
	n, sum, chi2, freedom := 0, 0.0, 0.0, -1
	for i, o := range observed {
		n += o
		sum += probs[i]
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Fatalf("%s: probabilities %v add up to %v", what, probs, sum)
	}
	for i, o := range observed {
		if probs[i] == 0 {
			if o > 0 {
				t.Errorf("%s: %d times what cannot be: %v of %v", what, o, observed, probs)
			}
			continue
		}
		e := probs[i] * float64(n)
		chi2 += (float64(o) - e) * (float64(o) - e) / e
		freedom++
	}
	if freedom > 0 && chi2 > critical[freedom] {
		t.Errorf("%s: %v with probabilities %v: chi-square %.1f, should be below %v", what, observed, probs, chi2, critical[freedom])
	}
}

// CheckGreedy checks that a learner plays the legal action of the largest value, of equal ones that of the smallest id. The
// board has two rows; set sets the values of a state.
func CheckGreedy(t *testing.T, b *Board, set func(state int, values [Actions]float64)) {
	t.Helper()
	b.Show(1, 1)
	for _, c := range []struct {
		values [Actions]float64
		legal  []bool
		want   int
	}{
		{[Actions]float64{1, 1, 1}, []bool{true, true, true}, 0},
		{[Actions]float64{1, 2, 2}, []bool{true, true, true}, 1},
		{[Actions]float64{9, 2, 2}, []bool{false, true, true}, 1},
		{[Actions]float64{9, 2, 2}, []bool{false, false, true}, 2},
		{[Actions]float64{-5, -5, -9}, []bool{true, true, true}, 0},
	} {
		set(0, [Actions]float64{c.values[2], c.values[1], c.values[0]})
		set(1, c.values)
		b.Allow(c.legal...)
		if got := b.Choose()[1]; got != c.want {
			t.Errorf("values %v, legal %v: plays %d, want %d", c.values, c.legal, got, c.want)
		}
	}
}

// CheckExploration checks that a learner explores as an algos.Explorer does: ten frequencies, so that a right one fails by
// chance with 1e-4. open makes a board for a learner whose best action is the legal one of the largest id and stays so.
func CheckExploration(t *testing.T, open func(e algos.Exploration, n int) *Board) {
	t.Run("steps", func(t *testing.T) { checkSteps(t, open) })
	t.Run("entries", func(t *testing.T) { checkEntries(t, open) })
	t.Run("ends", func(t *testing.T) { checkEnds(t, open) })
	t.Run("policies", func(t *testing.T) { checkExploringPolicies(t, open) })
}

// checkSteps: in each step, exploration begins with its probability.
func checkSteps(t *testing.T, open func(e algos.Exploration, n int) *Board) {
	t.Helper()
	for _, epsilon := range []float64{0, 0.1, 0.5, 1} {
		b := open(algos.Exploration{Epsilon: algos.Constant(epsilon), ExploreAt: "step"}, 2)
		b.Allow(true, false, true)
		b.Show(1, 2)
		var played [Actions]int
		for range 10_000 {
			for _, a := range b.Choose() {
				played[a]++
			}
			b.Hear()
		}
		CheckFrequencies(t, fmt.Sprintf("ε = %v", epsilon), played[:], []float64{epsilon / 2, 0, 1 - epsilon/2})
	}
}

// checkEntries: in a state, a choice stays; in another one, exploration may begin where there was none, and goes on where there
// was.
func checkEntries(t *testing.T, open func(e algos.Exploration, n int) *Board) {
	t.Helper()
	const epsilon = 0.3
	b := open(algos.Exploration{Epsilon: algos.Constant(epsilon), ExploreAt: "entry", Repeat: 1}, 1)
	var first, second [Actions]int
	for range 20_000 {
		b.Show(0, 1)
		a := b.Choose()[0]
		first[a]++
		for range 3 {
			b.Hear()
			if b.Choose()[0] != a {
				t.Fatalf("plays %d, then %d in the same state", a, b.Chosen[0])
			}
		}
		b.Show(0, 2)
		b.Hear()
		switch next := b.Choose()[0]; {
		case a == Actions-1:
			second[next]++
		case next != a:
			t.Fatalf("explores by %d, then plays %d", a, next)
		}
		b.Terminated[0] = true
		b.Hear()
		b.Terminated[0] = false
	}
	each := epsilon / Actions
	CheckFrequencies(t, "at first", first[:], []float64{each, each, 1 - 2*each})
	each *= (1 - epsilon) / (1 - 2*each) // the best action may have been an exploring one, which goes on
	CheckFrequencies(t, "after the best action", second[:], []float64{each, each, 1 - 2*each})
}

// checkEnds: exploration goes on until its action is illegal or the episode over.
func checkEnds(t *testing.T, open func(e algos.Exploration, n int) *Board) {
	t.Helper()
	once := algos.Exploration{Epsilon: algos.Schedule{Start: 1, Over: 1}, ExploreAt: "step", Repeat: 1}
	for name, end := range map[string]func(b *Board){
		"illegal":    func(b *Board) { b.Allow(false, true, true) },
		"terminated": func(b *Board) { b.Terminated[0] = true },
		"truncated":  func(b *Board) { b.Truncated[0] = true },
	} {
		b := open(once, 1)
		b.Allow(true, false, false)
		b.Choose()
		b.Allow(true, true, true)
		for range 50 {
			b.Hear()
			if b.Choose()[0] != 0 {
				t.Fatal("not repeated")
			}
		}
		end(b)
		copy(b.LastLegal, []bool{true, true, true})
		b.Hear()
		b.Learner.Anneal(1) // so that what is not repeated is the best action
		if b.Choose()[0] != Actions-1 {
			t.Errorf("%s: plays %d", name, b.Chosen[0])
		}
	}
}

// checkExploringPolicies: Sampled explores as much as the training does at the time, Greedy never.
func checkExploringPolicies(t *testing.T, open func(e algos.Exploration, n int) *Board) {
	t.Helper()
	b := open(algos.Exploration{Epsilon: algos.Schedule{Start: 0.8, End: 0.2, Over: 1}, ExploreAt: "step"}, 1)
	env, rng := NewEnv("toy-rps-v0"), rand.New(envs.NewPCG(1)) // as many states and actions as on the board
	for progress, epsilon := range []float64{0.8, 0.2} {
		b.Learner.Anneal(float64(progress))
		var greedy, sampled [Actions]int
		g, s := b.Learner.Policy(algos.Greedy), b.Learner.Policy(algos.Sampled)
		for range 10_000 {
			greedy[g.Act(env, 0, rng)]++
			sampled[s.Act(env, 0, rng)]++
		}
		each := epsilon / Actions
		CheckFrequencies(t, "greedy", greedy[:], []float64{0, 0, 1})
		CheckFrequencies(t, "sampled", sampled[:], []float64{each, each, 1 - 2*each})
	}
}
