package algos

import (
	"context"

	"idsrl/envs"
)

// Tally sums up finished episodes. The returns are undiscounted.
type Tally struct {
	Episodes  int64     `json:"episodes"`
	Hacks     int64     `json:"hacks"`      // episodes that an attacker won
	Detected  int64     `json:"detections"` // episodes that a defender won
	Truncated int64     `json:"truncated"`
	Steps     int64     `json:"steps"`
	Returns   []float64 `json:"returns"` // sums, by seat of the game
}

// Add counts an episode.
func (t *Tally) Add(e envs.Episode) {
	for len(t.Returns) < len(e.Returns) {
		t.Returns = append(t.Returns, 0)
	}
	t.Episodes++
	t.Steps += int64(e.Length)
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
	var tally Tally
	env, err := envs.Versus(game, players...)
	if err != nil {
		return tally, err
	}
	match, _ := envs.As[*envs.Match](env)
	out, joint := env.Spec().NewOutcome(), match.Joint()
	e := envs.Episode{Returns: make([]float64, len(players))}
	for k := range episodes {
		if err := ctx.Err(); err != nil {
			return tally, err
		}
		if err := env.Reset(envs.Derive(root, "evaluation", uint64(k))); err != nil {
			return tally, err
		}
		if watch != nil {
			if err := watch.Start(game); err != nil {
				return tally, err
			}
		}
		e.Length = 0
		clear(e.Returns)
		for over := false; !over; over = joint.Over() {
			if err := env.Step(nil, out); err != nil {
				return tally, err
			}
			e.Length++
			for i, r := range joint.Rewards {
				e.Returns[i] += r
			}
			if watch != nil {
				if err := watch.Step(game, match.Actions(), joint); err != nil {
					return tally, err
				}
			}
		}
		e.Winner, e.Truncated = joint.Winner, joint.Truncated
		tally.Add(e)
	}
	return tally, nil
}
