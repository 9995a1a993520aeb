package ppo

import (
	"context"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
)

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// configured is the defaults with some settings changed.
func configured(tb testing.TB, set ...string) *Config {
	tb.Helper()
	cfg := Defaults()
	if err := settings.Set(cfg, set, "--set"); err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// BenchmarkTrain is whole training steps: acting, the bot, the rules, the updates.
func BenchmarkTrain(b *testing.B) {
	const id = "idsgame-minimal_defense-v2"
	r := new(envs.Registry)
	r.Add(idsgame.Entries()...)
	entry := must[envs.Entry](b)(r.Lookup(id))
	for _, c := range []struct {
		name string
		n    int
		set  []string
	}{
		{"default", 16, nil},
		{"autoregressive", 16, []string{"network.policy=autoregressive"}},
		{"1x2048,10 epochs,minibatch 64", 1, []string{"horizon=2048", "epochs=10", "minibatch=64"}},
		{"16x128,4 epochs,minibatch 256", 16, []string{"horizon=128", "epochs=4", "minibatch=256"}},
	} {
		b.Run(id+"/"+c.name, func(b *testing.B) {
			es := make([]envs.Env, c.n)
			for i := range es {
				es[i] = must[envs.Env](b)(entry.New(1))
			}
			l := must[algos.Learner](b)(configured(b, c.set...).NewLearner(es[0].Spec(), 0, c.n, 1))
			vec := must[*envs.Vec](b)(envs.NewVec(1, es, []envs.View{l.View()}))
			s := algos.NewSession(vec, []algos.Learner{l}, algos.Budget{Steps: int64(b.N)})
			b.ReportAllocs()
			b.ResetTimer()
			if err := s.Run(context.Background(), 1); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Steps)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
