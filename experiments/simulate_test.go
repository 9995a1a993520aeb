package experiments_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/experiments"
)

func simulate(tb testing.TB, sim experiments.Simulation, attacker, defender string) *experiments.Simulated {
	tb.Helper()
	sim.Players = map[envs.Role]string{envs.Attacker: attacker, envs.Defender: defender}
	return must[*experiments.Simulated](tb)(all.Simulate(tb.Context(), sim))
}

// However many play, whatever they remember of an episode, the games are the same.
func TestSimulateWorkers(t *testing.T) {
	t.Parallel()
	run := trained(t, all, against(t, "idsgame-v0", "actor-critic", "ppo")) // with frames and with a memory
	mixture := "mixture:0.5 checkpoint:" + run + "; 0.25 greedy:" + run + "; 0.25 bot:random"
	sim := experiments.Simulation{Env: "idsgame-v0", Episodes: 300, Seed: 4, Workers: 1}
	want := simulate(t, sim, mixture, mixture)
	for sim.Workers = 2; sim.Workers < 5; sim.Workers++ {
		if got := simulate(t, sim, mixture, mixture); !reflect.DeepEqual(got.Total, want.Total) {
			t.Errorf("%d workers: %+v, want %+v", sim.Workers, got.Total, want.Total)
		}
	}
	sim.Seed++
	if got := simulate(t, sim, mixture, mixture); reflect.DeepEqual(got.Total, want.Total) {
		t.Error("with another seed the same games")
	}
}

// A mixture does what its members do by weight: in matching pennies, one who shows heads with 0.7 wins 0.7 against heads. The
// share of 10,000 games is off by 0.02 with probability below 2 exp(-2·10000·0.02²) = 7e-4.
func TestSimulateMixture(t *testing.T) {
	sim := experiments.Simulation{Env: "toy-pennies-v0", Episodes: 10_000, Seed: 1}
	got := simulate(t, sim, "mixture:1.4 bot:heads; 0.6 bot:tails", "bot:heads").Total.HackProbability()
	if got < 0.68 || got > 0.72 {
		t.Errorf("won %v, want 0.7", got)
	}
}

// A run against a mixture is complete: its members are copies by their hashes, and it is made again without the originals.
func TestTrainAgainstMixture(t *testing.T) {
	t.Parallel()
	first := trained(t, all, against(t, "toy-pursuit-v0", "tabular-q", "tabular-q"))
	second := trained(t, all, against(t, "toy-pursuit-v0", "ppo", "ppo"))
	cfg := against(t, "toy-pursuit-v0", "tabular-q", "mixture:0.5 greedy:"+first+"; 0.3 checkpoint:"+second+"; 0.2 random")
	want := trained(t, all, cfg)
	text := read(t, want, "config.yaml")
	if strings.Contains(text, first) || strings.Contains(text, second) || !strings.Contains(text, "; 0.2 random") {
		t.Errorf("the configuration names originals:\n%s", text)
	}
	copies := 0
	for _, name := range names(t, want) {
		if strings.HasPrefix(name, "opponent-") {
			copies++
		}
	}
	if copies != 2 {
		t.Errorf("%d copies, want 2", copies)
	}
	from := fromFile("config.yaml", text)
	from.Dir = want
	same(t, trained(t, all, must[*experiments.Config](t)(all.Load(from))), want)
}

func TestParseMixture(t *testing.T) {
	parts := must[[]experiments.Weighted](t)(experiments.ParseMixture(" 0.1 greedy:a b;3e-1  bot:random "))
	want := []experiments.Weighted{{Weight: 0.1, Player: "greedy:a b"}, {Weight: 0.3, Player: "bot:random"}}
	if !reflect.DeepEqual(parts, want) {
		t.Errorf("%v, want %v", parts, want)
	}
	again := must[[]experiments.Weighted](t)(experiments.ParseMixture(strings.TrimPrefix(experiments.FormatMixture(parts), "mixture:")))
	if !reflect.DeepEqual(again, want) {
		t.Errorf("%v, want %v", again, want)
	}
	if got := experiments.FormatMixture([]experiments.Weighted{{0, "random"}, {0.2, "bot:a"}}); got != "bot:a" {
		t.Errorf("a mixture of one is %q", got)
	}
	for _, text := range []string{"", "random", "0 random", "-1 random", "inf random", "nan random", "1", "1 random;", "1 mixture:1 random"} {
		if parts, err := experiments.ParseMixture(text); err == nil {
			t.Errorf("%q is %v", text, parts)
		}
	}
}

// A file's players name runs from its folder; nothing else of them changes, even where it reads like a run's name.
func TestSimulationRoot(t *testing.T) {
	absolute := filepath.Join(t.TempDir(), "run")
	cfg := experiments.SimulationConfig{
		Attacker: "mixture:2 greedy:a; 1 checkpoint:b/a; 1 greedy:a; 1 bot:a", Defender: "checkpoint:" + absolute,
	}
	cfg.Root("dir")
	want := experiments.SimulationConfig{
		Attacker: "mixture:2 greedy:dir/a; 1 checkpoint:dir/b/a; 1 greedy:dir/a; 1 bot:a", Defender: cfg.Defender,
	}
	if cfg != want {
		t.Errorf("%+v, want %+v", cfg, want)
	}
}

// BenchmarkSimulate plays games of idsgame-v0 on all cores.
func BenchmarkSimulate(b *testing.B) {
	run := trained(b, all, load(b, all, "idsgame-v0", append(small, "state=observation")...))
	for _, c := range []struct{ name, attacker, defender string }{
		{"bots", "bot:maximal", "bot:minimal"},
		{"random", "random", "random"},
		{"tabular", "greedy:" + run, "greedy:" + run},
		{"mixtures", "mixture:1 checkpoint:" + run + "; 1 bot:random", "mixture:1 checkpoint:" + run + "; 1 bot:random"},
	} {
		b.Run(c.name, func(b *testing.B) {
			sim := experiments.Simulation{Env: "idsgame-v0", Episodes: b.N, Seed: 1, Workers: 2}
			simulate(b, sim, c.attacker, c.defender)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "episodes/s")
		})
	}
}
