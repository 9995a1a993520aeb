package ppo

import (
	"testing"

	"idsrl/algos/algotest"
)

// BenchmarkTrain is whole training steps: acting, the bot, the rules, the updates.
func BenchmarkTrain(b *testing.B) {
	train := func(name string, n int, set ...string) {
		algotest.Benchmark(b, "/"+name, Algorithm(), algotest.Setup{ID: "idsgame-minimal_defense-v2", N: n}, set...)
	}
	train("default", 16)
	train("autoregressive", 16, "network.policy=autoregressive")
	for _, backend := range []string{"gorgonia", "direct"} {
		train("1x2048,10 epochs,minibatch 64,"+backend, 1,
			"horizon=2048", "epochs=10", "minibatch=64", "network.backend="+backend)
		train("16x128,4 epochs,minibatch 256,"+backend, 16,
			"horizon=128", "epochs=4", "minibatch=256", "network.backend="+backend)
	}
}
