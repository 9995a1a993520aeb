package dqn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
	"idsrl/nets"
)

func TestUpdate(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func(c *Config)
		show   func(b board) // after the step from state 1
		want   float64       // y of Q(1, 2), which was 5
	}{
		{
			name: "nothing is added after a terminal step",
			show: func(b board) {
				b.Terminated[0] = true
				b.Show(0, 3)
				b.ShowLast(0, 1)
			},
			want: 10,
		},
		{
			// 10 + ½·80: state 2 has 60, 70 and 80 in the target.
			name: "the largest value of the next state in the target network",
			show: func(b board) {
				b.Show(0, 2)
				b.ShowLast(0, 3)
			},
			want: 50,
		},
		{
			name: "of legal actions only (B6)",
			show: func(b board) {
				b.Show(0, 2)
				b.Allow(true, false, false)
			},
			want: 40,
		},
		{
			name: "negative values, too (B6)",
			show: func(b board) {
				b.Show(0, 2)
				table(b.target)[2*actions+1], table(b.target)[2*actions+2] = -30, -40
				b.Allow(false, true, true)
			},
			want: -5,
		},
		{
			// The target network has 90, 100 and 110 in state 3: of the state before the cut, with what was legal there, not of
			// the first state of the next episode, 0, where everything is.
			name: "after a truncated step, of the last state and what is legal there",
			show: func(b board) {
				b.Truncated[0] = true
				b.Show(0, 0)
				b.ShowLast(0, 3)
				copy(b.LastLegal, []bool{true, true, false})
			},
			want: 60,
		},
		{
			name: "a terminal step that the clock cuts as well is terminal",
			show: func(b board) {
				b.Terminated[0], b.Truncated[0] = true, true
				b.ShowLast(0, 3)
				copy(b.LastLegal, []bool{true, true, true})
			},
			want: 10,
		},
		{
			// The learning network prefers action 0 of state 2, the target network has 60 for it.
			name:   "double: the learning network chooses, the target network values",
			config: func(c *Config) { c.Double = true },
			show: func(b board) {
				b.Show(0, 2)
				table(b.online)[2*actions] = 9
			},
			want: 40,
		},
		{
			name:   "double: among legal actions",
			config: func(c *Config) { c.Double = true },
			show: func(b board) {
				b.Show(0, 2)
				table(b.online)[2*actions] = 9
				b.Allow(false, true, true)
			},
			want: 50,
		},
		{
			name:   "double: equal values go to the smallest legal id",
			config: func(c *Config) { c.Double = true },
			show: func(b board) {
				b.Show(0, 2)
				copy(table(b.online)[2*actions:], []float32{9, 9, 9})
				b.Allow(false, true, true)
			},
			want: 45,
		},
		{
			name:   "without a future",
			config: func(c *Config) { c.Gamma = 0 },
			show:   func(b board) { b.Show(0, 2) },
			want:   10,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := plain()
			if c.config != nil {
				c.config(cfg)
			}
			b := newBoard(t, cfg, 1)
			b.Show(0, 1)
			if b.Choose()[0] != 2 {
				t.Fatalf("plays %d, the largest value is that of 2", b.Chosen[0])
			}
			b.Reward[0] = 10
			c.show(b)
			want, target := slices.Clone(b.online.Params()), slices.Clone(b.target.Params())
			b.Hear()
			if b.y[0] != c.want || b.delta[0] != c.want-5 {
				t.Errorf("y = %v and δ = %v, want %v and %v", b.y[0], b.delta[0], c.want, c.want-5)
			}
			// Adam's first step goes by the learning rate in the direction of the error, in the weight of the state and the
			// action and in the action's bias, and nowhere else.
			step := float32(math.Copysign(0.25, c.want-5))
			want[1*actions+2] += step
			want[states*actions+2] += step
			for i, p := range b.online.Params() {
				if math.Abs(float64(p-want[i])) > 1e-6 {
					t.Errorf("parameter %d is %v, want %v", i, p, want[i])
				}
			}
			if !slices.Equal(b.target.Params(), target) {
				t.Error("the target network moved")
			}
		})
	}
}

