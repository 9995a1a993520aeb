package algos

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// ReplayConfig describes a Replay.
type ReplayConfig struct {
	Size            int     // transitions that it holds
	Envs            int     // environments that it hears of
	ObsLen, Actions int     // of an observation and of a mask of legal actions
	Steps           int     // n, that a transition spans
	Gamma           float64 // discount factor γ
	Prioritized     bool
	Alpha           float64 // exponent of priorities
}

// Transitions are rows of what an off-policy learner learns from. Row i spans m steps, from s_t to s' = s_{t+m}:
//
//	Return = r_t + γ r_{t+1} + … + γ^{m−1} r_{t+m−1},   Discount = γ^m, or 0 if s' is terminal
//
// so that a target is Return + Discount · max Q(s', ·). Nothing may be read from Next and Legal where Discount is 0.
type Transitions struct {
	Obs      []float32 // [n x ObsLen], s_t
	Action   []int     // [n], a_t
	Return   []float64 // [n]
	Discount []float64 // [n]
	Next     []float32 // [n x ObsLen], s'
	Legal    []bool    // [n x Actions], in s'
}

func newTransitions(n, obsLen, actions int) Transitions {
	return Transitions{
		Obs: make([]float32, n*obsLen), Action: make([]int, n),
		Return: make([]float64, n), Discount: make([]float64, n),
		Next: make([]float32, n*obsLen), Legal: make([]bool, n*actions),
	}
}

// ReplayBatch is room for transitions that Sample draws.
type ReplayBatch struct {
	Transitions
	Index  []int     // where they stand in the Replay
	Weight []float64 // importance weights, 1 without prioritization
}

// Step is one step of one environment, as Add hears of it. Next and Legal are of the state after it: of the last state
// of the episode, where it is over.
type Step struct {
	Obs                   []float32
	Action                int
	Reward                float64
	Next                  []float32
	Legal                 []bool
	Terminated, Truncated bool
}

// Replay is a memory of the latest transitions of some environments (Lin 1992, doi:10.1007/BF00992699). A transition
// spans n steps; at the end of an episode it spans what is left of it, so that none reaches into the next. It goes on
// from the last state of a truncated episode, and not from a terminal state.
//
// Batches are drawn with replacement: uniformly, or in proportion to priorities (Schaul et al. 2016, arXiv:1511.05952,
// section 3.3), with importance weights that correct for it to the degree β:
//
//	P(i) = p_i^α / Σ_j p_j^α,   p_i = |δ_i| + 1e-6,   w_i = (len · P(i))^−β / max_j w_j
//
// δ_i is the error when i was last drawn; one that never was has the largest p^α so far. As in the paper, draw k of n
// falls into the k-th of n equal parts of the sum. The maximum is over the batch.
//
// It holds observations as it gets them. Nothing allocates after NewReplay.
type Replay struct {
	cfg    ReplayConfig
	powers []float64 // γ^k for k = 0..n

	rows   Transitions // [Size]
	length int         // rows in use
	head   int         // row that the next transition takes

	// Steps whose transition is not complete. Environment i has waiting[i] < n of them, in the order of time, in the rows
	// from i·n on: the j-th has been heard of waiting[i]−j times.
	open    Transitions // [Envs x n], without Discount, Next and Legal
	waiting []int       // [Envs]

	tree sumTree // p^α by row, if prioritized
	top  float64 // the largest p^α so far
}

const (
	leastError  = 1e-6  // what is added to |δ|, so that nothing is never drawn again
	maxPriority = 1e100 // of p^α, so that sums are finite even if errors are not
)

// NewReplay makes room for everything. It panics if the sizes are not positive.
func NewReplay(c ReplayConfig) *Replay {
	if min(c.Size, c.Envs, c.ObsLen, c.Actions, c.Steps) < 1 {
		panic(fmt.Sprintf("algos: replay memory of %+v", c))
	}
	r := &Replay{
		cfg: c, powers: make([]float64, c.Steps+1),
		rows: newTransitions(c.Size, c.ObsLen, c.Actions),
		open: newTransitions(c.Envs*c.Steps, c.ObsLen, 0), waiting: make([]int, c.Envs),
	}
	for k := range r.powers {
		r.powers[k] = math.Pow(c.Gamma, float64(k))
	}
	if c.Prioritized {
		r.tree, r.top = newSumTree(c.Size), 1
	}
	return r
}

// NewBatch makes room for n transitions.
func (r *Replay) NewBatch(n int) *ReplayBatch {
	b := &ReplayBatch{
		Transitions: newTransitions(n, r.cfg.ObsLen, r.cfg.Actions),
		Index:       make([]int, n), Weight: make([]float64, n),
	}
	for i := range b.Weight {
		b.Weight[i] = 1
	}
	return b
}

