package experiments_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/experiments"
	"idsrl/results"
)

// inTurns is the configuration of a short run in which learners take turns, both of an algorithm with its quick settings.
func inTurns(tb testing.TB, algo string) *experiments.Config {
	tb.Helper()
	text := fmt.Sprintf(`env: toy-pursuit-v0
algo: %s
settings: %s
steps: 3000
envs: 3
log_rows: 4
evaluations: 2
eval_episodes: 5
final_episodes: 10
self_play:
  schedule: alternating
  period_updates: 4
  pool:
    probability: 0.5
    size: 3
    bots: true
`, algo, quick[algo].settings)
	return must[*experiments.Config](tb)(all.Load(fromFile("turns.yaml", text)))
}

// Every algorithm learns in turn, leaves policies that play, and goes on after an interruption as if there had been none.
func TestTurnsOfEveryAlgorithm(t *testing.T) {
	for _, a := range all.Algorithms {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			cfg := inTurns(t, a.Name)
			want := trained(t, all, cfg)
			dir := filepath.Join(t.TempDir(), "run")
			r := must[*experiments.Run](t)(all.Start(cfg, dir, false, experiments.Options{}))
			if err := r.Train(newCountdown(10)); err == nil {
				t.Fatal("not interrupted")
			}
			finish(t, must[*experiments.Run](t)(all.Resume(dir, experiments.Options{})))
			same(t, dir, want)

			table := must[*results.Table](t)(must[*results.Run](t)(results.ReadRun(want)).ReadTrain())
			for _, role := range experiments.Roles {
				value := func(name string) float64 {
					values := table.Column(role.String() + "/" + name)
					return values[len(values)-1]
				}
				if got := value(quick[a.Name].metric); got == 0 || math.IsNaN(got) {
					t.Errorf("the %s has not learnt", role)
				}
				// Three past policies and three bots: uniform, front and back.
				if size, entropy := value("pool/size"), value("pool/entropy"); size != 6 || math.Abs(entropy-math.Log(6)) > 1e-12 {
					t.Errorf("pool of %v %ss, entropy %v", size, role, entropy)
				}
			}
			held := map[envs.Role]int{}
			for _, name := range opponents(t, want) {
				saved := must[*experiments.Saved](t)(all.Open(filepath.Join(want, name)))
				roles := saved.Roles()
				if len(roles) != 1 {
					t.Fatalf("%s holds %v", name, roles)
				}
				held[roles[0]]++
				seat := slices.Index(experiments.Roles, roles[0])
				env := must[envs.Env](t)(must[envs.Entry](t)(all.Envs.Lookup("toy-pursuit-v0")).New(0))
				players := []envs.Policy{envs.Uniform(), envs.Uniform()}
				players[seat] = must[envs.Policy](t)(saved.Policy(env.Spec().Seats[seat], algos.Sampled))
				if tally := must[algos.Tally](t)(algos.Evaluate(t.Context(), env, players, 10, 1, nil)); tally.Episodes != 10 {
					t.Errorf("%s plays %d episodes", name, tally.Episodes)
				}
			}
			if held[envs.Attacker] < 3 || held[envs.Defender] < 3 {
				t.Errorf("policies of %v", held)
			}
		})
	}
}

// The budget is what all need among them, the name tells of self-play, and where one learns alone there is none.
func TestSelfPlaySettings(t *testing.T) {
	load := func(env string, set ...string) (*experiments.Config, error) {
		return all.Load(experiments.Sources{Env: env, Algo: "ppo", Set: set})
	}
	one := must[*experiments.Config](t)(load("idsgame-v2"))
	both := must[*experiments.Config](t)(load("idsgame-v2", "self_play.schedule=alternating", "self_play.pool.size=20"))
	if both.Steps != 2*one.Steps {
		t.Errorf("%d steps of two that take turns, %d of two that do not", both.Steps, one.Steps)
	}
	if got, want := all.AlgoName(both), "ppo+schedule=alternating,pool.size=20"; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	if text := string(both.Encode()); !strings.Contains(text, "  schedule: alternating") {
		t.Errorf("the configuration of two learners is\n%s", text)
	}
	alone := must[*experiments.Config](t)(load("idsgame-minimal_defense-v2"))
	if text := string(alone.Encode()); strings.Contains(text, "self_play") {
		t.Errorf("the configuration of one learner is\n%s", text)
	}
	for _, c := range []struct {
		env, set, want string
	}{
		{"idsgame-minimal_defense-v2", "self_play.schedule=alternating", "needs learners in two seats"},
		{"idsgame-v2", "self_play.pool.size=20", "must be alternating or best-response"},
		{"idsgame-v2", "self_play.schedule=never", "must be one of simultaneous, alternating, best-response"},
		{"idsgame-v2", "self_play.pool.sampling=best", "must be one of uniform, quality, pfsp"},
		{"idsgame-v2", "self_play.pol.size=5", "self_play.pol.size = 5: unknown setting"},
	} {
		if _, err := load(c.env, c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s --set %s: error %v, want %q", c.env, c.set, err, c.want)
		}
	}
}
