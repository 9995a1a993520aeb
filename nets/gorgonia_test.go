package nets

import (
	"fmt"
	"math"
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

func testGorgoniaGradients[T Float](t *testing.T, tol float64) {
	for _, act := range Activations {
		for name, net := range newPolicies[T](act, 83) {
			rng := newRand(84)
			for i := range net.Params() {
				net.Params()[i] += T(0.1 * rng.NormFloat64())
			}
			graph := must(NewGorgoniaPolicy(net))
			for _, n := range []int{64, 7, 1, 5, 64, 33} { // 5 and 33 leave rows of the batch before
				for _, single := range []bool{false, true} {
					what := fmt.Sprintf("%s, %d rows, single %v", name, n, single)
					obs, legal, action, d := batchOf(net, n, single)
					gradients := func(p Policy[T], times int) []T {
						clear(p.Grads())
						for range times {
							p.Evaluate(action, obs, legal)
							p.Propagate(d)
						}
						return slices.Clone(p.Grads())
					}
					want := gradients(net, 1)
					closeTo(t, what, gradients(graph, 1), want, tol)
					closeTo(t, what+", twice", gradients(graph, 2), gradients(net, 2), 2*tol)
					if n > 1 && slices.Max(want) < 1e-3 {
						t.Errorf("%s: the largest gradient is %v", what, slices.Max(want))
					}
				}
			}
		}
	}
}

// Gradients of both backends agree. Derivatives are of size 1/n, gradients of size 1 at most.
func TestGorgoniaGradients(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testGorgoniaGradients[float32](t, 1e-6) })
	t.Run("float64", func(t *testing.T) { testGorgoniaGradients[float64](t, 1e-12) })
	t.Run("plain", func(t *testing.T) {
		usePlain(t)
		testGorgoniaGradients[float32](t, 1e-6)
	})
}

func testGorgoniaMLP[T Float](t *testing.T, tol float64) {
	for _, act := range Activations {
		for _, sizes := range [][]int{{3, 2}, {5, 7, 1}, {11, 17, 9, 5}} {
			net := must(NewMLP[T](MLPConfig{sizes, act, 1}, newRand(85)))
			graph := NewGorgoniaMLP(net)
			for _, n := range []int{1, 7, 6, 64} {
				rng := newRand(86)
				x, b := normal[T](rng, n*net.Inputs()), QBatch{Action: make([]int, n), Target: normal[float64](rng, n)}
				dq, td := make([]T, n*net.Outputs()), make([]float64, n)
				gradients := func(backward func([]T, int)) []T {
					clear(net.Grads())
					QLoss(dq, td, net.Forward(x, n), b, 1)
					backward(dq, n)
					return slices.Clone(net.Grads())
				}
				closeTo(t, fmt.Sprintf("%s %v, %d rows", act, sizes, n), gradients(graph.Backward), gradients(net.Backward), tol)
			}
		}
	}
}

func TestGorgoniaMLP(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testGorgoniaMLP[float32](t, 1e-6) })
	t.Run("float64", func(t *testing.T) { testGorgoniaMLP[float64](t, 1e-12) })
}

