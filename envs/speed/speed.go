// Package speed measures how many steps a second an environment makes on one core.
package speed

import (
	"math/rand/v2"
	"runtime"
	"time"

	"idsrl/envs"
)

// Mode is what is measured besides Step and Reset.
type Mode string

// The modes.
const (
	Raw     Mode = "raw"     // nothing: actions come from a tape of legal play, resets included
	Observe Mode = "observe" // as raw, and the observation of every seat is copied out after every step
	Random  Mode = "random"  // players that choose uniformly among the legal actions
)

// Modes are all modes.
var Modes = []Mode{Raw, Observe, Random}

// tapeSteps is the length of a tape: too long for a branch predictor to learn it by heart.
const tapeSteps = 1 << 16

// Loop steps an environment again and again.
type Loop struct {
	env     envs.Env
	mode    Mode
	seats   []envs.Seat
	out     *envs.Outcome
	obs     [][]float32
	legal   [][]bool
	rng     *rand.Rand
	actions []int    // [tapeSteps x seats]
	starts  []bool   // by step: whether an episode starts there
	seeds   []uint64 // of these episodes
	step    int      // next on the tape
	episode int
}

// NewLoop makes the tape of an environment from the seed.
func NewLoop(env envs.Env, mode Mode, seed uint64) (*Loop, error) {
	l := &Loop{
		env: env, mode: mode, seats: env.Spec().Seats, out: env.Spec().NewOutcome(),
		rng: rand.New(envs.NewPCG(seed)),
	}
	for _, seat := range l.seats {
		l.obs = append(l.obs, make([]float32, seat.Obs.Len()))
		l.legal = append(l.legal, make([]bool, seat.Actions.N))
	}
	over := true
	for range tapeSteps {
		l.starts = append(l.starts, over)
		if over {
			l.seeds = append(l.seeds, l.rng.Uint64())
			if err := env.Reset(l.seeds[len(l.seeds)-1]); err != nil {
				return nil, err
			}
		}
		at := len(l.actions)
		l.actions = append(l.actions, make([]int, len(l.seats))...)
		l.choose(l.actions[at:])
		if err := env.Step(l.actions[at:], l.out); err != nil {
			return nil, err
		}
		over = l.out.Over()
	}
	return l, nil
}

func (l *Loop) choose(actions []int) {
	for s := range l.seats {
		l.env.Legal(s, l.legal[s])
		actions[s] = envs.RandomLegal(l.legal[s], l.rng)
	}
}

// Run makes n steps.
func (l *Loop) Run(n int) error {
	if l.mode == Random {
		return l.playRandomly(n)
	}
	return l.playTape(n)
}

func (l *Loop) playTape(n int) error {
	width := len(l.seats)
	for range n {
		if l.step == tapeSteps {
			l.step, l.episode = 0, 0
		}
		if l.starts[l.step] {
			if err := l.env.Reset(l.seeds[l.episode]); err != nil {
				return err
			}
			l.episode++
		}
		actions := l.actions[l.step*width : (l.step+1)*width]
		if err := l.env.Step(actions, l.out); err != nil {
			return err
		}
		l.step++
		if l.mode == Observe {
			for s := range l.seats {
				l.env.Observe(s, l.obs[s])
			}
		}
	}
	return nil
}

func (l *Loop) playRandomly(n int) error {
	actions := l.actions[:len(l.seats)]
	over := true
	for range n {
		if over {
			if err := l.env.Reset(l.rng.Uint64()); err != nil {
				return err
			}
		}
		l.choose(actions)
		if err := l.env.Step(actions, l.out); err != nil {
			return err
		}
		over = l.out.Over()
	}
	return nil
}

// Result is a measurement.
type Result struct {
	Steps         int
	Seconds       float64
	AllocsPerStep float64
}

// PerSecond is the number of steps a second.
func (r Result) PerSecond() float64 { return float64(r.Steps) / r.Seconds }

// Measure runs the loop for at least the given time, after a round of warming up.
func Measure(l *Loop, atLeast time.Duration) (Result, error) {
	if err := l.Run(tapeSteps); err != nil {
		return Result{}, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var r Result
	for began := time.Now(); r.Seconds < atLeast.Seconds(); r.Seconds = time.Since(began).Seconds() {
		if err := l.Run(tapeSteps); err != nil {
			return r, err
		}
		r.Steps += tapeSteps
	}
	runtime.ReadMemStats(&after)
	r.AllocsPerStep = float64(after.Mallocs-before.Mallocs) / float64(r.Steps)
	return r, nil
}
