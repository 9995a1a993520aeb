package experiments_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idsrl/experiments"
	"idsrl/results"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// grow makes a tree of experiments, with the folder of runs where their configurations expect it.
func grow(t *testing.T, configs map[string]string) *experiments.Tree {
	t.Helper()
	root := t.TempDir()
	tree := &experiments.Tree{
		Catalog: catalog, Dir: filepath.Join(root, "experiments"), Runs: filepath.Join(root, "bin", "runs"), File: results.ConfigFile,
	}
	must[int](t)(0, os.MkdirAll(filepath.Join(root, "results"), 0o750))
	for name, text := range configs {
		path := filepath.Join(tree.Dir, filepath.FromSlash(name))
		must[int](t)(0, os.MkdirAll(filepath.Dir(path), 0o750))
		write(t, path, text)
	}
	return tree
}

// forest has an experiment of each kind; two need what the first learns.
var forest = map[string]string{
	"training/v2/minimal_defense/q/config.yaml": "env: idsgame-minimal_defense-v2\nalgo: tabular-q\nepisodes: 300\n" +
		"evaluations: 2\neval_episodes: 10\nfinal_episodes: 20\nlog_rows: 2\n",
	"training/v2/minimal_defense/q/original.yaml": "env: idsgame-minimal_defense-v2\nalgo: tabular-q\nepisodes: 200\n",
	"training/v10/two_agents/q/config.yaml":       "env: idsgame-v10\nalgo: tabular-q\n",
	"simulations/v2/q_vs_random/config.yaml": "env: idsgame-v2\n" +
		"attacker: greedy:../../../../bin/runs/training/v2/minimal_defense/q/seed-0\ndefender: bot:random\nepisodes: 20\n",
	"simulations/v2/random_vs_random/config.yaml": "env: idsgame-v2\nattacker: bot:random\ndefender: bot:random\nepisodes: 20\n",
	"manual_play/v2/minimal_defense/q/config.yaml": "env: idsgame-v2\nas: defender\n" +
		"opponent: checkpoint:../../../../../bin/runs/training/v2/minimal_defense/q/seed-1\n",
	"originals.csv": "experiment,hacked,hacked_is,same_as,note\n" +
		"training/v2/minimal_defense/q,0.674 ± 0.085,measured: 3 seeds,training/v9/other,It is slow.\n",
}

// find are the names of the experiments that patterns name.
func find(t *testing.T, tree *experiments.Tree, patterns ...string) (found []string) {
	t.Helper()
	for _, e := range must[[]experiments.Experiment](t)(tree.Find(patterns...)) {
		found = append(found, e.Name)
	}
	return found
}

