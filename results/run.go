// Package results keeps what came out of training: the files in a run's folder, the statistics over seeds, and the
// tables that show them. The README in this folder describes every file and column.
//
// A run is one training with one seed. Whoever trains writes its folder with Manifest.Save, WriteFile and Appender;
// whoever compares reads it with FindRuns, Summarize and Grid.
package results

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The files in a run's folder.
const (
	ConfigFile          = "config.yaml"     // every setting as it was used
	ManifestFile        = "manifest.json"   // a Manifest
	TrainFile           = "train.csv"       // a TrainRow a line
	EvalFile            = "eval.csv"        // an EvalRow a line
	FinalCheckpoint     = "final.ckpt"      // the trained agents
	LastCheckpoint      = "last.ckpt"       // where an interrupted run resumes
	OpponentCheckpoints = "opponent-*.ckpt" // opponents that do not learn, by the hash of the file
)

// ManifestFormat is the format that this program writes, and the only one that it reads.
const ManifestFormat = 1

// EvalProtocol is how runs are evaluated, and thus what eval.csv means: a change of it makes scores incomparable.
//
//  1. Every evaluation of a run plays the same episodes, whose seeds derive from the run's seed by a stream that training
//     does not draw from. The policy is frozen: a copy that plays greedily, then one that plays as in training. Scores are
//     read from the state of the game, not from rewards.
const EvalProtocol = 1

// A Status says how far a run is. A run that was killed still says Running.
type Status string

const (
	Running     Status = "running"
	Interrupted Status = "interrupted"
	Failed      Status = "failed"
	Finished    Status = "finished"
)

// A Manifest says what a run is: what was trained on what, from which seeds, by which program, and how far it came.
// Seeds are strings in JSON, since many readers round numbers above 2^53.
type Manifest struct {
	Format           int             `json:"format"` // set by Save
	Status           Status          `json:"status"`
	Env              string          `json:"env"`
	Algo             string          `json:"algo"`               // one name, or "attacker-vs-defender"
	Learners         []string        `json:"learners,omitempty"` // roles that are trained, in the order of the seats
	Budget           Budget          `json:"budget,omitzero"`
	Config           string          `json:"config_sha256,omitempty"` // of all settings but the seeds, in hexadecimal
	Protocol         int             `json:"evaluation_protocol"`     // set by Save: EvalProtocol
	Seed             uint64          `json:"seed,string"`
	InstanceSeed     uint64          `json:"instance_seed,string"`
	Layout           json.RawMessage `json:"layout,omitempty"` // what InstanceSeed drew, compact; nil if nothing
	Steps            int64           `json:"steps"`
	Episodes         int64           `json:"episodes"`
	WallSeconds      float64         `json:"wall_seconds"` // summed over the sessions of a resumed run
	StartedAt        time.Time       `json:"started_at"`
	EndedAt          time.Time       `json:"ended_at,omitzero"`
	CheckpointSHA256 string          `json:"checkpoint_sha256,omitempty"` // of FinalCheckpoint, in hexadecimal
	Command          []string        `json:"command"`
	Program          Program         `json:"program"`
}

// A Budget is how long a run trains: until so many episodes or steps, whichever comes first. 0 is no limit.
type Budget struct {
	Episodes int64 `json:"episodes"`
	Steps    int64 `json:"steps"`
}

// String shows the limits: 500 k episodes.
func (b Budget) String() string {
	var limits []string
	if b.Episodes > 0 {
		limits = append(limits, Scaled(float64(b.Episodes)).Text+" episodes")
	}
	if b.Steps > 0 {
		limits = append(limits, Scaled(float64(b.Steps)).Text+" steps")
	}
	return cmp.Or(strings.Join(limits, ", "), noValue)
}

// A Program is the build that made a run.
type Program struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// String is version and commit, compiler and platform: v1.0.0 (abc), go1.26, linux/amd64.
func (p Program) String() string {
	return fmt.Sprintf("%s (%s), %s, %s/%s", p.Version, p.Commit, p.Go, p.OS, p.Arch)
}

// StepsPerSecond returns the mean speed over all sessions, NaN before the first has been timed.
func (m *Manifest) StepsPerSecond() float64 {
	if m.WallSeconds <= 0 {
		return math.NaN()
	}
	return float64(m.Steps) / m.WallSeconds
}

// Save writes the manifest into the folder dir, durably.
func (m *Manifest) Save(dir string) error {
	m.Format, m.Protocol = ManifestFormat, EvalProtocol
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("results: manifest: %w", err)
	}
	return WriteFile(filepath.Join(dir, ManifestFile), append(data, '\n'))
}

