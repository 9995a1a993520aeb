package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/experiments"
	"idsrl/nets"
	"idsrl/nets/onnxtest"
)

// neuralRun makes a short run of a neural algorithm.
func neuralRun(t *testing.T, env, algo string, set ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	args := slices.Concat([]string{"train", "--env", env, "--algo", algo, "--out", dir}, small)
	for _, s := range set {
		args = append(args, "--set", s)
	}
	must(t, args...)
	return dir
}

// sideBySide is the last frames observations, oldest first, row by row; the first one repeated while there are fewer.
func sideBySide(history [][]float32, frames, rows int) (input []float32) {
	for row := range rows {
		for k := len(history) - frames; k < len(history); k++ {
			obs := history[max(k, 0)]
			size := len(obs) / rows
			input = append(input, obs[row*size:(row+1)*size]...)
		}
	}
	return input
}

// seen plays games of a run's policy against random players: the input of its model, and what it does.
func seen(t *testing.T, saved *experiments.Saved, role envs.Role, frames int) (c onnxtest.Case, actions []int) {
	t.Helper()
	entry, err := environments().Lookup(saved.Config.Env)
	if err != nil {
		t.Fatal(err)
	}
	env, err := entry.Game().New(saved.Config.InstanceSeed)
	if err != nil {
		t.Fatal(err)
	}
	seats, out := env.Spec().Seats, env.Spec().NewOutcome()
	seat := slices.IndexFunc(seats, func(s envs.Seat) bool { return s.Role == role })
	policy, err := saved.Policy(seats[seat], algos.Greedy)
	if err != nil {
		t.Fatal(err)
	}
	rng, joint := rand.New(envs.NewPCG(1)), make([]int, len(seats))
	for seed := range uint64(20) {
		if err := env.Reset(seed); err != nil {
			t.Fatal(err)
		}
		policy.(envs.Starter).StartEpisode(rng)
		var history [][]float32
		for out.Terminated, out.Truncated = false, false; !out.Over(); {
			obs, legal := make([]float32, seats[seat].Obs.Len()), make([]bool, seats[seat].Actions.N)
			env.Observe(seat, obs)
			env.Legal(seat, legal)
			for i := range joint {
				joint[i] = envs.Uniform().Act(env, i, rng)
			}
			joint[seat] = policy.Act(env, seat, rng)
			history = append(history, obs)
			c.Obs = append(c.Obs, sideBySide(history, frames, seats[seat].Obs.Shape[0]))
			c.Legal, actions = append(c.Legal, legal), append(actions, joint[seat])
			if err := env.Step(joint, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c, actions
}

// An exported policy plays like the run, on observations as the environment gives them.
func TestExportPlaysAlike(t *testing.T) {
	var cases []onnxtest.Case
	var want [][]int
	kinds := []struct {
		env, algo string
		set       []string
		role      envs.Role
		frames    int
	}{
		{"idsgame-minimal_defense-v0", "ppo", nil, envs.Attacker, 1},
		{"idsgame-random_attack-v0", "reinforce", []string{"network.shared=true", "network.activation=relu"}, envs.Defender, 1},
		{"idsgame-v0", "actor-critic", []string{"network.policy=autoregressive"}, envs.Attacker, 1},
		{"idsgame-v0", "actor-critic", []string{"network.policy=autoregressive", "network.frames=3"}, envs.Defender, 3},
		{"idsgame-minimal_defense-v0", "dqn", []string{"dueling=true"}, envs.Attacker, 1},
	}
	for _, k := range kinds {
		run := neuralRun(t, k.env, k.algo, k.set...)
		path := filepath.Join(t.TempDir(), "policy.onnx")
		if out := must(t, "export", "--seat", k.role.String(), "--onnx", path, run); !strings.Contains(out, "observation") {
			t.Errorf("export says %q", out)
		}
		saved, err := catalog().Open(run)
		if err != nil {
			t.Fatal(err)
		}
		c, actions := seen(t, saved, k.role, k.frames)
		c.Model = []byte(readFile(t, path))
		cases, want = append(cases, c), append(want, actions)
	}
	for k, result := range onnxtest.Run(t, cases...) {
		for i, a := range want[k] {
			if got := result.Outputs["action"][i]; got != float64(a) {
				t.Errorf("%+v: move %d of %d is %v, the run's is %d", kinds[k], i, len(want[k]), got, a)
				break
			}
		}
		if m := result.Metadata; m["role"] != kinds[k].role.String() || m["env"] != kinds[k].env || m["frames"] != strconv.Itoa(kinds[k].frames) {
			t.Errorf("%+v: metadata %v", kinds[k], m)
		}
	}
}

// Exported weights are those of the checkpoint that act, with what there is to know about them.
func TestExportTensors(t *testing.T) {
	for _, algo := range []string{"ppo", "dqn"} {
		run := neuralRun(t, "idsgame-minimal_defense-v0", algo)
		path := filepath.Join(t.TempDir(), "weights.safetensors")
		must(t, "export", "--safetensors", path, run)
		got, metadata, err := nets.ReadTensors[float32]([]byte(readFile(t, path)))
		if err != nil {
			t.Fatal(err)
		}
		checkpoint, err := experiments.ReadCheckpoint(filepath.Join(run, "final.ckpt"))
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := nets.ReadTensors[float32](checkpoint.Learners[0].Weights)
		if err != nil {
			t.Fatal(err)
		}
		want = slices.DeleteFunc(want, func(w nets.Tensor[float32]) bool { return strings.HasPrefix(w.Name, "target.") })
		if !reflect.DeepEqual(got, want) || len(got) < 6 {
			t.Errorf("%s: %d tensors, want %d", algo, len(got), len(want))
		}
		var names []string
		if err := json.Unmarshal([]byte(metadata["actions"]), &names); err != nil || len(names) != 30 || names[0] != "injection@0" || names[29] != "redirects@2" {
			t.Errorf("%s: actions %v, %v", algo, names, err)
		}
		if metadata["algo"] != algo || metadata["observation_shape"] != "[3,11]" || metadata["config"] != string(checkpoint.Config) {
			t.Errorf("%s: metadata %v", algo, metadata)
		}
	}
}

// Both files at once, the same bytes again, and nothing replaced unless it is said.
func TestExportFiles(t *testing.T) {
	run := neuralRun(t, "idsgame-minimal_defense-v0", "ppo")
	t.Chdir(t.TempDir())
	must(t, "export", "--onnx", "a.onnx", "--safetensors", "a.safetensors", run)
	must(t, "export", "--onnx", "b.onnx", "--safetensors", "b.safetensors", filepath.Join(run, "final.ckpt"))
	if readFile(t, "a.onnx") != readFile(t, "b.onnx") || readFile(t, "a.safetensors") != readFile(t, "b.safetensors") {
		t.Error("the same run, other bytes")
	}
	for _, flag := range []string{"--onnx", "--safetensors"} {
		writeFile(t, "mine", "text")
		if o := idsrl("export", flag, "mine", run); o.code != exitUsage || !strings.Contains(o.stderr, "--force") {
			t.Errorf("%s over a file: exit code %d, %q", flag, o.code, o.stderr)
		}
		if readFile(t, "mine") != "text" {
			t.Errorf("%s replaces a file", flag)
		}
		must(t, "export", flag, "mine", "--force", run)
		if readFile(t, "mine") == "text" {
			t.Errorf("%s --force replaces nothing", flag)
		}
	}
}

func TestExportErrors(t *testing.T) {
	one, both := neuralRun(t, "idsgame-minimal_defense-v0", "ppo"), neuralRun(t, "idsgame-v0", "ppo")
	memory := neuralRun(t, "idsgame-minimal_defense-v0", "ppo", "network.lstm=4")
	table := quickRun(t, "idsgame-minimal_defense-v0")
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"--onnx", "x"}, exitUsage, []string{"one RUN"}},
		{[]string{one}, exitUsage, []string{"--onnx", "--safetensors"}},
		{[]string{"--onnx", "x", "--safetensors", "x", one}, exitUsage, []string{"same file"}},
		{[]string{"--onnx", "x", "--seat", "defnder", one}, exitUsage, []string{"--seat defnder", "attacker and defender"}},
		{[]string{"--onnx", "x", "--seat", "defender", one}, exitUsage, []string{"seat = defender", "learnt to be the attacker"}},
		{[]string{"--onnx", "x", both}, exitUsage, []string{"attacker and the defender", "--seat"}},
		{[]string{"--onnx", "x", table}, exitUsage, []string{"a table", "train a neural algorithm"}},
		{[]string{"--onnx", "x", memory}, exitFailure, []string{"memory", "network.lstm = 0"}},
		{[]string{"--onnx", "x", "nowhere"}, exitFailure, []string{"nowhere"}},
		{[]string{"--onnx", filepath.Join("no", "folder"), one}, exitFailure, []string{"folder"}},
	} {
		o := idsrl(append([]string{"export"}, c.args...)...)
		if o.code != c.code || o.stdout != "" {
			t.Errorf("%v: exit code %d, %q and %q", c.args, o.code, o.stdout, o.stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(o.stderr, want) {
				t.Errorf("%v: %q, want %q", c.args, o.stderr, want)
			}
		}
	}
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
		t.Errorf("errors leave %v behind, %v", files, err)
	}
}
