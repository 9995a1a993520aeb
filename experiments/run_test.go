package experiments_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/toy"
	"idsrl/experiments"
	"idsrl/results"
)

func TestRunFiles(t *testing.T) {
	t.Parallel()
	cfg := kind(t, 1)
	dir := filepath.Join(t.TempDir(), "a", "b")
	var progress []experiments.Progress
	options := experiments.Options{
		Command:  []string{"idsrl", "train"},
		Program:  results.Program{Version: "v1", Go: "go1"},
		Progress: func(p experiments.Progress) { progress = append(progress, p) },
	}
	r := must[*experiments.Run](t)(catalog.Start(cfg, dir, false, options))
	if got := names(t, dir); !slices.Equal(got, []string{"config.yaml", "eval.csv", "last.ckpt", "manifest.json", "train.csv"}) {
		t.Errorf("a run that has started holds %v", got)
	}
	if run := must[*results.Run](t)(results.ReadRun(dir)); run.Status != results.Running || run.Steps != 0 {
		t.Errorf("a run that has started: %+v", run.Manifest)
	}
	finish(t, r)
	if got := names(t, dir); !slices.Equal(got, []string{"config.yaml", "eval.csv", "final.ckpt", "manifest.json", "train.csv"}) {
		t.Errorf("a finished run holds %v", got)
	}

	run := must[*results.Run](t)(results.ReadRun(dir))
	sum := sha256.Sum256([]byte(read(t, dir, results.FinalCheckpoint)))
	want := results.Manifest{
		Format: results.ManifestFormat, Status: results.Finished, Env: "toy-pursuit-v0", Algo: "tabular-q",
		Learners: []string{"attacker", "defender"}, Budget: results.Budget{Steps: 3000}, Protocol: results.EvalProtocol, Config: cfg.SHA256(),
		Seed: 3, InstanceSeed: envs.Derive(3, "instance", 0), Steps: 3000, Episodes: run.Episodes,
		WallSeconds: run.WallSeconds, StartedAt: run.StartedAt, EndedAt: run.EndedAt,
		CheckpointSHA256: hex.EncodeToString(sum[:]), Command: options.Command, Program: options.Program,
	}
	if !reflect.DeepEqual(run.Manifest, want) {
		t.Errorf("manifest\n%+v\nwant\n%+v", run.Manifest, want)
	}
	if run.WallSeconds <= 0 || run.EndedAt.Before(run.StartedAt) || run.Episodes < 500 {
		t.Errorf("manifest %+v", run.Manifest)
	}

	train := must[*results.Table](t)(run.ReadTrain())
	wantColumns := strings.Split("step episodes hack_probability detection_probability attacker_return defender_return episode_length "+
		"attacker/epsilon attacker/alpha attacker/td_error attacker/states defender/epsilon defender/alpha defender/td_error defender/states", " ")
	if !slices.Equal(train.Columns, wantColumns) {
		t.Errorf("columns %v", train.Columns)
	}
	if steps := train.Column("step"); len(steps) != 7 || steps[0] != 429 || steps[6] != 3000 {
		t.Errorf("rows at steps %v", steps)
	}
	for i, x := range train.Column("hack_probability") {
		if x+train.Column("detection_probability")[i] != 1 || train.Column("attacker_return")[i] != 2*x-1 && math.Abs(train.Column("attacker_return")[i]-(2*x-1)) > 1e-9 {
			t.Errorf("row %d: %v", i, train.Rows[i])
		}
	}
	var at []int64
	for i, row := range run.Evals {
		mode, games := results.Mode(algos.Modes[i%2].String()), int64(20)
		if i >= 8 {
			games = 50
		}
		if row.Mode != mode || row.Games != games || row.Step != run.Evals[i/2*2].Step {
			t.Errorf("row %d: %+v", i, row)
		}
		low, high := results.Wilson(int(math.Round(row.HackProbability*float64(games))), int(games), results.Z95)
		if row.HackLow != low || row.HackHigh != high {
			t.Errorf("row %d: interval %v to %v, want %v to %v", i, row.HackLow, row.HackHigh, low, high)
		}
		if i%2 == 0 {
			at = append(at, row.Step)
		}
	}
	if !slices.Equal(at, []int64{0, 750, 1500, 2250, 3000}) {
		t.Errorf("evaluations at steps %v", at)
	}

	last := progress[len(progress)-1]
	if last.Spent != 1 || last.Steps != 3000 || last.Episodes != run.Episodes || last.Seed != 3 {
		t.Errorf("last progress %+v", last)
	}
	if greedy, _ := run.Last(results.Greedy); *last.Evaluation != greedy {
		t.Errorf("last evaluation %+v, want %+v", *last.Evaluation, greedy)
	}
	for i := 1; i < len(progress); i++ {
		if progress[i].Steps < progress[i-1].Steps || progress[i].Evaluation == nil {
			t.Errorf("progress %+v after %+v", progress[i], progress[i-1])
		}
	}

	c := must[*algos.Checkpoint](t)(experiments.ReadCheckpoint(filepath.Join(dir, results.FinalCheckpoint)))
	if string(c.Config) != read(t, dir, results.ConfigFile) || string(c.Config) != string(cfg.Encode()) {
		t.Error("config.yaml, that of the checkpoint and the configuration differ")
	}
	if want := (algos.Header{Format: algos.CheckpointFormat, Env: want.Env, Algo: want.Algo, Seed: 3, Episodes: run.Episodes, Steps: 3000, Learners: 2}); c.Header != want {
		t.Errorf("header %+v, want %+v", c.Header, want)
	}
	if len(c.Session) > 0 {
		t.Error("the final checkpoint holds a session")
	}
}

