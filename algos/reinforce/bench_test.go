package reinforce

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
	train("1 environment", 1)
	train("batch baseline", 16, "baseline=batch")
}
