package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"idsrl/results"
)

// binary is the program, built once for all tests; TestMain removes it.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "idsrl")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "idsrl")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	built = dir
	return path, err
})

var built string // the folder of binary, "" before it is needed

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		if err := os.RemoveAll(built); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// A process is a call of the built program.
type process struct {
	*exec.Cmd
	stdout, stderr text
}

// text is what a process has printed so far.
type text struct {
	lock  sync.Mutex
	bytes bytes.Buffer
}

func (x *text) Write(p []byte) (int, error) {
	x.lock.Lock()
	defer x.lock.Unlock()
	return x.bytes.Write(p)
}

func (x *text) String() string {
	x.lock.Lock()
	defer x.lock.Unlock()
	return x.bytes.String()
}

// launch starts the program in dir. It ends with the test, if not before.
func launch(t *testing.T, dir string, stdin io.Reader, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.CommandContext(t.Context(), path, args...)}
	p.Dir, p.Stdin, p.Stdout, p.Stderr = dir, stdin, &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// signal sends a signal.
func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatalf("%v: %s", err, &p.stderr)
	}
}

// finish waits for the end and returns the exit code, -1 after a kill, which comes to what takes longer than a minute.
func (p *process) finish() int {
	late := time.AfterFunc(time.Minute, func() { p.Process.Kill() }) //nolint:errcheck // gone is gone
	defer late.Stop()
	p.Wait() //nolint:errcheck // the state tells
	return p.ProcessState.ExitCode()
}

// await waits until something has happened. It looks often, since files do not tell when they grow.
func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	ticks := time.NewTicker(2 * time.Millisecond)
	defer ticks.Stop()
	late := time.After(time.Minute)
	for !happened() {
		select {
		case <-ticks.C:
		case <-late:
			t.Fatalf("waited for a minute until %s", what)
		}
	}
}

// awaitRows waits until the training curve of the run in dir has so many rows.
func awaitRows(t *testing.T, dir string, rows int) {
	t.Helper()
	await(t, "train.csv has grown", func() bool { return countRows(dir) >= rows })
}

func countRows(dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, results.TrainFile))
	if err != nil {
		return 0
	}
	return strings.Count(string(data), "\n") - 1
}

// longBudget are the episodes of a run that takes a second or so.
func longBudget() int64 {
	if testing.Short() {
		return 700_000
	}
	return 1_500_000
}

// long are the flags of a run that takes a second or so, of which the files tell how far it is.
func long(out string) []string {
	return []string{
		"train", "--env", "idsgame-minimal_defense-v2", "--algo", "tabular-q", "--out", out, "--episodes", fmt.Sprint(longBudget()),
		"--set", "log_rows=300", "--set", "evaluations=3", "--set", "eval_episodes=1000", "--set", "final_episodes=1000",
	}
}