func TestFindExperiments(t *testing.T) {
	tree := grow(t, forest)
	for _, test := range []struct {
		patterns string
		want     []string
	}{
		{"", []string{
			"manual_play/v2/minimal_defense/q", "simulations/v2/q_vs_random", "simulations/v2/random_vs_random",
			"training/v2/minimal_defense/q", "training/v10/two_agents/q",
		}},
		{"training", []string{"training/v2/minimal_defense/q", "training/v10/two_agents/q"}},
		{"*/v2", []string{
			"manual_play/v2/minimal_defense/q", "simulations/v2/q_vs_random", "simulations/v2/random_vs_random", "training/v2/minimal_defense/q",
		}},
		{"training/v10/ simulations", []string{
			"simulations/v2/q_vs_random", "simulations/v2/random_vs_random", "training/v10/two_agents/q",
		}},
		{"training/*/*/q training/v2", []string{"training/v2/minimal_defense/q", "training/v10/two_agents/q"}},
	} {
		if got := find(t, tree, strings.Fields(test.patterns)...); !slices.Equal(got, test.want) {
			t.Errorf("%q: %v, want %v", test.patterns, got, test.want)
		}
	}
	for pattern, want := range map[string]string{
		"training/v3":                   `no experiment called "training/v3" (did you mean training/v2 or training/v10 or training? idsrl`,
		"training/v2/minimal_defense/p": "did you mean training/v2/minimal_defense/q",
		"v2":                            "did you mean manual_play/v2 or simulations/v2 or training/v2? ",
		"training/v2/all/of/it":         "did you mean training/v2? ",
		"nothing":                       `called "nothing" (idsrl experiments list shows all)`,
		"training/[":                    "syntax error",
	} {
		if _, err := tree.Find(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	tree.File = experiments.OriginalFile
	if got, want := find(t, tree), []string{"training/v2/minimal_defense/q"}; !slices.Equal(got, want) {
		t.Errorf("with another configuration: %v, want %v", got, want)
	}
	if _, err := tree.Find("training/v10"); err == nil || !strings.Contains(err.Error(), "no experiment with original.yaml called") {
		t.Errorf("without this configuration: %v", err)
	}
	tree.File = "orginal.yaml"
	if got := find(t, tree, "training/v10"); len(got) != 0 {
		t.Errorf("with a configuration that nobody has: %v", got)
	}
}

// Jobs are there once each, with those that others need; a finished one is not a job again, one of another configuration is.
func TestJobs(t *testing.T) {
	tree := grow(t, forest)
	all := must[[]experiments.Experiment](t)(tree.Find("*/v2"))
	paths := func(seeds int) (list []string) {
		for _, job := range must[[]experiments.Job](t)(tree.Jobs(all, seeds)) {
			list = append(list, filepath.ToSlash(strings.TrimPrefix(job.Dir, tree.Runs)))
		}
		return list
	}
	at := "/training/v2/minimal_defense/q/seed-"
	if got, want := paths(1), []string{at + "1", at + "0"}; !slices.Equal(got, want) {
		t.Errorf("one seed: %v, want %v", got, want)
	}
	if got := paths(0); len(got) != 10 {
		t.Errorf("%d runs by default, want 10: %v", len(got), got)
	}
	jobs := must[[]experiments.Job](t)(tree.Jobs(all, 2))
	for _, job := range jobs {
		if _, ok := job.Config.Holds(job.Dir); ok {
			t.Errorf("%s holds a run before it began", job.Dir)
		}
		finish(t, must[*experiments.Run](t)(tree.Catalog.Reach(job.Config, job.Dir, true, experiments.Options{})))
		if status, ok := job.Config.Holds(job.Dir); !ok || status != results.Finished {
			t.Errorf("%s: %q, %v", job.Dir, status, ok)
		}
	}
	other := jobs[0].Config.WithSeed(99)
	if _, ok := other.Holds(jobs[0].Dir); ok {
		t.Error("a run of another configuration is taken for it")
	}
	if _, err := tree.Catalog.Reach(other, jobs[0].Dir, false, experiments.Options{}); err == nil {
		t.Error("a run of another configuration is replaced without force")
	}
	run := must[*experiments.Run](t)(tree.Catalog.Reach(other, jobs[0].Dir, true, experiments.Options{}))
	finish(t, run)
	if status, ok := other.Holds(jobs[0].Dir); !ok || status != results.Finished {
		t.Errorf("replaced: %q, %v", status, ok)
	}
	at0 := slices.IndexFunc(all, func(e experiments.Experiment) bool { return e.Kind == experiments.Training })
	if runs := must[[]*results.Run](t)(all[at0].Finished()); len(runs) != 1 || runs[0].Dir == jobs[0].Dir {
		t.Errorf("%d runs count as the experiment's, want one, without that of another configuration", len(runs))
	}
}

// A finished run that cannot be read does not count: a warning names the file, and the run is trained again.
func TestUnreadableRun(t *testing.T) {
	tree := grow(t, forest)
	q := named(t, tree, "training/v2")
	job := must[[]experiments.Job](t)(tree.Jobs([]experiments.Experiment{q}, 1))[0]
	train := func() {
		t.Helper()
		finish(t, must[*experiments.Run](t)(tree.Catalog.Reach(job.Config, job.Dir, true, experiments.Options{})))
		if runs := must[[]*results.Run](t)(q.Finished()); len(runs) != 1 {
			t.Fatalf("%d finished runs", len(runs))
		}
	}
	train()
	path := filepath.Join(job.Dir, results.EvalFile)
	want := read(t, path)
	write(t, path, strings.Replace(want, ",", ","+strings.Repeat("\x00", 1000), 20))
	var warning strings.Builder
	usual := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&warning, nil)))
	defer slog.SetDefault(usual)
	if runs := must[[]*results.Run](t)(q.Finished()); len(runs) != 0 {
		t.Errorf("%d finished runs", len(runs))
	}
	if text := warning.String(); !strings.Contains(text, path) || strings.Count(text, "x00") > 40 {
		t.Errorf("warning %s", text)
	}
	train()
	if got := read(t, path); got != want {
		t.Errorf("trained again: %s, want %s", got, want)
	}
}

