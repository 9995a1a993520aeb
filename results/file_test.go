package results

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestWriteFileReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "last.ckpt")
	for _, data := range []string{"first", "", "second, longer"} {
		if err := WriteFile(path, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != data {
			t.Errorf("got %q, want %q", got, data)
		}
	}
	if names := list(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left beside the file: %v", names)
	}
}

func TestWriteFileFailureKeepsOldFile(t *testing.T) {
	t.Run("temporary file cannot be written", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, "old")
		if err := os.Mkdir(path+".tmp", 0o777); err != nil {
			t.Fatal(err)
		}
		if WriteFile(path, []byte("new")) == nil {
			t.Error("no error")
		}
		if got := read(t, path); got != "old" {
			t.Errorf("the file holds %q", got)
		}
	})
	t.Run("temporary file cannot be renamed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		write(t, filepath.Join(path, "inside"), "old") // path is a folder, which no file replaces
		if WriteFile(path, []byte("new")) == nil {
			t.Error("no error")
		}
		if names := list(t, filepath.Dir(path)); len(names) != 1 {
			t.Errorf("left beside the file: %v", names)
		}
	})
	t.Run("folder is missing", func(t *testing.T) {
		err := WriteFile(filepath.Join(t.TempDir(), "missing", "f"), nil)
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v, want %v", err, os.ErrNotExist)
		}
	})
}

func TestWriteFileOverwritesLeftover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path+".tmp", "left by a run that was killed, longer than what follows")
	if err := WriteFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("got %q", got)
	}
}

// A child process replaces one file again and again, until it is killed. Whatever it was doing, the file is whole.
func TestWriteFileSurvivesKill(t *testing.T) {
	const variable, size = "RESULTS_TEST_WRITE", 1 << 16
	if path := os.Getenv(variable); path != "" {
		for i := byte(0); ; i++ {
			if err := WriteFile(path, bytes.Repeat([]byte{i}, size)); err != nil {
				t.Fatal(err)
			}
			fmt.Println("written")
		}
	}
	path := filepath.Join(t.TempDir(), "f")
	for kill := range 5 {
		child := exec.Command(os.Args[0], "-test.run=^TestWriteFileSurvivesKill$")
		child.Env = append(os.Environ(), variable+"="+path)
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for range 2 + kill {
			lines.Scan()
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // its error is the kill
		data := read(t, path)
		if len(data) != size || data != string(bytes.Repeat([]byte{data[0]}, size)) {
			t.Fatalf("after kill %d, the file is not whole: %d bytes", kill, len(data))
		}
	}
}

func TestAppender(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.csv")
	a := open(t, path, 0)
	writeLines(t, a, "step", "1")
	if err := a.Sync(); err != nil {
		t.Fatal(err)
	}
	saved := a.Size() // as in a checkpoint
	writeLines(t, a, "2", "3")
	if got, want := a.Size(), int64(len(read(t, path))); got != want {
		t.Errorf("size %d, but the file has %d bytes", got, want)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}

	a = open(t, path, saved)
	writeLines(t, a, "2 again")
	if got, want := read(t, path), "step\n1\n2 again\n"; got != want {
		t.Errorf("resumed: %q, want %q", got, want)
	}
	if got, want := a.Size(), int64(len(read(t, path))); got != want {
		t.Errorf("resumed: size %d, but the file has %d bytes", got, want)
	}

	open(t, path, 0)
	if got := read(t, path); got != "" {
		t.Errorf("a new run begins with %q", got)
	}
}

func TestAppenderRefusesShortFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.csv")
	write(t, path, "step\n")
	for _, keep := range []int64{6, -1} {
		if _, err := OpenAppender(path, keep); err == nil {
			t.Errorf("kept %d of 5 bytes", keep)
		}
	}
	if got := read(t, path); got != "step\n" {
		t.Errorf("the file was changed to %q", got)
	}
}

func TestAppenderReportsFailure(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "f"), 0)
	writeLines(t, a, "whole")
	a.Close()
	if a.WriteLine("lost") == nil {
		t.Error("no error after Close")
	}
	if a.Size() != 6 {
		t.Errorf("size %d counts a line that was not written", a.Size())
	}
}

func TestAppenderPanicsOnTwoLines(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "f"), 0)
	mustPanic(t, func() { _ = a.WriteLine("one\ntwo") })
}

// The helpers below serve all tests of the package.

func open(t *testing.T, path string, keep int64) *Appender {
	t.Helper()
	a, err := OpenAppender(path, keep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func writeLines(t *testing.T, a *Appender, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if err := a.WriteLine(line); err != nil {
			t.Fatal(err)
		}
	}
}

// write makes a file and the folders above it.
func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
