package algos

import (
	"math"

	"idsrl/envs"
	"idsrl/nets"
)

// Rollout is what an on-policy learner remembers: Horizon steps of N environments. Step t of environment i is row
// i*Horizon+t of every slice, so that an environment's steps are consecutive.
type Rollout struct {
	N, Horizon, ObsLen, Actions int

	Steps     int       // stored so far, of each environment
	Obs       []float32 // [N*Horizon x ObsLen], what the network saw
	Legal     []bool    // [N*Horizon x Actions]
	Action    []int
	LogProb   []float64
	Value     []float64
	Reward    []float64
	Next      []float64 // value of the next state: 0 after a terminal step
	Done      []bool    // the episode ends with this step
	First     []bool    // the step is the first of the rollout, or of an episode
	Advantage []float64
	Return    []float64
}

// NewRollout makes room.
func NewRollout(n, horizon, obsLen, actions int) *Rollout {
	rows := n * horizon
	return &Rollout{
		N: n, Horizon: horizon, ObsLen: obsLen, Actions: actions,
		Obs: make([]float32, rows*obsLen), Legal: make([]bool, rows*actions), Action: make([]int, rows),
		LogProb: make([]float64, rows), Value: make([]float64, rows), Reward: make([]float64, rows),
		Next: make([]float64, rows), Done: make([]bool, rows), First: make([]bool, rows),
		Advantage: make([]float64, rows), Return: make([]float64, rows),
	}
}

// Act stores what every environment's policy saw and chose: obs [N x ObsLen], legal [N x Actions].
func (r *Rollout) Act(obs []float32, legal []bool, actions []int, out nets.PolicyOut) {
	for i, a := range actions {
		row := i*r.Horizon + r.Steps
		copy(r.Obs[row*r.ObsLen:(row+1)*r.ObsLen], obs[i*r.ObsLen:])
		copy(r.Legal[row*r.Actions:(row+1)*r.Actions], legal[i*r.Actions:])
		r.Action[row], r.LogProb[row], r.Value[row] = a, out.LogProb[i], out.Value[i]
		if r.Steps > 0 && !r.Done[row-1] {
			r.Next[row-1] = out.Value[i]
		}
	}
}

// Learn stores what the actions brought: rewards [N], scaled or as in b. last gives the value of environment i's last
// observation, for truncated ones.
func (r *Rollout) Learn(b *envs.Batch, rewards []float64, last func(i int) float64) {
	for i := range r.N {
		row := i*r.Horizon + r.Steps
		r.Reward[row], r.Done[row], r.Next[row] = rewards[i], b.Terminated[i] || b.Truncated[i], 0
		if b.Truncated[i] && !b.Terminated[i] {
			r.Next[row] = last(i)
		}
	}
	r.Steps++
}

// Full reports whether there is no room for another step.
func (r *Rollout) Full() bool { return r.Steps == r.Horizon }

// Finish computes advantages, returns and where sequences begin in a full rollout, given the values of what the
// environments show now, and makes room for the next.
func (r *Rollout) Finish(now []float64, gamma, lambda float64) {
	for i := range r.N {
		from, to := i*r.Horizon, (i+1)*r.Horizon
		if !r.Done[to-1] {
			r.Next[to-1] = now[i]
		}
		r.First[from] = true
		copy(r.First[from+1:to], r.Done[from:])
		GAE(r.Advantage[from:to], r.Return[from:to], r.Reward[from:to], r.Value[from:to], r.Next[from:to],
			r.Done[from:to], gamma, lambda)
	}
	r.Steps = 0
}

// Whiten shifts and scales xs to mean 0 and standard deviation 1; xs that do not vary become 0.
func Whiten(xs []float64) {
	mean, squares := 0.0, 0.0
	for _, x := range xs {
		mean += x / float64(len(xs))
	}
	for _, x := range xs {
		squares += (x - mean) * (x - mean)
	}
	deviation := math.Sqrt(squares / float64(len(xs)))
	for i := range xs {
		xs[i] = (xs[i] - mean) / (deviation + 1e-8)
	}
}

// Minibatch is rows of experience to learn from. What an algorithm has no use for is nil.
type Minibatch struct {
	Obs                               []float32 // [n x ObsLen]
	Legal                             []bool    // [n x Actions]
	Action                            []int     // [n], and so the rest
	First                             []bool    // a sequence begins with this row; others go on from the row before
	LogProb, Value, Advantage, Return []float64
}

