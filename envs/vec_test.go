package envs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/toy"
)

const root = 11

func stateRow(env envs.Env, seat int) int { return env.State(seat, 0) }

// kinds are environments to make Vecs of: with two open seats, with one and a player, with termination and truncation.
var kinds = []struct {
	name string
	env  func() envs.Env
}{
	{"two seats", newPursuit},
	{"one seat and a player", func() envs.Env { return must(envs.Versus(newPursuit(), envs.Uniform(), nil)) }},
	{"limited", func() envs.Env { return envs.Limit(must(envs.Versus(newPursuit(), nil, envs.Uniform())), 3) }},
	{"truncated", func() envs.Env { return newClock(4) }},
	{"long", func() envs.Env { return must((&toy.Corridor{Cells: 5, Slip: 0.2, MaxSteps: 60}).New(0)) }},
	{"one step", func() envs.Env { return must((&toy.RockPaperScissors{Rock: 3, Paper: 2, Scissors: 1}).New(0)) }},
	{"illegal actions", func() envs.Env { return must((&toy.Forbidden{Fields: 4}).New(0)) }},
}

func newVec(tb testing.TB, n int, env func() envs.Env) *envs.Vec {
	tb.Helper()
	es := make([]envs.Env, n)
	for i := range es {
		es[i] = env()
	}
	views := make([]envs.View, len(es[0].Spec().Seats))
	for s := range views {
		views[s] = envs.View{Obs: true, Legal: true, Row: stateRow}
	}
	v, err := envs.NewVec(root, es, views)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// choose draws actions for step t that depend on the environment and the seat alone, not on how many there are.
func choose(v *envs.Vec, t int) [][]int {
	spec := v.Spec()
	actions := make([][]int, len(spec.Seats))
	for s, seat := range spec.Seats {
		for i := range v.Batch(s).N {
			rng := rand.New(envs.NewPCG(envs.Derive(uint64(t), spec.ID, uint64(s<<32|i))))
			actions[s] = append(actions[s], rng.IntN(seat.Actions.N))
		}
	}
	return actions
}

func step(tb testing.TB, v *envs.Vec, t int) {
	tb.Helper()
	if err := v.Step(choose(v, t)...); err != nil {
		tb.Fatal(err)
	}
}

// byHand is one environment stepped by hand, for comparison with a row of a Vec.
type byHand struct {
	env     envs.Env
	index   int
	episode uint64
	out     *envs.Outcome
	returns []float64
	length  int
}

func (h *byHand) reset(t *testing.T) {
	seats := len(h.env.Spec().Seats)
	if m, ok := envs.As[*envs.Match](h.env); ok {
		seats = len(m.Joint().Rewards)
	}
	h.returns, h.length = make([]float64, seats), 0
	if err := h.env.Reset(h.seed()); err != nil {
		t.Fatal(err)
	}
}

func (h *byHand) seed() uint64 { return envs.Derive(root, "episode", uint64(h.index)<<40|h.episode) }

// current compares what a seat sees now with row h.index of b.
func (h *byHand) current(t *testing.T, s int, b *envs.Batch) {
	t.Helper()
	h.see(t, s, b.Obs, b.Legal, b.Row)
	if first := h.length == 0; b.First[h.index] != first {
		t.Fatalf("environment %d, seat %d: first of an episode: %v, by hand %v", h.index, s, b.First[h.index], first)
	}
}

// see compares what a seat sees with row h.index of the slices.
func (h *byHand) see(t *testing.T, s int, obs []float32, legal []bool, row []int) {
	t.Helper()
	seat := h.env.Spec().Seats[s]
	o, l := make([]float32, seat.Obs.Len()), make([]bool, seat.Actions.N)
	h.env.Observe(s, o)
	h.env.Legal(s, l)
	if got := obs[h.index*len(o) : (h.index+1)*len(o)]; !slices.Equal(got, o) {
		t.Fatalf("environment %d, seat %d: observation %v, by hand %v", h.index, s, got, o)
	}
	if got := legal[h.index*len(l) : (h.index+1)*len(l)]; !slices.Equal(got, l) {
		t.Fatalf("environment %d, seat %d: legal %v, by hand %v", h.index, s, got, l)
	}
	if got, want := row[h.index], h.env.State(s, 0); got != want {
		t.Fatalf("environment %d, seat %d: row %d, by hand %d", h.index, s, got, want)
	}
}

func TestVecByHand(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			const n = 4
			v := newVec(t, n, kind.env)
			hands := make([]byHand, n)
			for i := range hands {
				h := &hands[i]
				*h = byHand{env: kind.env(), index: i}
				h.out = h.env.Spec().NewOutcome()
				h.reset(t)
				for s := range h.env.Spec().Seats {
					h.current(t, s, v.Batch(s))
				}
			}
			episodes := 0
			for at := range 200 {
				actions := choose(v, at)
				if err := v.Step(actions...); err != nil {
					t.Fatal(err)
				}
				var finished []envs.Episode
				for i := range hands {
					h := &hands[i]
					own := make([]int, len(actions))
					for s := range own {
						own[s] = actions[s][i]
					}
					if err := h.env.Step(own, h.out); err != nil {
						t.Fatal(err)
					}
					rewards := h.out.Rewards
					if m, ok := envs.As[*envs.Match](h.env); ok {
						rewards = m.Joint().Rewards
					}
					for s, r := range rewards {
						h.returns[s] += r
					}
					h.length++
					over := h.out.Over()
					for s := range h.env.Spec().Seats {
						b := v.Batch(s)
						if b.Reward[i] != h.out.Rewards[s] || b.Terminated[i] != h.out.Terminated ||
							b.Truncated[i] != h.out.Truncated {
							t.Fatalf("step %d, environment %d, seat %d: reward %v, terminated %v, truncated %v; by hand %+v",
								at, i, s, b.Reward[i], b.Terminated[i], b.Truncated[i], *h.out)
						}
						if over {
							h.see(t, s, b.Last, b.LastLegal, b.LastRow)
						}
					}
					if over {
						finished = append(finished, envs.Episode{Env: i, Index: h.episode, Seed: h.seed(),
							Length: h.length, Returns: h.returns, Winner: h.out.Winner, Truncated: h.out.Truncated})
						h.episode++
						h.reset(t)
					}
					for s := range h.env.Spec().Seats {
						h.current(t, s, v.Batch(s))
					}
				}
				if got := v.Finished(); len(got) != len(finished) || len(got) > 0 && !reflect.DeepEqual(got, finished) {
					t.Fatalf("step %d: finished %+v, by hand %+v", at, got, finished)
				}
				episodes += len(finished)
			}
			if episodes < 10 {
				t.Errorf("only %d episodes: the test says little", episodes)
			}
		})
	}
}

