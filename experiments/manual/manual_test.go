package manual_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gdamore/tcell/v2"

	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/idsgame/recording"
	"idsrl/envs/netsecgame/play"
	"idsrl/envs/scene"
	"idsrl/experiments"
	"idsrl/experiments/manual"
)

// catalog has the games that can be played.
func catalog() experiments.Catalog {
	r := new(envs.Registry)
	r.Add(idsgame.Entries()...)
	r.Add(play.Entries()...)
	return experiments.Catalog{Envs: r}
}

// newCast builds a game.
func newCast(t *testing.T, env string) *experiments.Cast {
	t.Helper()
	cast, err := catalog().Cast(experiments.Simulation{Env: env, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return cast
}

// newSession begins a game with these players, and keeps its episodes in dir, if that is not "".
func newSession(t *testing.T, env, dir string, players ...string) *manual.Session {
	t.Helper()
	s, err := manual.New(newCast(t, env), manual.Options{Players: players, Seed: 1, Save: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// finish plays the first legal action of a seat until the game is over.
func finish(t *testing.T, s *manual.Session, seat int) *manual.View {
	t.Helper()
	for {
		v := s.View(seat)
		now := v.Frames[len(v.Frames)-1]
		if now.Over {
			return v
		}
		if err := s.Play(seat, now.Step, v.Legal[0].ID); err != nil {
			t.Fatal(err)
		}
	}
}

// A person plays each seat of each kind of game to the end; rewards add up, and only then is the truth shown.
func TestPlay(t *testing.T) {
	for _, test := range []struct {
		env     string
		players []string
		seat    int
	}{
		{"idsgame-v2", []string{manual.Person, "bot:minimal"}, 0},
		{"idsgame-v2", []string{"bot:maximal", manual.Person}, 1},
		{"idsgame-v18", []string{manual.Person, "random"}, 0},
		{"idsgame-v19", []string{manual.Person, "bot:minimal"}, 0},
		{"netsecgame-two_networks_tiny-attacker-v0", []string{manual.Person}, 0},
		{"netsecgame-two_networks_tiny-v0", []string{"bot:bfs", manual.Person}, 1},
	} {
		s := newSession(t, test.env, "", test.players...)
		if _, err := s.Reveal(); err == nil {
			t.Errorf("%s: the truth is shown before the end", test.env)
		}
		v := finish(t, s, test.seat)
		sum := 0.0
		for _, f := range v.Frames[1:] {
			if len(f.Rewards) != 1 {
				t.Fatalf("%s: a seat is told %d rewards", test.env, len(f.Rewards))
			}
			sum += f.Rewards[0]
		}
		if sum != v.Return {
			t.Errorf("%s: rewards add up to %g, return %g", test.env, sum, v.Return)
		}
		last := v.Frames[len(v.Frames)-1]
		if last.Winner == "" || last.Outcome == "" || len(v.Legal) != 0 {
			t.Errorf("%s: at the end: winner %q, outcome %q, %d legal actions", test.env, last.Winner, last.Outcome, len(v.Legal))
		}
		truth, err := s.Reveal()
		if err != nil || len(truth) != len(v.Frames) || len(truth[1].Moves) != len(test.players) {
			t.Errorf("%s: the truth has %d frames of %d: %v", test.env, len(truth), len(v.Frames), err)
		}
	}
}

// A choice that does not count changes nothing.
func TestRefusals(t *testing.T) {
	s := newSession(t, "idsgame-v2", "", manual.Person, "bot:minimal")
	legal := s.View(0).Legal[0].ID
	for name, play := range map[string]func() error{
		"another seat":     func() error { return s.Play(1, 0, 0) },
		"a late click":     func() error { return s.Play(0, 7, legal) },
		"an illegal one":   func() error { return s.Play(0, 0, 0) }, // the data node, from the start
		"outside":          func() error { return s.Play(0, 0, 1000) },
		"below":            func() error { return s.Play(0, 0, -1) },
		"an unknown bot":   func() error { return s.Against(1, "checkpoint:/etc/passwd") },
		"a seat of people": func() error { return s.Against(0, "random") },
	} {
		if err := play(); err == nil {
			t.Errorf("%s counts", name)
		}
	}
	if v := s.View(0); len(v.Frames) != 1 || v.Version != 1 {
		t.Errorf("%d frames, version %d", len(v.Frames), v.Version)
	}
}

// Two people play: the step waits for both, in either order, and what one has chosen is not told the other.
func TestTwoPeople(t *testing.T) {
	s := newSession(t, "idsgame-v2", "", manual.Person, manual.Person)
	attacker, defender := s.View(0), s.View(1)
	if err := s.Play(1, 0, defender.Legal[3].ID); err != nil {
		t.Fatal(err)
	}
	if v := s.View(1); v.Chosen == nil || v.Chosen.ID != defender.Legal[3].ID || len(v.Legal) != 0 {
		t.Errorf("the defender is told %+v", v.Chosen)
	}
	if err := s.Play(1, 0, defender.Legal[4].ID); err == nil {
		t.Error("a second choice counts")
	}
	v := s.View(0)
	if v.Chosen != nil || !v.Seats[1].Ready || v.Seats[0].Ready {
		t.Errorf("the attacker is told %+v", v)
	}
	if err := s.Play(0, 0, attacker.Legal[0].ID); err != nil {
		t.Fatal(err)
	}
	for seat := range 2 {
		v := s.View(seat)
		if now := v.Frames[len(v.Frames)-1]; now.Step != 1 || len(now.Moves) != 1 || now.Moves[0].Seat != seat {
			t.Errorf("seat %d is told of step %d, moves %+v", seat, now.Step, now.Moves)
		}
	}
}

// What a seat is told, as JSON, does not depend on what it does not see: the attacker's view stays the same whatever a
// defender does elsewhere, and the defender's whatever the attacker does, until the game is over.
func TestNoLeak(t *testing.T) {
	told := func(seat, attack, defence int) string {
		s := newSession(t, "idsgame-v2", "", manual.Person, manual.Person)
		for other, pick := range []int{attack, defence} {
			if err := s.Play(other, 0, s.View(other).Legal[pick].ID); err != nil {
				t.Fatal(err)
			}
		}
		v := s.View(seat)
		if v.Frames[len(v.Frames)-1].Over {
			return "over"
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for seat := range 2 {
		seen := map[string]bool{}
		for other := range 11 { // of the data node
			choice := [2]int{2, 2}
			choice[1-seat] = other
			if text := told(seat, choice[0], choice[1]); text != "over" {
				seen[text] = true
			}
		}
		if len(seen) != 1 {
			t.Errorf("seat %d is told %d things", seat, len(seen))
		}
	}
	if told(0, 1, 1) == told(0, 2, 1) {
		t.Error("the control fails: a seat does not see its own move")
	}
}

// Seats change, policies change, and each change begins a new episode.
func TestChanges(t *testing.T) {
	s := newSession(t, "idsgame-v2", "", manual.Person, "bot:minimal")
	if err := s.Against(1, "bot:random"); err != nil {
		t.Fatal(err)
	}
	to, err := s.ChangeSeats(0)
	if err != nil || to != 1 {
		t.Fatalf("to seat %d: %v", to, err)
	}
	v := s.View(1)
	if v.Seats[0].Player != "bot:maximal" || v.Seats[1].Player != manual.Person || v.Episode != 3 || len(v.Legal) == 0 {
		t.Errorf("%+v", v)
	}
}

// Every game is saved, also one that is left; of idsgame as a recording that replays without a difference.
func TestSave(t *testing.T) {
	dir := t.TempDir()
	s := newSession(t, "idsgame-v19", dir, manual.Person, "bot:minimal")
	finish(t, s, 0)
	if err := s.Again(); err != nil { // and is left without a step: not kept
		t.Fatal(err)
	}
	if err := s.Again(); err != nil {
		t.Fatal(err)
	}
	if err := s.Play(0, 0, s.View(0).Legal[4].ID); err != nil { // reconnaissance of the first node
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.File())
	if err != nil {
		t.Fatal(err)
	}
	report, err := recording.Verify(bytes.NewReader(data))
	if err != nil || report.Differences > 0 || report.Episodes != 2 {
		t.Errorf("%+v, %v, %v", report, report.First, err)
	}
}

// Of other games, the line of an episode has all that is needed to play it again.
func TestEpisode(t *testing.T) {
	dir := t.TempDir()
	s := newSession(t, "netsecgame-two_networks_tiny-v0", dir, manual.Person, "bot:blocking")
	finish(t, s, 0)
	truth, err := s.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "netsecgame-two_networks_tiny-v0-*.jsonl"))
	if len(files) != 1 || files[0] != s.File() {
		t.Fatalf("files %v, %s", files, s.File())
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var e manual.Episode
	if err := json.Unmarshal(data, &e); err != nil || !e.Over {
		t.Fatalf("over %v, %v", e.Over, err)
	}
	film := &scene.Film{Seat: scene.Everything}
	if err := e.Replay(newCast(t, "netsecgame-two_networks_tiny-v0").Game, film); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(film.Frames)
	if want, _ := json.Marshal(truth); !bytes.Equal(again, want) {
		t.Error("the episode goes on otherwise")
	}
}

// The terminal is usable at 80x24: a game is played by keys to its end, and all that is needed is on the screen.
func TestTerminal(t *testing.T) {
	for _, test := range []struct {
		env   string
		keys  string // "v" is down, "." Enter
		shown []string
	}{
		{"idsgame-v2", "1v1v1", []string{"[Data", "[@", "Injection", "Redirects", "you: attacker"}},
		{"idsgame-v4", "3", []string{"Cross-site scripting", "[Server 20 a0]", "step 1: "}},
		{"netsecgame-two_networks_small-attacker-v0", "/scan 1.0.", []string{"192.168.1.0/24", "/", "Find services"}},
	} {
		cast := newCast(t, test.env)
		players := []string{manual.Person, "bot:minimal"}[:len(cast.Game.Spec().Seats)]
		s := newSession(t, test.env, "", players...)
		screen := tcell.NewSimulationScreen("UTF-8")
		done := make(chan error, 1)
		if err := screen.Init(); err != nil {
			t.Fatal(err)
		}
		screen.SetSize(80, 24)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- manual.Terminal(ctx, keep{screen}, s, 0) }()
		for _, k := range test.keys {
			switch k {
			case 'v':
				screen.InjectKey(tcell.KeyDown, 0, tcell.ModNone)
			case '.':
				screen.InjectKey(tcell.KeyEnter, 0, tcell.ModNone)
			default:
				screen.InjectKey(tcell.KeyRune, k, tcell.ModNone)
			}
		}
		screen.InjectKey(tcell.KeyRune, 'q', tcell.ModNone)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		cancel()
		cells, width, height := screen.GetContents()
		var text strings.Builder
		for i, cell := range cells {
			if i%width == 0 {
				text.WriteString("\n")
			}
			text.WriteString(string(cell.Runes))
		}
		if testing.Verbose() {
			t.Log(text.String())
		}
		if width != 80 || height != 24 {
			t.Errorf("the screen is %dx%d", width, height)
		}
		for _, want := range append(test.shown, "q quit") {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: %q is not on the screen:\n%s", test.env, want, text.String())
			}
		}
		screen.Fini()
	}
}

// keep is a screen whose contents stay after the end.
type keep struct{ tcell.SimulationScreen }

func (keep) Init() error { return nil }
func (keep) Fini()       {}

// Without a screen, lines do.
func TestLines(t *testing.T) {
	for _, test := range []struct {
		env, input string
		out        []string
	}{
		{"idsgame-v2", "injection\nInjection against Server 1\nq\n", []string{"several fit", "step 1: Injection against Server 1:"}},
		{"idsgame-v2", "nonsense\n999\n", []string{"no action is called so"}},
		{"netsecgame-two_networks_tiny-attacker-v0", "0\n9\nq\n", []string{"Goal: bring file", "several fit", "step 1: Scan network"}},
	} {
		cast := newCast(t, test.env)
		s := newSession(t, test.env, "", []string{manual.Person, "bot:minimal"}[:len(cast.Game.Spec().Seats)]...)
		var out bytes.Buffer
		if err := manual.Lines(t.Context(), strings.NewReader(test.input), &out, s, 0); err != nil {
			t.Fatal(err)
		}
		for _, want := range test.out {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s, %q: %q is not in\n%s", test.env, test.input, want, out.String())
			}
		}
	}
}
