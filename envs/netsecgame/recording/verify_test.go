package recording

import (
	"path/filepath"
	"strings"
	"testing"

	"idsrl/envs/envtest"
	"idsrl/envs/netsecgame"
)

// verify plays the text of a recording.
func verify(text string, compat netsecgame.Compat) (Report, error) {
	rec, err := Open(strings.NewReader(text))
	if err != nil {
		return Report{}, err
	}
	return rec.Verify(compat)
}

// mended are the recordings that show an odd rule which the default mends, and the rule with which they are equal again.
var mended = map[string]netsecgame.Compat{
	"join_slots":                          {Slots: true},
	"join_wait":                           {Slots: true},
	"roles_default_goal":                  {DefenderGoal: true},
	"reference_hang_missing_blocked_host": {BlockedHost: true},
}

// The recordings of the original replay without a difference: with all its odd rules all of them, and with none but the
// rule that they show.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl.gz")
	if err != nil || len(files) != 58 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text := string(envtest.ReadGzip(t, file))
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl.gz")
		for _, compat := range []netsecgame.Compat{netsecgame.Strict(), mended[name]} {
			r, err := verify(text, compat)
			if err != nil || r.Differences > 0 || r.Messages == 0 || r.Messages != strings.Count(text, `{"dir": ">"`) ||
				r.Replies != strings.Count(text, `{"dir": "<"`) {
				t.Errorf("%s (%s): %+v: %d differences, %v, first %v", name, r.Header.Level, compat, r.Differences, err, r.First)
			}
		}
		if _, ok := mended[name]; ok {
			if r, err := verify(text, netsecgame.Compat{}); err == nil && r.Differences == 0 {
				t.Errorf("%s shows no rule that the default mends", name)
			}
		}
	}
}

// From the same seed the generator of the original draws what is recorded, but where rolls were forced.
func TestSeeds(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for _, file := range files {
		rec, err := Open(strings.NewReader(string(envtest.ReadGzip(t, file))))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(rec.Name, "global_defender_") || string(rec.Random) == "[]" {
			continue
		}
		task, options, err := rec.Game(netsecgame.Strict())
		if err != nil {
			t.Fatal(err)
		}
		options.Randomness = netsecgame.NewTwister()
		options.Randomness.Seed(rec.Seed)
		drawn++
		if r, err := rec.verify(newProcess(task, options)); err != nil || r.Differences > 0 {
			t.Errorf("%s: %d differences, %v, first %v", file, r.Differences, err, r.First)
		}
	}
	if drawn < 8 {
		t.Errorf("%d recordings only", drawn)
	}
}

