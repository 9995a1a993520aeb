package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/results"
)

// manifest reads the manifest of a run.
func manifest(t *testing.T, dir string) (m results.Manifest) {
	t.Helper()
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, results.ManifestFile))), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTrain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "run")
	o := idsrl("train", "--env", "idsgame-minimal_defense-v2", "--algo", "tabular-q", "--out", dir, "--episodes", "4000",
		"--set", "evaluations=4", "--set", "eval_episodes=200", "--set", "final_episodes=1000", "--set", "log_rows=20")
	if o.code != exitOK {
		t.Fatalf("%+v", o)
	}
	if !strings.HasPrefix(o.stdout, "┌") || !strings.HasSuffix(o.stdout, "┘\n") || strings.Count(o.stdout, "┌") != 1 {
		t.Errorf("standard output is not a table and nothing else:\n%s", o.stdout)
	}
	lines := strings.Split(strings.TrimSpace(o.stderr), "\n")
	if last := lines[len(lines)-1]; last != "Kept in "+dir {
		t.Errorf("the last line is %q", last)
	}
	if len(lines) < 2 {
		t.Error("no line says how far the training is")
	}
	for _, line := range lines[:len(lines)-1] {
		if !strings.Contains(line, "level=INFO msg=training seed=0 ") {
			t.Errorf("not a line of the log: %q", line)
		}
	}

	var names []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"config.yaml", "eval.csv", "final.ckpt", "manifest.json", "train.csv"}; !slices.Equal(names, want) {
		t.Errorf("the folder holds %v, want %v", names, want)
	}
	if rows := readRows(t, readFile(t, filepath.Join(dir, results.TrainFile))); len(rows) != 20 {
		t.Errorf("train.csv has %d rows, want 20", len(rows))
	}
	evals := readRows(t, readFile(t, filepath.Join(dir, results.EvalFile)))
	if len(evals) != 2*(1+4) {
		t.Errorf("eval.csv has %d rows, want 10: before training and 4 times, in two modes", len(evals))
	}
	if m := manifest(t, dir); m.Status != results.Finished || m.Episodes != 4000 || m.Env != "idsgame-minimal_defense-v2" ||
		m.Algo != "tabular-q" {
		t.Errorf("%+v", m)
	}

	// The table of results is the same, and all its formats hold the same numbers.
	if out := must(t, "results", dir); out != o.stdout {
		t.Errorf("results prints\n%s\ntrain printed\n%s", out, o.stdout)
	}
	last := evals[len(evals)-2:]
	if last[0]["mode"] != "greedy" || last[1]["mode"] != "sampled" {
		t.Fatalf("%v", last)
	}
	for column, want := range map[string]string{
		"env": "idsgame-minimal_defense-v2", "algo": "tabular-q", "seeds": "1", "unfinished": "0",
		"greedy_hack_probability": last[0]["hack_probability"], "sampled_hack_probability": last[1]["hack_probability"],
		"detection_probability": last[0]["detection_probability"], "attacker_return": last[0]["attacker_return"],
		"defender_return": last[0]["defender_return"], "episode_length": last[0]["episode_length"], "steps": last[0]["step"],
	} {
		if got := readRows(t, must(t, "results", "--format", "csv", dir))[0][column]; got != want {
			t.Errorf("results --format csv: %s is %s, want %s", column, got, want)
		}
		got := readObjects(t, must(t, "results", "--format", "json", dir))[0][column]
		if x, isNumber := got.(float64); isNumber && x != number(t, want) || !isNumber && got != want {
			t.Errorf("results --format json: %s is %v, want %s", column, got, want)
		}
		if strings.HasSuffix(column, "hack_probability") || column == "env" {
			if column != "env" {
				want = fmt.Sprintf("%.3f", number(t, want))
			}
			for _, format := range []string{"table", "markdown"} {
				out := must(t, "results", "--format", format, dir)
				if column != "sampled_hack_probability" && !strings.Contains(out, want) {
					t.Errorf("results --format %s does not show %s: %s\n%s", format, column, want, out)
				}
			}
		}
	}
	for line := range strings.Lines(must(t, "results", "--format", "markdown", dir)) {
		if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|\n") {
			t.Errorf("not a line of a Markdown table: %q", line)
		}
	}
	seeds := readRows(t, must(t, "results", "--seeds", "--format", "csv", dir))
	if len(seeds) != 1 || seeds[0]["greedy_hack_probability"] != last[0]["hack_probability"] ||
		seeds[0]["greedy_hack_probability_low"] != last[0]["hack_low"] || seeds[0]["dir"] != dir || seeds[0]["seed"] != "0" {
		t.Errorf("results --seeds: %v", seeds)
	}
}

