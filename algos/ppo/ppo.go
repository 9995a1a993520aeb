// Package ppo is proximal policy optimization (Schulman et al. 2017, arXiv:1707.06347) with generalized advantage
// estimation, for one seat of a game. A round plays horizon steps in every environment, then makes epochs passes over
// them in shuffled minibatches, each a step of Adam on
//
//	−min(ρA, clip(ρ, 1−ε, 1+ε)A) + c_v (V−R)² − c_H H,   ρ = π(a|s) / π_old(a|s)
//
// Illegal actions are masked before the softmax, in acting and in the update alike. Episodes may begin and end anywhere
// in a round; after a truncation the value goes on.
package ppo

import (
	"fmt"
	"math"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/nets"
)

// Config holds the hyperparameters.
type Config struct {
	Network algos.Network `yaml:"network" usage:"the policy network"`

	Horizon   int `yaml:"horizon" range:"[1, 1000000]" usage:"steps of each environment in a round"`
	Epochs    int `yaml:"epochs" range:"[1, 1000]" usage:"passes over the steps of a round"`
	Minibatch int `yaml:"minibatch" range:"[2, 1000000]" usage:"steps in a minibatch"`

	LearningRate algos.Schedule `yaml:"learning_rate" usage:"step size of Adam"`
	Gamma        float64        `yaml:"gamma" range:"[0, 1]" usage:"discount factor γ"`
	Lambda       float64        `yaml:"lambda" range:"[0, 1]" usage:"λ of the advantages: 0 trusts the values, 1 the returns"`
	ClipCoef     float64        `yaml:"clip_coef" range:"(0, 1)" usage:"how far the probability ratio may move, ε"`
	ValueClip    float64        `yaml:"value_clip" range:"[0, inf)" usage:"how far a value may move in a round; 0: any distance"`
	ValueCoef    float64        `yaml:"value_coef" range:"[0, inf)" usage:"weight of the value's loss, c_v"`
	EntropyCoef  algos.Schedule `yaml:"entropy_coef" usage:"weight of the entropy, c_H"`
	MaxGradNorm  float64        `yaml:"max_grad_norm" range:"[0, inf)" usage:"largest norm of a gradient; 0: any"`
	TargetKL     float64        `yaml:"target_kl" range:"[0, inf)" usage:"end a round's updates after an epoch that moved the policy by 1.5 times as much; 0: never"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "ppo", About: "proximal policy optimization", Budget: algos.Budget{Steps: 600_000}, Envs: 16,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults learn the small versions of idsgame; algos/README.md says how well.
func Defaults() *Config {
	return &Config{
		Network: algos.DefaultNetwork(), Horizon: 128, Epochs: 4, Minibatch: 256,
		LearningRate: algos.Schedule{Start: 1e-3, End: 0, Over: 1, Shape: "linear"},
		Gamma:        0.999, Lambda: 0.95, ClipCoef: 0.2, ValueCoef: 0.5, MaxGradNorm: 0.5,
		EntropyCoef: algos.Schedule{Start: 0.01, End: 0, Over: 1, Shape: "linear"},
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
	if rows := n * c.Horizon; c.Minibatch > rows {
		return nil, &settings.Error{Key: "minibatch", Value: fmt.Sprint(c.Minibatch), Problem: fmt.Sprintf(
			"must be at most envs * horizon = %d", rows)}
	}
	l := &learner{
		Actor: actor, cfg: *c, rollout: algos.NewRollout(n, c.Horizon, s.Obs.Len(), s.Actions.N),
		order: make([]int, n*c.Horizon), d: nets.NewPolicyOut(c.Minibatch),
	}
	l.minibatch = algos.NewMinibatch(l.rollout, c.Minibatch)
	return l, nil
}

type learner struct {
	*algos.Actor
	cfg       Config
	rollout   *algos.Rollout
	minibatch *algos.Minibatch
	order     []int // of the rollout's rows in an epoch
	d         nets.PolicyOut

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

// Learn updates at the end of a round.
func (l *learner) Learn(b *envs.Batch, _ []int) {
	l.rollout.Learn(b, func(i int) float64 { return l.LastValue(b, i) })
	if l.rollout.Full() {
		l.rollout.Finish(l.Values(b), l.cfg.Gamma, l.cfg.Lambda)
		l.update()
	}
}

// update makes epochs passes over the rollout. Rows that do not fill a minibatch wait for the next shuffle.
func (l *learner) update() {
	size := l.cfg.Minibatch
	for i := range l.order {
		l.order[i] = i
	}
	for range l.cfg.Epochs {
		l.Rng.Shuffle(len(l.order), func(i, j int) { l.order[i], l.order[j] = l.order[j], l.order[i] })
		kl, batches := 0.0, 0
		for from := 0; from+size <= len(l.order); from += size {
			kl += l.step(l.order[from : from+size])
			batches++
		}
		if l.cfg.TargetKL > 0 && kl/float64(batches) > 1.5*l.cfg.TargetKL {
			break
		}
	}
	if x := nets.ExplainedVariance(l.rollout.Value, l.rollout.Return); !math.IsNaN(x) { // as where all returns are equal
		l.sums.explained += x
		l.sums.rounds++
	}
}

// step is an update with some rows of the rollout. It returns how far the policy has moved from the old one.
func (l *learner) step(rows []int) (kl float64) {
	m := l.minibatch.Gather(l.rollout, rows)
	algos.Whiten(m.Advantage)
	now := l.Net.Evaluate(m.Action, m.Obs, m.Legal)
	metrics := nets.PPOLoss(l.d, now, nets.PPOBatch{
		OldLogProb: m.LogProb, Advantage: m.Advantage, Return: m.Return, OldValue: m.Value,
	}, nets.PPOConfig{
		Clip: l.cfg.ClipCoef, ValueClip: l.cfg.ValueClip, ValueCoef: l.cfg.ValueCoef, EntropyCoef: l.entropyCoef,
	})
	l.Net.Propagate(l.d)
	norm := l.Adam.Step(l.Net.Params(), l.Net.Grads(), l.rate, l.cfg.MaxGradNorm)
	l.sums.add(metrics, norm)
	return metrics.ApproxKL
}

// sums are metrics since the last Report, summed over updates and rounds.
type sums struct {
	updates, rounds                               int
	policy, value, entropy, kl, clipped, gradNorm float64
	explained                                     float64
}

func (s *sums) add(m nets.PPOMetrics, norm float64) {
	s.updates++
	s.policy += m.Policy
	s.value += m.Value
	s.entropy += m.Entropy
	s.kl += m.ApproxKL
	s.clipped += m.ClipFraction
	s.gradNorm += norm
}

// fields are all sums, to save and restore them.
func (s *sums) fields() []*float64 {
	return []*float64{&s.policy, &s.value, &s.entropy, &s.kl, &s.clipped, &s.gradNorm, &s.explained}
}

// Metrics names the values of Report.
func (l *learner) Metrics() []string {
	return []string{
		"learning_rate", "loss/policy", "loss/value", "entropy", "approx_kl", "clip_fraction", "grad_norm",
		"explained_variance", "updates",
	}
}

// Report writes means over the updates since the last Report, and the number of all updates.
func (l *learner) Report(dst []float64) {
	s, n := &l.sums, float64(l.sums.updates)
	copy(dst, []float64{
		l.rate, s.policy / n, s.value / n, s.entropy / n, s.kl / n, s.clipped / n, s.gradNorm / n,
		s.explained / float64(s.rounds), float64(l.Adam.Steps),
	})
	l.sums = sums{}
}

const stateFormat = 1 // of MarshalBinary

// MarshalBinary saves network, optimizer, random stream and the running round.
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
		return fmt.Errorf("ppo: %w", err)
	}
	return nil
}
