// Package actorcritic is the advantage actor-critic (Mnih et al. 2016, arXiv:1602.01783, without its asynchrony) with
// generalized advantage estimation, for one seat of a game. Every horizon steps of all environments it makes one step of
// Adam on the mean over these steps of
//
//	−A log π(a|s) + c_v (V−R)² − c_H H
//
// Illegal actions are masked before the softmax, in acting and in the update alike; after a truncation the value goes
// on.
package actorcritic

import (
	"fmt"
	"math"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

// Config holds the hyperparameters.
type Config struct {
	Network algos.Network `yaml:"network" usage:"the policy network"`

	Horizon      int            `yaml:"horizon" range:"[1, 1000000]" usage:"steps of each environment between updates"`
	LearningRate algos.Schedule `yaml:"learning_rate" usage:"step size of Adam"`
	Gamma        float64        `yaml:"gamma" range:"[0, 1]" usage:"discount factor γ"`
	Lambda       float64        `yaml:"lambda" range:"[0, 1]" usage:"λ of the advantages: 0 trusts the values, 1 the returns"`
	Whiten       bool           `yaml:"whiten" usage:"bring the advantages of an update to mean 0 and deviation 1"`
	ValueCoef    float64        `yaml:"value_coef" range:"[0, inf)" usage:"weight of the value's loss, c_v"`
	EntropyCoef  algos.Schedule `yaml:"entropy_coef" usage:"weight of the entropy, c_H"`
	MaxGradNorm  float64        `yaml:"max_grad_norm" range:"[0, inf)" usage:"largest norm of a gradient; 0: any"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "actor-critic", About: "advantage actor-critic", Budget: algos.Budget{Steps: 1_000_000}, Envs: 32,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults learn the small versions of idsgame; algos/README.md says how well.
func Defaults() *Config {
	return &Config{
		Network: algos.DefaultNetwork(), Horizon: 16,
		LearningRate: algos.Schedule{Start: 2e-3, End: 0, Over: 1, Shape: "linear"},
		Gamma:        0.999, Lambda: 0.95, ValueCoef: 0.5, MaxGradNorm: 0.5,
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
	return &learner{
		Actor: actor, cfg: *c, rollout: algos.NewRollout(n, c.Horizon, s.Obs.Len(), s.Actions.N),
		d: nets.NewPolicyOut(n * c.Horizon),
	}, nil
}

type learner struct {
	*algos.Actor
	cfg     Config
	rollout *algos.Rollout
	d       nets.PolicyOut

	rate, entropyCoef float64
	sums              sums
}

// Anneal follows the schedules.
func (l *learner) Anneal(progress float64) {
	l.rate, l.entropyCoef = l.cfg.LearningRate.At(progress), l.cfg.EntropyCoef.At(progress)
}

// Act samples.
func (l *learner) Act(b *envs.Batch, actions []int) {
	obs, out := l.Sample(b, actions)
	l.rollout.Act(obs, b.Legal, actions, out)
}

// Learn updates every horizon steps.
func (l *learner) Learn(b *envs.Batch, _ []int) {
	l.rollout.Learn(b, func(i int) float64 { return l.LastValue(b, i) })
	if l.rollout.Full() {
		l.rollout.Finish(l.Values(b), l.cfg.Gamma, l.cfg.Lambda)
		l.update()
	}
}

// update makes a step with all rows of the rollout.
func (l *learner) update() {
	r := l.rollout
	if x := nets.ExplainedVariance(r.Value, r.Return); !math.IsNaN(x) { // as where all returns are equal
		l.sums.explained += x
		l.sums.rounds++
	}
	if l.cfg.Whiten {
		algos.Whiten(r.Advantage)
	}
	now := l.Net.Evaluate(r.Action, r.Obs, r.Legal)
	metrics := nets.PolicyGradientLoss(l.d, now,
		nets.PolicyGradientBatch{Advantage: r.Advantage, Return: r.Return},
		nets.PolicyGradientConfig{ValueCoef: l.cfg.ValueCoef, EntropyCoef: l.entropyCoef})
	l.Net.Propagate(l.d)
	norm := l.Adam.Step(l.Net.Params(), l.Net.Grads(), l.rate, l.cfg.MaxGradNorm)
	l.sums.updates++
	l.sums.policy += metrics.Policy
	l.sums.value += metrics.Value
	l.sums.entropy += metrics.Entropy
	l.sums.gradNorm += norm
}

// sums are metrics since the last Report, summed over updates.
type sums struct {
	updates, rounds                             int
	policy, value, entropy, gradNorm, explained float64
}

// fields are all sums, to save and restore them.
func (s *sums) fields() []*float64 {
	return []*float64{&s.policy, &s.value, &s.entropy, &s.gradNorm, &s.explained}
}

// Metrics names the values of Report.
func (l *learner) Metrics() []string {
	return []string{
		"learning_rate", "loss/policy", "loss/value", "entropy", "grad_norm", "explained_variance", "updates",
	}
}

// Report writes means over the updates since the last Report, and the number of all updates.
func (l *learner) Report(dst []float64) {
	s, n := &l.sums, float64(l.sums.updates)
	copy(dst, []float64{
		l.rate, s.policy / n, s.value / n, s.entropy / n, s.gradNorm / n, s.explained / float64(s.rounds),
		float64(l.Adam.Steps),
	})
	l.sums = sums{}
}

const stateFormat = 1 // of MarshalBinary

// MarshalBinary saves network, optimizer, random stream and the running rollout.
func (l *learner) MarshalBinary() ([]byte, error) {
	var e algos.Encoder
	e.Int(stateFormat)
	err := l.Encode(&e)
	e.Float(l.rate)
	e.Float(l.entropyCoef)
	l.rollout.Encode(&e)
	e.Int(l.sums.updates)
	e.Int(l.sums.rounds)
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
	l.rollout.Decode(d)
	l.sums.updates, l.sums.rounds = d.Int(), d.Int()
	for _, x := range l.sums.fields() {
		*x = d.Float()
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("actor-critic: %w", err)
	}
	return nil
}