// The layout of a game that draws one stands in the manifest, and follows from the seed.
func TestRunLayout(t *testing.T) {
	t.Parallel()
	var layouts []string
	for seed := range uint64(2) {
		run := must[*results.Run](t)(results.ReadRun(trained(t, catalog, kind(t, 0).WithSeed(seed))))
		game := must[envs.Env](t)(must[envs.Entry](t)(catalog.Envs.Lookup(kinds[0].env)).Game().New(run.InstanceSeed))
		drawn, _ := envs.As[envs.Drawn](game)
		if string(run.Layout) != string(drawn.Layout()) {
			t.Errorf("layout %s, want %s", run.Layout, drawn.Layout())
		}
		layouts = append(layouts, string(run.Layout))
	}
	if layouts[0] == layouts[1] {
		t.Error("two seeds, one layout")
	}
}

// Each seat draws from a stream of its own. With the same one, both would always show the same side of their coins.
func TestSeatsDrawApart(t *testing.T) {
	t.Parallel()
	cfg := load(t, catalog, "toy-pennies-v0", slices.Concat(small, []string{
		"episodes=4000", "epsilon.start=1", "epsilon.end=1", "explore_repeat=0", "log_rows=1",
	})...)
	train := must[*results.Table](t)(must[*results.Run](t)(results.ReadRun(trained(t, catalog, cfg))).ReadTrain())
	// The standard deviation is 0.008: by chance, this fails with probability 1e-6.
	if p := train.Column("hack_probability")[0]; math.Abs(p-0.5) > 0.04 {
		t.Errorf("the coins match with probability %v", p)
	}
}

func TestSameConfigSameBytes(t *testing.T) {
	for i, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			first := trained(t, catalog, kind(t, i))
			same(t, trained(t, catalog, kind(t, i)), first)
			// A run made from its own config.yaml is the same run.
			path := filepath.Join(first, results.ConfigFile)
			again := must[*experiments.Config](t)(catalog.Load(fromFile(path, read(t, path))))
			same(t, trained(t, catalog, again), first)
			if other := trained(t, catalog, kind(t, i).WithSeed(77)); read(t, other, "final.ckpt") == read(t, first, "final.ckpt") {
				t.Error("another seed, the same checkpoint")
			}
		})
	}
}

