package algos_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
	"idsrl/envs/toy"
	"idsrl/nets"
)

const rolloutSeed = 11

// row is a step as it should be stored.
type row struct {
	obs          []float32
	legal        []bool
	action       int
	logp, value  float64
	reward, next float64
	done         bool
}

// worth is a value function of one-hot observations that tells all states apart.
func worth(obs []float32) (v float64) {
	for i, x := range obs {
		v += float64(x) * math.Sqrt(float64(i+2))
	}
	return v
}

// handRun plays steps of one environment by hand and returns what should be stored, and what the state after them is
// worth.
func handRun(tb testing.TB, env envs.Env, index, steps int) (rows []row, now float64) {
	tb.Helper()
	seat := env.Spec().Seats[0]
	out := env.Spec().NewOutcome()
	obs := make([]float32, seat.Obs.Len())
	episode := uint64(0)
	reset := func() {
		if err := env.Reset(envs.Derive(rolloutSeed, "episode", uint64(index)<<40|episode)); err != nil {
			tb.Fatal(err)
		}
		episode++
	}
	reset()
	for t := range steps {
		env.Observe(0, obs)
		r := row{obs: slices.Clone(obs), legal: make([]bool, seat.Actions.N), value: worth(obs)}
		env.Legal(0, r.legal)
		r.action, r.logp = choice(r.legal, index, t)
		if err := env.Step([]int{r.action}, out); err != nil {
			tb.Fatal(err)
		}
		r.reward, r.done = out.Rewards[0], out.Over()
		env.Observe(0, obs)
		if !out.Terminated {
			r.next = worth(obs)
		}
		rows = append(rows, r)
		if r.done {
			reset()
			env.Observe(0, obs)
		}
	}
	return rows, worth(obs)
}

// choice is what both sides play in step t of environment i, and a number in place of its log-probability.
func choice(legal []bool, i, t int) (action int, logp float64) {
	return envs.RandomLegal(legal, rand.New(envs.NewPCG(uint64(i*1000+t)))), -float64(t) - float64(i)/8
}

// fillRollout plays until r is full, and returns the values of what the environments show then.
func fillRollout(tb testing.TB, r *algos.Rollout, vec *envs.Vec, from int) (now []float64) {
	tb.Helper()
	b := vec.Batch(0)
	actions, out := make([]int, r.N), nets.NewPolicyOut(r.N)
	values := func(obs []float32) (vs []float64) {
		for i := range r.N {
			vs = append(vs, worth(obs[i*r.ObsLen:(i+1)*r.ObsLen]))
		}
		return vs
	}
	for t := from; !r.Full(); t++ {
		copy(out.Value, values(b.Obs))
		for i := range actions {
			actions[i], out.LogProb[i] = choice(b.Legal[i*r.Actions:(i+1)*r.Actions], i, t)
		}
		r.Act(b.Obs, b.Legal, actions, out)
		if err := vec.Step(actions); err != nil {
			tb.Fatal(err)
		}
		r.Learn(b, b.Reward, func(i int) float64 { return values(b.Last)[i] })
	}
	return values(b.Obs)
}

// The games of which rollouts are made: together they have illegal actions, episodes that end and
// episodes that are cut short.
func rolloutEnvs(tb testing.TB, n int) map[string][]envs.Env {
	tb.Helper()
	lists := map[string][]envs.Env{}
	for name, fresh := range map[string]func() envs.Env{
		"corridor":  func() envs.Env { return algotest.Must((&toy.Corridor{Cells: 3, Slip: 0.1, MaxSteps: 5}).New(1)) },
		"forbidden": func() envs.Env { return envs.Limit(algotest.Must((&toy.Forbidden{Fields: 5}).New(1)), 3) },
		"clock":     func() envs.Env { return algotest.Must((&toy.Clock{Hours: 3, MaxSteps: 4}).New(1)) },
	} {
		for range n {
			lists[name] = append(lists[name], fresh())
		}
	}
	return lists
}

