package server

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"idsrl/envs/netsecgame/coordinator"
)

// SaveTo returns a function for coordinator.Options.Save that appends episodes to files in dir, which are named by day,
// agent and role. What cannot be written is logged.
func SaveTo(dir string, log *slog.Logger) func(*coordinator.Episode) {
	return func(e *coordinator.Episode) {
		if err := save(dir, e); err != nil {
			log.Error("a trajectory is lost", "err", err)
		}
	}
}

func save(dir string, e *coordinator.Episode) (err error) {
	if e.Text == nil {
		return fmt.Errorf("that of %s is too long", e.Name)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := fmt.Sprintf("%s_%s_AgentRole.%s.jsonl", time.Now().Format(time.DateOnly), e.Name, e.Role)
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(e.Text, '\n')) // in one piece, since others may write there, too
	return errors.Join(err, f.Close())
}
