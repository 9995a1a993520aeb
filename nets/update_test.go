package nets

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A ppoCase is what one PPO update needs, with random data.
type ppoCase struct {
	net    Policy[float32]
	adam   *Adam[float32]
	rng    *rand.Rand
	obs    []float32
	legal  []bool
	action []int
	d      PolicyOut
	old    PPOBatch
}

func newPPOCase(net Policy[float32], n int) *ppoCase {
	rng := newRand(51)
	c := &ppoCase{net: net, adam: NewAdam[float32](len(net.Params())), rng: rng, d: NewPolicyOut(n)}
	c.obs = normal[float32](rng, n*net.Inputs())
	c.legal, c.action = randomLegal(rng, n, net.Actions())
	c.old = PPOBatch{Advantage: normal[float64](rng, n), Return: normal[float64](rng, n)}
	out := net.Sample(c.action, c.obs, c.legal, rng)
	c.old.OldLogProb, c.old.OldValue = slices.Clone(out.LogProb), slices.Clone(out.Value)
	return c
}

func (c *ppoCase) loss(d, now PolicyOut) float64 {
	return PPOLoss(d, now, c.old, PPOConfig{0.2, 0, 0.5, 0.01}).Loss
}

func (c *ppoCase) update() (loss, norm float64) {
	loss = c.loss(c.d, c.net.Evaluate(c.action, c.obs, c.legal))
	c.net.Propagate(c.d)
	return loss, c.adam.Step(c.net.Params(), c.net.Grads(), 1e-3, 0.5)
}

// A qCase is what one update of Q-learning needs, with random data.
type qCase struct {
	net  *MLP[float32]
	adam *Adam[float32]
	obs  []float32
	dq   []float32
	td   []float64
	b    QBatch
}

func newQCase(n int) *qCase {
	rng := newRand(52)
	net := must(NewMLP[float32](MLPConfig{[]int{33, 64, 64, 30}, Tanh, 1}, rng))
	c := &qCase{net: net, adam: NewAdam[float32](len(net.Params())), obs: normal[float32](rng, n*33)}
	c.dq, c.td = make([]float32, n*30), make([]float64, n)
	_, actions := randomLegal(rng, n, 30)
	c.b = QBatch{Action: actions, Target: normal[float64](rng, n)}
	return c
}

func (c *qCase) loss(dq, q []float32) float64 { return QLoss(dq, c.td, q, c.b, 1) }

func (c *qCase) update() (loss, norm float64) {
	n := len(c.td)
	loss = c.loss(c.dq, c.net.Forward(c.obs, n))
	c.net.Backward(c.dq, n)
	return loss, c.adam.Step(c.net.Params(), c.net.Grads(), 1e-3, 10)
}

func TestNothingAllocates(t *testing.T) {
	const n = 37
	check := func(what string, f func()) {
		t.Helper()
		f() // workspace
		if got := testing.AllocsPerRun(20, f); got != 0 {
			t.Errorf("%s allocates %v times", what, got)
		}
	}
	for _, plain := range []bool{false, true} {
		if plain {
			usePlain(t)
		}
		for name, net := range allPolicies[float32](Tanh, 53) {
			c := newPPOCase(net, n)
			check(name+" update", func() { c.update() })
			check(name+" sample", func() { net.Sample(c.action, c.obs, c.legal, c.rng) })
			check(name+" sample one", func() { net.Sample(c.action[:1], c.obs, c.legal, c.rng) })
			check(name+" greedy", func() { net.Greedy(c.action, c.obs, c.legal) })
			check(name+" values", func() { net.Values(c.obs, n) })
		}
		c := newQCase(n)
		check("Q update", func() { c.update() })
		check("Q forward", func() { c.net.Forward(c.obs, 1) })
		check("input gradient", func() { c.net.body.backward(c.obs[:33], c.dq, 1, false) })
	}
}

