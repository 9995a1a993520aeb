package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
	"idsrl/envs/netsecgame/recording"
	"idsrl/envs/netsecgame/recording/recordingtest"
)

// start runs a server on loopback until the test ends or stop is called, which waits for its end.
func start(t testing.TB, cfg Config) (s *Server, stop func()) {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits()
	}
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return s, stop
}

// loopback is any free port.
const loopback = "127.0.0.1:0"

// game is a room with the game of a recording.
func game(t testing.TB, name string, compat netsecgame.Compat) Room {
	t.Helper()
	task, options := recordingtest.Game(t, name, compat)
	return Room{Name: name, Address: loopback, Task: task, Options: options}
}

// client is the simplest one: it sends texts and cuts what it reads at the marks.
type client struct {
	t testing.TB
	net.Conn
	buf  []byte
	next int // buf[next:] is not read
}

// dial connects to a room.
func dial(t testing.TB, s *Server, room int) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.Address(room).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{t: t, Conn: c}
}

func (c *client) send(text string) {
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Error(err)
	}
}

// read returns the next reply, nil if the connection is closed. It is valid until the next call.
func (c *client) read() []byte {
	c.buf = slices.Delete(c.buf, 0, c.next)
	c.next = 0
	for {
		if i := bytes.Index(c.buf, []byte("EOF")); i >= 0 {
			c.next = i + len("EOF")
			return c.buf[:i]
		}
		c.buf = slices.Grow(c.buf, 1<<12)
		n, err := c.Read(c.buf[len(c.buf):cap(c.buf)])
		if n == 0 && err != nil {
			return nil
		}
		c.buf = c.buf[:len(c.buf)+n]
	}
}

// ask sends a text and returns the reply.
func (c *client) ask(text string) []byte {
	c.send(text)
	return c.read()
}

// Messages of an attacker in two_networks_small.
const (
	joining   = `{"action_type": "ActionType.JoinGame", "parameters": {"agent_info": {"name": "A", "role": "Attacker"}}}`
	resetting = `{"action_type": "ActionType.ResetGame", "parameters": {}}`
	quitting  = `{"action_type": "ActionType.QuitGame", "parameters": {}}`
)

var plays = []string{
	`{"action_type": "ActionType.ScanNetwork", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_network": {"ip": "192.168.1.0", "mask": 24}}}`,
	`{"action_type": "ActionType.FindServices", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_host": {"ip": "192.168.1.3"}}}`,
	`{"action_type": "ActionType.ExploitService", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_host": {"ip": "192.168.1.3"}, "target_service": {"name": "postgresql", "type": "passive", "version": "14.3.0", "is_local": false}}}`,
	`{"action_type": "ActionType.FindData", "parameters": {"source_host": {"ip": "192.168.1.3"}, "target_host": {"ip": "192.168.1.3"}}}`,
	`{"action_type": "ActionType.ExfiltrateData", "parameters": {"source_host": {"ip": "192.168.1.3"}, "target_host": {"ip": "213.47.23.195"}, "data": {"owner": "User1", "id": "DatabaseData", "size": 0, "type": "", "content": ""}}}`,
	`{"action_type": "ActionType.FindData", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_host": {"ip": "192.168.2.2"}}}`,
}

// The recordings of the original replay over TCP as they do in process.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("../recording/testdata/*.jsonl.gz")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl.gz")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := recordingtest.Open(t, name)
			task, options, err := rec.Game(netsecgame.Strict())
			if err != nil {
				t.Fatal(err)
			}
			s, stop := start(t, Config{Rooms: []Room{{Address: loopback, Task: task, Options: options}}})
			d := recording.NewDialer(s.Address(0).String())
			d.Silence = 100 * time.Millisecond
			r, err := d.Verify(t.Context(), rec)
			if err != nil || r.Differences > 0 || r.Messages == 0 {
				t.Errorf("%d differences, %v, first %v", r.Differences, err, r.First)
			}
			stop()
			if err := options.Randomness.(*netsecgame.Script).Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The tasks that come with the server load without a warning, and agents can play them.