// Rows that share a step, because the budget is smaller than their number, all stand there.
func TestTinyBudgets(t *testing.T) {
	t.Parallel()
	for _, set := range [][]string{
		{"steps=1", "episodes=0"}, {"episodes=1"}, {"episodes=3", "log_rows=50", "evaluations=20"}, {"episodes=3", "envs=8"},
		{"log_rows=1", "evaluations=1"}, {"episodes=3", "steps=2"},
	} {
		cfg := load(t, catalog, "toy-corridor-v0", append(slices.Clone(small), set...)...)
		run := must[*results.Run](t)(results.ReadRun(trained(t, catalog, cfg)))
		train := must[*results.Table](t)(run.ReadTrain())
		if len(train.Rows) != cfg.LogRows || len(run.Evals) != 2*(cfg.Evaluations+1) {
			t.Errorf("%v: %d and %d rows, want %d and %d", set, len(train.Rows), len(run.Evals), cfg.LogRows, 2*(cfg.Evaluations+1))
		}
		if run.Evals[0].Step != 0 || run.Evals[len(run.Evals)-1].Step != run.Steps || run.Steps == 0 {
			t.Errorf("%v: evaluations from %d to %d of %d steps", set, run.Evals[0].Step, run.Evals[len(run.Evals)-1].Step, run.Steps)
		}
	}
}

// Interrupted again and again, between steps, rows and games, a run ends with the same bytes.
func TestInterruptAndResume(t *testing.T) {
	for i, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			want := trained(t, catalog, kind(t, i))
			rng := rand.New(envs.NewPCG(uint64(i)))
			rounds := 6
			if testing.Short() {
				rounds = 2
			}
			for range rounds {
				dir := filepath.Join(t.TempDir(), "run")
				r := must[*experiments.Run](t)(catalog.Start(kind(t, i), dir, false, experiments.Options{}))
				interruptions, evaluations := 0, 0
				for {
					// An evaluation starts again where it was interrupted, so now and then there must be time for one.
					err := r.Train(newCountdown(rng.IntN([]int{25, 50, 250}[rng.IntN(3)])))
					if err == nil {
						break
					}
					if !errors.Is(err, experiments.ErrInterrupted) {
						t.Fatal(err)
					}
					interruptions++
					run := must[*results.Run](t)(results.ReadRun(dir))
					if run.Status != results.Interrupted {
						t.Errorf("status %s", run.Status)
					}
					evaluations += len(run.Evals)
					if slices.Contains(names(t, dir), results.FinalCheckpoint) {
						t.Error("an interrupted run has a final checkpoint")
					}
					r = must[*experiments.Run](t)(catalog.Resume(dir, experiments.Options{}))
				}
				if interruptions < 2 || evaluations == 0 {
					t.Errorf("%d interruptions", interruptions)
				}
				same(t, dir, want)
			}
		})
	}
}

// stopping is a game that calls a function after a number of steps.
type stopping struct {
	toy.Pursuit `yaml:",inline"`
	hook        func()
}

func (s *stopping) New(instance uint64) (envs.Env, error) {
	env, err := s.Pursuit.New(instance)
	return &stoppingEnv{env, s.hook}, err
}

type stoppingEnv struct {
	envs.Env
	hook func()
}

func (s *stoppingEnv) Unwrap() envs.Env { return s.Env }

func (s *stoppingEnv) Step(actions []int, out *envs.Outcome) error {
	s.hook()
	return s.Env.Step(actions, out)
}

// Interrupted from within the game, in the middle of training or of an evaluation, a run ends with the same bytes.
func TestInterruptWithinSteps(t *testing.T) {
	t.Parallel()
	hook := func() {}
	c := catalog
	c.Envs = new(envs.Registry)
	c.Envs.Add(envs.Entry{ID: "stopping", Game: func() envs.Game {
		return &stopping{toy.Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 100}, func() { hook() }}
	}, Cast: []string{"", "uniform"}})
	cfg := load(t, c, "stopping", append(slices.Clone(small), "episodes=0", "steps=20000", "evaluations=2", "log_rows=3", "eval_episodes=300")...)
	want := trained(t, c, cfg)
	rng := rand.New(envs.NewPCG(1))
	dir := filepath.Join(t.TempDir(), "run")
	r := must[*experiments.Run](t)(c.Start(cfg, dir, false, experiments.Options{}))
	middle := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		left := 1 + rng.IntN(7000)
		hook = func() {
			if left--; left == 0 {
				cancel()
			}
		}
		err := r.Train(ctx)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, experiments.ErrInterrupted) {
			t.Fatal(err)
		}
		if at := must[*results.Run](t)(results.ReadRun(dir)).Steps; at%1024 == 0 && at > 0 {
			middle++
		}
		hook = func() {}
		r = must[*experiments.Run](t)(c.Resume(dir, experiments.Options{}))
	}
	hook = func() {}
	if middle == 0 {
		t.Error("no interruption in the middle")
	}
	same(t, dir, want)
}

