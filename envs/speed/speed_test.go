package speed_test

import (
	"testing"

	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/speed"
)

// BenchmarkStep measures what idsrl bench envs measures.
func BenchmarkStep(b *testing.B) {
	r := new(envs.Registry)
	r.Add(idsgame.Entries()...)
	for _, id := range []string{
		"idsgame-v0", "idsgame-v2", "idsgame-v5", "idsgame-v19", "idsgame-minimal_defense-v2",
		"idsgame-minimal_defense-v5", "idsgame-maximal_attack-v2", "idsgame-random_attack-v2",
	} {
		for _, mode := range speed.Modes {
			b.Run(id+"/"+string(mode), func(b *testing.B) {
				entry, err := r.Lookup(id)
				if err != nil {
					b.Fatal(err)
				}
				env, err := entry.New(0)
				if err != nil {
					b.Fatal(err)
				}
				loop, err := speed.NewLoop(env, mode, 0)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.ResetTimer()
				if err := loop.Run(b.N); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
			})
		}
	}
}
