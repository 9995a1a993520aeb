// Package recording plays recorded conversations of NetSecGame again, against the coordinator in this process or against
// any server, and compares every reply.
//
// A recording is JSON Lines, gzip'ed or plain. The first line describes the game: its task, and the outcome of all that
// is random in it. Each other line is an event: a client connects ("+"), sends (">"), is told ("<"), is not told yet
// ("="), is turned away ("x") or leaves ("-").
package recording

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
)

// Format is what the first line of a recording says that it is.
const Format = "nsg-transcript/1"

// Header is the first line of a recording.
type Header struct {
	Format         string          `json:"format"`
	Name           string          `json:"name"`
	Level          string          `json:"level"` // core, quirk or defect
	World          string          `json:"world"` // netsecgame or whitebox
	Seed           uint64          `json:"seed"`
	MaxConnections int             `json:"max_connections"` // 0: as many as required players
	TaskConfig     json.RawMessage `json:"task_config"`
	Random         json.RawMessage `json:"random"`
}

// event is another line.
type event struct {
	Direction string          `json:"dir"`
	Agent     int             `json:"agent"`
	Message   json.RawMessage `json:"msg"`
	Raw       *string         `json:"raw"` // instead of Message: the text as it is
	Or        string          `json:"or"`
}

// sent is the text that the client sends.
func (e *event) sent() ([]byte, error) {
	switch {
	case e.Raw != nil:
		return []byte(*e.Raw), nil
	case e.Message != nil:
		return e.Message, nil
	}
	return nil, errors.New("a message needs msg or raw")
}

// maxLine is the longest line that is read, in bytes. Those of trajectories are long.
const maxLine = 64 << 20

// A Recording is being read. It can be played once.
type Recording struct {
	Header
	scanner *bufio.Scanner
	line    int // that was read last
}

// Open begins to read a recording. The text may be gzip'ed.
func Open(r io.Reader) (*Recording, error) {
	buffered := bufio.NewReader(r)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		buffered = bufio.NewReader(unzipped)
	}
	rec := &Recording{scanner: bufio.NewScanner(buffered)}
	rec.scanner.Buffer(make([]byte, 1<<16), maxLine)
	if ok, err := rec.next(&rec.Header); err != nil || !ok || rec.Format != Format {
		return nil, errors.Join(errors.New("does not begin with a header of format "+Format), err)
	}
	return rec, nil
}

// next reads a line and reports whether there was one.
func (rec *Recording) next(into any) (bool, error) {
	if !rec.scanner.Scan() {
		if err := rec.scanner.Err(); err != nil {
			return false, fmt.Errorf("line %d: %w", rec.line+1, err)
		}
		return false, nil
	}
	rec.line++
	if err := json.Unmarshal(rec.scanner.Bytes(), into); err != nil {
		return false, fmt.Errorf("line %d: %w", rec.line, err)
	}
	return true, nil
}

// Game is the recorded game with the odd rules of compat: its task, and options whose Randomness is the recorded one.
func (rec *Recording) Game(compat netsecgame.Compat) (*netsecgame.Task, coordinator.Options, error) {
	o := coordinator.Options{Compat: compat, Whitebox: rec.World == "whitebox", MaxConnections: rec.MaxConnections}
	task, _, err := netsecgame.LoadTask("task_config", rec.TaskConfig)
	if err != nil {
		return nil, o, err
	}
	o.Randomness, err = netsecgame.NewScript(rec.Random)
	return task, o, err
}
