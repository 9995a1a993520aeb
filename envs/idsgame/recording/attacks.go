package recording

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"idsrl/envs"
	"idsrl/envs/idsgame"
)

// The files of an AttackLog.
const (
	AttacksFile    = "attack_stats.csv"
	DetectionsFile = "attack_detections_stats.csv"
)

// AttackLog writes what every attack came to: a row for each attack or reconnaissance that took place, and a row for
// each that failed. It is an algos.Watcher. (The original has the same files, with one heading too few.)
type AttackLog struct {
	files   []*os.File
	writers []*bufio.Writer
}

// CreateAttackLog begins both files in the folder dir, which it makes.
func CreateAttackLog(dir string) (*AttackLog, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	l := new(AttackLog)
	for _, file := range [][2]string{
		{AttacksFile, "target_node,attack_outcome,reconnaissance\n"},
		{DetectionsFile, "target_node,detected,detection_val\n"},
	} {
		f, err := os.Create(filepath.Join(dir, file[0]))
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.files, l.writers = append(l.files, f), append(l.writers, bufio.NewWriter(f))
		if _, err := l.writers[len(l.writers)-1].WriteString(file[1]); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// Start does nothing.
func (l *AttackLog) Start(envs.Env) error { return nil }

// Step writes the rows of a step.
func (l *AttackLog) Step(env envs.Env, actions []int, _ *envs.Outcome) error {
	game, ok := envs.As[*idsgame.Game](env)
	if !ok {
		return fmt.Errorf("%s has no attacks to log: the log is of idsgame", env.Spec().ID)
	}
	tr, _ := game.Last()
	if !tr.Attacked {
		return nil
	}
	target := game.Rules().AttackTarget(actions[idsgame.AttackerSeat])
	_, err := fmt.Fprintf(l.writers[0], "%d,%d,%d\n", target, bit(tr.Moved), bit(tr.Scouted))
	if tr.Rolled {
		s := game.True()
		_, failed := fmt.Fprintf(l.writers[1], "%d,%d,%d\n", target, bit(s.Detected), game.Rules().Detection(s, target))
		err = errors.Join(err, failed)
	}
	return err
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Close ends both files.
func (l *AttackLog) Close() (err error) {
	for i, f := range l.files {
		err = errors.Join(err, l.writers[i].Flush(), f.Close())
	}
	l.files = nil
	return err
}
