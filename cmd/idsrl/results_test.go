package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/experiments"
	"idsrl/results"
	"idsrl/results/track"
)

// The tables that compare algorithms count the runs that there are.
func TestCompare(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, flags := range []string{"", "--set gamma=0.5 --set alpha.end=0.25", "--episodes 300"} {
		args := slices.Concat([]string{"train", "--env", "idsgame-minimal_defense-v2", "--algo", "tabular-q", "--seeds", "2"}, small)
		if strings.HasPrefix(flags, "--episodes") {
			args = append(withoutFlag(args, "--episodes"), "--out", "short")
		}
		must(t, append(args, strings.Fields(flags)...)...)
	}
	const other = "tabular-q+alpha.end=0.25,gamma=0.5" // with a comma of its own
	for _, test := range []struct {
		args string
		rows int
		want map[string]string // of the last row
	}{
		{"results --compare tabular-q," + other + " results", 2, map[string]string{"env": "mean of 1", "runs_a": "2", "runs_b": "2"}},
		{"results --aggregate results", 2, map[string]string{"algo": other, "envs": "1", "runs": "2"}},
		{"results --profile results", 20, map[string]string{"score_above": "0.95"}},
		{"results --matrix results", 1, map[string]string{"tabular-q_seeds": "2", other + "_seeds": "2"}},
		{"results --stat iqm results", 2, map[string]string{"statistic": "iqm", "seeds": "2", "budget_episodes": "400"}},
		{"results results short", 3, map[string]string{"algo": other, "seeds": "2"}}, // budgets apart
	} {
		rows := readRows(t, must(t, slices.Insert(strings.Fields(test.args), 1, "--format", "csv")...))
		if len(rows) != test.rows {
			t.Errorf("%s: %d rows, want %d", test.args, len(rows), test.rows)
		}
		for column, want := range test.want {
			if got := rows[len(rows)-1][column]; got != want {
				t.Errorf("%s: %s is %q, want %q", test.args, column, got, want)
			}
		}
	}
	for args, says := range map[string]string{
		"results --compare tabular-q,ppo":           "must name two algorithms, A,B; there are: tabular-q, " + other,
		"results --compare tabular-q":               "must name two algorithms",
		"results --seeds --profile":                 "--seeds and --profile are different tables: choose one",
		"results --stat mode":                       "must be one of mean, iqm, median",
		"plot --out curves.gif":                     "name a file that ends in .svg or .png",
		"plot --y loss --out curves.svg":            "must be one of hack_probability",
		"track results":                             "track with what?",
		"track --to mlflow results":                 "no tracker is called",
		"verify":                                    "needs a RUN or more",
		"verify --tolerance some results":           "must be none or a number above 0",
		"tune --env idsgame-v0":                     "which settings?",
		"tune --space none.yaml":                    "none.yaml",
		"tune --space none.yaml --trials 0":         "--trials 0: must be at least 1",
		"train --track csv --env toy-corridor-v0":   "name one with --algo",
		"train --resume results --track x --seed 1": "--seed has no place beside it",
	} {
		if o := idsrl(strings.Fields(args)...); o.code != exitUsage || o.stdout != "" || !strings.Contains(o.stderr, says) {
			t.Errorf("%s: exit code %d, %q and %q, want %q", args, o.code, o.stdout, o.stderr, says)
		}
	}
	if o := idsrl("results", "--aggregate", "results", "short"); o.code != exitFailure || !strings.Contains(o.stderr, "several budgets") {
		t.Errorf("%+v", o)
	}
}

