package algos

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"idsrl/nets"
)

// CheckpointFormat is the version of the checkpoint file. Load refuses any other.
const CheckpointFormat = 2

// Checkpoint is a training run at rest: a zip archive that people can open. Equal states give equal bytes.
type Checkpoint struct {
	Header
	Config   []byte  // config.yaml as run: with the settings, it tells how to build what the rest restores
	Session  []byte  // JSON of the Session and of what else a run must restore; empty in a final checkpoint
	Learners []State // by open seat
}

// State is a learner at rest.
type State struct {
	Data    []byte // Learner.MarshalBinary
	Weights []byte // of a Neural learner: its tensors in the safetensors format
}

// Empty reports whether there is no state.
func (s State) Empty() bool { return len(s.Data) == 0 && len(s.Weights) == 0 }

// Save returns the state of a learner.
func Save(l Learner) (s State, err error) {
	if s.Data, err = l.MarshalBinary(); err != nil {
		return State{}, err
	}
	s.Weights, err = weightsOf(l)
	return s, err
}

// Snapshot returns what a learner's policy is made of: the weights of a Neural one, all of another's state. A learner that
// it is given to by Imitate plays alike, but cannot go on learning as the first one would.
func Snapshot(l Learner) (s State, err error) {
	if _, ok := l.(Neural); !ok {
		return Save(l)
	}
	s.Weights, err = weightsOf(l)
	return s, err
}

// weightsOf are the tensors of a Neural learner; nil for any other.
func weightsOf(l Learner) ([]byte, error) {
	neural, ok := l.(Neural)
	if !ok {
		return nil, nil
	}
	var b bytes.Buffer
	err := nets.WriteTensors(&b, neural.Tensors(), nil)
	return b.Bytes(), err
}

// Restore gives the state to a learner of the same environment and settings. After an error, that one is of no use.
func (s State) Restore(l Learner) error {
	if err := s.restoreWeights(l); err != nil {
		return err
	}
	return l.UnmarshalBinary(s.Data)
}

// Imitate gives what Snapshot returned to a learner of the same environment and settings. After an error, that one is of
// no use.
func (s State) Imitate(l Learner) error {
	if _, ok := l.(Neural); !ok {
		return s.Restore(l)
	}
	return s.restoreWeights(l)
}

func (s State) restoreWeights(l Learner) error {
	neural, ok := l.(Neural)
	switch {
	case ok && len(s.Weights) == 0:
		return errors.New("the weights are missing")
	case !ok && len(s.Weights) > 0:
		return errors.New("weights of a learner that has none")
	case !ok:
		return nil
	}
	weights, _, err := nets.ReadTensors[float32](s.Weights)
	if err != nil {
		return err
	}
	return nets.CopyTensors(neural.Tensors(), weights)
}

// Header is what a checkpoint is of.
type Header struct {
	Format   int    `json:"format"`
	Env      string `json:"env"`
	Algo     string `json:"algo"`
	Seed     uint64 `json:"seed,string"`
	Episodes int64  `json:"episodes"`
	Steps    int64  `json:"steps"`
	Learners int    `json:"learners"`
	Policy   bool   `json:"policy,omitempty"` // the Snapshot of one learner; the states of the others are empty
}

// The files of the archive.
const (
	headerFile  = "checkpoint.json"
	configFile  = "config.yaml"
	sessionFile = "session.json"
	learnerFile = "learner-%d.bin"
	weightsFile = "learner-%d.safetensors"
)

// Encode returns the archive.
func (c *Checkpoint) Encode() ([]byte, error) {
	header := c.Header
	header.Format, header.Learners = CheckpointFormat, len(c.Learners)
	text, err := json.MarshalIndent(header, "", "  ")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	write := func(name string, data []byte) {
		// A header without a time: the same state, the same bytes.
		w, createErr := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if createErr == nil {
			_, createErr = w.Write(data)
		}
		err = errors.Join(err, createErr)
	}
	write(headerFile, append(text, '\n'))
	write(configFile, c.Config)
	if len(c.Session) > 0 {
		write(sessionFile, c.Session)
	}
	for i, s := range c.Learners {
		write(fmt.Sprintf(learnerFile, i), s.Data)
		if len(s.Weights) > 0 {
			write(fmt.Sprintf(weightsFile, i), s.Weights)
		}
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// maxPart is the largest part of a checkpoint that is read, in bytes: a small file must not unpack into all memory.
const maxPart = 16 << 30

// DecodeCheckpoint reads an archive. It never panics, whatever data holds.
func DecodeCheckpoint(data []byte) (*Checkpoint, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("not a checkpoint: %w", err)
	}
	parts, packed := map[string][]byte{}, uint64(0)
	for _, f := range z.File {
		if strings.ContainsAny(f.Name, "/\\") {
			return nil, fmt.Errorf("not a checkpoint: it holds %.40q", f.Name)
		}
		// Deflate packs at most 1032 to 1: what claims more is no file of ours. Nor is an archive whose parts overlap, in
		// which the same bytes unpack many times.
		if f.CompressedSize64 > uint64(len(data))-packed {
			return nil, fmt.Errorf("not a checkpoint: %s claims more bytes than there are", f.Name)
		}
		packed += f.CompressedSize64
		if f.UncompressedSize64 > maxPart || f.UncompressedSize64 > 1100*(f.CompressedSize64+64) {
			return nil, fmt.Errorf("%s claims %d bytes", f.Name, f.UncompressedSize64)
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		parts[f.Name], err = io.ReadAll(io.LimitReader(r, int64(f.UncompressedSize64)+1))
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	c := new(Checkpoint)
	if err := json.Unmarshal(parts[headerFile], &c.Header); err != nil {
		return nil, fmt.Errorf("not a checkpoint: %s: %w", headerFile, err)
	}
	if c.Format != CheckpointFormat {
		return nil, fmt.Errorf("checkpoint format %d; this program reads format %d", c.Format, CheckpointFormat)
	}
	c.Config, c.Session = parts[configFile], parts[sessionFile]
	for i := range c.Header.Learners {
		data, ok := parts[fmt.Sprintf(learnerFile, i)]
		if !ok {
			return nil, fmt.Errorf("the checkpoint has no "+learnerFile, i)
		}
		c.Learners = append(c.Learners, State{data, parts[fmt.Sprintf(weightsFile, i)]})
	}
	return c, nil
}
