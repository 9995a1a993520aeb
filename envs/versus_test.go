package envs_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/envs"
	"idsrl/envs/envtest"
	"idsrl/envs/toy"
)

// script plays a fixed action and writes down what happens to it.
type script struct {
	action int
	starts []uint64 // a draw in each StartEpisode
	acts   []call
}

type call struct {
	env  envs.Env
	seat int
	step int
	draw uint64
}

func (s *script) StartEpisode(rng *rand.Rand) { s.starts = append(s.starts, rng.Uint64()) }

func (s *script) Act(env envs.Env, seat int, rng *rand.Rand) int {
	step := 0
	if env, ok := env.(*probe); ok {
		step = env.steps
	}
	s.acts = append(s.acts, call{env: env, seat: seat, step: step, draw: rng.Uint64()})
	return s.action
}

func TestVersusSeats(t *testing.T) {
	for _, tt := range []struct {
		name string
		open []int // seats of the game
	}{
		{"all open", []int{0, 1, 2}},
		{"the first filled", []int{1, 2}},
		{"the second filled", []int{0, 2}},
		{"the last filled", []int{0, 1}},
		{"the first open", []int{0}},
		{"the second open", []int{1}},
		{"the last open", []int{2}},
		{"none open", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			game := newProbe()
			players, scripts := make([]envs.Policy, 3), make([]*script, 3)
			for i := range players {
				if !slices.Contains(tt.open, i) {
					scripts[i] = &script{action: i + 1}
					players[i] = scripts[i]
				}
			}
			if len(tt.open) == 2 && scripts[0] != nil {
				scripts[0].action = 0 // 1 ends the episode
			}
			env := must(envs.Versus(game, players...))
			spec := env.Spec()
			if spec.ID != "probe" || spec.MaxSteps != 50 || len(spec.Seats) != len(tt.open) {
				t.Fatalf("spec %+v", spec)
			}
			if len(tt.open) == 3 && env != envs.Env(game) {
				t.Error("with all seats open it is not the game itself")
			}
			if err := env.Reset(9); err != nil {
				t.Fatal(err)
			}
			actions, joint := make([]int, len(tt.open)), make([]int, 3)
			for i, seat := range tt.open {
				actions[i] = 2 * min(seat, 1)
				joint[seat] = actions[i]
			}
			for i, s := range scripts {
				if s != nil {
					joint[i] = s.action
				}
			}
			out := spec.NewOutcome()
			if err := env.Step(actions, out); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(game.last[:], joint) {
				t.Errorf("the game was played %v, want %v", game.last, joint)
			}
			for i, seat := range tt.open {
				if want := game.spec.Seats[seat].Role; spec.Seats[i].Role != want {
					t.Errorf("seat %d is the %v, want %v", i, spec.Seats[i].Role, want)
				}
				if want := float64(100*seat + joint[seat]); out.Rewards[i] != want {
					t.Errorf("seat %d gets %v, want %v", i, out.Rewards[i], want)
				}
				obs, legal := make([]float32, seat+1), make([]bool, seat+2)
				env.Observe(i, obs)
				if want := float32(10*seat + joint[seat]); obs[seat] != want {
					t.Errorf("seat %d sees %v, want %v", i, obs, want)
				}
				env.Legal(i, legal)
				if legal[seat] || !legal[(seat+1)%(seat+2)] {
					t.Errorf("seat %d may %v", i, legal)
				}
				if s := env.State(i, 0); s != seat || env.State(i, 1) != 1 {
					t.Errorf("seat %d has state %d, want %d", i, s, seat)
				}
				if key := env.AppendKey([]byte("<"), i); string(key) != fmt.Sprintf("<%d:1", seat) {
					t.Errorf("seat %d has key %s", i, key)
				}
			}
			for i, s := range scripts {
				if s != nil && (len(s.acts) != 1 || s.acts[0].seat != i || s.acts[0].env != envs.Env(game)) {
					t.Errorf("player %d has been asked %+v", i, s.acts)
				}
			}
			wantWinner := envs.Nobody
			if joint[0] == 1 {
				wantWinner = envs.Benign
			}
			if out.Terminated != (joint[0] == 1) || out.Truncated || out.Winner != wantWinner {
				t.Errorf("outcome %+v", *out)
			}
			if m, ok := envs.As[*envs.Match](env); ok {
				j := m.Joint()
				if !slices.Equal(m.Actions(), joint) || j.Terminated != out.Terminated || j.Winner != out.Winner ||
					!slices.Equal(j.Rewards, []float64{float64(joint[0]), float64(100 + joint[1]),
						float64(200 + joint[2])}) {
					t.Errorf("joint actions %v, outcome %+v", m.Actions(), *j)
				}
				if m.Unwrap() != envs.Env(game) {
					t.Error("Unwrap is not the game")
				}
			}
		})
	}
}

func TestVersusErrors(t *testing.T) {
	for _, players := range [][]envs.Policy{{}, {nil}, {nil, nil, nil, nil}, {envs.Uniform(), nil}} {
		if env, err := envs.Versus(newProbe(), players...); err == nil || env != nil {
			t.Errorf("%d players for 3 seats: %v, %v", len(players), env, err)
		}
	}
	game := newProbe()
	env := must(envs.Versus(game, nil, &script{}, &script{}))
	game.fail = errors.New("connection lost")
	if err := env.Reset(0); !errors.Is(err, game.fail) {
		t.Errorf("Reset returns %v", err)
	}
	if err := env.Step([]int{0}, env.Spec().NewOutcome()); !errors.Is(err, game.fail) {
		t.Errorf("Step returns %v", err)
	}
}

