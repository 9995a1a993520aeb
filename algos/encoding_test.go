package algos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/dqn"
	"idsrl/envs"
)

// past is what an environment has shown in an episode, and what a network should see of it.
type past struct {
	algos.Encoding
	box   envs.Box
	shown [][]float32
}

func (h *past) show(obs []float32, first bool) {
	if first {
		h.shown = nil
	}
	h.shown = append(h.shown, slices.Clone(obs))
}

// input is h as the definition says: frame by frame in each row, older ones than the first being the first.
func (h *past) input() (input []float32) {
	rows := 1
	if len(h.box.Shape) == 2 {
		rows = h.box.Shape[0]
	}
	for row := range rows {
		for frame := range h.Frames {
			obs := h.shown[max(0, len(h.shown)-h.Frames+frame)]
			for i := row * len(obs) / rows; i < (row+1)*len(obs)/rows; i++ {
				x := obs[i]
				if h.Scale == "bounds" {
					x *= 1 / max(1, h.box.High[i], -h.box.Low[i])
				}
				input = append(input, x)
			}
		}
	}
	return input
}

// after is the input after one more observation, which is not kept.
func (h *past) after(obs []float32, first bool) []float32 {
	next := *h
	next.show(obs, first)
	return next.input()
}

// encodings are those that tests go through.
var encodings = []algos.Encoding{
	algos.DefaultEncoding(), {Scale: "none", Frames: 1}, {Scale: "bounds", Frames: 2}, {Scale: "none", Frames: 5},
}

// Entries come to the network in about [-1, 1] whatever their bounds, and smaller ones as they are; or all as they are.
func TestInputScale(t *testing.T) {
	box := envs.Box{Shape: []int{2, 3}, Low: []float32{0, -8, 0, -0.5, -1, 0}, High: []float32{1, 4, 10, 0.5, 0, 2}}
	obs := []float32{1, 4, 10, 0.5, -1, 1}
	for _, c := range []struct {
		algos.Encoding
		want []float32
	}{
		{algos.DefaultEncoding(), []float32{1, 0.5, 1, 0.5, -1, 0.5}},
		{algos.Encoding{Scale: "none", Frames: 1}, obs},
		{algos.Encoding{Scale: "bounds", Frames: 2}, []float32{1, 0.5, 1, 1, 0.5, 1, 0.5, -1, 0.5, 0.5, -1, 0.5}},
	} {
		in := algos.NewInput(c.Encoding, box, 1)
		got := in.See(&envs.Batch{N: 1, ObsLen: 6, Obs: obs, First: []bool{true}})
		if !slices.Equal(got, c.want) || in.Len() != len(c.want) || in.Row() != len(c.want)/2 {
			t.Errorf("%+v: input %v, want %v; length %d, rows of %d", c.Encoding, got, c.want, in.Len(), in.Row())
		}
	}
}

// The sizes of the original's inputs with four frames, of versions 0, 2 and 3.
func TestInputLen(t *testing.T) {
	for id, want := range map[string]int{"idsgame-v0": 132, "idsgame-v2": 176, "idsgame-v3": 352} {
		for _, seat := range algotest.NewEnv(id).Spec().Seats {
			if got := algos.NewInput(algos.Encoding{Scale: "none", Frames: 4}, seat.Obs, 1).Len(); got != want {
				t.Errorf("%s, %s: an input of %d, not %d", id, seat.Role, got, want)
			}
		}
	}
}

// Inputs follow their definition over many episodes of several environments, whether looked at ahead or not, also where
// everything is saved and restored between two steps.
func TestInput(t *testing.T) {
	for _, id := range []string{"toy-clock-v0", "toy-forbidden-v0", "idsgame-minimal_defense-v0", "idsgame-random_attack-v2"} {
		for _, e := range encodings {
			for _, n := range []int{1, 3} {
				t.Run(fmt.Sprintf("%s %+v of %d", id, e, n), func(t *testing.T) { followInput(t, id, e, n) })
			}
		}
	}
}

