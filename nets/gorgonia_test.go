package nets

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// hardLegal returns masks of n rows and an action for each. Action 0 of row 0 is illegal, and in one of two cases all
// others but one are, too; row 1 has its first action only, row 2 has all.
func hardLegal(n, actions int, single bool) (legal []bool, action []int) {
	rng := newRand(81)
	legal, action = randomLegal(rng, n+2, actions)
	legal, action = legal[2*actions:], action[2:]
	for j := range actions {
		legal[j] = j > 0 && (!single && legal[j] || j == actions-1)
		if n > 1 {
			legal[actions+j] = j == 0
		}
		if n > 2 {
			legal[2*actions+j] = true
		}
	}
	action[0] = actions - 1
	if n > 1 {
		action[1] = 0
	}
	return legal, action
}

// batchOf is a batch for a policy: observations, masks, actions, and derivatives of size 1 over the batch.
func batchOf[T Float](net Policy[T], n int, single bool) (obs []T, legal []bool, action []int, d PolicyOut) {
	rng := newRand(82)
	obs = normal[T](rng, n*net.Inputs())
	legal, action = hardLegal(n, net.Actions(), single)
	d = PolicyOut{normal[float64](rng, n), normal[float64](rng, n), normal[float64](rng, n)}
	for i := range n {
		d.LogProb[i] /= float64(n)
		d.Entropy[i] /= float64(n)
		d.Value[i] /= float64(n)
	}
	return obs, legal, action, d
}

// sharesTower tells if several heads of a network see the same layer. Gorgonia then adds up derivatives that the direct
// path adds to one another, and rounds once more.
func sharesTower[T Float](net Policy[T]) bool {
	a, flat := net.(*ActorCritic[T])
	return !flat || a.cfg.Shared
}

func testPolicyGraph[T Float](t *testing.T, tol float64) {
	var x PolicyOut // numbers for losses
	losses := map[string]func(d, now PolicyOut) float64{
		"linear": func(d, now PolicyOut) (sum float64) {
			copy(d.LogProb, x.LogProb)
			copy(d.Entropy, x.Entropy)
			copy(d.Value, x.Value)
			for i := range now.Value {
				sum += x.LogProb[i]*now.LogProb[i] + x.Entropy[i]*now.Entropy[i] + x.Value[i]*now.Value[i]
			}
			return sum
		},
		"PPO": func(d, now PolicyOut) float64 {
			old := slices.Clone(now.LogProb)
			for i, e := range x.Entropy {
				old[i] += 0.3 * float64(len(old)) * e
			}
			b := PPOBatch{OldLogProb: old, Advantage: x.LogProb, Return: x.Value, OldValue: x.Entropy}
			return PPOLoss(d, now, b, PPOConfig{0.2, 0.3, 0.5, 0.01}).Loss
		},
		"policy gradient": func(d, now PolicyOut) float64 {
			b := PolicyGradientBatch{Advantage: x.LogProb, Return: x.Value}
			return PolicyGradientLoss(d, now, b, PolicyGradientConfig{0.5, 0.01}).Loss
		},
	}
	for _, act := range Activations {
		for name, net := range newPolicies[T](act, 83) {
			rng := newRand(84)
			for i := range net.Params() {
				net.Params()[i] += T(0.1 * rng.NormFloat64())
			}
			within := 0.0
			if sharesTower(net) {
				within = tol
			}
			for kind, loss := range losses {
				other := net.ClonePolicy()
				adam, otherAdam := NewAdam[T](len(net.Params())), NewAdam[T](len(net.Params()))
				graph := must(NewPolicyGraph(other, otherAdam, loss))
				for _, n := range []int{5, 64, 7, 1, 33, 100} {
					for _, single := range []bool{false, true} {
						what := fmt.Sprintf("%s, %s, %d rows, single %v", name, kind, n, single)
						var obs []T
						var legal []bool
						var action []int
						obs, legal, action, x = batchOf(net, n, single)
						d := NewPolicyOut(n)
						want := loss(d, net.Evaluate(action, obs, legal))
						net.Propagate(d)
						norm := adam.Step(net.Params(), net.Grads(), 1e-3, 0.5)
						got, otherNorm := graph.Update(action, obs, legal, 1e-3, 0.5)

						closeTo(t, what+": loss and norm", []float64{got, otherNorm}, []float64{want, norm}, within)
						closeTo(t, what+": first moments", otherAdam.M, adam.M, within)
						closeTo(t, what+": second moments", otherAdam.V, adam.V, within)
						if n > 1 && slices.Max(adam.M) < 1e-5 {
							t.Errorf("%s: no gradient", what)
						}
						if within == 0 && !slices.Equal(other.Params(), net.Params()) {
							t.Errorf("%s: parameters differ", what)
						}
						copy(other.Params(), net.Params()) // from the same place: where a gradient is all rounding, Adam moves apart
						copy(otherAdam.M, adam.M)
						copy(otherAdam.V, adam.V)
					}
				}
			}
		}
	}
}

