package qlearning

import (
	"testing"

	"idsrl/algos/algotest"
)

// BenchmarkTrain is whole training steps: exploration, the bot, the rules, the update.
func BenchmarkTrain(b *testing.B) {
	for _, id := range []string{
		"idsgame-minimal_defense-v2", "idsgame-minimal_defense-v0", "idsgame-minimal_defense-v5", "idsgame-v0",
	} {
		algotest.Benchmark(b, "", Algorithm(), algotest.Setup{ID: id, N: 1})
	}
	byKey := "state=" + Observation
	algotest.Benchmark(b, "+"+byKey, Algorithm(), algotest.Setup{ID: "idsgame-maximal_attack-v2", N: 1}, byKey)
}
