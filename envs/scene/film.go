package scene

import (
	"fmt"

	"idsrl/envs"
)

// Frame is a game at one moment of an episode.
type Frame struct {
	Scene   *Scene    `json:"scene"`
	Step    int       `json:"step"`              // played so far
	Moves   []Move    `json:"moves,omitempty"`   // of the last step, by seat
	Rewards []float64 `json:"rewards,omitempty"` // of the last step, by seat
	Returns []float64 `json:"returns"`           // so far, by seat
	Over    bool      `json:"over"`
	Winner  string    `json:"winner,omitempty"`  // once it is over: a role, or nobody
	Outcome string    `json:"outcome,omitempty"` // likewise, in a sentence
}

// Film is frames of episodes, as a seat sees them or Everything. It is an algos.Watcher: whoever plays shows it the game.
type Film struct {
	Seat   int
	Frames []Frame
}

// Start takes the first frame of an episode.
func (f *Film) Start(game envs.Env) error {
	drawer, ok := envs.As[Drawer](game)
	if !ok {
		return fmt.Errorf("%s has no picture: there are pictures of idsgame and NetSecGame", game.Spec().ID)
	}
	f.Frames = append(f.Frames, Frame{Scene: drawer.Scene(f.Seat), Returns: make([]float64, len(game.Spec().Seats))})
	return nil
}

// Step takes the frame after a step.
func (f *Film) Step(game envs.Env, actions []int, out *envs.Outcome) error {
	drawer, _ := envs.As[Drawer](game) // as Start has seen
	last := &f.Frames[len(f.Frames)-1]
	frame := Frame{Scene: drawer.Scene(f.Seat), Step: last.Step + 1, Over: out.Over()}
	frame.Moves = Moves(drawer, last.Scene, actions)
	for seat, reward := range out.Rewards {
		frame.Rewards = append(frame.Rewards, reward)
		frame.Returns = append(frame.Returns, last.Returns[seat]+reward)
	}
	if frame.Over {
		frame.Winner, frame.Outcome = out.Winner.String(), outcome(frame.Moves, out)
	}
	f.Frames = append(f.Frames, frame)
	return nil
}

// Moves are the actions of the step that led from a scene to the present state.
func Moves(game Drawer, before *Scene, actions []int) []Move {
	var moves []Move
	for seat, id := range actions {
		m := Move{
			Seat: seat, Role: game.Spec().Seats[seat].Role.String(), Action: game.Describe(seat, id),
			Result: game.Result(seat, id),
		}
		for i := range before.Nodes { // where the attacker was, not where it is
			if m.Role == envs.Attacker.String() && before.Nodes[i].Attacker {
				m.Action.From = before.Nodes[i].ID
			}
		}
		moves = append(moves, m)
	}
	return moves
}

// outcome says how an episode has ended.
func outcome(moves []Move, out *envs.Outcome) string {
	for _, m := range moves {
		if m.Role == envs.Attacker.String() && m.Result.Text != "" && !out.Truncated {
			return fmt.Sprintf("The %s wins. %s: %s.", out.Winner, m.Action.Text, m.Result.Text)
		}
	}
	if out.Winner != envs.Nobody {
		return fmt.Sprintf("The %s wins.", out.Winner)
	}
	return "Nobody wins: the step limit is reached."
}