// With frames, a transition leads from the last states of the episode to the last ones one step later, also where the
// episode is cut; the first state stands for what was before it.
func TestUpdateOfFrames(t *testing.T) {
	const frames = 3
	cfg := plain()
	cfg.Frames = frames
	b := newBoard(t, cfg, 1)
	rng := rand.New(envs.NewPCG(1))
	var shown []int // states of the episode
	input := func() []float32 {
		all := make([]float32, frames*states)
		for k := range frames {
			all[k*states+shown[max(0, len(shown)-frames+k)]] = 1
		}
		return all
	}
	copy(b.LastLegal, b.Legal)
	begins := true
	for at := range 100 {
		if b.First[0] = begins; begins {
			shown = []int{rng.IntN(states)}
			b.Show(0, shown[0])
		}
		b.Choose()
		from := input()
		shown = append(shown, rng.IntN(states))
		begins = rng.IntN(4) == 0
		b.Truncated[0], b.First[0] = begins, begins
		b.ShowLast(0, shown[len(shown)-1])
		b.Show(0, shown[len(shown)-1])
		if begins {
			b.Show(0, rng.IntN(states)) // of the next episode
		}
		b.Hear()
		if !slices.Equal(b.batch.Obs, from) || !slices.Equal(b.batch.Next, input()) {
			t.Fatalf("step %d: from %v to %v, want %v and %v", at, b.batch.Obs, b.batch.Next, from, input())
		}
	}
}

// A target of three steps has three rewards, each discounted by its distance, and the value of the state behind them.
func TestUpdateOfSeveralSteps(t *testing.T) {
	cfg := plain()
	cfg.NStep = 3
	b := newBoard(t, cfg, 1)
	step := func(from, to int, reward float64) {
		b.Show(0, from)
		b.Choose()
		b.Show(0, to)
		b.Reward[0] = reward
		b.Hear()
	}
	step(0, 1, 1)
	step(1, 2, 2)
	if b.updates != 0 {
		t.Fatalf("%d updates before a transition is complete", b.updates)
	}
	step(2, 3, 4)
	if want := 1 + 0.5*2 + 0.25*4 + 0.125*110; b.updates != 1 || b.y[0] != want || b.batch.Obs[0] != 1 {
		t.Errorf("%d updates, y = %v of observation %v, want %v", b.updates, b.y[0], b.batch.Obs, want)
	}
	// The episode is cut: the transitions from states 1, 2 and 3 are complete; the memory keeps the last of them.
	b.Truncated[0] = true
	b.ShowLast(0, 1)
	copy(b.LastLegal, []bool{true, false, false})
	step(3, 0, 8)
	if want := 8 + 0.5*30; b.y[0] != want || b.batch.Obs[3] != 1 {
		t.Errorf("y = %v of observation %v, want %v", b.y[0], b.batch.Obs, want)
	}
}

// An update is made for every so many steps of all environments, however many there are, from learning_starts on.
func TestTrainEvery(t *testing.T) {
	for _, c := range []struct{ n, every, starts, steps, want int }{
		{1, 1, 0, 10, 10}, {1, 4, 0, 10, 2}, {3, 4, 0, 12, 3}, {8, 4, 0, 80, 20}, {5, 1, 0, 10, 10}, {2, 100, 0, 98, 0},
		{1, 1, 6, 10, 5}, {4, 2, 8, 16, 6},
	} {
		cfg := plain()
		cfg.TrainEvery, cfg.LearningStarts = c.every, c.starts
		b := newBoard(t, cfg, c.n)
		for range c.steps / c.n {
			b.Choose()
			b.Hear()
		}
		if b.updates != c.want {
			t.Errorf("%+v: %d updates", c, b.updates)
		}
	}
}

// The target network is a copy after every k updates, or moves a little with each.
func TestTargetNetwork(t *testing.T) {
	for _, tau := range []float64{0, 0.25, 1} {
		cfg := plain()
		cfg.TargetEvery = 3
		if cfg.Tau = tau; tau > 0 {
			cfg.TargetEvery = 0
		}
		b := newBoard(t, cfg, 1)
		for k := 1; k <= 9; k++ {
			want := slices.Clone(b.target.Params())
			b.Choose()
			b.Hear()
			for i, p := range b.online.Params() {
				if tau > 0 {
					want[i] += float32(tau) * (p - want[i])
				} else if k%3 == 0 {
					want[i] = p
				}
				if math.Abs(float64(b.target.Params()[i]-want[i])) > 1e-5 {
					t.Fatalf("tau = %v: after %d updates, parameter %d is %v, want %v", tau, k, i, b.target.Params()[i], want[i])
				}
			}
		}
	}
}