func copyRun(tb testing.TB, from, to string) {
	tb.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		tb.Fatal(err)
	}
}

// What stood on the disk at any moment, with anything at all behind the rows that the checkpoint knows, is enough to end
// with the same bytes.
func TestResumeFromSnapshots(t *testing.T) {
	garbage := []string{"", "1", "12,34", "\x00\x00\x00", "3,x,y\n", "\n\n\xff\xfe\n", "\"", strings.Repeat("9,", 5000) + "\n"}
	for i, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(envs.NewPCG(uint64(i)))
			root := t.TempDir()
			dir := filepath.Join(root, "run")
			var copies []string
			snapshot := func() {
				to := filepath.Join(root, fmt.Sprint("copy", len(copies)))
				copyRun(t, dir, to)
				copies = append(copies, to)
			}
			o := experiments.Options{Progress: func(experiments.Progress) { snapshot() }}
			r := must[*experiments.Run](t)(catalog.Start(kind(t, i), dir, false, o))
			snapshot()
			finish(t, r)
			if testing.Short() {
				rng.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
				copies = copies[:min(len(copies), 4)]
			}
			var started []int64
			for _, c := range copies {
				ckpt := must[*algos.Checkpoint](t)(experiments.ReadCheckpoint(filepath.Join(c, results.LastCheckpoint)))
				started = append(started, ckpt.Steps)
				for _, name := range []string{results.TrainFile, results.EvalFile} {
					text := read(t, c, name) + garbage[rng.IntN(len(garbage))]
					write(t, filepath.Join(c, name), text)
				}
				write(t, filepath.Join(c, results.LastCheckpoint+".tmp"), "half a check") // what a kill may leave
				r, err := catalog.Resume(c, experiments.Options{})
				if err != nil {
					t.Fatal(err)
				}
				finish(t, r)
				same(t, c, dir)
			}
			t.Logf("resumed at steps %v", started)
		})
	}
}

// A child process trains until it is killed, again and again. The run ends with the same bytes.
func TestResumeAfterKill(t *testing.T) {
	set := append(slices.Clone(small), "episodes=0", "steps=30000", "envs=2", "log_rows=80")
	t.Run("observations", func(t *testing.T) {
		more := append(slices.Clone(set), "state=observation", "max_states=300")
		killAndResume(t, load(t, catalog, "idsgame-minimal_defense-v1", more...))
	})
	t.Run("pool", func(t *testing.T) {
		more := append(slices.Clone(set), "self_play.schedule=alternating", "self_play.period_updates=300",
			"self_play.pool.probability=0.7", "self_play.pool.sampling=quality", "self_play.pool.size=8")
		killAndResume(t, load(t, catalog, "toy-pursuit-v0", more...))
	})
}

