package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame/recording"
	"idsrl/experiments"
	"idsrl/results"
)

// evaluate calls eval and returns the rows of its table: greedy, sampled.
func evaluate(t *testing.T, args ...string) []map[string]string {
	t.Helper()
	rows := readRows(t, must(t, append([]string{"eval", "--format", "csv"}, args...)...))
	if len(rows) != 2 || rows[0]["mode"] != "greedy" || rows[1]["mode"] != "sampled" {
		t.Fatalf("%v", rows)
	}
	return rows
}

// The test of the run's own last evaluation has the numbers that the run has kept, in the columns of the same name.
func TestEvalRepeatsFinalEvaluation(t *testing.T) {
	for _, env := range []string{"idsgame-minimal_defense-v2", "idsgame-random_attack-v2", "idsgame-v0"} {
		dir := trained(t, env, "--seed", "4", "--episodes", "3000", "--set", "final_episodes=300")
		kept := readRows(t, readFile(t, filepath.Join(dir, results.EvalFile)))
		saved, err := catalog().Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		var tests [][]experiments.Result
		for _, mode := range algos.Modes {
			test := experiments.Test{Episodes: 300, Seed: envs.Derive(4, "evaluation", 0)}
			result, err := saved.Run(t.Context(), test, mode)
			if err != nil {
				t.Fatal(err)
			}
			tests = append(tests, []experiments.Result{result})
		}
		var table strings.Builder
		if err := testGrid(saved.Checkpoint.Algo, tests).Render(&table, "csv"); err != nil {
			t.Fatal(err)
		}
		again := readRows(t, table.String())
		for i, want := range kept[len(kept)-2:] {
			for _, column := range []string{
				"mode", "games", "hack_probability", "hack_low", "hack_high", "detection_probability", "attacker_return",
				"defender_return", "episode_length",
			} {
				if again[i][column] != want[column] {
					t.Errorf("%s %s: %s is %s, was %s", env, want["mode"], column, again[i][column], want[column])
				}
			}
		}

		// The checkpoint file alone will do, and the same seed gives the same table.
		file := filepath.Join(dir, results.FinalCheckpoint)
		if a, b := must(t, "eval", "--episodes", "50", dir), must(t, "eval", "--episodes", "50", file); a != b {
			t.Errorf("%s\n%s", a, b)
		}
	}
}

// Other games of the same policy come out like the run's own, within five standard deviations: by chance, they do not
// with probability 6e-7, and the seeds are fixed. Against another opponent they do not.
func TestEvalAgreesWithTraining(t *testing.T) {
	dir := trained(t, "idsgame-minimal_defense-v2", "--episodes", "5000", "--set", "final_episodes=4000")
	kept := readRows(t, readFile(t, filepath.Join(dir, results.EvalFile)))
	want := number(t, kept[len(kept)-2]["hack_probability"])
	const games = 4000
	near := func(p, q float64) bool {
		mean := (p + q) / 2
		return math.Abs(p-q) <= 5*math.Sqrt(mean*(1-mean)*2/games)
	}
	for seed := range 3 {
		row := evaluate(t, "--seed", fmt.Sprint(seed), "--episodes", fmt.Sprint(games), dir)[0]
		if got := number(t, row["hack_probability"]); !near(got, want) {
			t.Errorf("seed %d: hacked %v, in training %v", seed, got, want)
		}
		if row["games"] != fmt.Sprint(games) {
			t.Errorf("%s games", row["games"])
		}
	}
	stronger := evaluate(t, "--env-set", "det_val=9", "--episodes", fmt.Sprint(games), dir)[0]
	if got := number(t, stronger["hack_probability"]); near(got, want) {
		t.Errorf("hacked %v also where detection is four times as likely", got)
	}
}