func TestUpdatesAreDeterministic(t *testing.T) {
	for name := range allPolicies[float32](Tanh, 54) {
		run := func() []float32 {
			c := newPPOCase(allPolicies[float32](Tanh, 54)[name], 70)
			for range 20 {
				c.update()
			}
			return c.net.Params()
		}
		if !slices.Equal(run(), run()) {
			t.Errorf("%s: two runs differ", name)
		}
	}
}

// In the first epoch nothing has changed since the actions were drawn, even if the minibatch is another one.
func TestFirstRatioIsOne(t *testing.T) {
	for name, net := range allPolicies[float32](Tanh, 55) {
		c := newPPOCase(net, 64)
		out := net.Evaluate(c.action[20:31], c.obs[20*net.Inputs():], c.legal[20*30:])
		if !slices.Equal(out.LogProb, c.old.OldLogProb[20:31]) {
			t.Errorf("%s: log-probabilities depend on the batch", name)
		}
		if m := PPOLoss(c.d.Rows(11), out, PPOBatch{OldLogProb: c.old.OldLogProb[20:31], Advantage: c.old.Advantage[20:31], Return: c.old.Return[20:31]},
			PPOConfig{Clip: 0.2}); m.ApproxKL != 0 || m.ClipFraction != 0 {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestPPOLossByHand(t *testing.T) {
	// Ratios 2, 1 and ½ with ε = 0.2: the first is clipped for a gain, the third for a loss.
	now := PolicyOut{[]float64{math.Log(2), 0, -math.Log(2)}, []float64{1, 2, 3}, []float64{1, 2, 3}}
	old := PPOBatch{
		OldLogProb: make([]float64, 3), Advantage: []float64{1, 1, -1}, Return: []float64{0, 2, 1}, OldValue: []float64{0, 2, 3},
	}
	d := NewPolicyOut(3)
	got := PPOLoss(d, now, old, PPOConfig{Clip: 0.2, ValueCoef: 0.5, EntropyCoef: 0.1})
	policy, value := -(1.2+1-0.8)/3, (1.0+0+4)/3
	kl := ((2 - 1 - math.Log(2)) + 0 + (0.5 - 1 + math.Log(2))) / 3
	want := LossMetrics{policy + 0.5*value - 0.1*2, policy, value, 2, kl, 2.0 / 3}
	fields := func(m LossMetrics) []float64 {
		return []float64{m.Loss, m.Policy, m.Value, m.Entropy, m.ApproxKL, m.ClipFraction}
	}
	closeTo(t, "metrics", fields(got), fields(want), 1e-15)
	closeTo(t, "derivatives", d.LogProb, []float64{0, -1. / 3, 0}, 1e-15)
	closeTo(t, "value derivatives", d.Value, []float64{1. / 3, 0, 2. / 3}, 1e-15)
}

func TestQLossByHand(t *testing.T) {
	q, dq, td := []float64{1, 2, 3, 4}, make([]float64, 4), make([]float64, 2)
	b := QBatch{[]int{1, 0}, []float64{2.5, 0}, []float64{1, 2}}
	loss := QLoss(dq, td, q, b, 1)
	closeTo(t, "loss", []float64{loss}, []float64{(0.125 + 2*(3-0.5)) / 2}, 1e-15)
	closeTo(t, "errors", td, []float64{0.5, -3}, 1e-15)
	closeTo(t, "derivatives", dq, []float64{0, -0.25, 1, 0}, 1e-15)
}

func TestExplainedVariance(t *testing.T) {
	returns := []float64{1, 2, 3, 6}
	for _, k := range []struct {
		values []float64
		want   float64
	}{{returns, 1}, {[]float64{7, 7, 7, 7}, 0}, {[]float64{2, 3, 4, 7}, 1}, {[]float64{-1, -2, -3, -6}, -3}} {
		closeTo(t, "explained variance", []float64{ExplainedVariance(k.values, returns)}, []float64{k.want}, 1e-14)
	}
	if x := ExplainedVariance(returns, []float64{2, 2, 2, 2}); !math.IsNaN(x) {
		t.Errorf("of constant returns it is %v", x)
	}
}
