package play_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/envtest"
	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
	"idsrl/envs/netsecgame/play"
)

func TestContract(t *testing.T) {
	for _, e := range play.Entries() {
		t.Run(e.ID, func(t *testing.T) { envtest.Run(t, e.New, envtest.Options{Steps: 250}) })
	}
}

// Settings that no registered id has keep the contract as well.
func TestContractOfSettings(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(*play.Config)
		mayAlloc bool
	}{
		"all actions, seen": {func(c *play.Config) { c.Actions, c.History, c.Global = "all", true, true }, false},
		"everybody": {func(c *play.Config) {
			c.Attackers, c.Defenders, c.Benign = 2, 2, 2
			c.Success = [netsecgame.ActionTypes]float64{0.5, 0.5, 0.5, 0.5, 0.5, 0.5}
		}, false},
		"new addresses, text keys": {func(c *play.Config) { c.Addresses, c.Key = nil, "python" }, true},
		"no limit":                 {func(c *play.Config) { c.MaxSteps = 0 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tiny()
			test.change(&cfg)
			envtest.Run(t, cfg.New, envtest.Options{Steps: 250, MayAlloc: test.mayAlloc})
		})
	}
}

// tiny are the settings of the smallest scenario.
func tiny() play.Config {
	cfg := play.Defaults()
	cfg.Scenario, cfg.GoalData[1], cfg.MaxSteps = "two_networks_tiny", "DataFromServer1", 30
	return cfg
}

// newGame builds a game, with bots in the seats that have a name.
func newGame(t testing.TB, cfg play.Config, cast ...string) envs.Env {
	t.Helper()
	e := envs.Entry{ID: "test", Cast: cast}
	if cast == nil {
		e.Cast = make([]string, cfg.Attackers+cfg.Defenders+cfg.Benign)
	}
	env, err := e.Build(&cfg, 0)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// episode plays bots against each other and returns the sums of the rewards and the last outcome.
func episode(t *testing.T, env envs.Env, seed uint64) (sums []float64, steps int, winner envs.Role) {
	t.Helper()
	m, ok := envs.As[*envs.Match](env)
	if !ok {
		t.Fatal("there are no bots")
	}
	if err := env.Reset(seed); err != nil {
		t.Fatal(err)
	}
	sums = make([]float64, len(m.Joint().Rewards))
	for out := env.Spec().NewOutcome(); !out.Over(); steps++ {
		if err := env.Step(nil, out); err != nil {
			t.Fatal(err)
		}
		for i, r := range m.Joint().Rewards {
			sums[i] += r
		}
		winner = out.Winner
	}
	return sums, steps, winner
}

// Undisturbed, the goal-directed attack wins in every scenario, wherever it starts.
func TestBFSWins(t *testing.T) {
	for _, e := range play.Entries() {
		if !strings.HasSuffix(e.ID, "-attacker-v0") {
			continue
		}
		e.Cast = []string{"bfs"}
		env, err := e.New(0)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(20) {
			sums, steps, winner := episode(t, env, seed)
			if winner != envs.Attacker || sums[0] != float64(100-steps) {
				t.Errorf("%s, seed %d: %v wins after %d steps, return %v", e.ID, seed, winner, steps, sums[0])
			}
		}
	}
}

// A defender that may always block cuts the attack short, at least now and then: not if its blocks did nothing.
func TestBlockingStopsAttack(t *testing.T) {
	cfg := play.Defaults()
	cfg.Defenders, cfg.Attackers = 1, 1
	wins := map[envs.Role]int{}
	env := newGame(t, cfg, "heuristic", "blocking")
	for seed := range uint64(20) {
		sums, _, winner := episode(t, env, seed)
		wins[winner]++
		if winner == envs.Defender && sums[1] < 0 || winner == envs.Attacker && sums[0] < 0 {
			t.Errorf("seed %d: %v wins with %v", seed, winner, sums)
		}
	}
	if wins[envs.Defender] == 0 {
		t.Errorf("%v", wins)
	}
}

// Each agent hears from the coordinator what the game pays its seat, and when its part is over.
func TestLikeCoordinator(t *testing.T) {
	for name, change := range map[string]func(*play.Config){
		"attackers":       func(c *play.Config) { c.Attackers, c.MaxSteps = 2, 7 },
		"everybody":       func(c *play.Config) { c.Attackers, c.Defenders, c.Benign, c.Actions = 2, 2, 2, "all" },
		"global defender": func(c *play.Config) { c.Attackers, c.Defenders, c.Benign, c.Global = 2, 1, 1, true },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tiny()
			change(&cfg)
			for seed := range uint64(10) {
				compare(t, cfg, seed)
			}
		})
	}
}