// Several runs are seeds of one training: the table has the means over them.
func TestEvalOfSeveralRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	must(t, "train", "--env", "idsgame-v0", "--algo", "tabular-q", "--episodes", "300", "--seeds", "3", "--set", "eval_episodes=10",
		"--set", "final_episodes=10", "--out", dir)
	var paths []string
	sum := map[string]float64{}
	columns := []string{"hack_probability", "detection_probability", "attacker_return", "defender_return", "episode_length"}
	for seed := range 3 {
		path := filepath.Join(dir, fmt.Sprintf("seed-%d", seed))
		row := evaluate(t, "--episodes", "50", path)[0]
		if row["runs"] != "1" || row["env"] != "idsgame-v0" || row["algo"] != "tabular-q" {
			t.Errorf("%v", row)
		}
		for _, column := range columns {
			sum[column] += number(t, row[column])
		}
		paths = append(paths, path)
	}
	args := []string{"--episodes", "50"}
	row := evaluate(t, append(args, paths...)...)[0]
	for _, column := range columns {
		if got, want := number(t, row[column]), sum[column]/3; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v, want the mean %v", column, got, want)
		}
	}
	low, high := number(t, row["hack_low"]), number(t, row["hack_high"])
	if p := number(t, row["hack_probability"]); row["runs"] != "3" || row["games"] != "150" || !(low <= p && p <= high) {
		t.Errorf("%v", row)
	}
	other := quickRun(t, "idsgame-v1")
	for want, args := range map[string][]string{
		"must be the seeds of one training": {paths[0], other},
		"keep the games of one RUN":         {"--record", filepath.Join(dir, "games.jsonl"), paths[0], paths[1]},
	} {
		if o := idsrl(append([]string{"eval"}, args...)...); o.code != exitUsage || !strings.Contains(o.stderr, want) {
			t.Errorf("%v: exit code %d, %s", args, o.code, o.stderr)
		}
	}
}

// Runs of different seeds play different games, so the interval over runs that have learnt the same has a width.
func TestEvalOfEqualPolicies(t *testing.T) {
	dir := quickRun(t, "idsgame-minimal_defense-v0", "--instance-seed", "1")
	saved, err := catalog().Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{dir}
	for seed := 1; seed < 5; seed++ {
		other := *saved.Checkpoint
		other.Config = saved.Config.WithSeed(uint64(seed)).Encode()
		data, err := other.Encode()
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Join(t.TempDir(), results.FinalCheckpoint))
		writeFile(t, paths[seed], string(data))
	}
	row := evaluate(t, append([]string{"--episodes", "200"}, paths...)...)[0]
	if low, high := number(t, row["hack_low"]), number(t, row["hack_high"]); !(low < high) {
		t.Errorf("hacked %v to %v", low, high)
	}
}

// What players that learn nothing reach: a row for any legal action, each bot of the seat and the best constant action.
func TestBaselines(t *testing.T) {
	args := []string{"baselines", "--seeds", "2", "--games", "60", "--format", "csv", "idsgame-random_attack-v0", "idsgame-minimal_defense-v0"}
	out := must(t, args...)
	var players []string
	for _, row := range readRows(t, out) {
		players = append(players, row["env"]+" "+row["player"])
		low, p, high := number(t, row["hack_probability_low"]), number(t, row["hack_probability"]), number(t, row["hack_probability_high"])
		if row["layouts"] != "2" || !(0 <= low && low <= p && p <= high && high <= 1) {
			t.Errorf("%v", row)
		}
	}
	if want := []string{
		"idsgame-random_attack-v0 random", "idsgame-random_attack-v0 bot:minimal", "idsgame-random_attack-v0 bot:random",
		"idsgame-random_attack-v0 best constant", "idsgame-minimal_defense-v0 random", "idsgame-minimal_defense-v0 bot:maximal",
		"idsgame-minimal_defense-v0 bot:random", "idsgame-minimal_defense-v0 best constant",
	}; !slices.Equal(players, want) {
		t.Errorf("%v, want %v", players, want)
	}
	if again := must(t, args...); again != out {
		t.Errorf("%s\n%s", out, again)
	}
}

func TestEvalFormats(t *testing.T) {
	dir := quickRun(t, "idsgame-v0")
	row := evaluate(t, "--episodes", "70", dir)[1]
	object := readObjects(t, must(t, "eval", "--episodes", "70", "--format", "json", dir))[1]
	for name, text := range row {
		got := object[name]
		if x, isNumber := got.(float64); isNumber && x != number(t, text) || !isNumber && got != text {
			t.Errorf("%s is %s as csv and %v as json", name, text, got)
		}
	}
	if len(object) != len(row) {
		t.Errorf("%v\n%v", object, row)
	}
	hacked := fmt.Sprintf("%.3f [%.3f, %.3f]", number(t, row["hack_probability"]), number(t, row["hack_low"]), number(t, row["hack_high"]))
	for _, format := range []string{"table", "markdown"} {
		out := must(t, "eval", "--episodes", "70", "--format", format, dir)
		if !strings.Contains(out, hacked) || !strings.Contains(out, "sampled") || !strings.Contains(out, " 70 ") {
			t.Errorf("%s: no %s in\n%s", format, hacked, out)
		}
	}
}

