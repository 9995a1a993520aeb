package experiments_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/reinforce"
	"idsrl/experiments"
	"idsrl/nets"
	"idsrl/results"
)

// replacePart changes a file within the final checkpoint of a run, which the manifest then names.
func replacePart(t *testing.T, dir, name string, change func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, results.FinalCheckpoint)
	archive := must[*zip.ReadCloser](t)(zip.OpenReader(path))
	defer archive.Close()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range archive.File {
		data := must[[]byte](t)(io.ReadAll(must[io.ReadCloser](t)(f.Open())))
		if f.Name == name {
			data = change(data)
		}
		must[int](t)(must[io.Writer](t)(w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate})).Write(data))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.String())
	run := must[*results.Run](t)(results.ReadRun(dir))
	sum := sha256.Sum256(b.Bytes())
	run.CheckpointSHA256 = hex.EncodeToString(sum[:])
	if err := run.Manifest.Save(dir); err != nil {
		t.Fatal(err)
	}
}

// replaceText changes a text file of a run.
func replaceText(name, old, now string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		text := read(t, dir, name)
		if !strings.Contains(text, old) {
			t.Fatalf("%s does not hold %q:\n%s", name, old, text)
		}
		write(t, filepath.Join(dir, name), strings.Replace(text, old, now, 1))
	}
}

// nudge adds to a weight.
func nudge(by float32) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		replacePart(t, dir, "learner-0.safetensors", func(data []byte) []byte {
			tensors, metadata, err := nets.ReadTensors[float32](data)
			if err != nil {
				t.Fatal(err)
			}
			tensors[1].Data[2] += by
			var b bytes.Buffer
			if err := nets.WriteTensors(&b, tensors, metadata); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		})
	}
}

// flip changes the byte in the middle of a file.
func flip(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		data := []byte(read(t, dir, name))
		data[len(data)/2] ^= 1
		write(t, filepath.Join(dir, name), string(data))
	}
}

// remove removes a file.
func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// spoiled is a run in which something was changed, and what Verify says of it.
type spoiled struct {
	name      string
	change    func(*testing.T, string)
	tolerance float64
	file      string // that differs; "" for none
	says      string
}

// Frozen policies count: each is what its name says, and they are those that come out again.
func TestVerifyFrozen(t *testing.T) {
	t.Parallel()
	original := trained(t, catalog, kind(t, 3))
	frozen, more := opponents(t, original)[0], "opponent-0123456789abcdef.ckpt"
	for _, test := range []spoiled{
		{"nothing", func(*testing.T, string) {}, 0, "", ""},
		{"a byte", flip(frozen), 0, frozen, "byte "},
		{"a byte, with a tolerance", flip(frozen), 1e-3, frozen, "is not the file that its name says: the hash is "},
		{"one less", remove(frozen), 0, frozen, "is missing"},
		{"one more", func(t *testing.T, dir string) { t.Helper(); write(t, filepath.Join(dir, more), "none") }, 0, more, "is not the file that "},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		copyRun(t, original, dir)
		test.change(t, dir)
		found := ""
		for _, check := range must[[]experiments.Check](t)(catalog.Verify(context.Background(), dir, test.tolerance, experiments.Options{})) {
			if check.Difference == "" {
				continue
			}
			found = check.File
			if !strings.HasPrefix(check.Difference, test.says) {
				t.Errorf("%s: %s %s, want %s", test.name, check.File, check.Difference, test.says)
			}
		}
		if found != test.file {
			t.Errorf("%s: %q differs, want %q", test.name, found, test.file)
		}
	}
}

