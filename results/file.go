package results

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// WriteFile replaces the file at path by data, or makes it. Whenever the process is killed or the power fails, path
// holds the old contents or the new ones, whole. It writes path+".tmp" first, which a kill may leave behind and the
// next call overwrites; a path therefore has one writer at a time.
func WriteFile(path string, data []byte) error {
	temp := path + ".tmp"
	err := writeSynced(temp, data)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeSynced returns once data is on the disk: a rename that reached it before the data would show an empty file.
func writeSynced(path string, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes the names in dir durable: on most systems they are data of their own.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// An Appender adds lines to the end of a text file. A trainer saves Size in its checkpoint, after Sync; when it resumes
// from there, OpenAppender drops what was written later, so that no line appears twice.
type Appender struct {
	file *os.File
	size int64
}

// OpenAppender opens the file at path, or makes it, and cuts it to its first keep bytes: 0 for a new run, the saved
// Size for a resumed one. A file that is shorter than keep is an error, because lines would be missing.
func OpenAppender(path string, keep int64) (*Appender, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := cut(f, keep); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Appender{file: f, size: keep}, nil
}

// cut drops what follows the first keep bytes of f and stands at its new end.
func cut(f *os.File, keep int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if keep < 0 || info.Size() < keep {
		return fmt.Errorf("holds %d bytes, not the %d that were saved", info.Size(), keep)
	}
	if err := f.Truncate(keep); err != nil {
		return err
	}
	_, err = f.Seek(keep, io.SeekStart)
	return err
}

// WriteLine appends line and a line feed. After an error the file holds only the lines written before, as far as the
// disk allows. A line feed within line panics.
func (a *Appender) WriteLine(line string) error {
	if strings.Contains(line, "\n") {
		panic(fmt.Sprintf("results: line feed within the line %q", line))
	}
	n, err := a.file.WriteString(line + "\n")
	if err != nil {
		return errors.Join(err, cut(a.file, a.size))
	}
	a.size += int64(n)
	return nil
}

// Size returns the length of the file in bytes.
func (a *Appender) Size() int64 { return a.size }

// Sync returns once all lines are on the disk.
func (a *Appender) Sync() error { return a.file.Sync() }

// Close closes the file without syncing it.
func (a *Appender) Close() error { return a.file.Close() }
