package scene_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/netsecgame/play"
	"idsrl/envs/scene"
	"idsrl/envs/toy"
)

// shoot films episodes of random play; steps counts them all.
func shoot(t *testing.T, id string, seat, episodes int) (film *scene.Film, steps int) {
	t.Helper()
	r := new(envs.Registry)
	r.Add(idsgame.Entries()...)
	r.Add(play.Entries()...)
	entry, err := r.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	game, err := entry.Game().New(1)
	if err != nil {
		t.Fatal(err)
	}
	film = &scene.Film{Seat: seat}
	random, rng := envs.Uniform(), rand.New(envs.NewPCG(1))
	out := game.Spec().NewOutcome()
	for k := range episodes {
		if err := game.Reset(uint64(k)); err != nil {
			t.Fatal(err)
		}
		if err := film.Start(game); err != nil {
			t.Fatal(err)
		}
		for over := false; !over; over = out.Over() {
			var actions []int
			for i := range game.Spec().Seats {
				actions = append(actions, random.Act(game, i, rng))
			}
			if err := game.Step(actions, out); err != nil {
				t.Fatal(err)
			}
			if err := film.Step(game, actions, out); err != nil {
				t.Fatal(err)
			}
			steps++
		}
	}
	return film, steps
}

// A film has a frame for each start and each step; attacks come from where the attacker was; returns are sums.
func TestFilm(t *testing.T) {
	film, steps := shoot(t, "idsgame-v3", scene.Everything, 5)
	if len(film.Frames) != 5+steps {
		t.Fatalf("%d frames of 5 episodes with %d steps", len(film.Frames), steps)
	}
	attacker := func(s *scene.Scene) string {
		return s.Nodes[slices.IndexFunc(s.Nodes, func(n scene.Node) bool { return n.Attacker })].ID
	}
	episodes := 0
	for i, f := range film.Frames {
		if f.Step == 0 {
			episodes++
			continue
		}
		before := film.Frames[i-1]
		attack := f.Moves[idsgame.AttackerSeat]
		if attack.Action.From != attacker(before.Scene) {
			t.Errorf("frame %d: the attack comes from %s, the attacker is on %s", i, attack.Action.From, attacker(before.Scene))
		}
		if moved := attacker(f.Scene) != attacker(before.Scene); moved != (attack.Result.Effect == scene.Done) ||
			moved && attack.Action.To != attacker(f.Scene) {
			t.Errorf("frame %d: %+v, and the attacker is on %s", i, attack, attacker(f.Scene))
		}
		for seat, reward := range f.Rewards {
			if f.Returns[seat] != before.Returns[seat]+reward {
				t.Errorf("frame %d: return %g", i, f.Returns[seat])
			}
		}
		last := i+1 == len(film.Frames) || film.Frames[i+1].Step == 0
		if f.Over != last || last == (f.Outcome == "") || !strings.Contains(strings.ToLower(f.Outcome), f.Winner) {
			t.Errorf("frame %d: over %v, %q", i, f.Over, f.Outcome)
		}
	}
	if episodes != 5 {
		t.Errorf("%d episodes", episodes)
	}
}

// What nobody has drawn has no film.
func TestFilmOfNothing(t *testing.T) {
	game, err := toy.Entries()[0].New(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := new(scene.Film).Start(game); err == nil {
		t.Error("a toy has a film")
	}
}

// A GIF has the film's frames, of the same bytes each time, and shows each of them: what the decoder has put together is
// the picture of the frame.
func TestGIF(t *testing.T) {
	for _, id := range []string{"idsgame-v0", "idsgame-v19", "netsecgame-two_networks_tiny-v0"} {
		film, _ := shoot(t, id, scene.Everything, 2)
		film.Frames = film.Frames[:min(len(film.Frames), 12)]
		var out, again bytes.Buffer
		if err := film.Write(&out, id); err != nil {
			t.Fatal(err)
		}
		if err := film.Write(&again, id); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Errorf("%s: other bytes the second time, %v", id, err)
		}
		if id == "idsgame-v0" && out.Len()/len(film.Frames) > 1_000_000/102 { // the longest game has 102 frames
			t.Errorf("%s: %d bytes of %d frames", id, out.Len(), len(film.Frames))
		}
		animation, err := gif.DecodeAll(&out)
		if err != nil {
			t.Fatal(err)
		}
		if len(animation.Image) != len(film.Frames) {
			t.Fatalf("%s: %d pictures of %d frames", id, len(animation.Image), len(film.Frames))
		}
		size := image.Pt(animation.Config.Width, animation.Config.Height)
		canvas := image.NewRGBA(image.Rectangle{Max: size})
		for i, part := range animation.Image {
			draw.Draw(canvas, part.Bounds(), part, part.Bounds().Min, draw.Over)
			want := film.Frames[i].Picture(id, size)
			for y := range size.Y {
				for x := range size.X {
					if got := canvas.RGBAAt(x, y); got != color.RGBAModel.Convert(want.At(x, y)) {
						t.Fatalf("%s: frame %d has another colour at (%d, %d)", id, i, x, y)
					}
				}
			}
		}
	}
}

