package algos

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"idsrl/envs"
)

// Budget is how long to train. Training ends with the episode or the step that reaches a limit; 0 is no limit.
type Budget struct {
	Episodes, Steps int64
}

// Spent is the fraction of the budget that is used up.
func (b Budget) Spent(episodes, steps int64) float64 {
	spent := 0.0
	if b.Episodes > 0 {
		spent = float64(episodes) / float64(b.Episodes)
	}
	if b.Steps > 0 {
		spent = max(spent, float64(steps)/float64(b.Steps))
	}
	return min(spent, 1)
}

// at is when a fraction of the budget is spent: with so many episodes or so many steps, whichever comes first.
func (b Budget) at(fraction float64) (episodes, steps int64) {
	limit := func(n int64) int64 {
		switch {
		case n == 0:
			return math.MaxInt64
		case fraction >= 1:
			return n
		}
		// Less what rounding may have added: 0.55 of 100 is 55, though 0.55*100 > 55.
		return int64(math.Ceil(fraction * float64(n) * (1 - 0x1p-51)))
	}
	return limit(b.Episodes), limit(b.Steps)
}

// Session trains the learners of a Vec, one for each of its seats, together.
type Session struct {
	Episodes, Steps int64 // finished episodes and joint moves so far

	vec      *envs.Vec
	learners []Learner
	budget   Budget
	actions  [][]int // by seat and environment
	progress float64
	window   Tally
}

// NewSession starts a session. learners[s] plays seat s of vec, which was built with their Views.
func NewSession(vec *envs.Vec, learners []Learner, budget Budget) *Session {
	s := &Session{vec: vec, learners: learners, budget: budget, actions: make([][]int, len(learners))}
	for i := range s.actions {
		s.actions[i] = make([]int, vec.Batch(i).N)
	}
	s.anneal()
	return s
}

// Done reports whether the budget is spent.
func (s *Session) Done() bool { return s.budget.Spent(s.Episodes, s.Steps) >= 1 }

// Spent is the fraction of the budget that is used up.
func (s *Session) Spent() float64 { return s.budget.Spent(s.Episodes, s.Steps) }

// stride is how many steps of the Vec pass between looks at ctx and at the schedules.
const stride = 1 << 10

// Run trains until a fraction of the budget is spent or ctx is done; the error is ctx's, a learner's or an environment's. Where it
// stops makes no difference to the course of training.
func (s *Session) Run(ctx context.Context, fraction float64) error {
	episodes, steps := s.budget.at(fraction)
	moves := int64(s.vec.Batch(0).N)
	for s.Episodes < episodes && s.Steps < steps {
		if s.Steps/moves%stride == 0 {
			s.anneal()
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		for seat, l := range s.learners {
			l.Act(s.vec.Batch(seat), s.actions[seat])
		}
		if err := s.vec.Step(s.actions...); err != nil {
			return err
		}
		for seat, l := range s.learners {
			if err := l.Learn(s.vec.Batch(seat), s.actions[seat]); err != nil {
				return fmt.Errorf("%s: %w", s.vec.Spec().Seats[seat].Role, err)
			}
		}
		s.Steps += moves
		for _, e := range s.vec.Finished() {
			s.Episodes++
			s.window.Add(e)
		}
	}
	if s.Done() {
		s.anneal() // what is left of exploration is what a sampled policy plays with
	}
	return nil
}

func (s *Session) anneal() {
	s.progress = s.Spent()
	for _, l := range s.learners {
		l.Anneal(s.progress)
	}
}

// Window is the tally of the episodes that finished since the last call.
func (s *Session) Window() Tally {
	w := s.window
	s.window = Tally{}
	return w
}

// saved is a Session at rest but for its learners.
type saved struct {
	Episodes int64           `json:"episodes"`
	Steps    int64           `json:"steps"`
	Progress float64         `json:"progress"` // at the last look, which schedules follow until the next
	Window   Tally           `json:"window"`
	Running  json.RawMessage `json:"running"`
}

// MarshalJSON saves everything but the learners.
func (s *Session) MarshalJSON() ([]byte, error) {
	running, err := json.Marshal(s.vec)
	if err != nil {
		return nil, err
	}
	return json.Marshal(saved{s.Episodes, s.Steps, s.progress, s.window, running})
}

// UnmarshalJSON restores what MarshalJSON saved, in a session built like the saved one. The learners must be restored
// before, since how the environments show themselves may depend on them.
func (s *Session) UnmarshalJSON(data []byte) error {
	var at saved
	err := json.Unmarshal(data, &at)
	if err == nil && (at.Episodes < 0 || at.Steps < 0 || at.Progress < 0 || at.Progress > 1) {
		err = fmt.Errorf("%d episodes, %d steps, %v of the training", at.Episodes, at.Steps, at.Progress)
	}
	if err == nil {
		err = json.Unmarshal(at.Running, s.vec)
	}
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	s.Episodes, s.Steps, s.progress, s.window = at.Episodes, at.Steps, at.Progress, at.Window
	for _, l := range s.learners {
		l.Anneal(s.progress)
	}
	return nil
}