// Rounds in a row hold what the environments, played by hand one by one, show.
func TestRollout(t *testing.T) {
	const n, horizon, rounds, gamma, lambda = 2, 17, 4, 0.9, 0.8
	byHand := rolloutEnvs(t, n)
	ends := map[string]int{} // how many of each kind there are, so that the test tests something
	for name, es := range rolloutEnvs(t, n) {
		vec := algotest.Must(envs.NewVec(rolloutSeed, es, []envs.View{{Obs: true, Legal: true}}))
		seat := vec.Spec().Seats[0]
		r := algos.NewRollout(n, horizon, seat.Obs.Len(), seat.Actions.N)
		for round := range rounds {
			now := fillRollout(t, r, vec, round*horizon)
			r.Finish(now, gamma, lambda)
			if r.Steps != 0 || r.Full() {
				t.Fatalf("%s: %d steps after Finish", name, r.Steps)
			}
			for i := range n {
				rows, last := handRun(t, byHand[name][i], i, (round+1)*horizon)
				near(t, name+": value at the end", now[i], last, 0)
				var h history
				for k, want := range rows[round*horizon:] {
					at := i*horizon + k
					got := row{
						obs: r.Obs[at*r.ObsLen : (at+1)*r.ObsLen], legal: r.Legal[at*r.Actions : (at+1)*r.Actions],
						action: r.Action[at], logp: r.LogProb[at], value: r.Value[at],
						reward: r.Reward[at], next: r.Next[at], done: r.Done[at],
					}
					if first := k == 0 || h.done[k-1]; r.First[at] != first {
						t.Errorf("%s: environment %d, step %d of round %d is first: %v", name, i, k, round, !first)
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("%s: environment %d, step %d of round %d: %+v, want %+v", name, i, k, round, got, want)
					}
					switch inside := k < horizon-1; {
					case want.done && want.next == 0:
						ends[fmt.Sprintf("terminal %v", inside)]++
					case want.done:
						ends[fmt.Sprintf("truncated %v", inside)]++
					default:
						ends[fmt.Sprintf("running %v", inside)]++
					}
					h.reward, h.value = append(h.reward, want.reward), append(h.value, want.value)
					h.next, h.done = append(h.next, want.next), append(h.done, want.done)
				}
				for k := range horizon {
					want := h.advantage(k, gamma, lambda)
					near(t, name+": advantage", r.Advantage[i*horizon+k], want, 1e-12)
					near(t, name+": return", r.Return[i*horizon+k], want+h.value[k], 1e-12)
				}
			}
		}
	}
	for _, kind := range []string{"terminal true", "truncated true", "running true", "running false", "terminal false"} {
		if ends[kind] == 0 {
			t.Errorf("no step that is %s: %v", kind, ends)
		}
	}
}

// Where a step is both, the rules go before the clock.
func TestRolloutTerminalAndTruncated(t *testing.T) {
	r := algos.NewRollout(1, 2, 1, 1)
	r.Act([]float32{0}, []bool{true}, []int{0}, nets.PolicyOut{LogProb: []float64{0}, Value: []float64{1}})
	b := &envs.Batch{N: 1, Reward: []float64{5}, Terminated: []bool{true}, Truncated: []bool{true}}
	r.Learn(b, b.Reward, func(int) float64 { return 7 })
	if r.Next[0] != 0 || !r.Done[0] {
		t.Errorf("next value %v, done %v", r.Next[0], r.Done[0])
	}
}

// filled is a rollout full of numbers.
func filled(tb testing.TB, name string, n, horizon int) (*algos.Rollout, *envs.Vec) {
	tb.Helper()
	vec := algotest.Must(envs.NewVec(rolloutSeed, rolloutEnvs(tb, n)[name], []envs.View{{Obs: true, Legal: true}}))
	seat := vec.Spec().Seats[0]
	r := algos.NewRollout(n, horizon, seat.Obs.Len(), seat.Actions.N)
	r.Finish(fillRollout(tb, r, vec, 0), 0.9, 0.8)
	return r, vec
}

