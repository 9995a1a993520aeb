package browse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"idsrl/results"
)

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// save makes the folder of a run with these rows of train.csv.
func save(t testing.TB, dir string, seed uint64, status results.Status, rows ...results.TrainRow) {
	t.Helper()
	m := results.Manifest{
		Status: status, Env: "idsgame-v2", Algo: "ppo", Budget: results.Budget{Steps: 1000}, Seed: seed,
		StartedAt: time.Unix(1, 0).UTC(), WallSeconds: 2, Steps: 100,
	}
	write(t, filepath.Join(dir, results.ConfigFile), "env: idsgame-v2\n")
	write(t, filepath.Join(dir, results.TrainFile), results.TrainHeader("loss/policy")+"\n")
	grow(t, dir, rows...)
	eval := results.EvalHeader() + "\n"
	for step := range int64(3) {
		eval += results.EvalRow{Step: 500 * step, Mode: results.Greedy, HackProbability: 0.25 * float64(step) * float64(1+seed)}.Line() + "\n"
	}
	write(t, filepath.Join(dir, results.EvalFile), eval)
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
}

// grow appends rows to train.csv of a run.
func grow(t testing.TB, dir string, rows ...results.TrainRow) {
	t.Helper()
	f := must[*os.File](t)(os.OpenFile(filepath.Join(dir, results.TrainFile), os.O_APPEND|os.O_WRONLY, 0))
	for _, row := range rows {
		must[int](t)(f.WriteString(row.Line() + "\n"))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func row(step int64, loss float64) results.TrainRow {
	return results.TrainRow{Step: step, Episodes: step / 10, Extra: []float64{loss}}
}

func open(t testing.TB, dirs ...string) *Library {
	t.Helper()
	l := must[*Library](t)(Open(dirs...))
	t.Cleanup(func() { l.Close() })
	return l
}

func TestIndex(t *testing.T) {
	root := t.TempDir()
	save(t, filepath.Join(root, "a", "seed-0"), 0, results.Finished)
	save(t, filepath.Join(root, "a", "seed-1"), 1, results.Running, row(400, 1))
	write(t, filepath.Join(root, "games.jsonl"), "{}\n")
	write(t, filepath.Join(root, "bad", results.ManifestFile), "{")
	write(t, filepath.Join(root, "bad", results.ConfigFile), "")
	x := open(t, root, filepath.Join(root, "a")).Index()
	if len(x.Groups) != 1 || len(x.Runs) != 2 || len(x.Games) != 1 || len(x.Problems) != 1 {
		t.Fatalf("%+v", x)
	}
	g := x.Groups[0]
	if want := []string{"idsgame-v2", "ppo", "1/2", "0.750 [0.500, 1.000]"}; !slices.Equal(g.Cells[:4], want) {
		t.Errorf("the table has %q, want %q", g.Cells, want)
	}
	if len(g.Cells) != len(x.Titles) || g.Running != 1 || !slices.Equal(g.Runs, []string{x.Runs[0].ID, x.Runs[1].ID}) {
		t.Errorf("%+v", g)
	}
	if r := x.Runs[1]; r.Steps != 400 || r.Progress != 0.4 || r.Speed != 50 || r.Hacked != 1 { // train.csv is ahead of the manifest
		t.Errorf("%+v", r)
	}
	if r := x.Runs[0]; r.Steps != 100 || r.Progress != 1 {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(x.Problems[0], "manifest.json") {
		t.Error(x.Problems)
	}
	save(t, filepath.Join(root, "copy"), 0, results.Finished)
	if x := open(t, root).Index(); len(x.Runs) != 2 || len(x.Problems) != 2 || !strings.Contains(x.Problems[0], "same configuration and seed") {
		t.Errorf("with a copied run: %+v", x)
	}
}

// A point of a curve is the statistic over runs of the means in each part, with a bootstrap interval of them.
func TestCurve(t *testing.T) {
	root, rng := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	values := make([][]float64, 3) // by run and row
	for seed := range values {
		var rows []results.TrainRow
		for step := int64(1); step <= 10*Parts; step++ {
			values[seed] = append(values[seed], rng.NormFloat64())
			rows = append(rows, row(step, values[seed][step-1]))
		}
		save(t, filepath.Join(root, fmt.Sprint(seed)), uint64(seed), results.Finished, rows...)
	}
	l := open(t, root)
	id := l.Index().Groups[0].ID
	for _, stat := range results.Statistics {
		c := must[*Curve](t)(l.Curve(id, "train/loss/policy", results.Axes[0], stat))
		if len(c.X) != Parts || c.Rows != 30*Parts || c.Bound != nil {
			t.Fatalf("%d points of %d rows, bound %v", len(c.X), c.Rows, c.Bound)
		}
		for _, p := range []int{0, 7, Parts - 1} {
			var means []float64
			for seed := range values {
				means = append(means, results.Mean(values[seed][10*p:10*p+10]))
			}
			low, high := results.Bootstrap(func(s [][]float64) float64 { return stat.Of(s[0]) }, 0.95, Resamples, 1, means)
			got := [4]float64{float64(c.X[p]), float64(c.Y[p]), float64(c.Low[p]), float64(c.High[p])}
			want := [4]float64{float64(10*p + 10), stat.Of(means), low, high}
			for i := range got {
				if math.Abs(got[i]-want[i]) > 1e-9 {
					t.Errorf("%s, part %d: %v, want %v", stat, p, got, want)
				}
			}
		}
	}
	c := must[*Curve](t)(l.Curve(id, "greedy/hack_probability", results.Axes[0], results.Statistics[0]))
	if want := []Number{0, 0.5, 1}; !reflect.DeepEqual(c.Y, want) {
		t.Errorf("evaluations: %v, want %v", c.Y, want)
	}
	lines := must[[]Line](t)(l.Lines(id, "train/loss/policy", results.Axes[1]))
	if len(lines) != 3 || lines[2].Seed != "2" || len(lines[0].X) != LinePoints || lines[0].X[LinePoints-1] != Parts {
		t.Errorf("%d lines, of seed %s, to %v", len(lines), lines[2].Seed, lines[0].X[LinePoints-1])
	}
	if _, err := l.Curve(id, "train/none", results.Axes[0], results.Statistics[0]); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	metrics := must[[]Metric](t)(l.Metrics(id))
	if !slices.Contains(metrics, Metric{"train/loss/policy", "loss/policy", false}) ||
		slices.ContainsFunc(metrics, func(m Metric) bool { return m.ID == "train/step" || m.ID == "train/episodes" }) {
		t.Errorf("%+v", metrics)
	}
}

// The points that stay are some of the line, in order, its ends and its largest spike among them.
func TestThin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var x, y []float64
	for i := range 5000 {
		x, y = append(x, float64(i)), append(y, rng.Float64())
	}
	y[1234] = 100
	for _, n := range []int{3, 10, 300, 4999} {
		keptX, keptY := Thin(x, y, n)
		if len(keptX) != n || keptX[0] != 0 || keptX[n-1] != 4999 || !slices.IsSorted(keptX) || !slices.Contains(keptY, 100) {
			t.Errorf("%d points: %d, from %v to %v, spike %v", n, len(keptX), keptX[0], keptX[n-1], slices.Contains(keptY, 100))
		}
		for i := range keptX {
			if y[int(keptX[i])] != keptY[i] {
				t.Fatalf("point %v is not of the line", keptX[i])
			}
		}
	}
	if keptX, _ := Thin(x, y, 5000); len(keptX) != 5000 {
		t.Errorf("%d points of 5000", len(keptX))
	}
}

// train.csv is read as it grows, is cut, and begins anew.
func TestFollow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	save(t, dir, 0, results.Running, row(1, 1), row(2, 2))
	l := open(t, filepath.Dir(dir))
	r := l.sortedRuns()[0]
	check := func(what string, want ...float64) {
		t.Helper()
		l.Look()
		table := must[results.Table](t)(r.table())
		if got := table.Column("loss/policy"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("begun", 1, 2)
	grow(t, dir, row(3, 3))
	check("grown", 1, 2, 3)
	path := filepath.Join(dir, results.TrainFile)
	whole := string(must[[]byte](t)(os.ReadFile(path)))
	write(t, path, whole+"4,0,0,0,0,0,0,4")
	check("half a line", 1, 2, 3)
	write(t, path, whole+"4,0,0,0,0,0,0,4.5\n")
	check("the rest of it", 1, 2, 3, 4.5)
	write(t, path, strings.TrimSuffix(whole, row(3, 3).Line()+"\n"))
	check("cut by a resumed run", 1, 2)
	m := r.data.Manifest
	m.StartedAt = m.StartedAt.Add(time.Hour)
	write(t, path, results.TrainHeader("loss/policy")+"\n"+row(1, 7).Line()+"\n"+row(2, 8).Line()+"\n"+row(3, 9).Line()+"\n")
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	check("begun anew", 7, 8, 9)
}

func TestWait(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "run")
	l := open(t, root)
	version := l.Index().Version
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Wait(ctx, version); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing new: %v", err)
	}
	save(t, dir, 0, results.Running)
	l.Look()
	news := must[News](t)(l.Wait(t.Context(), version))
	x := l.Index()
	if want := slices.Sorted(slices.Values([]string{x.Runs[0].ID, x.Groups[0].ID})); !slices.Equal(news.Changed, want) {
		t.Errorf("changed: %v, want %v", news.Changed, want)
	}
	grow(t, dir, row(1, 1))
	l.Look()
	if again := must[News](t)(l.Wait(t.Context(), news.Version)); len(again.Changed) != 2 {
		t.Errorf("changed: %v", again.Changed)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	l.Look()
	if x := l.Index(); len(x.Runs) != 0 || x.Version <= news.Version {
		t.Errorf("a run that is gone: %+v", x)
	}
}

// Nothing outside the folders is read, however it is asked for.
func TestOutside(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	save(t, filepath.Join(outside, "run"), 0, results.Finished, row(1, 42))
	write(t, filepath.Join(outside, "games.jsonl"), "secret")
	save(t, filepath.Join(root, "run"), 1, results.Finished)
	dir := filepath.Join(root, "run")
	link := func(from, to string) {
		t.Helper()
		if err := errors.Join(os.RemoveAll(to), os.Symlink(from, to)); err != nil {
			t.Fatal(err)
		}
	}
	link(filepath.Join(outside, "run"), filepath.Join(root, "linked"))
	link(filepath.Join(outside, "games.jsonl"), filepath.Join(root, "games.jsonl"))
	l := open(t, root)
	x := l.Index()
	if len(x.Runs) != 1 || len(x.Games) != 0 {
		t.Fatalf("links are followed: %+v", x)
	}
	id := x.Runs[0].ID
	if folder, err := l.Folder(id); err != nil || folder != dir {
		t.Errorf("%s, %v", folder, err)
	}
	for _, id := range []string{"", ".", "..", "../run", outside, hash("../run"), hash(filepath.Join(outside, "run"))} {
		if _, err := l.Run(id); !errors.Is(err, ErrUnknown) {
			t.Errorf("run %q: %v", id, err)
		}
		if _, err := l.Folder(id); !errors.Is(err, ErrUnknown) {
			t.Errorf("folder %q: %v", id, err)
		}
		if _, err := l.OpenGames(id); !errors.Is(err, ErrUnknown) {
			t.Errorf("games %q: %v", id, err)
		}
		if _, err := l.League(id); !errors.Is(err, ErrUnknown) {
			t.Errorf("league %q: %v", id, err)
		}
		if _, err := l.Metrics(id); !errors.Is(err, ErrUnknown) {
			t.Errorf("metrics %q: %v", id, err)
		}
	}
	link(filepath.Join(outside, "run", results.TrainFile), filepath.Join(dir, results.TrainFile))
	if lines, err := l.Lines(id, "train/loss/policy", results.Axes[0]); err == nil {
		t.Errorf("a linked train.csv: %+v", lines)
	}
	if folder, err := l.Folder(id); err == nil {
		t.Errorf("a folder with a link: %s", folder)
	}
	link(filepath.Join(outside, "run", results.ConfigFile), filepath.Join(dir, results.ConfigFile))
	if run, err := l.Run(id); err == nil {
		t.Errorf("a linked config.yaml: %+v", run)
	}
	link(filepath.Join(outside, "run", results.ManifestFile), filepath.Join(dir, results.ManifestFile))
	l.Look()
	if x := l.Index(); len(x.Runs) != 0 {
		t.Errorf("a linked manifest.json: %+v", x.Runs)
	}
}

func TestLeague(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "l", LeagueFile), `attacker,defender,games,hack_probability,hack_low,hack_high,attacker_return
a,d,10,0.5,0.2,0.8,-1
b,d,10,1,0.7,1,
c,d,10,1,0.7,1,1
`)
	write(t, filepath.Join(dir, "l", "ratings.csv"), `side,#,member,elo,elo_low,elo_high,win_rate,games,meta_weight,player
attacker,1,a,-10,-20,0,0.5,10,0,random
attacker,2,b,10,0,20,1,10,1,greedy:x
defender,1,d,0,-1,1,0.25,20,1,random
defender,2,e,0,-1,1,0.25,20,0,random
`)
	write(t, filepath.Join(dir, "l", "meta.csv"), "round,value,side,member,weight\n0,0.5,attacker,a,1\n0,0.5,defender,d,1\n1,1,attacker,b,1\n")
	write(t, filepath.Join(dir, "l", results.ManifestFile), "{}") // no run
	write(t, filepath.Join(dir, "l", results.ConfigFile), "")
	l := open(t, dir)
	x := l.Index()
	if len(x.Leagues) != 1 || len(x.Runs) != 0 || len(x.Problems) != 0 {
		t.Fatalf("%+v", x)
	}
	got := must[*League](t)(l.League(x.Leagues[0].ID))
	if len(got.Members[0]) != 2 || got.Members[1][0].Name != "d" || got.Members[0][1].Elo != 10 || len(got.Rounds) != 2 ||
		got.Rounds[1].Weights[0]["b"] != 1 {
		t.Errorf("%+v", got)
	}
	if m := got.Matches; len(m) != 2 || m[0][0].Hacked != 0.5 || m[0][1] != nil || !math.IsNaN(float64(m[1][0].Return)) {
		t.Errorf("matches: %+v", m)
	}
	must[[]byte](t)(json.Marshal(got)) // which has no NaN
	write(t, filepath.Join(dir, "l", "meta.csv"), "round,value,side,member,weight\n7,0.5,attacker,a,1\n")
	if _, err := l.League(x.Leagues[0].ID); err == nil {
		t.Error("round 7 without the others before")
	}
}

// A look at ten runs that go on, which is what following them costs twice a second.
func BenchmarkGlance(b *testing.B) {
	root := b.TempDir()
	for seed := range uint64(10) {
		save(b, filepath.Join(root, fmt.Sprint(seed)), seed, results.Running)
	}
	l := open(b, root)
	for b.Loop() {
		l.glance(func(*run) bool { return true })
	}
}
