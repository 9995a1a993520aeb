package results

import (
	"slices"
	"strings"
	"testing"
)

// scored is a finished run of the attacker that ends with a hack probability.
func scored(env, algo string, seed uint64, hack float64) *Run {
	return &Run{
		Manifest: Manifest{Env: env, Algo: algo, Seed: seed, Status: Finished, Learners: []string{"attacker"}},
		Evals:    []EvalRow{{Mode: Greedy, HackProbability: hack}, {Mode: Sampled, HackProbability: 0.5}},
	}
}

// rivals are ppo with 0.2, 0.4 and dqn with 0.4, 0.6 in v2; ppo with 0.9, 0.9, 0.3 and dqn with 0.1, 0.1 in v10; and what
// does not count.
func rivals() []*Run {
	runs := []*Run{
		scored("v10", "ppo", 0, 0.9), scored("v2", "ppo", 1, 0.4), scored("v2", "ppo", 0, 0.2), scored("v10", "dqn", 0, 0.1),
		scored("v2", "dqn", 0, 0.4), scored("v2", "dqn", 1, 0.6), scored("v3", "ppo", 0, 0.7), scored("v10", "dqn", 1, 0.1),
		scored("v10", "ppo", 2, 0.3), scored("v10", "ppo", 1, 0.9), scored("v2", "dqn", 2, 0),
	}
	runs[len(runs)-1].Status = Interrupted
	return runs
}

func TestScores(t *testing.T) {
	s, err := NewScores(rivals())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Envs, []string{"v2", "v10"}) || !slices.Equal(s.Algos, []string{"dqn", "ppo"}) {
		t.Fatalf("%v in %v", s.Algos, s.Envs)
	}
	for _, test := range []struct {
		grid *Grid
		want string
	}{
		// Of ppo in v10, the third run is left out. The middle half of 0.1, 0.1, 0.4, 0.6 is 0.1, 0.4. Each resample of
		// two different values in v2 is twice the lower, one of each or twice the upper with probability ¼, ½, ¼. The
		// median of two means is their mean; TestMedianOfMeans has three.
		{s.Aggregate(), `
| algo | envs | runs |                 mean |                  iqm |               median |
|:-----|-----:|-----:|---------------------:|---------------------:|---------------------:|
| dqn  |    2 |    4 | 0.300 [0.250, 0.350] | 0.250 [0.250, 0.350] | 0.300 [0.250, 0.350] |
| ppo  |    2 |    4 | 0.600 [0.550, 0.650] | 0.650 [0.550, 0.650] | 0.600 [0.550, 0.650] |
`},
		// dqn wins 3½ of 4 pairs in v2 and none in v10. Of 16 resamples in v2 one (6 %) has four ties.
		{s.Compare(), `
| env       | runs of dqn | runs of ppo |         P(dqn > ppo) |
|:----------|------------:|------------:|---------------------:|
| v2        |           2 |           2 | 0.875 [0.500, 1.000] |
| v10       |           2 |           3 | 0.000 [0.000, 0.000] |
| mean of 2 |           4 |           5 | 0.438 [0.250, 0.500] |
`},
	} {
		if got := "\n" + render(t, test.grid, "markdown"); got != test.want {
			t.Errorf("got\n%s\nwant\n%s", got, test.want)
		}
	}

	// Above 0.4 are one of dqn's four runs, which is none, one or two in a resample, and the two of ppo in v10.
	lines := strings.Split(render(t, s.Profiles(), "csv"), "\n")
	if lines[0] != "score_above,dqn,dqn_low,dqn_high,ppo,ppo_low,ppo_high" || len(lines) != 1+profileSteps+1 ||
		lines[1+8] != "0.4,0.25,0,0.5,0.5,0.5,0.5" {
		t.Errorf("%s\n%s", lines[0], lines[1+8])
	}
	if title := s.Profiles().Columns[1].Title; title != "dqn,\n4 runs in 2 envs" {
		t.Errorf("the sample is called %q", title)
	}
	if s, err := NewScores(rivals(), "ppo"); err != nil || len(s.Envs) != 3 {
		t.Errorf("of one algorithm: %v, %v", s, err)
	}
}

