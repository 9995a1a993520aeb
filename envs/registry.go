package envs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"idsrl/envs/settings"
)

// Game is the settings of a game, complete enough to build it: a pointer to a struct in the form of package settings,
// so that each setting can be read from a file, set by a flag, checked and documented.
type Game interface {
	// Validate reports every setting that does not fit the others.
	Validate() error
	// New builds the game with every seat open. The instance seed decides what is drawn once for an instance, such as
	// where its weak spots are; what is drawn for an episode comes from Env.Reset.
	New(instance uint64) (Env, error)
	// Bots are the scripted players of a seat.
	Bots(seat int) []Bot
}

// Entry is a registered environment: a game and who plays it.
type Entry struct {
	ID    string
	About string      // one line
	Game  func() Game // a fresh copy of the settings, free to change
	Cast  []string    // by seat: the bot that plays it, "" where the seat is open; nil: all are open
}

// New builds the environment with its bots in their seats.
func (e Entry) New(instance uint64) (Env, error) { return e.Build(e.Game(), instance) }

// Build is New with settings that started as e.Game().
func (e Entry) Build(game Game, instance uint64) (Env, error) {
	env, err := game.New(instance)
	if err != nil {
		return nil, err
	}
	players, err := e.Players(game, len(env.Spec().Seats))
	if err != nil {
		return nil, err
	}
	return Versus(env, players...)
}

// Open reports whether a seat of the game is a learner's.
func (e Entry) Open(seat int) bool { return e.Cast == nil || e.Cast[seat] == "" }

// Players makes the bots that play in a game with so many seats, nil for each open one.
func (e Entry) Players(game Game, seats int) ([]Policy, error) {
	if e.Cast != nil && len(e.Cast) != seats {
		return nil, fmt.Errorf("envs: %s casts %d seats of %d", e.ID, len(e.Cast), seats)
	}
	players := make([]Policy, seats)
	for seat := range players {
		if e.Open(seat) {
			continue
		}
		bot, err := NewBot(game, seat, e.Cast[seat])
		if err != nil {
			return nil, err
		}
		players[seat] = bot
	}
	return players, nil
}

// NewBot makes the bot of that name for a seat of game.
func NewBot(game Game, seat int, name string) (Policy, error) {
	var names []string
	for _, b := range game.Bots(seat) {
		if b.Name == name {
			return b.New(), nil
		}
		names = append(names, b.Name)
	}
	return nil, &UnknownError{Kind: "bot of this seat", Name: name, Known: names}
}

// ErrUnknown is what every error about a name that does not exist wraps.
var ErrUnknown = errors.New("unknown name")

// UnknownError says which name does not exist and which one may have been meant.
type UnknownError struct {
	Kind, Name string
	Known      []string
	Hint       string // how to list what exists; may be empty
}

func (e *UnknownError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "there is no %s called %q", e.Kind, e.Name)
	if s := settings.Suggest(e.Name, e.Known); s != "" {
		fmt.Fprintf(&b, "; did you mean %q?", s)
	} else if e.Hint == "" {
		fmt.Fprintf(&b, "; there are: %s", strings.Join(e.Known, ", "))
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

// Unwrap is ErrUnknown.
func (e *UnknownError) Unwrap() error { return ErrUnknown }

// Registry holds environments by name, in the order in which they were added.
type Registry struct {
	entries []Entry
	byID    map[string]int
}

// Add registers entries. It panics on a repeated or empty ID.
func (r *Registry) Add(entries ...Entry) {
	for _, e := range entries {
		if _, repeated := r.byID[e.ID]; repeated || e.ID == "" {
			panic(fmt.Sprintf("envs: empty or repeated ID %q", e.ID))
		}
		if r.byID == nil {
			r.byID = map[string]int{}
		}
		r.byID[e.ID] = len(r.entries)
		r.entries = append(r.entries, e)
	}
}

// Entries are all entries in the order of Add.
func (r *Registry) Entries() []Entry { return slices.Clone(r.entries) }

// IDs are the names of all entries in the order of Add.
func (r *Registry) IDs() []string {
	ids := make([]string, len(r.entries))
	for i, e := range r.entries {
		ids[i] = e.ID
	}
	return ids
}

// Lookup finds an entry. Its error is an *UnknownError that suggests a near name.
func (r *Registry) Lookup(id string) (Entry, error) {
	i, ok := r.byID[id]
	if !ok {
		return Entry{}, &UnknownError{Kind: "environment", Name: id, Known: r.IDs(), Hint: "idsrl envs list shows all"}
	}
	return r.entries[i], nil
}

// Describer is a Game that can explain itself to people.
type Describer interface {
	Game
	Describe() string // lines of text
}
