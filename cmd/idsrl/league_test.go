package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestLeague(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "small.yaml"),
		"env: idsgame-v13\nrounds: 2\ngames: 50\nset: [episodes=400]\nattackers: {players: [\"bot:maximal\", random]}\n")
	league := filepath.Join(dir, "league")
	shown := must(t, "league", "run", "--out", league, file)
	if must(t, "league", "run", "--out", league, "--workers", "1", file) != shown || must(t, "league", "show", league) != shown {
		t.Error("a finished league shows something else when it is asked again")
	}
	for _, want := range []string{"Payoff to the attacker", "main-tabular-q.2", "Elo", "Meta-strategies by round"} {
		if !strings.Contains(shown, want) {
			t.Errorf("nothing is said of %q:\n%s", want, shown)
		}
	}
	// The tables are those in the folder.
	for table, name := range map[string]string{"payoff": "payoff.csv", "ratings": "ratings.csv", "meta": "meta.csv", "rounds": "rounds.csv"} {
		if got := must(t, "league", "show", "--table", table, "--format", "csv", league); got != readFile(t, filepath.Join(league, name)) {
			t.Errorf("%s differs from %s", table, name)
		}
	}
	rows := readRows(t, must(t, "league", "show", "--table", "payoff", "--format", "csv", league))
	if len(rows) != 4*3 || rows[0]["attacker"] != "bot:maximal" || rows[0]["games"] != "50" {
		t.Errorf("%d matches, the first %v", len(rows), rows[0])
	}
	if out := must(t, "league", "verify", league); !strings.Contains(out, "the same") {
		t.Error(out)
	}
	// Attackers and defenders against each other's members, and against the bots that are none.
	if rows := readRows(t, must(t, "league", "measure", "--games", "30", "--format", "csv", league)); len(rows) != 3+2+4+1 {
		t.Errorf("%d measurements", len(rows))
	}
	for _, row := range readRows(t, must(t, "league", "exploit", "--format", "csv", league)) {
		if number(t, row["exploitability"]) < 0 || row["value"] != "0.5" {
			t.Errorf("%v", row)
		}
	}
	// A changed state is found out.
	state := filepath.Join(league, "state.json")
	writeFile(t, state, strings.Replace(readFile(t, state), `"episodes":50,"hacks":`, `"episodes":50,"hacks":1`, 1))
	if o := idsrl("league", "verify", league); o.code != exitFailure || !strings.Contains(o.stderr, "1 differences") {
		t.Errorf("exit code %d, %s", o.code, o.stderr)
	}

	larger := filepath.Join(dir, "larger")
	must(t, "league", "run", "--out", larger, "--set", "env=idsgame-v11", "--set", "rounds=0", file)
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitFailure, []string{"exploit", "--max-states", "3", larger}, "idsgame-v11 does not fit: more than 3 states"},
		{exitUsage, []string{"exploit", "--max-states", "0", larger}, "must be at least 1"},
		{exitUsage, []string{"run"}, "needs one CONFIG"},
		{exitUsage, []string{"run", "nowhere.yaml"}, "no such file"},
		{exitUsage, []string{"run", "--set", "round=3", file}, "did you mean rounds?"},
		{exitUsage, []string{"run", "--set", "set=[nonsense=1]", file}, "nonsense"},
		{exitUsage, []string{"run", "--set", "attackers.main=[pqo]", file}, `did you mean "ppo"?`},
		{exitUsage, []string{"run", "--set", "attackers.players=[]", file}, "attackers.players"},
		{exitFailure, []string{"run", "--out", league, "--set", "games=51", file}, "holds a league of another configuration"},
		{exitUsage, []string{"show", "--table", "x", league}, "--table x: must be one of all, matrix"},
		{exitUsage, []string{"show", "--format", "csv", league}, "name it with --table"},
		{exitFailure, []string{"show", dir}, "holds no league"},
		{exitUsage, []string{"measure", "--games", "0", league}, "must be at least 1"},
	} {
		if o := idsrl(append([]string{"league"}, c.args...)...); o.code != c.code || !strings.Contains(o.stderr, c.want) || o.stdout != "" {
			t.Errorf("%v: exit code %d, %q, want %d, %q", c.args, o.code, o.stderr, c.code, c.want)
		}
	}
}
