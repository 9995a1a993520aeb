package recording

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Report is what a verification found in one file.
type Report struct {
	Header      Header
	Messages    int // that clients sent
	Replies     int // that were compared
	Differences int
	First       *Difference
}

// Difference is a place where the recording and the server differ, or an event that did not take place.
type Difference struct {
	Line      int
	Agent     int
	Field     string // "" for an event
	Want, Got string
}

func (d *Difference) String() string {
	where := fmt.Sprintf("line %d (agent %d)", d.Line, d.Agent)
	if d.Field != "" {
		where += ": field " + d.Field
	}
	return where + "\n  want " + d.Want + "\n  got  " + d.Got
}

// A server is what conversations are held with. Agents are numbers.
type server interface {
	connect(agent int) error
	send(agent int, text []byte) error
	// receive returns the next reply without its mark, or io.EOF if the server closed the connection. If there is none it
	// returns errSilent; a patient call waits long before.
	receive(agent int, patient bool) ([]byte, error)
	// address is the client's own, as a JSON array of host and port.
	address(agent int) []byte
	// leave closes the agent's connection.
	leave(agent int) error
}

// errSilent says that no reply has come.
var errSilent = errors.New("no reply")

// verify plays the recording against a server.
func (rec *Recording) verify(s server) (Report, error) {
	v := verifier{rec: rec, server: s, report: Report{Header: rec.Header}}
	connected := map[int]bool{}
	for {
		var e event
		ok, err := rec.next(&e)
		if err != nil {
			return v.report, err
		}
		if !ok {
			break
		}
		connected[e.Agent] = e.Direction != "-" && e.Direction != "x"
		if err := v.event(&e); err != nil {
			return v.report, fmt.Errorf("line %d: %w", rec.line, err)
		}
	}
	for _, agent := range slices.Sorted(maps.Keys(connected)) {
		if connected[agent] {
			v.silent(&event{Agent: agent, Or: "closed"})
		}
	}
	return v.report, nil
}

type verifier struct {
	rec    *Recording
	server server
	report Report
}

func (v *verifier) differ(agent int, field, want, got string) {
	v.report.Differences++
	if v.report.First == nil {
		v.report.First = &Difference{Line: v.rec.line, Agent: agent, Field: field, Want: want, Got: got}
	}
}

// event plays a line. An error means that the conversation cannot go on.
func (v *verifier) event(e *event) error {
	switch e.Direction {
	case "+":
		return v.server.connect(e.Agent)
	case ">":
		text, err := e.sent()
		if err != nil {
			return err
		}
		v.report.Messages++
		return v.server.send(e.Agent, text)
	case "<":
		v.report.Replies++
		return v.reply(e)
	case "=":
		v.silent(e)
		return nil
	case "x":
		switch reply, err := v.server.receive(e.Agent, true); {
		case err == nil:
			v.differ(e.Agent, "", "a closed connection", string(reply))
		case !errors.Is(err, io.EOF):
			v.differ(e.Agent, "", "a closed connection", err.Error())
		}
		return nil
	case "-":
		return v.server.leave(e.Agent)
	default:
		return fmt.Errorf("unknown dir %q", e.Direction)
	}
}

// reply compares the next reply with the recorded one.
func (v *verifier) reply(e *event) error {
	want, err := parse(e.Message, nil)
	if err != nil {
		return err
	}
	var got map[string]any
	text, problem := v.server.receive(e.Agent, true)
	if problem == nil {
		got, problem = parse(text, v.server.address(e.Agent))
	}
	if problem != nil {
		v.differ(e.Agent, "", string(e.Message), problem.Error()+string(text))
	} else {
		compare("", want, got, func(path, want, got string) { v.differ(e.Agent, path, want, got) })
	}
	return nil
}

// silent checks that there is no reply, or one that e.Or accepts.
func (v *verifier) silent(e *event) {
	text, err := v.server.receive(e.Agent, false)
	switch {
	case errors.Is(err, errSilent), e.Or == "any":
	case errors.Is(err, io.EOF):
		if e.Or == "" {
			v.differ(e.Agent, "", "silence", "a closed connection")
		}
	case err != nil:
		v.differ(e.Agent, "", "silence", err.Error())
	default:
		reply, err := parse(text, nil)
		if err != nil || e.Or != "BAD_REQUEST" || reply["status"] != "GameStatus.BAD_REQUEST" {
			v.differ(e.Agent, "", "silence", string(text))
		}
	}
}
