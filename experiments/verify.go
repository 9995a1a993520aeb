package experiments

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"idsrl/algos"
	"idsrl/nets"
	"idsrl/results"
)

// VerifiedFiles are the files of a run whose bytes its configuration decides. None of them holds a time: those stand in the
// manifest alone.
var VerifiedFiles = []string{results.ConfigFile, results.TrainFile, results.EvalFile, results.FinalCheckpoint}

// Check is a file of a run beside the one that the same configuration makes again.
type Check struct {
	Dir, File  string
	SHA256     string // of the file in the run's folder, in hexadecimal
	Difference string // the first one: where, what is there, and what came out again; "" if there is none
}

// Verify trains the finished run in dir again, from the configuration in its folder and in a temporary one, and compares
// VerifiedFiles. Without a tolerance every byte counts. With one, numbers in tables and weights may differ by that much,
// absolutely or relative to the larger of the two, and of the learners' states only the weights are compared: what is left
// to do where another architecture rounds otherwise.
func (c Catalog) Verify(ctx context.Context, dir string, tolerance float64, o Options) (checks []Check, err error) {
	manifest, err := readManifest(dir)
	if err != nil {
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
	for _, name := range VerifiedFiles {
		was, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		now, err := os.ReadFile(filepath.Join(temp, name))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(was)
		check := Check{Dir: dir, File: name, SHA256: hex.EncodeToString(sum[:])}
		switch {
		case name == results.FinalCheckpoint && check.SHA256 != manifest.CheckpointSHA256:
			check.Difference = fmt.Sprintf("is not the file that %s names: %s", results.ManifestFile, manifest.CheckpointSHA256)
		case !bytes.Equal(was, now):
			check.Difference = difference(name, was, now, tolerance)
		}
		checks = append(checks, check)
	}
	return checks, nil
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
