package recording

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/envtest"
)

// TestPublished replays the recordings of the original. The totals are those of the files' manifest: nothing is skipped.
func TestPublished(t *testing.T) {
	var total Report
	for _, path := range recordings(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			report, err := Verify(f)
			if err != nil {
				t.Fatal(err)
			}
			if report.Differences > 0 {
				t.Errorf("%d differences in %d lines, first: %v", report.Differences, report.Lines, report.First)
			}
			total.Lines += report.Lines
			total.Episodes += report.Episodes
			total.Steps += report.Steps
			total.Initials += report.Initials
			total.States += report.States
		})
	}
	want := Report{Lines: 1177 + 21629 + 1177 + 445 + 40, Episodes: 1177, Steps: 21629, Initials: 445, States: 40}
	if total != want {
		t.Errorf("total %+v, want %+v", total, want)
	}
}

// TestPlain reads a file that is not compressed, and one that is compressed in two parts.
func TestPlain(t *testing.T) {
	text := envtest.ReadGzip(t, "testdata/v00.jsonl.gz")
	plain, err := Verify(bytes.NewReader(text))
	if err != nil || plain.Differences != 0 || plain.Episodes != 48 || plain.Steps != 805 {
		t.Errorf("%+v, %v", plain, err)
	}
	half := bytes.LastIndexByte(text[:len(text)/2], '\n') + 1
	parts, err := Verify(io.MultiReader(zip(t, text[:half]), zip(t, text[half:])))
	if err != nil || parts != plain {
		t.Errorf("in two parts: %+v, %v", parts, err)
	}
	// Without the newline at the end.
	if r, err := Verify(bytes.NewReader(bytes.TrimRight(text, "\n"))); err != nil || r != plain {
		t.Errorf("without the last newline: %+v, %v", r, err)
	}
	if r, err := Verify(strings.NewReader("")); err != nil || r != (Report{}) {
		t.Errorf("an empty file: %+v, %v", r, err)
	}
}

