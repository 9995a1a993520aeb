package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

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
	Address  string      // host:port
	TLS      *tls.Config // nil: the connection is not encrypted
	Insecure bool        // send the token to other machines without encryption, too
	Name     string
	Role     envs.Role
	Token    string // "": none
	Policy   Policy
	Episodes int
	Seed     uint64 // of the policy's draws, and of the game's if NewAddresses
	// NewAddresses wishes new addresses for each episode after the first. The server gives them if its task does and all
	// agents of the game wish so with the same seed.
	NewAddresses bool
	Delay        time.Duration // before each action
}

// An Episode is what came of one.
type Episode struct {
	Won    bool
	Return float64
	Steps  int
}

// ErrExposed is what Play returns instead of sending a token that others on the way could read.
var ErrExposed = errors.New("the token would go to another machine without encryption")

// Play joins a game, plays episodes and leaves. It calls each after every episode, and stops when ctx is done.
func Play(ctx context.Context, cfg Config, each func(Episode)) error {
	conn, err := dial(ctx, &cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	end := func() { conn.Close() } //nolint:errcheck // it ends what waits
	defer context.AfterFunc(ctx, end)()
	if err := play(ctx, &client{Conn: conn}, cfg, each); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w", cfg.Address, err)
	}
	return nil
}

func dial(ctx context.Context, cfg *Config) (net.Conn, error) {
	if cfg.TLS != nil {
		return (&tls.Dialer{Config: cfg.TLS}).DialContext(ctx, "tcp", cfg.Address)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", cfg.Address)
	if err == nil && cfg.exposes(conn.RemoteAddr()) {
		return nil, errors.Join(ErrExposed, conn.Close())
	}
	return conn, err
}

// exposes reports whether the token would be carelessly sent to a server without encryption.
func (cfg *Config) exposes(server net.Addr) bool {
	at, ok := server.(*net.TCPAddr)
	return cfg.Token != "" && !cfg.Insecure && (!ok || !at.IP.IsLoopback())
}

func play(ctx context.Context, c *client, cfg Config, each func(Episode)) error {
	now, err := c.ask(coordinator.AppendJoin(nil, cfg.Name, cfg.Role, cfg.Token), "CREATED")
	if err != nil {
		return err
	}
	for k := range uint64(cfg.Episodes) {
		if k > 0 {
			if now, err = c.ask(coordinator.AppendReset(nil, cfg.wish(k)), "RESET_DONE"); err != nil {
				return err
			}
		}
		rng := rand.New(rand.NewPCG(envs.Derive(cfg.Seed, "agent", k), 0))
		cfg.Policy.Start(rng)
		var e Episode
		for ; !now.End; e.Steps++ {
			action, err := cfg.Policy.Act(&now.State, rng)
			if err != nil {
				return err
			}
			pause(ctx, cfg.Delay)
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

// wish is how the game shall be reset for episode k.
func (cfg *Config) wish(k uint64) coordinator.Wish {
	if !cfg.NewAddresses {
		return coordinator.Wish{}
	}
	seed := uint32(envs.Derive(cfg.Seed, "reset", k)) // the original takes no larger one
	return coordinator.Wish{Seeded: true, Seed: int64(seed), Renumber: true}
}

// pause waits, until ctx is done at most.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
