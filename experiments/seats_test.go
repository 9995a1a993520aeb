package experiments_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/actorcritic"
	"idsrl/algos/dqn"
	"idsrl/algos/ppo"
	"idsrl/algos/qlearning"
	"idsrl/algos/reinforce"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/results"
)

// all is the catalog with every algorithm.
var all = experiments.Catalog{Envs: catalog.Envs, Algorithms: []algos.Algorithm{
	qlearning.Algorithm(), dqn.Algorithm(), reinforce.Algorithm(), actorcritic.Algorithm(), ppo.Algorithm(),
}}

// quick are settings with which an algorithm learns within a few hundred steps, and the metric that shows it.
var quick = map[string]struct{ settings, metric string }{
	"tabular-q":    {"{gamma: 0.9}", "td_error"},
	"dqn":          {"{hidden: [8], replay_size: 500, learning_starts: 50, batch_size: 8}", "loss/q"},
	"reinforce":    {"{network: {hidden: [8]}, episodes_per_update: 4}", "loss/policy"},
	"actor-critic": {"{network: {hidden: [8], frames: 2}, horizon: 8}", "loss/policy"},
	"ppo":          {"{network: {hidden: [8], lstm: 4}, horizon: 16, minibatch: 16}", "loss/policy"},
}

// against is the configuration of a short run with a player in each seat, an algorithm with its quick settings.
func against(tb testing.TB, env, attacker, defender string) *experiments.Config {
	tb.Helper()
	text := fmt.Sprintf("env: %s\nsteps: 600\nenvs: 3\nlog_rows: 2\nevaluations: 2\neval_episodes: 5\nfinal_episodes: 10\n", env)
	for role, player := range map[string]string{"attacker": attacker, "defender": defender} {
		text += fmt.Sprintf("%s: %q\n", role, player)
		if q, learns := quick[player]; learns {
			text += fmt.Sprintf("%s_settings: %s\n", role, q.settings)
		}
	}
	return must[*experiments.Config](tb)(all.Load(fromFile("pair.yaml", text)))
}

// Any algorithm meets any other: both learn, an interrupted run ends with the same bytes, and both can be tested.
func TestEveryPair(t *testing.T) {
	for _, env := range []string{"toy-pursuit-v0", "idsgame-v0"} {
		for _, attacker := range all.Algorithms {
			for _, defender := range all.Algorithms {
				t.Run(env+"/"+attacker.Name+"/"+defender.Name, func(t *testing.T) {
					t.Parallel()
					cfg := against(t, env, attacker.Name, defender.Name)
					want := trained(t, all, cfg)
					last := must[*results.Table](t)(must[*results.Run](t)(results.ReadRun(want)).ReadTrain())
					for _, metric := range []string{"attacker/" + quick[attacker.Name].metric, "defender/" + quick[defender.Name].metric} {
						if values := last.Column(metric); len(values) != 2 || !(values[1] != 0) {
							t.Errorf("%s: %v", metric, values)
						}
					}

					dir := filepath.Join(t.TempDir(), "run")
					r := must[*experiments.Run](t)(all.Start(cfg, dir, false, experiments.Options{}))
					for range 2 { // in the middle, and in the last evaluation
						if err := r.Train(newCountdown(14)); !errors.Is(err, experiments.ErrInterrupted) {
							t.Fatal(err)
						}
						r = must[*experiments.Run](t)(all.Resume(dir, experiments.Options{}))
					}
					finish(t, r)
					same(t, dir, want)

					s := must[*experiments.Saved](t)(all.Open(dir))
					if !slices.Equal(s.Roles(), []envs.Role{envs.Attacker, envs.Defender}) {
						t.Errorf("roles %v", s.Roles())
					}
					for _, of := range []experiments.Test{{}, {As: envs.Attacker, Opponent: "random"}, {As: envs.Defender, Opponent: "random"}} {
						of.Episodes = 5
						if got := test(t, s, of); got[0].Episodes != 5 {
							t.Errorf("%+v: %+v", of, got)
						}
					}
				})
			}
		}
	}
}