func TestGather(t *testing.T) {
	r, _ := filled(t, "forbidden", 3, 5)
	rng := rand.New(envs.NewPCG(1))
	m := algos.NewMinibatch(r, 18)
	for range 20 {
		length := []int{1, 3, 5}[rng.IntN(3)]
		segments := rng.Perm(15 / length)[:1+rng.IntN(3)]
		segments[0] = segments[len(segments)-1] // a segment may come twice
		got := m.Gather(r, segments, length)
		var want algos.Minibatch
		for i := range len(segments) * length {
			at := segments[i/length]*length + i%length
			want.Obs = append(want.Obs, r.Obs[at*r.ObsLen:(at+1)*r.ObsLen]...)
			want.Legal = append(want.Legal, r.Legal[at*r.Actions:(at+1)*r.Actions]...)
			want.Action, want.First = append(want.Action, r.Action[at]), append(want.First, r.First[at])
			want.LogProb, want.Value = append(want.LogProb, r.LogProb[at]), append(want.Value, r.Value[at])
			want.Advantage, want.Return = append(want.Advantage, r.Advantage[at]), append(want.Return, r.Return[at])
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("segments %v of %d are\n%+v, want\n%+v", segments, length, got, want)
		}
		before := slices.Clone(r.Advantage)
		algos.Whiten(got.Advantage)
		if !slices.Equal(before, r.Advantage) {
			t.Fatal("a minibatch shares memory with the rollout")
		}
	}
	rows := []int{3, 1, 4}
	if n := testing.AllocsPerRun(100, func() { m.Gather(r, rows, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWhiten(t *testing.T) {
	xs := []float64{1, 2, 3, 4}
	algos.Whiten(xs)
	for i, x := range xs {
		near(t, "whitened", x, (float64(i)-1.5)/math.Sqrt(1.25), 1e-7)
	}
	for _, x := range []float64{0, 0.1, -1, 1e4} {
		xs := []float64{x, x, x, x, x, x, x}
		algos.Whiten(xs)
		for _, y := range xs {
			near(t, fmt.Sprintf("constant %v", x), y, 0, 1e-3)
		}
	}
	algos.Whiten(nil)
}

func encodeRollout(r *algos.Rollout) []byte {
	var e algos.Encoder
	r.Encode(&e)
	return e.Data
}

func decodeRollout(r *algos.Rollout, data []byte) error {
	d := algos.NewDecoder(data)
	r.Decode(d)
	return d.Close()
}

// A rollout that is saved after any number of steps, in the first round or the second, goes on like the saved one.
func TestRolloutRestore(t *testing.T) {
	const n, horizon = 2, 7
	for _, name := range []string{"forbidden", "corridor"} {
		for steps := range 2 * horizon {
			vec := algotest.Must(envs.NewVec(rolloutSeed, rolloutEnvs(t, n)[name], []envs.View{{Obs: true, Legal: true}}))
			seat := vec.Spec().Seats[0]
			fresh := func() *algos.Rollout { return algos.NewRollout(n, horizon, seat.Obs.Len(), seat.Actions.N) }
			r, b := fresh(), vec.Batch(0)
			step := func(r *algos.Rollout, k int) {
				actions := make([]int, n)
				out := nets.NewPolicyOut(n)
				for i := range actions {
					actions[i], out.LogProb[i] = choice(b.Legal[i*r.Actions:(i+1)*r.Actions], i, k)
					out.Value[i] = worth(b.Obs[i*r.ObsLen : (i+1)*r.ObsLen])
				}
				r.Act(b.Obs, b.Legal, actions, out)
				if err := vec.Step(actions); err != nil {
					t.Fatal(err)
				}
				r.Learn(b, b.Reward, func(i int) float64 { return worth(b.Last[i*r.ObsLen : (i+1)*r.ObsLen]) })
				if r.Full() {
					r.Finish(make([]float64, n), 0.9, 0.9)
				}
			}
			for k := range steps {
				step(r, k)
			}
			data := encodeRollout(r)
			restored := fresh()
			if err := decodeRollout(restored, data); err != nil {
				t.Fatalf("%s: after %d steps: %v", name, steps, err)
			}
			if !slices.Equal(encodeRollout(restored), data) {
				t.Fatalf("%s: after %d steps, other bytes", name, steps)
			}
			at := algotest.Must(vec.MarshalJSON())
			for k := steps; k < steps+horizon; k++ {
				step(r, k)
			}
			if err := vec.UnmarshalJSON(at); err != nil {
				t.Fatal(err)
			}
			for k := steps; k < steps+horizon; k++ {
				step(restored, k)
			}
			if !reflect.DeepEqual(r, restored) {
				t.Fatalf("%s: restored after %d steps, it goes on as\n%+v, want\n%+v", name, steps, restored, r)
			}
		}
	}
}

func TestRolloutDecodeErrors(t *testing.T) {
	r, vec := filled(t, "forbidden", 2, 4)
	fresh := func() *algos.Rollout { return algos.NewRollout(2, 4, r.ObsLen, r.Actions) }
	fillRollout(t, r, vec, 4)
	r.Steps = 3 // of a second round
	data := encodeRollout(r)
	for n := range data {
		if err := decodeRollout(fresh(), data[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken for a rollout", n, len(data))
		}
	}
	for _, c := range []struct {
		name   string
		change func(r *algos.Rollout)
	}{
		{"negative steps", func(r *algos.Rollout) { r.Steps = -1 }},
		{"a full rollout", func(r *algos.Rollout) { r.Steps = 4 }},
		{"too many steps", func(r *algos.Rollout) { r.Steps = math.MaxInt }},
		{"a negative action", func(r *algos.Rollout) { r.Action[7] = -1 }},
		{"an action outside the space", func(r *algos.Rollout) { r.Action[7] = 3 }},
		{"an illegal action", func(r *algos.Rollout) { r.Legal[5*r.Actions+r.Action[5]] = false }},
		{"another observation", func(r *algos.Rollout) { r.Obs = r.Obs[1:] }},
		{"another mask", func(r *algos.Rollout) { r.Legal = append(r.Legal, true) }},
		{"fewer actions", func(r *algos.Rollout) { r.Action = r.Action[:7] }},
		{"more rewards", func(r *algos.Rollout) { r.Reward = append(r.Reward, 1) }},
		{"no ends", func(r *algos.Rollout) { r.Done = nil }},
	} {
		changed := fresh()
		if err := decodeRollout(changed, data); err != nil {
			t.Fatal(err)
		}
		c.change(changed)
		if err := decodeRollout(fresh(), encodeRollout(changed)); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
	// What is left over of an older round does not count: it is overwritten before anything is learnt.
	blank := fresh()
	if err := decodeRollout(fresh(), encodeRollout(blank)); err != nil {
		t.Errorf("an empty rollout: %v", err)
	}
}
