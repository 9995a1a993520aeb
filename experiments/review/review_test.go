package review_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
	"idsrl/envs/idsgame/recording"
	"idsrl/envs/scene"
	"idsrl/experiments"
	"idsrl/experiments/manual"
	"idsrl/experiments/review"
	"idsrl/results/browse"
)

// A game of a run is the same whenever it is played. In every state but the last, the learners' probabilities are of the
// legal actions and sum to 1, and where there are values, the expected return is the largest.
func TestPlay(t *testing.T) {
	for _, test := range []struct {
		name, env, algo string
		set             []string
		roles           []string
		drawn           bool
	}{
		{"a table", "idsgame-minimal_defense-v2", "tabular-q", nil, []string{"attacker"}, true},
		{"Q values", "idsgame-random_attack-v0", "dqn", []string{"learning_starts=100"}, []string{"defender"}, true},
		{"two learners", "idsgame-v0", "ppo", []string{"envs=4"}, []string{"attacker", "defender"}, true},
		{"a memory", "idsgame-minimal_defense-v2", "ppo", []string{"envs=4", "network.lstm=8"}, []string{"attacker"}, true},
		{"no picture", "toy-pursuit-v0", "tabular-q", nil, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			train(t, dir, test.env, test.algo, test.set...)
			saved := algotest.Must(catalog.Open(dir))
			for _, mode := range algos.Modes {
				game := review.Game{N: 3, Mode: mode, View: "everything"}
				e := algotest.Must(review.Play(t.Context(), saved, game))
				if again := algotest.Must(review.Play(t.Context(), saved, game)); !reflect.DeepEqual(again, e) {
					t.Error("the game is another one when it is played again")
				}
				if last := e.Frames[len(e.Frames)-1]; !last.Over || last.Outcome == "" || len(e.Thoughts) != len(e.Frames) {
					t.Fatalf("%d frames, %d thoughts, the end: %+v", len(e.Frames), len(e.Thoughts), last)
				}
				if e.Decisive < 1 || e.Decisive >= len(e.Frames) || e.Why == "" {
					t.Errorf("decisive: %d, %s", e.Decisive, e.Why)
				}
				for i, thoughts := range e.Thoughts[:len(e.Thoughts)-1] {
					if (e.Frames[i].Scene != nil) != test.drawn {
						t.Errorf("frame %d has scene %v", i, e.Frames[i].Scene)
					}
					var roles []string
					for _, th := range thoughts {
						roles = append(roles, th.Role)
						check(t, th)
					}
					if test.roles != nil && !slices.Equal(roles, test.roles) {
						t.Errorf("%v think, not %v", roles, test.roles)
					}
				}
				algotest.Must(json.Marshal(e))
			}
		})
	}
}

func check(t *testing.T, th review.Thought) {
	t.Helper()
	sum, best := 0.0, math.Inf(-1)
	for _, c := range th.Choices {
		sum += float64(c.Probability)
		if c.Value != nil {
			best = max(best, float64(*c.Value))
		}
	}
	if math.Abs(sum-1) > 1e-5 || len(th.Choices) != th.Legal || th.Legal > th.Actions {
		t.Errorf("probabilities sum to %v, of %d of %d legal actions of %d", sum, len(th.Choices), th.Legal, th.Actions)
	}
	if !math.IsInf(best, -1) && best != float64(th.Value) {
		t.Errorf("value %v, the best of %v", th.Value, best)
	}
}

// Updates are shown where the table counts them.
func TestUpdates(t *testing.T) {
	for omega, counted := range map[string]bool{"0.65": true, "0": false} {
		dir := filepath.Join(t.TempDir(), "run")
		train(t, dir, "idsgame-minimal_defense-v2", "tabular-q", "omega="+omega)
		saved := algotest.Must(catalog.Open(dir))
		e := algotest.Must(review.Play(t.Context(), saved, review.Game{View: "everything"}))
		sum := uint32(0)
		for _, c := range e.Thoughts[0][0].Choices {
			if (c.Updates != nil) != counted {
				t.Fatalf("omega = %s: updates %v", omega, c.Updates)
			}
			if counted {
				sum += *c.Updates
			}
		}
		if counted && (sum == 0 || sum > 1500) { // every step of the training makes one, somewhere
			t.Errorf("%d updates of the first state", sum)
		}
	}
}

