package experiments_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/results"
)

func open(tb testing.TB, path string) *experiments.Saved {
	tb.Helper()
	return must[*experiments.Saved](tb)(catalog.Open(path))
}

func test(tb testing.TB, s *experiments.Saved, test experiments.Test) []experiments.Result {
	tb.Helper()
	return must[[]experiments.Result](tb)(inModes(context.Background(), s, test))
}

// inModes plays a test in every mode.
func inModes(ctx context.Context, s *experiments.Saved, test experiments.Test) (list []experiments.Result, err error) {
	for _, mode := range algos.Modes {
		r, err := s.Run(ctx, test, mode)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

func meanReturn(r experiments.Result, role envs.Role) float64 {
	for i, seat := range r.Seats {
		if seat.Role == role {
			return r.MeanReturn(i)
		}
	}
	return math.NaN()
}

// A saved run plays its final evaluation again, game by game, in both modes.
func TestSavedRepeatsFinalEvaluation(t *testing.T) {
	for i, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			dir := trained(t, catalog, kind(t, i))
			s := open(t, dir)
			run := must[*results.Run](t)(results.ReadRun(dir))
			got := test(t, s, experiments.Test{Episodes: 50, Seed: envs.Derive(s.Config.Seed, "evaluation", 0)})
			for j, r := range got {
				want := run.Evals[len(run.Evals)-2+j]
				if string(want.Mode) != r.Mode.String() || want.Games != r.Episodes || want.HackProbability != r.HackProbability() ||
					want.DetectionProbability != r.DetectionProbability() || want.EpisodeLength != r.MeanLength() ||
					want.AttackerReturn != meanReturn(r, envs.Attacker) || want.DefenderReturn != meanReturn(r, envs.Defender) {
					t.Errorf("%s: %+v, in the run %+v", r.Mode, r.Tally, want)
				}
			}
			if got[0].Steps == got[1].Steps && slices.Equal(got[0].Returns, got[1].Returns) {
				t.Error("both modes play the same games: nothing is left of exploration")
			}
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := trained(t, catalog, kind(t, 0))
	byDir, byFile := open(t, dir), open(t, filepath.Join(dir, results.FinalCheckpoint))
	if byDir.Path != byFile.Path || byDir.Checkpoint.Steps != byFile.Checkpoint.Steps || !slices.Equal(byDir.Roles(), []envs.Role{envs.Attacker}) {
		t.Errorf("%s and %s, roles %v", byDir.Path, byFile.Path, byDir.Roles())
	}
	if roles := open(t, trained(t, catalog, kind(t, 1))).Roles(); !slices.Equal(roles, []envs.Role{envs.Attacker, envs.Defender}) {
		t.Errorf("roles %v", roles)
	}
	// Of a run that is going on, the last checkpoint.
	going := filepath.Join(t.TempDir(), "run")
	r := must[*experiments.Run](t)(catalog.Start(kind(t, 0), going, false, experiments.Options{}))
	if err := r.Train(newCountdown(200)); err == nil {
		t.Fatal("not interrupted")
	}
	if s := open(t, going); filepath.Base(s.Path) != results.LastCheckpoint || s.Checkpoint.Steps == 0 {
		t.Errorf("opened %s", s.Path)
	}

	empty, text := t.TempDir(), filepath.Join(t.TempDir(), "text")
	write(t, text, "hello")
	foreign := filepath.Join(t.TempDir(), "foreign.ckpt")
	c := byDir.Checkpoint
	c.Config = []byte(strings.Replace(string(c.Config), "algo: tabular-q", "algo: ppo", 1))
	write(t, foreign, string(must[[]byte](t)(c.Encode())))
	for path, want := range map[string]string{
		filepath.Join(empty, "nowhere"): "nowhere",
		empty:                           "holds no checkpoint (final.ckpt or last.ckpt): is it the folder of a run?",
		text:                            text + ": not a checkpoint",
		foreign:                         `no algorithm called "ppo"`,
	} {
		if _, err := catalog.Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

// Opponents are described in words. Those that do not make sense are errors that say what would.
func TestOpponents(t *testing.T) {
	t.Parallel()
	attacker := trained(t, catalog, kind(t, 0)) // idsgame-minimal_defense-v2
	defender := trained(t, catalog, load(t, catalog, "idsgame-maximal_attack-v2", small...))
	smaller := trained(t, catalog, load(t, catalog, "idsgame-maximal_attack-v0", small...))
	local := trained(t, catalog, load(t, catalog, "idsgame-maximal_attack-v16", small...))
	toy := trained(t, catalog, load(t, catalog, "toy-corridor-v0", small...))
	s := open(t, attacker)
	base := experiments.Test{Episodes: 200, Seed: 3}
	bots := test(t, s, base)
	for _, c := range []struct{ opponent, err string }{
		{"bot:minimal", ""},
		{"bot:random", ""},
		{"random", ""},
		{"constant:5", ""},
		{"constant:" + s.Config.EnvSettings.Bound().(envs.Game).Bots(1)[0].Name, `minimal: the defender has no such action: ids are 0 to 43, names are like`},
		{"checkpoint:" + defender, ""},
		{"checkpoint:" + filepath.Join(defender, "final.ckpt"), ""},
		{"greedy:" + defender, ""},
		{"bot:minimall", `no bot of this seat called "minimall"; did you mean "minimal"?`},
		{"bot:maximal", `no bot of this seat called "maximal"`},
		{"bot:", "no bot of this seat"},
		{"bot", "no bot of this seat"},
		{"constant:44", "has no such action: ids are 0 to 43"},
		{"constant:-1", "has no such action: ids are 0 to 43"},
		{"constant:", "has no such action: ids are 0 to 43"},
		{"checkpoint:" + attacker, "holds no defender"},
		{"checkpoint:" + smaller, "has learnt to choose among 33 actions, not 44"},
		{"checkpoint:" + local, "has learnt to choose among 15 actions, not 44"},
		{"checkpoint:" + toy, "holds no defender"},
		{"checkpoint:" + t.TempDir(), "holds no checkpoint"},
		{"checkpoint:", "no such file"},
		{"minimal", `is none of: bot:NAME`},
		{":", "is none of"},
	} {
		of := base
		of.Opponent = c.opponent
		got, err := inModes(context.Background(), s, of)
		switch {
		case c.err == "" && (err != nil || len(got) != 2 || got[0].Episodes != 200):
			t.Errorf("%s: %+v, error %v", c.opponent, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v, want %q", c.opponent, err, c.err)
		case c.opponent == "bot:minimal" && (got[0].Hacks != bots[0].Hacks || got[0].Steps != bots[0].Steps):
			t.Errorf("against the environment's own bot by name: %+v, want %+v", got[0].Tally, bots[0].Tally)
		case c.opponent == "random" && got[0].Hacks == bots[0].Hacks:
			t.Errorf("against a random defence the same games as against the minimal: %+v", got[0].Tally)
		}
	}
	// A constant action by its name is the same as by its id.
	seat := bots[0].Seats[1]
	byID, byName := base, base
	byID.Opponent, byName.Opponent = "constant:5", "constant:"+seat.Actions.Name(5)
	if a, b := test(t, s, byID), test(t, s, byName); a[0].Hacks != b[0].Hacks || a[0].Steps != b[0].Steps {
		t.Errorf("%+v by id, %+v by name", a[0].Tally, b[0].Tally)
	}
}

// A run with both seats can play both, or one of them against somebody else.
func TestAs(t *testing.T) {
	t.Parallel()
	s := open(t, trained(t, catalog, kind(t, 1))) // toy-pursuit-v0
	base := experiments.Test{Episodes: 100, Seed: 1}
	both := test(t, s, base)
	for _, role := range s.Roles() {
		of := base
		of.As = role
		if _, err := inModes(context.Background(), s, of); err == nil || !strings.Contains(err.Error(), "? name one") {
			t.Errorf("as the %s without an opponent: error %v", role, err)
		}
		// Against itself, without chance and with it, it plays the same games as both seats of it.
		for i, kind := range []string{"greedy:", "checkpoint:"} {
			of.Opponent = kind + s.Path
			if got := test(t, s, of); got[i].Hacks != both[i].Hacks || got[i].Steps != both[i].Steps {
				t.Errorf("as the %s against %s itself: %+v, both: %+v", role, kind, got[i].Tally, both[i].Tally)
			}
		}
		differ := false
		for _, of.Opponent = range []string{"constant:front", "constant:back"} {
			got := test(t, s, of)
			differ = differ || got[0].Steps != both[0].Steps || got[0].Hacks != both[0].Hacks
		}
		if !differ {
			t.Errorf("as the %s against others: the same games", role)
		}
	}
	of := base
	of.As, of.Opponent = envs.Benign, "random"
	if _, err := inModes(context.Background(), s, of); err == nil || !strings.Contains(err.Error(), "plays none of the seats: it has learnt to be the attacker and the defender") {
		t.Errorf("as somebody else: error %v", err)
	}
	// A run of one seat cannot play the other.
	one := open(t, trained(t, catalog, kind(t, 0)))
	for _, opponent := range []string{"", "random", "bot:minimal"} {
		of := experiments.Test{Episodes: 10, As: envs.Defender, Opponent: opponent}
		if _, err := inModes(context.Background(), one, of); err == nil || !strings.Contains(err.Error(), "it has learnt to be the attacker") {
			t.Errorf("an attacker as the defender, against %q: error %v", opponent, err)
		}
	}
}

// A run is tested in other environments whose seat looks the same, and refused by the rest.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	s := open(t, trained(t, catalog, kind(t, 0))) // idsgame-minimal_defense-v2
	own := test(t, s, experiments.Test{Episodes: 300, Seed: 3})
	ctx := context.Background()
	for _, c := range []struct {
		name string
		test experiments.Test
		err  string
	}{
		{"another defence", experiments.Test{Env: "idsgame-random_defense-v2"}, ""},
		{"other rewards", experiments.Test{Env: "idsgame-minimal_defense-v9"}, ""},
		{"both seats open", experiments.Test{Env: "idsgame-v2"}, "who plays the defender? name one"},
		{"both seats open, and an opponent", experiments.Test{Env: "idsgame-v2", Opponent: "bot:minimal"}, ""},
		{"another size", experiments.Test{Env: "idsgame-minimal_defense-v3"}, "has learnt to choose among 40 actions, not 80"},
		{"another game", experiments.Test{Env: "toy-corridor-v0", Opponent: "random"}, "plays none of the seats"},
		{"unknown", experiments.Test{Env: "idsgame-v22"}, "no environment called"},
		{"other settings", experiments.Test{EnvSet: []string{"det_val=9"}}, ""},
		{"settings from a file", experiments.Test{EnvFile: settings.File("g.yaml", []byte("det_val: 9"))}, ""},
		{"settings that change the size", experiments.Test{EnvSet: []string{"num_layers=2"}}, "has learnt to choose among 40 actions, not 60"},
		{"settings out of range", experiments.Test{EnvSet: []string{"det_val=-1"}}, "--env-set: det_val = -1: must be in [0, 100]"},
		{"settings of a file out of range", experiments.Test{EnvFile: settings.File("g.yaml", []byte("det_val: x"))}, "g.yaml:1: det_val = x"},
		{"another instance", experiments.Test{InstanceSeed: 99}, ""},
	} {
		c.test.Episodes, c.test.Seed = 300, 3
		got, err := inModes(ctx, s, c.test)
		if c.err == "" && (err != nil || got[0].Episodes != 300) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %+v, error %v, want %q", c.name, got, err, c.err)
		}
		if c.err == "" && c.test.EnvSet != nil && got[0].Hacks >= own[0].Hacks {
			t.Errorf("%s: %d hacks, by the own settings %d", c.name, got[0].Hacks, own[0].Hacks)
		}
		// No test leaves anything behind for the next.
		if again := test(t, s, experiments.Test{Episodes: 300, Seed: 3}); again[0].Hacks != own[0].Hacks || again[0].Steps != own[0].Steps {
			t.Fatalf("after %s: %+v, before %+v", c.name, again[0].Tally, own[0].Tally)
		}
	}
	if name := catalog.EnvName(s.Config); name != "idsgame-minimal_defense-v2" {
		t.Errorf("the tests change the run's environment to %s", name)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := inModes(cancelled, s, experiments.Test{Episodes: 10}); err == nil {
		t.Error("no error with a context that is done")
	}
}

// Settings of the environment that a run was trained with are those that it is tested with.
func TestSavedKeepsEnvSettings(t *testing.T) {
	t.Parallel()
	from := experiments.Sources{Env: "idsgame-minimal_defense-v2", Algo: "tabular-q", EnvSet: []string{"det_val=0"}, Set: small}
	dir := trained(t, catalog, must[*experiments.Config](t)(catalog.Load(from)))
	s := open(t, dir)
	if catalog.EnvName(s.Config) != "idsgame-minimal_defense-v2+det_val=0" || s.Checkpoint.Env != catalog.EnvName(s.Config) {
		t.Errorf("environment %s, in the checkpoint %s", catalog.EnvName(s.Config), s.Checkpoint.Env)
	}
	if got := test(t, s, experiments.Test{Episodes: 100}); got[0].Hacks == 0 {
		t.Errorf("%+v without detection at first", got[0].Tally)
	}
}

func TestBaselines(t *testing.T) {
	t.Parallel()
	cfg := load(t, catalog, "idsgame-minimal_defense-v0")
	ctx := context.Background()
	list := must[[]experiments.Baseline](t)(catalog.Baselines(ctx, cfg, 2, 100))
	var players []string
	for _, b := range list {
		players = append(players, b.Player)
		if len(b.Hacked) != 2 || slices.ContainsFunc(b.Hacked, func(x float64) bool { return !(0 <= x && x <= 1) }) {
			t.Errorf("%+v", b)
		}
	}
	if !slices.Equal(players, []string{"random", "bot:maximal", "bot:random", "best constant"}) {
		t.Errorf("players %v", players)
	}
	again := must[[]experiments.Baseline](t)(catalog.Baselines(ctx, cfg, 2, 100))
	for i := range list {
		if !slices.Equal(list[i].Hacked, again[i].Hacked) {
			t.Errorf("%s: %v, then %v", list[i].Player, list[i].Hacked, again[i].Hacked)
		}
	}
	if _, err := catalog.Baselines(ctx, load(t, catalog, "idsgame-v0"), 1, 10); err == nil || !strings.Contains(err.Error(), "2 open seats") {
		t.Errorf("two open seats: error %v", err)
	}
	if _, err := os.Stat("seed-0"); err == nil {
		t.Error("baselines leave files")
	}
}
