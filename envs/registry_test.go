package envs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/toy"
)

func TestRegistry(t *testing.T) {
	var r envs.Registry
	if _, err := r.Lookup("toy-clock-v0"); !errors.Is(err, envs.ErrUnknown) {
		t.Errorf("Lookup in an empty Registry: %v", err)
	}
	entries := toy.Entries()
	r.Add(entries[:2]...)
	r.Add()
	r.Add(entries[2:]...)
	var want []string
	for _, e := range entries {
		want = append(want, e.ID)
		if got, err := r.Lookup(e.ID); err != nil || got.ID != e.ID || got.About != e.About {
			t.Errorf("Lookup(%q) = %+v, %v", e.ID, got, err)
		}
	}
	if got := r.IDs(); !slices.Equal(got, want) {
		t.Errorf("IDs = %v, want %v", got, want)
	}
	got := r.Entries()
	got[0].ID = "changed"
	if r.Entries()[0].ID != want[0] {
		t.Error("who changes the result of Entries changes the Registry")
	}

	for _, id := range []string{"", want[3]} {
		if !panics(func() { r.Add(envs.Entry{ID: id}) }) {
			t.Errorf("Add with ID %q does not panic", id)
		}
	}
	if !panics(func() { new(envs.Registry).Add(envs.Entry{ID: "a"}, envs.Entry{ID: "a"}) }) {
		t.Error("Add of twins does not panic")
	}
}

func TestRegistrySuggests(t *testing.T) {
	var r envs.Registry
	r.Add(toy.Entries()...)
	for name, hint := range map[string]string{
		"toy-clok-v0":     `did you mean "toy-clock-v0"?`,
		"toy-corridor-v1": `did you mean "toy-corridor-v0"?`,
		"zzzzzzzzzzzzzzz": "",
	} {
		_, err := r.Lookup(name)
		var unknown *envs.UnknownError
		if !errors.As(err, &unknown) || !errors.Is(err, envs.ErrUnknown) {
			t.Fatalf("Lookup(%q): error %v is no *UnknownError", name, err)
		}
		if unknown.Name != name || !slices.Equal(unknown.Known, r.IDs()) {
			t.Errorf("Lookup(%q): %+v", name, *unknown)
		}
		text := err.Error()
		if !strings.Contains(text, name) || !strings.Contains(text, hint) {
			t.Errorf("Lookup(%q): error %q", name, text)
		}
		if hint == "" && strings.Contains(text, "did you mean") {
			t.Errorf("Lookup(%q): error %q suggests something", name, text)
		}
	}
}

func TestEntryCast(t *testing.T) {
	entry := envs.Entry{
		ID:   "test",
		Game: func() envs.Game { return &toy.Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 9} },
	}
	env := must(entry.New(0))
	if _, ok := envs.As[*envs.Match](env); ok || len(env.Spec().Seats) != 2 {
		t.Errorf("without a cast: %d seats", len(env.Spec().Seats))
	}

	entry.Cast = []string{"", "back"}
	env = must(entry.New(0))
	if seats := env.Spec().Seats; len(seats) != 1 || seats[0].Role != envs.Attacker {
		t.Errorf("with a defender: seats %+v", seats)
	}
	m, _ := envs.As[*envs.Match](env)
	if err := m.Reset(0); err != nil {
		t.Fatal(err)
	}
	if err := m.Step([]int{0}, m.Spec().NewOutcome()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Actions(), []int{0, 1}) {
		t.Errorf("played %v, want front against back", m.Actions())
	}

	settings := entry.Game().(*toy.Pursuit)
	settings.MaxSteps = 3
	if got := must(entry.Build(settings, 0)).Spec().MaxSteps; got != 3 {
		t.Errorf("built with a limit of 3, has %d", got)
	}
	settings.MaxSteps = 0
	if env, err := entry.Build(settings, 0); err == nil || env != nil {
		t.Errorf("bad settings: %v, %v", env, err)
	}

	entry.Cast = []string{"", "backk"}
	env, err := entry.New(0)
	if !errors.Is(err, envs.ErrUnknown) || env != nil || !strings.Contains(err.Error(), `did you mean "back"?`) {
		t.Errorf("a bot that does not exist: %v, %v", env, err)
	}
	for _, cast := range [][]string{{}, {"uniform"}, {"", "uniform", ""}, {"", "uniform", "uniform"}} {
		entry.Cast = cast
		if env, err := entry.New(0); err == nil || env != nil {
			t.Errorf("a cast of %d for two seats: %v, %v", len(cast), env, err)
		}
	}
}

func TestEntryPlayers(t *testing.T) {
	game := &toy.Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 9}
	for _, tt := range []struct {
		cast []string
		open []bool
	}{
		{nil, []bool{true, true}},
		{[]string{"", ""}, []bool{true, true}},
		{[]string{"", "back"}, []bool{true, false}},
		{[]string{"front", ""}, []bool{false, true}},
		{[]string{"front", "uniform"}, []bool{false, false}},
	} {
		entry := envs.Entry{Cast: tt.cast}
		players, err := entry.Players(game, 2)
		if err != nil || len(players) != 2 {
			t.Fatalf("cast %q: %v, %v", tt.cast, players, err)
		}
		for seat, open := range tt.open {
			if entry.Open(seat) != open || (players[seat] == nil) != open {
				t.Errorf("cast %q, seat %d: open %v, player %v", tt.cast, seat, entry.Open(seat), players[seat])
			}
		}
	}
}

func TestNewBot(t *testing.T) {
	game := &toy.Clock{Hours: 2, MaxSteps: 5}
	a, b := must(envs.NewBot(game, 0, "wait")), must(envs.NewBot(game, 0, "wait"))
	if a == b {
		t.Error("two bots are one")
	}
	_, err := envs.NewBot(game, 0, "xxxxxxxxxx")
	if err == nil {
		t.Fatal("a bot that does not exist is no error")
	}
	for _, bot := range game.Bots(0) {
		if !strings.Contains(err.Error(), bot.Name) {
			t.Errorf("error %q does not list bot %s", err, bot.Name)
		}
	}
}

func ExampleRegistry_Lookup() {
	var r envs.Registry
	r.Add(toy.Entries()...)
	_, err := r.Lookup("toy-clock")
	fmt.Println(err)
	// Output: there is no environment called "toy-clock"; did you mean "toy-clock-v0"? (idsrl envs list shows all)
}
