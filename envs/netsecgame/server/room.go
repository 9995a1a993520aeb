package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"idsrl/envs/netsecgame/coordinator"
)

// A room is one game and its clients. All but the channels belong to the goroutine of run.
type room struct {
	game    *coordinator.Coordinator
	limits  *Limits
	log     *slog.Logger
	metrics *roomMetrics

	listener net.Listener
	places   chan struct{} // a token for each connection to any room
	arrivals chan net.Conn
	events   chan event
	conns    map[*coordinator.Client]*conn
	ready    []*conn        // that have been told something and have more to ask
	now      time.Time      // to the second
	group    sync.WaitGroup // of the goroutines of the listener and the connections
}

// An event is what the reader of a connection has to say: a message, or that nothing more will come.
type event struct {
	conn    *conn
	request *coordinator.Request // nil: the connection is lost
}

// newRoom returns a room in which nobody is. All rooms share set and places.
func newRoom(r *Room, cfg *Config, l net.Listener, set *metrics.Set, places chan struct{}) *room {
	return &room{
		game: coordinator.New(r.Task, r.Options), limits: &cfg.Limits, log: cfg.Log.With("room", r.Name),
		metrics: newRoomMetrics(set, r.Name), listener: l, places: places,
		arrivals: make(chan net.Conn), events: make(chan event),
		conns: map[*coordinator.Client]*conn{}, now: time.Now(),
	}
}

// serve plays until ctx is done, or until the game has stopped and the last client has left.
func (r *room) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	r.group.Go(func() { r.accept(ctx) })
	r.run(ctx)
	cancel()
	r.close()
}

// accept hands connections to run until the listener is closed.
func (r *room) accept(ctx context.Context) {
	for {
		nc, err := r.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many open files, say
			r.log.Error("cannot accept a connection", "err", err)
			select {
			case <-time.After(r.limits.Pause):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case r.places <- struct{}{}:
		default:
			r.refuse(nc)
			continue
		}
		select {
		case r.arrivals <- nc:
		case <-ctx.Done():
			r.refuse(nc)
			<-r.places
		}
	}
}

// refuse closes a connection without a word.
func (r *room) refuse(nc net.Conn) {
	r.metrics.refused.Inc()
	nc.Close() //nolint:errcheck // nothing was said
}

// run is the room's goroutine.
func (r *room) run(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case e := <-r.events:
			r.handle(e)
		case nc := <-r.arrivals:
			r.arrive(nc)
		case r.now = <-ticker.C:
			r.sweep()
		case <-ctx.Done():
			r.log.Info("room closes", "agents", r.game.Agents())
			r.deliver(r.game.Stop())
			return
		}
		if r.game.Stopped() {
			r.listener.Close() //nolint:errcheck // it may be closed
			if len(r.conns) == 0 {
				r.log.Info("game is over")
				return
			}
		}
	}
}

// close ends all connections once what is to be said on them has been written.
func (r *room) close() {
	r.listener.Close() //nolint:errcheck // it may be closed
	for _, c := range r.conns {
		c.post(nil, true)
	}
	done := make(chan struct{})
	go func() {
		r.group.Wait()
		close(done)
	}()
	for {
		select {
		case <-r.events: // of readers that have not noticed
		case <-done:
			return
		}
	}
}

// arrive takes a new connection, or closes it at once if there is no place.
func (r *room) arrive(nc net.Conn) {
	host, port := address(nc)
	client := r.game.Connect(host, port)
	if client == nil {
		r.refuse(nc)
		<-r.places
		return
	}
	c := &conn{Conn: nc, room: r, client: client, heard: r.now, wake: make(chan struct{}, 1), mute: make(chan struct{})}
	r.conns[client] = c
	r.metrics.connections.Inc()
	r.group.Go(func() {
		c.read()
		<-r.places
	})
	r.group.Go(c.write)
}

// leave forgets a connection.
func (r *room) leave(c *conn) {
	delete(r.conns, c.client)
	r.metrics.connections.Dec()
	if c.client.Joined() {
		r.log.Info("agent leaves", "agent", c.client)
	}
	c.post(nil, true)
}

// handle does what a connection's reader has to say.
func (r *room) handle(e event) {
	c := e.conn
	switch {
	case r.conns[c.client] != c: // it has left before
	case e.request == nil:
		r.leave(c)
		r.deliver(r.game.Leave(c.client))
		r.metrics.agents.Set(float64(r.game.Agents()))
	case !c.client.Waiting():
		r.answer(c, e.request)
	case len(c.queue) == maxQueue:
		r.cut(c, "it does not wait for replies")
	default:
		c.queue = append(c.queue, e.request)
	}
	for len(r.ready) > 0 {
		c := r.ready[0]
		r.ready = r.ready[1:]
		if r.conns[c.client] == c && !c.client.Waiting() && len(c.queue) > 0 {
			request := c.queue[0]
			c.queue = slices.Delete(c.queue, 0, 1)
			r.answer(c, request)
		}
	}
}

// answer plays a message.
func (r *room) answer(c *conn, request *coordinator.Request) {
	r.metrics.messages[request.Kind].Inc()
	joined := c.client.Joined()
	r.deliver(r.game.Handle(c.client, request))
	r.metrics.agents.Set(float64(r.game.Agents()))
	if !joined && c.client.Joined() {
		r.log.Info("agent joins", "agent", c.client)
	}
}

// deliver sends replies.
func (r *room) deliver(replies []coordinator.Reply) {
	for _, reply := range replies {
		c := r.conns[reply.To]
		c.heard = r.now
		c.post(reply.Text, false)
		if reply.Close {
			r.leave(c)
		} else if len(c.queue) > 0 {
			r.ready = append(r.ready, c)
		}
	}
}

// sweep cuts off who has said nothing for too long.
func (r *room) sweep() {
	for _, c := range r.conns {
		limit := r.limits.Idle
		if !c.client.Joined() {
			limit = min(limit, r.limits.Greeting)
		}
		if !c.client.Waiting() && r.now.Sub(c.heard) > limit {
			r.cut(c, "it is idle")
		}
	}
}

// cut closes a connection. Its reader will say so.
func (r *room) cut(c *conn, why string) {
	r.metrics.cut.Inc()
	r.log.Warn("connection cut", "agent", c.client, "why", why)
	r.group.Go(func() { c.Close() }) //nolint:errcheck // it may be closed; to say so under TLS may take a while
}

// address is the client's, as far as it has one.
func address(nc net.Conn) (host string, port int) {
	tcp, ok := nc.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return nc.RemoteAddr().String(), 0
	}
	return tcp.IP.String(), tcp.Port
}
