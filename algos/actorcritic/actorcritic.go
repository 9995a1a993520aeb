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
	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

// Config holds the hyperparameters.
type Config struct {
	algos.Objective

	Horizon int     `yaml:"horizon" range:"[1, 1000000]" usage:"steps of each environment between updates"`
	Lambda  float64 `yaml:"lambda" range:"[0, 1]" usage:"λ of the advantages: 0 trusts the values, 1 the returns"`
	Whiten  bool    `yaml:"whiten" usage:"bring the advantages of an update to mean 0 and deviation 1"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "actor-critic", About: "advantage actor-critic", Budget: algos.Budget{Steps: 1_000_000}, Envs: 32, Turn: 32,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults learn versions 0 to 3 of idsgame; algos/README.md says how well.
func Defaults() *Config {
	return &Config{
		Objective: algos.DefaultObjective(2e-3, 0.4),
		Horizon:   16, Lambda: 0.95,
	}
}

// NewLearner makes a learner of a seat.
func (c *Config) NewLearner(spec *envs.Spec, seat, n int, seed uint64) (algos.Learner, error) {
	s := spec.Seats[seat]
	shared, err := algos.NewPolicyGradient(c.Objective, s, n, seed)
	if err != nil {
		return nil, err
	}
	l := &learner{PolicyGradient: shared, cfg: *c, rollout: algos.NewRollout(n, c.Horizon, shared.Width(), s.Actions.N)}
	l.loss = l.lossOf
	return l, nil
}

type learner struct {
	*algos.PolicyGradient
	cfg     Config
	rollout *algos.Rollout
	loss    algos.Loss
}

// Act samples.
func (l *learner) Act(b *envs.Batch, actions []int) {
	obs, out := l.Sample(b, actions)
	l.rollout.Act(obs, b.Legal, actions, out)
}

// Learn makes a step with all rows of the rollout once it is full.
func (l *learner) Learn(b *envs.Batch, _ []int) error {
	r := l.rollout
	r.Learn(b, l.Rewards(b), func(i int) float64 { return l.LastValue(b, i) })
	if !r.Full() {
		return nil
	}
	r.Finish(l.Values(b), l.cfg.Gamma, l.cfg.Lambda)
	l.Explain(r.Value, r.Return)
	if l.cfg.Whiten {
		algos.Whiten(r.Advantage)
	}
	_, err := l.Step(r.All(), l.loss)
	return err
}

// lossOf is an algos.Loss.
func (l *learner) lossOf(d, now nets.PolicyOut, rows algos.Minibatch, n int) nets.LossMetrics {
	return nets.PolicyGradientLoss(d, now,
		nets.PolicyGradientBatch{Advantage: rows.Advantage, Return: rows.Return, Rows: n},
		nets.PolicyGradientConfig{ValueCoef: l.cfg.ValueCoef, EntropyCoef: l.EntropyWeight()})
}

// MarshalBinary saves the running rollout besides what is shared.
func (l *learner) MarshalBinary() ([]byte, error) { return l.Marshal(l.rollout.Encode) }

// UnmarshalBinary restores a learner of the same environment and settings.
func (l *learner) UnmarshalBinary(data []byte) error {
	return l.Unmarshal("actor-critic", data, l.rollout.Decode)
}
