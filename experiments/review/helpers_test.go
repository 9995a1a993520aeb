package review_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/dqn"
	"idsrl/algos/ppo"
	"idsrl/algos/qlearning"
	"idsrl/experiments"
	"idsrl/experiments/review"
	"idsrl/results/browse"
	"idsrl/results/viewer"
)

var catalog = experiments.Catalog{
	Envs: algotest.Registry, Algorithms: []algos.Algorithm{qlearning.Algorithm(), dqn.Algorithm(), ppo.Algorithm()},
}

// train trains a moment, into dir.
func train(t testing.TB, dir, env, algo string, set ...string) {
	t.Helper()
	small := []string{"episodes=0", "steps=1500", "log_rows=10", "evaluations=4", "eval_episodes=20", "final_episodes=20"}
	cfg := algotest.Must(catalog.Load(experiments.Sources{Env: env, Algo: algo, Set: append(small, set...)}))
	run := algotest.Must(catalog.Start(cfg, dir, false, experiments.Options{}))
	if err := run.Train(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A site is a page over the runs of a folder.
type site struct {
	api   *review.API
	index *browse.Index
	url   string
}

// show serves the runs below a folder until the test ends.
func show(t *testing.T, root string) *site {
	t.Helper()
	library := algotest.Must(browse.Open(root))
	server := algotest.Must(viewer.Listen("127.0.0.1:0"))
	s := &site{api: review.New(catalog, library), url: server.URL()}
	s.index = s.api.Index()
	review.Mount(server, s.api)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, library.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run is the id of the run in a folder.
func (s *site) run(t *testing.T, name string) string {
	t.Helper()
	for _, r := range s.index.Runs {
		if filepath.Base(r.Name) == name {
			return r.ID
		}
	}
	t.Fatalf("no run is called %s", name)
	return ""
}

// group is the id of the group that a run is of.
func (s *site) group(t *testing.T, name string) string {
	t.Helper()
	id := s.run(t, name)
	for _, r := range s.index.Runs {
		if r.ID == id {
			return r.Group
		}
	}
	return ""
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}