// named is the experiment of that name.
func named(t *testing.T, tree *experiments.Tree, name string) experiments.Experiment {
	t.Helper()
	return must[[]experiments.Experiment](t)(tree.Find(name))[0]
}

// What is published is what the runs came to, and stays when they are gone.
func TestPublish(t *testing.T) {
	tree := grow(t, forest)
	tree.Program.Commit = "abc"
	all := must[[]experiments.Experiment](t)(tree.Find())
	training := named(t, tree, "training/v2")
	for _, job := range must[[]experiments.Job](t)(tree.Jobs([]experiments.Experiment{training}, 3)) {
		finish(t, must[*experiments.Run](t)(tree.Catalog.Reach(job.Config, job.Dir, true, experiments.Options{Program: tree.Program})))
	}
	must[int](t)(0, tree.Publish(context.Background(), all))
	published := must[[]experiments.Outcome](t)(tree.Published())
	var found []string
	for _, o := range published {
		found = append(found, o.Experiment)
	}
	want := []string{"simulations/v2/q_vs_random", "simulations/v2/random_vs_random", "training/v2/minimal_defense/q"}
	if !slices.Equal(found, want) {
		t.Fatalf("published: %v, want %v", found, want)
	}
	var scores []experiments.Score
	for seed := range uint64(3) {
		run := must[*results.Run](t)(results.ReadRun(filepath.Join(training.Runs(), fmt.Sprintf("seed-%d", seed))))
		row, _ := run.Last(results.Greedy)
		scores = append(scores, experiments.Score{Seed: seed, Hacked: row.HackProbability, Checkpoints: []string{run.CheckpointSHA256}})
	}
	trained := published[2]
	if !reflect.DeepEqual(trained.Scores, scores) || trained.Config != must[*experiments.Config](t)(training.Config()).SHA256() ||
		trained.Protocol != results.EvalProtocol || trained.Games != 20 {
		t.Errorf("%+v, want the scores %v", trained, scores)
	}
	if len(trained.Curve) != 3 { // an evaluation before training and two in it, after so many episodes each
		t.Errorf("curve %v", trained.Curve)
	}
	for i, o := range published {
		follows(t, o)
		if o.Interval == nil || o.Interval[0] >= o.Interval[1] {
			t.Errorf("%s: the seeds do not differ: %+v", o.Experiment, o)
		}
		if o.Games != 20 || o.Seeds != []int{3, 10, 3}[i] || !slices.Equal(o.Programs, []results.Program{tree.Program}) ||
			strings.Contains(o.Players, tree.Runs) {
			t.Errorf("%+v", o)
		}
	}
	for i, score := range published[0].Scores { // each seed plays what was learnt with it
		if !slices.Equal(score.Checkpoints, scores[i].Checkpoints) {
			t.Errorf("seed %d of the simulation is played by %v, want %v", i, score.Checkpoints, scores[i].Checkpoints)
		}
	}
	if curve := read(t, training.Dir(), "curve.svg"); !strings.HasPrefix(curve, "<?xml") {
		t.Errorf("the learning curve is no SVG: %.40q", curve)
	}
	if got, want := read(t, training.Dir(), "Makefile"), "include ../../../../experiment.mk\n"; got != want {
		t.Errorf("Makefile: %q, want %q", got, want)
	}
	readme := read(t, training.Dir(), "README.md")
	for _, gone := range []string{filepath.Join(training.Runs(), "seed-0"), tree.Runs} {
		must[int](t)(0, os.RemoveAll(gone))
		must[int](t)(0, tree.Publish(context.Background(), all))
		if got := read(t, training.Dir(), "README.md"); got != readme {
			t.Errorf("without %s:\n%s\nwant\n%s", gone, got, readme)
		}
	}
}

