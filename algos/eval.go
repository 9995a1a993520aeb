package algos

import (
	"cmp"
	"context"
	"math"
	"sync"
	"sync/atomic"

	"idsrl/envs"
)

// Tally sums up finished episodes. The returns are undiscounted.
type Tally struct {
	Episodes  int64     `json:"episodes"`
	Hacks     int64     `json:"hacks"`      // episodes that an attacker won
	Detected  int64     `json:"detections"` // episodes that a defender won
	Truncated int64     `json:"truncated"`
	Steps     int64     `json:"steps"`
	StepsSq   int64     `json:"steps_squared"`   // sum of the squared lengths
	Returns   []float64 `json:"returns"`         // sums, by seat of the game
	ReturnsSq []float64 `json:"returns_squared"` // sums of the squared returns, by seat of the game
}

// Add counts an episode.
func (t *Tally) Add(e envs.Episode) {
	t.grow(len(e.Returns))
	t.Episodes++
	t.Steps += int64(e.Length)
	t.StepsSq += int64(e.Length) * int64(e.Length)
	switch e.Winner {
	case envs.Attacker:
		t.Hacks++
	case envs.Defender:
		t.Detected++
	}
	if e.Truncated {
		t.Truncated++
	}
	for i, r := range e.Returns {
		t.Returns[i] += r
		t.ReturnsSq[i] += r * r
	}
}

// Merge counts the episodes of another tally.
func (t *Tally) Merge(other Tally) {
	t.grow(len(other.Returns))
	t.Episodes += other.Episodes
	t.Hacks += other.Hacks
	t.Detected += other.Detected
	t.Truncated += other.Truncated
	t.Steps += other.Steps
	t.StepsSq += other.StepsSq
	for i := range other.Returns {
		t.Returns[i] += other.Returns[i]
		t.ReturnsSq[i] += other.ReturnsSq[i]
	}
}

// grow makes room for seats.
func (t *Tally) grow(seats int) {
	for _, sums := range []*[]float64{&t.Returns, &t.ReturnsSq} { // one that was read from a file may have one without the other
		for len(*sums) < seats {
			*sums = append(*sums, 0)
		}
	}
}

// HackProbability is the share of episodes that an attacker won; NaN without episodes, as all means.
func (t Tally) HackProbability() float64 { return float64(t.Hacks) / float64(t.Episodes) }

// DetectionProbability is the share of episodes that a defender won.
func (t Tally) DetectionProbability() float64 { return float64(t.Detected) / float64(t.Episodes) }

// MeanLength is the mean number of steps.
func (t Tally) MeanLength() float64 { return float64(t.Steps) / float64(t.Episodes) }

// MeanReturn is the mean return of a seat.
func (t Tally) MeanReturn(seat int) float64 {
	sum := 0.0
	if seat < len(t.Returns) {
		sum = t.Returns[seat]
	}
	return sum / float64(t.Episodes)
}

// ReturnError is the standard error of MeanReturn; NaN with fewer than two episodes, as LengthError.
func (t Tally) ReturnError(seat int) float64 {
	if seat >= min(len(t.Returns), len(t.ReturnsSq)) {
		return t.standardError(0, 0)
	}
	return t.standardError(t.Returns[seat], t.ReturnsSq[seat])
}

// LengthError is the standard error of MeanLength.
func (t Tally) LengthError() float64 { return t.standardError(float64(t.Steps), float64(t.StepsSq)) }

// standardError is that of the mean of the episodes' values, from their sum and the sum of their squares.
func (t Tally) standardError(sum, squares float64) float64 {
	n := float64(t.Episodes)
	if n < 2 {
		return math.NaN()
	}
	return math.Sqrt(max(squares-sum*sum/n, 0) / (n - 1) / n)
}

// Watcher sees the episodes of an evaluation; see Evaluate.
type Watcher interface {
	// Start hears that the game has been reset for an episode.
	Start(game envs.Env) error
	// Step hears what the seats played and what it brought.
	Step(game envs.Env, actions []int, out *envs.Outcome) error
}

// Watchers are several that see the same.
type Watchers []Watcher

// Start tells each.
func (ws Watchers) Start(game envs.Env) error {
	for _, w := range ws {
		if err := w.Start(game); err != nil {
			return err
		}
	}
	return nil
}

