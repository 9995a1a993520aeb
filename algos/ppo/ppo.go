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

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/nets"
)

// Config holds the hyperparameters.
type Config struct {
	algos.Objective

	Horizon   int `yaml:"horizon" range:"[1, 1000000]" usage:"steps of each environment in a round"`
	Epochs    int `yaml:"epochs" range:"[1, 1000]" usage:"passes over the steps of a round"`
	Minibatch int `yaml:"minibatch" range:"[2, 1000000]" usage:"steps in a minibatch; with an LSTM a multiple of horizon, as environments stay whole"`

	Lambda    float64 `yaml:"lambda" range:"[0, 1]" usage:"λ of the advantages: 0 trusts the values, 1 the returns"`
	ClipCoef  float64 `yaml:"clip_coef" range:"(0, 1)" usage:"how far the probability ratio may move, ε"`
	ValueClip float64 `yaml:"value_clip" range:"[0, inf)" usage:"how far a value may move in a round; 0: any distance"`
	TargetKL  float64 `yaml:"target_kl" range:"[0, inf)" usage:"end a round's updates after an epoch that moved the policy by 1.5 times as much; 0: never"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "ppo", About: "proximal policy optimization", Budget: algos.Budget{Steps: 600_000}, Envs: 16, Turn: 128,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults learn versions 0 to 3 of idsgame; algos/README.md says how well.
func Defaults() *Config {
	return &Config{
		Objective: algos.DefaultObjective(1e-3, 0.3),
		Horizon:   128, Epochs: 4, Minibatch: 256,
		Lambda: 0.95, ClipCoef: 0.2,
	}
}

// Validate reports what does not fit together.
func (c *Config) Validate() error {
	var ck settings.Checks
	ck.Require(c.Network.LSTM == 0 || c.Minibatch%c.Horizon == 0, "minibatch", c.Minibatch,
		"must be a multiple of horizon = %d with an LSTM", c.Horizon)
	return ck.Err()
}

// NewLearner makes a learner of a seat.
func (c *Config) NewLearner(spec *envs.Spec, seat, n int, seed uint64) (algos.Learner, error) {
	s := spec.Seats[seat]
	shared, err := algos.NewPolicyGradient(c.Objective, s, n, seed)
	if err != nil {
		return nil, err
	}
	if rows := n * c.Horizon; c.Minibatch > rows {
		return nil, &settings.Error{Key: "minibatch", Value: fmt.Sprint(c.Minibatch), Problem: fmt.Sprintf(
			"must be at most envs * horizon = %d", rows)}
	}
	l := &learner{
		PolicyGradient: shared, cfg: *c, rollout: algos.NewRollout(n, c.Horizon, shared.Width(), s.Actions.N),
		segment: 1,
	}
	if shared.Remembers() {
		l.segment = c.Horizon
	}
	l.order = make([]int, n*c.Horizon/l.segment)
	l.minibatch, l.loss = algos.NewMinibatch(l.rollout, c.Minibatch), l.lossOf
	return l, nil
}

type learner struct {
	*algos.PolicyGradient
	cfg       Config
	rollout   *algos.Rollout
	minibatch *algos.Minibatch
	segment   int   // steps of an environment that stay together: all that a memory goes through
	order     []int // of the rollout's segments in an epoch
	loss      algos.Loss
}

// Act samples.
func (l *learner) Act(b *envs.Batch, actions []int) {
	obs, out := l.Sample(b, actions)
	l.rollout.Act(obs, b.Legal, actions, out)
}

// Learn updates at the end of a round.
func (l *learner) Learn(b *envs.Batch, _ []int) error {
	l.rollout.Learn(b, l.Rewards(b), func(i int) float64 { return l.LastValue(b, i) })
	if !l.rollout.Full() {
		return nil
	}
	l.rollout.Finish(l.Values(b), l.cfg.Gamma, l.cfg.Lambda)
	l.Explain(l.rollout.Value, l.rollout.Return)
	return l.update()
}

// update makes epochs passes over the rollout. Segments that do not fill a minibatch wait for the next shuffle.
func (l *learner) update() error {
	size := l.cfg.Minibatch / l.segment
	for i := range l.order {
		l.order[i] = i
	}
	for range l.cfg.Epochs {
		l.Rng.Shuffle(len(l.order), func(i, j int) { l.order[i], l.order[j] = l.order[j], l.order[i] })
		kl, batches := 0.0, 0.0
		for from := 0; from+size <= len(l.order); from += size {
			m := l.minibatch.Gather(l.rollout, l.order[from:from+size], l.segment)
			algos.Whiten(m.Advantage)
			metrics, err := l.Step(m, l.loss)
			if err != nil {
				return err
			}
			kl += metrics.ApproxKL
			batches++
		}
		if l.cfg.TargetKL > 0 && kl/batches > 1.5*l.cfg.TargetKL {
			break
		}
	}
	return nil
}

// lossOf is an algos.Loss.
func (l *learner) lossOf(d, now nets.PolicyOut, rows algos.Minibatch, n int) nets.LossMetrics {
	return nets.PPOLoss(d, now, nets.PPOBatch{
		OldLogProb: rows.LogProb, Advantage: rows.Advantage, Return: rows.Return, OldValue: rows.Value, Rows: n,
	}, nets.PPOConfig{
		Clip: l.cfg.ClipCoef, ValueClip: l.cfg.ValueClip, ValueCoef: l.cfg.ValueCoef, EntropyCoef: l.EntropyWeight(),
	})
}

// MarshalBinary saves the running round besides what is shared.
func (l *learner) MarshalBinary() ([]byte, error) { return l.Marshal(l.rollout.Encode) }

// UnmarshalBinary restores a learner of the same environment and settings.
func (l *learner) UnmarshalBinary(data []byte) error {
	return l.Unmarshal("ppo", data, l.rollout.Decode)
}