// Players hear of each episode before they act, see the state before the step, and draw the same numbers whatever the
// open seats do: they depend on the episode's seed and the seat alone.
func TestVersusStreams(t *testing.T) {
	type record struct {
		starts []uint64
		acts   []call
	}
	play := func(seeds []uint64, action int) [2]record {
		a, b := &script{}, &script{}
		env := must(envs.Versus(newProbe(), a, nil, b))
		out := env.Spec().NewOutcome()
		for k, seed := range seeds {
			if err := env.Reset(seed); err != nil {
				t.Fatal(err)
			}
			if len(a.starts) != k+1 || len(b.starts) != k+1 || len(a.acts) != 10*k {
				t.Fatalf("in episode %d: %d starts and %d acts", k, len(a.starts), len(a.acts))
			}
			for step := range 10 {
				if err := env.Step([]int{action * step % 3}, out); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, c := range a.acts {
			if c.step != i%10 {
				t.Fatalf("act %d sees step %d", i, c.step)
			}
		}
		for _, s := range []*script{a, b} {
			for i := range s.acts {
				s.acts[i].env = nil
			}
		}
		return [2]record{{a.starts, a.acts}, {b.starts, b.acts}}
	}
	one := play([]uint64{5, 6, 5}, 0)
	if other := play([]uint64{5, 6, 5}, 1); fmt.Sprint(one) != fmt.Sprint(other) {
		t.Error("what the open seat plays changes what the others draw")
	}
	if r := one[0]; r.starts[0] != r.starts[2] || !slices.Equal(r.acts[:10], r.acts[20:]) {
		t.Error("the same seed gives other draws in a later episode")
	}
	seen := map[uint64]bool{}
	for _, r := range one {
		for i, c := range r.acts[:20] {
			if i%10 == 0 {
				if d := r.starts[i/10]; seen[d] {
					t.Errorf("%#x is drawn twice", d)
				} else {
					seen[d] = true
				}
			}
			if seen[c.draw] {
				t.Errorf("%#x is drawn twice", c.draw)
			}
			seen[c.draw] = true
		}
	}
}

// Who joins a game in which others play already sits in the same Match: it acts in the game itself, in its own seat,
// and draws from a stream of its own.
func TestVersusTwice(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first []int // seats
		limit bool
	}{
		{"the first", []int{0}, false},
		{"the second", []int{1}, false},
		{"two", []int{0, 2}, false},
		{"a limit in between", []int{0}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			game := newProbe()
			var players, joined []envs.Policy
			var scripts []*script
			for i := range 3 {
				s := &script{}
				scripts = append(scripts, s)
				if slices.Contains(tt.first, i) {
					players = append(players, s)
				} else {
					players = append(players, nil)
					joined = append(joined, s)
				}
			}
			env := must(envs.Versus(game, players...))
			if tt.limit {
				env = envs.Limit(env, 20)
			}
			if same := must(envs.Versus(env, make([]envs.Policy, len(joined))...)); same != env {
				t.Error("with nobody joining it is another Env")
			}
			env = must(envs.Versus(env, joined...))
			if len(env.Spec().Seats) != 0 {
				t.Fatalf("open seats %+v", env.Spec().Seats)
			}
			if err := env.Reset(3); err != nil {
				t.Fatal(err)
			}
			steps, out := 0, env.Spec().NewOutcome()
			for ; !out.Over(); steps++ {
				if err := env.Step(nil, out); err != nil {
					t.Fatal(err)
				}
			}
			if want := map[bool]int{false: 50, true: 20}[tt.limit]; steps != want || env.Spec().MaxSteps != want {
				t.Errorf("over after %d steps of %d, want %d", steps, env.Spec().MaxSteps, want)
			}
			seen := map[uint64]bool{}
			for i, s := range scripts {
				if len(s.starts) != 1 || len(s.acts) != steps {
					t.Errorf("player %d: %d starts, %d acts", i, len(s.starts), len(s.acts))
				}
				for _, c := range s.acts {
					if c.env != envs.Env(game) || c.seat != i {
						t.Fatalf("player %d acts in seat %d of %T", i, c.seat, c.env)
					}
					if seen[c.draw] {
						t.Fatalf("player %d draws what has been drawn", i)
					}
					seen[c.draw] = true
				}
			}
			if m, ok := envs.As[*envs.Match](env); !ok || len(m.Joint().Rewards) != 3 {
				t.Error("the joint outcome is not that of the game")
			}
		})
	}
}

func TestVersusKeepsContract(t *testing.T) {
	for seat := range 2 {
		envtest.Run(t, func(instance uint64) (envs.Env, error) {
			game, err := (&toy.Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 20}).New(instance)
			if err != nil {
				return nil, err
			}
			players := []envs.Policy{envs.Uniform(), envs.Uniform()}
			players[seat] = nil
			return envs.Versus(game, players...)
		}, envtest.Options{})
	}
}
