package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// playLines plays by lines of text.
func playLines(t *testing.T, input string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	app := newApp(&stdout, &stderr)
	app.Reader = strings.NewReader(input)
	code := exitOK
	if err := app.RunContext(t.Context(), append([]string{"idsrl", "play", "--tty"}, args...)); err != nil {
		stderr.WriteString(err.Error())
		code = exitFailure
	}
	return outcome{code, stdout.String(), stderr.String()}
}

// A game is played in each seat, from flags and from a file, over which flags win; its games are kept and replay.
func TestPlayByLines(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "play.yaml"), "env: idsgame-random_attack-v2\nas: defender\nopponent: bot:maximal\n")
	for name, test := range map[string]struct {
		args  []string
		input string
		want  string
	}{
		"attacker":   {[]string{"--env", "idsgame-v2"}, "injection against server 1\n", "you: attacker, step 1"},
		"defender":   {[]string{"--env", "idsgame-v2", "--as", "defender"}, "injection on data\n", "you: defender, step 1"},
		"its seat":   {[]string{"--env", "idsgame-random_attack-v0"}, "detection on data\n", "you: defender, step 1"},
		"file":       {[]string{"--config", file}, "detection on data\n", "you: defender, step 1"},
		"flags win":  {[]string{"--config", file, "--as", "attacker", "--opponent", "random"}, "forgery against server 2\n", "you: attacker, step 1"},
		"settings":   {[]string{"--env", "idsgame-v2", "--env-set", "num_layers=2"}, "q\n", "[Server 4 a0]"},
		"NetSecGame": {[]string{"--env", "netsecgame-two_networks_tiny-v0", "--as", "defender"}, "wait\n", "step 1: Wait"},
	} {
		save := filepath.Join(dir, name)
		o := playLines(t, test.input, append(test.args, "--save", save)...)
		if o.code != exitOK || !strings.Contains(o.stdout, test.want) {
			t.Errorf("%s: exit code %d, no %q in\n%s%s", name, o.code, test.want, o.stdout, o.stderr)
			continue
		}
		files, _ := filepath.Glob(filepath.Join(save, "*.jsonl"))
		if played := test.input != "q\n"; len(files) != 1 && played || len(files) > 0 && !played {
			t.Errorf("%s: %d files", name, len(files))
		} else if played && name != "NetSecGame" {
			must(t, "replay", files[0])
		}
	}
}

// What cannot be played is refused before a page is shown.
func TestPlayRefuses(t *testing.T) {
	dir := t.TempDir()
	slip := writeFile(t, filepath.Join(dir, "slip.yaml"), "env: idsgame-v2\nopponents: random\n")
	for want, args := range map[string][]string{
		"--env":                {},
		"did you mean":         {"--env", "idsgame-v200"},
		"has attacker":         {"--env", "idsgame-v2", "--as", "benign"},
		"bot of this seat":     {"--env", "idsgame-v2", "--opponent", "bot:maximal"},
		"slip.yaml:2":          {"--config", slip},
		"no arguments":         {"--env", "idsgame-v2", "RUN"},
		"for one person":       {"--env", "idsgame-v2", "--opponent", "person", "--tty"},
		"cannot be played":     {"--env", "toy-recall-v0", "--opponent", "random"},
		"must be in [0, 65535": {"--env", "idsgame-v2", "--port", "70000"},
	} {
		o := idsrl(append([]string{"play", "--save", dir}, args...)...)
		if o.code == exitOK || !strings.Contains(o.stderr, want) {
			t.Errorf("%v: exit code %d, no %q in %s", args, o.code, want, o.stderr)
		}
	}
}

// Of a run and of bots, the same flags make the same bytes; of each view others.
func TestRecord(t *testing.T) {
	run := quickRun(t, "idsgame-minimal_defense-v0")
	dir := t.TempDir()
	simulation := filepath.Join(dir, "simulation.yaml")
	writeFile(t, simulation, "env: idsgame-v0\nattacker: bot:maximal\ndefender: \"mixture:0.5 bot:random; 0.5 bot:minimal\"\n")
	seen := map[string]string{}
	for name, args := range map[string][]string{
		"run":      {run},
		"attacker": {"--view", "attacker", run},
		"bots":     {"--env", "idsgame-v0", "--attacker", "random", "--defender", "random", "--episodes", "2"},
		"file":     {"--config", simulation},
	} {
		var first []byte
		for range 2 {
			file := filepath.Join(dir, "a.gif")
			if out := must(t, append([]string{"record", "--gif", file}, args...)...); !strings.Contains(out, "frames") {
				t.Error(out)
			}
			data, err := os.ReadFile(file)
			if err != nil || !bytes.HasPrefix(data, []byte("GIF89a")) || first != nil && !bytes.Equal(first, data) {
				t.Errorf("%s: %d bytes, not those of before, %v", name, len(data), err)
			}
			first = data
		}
		if other := seen[string(first)]; other != "" {
			t.Errorf("%s and %s look the same", name, other)
		}
		seen[string(first)] = name
	}
	for want, args := range map[string][]string{
		"needs --gif":    {run},
		"needs a RUN":    {"--gif", "a.gif"},
		"at least 1":     {"--gif", "a.gif", "--episodes", "0", run},
		"--view":         {"--gif", "a.gif", "--view", "benign", run},
		"without RUN":    {"--gif", "a.gif", "--config", simulation, run},
		"is for --env":   {"--gif", "a.gif", "--attacker", "random", run},
		"has no picture": {"--gif", "a.gif", "--env", "toy-pennies-v0", "--attacker", "random", "--defender", "random"},
		"no such file":   {"--gif", "a.gif", filepath.Join(dir, "none")},
		"one RUN":        {"--gif", "a.gif", run, run},
	} {
		if o := idsrl(append([]string{"record"}, args...)...); o.code == exitOK || !strings.Contains(o.stderr, want) {
			t.Errorf("%v: exit code %d, no %q in %s", args, o.code, want, o.stderr)
		}
	}
}