// The number of runs at the same time decides nothing.
func TestParallel(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	args := append([]string{"train", "--env", "idsgame-random_defense-v2", "--algo", "tabular-q", "--seed", "5", "--seeds", "3"},
		small...)
	first := idsrl(append(args, "--parallel", "1", "--out", one)...)
	second := idsrl(append(args, "--parallel", "2", "--out", two)...)
	if first.code != exitOK || second.code != exitOK {
		t.Fatalf("%+v\n%+v", first, second)
	}
	sameFiles(t, one, two)
	a, b := readRows(t, must(t, "results", "--format", "csv", one)), readRows(t, must(t, "results", "--format", "csv", two))
	for column, value := range a[0] {
		if timed := column == "steps_per_second" || column == "wall_seconds"; !timed && b[0][column] != value {
			t.Errorf("%s is %s and %s", column, value, b[0][column])
		}
	}
	if len(a) != 1 || len(b) != 1 || a[0]["seeds"] != "3" {
		t.Errorf("%v\n%v", a, b)
	}
	for seed := 5; seed < 8; seed++ {
		dir := filepath.Join(one, fmt.Sprintf("seed-%d", seed))
		if m := manifest(t, dir); m.Seed != uint64(seed) || m.Status != results.Finished {
			t.Errorf("%+v", m)
		}
		// A run of many is the same as the run alone.
		alone := filepath.Join(t.TempDir(), "alone")
		must(t, slices.Concat([]string{"train", "--env", "idsgame-random_defense-v2", "--algo", "tabular-q", "--out", alone,
			"--seed", fmt.Sprint(seed)}, small)...)
		sameFiles(t, dir, alone)
	}
	if !strings.HasSuffix(first.stderr, "Kept in "+one+"\n") {
		t.Errorf("%q", first.stderr)
	}
	five, six := contents(t, filepath.Join(one, "seed-5")), contents(t, filepath.Join(one, "seed-6"))
	if five[results.EvalFile] == six[results.EvalFile] || five[results.FinalCheckpoint] == six[results.FinalCheckpoint] {
		t.Error("two seeds came out the same")
	}
	if rows := readRows(t, must(t, "results", "--seeds", "--format", "csv", one)); len(rows) != 3 {
		t.Errorf("results --seeds shows %d runs", len(rows))
	}
}

// What config prints changes nothing when it is given back, and a saved configuration is the same run.
func TestConfigRoundTrip(t *testing.T) {
	t.Chdir(t.TempDir())
	const env = "idsgame-random_attack-v1"
	plain := append([]string{"train", "--env", env, "--algo", "tabular-q"}, small...)
	must(t, plain...)
	home := filepath.Join("results", env, "tabular-q", "seed-0")
	exists(t, filepath.Join(home, results.FinalCheckpoint))

	writeFile(t, "q.yaml", must(t, "config", "tabular-q"))
	must(t, append([]string{"train", "--config", "q.yaml", "--env", env, "--out", "from-config"}, small...)...)
	sameFiles(t, home, "from-config")

	writeFile(t, "env.yaml", must(t, "config", "env", env))
	before := contents(t, home)
	must(t, append(plain, "--env-config", "env.yaml")...) // into the same folder: it is no variant
	for name, text := range contents(t, home) {
		if before[name] != text {
			t.Errorf("--env-config with the values of the environment changes %s", name)
		}
	}

	must(t, "train", "--config", filepath.Join(home, results.ConfigFile), "--out", "again")
	sameFiles(t, home, "again")

	// Other seeds of a saved configuration have instances of their own, as without the file.
	must(t, append(plain, "--seed", "0", "--seeds", "2", "--out", "plain")...)
	must(t, "train", "--config", filepath.Join(home, results.ConfigFile), "--seeds", "2", "--out", "saved")
	sameFiles(t, "plain", "saved")

	// Without an id, config env shows the environment of the examples; its values fit that one.
	writeFile(t, "example.yaml", must(t, "config", "env"))
	must(t, "envs", "show", "--env-config", "example.yaml", exampleEnv)
	if a, b := must(t, "config", "env"), must(t, "config", "env", exampleEnv); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}

// Every environment's settings can be printed and given back.
func TestConfigOfEveryEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	ids := environments().IDs()
	if testing.Short() {
		ids = ids[:10]
	}
	for _, id := range ids {
		writeFile(t, "env.yaml", must(t, "config", "env", id))
		if a, b := must(t, "envs", "show", id), must(t, "envs", "show", "--env-config", "env.yaml", id); a != b {
			t.Errorf("%s: %s\n%s", id, a, b)
		}
	}
}

