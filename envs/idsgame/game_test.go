package idsgame

import (
	"testing"

	"idsrl/envs"
)

func BenchmarkStep(b *testing.B) {
	reg := new(envs.Registry)
	reg.Add(Entries()...)
	for _, id := range []string{"idsgame-v0", "idsgame-v2", "idsgame-v5","idsgame-v19", "idsgame-minimal_defense-v2", "idsgame-minimal_defense-v5", "idsgame-maximal_attack-v2", "idsgame-random_attack-v2"} {
		b.Run(id, func(b *testing.B) {
			e, err := reg.Lookup(id)
			if err != nil {
				b.Fatal(err)
			}
			env, err := e.New(1)
			if err != nil {
				b.Fatal(err)
			}
			seats := env.Spec().Seats
			pcg := envs.NewPCG(3)
			const n = 1 << 12
			acts := make([][]int, n)
			for i := range acts {
				acts[i] = make([]int, len(seats))
				for s := range seats {
					acts[i][s] = int(pcg.Uint64() % uint64(seats[s].Actions.N))
				}
			}
			out := env.Spec().NewOutcome()
			obs := make([][]float32, len(seats))
			for s := range obs {
				obs[s] = make([]float32, seats[s].Obs.Len())
			}
			var seed uint64
			env.Reset(seed)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				env.Step(acts[i&(n-1)], out)
				if out.Over() {
					seed++
					env.Reset(seed)
				}
				for s := range seats {
					env.Observe(s, obs[s])
				}
			}
		})
	}
}
