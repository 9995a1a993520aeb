// Package envs is the contract between games and learners.
//
// A game is an [Env]: every seat chooses an action id, [Env.Step] plays them at once. A seat that a bot or a frozen
// policy plays is filled by [Versus], which gives an Env with the seats that are left open. [Vec] steps many copies
// for learners; [Registry] names the games.
//
// Why it is like this:
//
//   - One interface serves one learner against a bot, several learners, and a game behind a network connection. An
//     action is an id of a fixed list even where the game's actions have structure; [Env.Legal] says which count now.
//   - The caller owns all memory and nothing allocates after construction, so a step costs what its rules cost.
//   - Terminated (the state's value is zero) and Truncated (the clock ran out, the value goes on) stay apart from the
//     step to the loss: most wrong value functions start where they merge.
//   - All randomness comes from the seed of [Env.Reset]. Any episode of any run can be played again alone.
package envs

import "strconv"

// Env is an episodic game in which every seat moves at once. One goroutine uses it at a time. In process, nothing
// here allocates once the Env is built.
type Env interface {
	// Spec describes the game; it never changes.
	Spec() *Spec
	// Reset starts the episode that seed names: same seed and same actions, same episode, on every machine.
	Reset(seed uint64) error
	// Step plays actions[i] for seat i and overwrites out, whose Rewards must have one entry a seat. It accepts
	// every id of a seat's space; what an illegal one costs is a rule of the game. An id outside the space, or a step
	// before the first Reset or after the end, panics. An error means that the Env is lost (the connection broke),
	// never that a move was bad.
	Step(actions []int, out *Outcome) error
	// Observe writes what seat sees now; len(dst) = Obs.Len().
	Observe(seat int, dst []float32)
	// Legal writes which actions the rules allow now; len(dst) = Actions.N. Never none, even when the episode is over.
	Legal(seat int, dst []bool)
	// State is the number of what seat sees now under Seats[seat].Encodings[encoding], for tables that are arrays.
	State(seat, encoding int) int
	// AppendKey appends a name for what seat sees now, for tables that are maps: equal keys, equal views.
	AppendKey(dst []byte, seat int) []byte
	// Close releases what the Env holds. It may be called again.
	Close() error
}

// Spec describes an Env.
type Spec struct {
	ID       string
	Seats    []Seat
	MaxSteps int // calls of Step after which an episode is over at the latest; 0: no limit
}

// NewOutcome returns an Outcome with room for every seat's reward.
func (s *Spec) NewOutcome() *Outcome { return &Outcome{Rewards: make([]float64, len(s.Seats))} }

// Seat describes what one player sees and does.
type Seat struct {
	Role      Role     // for people, not for rules
	Obs       Box      // shape and bounds of one observation, flattened row by row
	Actions   Discrete // ids 0..N-1, with a name for each
	Encodings []Encoding
}

// Encoding is a way to number what a seat sees: Env.State returns 0..States-1.
type Encoding struct {
	Name   string
	States int
	About  string
}

// Role is what a seat is for.
type Role uint8

// The roles. Nobody is the winner of a draw.
const (
	Nobody Role = iota
	Attacker
	Defender
	Benign
)

// String is the role in lower case, as in files and flags.
func (r Role) String() string {
	switch r {
	case Attacker:
		return "attacker"
	case Defender:
		return "defender"
	case Benign:
		return "benign"
	default:
		return "nobody"
	}
}

// Outcome is what a step brought.
type Outcome struct {
	Rewards    []float64 // of this step, by seat
	Terminated bool      // the state is terminal: its value is 0
	Truncated  bool      // cut short: bootstrap from the last observation
	Winner     Role      // once the episode is over; Nobody for a draw
}

// Over reports whether the episode has ended, by the rules or by the clock.
func (o *Outcome) Over() bool { return o.Terminated || o.Truncated }

// Discrete is a space of action ids 0..N-1.
type Discrete struct {
	N        int
	NameFunc func(id int) string // what people call an action; nil: its number
}

// Name is what people call action id.
func (d Discrete) Name(id int) string {
	if d.NameFunc == nil {
		return strconv.Itoa(id)
	}
	return d.NameFunc(id)
}

// Box is a space of real vectors, the rows of an array one after the other. Low and High bound each entry.
type Box struct {
	Shape     []int
	Low, High []float32 // [Len()]
}

// UniformBox is the box of the given shape in which every entry has the same bounds.
func UniformBox(low, high float32, shape ...int) Box {
	b := Box{Shape: shape}
	n := b.Len()
	b.Low, b.High = make([]float32, n), make([]float32, n)
	for i := range n {
		b.Low[i], b.High[i] = low, high
	}
	return b
}

// Len is the number of entries.
func (b Box) Len() int {
	n := 1
	for _, d := range b.Shape {
		n *= d
	}
	return n
}

// Wrapper is an Env around another.
type Wrapper interface {
	Env
	Unwrap() Env
}

// As finds the first Env of type T in the chain of wrappers that starts with env, as errors.As does for errors. A bot
// that sees the whole state asks with it for the game that it knows.
func As[T any](env Env) (T, bool) {
	for {
		if t, ok := env.(T); ok {
			return t, true
		}
		w, ok := env.(Wrapper)
		if !ok {
			var none T
			return none, false
		}
		env = w.Unwrap()
	}
}

// Drawn is an Env of which something was drawn for the instance.
type Drawn interface {
	Env
	// Layout says what, as compact JSON: equal layouts, equal text.
	Layout() []byte
}