// What happens in an environment does not depend on how many others there are.
func TestVecIndependentOfN(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			small, large := newVec(t, 2, kind.env), newVec(t, 7, kind.env)
			for at := range 60 {
				step(t, small, at)
				step(t, large, at)
				for s := range small.Spec().Seats {
					a, b := small.Batch(s), large.Batch(s)
					if !slices.Equal(a.Obs, b.Obs[:len(a.Obs)]) || !slices.Equal(a.Reward, b.Reward[:2]) ||
						!slices.Equal(a.Row, b.Row[:2]) || !slices.Equal(a.Terminated, b.Terminated[:2]) {
						t.Fatalf("step %d, seat %d: %+v and %+v", at, s, *a, *b)
					}
				}
				var first []envs.Episode
				for _, e := range large.Finished() {
					if e.Env < 2 {
						first = append(first, e)
					}
				}
				if fmt.Sprint(first) != fmt.Sprint(small.Finished()) {
					t.Fatalf("step %d: finished %+v and %+v", at, small.Finished(), first)
				}
			}
		})
	}
}

// current is everything in a Vec that is up to date.
func current(v *envs.Vec) string {
	text := fmt.Sprint(v.Finished())
	for s := range v.Spec().Seats {
		b := *v.Batch(s)
		text += fmt.Sprint(b.Obs, b.Legal, b.Row, b.First, b.Reward, b.Terminated, b.Truncated)
		for i := range b.N {
			if b.Terminated[i] || b.Truncated[i] {
				text += fmt.Sprint(b.Last[i*b.ObsLen:(i+1)*b.ObsLen], b.LastLegal[i*b.Actions:(i+1)*b.Actions], b.LastRow[i])
			}
		}
	}
	return text
}

