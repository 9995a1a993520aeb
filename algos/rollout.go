package algos

import (
	"fmt"
	"math"

	"idsrl/envs"
	"idsrl/nets"
)

// Rollout is what an on-policy learner remembers: Horizon steps of N environments. Step t of environment i is row
// i*Horizon+t of every slice, so that an environment's steps are consecutive.
type Rollout struct {
	N, Horizon, ObsLen, Actions int

	Steps     int       // stored so far, of each environment
	Obs       []float32 // [N*Horizon x ObsLen], scaled
	Legal     []bool    // [N*Horizon x Actions]
	Action    []int
	LogProb   []float64
	Value     []float64
	Reward    []float64
	Next      []float64 // value of the next state: 0 after a terminal step
	Done      []bool    // the episode ends with this step
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
		Next: make([]float64, rows), Done: make([]bool, rows),
		Advantage: make([]float64, rows), Return: make([]float64, rows),
	}
}

// Act stores what every environment's policy saw and chose: obs [N x ObsLen] scaled, legal [N x Actions].
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

// Learn stores what the actions brought. last gives the value of environment i's last observation, for truncated ones.
func (r *Rollout) Learn(b *envs.Batch, last func(i int) float64) {
	for i := range r.N {
		row := i*r.Horizon + r.Steps
		r.Reward[row], r.Done[row], r.Next[row] = b.Reward[i], b.Terminated[i] || b.Truncated[i], 0
		if b.Truncated[i] && !b.Terminated[i] {
			r.Next[row] = last(i)
		}
	}
	r.Steps++
}

// Full reports whether there is no room for another step.
func (r *Rollout) Full() bool { return r.Steps == r.Horizon }

// Finish computes advantages and returns of a full rollout, given the values of what the environments show now, and
// makes room for the next.
func (r *Rollout) Finish(now []float64, gamma, lambda float64) {
	for i := range r.N {
		from, to := i*r.Horizon, (i+1)*r.Horizon
		if !r.Done[to-1] {
			r.Next[to-1] = now[i]
		}
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

// Minibatch is some rows of a Rollout, copied together.
type Minibatch struct {
	Obs                               []float32
	Legal                             []bool
	Action                            []int
	LogProb, Value, Advantage, Return []float64
}

// NewMinibatch makes room for so many rows of r.
func NewMinibatch(r *Rollout, rows int) *Minibatch {
	return &Minibatch{
		Obs: make([]float32, rows*r.ObsLen), Legal: make([]bool, rows*r.Actions), Action: make([]int, rows),
		LogProb: make([]float64, rows), Value: make([]float64, rows), Advantage: make([]float64, rows),
		Return: make([]float64, rows),
	}
}

// Gather fills the first len(rows) rows of m and returns them.
func (m *Minibatch) Gather(r *Rollout, rows []int) Minibatch {
	n := len(rows)
	b := Minibatch{
		m.Obs[:n*r.ObsLen], m.Legal[:n*r.Actions], m.Action[:n], m.LogProb[:n], m.Value[:n], m.Advantage[:n], m.Return[:n],
	}
	for k, row := range rows {
		copy(b.Obs[k*r.ObsLen:(k+1)*r.ObsLen], r.Obs[row*r.ObsLen:])
		copy(b.Legal[k*r.Actions:(k+1)*r.Actions], r.Legal[row*r.Actions:])
		b.Action[k], b.LogProb[k], b.Value[k] = r.Action[row], r.LogProb[row], r.Value[row]
		b.Advantage[k], b.Return[k] = r.Advantage[row], r.Return[row]
	}
	return b
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

// String is for error messages.
func (r *Rollout) String() string { return fmt.Sprintf("rollout of %d x %d steps", r.N, r.Horizon) }
