package nets

import "testing"

// xorError trains a network on exclusive or and returns its mean squared error.
func xorError(act Activation, lr float64) float64 {
	net := must(NewMLP[float32](MLPConfig{[]int{2, 16, 1}, act, 1}, newRand(61)))
	adam := NewAdam[float32](len(net.Params()))
	x := []float32{0, 0, 0, 1, 1, 0, 1, 1}
	b := QBatch{Action: make([]int, 4), Target: []float64{0, 1, 1, 0}}
	dq, td, loss := make([]float32, 4), make([]float64, 4), 0.0
	for range 1000 {
		loss = QLoss(dq, td, net.Forward(x, 4), b, 0)
		net.Backward(dq, 4)
		adam.Step(net.Params(), net.Grads(), lr, 0)
	}
	return 2 * loss
}

// Everything is deterministic, so there is no false alarm on a machine where the test has passed.
func TestLearnsXOR(t *testing.T) {
	for _, act := range Activations {
		if loss := xorError(act, 1e-2); loss > 1e-4 {
			t.Errorf("%s: the error is %v", act, loss)
		}
		if loss := xorError(act, 1e-7); loss < 0.1 {
			t.Errorf("%s: the control, a learning rate of 1e-7, has an error of %v", act, loss)
		}
	}
}

// banditReward trains a policy on a contextual bandit, by PPO or by the plain policy gradient, and returns the mean
// reward of greedy actions. A context shows one of three nodes; the reward is 1 for type 2 of that node, of which there are
// 4, and for nothing else; sign −1 pays for avoiding it. Always legal is what pays, and half of the rest.
func banditReward(net Policy[float32], ppo bool, sign float64) float64 {
	const n, nodes, types = 64, 3, 4
	rng := newRand(62)
	adam := NewAdam[float32](len(net.Params()))
	obs, legal := make([]float32, n*net.Inputs()), make([]bool, n*net.Actions())
	action, best, d := make([]int, n), make([]int, n), NewPolicyOut(n)
	deal := func() {
		clear(obs)
		for i := range n {
			node := rng.IntN(nodes)
			best[i] = node*types + 2
			obs[i*nodes+node] = 1
			for j := range nodes * types {
				legal[i*nodes*types+j] = j == best[i] || rng.IntN(2) == 0
			}
		}
	}
	reward := make([]float64, n)
	advantage, logp := make([]float64, n), make([]float64, n)
	for range 150 {
		deal()
		out := net.Sample(action, obs, legal, rng)
		copy(logp, out.LogProb)
		for i, a := range action {
			reward[i] = 0
			if a == best[i] {
				reward[i] = sign
			}
			advantage[i] = reward[i] - out.Value[i]
		}
		for range 2 {
			out = net.Evaluate(action, obs, legal)
			if ppo {
				PPOLoss(d, out, PPOBatch{OldLogProb: logp, Advantage: advantage, Return: reward}, PPOConfig{Clip: 0.2, ValueCoef: 0.5, EntropyCoef: 0.01})
			} else {
				PolicyGradientLoss(d, out, PolicyGradientBatch{Advantage: advantage, Return: reward}, PolicyGradientConfig{0.5, 0.01})
			}
			net.Propagate(d)
			adam.Step(net.Params(), net.Grads(), 1e-2, 0.5)
		}
	}
	deal()
	net.Greedy(action, obs, legal)
	won := 0.0
	for i, a := range action {
		if a == best[i] {
			won++
		}
	}
	return won / n
}

func TestLearnsBandit(t *testing.T) {
	networks := map[string]func() Policy[float32]{
		"separate": func() Policy[float32] {
			return must(NewActorCritic[float32](ActorCriticConfig{Obs: 3, Actions: 12, Hidden: []int{16}, Activation: Tanh}, newRand(63)))
		},
		"shared": func() Policy[float32] {
			return must(NewActorCritic[float32](ActorCriticConfig{Obs: 3, Actions: 12, Hidden: []int{16}, Activation: ReLU, Shared: true}, newRand(63)))
		},
		"autoregressive": func() Policy[float32] {
			return must(NewAutoActorCritic[float32](AutoActorCriticConfig{Obs: 3, Nodes: 3, Types: 4, Row: 1, Hidden: []int{16}, Activation: Tanh}, newRand(63)))
		},
	}
	for name, fresh := range networks {
		for _, ppo := range []bool{true, false} {
			if got := banditReward(fresh(), ppo, 1); got < 0.95 {
				t.Errorf("%s, PPO %v: mean reward %v", name, ppo, got)
			}
			if got := banditReward(fresh(), ppo, -1); got > 0.2 {
				t.Errorf("%s, PPO %v: the control with the sign of the reward changed has %v", name, ppo, got)
			}
		}
	}
}