// Whatever a recording says otherwise is found.
func TestDifferences(t *testing.T) {
	for _, test := range []struct{ file, old, new, first string }{
		{"step_limit", `"reward": -1,`, `"reward": -1.5,`, "line 6 (agent 1): field observation.reward\n  want -1.5\n  got  -1"},
		{"step_limit", `"reward": -1,`, `"reward": -1.0,`, ""},
		{"step_limit", `"end": true`, `"end": 1`, "field observation.end\n  want 1\n  got  true"},
		{"step_limit", `"info": {}`, `"info": {"x": 1}`, "line 4 (agent 1): field observation.info.x\n  want 1\n  got  absent"},
		{"step_limit", `"observation": null, `, ``, "field observation\n  want absent\n  got  null"},
		{"step_limit", `"<hash>"`, `"<HASH>"`, "field message.configuration_hash"},
		{"step_limit", `"to_agent": ["127.0.0.1", "<port>"]`, `"to_agent": ["127.0.0.1", "2"]`, "field to_agent[1]\n  want \"2\""},
		{"step_limit", `["ActionType.ScanNetwork", "ActionType.FindServices"`, `["ActionType.FindServices", "ActionType.ScanNetwork"`,
			"field message.actions[0]\n  want \"ActionType.FindServices\"\n  got  \"ActionType.ScanNetwork\""},
		{"step_limit", `[{"ip": "192.168.1.0", "mask": 24}, {"ip": "192.168.2.0", "mask": 24}`,
			`[{"ip": "192.168.2.0", "mask": 24}, {"ip": "192.168.1.0", "mask": 24}`, ""},
		{"step_limit", `[{"ip": "192.168.2.2"}, {"ip": "213.47.23.195"}]`, `[{"ip": "213.47.23.195"}]`, "field observation.state.known_hosts"},
		{"path_one_network", `\"ActionType.FindData\"`, `\"ActionType.BlockIP\"`, "field observation.state.known_data."},
		{"path_one_network", `"actions": [{`, `"actions": [{"x": 1, `, "field message.last_trajectory.trajectory.actions[0].x"},
		{"whitebox_two_networks_tiny", `\"blocked_ip\"`, `\"blocked_host\"`, "field message.all_actions["},
		{"join_wait", `{"dir": "=", "agent": 1}`, `{"dir": "<", "agent": 1, "msg": {}}`, "line 5 (agent 1)\n  want {}\n  got  no reply"},
		{"join_wait", `{"dir": "x", "agent": 3}`, `{"dir": "=", "agent": 3}`, "line 10 (agent 3)\n  want silence\n  got  a closed connection"},
		{"join_slots", `{"dir": "<", "agent": 1,`, `{"dir": "=", "agent": 1,`, "line 4 (agent 1)\n  want silence\n  got  {"},
		{"global_defender_detect", `"value": 0.0499`, `"value": 0.05`, "field observation.end\n  want true\n  got  false"},
	} {
		text := string(envtest.ReadGzip(t, "testdata/"+test.file+".jsonl.gz"))
		if !strings.Contains(text, test.old) {
			t.Errorf("%s has no %s", test.file, test.old)
			continue
		}
		r, err := verify(strings.Replace(text, test.old, test.new, 1), netsecgame.Strict())
		if test.first == "" && (err != nil || r.Differences > 0) ||
			test.first != "" && (r.First == nil || !strings.Contains(r.First.String(), test.first)) {
			t.Errorf("%s: %s for %s: %d differences, %v, first %.300v", test.file, test.new, test.old, r.Differences, err, r.First)
		}
	}
}

// What cannot be played to its end is an error.
func TestUnreadable(t *testing.T) {
	text := string(envtest.ReadGzip(t, "testdata/step_limit.jsonl.gz"))
	for old, replaced := range map[string]string{
		`"format": "nsg`:           `"format": "x`,
		`"scenario": "`:            `"scenario": "x`,
		`"random": [`:              `"random": [{"kind": "dice"}`,
		`{"dir": "<"`:              `{"dir": "?"`,
		`{"dir": "+", "agent": 1}`: `{"dir": "+", "agent": 2}`,
		`"msg": {"action_type"`:    `"text": {"action_type"`,
		`"msg": {"to_agent"`:       `"msg": ["to_agent"`,
	} {
		if !strings.Contains(text, old) {
			t.Errorf("no %s", old)
		}
		if r, err := verify(strings.Replace(text, old, replaced, 1), netsecgame.Strict()); err == nil {
			t.Errorf("%s: %+v", replaced, r)
		}
	}
}

// No text makes the verifier do anything but report.
func FuzzVerify(f *testing.F) {
	text := string(envtest.ReadGzip(f, "testdata/join_slots.jsonl.gz"))
	header, rest, _ := strings.Cut(text, "\n")
	f.Add(rest)
	f.Add(`{"dir": "+", "agent": 1}` + "\n" + `{"dir": ">", "agent": 1, "raw": "x"}` + "\n" + `{"dir": "=", "agent": 1, "or": "any"}`)
	f.Fuzz(func(_ *testing.T, lines string) {
		verify(header+"\n"+lines, netsecgame.Compat{}) //nolint:errcheck // most are errors
	})
}