// How a learner begins, with its random stream, depends on its own seat alone, whoever plays the other one.
func TestLearnersDrawTheSame(t *testing.T) {
	t.Parallel()
	begun := func(env, attacker, defender string) []any {
		dir := filepath.Join(t.TempDir(), "run")
		must[*experiments.Run](t)(all.Start(against(t, env, attacker, defender), dir, false, experiments.Options{}))
		c := must[*algos.Checkpoint](t)(experiments.ReadCheckpoint(filepath.Join(dir, results.LastCheckpoint)))
		var list []any
		for _, l := range c.Learners {
			list = append(list, l)
		}
		return list
	}
	for _, env := range []string{"toy-pursuit-v0", "toy-pursuit-attack-v0", "toy-pursuit-defend-v0"} { // both seats look alike
		for _, a := range all.Algorithms {
			both := begun(env, a.Name, a.Name)
			if reflect.DeepEqual(both[0], both[1]) {
				t.Errorf("%s, %s: both seats begin the same", env, a.Name)
			}
			for _, other := range []string{"random", "bot:front", "tabular-q", "dqn"} {
				if got := begun(env, a.Name, other)[0]; !reflect.DeepEqual(got, both[0]) {
					t.Errorf("%s: as the attacker %s begins differently against %s", env, a.Name, other)
				}
				list := begun(env, other, a.Name)
				if got := list[len(list)-1]; !reflect.DeepEqual(got, both[1]) {
					t.Errorf("%s: as the defender %s begins differently against %s", env, a.Name, other)
				}
			}
		}
	}
}

// However it is said who plays, equal runs have one configuration and one name.
func TestWaysToSay(t *testing.T) {
	const attack, both = "idsgame-minimal_defense-v2", "idsgame-v2"
	players := func(attacker, defender string) map[envs.Role]string {
		return map[envs.Role]string{envs.Attacker: attacker, envs.Defender: defender}
	}
	for _, c := range []struct {
		name string // of the algorithm
		ways []experiments.Sources
	}{
		{"ppo", []experiments.Sources{
			{Env: attack, Algo: "ppo"},
			{Env: attack, Players: players("ppo", "")},
			{Env: attack, Algo: "ppo", Players: players("", "bot:minimal")},
			fromFile("x", "env: "+attack+"\nalgo: ppo\nattacker: ''\ndefender: ''\nattacker_settings: {}\ndefender_settings: {}\n"),
		}},
		{"ppo+gamma=0.9", []experiments.Sources{
			{Env: both, Algo: "ppo", Set: []string{"gamma=0.9"}},
			{Env: both, Players: players("ppo", "ppo"), Set: []string{"gamma=0.9"}},
			{Env: both, Players: players("ppo", "ppo"), Set: []string{"defender.gamma=0.9", "gamma=0.5", "attacker.gamma=0.9"}},
			{Env: both, Algo: "ppo", Players: players("", "ppo"), Set: []string{"gamma=0.9"}},
			fromFile("x", "env: "+both+"\nalgo: ppo\nsettings: {gamma: 0.9}\ndefender: ppo\ndefender_settings: {gamma: 0.9}\n"),
		}},
		{"ppo-vs-ppo+gamma=0.9", []experiments.Sources{
			{Env: both, Players: players("ppo", "ppo"), Set: []string{"defender.gamma=0.9"}},
			{Env: both, Algo: "ppo", Players: players("", "ppo"), Set: []string{"defender.gamma=0.9"}},
			{Env: both, Algo: "ppo", Set: []string{"defender=ppo", " defender.gamma=0.9"}},
		}},
		{"ppo-vs-dqn", []experiments.Sources{
			{Env: both, Players: players("ppo", "dqn")},
			{Env: both, Algo: "ppo", Players: players("", "dqn")},
			{Env: both, Algo: "dqn", Players: players("ppo", "")},
			{File: settings.File("x", []byte("attacker: reinforce\ndefender: dqn\n")), Env: both, Players: map[envs.Role]string{envs.Attacker: "ppo"}},
		}},
		{"ppo-vs-bot-minimal", []experiments.Sources{
			{Env: both, Algo: "ppo", Players: players("", "bot:minimal")},
			{Env: both, Players: players("ppo", "bot:minimal")},
		}},
		{"ppo-vs-bot-random", []experiments.Sources{{Env: attack, Algo: "ppo", Players: players("", "bot:random")}}},
		{"ppo-vs-random", []experiments.Sources{{Env: attack, Algo: "ppo", Players: players("", "random")}}},
		{"ppo-vs-constant-xss@2", []experiments.Sources{{Env: both, Algo: "ppo", Players: players("", "constant:xss@2")}}},
		{"bot-random-vs-tabular-q", []experiments.Sources{{Env: "idsgame-maximal_attack-v2", Algo: "tabular-q", Players: players("bot:random", "")}}},
		{"ppo-vs-ppo", []experiments.Sources{{Env: attack, Algo: "ppo", Players: players("", "ppo")}}}, // in the bot's seat
	} {
		var first []byte
		for i, from := range c.ways {
			cfg := must[*experiments.Config](t)(all.Load(from))
			if i == 0 {
				first = cfg.Encode()
			}
			if got := all.AlgoName(cfg); got != c.name || !bytes.Equal(cfg.Encode(), first) {
				t.Errorf("%s, way %d: %s with\n%s\nwant\n%s", c.name, i, got, cfg.Encode(), first)
			}
			again := must[*experiments.Config](t)(all.Load(fromFile("config.yaml", string(cfg.Encode()))))
			if !bytes.Equal(again.Encode(), first) || all.AlgoName(again) != c.name {
				t.Errorf("%s, way %d: the saved configuration is another:\n%s", c.name, i, again.Encode())
			}
		}
	}
}

