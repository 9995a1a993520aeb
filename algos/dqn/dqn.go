// Package dqn is deep Q-learning (Mnih et al. 2015, doi:10.1038/nature14236) for one seat of a game. A network Q learns
// from a memory of past steps, towards targets of a copy Q⁻ that follows it at a distance:
//
//	y = r_t + γ r_{t+1} + … + γ^{m−1} r_{t+m−1} + γ^m Q⁻(s', a*),   s' = s_{t+m}
//	a* = argmax_{a legal in s'} Q(s', a)
//	loss = mean of w h(y − Q(s_t, a_t)),   h(δ) = δ²/2 up to |δ| = κ and linear beyond
//
// The last term of y is left out if s' is terminal. m is n_step, or what the episode leaves of it; after a truncated step
// s' is the state before the cut. a* is that of double Q-learning (van Hasselt, Guez and Silver 2016, arXiv:1509.06461);
// without it, Q⁻ chooses as well. Targets of several steps are not corrected for exploration on the way, as usual
// (Hessel et al. 2018, arXiv:1710.02298). The memory may be prioritized, which gives weights w other than 1; see
// algos.Replay.
//
// Exploration is that of an algos.Explorer: an exploring action may begin at any step, or where what the network sees
// changes, and may be repeated.
//
// Deviations from the Python original, whose results suffered from them: only the action that was taken is part of the
// loss, the maximum is over legal actions only (B6 in its list of defects), every learner has its own optimizer (B7),
// and Q⁻ is renewed by updates, not by episodes. Equal values go to the smallest id, as there.
package dqn

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/nets"
)

