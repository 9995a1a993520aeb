package algos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/ppo"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/nets"
)

// withMemory is a small network with an LSTM.
func withMemory() algos.Network {
	network := algos.DefaultNetwork()
	network.Hidden, network.LSTM = []int{6}, 5
	return network
}

// historian says what a recurrent policy should, given all that an episode has shown.
type historian struct {
	net   *nets.Recurrent[float32]
	shown [][]float32
}

func (h *historian) show(obs []float32, first bool) {
	if first {
		h.shown = nil
	}
	h.shown = append(h.shown, slices.Clone(obs))
}

// now is the log-probability of an action, all being legal, and the value.
func (h *historian) now(action int) (logp, value float64) {
	n := len(h.shown)
	var rows []float32
	for _, obs := range h.shown {
		rows = append(append(rows, obs...), make([]float32, h.net.StateSize())...)
	}
	legal, actions := slices.Repeat([]bool{true}, n*h.net.Actions()), slices.Repeat([]int{action}, n)
	out := h.net.EvaluateSequences(make([]bool, n), actions, rows, legal)
	return out.LogProb[n-1], out.Value[n-1]
}

// after is the value after one more observation, which is not kept.
func (h *historian) after(obs []float32, first bool) float64 {
	next := *h
	next.show(obs, first)
	_, value := next.now(0)
	return value
}

// What the network says is of the whole episode and of nothing before it: when it acts, when it values what is shown
// after a step, and what a finished episode showed last.
func TestActorMemory(t *testing.T) {
	const n = 3
	es, views := rolloutEnvs(t, n)["corridor"], []envs.View{{Obs: true, Legal: true}}
	vec := algotest.Must(envs.NewVec(rolloutSeed, es, views))
	b := vec.Batch(0)
	a := algotest.Must(algos.NewActor(withMemory(), vec.Spec().Seats[0], n, 1))
	want := make([]historian, n)
	for i := range want {
		want[i].net = a.Net.ClonePolicy().(*nets.Recurrent[float32])
	}
	obs := func(xs []float32, i int) []float32 { return xs[i*b.ObsLen : (i+1)*b.ObsLen] }
	actions, episodes := make([]int, n), 0
	for range 60 {
		_, out := a.Sample(b, actions)
		for i := range want {
			want[i].show(obs(b.Obs, i), b.First[i])
			logp, value := want[i].now(actions[i])
			near(t, "log-probability", out.LogProb[i], logp, 0)
			near(t, "value", out.Value[i], value, 0)
		}
		if err := vec.Step(actions); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if b.Terminated[i] || b.Truncated[i] {
				episodes++
				near(t, "last value", a.LastValue(b, i), want[i].after(obs(b.Last, i), false), 0)
			}
		}
		for i, value := range a.Values(b) {
			near(t, "value after the step", value, want[i].after(obs(b.Obs, i), b.First[i]), 0)
		}
	}
	if episodes < 20 {
		t.Errorf("only %d episodes", episodes)
	}
}

// judge watches a greedy policy play and compares.
type judge struct {
	*testing.T
	historian
	obs []float32
}

func (j *judge) look(game envs.Env, first bool) {
	game.Observe(0, j.obs)
	j.show(j.obs, first)
}

func (j *judge) Start(game envs.Env) error {
	j.look(game, true)
	return nil
}

func (j *judge) Step(game envs.Env, actions []int, _ *envs.Outcome) error {
	played, _ := j.now(actions[0])
	for a := range j.net.Actions() {
		if logp, _ := j.now(a); logp > played {
			j.Errorf("after %d steps, it plays %d, and %d is more probable", len(j.shown), actions[0], a)
		}
	}
	j.look(game, false)
	return nil
}

// A policy remembers one episode at a time.
func TestPolicyMemory(t *testing.T) {
	game := algotest.NewEnv("toy-recall-v0")
	seat := game.Spec().Seats[0]
	a := algotest.Must(algos.NewActor(withMemory(), seat, 1, 1))
	for i, x := range a.Net.Params() {
		a.Net.Params()[i] = 3 * x // so that the cue decides
	}
	watch := &judge{t, historian{net: a.Net.ClonePolicy().(*nets.Recurrent[float32])}, make([]float32, seat.Obs.Len())}
	if _, err := algos.Evaluate(t.Context(), game, []envs.Policy{a.Policy(algos.Greedy)}, 50, 1, watch); err != nil {
		t.Fatal(err)
	}
}

