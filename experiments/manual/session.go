// Package manual lets people play: a [Session] holds a game, people and policies in its seats, and tells each person what
// that seat may see and nothing else. [Mount] shows it as pages, one a seat; terminals use it as it is.
//
// The rules move all seats at once, so a session waits until every person has chosen, then plays the step. Every episode
// that ends is saved, if [Options] name a folder.
package manual

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"idsrl/envs"
	"idsrl/envs/scene"
	"idsrl/experiments"
)

// Person is the description of a player who is one.
const Person = "person"

// Options are who plays what.
type Options struct {
	Players []string // by seat: Person, or as in experiments.Cast.Player
	Seed    uint64   // root of the episodes' random numbers
	Save    string   // folder for the episodes; "" keeps none
}

// Session is a game that people play, one episode after the other. Several goroutines may use it.
type Session struct {
	cast    *experiments.Cast
	drawer  scene.Drawer
	options Options

	mu      sync.Mutex
	players []string // by seat
	match   envs.Env // with the seats of people open
	open    []int    // those seats
	joint   *envs.Outcome
	count   uint64 // episodes begun
	chosen  []int  // by seat of a person, the id that it plays next, or none
	film    scene.Film
	seen    [][]scene.Frame // by seat, since the beginning of the episode
	save    saver
	version int
	news    chan struct{} // closed at the next change
}

// none is the id of a person who has not chosen.
const none = -1

// New begins a session and its first episode.
func New(cast *experiments.Cast, o Options) (*Session, error) {
	drawer, ok := envs.As[scene.Drawer](cast.Game)
	if !ok {
		return nil, fmt.Errorf("%s cannot be played by hand: nobody has drawn it", cast.Env)
	}
	s := &Session{
		cast: cast, drawer: drawer, options: o, news: make(chan struct{}),
		film: scene.Film{Seat: scene.Everything}, save: saver{cast: cast, dir: o.Save},
	}
	if err := s.Begin(o.Players); err != nil {
		return nil, err
	}
	return s, nil
}

// Seats are those of the game.
func (s *Session) Seats() []envs.Seat { return s.cast.Game.Spec().Seats }

// People are the seats that people play now.
func (s *Session) People() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.open)
}

// Begin begins a new episode with these players, as in Options; an episode that is not over is left.
func (s *Session) Begin(players []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	policies := make([]envs.Policy, len(players))
	var open []int
	for seat, name := range players {
		if name == Person {
			open = append(open, seat)
			continue
		}
		policy, err := s.cast.Player(seat, name)
		if err != nil {
			return err
		}
		policies[seat] = policy
	}
	if len(open) == 0 {
		return errors.New("no person plays")
	}
	match, err := envs.Versus(s.cast.Game, policies...)
	if err != nil {
		return err
	}
	seed := envs.Derive(s.options.Seed, "manual", s.count)
	if err := match.Reset(seed); err != nil {
		return err
	}
	s.players, s.match, s.open, s.joint = slices.Clone(players), match, open, s.cast.Game.Spec().NewOutcome()
	s.count++
	s.chosen = make([]int, len(players))
	s.seen = make([][]scene.Frame, len(players))
	s.forget()
	for _, seat := range open {
		s.seen[seat] = []scene.Frame{{Scene: s.drawer.Scene(seat)}}
	}
	s.film.Frames = s.film.Frames[:0]
	if err := s.film.Start(s.cast.Game); err != nil {
		return err
	}
	s.changed()
	return s.save.start(seed, players)
}

// Again begins a new episode with the same players.
func (s *Session) Again() error {
	s.mu.Lock()
	players := s.players
	s.mu.Unlock()
	return s.Begin(players)
}

// forget makes nobody have chosen.
func (s *Session) forget() {
	for seat := range s.chosen {
		s.chosen[seat] = none
	}
}

// changed tells whoever waits.
func (s *Session) changed() {
	s.version++
	close(s.news)
	s.news = make(chan struct{})
}

// Changed returns the version of the session and a channel that is closed when there is a new one.
func (s *Session) Changed() (version int, news <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.news
}

// MoveError is a choice that does not count. The session goes on.
type MoveError struct{ Why string }

func (e *MoveError) Error() string { return e.Why }

// Play chooses the next action of a person's seat: id in the step after so many, so that a late click does not count for
// the next one. Once all people have chosen, the step is played. An error other than a MoveError ends the session.
func (s *Session) Play(seat, step, id int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.last()
	legal := make([]bool, s.Seats()[seat].Actions.N)
	s.cast.Game.Legal(seat, legal)
	switch {
	case !slices.Contains(s.open, seat):
		return &MoveError{"no person plays this seat now"}
	case last.Over:
		return &MoveError{"the game is over"}
	case step != last.Step:
		return &MoveError{fmt.Sprintf("this is step %d, not %d", last.Step, step)}
	case id < 0 || id >= len(legal) || !legal[id]:
		return &MoveError{"the rules do not allow this now"}
	case s.chosen[seat] != none:
		return &MoveError{"you have chosen already; the other person has not"}
	}
	s.chosen[seat] = id
	defer s.changed()
	var actions []int
	for _, open := range s.open {
		if s.chosen[open] == none {
			return nil
		}
		actions = append(actions, s.chosen[open])
	}
	return s.step(actions)
}

// last is the frame of now.
func (s *Session) last() *scene.Frame { return &s.film.Frames[len(s.film.Frames)-1] }

