package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the commands say of version 11, whose value is 49/62.
func TestSolveAndExploit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policies.csv")
	out := must(t, "solve", "--env", "idsgame-v11", "--policies", path, "--format", "csv")
	if !strings.Contains(out, "\nidsgame-v11,3,0.79032258") {
		t.Errorf("solve: %s", out)
	}
	policies, err := os.ReadFile(path)
	if want := "attacker,injection@0,0.5\n"; err != nil || !strings.Contains(string(policies), want) {
		t.Errorf("%v, no line ends with %s: %s", err, want, policies)
	}
	out = must(t, "exploit", "--env", "idsgame-v11", "--seat", "defender", "--format", "csv", "bot:minimal")
	if !strings.Contains(out, ",bot:minimal,defender,0.79032258") || !strings.Contains(out, "exact, 8 states") {
		t.Errorf("exploit: %s", out)
	}
	if out = must(t, "solve", "--max-states", "50", "--env", "idsgame-v1"); !strings.Contains(out, "more than 50 states") {
		t.Errorf("solve: %s", out)
	}
}

func TestSolveAndExploitUsage(t *testing.T) {
	for args, want := range map[string]string{
		"solve":                            "needs --env ID",
		"solve --max-states 0 idsgame-v11": "at least 1",
		"solve --policies x idsgame-v11 toy-rps-v0":            "for one game",
		"solve toy-corridor-v0":                                "not a game of two",
		"solve idsgame-v99":                                    "did you mean",
		"exploit --seat attacker":                              "needs one RUN",
		"exploit random":                                       "whose policy?",
		"exploit --seat guard random":                          "there are attacker and defender",
		"exploit --seat attacker --env toy-corridor-v0 random": "no such seat",
	} {
		if got := idsrl(strings.Fields(args)...); got.code != exitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: exit code %d, %s, want %q", args, got.code, got.stderr, want)
		}
	}
}