// What the attacker has of a state is what its seat sees.
func TestView(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	train(t, dir, "idsgame-minimal_defense-v2", "tabular-q")
	saved := algotest.Must(catalog.Open(dir))
	all := algotest.Must(review.Play(t.Context(), saved, review.Game{View: "everything"}))
	seen := algotest.Must(review.Play(t.Context(), saved, review.Game{View: "attacker"}))
	if all.Frames[0].Scene.Nodes[0].Defence == nil || seen.Frames[0].Scene.Nodes[0].Defence != nil {
		t.Error("the attacker sees the defence")
	}
	if _, err := review.Play(t.Context(), saved, review.Game{View: "benign"}); err == nil {
		t.Error("somebody sees who does not play")
	}
}

// In an edited state the picture shows the changes, and the learners think about it as in a game that came there.
func TestChange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	train(t, dir, "idsgame-minimal_defense-v2", "tabular-q", "state=observation")
	saved := algotest.Must(catalog.Open(dir))
	game := review.Game{N: 1, View: "everything"}
	e := algotest.Must(review.Play(t.Context(), saved, game))
	same := algotest.Must(review.Change(t.Context(), saved, game, review.Edit{N: 1}))
	if !reflect.DeepEqual(same.Thoughts, e.Thoughts[0]) || !reflect.DeepEqual(same.Scene, e.Frames[0].Scene) {
		t.Error("a state without changes is another one")
	}
	changes := []scene.Change{
		{Node: "1", Field: scene.FieldAttack, Type: 3, Value: 9}, {Node: "1", Field: scene.FieldDefence, Type: 0, Value: 7},
		{Node: "0", Field: scene.FieldDetection, Value: 5}, {Node: "2", Field: scene.FieldAttacker},
	}
	edited := algotest.Must(review.Change(t.Context(), saved, game, review.Edit{N: 1, Changes: changes}))
	nodes := edited.Scene.Nodes
	if nodes[1].Attack[3] != 9 || nodes[1].Defence[0] != 7 || nodes[0].Detection != 5 || !nodes[2].Attacker || nodes[3].Attacker {
		t.Errorf("%+v", nodes)
	}
	if th := edited.Thoughts[0]; !slices.ContainsFunc(th.Choices, func(c review.Choice) bool { return c.To == "0" }) {
		t.Error("the data node is not within reach of server 2")
	}
	for name, edit := range map[string]review.Edit{
		"no node":        {Changes: []scene.Change{{Node: "9", Field: scene.FieldAttack}}},
		"no number":      {Changes: []scene.Change{{Node: "x", Field: scene.FieldAttack}}},
		"no type":        {Changes: []scene.Change{{Node: "1", Field: scene.FieldDefence, Type: 10}}},
		"a negative one": {Changes: []scene.Change{{Node: "1", Field: scene.FieldDefence, Type: -1}}},
		"too large":      {Changes: []scene.Change{{Node: "1", Field: scene.FieldDefence, Value: 10}}},
		"no field":       {Changes: []scene.Change{{Node: "1", Field: "name"}}},
		"won already":    {Changes: []scene.Change{{Node: "0", Field: scene.FieldAttacker}}},
		"after the end":  {Step: 1000},
		"before it":      {Step: -1},
	} {
		if got, err := review.Change(t.Context(), saved, game, edit); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Recorded games are shown as they were played: those of idsgame, and those of people.
func TestGames(t *testing.T) {
	root := t.TempDir()
	film := scene.Film{Seat: scene.Everything}
	tape := algotest.Must(recording.Create(filepath.Join(root, "games.jsonl.gz")))
	_, err := catalog.Simulate(t.Context(), experiments.Simulation{
		Env: "idsgame-v2", Players: map[envs.Role]string{envs.Attacker: "random", envs.Defender: "random"}, Episodes: 3,
		Watch: algos.Watchers{tape, &film},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	person := manual.Episode{Env: "toy-pursuit-v0", Players: []string{"person", "random"}, Actions: [][]int{{0, 0}}}
	write(t, filepath.Join(root, "people.jsonl"), string(algotest.Must(json.Marshal(person)))+"\n")
	write(t, filepath.Join(root, "bad.jsonl"), "{}\n")
	broken := person
	for name, actions := range map[string][][]int{"seats": {{0}}, "ids": {{0, 99}}, "negative": {{-1, 0}}, "end": {{0, 0}, {0, 0}}} {
		broken.Actions = actions
		write(t, filepath.Join(root, name+".jsonl"), string(algotest.Must(json.Marshal(broken)))+"\n")
	}
	s := show(t, root)
	ask := func(name, what string, q url.Values) (any, error) {
		at := slices.IndexFunc(s.index.Games, func(f browse.FileRow) bool { return filepath.Base(f.Name) == name })
		return s.api.Answer(t.Context(), s.index.Games[at].ID, what, q)
	}
	list := algotest.Must(ask("games.jsonl.gz", "games", nil)).([]review.GameRow)
	frames := film.Frames
	for n, row := range list {
		e := algotest.Must(ask("games.jsonl.gz", "game", url.Values{"n": {string(rune('0' + n))}})).(*review.Episode)
		length := slices.IndexFunc(frames, func(f scene.Frame) bool { return f.Over }) + 1
		if !reflect.DeepEqual(e.Frames, frames[:length]) {
			t.Errorf("game %d differs from what was played", n)
		}
		if want := frames[length-1]; row.Steps != want.Step || row.Outcome != want.Winner {
			t.Errorf("game %d: %+v, want %d steps, %s", n, row, want.Step, want.Winner)
		}
		frames = frames[length:]
	}
	if len(list) != 3 || len(frames) > 0 {
		t.Errorf("%d games, %d frames more", len(list), len(frames))
	}
	if e := algotest.Must(ask("people.jsonl", "game", url.Values{"n": {"0"}})).(*review.Episode); len(e.Frames) != 2 || e.Players[0] != "person" {
		t.Errorf("%+v", e)
	}
	for _, name := range []string{"seats", "ids", "negative", "end"} {
		if e, err := ask(name+".jsonl", "game", url.Values{"n": {"0"}}); err == nil {
			t.Errorf("a game with wrong %s: %+v", name, e)
		}
	}
	for _, n := range []string{"3", "-1", "", "x"} {
		if _, err := ask("games.jsonl.gz", "game", url.Values{"n": {n}}); err == nil {
			t.Errorf("game %q is there", n)
		}
	}
	if list, err := ask("bad.jsonl", "games", nil); err == nil && len(list.([]review.GameRow)) > 0 {
		t.Errorf("a file without games: %+v", list)
	}
}

// fetch is the status and the text of an answer.
func fetch(t *testing.T, method, target, body string) (int, string) {
	t.Helper()
	r := algotest.Must(http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, string(algotest.Must(io.ReadAll(response.Body)))
}

// The server answers what it can, and else says why not; no path leads out of the folder.
func TestAnswers(t *testing.T) {
	root := t.TempDir()
	train(t, filepath.Join(root, "runs", "one"), "idsgame-minimal_defense-v2", "tabular-q")
	write(t, filepath.Join(root, "secret.jsonl"), "secret")
	s := show(t, filepath.Join(root, "runs"))
	id, group := s.run(t, "one"), s.group(t, "one")
	for _, test := range []struct {
		method, path, body string
		want               int
		text               string
	}{
		{"GET", "", "", 200, "view.js"},
		{"GET", "api/index", "", 200, `"algo":"tabular-q"`},
		{"GET", "api/" + id + "/run", "", 200, "idsgame-minimal_defense-v2"},
		{"GET", "api/" + group + "/metrics", "", 200, "train/attacker/epsilon"},
		{"GET", "api/" + group + "/curve?metric=greedy/hack_probability&axis=episodes&stat=iqm", "", 200, `"stat":"iqm"`},
		{"GET", "api/" + group + "/lines?metric=train/attacker/epsilon", "", 200, id},
		{"GET", "api/" + id + "/episode?n=0", "", 200, "frames"},
		{"GET", "api/" + id + "/episode?n=0&mode=sampled&view=defender", "", 200, "frames"},
		{"POST", "api/" + id + "/state", `{"n": 0, "step": 0, "changes": [{"node": "1", "field": "attack", "type": 0, "value": 1}]}`, 200, "thoughts"},
		{"GET", "api/" + id + "/episode", "", 400, "n must be"},
		{"GET", "api/" + id + "/episode?n=0&mode=best", "", 400, "mode"},
		{"GET", "api/" + group + "/curve?metric=greedy/hack_probability&axis=time", "", 400, "axis"},
		{"GET", "api/" + group + "/curve?metric=greedy/none", "", 404, "nothing"},
		{"GET", "api/" + group + "/episode?n=0", "", 404, "nothing"},
		{"GET", "api/" + id + "/secrets", "", 404, "nothing"},
		{"GET", "api/0123456789/run", "", 404, "nothing"},
		{"GET", "api/..%2f..%2fsecret.jsonl/games", "", 404, "nothing"},
		{"GET", "api/" + url.PathEscape(root) + "/run", "", 404, "nothing"},
		{"GET", "assets/..%2f..%2fviewer.go", "", 404, "not found"},
		{"GET", "../secret.jsonl", "", 404, "not found"},
		{"GET", "runs/one/config.yaml", "", 404, "not found"},
		{"GET", "api/events", "", 400, "since"},
		{"POST", "api/" + id + "/state", `{"n": 0, "step": 0, "changes": [{"node": "77", "field": "attack"}]}`, 400, "node"},
		{"POST", "api/" + id + "/state", `{"n": 0, "path": "/etc/passwd"}`, 400, "path"},
		{"POST", "api/" + id + "/state", `{"mode": "` + strings.Repeat("a", 1<<17) + `"}`, 413, "large"},
		{"POST", "api/index", "{}", 405, ""},
		{"DELETE", "api/" + id + "/run", "", 405, ""},
	} {
		status, text := fetch(t, test.method, s.url+test.path, test.body)
		if status != test.want || !strings.Contains(text, test.text) {
			t.Errorf("%s %s: %d %.200s; want %d, %q", test.method, test.path, status, text, test.want, test.text)
		}
	}
}

// An export has an answer to whatever its page can ask, in scripts and without a module, and is not put among other files.
func TestExport(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "site")
	train(t, filepath.Join(root, "one"), "idsgame-minimal_defense-v2", "tabular-q")
	train(t, filepath.Join(root, "broken"), "idsgame-minimal_defense-v2", "tabular-q", "seed=7")
	write(t, filepath.Join(root, "broken", "final.ckpt"), "no zip")
	s := show(t, root)
	var warnings []error
	export := func(to string) error {
		return review.Export(context.Background(), s.api, to, 2, func(err error) { warnings = append(warnings, err) })
	}
	for range 2 { // the second replaces the first
		if err := export(dir); err != nil {
			t.Fatal(err)
		}
	}
	if len(warnings) != 2 || !strings.Contains(warnings[0].Error(), "broken") {
		t.Errorf("warnings: %v", warnings)
	}
	text := func(name string) string { return string(algotest.Must(os.ReadFile(filepath.Join(dir, name)))) }
	html := text("index.html")
	if regexp.MustCompile(`type="module"|https?:|<script>|style=`).MatchString(html) || !strings.Contains(html, "Content-Security-Policy") {
		t.Error(html)
	}
	if script := text("assets/view.js"); regexp.MustCompile(`(?m)^(import|export)\b`).MatchString(script) {
		t.Error("the script is still a module")
	}
	answers := text("data/"+s.group(t, "one")+".js") + text("data/"+s.run(t, "one")+".js")
	for _, question := range []string{
		`/metrics"`, `/curve?axis=episodes\u0026metric=train%2Fattacker%2Fepsilon\u0026stat=median"`,
		`/lines?axis=steps\u0026metric=sampled%2Fhack_probability"`, `/run"`, `/episode?mode=greedy\u0026n=1\u0026view=everything"`,
	} {
		if !strings.Contains(answers, question) {
			t.Errorf("no answer to %s", question)
		}
	}
	write(t, filepath.Join(t.TempDir(), "x"), "")
	if err := export(root); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("an export among other files: %v", err)
	}
}