// A run that is trained again is equal, and of any change the file and the place are told.
func TestVerify(t *testing.T) {
	c := experiments.Catalog{Envs: catalog.Envs, Algorithms: []algos.Algorithm{reinforce.Algorithm()}}
	set := append(slices.Clone(small[1:]), "episodes=32")
	cfg := must[*experiments.Config](t)(c.Load(experiments.Sources{Env: "idsgame-minimal_defense-v2", Algo: "reinforce", Set: set}))
	original := trained(t, c, cfg)
	eval := strings.Split(strings.Split(read(t, original, results.EvalFile), "\n")[3], ",")
	third := strings.Join(eval, ",")
	eval[4] = "0.123"
	wrong := strings.Join(eval, ",")
	for _, test := range []spoiled{
		{"nothing", func(*testing.T, string) {}, 0, "", ""},
		{"a cell", replaceText(results.EvalFile, third, wrong), 0, results.EvalFile, "line 4, column hack_probability: 0.123, again "},
		{"a large difference", replaceText(results.EvalFile, third, wrong), 1e-3, results.EvalFile, "line 4, column hack_probability: "},
		{"a line less", replaceText(results.EvalFile, third+"\n", ""), 0, results.EvalFile, "line 4, column mode: sampled, again greedy"},
		{"a comment", replaceText(results.ConfigFile, "# root", "# Root"), 0, results.ConfigFile, ": # Root of all random numbers"},
		{"a weight", nudge(0.25), 0, results.FinalCheckpoint, "learner-0.safetensors, tensor "},
		{"a weight, element", nudge(0.25), 0.1, results.FinalCheckpoint, ", element 2: "},
		{"a weight within the tolerance", nudge(1e-5), 1e-3, "", ""},
		{"the optimizer", func(t *testing.T, dir string) {
			t.Helper()
			replacePart(t, dir, "learner-0.bin", func(data []byte) []byte { data[9] ^= 0xff; return data })
		}, 0, results.FinalCheckpoint, "learner-0.bin, byte 9: 0x"},
		{"the optimizer, tolerated", func(t *testing.T, dir string) {
			t.Helper()
			replacePart(t, dir, "learner-0.bin", func(data []byte) []byte { data[9] ^= 0xff; return data })
		}, 1e-3, "", ""},
		{"a checkpoint of another run", func(t *testing.T, dir string) {
			t.Helper()
			write(t, filepath.Join(dir, results.FinalCheckpoint), "none")
		}, 0, results.FinalCheckpoint, "is not the file that manifest.json names: byte 0: 0x6e, again 0x50: not a checkpoint"},
		{"a byte of the checkpoint", flip(results.FinalCheckpoint), 0, results.FinalCheckpoint, "is not the file that manifest.json names: byte "},
		{"a byte of the checkpoint, with a tolerance", flip(results.FinalCheckpoint), 1e-3, results.FinalCheckpoint, "is not the file that "},
		{"no table", remove(results.TrainFile), 0, results.TrainFile, "is missing"},
		{"the hash of the checkpoint", replaceText(results.ManifestFile, `"checkpoint_sha256": "`, `"checkpoint_sha256": "0`), 0,
			results.ManifestFile, `"checkpoint_sha256": "0`},
		{"the hash of the configuration", replaceText(results.ManifestFile, `"config_sha256": "`, `"config_sha256": "0`), 0,
			results.ManifestFile, `"config_sha256": "0`},
		{"a seed", replaceText(results.ManifestFile, `"seed": "`, `"seed": "7`), 0, results.ManifestFile, `"seed": "7`},
		{"a key", replaceText(results.ManifestFile, `"seed"`, `"sead"`), 0, results.ManifestFile, `"sead": "`},
		{"the layout", replaceText(results.ManifestFile, `"layout": {`, `"layout": {"more": 1, `), 0, results.ManifestFile, ": "},
		{"a time", replaceText(results.ManifestFile, `"started_at": "2`, `"started_at": "3`), 0, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
				t.Fatal(err)
			}
			test.change(t, dir)
			checks, err := c.Verify(context.Background(), dir, test.tolerance, experiments.Options{})
			if err != nil || len(checks) != len(experiments.VerifiedFiles) {
				t.Fatalf("%v, %v", checks, err)
			}
			for _, check := range checks {
				if (check.Difference != "") != (check.File == test.file) || check.File == test.file && !strings.Contains(check.Difference, test.says) {
					t.Errorf("%s: %q, want %s: %q", check.File, check.Difference, test.file, test.says)
				}
			}
		})
	}
}

// Only what is finished can be verified.
func TestVerifyErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	must[*experiments.Run](t)(catalog.Start(kind(t, 0), dir, false, experiments.Options{}))
	for path, says := range map[string]string{
		dir:               "is running: only what a finished run came to can be verified",
		filepath.Dir(dir): "holds no manifest.json: name the folder of a run, such as " + dir,
		"none":            "none holds no manifest.json: name the folder of a run, such as " + filepath.Join("none", "seed-0"),
	} {
		if _, err := catalog.Verify(context.Background(), path, 0, experiments.Options{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