// decode is the inverse of Save. It looks at the format first, because the fields of another one may differ in type.
func (m *Manifest) decode(data []byte) error {
	var head struct{ Format int }
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	if head.Format != ManifestFormat {
		return fmt.Errorf("format %d is unknown: this program reads format %d", head.Format, ManifestFormat)
	}
	if err := json.Unmarshal(data, m); err != nil {
		return err
	}
	if m.Protocol != EvalProtocol {
		return fmt.Errorf("evaluation protocol %d is not %d, that of this program, so scores are not comparable: "+
			"train the run again, or read it with the program that made it", m.Protocol, EvalProtocol)
	}
	if m.Layout != nil {
		var layout bytes.Buffer
		if err := json.Compact(&layout, m.Layout); err != nil { // undoes the indentation of Save
			return err
		}
		m.Layout = layout.Bytes()
	}
	return nil
}

// ReadManifest reads the manifest in dir, and nothing of the files that grow. One of another format or evaluation protocol
// is an error.
func ReadManifest(dir string) (*Manifest, error) { return readManifest(dir, inFolder(dir)) }

// readManifest reads the manifest in dir, whose files open opens.
func readManifest(dir string, open opener) (*Manifest, error) {
	f, err := open(ManifestFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := new(Manifest)
	data, err := io.ReadAll(f)
	if err == nil {
		err = m.decode(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, ManifestFile), err)
	}
	return m, nil
}

// An opener opens the files in a folder.
type opener func(name string) (fs.File, error)

// inFolder opens the files in dir.
func inFolder(dir string) opener {
	return func(name string) (fs.File, error) { return os.Open(filepath.Join(dir, name)) }
}

// A Run is a run's folder, read.
type Run struct {
	Dir string
	Manifest
	Evals []EvalRow // in the order of training; none before the first evaluation
	Extra Table     // other columns of eval.csv, such as exploitabilities, with a row for each of Evals
}

// ReadRun reads the manifest and the evaluations in dir. The run may still be going on.
func ReadRun(dir string) (*Run, error) { return readRun(dir, inFolder(dir)) }

// ReadRunFS is ReadRun in a file system.
func ReadRunFS(fsys fs.FS, dir string) (*Run, error) {
	return readRun(dir, func(name string) (fs.File, error) { return fsys.Open(path.Join(dir, name)) })
}

// readRun reads a run in dir, whose files open opens.
func readRun(dir string, open opener) (*Run, error) {
	manifest, err := readManifest(dir, open)
	if err != nil {
		return nil, err
	}
	run := &Run{Dir: dir, Manifest: *manifest}
	evals, err := open(EvalFile)
	if errors.Is(err, fs.ErrNotExist) {
		return run, nil
	} else if err != nil {
		return nil, err
	}
	defer evals.Close()
	if run.Evals, run.Extra, err = ReadEval(evals); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, EvalFile), err)
	}
	return run, nil
}

// ReadTrain reads the run's training curve. It is not part of ReadRun since it can be long.
func (r *Run) ReadTrain() (*Table, error) {
	path := filepath.Join(r.Dir, TrainFile)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	table, err := ReadCSV(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return table, nil
}

// Last returns the run's latest evaluation in mode, and whether there is one. If there is none, its values are NaN.
func (r *Run) Last(mode Mode) (row EvalRow, ok bool) {
	for _, row := range slices.Backward(r.Evals) {
		if row.Mode == mode {
			return row, true
		}
	}
	for _, c := range row.columns() {
		if v, ok := c.value.(*float64); ok {
			*v = math.NaN()
		}
	}
	return row, false
}

// Score returns how often the run's learner succeeds in its latest greedy evaluation: the hack probability for an
// attacker, 1 − it for a defender. Where both learn it is the attacker's. It is NaN before the first evaluation, and if
// the manifest does not say who learns.
func (r *Run) Score() float64 {
	row, _ := r.Last(Greedy)
	switch {
	case slices.Contains(r.Learners, "attacker"):
		return row.HackProbability
	case slices.Contains(r.Learners, "defender"):
		return 1 - row.HackProbability
	}
	return math.NaN()
}

// FindRuns reads every run in dirs and the folders below, sorted by folder. A run that is reached twice counts once. It
// is an error if there is none, or if one cannot be read.
func FindRuns(dirs ...string) ([]*Run, error) {
	found := map[string]string{} // absolute path of a run's folder: the path to show
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("no folder %s to look for runs in: %w", dir, err)
		}
		// os.DirFS follows dir itself if it is a symbolic link; filepath.WalkDir would find nothing there.
		err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
			if entry.Name() != ManifestFile || entry.IsDir() {
				return nil
			}
			run := filepath.Dir(filepath.Join(dir, filepath.FromSlash(path)))
			abs, err := filepath.Abs(run)
			found[abs] = run
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no run in %s: a run's folder holds a %s", strings.Join(dirs, ", "), ManifestFile)
	}
	var runs []*Run
	for _, abs := range slices.Sorted(maps.Keys(found)) {
		run, err := ReadRun(found[abs])
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}
