package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Attackers of the agent play on the server's shipped task: who looks for the goal wins, and the table says so.
func TestAgent(t *testing.T) {
	task, err := filepath.Abs("../../envs/netsecgame/tasks/two_networks_small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	address := launch(t, t.TempDir(), nil, "serve", "--task", task, "--port", "0").address(t)
	out := must(t, "agent", "--connect", address, "--policy", "bfs", "--episodes", "3", "--format", "csv")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || lines[0] != "role,policy,episodes,win_rate,return,steps" || !strings.HasPrefix(lines[1], "attacker,bfs,3,1,") {
		t.Error(out)
	}
}

// Odd flags are refused before anything is connected.
func TestAgentRefuses(t *testing.T) {
	for _, test := range []struct {
		flags string
		code  int
		want  string
	}{
		{"x", exitUsage, `"x"`},
		{"--connect 9000", exitUsage, "HOST:PORT"},
		{"--episodes 0", exitUsage, "--episodes"},
		{"--role judge", exitUsage, "benign"},
		{"--policy bfz", exitUsage, "bfs"},
		{"--role benign --policy bfs", exitUsage, "random"},
		{"--connect 127.0.0.1:1", exitFailure, "127.0.0.1:1"},
	} {
		o := idsrl(append([]string{"agent"}, strings.Fields(test.flags)...)...)
		if o.code != test.code || !strings.Contains(o.stderr, test.want) || o.stdout != "" {
			t.Errorf("%s: %+v", test.flags, o)
		}
	}
}
