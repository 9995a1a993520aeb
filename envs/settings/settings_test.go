package settings

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// learner has a setting of every shape that people use.
type learner struct {
	Alpha     float64  `yaml:"alpha" usage:"step size α" range:"(0, 1]"`
	Layers    int      `yaml:"num_layers" usage:"server rows" range:"[0, 20]"`
	State     string   `yaml:"state" usage:"key of the table" choice:"auto|node|full"`
	Note      string   `yaml:"note"`
	Dense     bool     `yaml:"dense_rewards" usage:"pay at every step"`
	Hidden    []int    `yaml:"hidden" usage:"units of each layer" range:"[1, inf)"`
	Neighbors [][2]int `yaml:"neighbors" usage:"relative positions"`
	Replay    replay   `yaml:"replay" usage:"memory of past steps"`
	schedule
	Inlined struct {
		Gamma float64 `yaml:"gamma" range:"[0, 1]"`
	} `yaml:",inline"`
	Ignored map[string]int `yaml:"-"`
	private chan int       //nolint:unused // an unexported field is no setting
}

type replay struct {
	Size  int `yaml:"size" usage:"steps" range:"[1, inf)"`
	Batch int // its key is batch
}

func (r *replay) Validate() error {
	var ck Checks
	ck.Require(r.Batch <= r.Size, "batch", r.Batch, "must be at most size")
	return ck.Err()
}

type schedule struct {
	Start float64 `yaml:"start"`
	End   float64 `yaml:"end"`
}

func (l *learner) Validate() error {
	var ck Checks
	ck.Require(l.Start >= l.End, "start", l.Start, "must be at least end")
	ck.Require(l.Start+l.End < 100, "end", l.End, "must be below 100 together with start")
	return ck.Err()
}

func newLearner() *learner {
	return &learner{Alpha: 0.1, State: "auto", Hidden: []int{64}, Replay: replay{Size: 100, Batch: 10}}
}

// set assigns settings as flags do.
func set(cfg any, assignments ...string) error { return Load(cfg, Assign("--set", assignments)) }

