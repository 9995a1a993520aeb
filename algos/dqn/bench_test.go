package dqn

import (
	"testing"

	"idsrl/algos/algotest"
)

// BenchmarkTrain is whole training steps: exploration, the bot, the rules, the updates.
func BenchmarkTrain(b *testing.B) {
	train := func(name string, set ...string) {
		setup := algotest.Setup{ID: "idsgame-minimal_defense-v2", N: 1}
		algotest.Benchmark(b, "/"+name, Algorithm(), setup, append(set, "learning_starts=0")...)
	}
	train("default")
	train("prioritized", "prioritized=true")
	train("dueling", "dueling=true")
}
