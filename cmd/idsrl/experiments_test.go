package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/results"
)

// published is the tree of experiments that is published.
func published(t *testing.T, file string) (*experiments.Tree, []experiments.Experiment) {
	t.Helper()
	tree := &experiments.Tree{
		Catalog: catalog(), Dir: filepath.Join("..", "..", "experiments"), Runs: t.TempDir(), File: file, Quick: true,
	}
	list, err := tree.Find()
	if err != nil {
		t.Fatal(err)
	}
	return tree, list
}

// Every configuration can be run.
func TestExperimentsLoad(t *testing.T) {
	for file, least := range map[string]int{results.ConfigFile: 257, experiments.OriginalFile: 190} {
		tree, list := published(t, file)
		if len(list) < least {
			t.Errorf("%d experiments have a %s, want %d at least", len(list), file, least)
		}
		for _, e := range list {
			needs, err := e.Needs(0)
			if err == nil && e.Kind == experiments.Training {
				_, err = e.Config()
			} else if err == nil && len(needs) == 0 {
				_, err = e.Measure(context.Background())
			}
			if err != nil {
				t.Errorf("%s: %v", e.Name, err)
			}
			if env, players, err := e.Players(); err != nil || env == "" || strings.Contains(players, "..") {
				t.Errorf("%s: players %q in %q, %v", e.Name, players, env, err)
			}
		}
		if _, err := tree.Jobs(list, 1); err != nil {
			t.Error(err)
		}
	}
}

// Every experiment of the original has its folder, and what repeats another one says which.
func TestOriginalExperiments(t *testing.T) {
	tree, list := published(t, results.ConfigFile)
	originals, err := tree.Originals()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]experiments.Kind{}
	for _, e := range list {
		there[e.Name] = e.Kind
	}
	count := map[experiments.Kind]int{}
	for name, original := range originals {
		count[there[name]]++
		if there[name] == "" {
			t.Errorf("%s has no folder", name)
		}
		if original.SameAs != "" && there[original.SameAs] == "" {
			t.Errorf("%s is the same as %s, which has no folder", name, original.SameAs)
		}
		if (original.Hacked == "") != (original.HackedIs == "") {
			t.Errorf("%s: %q is %q", name, original.Hacked, original.HackedIs)
		}
	}
	for kind, want := range map[experiments.Kind]int{
		experiments.Training: 190, experiments.Simulating: 28, experiments.Playing: 39,
	} {
		if count[kind] != want {
			t.Errorf("%s: %d experiments, the original has %d", kind, count[kind], want)
		}
	}
}

// README files and Makefiles follow from the configurations and from what is published.
func TestExperimentsPublished(t *testing.T) {
	tree, list := published(t, results.ConfigFile)
	tree.Quick = false // as README files are made
	files, err := tree.Files(list)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		if *update {
			writeFile(t, path, string(want))
		}
		if got := readFile(t, path); got != string(want) {
			t.Errorf("%s is out of date; make tables makes it", path)
		}
	}
}

// What a search found is what the configuration has.
func TestExperimentsSearched(t *testing.T) {
	tree, list := published(t, results.ConfigFile)
	searched := 0
	for _, e := range list {
		path := filepath.Join(e.Dir(), "space.yaml")
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		searched++
		space, err := experiments.ParseSpace(path, data)
		if err != nil {
			t.Fatal(err)
		}
		best := readRows(t, readFile(t, filepath.Join(e.Dir(), "search.csv")))[0]
		file := filepath.Join(e.Dir(), results.ConfigFile)
		from := experiments.Sources{File: settings.File(file, []byte(readFile(t, file))), Dir: e.Dir()}
		is, err := tree.Catalog.Load(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range space {
			from.Set = append(from.Set, d.Key+"="+best[d.Key])
		}
		if found, err := tree.Catalog.Load(from); err != nil || string(found.Encode()) != string(is.Encode()) {
			t.Errorf("%s has not the settings of the best trial, %v: %v", file, from.Set, err)
		}
	}
	if searched == 0 {
		t.Error("no experiment was searched")
	}
}

// Makefiles know what to do for every target.
func TestExperimentsMake(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	root, err := filepath.Abs(filepath.Join("..", "..", "experiments"))
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"run", "eval", "tune", "plots", "gif", "tensorboard", "results", "clean", "help"}
	versions := []string{}
	for _, e := range mustGlob(t, filepath.Join(root, "training", "v*")) {
		versions = append(versions, filepath.Base(e))
	}
	if len(versions) != 22 {
		t.Errorf("versions %v, want 22", versions)
	}
	for dir, targets := range map[string][]string{
		".": slices.Concat(versions, []string{
			"all", "training", "simulations", "selfplay", "netsecgame", "quick", "results", "clean", "help",
		}),
		"training/v0/minimal_defense/dqn":                          ours,
		"simulations/v0/tabular_q_agent_vs_random":                 ours,
		"manual_play/v0/minimal_defense/manual_vs_minimal_defense": ours,
		"netsecgame/two_networks/ppo":                              ours,
	} {
		for _, target := range targets {
			out, err := exec.Command("make", "-n", "-C", filepath.Join(root, dir), "IDSRL=/bin/true", target).CombinedOutput()
			if err != nil || len(strings.TrimSpace(string(out))) == 0 {
				t.Errorf("make -n -C %s %s: %v\n%s", dir, target, err, out)
			}
		}
	}
	out, err := exec.Command("make", "-s", "-C", root, "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"all", "v0 to v21", "quick", "results", "clean"} {
		if !strings.Contains(string(out), "\n"+target+" ") {
			t.Errorf("make help does not name %s:\n%s", target, out)
		}
	}
}