func TestTasks(t *testing.T) {
	files, err := filepath.Glob("../tasks/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		task, warnings, err := netsecgame.LoadTask(file, text)
		if err != nil || len(warnings) > 0 {
			t.Fatal(err, warnings)
		}
		r := netsecgame.NewTwister()
		r.Seed(42)
		s, _ := start(t, Config{Rooms: []Room{{
			Name: file, Address: loopback, Task: task, Options: coordinator.Options{Randomness: r},
		}}})
		for _, role := range []string{"Attacker", "Defender", "Benign"} {
			if got := dial(t, s, 0).ask(strings.Replace(joining, "Attacker", role, 1)); !bytes.Contains(got, []byte("CREATED")) {
				t.Errorf("%s: %s: %s", file, role, got)
			}
		}
	}
}

// certificates are a server's and a client's, each signed by itself.
func certificates(t *testing.T) (server, client tls.Certificate, pool *x509.CertPool) {
	t.Helper()
	pool = x509.NewCertPool()
	sign := func(usage x509.ExtKeyUsage) tls.Certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		if c.Leaf, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		pool.AddCert(c.Leaf)
		return c
	}
	return sign(x509.ExtKeyUsageServerAuth), sign(x509.ExtKeyUsageClientAuth), pool
}

// With certificates, only who is known may play, and the game is the same.
func TestTLS(t *testing.T) {
	ours, theirs, pool := certificates(t)
	s, _ := start(t, Config{
		Rooms: []Room{game(t, "views_no_limit", netsecgame.Compat{})},
		TLS:   &tls.Config{Certificates: []tls.Certificate{ours}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool},
	})
	for _, known := range []bool{false, true} {
		cfg := &tls.Config{RootCAs: pool}
		if known {
			cfg.Certificates = []tls.Certificate{theirs}
		}
		nc, err := tls.Dial("tcp", s.Address(0).String(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		c := &client{t: t, Conn: nc}
		io.WriteString(c, joining[:50]) //nolint:errcheck // who is not known hears so when it reads
		if got := c.read(); bytes.Contains(got, []byte("Malformed")) != known {
			t.Errorf("known %t: %s", known, got)
		}
		if known && !bytes.Contains(c.ask(joining), []byte("CREATED")) {
			t.Error("a pause under TLS is the end")
		}
	}
	plain := dial(t, s, 0)
	if got := plain.ask(joining); bytes.Contains(got, []byte("GameStatus")) {
		t.Errorf("%s without TLS", got)
	}
}

// A server that other machines can reach does not start without protection.
func TestExposed(t *testing.T) {
	ours, _, _ := certificates(t)
	oneWay := &tls.Config{Certificates: []tls.Certificate{ours}}
	bothWays := &tls.Config{Certificates: []tls.Certificate{ours}, ClientAuth: tls.RequireAndVerifyClientCert}
	for _, test := range []struct {
		address  string
		tls      *tls.Config
		tokens   [3]string
		insecure bool
		exposed  bool
	}{
		{loopback, nil, [3]string{}, false, false},
		{"localhost:0", nil, [3]string{}, false, false},
		{"0.0.0.0:0", nil, [3]string{}, false, true},
		{":0", nil, [3]string{"a", "b", "c"}, false, true},
		{":0", oneWay, [3]string{}, false, true},
		{":0", oneWay, [3]string{"a", "", "c"}, false, true},
		{":0", oneWay, [3]string{"a", "b", "c"}, false, false},
		{":0", bothWays, [3]string{}, false, false},
		{":0", nil, [3]string{}, true, false},
	} {
		room := game(t, "views_no_limit", netsecgame.Compat{})
		room.Address = test.address
		copy(room.Options.Tokens[envs.Attacker:], test.tokens[:])
		s, err := Listen(Config{
			Rooms: []Room{room}, TLS: test.tls, Insecure: test.insecure, Limits: DefaultLimits(), Log: slog.New(slog.DiscardHandler),
		})
		if errors.Is(err, ErrExposed) != test.exposed || err == nil && test.exposed {
			t.Errorf("%+v: %v", test, err)
		}
		if err == nil {
			s.close()
		}
	}
}

// What fails when a server begins to listen leaves nothing open.
func TestListen(t *testing.T) {
	first := game(t, "views_no_limit", netsecgame.Compat{})
	s, stop := start(t, Config{Rooms: []Room{first}, Metrics: loopback})
	for _, cfg := range []Config{
		{Rooms: []Room{{Name: "x", Address: s.Address(0).String(), Task: first.Task, Options: first.Options}}},
		{Rooms: []Room{first}, Metrics: s.metrics.Addr().String()},
		{Rooms: []Room{{Name: "x", Address: "127.0.0.1:port", Task: first.Task, Options: first.Options}}},
	} {
		cfg.Limits, cfg.Log = DefaultLimits(), slog.New(slog.DiscardHandler)
		if _, err := Listen(cfg); err == nil {
			t.Errorf("%+v listens", cfg)
		}
	}
	stop()
	if _, err := net.Dial("tcp", s.Address(0).String()); err == nil {
		t.Error("still listening")
	}
}

// Prometheus sees what happens in each room; connections have a limit.
func TestMetrics(t *testing.T) {
	one, two := game(t, "views_no_limit", netsecgame.Compat{}), game(t, "join_wait", netsecgame.Compat{})
	limits := DefaultLimits()
	limits.Connections = 2
	s, _ := start(t, Config{Rooms: []Room{one, two}, Limits: limits, Metrics: loopback})
	a, b := dial(t, s, 0), dial(t, s, 1)
	for _, text := range []string{"{}", joining, plays[0], plays[1], resetting} {
		a.ask(text)
	}
	b.ask("{}")
	if c := dial(t, s, 1); c.read() != nil {
		t.Error("a third connection")
	}
	response, err := http.Get("http://" + s.metrics.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`idsrl_agents{room="views_no_limit"} 1`, `idsrl_agents{room="join_wait"} 0`, `idsrl_connections{room="join_wait"} 1`,
		`idsrl_messages_total{room="views_no_limit",kind="action"} 2`, `idsrl_messages_total{room="views_no_limit",kind="malformed"} 1`,
		`idsrl_messages_total{room="views_no_limit",kind="reset"} 1`, `idsrl_messages_total{room="join_wait",kind="malformed"} 1`,
		`idsrl_connections_refused_total{room="join_wait"} 1`,
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}

// Trajectories are appended to a file a day, agent and role, the running one at the end, too.
func TestSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trajectories")
	room := game(t, "views_no_limit", netsecgame.Compat{})
	room.Options.Save = SaveTo(dir, slog.New(slog.DiscardHandler))
	s, stop := start(t, Config{Rooms: []Room{room}})
	c := dial(t, s, 0)
	for _, text := range []string{joining, plays[0], resetting, plays[0], plays[1]} {
		c.ask(text)
	}
	stop()
	files, err := filepath.Glob(filepath.Join(dir, "????-??-??_A_AgentRole.Attacker.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 3 || lines[2] != "" {
		t.Fatalf("%q", lines)
	}
	for i, steps := range []int{1, 2} {
		var line struct {
			Trajectory struct{ States, Actions, Rewards []any }
			Name       string `json:"agent_name"`
			Role       string `json:"agent_role"`
		}
		err := json.Unmarshal([]byte(lines[i]), &line)
		tr := line.Trajectory
		if err != nil || len(tr.States) != steps+1 || len(tr.Actions) != steps || len(tr.Rewards) != steps ||
			line.Name != "A" || line.Role != "Attacker" {
			t.Errorf("%v, %s", err, lines[i])
		}
	}
}

// A room without clients takes less than 1 MB.
func TestIdleRooms(t *testing.T) {
	const rooms = 100
	cfg := Config{Rooms: make([]Room, rooms)}
	one := game(t, "multi_two_networks_aad", netsecgame.Compat{})
	for i := range cfg.Rooms {
		cfg.Rooms[i] = one
		cfg.Rooms[i].Name = strconv.Itoa(i)
	}
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before := memory()
	s, _ := start(t, cfg)
	dial(t, s, rooms-1).ask("{}")
	if each := (memory() - before) / rooms; each > 1e6 {
		t.Errorf("%d bytes a room", each)
	} else {
		t.Logf("%d bytes a room", each)
	}
}
