package nets

import (
	"fmt"
	"slices"
	"testing"
)

// newRecurrents returns an ActorCritic and an AutoActorCritic with an LSTM, for the game of newPolicies.
func newRecurrents[T Float](act Activation, seed uint64) map[string]*Recurrent[T] {
	flat := ActorCriticConfig{Obs: 33, Actions: 30, Hidden: []int{12, 9}, Activation: act, Shared: true, LSTM: 7}
	auto := AutoActorCriticConfig{Obs: 33, Nodes: 3, Types: 10, Row: 11, Hidden: []int{12, 9}, Activation: act, LSTM: 7}
	return map[string]*Recurrent[T]{
		string(act) + " recurrent":                must(NewRecurrent[T](must(NewActorCritic[T](flat, newRand(seed))))),
		string(act) + " recurrent autoregressive": must(NewRecurrent[T](must(NewAutoActorCritic[T](auto, newRand(seed))))),
	}
}

// allPolicies are those of newPolicies and newRecurrents.
func allPolicies[T Float](act Activation, seed uint64) map[string]Policy[T] {
	ps := newPolicies[T](act, seed)
	for name, net := range newRecurrents[T](act, seed) {
		ps[name] = net
	}
	return ps
}

// The rows of a step are contiguous, those of a sequence stand at the same place in each, and a sequence that ends
// stands behind those that go on.
func TestPacking(t *testing.T) {
	rng := newRand(93)
	var p packing
	for range 500 {
		n := 1 + rng.IntN(40)
		first := make([]bool, n)
		ends := rng.IntN(10)
		for i := range first {
			first[i] = rng.IntN(10) < ends
		}
		p.plan(first, n)
		rows := make([]int, n)
		for i, slot := range p.slot {
			rows[slot] = i
		}
		if all := slices.Sorted(slices.Values(p.slot)); all[0] != 0 || len(slices.Compact(all)) != n {
			t.Fatalf("%v: slots %v", first, p.slot)
		}
		if last := len(p.steps) - 1; p.steps[0] != 0 || p.steps[last] != n {
			t.Fatalf("%v: steps %v", first, p.steps)
		}
		for step := range len(p.steps) - 1 {
			for r := p.steps[step]; r < p.steps[step+1]; r++ {
				switch i := rows[r]; {
				case step == 0 && i != 0 && !first[i]:
					t.Fatalf("%v: row %d begins a sequence", first, i)
				case step > 0 && (first[i] || rows[r-p.steps[step]+p.steps[step-1]] != i-1):
					t.Fatalf("%v: row %d goes on from row %d", first, i, rows[r-p.steps[step]+p.steps[step-1]])
				}
			}
		}
	}
	if p.plan(nil, 5); !slices.Equal(p.slot, []int{0, 1, 2, 3, 4}) || !slices.Equal(p.steps, []int{0, 5}) {
		t.Errorf("sequences of one: slots %v, steps %v", p.slot, p.steps)
	}
}

// What is said of sequences is, to the last bit, what is said step by step with the states carried along.
func TestSequencesAreSteps(t *testing.T) {
	const n = 24
	for _, plain := range []bool{false, true} {
		if plain {
			usePlain(t)
		}
		for name, net := range newRecurrents[float32](Tanh, 94) {
			rng := newRand(95)
			rows, wide := normal[float32](rng, n*net.Inputs()), net.Inputs()
			legal, action := randomLegal(rng, n, net.Actions())
			first := make([]bool, n)
			for i := range first {
				first[i] = rng.IntN(4) == 0
			}
			all := net.EvaluateSequences(first, action, rows, legal)
			got := PolicyOut{slices.Clone(all.LogProb), slices.Clone(all.Entropy), slices.Clone(all.Value)}
			states := slices.Clone(net.States())
			var state []float32
			for i := range n {
				row := slices.Clone(rows[i*wide:][:wide])
				if i > 0 && !first[i] {
					copy(row[wide-net.StateSize():], state)
				}
				mask := legal[i*net.Actions():][:net.Actions()]
				want := net.Evaluate(action[i:i+1], row, mask)
				if want.LogProb[0] != got.LogProb[i] || want.Entropy[0] != got.Entropy[i] || want.Value[0] != got.Value[i] {
					t.Fatalf("%s: row %d differs", name, i)
				}
				state = slices.Clone(net.States())
				if !slices.Equal(state, states[i*net.StateSize():][:net.StateSize()]) {
					t.Fatalf("%s: the state after row %d differs", name, i)
				}
				if net.Values(row, 1)[0] != got.Value[i] {
					t.Fatalf("%s: row %d: differs from Values", name, i)
				}
				net.Sample(slices.Clone(action[i:i+1]), row, mask, rng)
				if !slices.Equal(net.States(), state) {
					t.Fatalf("%s: the state after sampling for row %d differs", name, i)
				}
			}
		}
	}
}

// Gradients go back through time to where a sequence begins, and not further.
func TestSequenceGradients(t *testing.T) {
	for name, net := range newRecurrents[float64](Tanh, 96) {
		for _, begins := range [][]int{{}, {4}, {1, 2, 3}, {3, 4}, {5, 6, 7}, {2, 7}} {
			const n = 8
			c, first := newPolicyCase(net, n), make([]bool, n)
			for _, i := range begins {
				first[i] = true
			}
			loss := func() float64 {
				now := net.EvaluateSequences(first, c.action, c.obs, c.legal)
				return PPOLoss(c.d, now, c.old, PPOConfig{0.2, 0, 0.5, 0.01}).Loss
			}
			clear(net.Grads())
			loss()
			net.Propagate(c.d)
			checkGradient(t, fmt.Sprintf("%s, beginning at %v", name, begins), net.Params(), net.Grads(), loss)
		}
	}
}

func TestNewRecurrentErrors(t *testing.T) {
	for name, net := range newPolicies[float32](Tanh, 97) {
		if _, err := NewRecurrent(net); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, net := range newRecurrents[float32](Tanh, 97) {
		for _, p := range []Policy[float32]{net, net.Policy} {
			if _, err := NewPolicyGraph(p, nil, nil); err == nil {
				t.Errorf("%s: a graph of a %T", name, p)
			}
		}
	}
}