// What is set otherwise shows in the name of the folder.
func TestVariants(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, test := range []struct {
		flags  string
		folder string // a pattern
	}{
		{"", "idsgame-v2/tabular-q/seed-0"},
		{"--env-set num_layers=1", "idsgame-v2/tabular-q/seed-0"}, // as it is
		{"--env-set num_layers=2", "idsgame-v2+num_layers=2/tabular-q/seed-0"},
		{"--env-set num_layers=2 --env-set max_value=5 --seed 7", "idsgame-v2+num_layers=2,max_value=5/tabular-q/seed-7"},
		{"--set gamma=0.9", "idsgame-v2/tabular-q+gamma=0.9/seed-0"},
		{"--set alpha.end=0.0005 --env-set dense_rewards=true", "idsgame-v2+dense_rewards=true/tabular-q+alpha.end=0.0005/seed-0"},
		{
			"--env-set num_layers=2 --env-set max_game_steps=50 --env-set num_attack_types=3 --env-set reconnaissance_actions=true",
			"idsgame-v2+[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]/tabular-q/seed-0",
		},
	} {
		if err := os.RemoveAll("results"); err != nil {
			t.Fatal(err)
		}
		args := slices.Concat([]string{"train", "--env", "idsgame-v2", "--algo", "tabular-q"}, small, strings.Fields(test.flags))
		must(t, args...)
		found, err := filepath.Glob(filepath.Join("results", test.folder, results.FinalCheckpoint))
		if err != nil || len(found) != 1 {
			all, _ := filepath.Glob("results/*/*/*")
			t.Errorf("%q: not in %s but in %v", test.flags, test.folder, all)
			continue
		}
		// The name in the manifest, and with it in tables, is that of the folder.
		m := manifest(t, filepath.Dir(found[0]))
		if want := filepath.ToSlash(filepath.Join("results", m.Env, m.Algo)); want != filepath.ToSlash(filepath.Dir(filepath.Dir(found[0]))) {
			t.Errorf("%q: the manifest says %s, the folder is %s", test.flags, want, found[0])
		}
	}
}

// Both seats of a game learn at once.
func TestBothSeatsLearn(t *testing.T) {
	dir := quickRun(t, "idsgame-v0")
	row := readRows(t, readFile(t, filepath.Join(dir, results.TrainFile)))[9]
	for _, column := range []string{"attacker/td_error", "defender/td_error", "attacker_return", "defender_return"} {
		if row[column] == "" {
			t.Errorf("train.csv has no %s", column)
		}
	}
	if a, d := number(t, row["attacker_return"]), number(t, row["defender_return"]); a != -d {
		t.Errorf("returns %v and %v of a zero-sum game", a, d)
	}
	rows := readRows(t, must(t, "eval", "--episodes", "50", "--format", "csv", dir))
	if len(rows) != 2 || rows[0]["attacker_return"] == "" || rows[0]["defender_return"] == "" {
		t.Errorf("%v", rows)
	}
}

// Each seat has a player of its own; the folder and config.yaml say which.
func TestPlayers(t *testing.T) {
	t.Chdir(t.TempDir())
	run := func(dir, flags string) {
		t.Helper()
		must(t, slices.Concat([]string{"train"}, small, strings.Fields(flags))...)
		exists(t, filepath.Join("results", dir, "seed-0", results.FinalCheckpoint))
	}
	const pair = "idsgame-v0/tabular-q-vs-tabular-q+gamma=0.9"
	run(pair, "--env idsgame-v0 --attacker tabular-q --defender tabular-q --set defender.gamma=0.9")
	run("idsgame-minimal_defense-v0/tabular-q-vs-bot-random", "--env idsgame-minimal_defense-v0 --algo tabular-q --defender bot:random")
	if m := manifest(t, "results/"+pair+"/seed-0"); m.Algo != filepath.Base(pair) {
		t.Errorf("%+v", m)
	}

	// A flag takes the place of what the file says.
	writeFile(t, "q.yaml", "env: idsgame-v0\nalgo: tabular-q\ndefender: bot:minimal\n")
	run("idsgame-v0/tabular-q-vs-bot-minimal", "--config q.yaml")
	run("idsgame-v0/tabular-q-vs-random", "--config q.yaml --defender random")
	run("idsgame-v0/tabular-q", "--config q.yaml --defender=")

	// The configuration of a run that keeps a frozen opponent is complete together with its folder.
	must(t, slices.Concat([]string{"train"}, small, strings.Fields(
		"--env idsgame-v0 --algo tabular-q --out frozen --defender checkpoint:results/"+pair+"/seed-0"))...)
	must(t, "train", "--config", "frozen/config.yaml", "--out", "again")
	sameFiles(t, "frozen", "again")
	if name := manifest(t, "frozen").Algo; !strings.HasPrefix(name, "tabular-q-vs-checkpoint-") {
		t.Errorf("the algorithm is called %s", name)
	}
}