func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals to send")
	}
	home := t.TempDir()
	uninterrupted := sync.OnceValue(func() int {
		p := launch(t, home, nil, long("whole")...)
		return p.finish()
	})
	// afterwards fails unless the run in dir is finished like the one that nobody interrupted.
	afterwards := func(t *testing.T, dir string) {
		t.Helper()
		if code := uninterrupted(); code != exitOK {
			t.Fatalf("exit code %d", code)
		}
		sameFiles(t, filepath.Join(home, "whole"), dir)
		if m := manifest(t, dir); m.Status != results.Finished || m.Episodes != longBudget() {
			t.Errorf("%+v", m)
		}
	}
	t.Run("group", func(t *testing.T) {
		// An interrupt keeps everything and says how to go on.
		t.Run("interrupt", func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(home, "interrupted")
			p := launch(t, home, nil, long("interrupted")...)
			awaitRows(t, dir, 20)
			p.signal(t, os.Interrupt)
			if code := p.finish(); code != exitInterrupted {
				t.Fatalf("exit code %d, want 130: %s", code, &p.stderr)
			}
			if want := "\nidsrl: interrupted; go on with: idsrl train --resume interrupted\n"; !strings.HasSuffix(p.stderr.String(), want) {
				t.Errorf("prints %q, want %q at the end", &p.stderr, want)
			}
			if out := p.stdout.String(); out != "" {
				t.Errorf("standard output: %q", out)
			}
			m, kept := manifest(t, dir), countRows(dir)
			if m.Status != results.Interrupted || m.Episodes == 0 || m.Episodes >= longBudget() {
				t.Errorf("%+v", m)
			}
			exists(t, filepath.Join(dir, results.LastCheckpoint))

			// Unfinished runs can be looked at, but not begun anew by accident.
			p = launch(t, home, nil, "results", "--seeds", "--format", "csv", "interrupted")
			if code := p.finish(); code != exitOK || readRows(t, p.stdout.String())[0]["status"] != "interrupted" {
				t.Errorf("exit code %d: %s", code, &p.stdout)
			}
			p = launch(t, home, nil, "eval", "--episodes", "10", "interrupted")
			if code := p.finish(); code != exitOK {
				t.Errorf("exit code %d: %s", code, &p.stderr)
			}
			p = launch(t, home, nil, long("interrupted")...)
			if code := p.finish(); code != exitFailure || !strings.Contains(p.stderr.String(), "go on with --resume, or start over with --force") {
				t.Errorf("exit code %d: %s", code, &p.stderr)
			}

			// Killed on its way from there, it loses no more than that way.
			p = launch(t, home, nil, "train", "--resume", "interrupted")
			awaitRows(t, dir, kept+20)
			p.signal(t, os.Kill)
			if code := p.finish(); code != -1 {
				t.Fatalf("exit code %d: %s", code, &p.stderr)
			}
			p = launch(t, home, nil, "train", "--resume", "interrupted")
			if code := p.finish(); code != exitOK || !strings.HasPrefix(p.stdout.String(), "┌") {
				t.Fatalf("exit code %d: %s", code, &p.stderr)
			}
			afterwards(t, dir)
		})
		// A kill in the middle leaves the last checkpoint and files that have grown since.
		t.Run("kill", func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				t.Skip("a second run")
			}
			dir := filepath.Join(home, "killed")
			p := launch(t, home, nil, long("killed")...)
			awaitRows(t, dir, 100)
			p.signal(t, os.Kill)
			if code := p.finish(); code != -1 {
				t.Fatalf("exit code %d: %s", code, &p.stderr)
			}
			if m := manifest(t, dir); m.Status != results.Running {
				t.Errorf("%+v", m)
			}
			// What the kill cut in half goes.
			f, err := os.OpenFile(filepath.Join(dir, results.EvalFile), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString("123,45,gre"); err != nil {
				t.Fatal(err)
			}
			f.Close()
			p = launch(t, home, nil, "train", "--resume", "killed")
			if code := p.finish(); code != exitOK {
				t.Fatalf("exit code %d: %s", code, &p.stderr)
			}
			afterwards(t, dir)
		})
		// Of several runs, all that were going on can be resumed; those that had not begun are not named.
		t.Run("terminate seeds", func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				t.Skip("two more runs")
			}
			p := launch(t, home, nil, append(long("many"), "--seeds", "3", "--parallel", "2")...)
			one, two := filepath.Join("many", "seed-0"), filepath.Join("many", "seed-1")
			awaitRows(t, filepath.Join(home, one), 1)
			awaitRows(t, filepath.Join(home, two), 1)
			p.signal(t, syscall.SIGTERM)
			if code := p.finish(); code != exitInterrupted {
				t.Fatalf("exit code %d, want 130: %s", code, &p.stderr)
			}
			if want := "go on with: idsrl train --resume " + one + " or " + two + "\n"; !strings.HasSuffix(p.stderr.String(), want) {
				t.Errorf("prints %q, want %q at the end", &p.stderr, want)
			}
			for _, dir := range []string{one, two} {
				if m := manifest(t, filepath.Join(home, dir)); m.Status != results.Interrupted {
					t.Errorf("%+v", m)
				}
			}
			p = launch(t, home, nil, "train", "--resume", one)
			if code := p.finish(); code != exitOK {
				t.Fatalf("exit code %d: %s", code, &p.stderr)
			}
			afterwards(t, filepath.Join(home, one))
		})
		// The second interrupt ends the program at once, whatever it is doing: here, waiting for a line that never ends.
		t.Run("twice", func(t *testing.T) {
			t.Parallel()
			in, feed, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer feed.Close()
			p := launch(t, home, in, "replay", "/dev/stdin")
			in.Close() // the program has its own
			// More than a pipe holds: once all is taken, the program reads.
			if _, err := feed.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
				t.Fatal(err)
			}
			p.signal(t, os.Interrupt)
			await(t, "the program has heard of the first interrupt", func() bool {
				return strings.Contains(p.stderr.String(), "idsrl: stopping; everything is kept. Once more to stop at once.")
			})
			p.signal(t, os.Interrupt)
			if code := p.finish(); code != exitInterrupted {
				t.Errorf("exit code %d, want 130: %s", code, &p.stderr)
			}
		})
	})
}
