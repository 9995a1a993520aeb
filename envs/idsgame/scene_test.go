package idsgame_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"idsrl/envs/idsgame"
	"idsrl/envs/scene"
)

// A seat's scene shows what the seat sees, no more and no less: of any state of any game, another value anywhere
// changes the scene if, and in full views only if, it changes the key of the seat (or, for the attacker, its node).
func TestSceneShowsTheView(t *testing.T) {
	rng := newRand(1)
	for range 150 {
		cfg := randomConfig(t, rng)
		game := newGame(t, cfg, 1)
		s := game.Rules().NewState()
		randomState(rng, game.Rules(), s)
		s.Hacked, s.Detected = false, false
		look := func(s *idsgame.State, seat int) (key, picture string) {
			game.SetState(s)
			key = string(game.AppendKey(nil, seat))
			if seat == idsgame.AttackerSeat {
				key += fmt.Sprint(s.Node)
			}
			text, err := json.Marshal(game.Scene(seat))
			if err != nil {
				t.Fatal(err)
			}
			return key, string(text)
		}
		// In a local view the key may hold what only the other seat shows; true values stand in the place of known ones.
		complete := !cfg.LocalView && !(cfg.FullyObserved && cfg.Reconnaissance)
		for seat := range 2 {
			key, picture := look(s, seat)
			for _, other := range changes(s, game.Rules().Net.Nodes, cfg.MaxValue) {
				otherKey, otherPicture := look(other, seat)
				switch {
				case otherKey == key && otherPicture != picture:
					t.Fatalf("%+v: seat %d is shown what it does not see:\n%s\n%s", cfg, seat, picture, otherPicture)
				case otherKey != key && otherPicture == picture && complete:
					t.Fatalf("%+v: seat %d is not shown what it sees:\n%s", cfg, seat, picture)
				}
			}
		}
	}
}

// changes are states that differ from s in one value each.
func changes(s *idsgame.State, nodes, most int) (list []*idsgame.State) {
	change := func(f func(*idsgame.State)) {
		other := s.Clone()
		f(other)
		list = append(list, other)
	}
	width := len(s.Attack) / nodes
	types := len(s.Defence)/nodes - 1
	next := func(x int8) int8 { return (x + 1) % int8(most+1) }
	for i := range s.Attack {
		if i%width < types { // the column of reconnaissance stays 0
			change(func(o *idsgame.State) { o.Attack[i] = next(o.Attack[i]) })
		}
	}
	for i := range s.Defence {
		change(func(o *idsgame.State) { o.Defence[i] = next(o.Defence[i]) })
	}
	for i := range s.Known {
		change(func(o *idsgame.State) { o.Known[i] = next(o.Known[i]) })
	}
	for i := range s.Scanned {
		change(func(o *idsgame.State) { o.Scanned[i] = !o.Scanned[i] })
	}
	for node := range nodes {
		change(func(o *idsgame.State) { o.Node = node })
	}
	return list
}

// What a scene shows, of states made by hand: the values that the seat sees, and the others hidden.
func TestScene(t *testing.T) {
	game := build(t, lookup(t, "idsgame-v19"), 1) // two servers, four types, reconnaissance
	s := game.Rules().NewState()
	s.Node = 1
	for i := range s.Attack {
		s.Attack[i] = int8(i % 7)
	}
	for i := range s.Defence {
		s.Defence[i] = int8(i % 5)
	}
	copy(s.Known, []int8{7, 8, 9, 6}) // of the data node
	s.Scanned[0] = true
	game.SetState(s)

	attacker, defender, all := game.Scene(idsgame.AttackerSeat), game.Scene(idsgame.DefenderSeat), game.Scene(scene.Everything)
	unknown := []int(nil)
	for _, test := range []struct {
		name            string
		scene           *scene.Scene
		node            int
		attack, defence []int
		detection       int
		here, scanned   bool
	}{
		{"attacker, adjacent and scanned", attacker, 0, []int{0, 1, 2, 3}, []int{7, 8, 9, 6}, scene.Hidden, false, true},
		{"attacker, its own", attacker, 1, []int{5, 6, 0, 1}, unknown, scene.Hidden, true, false},
		{"attacker, not adjacent", attacker, 2, nil, unknown, scene.Hidden, false, false},
		{"defender, data", defender, 0, nil, []int{0, 1, 2, 3}, 4, false, false},
		{"defender, where the attacker is", defender, 1, nil, []int{0, 1, 2, 3}, 4, false, false},
		{"everything", all, 1, []int{5, 6, 0, 1}, []int{0, 1, 2, 3}, 4, true, false},
		{"everything, not adjacent", all, 2, []int{3, 4, 5, 6}, []int{0, 1, 2, 3}, 4, false, false},
	} {
		n := test.scene.Nodes[test.node]
		if !reflect.DeepEqual(n.Attack, test.attack) || !reflect.DeepEqual(n.Defence, test.defence) || n.Detection != test.detection ||
			n.Attacker != test.here || n.Scanned != test.scanned {
			t.Errorf("%s: %+v", test.name, n)
		}
	}
	if len(attacker.Links) != 4 || attacker.Width != 1 || attacker.Height != 2 {
		t.Errorf("%d links, %g x %g", len(attacker.Links), attacker.Width, attacker.Height)
	}
}

