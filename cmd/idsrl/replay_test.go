package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"idsrl/envs/envtest"
)

// recordings are those of the Python original.
const recordings = "../../envs/idsgame/recording/testdata"

// unzip returns the lines of a gzip'ed recording.
func unzip(t *testing.T, path string) []string {
	t.Helper()
	return strings.Split(strings.TrimSuffix(string(envtest.ReadGzip(t, path)), "\n"), "\n")
}

// The recordings of the original replay without a difference, a line for each file that counts what it holds.
func TestReplay(t *testing.T) {
	pattern := "*.jsonl.gz"
	if testing.Short() {
		pattern = "[eiq]*.jsonl.gz" // edge, initial, qstate
	}
	files, err := filepath.Glob(filepath.Join(recordings, pattern))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	var want strings.Builder
	for _, file := range files {
		counts := map[string]int{}
		for _, line := range unzip(t, file) {
			var head struct{ Type string }
			if err := json.Unmarshal([]byte(line), &head); err != nil {
				t.Fatal(err)
			}
			counts[head.Type]++
		}
		fmt.Fprintf(&want, "%s: %d episodes, %d steps, %d initial states, %d state numbers: 0 differences\n", file,
			counts["episode"], counts["step"], counts["construct"]+counts["reset"], counts["qstate"])
	}
	o := idsrl(append([]string{"replay"}, files...)...)
	if o.code != exitOK || o.stdout != want.String() || o.stderr != "" {
		t.Errorf("exit code %d, %q, prints\n%s\nwant\n%s", o.code, o.stderr, o.stdout, &want)
	}
}

// A recording that does not fit is found, and its first difference is shown in full; the other files are checked all
// the same.
func TestReplayDifference(t *testing.T) {
	lines := unzip(t, filepath.Join(recordings, "v00.jsonl.gz"))
	sound := filepath.Join(recordings, "qstate.jsonl.gz")
	episodes, steps, first := 0, 0, 0
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, `{"type":"episode"`):
			episodes++
		case strings.HasPrefix(line, `{"type":"step"`):
			if steps++; strings.Contains(line, `"reward":[-1,1]`) && first == 0 {
				first = i
			}
		}
	}
	var episode struct{ ID string }
	for _, line := range lines[:first] {
		if strings.HasPrefix(line, `{"type":"episode"`) {
			if err := json.Unmarshal([]byte(line), &episode); err != nil {
				t.Fatal(err)
			}
		}
	}
	whole := lines[:2:2]
	lines = append([]string(nil), lines...)
	lines[first] = strings.Replace(lines[first], `"reward":[-1,1]`, `"reward":[0.5,1]`, 1)
	lines[first] = strings.Replace(lines[first], `"detected":true`, `"detected":false`, 1)
	text := strings.Join(lines, "\n") + "\n"

	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"changed.jsonl": text, "changed.jsonl.gz": zipped.String()} {
		path := writeFile(t, filepath.Join(t.TempDir(), name), data)
		o := idsrl("replay", path, sound)
		want := fmt.Sprintf(`%s: %d episodes, %d steps, 0 initial states, 0 state numbers: 2 differences
  first: %s, line %d (%s): field reward
  want [0.5,1]
  got  [-1,1]
%s`, path, episodes, steps, path, first+1, episode.ID, must(t, "replay", sound))
		if o.code != exitFailure || o.stdout != want || o.stderr != "idsrl: 1 of 2 files differ or cannot be read\n" {
			t.Errorf("exit code %d, %q, prints\n%s\nwant\n%s", o.code, o.stderr, o.stdout, want)
		}
	}

	// A recording that breaks off is one that differs.
	cut := writeFile(t, filepath.Join(t.TempDir(), "cut.jsonl"), strings.Join(whole, "\n")+"\n")
	if o := idsrl("replay", cut); o.code != exitFailure || !strings.Contains(o.stdout, "1 differences\n") ||
		!strings.Contains(o.stdout, "no end line") {
		t.Errorf("%+v", o)
	}
}