// follows holds that mean and interval are those of the scores.
func follows(t *testing.T, o experiments.Outcome) {
	t.Helper()
	var hacked []float64
	for _, score := range o.Scores {
		hacked = append(hacked, score.Hacked)
	}
	e := results.NewEstimate(results.Statistics[0], hacked)
	if got := o.Estimate(); o.Seeds != len(hacked) || got != e && !(len(hacked) == 1 && got.Value == e.Value && math.IsNaN(got.Low)) {
		t.Errorf("%s, %s: %v of %d seeds, its scores come to %v of %d", o.Experiment, o.File, got, o.Seeds, e, len(hacked))
	}
}

// All that is published says how it was made, and follows from its scores.
func TestPublished(t *testing.T) {
	tree := &experiments.Tree{Catalog: catalog, Dir: "."}
	published := must[[]experiments.Outcome](t)(tree.Published())
	for _, o := range published {
		follows(t, o)
		simulation := strings.HasPrefix(o.Experiment, "simulations/")
		if len(o.Config) != 64 || len(o.Programs) == 0 || !simulation && o.Protocol != results.EvalProtocol {
			t.Errorf("%s, %s: does not say how it was made: %+v", o.Experiment, o.File, o)
		}
		for _, score := range o.Scores {
			if !simulation && (len(score.Checkpoints) != 1 || len(score.Checkpoints[0]) != 64) {
				t.Errorf("%s, %s: seed %d has no checkpoint", o.Experiment, o.File, score.Seed)
			}
		}
	}
}

// A fresh outcome takes the place of what is published, unless that has the same with more seeds.
func TestPublishAgain(t *testing.T) {
	tree := grow(t, forest)
	training := named(t, tree, "training/v2")
	for _, job := range must[[]experiments.Job](t)(tree.Jobs([]experiments.Experiment{training}, 2)) {
		finish(t, must[*experiments.Run](t)(tree.Catalog.Reach(job.Config, job.Dir, true, experiments.Options{})))
	}
	fresh := *must[*experiments.Outcome](t)(training.Measure(context.Background()))
	for what, test := range map[string]struct {
		change func(o *experiments.Outcome)
		stays  bool
	}{
		"nothing":       {func(*experiments.Outcome) {}, true},
		"experiment":    {func(o *experiments.Outcome) { o.Experiment = "training/v3" }, false},
		"file":          {func(o *experiments.Outcome) { o.File = "original.yaml" }, false},
		"configuration": {func(o *experiments.Outcome) { o.Config = "c0ffee" }, false},
		"seed":          {func(o *experiments.Outcome) { o.Scores[0].Seed = 8 }, false},
		"score":         {func(o *experiments.Outcome) { o.Scores[1].Hacked = 0.123 }, false},
		"checkpoint":    {func(o *experiments.Outcome) { o.Scores[1].Checkpoints = []string{"c0ffee"} }, false},
		"no more seeds": {func(o *experiments.Outcome) { o.Scores = o.Scores[:2] }, false},
	} {
		old := fresh
		old.Scores, old.Programs = append(slices.Clone(fresh.Scores), experiments.Score{Seed: 7}), []results.Program{{Version: "old"}}
		test.change(&old)
		write(t, filepath.Join(tree.Dir, "..", "results", "experiments.json"), string(must[[]byte](t)(json.Marshal([]experiments.Outcome{old}))))
		must[int](t)(0, tree.Publish(context.Background(), []experiments.Experiment{training}))
		var of []experiments.Outcome
		for _, o := range must[[]experiments.Outcome](t)(tree.Published()) {
			if o.Experiment == fresh.Experiment && o.File == fresh.File {
				of = append(of, o)
			}
		}
		if len(of) != 1 || (of[0].Programs[0].Version == "old") != test.stays || len(of[0].Scores) == 2 == test.stays {
			t.Errorf("another %s: published is %+v", what, of)
		}
	}
}

