package experiments_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/experiments"
	"idsrl/results"
)

// frozenCopy is the name of the one file in a run's folder that holds a frozen player.
func frozenCopy(tb testing.TB, dir string) string {
	tb.Helper()
	list := slices.DeleteFunc(names(tb, dir), func(name string) bool { return !strings.HasPrefix(name, "opponent-") })
	if len(list) != 1 {
		tb.Fatalf("%s holds the frozen players %v, want one", dir, list)
	}
	return list[0]
}

// A run keeps what it needs of a frozen opponent: the original may move, change or go.
func TestFrozenOpponent(t *testing.T) {
	t.Parallel()
	original := trained(t, all, against(t, "idsgame-v0", "dqn", "ppo")) // with a memory of the episode
	load := func(player string) *experiments.Config { return against(t, "idsgame-v0", "ppo", player) }
	cfg := load("checkpoint:" + original)
	want := trained(t, all, cfg)

	hash := strings.TrimSuffix(strings.TrimPrefix(frozenCopy(t, want), "opponent-"), ".ckpt")
	if text := read(t, want, results.ConfigFile); !strings.Contains(text, "\ndefender: \"checkpoint:"+hash+"\"\n") || strings.Contains(text, original) {
		t.Errorf("the configuration does not name the opponent by its hash %s alone:\n%s", hash, text)
	}
	if read(t, want, frozenCopy(t, want)) != read(t, original, results.FinalCheckpoint) {
		t.Error("the copy is not the checkpoint")
	}
	if run := must[*results.Run](t)(results.ReadRun(want)); !strings.HasSuffix(run.Algo, "-vs-checkpoint-"+hash) {
		t.Errorf("the algorithm is called %s", run.Algo)
	}

	// The same bytes elsewhere are the same opponent; others are not.
	elsewhere := filepath.Join(t.TempDir(), "opponent.ckpt")
	write(t, elsewhere, read(t, original, results.FinalCheckpoint))
	same(t, trained(t, all, load("checkpoint:"+elsewhere)), want)
	for name, player := range map[string]string{
		"greedy":  "greedy:" + original,
		"another": "checkpoint:" + trained(t, all, against(t, "idsgame-v0", "dqn", "tabular-q")),
		"a bot":   "bot:random",
	} {
		if read(t, trained(t, all, load(player)), results.EvalFile) == read(t, want, results.EvalFile) {
			t.Errorf("against %s the same games", name)
		}
	}

	// Without the original: resumed, made again from its own configuration, and tested.
	dir := filepath.Join(t.TempDir(), "run")
	r := must[*experiments.Run](t)(all.Start(cfg, dir, false, experiments.Options{}))
	if err := r.Train(newCountdown(14)); !errors.Is(err, experiments.ErrInterrupted) {
		t.Fatal(err)
	}
	for _, path := range []string{original, elsewhere} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	finish(t, must[*experiments.Run](t)(all.Resume(moved, experiments.Options{})))
	same(t, moved, want)

	from := fromFile("config.yaml", read(t, want, results.ConfigFile))
	from.Dir = want
	same(t, trained(t, all, must[*experiments.Config](t)(all.Load(from))), want)

	s := must[*experiments.Saved](t)(all.Open(moved))
	run := must[*results.Run](t)(results.ReadRun(want))
	for i, r := range test(t, s, experiments.Test{Episodes: 10, Seed: envs.Derive(s.Config.Seed, "evaluation", 0)}) {
		row := run.Evals[len(run.Evals)-2+i]
		if row.HackProbability != r.HackProbability() || row.EpisodeLength != r.MeanLength() {
			t.Errorf("%s: %+v, in the run %+v", r.Mode, r.Tally, row)
		}
	}

	// A copy that is lost or changed is missed where it is played, not elsewhere.
	path := filepath.Join(moved, frozenCopy(t, moved))
	write(t, path, read(t, path)+"x")
	if _, err := all.Open(moved); err == nil || !strings.Contains(err.Error(), path+" is not the file that it was: its hash is ") {
		t.Errorf("a changed copy: error %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s = must[*experiments.Saved](t)(all.Open(moved))
	_, err := s.Run(t.Context(), experiments.Test{Episodes: 1}, algos.Greedy)
	if lost := "defender = checkpoint:" + hash + ": " + filepath.Base(path) + " is missing in the folder of the run; put it back"; err == nil || err.Error() != lost {
		t.Errorf("a lost copy: error %v, want %s", err, lost)
	}
	test(t, s, experiments.Test{Episodes: 1, Opponent: "random"})
}

// An opponent may have learnt against a frozen opponent itself, which is not needed any more.
func TestOpponentOfOpponent(t *testing.T) {
	t.Parallel()
	first := trained(t, all, against(t, "toy-pursuit-v0", "tabular-q", "random"))
	second := trained(t, all, against(t, "toy-pursuit-v0", "checkpoint:"+first, "tabular-q"))
	third := trained(t, all, against(t, "toy-pursuit-v0", "tabular-q", "greedy:"+second))
	test(t, must[*experiments.Saved](t)(all.Open(third)), experiments.Test{Episodes: 5})
}

// What replaces a run leaves no frozen player of it.
func TestReplacedOpponent(t *testing.T) {
	t.Parallel()
	first := trained(t, all, against(t, "toy-pursuit-v0", "tabular-q", "tabular-q"))
	dir := trained(t, all, against(t, "toy-pursuit-v0", "tabular-q", "checkpoint:"+first))
	frozenCopy(t, dir)
	cfg := against(t, "toy-pursuit-v0", "tabular-q", "random")
	finish(t, must[*experiments.Run](t)(all.Start(cfg, dir, true, experiments.Options{})))
	if got, want := names(t, dir), names(t, first); !slices.Equal(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

func TestFrozenErrors(t *testing.T) {
	t.Parallel()
	toy := trained(t, all, against(t, "toy-pursuit-v0", "tabular-q", "tabular-q"))
	larger := trained(t, all, against(t, "idsgame-v2", "tabular-q", "tabular-q"))
	attacker := trained(t, all, against(t, "idsgame-v0", "tabular-q", "random"))
	text, empty := filepath.Join(t.TempDir(), "text"), t.TempDir()
	write(t, text, "hello")
	for run, want := range map[string]string{
		toy:                " has learnt to choose among 2 actions, not 33; it is of toy-pursuit-v0, take a run of the same game and size",
		larger:             " has learnt to choose among 44 actions, not 33; it is of idsgame-v2, take a run of the same game and size",
		attacker:           " holds no defender: it has learnt to be the attacker",
		text:               "text: not a checkpoint",
		empty:              " holds no checkpoint (final.ckpt or last.ckpt): is it the folder of a run?",
		"nowhere":          "nowhere: no such file or directory",
		"0123456789abcdef": "opponent-0123456789abcdef.ckpt is missing in the folder of the run; put it back",
	} {
		for _, kind := range []string{"checkpoint:", "greedy:"} {
			cfg, err := all.Load(experiments.Sources{Env: "idsgame-v0", Algo: "tabular-q", Players: map[envs.Role]string{envs.Defender: kind + run}})
			dir := filepath.Join(t.TempDir(), "run")
			if err == nil {
				_, err = all.Start(cfg, dir, false, experiments.Options{})
			}
			if err == nil || !strings.HasPrefix(err.Error(), "defender = "+kind) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s%s: error %v, want %q", kind, run, err, want)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("%s%s: a run that cannot be built leaves a folder", kind, run)
			}
		}
	}
}

// A frozen player costs no memory in play.
func TestFrozenAllocations(t *testing.T) {
	for _, a := range all.Algorithms {
		s := must[*experiments.Saved](t)(all.Open(trained(t, all, against(t, "idsgame-v0", a.Name, a.Name))))
		game := must[envs.Env](t)(s.Config.EnvSettings.Bound().(envs.Game).New(1))
		var players []envs.Policy
		for _, seat := range game.Spec().Seats {
			players = append(players, must[envs.Policy](t)(s.Policy(seat, algos.Sampled)))
		}
		env := must[envs.Env](t)(envs.Versus(game, players...))
		out := env.Spec().NewOutcome()
		seed := uint64(0)
		episode := func() {
			seed++
			err := env.Reset(seed)
			for *out = *env.Spec().NewOutcome(); err == nil && !out.Over(); {
				err = env.Step(nil, out)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(20, episode); n != 0 {
			t.Errorf("%s: %v allocations an episode", a.Name, n)
		}
	}
}