func killAndResume(t *testing.T, cfg *experiments.Config) {
	t.Parallel()
	const variable = "EXPERIMENTS_TEST_DIR"
	if dir := os.Getenv(variable); dir != "" {
		o := experiments.Options{Progress: func(p experiments.Progress) { fmt.Println("step", p.Steps) }}
		r, err := catalog.Resume(dir, o)
		if err != nil {
			r = must[*experiments.Run](t)(catalog.Start(cfg, dir, false, o))
		}
		finish(t, r)
		return
	}
	want := trained(t, catalog, cfg)
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var at []int64
	kills := 4
	if testing.Short() {
		kills = 2
	}
	for kill := range kills {
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
		child.Env = append(os.Environ(), variable+"="+dir)
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for n := 0; n < 12+3*kill && lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "step ") {
				n++
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // its error is the kill
		c := must[*algos.Checkpoint](t)(experiments.ReadCheckpoint(filepath.Join(dir, results.LastCheckpoint)))
		at = append(at, c.Steps)
		if run := must[*results.Run](t)(results.ReadRun(dir)); run.Status != results.Running {
			t.Errorf("status %s", run.Status)
		}
	}
	t.Logf("killed with checkpoints of steps %v", at)
	if at[len(at)-1] == 0 {
		t.Error("no checkpoint but the first")
	}
	finish(t, must[*experiments.Run](t)(catalog.Resume(dir, experiments.Options{})))
	same(t, dir, want)
}

func TestStartInFolderWithRun(t *testing.T) {
	t.Parallel()
	cfg, other := kind(t, 0), kind(t, 0).WithSeed(5)
	start := func(cfg *experiments.Config, dir string, force bool) error {
		r, err := catalog.Start(cfg, dir, force, experiments.Options{})
		if err == nil {
			finish(t, r)
		}
		return err
	}
	dir := trained(t, catalog, cfg)
	want := filepath.Join(t.TempDir(), "want")
	copyRun(t, dir, want)

	if err := start(cfg, dir, false); err != nil {
		t.Errorf("the same, finished: %v", err)
	}
	same(t, dir, want)
	err := start(other, dir, false)
	if !errors.Is(err, experiments.ErrExists) || !strings.Contains(err.Error(), "--force") || !strings.Contains(err.Error(), dir) {
		t.Errorf("another configuration: %v", err)
	}
	same(t, dir, want)
	if err := start(other, dir, true); err != nil {
		t.Errorf("another configuration, by force: %v", err)
	}
	same(t, dir, trained(t, catalog, other))

	// A run that begins leaves nothing of the one before.
	r := must[*experiments.Run](t)(catalog.Start(cfg, dir, true, experiments.Options{}))
	if slices.Contains(names(t, dir), results.FinalCheckpoint) {
		t.Error("the final checkpoint of another run")
	}
	finish(t, r)
	same(t, dir, want)

	// Interrupted.
	dir = filepath.Join(t.TempDir(), "run")
	r = must[*experiments.Run](t)(catalog.Start(cfg, dir, false, experiments.Options{}))
	if err := r.Train(newCountdown(30)); !errors.Is(err, experiments.ErrInterrupted) {
		t.Fatal(err)
	}
	last := read(t, dir, results.LastCheckpoint)
	err = start(cfg, dir, false)
	if !errors.Is(err, experiments.ErrExists) || !strings.Contains(err.Error(), "--resume") || !strings.Contains(err.Error(), "--force") {
		t.Errorf("the same, interrupted: %v", err)
	}
	if err := start(other, dir, false); !errors.Is(err, experiments.ErrExists) {
		t.Errorf("another configuration, interrupted: %v", err)
	}
	if read(t, dir, results.LastCheckpoint) != last {
		t.Error("a refused start changes the checkpoint")
	}
	if err := start(cfg, dir, true); err != nil {
		t.Errorf("the same, interrupted, by force: %v", err)
	}
	same(t, dir, want)

	// A run that cannot be read, perhaps of a newer program, is not overwritten in silence.
	for _, text := range []string{`{"format":2,"status":7}`, "no JSON", ""} {
		write(t, filepath.Join(dir, results.ManifestFile), text)
		if err := start(cfg, dir, false); !errors.Is(err, experiments.ErrExists) || !strings.Contains(err.Error(), "manifest.json") {
			t.Errorf("manifest %q: %v", text, err)
		}
		if read(t, dir, results.ManifestFile) != text {
			t.Error("a refused start changes the manifest")
		}
	}
	if err := start(cfg, dir, true); err != nil {
		t.Errorf("by force: %v", err)
	}
	same(t, dir, want)

	// A folder with other files is no run.
	dir = t.TempDir()
	write(t, filepath.Join(dir, "notes.txt"), "mine")
	if err := start(cfg, dir, false); err != nil || read(t, dir, "notes.txt") != "mine" {
		t.Errorf("a folder with notes: %v", err)
	}
	same(t, dir, want)

	// What cannot be built leaves no trace.
	dir = filepath.Join(t.TempDir(), "run")
	bad := load(t, catalog, "idsgame-v0", "state=nowhere")
	if err := start(bad, dir, false); err == nil || !strings.Contains(err.Error(), "state = nowhere: idsgame-v0 offers") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a run that cannot be built leaves a folder")
	}
	write(t, dir, "a file")
	if err := start(cfg, dir, false); err == nil {
		t.Error("no error where a file stands")
	}
}

