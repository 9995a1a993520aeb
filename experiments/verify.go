package experiments

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"idsrl/algos"
	"idsrl/nets"
	"idsrl/results"
)

// VerifiedFiles are the files of a run that its configuration decides: every byte, but in the manifest, where times stand. A
// run may have frozen policies, too.
var VerifiedFiles = []string{
	results.ConfigFile, results.TrainFile, results.EvalFile, results.FinalCheckpoint, results.ManifestFile,
}

// Check is a file of a run beside the one that the same configuration makes again.
type Check struct {
	Dir, File  string
	SHA256     string // of the file in the run's folder, in hexadecimal; "" if it is missing
	Difference string // the first one: where, what is there, and what came out again; "" if there is none
}

// Verify trains the finished run in dir again, from the configuration in its folder and in a temporary one, and compares
// VerifiedFiles and frozen policies. Without a tolerance every byte counts. With one, numbers in tables and weights may differ
// by that much, absolutely or relative to the larger of the two, and of the learners' states only the weights are compared:
// what is left to do where another architecture rounds otherwise.
func (c Catalog) Verify(ctx context.Context, dir string, tolerance float64, o Options) (checks []Check, err error) {
	manifest, err := results.ReadManifest(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no %s: name the folder of a run, such as %s", dir, results.ManifestFile, runBelow(dir))
	} else if err != nil {
		return nil, err
	}
	if manifest.Status != results.Finished {
		return nil, fmt.Errorf("%s is %s: only what a finished run came to can be verified", dir, manifest.Status)
	}
	cfg, err := c.loadRun(dir)
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "idsrl-verify-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	again, err := c.Start(cfg, temp, false, o)
	if err != nil {
		return nil, err
	}
	if err := again.Train(ctx); err != nil {
		return nil, err
	}
	names, err := verified(dir, temp, tolerance)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		check, err := compare(dir, temp, name, tolerance)
		if err != nil {
			return nil, err
		}
		if name == results.FinalCheckpoint {
			if check.SHA256 != manifest.CheckpointSHA256 && (check.Difference != "" || tolerance > 0) {
				what := fmt.Sprintf("is not the file that %s names: %s", results.ManifestFile, check.Difference)
				check.Difference = strings.TrimSuffix(what, ": ")
			}
			if err := adopt(temp, again.manifest, manifest, check.SHA256); err != nil { // the manifest comes next
				return nil, err
			}
		}
		checks = append(checks, check)
	}
	return checks, nil
}

// runBelow is the folder of a run in dir, or what one may be called.
func runBelow(dir string) string {
	if runs, err := results.FindRuns(dir); err == nil {
		return runs[0].Dir
	}
	return filepath.Join(dir, "seed-0")
}

