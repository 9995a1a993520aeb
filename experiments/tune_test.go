package experiments_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/experiments"
	"idsrl/results"
)

const space = `gamma: {uniform: [0.5, 1]}
alpha.start: {log: [0.001, 1]}
envs: {int: [1, 3]}
log_rows: {log_int: [1, 5]}
state: {choice: [node, observation]}
`

// newSearch is a search with two seeds a trial in a corridor.
func newSearch(t *testing.T, dir string, trials, rungs int) *experiments.Search {
	t.Helper()
	return &experiments.Search{
		Catalog: catalog, Dir: dir, Seed: 5, Trials: trials, Seeds: 2, Rungs: rungs, Eta: 3,
		Space: must[experiments.Space](t)(experiments.ParseSpace("space.yaml", []byte(space))),
		Base: experiments.Sources{Env: "idsgame-minimal_defense-v2", Algo: "tabular-q", Set: []string{
			"episodes=90", "evaluations=1", "eval_episodes=5", "final_episodes=50", "seed=3",
		}},
	}
}

// sweep runs the search, and counts the runs that train.
func sweep(t *testing.T, s *experiments.Search) (trained []string) {
	t.Helper()
	if err := s.Draw(); err != nil {
		t.Fatal(err)
	}
	err := s.Run(context.Background(), func(jobs []experiments.Job) error {
		slices.Reverse(jobs) // the order does not matter
		for _, job := range jobs {
			run := must[*experiments.Run](t)(s.Catalog.Reach(job.Config, job.Dir, false, experiments.Options{
				Progress: func(p experiments.Progress) {
					if p.Spent == 1 && !slices.Contains(trained, job.Dir) {
						trained = append(trained, job.Dir)
					}
				},
			}))
			finish(t, run)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return trained
}

func table(t *testing.T, s *experiments.Search) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Table().Render(&b, "csv"); err != nil {
		t.Fatal(err)
	}
	return must[[][]string](t)(csv.NewReader(&b).ReadAll())
}

func TestSearch(t *testing.T) {
	dir := t.TempDir()
	s := newSearch(t, dir, 4, 3)
	if runs := sweep(t, s); len(runs) != 2*(4+2+1) { // 4, of them ⌈4/3⌉, of them 1
		t.Errorf("%d runs, want 14", len(runs))
	}
	rows := table(t, s)
	var budgets []string
	for _, row := range rows[1:] {
		budgets = append(budgets, row[3])
	}
	want := []string{"90 episodes", "30 episodes", "10 episodes", "10 episodes"}
	if !slices.Equal(budgets, want) {
		t.Errorf("budgets %q, want %q", budgets, want)
	}

	// The rank is that of the scores in the runs' folders, and those that went on were the best of their rung.
	score := func(trial string, rung int) float64 {
		sum := 0.0
		for seed := 3; seed < 5; seed++ {
			run := must[*results.Run](t)(results.ReadRun(filepath.Join(dir, "trial-"+trial, fmt.Sprintf("rung-%d", rung), fmt.Sprintf("seed-%d", seed))))
			sum += run.Score() / 2
		}
		return sum
	}
	for rung, n := range []int{4, 2, 1} {
		worst := math.Inf(1)
		for i, row := range rows[1 : 1+n] { // those that reached the rung
			if x := score(row[1], rung); i < (n+2)/3 {
				worst = min(worst, x)
			} else if x > worst {
				t.Errorf("rung %d: trial %s with %v did not go on, one with %v did", rung, row[1], x, worst)
			}
		}
	}
	if x, err := strconv.ParseFloat(rows[1][5], 64); err != nil || math.Abs(x-score(rows[1][1], 2)) > 1e-12 {
		t.Errorf("the best scores %v: %v", rows[1][5], err)
	}

	// The best configuration is that of the last rung: the same run.
	best := must[*experiments.Config](t)(s.Best())
	same(t, trained(t, catalog, best), filepath.Join(dir, "trial-"+rows[1][1], "rung-2", "seed-3"))

	// Again, nothing trains; the outcome is the same in a folder of its own, too.
	again := newSearch(t, dir, 4, 3)
	if runs := sweep(t, again); len(runs) > 0 {
		t.Errorf("finished runs train again: %v", runs)
	}
	elsewhere := newSearch(t, t.TempDir(), 4, 3)
	sweep(t, elsewhere)
	for _, other := range []*experiments.Search{again, elsewhere} {
		if got := table(t, other); fmt.Sprint(got) != fmt.Sprint(rows) {
			t.Errorf("%v\nwant\n%v", got, rows)
		}
	}
}

// Trials follow from the seed alone: more of them leave the first as they are.
func TestTrials(t *testing.T) {
	values := func(trials int, seed uint64) map[string]string {
		s := newSearch(t, t.TempDir(), trials, 1)
		s.Seed, s.Seeds = seed, 1
		if err := s.Draw(); err != nil {
			t.Fatal(err)
		}
		drawn := map[string]string{}
		for _, row := range table(t, s)[1:] {
			drawn[row[1]] = strings.Join(row[8:], " ")
		}
		return drawn
	}
	few, many := values(3, 1), values(40, 1)
	for trial, point := range few {
		if many[trial] != point {
			t.Errorf("trial %s is %s of 3 and %s of 40", trial, point, many[trial])
		}
	}
	if values(3, 2)["0"] == few["0"] {
		t.Error("the seed does not matter")
	}
	states, logs := map[string]int{}, 0
	for trial, point := range many {
		cells := strings.Fields(point)
		gamma, alpha := number(t, cells[0]), number(t, cells[1])
		if gamma < 0.5 || gamma > 1 || alpha < 0.001 || alpha > 1 || !slices.Contains([]string{"1", "2", "3"}, cells[2]) ||
			number(t, cells[3]) != math.Trunc(number(t, cells[3])) {
			t.Errorf("trial %s: %s", trial, point)
		}
		states[cells[4]]++
		if alpha < math.Sqrt(0.001) {
			logs++
		}
	}
	// Half of all is below the middle of the logarithms; outside [8, 32] of 40 falls a share of 1e-4. Of numbers that are
	// as likely at any size, 3 % would be.
	if logs < 8 || logs > 32 || states["node"] < 8 || states["observation"] < 8 || len(states) != 2 {
		t.Errorf("%d of 40 below the middle; %v", logs, states)
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	return must[float64](t)(strconv.ParseFloat(text, 64))
}

// A trial with a run that does not begin, or does not end, is among the last and has no score; the best is another.
func TestSearchFailures(t *testing.T) {
	for _, test := range []struct {
		fails  string // part of the folders of runs that fail
		begins bool   // they begin, and are evaluated
		lost   int    // trials without a score in the end
	}{{"trial-2", true, 1}, {"rung-1", false, 2}, {"trial-", true, 4}} {
		s := newSearch(t, t.TempDir(), 4, 2)
		if err := s.Draw(); err != nil {
			t.Fatal(err)
		}
		err := s.Run(context.Background(), func(jobs []experiments.Job) error {
			for _, job := range jobs {
				fails := strings.Contains(job.Dir, test.fails)
				if fails && !test.begins {
					continue
				}
				run := must[*experiments.Run](t)(s.Catalog.Reach(job.Config, job.Dir, false, experiments.Options{}))
				if !fails {
					finish(t, run)
				} else if err := run.Train(newCountdown(12)); !errors.Is(err, experiments.ErrInterrupted) {
					t.Fatal(err)
				} else if math.IsNaN(must[*results.Run](t)(results.ReadRun(job.Dir)).Score()) {
					t.Fatal("interrupted before the first evaluation")
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		rows := table(t, s)[1:]
		for i, row := range rows {
			if lost := i >= len(rows)-test.lost; (row[5] == "") != lost {
				t.Errorf("%s fails: rank %d has the score %q", test.fails, i+1, row[5])
			}
		}
		best, err := s.Best()
		if test.lost == len(rows) {
			if err == nil || !strings.Contains(err.Error(), "a run of every trial failed") {
				t.Errorf("%v", err)
			}
		} else if err != nil || !strings.Contains(string(best.Encode()), "gamma: "+rows[0][8]+"\n") {
			t.Errorf("%s fails: %v, the best is not the first, with gamma %s", test.fails, err, rows[0][8])
		}
	}
}

func TestParseSpaceErrors(t *testing.T) {
	for text, says := range map[string]string{
		"":                                   "space.yaml:1: must hold settings and their ranges",
		"- 1":                                "space.yaml:1: must hold settings and their ranges",
		"gamma: 1":                           "space.yaml:1: gamma = 1: must be a range such as {uniform: [0, 1]}, one of uniform, log, int, log_int, choice",
		"gamma: {normal: [0, 1]}":            "space.yaml:1: gamma: must be a range",
		"gamma: {log: [0, 1]}":               "gamma: ends of a logarithm must be above 0",
		"a: 1\n\ngamma: {int: [0.5, 1]}":     "space.yaml:3: gamma: must be whole numbers",
		"gamma: {uniform: [1, 1]}":           "gamma: the first end must be less than the second",
		"gamma: {uniform: [0]}":              "gamma: must be two ends",
		"gamma: {uniform: [a, 1]}":           "= a: must be a number",
		"gamma: {choice: []}":                "gamma: must be a list of values",
		"a: {int: [1, 2]}\na: {int: [1, 2]}": "already given",
	} {
		if _, err := experiments.ParseSpace("space.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %s", text, err, says)
		}
	}
}

// What the algorithm refuses is told with its line before anything trains.
func TestSearchChecks(t *testing.T) {
	for text, says := range map[string]string{
		"gamma: {uniform: [0.5, 1]}\nomega: {uniform: [0, 2]}": "space.yaml:2: omega: omega = 2: must be in [0, 1]",
		"gama: {uniform: [0.5, 1]}":                            "space.yaml:1: gama: gama = 0.5: unknown setting; did you mean gamma?",
		"state: {choice: [node, grid]}":                        "space.yaml:1: state: state = grid: idsgame-minimal_defense-v2 offers the attacker: node, observation",
		"seed: {int: [1, 2]}":                                  "given twice",
	} {
		s := newSearch(t, t.TempDir(), 1, 1)
		s.Space = must[experiments.Space](t)(experiments.ParseSpace("space.yaml", []byte(text)))
		if err := s.Draw(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %s", text, err, says)
		}
	}
	s := newSearch(t, t.TempDir(), 1, 1)
	s.Base.Env = "idsgame-v2"
	if err := s.Draw(); err == nil || !strings.Contains(err.Error(), "2 seats learn; a search needs one") {
		t.Errorf("%v", err)
	}
	s.Base.Players = map[envs.Role]string{envs.Defender: "bot:random"}
	if err := s.Draw(); err != nil {
		t.Error(err)
	}
}

// Reach begins, resumes and reuses, and leaves the run of another configuration alone.
func TestReach(t *testing.T) {
	dir, cfg := filepath.Join(t.TempDir(), "run"), kind(t, 0)
	reach := func(ctx context.Context, cfg *experiments.Config) error {
		run, err := catalog.Reach(cfg, dir, false, experiments.Options{})
		if err != nil {
			return err
		}
		return run.Train(ctx)
	}
	if err := reach(newCountdown(20), cfg); err == nil {
		t.Fatal("it was not interrupted")
	}
	if err := reach(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	same(t, dir, trained(t, catalog, cfg))
	before := must[os.FileInfo](t)(os.Stat(filepath.Join(dir, results.ManifestFile)))
	if err := reach(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	if after := must[os.FileInfo](t)(os.Stat(filepath.Join(dir, results.ManifestFile))); !after.ModTime().Equal(before.ModTime()) {
		t.Error("a finished run was made again")
	}
	if err := reach(context.Background(), cfg.WithSeed(99)); err == nil || !strings.Contains(err.Error(), "of another configuration") {
		t.Errorf("%v", err)
	}
	path := filepath.Join(dir, results.ManifestFile)
	write(t, path, strings.Replace(read(t, path), `"evaluation_protocol": 1`, `"evaluation_protocol": 0`, 1))
	if status, ok := cfg.Holds(dir); ok {
		t.Errorf("a run that was evaluated in another way counts as %s", status)
	}
	if err := reach(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "evaluation protocol 0 is not 1") {
		t.Errorf("%v", err)
	}
}
