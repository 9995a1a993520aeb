package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"idsrl/envs/netsecgame"
)

// pipes is a listener whose connections are in memory, for tests in which time does not pass by itself.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return nil }

// bubble runs play with a room of a recorded game, in a bubble of its own time. dial connects to the room.
func bubble(t *testing.T, name string, compat netsecgame.Compat, limits Limits, play func(t *testing.T, r *room, dial func() *client)) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Limits: limits, Log: slog.New(slog.DiscardHandler)}
		config := game(t, name, compat)
		l := &pipes{make(chan net.Conn), make(chan struct{})}
		r := newRoom(&config, &cfg, l, metrics.NewSet(), make(chan struct{}, limits.Connections))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.serve(ctx)
		}()
		play(t, r, func() *client {
			ours, its := net.Pipe()
			l.conns <- its
			return &client{t: t, Conn: ours}
		})
		cancel()
		<-done
	})
}

// closed reports whether the server has closed the connection and said nothing before.
func (c *client) closed() bool {
	rest, err := io.ReadAll(c)
	return err == nil && len(rest) == 0
}

// says checks what the next reply holds.
func (c *client) says(text string) {
	c.t.Helper()
	if got := c.read(); !bytes.Contains(got, []byte(text)) {
		c.t.Errorf("%.200q does not hold %q", got, text)
	}
}

// silent checks that no reply comes for so long.
func (c *client) silent(d time.Duration) {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(d)) //nolint:errcheck // read has the same error
	if got := c.read(); got != nil {
		c.t.Errorf("%.200q comes out of turn", got)
	}
	c.SetReadDeadline(time.Time{}) //nolint:errcheck // likewise
}

// A message may come in pieces, but not with a pause in it.
func TestPause(t *testing.T) {
	pause := DefaultLimits().Pause
	bubble(t, "views_no_limit", netsecgame.Compat{}, DefaultLimits(), func(t *testing.T, _ *room, dial func() *client) {
		c := dial()
		c.send(joining[:20])
		time.Sleep(pause - 1)
		c.send(joining[20:])
		c.says("CREATED")
		c.send(plays[0][:20])
		c.silent(pause - 1)
		c.says("Malformed")
		c.send(plays[0][20:])
		c.says("Malformed")
		time.Sleep(time.Minute)
		c.send(plays[0])
		c.says("OK")
		c.Close()
	})
}

// Who says nothing is cut off; who waits for a reply is not.
func TestIdle(t *testing.T) {
	limits := DefaultLimits()
	bubble(t, "join_wait", netsecgame.Strict(), limits, func(t *testing.T, r *room, dial func() *client) {
		waits, mute := dial(), dial()
		waits.send(joining)
		begin := time.Now()
		if !mute.closed() || time.Since(begin) < limits.Greeting || time.Since(begin) > limits.Greeting+2*time.Second {
			t.Errorf("cut after %v", time.Since(begin))
		}
		waits.silent(10 * limits.Idle)
		second := dial()
		second.send(joining)
		second.says("CREATED")
		waits.says("CREATED")
		begin = time.Now()
		if !waits.closed() || time.Since(begin) < limits.Idle || time.Since(begin) > limits.Idle+2*time.Second {
			t.Errorf("cut after %v", time.Since(begin))
		}
		synctest.Wait()
		if n := r.metrics.cut.Get(); n != 3 {
			t.Errorf("%d cut", n)
		}
	})
}

// A client that vanishes while its reply is outstanding gives its place back.
func TestVanish(t *testing.T) {
	limits := DefaultLimits()
	limits.Connections = 3
	bubble(t, "join_wait", netsecgame.Strict(), limits, func(t *testing.T, r *room, dial func() *client) {
		a, b := dial(), dial()
		a.send(joining)
		for range 5 {
			if !dial().closed() {
				t.Error("there is a third place")
			}
		}
		synctest.Wait()
		a.Close()
		synctest.Wait()
		c := dial()
		c.send(joining)
		c.silent(time.Second)
		b.send(joining)
		b.says("CREATED")
		c.says("CREATED")
		// In the middle of a message, too.
		b.send(plays[0][:30])
		b.Close()
		synctest.Wait()
		d := dial()
		d.send(joining)
		d.says("CREATED")
		d.send(quitting)
		if !d.closed() {
			t.Error("still open after QuitGame")
		}
		dial()
		if !dial().closed() {
			t.Error("QuitGame frees two places")
		}
		synctest.Wait()
		if refused, connections := r.metrics.refused.Get(), r.metrics.connections.Get(); refused != 6 || connections != 2 {
			t.Errorf("%d refused, %v connections", refused, connections)
		}
		c.Close()
	})
}

