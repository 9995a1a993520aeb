package experiments_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/qlearning"
	"idsrl/experiments"
	"idsrl/results"
)

// Checkpoints are frequent, so that what kills a short run leaves one from the middle of it.
func TestMain(m *testing.M) {
	experiments.SaveAlways()
	os.Exit(m.Run())
}

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

var catalog = experiments.Catalog{
	Envs: algotest.Registry, Algorithms: []algos.Algorithm{qlearning.Algorithm()},
}

// small are settings of a run that takes a moment.
var small = []string{"episodes=400", "log_rows=7", "evaluations=4", "eval_episodes=20", "final_episodes=50"}

func load(tb testing.TB, c experiments.Catalog, env string, set ...string) *experiments.Config {
	tb.Helper()
	return must[*experiments.Config](tb)(c.Load(experiments.Sources{Env: env, Algo: "tabular-q", Set: algotest.Last(set)}))
}

// kinds are runs that differ in what a checkpoint must hold: seats, environments, tables, budgets.
var kinds = []struct {
	name, env string
	set       []string
}{
	{"one seat", "idsgame-minimal_defense-v2", nil},
	{"two seats, three environments", "toy-pursuit-v0", []string{"episodes=0", "steps=3000", "envs=3", "seed=3"}},
	{"observations", "idsgame-random_attack-v1", []string{"state=observation", "max_states=150", "envs=2", "episodes=250"}},
	{"turns, a pool by quality", "toy-pursuit-v0", []string{
		"episodes=0", "steps=4000", "envs=3", "self_play.schedule=alternating", "self_play.period_updates=150",
		"self_play.pool.probability=0.5", "self_play.pool.sampling=quality", "self_play.pool.quality_eta=0.5",
		"self_play.pool.size=5", "self_play.pool.bots=true",
	}},
	{"best responses, a pool by win rate", "idsgame-v0", []string{
		"episodes=0", "steps=4000", "envs=2", "self_play.schedule=best-response", "self_play.evaluation_episodes=5",
		"self_play.pool.probability=1", "self_play.pool.sampling=pfsp", "self_play.pool.increment_updates=100",
		"self_play.pool.size=3",
	}},
	{"random layouts, both limits", "idsgame-minimal_defense-v17", []string{"steps=2500", "episodes=100000", "log_rows=20", "omega=0"}},
}

func kind(tb testing.TB, i int) *experiments.Config {
	tb.Helper()
	return load(tb, catalog, kinds[i].env, slices.Concat(small, kinds[i].set)...)
}

// trained is the folder of a finished run.
func trained(tb testing.TB, c experiments.Catalog, cfg *experiments.Config) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "run")
	finish(tb, must[*experiments.Run](tb)(c.Start(cfg, dir, false, experiments.Options{})))
	return dir
}

func finish(tb testing.TB, r *experiments.Run) {
	tb.Helper()
	if err := r.Train(context.Background()); err != nil {
		tb.Fatal(err)
	}
}

func read(tb testing.TB, path ...string) string {
	tb.Helper()
	return string(must[[]byte](tb)(os.ReadFile(filepath.Join(path...))))
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func names(tb testing.TB, dir string) (list []string) {
	tb.Helper()
	for _, e := range must[[]fs.DirEntry](tb)(os.ReadDir(dir)) {
		list = append(list, e.Name())
	}
	return list
}

// opponents are the frozen policies in the folder of a run.
func opponents(tb testing.TB, dir string) []string {
	tb.Helper()
	return must[[]string](tb)(fs.Glob(os.DirFS(dir), results.OpponentCheckpoints))
}

// same compares what must not depend on how a run came to its end: everything but the times in the manifest.
func same(tb testing.TB, got, want string) {
	tb.Helper()
	for _, name := range []string{results.ConfigFile, results.TrainFile, results.EvalFile, results.FinalCheckpoint} {
		if g, w := read(tb, got, name), read(tb, want, name); g != w {
			if len(g)+len(w) < 20_000 && name != results.FinalCheckpoint {
				tb.Errorf("%s:\n%s\nwant\n%s", name, g, w)
			} else {
				tb.Errorf("%s differs", name)
			}
		}
	}
	g, w := must[*results.Run](tb)(results.ReadRun(got)), must[*results.Run](tb)(results.ReadRun(want))
	if g.Status != w.Status || g.Steps != w.Steps || g.Episodes != w.Episodes || g.CheckpointSHA256 != w.CheckpointSHA256 ||
		string(g.Layout) != string(w.Layout) || g.Env != w.Env || g.Algo != w.Algo || g.InstanceSeed != w.InstanceSeed {
		tb.Errorf("manifest %+v, want %+v", g.Manifest, w.Manifest)
	}
	// Their names are hashes of their contents.
	if g, w := opponents(tb, got), opponents(tb, want); !slices.Equal(g, w) {
		tb.Errorf("frozen policies %v, want %v", g, w)
	}
	if _, err := os.Stat(filepath.Join(got, results.LastCheckpoint)); err == nil {
		tb.Error("the last checkpoint is still there")
	}
}

// countdown is a context that is done once Err has been asked so many times: a way to interrupt at the same point again.
type countdown struct {
	context.Context
	cancel func()
	left   atomic.Int64
}

func newCountdown(n int) *countdown {
	ctx, cancel := context.WithCancel(context.Background())
	c := &countdown{Context: ctx, cancel: cancel}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
	return c.Context.Err()
}
