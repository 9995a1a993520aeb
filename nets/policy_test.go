package nets

import (
	"math"
	"slices"
	"testing"
)

// Sample, Greedy and Evaluate must agree on what they say of an action, to the last bit.
func TestPolicyChoices(t *testing.T) {
	const n = 21
	for _, act := range Activations {
		for name, net := range allPolicies[float32](act, 21) {
			rng := newRand(22)
			obs := normal[float32](rng, n*net.Inputs())
			legal, action := randomLegal(rng, n, net.Actions())
			choose := map[string]func() PolicyOut{
				"sample": func() PolicyOut { return net.Sample(action, obs, legal, rng) },
				"greedy": func() PolicyOut { return net.Greedy(action, obs, legal) },
			}
			for how, f := range choose {
				got := f()
				logp, entropy, value := slices.Clone(got.LogProb), slices.Clone(got.Entropy), slices.Clone(got.Value)
				for i, a := range action {
					if !legal[i*net.Actions()+a] {
						t.Fatalf("%s %s: row %d: action %d is illegal", name, how, i, a)
					}
				}
				want := net.Evaluate(action, obs, legal)
				if !slices.Equal(logp, want.LogProb) || !slices.Equal(entropy, want.Entropy) || !slices.Equal(value, want.Value) {
					t.Errorf("%s %s: differs from Evaluate", name, how)
				}
				if !slices.Equal(value, net.Values(obs, n)) {
					t.Errorf("%s %s: differs from Values", name, how)
				}
				if logp[0] != 0 && legal[0] && action[0] == 0 {
					t.Errorf("%s %s: the only legal action has log-probability %v", name, how, logp[0])
				}
			}
		}
	}
}

// The joint distribution of an AutoActorCritic adds up to one, and the entropy's estimate to the entropy.
func TestAutoregressiveDistribution(t *testing.T) {
	cfg := AutoActorCriticConfig{Obs: 14, Nodes: 3, Types: 4, Row: 4, Hidden: []int{8}, Activation: Tanh}
	rng := newRand(23)
	net := must(NewAutoActorCritic[float64](cfg, rng))
	randomBiases(net.Params(), rng)
	obs := normal[float64](rng, cfg.Obs)
	legal := []bool{true, true, false, true, false, false, false, false, true, false, true, true}
	sum, entropy, estimate := 0.0, 0.0, 0.0
	for a, ok := range legal {
		if ok {
			out := net.Evaluate([]int{a}, obs, legal)
			p := math.Exp(out.LogProb[0])
			sum += p
			entropy -= p * out.LogProb[0]
			estimate += p * out.Entropy[0]
		}
	}
	closeTo(t, "sum", []float64{sum}, []float64{1}, 1e-14)
	closeTo(t, "mean of the entropy's estimate", []float64{estimate}, []float64{entropy}, 1e-14)
}

func TestEvaluateIllegalPanics(t *testing.T) {
	for name, net := range allPolicies[float32](Tanh, 24) {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			legal := make([]bool, 30)
			legal[4] = true
			net.Evaluate([]int{5}, make([]float32, net.Inputs()), legal)
		}()
	}
}

func TestClone(t *testing.T) {
	for name, net := range allPolicies[float32](ReLU, 25) {
		c := net.ClonePolicy()
		if !slices.Equal(c.Params(), net.Params()) {
			t.Errorf("%s: parameters differ", name)
		}
		c.Params()[0]++
		if c.Params()[0] == net.Params()[0] {
			t.Errorf("%s: the clone shares memory", name)
		}
	}
	m := must(NewMLP[float32](MLPConfig{[]int{3, 4, 2}, Tanh, 1}, newRand(1)))
	c := m.Clone()
	m.Params()[0] += 2
	Polyak(c.Params(), m.Params(), 0.25)
	if got, want := c.Params()[0], m.Params()[0]-1.5; math.Abs(float64(got-want)) > 1e-6 {
		t.Errorf("a quarter of the way is %v, want %v", got, want)
	}
}

// Tensors must cover the parameters without gaps or overlaps.
func TestTensors(t *testing.T) {
	for name, net := range allPolicies[float32](ReLU, 26) {
		names := map[string]bool{}
		for i := range net.Params() {
			net.Params()[i] = 1
		}
		for _, x := range net.Tensors() {
			if n, _ := elements(x.Shape); n != len(x.Data) || names[x.Name] {
				t.Errorf("%s: tensor %s of shape %v has %d elements", name, x.Name, x.Shape, len(x.Data))
			}
			names[x.Name] = true
			for i := range x.Data {
				x.Data[i]--
			}
		}
		if i := slices.IndexFunc(net.Params(), func(x float32) bool { return x != 0 }); i >= 0 {
			t.Errorf("%s: parameter %d is in %v tensors", name, i, 1-net.Params()[i])
		}
	}
}

func TestConfigErrors(t *testing.T) {
	mlp := []MLPConfig{{}, {Sizes: []int{3}, Activation: Tanh}, {Sizes: []int{3, 0}, Activation: Tanh}, {Sizes: []int{3, 1}, Activation: "gelu"}}
	for _, c := range mlp {
		if _, err := NewMLP[float32](c, nil); err == nil {
			t.Errorf("no error for %+v", c)
		}
	}
	good := ActorCriticConfig{Obs: 3, Actions: 2, Hidden: []int{4}, Activation: ReLU}
	for _, spoil := range []func(*ActorCriticConfig){
		func(c *ActorCriticConfig) { c.Obs = 0 }, func(c *ActorCriticConfig) { c.Actions = 0 },
		func(c *ActorCriticConfig) { c.Hidden = nil }, func(c *ActorCriticConfig) { c.Activation = "" },
		func(c *ActorCriticConfig) { c.Shared, c.NoValue = true, true },
		func(c *ActorCriticConfig) { c.LSTM = 4 }, func(c *ActorCriticConfig) { c.Shared, c.LSTM = true, -1 },
	} {
		c := good
		spoil(&c)
		if _, err := NewActorCritic[float32](c, nil); err == nil {
			t.Errorf("no error for %+v", c)
		}
	}
	auto := AutoActorCriticConfig{Obs: 5, Nodes: 2, Types: 2, Row: 3, Hidden: []int{4}, Activation: ReLU}
	if _, err := NewAutoActorCritic[float32](auto, nil); err == nil {
		t.Errorf("no error for %+v", auto)
	}
}
