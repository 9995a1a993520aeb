package league_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/ppo"
	"idsrl/algos/qlearning"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/experiments/league"
	"idsrl/results"
)

var catalog = experiments.Catalog{
	Envs: algotest.Registry, Algorithms: []algos.Algorithm{qlearning.Algorithm(), ppo.Algorithm()},
}

func load(tb testing.TB, text string) *league.Config {
	tb.Helper()
	return algotest.Must(league.Load(catalog, settings.File("league.yaml", []byte(text)), nil))
}

func finished(tb testing.TB, cfg *league.Config, workers int) *league.League {
	tb.Helper()
	l := algotest.Must(league.Start(catalog, cfg, filepath.Join(tb.TempDir(), "league"), league.Options{Workers: workers}))
	if err := l.Run(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return l
}

// psro is a league of tabular oracles that learn the games of package toy well within their budget.
const psro = "payoff: return\nrounds: %ROUNDS\ngames: 20000\nset: [episodes=6000, gamma=1]\n"

// weights are how much of a side's last meta-strategy plays each action of a game of one move.
func weights(tb testing.TB, l *league.League, seat, actions int) []float64 {
	tb.Helper()
	list := make([]float64, actions)
	const games = 30_000
	players := map[envs.Role]string{envs.Attacker: "random", envs.Defender: "random"}
	players[experiments.Roles[seat]] = l.MetaStrategy(seat)
	_, err := catalog.Simulate(tb.Context(), experiments.Simulation{
		Env: l.Config.Env, Players: players, Episodes: games, Seed: 3, InstanceSeed: 1, Watch: counter{seat, list},
	})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range list {
		list[i] /= games
	}
	return list
}

// counter counts the actions of a seat.
type counter struct {
	seat  int
	times []float64
}

func (c counter) Start(envs.Env) error { return nil }

func (c counter) Step(_ envs.Env, actions []int, _ *envs.Outcome) error {
	c.times[actions[c.seat]]++
	return nil
}

// PSRO comes to the equilibrium of games that are solved by hand (see package toy). The estimate of a payoff of at most 3 is
// off by more than 0.1 with probability below 2 exp(-2·20000·0.1²/6²) = 3e-5 a match (Hoeffding), and with it the value; of
// the weights, whose slopes in the payoffs are below 0.5, half as much, and as much again for counting them.
func TestPSRO(t *testing.T) {
	for _, c := range []struct {
		env    string
		rounds string
		value  float64
		want   []float64 // of both sides
	}{
		{"toy-pennies-v0", "4", 0.2, []float64{0.4, 0.6}},
		{"toy-rps-v0", "8", 0, []float64{1. / 6, 3. / 6, 2. / 6}},
	} {
		t.Run(c.env, func(t *testing.T) {
			t.Parallel()
			cfg := load(t, "env: "+c.env+"\n"+strings.ReplaceAll(psro, "%ROUNDS", c.rounds))
			l := finished(t, cfg, 2)
			if got := l.Value(); math.Abs(got-c.value) > 0.1 {
				t.Errorf("value %v, want %v", got, c.value)
			}
			for seat := range 2 {
				got := weights(t, l, seat, len(c.want))
				for a, want := range c.want {
					if math.Abs(got[a]-want) > 0.1 {
						t.Errorf("%s plays %v, want %v", experiments.Roles[seat], got, c.want)
						break
					}
				}
			}
		})
	}
	// The control: a league in which agents train against uniform mixtures of one member, who never changes, does not find it.
	cfg := load(t, "env: toy-pennies-v0\n"+strings.ReplaceAll(psro, "%ROUNDS", "1"))
	if got := weights(t, finished(t, cfg, 2), 0, 2); math.Abs(got[0]-0.4) < 0.1 {
		t.Errorf("after one round the attacker plays %v already", got)
	}
}

// files are the contents of all files of a league but manifests, whose times differ.
func files(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == results.ManifestFile {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		found[path] = string(data)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

func same(tb testing.TB, got, want string) {
	tb.Helper()
	g, w := files(tb, got), files(tb, want)
	for name, text := range w {
		if g[name] != text {
			tb.Errorf("%s differs", name)
		}
	}
	if len(g) != len(w) {
		tb.Errorf("%d files, want %d", len(g), len(w))
	}
}

// varied is a league with every kind of agent.
const varied = `
env: idsgame-v11
rounds: 2
games: 50
opponents: pfsp
latest: 0.3
attackers: {main: [tabular-q, ppo], main_exploiters: [tabular-q], players: [random, "bot:maximal"]}
defenders: {main: [tabular-q], league_exploiters: [tabular-q, tabular-q], players: ["bot:minimal"]}
set: [steps=1500, episodes=0, "ppo.network.hidden=[8]", "defender.tabular-q.state=observation", "ppo.steps=2000", envs=4]
`

// The number of workers changes no byte, and a league whose process is killed again and again ends with the same ones. Another process plays the same matches from the checkpoints.
func TestSameBytes(t *testing.T) {
	cfg := load(t, varied)
	want := finished(t, cfg, 1).Dir
	same(t, finished(t, cfg, 4).Dir, want)

	rng := rand.New(rand.NewPCG(1, 2))
	dir := filepath.Join(t.TempDir(), "killed")
	kills := 0
	for !child(t, dir, 1+kills%3, 1+rng.IntN(30)) {
		kills++
	}
	if kills < 3 {
		t.Errorf("killed %d times only", kills)
	}
	same(t, dir, want)

	l := algotest.Must(league.Open(catalog, dir, league.Options{Workers: 2}))
	if differences := algotest.Must(l.Verify(t.Context())); len(differences) > 0 {
		t.Error(differences)
	}
	// What has changed is found out.
	members := algotest.Must(os.ReadDir(filepath.Join(dir, "members")))
	path := filepath.Join(dir, "members", members[0].Name())
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if differences := algotest.Must(l.Verify(t.Context())); len(differences) == 0 {
		t.Error("a changed checkpoint passes")
	}
}

// child runs the varied league in dir in a process of its own, which is killed once it has told of so many pieces of work. It
// reports whether the league came to its end.
func child(tb testing.TB, dir string, workers, life int) (finished bool) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LEAGUE_DIR="+dir, "LEAGUE_WORKERS="+strconv.Itoa(workers))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out := algotest.Must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	killed := false
	for lines := bufio.NewScanner(out); lines.Scan(); life-- {
		if life == 0 {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil && !killed {
		tb.Fatalf("%v\n%s", err, stderr.String())
	} else if err == nil {
		return true
	}
	return false
}

// TestMain is the child process, where the parent asks for one.
func TestMain(m *testing.M) {
	league.SaveAlways()
	dir := os.Getenv("LEAGUE_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	workers, err := strconv.Atoi(os.Getenv("LEAGUE_WORKERS"))
	var cfg *league.Config
	if err == nil {
		cfg, err = league.Load(catalog, settings.File("league.yaml", []byte(varied)), nil)
	}
	var l *league.League
	if err == nil {
		l, err = league.Start(catalog, cfg, dir, league.Options{
			Workers: workers, Progress: func(p league.Progress) { fmt.Println(p.Doing, p.Done) },
		})
	}
	if err == nil {
		err = l.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
