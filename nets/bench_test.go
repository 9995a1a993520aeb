package nets

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The budgets are minima of several runs on one core of a 2023 Xeon at 2.1 GHz. TestTorch compares with PyTorch.

func actorCritic64() *ActorCritic[float32] {
	cfg := ActorCriticConfig{Obs: 33, Actions: 30, Hidden: []int{64, 64}, Activation: Tanh}
	return must(NewActorCritic[float32](cfg, newRand(71)))
}

// Budget: 0.5 µs.
func BenchmarkForward1(b *testing.B) {
	net := must(NewMLP[float32](MLPConfig{[]int{33, 64, 64, 30}, Tanh, policyGain}, newRand(71)))
	x := normal[float32](newRand(72), 33)
	b.ReportAllocs()
	for b.Loop() {
		net.Forward(x, 1)
	}
}

// Budget: 0.8 µs.
func BenchmarkSample1(b *testing.B) {
	cfg := ActorCriticConfig{Obs: 33, Actions: 30, Hidden: []int{64, 64}, Activation: Tanh, NoValue: true}
	benchmarkSample(b, must(NewActorCritic[float32](cfg, newRand(71))), 1)
}

func BenchmarkSampleWithValue(b *testing.B) {
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkSample(b, actorCritic64(), n) })
	}
}

func benchmarkSample(b *testing.B, net Policy[float32], n int) {
	rng := rand.New(rand.NewPCG(1, 1))
	obs := normal[float32](rng, n*33)
	legal, action := randomLegal(rng, n+2, 30)
	legal = legal[2*30:]
	b.ReportAllocs()
	for b.Loop() {
		net.Sample(action[:n], obs, legal, rng)
	}
}

// Budgets: 0.10, 0.40 and 3.3 ms. Forward through both towers, loss, backward, clipping and Adam.
func BenchmarkPPOUpdate(b *testing.B) {
	for _, n := range []int{64, 256, 2048} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkPPO(b, actorCritic64(), n) })
	}
}

func BenchmarkPPOUpdateShared(b *testing.B) {
	cfg := ActorCriticConfig{Obs: 33, Actions: 30, Hidden: []int{64, 64}, Activation: Tanh, Shared: true}
	benchmarkPPO(b, must(NewActorCritic[float32](cfg, newRand(71))), 64)
}

func BenchmarkPPOUpdateAuto(b *testing.B) {
	cfg := AutoActorCriticConfig{Obs: 33, Nodes: 3, Types: 10, Row: 11, Hidden: []int{64, 64}, Activation: Tanh}
	benchmarkPPO(b, must(NewAutoActorCritic[float32](cfg, newRand(71))), 64)
}

// 256 rows in sequences of 128 steps, or of 16.
func BenchmarkPPOUpdateRecurrent(b *testing.B) {
	for _, steps := range []int{128, 16} {
		b.Run(fmt.Sprint(steps), func(b *testing.B) {
			cfg := ActorCriticConfig{Obs: 33, Actions: 30, Hidden: []int{64, 64}, Activation: Tanh, Shared: true, LSTM: 64}
			net := must(NewRecurrent[float32](must(NewActorCritic[float32](cfg, newRand(71)))))
			first := make([]bool, 256)
			for i := range first {
				first[i] = i%steps == 0
			}
			benchmarkPPO(b, sequences{net, first}, len(first))
		})
	}
}

// sequences are a Recurrent whose Evaluate is of sequences.
type sequences struct {
	*Recurrent[float32]
	first []bool
}

func (s sequences) Evaluate(actions []int, rows []float32, legal []bool) PolicyOut {
	return s.EvaluateSequences(s.first, actions, rows, legal)
}

func benchmarkPPO(b *testing.B, net Policy[float32], n int) {
	c := newPPOCase(net, n)
	c.update()
	b.ReportAllocs()
	for b.Loop() {
		c.update()
	}
}

// Budget: 60 µs.
func BenchmarkQUpdate(b *testing.B) {
	b.Run("64", func(b *testing.B) {
		c := newQCase(64)
		c.update()
		b.ReportAllocs()
		for b.Loop() {
			c.update()
		}
	})
}
