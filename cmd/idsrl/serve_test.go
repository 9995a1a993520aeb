package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idsrl/envs/netsecgame/recording"
)

// conversations are those of agents with the original's server.
const conversations = "../../envs/netsecgame/recording/testdata"

// header is the first line of a conversation.
func header(t *testing.T, path string) (h recording.Header) {
	t.Helper()
	if err := json.Unmarshal([]byte(unzip(t, path)[0]), &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// address returns where a server listens.
func (p *process) address(t *testing.T) string {
	t.Helper()
	await(t, "the server listens", func() bool { return strings.Contains(p.stdout.String(), "\n") })
	_, address, ok := strings.Cut(strings.TrimSpace(p.stdout.String()), ": ")
	if !ok {
		t.Fatalf("%q, %s", p.stdout.String(), p.stderr.String())
	}
	return address
}

// A conversation of the original can be held with the server, started as its header says, until an interrupt. One after
// the other: building the command line writes to variables of package cli.
func TestServe(t *testing.T) {
	for _, name := range []string{"dynamic_two_networks", "whitebox_two_networks_tiny", "live_view", "join_wait"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(conversations, name+".jsonl.gz")
			h, dir := header(t, file), t.TempDir()
			args := []string{
				"serve", "--task", writeFile(t, filepath.Join(dir, "task.yaml"), string(h.TaskConfig)), "--port", "0",
				"--seed", fmt.Sprint(h.Seed), "--world", h.World, "--compat", "strict",
				"--randomness", writeFile(t, filepath.Join(dir, "random.json"), string(h.Random)),
			}
			if h.MaxConnections > 0 {
				args = append(args, "--max-connections", fmt.Sprint(h.MaxConnections))
			}
			p := launch(t, dir, nil, args...)
			out := must(t, "replay", "--connect", p.address(t), file)
			if !strings.HasPrefix(out, file+": ") || !strings.HasSuffix(out, " 0 differences\n") {
				t.Error(out)
			}
			p.signal(t, os.Interrupt)
			if code := p.finish(); code != exitOK {
				t.Errorf("exit code %d, %s", code, &p.stderr)
			}
		})
	}
}

// A task that NetSecGame would not start is refused with all that is wrong in it; odd flags are, too.
func TestServeRefuses(t *testing.T) {
	dir := t.TempDir()
	good := writeFile(t, filepath.Join(dir, "good.yaml"), string(header(t, filepath.Join(conversations, "join_wait.jsonl.gz")).TaskConfig))
	bad := writeFile(t, filepath.Join(dir, "bad.yaml"), "coordinator: {agents: {Attacker: null}}\nenv: {required_players: x}\n")
	random := writeFile(t, filepath.Join(dir, "random.json"), "[]")
	tokens := writeFile(t, filepath.Join(dir, "tokens.yaml"), "attackr: x\n")
	for _, test := range []struct {
		flags string
		code  int
		want  []string
	}{
		{"", exitUsage, []string{"--task"}},
		{"--task " + good + " x", exitUsage, []string{`"x"`}},
		{"--task missing.yaml", exitUsage, []string{"missing.yaml"}},
		{"--task " + bad + " --task " + good, exitUsage, []string{bad + ":1: ", bad + ":2: ", "scenario", "Attacker"}},
		{"--task " + good + " --port 65535 --rooms 2", exitUsage, []string{"65536"}},
		{"--task " + good + " --rooms 0", exitUsage, []string{"--rooms"}},
		{"--task " + good + " --rooms 2 --randomness " + random, exitUsage, []string{"--randomness"}},
		{"--task " + good + " --randomness " + good, exitUsage, []string{good}},
		{"--task " + good + " --world flat", exitUsage, []string{"flat", "whitebox"}},
		{"--task " + good + " --compat loose", exitUsage, []string{"loose", "strict"}},
		{"--task " + good + " --max-connections -1", exitUsage, []string{"--max-connections"}},
		{"--task " + good + " --idle 0s", exitUsage, []string{"--idle"}},
		{"--task " + good + " --tokens " + tokens, exitUsage, []string{tokens + ":1", "attacker"}},
		{"--task " + good + " --tls-cert x", exitUsage, []string{"--tls-key"}},
		{"--task " + good + " --tls-cert x --tls-key y", exitUsage, []string{"x"}},
		{"--task " + good + " --host 0.0.0.0 --port 0", exitFailure, []string{"other machines"}},
	} {
		o := idsrl(append([]string{"serve"}, strings.Fields(test.flags)...)...)
		if o.code != test.code {
			t.Errorf("%s: exit code %d: %s", test.flags, o.code, o.stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(o.stderr, want) {
				t.Errorf("%s: %q is not in %s", test.flags, want, o.stderr)
			}
		}
	}
}

// Conversations replay in process, too; one that is changed shows its first difference.
func TestReplayConversations(t *testing.T) {
	file := filepath.Join(conversations, "join_slots.jsonl.gz")
	if out := must(t, "replay", file); out != file+": 5 messages, 5 replies: 0 differences\n" {
		t.Error(out)
	}
	o := idsrl("replay", "--compat", "default", file)
	if o.code != exitFailure || !strings.Contains(o.stdout, "5 replies: 2 differences\n  first: "+file+", line 8 (agent 2)\n  want a closed connection\n") {
		t.Errorf("%+v", o)
	}
	changed := strings.Join(unzip(t, file), "\n")
	changed = strings.Replace(changed, `"reward": -1`, `"reward": -2`, 1)
	path := writeFile(t, filepath.Join(t.TempDir(), "changed.jsonl"), changed)
	o = idsrl("replay", path)
	want := path + ": 5 messages, 5 replies: 1 differences\n  first: " + path + ", line 10 (agent 1): field observation.reward\n  want -2\n  got  -1\n"
	if o.code != exitFailure || o.stdout != want {
		t.Errorf("%+v, want %s", o, want)
	}
	for _, args := range [][]string{{"--connect", "127.0.0.1:1", file, file}, {"--compat", "odd", file}} {
		if o := idsrl(append([]string{"replay"}, args...)...); o.code != exitUsage {
			t.Errorf("%v: %+v", args, o)
		}
	}
}