// checkLines compares the lines of err with want; no line stands for nil.
func checkLines(t *testing.T, err error, want ...string) {
	t.Helper()
	got := []string{}
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestDecodeRules(t *testing.T) {
	rules := []struct{ rule, text, want string }{
		{"good", "alpha: 1\nreplay:\n  size: 20\n", ""},
		{"empty", "", ""},
		{"only comments", "# nothing\n", ""},
		{"byte order mark and carriage returns", "\ufeffalpha: 1\r\nnum_layers: 21\r\n",
			"f:2: num_layers = 21: must be in [0, 20]"},
		{"flow style", "{alpha: 1, replay: {size: 20}}", ""},
		{"keys joined by dots", "replay.size: 20", ""},

		{"above the range", "num_layers: 0\nalpha: 2", "f:2: alpha = 2: must be in (0, 1]"},
		{"open end", "alpha: 0", "f:1: alpha = 0: must be in (0, 1]"},
		{"infinity in an open end", "hidden: [1, .inf]", "f:1: hidden = [1, .inf]: each must be an integer"},
		{"NaN with a range", "alpha: .nan", "f:1: alpha = .nan: must be a number"},
		{"NaN without a range", "start: nan", "f:1: start = nan: must be a number"},
		{"element below the range", "hidden: [64, 0]", "f:1: hidden = [64, 0]: each must be in [1, inf)"},
		{"range in a group", "\nreplay:\n\n  size: 0", "f:4: replay.size = 0: must be in [1, inf)"},
		{"choice", "state: ful", "f:1: state = ful: must be one of auto, node, full"},

		{"unknown key", "aplha: 0.1", "f:1: aplha = 0.1: unknown setting; did you mean alpha?"},
		{"unknown key in a group", "replay: {siz: 1}", "f:1: replay.siz = 1: unknown setting; did you mean replay.size?"},
		{"unknown group", "reply:\n  size: 1", "f:1: reply: unknown setting; did you mean replay?"},
		{"key of another group", "batch: 1", "f:1: batch = 1: unknown setting; did you mean replay.batch?"},
		{"key like none", "entropy: [1, [2, [3, [4]]]]", "f:1: entropy = [1, [2, [3, …]]]: unknown setting"},
		{"ignored field", "ignored: 1", "f:1: ignored = 1: unknown setting"},
		{"key twice", "alpha: 1\nstate: node\nalpha: 0.5", "f:3: alpha = 0.5: already given on line 1"},
		{"group twice", "replay:\n  size: 20\nreplay:\n  batch: 1", "f:3: replay: already given on line 1"},
		{"key twice, once with dots", "replay:\n  size: 20\nreplay.size: 20",
			"f:3: replay.size = 20: already given on line 2"},

		{"no number", "alpha: fast", "f:1: alpha = fast: must be a number"},
		{"quoted number", `alpha: "0.5"`, `f:1: alpha = "0.5": must be a number`},
		{"list for a number", "alpha: [1]", "f:1: alpha = [1]: must be a number"},
		{"mapping in a list", "hidden: [1, {a: 1}]", "f:1: hidden = [1, …]: each must be an integer"},
		{"mapping for a number", "alpha: {a: 1}", "f:1: alpha: must be a number"},
		{"no integer", "num_layers: 1.5", "f:1: num_layers = 1.5: must be an integer"},
		{"block text for an integer", "num_layers: |\n  1\n", `f:1: num_layers = "1\n": must be an integer`},
		{"no truth", "dense_rewards: yes", "f:1: dense_rewards = yes: must be true or false"},
		{"quoted truth", `dense_rewards: "true"`, `f:1: dense_rewards = "true": must be true or false`},
		{"list for text", "note: [a]", "f:1: note = [a]: must be text"},
		{"scalar for a list", "hidden: 64", "f:1: hidden = 64: must be a list of integers"},
		{"element of another type", "hidden: [64, x]", "f:1: hidden = [64, x]: each must be an integer"},
		{"three for a pair", "neighbors: [[1, 2, 3]]",
			"f:1: neighbors = [[1, 2, 3]]: each must be a list of 2 integers"},
		{"element of a pair", "neighbors:\n- [1, x]", "f:1: neighbors = [[1, x]]: each must be an integer"},
		{"scalar for a group", "replay: 5", "f:1: replay = 5: must hold settings"},

		{"no value", "alpha:\nstate: node", "f:1: alpha: needs a value"},
		{"null for text", "note: null", "f:1: note: needs a value"},
		{"null in a list", "hidden: [~]", "f:1: hidden = […]: each needs a value"},
		{"null for a group", "replay:", "f:1: replay: needs a value"},

		{"anchor", "alpha: &a 1", "f:1: alpha: must be written out, without &, * and !"},
		{"alias", "alpha: *a", "f:1: alpha: must be written out, without &, * and !"},
		{"tag", "note: !!str 1", "f:1: note: must be written out, without &, * and !"},
		{"anchor on a group", "replay: &a {size: 1}", "f:1: replay: must be written out, without &, * and !"},
		{"merge key", "alpha: 1\n<<: {alpha: 1}", "f:2: a key must be a plain word"},
		{"complex key", "? alpha\n: 1", "f:1: a key must be a plain word"},
		{"anchor on a key in a group", "replay:\n  &a size: 1", "f:2: a key must be a plain word"},

		{"syntax", "alpha: 1\nhidden: [1", "f:2: not YAML: sequence end token ']' not found"},
		{"tab", "alpha: 1\nreplay:\n\tsize: 1", "f:3: not YAML: found character '\t' that cannot start any token"},
		{"two documents", "alpha: 1\n---\nalpha: 1", "f:2: must be one document, without directives"},
		{"directive", "%YAML 1.2\n---\nalpha: 1", "f:2: must be one document, without directives"},
		{"list as root", "\n- alpha", "f:2: must hold settings, one `key: value` a line"},
		{"scalar as root", "alpha", "f:1: must hold settings, one `key: value` a line"},
		{"null as root", "null", "f:1: must hold settings, one `key: value` a line"},
		{"not UTF-8", "note: \xff", "f: must be text in UTF-8"},
		{"too large", "#" + strings.Repeat("x", maxSize), "f: must be at most 64 KiB"},
		{"unprintable", "\"al\\nha\": \"\\e\"", `f:1: "al\nha" = "\x1b": unknown setting; did you mean alpha?`},

		{"Validate, key in the file", "alpha: 1\nstart: 1\nend: 2", "f:2: start = 1: must be at least end"},
		{"Validate, key not in the file", "end: 2", "start = 0: must be at least end"},
		{"Validate of a group", "replay:\n  batch: 500", "f:2: replay.batch = 500: must be at most size"},
		{"Validate waits for good values", "end: 2\nalpha: 2", "f:2: alpha = 2: must be in (0, 1]"},
	}
	for _, r := range rules {
		t.Run(r.rule, func(t *testing.T) {
			err := Decode(newLearner(), "f", []byte(r.text))
			if r.want == "" {
				checkLines(t, err)
			} else {
				checkLines(t, err, r.want)
			}
		})
	}
}

func TestAllProblemsAtOnceInOrderOfLines(t *testing.T) {
	text := `
num_layers: 21
aplha: 0.1
state: [auto]
replay:
  size: 0
  <<: 1
  batch: many
`
	err := Decode(newLearner(), "runs.yaml", []byte(text))
	checkLines(t, err,
		"runs.yaml:2: num_layers = 21: must be in [0, 20]",
		"runs.yaml:3: aplha = 0.1: unknown setting; did you mean alpha?",
		"runs.yaml:4: state = [auto]: must be text",
		"runs.yaml:6: replay.size = 0: must be in [1, inf)",
		"runs.yaml:7: a key must be a plain word",
		"runs.yaml:8: replay.batch = many: must be an integer",
	)
	one, ok := errors.AsType[*Error](err)
	want := Error{File: "runs.yaml", Line: 2, Key: "num_layers", Value: "21", Problem: "must be in [0, 20]"}
	if !ok || *one != want {
		t.Errorf("errors.As found %+v, want %+v", one, want)
	}
}

func TestDecodeValues(t *testing.T) {
	got := newLearner()
	checkLines(t, Decode(got, "f", []byte(`
alpha: 1e-05
num_layers: 1e1
note: 007
dense_rewards: True
hidden: []
neighbors:
- [-1, 0]
- [1, +2]
replay: {size: 30}
gamma: 1
start: .inf
end: -.inf
`)), "f:13: end = -.inf: must be below 100 together with start") // ∞ − ∞ is NaN
	want := newLearner()
	want.Alpha, want.Layers, want.Note, want.Dense, want.Hidden = 1e-5, 10, "007", true, nil
	want.Neighbors = [][2]int{{-1, 0}, {1, 2}}
	want.Replay.Size, want.Inlined.Gamma, want.Start, want.End = 30, 1, math.Inf(1), math.Inf(-1)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestTextValues(t *testing.T) {
	for text, want := range map[string]string{
		"plain words": "plain words", "true": "true", "1.50": "1.50", ".inf": ".inf", "0x10": "0x10",
		`"null"`: "null", "'it''s'": "it's", `"\u03b1\n\x7f"`: "α\n\x7f", "|\n  two\n  lines\n": "two\nlines\n",
		"x # comment": "x", `""`: "",
	} {
		cfg := newLearner()
		checkLines(t, Decode(cfg, "f", []byte("note: "+text)))
		if cfg.Note != want {
			t.Errorf("%q gave %q, want %q", text, cfg.Note, want)
		}
	}
}

func TestLimitsOfNumbers(t *testing.T) {
	type numbers struct {
		Int8    int8
		Int64   int64
		Uint8   uint8
		Uint64  uint64
		Float32 float32
		Float64 float64
		Ranged  uint8 `range:"[1, 10]"`
	}
	for _, good := range []struct {
		assignment string
		want       any
	}{
		{"int8=-128", int8(-128)}, {"int8=1.27e2", int8(127)}, {"int8=+5", int8(5)}, {"int8=010", int8(10)},
		{"int64=9223372036854775807", int64(math.MaxInt64)}, {"int64=-9223372036854775808", int64(math.MinInt64)},
		{"int64=9007199254740993", int64(1<<53 + 1)}, {"int64=1e18", int64(1e18)},
		{"int64=9_007_199_254_740_993", int64(1<<53 + 1)},

		{"uint8=255", uint8(255)}, {"uint64=18446744073709551615", uint64(math.MaxUint64)}, {"uint64=+1", uint64(1)},
		{"float32=0.1", float32(0.1)}, {"float32=inf", float32(math.Inf(1))}, {"float64=-.Inf", math.Inf(-1)},
		{"float64=5e-324", 5e-324}, {"float64=1", 1.0},
	} {
		cfg := numbers{Ranged: 1}
		checkLines(t, set(&cfg, good.assignment))
		key, _, _ := strings.Cut(good.assignment, "=")
		for _, f := range Fields(&cfg) {
			if f.Key == key && f.Value() != good.want {
				t.Errorf("%s gave %v", good.assignment, f.Value())
			}
		}
	}
	for assignment, want := range map[string]string{
		"int8=300":             "must be in [-128, 127]",
		"int8=-1e3":            "must be in [-128, 127]",
		"int8=1e999999999":     "must be in [-128, 127]",
		"int64=9.3e18":         "must be in [-9223372036854775808, 9223372036854775807]",
		"int64=1e-400":         "", // rounds to 0
		"int64=.inf":           "must be an integer",
		"int64=0x10":           "must be an integer",
		"int64=1__000":         "must be an integer",
		"uint8=-1":             "must be in [0, 255]",
		"uint8=256":            "must be in [0, 255]",
		"uint64=1e20":          "must be in [0, 18446744073709551615]",
		"float32=1e39":         "must be in [-3.4028234663852886e+38, 3.4028234663852886e+38]",
		"float64=1e400":        "must be in [-1.7976931348623157e+308, 1.7976931348623157e+308]",
		"float64=\"1e400\"":    "must be a number",
		"ranged=300":           "must be in [1, 10]",
		"ranged=-1":            "must be in [1, 10]",
		"ranged=1" + "e400":    "must be in [1, 10]",
		"ranged=11":            "must be in [1, 10]",
		"ranged=[1]":           "must be an integer",
		"ranged={ranged: {}}":  "must be an integer",
		"ranged=\"1\"":         "must be an integer",
		"ranged=2020-01-01":    "must be an integer",
		"ranged=1 2":           "must be an integer",
		"float64=1,5":          "must be a number",
		"float64=1e5 # a note": "",
	} {
		err := set(&numbers{Ranged: 1}, assignment)
		if want == "" {
			checkLines(t, err)
		} else if one, ok := errors.AsType[*Error](err); !ok || one.Problem != want {
			t.Errorf("%s gave %v, want %s", assignment, err, want)
		}
	}
}

func TestAssign(t *testing.T) {
	cfg := newLearner()
	checkLines(t, set(cfg,
		"alpha=0.5", "hidden=[32, 16]", "replay.size=50", "state=full", "note=a=b", "neighbors=[[0, 1]]", " gamma = 1",
	))
	want := newLearner()
	want.Alpha, want.Hidden, want.State, want.Note = 0.5, []int{32, 16}, "full", "a=b"
	want.Replay.Size, want.Neighbors, want.Inlined.Gamma = 50, [][2]int{{0, 1}}, 1
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got %+v\nwant %+v", cfg, want)
	}
	checkLines(t, set(newLearner(),
		"alpha", " =1", "replay.sise=5", "alpha=", "hidden=[1", "replay={size: 0, batch: x}", "state=node", "state=auto",
	),
		"--set: alpha: must look like key=value",
		"--set:  =1: must look like key=value",
		"--set: hidden = [1: not YAML: sequence end token ']' not found",
		"--set: replay.sise = 5: unknown setting; did you mean replay.size?",
		"--set: alpha: needs a value",
		"--set: replay.batch = x: must be an integer",
		"--set: state = auto: given twice",
		"--set: replay.size = 0: must be in [1, inf)",
	)
}

func TestLaterSourcesWin(t *testing.T) {
	cfg := newLearner()
	checkLines(t, Load(cfg,
		File("base.yaml", []byte("alpha: 0.2\nend: 1\nreplay: {size: 50}")), // without start, this is wrong
		File("mine.yaml", []byte("alpha: 0.3\nreplay: {batch: 50}")),
		Assign("--set", []string{"alpha=0.4", "start=1"}),
	))
	if cfg.Alpha != 0.4 || cfg.Start != 1 || cfg.Replay != (replay{50, 50}) {
		t.Errorf("got %+v", cfg)
	}
	checkLines(t, Load(newLearner(),
		File("mine.yaml", []byte("alpha: 2\nhidden: x\ngama: 1")),
		File("base.yaml", []byte("state: x\nnum_layers: 21")),
		Assign("--set", []string{"num_layers=22"}),
	),
		"--set: num_layers = 22: must be in [0, 20]",
		"base.yaml:1: state = x: must be one of auto, node, full",
		"mine.yaml:1: alpha = 2: must be in (0, 1]",
		"mine.yaml:2: hidden = x: must be a list of integers",
		"mine.yaml:3: gama = 1: unknown setting; did you mean gamma?",
	)
}

func TestListsAreNotSharedWithDefaults(t *testing.T) {
	defaults := newLearner()
	cfg := *defaults
	checkLines(t, set(&cfg, "hidden=[7]"))
	if defaults.Hidden[0] != 64 {
		t.Errorf("the defaults became %v", defaults.Hidden)
	}
}

func TestCheck(t *testing.T) {
	cfg := newLearner()
	checkLines(t, Check(cfg))
	cfg.Alpha, cfg.State, cfg.Hidden, cfg.End = math.NaN(), "", []int{1, -1}, math.NaN()
	checkLines(t, Check(cfg),
		"alpha = .nan: must be in (0, 1]",
		`state = "": must be one of auto, node, full`,
		"hidden = [1, -1]: each must be in [1, inf)",
		"end = .nan: must be a number",
	)
	cfg = newLearner()
	cfg.End, cfg.Replay.Batch = 200, 200
	checkLines(t, Check(cfg),
		"start = 0: must be at least end",
		"end = 200: must be below 100 together with start",
		"replay.batch = 200: must be at most size",
	)
}

// strange returns errors of other kinds than Checks does.
type strange struct{ Size int }

var errStrange = errors.New("does not add up")

func (s *strange) Validate() error {
	return errors.Join(errStrange, errors.Join(&Error{Key: "size", Problem: "must be even"}))
}

func TestValidateMayReturnAnyError(t *testing.T) {
	checkLines(t, set(&strange{}, "size=3"), "does not add up", "--set: size: must be even")
	var outer struct{ Inner strange }
	checkLines(t, Check(&outer), "inner: does not add up", "inner.size: must be even")
}

func TestErrorWithoutFile(t *testing.T) {
	checkLines(t, Decode(newLearner(), "", []byte("\nalpha: 2")), "line 2: alpha = 2: must be in (0, 1]")
	e := Error{Key: "alpha", Value: "2", Problem: "must be in (0, 1]"}
	checkLines(t, &e, "alpha = 2: must be in (0, 1]")
	long := Decode(newLearner(), "f", []byte("alpha: "+strings.Repeat("é", 1000)))
	checkLines(t, long, "f:1: alpha = "+strings.Repeat("é", 60)+"…: must be a number")
}

func TestNoErrorIsNil(t *testing.T) {
	var ck Checks
	ck.Require(true, "key", 1, "must be 1")
	if err := ck.Err(); err != nil {
		t.Errorf("Checks: %v", err)
	}
	if err := Check(newLearner()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func TestNilSource(t *testing.T) {
	cfg := struct {
		Size int `yaml:"size"`
	}{1}
	if err := Load(&cfg, nil, Assign("--set", []string{"size=2"}), nil); err != nil || cfg.Size != 2 {
		t.Errorf("size %d, error %v", cfg.Size, err)
	}
}
