package experiments_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/qlearning"
	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
	"idsrl/experiments"
)

// fromFile is a configuration in a file and nothing else.
func fromFile(path, text string) experiments.Sources {
	return experiments.Sources{File: settings.File(path, []byte(text))}
}

// value is a setting of a configuration as it stands in a file.
func value(tb testing.TB, cfg *experiments.Config, key string) string {
	tb.Helper()
	for _, f := range settings.Fields(cfg) {
		if f.Key == key {
			return f.String()
		}
	}
	tb.Fatalf("no setting %s", key)
	return ""
}

func TestLoadOrder(t *testing.T) {
	file := settings.File("run.yaml", []byte(`
env: idsgame-minimal_defense-v0
algo: tabular-q
seed: 3
episodes: 500
log_rows: 9
env_settings:
  max_value: 8
  det_val: 3
settings:
  gamma: 0.5
  alpha:
    start: 0.3
    end: 0.2
`))
	cfg := must[*experiments.Config](t)(catalog.Load(experiments.Sources{
		File: file, Env: "idsgame-minimal_defense-v2",
		EnvFile: settings.File("game.yaml", []byte("det_val: 4\ndefense_val: 1\n")),
		EnvSet:  []string{"defense_val=0", "max_game_steps=50"},
		Set:     []string{"log_rows=11", "gamma=0.6", "alpha.end=0.1", "eval_episodes=5"},
	}))
	for key, want := range map[string]string{
		"env": "idsgame-minimal_defense-v2", "algo": "tabular-q", "seed": "3", "episodes": "500", "steps": "0",
		"log_rows": "11", "eval_episodes": "5", "evaluations": "20", "envs": "1", "final_episodes": "10000",
		"env_settings.max_value": "8", "env_settings.det_val": "4", "env_settings.defense_val": "0",
		"env_settings.max_game_steps": "50", "env_settings.num_servers_per_layer": "2", // of version 2
		"settings.gamma": "0.6", "settings.alpha.start": "0.3", "settings.alpha.end": "0.1", "settings.omega": "0.65",
	} {
		if got := value(t, cfg, key); got != want {
			t.Errorf("%s = %s, want %s", key, got, want)
		}
	}
	if cfg.EnvSettings.Bound() == nil || cfg.Settings.Bound().(*qlearning.Config).Gamma != 0.6 {
		t.Error("the sections are not bound")
	}
}

func TestLoadDefaults(t *testing.T) {
	cfg := load(t, catalog, "idsgame-v0")
	if cfg.Episodes != qlearning.Algorithm().Budget.Episodes || cfg.Steps != 0 || cfg.Seed != 0 || cfg.Envs != 1 {
		t.Errorf("%+v", cfg)
	}
	if cfg := load(t, catalog, "idsgame-v0", "steps=7"); cfg.Episodes != 0 || cfg.Steps != 7 {
		t.Errorf("%d episodes, %d steps", cfg.Episodes, cfg.Steps)
	}
	many := qlearning.Algorithm()
	many.Name, many.Envs, many.Budget = "many", 5, algos.Budget{Steps: 100}
	other := experiments.Catalog{Envs: catalog.Envs, Algorithms: []algos.Algorithm{many}}
	for set, want := range map[string]int{"envs=0": 5, "envs=2": 2, "seed=1": 5} {
		cfg := must[*experiments.Config](t)(other.Load(experiments.Sources{Env: "idsgame-v0", Algo: "many", Set: []string{set}}))
		if cfg.Envs != want || cfg.Steps != 100 || cfg.Episodes != 0 {
			t.Errorf("%s: %d environments for %d steps and %d episodes", set, cfg.Envs, cfg.Steps, cfg.Episodes)
		}
	}
	for _, f := range settings.Fields(cfg) {
		if f.Usage == "" {
			t.Errorf("%s has no usage", f.Key)
		}
	}
	// Two configurations share nothing.
	a, b := load(t, catalog, "idsgame-v0"), load(t, catalog, "idsgame-v0", "gamma=0.3")
	if value(t, a, "settings.gamma") == value(t, b, "settings.gamma") {
		t.Error("settings are shared")
	}
}

func TestInstanceSeed(t *testing.T) {
	cfg := load(t, catalog, "idsgame-v0", "seed=4")
	if cfg.InstanceSeed != envs.Derive(4, "instance", 0) {
		t.Errorf("instance seed %d", cfg.InstanceSeed)
	}
	other := cfg.WithSeed(5)
	if other.Seed != 5 || other.InstanceSeed != envs.Derive(5, "instance", 0) || cfg.Seed != 4 {
		t.Errorf("seeds %d and %d, of the original %d", other.Seed, other.InstanceSeed, cfg.Seed)
	}
	if back := other.WithSeed(4); !bytes.Equal(back.Encode(), cfg.Encode()) {
		t.Error("back at the same seed, another configuration")
	}
	given := load(t, catalog, "idsgame-v0", "seed=4", "instance_seed=17")
	if given.InstanceSeed != 17 || given.WithSeed(5).InstanceSeed != 17 || given.WithSeed(5).Seed != 5 {
		t.Errorf("instance seed %d, and with another seed %d; want 17", given.InstanceSeed, given.WithSeed(5).InstanceSeed)
	}
}

