package experiments

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"idsrl/results"
)

// ErrBusy is the error of a run that another process trains.
var ErrBusy = errors.New("another process trains this run")

// lock keeps other processes from the run in dir until the file that it returns is closed or the process ends, by a kill,
// too. What is locked is train.csv, which every run has and none replaces. Where there are no such locks, it does nothing.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, results.TrainFile), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	switch err := tryLock(f); {
	case errors.Is(err, ErrBusy):
		return nil, errors.Join(fmt.Errorf("%w: %s; wait until it is done, or interrupt it", err, dir), f.Close())
	case err != nil && !errors.Is(err, errors.ErrUnsupported):
		return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", f.Name(), err), f.Close())
	}
	return f, nil
}
