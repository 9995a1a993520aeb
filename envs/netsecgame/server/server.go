package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
)

// A Config describes a Server.
type Config struct {
	Rooms  []Room
	Limits Limits
	TLS    *tls.Config // nil: connections are not encrypted
	// Insecure lets a server that other machines can reach do without encryption, and without asking clients for tokens
	// of all roles or for certificates.
	Insecure bool
	Metrics  string // where an HTTP server has /metrics, as host:port; "": nowhere
	Log      *slog.Logger
}

// A Room is one game.
type Room struct {
	Name    string // for people; no two rooms have the same
	Address string // where it listens, as host:port
	Task    *netsecgame.Task
	Options coordinator.Options
}

// Limits are what clients cannot go beyond.
type Limits struct {
	Message     int           // bytes of a message
	Rate        float64       // messages a second of a connection, which is slowed down to it; 0: no limit
	Connections int           // at once, in all rooms
	Pause       time.Duration // in the middle of a message
	Greeting    time.Duration // without a message, before joining
	Idle        time.Duration // without a message, unless a reply is outstanding
	Write       time.Duration // for the client to take a reply
}

// DefaultLimits leave room for agents that think for long.
func DefaultLimits() Limits {
	return Limits{
		Message: 4 << 20, Connections: 1024, Pause: 50 * time.Millisecond, Greeting: time.Minute, Idle: time.Hour,
		Write: time.Minute,
	}
}

// A Server listens for the clients of its rooms.
type Server struct {
	rooms   []*room
	metrics net.Listener // nil: none
	handler http.Handler // of metrics
}

// Listen begins to listen in every room. Serve must follow.
func Listen(cfg Config) (*Server, error) {
	s := new(Server)
	if err := s.listen(&cfg); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *Server) listen(cfg *Config) error {
	set, places := metrics.NewSet(), make(chan struct{}, cfg.Limits.Connections)
	for i := range cfg.Rooms {
		r := &cfg.Rooms[i]
		if slices.ContainsFunc(cfg.Rooms[:i], func(o Room) bool { return o.Name == r.Name }) {
			panic("server: two rooms have the name " + r.Name)
		}
		listener, err := listen(r, cfg)
		if err != nil {
			return fmt.Errorf("room %s: %w", r.Name, err)
		}
		s.rooms = append(s.rooms, newRoom(r, cfg, listener, set, places))
	}
	if cfg.Metrics == "" {
		return nil
	}
	var err error
	if s.metrics, err = net.Listen("tcp", cfg.Metrics); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	s.handler = metricsHandler(set)
	return nil
}

// listen opens a room's port, unless that would be careless.
func listen(r *Room, cfg *Config) (net.Listener, error) {
	address, err := net.ResolveTCPAddr("tcp", r.Address)
	if err != nil {
		return nil, err
	}
	known := cfg.TLS != nil && cfg.TLS.ClientAuth == tls.RequireAndVerifyClientCert ||
		!slices.Contains(r.Options.Tokens[envs.Attacker:], "")
	if !address.IP.IsLoopback() && !cfg.Insecure && (cfg.TLS == nil || !known) {
		return nil, ErrExposed
	}
	listener, err := net.ListenTCP("tcp", address)
	if err != nil {
		return nil, err
	}
	if cfg.TLS != nil {
		return tls.NewListener(listener, cfg.TLS), nil
	}
	return listener, nil
}

// ErrExposed is what Listen returns for a room that anybody could play in from other machines.
var ErrExposed = errors.New("other machines can reach this address: it needs encryption, and tokens for all roles or " +
	"certificates of clients; or listen at a loopback address")

// close closes what listens.
func (s *Server) close() {
	for _, r := range s.rooms {
		r.listener.Close() //nolint:errcheck // nobody came
	}
}

// Address is where a room listens.
func (s *Server) Address(room int) net.Addr { return s.rooms[room].listener.Addr() }

// Serve plays until ctx is done, or until all games have stopped. When it returns, all connections are closed and all
// trajectories saved.
func (s *Server) Serve(ctx context.Context) {
	var group sync.WaitGroup
	for _, r := range s.rooms {
		group.Go(func() { r.serve(ctx) })
	}
	if s.metrics != nil {
		web := &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Second}
		var serving sync.WaitGroup
		serving.Go(func() { web.Serve(s.metrics) }) //nolint:errcheck // it ends by Close
		defer serving.Wait()
		defer web.Close()
	}
	group.Wait()
}