// Updates of graphs are those of the direct path, to the last bit where nothing but the order of operations could differ.
func TestPolicyGraph(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testPolicyGraph[float32](t, 1e-6) })
	t.Run("float64", func(t *testing.T) { testPolicyGraph[float64](t, 1e-12) })
	t.Run("plain", func(t *testing.T) {
		usePlain(t)
		testPolicyGraph[float32](t, 1e-6)
	})
}

func testMLPGraph[T Float](t *testing.T) {
	for _, act := range Activations {
		for _, sizes := range [][]int{{3, 2}, {5, 7, 1}, {11, 17, 9, 5}} {
			net := must(NewMLP[T](MLPConfig{sizes, act, 1}, newRand(85)))
			other := net.Clone()
			adam, otherAdam := NewAdam[T](len(net.Params())), NewAdam[T](len(net.Params()))
			var b QBatch
			var td []float64
			loss := func(dq, q []T) float64 { return QLoss(dq, td, q, b, 1) }
			graph := NewMLPGraph(other, otherAdam, loss)
			for _, n := range []int{1, 7, 6, 64} {
				what, rng := fmt.Sprintf("%s %v, %d rows", act, sizes, n), newRand(86)
				x, dq := normal[T](rng, n*net.Inputs()), make([]T, n*net.Outputs())
				b, td = QBatch{Action: make([]int, n), Target: normal[float64](rng, n)}, make([]float64, n)
				want := loss(dq, net.Forward(x, n))
				net.Backward(dq, n)
				norm := adam.Step(net.Params(), net.Grads(), 1e-3, 0.5)
				got, otherNorm := graph.Update(x, n, 1e-3, 0.5)
				closeTo(t, what+": loss and norm", []float64{got, otherNorm}, []float64{want, norm}, 0)
				closeTo(t, what, other.Params(), net.Params(), 0)
			}
		}
	}
}

func TestMLPGraph(t *testing.T) {
	t.Run("float32", testMLPGraph[float32])
	t.Run("float64", testMLPGraph[float64])
}

// newGraphCase is newPPOCase with the updates of a graph.
func newGraphCase(net Policy[float32], n int) (*ppoCase, *PolicyGraph[float32]) {
	c := newPPOCase(net, n)
	return c, must(NewPolicyGraph(net, c.adam, c.loss))
}

func (c *ppoCase) updateBy(g *PolicyGraph[float32]) (loss, norm float64) {
	return g.Update(c.action, c.obs, c.legal, 1e-3, 0.5)
}