// verified are VerifiedFiles and the files of frozen policies. Where numbers may differ, only those in dir: what the run
// froze again has other names.
func verified(dir, again string, tolerance float64) ([]string, error) {
	names, folders := slices.Clone(VerifiedFiles), []string{dir, again}
	if tolerance > 0 {
		folders = folders[:1]
	}
	for _, folder := range folders {
		frozen, err := frozenIn(folder)
		if err != nil {
			return nil, err
		}
		for _, hash := range frozen {
			if name := copyOf("", hash); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// compare compares a file of the run in dir with the one that came out again.
func compare(dir, again, name string, tolerance float64) (Check, error) {
	check := Check{Dir: dir, File: name}
	was, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		check.Difference = "is missing"
		return check, nil
	} else if err != nil {
		return check, err
	}
	check.SHA256 = sha256Of(was)
	now, err := os.ReadFile(filepath.Join(again, name))
	absent := errors.Is(err, fs.ErrNotExist)
	switch renamed := !slices.Contains(VerifiedFiles, name) && name != copyOf("", Hash(was)); {
	case err != nil && !absent:
		return check, err
	case renamed && (absent || tolerance > 0):
		check.Difference = "is not the file that its name says: the hash is " + Hash(was)
	case absent && tolerance == 0:
		check.Difference = "is not made again"
	case absent:
	case !bytes.Equal(was, now):
		check.Difference = difference(name, was, now, tolerance)
	}
	return check, nil
}

// adopt writes the manifest of a run in dir that was trained again, with what the configuration does not decide from the
// first one: times, command and program. So does the checkpoint that it names if the first run has it, which is compared
// itself.
func adopt(dir string, again results.Manifest, first *results.Manifest, checkpoint string) error {
	again.StartedAt, again.EndedAt, again.WallSeconds = first.StartedAt, first.EndedAt, first.WallSeconds
	again.Command, again.Program = first.Command, first.Program
	if first.CheckpointSHA256 == checkpoint {
		again.CheckpointSHA256 = checkpoint
	}
	return again.Save(dir)
}

// difference tells the first difference of two files, or parts of a checkpoint, by what the name says that they hold. It is
// "" if all are within the tolerance.
func difference(name string, was, now []byte, tolerance float64) string {
	switch filepath.Ext(name) {
	case ".csv":
		return csvDifference(was, now, tolerance)
	case ".ckpt":
		return archiveDifference(was, now, tolerance)
	case ".safetensors":
		return tensorDifference(was, now, tolerance)
	case ".yaml", ".json":
		return lineDifference(was, now)
	}
	if tolerance > 0 {
		return ""
	}
	return byteDifference(was, now)
}

func byteDifference(was, now []byte) string {
	at := 0
	for at < len(was) && at < len(now) && was[at] == now[at] {
		at++
	}
	if at == len(was) || at == len(now) {
		return fmt.Sprintf("%d bytes, again %d", len(was), len(now))
	}
	return fmt.Sprintf("byte %d: 0x%02x, again 0x%02x", at, was[at], now[at])
}

func lineDifference(was, now []byte) string {
	a, b := strings.Split(string(was), "\n"), strings.Split(string(now), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: %s, again %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, again %d", len(a), len(b))
}

func csvDifference(was, now []byte, tolerance float64) string {
	a, errA := csv.NewReader(bytes.NewReader(was)).ReadAll()
	b, errB := csv.NewReader(bytes.NewReader(now)).ReadAll()
	if errors.Join(errA, errB) != nil || len(a) == 0 || len(b) == 0 || len(a[0]) != len(b[0]) {
		return lineDifference(was, now)
	}
	for i := range min(len(a), len(b)) {
		for j, cell := range a[i] {
			if cell != b[i][j] && !near(cell, b[i][j], tolerance) {
				return fmt.Sprintf("line %d, column %s: %s, again %s", i+1, a[0][j], cell, b[i][j])
			}
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%d lines, again %d", len(a), len(b))
	}
	if tolerance > 0 {
		return ""
	}
	return lineDifference(was, now)
}

// near reports whether two cells are numbers within the tolerance.
func near(a, b string, tolerance float64) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errors.Join(errX, errY) == nil && within(x, y, tolerance)
}

func within(x, y, tolerance float64) bool {
	return math.Abs(x-y) <= tolerance*max(1, math.Abs(x), math.Abs(y))
}

// archiveDifference compares the parts of two checkpoints.
func archiveDifference(was, now []byte, tolerance float64) string {
	names, a, errA := parts(was)
	again, b, errB := parts(now)
	if err := errors.Join(errA, errB); err != nil {
		return fmt.Sprintf("%s: %v", byteDifference(was, now), err)
	}
	if x, y := strings.Join(names, " "), strings.Join(again, " "); x != y {
		return fmt.Sprintf("holds %s, again %s", x, y)
	}
	for _, name := range names {
		if bytes.Equal(a[name], b[name]) {
			continue
		}
		if d := difference(name, a[name], b[name], tolerance); d != "" {
			return name + ", " + d
		}
	}
	if tolerance > 0 {
		return ""
	}
	return byteDifference(was, now) // the same parts, packed otherwise
}

// parts are the files in a checkpoint, and their names in order.
func parts(data []byte) (names []string, contents map[string][]byte, err error) {
	if _, err := algos.DecodeCheckpoint(data); err != nil { // it refuses what unpacks into too much
		return nil, nil, err
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, err
	}
	contents = map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			return nil, nil, err
		}
		names = append(names, f.Name)
		if contents[f.Name], err = io.ReadAll(r); err != nil {
			return nil, nil, errors.Join(err, r.Close())
		}
		if err := r.Close(); err != nil {
			return nil, nil, err
		}
	}
	return names, contents, nil
}

// tensorDifference compares weights by tensor and element.
func tensorDifference(was, now []byte, tolerance float64) string {
	a, _, errA := nets.ReadTensors[float32](was)
	b, _, errB := nets.ReadTensors[float32](now)
	if errors.Join(errA, errB) != nil || len(a) != len(b) {
		return byteDifference(was, now)
	}
	for i, t := range a {
		if t.Name != b[i].Name || len(t.Data) != len(b[i].Data) {
			return fmt.Sprintf("tensor %s of %d elements, again %s of %d", t.Name, len(t.Data), b[i].Name, len(b[i].Data))
		}
		for j, x := range t.Data {
			y := b[i].Data[j]
			if math.Float32bits(x) != math.Float32bits(y) && !(tolerance > 0 && within(float64(x), float64(y), tolerance)) {
				return fmt.Sprintf("tensor %s, element %d: %v, again %v", t.Name, j, x, y)
			}
		}
	}
	if tolerance > 0 {
		return ""
	}
	return byteDifference(was, now)
}