// Step tells each.
func (ws Watchers) Step(game envs.Env, actions []int, out *envs.Outcome) error {
	for _, w := range ws {
		if err := w.Step(game, actions, out); err != nil {
			return err
		}
	}
	return nil
}

// Evaluate plays episodes of game with players[i] in seat i. Episode k has the seed Derive(root, "evaluation", k):
// its course depends neither on training nor on the number of episodes. watch may be nil.
func Evaluate(
	ctx context.Context, game envs.Env, players []envs.Policy, episodes int, root uint64, watch Watcher,
) (Tally, error) {
	return EvaluateAll(ctx, []Room{{game, players}}, episodes, root, watch)
}

// Room is a game and who plays it, Players[i] in seat i: all that one goroutine needs.
type Room struct {
	Game    envs.Env
	Players []envs.Policy
}

// evalWindow is how many of all episodes a room plays in a row: few enough to keep all rooms busy to the end.
func evalWindow(episodes int) int { return max(64, (episodes+1023)/1024) }

// EvaluateAll is Evaluate in several rooms at once, which must be alike. The tally does not depend on their number. What
// is watched is played in the first one alone, so that the watcher sees the episodes in order.
func EvaluateAll(ctx context.Context, rooms []Room, episodes int, root uint64, watch Watcher) (total Tally, err error) {
	windows, err := EvaluateWindows(ctx, rooms, episodes, evalWindow(episodes), root, watch)
	for _, w := range windows {
		total.Merge(w)
	}
	return total, err
}

// EvaluateWindows is EvaluateAll with a tally of each window of so many consecutive episodes.
func EvaluateWindows(
	ctx context.Context, rooms []Room, episodes, window int, root uint64, watch Watcher,
) ([]Tally, error) {
	if watch != nil {
		rooms = rooms[:1]
	}
	e := evaluation{
		episodes: episodes, window: window, root: root, watch: watch, tallies: make([]Tally, (episodes+window-1)/window),
	}
	errs := make([]error, len(rooms))
	var group sync.WaitGroup
	for i, room := range rooms {
		group.Go(func() {
			if errs[i] = e.play(ctx, room); errs[i] != nil {
				e.failed.Store(true)
			}
		})
	}
	group.Wait()
	return e.tallies, cmp.Or(errs...)
}

// evaluation is what the rooms share.
type evaluation struct {
	episodes, window int
	root             uint64
	watch            Watcher
	tallies          []Tally      // by window; each is written by the room that plays it
	next             atomic.Int64 // window that no room plays yet
	failed           atomic.Bool  // in one of the rooms: the others stop
}

// play plays one window after the other until none is left.
func (ev *evaluation) play(ctx context.Context, r Room) error {
	env, err := envs.Versus(r.Game, r.Players...)
	if err != nil {
		return err
	}
	match, _ := envs.As[*envs.Match](env)
	out, joint := env.Spec().NewOutcome(), match.Joint()
	e := envs.Episode{Returns: make([]float64, len(r.Players))}
	for w := int(ev.next.Add(1)) - 1; w < len(ev.tallies); w = int(ev.next.Add(1)) - 1 {
		var tally Tally
		for k := w * ev.window; k < min((w+1)*ev.window, ev.episodes); k++ {
			if err := ctx.Err(); err != nil || ev.failed.Load() {
				return err
			}
			if err := env.Reset(envs.Derive(ev.root, "evaluation", uint64(k))); err != nil {
				return err
			}
			if ev.watch != nil {
				if err := ev.watch.Start(r.Game); err != nil {
					return err
				}
			}
			e.Length = 0
			clear(e.Returns)
			for over := false; !over; over = joint.Over() {
				if err := env.Step(nil, out); err != nil {
					return err
				}
				e.Length++
				for i, reward := range joint.Rewards {
					e.Returns[i] += reward
				}
				if ev.watch != nil {
					if err := ev.watch.Step(r.Game, match.Actions(), joint); err != nil {
						return err
					}
				}
			}
			e.Winner, e.Truncated = joint.Winner, joint.Truncated
			tally.Add(e)
		}
		ev.tallies[w] = tally
	}
	return nil
}
