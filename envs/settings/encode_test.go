package settings

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	type empty struct{}
	cfg := struct {
		learner `yaml:"unused"` // an embedded struct has no key
		Empty   empty           `yaml:"empty" usage:"nothing yet"`
		Long    string          `yaml:"long" choice:"a|b"`
	}{learner: *newLearner(), Long: "b"}
	cfg.Alpha, cfg.Neighbors, cfg.Note = 1e-5, [][2]int{{-1, 0}, {1, 0}}, "yes"
	want := `# step size α; in (0, 1]
alpha: 1e-05
# server rows; in [0, 20]
num_layers: 0
# key of the table; one of auto, node, full
state: auto
note: "yes"
# pay at every step
dense_rewards: false
# units of each layer; in [1, inf)
hidden: [64]
# relative positions
neighbors: [[-1, 0], [1, 0]]
# memory of past steps
replay:
  # steps; in [1, inf)
  size: 100
  batch: 10
start: 0
end: 0
# in [0, 1]
gamma: 0
# nothing yet
empty: {}
# one of a, b
long: b
`
	if got := string(Encode(&cfg)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Compact leaves out what is tagged omitempty and empty, and nothing else; what is left out reads back as it was.
func TestCompact(t *testing.T) {
	type config struct {
		Name  string  `yaml:"name,omitempty" usage:"a name"`
		Count int     `yaml:"count,omitempty"`
		Empty string  `yaml:"empty"`
		Bound Section `yaml:"bound,omitempty"`
		Free  Section `yaml:"free,omitempty"`
	}
	var empty, full config
	full.Name, full.Count = "x", 3
	if err := errors.Join(full.Bound.Bind(&replay{1, 1}), full.Free.Bind(&struct{}{})); err != nil {
		t.Fatal(err)
	}
	const all = "# a name\nname: \"\"\ncount: 0\nempty: \"\"\nbound: {}\nfree: {}\n"
	const rest = "# a name\nname: x\ncount: 3\nempty: \"\"\nbound:\n  # steps; in [1, inf)\n  size: 1\n  batch: 1\n"
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{Compact(&empty), "empty: \"\"\n"}, {Encode(&empty), all}, {Compact(&full), rest}, {Encode(&full), rest + "free: {}\n"},
	} {
		if string(c.got) != c.want {
			t.Errorf("got\n%s\nwant\n%s", c.got, c.want)
		}
	}
	var again config
	checkLines(t, Decode(&again, "compact", Compact(&full)))
	if again.Name != "x" || again.Count != 3 {
		t.Errorf("%+v", again)
	}
}

func TestCommentsWrap(t *testing.T) {
	word := strings.Repeat("é", 49)
	f := Field{Usage: word + "\n " + word + " " + strings.Repeat("x", 200) + " end", Range: "[0, 1]"}
	var b bytes.Buffer
	writeComment(&b, "# ", f)
	want := "# " + word + "\n# " + word + "\n# " + strings.Repeat("x", 200) + "\n# end; in [0, 1]\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	b.Reset()
	writeComment(&b, "#", Field{Usage: word + " " + word}) // exactly 100 columns
	if strings.Count(b.String(), "\n") != 1 {
		t.Errorf("got\n%s", b.String())
	}
}

// kinds has every kind of setting.
type kinds struct {
	Bool    bool
	Int     int
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Float32 float32
	Float64 float64
	Text    string
	Lists   struct {
		Bools   []bool
		Ints    []int `range:"[-1e6, 1e6]"`
		Floats  []float64
		Texts   []string
		Pairs   [][2]int
		Nested  [][]float32
		Grouped struct {
			Chosen []string `choice:"a|b"`
		}
	}
}

// equal compares the bits of floats, too: 0 and −0 differ.
func equal(a, b *kinds) bool {
	sameZeros := math.Float64bits(a.Float64) == math.Float64bits(b.Float64) &&
		math.Float32bits(a.Float32) == math.Float32bits(b.Float32)
	return sameZeros && reflect.DeepEqual(a, b)
}

func checkRoundTrip(t *testing.T, cfg *kinds) {
	t.Helper()
	text := Encode(cfg)
	var again kinds
	if err := Decode(&again, "encoded", text); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !equal(cfg, &again) {
		t.Fatalf("%+v came back as\n%+v from\n%s", cfg, again, text)
	}
	if !bytes.Equal(text, Encode(&again)) {
		t.Fatalf("two texts for %+v", cfg)
	}
}