// TestReadErrors: what is wrong with the reading and not with the text is an error.
func TestReadErrors(t *testing.T) {
	zipped, err := io.ReadAll(zip(t, envtest.ReadGzip(t, "testdata/v13.jsonl.gz")))
	if err != nil {
		t.Fatal(err)
	}
	damaged := slices.Clone(zipped)
	damaged[len(damaged)-6] ^= 1 // of the checksum
	for name, r := range map[string]io.Reader{
		"cut short":  bytes.NewReader(zipped[:len(zipped)/2]),
		"no header":  strings.NewReader("\x1f\x8b"),
		"bad header": strings.NewReader("\x1f\x8b\x00garbage that is no gzip"),
		"damaged":    bytes.NewReader(damaged),
		"long line":  io.LimitReader(spaces{}, maxLine+1),
	} {
		if report, err := Verify(r); err == nil {
			t.Errorf("%s: no error, %+v", name, report)
		}
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// notCompared are the fields that are no statements about the game, and why. What depends on an input is compared, so
// TestInputs finds a wrong one.
var notCompared = map[string]string{
	"episode.type": "says how the line is read", "step.type": "", "end.type": "", "construct.type": "", "reset.type": "",
	"qstate.type":    "",
	"episode.id":     "a label",
	"construct.id":   "a label",
	"reset.id":       "a label",
	"episode.tags":   "information",
	"episode.policy": "information",

	"episode.env":                                "an input, as all that follow",
	"episode.params":                             "",
	"episode.initial_state.attacker_node":        "",
	"episode.initial_state.attack_values":        "",
	"episode.initial_state.defense_values":       "",
	"episode.initial_state.defense_det":          "",
	"episode.initial_state.reconnaissance_state": "",
	"episode.initial_state.reconnoitred":         "",
	"step.attack_action":                         "",
	"step.defense_action":                        "",
	"step.detection_roll":                        "",
	"step.capped":                                "decides which inputs there are",
	"construct.env":                              "",
	"construct.draws":                            "",
	"reset.env":                                  "",
	"reset.draws":                                "",
	"qstate.env":                                 "",
	"qstate.attacker_obs":                        "",
	"qstate.defender_obs":                        "",
}

// TestEveryFieldIsCompared changes one value in a published line and expects Verify to name that field of that line as
// the first difference, for every field of every type of line.
func TestEveryFieldIsCompared(t *testing.T) {
	files := recordings(t)
	if testing.Short() {
		files = []string{
			"testdata/v00.jsonl.gz", "testdata/v19.jsonl.gz", "testdata/custom.jsonl.gz", "testdata/initial.jsonl.gz",
			"testdata/qstate.jsonl.gz",
		}
	}
	seen := map[string]int{} // mutations of a field
	for k, path := range files {
		rng := rand.New(envs.NewPCG(uint64(k)))
		chosen := map[string]bool{}
		for _, ep := range episodes(t, path) {
			for i, line := range ep {
				object := parse(t, line)
				walk(object, object["type"].(string), func(parent map[string]any, key, field string) {
					_, known := notCompared[field]
					if field == "episode.reference_defense_score" && object["params"] != nil {
						known = true // there it is an input
					}
					if known || chosen[field] && rng.IntN(2000) > 0 {
						return
					}
					chosen[field] = true
					_, name, _ := strings.Cut(field, ".")
					mutate(t, parent, key, func(what string) {
						seen[field]++
						expectFirst(t, slices.Concat(ep[:i], [][]byte{encode(t, object)}), name, what)
					})
				})
			}
		}
	}
	for _, kind := range []any{Episode{}, Step{}, End{}, QState{}} {
		for _, field := range fields(t, kind) {
			if _, known := notCompared[field]; !known && seen[field] == 0 {
				t.Errorf("%s does not occur in the files", field)
			}
		}
	}
	for field, why := range notCompared {
		if seen[field] > 0 {
			t.Errorf("%s is %s, and compared", field, why)
		}
	}
	if len(seen) < 55 {
		t.Errorf("%d fields only: %v", len(seen), slices.Sorted(maps.Keys(seen)))
	}
}

// expectFirst verifies lines, whose last one has a changed field.
func expectFirst(t *testing.T, lines [][]byte, field, what string) {
	t.Helper()
	report := verify(t, lines)
	d := report.First
	switch {
	case d == nil:
		t.Errorf("%s: %s goes unnoticed\n%s", field, what, lines[len(lines)-1])
	case d.Line != len(lines):
		t.Errorf("%s: %s is noticed elsewhere: %v", field, what, d)
	case strings.HasPrefix(what, "="):
		if d.Field != field {
			t.Errorf("%s: %s is noticed as %v", field, what, d)
		}
	case d.Field != field && !(d.Field == "" && strings.Contains(d.Got, field[strings.LastIndex(field, ".")+1:])):
		t.Errorf("%s: %s is noticed as %v", field, what, d)
	}
}

// mutate changes the value of a key in every way and calls try after each. The description of one that a line may have
// begins with "=", that of one which makes it malformed does not.
func mutate(t *testing.T, parent map[string]any, key string, try func(what string)) {
	t.Helper()
	before := parent[key]
	defer func() { parent[key] = before }()
	put := func(what string, value any) {
		parent[key] = value
		try(fmt.Sprintf("%s (%v for %v)", what, value, before))
	}
	switch v := before.(type) {
	case json.Number:
		put("=one more", json.Number(plus(t, v, 1)))
		put("text", "1"+string(v))
		put("null", nil)
	case bool:
		put("=the opposite", !v)
		put("null", nil)
		put("number", json.Number("1"))
	case string:
		put("=another text", v+"x")
		put("number", json.Number("7"))
	case nil:
		if strings.HasSuffix(key, "_bot") {
			put("=a text", "random_attack")
		}
	case []any:
		changed := func(i int, x any) []any {
			list := slices.Clone(v)
			list[i] = x
			return list
		}
		for _, i := range slices.Compact([]int{0, len(v) / 2, len(v) - 1}) {
			if i < 0 || i >= len(v) {
				continue
			}
			if n, ok := v[i].(json.Number); ok {
				put("=one more", changed(i, json.Number(plus(t, n, 1))))
				if key == "reward" || key == "episode_return" {
					x, _ := n.Float64()
					put("=the next float64", changed(i, json.Number(plus(t, n, math.Nextafter(x, 1e9)-x))))
				}
			}
			put("text", changed(i, "1"))
			put("a null in it", changed(i, nil))
		}
		switch key { // of the others the length is fixed by the type
		case "reward", "episode_return":
			put("no element", []any{})
			put("one element", v[:1])
		default:
			put("=one element more", append(slices.Clone(v), json.Number("0")))
			if len(v) > 0 {
				put("=one element less", v[:len(v)-1])
			}
		}
		put("number", json.Number("7"))
		put("null", nil)
	default:
		t.Fatalf("%s: %T", key, v)
	}
	delete(parent, key)
	try("a missing field")
}

// plus is n + d in as few digits as tell it from others.
func plus(t *testing.T, n json.Number, d float64) string {
	t.Helper()
	x, err := n.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatFloat(x+d, 'g', -1, 64)
}

// TestInputs: a wrong input does not go unnoticed, where it makes a difference.
func TestInputs(t *testing.T) {
	ep := episode(t, "testdata/v19.jsonl.gz", 4) // some steps long, with reconnaissance
	for _, c := range []struct {
		line   int
		change func(o map[string]any)
	}{
		{0, set("env", "idsgame-v21")},
		{0, set("env", "idsgame-maximal_attack-v19")},
		{0, set("initial_state.attacker_node", 2)},
		{0, at("initial_state.attack_values", 0, 1)},
		{0, at("initial_state.defense_values", 0, 1)},
		{0, at("initial_state.defense_det", 0, 5)},
		{0, at("initial_state.reconnaissance_state", 0, 5)},
		{0, set("initial_state.reconnoitred", []any{0})},
		{1, set("attack_action", 0)},
		{1, set("attack_action", -1)},
		{1, set("defense_action", 12)},
		{1, set("detection_roll", 0)},
		{1, set("detection_roll", nil)},
		{1, set("capped", true)},
	} {
		o := parse(t, ep[c.line])
		c.change(o)
		lines := slices.Clone(ep)
		lines[c.line] = encode(t, o)
		if bytes.Equal(lines[c.line], encode(t, parse(t, ep[c.line]))) {
			t.Errorf("line %d has not changed: %s", c.line, lines[c.line])
		} else if report := verify(t, lines); report.Differences == 0 {
			t.Errorf("unnoticed: %s", lines[c.line])
		}
	}
}

// TestBotsPlay: what a bot is said to have played must be among what it can play.
func TestBotsPlay(t *testing.T) {
	for _, c := range []struct{ file, bot, field string }{
		{"v00", "minimal_defense", "defense_action"}, {"v00", "random_defense", "defense_action"},
		{"v00", "maximal_attack", "attack_action"}, {"v00", "random_attack", "attack_action"},
		{"v18", "maximal_attack", "attack_action"}, {"v19", "random_attack", "attack_action"},
	} {
		for _, ep := range episodes(t, "testdata/"+c.file+".jsonl.gz") {
			first, step := parse(t, ep[0]), parse(t, ep[1])
			if first["attacker_bot"] != c.bot && first["defender_bot"] != c.bot {
				continue
			}
			// The last defence id is of the start node; attack 0 is out of reach.
			nodes, _ := first["num_nodes"].(json.Number).Int64()
			types, _ := first["num_attack_types"].(json.Number).Int64()
			illegal := json.Number("0")
			if c.field == "defense_action" {
				illegal = json.Number(fmt.Sprint(nodes*(types+1) - 1))
			} else if start := first["initial_state"].(map[string]any)["attacker_node"]; start != json.Number(fmt.Sprint(nodes-1)) {
				continue
			}
			step[c.field] = illegal
			d := verify(t, [][]byte{ep[0], encode(t, step)}).First
			if d == nil || d.Line != 2 || d.Field != c.field || d.Want != string(illegal) {
				t.Errorf("%s in %s plays %v: %v", c.bot, c.file, illegal, d)
			}
			break
		}
	}
}

// TestMalformed: every line that cannot be played is reported with its number and a reason, and nothing panics.
func TestMalformed(t *testing.T) {
	ep := episode(t, "testdata/v00.jsonl.gz", 2)
	construct := episodes(t, "testdata/initial.jsonl.gz")[0][0]
	var reset []byte
	for _, lines := range episodes(t, "testdata/initial.jsonl.gz") {
		if o := parse(t, lines[0]); o["type"] == "reset" && o["env"] == "idsgame-v18" {
			reset = lines[0]
		}
	}
	qstate := episodes(t, "testdata/qstate.jsonl.gz")[0][0]
	custom := episode(t, "testdata/custom.jsonl.gz", 2)
	edit := func(line []byte, changes ...func(map[string]any)) []byte {
		o := parse(t, line)
		for _, change := range changes {
			change(o)
		}
		return encode(t, o)
	}
	first, step, end := ep[0], ep[1], ep[len(ep)-1]
	for _, c := range []struct {
		name  string
		lines [][]byte
		line  int
		want  string // in the message
	}{
		{"no JSON", list("hello"), 1, "invalid character"},
		{"blank line", list(first, "", step), 2, "unexpected end of JSON input"},
		{"list", list("[]"), 1, "cannot unmarshal array"},
		{"null", list("null"), 1, "type"},
		{"number", list("17"), 1, "cannot unmarshal number"},
		{"two objects", list("{} {}"), 1, "invalid character"},
		{"no type", list("{}"), 1, "type"},
		{"type is no text", list(`{"type":7}`), 1, "type"},
		{"unknown type", list(`{"type":"steps"}`), 1, `unknown type "steps"`},
		{"too large a number", list(edit(first, set("num_nodes", json.Number("1e400")))), 1, "num_nodes"},
		{"fraction", list(edit(first, set("num_nodes", json.Number("3.5")))), 1, "num_nodes"},
		{"bad real", list(first, edit(step, at("reward", 0, "infinite"))), 2, "float64"},
		{"step outside", list(step), 1, "outside an episode"},
		{"end outside", list(end), 1, "outside an episode"},
		{"step after the end", slices.Concat(ep, list(step)), len(ep) + 1, "outside an episode"},
		{"no end", list(first, step), 2, "no end line"},
		{"no end before the next", list(first, step, first), 3, "no end line"},
		{"no end before a state", list(first, step, construct), 3, "no end line"},
		{"unknown env", list(edit(first, set("env", "idsgame-v22"))), 1, `"idsgame-v22" is not registered`},
		{"unknown env of a state", list(edit(construct, set("env", "custom:x"))), 1, `"custom:x" is not registered`},
		{"unknown env of a number", list(edit(qstate, set("env", "x"))), 1, `"x" is not registered`},
		{"env without numbers", list(edit(qstate, set("env", "idsgame-v19"))), 1, "no full-state encoding"},
		{"attacker nowhere", list(edit(first, set("initial_state.attacker_node", -1))), 1, "attacker_node -1"},
		{"attacker outside", list(edit(first, set("initial_state.attacker_node", 3))), 1, "attacker_node 3"},
		{"attack values too short", list(edit(first, cut("initial_state.attack_values"))), 1, "attack_values has 29 entries, not 30"},
		{"defence values too short", list(edit(first, cut("initial_state.defense_values"))), 1, "defense_values has 29 entries, not 30"},
		{"detection values too short", list(edit(first, cut("initial_state.defense_det"))), 1, "defense_det has 2 entries, not 3"},
		{"too many detection values", list(edit(first, set("initial_state.defense_det", []any{1, 1, 1, 1}))), 1, "defense_det has 4 entries, not 3"},
		{"negative value", list(edit(first, at("initial_state.attack_values", 3, -1))), 1, "attack_values: value -1"},
		{"large value", list(edit(first, at("initial_state.defense_values", 3, 101))), 1, "defense_values: value 101"},
		{"huge value", list(edit(first, at("initial_state.defense_det", 1, 256))), 1, "defense_det: value 256"},
		{"known values missing", list(edit(reset2(t), del("initial_state.reconnaissance_state"))), 1, "reconnaissance_state has 0 entries"},
		{"scanned node outside", list(edit(reset2(t), set("initial_state.reconnoitred", []any{4}))), 1, "reconnoitred node 4"},
		{"scanned node negative", list(edit(reset2(t), set("initial_state.reconnoitred", []any{-1}))), 1, "reconnoitred node -1"},
		{"attack outside", list(first, edit(step, set("attack_action", 30))), 2, "attack 30"},
		{"attack far outside", list(first, edit(step, set("attack_action", math.MaxInt64))), 2, "outside the action space"},
		{"attack negative", list(first, edit(step, set("attack_action", -2))), 2, "attack -2"},
		{"defence outside", list(first, edit(step, set("defense_action", 33))), 2, "defence 33"},
		{"defence negative", list(first, edit(step, set("defense_action", -1))), 2, "defence -1"},
		{"no attack", list(first, edit(step, set("attack_action", nil))), 2, "attack_action"},
		{"no defence", list(first, edit(step, set("defense_action", nil))), 2, "defense_action"},
		{"params of another type", list(edit(custom[0], set("params", 7))), 1, "params"},
		{"unknown param", list(edit(custom[0], set("params.num_layer", 1))), 1, "num_layer"},
		{"bad param", list(edit(custom[0], set("params.num_layers", -1))), 1, "num_layers = -1: must be in [0, 20]"},
		{"param of another type", list(edit(custom[0], set("params.max_value", "many"))), 1, "max_value"},
		{"params that do not fit", list(edit(custom[0], set("params.dense_rewards_v3", true))), 1, "dense_rewards_v3"},
		{"other params", list(edit(custom[0], set("params.num_attack_types", 3))), 1, "attack_values has"},
		{"bad draw kind", list(edit(construct, draw(0, "draw", "coin"))), 1, "draw 0 is"},
		{"draw of other numbers", list(edit(construct, draw(1, "n", 9))), 1, "draw 1 is"},
		{"draws left over", list(edit(construct, func(o map[string]any) {
			o["draws"] = append(o["draws"].([]any), o["draws"].([]any)[0])
		})), 1, "1 draws are left over"},
		{"draws missing", list(edit(construct, cut("draws"))), 1, "draw 2 (repeat) is not in the log"},
		{"no draws", list(edit(construct, set("draws", []any{}))), 1, "draw 0 (distinct) is not in the log"},
		{"draws of another type", list(edit(construct, set("draws", "none"))), 1, "draws"},
		{"draw without result", list(edit(construct, draw(0, "result", nil))), 1, "draws holds null"},
		{"draw with another result", list(edit(construct, draw(0, "result", "x"))), 1, "draw 0"},
		{"draw with no result", list(edit(construct, draw(0, "result", []any{}))), 1, "draw 0"},
		{"draw outside", list(edit(construct, draw(1, "result", []any{10}))), 1, "draw 1"},
		{"draw of too many", list(edit(construct, draw(1, "result", []any{1, 2}))), 1, "draw 1"},
		{"draw of the same", list(edit(construct, set("env", "idsgame-v2"), draw(0, "n", 2), draw(0, "k", 2),
			draw(0, "result", []any{1, 1}))), 1, "result [1 1]"},
		{"draw below", list(edit(reset, drawKind("int", "result", -1))), 1, "result -1"},
		{"draw of no probability", list(edit(reset, drawKind("uniform", "result", 1))), 1, "result 1"},
		{"draw of text", list(edit(reset, drawKind("uniform", "result", "1"))), 1, `result "1"`},
		{"draw null", list(edit(reset, drawKind("int", "result", nil))), 1, "draws holds null"},
		{"draw above", list(edit(reset, drawKind("int", "result", 99))), 1, "result 99"},
		{"attacker observation too short", list(edit(qstate, cut("attacker_obs"))), 1, "wrong length"},
		{"defender observation too short", list(edit(qstate, cut("defender_obs"))), 1, "wrong length"},
		{"empty observations", list(edit(qstate, set("attacker_obs", []any{}), set("defender_obs", []any{}))), 1, "wrong length"},
		{"negative observation", list(edit(qstate, at("defender_obs", 0, -1))), 1, "value -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := verify(t, c.lines).First
			switch {
			case d == nil:
				t.Errorf("unnoticed: %s", c.lines[c.line-1])
			case d.Line != c.line || !strings.Contains(d.String(), c.want):
				t.Errorf("line %d: %s\nwant line %d: %s", d.Line, d, c.line, c.want)
			}
		})
	}
	// Any line that is cut off anywhere.
	stride := 1
	if testing.Short() {
		stride = 13
	}
	for _, lines := range [][][]byte{ep, custom, {construct}, {qstate}} {
		for i, line := range lines {
			for n := 1; n < len(line); n += stride {
				r := verify(t, slices.Concat(lines[:i], [][]byte{line[:n]}))
				if d := r.First; d == nil || d.Line != i+1 || d.Field != "" {
					t.Fatalf("line %d cut after %d bytes: %v", i+1, n, d)
				}
			}
		}
	}
}

// reset2 is the first line of an episode with reconnaissance.
func reset2(t *testing.T) []byte { return episode(t, "testdata/v19.jsonl.gz", 1)[0] }

// TestUnpublishedFields: no published line has a field that is not read.
func TestUnpublishedFields(t *testing.T) {
	known := map[string]bool{}
	for _, kind := range []any{Episode{}, Step{}, End{}, Initial{Type: "construct"}, Initial{Type: "reset"}, QState{}} {
		for _, field := range fields(t, kind) {
			known[field] = true
		}
	}
	for _, path := range recordings(t) {
		for _, ep := range episodes(t, path) {
			for i, line := range ep {
				if i > 1 && i < len(ep)-1 && i%20 > 0 {
					continue // the steps of a game have the same fields
				}
				o := parse(t, line)
				walk(o, o["type"].(string), func(_ map[string]any, _, field string) {
					if !known[field] {
						t.Errorf("%s: %s is not read", path, field)
						known[field] = true
					}
				})
			}
		}
	}
}

// FuzzVerify reads anything. With -fuzzminimizetime 200x it does not spend its time on shortening lines.
func FuzzVerify(f *testing.F) {
	add := func(lines ...[]byte) { f.Add(append(bytes.Join(lines, []byte("\n")), '\n')) }
	v13, custom := episode(f, "testdata/v13.jsonl.gz", 1), parse(f, episode(f, "testdata/custom.jsonl.gz", 1)[0])
	add(v13[0])
	add(v13[:2]...)
	add(v13...)
	small := parse(f, v13[0])
	small["env"], small["params"] = "custom:small", map[string]any{
		"num_layers": 0, "num_servers_per_layer": 1, "num_attack_types": 2, "reconnaissance_actions": true,
	}
	maps.Copy(small["initial_state"].(map[string]any), map[string]any{"reconnaissance_state": []int{1, 1, 10, 10}, "reconnoitred": []int{0}})
	add(encode(f, small), v13[1])
	small["params"] = custom["params"]
	add(encode(f, small))
	add(episodes(f, "testdata/qstate.jsonl.gz")[0]...)
	kinds := map[string]bool{}
	for _, state := range episodes(f, "testdata/initial.jsonl.gz") {
		if o := parse(f, state[0]); len(state[0]) < 800 && !kinds[o["env"].(string)] {
			kinds[o["env"].(string)] = true
			add(state...)
		}
	}
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		report, err := Verify(bytes.NewReader(text))
		if err != nil {
			return
		}
		if (report.First == nil) != (report.Differences == 0) {
			t.Errorf("%+v", report)
		}
		if report.First != nil && report.First.String() == "" {
			t.Error("nothing to say")
		}
	})
}