func TestResumeOfFinishedRun(t *testing.T) {
	t.Parallel()
	dir := trained(t, catalog, kind(t, 0))
	before := map[string]string{}
	for _, name := range names(t, dir) {
		before[name] = read(t, dir, name)
	}
	calls := 0
	r := must[*experiments.Run](t)(catalog.Resume(dir, experiments.Options{Progress: func(experiments.Progress) { calls++ }}))
	finish(t, r)
	finish(t, r)
	for _, name := range names(t, dir) {
		if read(t, dir, name) != before[name] {
			t.Errorf("%s changes", name)
		}
	}
	if calls > 0 {
		t.Error("a finished run reports progress")
	}
}

func TestResumeErrors(t *testing.T) {
	t.Parallel()
	interrupted := func() string {
		dir := filepath.Join(t.TempDir(), "run")
		r := must[*experiments.Run](t)(catalog.Start(kind(t, 0), dir, false, experiments.Options{}))
		if err := r.Train(newCountdown(100)); !errors.Is(err, experiments.ErrInterrupted) {
			t.Fatal(err)
		}
		return dir
	}
	change := func(change func(c *algos.Checkpoint)) func(dir string) {
		return func(dir string) {
			path := filepath.Join(dir, results.LastCheckpoint)
			c := must[*algos.Checkpoint](t)(experiments.ReadCheckpoint(path))
			change(c)
			write(t, path, string(must[[]byte](t)(c.Encode())))
		}
	}
	replace := func(old, to string) func(c *algos.Checkpoint) {
		return func(c *algos.Checkpoint) { c.Config = []byte(strings.Replace(string(c.Config), old, to, 1)) }
	}
	for _, c := range []struct {
		name   string
		damage func(dir string)
		want   []string
	}{
		{"no folder", func(dir string) { must[any](t)(nil, os.RemoveAll(dir)) }, []string{"nothing to resume", "manifest.json"}},
		{"no manifest", func(dir string) { must[any](t)(nil, os.Remove(filepath.Join(dir, "manifest.json"))) }, []string{"nothing to resume", "manifest.json"}},
		{"manifest that is no JSON", func(dir string) { write(t, filepath.Join(dir, "manifest.json"), "x") }, []string{"nothing to resume", "manifest.json"}},
		{"evaluated in another way", func(dir string) {
			path := filepath.Join(dir, "manifest.json")
			write(t, path, strings.Replace(read(t, path), `"evaluation_protocol": 1`, `"evaluation_protocol": 0`, 1))
		}, []string{"nothing to resume", "manifest.json: evaluation protocol 0 is not 1", "train the run again"}},
		{"no checkpoint", func(dir string) { must[any](t)(nil, os.Remove(filepath.Join(dir, "last.ckpt"))) }, []string{"last.ckpt"}},
		{"half a checkpoint", func(dir string) {
			text := read(t, dir, "last.ckpt")
			write(t, filepath.Join(dir, "last.ckpt"), text[:len(text)/2])
		}, []string{"last.ckpt", "not a checkpoint"}},
		{"rows lost", func(dir string) { write(t, filepath.Join(dir, "eval.csv"), "step\n") }, []string{"eval.csv", "bytes"}},
		{"file of rows lost", func(dir string) { must[any](t)(nil, os.Remove(filepath.Join(dir, "train.csv"))) }, []string{"train.csv", "bytes"}},
		{"no session", change(func(c *algos.Checkpoint) { c.Session = nil }), []string{"last.ckpt"}},
		{"session that is no JSON", change(func(c *algos.Checkpoint) { c.Session = []byte("{") }), []string{"last.ckpt"}},
		{"session of nothing", change(func(c *algos.Checkpoint) { c.Session = []byte("{}") }), []string{"last.ckpt"}},
		{"learner damaged", change(func(c *algos.Checkpoint) { c.Learners[0].Data = c.Learners[0].Data[1:] }), []string{"last.ckpt", "tabular-q"}},
		{"learner lost", change(func(c *algos.Checkpoint) { c.Learners = nil }), []string{"0 learners", "1 open seat"}},
		{"environment unknown", change(replace("env: idsgame-minimal_defense-v2", "env: idsgame-minimal_defence-v2")), []string{"no environment called", "did you mean"}},
		{"setting unknown", change(replace("gamma:", "gama:")), []string{"config.yaml:", "settings.gama", "did you mean"}},
		{"other size", change(replace("num_servers_per_layer: 2", "num_servers_per_layer: 3")), []string{"last.ckpt", "number of actions is 40, not 50"}},
		{"more environments", change(replace("envs: 1", "envs: 2")), []string{"a state of 1 environments, not 2"}},
	} {
		dir := interrupted()
		c.damage(dir)
		_, err := catalog.Resume(dir, experiments.Options{})
		for _, want := range c.want {
			if err == nil || want == "" || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", c.name, err, want)
			}
		}
	}
}