// The median over environments is of their means 0.1, 0.4, 0.6: that of all scores would be 0.3.
func TestMedianOfMeans(t *testing.T) {
	strata := [][]float64{{0.1, 0.1, 0.1}, {0.9, 0, 0.3}, {0.3, 0.6, 0.9}}
	if got := medianOfMeans(strata); !near(got, 0.4, 1e-12) {
		t.Errorf("got %v, want 0.4", got)
	}
	if low, high := Bootstrap(medianOfMeans, 0.95, 1000, 1, strata...); low >= 0.4 || high <= 0.4 {
		t.Errorf("[%v, %v]", low, high)
	}
}

// One run in an environment does not show how its scores vary.
func TestCompareWithOne(t *testing.T) {
	s, err := NewScores([]*Run{
		scored("v2", "ppo", 0, 0.2), scored("v2", "ppo", 1, 0.4), scored("v2", "ppo", 2, 0.6), scored("v2", "dqn", 0, 0.4),
	}, "ppo", "dqn")
	if err != nil {
		t.Fatal(err)
	}
	if text := render(t, s.Compare(), "csv"); !strings.Contains(text, "v2,3,1,0.5,,\n") {
		t.Errorf("%s", text)
	}
}

func TestScoresErrors(t *testing.T) {
	budget, config, silent := scored("v2", "ppo", 3, 0.5), scored("v2", "ppo", 3, 0.5), scored("v3", "ppo", 3, 0.5)
	budget.Budget.Steps, config.Config, silent.Learners = 100, "c0ffee", nil
	for _, test := range []struct {
		runs  []*Run
		algos []string
		says  string
	}{
		{rivals(), []string{"ppo", "sarsa"}, "no run of sarsa"},
		{rivals()[:2], []string{"ppo", "dqn"}, "no run of dqn"},
		{[]*Run{rivals()[0], rivals()[4]}, nil, "no environment in which each of dqn, ppo has a finished run"},
		{append(rivals(), budget), nil, "ppo has runs of several budgets or configurations in v2"},
		{append(rivals(), config), nil, "ppo has runs of several budgets or configurations in v2"},
		{append(rivals(), silent), nil, "runs of ppo in v3 do not say who learns"},
	} {
		if _, err := NewScores(test.runs, test.algos...); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v, want %s", err, test.says)
		}
	}
}

func TestScore(t *testing.T) {
	for _, test := range []struct {
		learners []string
		want     float64
	}{
		{[]string{"attacker"}, 0.25}, {[]string{"defender"}, 0.75}, {[]string{"attacker", "defender"}, 0.25},
	} {
		run := scored("v2", "ppo", 0, 0.25)
		if run.Learners = test.learners; run.Score() != test.want {
			t.Errorf("%v: %v, want %v", test.learners, run.Score(), test.want)
		}
	}
}

// Runs of different budgets have rows and columns of their own, which say so.
func TestBudgets(t *testing.T) {
	runs := []*Run{scored("v2", "ppo", 0, 0.2), scored("v2", "ppo", 1, 0.4), scored("v2", "ppo", 2, 0.8)}
	runs[0].Budget, runs[1].Budget, runs[2].Budget = Budget{2000, 0}, Budget{0, 1e6}, Budget{2000, 0}
	summaries := Summarize(runs, Statistics[0])
	var rows []string
	for _, s := range summaries {
		rows = append(rows, s.Budget.String()+": "+Interval(s.GreedyHack, 2).Text)
	}
	if want := []string{"1 M steps: 0.40", "2 k episodes: 0.50 [0.20, 0.80]"}; !slices.Equal(rows, want) {
		t.Errorf("got %q, want %q", rows, want)
	}
	if text := render(t, SummaryGrid(summaries), "table"); !strings.Contains(text, "│ 2 k episodes │") {
		t.Errorf("the table does not tell budgets apart:\n%s", text)
	}
	if text := render(t, SummaryGrid(summaries[:1]), "table"); strings.Contains(text, "budget") {
		t.Errorf("the table shows a budget that tells nothing apart:\n%s", text)
	}
	if text := render(t, Matrix(summaries), "table"); !strings.Contains(text, "ppo, 1 M steps") {
		t.Errorf("the matrix does not tell budgets apart:\n%s", text)
	}
}

