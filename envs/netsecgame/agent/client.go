package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"

	"idsrl/envs"
	"idsrl/envs/netsecgame/coordinator"
)

// maxReply is how many bytes a reply may have.
const maxReply = 1 << 28

// client is a connection on which one message at a time is answered.
type client struct {
	net.Conn
	buf []byte // what came and is not read
}

// ask sends a message and returns its reply, which must have a status.
func (c *client) ask(message []byte, status string) (*coordinator.Answer, error) {
	if _, err := c.Write(message); err != nil {
		return nil, err
	}
	text, err := c.read()
	if err != nil {
		return nil, err
	}
	a, err := coordinator.ParseAnswer(text)
	switch {
	case err != nil:
		return nil, err
	case a.Status != status || !a.Observed:
		return nil, fmt.Errorf("the server replies %s: %s", a.Status, a.Message)
	}
	return a, nil
}

// read returns the next reply.
func (c *client) read() ([]byte, error) {
	chunk := make([]byte, 1<<13)
	for from := 0; ; {
		if i := bytes.Index(c.buf[from:], []byte(coordinator.EndMark)); i >= 0 {
			reply := c.buf[:from+i]
			c.buf = c.buf[from+i+len(coordinator.EndMark):]
			return reply, nil
		}
		if len(c.buf) > maxReply {
			return nil, fmt.Errorf("a reply is longer than %d bytes", maxReply)
		}
		from = max(0, len(c.buf)-len(coordinator.EndMark)+1) // a mark may come in parts
		n, err := c.Read(chunk)
		c.buf = append(c.buf, chunk[:n]...)
		switch {
		case n > 0:
		case errors.Is(err, io.EOF):
			return nil, errors.New("the server has closed the connection")
		case err != nil:
			return nil, err
		}
	}
}

// A Config says who plays where.
type Config struct {
	Address  string // host:port
	Name     string
	Role     envs.Role
	Token    string // "": none
	Policy   Policy
	Episodes int
	Seed     uint64 // of the policy's draws
}

// An Episode is what came of one.
type Episode struct {
	Won    bool
	Return float64
	Steps  int
}

// Play joins a game, plays episodes and leaves. It calls each after every episode, and stops when ctx is done.
func Play(ctx context.Context, cfg Config, each func(Episode)) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", cfg.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	end := func() { conn.Close() } //nolint:errcheck // it ends what waits
	defer context.AfterFunc(ctx, end)()
	if err := play(&client{Conn: conn}, cfg, each); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w", cfg.Address, err)
	}
	return nil
}

func play(c *client, cfg Config, each func(Episode)) error {
	now, err := c.ask(coordinator.AppendJoin(nil, cfg.Name, cfg.Role, cfg.Token), "CREATED")
	if err != nil {
		return err
	}
	for k := range cfg.Episodes {
		if k > 0 {
			if now, err = c.ask([]byte(coordinator.ResetMessage), "RESET_DONE"); err != nil {
				return err
			}
		}
		rng := rand.New(rand.NewPCG(envs.Derive(cfg.Seed, "agent", uint64(k)), 0))
		cfg.Policy.Start()
		var e Episode
		for ; !now.End; e.Steps++ {
			action := cfg.Policy.Act(&now.State, rng)
			if now, err = c.ask(coordinator.AppendMessage(nil, action), "OK"); err != nil {
				return err
			}
			e.Return += now.Reward
		}
		e.Won = now.Succeeded()
		each(e)
	}
	_, err = c.Write([]byte(coordinator.QuitMessage))
	return err
}