func TestEncode(t *testing.T) {
	for _, sources := range []experiments.Sources{
		{Env: "idsgame-v0", Algo: "tabular-q"},
		{
			Env: "idsgame-minimal_defense-v18", Algo: "tabular-q",
			Set:    []string{"seed=18446744073709551615", "steps=9", "state=observation", "alpha.start=0.1234567890123456789", "initial_q=-1e-300"},
			EnvSet: []string{"relative_neighbor_positions=[[-1, 0], [0, 1]]", "max_value=6", "defense_val=6", "min_random_d_val=1"},
		},
		{Env: "toy-corridor-v0", Algo: "tabular-q", Set: []string{"state='two words: # \"yes\"'"}, EnvSet: []string{"slip=0.3"}},
	} {
		cfg := must[*experiments.Config](t)(catalog.Load(sources))
		text := cfg.Encode()
		again := must[*experiments.Config](t)(catalog.Load(fromFile("config.yaml", string(text))))
		if !bytes.Equal(again.Encode(), text) {
			t.Errorf("%s\nbecomes\n%s", text, again.Encode())
		}
		for _, name := range []func(*experiments.Config) string{catalog.EnvName, catalog.AlgoName} {
			if name(again) != name(cfg) {
				t.Errorf("%s becomes %s", name(cfg), name(again))
			}
		}
	}
}

// Every problem is reported, once, at the place where it stands.
func TestLoadErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		from experiments.Sources
		want []string // all lines, in any order
	}{
		{
			"nothing", experiments.Sources{},
			[]string{
				"which environment? name one with --env; idsrl envs list shows all",
				"which algorithm? name one with --algo: tabular-q",
			},
		},
		{
			"names", experiments.Sources{Env: "idsgame-minimal_defence-v0", Algo: "tabular_q"},
			[]string{
				`there is no environment called "idsgame-minimal_defence-v0"; did you mean "idsgame-minimal_defense-v0"? (idsrl envs list shows all)`,
				`there is no algorithm called "tabular_q"; did you mean "tabular-q"?`,
			},
		},
		{
			"everywhere",
			experiments.Sources{
				File: settings.File("run.yaml", []byte(`env: idsgame-v0
algo: tabular-q
sed: 3
log_rows: 0
env_settings:
  max_value: 0
  det_vall: 3
settings:
  gamma: 2
  alpha:
    shape: cubic
`)),
				EnvFile: settings.File("game.yaml", []byte("\nnum_layers: 99\n")),
				EnvSet:  []string{"attack_val=-1", "no_such=2"},
				Set:     []string{"envs=-1", "omega=7", "aplha.start=1", "epsilon.start=x", "episodes"},
			},
			[]string{
				"run.yaml:3: sed = 3: unknown setting; did you mean seed?",
				"run.yaml:4: log_rows = 0: must be in [1, 100000]",
				"run.yaml:6: env_settings.max_value = 0: must be in [1, 100]",
				"run.yaml:7: env_settings.det_vall = 3: unknown setting; did you mean env_settings.det_val?",
				"run.yaml:9: settings.gamma = 2: must be in [0, 1]",
				"run.yaml:11: settings.alpha.shape = cubic: must be one of linear, exponential",
				"game.yaml:2: num_layers = 99: must be in [0, 20]",
				"--env-set: attack_val = -1: must be in [0, 100]",
				"--env-set: no_such = 2: unknown setting",
				"--set: envs = -1: must be in [0, 4096]",
				"--set: omega = 7: must be in [0, 1]",
				"--set: aplha.start = 1: unknown setting; did you mean alpha.start?",
				"--set: epsilon.start = x: must be a number",
				"--set: episodes: must look like key=value",
			},
		},
		{
			"settings that do not go together",
			experiments.Sources{Env: "idsgame-v0", Algo: "tabular-q", EnvSet: []string{"det_val=3", "defense_val=10"}, Set: []string{"alpha.start=2"}},
			[]string{
				"--env-set: defense_val = 10: must be at most max_value = 9",
				"--set: alpha.start = 2: must be at most 1",
			},
		},
		{
			"a file that is no configuration", fromFile("x.yaml", "- 1\n"),
			[]string{
				"x.yaml:1: must hold settings, one `key: value` a line",
				"which environment? name one with --env; idsrl envs list shows all",
				"which algorithm? name one with --algo: tabular-q",
			},
		},
	} {
		_, err := catalog.Load(c.from)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		got := strings.Split(err.Error(), "\n")
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	_, err := catalog.Load(experiments.Sources{Env: "nowhere", Algo: "tabular-q"})
	if !errors.Is(err, envs.ErrUnknown) {
		t.Errorf("an unknown environment is %v", err)
	}
}