// A picture shows the state: another value, another picture.
func TestPicture(t *testing.T) {
	for name, value := range map[string]func(n *scene.Node) *int{
		"attack":    func(n *scene.Node) *int { return &n.Attack[4] },
		"defence":   func(n *scene.Node) *int { return &n.Defence[4] },
		"detection": func(n *scene.Node) *int { return &n.Detection },
	} {
		film, _ := shoot(t, "idsgame-v2", scene.Everything, 1)
		f := film.Frames[0]
		before := f.Picture("", f.Size())
		*value(&f.Scene.Nodes[1])++
		if bytes.Equal(before.Pix, f.Picture("", f.Size()).Pix) {
			t.Errorf("another %s value, the same picture", name)
		}
	}
}

// The text of a scene fits its width, names every node, and marks the attacker; links meet the nodes that they join.
func TestText(t *testing.T) {
	for _, test := range []struct {
		id    string
		width int
		want  []string
	}{
		{"idsgame-v0", 40, []string{"[@Start a0 d0]", "[Data a0 d0]", "│"}},
		{"idsgame-v3", 80, []string{"[Server 6", "└", "┼", "┘"}},
		{"idsgame-v4", 80, []string{"[20", "[16"}},
		{"idsgame-v5", 80, []string{"─["}},
		{"netsecgame-two_networks_small-v0", 40, []string{"192.168.1.0/24", "* 192.168.2.2", "    ssh 8.1.0"}},
	} {
		film, _ := shoot(t, test.id, scene.Everything, 1)
		text := ""
		for _, line := range film.Frames[0].Scene.Text(test.width, "", nil) {
			if line.Len() > test.width {
				t.Errorf("%s: %d characters: %s", test.id, line.Len(), line)
			}
			text += line.String() + "\n"
		}
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in\n%s", test.id, want, text)
			}
		}
	}
}

// Arrows lead to the node that is nearest in their direction, and nowhere outside.
func TestNeighbour(t *testing.T) {
	film, _ := shoot(t, "idsgame-v3", scene.Everything, 1) // data 0, servers 1 2 3 and 4 5 6, start 7
	for _, test := range []struct {
		from string
		x, y float64
		want string
	}{
		{"7", 0, -1, "5"}, {"5", -1, 0, "4"}, {"4", -1, 0, "4"}, {"4", 0, -1, "1"}, {"1", 0, -1, "0"}, {"0", 0, -1, "0"},
		{"3", 0, 1, "6"}, {"none", 1, 0, "none"},
	} {
		if got := film.Frames[0].Scene.Neighbour(test.from, test.x, test.y); got != test.want {
			t.Errorf("from %s by (%g, %g) to %s, want %s", test.from, test.x, test.y, got, test.want)
		}
	}
}

// News counts what is new.
func TestNews(t *testing.T) {
	host := scene.Node{ID: "h", Kind: scene.Host, Lines: []string{"ssh"}}
	taken := host
	taken.Controlled, taken.Lines = true, []string{"ssh", "bash", "file"}
	before, after := &scene.Scene{Nodes: []scene.Node{host}}, &scene.Scene{
		Nodes: []scene.Node{taken, {ID: "n", Kind: scene.Network}}, Links: []scene.Link{{Blocked: true}},
	}
	if got, want := scene.News(before, after), "new: 1 network, 2 services and files, 1 host taken, 1 blocked"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := scene.News(after, after); got != "nothing new" {
		t.Errorf("%q", got)
	}
}