// Adam takes steps of 1e-3, whatever the size of a gradient: where one is all rounding, weights move apart by as much. In
// 30 steps they could by 0.03.
func TestPolicyGraphTraining(t *testing.T) {
	for _, act := range Activations {
		for name, net := range newPolicies[float32](act, 89) {
			c, graph := newGraphCase(net.ClonePolicy(), 50)
			direct := newPPOCase(net.ClonePolicy(), 50)
			for range 30 {
				c.updateBy(graph)
				direct.update()
			}
			within := 0.0
			if sharesTower(net) {
				within = 1e-5
			}
			closeTo(t, name, c.net.Params(), direct.net.Params(), within)
			if slices.Equal(net.Params(), direct.net.Params()) {
				t.Errorf("%s: nothing was learnt", name)
			}
		}
	}
}

// Gorgonia's own machine comes to the same bits.
func TestTapeMachine(t *testing.T) {
	for name, net := range newPolicies[float32](Tanh, 90) {
		c, graph := newGraphCase(net.ClonePolicy(), 50)
		other, machine := newGraphCase(net.ClonePolicy(), 50)
		c.updateBy(graph)
		other.updateBy(machine)
		c.updateBy(graph)
		if err := gorgonia.NewTapeMachine(machine.nodes).RunAll(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.net.Params(), other.net.Params()) {
			t.Errorf("%s: parameters differ", name)
		}
	}
}

// Gradients from gorgonia's own operations, none of which is ours: a scalar loss and its symbolic gradient. The softmax is
// spelled out, as what gorgonia has is wrong under a mask; logits are small enough for it.
func TestGradientsByGorgonia(t *testing.T) {
	const n = 7
	for _, act := range Activations {
		cfg := ActorCriticConfig{Obs: 33, Actions: 30, Hidden: []int{12, 9}, Activation: act}
		net := must(NewActorCritic[float64](cfg, newRand(87)))
		randomBiases(net.Params(), newRand(88))
		obs, legal, action, d := batchOf(Policy[float64](net), n, false)
		net.Evaluate(action, obs, legal)
		net.Propagate(d)

		g := gorgonia.NewGraph()
		matrix := func(name string, rows, cols int, memory []float64) *gorgonia.Node {
			return gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithName(name), gorgonia.WithShape(rows, cols),
				gorgonia.WithValue(matrixOf(memory, rows, cols)))
		}
		vector := func(name string, memory []float64) *gorgonia.Node {
			return gorgonia.NewVector(g, tensor.Float64, gorgonia.WithName(name), gorgonia.WithShape(len(memory)),
				gorgonia.WithValue(tensor.New(tensor.WithShape(len(memory)), tensor.WithBacking(memory))))
		}
		params := map[string]*gorgonia.Node{}
		var wrt gorgonia.Nodes
		for _, p := range net.Tensors() {
			if len(p.Shape) == 2 {
				params[p.Name] = matrix(p.Name, p.Shape[0], p.Shape[1], p.Data)
			} else {
				params[p.Name] = vector(p.Name, p.Data)
			}
			wrt = append(wrt, params[p.Name])
		}
		affine := func(layer string, x *gorgonia.Node) *gorgonia.Node {
			y := gorgonia.Must(gorgonia.Mul(x, params[layer+".weight"]))
			return gorgonia.Must(gorgonia.BroadcastAdd(y, params[layer+".bias"], nil, []byte{0}))
		}
		tower := func(name string, x *gorgonia.Node) *gorgonia.Node {
			for i := range cfg.Hidden {
				x = affine(fmt.Sprintf("%s.%d", name, i), x)
				if act == ReLU {
					x = gorgonia.Must(gorgonia.Rectify(x))
				} else {
					x = gorgonia.Must(gorgonia.Tanh(x))
				}
			}
			return affine(name+"_head.0", x)
		}
		mask, oneHot := make([]float64, n*cfg.Actions), make([]float64, n*cfg.Actions)
		for i, ok := range legal {
			if !ok {
				mask[i] = -1e9 // finite, as 0·(−∞) is NaN in the entropy
			}
		}
		for i, a := range action {
			oneHot[i*cfg.Actions+a] = 1
		}
		x := matrix("obs", n, cfg.Obs, obs)
		logits := gorgonia.Must(gorgonia.Add(tower("policy", x), matrix("mask", n, cfg.Actions, mask)))
		sums := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.Exp(logits)), 1))
		logp := gorgonia.Must(gorgonia.BroadcastSub(logits, gorgonia.Must(gorgonia.Log(sums)), nil, []byte{1}))
		dot := func(x, y *gorgonia.Node) *gorgonia.Node {
			return gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(x, y))))
		}
		rowDot := func(x, y *gorgonia.Node) *gorgonia.Node {
			return gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(x, y)), 1))
		}
		minusEntropy := rowDot(gorgonia.Must(gorgonia.Exp(logp)), logp)
		loss := dot(rowDot(logp, matrix("one-hot", n, cfg.Actions, oneHot)), vector("dlogp", d.LogProb))
		loss = gorgonia.Must(gorgonia.Sub(loss, dot(minusEntropy, vector("dentropy", d.Entropy))))
		loss = gorgonia.Must(gorgonia.Add(loss, dot(tower("value", x), matrix("dvalue", n, 1, d.Value))))
		if _, err := gorgonia.Grad(loss, wrt...); err != nil {
			t.Fatal(err)
		}
		machine := gorgonia.NewTapeMachine(g, gorgonia.BindDualValues(wrt...))
		if err := machine.RunAll(); err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, p := range net.Tensors() {
			want := must(params[p.Name].Grad()).Data().([]float64)
			closeTo(t, string(act)+" "+p.Name, net.Grads()[at:at+len(want)], want, 1e-12)
			at += len(want)
		}
	}
}

