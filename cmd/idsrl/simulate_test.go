package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"idsrl/envs"
)

// The table of a simulation is that of an evaluation of the same games, whoever is named and however many play.
func TestSimulate(t *testing.T) {
	run := trained(t, "idsgame-minimal_defense-v2", small...)
	evaluated := readRows(t, must(t, "eval", "--episodes", "500", "--format", "csv", run))
	seed := fmt.Sprint(envs.Derive(1, "test", 0)) // that of the evaluation with the default, of the run with seed 0
	for mode, player := range map[string]string{"greedy": "greedy:" + run, "sampled": "checkpoint:" + run} {
		for _, workers := range []string{"1", "3"} {
			got := readRows(t, must(t, "simulate", "--env", "idsgame-minimal_defense-v2", "--attacker", player, "--episodes", "500",
				"--seed", seed, "--workers", workers, "--format", "csv"))[0]
			for _, want := range evaluated {
				if want["mode"] != mode {
					continue
				}
				for _, column := range []string{
					"games", "hack_probability", "hack_probability_low", "detection_probability", "truncated", "attacker_return", "episode_length",
				} {
					if w := want[strings.Replace(column, "hack_probability_low", "hack_low", 1)]; got[column] != w {
						t.Errorf("%s by %s workers: %s %s, evaluated %s", player, workers, column, got[column], w)
					}
				}
			}
			if got["defender"] != "bot:minimal" || got["attacker"] != player {
				t.Errorf("%s against %s", got["attacker"], got["defender"])
			}
		}
	}

	// Windows add up, and what is watched is kept.
	record := filepath.Join(t.TempDir(), "games.jsonl")
	rows := readRows(t, must(t, "simulate", "--env", "idsgame-v0", "--attacker", "random", "--defender", "mixture:1 random; 3 bot:minimal",
		"--episodes", "250", "--window", "100", "--record", record, "--format", "csv"))
	all := readRows(t, must(t, "simulate", "--env", "idsgame-v0", "--attacker", "random", "--defender", "mixture:1 random; 3 bot:minimal",
		"--episodes", "250", "--format", "csv"))[0]
	if len(rows) != 3 || rows[2]["games"] != "50" || rows[2]["games_so_far"] != "250" ||
		rows[2]["hack_probability_so_far"] != all["hack_probability"] || rows[0]["hack_probability"] == rows[1]["hack_probability"] {
		t.Errorf("windows %v of %v", rows, all)
	}
	if _, episodes := recorded(t, record); episodes != 250 {
		t.Errorf("%d games are kept, want 250", episodes)
	}
}

func TestSimulateErrors(t *testing.T) {
	one, other := trained(t, "idsgame-minimal_defense-v0", small...), trained(t, "idsgame-random_attack-v0", append(small, "--seed", "7")...)
	for _, c := range []struct {
		code int
		args string
		want string
	}{
		{exitUsage, "--attacker random", "which environment?"},
		{exitUsage, "--env idsgame-v0 --attacker random", "defender: who plays this seat?"},
		{exitUsage, "--env idsgame-v0 --attacker ppo --defender random", "attacker = ppo: player = ppo: is none of"},
		{exitUsage, "--env idsgame-v0 --attacker random --defender random --episodes 0", "--episodes 0: must be at least 1"},
		{exitUsage, "--env idsgame-v0 --attacker random --defender mixture:x", "mixture = x: must be a positive weight and a player"},
		{exitUsage, "--env idsgame-v0 --attacker greedy:" + one + " --defender greedy:" + other, "instance-seed: "},
		{exitFailure, "--env idsgame-v2 --attacker greedy:" + one + " --defender random", "has learnt to choose among 30 actions, not 40"},
		{exitFailure, "--env idsgame-v0 --attacker greedy:nowhere --defender random", "nowhere"},
	} {
		o := idsrl(append([]string{"simulate"}, strings.Fields(c.args)...)...)
		if o.code != c.code || !strings.Contains(o.stderr, c.want) || o.stdout != "" {
			t.Errorf("%s: exit code %d, %q, want %d, %q", c.args, o.code, o.stderr, c.code, c.want)
		}
	}
}
