package agent

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
	"idsrl/envs/netsecgame/server"
)

// serve runs a server with the shipped task on loopback until the test ends, and returns its address.
func serve(t *testing.T, options coordinator.Options) string {
	t.Helper()
	const file = "../tasks/two_networks_small.yaml"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	task, _, err := netsecgame.LoadTask(file, data)
	if err != nil {
		t.Fatal(err)
	}
	twister := netsecgame.NewTwister()
	twister.Seed(42)
	options.Randomness = twister
	s, err := server.Listen(server.Config{
		Limits: server.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
		Rooms: []server.Room{{Name: "small", Address: "127.0.0.1:0", Task: task, Options: options}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return s.Address(0).String()
}

// bot returns a new policy of a role by name.
func bot(t *testing.T, role envs.Role, name string) Policy {
	t.Helper()
	i := slices.IndexFunc(Bots(role), func(b Bot) bool { return b.Name == name })
	if i < 0 {
		t.Fatalf("no bot %s", name)
	}
	return Bots(role)[i].New()
}

// attack plays an attacker's episodes.
func attack(t *testing.T, address, policy string, episodes int) (all []Episode) {
	t.Helper()
	cfg := Config{
		Address: address, Name: policy, Role: envs.Attacker, Policy: bot(t, envs.Attacker, policy), Episodes: episodes, Seed: 1,
	}
	if err := Play(t.Context(), cfg, func(e Episode) { all = append(all, e) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// Who looks for the goal wins every episode; who draws any action seldom does. Returns are what the task pays.
func TestAttackers(t *testing.T) {
	for _, test := range []struct {
		policy    string
		low, high int // wins of 20
	}{{"bfs", 20, 20}, {"heuristic", 10, 20}, {"random", 0, 10}} {
		t.Run(test.policy, func(t *testing.T) {
			episodes := attack(t, serve(t, coordinator.Options{}), test.policy, 20)
			wins := 0
			for _, e := range episodes {
				pay := -10
				if e.Won {
					wins++
					pay = 100
				}
				if e.Return != float64(pay-e.Steps) || e.Steps < 1 || e.Steps > 100 || !e.Won && e.Steps != 100 {
					t.Errorf("%+v", e)
				}
			}
			if len(episodes) != 20 || wins < test.low || wins > test.high {
				t.Errorf("%d of %d episodes won, want %d to %d of 20", wins, len(episodes), test.low, test.high)
			}
		})
	}
}

// The same seeds of server and agent give the same episodes.
func TestDeterministic(t *testing.T) {
	for _, policy := range []string{"heuristic", "random"} {
		first := attack(t, serve(t, coordinator.Options{}), policy, 3)
		if again := attack(t, serve(t, coordinator.Options{}), policy, 3); !slices.Equal(first, again) {
			t.Errorf("%s: %v, then %v", policy, first, again)
		}
	}
}

// gate is a policy that calls start at the start of an episode.
type gate struct {
	Policy
	start func()
}

func (g gate) Start(rng *rand.Rand) {
	g.start()
	g.Policy.Start(rng)
}

// All roles play one game, each with its policies. The attacker waits until the others have joined.
func TestRoles(t *testing.T) {
	for _, defender := range []string{"blocking", "random"} {
		var joined, left sync.WaitGroup
		var episodes [envs.Benign + 1]Episode
		address := serve(t, coordinator.Options{})
		joined.Add(2)
		for role, policy := range map[envs.Role]string{
			envs.Attacker: "random", envs.Defender: defender, envs.Benign: "random",
		} {
			start := joined.Done
			if role == envs.Attacker {
				start = joined.Wait
			}
			cfg := Config{Address: address, Role: role, Policy: gate{bot(t, role, policy), start}, Episodes: 1}
			left.Go(func() {
				if err := Play(t.Context(), cfg, func(e Episode) { episodes[role] = e }); err != nil {
					t.Error(err)
				}
			})
		}
		left.Wait()
		for role, e := range episodes[envs.Attacker:] {
			if e.Steps == 0 {
				t.Errorf("%s: seat %d: no step", defender, role)
			}
		}
		if episodes[envs.Attacker].Won == episodes[envs.Defender].Won {
			t.Errorf("%s: %+v", defender, episodes)
		}
	}
}

// A server that refuses, says nonsense or closes is an error that says so; whoever is stopped does not wait.
func TestErrors(t *testing.T) {
	var options coordinator.Options
	options.Tokens[envs.Attacker] = "secret"
	guarded := serve(t, options)
	cfg := Config{Name: "a", Role: envs.Attacker, Policy: bot(t, envs.Attacker, "bfs"), Episodes: 1}
	none := func(Episode) { t.Error("an episode") }

	cfg.Address = guarded
	if err := Play(t.Context(), cfg, none); err == nil || !strings.Contains(err.Error(), "BAD_REQUEST") {
		t.Errorf("without a token: %v", err)
	}
	cfg.Token = "secret"
	if err := Play(t.Context(), cfg, func(Episode) {}); err != nil {
		t.Errorf("with its token: %v", err)
	}

	for reply, want := range map[string]string{
		"{}EOF": "no reply of NetSecGame", "x EOF": "no reply of NetSecGame", "{}": "closed",
		`{"status":"GameStatus.OK","observation":null}EOF`: "OK",
	} {
		cfg.Address = answer(t, reply)
		if err := Play(t.Context(), cfg, none); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", reply, err, want)
		}
	}

	cfg.Address, cfg.Episodes = guarded, 1<<30
	ctx, cancel := context.WithCancel(t.Context())
	if err := Play(ctx, cfg, func(Episode) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cfg.Policy, cfg.Delay = gate{cfg.Policy, cancel}, 24*time.Hour
	if err := Play(ctx, cfg, none); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A token goes to other machines only if it is encrypted, or by order.
func TestExposes(t *testing.T) {
	for _, test := range []struct {
		server string
		cfg    Config
		want   bool
	}{
		{"192.0.2.1", Config{Token: "x"}, true},
		{"2001:db8::1", Config{Token: "x"}, true},
		{"192.0.2.1", Config{Token: "x", Insecure: true}, false},
		{"192.0.2.1", Config{}, false},
		{"127.0.0.1", Config{Token: "x"}, false},
		{"::1", Config{Token: "x"}, false},
	} {
		if got := test.cfg.exposes(&net.TCPAddr{IP: net.ParseIP(test.server), Port: 9000}); got != test.want {
			t.Errorf("%s, %+v: %v", test.server, test.cfg, got)
		}
	}
}

// answer is the address of a server that reads one message, gives a reply and closes.
func answer(t *testing.T, reply string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := c.Read(make([]byte, 1<<12)); err != nil {
			t.Error(err)
		}
		if _, err := c.Write([]byte(reply)); err != nil {
			t.Error(err)
		}
	}()
	return l.Addr().String()
}

// What is valid by what an agent knows, as section 24 of the specification lists it.
func TestValid(t *testing.T) {
	ssh := netsecgame.Service{Name: "ssh"}
	file := netsecgame.Data{Owner: "u", ID: "f"}
	s := &netsecgame.GameState{
		KnownNetworks:   []netsecgame.Network{{IP: "10.0.0.0", Mask: 24}},
		KnownHosts:      []netsecgame.IP{"10.0.0.1", "10.0.0.2", "8.8.8.8"},
		ControlledHosts: []netsecgame.IP{"10.0.0.1", "8.8.8.8"},
		KnownServices:   map[netsecgame.IP][]netsecgame.Service{"10.0.0.2": {ssh}},
		KnownData:       map[netsecgame.IP][]netsecgame.Data{"10.0.0.1": {file}},
		KnownBlocks:     map[netsecgame.IP][]netsecgame.IP{"8.8.8.8": {"10.0.0.2"}},
	}
	for kind, want := range map[netsecgame.ActionType]int{
		netsecgame.ScanNetwork: 2, netsecgame.FindServices: 5, netsecgame.FindData: 2, netsecgame.ExploitService: 1,
		netsecgame.ExfiltrateData: 1, netsecgame.BlockIP: 6,
	} {
		got := slices.Collect(Valid(s, kind))
		if len(got) != want {
			t.Errorf("%s: %v, want %d", kind, got, want)
		}
	}

	// What the scripted ones make of it: the file goes outside; a host is cut off from the other network, once.
	attacker, defender := bot(t, envs.Attacker, "bfs"), bot(t, envs.Defender, "blocking")
	attacker.Start(nil)
	defender.Start(nil)
	act := func(p Policy, s *netsecgame.GameState) netsecgame.Action {
		a, err := p.Act(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := act(attacker, s); a.Type != netsecgame.ExfiltrateData || a.TargetHost != "8.8.8.8" || a.Data != file {
		t.Errorf("%+v", a)
	}
	var cuts []netsecgame.IP
	for a := act(defender, s); a != netsecgame.Wait; a = act(defender, s) {
		cuts = append(cuts, a.SourceHost, a.BlockedHost)
	}
	if want := []netsecgame.IP{"10.0.0.1", "8.8.8.8", "8.8.8.8", "10.0.0.1"}; !slices.Equal(cuts, want) {
		t.Errorf("cuts %v, want %v", cuts, want)
	}
	if a := act(attacker, new(netsecgame.GameState)); a != netsecgame.Wait {
		t.Errorf("without a host: %+v", a)
	}
}