// Len is how many transitions there are.
func (r *Replay) Len() int { return r.length }

// Add hears of the next step of an environment.
func (r *Replay) Add(env int, s Step) {
	n, first := r.cfg.Steps, env*r.cfg.Steps
	last := r.waiting[env]
	copy(r.open.Obs[(first+last)*r.cfg.ObsLen:], s.Obs)
	r.open.Action[first+last], r.open.Return[first+last] = s.Action, 0
	for j := range last + 1 {
		r.open.Return[first+j] += r.powers[last-j] * s.Reward
	}
	r.waiting[env]++
	switch {
	case s.Terminated || s.Truncated:
		for j := range last + 1 {
			discount := r.powers[last+1-j]
			if s.Terminated {
				discount = 0
			}
			r.complete(first+j, discount, s.Next, s.Legal)
		}
		r.waiting[env] = 0
	case last+1 == n:
		r.complete(first, r.powers[n], s.Next, s.Legal)
		copy(r.open.Obs[first*r.cfg.ObsLen:], r.open.Obs[(first+1)*r.cfg.ObsLen:(first+n)*r.cfg.ObsLen])
		copy(r.open.Action[first:], r.open.Action[first+1:first+n])
		copy(r.open.Return[first:], r.open.Return[first+1:first+n])
		r.waiting[env]--
	}
}

// complete moves an open row to the memory, in place of the oldest one there if it is full.
func (r *Replay) complete(open int, discount float64, next []float32, legal []bool) {
	row, width := r.head, r.cfg.ObsLen
	copy(r.rows.Obs[row*width:(row+1)*width], r.open.Obs[open*width:])
	copy(r.rows.Next[row*width:(row+1)*width], next)
	copy(r.rows.Legal[row*r.cfg.Actions:(row+1)*r.cfg.Actions], legal)
	r.rows.Action[row], r.rows.Return[row], r.rows.Discount[row] = r.open.Action[open], r.open.Return[open], discount
	if r.cfg.Prioritized {
		r.tree.set(row, r.top)
	}
	r.head = (row + 1) % r.cfg.Size
	r.length = max(r.length, row+1)
}

// Sample draws as many transitions as b has room for. There must be some. Without prioritization, beta plays no part.
func (r *Replay) Sample(b *ReplayBatch, beta float64, rng *rand.Rand) {
	if r.cfg.Prioritized {
		r.draw(b, beta, rng)
	} else {
		for i := range b.Index {
			b.Index[i] = rng.IntN(r.length)
		}
	}
	width, actions := r.cfg.ObsLen, r.cfg.Actions
	for i, row := range b.Index {
		copy(b.Obs[i*width:(i+1)*width], r.rows.Obs[row*width:])
		copy(b.Next[i*width:(i+1)*width], r.rows.Next[row*width:])
		copy(b.Legal[i*actions:(i+1)*actions], r.rows.Legal[row*actions:])
		b.Action[i], b.Return[i], b.Discount[i] = r.rows.Action[row], r.rows.Return[row], r.rows.Discount[row]
	}
}

// draw chooses rows by priority and writes their weights.
func (r *Replay) draw(b *ReplayBatch, beta float64, rng *rand.Rand) {
	total, largest := r.tree.total(), 0.0
	part := total / float64(len(b.Index))
	for i := range b.Index {
		row := r.tree.find((float64(i) + rng.Float64()) * part)
		b.Index[i] = row
		b.Weight[i] = math.Pow(float64(r.length)*r.tree.at(row)/total, -beta)
		largest = max(largest, b.Weight[i])
	}
	for i := range b.Weight {
		b.Weight[i] /= largest
	}
}

// Prioritize tells the errors δ of transitions that were drawn. Without prioritization it does nothing.
func (r *Replay) Prioritize(index []int, delta []float64) {
	if !r.cfg.Prioritized {
		return
	}
	for i, row := range index {
		p := math.Pow(math.Abs(delta[i])+leastError, r.cfg.Alpha)
		if !(p <= maxPriority) { // an error may be infinite or not a number
			p = maxPriority
		}
		r.tree.set(row, p)
		r.top = max(r.top, p)
	}
}