// The rest reads and edits lines.

func recordings(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.jsonl.gz")
	if err != nil || len(files) != 26 {
		tb.Fatalf("%d recordings: %v", len(files), err)
	}
	return files
}

func zip(tb testing.TB, text []byte) io.Reader {
	tb.Helper()
	b := new(bytes.Buffer)
	z := gzip.NewWriter(b)
	if _, err := z.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b
}

// episodes are the lines of a file, episode by episode; other lines stand alone.
func episodes(tb testing.TB, path string) (all [][][]byte) {
	tb.Helper()
	for line := range bytes.SplitSeq(bytes.TrimRight(envtest.ReadGzip(tb, path), "\n"), []byte("\n")) {
		if bytes.HasPrefix(line, []byte(`{"type":"step"`)) || bytes.HasPrefix(line, []byte(`{"type":"end"`)) {
			all[len(all)-1] = append(all[len(all)-1], line)
		} else {
			all = append(all, [][]byte{line})
		}
	}
	return all
}

// episode is the first one of a file with that many steps at least.
func episode(tb testing.TB, path string, steps int) [][]byte {
	tb.Helper()
	for _, ep := range episodes(tb, path) {
		if len(ep) >= steps+2 {
			return ep
		}
	}
	tb.Fatalf("%s: no episode of %d steps", path, steps)
	return nil
}

