package algos_test

import (
	"math"
	"testing"

	"idsrl/algos"
	"idsrl/algos/actorcritic"
	"idsrl/algos/algotest"
	"idsrl/algos/ppo"
	"idsrl/algos/reinforce"
	"idsrl/nets"
)

// graphs are learners with updates of few and of many rows, which are split.
var graphs = []variant{
	{Algorithm: ppo.Algorithm(), Set: []string{"network.hidden=[8]", "horizon=13", "epochs=2", "minibatch=5"}},
	{Algorithm: ppo.Algorithm(), Set: []string{"network.hidden=[8]", "horizon=100", "epochs=2", "minibatch=100"}},
	{Algorithm: actorcritic.Algorithm(), Set: []string{"network.hidden=[8]", "horizon=7", "whiten=true"}},
	{Algorithm: reinforce.Algorithm(), Set: []string{"network.hidden=[8, 8]", "network.activation=relu", "episodes_per_update=5"}},
}

// A training by graphs ends with the same bytes as a direct one, also if it goes on with what the other began.
func TestBackendsAreEqual(t *testing.T) {
	for _, p := range graphs {
		r := algotest.Setup{ID: "toy-clock-v0", N: 1, Budget: algos.Budget{Steps: 900}}
		graph, p := p.With("network.backend=gorgonia"), p.With("network.backend=direct")
		want := p.Open(t, r, 1).Train(1).Bytes()
		if graph.Open(t, r, 1).Train(1).Bytes() != want {
			t.Errorf("%s: other bytes", p.Name)
		}
		half := p.Open(t, r, 1).Train(0.5)
		if half.Restored(graph.Open(t, r, 1)).Train(1).Bytes() != want {
			t.Errorf("%s: begun directly, other bytes", p.Name)
		}
	}
}

// With a shared tower, sums are rounded differently, which also shows that there are two paths.
func TestBackendsAreClose(t *testing.T) {
	for _, p := range graphs {
		for _, policy := range []string{"flat", "autoregressive"} {
			p := p.With("network.shared=true", "network.policy="+policy)
			r := algotest.Setup{ID: "idsgame-minimal_defense-v0", N: 3, Budget: algos.Budget{Steps: 600}}
			weights := func(backend string) []nets.Tensor[float32] {
				s := p.With("network.backend="+backend).Open(t, r, 1).Train(0.55)
				return s.Learners[0].(algos.Neural).Tensors()
			}
			direct, graph := weights("direct"), weights("gorgonia")
			same := true
			for i, tensor := range direct {
				for j, x := range tensor.Data {
					y := graph[i].Data[j]
					same = same && x == y
					if math.Abs(float64(x-y)) > 1e-4 {
						t.Fatalf("%s, %s: %s[%d] = %v, directly %v", p.Name, policy, tensor.Name, j, y, x)
					}
				}
			}
			if same {
				t.Errorf("%s, %s: the same bits", p.Name, policy)
			}
		}
	}
}
