// Package reinforce is REINFORCE with a baseline (Williams 1992, doi:10.1007/BF00992696) for one seat of a game. After
// every batch of episodes it makes one step of Adam on the mean over their steps of
//
//	−(G_t − b) log π(a_t|s_t) + c_v (V(s_t) − G_t)² − c_H H,   G_t = r_t + γ G_{t+1}
//
// where the baseline b is the mean of all G of the batch, or the value V(s_t) that the network gave the state. The Python
// original whitens the returns within each episode instead, which takes away whether the episode was won.
//
// Only whole episodes under one policy are learnt from. A batch is the first episodes that begin after an update, however
// long they are: the first ones to end would be the shortest. What begins later is played and not learnt from. An episode
// that is cut short counts with the rewards it got.
package reinforce

import (
	"slices"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

// Config holds the hyperparameters.
type Config struct {
	algos.Objective

	Episodes int    `yaml:"episodes_per_update" range:"[1, 1000000]" usage:"whole episodes in an update"`
	Baseline string `yaml:"baseline" choice:"batch|value" usage:"what is taken off the returns: their mean over the batch, or a learnt value of the state; value_coef is for the latter"`
	Whiten   bool   `yaml:"whiten" usage:"divide what is left of the returns by its deviation over the batch"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "reinforce", About: "REINFORCE with a baseline", Budget: algos.Budget{Steps: 1_500_000}, Envs: 16, Turn: 16,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults learn versions 0 to 3 of idsgame; algos/README.md says how well.
func Defaults() *Config {
	return &Config{
		Objective: algos.DefaultObjective(2e-3, 0.4),
		Episodes:  64, Baseline: "value",
	}
}

// NewLearner makes a learner of a seat.
func (c *Config) NewLearner(spec *envs.Spec, seat, n int, seed uint64) (algos.Learner, error) {
	s := spec.Seats[seat]
	shared, err := algos.NewPolicyGradient(c.Objective, s, n, seed)
	if err != nil {
		return nil, err
	}
	l := &learner{PolicyGradient: shared, cfg: *c, running: make([]episode, n), part: make([]int, n)}
	l.loss = l.lossOf
	l.batch.obsLen, l.batch.actions = l.Width(), s.Actions.N
	for i := range l.running {
		l.running[i].obsLen, l.running[i].actions = l.Width(), s.Actions.N
	}
	return l, nil
}

// episode is steps of one episode, or of several one after the other.
type episode struct {
	obsLen, actions int
	obs             []float32
	legal           []bool
	action          []int
	first           []bool // the episode begins with this step
	value           []float64
	reward          []float64 // in a batch: the return from this step on
}

func (e *episode) reset() {
	e.obs, e.legal, e.action, e.first = e.obs[:0], e.legal[:0], e.action[:0], e.first[:0]
	e.value, e.reward = e.value[:0], e.reward[:0]
}

// What part an environment's running episode has in the batch.
const (
	begins = iota // its first step comes next
	counts
	late // it began when the batch had all of its episodes, or before the last update
)

type learner struct {
	*algos.PolicyGradient
	cfg     Config
	running []episode // by environment; empty unless it counts
	part    []int     // by environment
	batch   episode   // the finished ones
	begun   int       // episodes of the batch, running and finished
	ended   int       // finished ones

	advantage []float64
	loss      algos.Loss
}

// Act samples, and keeps what the policy saw in episodes that count.
func (l *learner) Act(b *envs.Batch, actions []int) {
	obs, out := l.Sample(b, actions)
	for i, a := range actions {
		if l.part[i] == begins {
			l.part[i] = late
			if l.begun < l.cfg.Episodes {
				l.begun++
				l.part[i] = counts
			}
		}
		if l.part[i] == counts {
			e := &l.running[i]
			e.obs = append(e.obs, obs[i*e.obsLen:(i+1)*e.obsLen]...)
			e.legal = append(e.legal, b.Legal[i*b.Actions:(i+1)*b.Actions]...)
			e.first = append(e.first, len(e.action) == 0)
			e.action, e.value = append(e.action, a), append(e.value, out.Value[i])
		}
	}
}

// Learn collects episodes and updates when the batch is complete.
func (l *learner) Learn(b *envs.Batch, _ []int) error {
	for i, reward := range l.Rewards(b) {
		e := &l.running[i]
		if l.part[i] == counts {
			e.reward = append(e.reward, reward)
		}
		if b.Terminated[i] || b.Truncated[i] {
			if l.part[i] == counts {
				l.collect(e)
			}
			l.part[i] = begins
		}
	}
	if l.ended < l.cfg.Episodes {
		return nil
	}
	return l.update()
}

// collect moves a finished episode to the batch, its rewards turned into returns.
func (l *learner) collect(e *episode) {
	for t := len(e.reward) - 2; t >= 0; t-- {
		e.reward[t] += l.cfg.Gamma * e.reward[t+1]
	}
	l.batch.obs = append(l.batch.obs, e.obs...)
	l.batch.legal = append(l.batch.legal, e.legal...)
	l.batch.action = append(l.batch.action, e.action...)
	l.batch.first = append(l.batch.first, e.first...)
	l.batch.value = append(l.batch.value, e.value...)
	l.batch.reward = append(l.batch.reward, e.reward...)
	l.ended++
	e.reset()
}

// update makes a step with the batch and begins the next.
func (l *learner) update() error {
	b := &l.batch
	l.advantage = slices.Grow(l.advantage[:0], len(b.reward))[:len(b.reward)]
	mean := 0.0
	for _, g := range b.reward {
		mean += g / float64(len(b.reward))
	}
	for t, g := range b.reward {
		l.advantage[t] = g - mean
		if l.cfg.Baseline == "value" {
			l.advantage[t] = g - b.value[t]
		}
	}
	if l.cfg.Whiten {
		algos.Whiten(l.advantage)
	}
	l.Explain(b.value, b.reward)
	_, err := l.Step(algos.Minibatch{
		Obs: b.obs, Legal: b.legal, Action: b.action, First: b.first, Advantage: l.advantage, Return: b.reward,
	}, l.loss)

	b.reset()
	l.begun, l.ended = 0, 0
	for i, part := range l.part {
		if part != begins {
			l.part[i] = late
		}
	}
	return err
}

// lossOf is an algos.Loss.
func (l *learner) lossOf(d, now nets.PolicyOut, rows algos.Minibatch, n int) nets.LossMetrics {
	c := nets.PolicyGradientConfig{EntropyCoef: l.EntropyWeight()}
	if l.cfg.Baseline == "value" {
		c.ValueCoef = l.cfg.ValueCoef
	}
	return nets.PolicyGradientLoss(d, now,
		nets.PolicyGradientBatch{Advantage: rows.Advantage, Return: rows.Return, Rows: n}, c)
}

func (e *episode) encode(to *algos.Encoder) {
	to.Float32s(e.obs)
	to.Bools(e.legal)
	to.Ints(e.action)
	to.Bools(e.first)
	to.Floats(e.value)
	to.Floats(e.reward)
}

func (e *episode) decode(d *algos.Decoder) {
	e.obs, e.legal, e.action, e.first = d.Float32s(), d.Bools(), d.Ints(), d.Bools()
	e.value, e.reward = d.Floats(), d.Floats()
	n := len(e.action)
	if len(e.first) != n || len(e.value) != n || len(e.reward) != n || len(e.obs) != n*e.obsLen ||
		len(e.legal) != n*e.actions {
		d.Fail("an episode of %d steps with parts of other lengths", n)
		return
	}
	for t, a := range e.action {
		if a < 0 || a >= e.actions || !e.legal[t*e.actions+a] {
			d.Fail("action %d of %d was not legal", a, e.actions)
			return
		}
	}
}

// MarshalBinary saves all episodes that are not learnt from yet besides what is shared.
func (l *learner) MarshalBinary() ([]byte, error) {
	return l.Marshal(func(e *algos.Encoder) {
		e.Int(l.ended)
		e.Ints(l.part)
		l.batch.encode(e)
		for i := range l.running {
			l.running[i].encode(e)
		}
	})
}

// UnmarshalBinary restores a learner of the same environment and settings.
func (l *learner) UnmarshalBinary(data []byte) error {
	return l.Unmarshal("reinforce", data, func(d *algos.Decoder) {
		l.ended = d.Int()
		part := d.Ints()
		if len(part) != len(l.part) {
			d.Fail("%d environments, not %d", len(part), len(l.part))
			return
		}
		copy(l.part, part)
		l.batch.decode(d)
		l.begun = l.ended
		for i, part := range l.part {
			l.running[i].decode(d)
			if steps := len(l.running[i].action); part < begins || part > late || (part == counts) != (steps > 0) {
				d.Fail("%d steps of an episode of part %d", steps, part)
			}
			if part == counts {
				l.begun++
			}
		}
		// A full batch has been learnt from, and every episode has a step.
		n := len(l.batch.action)
		if l.ended < 0 || l.ended >= l.cfg.Episodes || l.begun > l.cfg.Episodes || l.ended > n || l.ended == 0 && n > 0 {
			d.Fail("%d steps of %d episodes, of %d in a batch", n, l.ended, l.cfg.Episodes)
		}
	})
}
