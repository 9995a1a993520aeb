package recording

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// A Dialer plays recordings against a server that listens somewhere. It must have been started anew for each recording,
// with its task, its randomness and its limit of connections.
type Dialer struct {
	Address string
	// Silence is how long no reply is waited for where there is to be none; Leave is how long a server is given to
	// notice that a client has left.
	Silence, Leave time.Duration
}

// NewDialer returns a Dialer with the times that recordings count on.
func NewDialer(address string) *Dialer {
	return &Dialer{Address: address, Silence: 150 * time.Millisecond, Leave: 250 * time.Millisecond}
}

// patience is how long a reply is waited for that must come.
const patience = 10 * time.Second

// Verify plays a recording, until ctx is done.
func (d *Dialer) Verify(ctx context.Context, rec *Recording) (Report, error) {
	s := &remote{Dialer: d, ctx: ctx, conns: map[int]*conn{}}
	defer s.close()
	return rec.verify(s)
}

// remote is a server behind a network.
type remote struct {
	*Dialer
	ctx   context.Context
	conns map[int]*conn
}

// conn is one agent's connection.
type conn struct {
	net.Conn
	stop func() bool // ends the watch over the context
	buf  []byte      // what came and is not read
}

func (s *remote) connect(agent int) error {
	var dialer net.Dialer
	c, err := dialer.DialContext(s.ctx, "tcp", s.Address)
	if err != nil {
		return err
	}
	end := func() { c.Close() } //nolint:errcheck // it ends what waits
	s.conns[agent] = &conn{Conn: c, stop: context.AfterFunc(s.ctx, end)}
	return nil
}

func (s *remote) address(agent int) []byte {
	host, port, err := net.SplitHostPort(s.conns[agent].LocalAddr().String())
	if err != nil {
		panic(err) // of a TCP connection
	}
	return fmt.Appendf(nil, `[%s,%s]`, strconv.Quote(host), port)
}

func (s *remote) send(agent int, text []byte) error {
	c, err := s.find(agent)
	if err != nil {
		return err
	}
	_, err = c.Write(text)
	return err
}

func (s *remote) find(agent int) (*conn, error) {
	c := s.conns[agent]
	if c == nil {
		return nil, fmt.Errorf("agent %d is not connected", agent)
	}
	return c, nil
}

func (s *remote) receive(agent int, patient bool) ([]byte, error) {
	c, err := s.find(agent)
	if err != nil {
		return nil, err
	}
	wait := s.Silence
	if patient {
		wait = patience
	}
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	for {
		if reply, rest, ok := bytes.Cut(c.buf, []byte("EOF")); ok {
			c.buf = rest
			return reply, nil
		}
		chunk := make([]byte, 1<<16)
		n, err := c.Read(chunk)
		c.buf = append(c.buf, chunk[:n]...)
		switch {
		case n > 0:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, errSilent
		case errors.Is(err, syscall.ECONNRESET):
			return nil, io.EOF // closed before it read all
		case err != nil:
			return nil, err
		}
	}
}

// leave closes the agent's connection and lets the server notice.
func (s *remote) leave(agent int) error {
	c := s.conns[agent]
	if c == nil {
		return nil
	}
	delete(s.conns, agent)
	c.stop()
	if err := c.Close(); err != nil {
		return err
	}
	select {
	case <-time.After(s.Leave):
	case <-s.ctx.Done():
	}
	return s.ctx.Err()
}

// close closes what is open.
func (s *remote) close() {
	for _, c := range s.conns {
		c.stop()
		c.Close() //nolint:errcheck // nothing was lost
	}
}