// NewMinibatch makes room for so many rows of r.
func NewMinibatch(r *Rollout, rows int) *Minibatch {
	return &Minibatch{
		Obs: make([]float32, rows*r.ObsLen), Legal: make([]bool, rows*r.Actions), Action: make([]int, rows),
		First: make([]bool, rows), LogProb: make([]float64, rows), Value: make([]float64, rows),
		Advantage: make([]float64, rows), Return: make([]float64, rows),
	}
}

// Gather copies segments of a finished rollout to the first rows of m and returns these. Segment k is rows k*length to
// (k+1)*length; with a length of 1, any rows, and with r.Horizon, all steps of an environment.
func (m *Minibatch) Gather(r *Rollout, segments []int, length int) Minibatch {
	return Minibatch{
		gather(m.Obs, r.Obs, segments, length*r.ObsLen), gather(m.Legal, r.Legal, segments, length*r.Actions),
		gather(m.Action, r.Action, segments, length), gather(m.First, r.First, segments, length),
		gather(m.LogProb, r.LogProb, segments, length), gather(m.Value, r.Value, segments, length),
		gather(m.Advantage, r.Advantage, segments, length), gather(m.Return, r.Return, segments, length),
	}
}

// gather copies segments of src, each of size elements, to dst one after the other.
func gather[T any](dst, src []T, segments []int, size int) []T {
	for i, k := range segments {
		copy(dst[i*size:(i+1)*size], src[k*size:])
	}
	return dst[:len(segments)*size]
}

// slice returns rows [from, to).
func (m Minibatch) slice(from, to int) Minibatch {
	n := len(m.Action)
	return Minibatch{
		rowsOf(m.Obs, n, from, to), rowsOf(m.Legal, n, from, to), m.Action[from:to], rowsOf(m.First, n, from, to),
		rowsOf(m.LogProb, n, from, to), rowsOf(m.Value, n, from, to), rowsOf(m.Advantage, n, from, to),
		rowsOf(m.Return, n, from, to),
	}
}

// rowsOf is rows [from, to) of n rows; nil if there are none.
func rowsOf[T any](xs []T, n, from, to int) []T {
	width := len(xs) / n
	return xs[from*width : to*width]
}

// All is all rows of a finished rollout, not copied.
func (r *Rollout) All() Minibatch {
	return Minibatch{r.Obs, r.Legal, r.Action, r.First, r.LogProb, r.Value, r.Advantage, r.Return}
}

// Encode saves what is stored.
func (r *Rollout) Encode(e *Encoder) {
	e.Int(r.Steps)
	e.Float32s(r.Obs)
	e.Bools(r.Legal)
	e.Ints(r.Action)
	for _, xs := range [][]float64{r.LogProb, r.Value, r.Reward, r.Next} {
		e.Floats(xs)
	}
	e.Bools(r.Done)
}

// Decode restores what Encode saved, from a rollout of the same dimensions.
func (r *Rollout) Decode(d *Decoder) {
	r.Steps = d.Int()
	if r.Steps < 0 || r.Steps >= r.Horizon {
		d.Fail("%d steps in a rollout of %d", r.Steps, r.Horizon)
		r.Steps = 0
	}
	fill(d, r.Obs, d.Float32s())
	fill(d, r.Legal, d.Bools())
	fill(d, r.Action, d.Ints())
	for _, xs := range [][]float64{r.LogProb, r.Value, r.Reward, r.Next} {
		fill(d, xs, d.Floats())
	}
	fill(d, r.Done, d.Bools())
	for row, a := range r.Action {
		// What is not stored yet in this round may be left over from the last one, or blank.
		if a < 0 || a >= r.Actions || row%r.Horizon < r.Steps && !r.Legal[row*r.Actions+a] {
			d.Fail("action %d of %d was not legal", a, r.Actions)
			return
		}
	}
}

// fill copies what was read into a slice of the same length.
func fill[T any](d *Decoder, dst, read []T) {
	if len(dst) != len(read) {
		d.Fail("%d entries, not %d", len(read), len(dst))
		return
	}
	copy(dst, read)
}
