// Package reinforce is REINFORCE with a baseline (Williams 1992, doi:10.1007/BF00992696) for one seat of a game. After
// every batch of episodes it makes one step of Adam on the mean over their steps of
//
//	−(G_t − b) log π(a_t|s_t) + c_v (V(s_t) − G_t)² − c_H H,   G_t = r_t + γ G_{t+1}
//
// where the baseline b is the mean of all G of the batch, or the value V(s_t) of a second tower. The Python original
// whitens the returns within each episode instead, which takes away whether the episode was won.
//
// Only whole episodes under one policy are learnt from: what is running in other environments when a batch is full is
// played on and not learnt from. An episode that is cut short counts with the rewards it got.
package reinforce

import (
	"fmt"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

// Config holds the hyperparameters.
type Config struct {
	Network algos.Network `yaml:"network" usage:"the policy network"`

	Episodes     int            `yaml:"episodes_per_update" range:"[1, 1000000]" usage:"whole episodes in an update"`
	Baseline     string         `yaml:"baseline" choice:"batch|value" usage:"what is taken off the returns: their mean over the batch, or a learnt value of the state"`
	LearningRate algos.Schedule `yaml:"learning_rate" usage:"step size of Adam"`
	Gamma        float64        `yaml:"gamma" range:"[0, 1]" usage:"discount factor γ"`
	Whiten       bool           `yaml:"whiten" usage:"divide what is left of the returns by its deviation over the batch"`
	ValueCoef    float64        `yaml:"value_coef" range:"[0, inf)" usage:"weight of the value's loss, c_v, with baseline: value"`
	EntropyCoef  algos.Schedule `yaml:"entropy_coef" usage:"weight of the entropy, c_H"`
	MaxGradNorm  float64        `yaml:"max_grad_norm" range:"[0, inf)" usage:"largest norm of a gradient; 0: any"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "reinforce", About: "REINFORCE with a baseline", Budget: algos.Budget{Steps: 1_500_000}, Envs: 16,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults learn the small versions of idsgame.
func Defaults() *Config {
	return &Config{
		Network: algos.DefaultNetwork(), Episodes: 64, Baseline: "value",
		LearningRate: algos.Schedule{Start: 2e-3, End: 0, Over: 1, Shape: "linear"},
		Gamma:        0.999, ValueCoef: 0.5, MaxGradNorm: 0.5,
		EntropyCoef: algos.Schedule{Start: 0.02, End: 0, Over: 1, Shape: "linear"},
	}
}

// Validate has nothing to add to the ranges.
func (c *Config) Validate() error { return nil }

// NewLearner makes a learner of a seat.
func (c *Config) NewLearner(spec *envs.Spec, seat, n int, seed uint64) (algos.Learner, error) {
	s := spec.Seats[seat]
	actor, err := algos.NewActor(c.Network, s, n, seed)
	if err != nil {
		return nil, err
	}
	l := &learner{Actor: actor, cfg: *c, running: make([]episode, n)}
	l.batch.obsLen, l.batch.actions = s.Obs.Len(), s.Actions.N
	for i := range l.running {
		l.running[i].obsLen, l.running[i].actions = s.Obs.Len(), s.Actions.N
	}
	return l, nil
}

// episode is steps of one episode, or of several one after the other.
type episode struct {
	obsLen, actions int
	obs             []float32
	legal           []bool
	action          []int
	reward          []float64 // in a batch: the return from this step on
	stale           bool      // it began under an older policy
}

func (e *episode) reset() {
	e.obs, e.legal, e.action, e.reward, e.stale = e.obs[:0], e.legal[:0], e.action[:0], e.reward[:0], false
}

type learner struct {
	*algos.Actor
	cfg     Config
	running []episode // by environment
	batch   episode   // the finished ones
	count   int       // episodes in batch

	rate, entropyCoef float64
	advantage         []float64
	d                 nets.PolicyOut
	sums              sums
}

// Anneal follows the schedules.
func (l *learner) Anneal(progress float64) {
	l.rate, l.entropyCoef = l.cfg.LearningRate.At(progress), l.cfg.EntropyCoef.At(progress)
}

// Act samples.
func (l *learner) Act(b *envs.Batch, actions []int) {
	obs, _ := l.Sample(b, actions)
	for i, a := range actions {
		e := &l.running[i]
		e.obs = append(e.obs, obs[i*b.ObsLen:(i+1)*b.ObsLen]...)
		e.legal = append(e.legal, b.Legal[i*b.Actions:(i+1)*b.Actions]...)
		e.action = append(e.action, a)
	}
}

// Learn collects episodes and updates when there are enough.
func (l *learner) Learn(b *envs.Batch, _ []int) {
	for i := range l.running {
		e := &l.running[i]
		e.reward = append(e.reward, b.Reward[i])
		if !b.Terminated[i] && !b.Truncated[i] {
			continue
		}
		if !e.stale {
			l.collect(e)
		}
		e.reset()
	}
	if l.count >= l.cfg.Episodes {
		l.update()
	}
}

// collect adds a finished episode to the batch, its rewards turned into returns.
func (l *learner) collect(e *episode) {
	for t := len(e.reward) - 2; t >= 0; t-- {
		e.reward[t] += l.cfg.Gamma * e.reward[t+1]
	}
	l.batch.obs = append(l.batch.obs, e.obs...)
	l.batch.legal = append(l.batch.legal, e.legal...)
	l.batch.action = append(l.batch.action, e.action...)
	l.batch.reward = append(l.batch.reward, e.reward...)
	l.count++
}

// update makes a step with the batch and begins the next.
func (l *learner) update() {
	b, n := &l.batch, len(l.batch.action)
	if cap(l.advantage) < n {
		l.advantage, l.d = make([]float64, 2*n), nets.NewPolicyOut(2*n)
	}
	advantage, d := l.advantage[:n], l.d.Rows(n)
	now := l.Net.Evaluate(b.action, b.obs, b.legal)
	mean := 0.0
	for _, g := range b.reward {
		mean += g / float64(n)
	}
	valueCoef := 0.0
	for t, g := range b.reward {
		advantage[t] = g - mean
		if l.cfg.Baseline == "value" {
			advantage[t], valueCoef = g-now.Value[t], l.cfg.ValueCoef
		}
	}
	if l.cfg.Whiten {
		algos.Whiten(advantage)
	}
	metrics := nets.PolicyGradientLoss(d, now, nets.PolicyGradientBatch{Advantage: advantage, Return: b.reward},
		nets.PolicyGradientConfig{ValueCoef: valueCoef, EntropyCoef: l.entropyCoef})
	l.Net.Propagate(d)
	norm := l.Adam.Step(l.Net.Params(), l.Net.Grads(), l.rate, l.cfg.MaxGradNorm)
	l.sums.updates++
	l.sums.policy += metrics.Policy
	l.sums.value += metrics.Value
	l.sums.entropy += metrics.Entropy
	l.sums.gradNorm += norm

	l.batch.reset()
	l.count = 0
	for i := range l.running {
		l.running[i].stale = len(l.running[i].action) > 0
	}
}

// sums are metrics since the last Report, summed over updates.
type sums struct {
	updates                          int
	policy, value, entropy, gradNorm float64
}

// fields are all sums, to save and restore them.
func (s *sums) fields() []*float64 { return []*float64{&s.policy, &s.value, &s.entropy, &s.gradNorm} }

// Metrics names the values of Report.
func (l *learner) Metrics() []string {
	return []string{"learning_rate", "loss/policy", "loss/value", "entropy", "grad_norm", "updates"}
}

// Report writes means over the updates since the last Report, and the number of all updates.
func (l *learner) Report(dst []float64) {
	s, n := &l.sums, float64(l.sums.updates)
	copy(dst, []float64{l.rate, s.policy / n, s.value / n, s.entropy / n, s.gradNorm / n, float64(l.Adam.Steps)})
	l.sums = sums{}
}

const stateFormat = 1 // of MarshalBinary

func (e *episode) encode(to *algos.Encoder) {
	to.Float32s(e.obs)
	to.Bools(e.legal)
	to.Ints(e.action)
	to.Floats(e.reward)
	to.Bools([]bool{e.stale})
}

func (e *episode) decode(d *algos.Decoder) {
	e.obs, e.legal, e.action, e.reward = d.Float32s(), d.Bools(), d.Ints(), d.Floats()
	flags := d.Bools()
	if n := len(e.action); len(flags) != 1 || len(e.reward) != n || len(e.obs) != n*e.obsLen || len(e.legal) != n*e.actions {
		d.Fail("an episode of %d steps with parts of other lengths", n)
		return
	}
	e.stale = flags[0]
	for t, a := range e.action {
		if a < 0 || a >= e.actions || !e.legal[t*e.actions+a] {
			d.Fail("action %d of %d was not legal", a, e.actions)
			return
		}
	}
}

// MarshalBinary saves network, optimizer, random stream and all episodes that are not learnt from yet.
func (l *learner) MarshalBinary() ([]byte, error) {
	var e algos.Encoder
	e.Int(stateFormat)
	err := l.Encode(&e)
	e.Float(l.rate)
	e.Float(l.entropyCoef)
	e.Int(l.count)
	l.batch.encode(&e)
	for i := range l.running {
		l.running[i].encode(&e)
	}
	e.Int(l.sums.updates)
	for _, x := range l.sums.fields() {
		e.Float(*x)
	}
	return e.Data, err
}

// UnmarshalBinary restores a learner of the same environment and settings.
func (l *learner) UnmarshalBinary(data []byte) error {
	d := algos.NewDecoder(data)
	d.Expect("format", stateFormat)
	l.Decode(d)
	l.rate, l.entropyCoef = d.Float(), d.Float()
	l.count = d.Int()
	l.batch.decode(d)
	// A full batch has been learnt from, and every episode has a step.
	if n := len(l.batch.action); l.count < 0 || l.count >= l.cfg.Episodes || l.count > n || l.count == 0 && n > 0 {
		d.Fail("%d steps of %d episodes, of %d in a batch", n, l.count, l.cfg.Episodes)
	}
	for i := range l.running {
		l.running[i].decode(d)
	}
	l.sums.updates = d.Int()
	for _, x := range l.sums.fields() {
		*x = d.Float()
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("reinforce: %w", err)
	}
	return nil
}