// Elsewhere than where it was made, a run goes on just as well, with the time that it has taken so far.
func TestResumeElsewhere(t *testing.T) {
	t.Parallel()
	want := trained(t, catalog, kind(t, 0))
	dir := filepath.Join(t.TempDir(), "run")
	r := must[*experiments.Run](t)(catalog.Start(kind(t, 0), dir, false, experiments.Options{Command: []string{"first"}}))
	if err := r.Train(newCountdown(150)); !errors.Is(err, experiments.ErrInterrupted) {
		t.Fatal(err)
	}
	first := must[*results.Run](t)(results.ReadRun(dir))
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	var latest []*results.EvalRow
	o := experiments.Options{Progress: func(p experiments.Progress) { latest = append(latest, p.Evaluation) }}
	finish(t, must[*experiments.Run](t)(catalog.Resume(moved, o)))
	same(t, moved, want)
	run := must[*results.Run](t)(results.ReadRun(moved))
	if !run.StartedAt.Equal(first.StartedAt) || run.WallSeconds <= first.WallSeconds {
		t.Errorf("started at %v for %v s, before the interruption %v for %v s", run.StartedAt, run.WallSeconds, first.StartedAt, first.WallSeconds)
	}
	if len(first.Evals) == 0 || latest[0] == nil {
		t.Error("the first progress after Resume knows of no evaluation")
	}
}

// Numbers that go wrong end a run with an error that says where the last good weights are, and they are there.
func TestRunDiverges(t *testing.T) {
	cfg := must[*experiments.Config](t)(all.Load(experiments.Sources{
		Env: "toy-corridor-v0", Algo: "ppo", Set: []string{
			"envs=4", "steps=4000", "horizon=32", "minibatch=64", "learning_rate.start=1e30", "max_grad_norm=0",
		},
	}))
	dir := filepath.Join(t.TempDir(), "run")
	r := must[*experiments.Run](t)(all.Start(cfg, dir, false, experiments.Options{}))
	err := r.Train(t.Context())
	var diverged *algos.DivergedError
	if !errors.As(err, &diverged) || !strings.Contains(err.Error(), filepath.Join(dir, results.LastCheckpoint)) {
		t.Fatalf("error %v", err)
	}
	if run := must[*results.Run](t)(results.ReadRun(dir)); run.Status != results.Failed {
		t.Errorf("status %s", run.Status)
	}
	saved := must[*experiments.Saved](t)(all.Open(dir))
	result := must[experiments.Result](t)(saved.Run(t.Context(), experiments.Test{Episodes: 10}, algos.Greedy))
	if result.Episodes != 10 {
		t.Errorf("the last checkpoint plays %d games", result.Episodes)
	}
}