// Who sends ahead is answered in turn, but not without end. Who does not read is cut off.
func TestAhead(t *testing.T) {
	bubble(t, "join_wait", netsecgame.Strict(), DefaultLimits(), func(t *testing.T, r *room, dial func() *client) {
		a, b := dial(), dial()
		a.send(joining)
		a.send(plays[0])
		a.send("nonsense")
		a.send(resetting)
		a.silent(time.Second)
		b.send(joining)
		b.says("CREATED")
		a.says("CREATED")
		a.says("OK")
		a.says("Malformed")
		for range maxQueue {
			a.send(plays[0])
			a.silent(time.Millisecond)
		}
		a.send(plays[0])
		if !a.closed() {
			t.Error("a client may be ahead without end")
		}
		b.send(plays[0])
		b.says("OK")
		for err := error(nil); err == nil; {
			_, err = io.WriteString(b, plays[0]) // blocks until the server reads, or gives up
		}
		synctest.Wait()
		if n := r.metrics.connections.Get(); n != 0 {
			t.Errorf("%v connections are left", n)
		}
		c := dial()
		c.send(plays[0])
		time.Sleep(DefaultLimits().Write)
		synctest.Wait()
		if !c.closed() {
			t.Error("a reply may wait without end")
		}
	})
}

// A client is slowed down to its rate.
func TestRate(t *testing.T) {
	limits := DefaultLimits()
	limits.Rate = 10
	bubble(t, "views_no_limit", netsecgame.Compat{}, limits, func(t *testing.T, _ *room, dial func() *client) {
		c := dial()
		begin := time.Now()
		c.ask(joining)
		for range 39 {
			c.ask(plays[0])
		}
		if d := time.Since(begin); d < 2900*time.Millisecond || d > 3100*time.Millisecond {
			t.Errorf("40 messages took %v", d)
		}
		c.Close()
	})
}

// A message that is too long is malformed, and one bad request whatever its length.
func TestLong(t *testing.T) {
	limits := DefaultLimits()
	limits.Message = 1 << 16
	bubble(t, "views_no_limit", netsecgame.Compat{}, limits, func(t *testing.T, _ *room, dial func() *client) {
		c := dial()
		c.ask(joining)
		data := strings.Replace(plays[4], `"content": ""`, `"content": "`+strings.Repeat("x", 60000)+`"`, 1)
		c.send(data)
		c.says("OK")
		for _, length := range []int{limits.Message, 5 * limits.Message} {
			go c.send("{" + strings.Repeat("x", length-1))
			c.says("Malformed")
			c.send(plays[0])
			c.says("OK")
		}
		c.Close()
	})
}

// A graceful stop, as at the end of each bubble, tells those who wait.
func TestStop(t *testing.T) {
	bubble(t, "join_wait", netsecgame.Strict(), DefaultLimits(), func(t *testing.T, _ *room, dial func() *client) {
		waits, idle := dial(), dial()
		waits.send(joining)
		synctest.Wait()
		go func() {
			waits.says("The game has stopped.")
			if !waits.closed() {
				t.Error("still open")
			}
		}()
		go func() {
			if !idle.closed() {
				t.Error("still open")
			}
		}()
	})
}

// A conflict stops a strict game: nobody else may come, and it is over when all have left.
func TestConflict(t *testing.T) {
	bubble(t, "reset_seed_conflict", netsecgame.Strict(), DefaultLimits(), func(t *testing.T, r *room, dial func() *client) {
		a, b := dial(), dial()
		a.send(joining)
		b.send(joining)
		a.says("CREATED")
		b.says("CREATED")
		for _, c := range []*client{a, b} {
			c.send(strings.Replace(resetting, "{}", `{"seed": `+map[*client]string{a: "1", b: "2"}[c]+`}`, 1))
		}
		a.says("Agents disagree on the seed.")
		b.says("Agents disagree on the seed.")
		synctest.Wait()
		if _, err := r.listener.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("still listening: %v", err)
		}
		a.Close()
		b.send(plays[0])
		b.says("The game has stopped.")
		b.Close()
	})
}