// config explains every key, also those that a saved configuration leaves out.
func TestConfigExplainsPlayers(t *testing.T) {
	for key, about := range map[string]string{
		`attacker: ""`: "who plays the attacker", `defender: ""`: "the same for the defender",
		"attacker_settings: {}": "hyperparameters of", "defender_settings: {}": "hyperparameters of",
	} {
		text := must(t, "config", "ppo")
		before, _, ok := strings.Cut(text, "\n"+key+"\n")
		lines := strings.Split(before, "\n")
		for len(lines) > 1 && strings.HasPrefix(lines[len(lines)-2], "#") {
			lines = slices.Delete(lines, len(lines)-1, len(lines)) // to the first line of its comment
		}
		if !ok || !strings.HasPrefix(lines[len(lines)-1], "# "+about) {
			t.Errorf("config does not explain %s:\n%s", key, text)
		}
	}
}

// A budget on the command line takes the place of the file's and of the algorithm's.
func TestBudgets(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "q.yaml", "env: idsgame-minimal_defense-v0\nalgo: tabular-q\nepisodes: 20\n"+
		"evaluations: 1\neval_episodes: 10\nfinal_episodes: 10\n")
	for _, test := range []struct {
		flags           string
		episodes, steps int64 // 0: not to look at
	}{
		{"", 20, 0},
		{"--episodes 70", 70, 0},
		{"--steps 333", 0, 333},
		{"--set steps=15", 0, 15}, // with the file's: the smaller one
		{"--episodes 1000000 --steps 222", 0, 222},
		{"--episodes 33 --steps 1000000", 33, 0},
	} {
		must(t, append([]string{"train", "--config", "q.yaml", "--out", "run", "--force"}, strings.Fields(test.flags)...)...)
		m := manifest(t, "run")
		if test.episodes > 0 && m.Episodes != test.episodes || test.steps > 0 && m.Steps != test.steps {
			t.Errorf("%q: %d episodes and %d steps, want %d or %d", test.flags, m.Episodes, m.Steps, test.episodes, test.steps)
		}
	}
}

// The instance seed decides the layout and nothing but it.
func TestInstanceSeed(t *testing.T) {
	first, same := quickRun(t, "idsgame-minimal_defense-v2", "--instance-seed", "3"), quickRun(t, "idsgame-minimal_defense-v2", "--instance-seed", "3")
	sameFiles(t, first, same)
	if m := manifest(t, first); m.InstanceSeed != 3 {
		t.Errorf("%+v", m)
	}
	layouts := map[string]bool{}
	for instance := range 5 {
		dir := quickRun(t, "idsgame-minimal_defense-v2", "--instance-seed", fmt.Sprint(instance+1))
		layouts[string(manifest(t, dir).Layout)] = true
	}
	if len(layouts) < 2 {
		t.Errorf("five instance seeds gave the layout %v", layouts)
	}
}

// A folder that holds a run is kept unless the run is the same or --force is given.
func TestExistingRun(t *testing.T) {
	dir := quickRun(t, "idsgame-v0")
	before := contents(t, dir)
	base := slices.Concat([]string{"train", "--env", "idsgame-v0", "--algo", "tabular-q", "--out", dir}, small)

	other := append(slices.Clone(base), "--seed", "1")
	o := idsrl(other...)
	if o.code != exitFailure || !strings.Contains(o.stderr, "of another configuration: "+dir+"; choose another --out, or replace it with --force") {
		t.Errorf("%+v", o)
	}
	for name, text := range contents(t, dir) {
		if before[name] != text {
			t.Errorf("%s was changed by a refused command", name)
		}
	}

	must(t, base...) // the same again
	for name, text := range contents(t, dir) {
		if before[name] != text {
			t.Errorf("%s came out differently", name)
		}
	}

	must(t, append(other, "--force")...)
	if m := manifest(t, dir); m.Seed != 1 {
		t.Errorf("--force did not replace the run: %+v", m)
	}
	fresh := quickRun(t, "idsgame-v0", "--seed", "1")
	sameFiles(t, dir, fresh)

	// A finished run can be resumed; there is nothing left to do.
	was := readFile(t, filepath.Join(dir, results.ManifestFile))
	if out := must(t, "train", "--resume", dir, "--parallel", "2"); out != must(t, "results", dir) {
		t.Errorf("%s", out)
	}
	if now := readFile(t, filepath.Join(dir, results.ManifestFile)); now != was {
		t.Errorf("the manifest was\n%s\nand is\n%s", was, now)
	}

	// What is no manifest is not overwritten either.
	writeFile(t, filepath.Join(dir, results.ManifestFile), "{")
	if o := idsrl(base...); o.code != exitFailure || !strings.Contains(o.stderr, "cannot be read") || !strings.Contains(o.stderr, "--force") {
		t.Errorf("%+v", o)
	}
	must(t, append(slices.Clone(base), "--force")...)
}
