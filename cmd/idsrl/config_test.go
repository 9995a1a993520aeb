package main

import (
	"path/filepath"
	"strings"
	"testing"

	"idsrl/envs/netsecgame"
)

// A task and a scenario that the program prints can be edited and given back.
func TestConfigTask(t *testing.T) {
	dir := t.TempDir()
	const env = "netsecgame-two_networks_small-attacker-v0"
	task := must(t, "config", "task")
	if out := must(t, "config", "scenario"); out != must(t, "config", "scenario", exampleScenario) {
		t.Error(out)
	}
	for _, name := range netsecgame.Scenarios() {
		writeFile(t, filepath.Join(dir, "net.yaml"), must(t, "config", "scenario", name))
		file := writeFile(t, filepath.Join(dir, "task.yaml"), strings.Replace(task, "scenario: "+exampleScenario, "scenario: net.yaml", 1))
		if o := idsrl("envs", "show", "--env-set", "task="+file, env); o.code != exitOK {
			t.Errorf("%s: %+v", name, o)
		}
	}
	for args, want := range map[string]string{
		"scenario two_network": "two_networks", "task x": "scenario and perhaps a NAME", "env a b": "env and perhaps an ID",
	} {
		if o := idsrl(append([]string{"config"}, strings.Fields(args)...)...); o.code != exitUsage || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %+v", args, o)
		}
	}
}

// All that is wrong with a task and its scenario is said at once, where it stands; what is odd is said once and does not
// keep anybody from training.
func TestTaskOfTraining(t *testing.T) {
	dir := t.TempDir()
	const env = "netsecgame-two_networks_tiny-attacker-v0"
	task := must(t, "config", "task")
	odd := writeFile(t, filepath.Join(dir, "odd.yaml"), task+"  random_seed: 1\n")
	run := filepath.Join(dir, "run")
	for _, args := range [][]string{
		append([]string{"train", "--env", env, "--env-set", "task=" + odd, "--algo", "tabular-q", "--seeds", "2", "--out", run}, small...),
		{"eval", "--episodes", "10", filepath.Join(run, "seed-0")},
	} {
		if o := idsrl(args...); o.code != exitOK || strings.Count(o.stderr, "env.random_seed = 1: is ignored") != 1 {
			t.Errorf("%v: %+v", args, o)
		}
	}

	net := strings.Replace(must(t, "config", "scenario"), "192.168.1.3: 192.168.1.0/24", "192.168.1.3: 192.168.7.0/24", 1)
	writeFile(t, filepath.Join(dir, "net.yaml"), strings.Replace(net, "start: ", "starts: ", 1))
	task = strings.Replace(task, "scenario: "+exampleScenario, "scenario: net.yaml", 1)
	bad := writeFile(t, filepath.Join(dir, "bad.yaml"), strings.Replace(task, "required_players: 1", "required_players: 0", 1))
	for _, args := range [][]string{
		{"train", "--env", env, "--env-set", "task=" + bad, "--algo", "tabular-q"}, {"serve", "--task", bad},
	} {
		o := idsrl(args...)
		for _, want := range []string{
			filepath.Join(dir, "net.yaml:12: "), "no room for a host at 192.168.1.3", "needs start; write start: [192.168.1.2]",
			"did you mean start?", bad + ":", "env.required_players = 0: must be at least 1",
		} {
			if o.code != exitUsage || !strings.Contains(o.stderr, want) {
				t.Errorf("%v: %q is not in %+v", args, want, o)
			}
		}
	}
}
