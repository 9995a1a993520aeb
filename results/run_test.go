package results

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func manifest() Manifest {
	return Manifest{
		Status: Finished, Env: "idsgame-minimal_defense-v2", Algo: "tabular-q", Config: strings.Repeat("a1", 32),
		Seed: math.MaxUint64, InstanceSeed: 1<<53 + 1, // neither is a float64
		Layout: json.RawMessage(`{"servers":[[1,2],[3]]}`),
		Steps:  4_200_000, Episodes: 100_000, WallSeconds: 42,
		StartedAt:        time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		EndedAt:          time.Date(2026, 1, 2, 3, 4, 47, 6, time.UTC),
		CheckpointSHA256: strings.Repeat("0f", 32),
		Command:          []string{"idsrl", "train", "--set", "gamma=0.9"},
		Program:          Program{Version: "v1.0.0", Commit: "abc", Go: "go1.26", OS: "linux", Arch: "amd64"},
	}
}

func TestManifestRoundTrip(t *testing.T) {
	begun := manifest()
	begun.Status, begun.Layout, begun.EndedAt, begun.CheckpointSHA256 = Running, nil, time.Time{}, ""
	for _, want := range []Manifest{manifest(), begun} {
		dir := t.TempDir()
		if err := want.Save(dir); err != nil {
			t.Fatal(err)
		}
		run, err := ReadRun(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(run.Manifest, want) {
			t.Errorf("got  %+v\nwant %+v", run.Manifest, want)
		}
	}
}

// The keys and their order are what other programs rely on.
func TestManifestGolden(t *testing.T) {
	dir, m := t.TempDir(), manifest()
	m.Layout, m.Command = json.RawMessage(`"A-B"`), []string{"idsrl"}
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "format": 1,
  "status": "finished",
  "env": "idsgame-minimal_defense-v2",
  "algo": "tabular-q",
  "config_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
  "evaluation_protocol": 1,
  "seed": "18446744073709551615",
  "instance_seed": "9007199254740993",
  "layout": "A-B",
  "steps": 4200000,
  "episodes": 100000,
  "wall_seconds": 42,
  "started_at": "2026-01-02T03:04:05.000000006Z",
  "ended_at": "2026-01-02T03:04:47.000000006Z",
  "checkpoint_sha256": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
  "command": [
    "idsrl"
  ],
  "program": {
    "version": "v1.0.0",
    "commit": "abc",
    "go": "go1.26",
    "os": "linux",
    "arch": "amd64"
  }
}
`
	if got := read(t, filepath.Join(dir, ManifestFile)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestManifestSpeed(t *testing.T) {
	m := manifest()
	if got := m.StepsPerSecond(); got != 100_000 {
		t.Errorf("4.2 M steps in 42 s: %v a second", got)
	}
	m.WallSeconds = 0
	if got := m.StepsPerSecond(); !math.IsNaN(got) {
		t.Errorf("steps in no time: %v a second", got)
	}
}

func TestReadRunErrorsNameTheFile(t *testing.T) {
	const good = `{"format": 1, "evaluation_protocol": 1, "seed": "1", "instance_seed": "2"}`
	cases := []struct{ name, manifest, eval, want string }{
		{"unknown format", `{"format": 2, "seed": {}}`, "",
			"manifest.json: format 2 is unknown: this program reads format 1"},
		{"no format", `{}`, "", "manifest.json: format 0 is unknown"},
		{"no JSON", `{`, "", "manifest.json: unexpected end"},
		{"no object", `null`, "", "manifest.json: format 0 is unknown"},
		{"negative seed", `{"format": 1, "seed": "-1"}`, "", "manifest.json: json: "},
		{"no protocol", `{"format": 1, "seed": "1", "instance_seed": "2"}`, "", "manifest.json: evaluation protocol 0 is not 1"},
		{"later protocol", strings.Replace(good, "protocol\": 1", "protocol\": 2", 1), "",
			"manifest.json: evaluation protocol 2 is not 1, that of this program, so scores are not comparable: train the run again"},
		{"bad evaluation", good, "step\n1\n", "eval.csv: no column is called episodes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, ManifestFile), c.manifest)
			write(t, filepath.Join(dir, EvalFile), c.eval)
			_, err := ReadRun(dir)
			if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, c.want)) {
				t.Errorf("got %v, want ...%s...", err, c.want)
			}
			if _, alone := ReadManifest(dir); strings.HasPrefix(c.want, ManifestFile) && (alone == nil || alone.Error() != err.Error()) {
				t.Errorf("the manifest alone: %v, want %v", alone, err)
			}
		})
	}
	if _, err := ReadRun(t.TempDir()); !os.IsNotExist(err) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestReadTrain(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	if _, err := run.ReadTrain(); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
	path := filepath.Join(run.Dir, TrainFile)
	row := TrainRow{Step: 1, AttackerReturn: -0.5, Extra: []float64{0.25}}
	write(t, path, TrainHeader("epsilon")+"\n"+row.Line()+"\n")
	table, err := run.ReadTrain()
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Column("epsilon"); !reflect.DeepEqual(got, []float64{0.25}) {
		t.Errorf("epsilon is %v", got)
	}
	write(t, path, "step\nx\n")
	if _, err := run.ReadTrain(); err == nil || !strings.HasPrefix(err.Error(), path+": line 2") {
		t.Errorf("a bad number: %v", err)
	}
}

func TestLast(t *testing.T) {
	run := Run{Evals: []EvalRow{{Step: 1, Mode: Greedy}, {Step: 2, Mode: Greedy}, {Step: 3, Mode: Sampled}}}
	if row, ok := run.Last(Greedy); !ok || row.Step != 2 {
		t.Errorf("last greedy evaluation: %v %v", row, ok)
	}
	if row, ok := new(Run).Last(Greedy); ok || !math.IsNaN(row.HackProbability) || !math.IsNaN(row.EpisodeLength) {
		t.Errorf("last of none: %v %v", row, ok)
	}
}

func TestFindRuns(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"b/seed-1", "b/seed-0", "a/deep/er/seed-7"} {
		m := manifest()
		write(t, filepath.Join(root, dir, ConfigFile), "")
		if err := m.Save(filepath.Join(root, dir)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "c", EvalFile), "no run") // killed before its manifest was written
	all := []string{"a/deep/er/seed-7", "b/seed-0", "b/seed-1"}
	cases := []struct {
		name string
		dirs []string
		want []string
	}{
		{"sorted", []string{"."}, all},
		{"a run itself", []string{"b/seed-1"}, []string{"b/seed-1"}},
		{"several", []string{"b/seed-1", "a"}, []string{"a/deep/er/seed-7", "b/seed-1"}},
		{"overlapping", []string{"b/seed-0", ".", "b"}, all},
		{"some without runs", []string{"c", "b"}, []string{"b/seed-0", "b/seed-1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var dirs, got []string
			for _, dir := range c.dirs {
				dirs = append(dirs, filepath.Join(root, dir))
			}
			runs, err := FindRuns(dirs...)
			if err != nil {
				t.Fatal(err)
			}
			for _, run := range runs {
				dir, _ := filepath.Rel(root, run.Dir)
				got = append(got, filepath.ToSlash(dir))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		dir := filepath.Join(root, "c")
		_, err := FindRuns(dir)
		if want := "no run in " + dir + ": a run's folder holds a manifest.json"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
	t.Run("missing folder", func(t *testing.T) {
		dir := filepath.Join(root, "missing")
		if _, err := FindRuns(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("got %v, want an error about %s", err, dir)
		}
	})
	t.Run("unreadable run", func(t *testing.T) {
		write(t, filepath.Join(root, "d", ManifestFile), "{}")
		if _, err := FindRuns(root); err == nil || !strings.Contains(err.Error(), "format 0 is unknown") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("symbolic link", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(filepath.Join(root, "b"), link); err != nil {
			t.Skip(err)
		}
		if runs, err := FindRuns(link); err != nil || len(runs) != 2 {
			t.Errorf("got %d runs, %v", len(runs), err)
		}
	})
}
