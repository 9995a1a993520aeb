//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package experiments_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"idsrl/experiments"
	"idsrl/results"
)

// A run has its folder for itself while it is trained: nobody else begins there or goes on, not even by force, and what is
// refused changes nothing. Once it is finished or interrupted, the folder is free.
func TestLock(t *testing.T) {
	t.Parallel()
	cfg := kind(t, 0)
	want := trained(t, catalog, cfg)
	dir := filepath.Join(t.TempDir(), "run")
	refused := func() {
		t.Helper()
		_, byForce := catalog.Start(cfg.WithSeed(5), dir, true, experiments.Options{})
		_, again := catalog.Start(cfg, dir, false, experiments.Options{})
		_, resumed := catalog.Resume(dir, experiments.Options{})
		for _, err := range []error{byForce, again, resumed} {
			if !errors.Is(err, experiments.ErrBusy) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v", err)
			}
		}
	}
	r := must[*experiments.Run](t)(catalog.Start(cfg, dir, false, experiments.Options{}))
	refused()
	if err := r.Train(newCountdown(100)); !errors.Is(err, experiments.ErrInterrupted) {
		t.Fatal(err)
	}
	if _, err := catalog.Start(cfg, dir, false, experiments.Options{}); !errors.Is(err, experiments.ErrExists) {
		t.Errorf("interrupted: error %v", err)
	}
	r = must[*experiments.Run](t)(catalog.Resume(dir, experiments.Options{}))
	refused()
	finish(t, r)
	same(t, dir, want)

	// What cannot be resumed does not stay locked.
	r = must[*experiments.Run](t)(catalog.Start(cfg, dir, true, experiments.Options{}))
	if err := r.Train(newCountdown(100)); !errors.Is(err, experiments.ErrInterrupted) {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, results.LastCheckpoint), "none")
	if _, err := catalog.Resume(dir, experiments.Options{}); err == nil {
		t.Error("no error of a checkpoint that is none")
	}
	finish(t, must[*experiments.Run](t)(catalog.Start(cfg, dir, true, experiments.Options{})))
	same(t, dir, want)
}
