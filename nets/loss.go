package nets

import "math"

// PPOConfig holds the coefficients of [PPOLoss].
type PPOConfig struct {
	Clip        float64 // ε: how far the probability ratio may move
	ValueClip   float64 // how far a value may move from its old one; 0: any distance
	ValueCoef   float64 // weight of the value's loss
	EntropyCoef float64 // weight of the entropy
}

// PPOBatch is what PPOLoss needs to know of each row, besides what the network says of it now.
type PPOBatch struct {
	OldLogProb []float64 // when the action was taken
	Advantage  []float64
	Return     []float64 // what the value should be
	OldValue   []float64 // when the action was taken; read only with ValueClip
	Rows       int       // of the whole batch that these are a part of; 0: these are all
}

// LossMetrics are means over a batch, or what some rows add to them.
type LossMetrics struct {
	Loss         float64 // Policy + ValueCoef·Value − EntropyCoef·Entropy
	Policy       float64
	Value        float64 // 0 without a loss of the value
	Entropy      float64
	ApproxKL     float64 // PPO's: of the old policy from the new one, mean((ρ−1) − log ρ) (Schulman 2020, "Approximating KL Divergence", k3)
	ClipFraction float64 // PPO's: of rows with |ρ−1| > Clip
}

// Add adds what other rows of the same batch add to its means.
func (m *LossMetrics) Add(part LossMetrics) {
	m.Loss += part.Loss
	m.Policy += part.Policy
	m.Value += part.Value
	m.Entropy += part.Entropy
	m.ApproxKL += part.ApproxKL
	m.ClipFraction += part.ClipFraction
}

// rowsOr is the number of rows that a mean is over.
func rowsOr(whole, part int) float64 {
	if whole == 0 {
		return float64(part)
	}
	return float64(whole)
}

// PPOLoss computes the loss of proximal policy optimization (Schulman et al. 2017, arXiv:1707.06347, equations 7 and 9)
// and writes its derivatives with respect to now to d. With ρ = exp(log π(a) − log π_old(a)), mean over rows:
//
//	−min(ρA, clip(ρ, 1−ε, 1+ε)A) + ValueCoef (V−R)² − EntropyCoef H
//
// With ValueClip c, (V−R)² becomes max((V−R)², (V_old + clip(V−V_old, −c, c) − R)²). Where both sides of a minimum or
// maximum are equal, the derivative is that of the unclipped one. The slices of d, now and b have the same length, one
// at least. Rows may be computed in parts: the results of the parts add up to those of the whole.
func PPOLoss(d, now PolicyOut, b PPOBatch, c PPOConfig) LossMetrics {
	var m LossMetrics
	n := rowsOr(b.Rows, len(now.LogProb))
	for i, logp := range now.LogProb {
		logRatio, adv := logp-b.OldLogProb[i], b.Advantage[i]
		ratio := math.Exp(logRatio)
		loose, tight := ratio*adv, clamp(ratio, 1-c.Clip, 1+c.Clip)*adv
		m.Policy -= min(loose, tight)
		d.LogProb[i] = 0
		if loose <= tight {
			d.LogProb[i] = -loose / n // dρ/dlog π = ρ
		}
		m.ApproxKL += ratio - 1 - logRatio
		if math.Abs(ratio-1) > c.Clip {
			m.ClipFraction++
		}

		var loss float64
		if c.ValueClip > 0 {
			loss, d.Value[i] = clippedSquare(now.Value[i], b.OldValue[i], b.Return[i], c.ValueClip)
		} else {
			loss, d.Value[i] = square(now.Value[i] - b.Return[i])
		}
		m.Value += loss
		d.Value[i] *= c.ValueCoef / n

		m.Entropy += now.Entropy[i]
		d.Entropy[i] = -c.EntropyCoef / n
	}
	m.Policy /= n
	m.Value /= n
	m.Entropy /= n
	m.ApproxKL /= n
	m.ClipFraction /= n
	m.Loss = m.Policy + c.ValueCoef*m.Value - c.EntropyCoef*m.Entropy
	return m
}

func clamp(x, lo, hi float64) float64 { return max(lo, min(x, hi)) }

// square returns x² and its derivative.
func square(x float64) (y, dy float64) { return x * x, 2 * x }