func followInput(t *testing.T, id string, e algos.Encoding, n int) {
	open := func() *envs.Vec {
		es := make([]envs.Env, n)
		for i := range es {
			es[i] = algotest.NewEnv(id)
		}
		return algotest.Must(envs.NewVec(3, es, []envs.View{{Obs: true, Legal: true}}))
	}
	vec, rng := open(), rand.New(envs.NewPCG(2))
	box := vec.Spec().Seats[0].Obs
	in, want := algos.NewInput(e, box, n), make([]past, n)
	for i := range want {
		want[i] = past{Encoding: e, box: box}
	}
	compare := func(what string, at, i int, got, want []float32) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Fatalf("step %d, environment %d: %s\n%v, not\n%v", at, i, what, got, want)
		}
	}
	part := func(inputs []float32, i int) []float32 { return inputs[i*in.Len() : (i+1)*in.Len()] }
	actions, episodes := make([]int, n), 0
	for at := range 300 {
		b := vec.Batch(0)
		obs := func(xs []float32, i int) []float32 { return xs[i*b.ObsLen : (i+1)*b.ObsLen] }
		peeked := slices.Clone(in.Peek(b))
		seen := in.See(b)
		for i := range want {
			want[i].show(obs(b.Obs, i), b.First[i])
			compare("sees", at, i, part(seen, i), want[i].input())
			compare("saw ahead", at, i, part(peeked, i), part(seen, i))
			actions[i] = envs.RandomLegal(b.Legal[i*b.Actions:(i+1)*b.Actions], rng)
		}
		if err := vec.Step(actions); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if b.Terminated[i] || b.Truncated[i] {
				episodes++
				compare("ends with", at, i, in.Last(b, i), want[i].after(obs(b.Last, i), false))
			}
			compare("will see", at, i, part(in.Peek(b), i), want[i].after(obs(b.Obs, i), b.First[i]))
		}
		if rng.IntN(4) == 0 {
			saved := algotest.Must(json.Marshal(vec))
			if vec = open(); json.Unmarshal(saved, vec) != nil {
				t.Fatal("the environments are not restored")
			}
			var state algos.Encoder
			in.Encode(&state)
			in = algos.NewInput(e, box, n)
			d := algos.NewDecoder(state.Data)
			if in.Decode(d); d.Close() != nil {
				t.Fatal(d.Close())
			}
		}
	}
	if episodes < 5 {
		t.Errorf("only %d episodes: the test says little", episodes)
	}
}

