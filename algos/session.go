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

// Arena is a Vec and the learners of its seats: Learners[s] plays seat s of Vec, which was built with their Views.
type Arena struct {
	Vec      *envs.Vec
	Learners []Learner

	actions [][]int // by seat and environment
}

// step plays and learns.
func (a *Arena) step() error {
	for seat, l := range a.Learners {
		l.Act(a.Vec.Batch(seat), a.actions[seat])
	}
	if err := a.Vec.Step(a.actions...); err != nil {
		return err
	}
	for seat, l := range a.Learners {
		if err := l.Learn(a.Vec.Batch(seat), a.actions[seat]); err != nil {
			return fmt.Errorf("%s: %w", a.Vec.Spec().Seats[seat].Role, err)
		}
	}
	return nil
}

// Director says in which of its arenas a Session goes on.
type Director interface {
	// Turn is the arena whose learners learn now.
	Turn() int
	// Next hears which episodes the last step in that arena ended. It may pass the turn to another one.
	Next(finished []envs.Episode) error
	// A Director at rest. It is restored after the learners, and before the arenas.
	json.Marshaler
	json.Unmarshaler
}

// Session trains the learners of an arena together, or of several arenas in turn.
type Session struct {
	Episodes, Steps int64 // finished episodes and joint moves so far, of all arenas

	arenas   []Arena
	director Director // nil where there is one arena
	budget   Budget
	progress float64
	window   Tally
}

// NewSession starts a session in one arena.
func NewSession(arena Arena, budget Budget) *Session {
	return NewDirectedSession([]Arena{arena}, nil, budget)
}

// NewDirectedSession starts a session in several arenas with as many environments each.
func NewDirectedSession(arenas []Arena, director Director, budget Budget) *Session {
	for i := range arenas {
		a := &arenas[i]
		a.actions = make([][]int, len(a.Learners))
		for seat := range a.actions {
			a.actions[seat] = make([]int, a.Vec.Batch(seat).N)
		}
	}
	s := &Session{arenas: arenas, director: director, budget: budget}
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
	moves := int64(s.arenas[0].Vec.Batch(0).N)
	for s.Episodes < episodes && s.Steps < steps {
		if s.Steps/moves%stride == 0 {
			s.anneal()
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		a := s.arena()
		if err := a.step(); err != nil {
			return err
		}
		s.Steps += moves
		for _, e := range a.Vec.Finished() {
			s.Episodes++
			s.window.Add(e)
		}
		if s.director != nil {
			if err := s.director.Next(a.Vec.Finished()); err != nil {
				return err
			}
		}
	}
	if s.Done() {
		s.anneal() // what is left of exploration is what a sampled policy plays with
	}
	return nil
}

// arena is where training goes on.
func (s *Session) arena() *Arena {
	if s.director == nil {
		return &s.arenas[0]
	}
	return &s.arenas[s.director.Turn()]
}

func (s *Session) anneal() {
	s.progress = s.Spent()
	s.follow()
}

// follow tells the learners how far training is.
func (s *Session) follow() {
	for _, a := range s.arenas {
		for _, l := range a.Learners {
			l.Anneal(s.progress)
		}
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
	Episodes int64             `json:"episodes"`
	Steps    int64             `json:"steps"`
	Progress float64           `json:"progress"` // at the last look, which schedules follow until the next
	Window   Tally             `json:"window"`
	Director json.RawMessage   `json:"director,omitempty"`
	Running  []json.RawMessage `json:"running"` // by arena
}

// MarshalJSON saves everything but the learners.
func (s *Session) MarshalJSON() (data []byte, err error) {
	at := saved{
		Episodes: s.Episodes, Steps: s.Steps, Progress: s.progress, Window: s.window,
		Running: make([]json.RawMessage, len(s.arenas)),
	}
	for i, a := range s.arenas {
		if at.Running[i], err = json.Marshal(a.Vec); err != nil {
			return nil, err
		}
	}
	if s.director != nil {
		if at.Director, err = json.Marshal(s.director); err != nil {
			return nil, err
		}
	}
	return json.Marshal(at)
}

// UnmarshalJSON restores what MarshalJSON saved, in a session built like the saved one. The learners must be restored
// before, since how the environments show themselves may depend on them.
func (s *Session) UnmarshalJSON(data []byte) error {
	if err := s.restore(data); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	s.follow()
	return nil
}

func (s *Session) restore(data []byte) error {
	var at saved
	if err := json.Unmarshal(data, &at); err != nil {
		return err
	}
	switch {
	case at.Episodes < 0 || at.Steps < 0 || at.Progress < 0 || at.Progress > 1:
		return fmt.Errorf("%d episodes, %d steps, %v of the training", at.Episodes, at.Steps, at.Progress)
	case len(at.Running) != len(s.arenas):
		return fmt.Errorf("environments of %d arenas, not %d", len(at.Running), len(s.arenas))
	}
	if s.director != nil {
		if err := s.director.UnmarshalJSON(at.Director); err != nil {
			return err
		}
	}
	for i, a := range s.arenas {
		if err := json.Unmarshal(at.Running[i], a.Vec); err != nil {
			return err
		}
	}
	s.Episodes, s.Steps, s.progress, s.window = at.Episodes, at.Steps, at.Progress, at.Window
	return nil
}