// clippedSquare is the value loss of PPO with clipping, and its derivative with respect to value.
func clippedSquare(value, old, target, clip float64) (loss, dvalue float64) {
	loss, dvalue = square(value - target)
	near, _ := square(old + clamp(value-old, -clip, clip) - target)
	if near > loss { // only where the clip holds the value fast
		return near, 0
	}
	return loss, dvalue
}

// PolicyGradientConfig holds the coefficients of [PolicyGradientLoss].
type PolicyGradientConfig struct {
	ValueCoef   float64 // weight of the value's loss
	EntropyCoef float64 // weight of the entropy
}

// PolicyGradientBatch is what PolicyGradientLoss needs to know of each row.
type PolicyGradientBatch struct {
	Advantage []float64 // or the return less a baseline
	Return    []float64 // what the value should be; read only with ValueCoef
	Rows      int       // as in PPOBatch
}

// PolicyGradientLoss computes the loss of REINFORCE (Williams 1992) and of the advantage actor-critic (Mnih et al. 2016,
// arXiv:1602.01783, section 4) and writes its derivatives with respect to now to d. Mean over rows:
//
//	−A log π(a) + ValueCoef (V−R)² − EntropyCoef H
//
// The slices of d, now and b have the same length, one at least.
func PolicyGradientLoss(d, now PolicyOut, b PolicyGradientBatch, c PolicyGradientConfig) LossMetrics {
	var m LossMetrics
	n := rowsOr(b.Rows, len(now.LogProb))
	for i, logp := range now.LogProb {
		m.Policy -= b.Advantage[i] * logp
		d.LogProb[i] = -b.Advantage[i] / n

		d.Value[i] = 0
		if c.ValueCoef != 0 {
			loss, dvalue := square(now.Value[i] - b.Return[i])
			m.Value += loss
			d.Value[i] = c.ValueCoef * dvalue / n
		}

		m.Entropy += now.Entropy[i]
		d.Entropy[i] = -c.EntropyCoef / n
	}
	m.Policy /= n
	m.Value /= n
	m.Entropy /= n
	m.Loss = m.Policy + c.ValueCoef*m.Value - c.EntropyCoef*m.Entropy
	return m
}

// QBatch is what [QLoss] needs to know of each row.
type QBatch struct {
	Action []int
	Target []float64 // what Q of the action should be
	Weight []float64 // importance weights; nil: all 1
}

// QLoss computes the loss of deep Q-learning (Mnih et al. 2015, doi:10.1038/nature14236) for q [n x actions] and writes
// its derivatives to dq [n x actions], 0 for actions not taken, and the errors δ = Target − Q(action) to td [n]. With
// weights w, mean over rows:
//
//	w δ²/2 where |δ| ≤ huber,   w huber (|δ| − huber/2) elsewhere
//
// A huber of 0 means δ²/2 everywhere.
func QLoss[T Float](dq []T, td []float64, q []T, b QBatch, huber float64) (loss float64) {
	if huber == 0 {
		huber = math.Inf(1)
	}
	n, width := len(b.Action), len(q)/len(b.Action)
	clear(dq)
	for i, action := range b.Action {
		taken := i*width + action
		delta, w := b.Target[i]-float64(q[taken]), 1/float64(n)
		if b.Weight != nil {
			w *= b.Weight[i]
		}
		if size := math.Abs(delta); size <= huber {
			loss += w * delta * delta / 2
		} else {
			loss += w * huber * (size - huber/2)
		}
		td[i] = delta
		dq[taken] = T(-w * clamp(delta, -huber, huber))
	}
	return loss
}

// ExplainedVariance is 1 − Var(returns − values) / Var(returns): 1 for perfect values, 0 for any constant. It is NaN if
// all returns are the same.
func ExplainedVariance(values, returns []float64) float64 {
	var sumR, sumR2, sumE, sumE2 float64
	n := float64(len(returns))
	for i, r := range returns {
		e := r - values[i]
		sumR += r
		sumE += e
	}
	for i, r := range returns {
		dr, de := r-sumR/n, r-values[i]-sumE/n
		sumR2 += dr * dr
		sumE2 += de * de
	}
	if sumR2 == 0 {
		return math.NaN()
	}
	return 1 - sumE2/sumR2
}