// A step learns from whole sequences, however the rows are shared out among cores.
func TestStepOfSequences(t *testing.T) {
	const n = 500
	seat := envs.Seat{Obs: envs.UniformBox(0, 1, 3), Actions: envs.Discrete{N: 2}}
	p := algotest.Must(algos.NewPolicyGradient(algos.Objective{Network: withMemory()}, seat, 1, 1))
	rng := rand.New(envs.NewPCG(1))
	m := algos.Minibatch{
		Obs: make([]float32, n*p.Width()), Legal: slices.Repeat([]bool{true}, 2*n), Action: make([]int, n),
		First: make([]bool, n), Advantage: make([]float64, n), Return: make([]float64, n),
	}
	for i := range m.Obs {
		m.Obs[i] = float32(rng.NormFloat64())
	}
	for i := range n {
		m.Action[i], m.First[i] = rng.IntN(2), rng.IntN(70) == 0
		m.Advantage[i], m.Return[i] = rng.NormFloat64(), rng.NormFloat64()
	}
	loss := func(d, now nets.PolicyOut, rows algos.Minibatch, n int) nets.LossMetrics {
		b := nets.PolicyGradientBatch{Advantage: rows.Advantage, Return: rows.Return, Rows: n}
		return nets.PolicyGradientLoss(d, now, b, nets.PolicyGradientConfig{ValueCoef: 0.5, EntropyCoef: 0.01})
	}
	net, d := p.Net.ClonePolicy().(*nets.Recurrent[float32]), nets.NewPolicyOut(n)
	loss(d, net.EvaluateSequences(m.First, m.Action, m.Obs, m.Legal), m, n)
	net.Propagate(d)
	if _, err := p.Step(m, loss); err != nil {
		t.Fatal(err)
	}
	for i, want := range net.Grads() {
		got := float64(p.Adam.M[i]) / (1 - p.Adam.Beta1) // after the first step
		near(t, fmt.Sprintf("derivative %d", i), got, float64(want), 1e-6)
	}
}

// As long as nothing has been learnt from a round, it says of the round what it said when it acted, to the last bit.
func TestFirstRatioWithMemory(t *testing.T) {
	for _, id := range []string{"toy-corridor-v0", "toy-clock-v0", "idsgame-minimal_defense-v0"} {
		p := gradients[3].With("horizon=32", "minibatch=96", "epochs=1")
		l := p.Open(t, algotest.Setup{ID: id, N: 3, Budget: algos.Budget{Steps: 2000}}, 1).Train(1).Learners[0]
		values := make([]float64, len(l.Metrics()))
		l.Report(values)
		if kl := values[slices.Index(l.Metrics(), "approx_kl")]; kl != 0 {
			t.Errorf("%s: approximate KL divergence %v", id, kl)
		}
	}
}

// recalled is how often, of 64 times, a policy answers right in toy-recall-v0 after training.
func recalled(tb testing.TB, p variant, seed uint64) float64 {
	tb.Helper()
	r := algotest.Setup{ID: "toy-recall-v0", N: 8, Budget: algos.Budget{Steps: 12_000}}
	l := p.Open(tb, r, seed).Train(1).Learners[0]
	players := []envs.Policy{l.Policy(algos.Greedy)}
	tally, err := algos.Evaluate(context.Background(), algotest.NewEnv(r.ID), players, 64, seed, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return tally.MeanReturn(0)
}

// With an LSTM, 198, 199 and 200 of 200 seeds learnt to answer right every time, so a right learner does with p >= 0.95
// (198 or more have a chance of 0.002 then). Of 8 seeds, fewer than 4 succeed by chance with probability 2e-5. Without
// one, the answer does not depend on the cue: 90 % of 64 are right with a chance of 5e-12.
func TestActorRemembers(t *testing.T) {
	for _, p := range students {
		p := p.With("network.hidden=[8]", "network.lstm=8")
		switch p.Name {
		case "ppo":
			p = p.With("horizon=20", "minibatch=40")
		case "actor-critic":
			p = p.With("horizon=10")
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			right := 0
			for seed := range uint64(8) {
				if recalled(t, p, seed) == 1 {
					right++
				}
			}
			if right < 4 {
				t.Errorf("%d of 8 seeds remember the cue, want 4", right)
			}
			if share := recalled(t, p.With("network.lstm=0"), 0); share > 0.9 {
				t.Errorf("without a memory, %v of the answers are right", share)
			}
		})
	}
}

func TestMemorySettings(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"minibatch=200", "minibatch = 200: must be a multiple of horizon = 128 with an LSTM"},
	} {
		cfg := ppo.Defaults()
		var setting *settings.Error
		if err := algotest.Set(cfg, c.set); err != nil {
			t.Errorf("%s without an LSTM: %v", c.set, err)
		}
		err := algotest.Set(cfg, "network.lstm=8")
		if !errors.As(err, &setting) || err.Error() != c.want {
			t.Errorf("%s: error %v, want %q", c.set, err, c.want)
		}
	}
}
