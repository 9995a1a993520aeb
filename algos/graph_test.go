package algos_test

import (
	"math"
	"testing"

	"idsrl/algos"
	"idsrl/algos/actorcritic"
	"idsrl/algos/ppo"
	"idsrl/algos/reinforce"
	"idsrl/nets"
)

// graphs are learners with updates of few rows, which the direct path does not split.
var graphs = []pupil{
	{ppo.Algorithm(), []string{"network.hidden=[8]", "horizon=13", "epochs=2", "minibatch=5"}},
	{actorcritic.Algorithm(), []string{"network.hidden=[8]", "horizon=7", "whiten=true"}},
	{reinforce.Algorithm(), []string{"network.hidden=[8, 8]", "network.activation=relu", "episodes_per_update=5"}},
}

// A training by graphs ends with the same bytes as a direct one, also if it goes on with what the other began.
func TestBackendsAreEqual(t *testing.T) {
	for _, p := range graphs {
		r := room{id: "toy-clock-v0", n: 1, budget: algos.Budget{Steps: 900}}
		graph := p.with("network.backend=gorgonia")
		want := r.open(t, 1, p).train(t, 1).bytes(t)
		if r.open(t, 1, graph).train(t, 1).bytes(t) != want {
			t.Errorf("%s: other bytes", p.Name)
		}
		half := r.open(t, 1, p).train(t, 0.5)
		if half.restored(t, r.open(t, 1, graph)).train(t, 1).bytes(t) != want {
			t.Errorf("%s: begun directly, other bytes", p.Name)
		}
	}
}

// With a shared tower, sums are rounded differently, which also shows that there are two paths.
func TestBackendsAreClose(t *testing.T) {
	for _, p := range graphs {
		for _, policy := range []string{"flat", "autoregressive"} {
			p := p.with("network.shared=true", "network.policy="+policy)
			r := room{id: "idsgame-minimal_defense-v0", n: 3, budget: algos.Budget{Steps: 600}}
			weights := func(backend string) []nets.Tensor[float32] {
				s := r.open(t, 1, p.with("network.backend="+backend)).train(t, 0.2)
				return s.learners[0].(algos.Neural).Tensors()
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