func verify(tb testing.TB, lines [][]byte) Report {
	tb.Helper()
	report, err := Verify(bytes.NewReader(bytes.Join(lines, []byte("\n"))))
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

func parse(tb testing.TB, line []byte) map[string]any {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		tb.Fatal(err)
	}
	return o
}

func encode(tb testing.TB, o map[string]any) []byte {
	tb.Helper()
	line, err := json.Marshal(o)
	if err != nil {
		tb.Fatal(err)
	}
	return line
}

// walk visits the fields of an object and of those in it, but for what is information only or no struct of ours.
func walk(o map[string]any, prefix string, visit func(parent map[string]any, key, field string)) {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		field := prefix + "." + key
		if inner, ok := o[key].(map[string]any); ok && key != "params" && key != "policy" {
			walk(inner, field, visit)
		} else {
			visit(o, key, field)
		}
	}
}

// fields are all fields that lines of a type may have, in the manner of walk.
func fields(tb testing.TB, kind any) (names []string) {
	tb.Helper()
	text := "x"
	reference := Real(1)
	full := Values{Reconnaissance: Ints{1}, Reconnoitred: Ints{1}}
	views := Views{LegalAttacks: Ints{}, MinimalDefence: Ints{}, MaximalAttack: Ints{}}
	name := ""
	switch k := kind.(type) {
	case Episode:
		k.Initial, k.Views, k.Reference, k.Params = full, views, &reference, json.RawMessage("1")
		k.AttackerBot, k.DefenderBot = &text, &text
		kind, name = k, "episode"
	case Step:
		k.Reconnaissance, k.Reconnoitred, k.Views = Ints{1}, Ints{}, views
		kind, name = k, "step"
	case End:
		k.After.AttackerObs, k.After.DefenderObs = Ints{1}, Ints{1}
		kind, name = k, "end"
	case Initial:
		k.State = full
		kind, name = k, k.Type
	case QState:
		name = "qstate"
	}
	line, err := json.Marshal(kind)
	if err != nil {
		tb.Fatal(err)
	}
	walk(parse(tb, line), name, func(_ map[string]any, _, field string) { names = append(names, field) })
	return names
}