// A value in a file that does not fit is an error no more once a flag has replaced it.
func TestFlagMendsFile(t *testing.T) {
	from := fromFile("run.yaml", "env: idsgame-v0\nalgo: tabular-q\nlog_rows: 0\nsettings:\n  gamma: 0.5\n")
	from.Set = []string{"log_rows=5", "gamma=0.7"}
	if cfg, err := catalog.Load(from); err != nil || cfg.LogRows != 5 {
		t.Errorf("error %v", err)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		from      experiments.Sources
		env, algo string
	}{
		{experiments.Sources{Env: "idsgame-v0"}, "idsgame-v0", "tabular-q"},
		{experiments.Sources{Env: "idsgame-v0", Set: []string{"seed=9", "episodes=5", "envs=2", "log_rows=2"}}, "idsgame-v0", "tabular-q"},
		{experiments.Sources{Env: "idsgame-v0", EnvSet: []string{"max_value=9"}, Set: []string{"gamma=0.999"}}, "idsgame-v0", "tabular-q"},
		{
			experiments.Sources{Env: "idsgame-v0", EnvSet: []string{"max_value=8", "dense_rewards=true"}, Set: []string{"state=observation", "alpha.start=0.5"}},
			"idsgame-v0+max_value=8,dense_rewards=true", "tabular-q+state=observation,alpha.start=0.5",
		},
	} {
		c.from.Algo = "tabular-q"
		cfg := must[*experiments.Config](t)(catalog.Load(c.from))
		if env, algo := catalog.EnvName(cfg), catalog.AlgoName(cfg); env != c.env || algo != c.algo {
			t.Errorf("names %s and %s, want %s and %s", env, algo, c.env, c.algo)
		}
		dir := catalog.Dir("results", cfg)
		if want := filepath.Join("results", c.env, c.algo, "seed-"+value(t, cfg, "seed")); dir != want {
			t.Errorf("folder %s, want %s", dir, want)
		}
	}
}

// Long lists of changes, and those that are no good in a path, are named by a hash: short, the same each time, and
// another for other changes.
func TestHashedNames(t *testing.T) {
	seen := map[string]bool{}
	for _, set := range [][]string{
		{"state=a/b"}, {"state=../../etc"}, {`state=a\b`}, {"state=.."}, {"state=two words"},
		{"alpha.start=0.123456789", "alpha.end=0.0123456789", "omega=0.987654321"},
		{"alpha.start=0.123456789", "alpha.end=0.0123456789", "omega=0.987654322"},
	} {
		name := catalog.AlgoName(load(t, catalog, "idsgame-v0", set...))
		if again := catalog.AlgoName(load(t, catalog, "idsgame-v0", set...)); again != name {
			t.Errorf("%v: %s, then %s", set, name, again)
		}
		hash, ok := strings.CutPrefix(name, "tabular-q+")
		if !ok || len(hash) != 8 || strings.Trim(hash, "0123456789abcdef") != "" || seen[name] {
			t.Errorf("%v: %s", set, name)
		}
		seen[name] = true
	}
	cfg := must[*experiments.Config](t)(catalog.Load(experiments.Sources{
		Env: "idsgame-v14", Algo: "tabular-q", EnvSet: []string{"relative_neighbor_positions=[[-1, 0]]"},
	}))
	if name := catalog.EnvName(cfg); len(name) != len("idsgame-v14+")+8 {
		t.Errorf("name %s", name)
	}
}

// The hash of a configuration is that of all settings but the seeds; an instance seed that was given is a setting.
func TestSHA256(t *testing.T) {
	t.Parallel()
	base := load(t, catalog, "idsgame-v0")
	if got := base.WithSeed(7).SHA256(); got != base.SHA256() {
		t.Errorf("with another seed %s, not %s", got, base.SHA256())
	}
	if again := must[*experiments.Config](t)(catalog.Load(fromFile("config.yaml", string(base.WithSeed(7).Encode())))); again.SHA256() != base.SHA256() {
		t.Errorf("read back %s, not %s", again.SHA256(), base.SHA256())
	}
	seen := map[string]string{base.SHA256(): "the defaults"}
	for _, set := range []string{
		"envs=2", "evaluations=3", "eval_episodes=10", "final_episodes=10", "log_rows=9", "episodes=9", "instance_seed=5", "gamma=0.5",
	} {
		hash := load(t, catalog, "idsgame-v0", set).SHA256()
		if seen[hash] != "" {
			t.Errorf("%s has the hash of %s", set, seen[hash])
		}
		seen[hash] = set
	}
	fixed := load(t, catalog, "idsgame-v0", "instance_seed=5")
	if got := fixed.WithSeed(7).SHA256(); got != fixed.SHA256() {
		t.Errorf("an instance, with another seed %s, not %s", got, fixed.SHA256())
	}
}

// Every registered game and algorithm has settings that a configuration can hold.
func TestAllEntriesEncode(t *testing.T) {
	t.Parallel()
	for _, e := range idsgame.Entries() {
		cfg := load(t, catalog, e.ID)
		again := must[*experiments.Config](t)(catalog.Load(fromFile("config.yaml", string(cfg.Encode()))))
		if !bytes.Equal(again.Encode(), cfg.Encode()) || catalog.EnvName(again) != e.ID {
			t.Errorf("%s: the saved configuration is another", e.ID)
		}
	}
}
