package track

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
)

// LinesFile is the name of the JSON lines in a run's folder.
const LinesFile = "metrics.jsonl"

// JSONLines writes LinesFile into the run's folder. The first line says what the run is and has its settings, each further
// one is a line of train.csv or eval.csv with the names of its columns, without empty cells and infinities, for which JSON
// has no number.
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
			if !math.IsInf(m.value, 0) {
				fmt.Fprintf(file, ",%q:%s", m.name, strconv.FormatFloat(m.value, 'g', -1, 64))
			}
		}
		file.WriteString("}\n")
	}
	return extend(filepath.Join(r.Run.Dir, LinesFile), file.Bytes())
}
