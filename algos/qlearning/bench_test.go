package qlearning

import (
	"context"
	"testing"

	"idsrl/algos"
)

// BenchmarkTrain is whole training steps: exploration, the bot, the rules, the update.
func BenchmarkTrain(b *testing.B) {
	for _, c := range []struct{ name, id, state string }{
		{"idsgame-minimal_defense-v2", "idsgame-minimal_defense-v2", "auto"},
		{"idsgame-minimal_defense-v0", "idsgame-minimal_defense-v0", "auto"},
		{"idsgame-minimal_defense-v5", "idsgame-minimal_defense-v5", "auto"},
		{"idsgame-v0", "idsgame-v0", "auto"},
		{"idsgame-maximal_attack-v2+state=observation", "idsgame-maximal_attack-v2", Observation},
	} {
		b.Run(c.name, func(b *testing.B) {
			cfg := Defaults()
			cfg.State = c.state
			s := enrol(b, cfg, c.id, 1, algos.Budget{Steps: int64(b.N)}, 1, nil)
			b.ReportAllocs()
			b.ResetTimer()
			if err := s.Run(context.Background(), 1); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Steps)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