// compare plays an episode of random legal actions, here and with the coordinator.
func compare(t *testing.T, cfg play.Config, seed uint64) {
	t.Helper()
	env := newGame(t, cfg)
	game, _ := envs.As[*play.Game](env)
	if err := env.Reset(seed); err != nil {
		t.Fatal(err)
	}
	r := netsecgame.NewGenerator()
	r.Seed(seed)
	c := coordinator.New(game.Task(), coordinator.Options{Randomness: r})
	var clients []*coordinator.Client
	got, want := make([]float64, len(env.Spec().Seats)), make([]float64, len(env.Spec().Seats))
	heard := make([]bool, len(got)) // the end
	listen := func(replies []coordinator.Reply) {
		for _, reply := range replies {
			var message struct {
				Observation struct {
					Reward float64
					End    bool
				}
			}
			if err := json.Unmarshal(bytes.TrimSuffix(reply.Text, []byte("EOF")), &message); err != nil {
				t.Fatalf("%v: %s", err, reply.Text)
			}
			i := slices.Index(clients, reply.To)
			want[i] += message.Observation.Reward
			heard[i] = message.Observation.End
		}
	}
	for i, seat := range env.Spec().Seats {
		clients = append(clients, c.Connect("127.0.0.1", i))
		listen(c.Handle(clients[i], &coordinator.Request{Kind: coordinator.Join, Name: "A", Role: seat.Role}))
	}
	actions := make([]int, len(got))
	random := envs.Uniform()
	rng := rand.New(rand.NewPCG(seed, 1))
	out := env.Spec().NewOutcome()
	for steps := 1; !out.Over(); steps++ {
		for i := range actions {
			actions[i] = random.Act(env, i, rng)
		}
		for i, id := range actions {
			if !clients[i].Waiting() && !heard[i] {
				played := coordinator.Played{Action: game.Action(i, id)}
				listen(c.Handle(clients[i], &coordinator.Request{Kind: coordinator.Act, Played: played}))
			}
		}
		if err := env.Step(actions, out); err != nil {
			t.Fatal(err)
		}
		for i, reward := range out.Rewards {
			got[i] += reward
		}
		if over := !slices.Contains(heard, false); over != out.Over() {
			t.Fatalf("seed %d, step %d: over %v, the coordinator says %v", seed, steps, out.Over(), over)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("seed %d: rewards %v, the coordinator's %v", seed, got, want)
	}
}

// New addresses depend on the seed alone, and change nothing but names.
func TestNewAddresses(t *testing.T) {
	cfg := tiny()
	cfg.Key = "python"
	fixed := newGame(t, cfg, "heuristic")
	cfg.Addresses = nil
	changing, fresh := newGame(t, cfg, "heuristic"), newGame(t, cfg, "heuristic")
	keys := map[string]bool{}
	for seed := range uint64(5) {
		a, _, _ := episode(t, fixed, seed)
		b, _, _ := episode(t, changing, seed)
		if !slices.Equal(a, b) {
			t.Errorf("seed %d: return %v, with new addresses %v", seed, a, b)
		}
		k := keyAfterReset(t, changing, seed)
		if k == keyAfterReset(t, fixed, seed) || k != keyAfterReset(t, fresh, seed) || keys[k] {
			t.Errorf("seed %d: key %s", seed, k)
		}
		keys[k] = true
	}
}

// A key without logs forgets by which way knowledge came.
func TestKeys(t *testing.T) {
	for key, same := range map[string]bool{"knowledge": true, "python": false} {
		cfg := tiny()
		cfg.Key = key
		env := newGame(t, cfg)
		ids := idsOf(env, 0)
		find, other := ids["FindData 192.168.2.2 192.168.2.2"], ids["FindServices 192.168.2.2 192.168.2.2"]
		var keys []string
		for _, actions := range [][]int{{other, find}, {find, other}} {
			if err := env.Reset(1); err != nil {
				t.Fatal(err)
			}
			out := env.Spec().NewOutcome()
			for _, id := range actions {
				if err := env.Step([]int{id}, out); err != nil {
					t.Fatal(err)
				}
			}
			keys = append(keys, string(env.AppendKey(nil, 0)))
		}
		if (keys[0] == keys[1]) != same {
			t.Errorf("%s: %q", key, keys)
		}
	}
}

// idsOf returns the ids of a seat's actions by their names.
func idsOf(env envs.Env, seat int) map[string]int {
	ids := map[string]int{}
	actions := env.Spec().Seats[seat].Actions
	for id := range actions.N {
		ids[actions.Name(id)] = id
	}
	return ids
}

// With all actions, ids are positions in the whitebox world's list.
func TestWhiteboxOrder(t *testing.T) {
	cfg := tiny()
	cfg.Actions = "all"
	env := newGame(t, cfg)
	game, _ := envs.As[*play.Game](env)
	list := netsecgame.NewWorld(game.Task(), netsecgame.Compat{}, netsecgame.NewGenerator()).AllActions()
	if n := env.Spec().Seats[0].Actions.N; n != len(list)+1 || len(list) != 330 {
		t.Fatalf("%d actions and %d in the list", n, len(list))
	}
	for id, want := range list {
		got := game.Action(0, id)
		if want.Type == netsecgame.BlockIP {
			want.Has, want.BlockedHost, want.BlockedIP = got.Has, want.BlockedIP, ""
		}
		if got != want {
			t.Fatalf("%d is %+v, want %+v", id, got, want)
		}
	}
}

func TestHistory(t *testing.T) {
	cfg := tiny()
	cfg.History = true
	env := newGame(t, cfg)
	if err := env.Reset(1); err != nil {
		t.Fatal(err)
	}
	ids := idsOf(env, 0)
	obs := make([]float32, env.Spec().Seats[0].Obs.Len())
	out := env.Spec().NewOutcome()
	for _, name := range []string{"FindData 192.168.2.2 192.168.2.2", "ScanNetwork 192.168.2.2 192.168.1.0/24"} {
		if err := env.Step([]int{ids[name]}, out); err != nil {
			t.Fatal(err)
		}
	}
	env.Observe(0, obs)
	const before, playing = 4 * netsecgame.ActionTypes, 1
	got := obs[len(obs)-before-playing:]
	want := make([]float32, before+playing)
	want[netsecgame.ScanNetwork], want[netsecgame.ActionTypes+netsecgame.FindData] = 1, 1
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestConfigErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "task.yaml")
	if err := os.WriteFile(file, []byte("coordinator: {agents: {Benign: {}}}\nenv: {scenario: two_networks}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*play.Config){
		`no scenario is called "two_network"`: func(c *play.Config) { c.Scenario = "two_network" },
		"must have a section for Attacker":    func(c *play.Config) { c.Task = file },
		"needs a section for Defender":        func(c *play.Config) { c.Task, c.Defenders = file, 1 },
		"no such file":                        func(c *play.Config) { c.Task = "nowhere.yaml" },
		"goal_host":                           func(c *play.Config) { c.GoalHost = "nowhere" },
	} {
		cfg := play.Defaults()
		change(&cfg)
		if _, err := cfg.New(0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A task file replaces the standard task.
func TestTaskFile(t *testing.T) {
	dir := t.TempDir()
	const view = "known_networks: [], known_hosts: [], known_services: {}, known_data: {}"
	const text = `
coordinator:
  agents:
    Attacker:
      max_steps: 3
      start_position: {` + view + `, controlled_hosts: [192.168.2.2]}
      goal: {` + view + `, controlled_hosts: [192.168.1.2], known_blocks: {}}
env:
  scenario: two_networks_tiny
  rewards: {step: -2, success: 7}
`
	cfg := play.Defaults()
	cfg.Task = filepath.Join(dir, "task.yaml")
	if err := os.WriteFile(cfg.Task, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := newGame(t, cfg)
	if err := env.Reset(0); err != nil {
		t.Fatal(err)
	}
	ids, out, sum := idsOf(env, 0), env.Spec().NewOutcome(), 0.0
	for _, name := range []string{
		"ScanNetwork 192.168.2.2 192.168.1.0/24", "FindServices 192.168.2.2 192.168.1.2",
		"ExploitService 192.168.2.2 192.168.1.2 ms-wbt-server 10.0.19041",
	} {
		if err := env.Step([]int{ids[name]}, out); err != nil {
			t.Fatal(err)
		}
		sum += out.Rewards[0]
	}
	if sum != 3*-2+7 || !out.Terminated || out.Winner != envs.Attacker || env.Spec().MaxSteps != 3 {
		t.Errorf("return %v, %+v, %d steps at most", sum, out, env.Spec().MaxSteps)
	}
}
