package nets

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMLPGradient(t *testing.T) {
	for _, act := range Activations {
		for _, sizes := range [][]int{{3, 2}, {5, 7, 1}, {4, 9, 6, 3}, {11, 17, 5}} {
			for _, n := range []int{1, 6} {
				rng := newRand(11)
				net := must(NewMLP[float64](MLPConfig{sizes, act, 1}, rng))
				randomBiases(net.Params(), rng)
				x, weight := normal[float64](rng, n*net.Inputs()), normal[float64](rng, n*net.Outputs())
				loss := func() float64 { return dot(net.Forward(x, n), weight) }
				loss()
				dx := make([]float64, len(x))
				net.body.backward(dx, weight, n, false)
				checkGradient(t, string(act)+" parameters", net.Params(), net.Grads(), loss)
				checkGradient(t, string(act)+" inputs", x, dx, loss)

				loss()
				once := slices.Clone(net.Grads())
				net.Backward(weight, n)
				for i := range once {
					once[i] *= 2
				}
				closeTo(t, "gradients of two passes", net.Grads(), once, 1e-12)
			}
		}
	}
}

// randomBiases moves all parameters, so that biases take part and no unit is at the kink of a ReLU.
func randomBiases(params []float64, rng *rand.Rand) {
	for i := range params {
		params[i] += 0.1 * rng.NormFloat64()
	}
}

// policyCase is a policy with a batch whose row 0 has one legal action and whose row 1 has all, and a PPO loss of it in
// which some ratios are outside of the clip range.
type policyCase struct {
	net    Policy[float64]
	obs    []float64
	legal  []bool
	action []int
	d      PolicyOut
	old    PPOBatch
}

func newPolicyCase(net Policy[float64], n int) *policyCase {
	rng := newRand(12)
	randomBiases(net.Params(), rng)
	c := &policyCase{net: net, obs: normal[float64](rng, n*net.Inputs()), d: NewPolicyOut(n)}
	c.legal, c.action = randomLegal(rng, n, net.Actions())
	c.old = PPOBatch{
		OldLogProb: normal[float64](rng, n), Advantage: normal[float64](rng, n), Return: normal[float64](rng, n),
		OldValue: normal[float64](rng, n),
	}
	out := net.Evaluate(c.action, c.obs, c.legal)
	for i := range n {
		c.old.OldLogProb[i] = out.LogProb[i] + 0.3*c.old.OldLogProb[i]
	}
	return c
}

func (c *policyCase) evaluate() PolicyOut { return c.net.Evaluate(c.action, c.obs, c.legal) }

func TestPolicyGradients(t *testing.T) {
	const n = 6
	for _, act := range Activations {
		for name, net := range allPolicies[float64](act, 13) {
			c := newPolicyCase(net, n)
			losses := map[string]func() float64{
				"PPO": func() float64 {
					return PPOLoss(c.d, c.evaluate(), c.old, PPOConfig{0.2, 0, 0.5, 0.01}).Loss
				},
				"PPO with clipped values": func() float64 {
					return PPOLoss(c.d, c.evaluate(), c.old, PPOConfig{0.2, 0.3, 0.5, 0.01}).Loss
				},
				"policy gradient": func() float64 {
					b := PolicyGradientBatch{Advantage: c.old.Advantage, Return: c.old.Return}
					return PolicyGradientLoss(c.d, c.evaluate(), b, PolicyGradientConfig{0.5, 0.01}).Loss
				},
				"REINFORCE": func() float64 {
					b := PolicyGradientBatch{Advantage: c.old.Advantage}
					return PolicyGradientLoss(c.d, c.evaluate(), b, PolicyGradientConfig{}).Loss
				},
			}
			for kind, loss := range losses {
				clear(net.Grads())
				loss()
				net.Propagate(c.d)
				checkGradient(t, name+" "+kind, net.Params(), net.Grads(), loss)
			}
		}
	}
}

// The losses' derivatives with respect to log-probability, entropy and value, away from the network.
func TestLossDerivatives(t *testing.T) {
	const n = 40
	rng := newRand(14)
	now, d := PolicyOut{normal[float64](rng, n), normal[float64](rng, n), normal[float64](rng, n)}, NewPolicyOut(n)
	old := PPOBatch{
		OldLogProb: normal[float64](rng, n), Advantage: normal[float64](rng, n), Return: normal[float64](rng, n),
		OldValue: normal[float64](rng, n),
	}
	clipped := 0.0
	for _, c := range []PPOConfig{{0.2, 0, 0.5, 0.01}, {0.2, 0.4, 1, 0}} {
		loss := func() float64 {
			m := PPOLoss(d, now, old, c)
			clipped = m.ClipFraction
			return m.Loss
		}
		check := func(what string, x, dx []float64) {
			loss()
			checkGradient(t, what, x, slices.Clone(dx), loss)
		}
		check("log-probability", now.LogProb, d.LogProb)
		check("entropy", now.Entropy, d.Entropy)
		check("value", now.Value, d.Value)
	}
	if clipped < 0.2 {
		t.Errorf("only %v of the rows are clipped", clipped)
	}
}

func TestQLossGradient(t *testing.T) {
	const n, actions = 12, 5
	rng := newRand(15)
	q, dq, td := normal[float64](rng, n*actions), make([]float64, n*actions), make([]float64, n)
	b := QBatch{Action: make([]int, n), Target: normal[float64](rng, n)}
	for i := range n {
		b.Action[i] = rng.IntN(actions)
	}
	for _, weight := range [][]float64{nil, normal[float64](rng, n)} {
		for _, huber := range []float64{0, 0.5, 1} {
			b.Weight = weight
			loss := func() float64 { return QLoss(dq, td, q, b, huber) }
			loss()
			checkGradient(t, "q", q, slices.Clone(dq), loss)
			loss()
			for i, a := range b.Action {
				if want := b.Target[i] - q[i*actions+a]; td[i] != want {
					t.Fatalf("error %d is %v, want %v", i, td[i], want)
				}
			}
		}
	}
}

// The float32 kernels against float64, through everything at once.
func TestPolicyPrecision(t *testing.T) {
	const n = 29
	for _, plain := range []bool{false, true} {
		t.Run(map[bool]string{false: "fastest", true: "plain"}[plain], func(t *testing.T) {
			if plain {
				usePlain(t)
			}
			for _, act := range Activations {
				wide := allPolicies[float64](act, 16)
				for name, net := range allPolicies[float32](act, 16) {
					c := newPolicyCase(wide[name], n)
					obs := make([]float32, len(c.obs))
					for i, x := range c.obs {
						obs[i] = float32(x)
						c.obs[i] = float64(obs[i])
					}
					for i, p := range wide[name].Params() {
						net.Params()[i] = float32(p)
						wide[name].Params()[i] = float64(float32(p))
					}
					got, want := net.Evaluate(c.action, obs, c.legal), c.evaluate()
					closeTo(t, name+" log-probability", got.LogProb, want.LogProb, 2e-6)
					closeTo(t, name+" entropy", got.Entropy, want.Entropy, 2e-6)
					closeTo(t, name+" value", got.Value, want.Value, 2e-6)
					PPOLoss(c.d, want, c.old, PPOConfig{0.2, 0, 0.5, 0.01})
					net.Propagate(c.d)
					wide[name].Propagate(c.d)
					closeTo(t, name+" gradient", net.Grads(), wide[name].Grads(), 1e-6)
				}
			}
		})
	}
}
