package viewer

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Server serves pages. Handlers are added between Listen and Serve.
type Server struct {
	listener net.Listener
	mux      *http.ServeMux
	guard    guard
}

// Listen opens an address, HOST:PORT; port 0 is any that is free.
func Listen(address string) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: listener, mux: http.NewServeMux()}
	s.guard = guard{next: s.mux, allowance: newAllowance(time.Now), busy: make(chan struct{}, maxBusy)}
	if at := listener.Addr().(*net.TCPAddr); !at.IP.IsLoopback() {
		s.guard.token = rand.Text()
	}
	s.mux.Handle("GET /assets/", assets())
	return s, nil
}

// URL is the address of the first page, with the token if one is needed. Of a server at all addresses of this machine,
// it has the loopback address; others put theirs in its place.
func (s *Server) URL() string {
	at := *s.listener.Addr().(*net.TCPAddr)
	if at.IP.IsUnspecified() {
		at.IP = net.IPv4(127, 0, 0, 1)
	}
	u := url.URL{Scheme: "http", Host: at.String(), Path: "/"}
	if s.guard.token != "" {
		u.RawQuery = url.Values{tokenName: {s.guard.token}}.Encode()
	}
	return u.String()
}

// Handle answers to what fits a pattern of [http.ServeMux].
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Handler is the whole server: the handlers behind their guard.
func (s *Server) Handler() http.Handler { return &s.guard }

// Serve answers until ctx is done.
func (s *Server) Serve(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends streams, too
	}
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close() // what is still open is cut off
		}
	})
	defer stop()
	if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