// Keys that are not used are left out.
func TestUnusedKeys(t *testing.T) {
	for _, c := range []struct{ attacker, defender, keys string }{
		{"dqn", "bot:random", "algo defender settings"},
		{"ppo", "dqn", "attacker defender attacker_settings defender_settings"},
		{"random", "dqn", "algo attacker settings"},
	} {
		text := string(against(t, "idsgame-v0", c.attacker, c.defender).Encode())
		for key := range strings.FieldsSeq("algo attacker defender settings attacker_settings defender_settings") {
			if got := strings.Contains(text, "\n"+key+":"); got != slices.Contains(strings.Fields(c.keys), key) {
				t.Errorf("%s against %s: %s in the configuration: %v", c.attacker, c.defender, key, got)
			}
		}
	}
}

// A setting reaches the learners that it is for.
func TestSetOfLearners(t *testing.T) {
	cfg := must[*experiments.Config](t)(all.Load(experiments.Sources{
		File: settings.File("x", []byte("attacker: ppo\nattacker_settings: {gamma: 0.1, epochs: 7}\n")),
		Env:  "idsgame-v0", Players: map[envs.Role]string{envs.Defender: "reinforce"},
		Set: []string{"gamma=0.2", "attacker.horizon=64", "defender.gamma=0.3", "defender.episodes_per_update=5", "episodes=6", "learning_rate.start=0.4", "clip_coef=0.5"},
	}))
	for key, want := range map[string]string{
		"episodes": "6", "attacker_settings.gamma": "0.2", "attacker_settings.epochs": "7", "attacker_settings.horizon": "64",
		"attacker_settings.clip_coef": "0.5", "attacker_settings.learning_rate.start": "0.4", "attacker_settings.minibatch": "256",
		"defender_settings.gamma": "0.3", "defender_settings.episodes_per_update": "5", "defender_settings.learning_rate.start": "0.4",
	} {
		if got := value(t, cfg, key); got != want {
			t.Errorf("%s = %s, want %s", key, got, want)
		}
	}
}

// Two algorithms take the larger number of environments and the larger budget.
func TestPlanOfPairs(t *testing.T) {
	algorithm := func(name string, episodes, steps int64, n int) algos.Algorithm {
		return algos.Algorithm{Name: name, Budget: algos.Budget{Episodes: episodes, Steps: steps}, Envs: n, Config: qlearning.Algorithm().Config}
	}
	c := experiments.Catalog{Envs: catalog.Envs, Algorithms: []algos.Algorithm{
		algorithm("short", 10, 0, 4), algorithm("long", 20, 0, 1), algorithm("few", 0, 30, 2), algorithm("many", 0, 40, 0),
	}}
	for _, test := range []struct {
		attacker, defender string
		set                []string
		episodes, steps    int64
		envs               int
	}{
		{"short", "short", nil, 10, 0, 4},
		{"short", "long", nil, 20, 0, 4},
		{"many", "few", nil, 0, 40, 2},
		{"long", "few", nil, 0, 30, 2},
		{"few", "long", []string{"episodes=7"}, 7, 0, 2},
		{"few", "short", []string{"envs=1"}, 0, 30, 1},
		{"many", "random", nil, 0, 40, 1},
	} {
		cfg := must[*experiments.Config](t)(c.Load(experiments.Sources{Env: "idsgame-v0", Set: test.set, Players: map[envs.Role]string{
			envs.Attacker: test.attacker, envs.Defender: test.defender,
		}}))
		if cfg.Episodes != test.episodes || cfg.Steps != test.steps || cfg.Envs != test.envs {
			t.Errorf("%s against %s: %d episodes, %d steps, %d environments", test.attacker, test.defender, cfg.Episodes, cfg.Steps, cfg.Envs)
		}
		if want := test.attacker + "-vs-" + test.defender; test.attacker != test.defender && c.AlgoName(cfg) != want {
			t.Errorf("%s is called %s", want, c.AlgoName(cfg)) // though the settings are the same
		}
	}
}