// A Vec that is saved and restored anywhere goes on as if nothing had happened.
func TestVecSaved(t *testing.T) {
	rng := rand.New(envs.NewPCG(4))
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			v, used := newVec(t, 3, kind.env), newVec(t, 3, kind.env)
			at := 0
			for range 8 {
				for range rng.IntN(30) {
					step(t, v, at)
					at++
				}
				data, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				fresh := newVec(t, 3, kind.env)
				for range rng.IntN(10) {
					step(t, used, rng.IntN(1000))
				}
				for _, restored := range []*envs.Vec{fresh, used} {
					if err := json.Unmarshal(data, restored); err != nil {
						t.Fatal(err)
					}
					if again := must(json.Marshal(restored)); string(again) != string(data) {
						t.Fatalf("saved again: %s, before: %s", again, data)
					}
					if len(restored.Finished()) > 0 {
						t.Errorf("nothing has finished since, but %v", restored.Finished())
					}
					for s := range v.Spec().Seats {
						a, b := v.Batch(s), restored.Batch(s)
						if !slices.Equal(a.Obs, b.Obs) || !slices.Equal(a.Legal, b.Legal) || !slices.Equal(a.Row, b.Row) ||
							!slices.Equal(a.First, b.First) {
							t.Fatalf("seat %d: %+v and %+v", s, *a, *b)
						}
						if slices.Contains(b.Terminated, true) || slices.Contains(b.Truncated, true) ||
							slices.ContainsFunc(b.Reward, func(r float64) bool { return r != 0 }) {
							t.Errorf("seat %d: a step before the first: %+v", s, *b)
						}
					}
				}
				for range 25 {
					step(t, v, at)
					step(t, fresh, at)
					step(t, used, at)
					at++
					if a, b, c := current(v), current(fresh), current(used); a != b || a != c {
						t.Fatalf("step %d:\n%s\n%s\n%s", at, a, b, c)
					}
				}
			}
		})
	}
}

