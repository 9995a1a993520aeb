package play_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/agent"
	"idsrl/envs/netsecgame/coordinator"
	"idsrl/envs/netsecgame/play"
	"idsrl/envs/netsecgame/server"
)

// seeds is a Randomness that notes with what it is seeded.
type seeds struct {
	netsecgame.Randomness
	all []uint64
}

func (s *seeds) Seed(seed uint64) {
	s.all = append(s.all, seed)
	s.Randomness.Seed(seed)
}

// visit has an attacker play episodes on a server and returns how they went, and the seeds of the server's episodes.
func visit(t *testing.T, task *netsecgame.Task, policy agent.Policy, episodes int) ([]agent.Episode, []uint64, error) {
	t.Helper()
	random := &seeds{Randomness: netsecgame.NewGenerator()}
	random.Seed(1)
	s, err := server.Listen(server.Config{
		Limits: server.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
		Rooms: []server.Room{{Address: "127.0.0.1:0", Task: task, Options: coordinator.Options{Randomness: random}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { s.Serve(ctx) })
	var all []agent.Episode
	err = agent.Play(ctx, agent.Config{
		Address: s.Address(0).String(), Role: envs.Attacker, Policy: policy, Episodes: episodes, NewAddresses: true,
	}, func(e agent.Episode) { all = append(all, e) })
	cancel()
	serving.Wait()
	return all, random.all, err
}

// A witness is a Policy that notes what it sees and what another one plays.
type witness struct {
	envs.Policy
	seen  [][]string // by episode and step
	acted [][]int
}

func (w *witness) StartEpisode(rng *rand.Rand) {
	w.seen, w.acted = append(w.seen, nil), append(w.acted, nil)
	if s, ok := w.Policy.(envs.Starter); ok {
		s.StartEpisode(rng)
	}
}

func (w *witness) Act(env envs.Env, seat int, rng *rand.Rand) int {
	k, id := len(w.seen)-1, w.Policy.Act(env, seat, rng)
	w.seen[k], w.acted[k] = append(w.seen[k], sight(env, seat)), append(w.acted[k], id)
	return id
}

// sight is all that a policy can see.
func sight(env envs.Env, seat int) string {
	spec := env.Spec().Seats[seat]
	obs, legal := make([]float32, spec.Obs.Len()), make([]bool, spec.Actions.N)
	env.Observe(seat, obs)
	env.Legal(seat, legal)
	return fmt.Sprintf("%v %v %q", obs, legal, env.AppendKey(nil, seat))
}

// On a server, a policy sees, plays and gets what it would in process, whatever the addresses there are.
func TestRemote(t *testing.T) {
	scenario := func(name, data string) func(*play.Config) {
		return func(c *play.Config) { c.Scenario, c.GoalData[1] = name, data }
	}
	for name, change := range map[string]func(*play.Config){
		"tiny":     scenario("two_networks_tiny", "DataFromServer1"),
		"small":    scenario("two_networks_small", "DatabaseData"),
		"full":     scenario("two_networks", "DatabaseData"),
		"one":      scenario("one_network", "DatabaseData"),
		"three":    scenario("three_net_scenario", "DatabaseData"),
		"unlucky":  func(c *play.Config) { c.Global, c.History = true, true },
		"original": func(c *play.Config) { c.Key, c.Actions, c.MaxSteps = "python", "all", 40 },
		"inside":   func(c *play.Config) { c.Start, c.GoalHost = []string{"random"}, "192.168.2.2" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := play.Defaults()
			change(&cfg)
			for _, changing := range []bool{false, true} {
				for _, bot := range []string{"bfs", "random"} {
					if changing && cfg.Key == "python" { // it has the addresses in it
						continue
					}
					checkRemote(t, cfg, changing, bot)
				}
			}
		})
	}
}

func checkRemote(t *testing.T, cfg play.Config, changing bool, bot string) {
	t.Helper()
	const episodes = 3
	far, here := newGame(t, cfg).(*play.Game), newGame(t, cfg).(*play.Game)
	policy, err := envs.NewBot(&cfg, 0, bot)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{Policy: policy}
	task := *far.Task()
	task.UseDynamicAddresses = changing
	results, seeds, err := visit(t, &task, play.NewRemote(far, 0, w), episodes)
	if err != nil || len(results) != episodes || len(seeds) != episodes {
		t.Fatalf("%s: %d episodes with seeds %v, error %v", bot, len(results), seeds, err)
	}
	out := here.Spec().NewOutcome()
	for k, result := range results {
		if err := here.Reset(seeds[k]); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for step, id := range w.acted[k] {
			if got, want := w.seen[k][step], sight(here, 0); got != want {
				t.Fatalf("%s, changing %v, episode %d, step %d: the policy sees\n%s\nin process\n%s", bot, changing, k, step, got, want)
			}
			if err := here.Step([]int{id}, out); err != nil {
				t.Fatal(err)
			}
			sum += out.Rewards[0]
			if last := step == len(w.acted[k])-1; out.Over() != last {
				t.Fatalf("%s, episode %d, step %d: over %v", bot, k, step, out.Over())
			}
		}
		if want := (agent.Episode{Won: out.Winner == envs.Attacker, Return: sum, Steps: len(w.acted[k])}); result != want {
			t.Errorf("%s, episode %d: %+v, in process %+v", bot, k, result, want)
		}
	}
}

// A policy does not play where it cannot know what is what.
func TestRemoteElsewhere(t *testing.T) {
	cfg := play.Defaults()
	game := newGame(t, cfg).(*play.Game)
	cfg.Scenario = "one_network"
	elsewhere := newGame(t, cfg).(*play.Game)
	_, _, err := visit(t, elsewhere.Task(), play.NewRemote(game, 0, envs.Uniform()), 1)
	if err == nil || !strings.Contains(err.Error(), "two_networks_small") {
		t.Error(err)
	}
}
