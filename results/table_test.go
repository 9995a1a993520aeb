package results

import (
	"flag"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// fabricate writes and finds the folders of made-up runs: a finished group of three seeds, a group of which one seed
// was interrupted before it was ever evaluated in mode sampled, and a run that has just begun.
func fabricate(t *testing.T) []*Run {
	root := t.TempDir()
	run := func(name string, m Manifest, rows ...EvalRow) {
		dir := filepath.Join(root, name)
		write(t, filepath.Join(dir, EvalFile), evalFile(rows...)+"99,torn li")
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	m := Manifest{Env: "idsgame-minimal_defense-v10", Algo: "ppo", Status: Running,
		StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	run("a", m)

	m.Env, m.Algo, m.Status = "idsgame-minimal_defense-v2", "tabular-q", Finished
	m.Steps, m.Episodes, m.WallSeconds = 4_000_000, 500_000, 100
	for seed, final := range []float64{0.5, 0.625, 0.75} {
		m.Seed = uint64(seed)
		run("b"+string(rune('0'+seed)), m, // below, the order of folders is not the order of seeds
			EvalRow{1_000_000, 0, Greedy, 100, 0, 0, 0, 0.5, -1, 1, 9},
			EvalRow{2_000_000, 0, Greedy, 100, final / 2, 0, 0, 0.5, -1, 1, 9},
			EvalRow{4_000_000, 0, Greedy, 100, final, final - 0.125, final + 0.125, 0.25, 10 * final, -10 * final, 8},
			EvalRow{4_000_000, 0, Sampled, 100, 0.5, 0.375, 0.625, 0.25, 100, -100, 80})
	}

	m.Algo, m.WallSeconds, m.Seed = "tabular-q vs ppo", 4000, 11
	run("c", m,
		EvalRow{4_000_000, 0, Greedy, 100, 1, 0.95, 1, 0, 1, -1, 5},
		EvalRow{4_000_000, 0, Sampled, 100, 0.9, 0.8, 0.95, 0, 1, -1, 5})
	m.Status, m.Seed, m.Steps, m.WallSeconds = Interrupted, 2, 12_345, 0
	run("d", m,
		EvalRow{10_000, 0, Greedy, 100, 0.5, 0.4, 0.6, 0, 0, 0, 5})

	runs, err := FindRuns(root)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(runs) // tables do not depend on the order
	return runs
}

var update = flag.Bool("update", false, "rewrite the tables in testdata")

func TestTablesGolden(t *testing.T) {
	runs := fabricate(t)
	for _, run := range runs {
		run.Dir = filepath.Base(run.Dir)
	}
	grids := map[string]*Grid{"summary": SummaryGrid(Summarize(runs, Statistics[0])), "per-seed": PerSeed(runs), "matrix": Matrix(Summarize(runs, Statistics[0]))}
	for name, grid := range grids {
		for _, format := range Formats {
			path := filepath.Join("testdata", name+"."+format)
			got := render(t, grid, format)
			if *update {
				write(t, path, got)
			}
			if want := read(t, path); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
			}
		}
	}
}

// The longest names and numbers that are expected still fit a terminal.
func TestSummaryWidth(t *testing.T) {
	wide := Estimate{-1234.56, 0.5, 0.5}
	grid := SummaryGrid([]Summary{{
		Identity: Identity{Env: "idsgame-minimal_defense-v20", Algo: "actor-critic"}, Seeds: 10, Unfinished: 2,
		GreedyHack: Estimate{0.638, 0.630, 0.646}, SampledHack: Estimate{0.5, 0.4, 0.6}, AttackerReturn: wide,
		Steps: 123e6, Curve: make([]float64, 100),
	}})
	for line := range strings.Lines(render(t, grid, "table")) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > MaxWidth {
			t.Fatalf("%d columns: %s", n, line)
		}
	}
}

func TestSummarize(t *testing.T) {
	summaries := Summarize(fabricate(t), Statistics[0])
	var groups []string
	for _, s := range summaries {
		groups = append(groups, s.Env+" "+s.Algo)
	}
	want := []string{"idsgame-minimal_defense-v2 tabular-q", "idsgame-minimal_defense-v2 tabular-q vs ppo",
		"idsgame-minimal_defense-v10 ppo"}
	if !slices.Equal(groups, want) {
		t.Fatalf("groups %q, want %q", groups, want)
	}

	s := summaries[0]
	if s.Seeds != 3 || s.Unfinished != 0 || s.Steps != 4e6 || s.StepsPerSecond != 4e4 || s.WallSeconds != 100 {
		t.Errorf("the finished group: %+v", s)
	}
	// Each of 0.5, 0.625 and 0.75 fills a whole resample with probability 1/27 > 2.5 %: the interval has these ends.
	if e := s.GreedyHack; e != (Estimate{0.625, 0.5, 0.75}) {
		t.Errorf("hacked: %v", e)
	}
	if e := s.AttackerReturn; e.Value != 6.25 {
		t.Errorf("the return is not that of greedy play: %v", e)
	}
	if e := s.SampledHack; e != (Estimate{0.5, 0.5, 0.5}) {
		t.Errorf("hacked, sampled: %v", e)
	}
	if !slices.Equal(s.Curve, []float64{0, 0.3125, 0.625}) {
		t.Errorf("curve %v", s.Curve)
	}

	s = summaries[1]
	if s.Seeds != 2 || s.Unfinished != 1 || s.StepsPerSecond != 1000 {
		t.Errorf("the interrupted group: %+v", s)
	}
	if e := s.SampledHack; e.Value != 0.9 || !math.IsNaN(e.Low) {
		t.Errorf("one of two seeds was evaluated in mode sampled: %v", e)
	}
	if !slices.Equal(s.Curve, []float64{0.5, 1}) { // at 10,000 and 4,000,000 steps
		t.Errorf("curve %v", s.Curve)
	}

	s = summaries[2]
	if s.Seeds != 1 || s.Unfinished != 1 || !math.IsNaN(s.GreedyHack.Value) || s.Curve != nil {
		t.Errorf("the run without evaluations: %+v", s)
	}
	if got := Summarize(nil, Statistics[0]); got != nil {
		t.Errorf("of no runs: %v", got)
	}
}
