package track

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
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
//
// MLflow takes each file below params, metrics and tags for one of those, so that nothing temporary may stand there. A
// meta.yaml that is cut short hides the whole experiment: it alone is replaced durably.
func MLflow(dir string) Tracker {
	var lock sync.Mutex // runs of one experiment share its meta.yaml
	return func(r *Record) error {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		home := filepath.Join(dir, experimentID(r.Run.Env))
		lock.Lock()
		err = writeExperiment(home, r.Run)
		lock.Unlock()
		if err != nil {
			return err
		}
		return writeRun(filepath.Join(home, runID(r)), r)
	}
}

// writeExperiment makes the experiment in the folder home. One that is there stays as it is: MLflow may have renamed it.
func writeExperiment(home string, r *results.Run) error {
	path := filepath.Join(home, metaFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	created := r.StartedAt.UnixMilli()
	return results.WriteFile(path, meta(
		"artifact_location", fileURI(home), "creation_time", created, "experiment_id", filepath.Base(home),
		"last_update_time", created, "lifecycle_stage", "active", "name", r.Env))
}

// writeRun writes the run into the folder home: meta.yaml last, without which MLflow does not see the folder.
func writeRun(home string, r *Record) error {
	files := map[string]string{
		"tags/mlflow.runName":     runName(r.Run),
		"tags/mlflow.source.name": r.Run.Dir,
		"tags/mlflow.user":        "idsrl",
		"tags/algo":               r.Run.Algo,
		"artifacts/README":        "The files of this run are in " + r.Run.Dir + ".\n",
	}
	for _, s := range r.Settings {
		files["params/"+s.Key] = s.Text
	}
	for name, text := range files {
		if err := replace(filepath.Join(home, filepath.FromSlash(name)), []byte(text), writeFile); err != nil {
			return err
		}
	}

	started := r.Run.StartedAt.UnixMilli()
	points := map[string][]byte{}
	for _, row := range r.scalars() {
		for _, m := range row.metrics {
			points[m.name] = fmt.Appendf(points[m.name], "%d %s %d\n", started, strconv.FormatFloat(m.value, 'g', -1, 64), row.step)
		}
	}
	for name, lines := range points {
		if err := extend(filepath.Join(home, "metrics", filepath.FromSlash(name)), lines); err != nil {
			return err
		}
	}

	var ended any
	if r.Run.Status != results.Running {
		ended = r.Run.EndedAt.UnixMilli()
	}
	id := filepath.Base(home)
	return replace(filepath.Join(home, metaFile), meta(
		"artifact_uri", fileURI(filepath.Join(home, "artifacts")), "end_time", ended, "entry_point_name", "",
		"experiment_id", experimentID(r.Run.Env), "lifecycle_stage", "active", "run_id", id, "run_name", runName(r.Run),
		"run_uuid", id, "source_name", "", "source_type", sourceLocal, "source_version", "", "start_time", started,
		"status", runStatus[r.Run.Status], "tags", []string{}, "user_id", "idsrl"), results.WriteFile)
}

// replace makes the file at path hold data, by means of write if it does not yet.
func replace(path string, data []byte, write func(path string, data []byte) error) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return write(path, data)
}

// writeFile is results.WriteFile without its durability and the file beside path.
func writeFile(path string, data []byte) error { return os.WriteFile(path, data, 0o666) }

// metaFile says what an experiment or a run is.
const metaFile = "meta.yaml"

// sourceLocal is SourceType.LOCAL.
const sourceLocal = 4

// runStatus are the numbers of RunStatus.
var runStatus = map[results.Status]int{results.Running: 1, results.Finished: 3, results.Failed: 4, results.Interrupted: 5}

// experimentID is a number of 18 digits, as MLflow's own ids are, and the same for every run of the environment. The first
// is not 0, which databases, to which stores are copied, would drop.
func experimentID(env string) string {
	sum := sha256.Sum256([]byte(env))
	return strconv.FormatUint(1e17+binary.LittleEndian.Uint64(sum[:])%9e17, 10)
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

// fileURI is the absolute path as a URI.
func fileURI(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // of a drive
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// meta is a YAML mapping of keys to values.
func meta(pairs ...any) []byte {
	var b bytes.Buffer
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
	return b.Bytes()
}