// Environments are told apart: each acts, is cut and goes on by itself.
func TestUpdateOfSeveralEnvironments(t *testing.T) {
	cfg := plain()
	cfg.ReplaySize, cfg.TrainEvery = 3, 1000
	b := newBoard(t, cfg, 3)
	for i, s := range []int{1, 2, 3} {
		b.Show(i, s)
	}
	copy(b.Legal, []bool{true, true, true, true, true, false, true, false, false})
	if !slices.Equal(b.Choose(), []int{2, 1, 0}) {
		t.Fatalf("plays %v", b.Chosen)
	}
	for i, s := range []int{2, 0, 1} {
		b.Show(i, s)
		b.ShowLast(i, 3-s)
	}
	b.Allow(true, true, true)
	b.Reward = []float64{10, 20, 30}
	b.Terminated[1], b.Truncated[2] = true, true
	copy(b.LastLegal[2*actions:], []bool{false, true, false})
	b.Hear()
	b.batch = b.replay.NewBatch(64)
	b.replay.Sample(b.batch, 0, b.drawer)
	b.cfg.BatchSize, b.y = 64, make([]float64, 64)
	b.targets()
	want := map[int]struct {
		state int
		y     float64
	}{2: {1, 10 + 0.5*80}, 1: {2, 20}, 0: {3, 30 + 0.5*70}} // by action
	for i, a := range b.batch.Action {
		if w := want[a]; b.y[i] != w.y || b.batch.Obs[i*states+w.state] != 1 {
			t.Errorf("action %d: y = %v from %v, want %+v", a, b.y[i], b.batch.Obs[i*states:(i+1)*states], w)
		}
	}
}

// With priorities, errors become priorities and weights enter the loss: of two transitions, the one with the larger error
// is drawn more often and counts less.
func TestPrioritizedUpdate(t *testing.T) {
	cfg := plain()
	cfg.ReplaySize, cfg.BatchSize, cfg.LearningStarts = 2, 8, 2
	cfg.Prioritized, cfg.PriorityAlpha, cfg.PriorityBeta = true, 1, algos.Constant(1)
	cfg.LearningRate = algos.Constant(0)
	b := newBoard(t, cfg, 1)
	b.Terminated[0] = true
	b.Show(0, 0)
	for a, reward := range []float64{3, 0} { // errors 3 and −1
		b.Reward[0] = reward
		b.Choose()
		b.Hear(a)
	}
	update := func() {
		if err := b.update(); err != nil {
			t.Fatal(err)
		}
	}
	update()
	three, one, loss := 0, 0, 0.0
	for i, a := range b.batch.Action {
		if a == 0 {
			three++
		} else {
			one++
		}
		if want := []float64{1. / 3, 1}[a]; math.Abs(b.batch.Weight[i]-want) > 1e-5 {
			t.Errorf("weight %v of action %d, want %v", b.batch.Weight[i], a, want)
		}
		loss += []float64{9. / 2 / 3, 1. / 2}[a] / 8
	}
	algotest.Metrics(b.learner) // so that the next report is of one update
	update()
	if got := algotest.Metrics(b.learner)["loss/q"]; three != 6 || one != 2 || math.Abs(got-loss) > 1e-4 {
		t.Errorf("drawn %d and %d times, want 6 and 2; loss %v, want %v", three, one, got, loss)
	}
}

// Schedules are followed from Anneal to Anneal, and reported with the means over updates.
func TestAnnealAndReport(t *testing.T) {
	cfg := plain()
	cfg.ReplaySize = 4
	cfg.LearningRate = algos.Schedule{Start: 1, End: 0, Over: 1, Shape: "linear"}
	cfg.Epsilon = algos.Schedule{Start: 0.5, End: 0.1, Over: 0.5, Shape: "linear"}
	cfg.PriorityBeta = algos.Schedule{Start: 0.4, End: 1, Over: 1, Shape: "linear"}
	b := newBoard(t, cfg, 1)
	report := make([]float64, len(b.Metrics()))
	for _, c := range []struct{ progress, epsilon, rate, beta float64 }{
		{0, 0.5, 1, 0.4}, {0.25, 0.3, 0.75, 0.55}, {0.5, 0.1, 0.5, 0.7}, {1, 0.1, 0, 1},
	} {
		b.Anneal(c.progress)
		b.Report(report)
		if report[0] != c.epsilon || report[1] != c.rate || math.Abs(b.beta-c.beta) > 1e-12 {
			t.Errorf("at %v: ε = %v, rate %v, β = %v; want %+v", c.progress, report[0], report[1], b.beta, c)
		}
	}
	for _, x := range report[2:6] {
		if !math.IsNaN(x) {
			t.Errorf("reports %v where nothing was learnt", report)
		}
	}
	b.Anneal(1) // the rate is 0: nothing moves
	b.Show(0, 1)
	b.Terminated[0], b.Reward[0] = true, 8
	for range 2 {
		b.Choose()
		b.Hear(2)
	}
	b.Report(report)
	// δ = 8 − 5; the gradient is −3 in a weight and in a bias.
	want := []float64{0.1, 0, 4.5, 3, 5, math.Sqrt(18), 0.5, 2}
	for i, x := range report {
		if math.Abs(x-want[i]) > 1e-6 {
			t.Errorf("%s is %v, want %v", b.Metrics()[i], x, want[i])
		}
	}
}