// recorded reads the lines of a recording as steps; other lines count only as episodes.
func recorded(t *testing.T, path string) (steps []recording.Step, episodes int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var step recording.Step
		if err := json.Unmarshal(lines.Bytes(), &step); err != nil {
			t.Fatal(err)
		}
		switch step.Type {
		case "step":
			steps = append(steps, step)
		case "episode":
			episodes++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return steps, episodes
}

// What eval records, replay plays again without a difference.
func TestRecordAndReplay(t *testing.T) {
	for _, test := range []struct{ env, set, file string }{
		{"idsgame-v0", "", "games.jsonl"},
		{"idsgame-minimal_defense-v2", "", "games.jsonl.gz"},
		{"idsgame-v12", "", "games.jsonl.gz"},
		{"idsgame-v18", "", "games.jsonl"},
		{"idsgame-v19", "", "games.jsonl.gz"},
		{"idsgame-random_attack-v19", "", "games.jsonl"},
		{"idsgame-v2", "num_layers=2", "games.jsonl"},
		{"idsgame-v2", "max_game_steps=3 connected_layers=true dense_rewards=true num_attack_types=2", "games.jsonl.gz"},
	} {
		t.Run(strings.TrimSpace(test.env+" "+test.set), func(t *testing.T) {
			var sets []string
			for s := range strings.FieldsSeq(test.set) {
				sets = append(sets, "--env-set", s)
			}
			dir := quickRun(t, test.env, sets...)
			path := filepath.Join(t.TempDir(), test.file)
			rows := evaluate(t, "--record", path, "--episodes", "20", dir)
			o := idsrl("replay", path)
			length := number(t, rows[0]["episode_length"])
			want := fmt.Sprintf("%s: 20 episodes, %.0f steps, 0 initial states, 0 state numbers: 0 differences\n", path, 20*length)
			if o.code != exitOK || o.stdout != want || o.stderr != "" {
				t.Errorf("%+v, want %q", o, want)
			}
			zipped := strings.HasPrefix(readFile(t, path), "\x1f\x8b")
			if zipped != strings.HasSuffix(path, ".gz") {
				t.Errorf("%s: gzip'ed is %v", path, zipped)
			}
			// Recording changes nothing.
			if again := evaluate(t, "--episodes", "20", dir); fmt.Sprint(again) != fmt.Sprint(rows) {
				t.Errorf("%v\n%v", rows, again)
			}
		})
	}
}

// Every kind of opponent takes its seat.
func TestOpponents(t *testing.T) {
	both, defender := quickRun(t, "idsgame-v0"), quickRun(t, "idsgame-maximal_attack-v0")
	attacker := quickRun(t, "idsgame-minimal_defense-v0")
	file := filepath.Join(defender, results.FinalCheckpoint)
	tables := map[string]string{}
	for _, args := range []string{
		"--as attacker --opponent bot:minimal " + both,
		"--as attacker --opponent bot:random " + both,
		"--as attacker --opponent random " + both,
		"--as attacker --opponent constant:3 " + both,
		"--as attacker --opponent constant:32 " + both,
		"--as attacker --opponent checkpoint:" + defender + " " + both,
		"--as attacker --opponent greedy:" + defender + " " + both,
		"--as defender --opponent bot:maximal " + both,
		"--as defender --opponent bot:random " + both,
		"--as defender --opponent checkpoint:" + attacker + " " + both,
		"--opponent bot:random " + attacker,
		"--opponent bot:random " + defender,
		"--env idsgame-random_defense-v0 " + attacker,
		"--env idsgame-v0 --opponent bot:random " + attacker,
	} {
		rows := evaluate(t, append([]string{"--episodes", "300"}, strings.Fields(args)...)...)
		for _, row := range rows {
			delete(row, "env") // the same game has several names
		}
		tables[args] = fmt.Sprint(rows)
	}
	equal := func(one, other string) {
		t.Helper()
		if tables[one] != tables[other] {
			t.Errorf("%s: %s\n%s: %s", one, tables[one], other, tables[other])
		}
	}
	equal("--opponent bot:random "+attacker, "--env idsgame-random_defense-v0 "+attacker)
	equal("--opponent bot:random "+attacker, "--env idsgame-v0 --opponent bot:random "+attacker)
	different := map[string]bool{}
	for _, table := range tables {
		different[table] = true
	}
	if len(different) < 8 {
		t.Errorf("14 tests, of which three are the same, gave %d tables only", len(different))
	}

	tables["dir"] = fmt.Sprint(evaluate(t, "--episodes", "300", "--as", "attacker", "--opponent", "checkpoint:"+defender, both))
	tables["file"] = fmt.Sprint(evaluate(t, "--episodes", "300", "--as", "attacker", "--opponent", "checkpoint:"+file, both))
	equal("dir", "file")

	// A run against itself, greedy on both sides, is the greedy test of the run.
	itself := evaluate(t, "--episodes", "300", "--as", "attacker", "--opponent", "greedy:"+both, both)[0]
	if plain := evaluate(t, "--episodes", "300", both)[0]; fmt.Sprint(plain) != fmt.Sprint(itself) {
		t.Errorf("%v\n%v", plain, itself)
	}
}

// Constant opponents play what they are told, by id and by name.
func TestConstantOpponent(t *testing.T) {
	both := quickRun(t, "idsgame-v0")
	entry, err := environments().Lookup("idsgame-v0")
	if err != nil {
		t.Fatal(err)
	}
	env, err := entry.New(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		as      string
		seat    int // of the opponent
		id      int
		byName  bool
		playing func(recording.Step) *int
	}{
		{"attacker", 1, 14, false, func(s recording.Step) *int { return s.Defence }},
		{"attacker", 1, 21, true, func(s recording.Step) *int { return s.Defence }},
		{"defender", 0, 12, true, func(s recording.Step) *int { return s.Attack }},
	} {
		player := fmt.Sprintf("constant:%d", test.id)
		if test.byName {
			player = "constant:" + env.Spec().Seats[test.seat].Actions.Name(test.id)
		}
		path := filepath.Join(t.TempDir(), "games.jsonl")
		must(t, "eval", "--as", test.as, "--opponent", player, "--episodes", "5", "--record", path, both)
		steps, episodes := recorded(t, path)
		if episodes != 5 || len(steps) < 5 {
			t.Errorf("%s: %d steps of %d episodes", player, len(steps), episodes)
		}
		for _, s := range steps {
			if action := test.playing(s); !s.Capped && (action == nil || *action != test.id) {
				t.Errorf("%s: plays %v", player, action)
			}
		}
		must(t, "replay", path)
	}
}

// The attack statistics have the original's rows under three headings, and they fit the table.
func TestAttackStats(t *testing.T) {
	run := quickRun(t, "idsgame-minimal_defense-v0")
	dir := filepath.Join(t.TempDir(), "new", "stats")
	row := evaluate(t, "--episodes", "200", "--attack-stats", dir, run)[0]
	for name, header := range map[string]string{
		"attack_stats.csv":            "target_node,attack_outcome,reconnaissance\n",
		"attack_detections_stats.csv": "target_node,detected,detection_val\n",
	} {
		if text := readFile(t, filepath.Join(dir, name)); !strings.HasPrefix(text, header) {
			t.Errorf("%s begins with %.60q, want %q", name, text, header)
		}
	}
	hacks, detections, failures := 0, 0, 0
	for _, r := range readRows(t, readFile(t, filepath.Join(dir, recording.AttacksFile))) {
		if r["target_node"] == "0" && r["attack_outcome"] == "1" {
			hacks++
		}
		if r["attack_outcome"] == "0" {
			failures++
		}
	}
	rolls := readRows(t, readFile(t, filepath.Join(dir, recording.DetectionsFile)))
	for _, r := range rolls {
		if r["detected"] == "1" {
			detections++
		}
	}
	if want := number(t, row["hack_probability"]) * 200; float64(hacks) != want {
		t.Errorf("%d successful attacks on the data node, %v hacks", hacks, want)
	}
	if want := number(t, row["detection_probability"]) * 200; float64(detections) != want {
		t.Errorf("%d detected attacks, %v detections", detections, want)
	}
	if len(rolls) != failures {
		t.Errorf("%d attacks failed, %d detection rolls", failures, len(rolls))
	}
}

// Another instance is another game for the same policy.
func TestEvalInstance(t *testing.T) {
	run := quickRun(t, "idsgame-minimal_defense-v2", "--instance-seed", "1")
	own := fmt.Sprint(evaluate(t, "--episodes", "200", run))
	if again := fmt.Sprint(evaluate(t, "--episodes", "200", "--instance-seed", "1", run)); again != own {
		t.Errorf("%s\n%s", own, again)
	}
	var others []string
	for instance := 2; instance < 7; instance++ {
		others = append(others, fmt.Sprint(evaluate(t, "--episodes", "200", "--instance-seed", fmt.Sprint(instance), run)))
	}
	if !slices.ContainsFunc(others, func(table string) bool { return table != own }) {
		t.Errorf("five other instances all gave %s", own)
	}
}
