package review

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/scene"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/results/browse"
)

// An Episode is a game, frame by frame.
type Episode struct {
	Title    string        `json:"title"`
	Roles    []string      `json:"roles"`              // by seat
	Players  []string      `json:"players"`            // by seat; empty if nobody knows
	Frames   []scene.Frame `json:"frames"`             // their scenes are null if the game cannot be drawn
	Thoughts [][]Thought   `json:"thoughts,omitempty"` // by frame: what the learners make of it
	Decisive int           `json:"decisive"`           // frame after the step that decided most
	Why      string        `json:"why"`                // that one
	Editable bool          `json:"editable"`           // states can be edited
	Max      int           `json:"max,omitempty"`      // largest value of an edited state
}

// A Thought is what a learner makes of a state.
type Thought struct {
	Seat    int           `json:"seat"`
	Role    string        `json:"role"`
	Value   browse.Number `json:"value"`   // return that it expects
	Legal   int           `json:"legal"`   // number of legal actions
	Actions int           `json:"actions"` // of all
	Choices []Choice      `json:"choices"` // legal actions, the most probable first
}

// A Choice is a legal action.
type Choice struct {
	ID          int            `json:"id"`
	Text        string         `json:"text"`
	Verb        scene.Verb     `json:"verb,omitempty"`
	To          string         `json:"to,omitempty"` // node
	Type        int            `json:"type"`
	Probability browse.Number  `json:"p"`
	Value       *browse.Number `json:"q,omitempty"` // return that the learner expects
	Updates     *uint32        `json:"n,omitempty"` // how often Value was updated
}

// maxChoices is how many choices are listed.
const maxChoices = 200

// A Game says which game of a run is to be played.
type Game struct {
	N    uint64 // names its random numbers
	Mode algos.Mode
	View string // everything, or a role: as that one sees it
}

// Everything is the view of nobody, who sees all.
const everything = "everything"

// Play plays a game of a saved run against the opponents of its training.
func Play(ctx context.Context, saved *experiments.Saved, g Game) (*Episode, error) {
	t := &tape{saved: saved, view: g.View}
	if err := t.play(ctx, g); err != nil {
		return nil, err
	}
	t.decide()
	return &t.episode, nil
}

// An Edit is a state of a game of a run with changes.
type Edit struct {
	N       uint64         `json:"n"`
	Mode    string         `json:"mode"`
	Step    int            `json:"step"`
	Changes []scene.Change `json:"changes"`
}

// An Edited state is the picture of it, and what the learners make of it.
type Edited struct {
	Scene    *scene.Scene `json:"scene"`
	Thoughts []Thought    `json:"thoughts"`
}

// errEdited ends a game in which a state was edited.
var errEdited = errors.New("edited")

// Change plays a game up to a step, and changes the state there.
func Change(ctx context.Context, saved *experiments.Saved, g Game, e Edit) (*Edited, error) {
	t := &tape{saved: saved, view: everything, edit: &e}
	switch err := t.play(ctx, g); {
	case err == nil:
		return nil, fmt.Errorf("the game is over before step %d", e.Step)
	case !errors.Is(err, errEdited):
		return nil, err
	}
	return &Edited{t.episode.Frames[0].Scene, t.episode.Thoughts[0]}, nil
}

// A tape takes a game that is played. It is an algos.Watcher.
type tape struct {
	saved   *experiments.Saved // nil: nobody thinks
	view    string
	edit    *Edit // nil: none
	minds   []mind
	film    scene.Film
	steps   int
	episode Episode
}

// A mind is a learner's policy, which sees every state and plays none.
type mind struct {
	seat   int
	policy envs.Explainer
}

// play plays a game of the run.
func (t *tape) play(ctx context.Context, g Game) error {
	_, err := t.saved.Run(ctx, experiments.Test{Episodes: 1, Seed: g.N, Watch: t}, g.Mode)
	return err
}

// Start begins an episode.
func (t *tape) Start(game envs.Env) error {
	e := &t.episode
	seats := game.Spec().Seats
	t.film.Seat = scene.Everything
	for i, seat := range seats {
		e.Roles = append(e.Roles, seat.Role.String())
		if seat.Role.String() == t.view && t.film.Seat == scene.Everything {
			t.film.Seat = i
		}
	}
	if t.view != everything && t.film.Seat == scene.Everything {
		return &settings.Error{Key: "view", Value: t.view, Problem: "must be everything or a role of the game"}
	}
	if t.saved != nil {
		e.Title = t.saved.Config.Env
		for i, seat := range seats {
			if !slices.Contains(t.saved.Roles(), seat.Role) {
				continue
			}
			policy, err := t.saved.Policy(seat, algos.Sampled)
			if err != nil {
				return err
			}
			if s, ok := policy.(envs.Starter); ok {
				s.StartEpisode(nil)
			}
			if x, ok := policy.(envs.Explainer); ok {
				t.minds = append(t.minds, mind{i, x})
			}
		}
	}
	if _, ok := envs.As[scene.Drawer](game); ok {
		if err := t.film.Start(game); err != nil {
			return err
		}
		_, e.Editable = envs.As[scene.Editor](game)
	} else {
		t.film.Frames = []scene.Frame{{Returns: make([]float64, len(seats))}}
	}
	return t.think(game)
}

