package track

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// LinesFile is the name of the JSON lines in a run's folder.
const LinesFile = "metrics.jsonl"

// JSONLines writes LinesFile into the run's folder. The first line says what the run is and has its settings, each further
// one is a line of train.csv or eval.csv with the names of its columns.
func JSONLines(r *Record) error {
	settings := map[string]any{}
	for _, s := range r.Settings {
		settings[s.Key] = s.Value
	}
	head, err := json.Marshal(struct {
		Kind     string         `json:"kind"`
		Env      string         `json:"env"`
		Algo     string         `json:"algo"`
		Seed     uint64         `json:"seed,string"`
		Settings map[string]any `json:"settings"`
	}{"run", r.Run.Env, r.Run.Algo, r.Run.Seed, settings})
	if err != nil {
		return err
	}
	file := bytes.NewBuffer(append(head, '\n'))
	for _, row := range r.rows() {
		fmt.Fprintf(file, `{"kind":%q,"step":%d,"episodes":%d`, row.phase, row.step, row.episodes)
		for _, m := range row.metrics {
			value, err := json.Marshal(m.value)
			if err != nil {
				return fmt.Errorf("%s at step %d: %w", m.name, row.step, err)
			}
			fmt.Fprintf(file, ",%q:%s", m.name, value)
		}
		file.WriteString("}\n")
	}
	return extend(filepath.Join(r.Run.Dir, LinesFile), file.Bytes())
}
