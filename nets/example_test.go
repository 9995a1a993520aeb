package nets_test

import (
	"fmt"
	"math/rand/v2"

	"idsrl/nets"
)

// A bandit with three arms, of which the second pays and the third is closed.
func ExamplePPOLoss() {
	const n = 32
	rng := rand.New(rand.NewPCG(1, 2))
	net, err := nets.NewActorCritic[float32](nets.ActorCriticConfig{Obs: 1, Actions: 3, Hidden: []int{16}, Activation: nets.Tanh}, rng)
	if err != nil {
		panic(err)
	}
	adam := nets.NewAdam[float32](len(net.Params()))
	obs, legal, actions := make([]float32, n), make([]bool, 3*n), make([]int, n)
	for i := range n {
		obs[i], legal[3*i], legal[3*i+1] = 1, true, true
	}
	batch := nets.PPOBatch{OldLogProb: make([]float64, n), Advantage: make([]float64, n), Return: make([]float64, n)}
	d := nets.NewPolicyOut(n)
	for range 50 {
		out := net.Sample(actions, obs, legal, rng)
		copy(batch.OldLogProb, out.LogProb)
		for i, arm := range actions {
			batch.Return[i] = float64(arm)
			batch.Advantage[i] = batch.Return[i] - out.Value[i]
		}
		for range 4 {
			out = net.Evaluate(actions, obs, legal)
			nets.PPOLoss(d, out, batch, nets.PPOConfig{Clip: 0.2, ValueCoef: 0.5, EntropyCoef: 0.01})
			net.Propagate(d)
			adam.Step(net.Params(), net.Grads(), 3e-3, 0.5)
		}
	}
	out := net.Greedy(actions[:1], obs, legal)
	fmt.Printf("arm %d, value %.1f\n", actions[0], out.Value[0])
	// Output: arm 1, value 1.0
}
