package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
)

// Verify plays the recording against a coordinator of its own, with the odd rules of compat. What the recording says
// wrong is in the Report; an error means that it cannot be read or played to the end.
func (rec *Recording) Verify(compat netsecgame.Compat) (Report, error) {
	task, options, err := rec.Game(compat)
	if err != nil {
		return Report{}, err
	}
	report, err := rec.verify(newProcess(task, options))
	return report, errors.Join(err, options.Randomness.(*netsecgame.Script).Err())
}

// process is a server in this process: a coordinator without sockets.
type process struct {
	game    *coordinator.Coordinator
	clients map[int]*client
	agents  map[*coordinator.Client]*client
}

func newProcess(task *netsecgame.Task, options coordinator.Options) *process {
	return &process{
		game: coordinator.New(task, options), clients: map[int]*client{}, agents: map[*coordinator.Client]*client{},
	}
}

// client is a connection to a process.
type client struct {
	agent   *coordinator.Client // nil once the connection is closed
	replies [][]byte
}

func (p *process) connect(agent int) error {
	c := &client{agent: p.game.Connect("127.0.0.1", agent)}
	p.clients[agent] = c
	if c.agent != nil {
		p.agents[c.agent] = c
	}
	return nil
}

func (p *process) address(agent int) []byte { return fmt.Appendf(nil, `["127.0.0.1",%d]`, agent) }

func (p *process) find(agent int) (*client, error) {
	c := p.clients[agent]
	if c == nil || c.agent == nil {
		return nil, fmt.Errorf("agent %d is not connected", agent)
	}
	return c, nil
}

func (p *process) send(agent int, text []byte) error {
	c, err := p.find(agent)
	if err != nil {
		return err
	}
	if c.agent.Waiting() {
		return fmt.Errorf("agent %d does not wait for its reply", agent)
	}
	p.deliver(p.game.Handle(c.agent, request(text)))
	return nil
}

// request is what a server makes of a text that comes at once, before a pause.
func request(text []byte) *coordinator.Request {
	framer := coordinator.NewFramer(maxLine)
	for r := bytes.NewReader(text); r.Len() > 0; {
		message, err := framer.Next(r)
		switch {
		case err != nil:
			return new(coordinator.Request) // malformed
		case message != nil && r.Len() == 0:
			return coordinator.Parse(message)
		}
	}
	return new(coordinator.Request)
}

// deliver hands out replies.
func (p *process) deliver(replies []coordinator.Reply) {
	for _, r := range replies {
		c := p.agents[r.To]
		if len(r.Text) > 0 {
			c.replies = append(c.replies, bytes.Clone(bytes.TrimSuffix(r.Text, []byte("EOF"))))
		}
		if r.Close {
			c.agent = nil
		}
	}
}

func (p *process) receive(agent int, _ bool) ([]byte, error) {
	c := p.clients[agent]
	switch {
	case c == nil:
		return nil, fmt.Errorf("agent %d never connected", agent)
	case len(c.replies) > 0:
		reply := c.replies[0]
		c.replies = c.replies[1:]
		return reply, nil
	case c.agent == nil:
		return nil, io.EOF
	}
	return nil, errSilent
}

func (p *process) leave(agent int) error {
	if c := p.clients[agent]; c != nil && c.agent != nil {
		p.deliver(p.game.Leave(c.agent))
		c.agent = nil
	}
	return nil
}