func TestRoundTripOfExtremes(t *testing.T) {
	cfg := kinds{
		Bool: true, Int: math.MinInt, Int8: math.MinInt8, Int16: math.MinInt16, Int32: math.MinInt32,
		Int64: math.MaxInt64, Uint: math.MaxUint, Uint8: math.MaxUint8, Uint16: math.MaxUint16,
		Uint32: math.MaxUint32, Uint64: math.MaxUint64, Float32: math.SmallestNonzeroFloat32,
		Float64: math.Copysign(0, -1),
	}
	cfg.Lists.Floats = []float64{math.Inf(1), math.Inf(-1), math.MaxFloat64, 5e-324, 0.1, 1e21, 123456789}
	cfg.Lists.Nested = [][]float32{nil, {math.MaxFloat32, 0.1}}
	cfg.Lists.Texts = []string{
		"", " ", "null", "~", "true", "No", "1e5", "0x1", ".inf", "a b", "a: b", "a #b", "#", "- a", "[x]", "{x}", "&a",
		"*a", "!t", "|", ">", "%", "@", "`", "'", `"`, `\`, ",", "?", ":", "a,b", "\n", "a\n\n b\n", "\r\n", "\t", "\x00",
		"\x7f", "\u0085", "\u2028", "\ufeff", "α β", "😀", "---", "...", "<<", "2020-01-01", "x/y.z-1_2",
		strings.Repeat("long ", 99),
	}
	checkRoundTrip(t, &cfg)
}

func TestRoundTripOfRandomValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		cfg := kinds{
			Bool: rng.IntN(2) == 0, Int: int(rng.Uint64()), Int64: int64(rng.Uint64()) >> rng.IntN(64),
			Uint64: rng.Uint64() >> rng.IntN(64), Float32: math.Float32frombits(rng.Uint32()),
			Float64: math.Float64frombits(rng.Uint64()),
		}
		for range rng.IntN(8) {
			r := rune(rng.IntN(1 << (1 + rng.IntN(20))))
			cfg.Text += string(r) // U+FFFD for what is no character
			cfg.Lists.Texts = append(cfg.Lists.Texts, string(r)+cfg.Text)
			cfg.Lists.Pairs = append(cfg.Lists.Pairs, [2]int{rng.IntN(9), -rng.IntN(9)})
		}
		if cfg.Float32 == cfg.Float32 && cfg.Float64 == cfg.Float64 { // NaN is no setting
			checkRoundTrip(t, &cfg)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(&kinds{}))
	for _, s := range []string{
		"int: 1e5\nfloat64: .inf\ntext: 'x'\n", "lists:\n  ints: [1, 2]\n  pairs:\n  - [1, 2]\n", "lists.ints: []",
		"a: &x 1\nb: *x\n<<: {a: 1}\n", "? a\n: b", "---\n...\n---\n", "text: |\n  a\n\n  b\n", "\tint: 1", "{int: [{[",
		"text: \"\\ud83d\\ude00\\\n  x\"", "text: !!binary aGk=", "%TAG ! x\n---\nint: 1", "text: >-\n x\n\n\n y\n",
		"section: {ints: [1], x: {y: 1}}\nsection.ints: 2",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var cfg kinds
		checkOneLineEach(t, set(&kinds{}, string(data), "text="+string(data), "lists="+string(data)))
		if err := Decode(&cfg, "fuzz", data); err != nil {
			checkOneLineEach(t, err)
		} else {
			checkRoundTrip(t, &cfg)
		}
		var outer struct{ Section, Lists Section }
		checkOneLineEach(t, Decode(&outer, "fuzz", data))
		checkOneLineEach(t, outer.Lists.Bind(&cfg.Lists))
	})
}

func checkOneLineEach(t *testing.T, err error) {
	if err == nil {
		return
	}
	for _, e := range func() Errors {
		var target Errors
		_ = errors.As(err, &target)
		return target
	}() {
		if strings.ContainsAny(e.Error(), "\r\n") || e.Problem == "" {
			t.Errorf("error %q", e)
		}
	}
}