// Runs that differ in anything but the seed are groups of their own, with names that say in what.
func TestGroups(t *testing.T) {
	for what, test := range map[string]struct {
		change func(*Run)
		names  []string
	}{
		"seed":          {func(r *Run) { r.Seed = 7 }, []string{"ppo"}},
		"environment":   {func(r *Run) { r.Env = "v10" }, []string{"ppo", "ppo"}},
		"algorithm":     {func(r *Run) { r.Algo = "ppo+gamma=1" }, []string{"ppo", "ppo+gamma=1"}},
		"budget":        {func(r *Run) { r.Budget.Steps = 100 }, []string{"ppo, —", "ppo, 100 steps"}},
		"configuration": {func(r *Run) { r.Config = "0123456789" }, []string{"ppo, config —", "ppo, config 01234567"}},
	} {
		runs := []*Run{scored("v2", "ppo", 0, 0.5), scored("v2", "ppo", 1, 0.5), scored("v2", "ppo", 2, 0.5)}
		test.change(runs[1])
		summaries := Summarize(runs, Statistics[0])
		if names := Names(identities(summaries)); !slices.Equal(names, test.names) {
			t.Errorf("another %s: %q, want %q", what, names, test.names)
		}
		if sum := len(runs) - len(Copies(runs)); sum != 3 {
			t.Errorf("another %s: %d of 3 runs count", what, sum)
		}
	}
}

// A seed counts once, with the run that came furthest.
func TestCopies(t *testing.T) {
	behind, run, again := scored("v2", "ppo", 0, 0.1), scored("v2", "ppo", 0, 0.5), scored("v2", "ppo", 0, 0.5)
	behind.Steps, run.Steps, again.Steps = 99, 100, 100
	runs := []*Run{behind, scored("v2", "ppo", 1, 0.7), run, again}
	if s := Summarize(runs, Statistics[0])[0]; s.Seeds != 2 || !near(s.GreedyHack.Value, 0.6, 1e-12) {
		t.Errorf("%d seeds, %v", s.Seeds, s.GreedyHack)
	}
	if got := Copies(runs); !slices.Equal(got, []*Run{again, behind}) {
		t.Errorf("copies %v", got)
	}
}

// The curve of a summary runs over what the budget counts, so that seeds have their points in common.
func TestSummaryCurve(t *testing.T) {
	var runs []*Run
	for seed := range uint64(3) {
		run := scored("v2", "ppo", seed, 0)
		run.Evals = nil
		for i := range int64(4) {
			run.Evals = append(run.Evals, EvalRow{Step: i * int64(70+seed), Episodes: 10 * i, Mode: Greedy, HackProbability: 0.25 * float64(i)})
		}
		runs = append(runs, run)
	}
	for budget, want := range map[Budget]int{{Episodes: 30}: 4, {Steps: 220}: 10, {Episodes: 30, Steps: 220}: 10} {
		for _, run := range runs {
			run.Budget = budget
		}
		if curve := Summarize(runs, Statistics[0])[0].Curve; len(curve) != want {
			t.Errorf("%v: %d points, want %d: %v", budget, len(curve), want, curve)
		}
	}
}

// A run's value between evaluations lies on the line between them; a finished one stays at its last, an unfinished one
// ends there.
func TestCurve(t *testing.T) {
	run := func(status Status, points ...[2]float64) *Run {
		r := &Run{Manifest: Manifest{Status: status}}
		for _, p := range points {
			r.Evals = append(r.Evals, EvalRow{Step: int64(p[0]), Episodes: int64(p[0]) / 10, Mode: Greedy, HackProbability: p[1]},
				EvalRow{Step: int64(p[0]) + 1, Mode: Sampled})
		}
		return r
	}
	group := []*Run{
		run(Finished, [2]float64{0, 0}, [2]float64{100, 1}),
		run(Finished, [2]float64{0, 0.5}, [2]float64{50, 0.25}),
		run(Interrupted, [2]float64{20, 0.75}, [2]float64{30, 0.75}),
	}
	want := []Point{
		{0, []float64{0, 0.5}}, {20, []float64{0.2, 0.4, 0.75}}, {30, []float64{0.3, 0.35, 0.75}}, {50, []float64{0.5, 0.25}},
		{100, []float64{1, 0.25}},
	}
	hack := func(e EvalRow) float64 { return e.HackProbability }
	for _, axis := range Axes {
		got := Curve(group, Greedy, axis, hack)
		for i := range got {
			x := want[i].X
			if axis.Name == "episodes" {
				x /= 10
			}
			if got[i].X != x || !slices.EqualFunc(got[i].Values, want[i].Values, func(a, b float64) bool { return near(a, b, 1e-12) }) {
				t.Errorf("%s: %v, want %v", axis.Name, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v", axis.Name, got)
		}
	}
}