// Two graphs in two goroutines share nothing.
func TestGraphGoroutines(t *testing.T) {
	results := make(chan []float32)
	for range 2 {
		go func() {
			c, graph := newGraphCase(actorCritic64(), 20)
			for range 10 {
				c.updateBy(graph)
			}
			results <- c.net.Params()
		}()
	}
	if !slices.Equal(<-results, <-results) {
		t.Error("two goroutines differ")
	}
}

// Graphs that nobody uses any more leave nothing behind.
func TestGraphLeaksNothing(t *testing.T) {
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	update := func() {
		c, graph := newGraphCase(actorCritic64(), 64)
		c.updateBy(graph)
	}
	update()
	before := heap()
	for range 40 {
		update()
	}
	if grown := heap() - before; grown > 256<<10 {
		t.Errorf("40 graphs hold %d bytes", grown)
	}
}

func TestGraphAllocatesNothing(t *testing.T) {
	q := newQCase(37)
	mlp := NewMLPGraph(q.net, q.adam, q.loss)
	updates := map[string]func(){"Q": func() { mlp.Update(q.obs, 37, 1e-3, 10) }}
	for name, net := range newPolicies[float32](Tanh, 90) {
		c, graph := newGraphCase(net, 37)
		updates[name] = func() { c.updateBy(graph) }
	}
	for what, update := range updates {
		update() // workspace
		if got := testing.AllocsPerRun(20, update); got != 0 {
			t.Errorf("%s update allocates %v times", what, got)
		}
	}
}

func BenchmarkPPOUpdateGraph(b *testing.B) {
	for _, n := range []int{64, 256, 2048} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, graph := newGraphCase(actorCritic64(), n)
			c.updateBy(graph)
			b.ReportAllocs()
			for b.Loop() {
				c.updateBy(graph)
			}
		})
	}
}

func BenchmarkQUpdateGraph(b *testing.B) {
	c := newQCase(64)
	graph := NewMLPGraph(c.net, c.adam, c.loss)
	graph.Update(c.obs, 64, 1e-3, 10)
	b.ReportAllocs()
	for b.Loop() {
		graph.Update(c.obs, 64, 1e-3, 10)
	}
}