func list(lines ...any) (all [][]byte) {
	for _, line := range lines {
		switch l := line.(type) {
		case string:
			all = append(all, []byte(l))
		case []byte:
			all = append(all, l)
		}
	}
	return all
}

// down is the object that holds a field given by its path, and its key there.
func down(o map[string]any, path string) (parent map[string]any, key string) {
	for {
		head, tail, more := strings.Cut(path, ".")
		if !more {
			return o, head
		}
		o, path = o[head].(map[string]any), tail
	}
}

func set(path string, value any) func(map[string]any) {
	return func(o map[string]any) {
		parent, key := down(o, path)
		parent[key] = value
	}
}

func del(path string) func(map[string]any) {
	return func(o map[string]any) {
		parent, key := down(o, path)
		delete(parent, key)
	}
}

func at(path string, i int, value any) func(map[string]any) {
	return func(o map[string]any) {
		parent, key := down(o, path)
		parent[key].([]any)[i] = value
	}
}

func cut(path string) func(map[string]any) {
	return func(o map[string]any) {
		parent, key := down(o, path)
		l := parent[key].([]any)
		parent[key] = l[:len(l)-1]
	}
}

func draw(i int, key string, value any) func(map[string]any) {
	return func(o map[string]any) { o["draws"].([]any)[i].(map[string]any)[key] = value }
}

// drawKind is draw for the first one of a kind.
func drawKind(kind, key string, value any) func(map[string]any) {
	return func(o map[string]any) {
		for _, d := range o["draws"].([]any) {
			if d := d.(map[string]any); d["draw"] == kind {
				d[key] = value
				return
			}
		}
	}
}
