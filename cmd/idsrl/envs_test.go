package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"idsrl/envs/speed"
)

// listed are the ids that envs list shows.
func listed(t *testing.T, args ...string) []string {
	t.Helper()
	var ids []string
	for _, row := range readRows(t, must(t, append([]string{"envs", "list", "--format", "csv"}, args...)...)) {
		ids = append(ids, row["id"])
	}
	return ids
}

func TestEnvsList(t *testing.T) {
	if got, all := listed(t), environments().IDs(); !slices.Equal(got, all) {
		t.Errorf("%v\n%v", got, all)
	}
	for args, want := range map[string]string{
		"--version 2 idsgame":                 "idsgame-minimal_defense-v2 idsgame-random_defense-v2 idsgame-maximal_attack-v2 idsgame-random_attack-v2 idsgame-v2",
		"--version v2 idsgame":                "idsgame-minimal_defense-v2 idsgame-random_defense-v2 idsgame-maximal_attack-v2 idsgame-random_attack-v2 idsgame-v2",
		"--version 2 --role attacker":         "idsgame-minimal_defense-v2 idsgame-random_defense-v2 idsgame-v2",
		"--version 2 --role defender":         "idsgame-maximal_attack-v2 idsgame-random_attack-v2 idsgame-v2",
		"--version 21 maximal":                "idsgame-maximal_attack-v21",
		"--version 12 --role defender random": "idsgame-random_attack-v12",
		"--version 3 random attack":           "idsgame-random_defense-v3 idsgame-random_attack-v3", // the first attacks
		"--role defender toy-":                "toy-pennies-v0 toy-rps-v0 toy-pursuit-v0 toy-pursuit-defend-v0",
		"corridor":                            "toy-corridor-v0",
	} {
		if got := listed(t, strings.Fields(args)...); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %v, want %s", args, got, want)
		}
	}
	if n := len(listed(t, "minimal_defense")); n != 22 {
		t.Errorf("%d ids against the minimal defence, want one for each of 22 versions", n)
	}

	// T attack values and the position for each node, and so on: version 2 has 4 nodes and 10 attack types.
	row := readObjects(t, must(t, "envs", "list", "--format", "json", "--version", "2", "minimal"))[0]
	for name, want := range map[string]string{
		"id": "idsgame-minimal_defense-v2", "learners": "attacker", "actions": "40", "observation": "4x11",
		"about": "attack against the minimal defence",
	} {
		if row[name] != want {
			t.Errorf("%s is %v, want %s", name, row[name], want)
		}
	}
	row = readObjects(t, must(t, "envs", "list", "--format", "json", "idsgame-v2"))[0]
	if row["learners"] != "attacker, defender" || row["actions"] != "40, 44" {
		t.Errorf("%v", row)
	}
}

// What envs show prints of the smallest, a plain, a large connected network, and one without servers. Read the
// difference after go test ./cmd/idsrl -update.
func TestEnvsShow(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
	}{
		{"1x1", []string{"idsgame-minimal_defense-v0"}},
		{"2x3", []string{"idsgame-random_attack-v3"}},
		{"4x5-connected", []string{"idsgame-v5"}},
		{"0x1", []string{"idsgame-maximal_attack-v11"}},
		{"2x2-set", []string{"--env-set", "num_layers=2", "--env-set", "reconnaissance_actions=true", "idsgame-v2"}},
	} {
		path := filepath.Join("testdata", "show-"+test.name+".txt")
		got, list, _ := strings.Cut(must(t, append([]string{"envs", "show"}, test.args...)...), "\nSettings (")
		if *update {
			writeFile(t, path, got)
		}
		if want := readFile(t, path); got != want {
			t.Errorf("%v: got\n%s\nwant\n%s", test.args, got, want)
		}
		// Then comes what config env prints below its first line, with the values that were set.
		_, want, _ := strings.Cut(must(t, "config", "env", test.args[len(test.args)-1]), "\n")
		for _, set := range test.args[:len(test.args)-1] {
			if key, value, ok := strings.Cut(set, "="); ok {
				want = regexp.MustCompile("(?m)^"+key+": .*").ReplaceAllString(want, key+": "+value)
			}
		}
		if _, list, _ = strings.Cut(list, "\n\n"); list != want {
			t.Errorf("%v: settings\n%s\nwant\n%s", test.args, list, want)
		}
	}
}

// Every environment can be explained.
func TestEnvsShowAll(t *testing.T) {
	for _, e := range environments().Entries() {
		out := must(t, "envs", "show", e.ID)
		if !strings.HasPrefix(out, e.ID+": "+e.About+"\n") || !strings.Contains(out, "actions ") || !strings.Contains(out, "Settings") {
			t.Errorf("%s: %s", e.ID, out)
		}
	}
}

func TestBench(t *testing.T) {
	rows := readObjects(t, must(t, "bench", "envs", "--time", "10ms", "--format", "json", "idsgame-v0"))
	if len(rows) != len(speed.Modes) {
		t.Fatalf("%v", rows)
	}
	for i, row := range rows {
		rate, isNumber := row["steps_per_second"].(float64)
		if row["env"] != "idsgame-v0" || row["mode"] != fmt.Sprint(speed.Modes[i]) || !isNumber || rate <= 0 {
			t.Errorf("%v", row)
		}
		// A step costs nothing; the measurement itself and the runtime may, a little.
		if allocs, isNumber := row["allocs_per_step"].(float64); !isNumber || allocs > 0.01 {
			t.Errorf("%v", row)
		}
	}
}
