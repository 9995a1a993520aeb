package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idsrl/experiments"
	"idsrl/results"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// outcome is what came of a call of the program.
type outcome struct {
	code           int
	stdout, stderr string
}

// idsrl calls the program. Tests that do must not run in parallel: the program sets the default logger.
func idsrl(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(append([]string{"idsrl"}, args...), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// must calls the program and returns its standard output; it must succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	o := idsrl(args...)
	if o.code != exitOK {
		t.Fatalf("idsrl %s: exit code %d\n%s%s", strings.Join(args, " "), o.code, o.stdout, o.stderr)
	}
	return o.stdout
}

// small are flags that make a training run short.
var small = []string{
	"--episodes", "400", "--set", "evaluations=2", "--set", "eval_episodes=50", "--set", "final_episodes=300",
	"--set", "log_rows=10",
}

// trained makes a run of tabular-q and returns its folder.
func trained(t *testing.T, env string, flags ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	must(t, append([]string{"train", "--env", env, "--algo", "tabular-q", "--out", dir}, flags...)...)
	return dir
}

// quickRun makes a short one.
func quickRun(t *testing.T, env string, flags ...string) string {
	t.Helper()
	return trained(t, env, slices.Concat(small, flags)...)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// exists fails unless there is something at path.
func exists(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// contents are the files below dir whose bytes a configuration decides: all but the manifests.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == results.ManifestFile {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = readFile(t, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("%s holds no files", dir)
	}
	return files
}

// sameFiles fails if the folders differ in anything but their manifests.
func sameFiles(t *testing.T, one, other string) {
	t.Helper()
	a, b := contents(t, one), contents(t, other)
	for name, text := range a {
		if got, ok := b[name]; !ok || got != text {
			t.Errorf("%s: %s holds %d bytes, %s others or none", name, one, len(text), other)
		}
	}
	if len(a) != len(b) {
		t.Errorf("%s holds %d files, %s %d", one, len(a), other, len(b))
	}
}

// readRows reads a table in format csv, a map from column to cell for each row.
func readRows(t *testing.T, text string) []map[string]string {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(lines) == 0 {
		t.Fatalf("not a table: %q: %v", text, err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// readObjects reads a table in format json.
func readObjects(t *testing.T, text string) []map[string]any {
	t.Helper()
	var rows []map[string]any
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return rows
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Every wrong use ends with its exit code and says what is wrong, on standard error only.
func TestErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	const env = "idsgame-minimal_defense-v0"
	quick := []string{"train", "--env", env, "--algo", "tabular-q", "--out", "attack"}
	must(t, append(quick, small...)...)
	must(t, append([]string{"train", "--env", "idsgame-v0", "--algo", "tabular-q", "--out", "both"}, small...)...)
	must(t, append([]string{"train", "--env", "toy-corridor-v0", "--algo", "tabular-q", "--out", "toy"}, small...)...)
	if err := os.MkdirAll("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "text", "no recording\n")
	writeFile(t, "cut.jsonl.gz", "\x1f\x8b\x08")
	writeFile(t, "broken.yaml", "env: [\n")
	formats := "must be one of table, markdown, latex, csv, json"
	for _, test := range []struct {
		args string
		code int
		says []string
	}{
		// Commands and flags.
		{"trian", 2, []string{`no command called "trian"`, `did you mean "train"?`}},
		{"nothing-like-it", 2, []string{"there are: train, "}},
		{"envs lst", 2, []string{`no command called "lst"`, `did you mean "list"?`}},
		{"bench speed", 2, []string{`no command called "speed"`, "there are: envs"}},
		{"--versio", 2, []string{"-versio", "did you mean --version?"}},
		{"train --episode 3", 2, []string{"-episode", "did you mean --episodes?"}},
		{"envs list --roles defender", 2, []string{"-roles", "did you mean --role?"}},
		{"eval --opponen random attack", 2, []string{"-opponen", "did you mean --opponent?"}},
		{"results --zzzzzz", 2, []string{"-zzzzzz", "see --help"}},
		{"train --seeds many", 2, []string{`"many"`, "-seeds"}},
		{"bench envs --time soon", 2, []string{`"soon"`, "-time"}},
		{"eval --opponent", 2, []string{"needs an argument", "-opponent"}},

		// Missing and superfluous arguments.
		{"train", 2, []string{"name one with --env", "name one with --algo: tabular-q"}},
		{"train --env " + env, 2, []string{"name one with --algo: tabular-q"}},
		{"train --algo tabular-q", 2, []string{"name one with --env"}},
		{"train " + env, 2, []string{"takes flags only", env}},
		{"eval", 2, []string{"needs a RUN, after the flags"}},
		{"eval attack both", 2, []string{"must be the seeds of one training"}},
		{"eval attack --episodes 5", 2, []string{"flags before the first RUN"}},
		{"experiments run training/v0 --seeds 2", 2, []string{"flags before the first NAME"}},
		{"envs show", 2, []string{"needs one ID"}},
		{"envs show idsgame-v0 idsgame-v1", 2, []string{"needs one ID"}},
		{"config", 2, []string{"name of an algorithm (tabular-q, dqn, reinforce, actor-critic, ppo)"}},
		{"config tabular-q " + env, 2, []string{"name of an algorithm (tabular-q, dqn, reinforce, actor-critic, ppo)"}},
		{"config env " + env + " " + env, 2, []string{"name of an algorithm (tabular-q, dqn, reinforce, actor-critic, ppo)"}},
		{"replay", 2, []string{"needs recordings"}},
		{"baselines", 2, []string{"needs IDs"}},

		// Names.
		{"train --env idsgame-minimal_defnse-v2 --algo tabular-q", 2, []string{`did you mean "idsgame-minimal_defense-v2"?`}},
		{"train --env " + env + " --algo tabular_q", 2, []string{`no algorithm called "tabular_q"`, `did you mean "tabular-q"?`}},
		{"train --env " + env + " --algo dreamer", 2, []string{`no algorithm called "dreamer"`, "there are: tabular-q"}},
		{"train --env idsgame-v0 --attacker pppo --defender dqn", 2, []string{`attacker: there is no player called "pppo"`, `did you mean "ppo"?`}},
		{"train --env idsgame-v0 --algo ppo --defender bot:minmal", 2, []string{"defender = bot:minmal", `did you mean "minimal"?`}},
		{"train --env idsgame-v0 --attacker ppo", 2, []string{"who plays the defender?", "--defender", "--algo"}},
		{"train --env " + env + " --attacker bot:random", 2, []string{"nobody learns", "name an algorithm with --attacker or --defender"}},
		{"config tabular_q", 2, []string{`did you mean "tabular-q"?`}},
		{"config env idsgame-vO", 2, []string{`did you mean "idsgame-v`, "idsrl envs list shows all"}},
		{"envs show idsgame-minimaldefense-v2", 2, []string{`did you mean "idsgame-minimal_defense-v2"?`}},
		{"bench envs chess", 2, []string{`no environment called "chess"`, "idsrl envs list shows all"}},
		{"envs list --role benign", 2, []string{"--role benign", "attacker and defender"}},
		{"envs list --version 99", 2, []string{"no environment is like that"}},
		{"envs list chess", 2, []string{"no environment is like that"}},
		{"eval --env idsgame-minimal_defnse-v0 attack", 2, []string{`did you mean "idsgame-minimal_defense-v0"?`}},
		{"eval --as benign attack", 2, []string{"--as benign", "attacker and defender"}},
		{"eval --as attacker --opponent bot:minmal both", 2, []string{`did you mean "minimal"?`}},
		{"eval --as attacker --opponent bot:maximal both", 2, []string{`no bot of this seat called "maximal"`, `did you mean "minimal"?`}},

		// Settings.
		{"train --env " + env + " --algo tabular-q --set alpa.start=1", 2, []string{"--set: alpa.start = 1: unknown setting"}},
		{"train --env " + env + " --algo tabular-q --set gama=1", 2, []string{"--set: gama = 1: unknown setting; did you mean gamma?"}},
		{"train --env " + env + " --algo tabular-q --set evaluation=1", 2, []string{"--set: evaluation = 1: unknown setting"}},
		{"train --env " + env + " --algo tabular-q --set gamma", 2, []string{"--set: gamma: must look like key=value"}},
		{"train --env " + env + " --algo tabular-q --episodes -5", 2, []string{"episodes = -5: must be in [0, inf)"}},
		{"train --env " + env + " --algo tabular-q --seeds 0", 2, []string{"--seeds 0: must be at least 1"}},
		{"train --env " + env + " --algo tabular-q --seeds -2", 2, []string{"--seeds -2: must be at least 1"}},
		{"train --env " + env + " --algo tabular-q --env-set num_layer=2", 2, []string{"--env-set: num_layer = 2: unknown setting; did you mean num_layers?"}},
		{"train --env " + env + " --algo tabular-q --env-set defense_val=9 --env-set max_value=3", 2, []string{"defense_val = 9: must be at most max_value = 3"}},
		{"train --env " + env + " --algo ppo --set defender.gamma=1", 2, []string{"--set defender: gamma = 1: bot:minimal, which does not learn"}},
		{"train --env idsgame-v0 --attacker ppo --defender tabular-q --set gama=1", 2, []string{"--set: gama = 1: unknown setting; did you mean gamma?"}},
		{"train --config none.yaml", 2, []string{"--config: ", "none.yaml"}},
		{"train --env " + env + " --algo tabular-q --env-config none.yaml", 2, []string{"--env-config: ", "none.yaml"}},
		{"train --config broken.yaml", 2, []string{"broken.yaml:1: not YAML"}},
		{"envs show --env-set max_value=0 idsgame-v0", 2, []string{"--env-set: max_value = 0: must be in [1, 100]"}},
		{"eval --env-set max_value=x attack", 2, []string{"--env-set: max_value = x: must be an integer"}},
		{"baselines --seeds 0 " + env, 2, []string{"at least 1"}},
		{"baselines --games 0 " + env, 2, []string{"at least 1"}},
		{"baselines --format yaml " + env, 2, []string{"--format yaml", formats}},
		{"baselines idsgame-minimal_defnse-v2", 2, []string{`did you mean "idsgame-minimal_defense-v2"?`}},
		{"eval --episodes 0 attack", 2, []string{"--episodes 0: must be at least 1"}},
		{"bench envs --time 0s idsgame-v0", 2, []string{"--time 0s: must be more than 0"}},
		{"bench envs --time -1s idsgame-v0", 2, []string{"--time -1s: must be more than 0"}},
		{"results --format yaml attack", 2, []string{"--format yaml", formats}},
		{"eval --format yaml attack", 2, []string{"--format yaml", formats}},
		{"envs list --format yaml", 2, []string{"--format yaml", formats}},
		{"bench envs --format yaml --time 1h", 2, []string{"--format yaml", formats}},

		// Runs and files.
		{"eval none", 1, []string{"none"}},
		{"eval empty", 1, []string{"empty holds no checkpoint (final.ckpt or last.ckpt)"}},
		{"eval text", 1, []string{"text: not a checkpoint"}},
		{"eval --as attacker --opponent checkpoint:none both", 1, []string{"none"}},
		{"eval --as attacker --opponent checkpoint:attack both", 1, []string{"attack", "holds no defender"}},
		{"eval --as defender attack", 1, []string{"has learnt to be the attacker"}},
		{"eval --env idsgame-v2 attack", 1, []string{"30 actions, not 40"}},
		{"eval --env toy-corridor-v0 both", 1, []string{"plays none of the seats", "the attacker and the defender"}},
		{"eval --record games.jsonl toy", 1, []string{"toy-corridor-v0 cannot be recorded"}},
		{"eval --attack-stats stats toy", 1, []string{"toy-corridor-v0 has no attacks to log"}},
		{"eval --record none/games.jsonl attack", 1, []string{"games.jsonl"}},
		{"train --env idsgame-v0 --algo ppo --defender checkpoint:none", 2, []string{"defender = checkpoint:none", "no such file"}},
		{"train --env idsgame-v2 --algo ppo --defender checkpoint:both", 1, []string{"33 actions, not 44", "take a run of the same game"}},
		{"train --env idsgame-v0 --algo ppo --defender greedy:attack", 1, []string{"holds no defender"}},
		{"results none", 2, []string{"no folder none to look for runs in"}},
		{"results empty", 1, []string{"no run in empty"}},
		{"results", 2, []string{"no folder results to look for runs in"}},
		{"replay none.jsonl", 1, []string{"none.jsonl"}},
		{"replay cut.jsonl.gz", 1, []string{"cut.jsonl.gz: "}},
		{"train --resume none", 1, []string{"nothing to resume", "none"}},
		{"train --resume empty", 1, []string{"nothing to resume", "empty"}},
		{"train --resume attack --episodes 5", 2, []string{"--resume", "--episodes has no place beside it"}},
		{"train --env " + env + " --resume attack", 2, []string{"--resume", "--env has no place beside it"}},
		{"train --resume attack --set gamma=1", 2, []string{"--resume", "--set has no place beside it"}},
		{"train --resume attack --defender ppo", 2, []string{"--resume", "--defender has no place beside it"}},
		{"train --resume attack --force", 2, []string{"--resume", "--force has no place beside it"}},
		{strings.Join(quick, " ") + " --seed 3", 1, []string{
			"the folder holds a run already, of another configuration: attack", "choose another --out, or replace it with --force",
		}},
	} {
		t.Run(test.args, func(t *testing.T) {
			o := idsrl(strings.Fields(test.args)...)
			if o.code != test.code || o.stdout != "" {
				t.Errorf("exit code %d, want %d; standard output %q, want none", o.code, test.code, o.stdout)
			}
			for _, part := range test.says {
				if !strings.Contains(o.stderr, part) {
					t.Errorf("does not say %q:\n%s", part, o.stderr)
				}
			}
			for line := range strings.Lines(o.stderr) {
				if !strings.HasPrefix(line, "idsrl: ") {
					t.Errorf("the line does not say who speaks: %q", line)
				}
			}
		})
	}
}

// Wrong usage that only the packages below notice is explained, whatever the exit code.
func TestErrorsFromBelow(t *testing.T) {
	t.Chdir(t.TempDir())
	must(t, append([]string{"train", "--env", "idsgame-v0", "--algo", "tabular-q", "--out", "both"}, small...)...)
	for args, part := range map[string]string{
		"baselines --games 1 idsgame-v0":                             "env = idsgame-v0: has 2 open seats",
		"train --env idsgame-v0 --algo tabular-q --set state=grid":   "state = grid: ",
		"eval --as attacker both":                                    "opponent: who plays the defender? name one",
		"eval --as attacker --opponent human both":                   "player = human: is none of: bot:NAME, random, constant:ACTION",
		"eval --as attacker --opponent constant:zero both":           "constant = zero: the defender has no such action: ids are 0 to 32",
		"eval --as attacker --opponent constant:33 both":             "constant = 33: the defender has no such action",
		"eval --opponent random --as defender --env idsgame-v2 both": "33 actions, not 44",
	} {
		if o := idsrl(strings.Fields(args)...); o.code == exitOK || o.stdout != "" || !strings.Contains(o.stderr, part) {
			t.Errorf("%s: exit code %d, %q and %q, want %q", args, o.code, o.stdout, o.stderr, part)
		}
	}
}

// A line that is no recording is a difference.
func TestReplayMalformed(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "text.jsonl", "no recording\n")
	o := idsrl("replay", "text.jsonl")
	if o.code != exitFailure || !strings.Contains(o.stdout, "1 differences\n  first: text.jsonl, line 1: ") ||
		o.stderr != "idsrl: 1 of 1 files differ or cannot be read\n" {
		t.Errorf("%+v", o)
	}
}

// All bad settings are reported at once, a line each, with file and line.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "run.yaml", `env: idsgame-minimal_defense-v2
algo: tabular-q
evaluations: 0
episods: 5
seed: -1
settings:
  gamma: two
  alpa: 3
env_settings:
  num_layers: many
`)
	writeFile(t, "env.yaml", "max_value: x\n\n# a comment\ndefens_val: 2\n")
	o := idsrl("train", "--config", "run.yaml", "--env-config", "env.yaml", "--set", "log_rows=0", "--set", "omega=2",
		"--env-set", "max_game_steps=0")
	want := []string{
		"idsrl: --env-set: max_game_steps = 0: must be in [1, 100000]",
		"idsrl: --set: log_rows = 0: must be in [1, 100000]",
		"idsrl: --set: omega = 2: must be in [0, 1]",
		"idsrl: env.yaml:1: max_value = x: must be an integer",
		"idsrl: env.yaml:4: defens_val = 2: unknown setting; did you mean defense_val?",
		"idsrl: run.yaml:10: env_settings.num_layers = many: must be an integer",
		"idsrl: run.yaml:3: evaluations = 0: must be in [1, 10000]",
		"idsrl: run.yaml:4: episods = 5: unknown setting; did you mean episodes?",
		"idsrl: run.yaml:5: seed = -1: must be in [0, 18446744073709551615]",
		"idsrl: run.yaml:7: settings.gamma = two: must be a number",
		"idsrl: run.yaml:8: settings.alpa = 3: unknown setting; did you mean settings.alpha?",
	}
	got := strings.Split(strings.TrimSpace(o.stderr), "\n")
	slices.Sort(got)
	if o.code != exitUsage || !slices.Equal(got, want) {
		t.Errorf("exit code %d and\n%s\nwant\n%s", o.code, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// Names that do not exist are among them.
	o = idsrl("train", "--env", "idsgame-minimal_defnse-v2", "--algo", "tabular_q", "--set", "envs=5000")
	if n := strings.Count(o.stderr, "\n"); o.code != exitUsage || n != 3 {
		t.Errorf("exit code %d and %d lines, want 2 and 3:\n%s", o.code, n, o.stderr)
	}
}

// Nothing is left behind by a command line that is refused.
func TestRefusedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, args := range []string{
		"train --env idsgame-v0 --algo tabular-q --set gamma=2",
		"train --env idsgame-v0 --algo tabular-q --set state=grid --out run",
		"train --env idsgame-v0 --algo tabular-q --seeds 0",
	} {
		if o := idsrl(strings.Fields(args)...); o.code == exitOK {
			t.Errorf("%s: exit code 0", args)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestVersion(t *testing.T) {
	for _, flag := range []string{"--version", "-v"} {
		if out := must(t, flag); !strings.HasPrefix(out, "idsrl "+version+" (commit "+commit+", go") {
			t.Errorf("%s: %q", flag, out)
		}
	}
}

// An interrupt that comes before a run began is an interrupt all the same, with nothing to resume.
func TestInterruptedBeforeStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(experiments.Options) (*experiments.Run, error) {
		t.Error("a run began after the interrupt")
		return nil, errors.New("began")
	}
	for parallel := 1; parallel <= 3; parallel++ {
		dirs, err := trainAll(ctx, []start{never, never}, parallel, newProgress(new(bytes.Buffer), 2), nil)
		if len(dirs) > 0 || !errors.Is(err, experiments.ErrInterrupted) {
			t.Errorf("%v, %v", dirs, err)
		}
	}
}

// A run that fails loses nothing of the others, and every failure is told.
func TestFailureKeepsOthers(t *testing.T) {
	cfg, err := catalog().Load(experiments.Sources{Env: "idsgame-v0", Algo: "tabular-q", Set: []string{
		"episodes=50", "evaluations=1", "eval_episodes=5", "final_episodes=5",
	}})
	if err != nil {
		t.Fatal(err)
	}
	first, last := errors.New("the disk is full"), errors.New("the folder is gone")
	fail := func(err error) start {
		return func(experiments.Options) (*experiments.Run, error) { return nil, err }
	}
	for parallel := 1; parallel <= 3; parallel++ {
		dir := filepath.Join(t.TempDir(), "run")
		well := func(o experiments.Options) (*experiments.Run, error) { return catalog().Start(cfg, dir, false, o) }
		dirs, err := trainAll(t.Context(), []start{fail(first), well, fail(last)}, parallel, newProgress(new(bytes.Buffer), 3), nil)
		if !slices.Equal(dirs, []string{dir}) || !errors.Is(err, first) || !errors.Is(err, last) {
			t.Errorf("%v, %v", dirs, err)
		}
		if m := manifest(t, dir); m.Status != results.Finished {
			t.Errorf("%+v", m)
		}
	}
}

// After an interrupt, only the runs that it stopped are to be resumed, not those that had finished.
func TestInterruptedRunsOnly(t *testing.T) {
	cfg, err := catalog().Load(experiments.Sources{Env: "idsgame-v0", Algo: "tabular-q", Set: []string{
		"episodes=50", "evaluations=1", "eval_episodes=5", "final_episodes=5",
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	finished, stopped := filepath.Join(t.TempDir(), "finished"), filepath.Join(t.TempDir(), "stopped")
	starts := []start{
		func(o experiments.Options) (*experiments.Run, error) { return catalog().Start(cfg, finished, false, o) },
		func(o experiments.Options) (*experiments.Run, error) {
			cancel()
			return catalog().Start(cfg, stopped, false, o)
		},
	}
	dirs, err := trainAll(ctx, starts, 1, newProgress(new(bytes.Buffer), 2), nil)
	if !slices.Equal(dirs, []string{stopped}) || !errors.Is(err, experiments.ErrInterrupted) {
		t.Errorf("%v, %v; want %s", dirs, err, stopped)
	}
	if a, b := manifest(t, finished), manifest(t, stopped); a.Status != results.Finished || b.Status != results.Interrupted {
		t.Errorf("%s and %s", a.Status, b.Status)
	}
}