// step plays the actions of the people and those of the policies.
func (s *Session) step(actions []int) error {
	before := s.last().Scene
	out := s.match.Spec().NewOutcome()
	if err := s.match.Step(actions, out); err != nil {
		return err
	}
	joint := out
	if match, ok := envs.As[*envs.Match](s.match); ok {
		actions, joint = match.Actions(), match.Joint()
	}
	s.forget()
	if err := s.film.Step(s.cast.Game, actions, joint); err != nil {
		return err
	}
	for _, seat := range s.open {
		s.seen[seat] = append(s.seen[seat], s.frame(seat, scene.Moves(s.drawer, before, actions)))
	}
	return s.save.step(actions, joint)
}

// frame is the frame of now as a seat sees it: its own moves and rewards, and those that the rules reveal.
func (s *Session) frame(seat int, moves []scene.Move) scene.Frame {
	now := s.last()
	f := scene.Frame{
		Scene: s.drawer.Scene(seat), Step: now.Step, Rewards: now.Rewards[seat : seat+1], Returns: now.Returns[seat : seat+1],
		Over: now.Over, Winner: now.Winner, Outcome: now.Outcome,
	}
	for _, m := range moves {
		if m.Seat != seat && !s.drawer.Reveals(seat, m.Seat) {
			continue
		}
		if m.Seat == seat && m.Result.Text == "" {
			frames := s.seen[seat]
			m.Result.Text = scene.News(frames[len(frames)-1].Scene, f.Scene)
		}
		f.Moves = append(f.Moves, m)
	}
	return f
}

// View is what a seat is told.
type View struct {
	Version  int            `json:"version"`
	Env      string         `json:"env"`
	Episode  uint64         `json:"episode"`
	Seat     int            `json:"seat"`
	Seats    []SeatView     `json:"seats"`
	MaxSteps int            `json:"max_steps,omitempty"`
	Legal    []scene.Action `json:"legal"`            // what may be chosen now; none while others choose
	Chosen   *scene.Action  `json:"chosen,omitempty"` // while others choose
	Frames   []scene.Frame  `json:"frames"`           // of the episode so far; scenes only in the last
	Return   float64        `json:"return"`
}

// SeatView is who plays a seat.
type SeatView struct {
	Role   string   `json:"role"`
	Player string   `json:"player"`
	Ready  bool     `json:"ready"`  // has chosen
	Others []string `json:"others"` // policies that may play it, too
}

// View is what a seat is told now.
func (s *Session) View(seat int) *View {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.last()
	v := &View{
		Version: s.version, Env: s.cast.Env, Episode: s.count, Seat: seat, MaxSteps: s.cast.Game.Spec().MaxSteps,
		Legal: []scene.Action{}, Frames: briefly(s.seen[seat]), Return: now.Returns[seat],
	}
	for i, player := range s.players {
		v.Seats = append(v.Seats, SeatView{
			Role: s.Seats()[i].Role.String(), Player: player, Ready: player != Person || s.chosen[i] != none,
			Others: s.opponents(i),
		})
	}
	switch {
	case now.Over:
	case s.chosen[seat] != none:
		action := s.drawer.Describe(seat, s.chosen[seat])
		v.Chosen = &action
	default:
		v.Legal = s.legal(seat)
	}
	return v
}

// Reveal is what really happened, once the episode is over.
func (s *Session) Reveal() ([]scene.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last().Over {
		return nil, &MoveError{"the game is not over"}
	}
	return slices.Clone(s.film.Frames), nil
}

// opponents are the policies that a page may choose for a seat: those without files, and the one of the command.
func (s *Session) opponents(seat int) []string {
	names := s.cast.Players(seat)
	if given := s.options.Players[seat]; given != Person && !slices.Contains(names, given) {
		names = append([]string{given}, names...)
	}
	return names
}

// briefly leaves out all scenes but the last.
func briefly(frames []scene.Frame) []scene.Frame {
	frames = slices.Clone(frames)
	for i := range frames[:max(len(frames)-1, 0)] {
		frames[i].Scene = nil
	}
	return frames
}

// legal are the actions that a seat may choose.
func (s *Session) legal(seat int) []scene.Action {
	legal := make([]bool, s.Seats()[seat].Actions.N)
	s.cast.Game.Legal(seat, legal)
	actions := []scene.Action{}
	for id, ok := range legal {
		if ok {
			actions = append(actions, s.drawer.Describe(seat, id))
		}
	}
	return actions
}

// ChangeSeats begins a new episode in which the person of a seat plays the next one, against a policy: the one that
// plays that seat's opponent by default. Two people change places.
func (s *Session) ChangeSeats(seat int) (to int, err error) {
	s.mu.Lock()
	players := slices.Clone(s.players)
	s.mu.Unlock()
	to = (seat + 1) % len(players)
	if players[to] != Person {
		players[seat], players[to] = s.cast.Players(seat)[0], Person
	}
	return to, s.Begin(players)
}

// Against begins a new episode in which a policy plays a seat that no person plays.
func (s *Session) Against(seat int, player string) error {
	s.mu.Lock()
	players := slices.Clone(s.players)
	known := slices.Contains(s.opponents(seat), player)
	s.mu.Unlock()
	if !known || players[seat] == Person {
		return &MoveError{"this player cannot play there"}
	}
	players[seat] = player
	return s.Begin(players)
}

// File is where the episodes are kept; "" while there are none.
func (s *Session) File() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save.path
}

// Close ends the session and what it saves.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save.close()
}
