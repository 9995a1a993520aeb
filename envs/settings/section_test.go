package settings

import (
	"testing"
)

type run struct {
	Algo     string  `yaml:"algo" usage:"who learns"`
	Settings Section `yaml:"settings" usage:"its hyperparameters"`
	Steps    int     `yaml:"steps" range:"[1, inf)"`
}

const runFile = `algo: table
settings:
  alpha: 0.5
  replay:
    size: 50
steps: 10
`

func TestSectionWaitsForItsStruct(t *testing.T) {
	var r run
	checkLines(t, Load(&r, File("run.yaml", []byte(runFile)), Assign("--set", []string{"settings.replay.batch=50"})))
	if r.Settings.Bound() != nil || len(Fields(&r)) != 2 {
		t.Errorf("something is bound: %v", Fields(&r))
	}
	cfg := newLearner()
	checkLines(t, r.Settings.Bind(cfg))
	if cfg.Alpha != 0.5 || cfg.Replay != (replay{50, 50}) || r.Settings.Bound() != cfg {
		t.Errorf("got %+v", cfg)
	}

	// From here on it is like any group.
	checkLines(t, set(&r, "settings.alpha=0.25"))
	if cfg.Alpha != 0.25 {
		t.Errorf("alpha = %v after Set", cfg.Alpha)
	}
	if f := Fields(&r)[1]; f.Key != "settings.alpha" || f.String() != "0.25" {
		t.Errorf("the second setting is %+v", f)
	}
	cfg.Replay.Batch = 500
	checkLines(t, Check(&r), "settings.replay.batch = 500: must be at most size")
}

func TestSectionKeepsPlaces(t *testing.T) {
	text := `settings:
  alhpa: 0.5
  alpha: 2
  replay:
    size: none
  alpha: 3
stesp: 0
`
	var r run
	err := Load(&r, File("run.yaml", []byte(text)), Assign("--set", []string{"settings.gamma=2", "steps=0"}))
	checkLines(t, err,
		"--set: steps = 0: must be in [1, inf)",
		"run.yaml:6: settings.alpha = 3: already given on line 3",
		"run.yaml:7: stesp = 0: unknown setting; did you mean steps?",
	)
	checkLines(t, r.Settings.Bind(newLearner()),
		"--set: settings.gamma = 2: must be in [0, 1]",
		"run.yaml:2: settings.alhpa = 0.5: unknown setting; did you mean settings.alpha?",
		"run.yaml:3: settings.alpha = 2: must be in (0, 1]",
		"run.yaml:5: settings.replay.size = none: must be an integer",
	)
}

func TestSectionValidates(t *testing.T) {
	for text, want := range map[string]string{
		"steps: 1\nsettings:\n  end: 1":                  "settings.start = 0: must be at least end",
		"steps: 1\nsettings:\n  start: -1":               "f:3: settings.start = -1: must be at least end",
		"steps: 1\nsettings:\n  replay:\n    batch: 200": "f:4: settings.replay.batch = 200: must be at most size",
	} {
		var r run
		checkLines(t, Decode(&r, "f", []byte(text)))
		checkLines(t, r.Settings.Bind(newLearner()), want)
	}
}

func TestSectionMustBeMapping(t *testing.T) {
	for text, want := range map[string]string{
		"steps: 1\nsettings: 5":    "f:2: settings = 5: must hold settings",
		"steps: 1\nsettings: [5]":  "f:2: settings = [5]: must hold settings",
		"steps: 1\nsettings:":      "f:2: settings: needs a value",
		"steps: 1\nsettings: &a 5": "f:2: settings: must be written out, without &, * and !",
	} {
		checkLines(t, Decode(&run{}, "f", []byte(text)), want)
	}
}

func TestSectionEncodes(t *testing.T) {
	r := run{Algo: "table", Steps: 10}
	checkLines(t, r.Settings.Bind(&replay{Size: 5}))
	const want = `# who learns
algo: table
# its hyperparameters
settings:
  # steps; in [1, inf)
  size: 5
  batch: 0
# in [1, inf)
steps: 10
`
	if got := string(Encode(&r)); got != want {
		t.Errorf("got\n%s", got)
	}
	var again run
	var cfg replay
	checkLines(t, Decode(&again, "f", []byte(want)))
	checkLines(t, again.Settings.Bind(&cfg))
	if cfg.Size != 5 || string(Encode(&again)) != want {
		t.Errorf("came back as %+v", cfg)
	}
}

func TestSectionWithoutSettings(t *testing.T) {
	var r run
	checkLines(t, Decode(&r, "f", []byte("settings:\n  size: 1\nsteps: 1")))
	checkLines(t, r.Settings.Bind(&struct{}{}), "f:2: settings.size = 1: unknown setting")
}

func TestSectionsNest(t *testing.T) {
	var r, inner run
	checkLines(t, Decode(&r, "f", []byte("steps: 1\nsettings:\n  steps: 1\n  settings:\n    size: 0")))
	checkLines(t, r.Settings.Bind(&inner))
	checkLines(t, inner.Settings.Bind(&replay{}), "f:5: settings.settings.size = 0: must be in [1, inf)")
}

func TestEncodePanicsIfNotBound(t *testing.T) {
	defer func() {
		if got, want := recover(), "settings: section settings is not bound"; got != want {
			t.Errorf("panic %v, want %v", got, want)
		}
	}()
	Encode(&run{})
}
