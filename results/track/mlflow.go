package track

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"idsrl/results"
)

// MLflow writes the run into the file store dir (github.com/mlflow/mlflow, mlflow/store/tracking/file_store.py): an
// experiment for each environment and in it a run, whose id follows from its settings.
//
//	dir/<experiment>/meta.yaml
//	dir/<experiment>/<run>/meta.yaml
//	dir/<experiment>/<run>/params/<setting>    its value
//	dir/<experiment>/<run>/metrics/<scalar>    time in ms, value and step, a point a line
//	dir/<experiment>/<run>/tags/<tag>          its value
func MLflow(dir string) Tracker {
	var lock sync.Mutex // runs of one experiment share its meta.yaml
	return func(r *Record) error {
		lock.Lock()
		defer lock.Unlock()
		dir, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		experiment := experimentID(r.Run.Env)
		id := runID(r)
		home := filepath.Join(dir, experiment)
		run := filepath.Join(home, id)
		started := r.Run.StartedAt.UnixMilli()

		files := map[string]string{
			filepath.Join(run, "tags", "mlflow.runName"):     runName(r.Run),
			filepath.Join(run, "tags", "mlflow.source.name"): r.Run.Dir,
			filepath.Join(run, "tags", "mlflow.user"):        "idsrl",
			filepath.Join(run, "tags", "algo"):               r.Run.Algo,
			filepath.Join(run, "artifacts", "README"):        "The files of this run are in " + r.Run.Dir + ".\n",
		}
		for _, s := range r.Settings {
			files[filepath.Join(run, "params", s.Key)] = s.Text
		}
		for _, row := range r.scalars() {
			for _, m := range row.metrics {
				path := filepath.Join(run, "metrics", filepath.FromSlash(m.name))
				files[path] += fmt.Sprintf("%d %s %d\n", started, strconv.FormatFloat(m.value, 'g', -1, 64), row.step)
			}
		}
		files[filepath.Join(home, "meta.yaml")] = meta(
			"artifact_location", fileURI(home), "experiment_id", experiment,
			"lifecycle_stage", "active", "name", r.Run.Env)
		var ended any
		if r.Run.Status != results.Running {
			ended = r.Run.EndedAt.UnixMilli()
		}
		files[filepath.Join(run, "meta.yaml")] = meta(
			"artifact_uri", fileURI(filepath.Join(run, "artifacts")), "end_time", ended, "entry_point_name", "",
			"experiment_id", experiment, "lifecycle_stage", "active", "run_id", id, "run_name", runName(r.Run),
			"run_uuid", id, "source_name", "", "source_type", sourceLocal, "source_version", "", "start_time", started,
			"status", runStatus[r.Run.Status], "tags", []string{}, "user_id", "idsrl")
		for path, text := range files {
			if err := extend(path, []byte(text)); err != nil {
				return err
			}
		}
		return nil
	}
}

// sourceLocal is SourceType.LOCAL.
const sourceLocal = 4

// runStatus are the numbers of RunStatus.
var runStatus = map[results.Status]int{results.Running: 1, results.Finished: 3, results.Failed: 4, results.Interrupted: 5}

// experimentID is a number, as MLflow's own ids are, and the same for every run of the environment.
func experimentID(env string) string {
	sum := sha256.Sum256([]byte(env))
	return fmt.Sprintf("%018d", binary.LittleEndian.Uint64(sum[:])%1e18)
}

// runID is the same for the same settings, seed included, so that tracking a run again finds it.
func runID(r *Record) string {
	h := sha256.New()
	for _, s := range r.Settings {
		fmt.Fprintf(h, "%s=%s\n", s.Key, s.Text)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func runName(r *results.Run) string { return fmt.Sprintf("%s seed %d", r.Algo, r.Seed) }

func fileURI(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // of a drive
		path = "/" + path
	}
	return "file://" + strings.ReplaceAll(path, " ", "%20")
}

// meta is a YAML mapping of keys to values.
func meta(pairs ...any) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		value := "null"
		switch x := pairs[i+1].(type) {
		case nil:
		case string:
			value = strconv.Quote(x)
		default:
			value = fmt.Sprint(x)
		}
		fmt.Fprintf(&b, "%s: %s\n", pairs[i], value)
	}
	return b.String()
}
