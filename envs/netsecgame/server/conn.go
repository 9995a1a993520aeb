package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"idsrl/envs/netsecgame/coordinator"
)

const (
	// maxQueue is how many messages a client may be ahead of its replies.
	maxQueue = 16
	// maxUnread is how many bytes of replies may wait for a client, besides one reply of any length.
	maxUnread = 1 << 20
)

// A conn is a client's connection.
type conn struct {
	net.Conn
	room *room

	// Of the room's goroutine.
	client *coordinator.Client
	queue  []*coordinator.Request // that came before the reply to an earlier one
	heard  time.Time              // when the last message came, or the last reply went out

	mu   sync.Mutex
	out  []byte        // to be written
	last bool          // and nothing after it
	wake chan struct{} // holds a token when out or last has changed
	mute chan struct{} // closed when nothing more will be written
}

// read tells the room what comes in, until the connection is lost.
func (c *conn) read() {
	framer, pace := coordinator.NewFramer(c.room.limits.Message), pace{rate: c.room.limits.Rate}
	pausing := false // the client is in the middle of a message, and there is a deadline
	for {
		text, err := framer.Next(c)
		switch {
		case text != nil:
			c.room.events <- event{c, coordinator.Parse(text)}
		case errors.Is(err, coordinator.ErrMalformed), pausing && errors.Is(err, os.ErrDeadlineExceeded):
			framer.Drop()
			c.room.events <- event{c, new(coordinator.Request)}
		case err != nil:
			c.room.events <- event{c, nil}
			return
		}
		if framer.Pending() {
			pausing = true
			c.SetReadDeadline(time.Now().Add(c.room.limits.Pause)) //nolint:errcheck // the next read has the same error
			continue
		}
		if pausing {
			pausing = false
			c.SetReadDeadline(time.Time{}) //nolint:errcheck // likewise
		}
		pace.wait(c.mute)
	}
}

// post has the room send text, and close the connection after it if last is true.
func (c *conn) post(text []byte, last bool) {
	c.mu.Lock()
	flood := len(c.out) > 0 && len(c.out)+len(text) > maxUnread
	if !flood {
		c.out = append(c.out, text...)
	}
	c.last = c.last || last
	c.mu.Unlock()
	if flood {
		c.room.cut(c, "it does not read")
		return
	}
	select {
	case c.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// write sends what is posted. Then, or when the client does not read, it closes the connection.
func (c *conn) write() {
	defer close(c.mute)
	defer c.Close()
	var buf []byte
	for range c.wake {
		c.mu.Lock()
		buf, c.out = c.out, buf[:0]
		last := c.last
		c.mu.Unlock()
		if len(buf) > 0 {
			c.SetWriteDeadline(time.Now().Add(c.room.limits.Write)) //nolint:errcheck // Write has the same error
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
		if last {
			return
		}
		if cap(buf) > maxUnread {
			buf = nil
		}
	}
}

// pace keeps a client to a rate of messages a second, after a second's worth at once. At a rate of 0 it does nothing.
type pace struct {
	rate float64
	next time.Time // when a client that keeps to the rate would send
}

// wait is to be called once a message. It returns early when the client is gone.
func (p *pace) wait(gone <-chan struct{}) {
	if p.rate == 0 {
		return
	}
	now := time.Now()
	if p.next.Before(now.Add(-time.Second)) {
		p.next = now.Add(-time.Second)
	}
	p.next = p.next.Add(time.Duration(float64(time.Second) / p.rate))
	select {
	case <-time.After(p.next.Sub(now)):
	case <-gone:
	}
}
