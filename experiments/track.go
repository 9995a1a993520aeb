package experiments

import (
	"errors"
	"io/fs"

	"idsrl/envs/settings"
	"idsrl/results"
	"idsrl/results/track"
)

// Track writes the run in dir, finished or not, with trackers.
func (c Catalog) Track(dir string, trackers []track.Tracker) error {
	run, err := results.ReadRun(dir)
	if err != nil {
		return err
	}
	record := &track.Record{Run: run}
	if record.Train, err = run.ReadTrain(); errors.Is(err, fs.ErrNotExist) {
		record.Train = new(results.Table) // the run has just begun
	} else if err != nil {
		return err
	}
	cfg, err := c.loadRun(dir)
	if err != nil {
		return err
	}
	for _, f := range settings.Fields(cfg) {
		record.Settings = append(record.Settings, track.Setting{Key: f.Key, Value: f.Value(), Text: f.String()})
	}
	for _, write := range trackers {
		if err := write(record); err != nil {
			return err
		}
	}
	return nil
}