// Actions have the names and nodes of the rules, and results are those of the step.
func TestDescribe(t *testing.T) {
	game := build(t, lookup(t, "idsgame-v19"), 1)
	for _, test := range []struct {
		seat, id int
		want     scene.Action
	}{
		{0, 2, scene.Action{ID: 2, Verb: scene.Attack, From: "3", To: "0", Type: 2, Text: "Cross-site scripting against Data"}},
		{0, 9, scene.Action{ID: 9, Verb: scene.Scan, From: "3", To: "1", Type: scene.Hidden, Text: "Reconnaissance of Server 1"}},
		{1, 5, scene.Action{ID: 5, Verb: scene.Defend, To: "1", Type: 0, Text: "Injection on Server 1"}},
		{1, 14, scene.Action{ID: 14, Verb: scene.Detect, To: "2", Type: scene.Hidden, Text: "Detection on Server 2"}},
	} {
		game.SetState(game.Rules().NewState()) // at the start
		if got := game.Describe(test.seat, test.id); got != test.want {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
}

// Results are those of the step. A detection value of 10 is certain, one of 0 harmless.
func TestResult(t *testing.T) {
	game := build(t, lookup(t, "idsgame-v19"), 1)
	state := func(defence, detection int8, node int) *idsgame.State {
		s := game.Rules().NewState()
		s.Node = node
		for i := range s.Defence {
			if s.Defence[i] = defence; i%5 == 4 {
				s.Defence[i] = detection
			}
		}
		return s
	}
	for name, test := range map[string]struct {
		state           *idsgame.State
		attack, defence int
		want            [2]scene.Effect
	}{
		"undefended":        {state(0, 0, 3), 6, 0, [2]scene.Effect{scene.Done, scene.Done}},
		"impossible":        {state(0, 0, 3), 0, 0, [2]scene.Effect{scene.Nothing, scene.Done}},
		"caught":            {state(9, 10, 3), 6, 0, [2]scene.Effect{scene.Detected, scene.Nothing}},
		"not caught":        {state(9, 0, 3), 6, 0, [2]scene.Effect{scene.Failed, scene.Nothing}},
		"scouted":           {state(9, 0, 3), 9, 0, [2]scene.Effect{scene.Done, scene.Nothing}},
		"scouted, caught":   {state(9, 10, 3), 9, 0, [2]scene.Effect{scene.Detected, scene.Nothing}},
		"the data are open": {state(0, 0, 1), 3, 14, [2]scene.Effect{scene.Done, scene.Done}},
	} {
		if err := game.Reset(1); err != nil {
			t.Fatal(err)
		}
		game.SetState(test.state)
		if err := game.Step([]int{test.attack, test.defence}, game.Spec().NewOutcome()); err != nil {
			t.Fatal(err)
		}
		for seat, want := range test.want {
			if got := game.Result(seat, 0); got.Effect != want || got.Text == "" {
				t.Errorf("%s: seat %d hears %+v, want %s", name, seat, got, want)
			}
		}
	}
}
