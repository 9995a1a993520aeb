package dqn

import (
	"context"
	"testing"

	"idsrl/algos"
)

// BenchmarkTrain is whole training steps with the default settings: exploration, the bot, the rules, the updates.
func BenchmarkTrain(b *testing.B) {
	for _, c := range []struct{ name, set string }{
		{"default", "n_step=3"}, {"prioritized", "prioritized=true"}, {"dueling", "dueling=true"},
	} {
		b.Run("idsgame-minimal_defense-v2/"+c.name, func(b *testing.B) {
			s := enrol(b, configured(b, c.set, "learning_starts=0"), "idsgame-minimal_defense-v2", 1,
				algos.Budget{Steps: int64(b.N)}, 1, nil)
			b.ReportAllocs()
			b.ResetTimer()
			if err := s.Run(context.Background(), 1); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Steps)/b.Elapsed().Seconds(), "steps/s")
			b.ReportMetric(float64(s.learners[0].updates)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}