// Encode saves what the memory holds.
func (r *Replay) Encode(e *Encoder) {
	n, width := r.length, r.cfg.ObsLen
	e.Int(r.head)
	e.Ints(r.rows.Action[:n])
	e.Floats(r.rows.Return[:n])
	e.Floats(r.rows.Discount[:n])
	e.Float32s(r.rows.Obs[:n*width])
	e.Float32s(r.rows.Next[:n*width])
	e.Bools(r.rows.Legal[:n*r.cfg.Actions])
	e.Ints(r.waiting)
	for env, waiting := range r.waiting {
		from, to := env*r.cfg.Steps, env*r.cfg.Steps+waiting
		e.Ints(r.open.Action[from:to])
		e.Floats(r.open.Return[from:to])
		e.Float32s(r.open.Obs[from*width : to*width])
	}
	if r.cfg.Prioritized {
		e.Floats(r.tree.leaves(n))
		e.Float(r.top)
	}
}

// Decode returns a memory like r with what Encode saved. What is wrong with it, the Decoder says; r is as it was.
func (r *Replay) Decode(d *Decoder) *Replay {
	c, width := r.cfg, r.cfg.ObsLen
	restored := NewReplay(c)
	head, actions := d.Int(), d.Ints()
	n := len(actions)
	if n > c.Size || head < 0 || head >= c.Size || n < c.Size && head != n {
		d.Fail("%d transitions in a memory of %d, the next one at %d", n, c.Size, head)
		return restored
	}
	restored.length, restored.head = n, head
	rows, open := &restored.rows, &restored.open
	fill(d, rows.Action[:n], actions)
	fill(d, rows.Return[:n], d.Floats())
	fill(d, rows.Discount[:n], d.Floats())
	fill(d, rows.Obs[:n*width], d.Float32s())
	fill(d, rows.Next[:n*width], d.Float32s())
	fill(d, rows.Legal[:n*c.Actions], d.Bools())
	fill(d, restored.waiting, d.Ints())
	for env, waiting := range restored.waiting {
		if waiting < 0 || waiting >= c.Steps {
			d.Fail("%d steps of a transition of %d", waiting, c.Steps)
			return restored
		}
		from, to := env*c.Steps, env*c.Steps+waiting
		fill(d, open.Action[from:to], d.Ints())
		fill(d, open.Return[from:to], d.Floats())
		fill(d, open.Obs[from*width:to*width], d.Float32s())
	}
	restored.checkRows(d)
	if c.Prioritized {
		restored.decodePriorities(d)
	}
	return restored
}

// checkRows tells d what no transition can hold.
func (r *Replay) checkRows(d *Decoder) {
	actions := r.cfg.Actions
	for _, a := range slices.Concat(r.rows.Action, r.open.Action) {
		if a < 0 || a >= actions {
			d.Fail("action %d of %d", a, actions)
		}
	}
	for i, discount := range r.rows.Discount[:r.length] {
		if !(0 <= discount && discount <= 1) {
			d.Fail("discount factor %v", discount)
		}
		if discount > 0 && !slices.Contains(r.rows.Legal[i*actions:(i+1)*actions], true) {
			d.Fail("a state without legal actions")
		}
	}
}

// decodePriorities fills the tree.
func (r *Replay) decodePriorities(d *Decoder) {
	leaves := make([]float64, r.length)
	fill(d, leaves, d.Floats())
	r.top = d.Float()
	for i, p := range append(leaves, r.top) {
		if !(0 < p && p <= maxPriority) {
			d.Fail("priority %v", p)
			return
		}
		if i < r.length {
			r.tree.set(i, p)
		}
	}
}

// sumTree holds a number for each leaf and finds a leaf by its share of the sum, in time that grows with the logarithm
// of their count. An inner node is the sum of its children, computed anew whenever one changes and not by differences:
// equal leaves make equal trees, to the last bit.
type sumTree struct {
	first int       // node of leaf 0, a power of 2; nodes 2i and 2i+1 are the children of i, node 1 is the root
	node  []float64 // [2 first]
}

func newSumTree(leaves int) sumTree {
	first := 1 << bits.Len(uint(leaves-1))
	return sumTree{first, make([]float64, 2*first)}
}

func (t *sumTree) total() float64 { return t.node[1] }

func (t *sumTree) at(leaf int) float64 { return t.node[t.first+leaf] }

func (t *sumTree) leaves(n int) []float64 { return t.node[t.first : t.first+n] }

func (t *sumTree) set(leaf int, x float64) {
	i := t.first + leaf
	t.node[i] = x
	for i /= 2; i > 0; i /= 2 {
		t.node[i] = t.node[2*i] + t.node[2*i+1]
	}
}

// find is the leaf at which the sum of leaves passes u, one that is not 0 whatever rounding has done to u.
func (t *sumTree) find(u float64) int {
	i := 1
	for i < t.first {
		i *= 2
		if left := t.node[i]; u >= left && t.node[i+1] > 0 {
			u -= left
			i++
		}
	}
	return i - t.first
}