// A run that is tracked learns the same, and what is tracked is what would be written afterwards.
func TestTrack(t *testing.T) {
	plain, tracked := quickRun(t, "idsgame-minimal_defense-v2"), quickRun(t, "idsgame-minimal_defense-v2", "--track", "tensorboard,jsonl")
	extra := contents(t, tracked)
	for name, text := range contents(t, plain) {
		if extra[name] != text {
			t.Errorf("%s differs where the run is tracked", name)
		}
	}
	for _, name := range []string{track.EventFile, track.LinesFile} {
		if extra[name] == "" {
			t.Errorf("no %s", name)
		}
	}
	before := extra
	if out := must(t, "track", "--to", "tensorboard,jsonl", tracked); out != "1 run\n" {
		t.Errorf("%q", out)
	}
	for name, text := range contents(t, tracked) {
		if before[name] != text {
			t.Errorf("%s differs when the run is tracked again", name)
		}
	}
}

// What a plot shows is in its file, the same one each time.
func TestPlot(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := quickRun(t, "idsgame-minimal_defense-v2")
	for _, name := range []string{"a.svg", "b.svg", "a.png", "b.png"} {
		must(t, "plot", "--out", name, "--x", "episodes", dir)
	}
	if readFile(t, "a.svg") != readFile(t, "b.svg") || readFile(t, "a.png") != readFile(t, "b.png") {
		t.Error("two plots of the same runs differ")
	}
	for _, text := range []string{"tabular-q (1 seed)", "idsgame-minimal_defense-v2", "episodes of training", "best possible"} {
		if !strings.Contains(readFile(t, "a.svg"), ">"+text+"<") {
			t.Errorf("the plot does not say %q", text)
		}
	}
}

// verify tells a run that comes out the same from one that does not.
func TestVerifyCommand(t *testing.T) {
	dir := quickRun(t, "idsgame-minimal_defense-v2")
	rows := readRows(t, must(t, "verify", "--format", "csv", dir))
	if len(rows) != len(experiments.VerifiedFiles) || rows[3]["file"] != results.FinalCheckpoint || rows[3]["sha256"] != manifest(t, dir).CheckpointSHA256 || rows[3]["difference"] != "" {
		t.Errorf("%v", rows)
	}
	path := filepath.Join(dir, results.EvalFile)
	writeFile(t, path, strings.Replace(readFile(t, path), ",greedy,", ",sampled,", 1))
	o := idsrl("verify", dir)
	if o.code != exitFailure || !strings.Contains(o.stdout, "line 2, column mode: sampled, again greedy") ||
		!strings.Contains(o.stderr, "idsrl: 1 of 5 files differ") {
		t.Errorf("%+v", o)
	}
}

// A search keeps its trials and the best configuration, which trains to the run that won.
func TestTune(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "space.yaml", "alpha.end: {log: [0.001, 1]}\n")
	args := slices.Concat([]string{"tune", "--env", "idsgame-minimal_defense-v2", "--algo", "tabular-q", "--space", "space.yaml",
		"--trials", "3", "--rungs", "2", "--format", "csv"}, small)
	first := must(t, append(args, "--parallel", "1")...)
	if readFile(t, "tuned/trials.csv") != first {
		t.Errorf("trials.csv is not the table:\n%s", first)
	}
	rows := readRows(t, first)
	if len(rows) != 3 || rows[0]["budget"] != "400 episodes" || rows[2]["budget"] != "134 episodes" {
		t.Errorf("%v", rows)
	}
	must(t, "train", "--config", "tuned/best.yaml", "--out", "winner")
	sameFiles(t, "winner", filepath.Join("tuned", "trial-"+rows[0]["trial"], "rung-1", "seed-0"))
	if err := os.RemoveAll("tuned"); err != nil {
		t.Fatal(err)
	}
	if second := must(t, append(args, "--parallel", "3")...); second != first {
		t.Errorf("%s\nwith --parallel 3, with 1:\n%s", second, first)
	}
	o := idsrl(slices.Concat(args, []string{"--search-seed", "9"})...)
	if o.code != exitFailure || !strings.Contains(o.stderr, "the folder holds a run already, of another configuration") {
		t.Errorf("another search in the same folder: %+v", o)
	}
}