// A score is compared with the published one of its experiment, configuration and seed.
func TestCompare(t *testing.T) {
	outcome := func(change func(o *experiments.Outcome)) experiments.Outcome {
		o := experiments.Outcome{
			Experiment: "training/q", File: "config.yaml", Config: "c0ffee", Programs: []results.Program{{Version: "v1", Commit: "abc"}},
			Scores: []experiments.Score{{Seed: 3, Hacked: 0.5, Checkpoints: []string{"0123456789"}}},
		}
		change(&o)
		return o
	}
	fresh := outcome(func(*experiments.Outcome) {})
	for want, change := range map[string]func(o *experiments.Outcome){
		"":                                     func(*experiments.Outcome) {},
		"hack probability 0.5, published 0.25": func(o *experiments.Outcome) { o.Scores[0].Hacked = 0.25 },
		"checkpoint [01234567], published [98765432]": func(o *experiments.Outcome) { o.Scores[0].Checkpoints = []string{"9876543210"} },
		"configuration c0ffee, published 0ff1ce":      func(o *experiments.Outcome) { o.Config = "0ff1ce" },
		"no scores by seed are published":             func(o *experiments.Outcome) { o.Scores = nil },
		"this seed is not published":                  func(o *experiments.Outcome) { o.Scores[0].Seed = 4 },
		"nothing is published":                        func(o *experiments.Outcome) { o.File = "original.yaml" },
	} {
		got := fresh.Compare([]experiments.Outcome{outcome(change)})
		if len(got) != 1 || got[0].Difference != want || got[0].Seed != 3 {
			t.Errorf("%+v, want %q", got, want)
		}
		if by := fmt.Sprint(got[0].PublishedBy); (by == "[]") != (want == "nothing is published") || by != "[]" && by != "[v1 (abc), , /]" {
			t.Errorf("%s: published by %s", want, by)
		}
	}
}

// A seed that is missing or not finished does not hide those that follow.
func TestFinished(t *testing.T) {
	tree := grow(t, forest)
	training := named(t, tree, "training/v2")
	for _, job := range must[[]experiments.Job](t)(tree.Jobs([]experiments.Experiment{training}, 11)) {
		switch filepath.Base(job.Dir) {
		case "seed-2", "seed-10":
			finish(t, must[*experiments.Run](t)(tree.Catalog.Reach(job.Config, job.Dir, true, experiments.Options{})))
		case "seed-4": // begun
			must[*experiments.Run](t)(tree.Catalog.Reach(job.Config, job.Dir, true, experiments.Options{}))
		}
	}
	path := filepath.Join(training.Runs(), "seed-2", results.ManifestFile) // as it was without the hash
	hash := must[*experiments.Config](t)(training.Config()).SHA256()
	write(t, path, strings.Replace(read(t, path), `"config_sha256": "`+hash+`",`, "", 1))
	var seeds []uint64
	finished := must[[]*results.Run](t)(training.Finished())
	for _, run := range finished {
		seeds = append(seeds, run.Seed)
	}
	if groups := results.Groups(finished); len(groups) != 1 || finished[0].Config != hash {
		t.Errorf("%d groups of one configuration", len(groups))
	}
	if !slices.Equal(seeds, []uint64{2, 10}) {
		t.Errorf("seeds %v, want 2 and 10", seeds)
	}
}

// The README of each kind, with numbers that are made up.
func TestReadme(t *testing.T) {
	tree := grow(t, forest)
	write(t, filepath.Join(tree.Dir, "..", "results", "experiments.json"), `[
		{"experiment": "training/v2/minimal_defense/q", "config": "config.yaml", "seeds": 10, "games": 1000,
		"hack_probability": 0.7, "interval_95": [0.65, 0.75], "budget": {"episodes": 200000}},
		{"experiment": "training/v2/minimal_defense/q", "config": "original.yaml", "seeds": 1, "games": 1000, "hack_probability": 0.5}]`)
	for _, e := range must[[]experiments.Experiment](t)(tree.Find("manual_play", "*/*/q_vs_random", "training/v2")) {
		path := filepath.Join("testdata", "readme", strings.ReplaceAll(string(e.Kind), " ", "_")+".md")
		got := must[[]byte](t)(tree.Readme(e))
		if *update {
			must[int](t)(0, os.WriteFile(path, got, 0o600))
		}
		if want := read(t, path); string(got) != want {
			t.Errorf("%s:\n%s\nwant\n%s", e.Name, got, want)
		}
	}
}
