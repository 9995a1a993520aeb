package experiments_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
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
		"attacker: greedy:../../../../bin/runs/training/v2/minimal_defense/q/seed-1\ndefender: bot:random\nepisodes: 20\n",
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
			"manual_play/v2/minimal_defense/q", "simulations/v2/q_vs_random", "training/v2/minimal_defense/q", "training/v10/two_agents/q",
		}},
		{"training", []string{"training/v2/minimal_defense/q", "training/v10/two_agents/q"}},
		{"*/v2", []string{"manual_play/v2/minimal_defense/q", "simulations/v2/q_vs_random", "training/v2/minimal_defense/q"}},
		{"training/v10/ simulations", []string{"simulations/v2/q_vs_random", "training/v10/two_agents/q"}},
		{"training/*/*/q training/v2", []string{"training/v2/minimal_defense/q", "training/v10/two_agents/q"}},
	} {
		if got := find(t, tree, strings.Fields(test.patterns)...); !slices.Equal(got, test.want) {
			t.Errorf("%q: %v, want %v", test.patterns, got, test.want)
		}
	}
	for pattern, want := range map[string]string{
		"training/v1": "no experiment", "training/v2/minimal_defense/p": "did you mean", "training/[": "syntax error",
	} {
		if _, err := tree.Find(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	tree.File = experiments.OriginalFile
	if got, want := find(t, tree), []string{"training/v2/minimal_defense/q"}; !slices.Equal(got, want) {
		t.Errorf("with another configuration: %v, want %v", got, want)
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

// What is published is what the runs came to, and stays when they are gone.
func TestPublish(t *testing.T) {
	tree := grow(t, forest)
	all := must[[]experiments.Experiment](t)(tree.Find())
	for _, job := range must[[]experiments.Job](t)(tree.Jobs(all[:3], 3)) {
		finish(t, must[*experiments.Run](t)(tree.Catalog.Reach(job.Config, job.Dir, true, experiments.Options{})))
	}
	must[int](t)(0, tree.Publish(context.Background(), all))
	published := must[[]experiments.Outcome](t)(tree.Published())
	var found []string
	for _, o := range published {
		found = append(found, o.Experiment)
	}
	if want := []string{"simulations/v2/q_vs_random", "training/v2/minimal_defense/q"}; !slices.Equal(found, want) {
		t.Fatalf("published: %v, want %v", found, want)
	}
	var sum float64
	for seed := range 3 {
		run := must[*results.Run](t)(results.ReadRun(filepath.Join(tree.Runs, all[2].Name, "seed-"+string(rune('0'+seed)))))
		row, _ := run.Last(results.Greedy)
		sum += row.HackProbability
	}
	if got := published[1]; got.Seeds != 3 || got.Games != 20 || got.Hacked < sum/3-1e-12 || got.Hacked > sum/3+1e-12 {
		t.Errorf("%+v, want the mean %v of 3 seeds", got, sum/3)
	}
	if o := published[0]; o.Seeds != 10 || o.Games != 20 || o.Env != "idsgame-v2" || strings.Contains(o.Players, tree.Runs) {
		t.Errorf("the simulation: %+v", o)
	}
	if curve := read(t, all[2].Dir(), "curve.svg"); !strings.HasPrefix(curve, "<?xml") {
		t.Errorf("the learning curve is no SVG: %.40q", curve)
	}
	if got, want := read(t, all[2].Dir(), "Makefile"), "include ../../../../experiment.mk\n"; got != want {
		t.Errorf("Makefile: %q, want %q", got, want)
	}
	readme := read(t, all[2].Dir(), "README.md")
	for _, gone := range []string{filepath.Join(all[2].Runs(), "seed-2"), tree.Runs} {
		must[int](t)(0, os.RemoveAll(gone))
		must[int](t)(0, tree.Publish(context.Background(), all))
		if got := read(t, all[2].Dir(), "README.md"); got != readme {
			t.Errorf("without %s:\n%s\nwant\n%s", gone, got, readme)
		}
	}
}

// The README of each kind, with numbers that are made up.
func TestReadme(t *testing.T) {
	tree := grow(t, forest)
	write(t, filepath.Join(tree.Dir, "..", "results", "experiments.json"), `[
		{"experiment": "training/v2/minimal_defense/q", "config": "config.yaml", "seeds": 10, "games": 1000,
		"hack_probability": 0.7, "interval_95": [0.65, 0.75], "budget": {"episodes": 200000}},
		{"experiment": "training/v2/minimal_defense/q", "config": "original.yaml", "seeds": 1, "games": 1000, "hack_probability": 0.5}]`)
	for _, e := range must[[]experiments.Experiment](t)(tree.Find("*/v2")) {
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
