package algos

import (
	"fmt"
	"math"

	"idsrl/envs"
	"idsrl/nets"
)

// Objective is the settings that policy gradient algorithms share. What they minimise is, with a policy loss of their own,
//
//	policy loss + c_v (V−R)² − c_H H
type Objective struct {
	Network Network `yaml:"network" usage:"the policy network"`

	LearningRate Schedule `yaml:"learning_rate" usage:"step size of Adam"`
	Gamma        float64  `yaml:"gamma" range:"[0, 1]" usage:"discount factor γ"`
	ValueCoef    float64  `yaml:"value_coef" range:"[0, inf)" usage:"weight of the value's loss, c_v"`
	EntropyCoef  Schedule `yaml:"entropy_coef" usage:"weight of the entropy, c_H"`
	ScaleRewards bool     `yaml:"scale_rewards" usage:"divide rewards by the deviation of the returns so far"`
	MaxGradNorm  float64  `yaml:"max_grad_norm" range:"[0, inf)" usage:"largest norm of a gradient; 0: any"`
}

// DefaultObjective is what the defaults of policy gradient algorithms share. The learning rate and the weight of the
// entropy begin as given and fall to 0 over the training.
func DefaultObjective(learningRate, entropyCoef float64) Objective {
	falling := func(start float64) Schedule { return Schedule{Start: start, End: 0, Over: 1, Shape: "linear"} }
	return Objective{
		Network:      DefaultNetwork(),
		LearningRate: falling(learningRate), EntropyCoef: falling(entropyCoef),
		Gamma: 0.999, ValueCoef: 0.5, ScaleRewards: true, MaxGradNorm: 0.5,
	}
}

// Validate has nothing to add to the ranges.
func (o *Objective) Validate() error { return nil }

// PolicyGradient is the part that policy gradient learners share: an Actor, the schedules, steps of Adam on a loss, and
// metrics. Learners embed it.
type PolicyGradient struct {
	*Actor
	Meter Meter

	objective         Objective
	rate, entropyCoef float64
	scale             *RewardScale // nil: rewards as they are
	step              step
}

// Quantities of the Meter.
const (
	policyLoss = iota
	valueLoss
	entropy
	approxKL
	clipFraction
	gradNorm
	explainedVariance
)

// NewPolicyGradient makes the shared part of a learner of a seat, for n environments.
func NewPolicyGradient(o Objective, seat envs.Seat, n int, seed uint64) (*PolicyGradient, error) {
	actor, err := NewActor(o.Network, seat, n, seed)
	if err != nil {
		return nil, err
	}
	p := &PolicyGradient{Actor: actor, objective: o, Meter: NewMeter(
		"loss/policy", "loss/value", "entropy", "approx_kl", "clip_fraction", "grad_norm", "explained_variance")}
	if o.ScaleRewards {
		p.scale = NewRewardScale(n, o.Gamma)
	}
	p.step.init(actor.Net, o.Network.Backend == "gorgonia" && !actor.Remembers())
	return p, nil
}

// Anneal follows the schedules.
func (p *PolicyGradient) Anneal(progress float64) {
	p.rate, p.entropyCoef = p.objective.LearningRate.At(progress), p.objective.EntropyCoef.At(progress)
}

// EntropyWeight is c_H now.
func (p *PolicyGradient) EntropyWeight() float64 { return p.entropyCoef }

// Rewards are those to learn from after a step: to be asked for once in every step.
func (p *PolicyGradient) Rewards(b *envs.Batch) []float64 {
	if p.scale == nil {
		return b.Reward
	}
	return p.scale.Scale(b)
}

// Step makes one step of Adam on the mean of a loss over the rows of m. The error is a *DivergedError.
func (p *PolicyGradient) Step(m Minibatch, loss Loss) (nets.LossMetrics, error) {
	metrics := p.step.gradient(m, loss)
	norm := p.Adam.Step(p.Net.Params(), p.Net.Grads(), p.rate, p.objective.MaxGradNorm)
	p.Meter.Add(policyLoss, metrics.Policy)
	p.Meter.Add(valueLoss, metrics.Value)
	p.Meter.Add(entropy, metrics.Entropy)
	p.Meter.Add(approxKL, metrics.ApproxKL)
	p.Meter.Add(clipFraction, metrics.ClipFraction)
	p.Meter.Add(gradNorm, norm)
	return metrics, CheckUpdate(p.Adam.Steps, p.rate, m.Return, metrics.Loss, norm)
}

// Explain notes how well values predicted what came.
func (p *PolicyGradient) Explain(values, returns []float64) {
	p.Meter.Add(explainedVariance, nets.ExplainedVariance(values, returns)) // NaN where all returns are equal
}

// Updates is the number of steps of Adam so far.
func (p *PolicyGradient) Updates() int { return p.Adam.Steps }

// Metrics names the values of Report.
func (p *PolicyGradient) Metrics() []string {
	return append(append([]string{"learning_rate"}, p.Meter.Names...), "updates")
}

// Report writes means over the updates since the last Report, and the number of all updates.
func (p *PolicyGradient) Report(dst []float64) {
	dst[0], dst[len(dst)-1] = p.rate, float64(p.Adam.Steps)
	p.Meter.Report(dst[1 : len(dst)-1])
}

const stateFormat = 2 // of Marshal

// Marshal is MarshalBinary for a learner that saves the rest of its state with more.
func (p *PolicyGradient) Marshal(more func(*Encoder)) ([]byte, error) {
	var e Encoder
	e.Int(stateFormat)
	p.Encode(&e)
	e.Float(p.rate)
	e.Float(p.entropyCoef)
	p.Meter.Encode(&e)
	if p.scale != nil {
		p.scale.Encode(&e)
	}
	more(&e)
	return e.Data, nil
}

// Unmarshal is UnmarshalBinary for a learner, named in errors, that restores the rest of its state with more.
func (p *PolicyGradient) Unmarshal(name string, data []byte, more func(*Decoder)) error {
	d := NewDecoder(data)
	d.Expect("format", stateFormat)
	p.Decode(d)
	p.rate, p.entropyCoef = d.Float(), d.Float()
	p.Meter.Decode(d)
	if p.scale != nil {
		p.scale.Decode(d)
	}
	more(d)
	if err := d.Close(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// DivergedError is the error of a training whose numbers went wrong.
type DivergedError struct {
	Update   int
	Quantity string
	Value    float64
	Cause    string // the likely one, and its cure
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("update %d: the %s is %v; %s", e.Update, e.Quantity, e.Value, e.Cause)
}

// CheckUpdate returns a *DivergedError if an update's numbers are not finite: what values were to be, the loss, or the norm
// of its gradient.
func CheckUpdate(update int, rate float64, targets []float64, loss, norm float64) error {
	finite := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	if finite(loss) && finite(norm) {
		return nil
	}
	tooFast := fmt.Sprintf("probably steps were too large: lower learning_rate (now %.3g) or max_grad_norm", rate)
	for _, x := range targets {
		if !finite(x) {
			return &DivergedError{update, "return", x, "either the environment's rewards are not finite, or " + tooFast}
		}
	}
	if !finite(loss) {
		return &DivergedError{update, "loss", loss, tooFast}
	}
	return &DivergedError{update, "norm of the gradient", norm, tooFast}
}