// What does not make sense is an error that says what would.
func TestSeatErrors(t *testing.T) {
	const known = "tabular-q, dqn, reinforce, actor-critic, ppo"
	for _, c := range []struct{ env, algo, attacker, defender, set, want string }{
		{"idsgame-v0", "", "pppo", "dqn", "", `attacker: there is no player called "pppo"; did you mean "ppo"?`},
		{"idsgame-v0", "ppo", "", "bot-random", "", `defender: there is no player called "bot-random"; did you mean "bot:random"?`},
		{"idsgame-v0", "ppo", "", "human", "", `defender: there is no player called "human"; there are: ` + known +
			", bot:minimal, bot:random, random, constant:ACTION, optimal, checkpoint:RUN, greedy:RUN, mixture:WEIGHT PLAYER; ..."},
		{"idsgame-v0", "pppo", "dqn", "", "", `there is no algorithm called "pppo"; did you mean "ppo"?`},
		{"idsgame-v0", "", "", "", "", "which algorithm? name one with --algo: " + known},
		{"idsgame-v0", "", "ppo", "", "", "who plays the defender? name a player with --defender, or an algorithm for every open seat with --algo"},
		{"idsgame-v0", "", "random", "bot:random", "", "env = idsgame-v0: nobody learns: random plays the attacker, " +
			"bot:random plays the defender; name an algorithm with --attacker or --defender"},
		{"idsgame-minimal_defense-v0", "ppo", "random", "", "", "env = idsgame-minimal_defense-v0: nobody learns: random plays " +
			"the attacker, bot:minimal plays the defender; name an algorithm with --attacker or --defender"},
		{"idsgame-v0", "ppo", "dqn", "random", "gamma=0.5", "algo = ppo: no seat is left to algo: dqn plays the attacker, " +
			"random plays the defender; leave it out"},
		{"toy-corridor-v0", "ppo", "dqn", "", "", "attacker = dqn: toy-corridor-v0 has no such seat; leave it out"},
		{"toy-corridor-v0", "ppo", "", "", "defender.gamma=0.5", "--set defender: gamma = 0.5: toy-corridor-v0 has no defender; leave it out"},
		{"idsgame-v0", "ppo", "", "", "defender.gamma=0.5", "--set defender: gamma = 0.5: the defender shares the settings of algo; " +
			"for its own, name its algorithm: --defender ppo"},
		{"idsgame-minimal_defense-v0", "ppo", "", "", "defender.gamma=0.5", "--set defender: gamma = 0.5: bot:minimal, which does " +
			"not learn, plays the defender; name an algorithm with --defender"},
		{"idsgame-v0", "", "ppo", "tabular-q", "clip_coeff=0.5", "--set: clip_coeff = 0.5: unknown setting; did you mean clip_coef?"},
		{"idsgame-v0", "", "ppo", "tabular-q", "gamma=2", "--set: gamma = 2: must be in [0, 1]"},
		{"idsgame-v0", "", "ppo", "tabular-q", "attacker.omega=1", "--set attacker: omega = 1: unknown setting"},
		{"idsgame-v0", "", "ppo", "tabular-q", "attacker.gama=1", "--set attacker: gama = 1: unknown setting; did you mean gamma?"},
		{"idsgame-v0", "", "ppo", "dqn", "nonsense=1", "--set: nonsense = 1: unknown setting"},
		{"nowhere", "", "ppo", "dqn", "", `there is no environment called "nowhere" (idsrl envs list shows all)`},
	} {
		from := experiments.Sources{Env: c.env, Algo: c.algo, Players: map[envs.Role]string{envs.Attacker: c.attacker, envs.Defender: c.defender}}
		if c.set != "" {
			from.Set = []string{c.set}
		}
		if _, err := all.Load(from); err == nil || err.Error() != c.want {
			t.Errorf("%+v:\n%v\nwant\n%s", c, err, c.want)
		}
	}

	// In a file, with the place.
	_, err := all.Load(fromFile("pair.yaml", "env: idsgame-v0\nsettings:\n  gamma: 0.5\n  lambda: 0.5\nattacker: ppo\n"+
		"defender: random\ndefender_settings:\n  gamma: 0.5\n  lambda: 0.5\n"))
	want := "pair.yaml:8: defender_settings.gamma = 0.5: random, which does not learn, plays the defender; name an algorithm with --defender\n" +
		"pair.yaml:3: settings.gamma = 0.5: no seat is left to algo: ppo plays the attacker, random plays the defender; leave it out"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}

	// What only the game knows is found before anything is written.
	for player, want := range map[string]string{
		"bot:minmal": `defender = bot:minmal: there is no bot of this seat called "minmal"; did you mean "minimal"?`,
		"bot":        `defender = bot: there is no bot of this seat called ""; there are: minimal, random`,
		"constant:x": "defender = constant:x: constant = x: the defender has no such action: ids are 0 to 32, names are like",
	} {
		dir := filepath.Join(t.TempDir(), "run")
		_, err := all.Start(against(t, "idsgame-v0", "ppo", player), dir, false, experiments.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", player, err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a run that cannot be built leaves a folder", player)
		}
	}
}