// A state of another number of games, or of frames, does not fit.
func TestInputStateErrors(t *testing.T) {
	box := envs.UniformBox(0, 1, 3)
	var state algos.Encoder
	algos.NewInput(algos.Encoding{Frames: 2}, box, 2).Encode(&state)
	for name, in := range map[string]*algos.Input{
		"fewer games": algos.NewInput(algos.Encoding{Frames: 2}, box, 1),
		"more frames": algos.NewInput(algos.Encoding{Frames: 3}, box, 2),
		"one frame":   algos.NewInput(algos.Encoding{Frames: 1}, box, 2),
	} {
		d := algos.NewDecoder(state.Data)
		if in.Decode(d); d.Close() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// spy plays legal actions at random and compares what a Policy's network sees with the definition.
type spy struct {
	*algos.PolicyInput
	in       *algos.Input
	t        *testing.T
	want     past
	legal    []bool
	first    bool
	episodes int
	obs      []float32
}

func (s *spy) StartEpisode(rng *rand.Rand) {
	s.PolicyInput.StartEpisode(rng)
	s.first = true
	s.episodes++
}

func (s *spy) Act(env envs.Env, seat int, rng *rand.Rand) int {
	env.Observe(seat, s.obs)
	s.want.show(s.obs, s.first)
	s.first = false
	if got, want := s.See(env, seat), s.want.input(); !slices.Equal(got, want) {
		s.t.Fatalf("episode %d: sees\n%v, not\n%v", s.episodes, got, want)
	}
	env.Legal(seat, s.legal)
	return envs.RandomLegal(s.legal, rng)
}

// In an evaluation, no episode is remembered in the next, as frames were in the original (B9b in its list of defects).
func TestPolicyInput(t *testing.T) {
	for _, e := range encodings {
		game := algotest.NewEnv("idsgame-v2")
		var players []envs.Policy
		for _, seat := range game.Spec().Seats {
			// Made from the input of a learner's many environments, of which nothing is left.
			b := &envs.Batch{N: 2, ObsLen: seat.Obs.Len(), Obs: make([]float32, 2*seat.Obs.Len()), First: make([]bool, 2)}
			for i := range b.Obs {
				b.Obs[i] = 7
			}
			in := algos.NewInput(e, seat.Obs, 2)
			in.See(b)
			players = append(players, &spy{
				PolicyInput: in.ForPolicy(), in: in, t: t, want: past{Encoding: e, box: seat.Obs}, first: true,
				legal: make([]bool, seat.Actions.N), obs: make([]float32, seat.Obs.Len()),
			})
		}
		if _, err := algos.Evaluate(context.Background(), game, players, 20, 1, nil); err != nil {
			t.Fatal(err)
		}
		if n := players[1].(*spy).episodes; n != 20 {
			t.Errorf("%d episodes", n)
		}
		for seat, p := range players { // one that hears of no episode begins one
			s := p.(*spy)
			s.PolicyInput, s.first = s.in.ForPolicy(), true
			s.Act(game, seat, rand.New(envs.NewPCG(1)))
		}
	}
}

func TestInputAllocations(t *testing.T) {
	seat := algotest.NewEnv("idsgame-minimal_defense-v2").Spec().Seats[0]
	for _, e := range encodings {
		s := gradients[0].Open(t, algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 3, Budget: algos.Budget{Steps: 100}}, 1)
		b, in, env := s.Vec.Batch(0), algos.NewInput(e, seat.Obs, 3), algotest.NewEnv("idsgame-minimal_defense-v2")
		p := in.ForPolicy()
		n := testing.AllocsPerRun(100, func() {
			p.StartEpisode(nil)
			in.Peek(b)
			in.See(b)
			in.Last(b, 2)
			p.See(env, 0)
			p.See(env, 0)
		})
		if n > 0 {
			t.Errorf("%+v: %v allocations", e, n)
		}
	}
}

// An actor values what it sees, will see and saw last by all of their frames, and values alone do not move them on.
func TestActorFrames(t *testing.T) {
	seat := algotest.NewEnv("toy-clock-v0").Spec().Seats[0]
	network := algos.DefaultNetwork()
	network.Frames = 3
	a := algotest.Must(algos.NewActor(network, seat, 1, 1))
	vec := algotest.Must(envs.NewVec(1, []envs.Env{algotest.NewEnv("toy-clock-v0")}, []envs.View{a.View()}))
	b, shown, actions := vec.Batch(0), past{Encoding: network.Encoding, box: seat.Obs}, []int{0}
	value := func(input []float32) float64 { return a.Net.Values(input, 1)[0] }
	for at := range 50 {
		shown.show(b.Obs, b.First[0])
		for range 2 {
			near(t, fmt.Sprintf("step %d: value", at), a.Values(b)[0], value(shown.input()), 0)
		}
		if obs, _ := a.Sample(b, actions); !slices.Equal(obs, shown.input()) {
			t.Fatalf("step %d: sees %v, not %v", at, obs, shown.input())
		}
		if err := vec.Step(actions); err != nil {
			t.Fatal(err)
		}
		if b.Truncated[0] {
			near(t, fmt.Sprintf("step %d: last value", at), a.LastValue(b, 0), value(shown.after(b.Last, false)), 0)
		}
	}
}

// framed are all learners with a network, that see several frames.
var framed = []variant{
	gradients[0].With("network.frames=3"), gradients[1].With("network.frames=2", "network.scale=none"),
	gradients[2].With("network.frames=4"),
	{Algorithm: dqn.Algorithm(), Set: []string{"frames=3", "hidden=[8]", "learning_starts=50", "batch_size=8", "replay_size=300"}},
}

// With frames, too, saving and restoring within episodes makes no difference; and policies choose from nodes by rows of
// all frames.
func TestFramesRestore(t *testing.T) {
	variants := append(slices.Clone(framed), gradients[0].With("network.frames=2", "network.policy=autoregressive"))
	for _, p := range variants {
		t.Run(p.Name+" "+strings.Join(p.Set, " "), func(t *testing.T) {
			r := algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 3, Budget: algos.Budget{Steps: 1200}}
			open := func(seed uint64) *room { return p.Open(t, r, seed) }
			algotest.CheckRestore(t, open)
			algotest.CheckPolicies(t, open)
		})
	}
}

// Steps and updates with frames allocate nothing.
func TestFramesAllocations(t *testing.T) {
	for _, p := range framed {
		s := algotest.Setup{ID: "idsgame-minimal_defense-v0", N: 3, Budget: algos.Budget{Steps: 20_000}}
		algotest.CheckAllocations(t, p.Open(t, s, 1))
	}
}
