package nets

import (
	"math"
	"math/bits"
)

// A categorical is a distribution over the legal ones of a list of actions. Illegal actions are left out before the
// softmax: whatever their logits are, they have probability 0, add nothing to entropies and get derivatives of exactly 0.
//
// With M the largest legal logit, z_j = logit_j − M, e_j = exp z_j and S = Σ e_j over legal j:
//
//	p_j = e_j / S,   log p_j = z_j − log S,   H = −Σ p_j log p_j = log S − Σ e_j z_j / S
type categorical[T Float] struct {
	e, z    []T // 0 where illegal
	legal   []bool
	sum     float64 // S
	logSum  float64
	entropy float64
	kernels *kernels[T]
}

// newCategoricals makes room for rows distributions over n actions; Set makes each one.
func newCategoricals[T Float](rows, n int) []categorical[T] {
	cs, memory := make([]categorical[T], rows), make([]T, 2*rows*n)
	for i := range cs {
		cs[i] = categorical[T]{e: memory[:n:n], z: memory[n : 2*n : 2*n], kernels: kernelsOf[T]()}
		memory = memory[2*n:]
	}
	return cs
}

// Set makes c the distribution of logits over the actions that are legal, of which there must be one, or it panics; if the
// legal logits are no numbers, as after a step that was too large, the uniform one. It keeps legal, not logits.
func (c *categorical[T]) Set(logits []T, legal []bool) {
	top, sum, sumEZ := c.kernels.softmax(c.e, c.z, logits, legal)
	if !(float64(top) > math.Inf(-1)) || math.IsNaN(float64(sum)) {
		sum, sumEZ = c.uniform(legal), 0
	}
	c.legal = legal
	c.sum = float64(sum)
	c.logSum = math.Log(c.sum)
	c.entropy = c.logSum - float64(sumEZ)/c.sum
}

// uniform makes the legal actions equally probable, which is all that logits that are no numbers can say, and returns how
// many they are.
func (c *categorical[T]) uniform(legal []bool) (count T) {
	for j, ok := range legal {
		c.e[j], c.z[j] = 0, 0
		if ok {
			c.e[j] = 1
			count++
		}
	}
	if count == 0 {
		panic("nets: no action is legal")
	}
	return count
}

// Sample returns the action at which the sum of probabilities passes u, which is uniform in [0, 1).
func (c *categorical[T]) Sample(u float64) int {
	left, last := u*c.sum, 0
	for j, e := range c.e {
		if e == 0 {
			continue
		}
		left -= float64(e)
		last = j
		if left < 0 {
			break
		}
	}
	return last // if rounding left something over, the last action with a probability
}

// Greedy returns the most probable action, the first one of several.
func (c *categorical[T]) Greedy() int { return ArgmaxLegal(c.z, c.legal) }

// LogProb is the logarithm of an action's probability, −∞ for an illegal one.
func (c *categorical[T]) LogProb(action int) float64 {
	if !c.legal[action] {
		return math.Inf(-1)
	}
	return float64(c.z[action]) - c.logSum
}

// Entropy is the entropy in nats.
func (c *categorical[T]) Entropy() float64 { return c.entropy }

// Grad writes the derivatives of a loss with respect to the logits, given those with respect to log p(action) and to
// the entropy:
//
//	∂L/∂logit_j = dLogProb (1[j = action] − p_j) − dEntropy p_j (log p_j + H)
func (c *categorical[T]) Grad(dlogits []T, action int, dLogProb, dEntropy float64) {
	// = e_j (a + b z_j), and dLogProb at the action
	a := (dEntropy*(c.logSum-c.entropy) - dLogProb) / c.sum
	b := -dEntropy / c.sum
	c.kernels.softmaxGrad(dlogits, c.e, c.z, T(a), T(b))
	dlogits[action] += T(dLogProb)
}

// ArgmaxLegal returns the first legal index with the largest value, −1 if none is legal. It takes entries by eights, since
// a branch on each of them is mispredicted too often where some of many are legal.
func ArgmaxLegal[T Float](values []T, legal []bool) int {
	best, from := -1, 0
	for ; from+8 <= len(legal); from += 8 {
		for set := pack((*[8]bool)(legal[from:])); set != 0; set &= set - 1 {
			if j := from + bits.TrailingZeros8(set); best < 0 || values[j] > values[best] {
				best = j
			}
		}
	}
	for j := from; j < len(legal); j++ {
		if legal[j] && (best < 0 || values[j] > values[best]) {
			best = j
		}
	}
	return best
}

// pack returns eight entries as bits, the first one lowest.
func pack(b *[8]bool) uint8 {
	return bit(b[0]) | bit(b[1])<<1 | bit(b[2])<<2 | bit(b[3])<<3 | bit(b[4])<<4 | bit(b[5])<<5 | bit(b[6])<<6 | bit(b[7])<<7
}

// bit is 1 if b is true; it compiles to no branch.
func bit(b bool) (one uint8) {
	if b {
		one = 1
	}
	return one
}

// mustAllow panics if an action that was taken is illegal: a mistake in our code.
func (c *categorical[T]) mustAllow(action int) {
	if !c.legal[action] {
		panic("nets: an action to evaluate is illegal; was its mask stored with it?")
	}
}