// Step takes a step.
func (t *tape) Step(game envs.Env, actions []int, out *envs.Outcome) error {
	t.steps++
	if _, ok := envs.As[scene.Drawer](game); ok {
		if err := t.film.Step(game, actions, out); err != nil {
			return err
		}
	} else {
		t.film.Frames = append(t.film.Frames, plain(game, t.film.Frames[len(t.film.Frames)-1], actions, out))
	}
	if out.Over() {
		t.episode.Frames, t.episode.Thoughts = t.film.Frames, append(t.episode.Thoughts, nil)
		return nil
	}
	return t.think(game)
}

// plain is the frame after a step of a game that cannot be drawn.
func plain(game envs.Env, before scene.Frame, actions []int, out *envs.Outcome) scene.Frame {
	f := scene.Frame{Step: before.Step + 1, Over: out.Over()}
	for i, seat := range game.Spec().Seats {
		f.Moves = append(f.Moves, scene.Move{
			Seat: i, Role: seat.Role.String(),
			Action: scene.Action{ID: actions[i], Type: scene.Hidden, Text: seat.Actions.Name(actions[i])},
			Result: scene.Result{Effect: scene.Done},
		})
		f.Rewards = append(f.Rewards, out.Rewards[i])
		f.Returns = append(f.Returns, before.Returns[i]+out.Rewards[i])
	}
	if f.Over {
		f.Winner = out.Winner.String()
		f.Outcome = fmt.Sprintf("The %s wins.", f.Winner)
	}
	return f
}

// think asks the learners what they make of the state. If it is to be edited, it is first.
func (t *tape) think(game envs.Env) error {
	last := t.edit != nil && t.steps == t.edit.Step
	if last {
		editor, ok := envs.As[scene.Editor](game)
		if !ok {
			return fmt.Errorf("states of %s cannot be edited", game.Spec().ID)
		}
		if err := editor.Edit(t.edit.Changes); err != nil {
			return err
		}
		t.episode.Frames, t.episode.Thoughts = []scene.Frame{{Scene: editor.Scene(t.film.Seat)}}, nil
	}
	var thoughts []Thought
	for _, m := range t.minds {
		thoughts = append(thoughts, m.thought(game))
	}
	t.episode.Thoughts = append(t.episode.Thoughts, thoughts)
	if last {
		return errEdited
	}
	return nil
}

// thought is what a learner makes of the state.
func (m mind) thought(game envs.Env) Thought {
	seat := game.Spec().Seats[m.seat]
	legal := make([]bool, seat.Actions.N)
	game.Legal(m.seat, legal)
	x := m.policy.Explain(game, m.seat)
	t := Thought{Seat: m.seat, Role: seat.Role.String(), Value: browse.Number(x.Value), Actions: seat.Actions.N}
	drawer, drawn := envs.As[scene.Drawer](game)
	for id, ok := range legal {
		if !ok {
			continue
		}
		c := Choice{ID: id, Probability: browse.Number(x.Probability[id])}
		if drawn {
			a := drawer.Describe(m.seat, id)
			c.Text, c.Verb, c.To, c.Type = a.Text, a.Verb, a.To, a.Type
		} else {
			c.Text, c.Type = seat.Actions.Name(id), scene.Hidden
		}
		if x.Actions != nil {
			q := browse.Number(x.Actions[id])
			c.Value = &q
		}
		if x.Updates != nil {
			c.Updates = &x.Updates[id]
		}
		t.Choices = append(t.Choices, c)
	}
	t.Legal = len(t.Choices)
	slices.SortStableFunc(t.Choices, func(a, b Choice) int {
		order := -cmp.Compare(a.Probability, b.Probability)
		if order == 0 && a.Value != nil {
			order = -cmp.Compare(*a.Value, *b.Value)
		}
		return order
	})
	t.Choices = t.Choices[:min(len(t.Choices), maxChoices)]
	return t
}

// decide finds the step that decided most: the one that moved the expected return of the first learner most, |r + V(s') −
// V(s)|, or where nobody expects anything, the last one in which an action succeeded or was detected.
func (t *tape) decide() {
	e := &t.episode
	e.Decisive, e.Why = len(e.Frames)-1, "the last step"
	largest := 0.0
	for i := 1; i < len(e.Frames); i++ {
		if len(e.Thoughts[i-1]) == 0 {
			continue
		}
		before, after := e.Thoughts[i-1][0], 0.0
		if len(e.Thoughts[i]) > 0 {
			after = float64(e.Thoughts[i][0].Value)
		}
		surprise := math.Abs(e.Frames[i].Rewards[before.Seat] + after - float64(before.Value))
		if surprise > largest {
			largest, e.Decisive = surprise, i
			e.Why = fmt.Sprintf("the %s's expected return changes most here, by %.3g", before.Role, surprise)
		}
	}
	if largest > 0 {
		return
	}
	for i, f := range slices.Backward(e.Frames) {
		if slices.ContainsFunc(f.Moves, func(m scene.Move) bool {
			return m.Role == envs.Attacker.String() && (m.Result.Effect == scene.Done || m.Result.Effect == scene.Detected)
		}) {
			e.Decisive, e.Why = i, "the last step in which the attacker succeeds or is detected"
			return
		}
	}
}