func mustGlob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A finished run is not trained again, one of another configuration is replaced, and a simulation plays what was learnt.
func TestExperimentsRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "experiments"), 0o750); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "experiments")) // where make calls it
	flags := []string{"--tree", ".", "--runs", filepath.Join("..", "bin", "runs")}
	config := func(name, text string) {
		path := filepath.Join(dir, "experiments", name, results.ConfigFile)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const training = "env: idsgame-minimal_defense-v2\nalgo: tabular-q\nevaluations: 1\neval_episodes: 10\nfinal_episodes: 10\nepisodes: "
	config("training/q", training+"200\n")
	config("simulations/q", "env: idsgame-v2\nattacker: greedy:../../../bin/runs/training/q/seed-0\ndefender: random\nepisodes: 10\n")
	config("manual_play/q", "env: idsgame-v2\nas: attacker\nopponent: bot:minimal\n")
	command := func(args ...string) string {
		t.Helper()
		return must(t, slices.Concat([]string{"experiments", args[0]}, flags, args[1:])...)
	}
	ended := func() string {
		run, err := results.ReadRun(filepath.Join(dir, "bin", "runs", "training", "q", "seed-0"))
		if err != nil {
			t.Fatal(err)
		}
		return run.Budget.String() + run.EndedAt.String()
	}
	if out := command("run", "--seeds", "2", "--format", "csv"); len(readRows(t, out)) != 2 {
		t.Errorf("a row for the training and one for the simulation:\n%s", out)
	}
	for flag, want := range map[string]string{"": "10", "--episodes=5": "5"} {
		args := strings.Fields("simulate --format csv --config simulations/q/config.yaml " + flag)
		if rows := readRows(t, must(t, args...)); rows[0]["games"] != want || rows[0]["defender"] != "random" {
			t.Errorf("simulate --config %s: %v", flag, rows)
		}
	}
	first := ended()
	command("run", "--seeds", "2")
	if again := ended(); again != first {
		t.Errorf("a finished run was trained again: %s, before %s", again, first)
	}
	if rows := readRows(t, command("list", "--format", "csv")); len(rows) != 3 || rows[2]["finished"] != "2" || rows[2]["seeds"] != "10" {
		t.Errorf("list: %v", rows)
	}
	config("training/q", training+"300\n")
	command("run", "--seeds", "1", "training")
	if changed := ended(); !strings.HasPrefix(changed, "300 episodes") {
		t.Errorf("a changed configuration was not trained: %s", changed)
	}
	if out := command("run", "--quick"); !strings.HasPrefix(out, "3 experiments run") {
		t.Errorf("quick: %s", out)
	}
	if err := os.Mkdir(filepath.Join(dir, "results"), 0o750); err != nil {
		t.Fatal(err)
	}
	command("publish")
	if out := command("show", "training/q"); out != readFile(t, filepath.Join(dir, "experiments", "training", "q", "README.md")) {
		t.Errorf("show: %s", out)
	}
	if out := command("verify"); strings.Count(out, "none") != 2 { // of one seed, which the simulation plays, too
		t.Errorf("verify: %s", out)
	}
	outcomes := filepath.Join(dir, "results", "experiments.json")
	text := readFile(t, outcomes)
	sum := regexp.MustCompile(`"checkpoints_sha256": \[\s*"`)
	writeFile(t, outcomes, sum.ReplaceAllString(text, "${0}f00d"))
	o := idsrl(slices.Concat([]string{"experiments", "verify"}, flags, []string{"training/q"})...)
	if o.code == exitOK || !strings.Contains(o.stdout, "published [f00d") || !strings.Contains(o.stderr, "1 of 1 scores differ") {
		t.Errorf("verify of another checkpoint: exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	writeFile(t, outcomes, text)
	config("training/wrong", "env: idsgame-minimal_defense-v2\nalgo: tabular\n")
	for flag, rows := range map[string]int{"--keep-going": 2, "--keep-going=false": 0} {
		args := slices.Concat([]string{"experiments", "run"}, flags, []string{"--seeds", "1", "--format", "csv", flag})
		o := idsrl(args...)
		if n := max(0, strings.Count(o.stdout, "\n")-1); o.code == exitOK || n != rows || !strings.Contains(o.stderr, "training/wrong:") {
			t.Errorf("%s: exit code %d, %d rows, want %d\n%s%s", flag, o.code, n, rows, o.stdout, o.stderr)
		}
	}
}

func TestWithoutFolders(t *testing.T) {
	for players, want := range map[string]string{
		"bot:maximal vs random": "bot:maximal vs random",
		"greedy:training/v0/two_agents/dqn vs checkpoint:training/v3/q": "dqn vs q",
		"greedy:../bin/runs/a/dqn/seed-10 vs bot:random":                "dqn vs bot:random",
		"mixture:0.5 greedy:a/b/dqn/seed-0; 0.5 greedy:runs/seed-1":     "mixture:0.5 dqn; 0.5 seed-1",
	} {
		if got := withoutFolders(players); got != want {
			t.Errorf("%s: %s, want %s", players, got, want)
		}
	}
}
