package dqn

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/algos/algotest"
	"idsrl/envs"
	"idsrl/nets"
	"idsrl/nets/onnxtest"
)

// Another implementation computes Q and the greedy action from a model as the policy does.
func TestModel(t *testing.T) {
	const n, inputs, actions = 40, 6, 5
	spec := &envs.Spec{Seats: []envs.Seat{{Obs: envs.UniformBox(-9, 4, 3, 2), Actions: envs.Discrete{N: actions}}}}
	var learners []*learner
	var cases []onnxtest.Case
	kinds := [][]string{
		{"hidden=[8, 7]"}, {"dueling=true"}, {"dueling=true", "activation=tanh", "hidden=[]"}, {"hidden=[8]", "scale=none"},
	}
	for _, set := range kinds {
		l := defaults.With(set...).Learner(t, spec, 0, 1, 1)
		rng := rand.New(envs.NewPCG(7))
		for i := range l.online.Params() {
			l.online.Params()[i] = float32(0.5 * rng.NormFloat64())
		}
		c := onnxtest.Case{Obs: make([][]float32, n), Legal: make([][]bool, n)}
		for i := range n {
			c.Obs[i], c.Legal[i] = make([]float32, inputs), make([]bool, actions)
			for k := range c.Obs[i] {
				c.Obs[i][k] = float32(9 * rng.NormFloat64())
			}
			for a := range c.Legal[i] {
				c.Legal[i][a] = i > 0 && rng.IntN(2) == 0 // one legal action only in row 0
			}
			c.Legal[i][rng.IntN(actions)] = true
		}
		var b bytes.Buffer
		if err := algotest.Must(l.Model()).WriteONNX(&b); err != nil {
			t.Fatal(err)
		}
		c.Model = b.Bytes()
		learners, cases = append(learners, l), append(cases, c)
	}
	for k, result := range onnxtest.Run(t, cases...) {
		l, q := learners[k], result.Outputs["q"]
		if len(result.Outputs) != 2 || len(q) != n*actions || len(result.Outputs["action"]) != n {
			t.Fatalf("%v: outputs %v", kinds[k], result.Outputs)
		}
		for i, obs := range cases[k].Obs {
			legal := cases[k].Legal[i]
			scaled := make([]float32, inputs)
			for j, x := range obs {
				scaled[j] = x
				if l.cfg.Scale == "bounds" {
					scaled[j] /= 9
				}
			}
			want := l.online.values(scaled, 1)
			for a, x := range want {
				got := q[i*actions+a]
				if !legal[a] && !math.IsInf(got, -1) || legal[a] && !(math.Abs(got-float64(x)) <= 1e-5*max(1, math.Abs(float64(x)))) {
					t.Errorf("%v: Q of action %d, legal %v, is %v, want %v", kinds[k], a, legal[a], got, x)
				}
			}
			if got, want := result.Outputs["action"][i], nets.ArgmaxLegal(want, legal); got != float64(want) {
				t.Errorf("%v: plays %v, want %v", kinds[k], got, want)
			}
		}
		if result.Metadata["activation"] != l.cfg.Activation || result.Metadata["frames"] != "1" {
			t.Errorf("%v: metadata %v", kinds[k], result.Metadata)
		}
	}
}