// Config holds the hyperparameters.
type Config struct {
	algos.Layers `yaml:",inline"`
	Dueling      bool `yaml:"dueling" usage:"learn a value of the state and advantages of the actions, of which Q is the sum"`

	algos.Encoding `yaml:",inline"`

	LearningRate algos.Schedule `yaml:"learning_rate" usage:"step size of Adam"`
	Gamma        float64        `yaml:"gamma" range:"[0, 1]" usage:"discount factor γ"`

	algos.Exploration `yaml:",inline"`

	ReplaySize     int `yaml:"replay_size" range:"[1, 100000000]" usage:"transitions in the memory"`
	LearningStarts int `yaml:"learning_starts" range:"[0, 1000000000]" usage:"steps of all environments before the first update"`
	TrainEvery     int `yaml:"train_every" range:"[1, 1000000]" usage:"steps of all environments for an update"`
	BatchSize      int `yaml:"batch_size" range:"[1, 1000000]" usage:"transitions in an update"`
	NStep          int `yaml:"n_step" range:"[1, 1000]" usage:"rewards in a target before the value of a state"`

	Double      bool    `yaml:"double" usage:"the learning network chooses the action whose value the target network gives"`
	TargetEvery int     `yaml:"target_every" range:"[0, 1000000000]" usage:"updates after which the target network becomes a copy of the learning one; 0 with tau"`
	Tau         float64 `yaml:"tau" range:"[0, 1]" usage:"how far the target network moves to the learning one in every update; 0 with target_every"`
	Huber       float64 `yaml:"huber" range:"[0, inf)" usage:"error κ beyond which the loss is linear; values of rewards that vary by more are not quite their means then; 0: nowhere"`
	MaxGradNorm float64 `yaml:"max_grad_norm" range:"[0, inf)" usage:"largest norm of a gradient; 0: any"`

	Prioritized   bool           `yaml:"prioritized" usage:"draw transitions of large error more often"`
	PriorityAlpha float64        `yaml:"priority_alpha" range:"[0, 1]" usage:"exponent of errors as priorities, α; 0 draws all alike"`
	PriorityBeta  algos.Schedule `yaml:"priority_beta" usage:"degree β to which weights undo that in the loss"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "dqn", About: "deep Q-learning", Budget: algos.Budget{Steps: 200_000}, Envs: 1, Turn: 500,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults reach the bounds of versions 0 to 3 of idsgame.
func Defaults() *Config {
	return &Config{
		Layers: algos.DefaultLayers("relu"), Encoding: algos.DefaultEncoding(),
		LearningRate: algos.Schedule{Start: 1e-3, End: 0, Over: 1, Shape: "linear"},
		Gamma:        0.999,
		Exploration: algos.Exploration{
			Epsilon:   algos.Schedule{Start: 1, End: 0.05, Over: 0.5, Shape: "linear"},
			ExploreAt: "step", Repeat: 0.9,
		},
		ReplaySize: 50_000, LearningStarts: 1000, TrainEvery: 4, BatchSize: 64, NStep: 3,
		Double: true, TargetEvery: 500, Huber: 1, MaxGradNorm: 10,
		PriorityAlpha: 0.6, PriorityBeta: algos.Schedule{Start: 0.4, End: 1, Over: 1, Shape: "linear"},
	}
}

// Validate keeps β at most 1, and asks for one way to renew the target network.
func (c *Config) Validate() error {
	var ck settings.Checks
	c.PriorityBeta.RequireAtMost(1, &ck, "priority_beta")
	ck.Require(c.TargetEvery > 0 || c.Tau > 0, "target_every", c.TargetEvery, "must be positive, or tau")
	ck.Require(c.TargetEvery == 0 || c.Tau == 0, "tau", c.Tau, "must be 0, or target_every")
	return errors.Join(c.Exploration.Validate(), ck.Err())
}

// NewLearner makes a learner of a seat.
func (c *Config) NewLearner(spec *envs.Spec, seat, n int, seed uint64) (algos.Learner, error) {
	s := spec.Seats[seat]
	input, actions := algos.NewInput(c.Encoding, s.Obs, n), s.Actions.N
	width := input.Len()
	online, err := newNetwork(c, width, actions, rand.New(envs.NewPCG(envs.Derive(seed, "weights", 0))))
	if err != nil {
		return nil, err
	}
	l := &learner{
		cfg: *c, actions: actions, input: input,
		online: online, target: online.clone(), adam: nets.NewAdam[float32](len(online.Params())),
		explorer: algos.NewExplorer(c.Exploration, actions, n, envs.Derive(seed, "explore", 0)),
		drawing:  envs.NewPCG(envs.Derive(seed, "replay", 0)),
		replay: algos.NewReplay(algos.ReplayConfig{
			Size: c.ReplaySize, Envs: n, ObsLen: width, Actions: actions, Steps: c.NStep, Gamma: c.Gamma,
			Prioritized: c.Prioritized, Alpha: c.PriorityAlpha,
		}),
		y: make([]float64, c.BatchSize), delta: make([]float64, c.BatchSize),
		dq:    make([]float32, c.BatchSize*actions),
		meter: algos.NewMeter("loss/q", "td_error", "q_mean", "grad_norm"),
	}
	l.drawer = rand.New(l.drawing)
	l.batch = l.replay.NewBatch(c.BatchSize)
	if c.Backend == "gorgonia" {
		l.graph = online.graph(l.adam, l.dq, l.loss)
	}
	return l, nil
}

type learner struct {
	cfg     Config
	actions int
	input   *algos.Input

	explorer       *algos.Explorer
	online, target *network // Q and Q⁻
	adam           *nets.Adam[float32]
	graph          *nets.MLPGraph[float32] // nil: direct
	replay         *algos.Replay
	drawing        *rand.PCG
	drawer         *rand.Rand // over drawing

	rate, beta float64
	steps      int // of all environments
	due        int // steps since the last update that await one
	updates    int // so far
	meter      algos.Meter

	obs      []float32 // [N x width], what Act saw
	batch    *algos.ReplayBatch
	y, delta []float64 // [BatchSize]
	dq       []float32 // [BatchSize x actions]
}

// Quantities of the meter.
const (
	qLoss = iota
	tdError
	qMean
	gradNorm
)

// View asks for observations and legal actions.
func (l *learner) View() envs.View { return envs.View{Obs: true, Legal: true} }

// Anneal follows the schedules.
func (l *learner) Anneal(progress float64) {
	l.explorer.Anneal(progress)
	l.rate, l.beta = l.cfg.LearningRate.At(progress), l.cfg.PriorityBeta.At(progress)
}

// Act plays the best action, or explores.
func (l *learner) Act(b *envs.Batch, actions []int) {
	l.obs = l.input.See(b)
	q := l.online.values(l.obs, b.N)
	l.explorer.Act(b, actions, func(i int, legal []bool) int { return nets.ArgmaxLegal(q[i*b.Actions:], legal) })
}

// Learn remembers a step of every environment and makes the updates that are due.
func (l *learner) Learn(b *envs.Batch, actions []int) error {
	next, width := l.input.Peek(b), l.input.Len()
	row := func(inputs []float32, i int) []float32 { return inputs[i*width : (i+1)*width] }
	l.explorer.Learn(b, func(i int) bool { return !slices.Equal(row(l.obs, i), row(next, i)) })
	for i, a := range actions {
		step := algos.Step{
			Obs: row(l.obs, i), Action: a, Reward: b.Reward[i],
			Next: row(next, i), Legal: b.Legal[i*b.Actions : (i+1)*b.Actions],
			Terminated: b.Terminated[i], Truncated: b.Truncated[i],
		}
		if step.Terminated || step.Truncated { // b.Obs is of the next episode then
			step.Next, step.Legal = l.input.Last(b, i), b.LastLegal[i*b.Actions:(i+1)*b.Actions]
		}
		l.replay.Add(i, step)
	}
	l.steps += b.N
	if l.steps < l.cfg.LearningStarts || l.replay.Len() == 0 {
		return nil
	}
	for l.due += b.N; l.due >= l.cfg.TrainEvery; l.due -= l.cfg.TrainEvery {
		if err := l.update(); err != nil {
			return err
		}
	}
	return nil
}

// update makes one step of Adam.
func (l *learner) update() error {
	l.replay.Sample(l.batch, l.beta, l.drawer)
	l.targets()
	loss, norm := l.step()
	l.replay.Prioritize(l.batch.Index, l.delta)
	l.updates++
	switch {
	case l.cfg.Tau > 0:
		nets.Polyak(l.target.Params(), l.online.Params(), l.cfg.Tau)
	case l.updates%l.cfg.TargetEvery == 0:
		copy(l.target.Params(), l.online.Params())
	}
	l.note(loss, norm)
	return algos.CheckUpdate(l.updates, l.rate, l.y, loss, norm)
}

// note adds the numbers of an update to the meter.
func (l *learner) note(loss, norm float64) {
	size, q, n := 0.0, 0.0, float64(len(l.delta))
	for i, d := range l.delta {
		size += math.Abs(d) / n
		q += (l.y[i] - d) / n
	}
	l.meter.Add(qLoss, loss)
	l.meter.Add(tdError, size)
	l.meter.Add(qMean, q)
	l.meter.Add(gradNorm, norm)
}

// step makes a step of Adam on the loss and returns that and the norm of its gradient.
func (l *learner) step() (loss, norm float64) {
	obs, n := l.batch.Obs, l.cfg.BatchSize
	if l.graph != nil {
		return l.graph.Update(obs, n, l.rate, l.cfg.MaxGradNorm)
	}
	loss = l.loss(l.dq, l.online.values(obs, n))
	l.online.backward(l.dq, n)
	return loss, l.adam.Step(l.online.Params(), l.online.Grads(), l.rate, l.cfg.MaxGradNorm)
}

// loss is that of the batch. It writes its derivatives to dq.
func (l *learner) loss(dq, q []float32) float64 {
	b := nets.QBatch{Action: l.batch.Action, Target: l.y, Weight: l.batch.Weight}
	return nets.QLoss(dq, l.delta, q, b, l.cfg.Huber)
}

// targets writes y of the batch.
func (l *learner) targets() {
	b, n := l.batch, l.cfg.BatchSize
	values := l.target.values(b.Next, n)
	choices := values
	if l.cfg.Double {
		choices = l.online.values(b.Next, n)
	}
	for i := range l.y {
		l.y[i] = b.Return[i]
		if b.Discount[i] > 0 {
			from, to := i*l.actions, (i+1)*l.actions
			best := nets.ArgmaxLegal(choices[from:to], b.Legal[from:to])
			l.y[i] += b.Discount[i] * float64(values[from+best])
		}
	}
}

// Updates is the number of steps of Adam so far.
func (l *learner) Updates() int { return l.updates }

// Metrics names the values of Report.
func (l *learner) Metrics() []string {
	return append(append([]string{"epsilon", "learning_rate"}, l.meter.Names...), "replay", "updates")
}

// Report writes ε and the learning rate; the means over updates of the loss, of |y − Q|, of Q of the actions that were
// taken and of the gradient's norm before it was clipped; how much of the memory is in use, and the updates of the whole
// training.
func (l *learner) Report(dst []float64) {
	dst[0], dst[1] = l.explorer.Epsilon(), l.rate
	l.meter.Report(dst[2:6])
	dst[6], dst[7] = float64(l.replay.Len())/float64(l.cfg.ReplaySize), float64(l.updates)
}