// Everything once more from gorgonia's own operations, none of which is ours: a scalar loss and its symbolic gradient.
// The softmax is spelled out, as what gorgonia has is wrong under a mask; logits are small enough for it.
func TestGorgoniaOperations(t *testing.T) {
	const n = 7
	for _, act := range Activations {
		cfg := ActorCriticConfig{Obs: 33, Actions: 30, Hidden: []int{12, 9}, Activation: act}
		net := must(NewActorCritic[float64](cfg, newRand(87)))
		randomBiases(net.Params(), newRand(88))
		obs, legal, action, d := batchOf(Policy[float64](net), n, false)
		policy := must(NewGorgoniaPolicy[float64](net))
		policy.Evaluate(action, obs, legal)
		policy.Propagate(d)

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
				mask[i] = -1e9
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

// What gorgonia's own softmax gives NaN for.
func TestGorgoniaLogSoftmax(t *testing.T) {
	for _, x := range [][]float32{
		{illegalLogit, 1, 2, 5, illegalLogit, illegalLogit},
		{0, 1, 2, 800, 2, 3},
		{1000, 1, 2, 1, 2, 3},
	} {
		b := newGraphBuilder[float32](2)
		node, memory := b.input("x", 3)
		copy(memory, x)
		got := new(gorgonia.Value)
		gorgonia.Read(b.logSoftmax(node, 3), got)
		if err := gorgonia.NewTapeMachine(b.graph).RunAll(); err != nil {
			t.Fatal(err)
		}
		want := make([]float64, 6)
		for i := range want {
			row := x[i/3*3:][:3]
			top := slices.Max(row)
			for _, y := range row {
				want[i] += math.Exp(float64(y - top))
			}
			want[i] = float64(x[i]-top) - math.Log(want[i])
		}
		closeTo(t, fmt.Sprint(x), (*got).Data().([]float32), want, 1e-7)
	}
}

// newBackends returns a case for each kind of policy on either backend, with the same parameters.
func newBackends(n int) (direct, graph map[string]*ppoCase) {
	direct, graph = map[string]*ppoCase{}, map[string]*ppoCase{}
	for _, act := range Activations {
		for name, net := range newPolicies[float32](act, 89) {
			graph[name] = newPPOCase(must(NewGorgoniaPolicy(net.ClonePolicy())), n)
			direct[name] = newPPOCase(net, n)
		}
	}
	return direct, graph
}

// Adam takes steps of 1e-3, whatever the size of a gradient: where one is all rounding, weights move apart by as much. In
// 30 steps they could by 0.03.
func TestGorgoniaTraining(t *testing.T) {
	direct, graph := newBackends(50)
	for name, d := range direct {
		g, before := graph[name], slices.Clone(d.net.Params())
		for range 30 {
			d.update()
			g.update()
		}
		closeTo(t, name, g.net.Params(), d.net.Params(), 1e-5)
		if slices.Equal(before, d.net.Params()) {
			t.Errorf("%s: nothing was learnt", name)
		}
	}
}

func TestGorgoniaIsDeterministic(t *testing.T) {
	run := func(name string) []float32 {
		_, graph := newBackends(50)
		for range 3 {
			graph[name].update()
		}
		return graph[name].net.Params()
	}
	for name := range newPolicies[float32](Tanh, 89) {
		want := run(name)
		for range 4 {
			if !slices.Equal(run(name), want) {
				t.Fatalf("%s: two runs differ", name)
			}
		}
	}
}

// Two networks in two goroutines share nothing.
func TestGorgoniaGoroutines(t *testing.T) {
	results := make(chan []float32)
	for range 2 {
		go func() {
			c := newPPOCase(must(NewGorgoniaPolicy[float32](actorCritic64())), 20)
			for range 10 {
				c.update()
			}
			results <- c.net.Params()
		}()
	}
	if !slices.Equal(<-results, <-results) {
		t.Error("two goroutines differ")
	}
}

// Neither steps nor whole networks leave memory or goroutines behind.
func TestGorgoniaLeaksNothing(t *testing.T) {
	heap := func() int {
		var m runtime.MemStats
		for range 3 { // a machine has a finalizer, so its memory goes with the second collection
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	check := func(what string, times, limit int, f func()) {
		t.Helper()
		f()
		before, goroutines := heap(), runtime.NumGoroutine()
		for range times {
			f()
		}
		if grown := heap() - before; grown > limit {
			t.Errorf("%s: %d times hold %d bytes", what, times, grown)
		}
		if now := runtime.NumGoroutine(); now > goroutines+3 { // the last run's may not be gone yet
			t.Errorf("%s: %d goroutines, %d before", what, now, goroutines)
		}
	}
	c := newPPOCase(must(NewGorgoniaPolicy[float32](actorCritic64())), 64)
	check("steps", 400, 64<<10, func() { c.update() })
	check("networks", 40, 256<<10, func() { newPPOCase(c.net.ClonePolicy(), 64).update() })
	runtime.KeepAlive(c)
}

func TestGorgoniaUnknownPolicy(t *testing.T) {
	graph := must(NewGorgoniaPolicy[float32](actorCritic64()))
	if _, err := NewGorgoniaPolicy(graph); err == nil {
		t.Error("there is a graph of a graph")
	}
}

func BenchmarkPPOUpdateGorgonia(b *testing.B) {
	for _, n := range []int{64, 256, 2048} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchmarkPPO(b, must(NewGorgoniaPolicy[float32](actorCritic64())), n)
		})
	}
}

func BenchmarkQUpdateGorgonia(b *testing.B) {
	c := newQCase(64)
	net := NewGorgoniaMLP(c.net)
	b.ReportAllocs()
	for b.Loop() {
		QLoss(c.dq, c.td, net.Forward(c.obs, 64), c.b, 1)
		net.Backward(c.dq, 64)
		c.adam.Step(net.Params(), net.Grads(), 1e-3, 10)
	}
}