func TestVecUnmarshalErrors(t *testing.T) {
	const good = `[{"episode":1,"actions":[0,1,1,0]},{"episode":0,"actions":[]}]`
	for _, tt := range []struct{ name, data, want string }{
		{"good", good, ""},
		{"not JSON", `[`, "JSON"},
		{"null", `null`, "state of 0 environments"},
		{"an object", `{}`, "object"},
		{"too few", `[{"episode":1,"actions":[]}]`, "state of 1 environments"},
		{"too many", `[{},{},{}]`, "state of 3 environments"},
		{"half a step", `[{"actions":[0]},{}]`, "1 actions for 2 seats"},
		{"no such action", `[{"actions":[0,2]},{}]`, "action 2"},
		{"a negative action", `[{"actions":[0,-1]},{}]`, "action -1"},
		{"a large action", `[{"actions":[0,4294967296]},{}]`, "int32"},
		{"a negative episode", `[{"episode":-1},{}]`, "uint64"},
		{"past the end", `[{"actions":[` + strings.Repeat("0,0,", 20) + `0,0]},{}]`, "over after"},
	} {
		v := newVec(t, 2, newPursuit)
		err := json.Unmarshal([]byte(tt.data), v)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Whatever is read, it is an error or a state from which one can go on and which is saved as it was read.
func FuzzVecUnmarshal(f *testing.F) {
	v := newVec(f, 2, newPursuit)
	for at := range 7 {
		f.Add(must(json.Marshal(v)))
		step(f, v, at)
	}
	f.Add([]byte(`[{"episode":18446744073709551615,"actions":null},{"actions":[1,1,1,1]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v := newVec(t, 2, newPursuit)
		if v.UnmarshalJSON(data) != nil {
			return
		}
		saved := must(json.Marshal(v))
		again := newVec(t, 2, newPursuit)
		if err := json.Unmarshal(saved, again); err != nil {
			t.Fatalf("%s is read, %s is not: %v", data, saved, err)
		}
		for at := range 5 {
			step(t, v, at)
			step(t, again, at)
			if current(v) != current(again) {
				t.Fatalf("%s and %s go on differently", data, saved)
			}
		}
	})
}

func TestVecViews(t *testing.T) {
	es := []envs.Env{newPursuit(), newPursuit()}
	v := must(envs.NewVec(root, es, []envs.View{{Obs: true}, {Legal: true, Row: stateRow}}))
	for at := range 30 {
		step(t, v, at)
	}
	a, b := v.Batch(0), v.Batch(1)
	if len(a.Obs) != 2*a.ObsLen || len(a.Last) != len(a.Obs) || a.Legal != nil || a.LastLegal != nil || a.Row != nil {
		t.Errorf("only observations: %+v", *a)
	}
	if b.Obs != nil || b.Last != nil || len(b.Legal) != 2*b.Actions || len(b.LastLegal) != 4 || len(b.LastRow) != 2 {
		t.Errorf("all but observations: %+v", *b)
	}
	if v.Spec() != es[0].Spec() {
		t.Error("Spec is not that of the environments")
	}
}

// Without open seats a Vec plays on its own. There is nothing by which its position could be restored.
func TestVecWithoutSeats(t *testing.T) {
	v := newVec(t, 3, func() envs.Env { return must(envs.Versus(newPursuit(), envs.Uniform(), envs.Uniform())) })
	episodes := 0
	for range 100 {
		if err := v.Step(); err != nil {
			t.Fatal(err)
		}
		for _, e := range v.Finished() {
			episodes++
			if len(e.Returns) != 2 || e.Returns[0] != -e.Returns[1] || e.Length == 0 {
				t.Errorf("episode %+v", e)
			}
		}
	}
	if episodes == 0 {
		t.Error("no episode ends")
	}
	if data, err := json.Marshal(v); err == nil {
		t.Errorf("saved as %s", data)
	}
	if err := v.UnmarshalJSON([]byte(`[{},{},{}]`)); err == nil {
		t.Error("restored from nothing")
	}
}

// An error of an environment says in which one and where.
func TestVecErrors(t *testing.T) {
	games := []*probe{newProbe(), newProbe()}
	views := make([]envs.View, 3)
	es := []envs.Env{games[0], games[1]}
	v := must(envs.NewVec(root, es, views))
	lost := errors.New("connection lost")
	games[1].fail = lost
	actions := [][]int{{0, 0}, {0, 0}, {0, 0}}
	err := v.Step(actions...)
	if !errors.Is(err, lost) || !strings.Contains(err.Error(), "environment 1, episode 0") {
		t.Errorf("Step returns %v", err)
	}
	v, err = envs.NewVec(root, es, views)
	if v != nil || !errors.Is(err, lost) {
		t.Errorf("NewVec returns %v, %v", v, err)
	}
}

func TestVecAllocs(t *testing.T) {
	for _, kind := range kinds {
		v := newVec(t, 3, kind.env)
		actions := choose(v, 0)
		least := 1.0
		for range 3 { // the runtime allocates now and then
			least = min(least, testing.AllocsPerRun(1, func() {
				for range 200 {
					if err := v.Step(actions...); err != nil {
						t.Fatal(err)
					}
				}
			}))
		}
		if least > 0 {
			t.Errorf("%s: 200 steps allocate", kind.name)
		}
	}
}