// Observations are divided by the largest size that an entry may have, and by 1 at least.
func TestScaling(t *testing.T) {
	spec := algotest.BoardSpec()
	spec.Seats[0].Obs.Low, spec.Seats[0].Obs.High = []float32{-8, 0, 0, -0.5}, []float32{2, 4, 0.5, 0.25}
	l, b := algotest.Must(plain().NewLearner(spec, 0, 1, 1)).(*learner), algotest.NewBoard(t, plain(), 1)
	b.Learner = l
	copy(b.Obs, []float32{-8, 4, 0.5, 0.25})
	b.Choose()
	copy(b.Obs, []float32{2, 2, 0, 0})
	b.Hear()
	if !slices.Equal(l.batch.Obs, []float32{-1, 1, 0.5, 0.25}) || !slices.Equal(l.batch.Next, []float32{0.25, 0.5, 0, 0}) {
		t.Errorf("learns from %v and %v", l.batch.Obs, l.batch.Next)
	}
	b.Truncated[0] = true
	copy(b.Last, []float32{4, 4, 0.5, 0})
	b.LastLegal[0] = true
	b.Hear()
	if !slices.Equal(l.batch.Next, []float32{0.5, 1, 0.5, 0}) {
		t.Errorf("learns from the last observation as %v", l.batch.Next)
	}
}

func TestGreedy(t *testing.T) {
	b := newBoard(t, plain(), 2)
	algotest.CheckGreedy(t, b.Board, func(state int, values [actions]float64) {
		for a, x := range values {
			table(b.online)[state*actions+a] = float32(x)
		}
	})
}

func TestExploration(t *testing.T) {
	algotest.CheckExploration(t, func(e algos.Exploration, n int) *algotest.Board {
		cfg := plain()
		cfg.Exploration, cfg.LearningStarts = e, 1_000_000
		return newBoard(t, cfg, n).Board
	})
}

// A dueling network's values are V + A − mean A, and its gradients are those of that formula: half the squared error of one
// action, by central differences in all parameters.
func TestDueling(t *testing.T) {
	cfg := algotest.Configure(t, Defaults(), "dueling=true", "hidden=[5]", "activation=tanh")
	rng := rand.New(envs.NewPCG(1))
	n := algotest.Must(newNetwork(cfg, states, actions, rng))
	for i := range n.Params() {
		n.Params()[i] = float32(rng.NormFloat64())
	}
	obs := make([]float32, 2*states)
	for i := range obs {
		obs[i] = float32(rng.NormFloat64())
	}
	out := slices.Clone(n.Forward(obs, 2))
	q := slices.Clone(n.values(obs, 2))
	for i := range 2 {
		o := out[i*(actions+1) : (i+1)*(actions+1)]
		for a := range actions {
			if want := o[actions] + o[a] - (o[0]+o[1]+o[2])/3; math.Abs(float64(q[i*actions+a]-want)) > 1e-6 {
				t.Errorf("Q = %v, want %v", q[i*actions+a], want)
			}
		}
	}
	batch := nets.QBatch{Action: []int{2, 0}, Target: []float64{1, -1}}
	dq, td := make([]float32, 2*actions), make([]float64, 2)
	loss := func() float64 { return nets.QLoss(dq, td, n.values(obs, 2), batch, 0) }
	loss()
	n.backward(dq, 2)
	for i, g := range n.Grads() {
		const h = 1e-2
		p := n.Params()[i]
		n.Params()[i] = p + h
		up := loss()
		n.Params()[i] = p - h
		down := loss()
		n.Params()[i] = p
		if d := (up - down) / (2 * h); math.Abs(d-float64(g)) > 2e-3*max(1, math.Abs(d)) {
			t.Errorf("gradient %d is %v, differences say %v", i, g, d)
		}
	}
}
