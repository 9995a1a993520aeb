package results

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func ExampleEvalRow_Line() {
	fmt.Println(EvalHeader())
	fmt.Println(EvalRow{
		Step: 200_000, Episodes: 25_000, Mode: Greedy, Games: 1000,
		HackProbability: 0.638, HackLow: 0.608, HackHigh: 0.667, DetectionProbability: 0.25,
		AttackerReturn: 0.388, DefenderReturn: math.NaN(), EpisodeLength: 8,
	}.Line())
	// Output:
	// step,episodes,mode,games,hack_probability,hack_low,hack_high,detection_probability,attacker_return,defender_return,episode_length
	// 200000,25000,greedy,1000,0.638,0.608,0.667,0.25,0.388,,8
}

func ExampleTrainRow_Line() {
	fmt.Println(TrainHeader("epsilon", "loss/policy"))
	fmt.Println(TrainRow{Step: 1000, Episodes: 125, EpisodeLength: 8, Extra: []float64{0.1, math.NaN()}}.Line())
	// Output:
	// step,episodes,hack_probability,detection_probability,attacker_return,defender_return,episode_length,epsilon,loss/policy
	// 1000,125,0,0,0,0,8,0.1,
}

func TestEvalRoundTrip(t *testing.T) {
	nan := math.NaN()
	want := []EvalRow{
		{1, 2, Greedy, 3, 0.1, 1. / 3, math.Pi, 5e-324, -math.MaxFloat64, math.Inf(1), 8},
		{math.MaxInt64, 0, Sampled, 0, nan, nan, nan, 0, math.Copysign(0, -1), math.Inf(-1), 1e300},
	}
	got, _, err := ReadEval(strings.NewReader(evalFile(want...)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		g, w := got[i].columns(), want[i].columns()
		for j := range w {
			if x, ok := w[j].value.(*float64); ok {
				if math.Float64bits(*g[j].value.(*float64)) != math.Float64bits(*x) {
					t.Errorf("row %d, %s: got %v, want %v", i, w[j].name, *g[j].value.(*float64), *x)
				}
			} else if !reflect.DeepEqual(g[j], w[j]) {
				t.Errorf("row %d, %s: got %v, want %v", i, w[j].name, g[j].value, w[j].value)
			}
		}
	}
}

// Every field has a column: a new one that is forgotten in columns() fails here.
func TestColumnsAreComplete(t *testing.T) {
	if got, want := len(new(EvalRow).columns()), reflect.TypeFor[EvalRow]().NumField(); got != want {
		t.Errorf("eval.csv has %d columns, EvalRow has %d fields", got, want)
	}
	if got, want := len(new(TrainRow).columns())+1, reflect.TypeFor[TrainRow]().NumField(); got != want {
		t.Errorf("train.csv has %d columns with Extra, TrainRow has %d fields", got, want)
	}
}

func TestReadEvalFindsColumnsByName(t *testing.T) {
	file := "mode,text,games,step,episodes,hack_low,hack_probability,hack_high,detection_probability,attacker_return," +
		"more,defender_return,episode_length,most\nsampled,text,4,5,6,.1,.2,.3,.4,.5,.8,.6,.7,\nsampled,1,4,5,6,.1,.2,.3,.4,.5,.9,.6,.7,1\n"
	got, extra, err := ReadEval(strings.NewReader(file))
	row := EvalRow{5, 6, Sampled, 4, .2, .1, .3, .4, .5, .6, .7}
	if err != nil || !reflect.DeepEqual(got, []EvalRow{row, row}) {
		t.Errorf("got %v, %v, want %v twice", got, err, row)
	}
	if text := fmt.Sprint(extra.Columns, extra.Rows); text != "[more most] [[0.8 NaN] [0.9 1]]" {
		t.Errorf("extra columns %s", text)
	}
}

// A run may be read at any moment of its life: after each byte, the complete lines so far are there.
func TestReadIncompleteFile(t *testing.T) {
	file := evalFile(EvalRow{Step: 10, Mode: Greedy}, EvalRow{Step: 20, Mode: Sampled})
	for n := range len(file) + 1 {
		lines := strings.Count(file[:n], "\n")
		rows, _, err := ReadEval(strings.NewReader(file[:n]))
		if want := max(0, lines-1); err != nil || len(rows) != want {
			t.Fatalf("after %d bytes: %d rows, %v, want %d", n, len(rows), err, want)
		}
	}
}

func TestReadErrorsSayWhere(t *testing.T) {
	good := evalFile(EvalRow{Step: 10, Mode: Greedy})
	cases := []struct{ name, file, want string }{
		{"fraction of a step", good + "1.5,0,greedy,0,0,0,0,0,0,0,0\n",
			`line 3, column step: "1.5" is not a whole number`},
		{"empty step", good + ",0,greedy,0,0,0,0,0,0,0,0\n", `line 3, column step: "" is not a whole number`},
		{"no number", good + "1,0,greedy,0,0,0,0,0,0x,0,0\n", `line 3, column attacker_return: "0x" is not a number`},
		{"too large", good + "1,0,greedy,0,0,0,0,0,1e999,0,0\n",
			`line 3, column attacker_return: "1e999" is not a number`},
		{"unknown mode", good + "1,0,best,0,0,0,0,0,0,0,0\n",
			`line 3, column mode: "best" is neither greedy nor sampled`},
		{"short line", good + "1,0\n", "record on line 3: wrong number of fields"},
		{"missing column", "step,episodes\n1,2\n", "no column is called mode"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := ReadEval(strings.NewReader(c.file)); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := ReadCSV(strings.NewReader("a,b\n\n1,2\n3,x\n")); err == nil ||
		err.Error() != `line 4, column b: "x" is not a number` {
		t.Errorf("after an empty line: %v", err)
	}
	if _, err := ReadCSV(iotest.ErrReader(iotest.ErrTimeout)); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("broken reader: %v", err)
	}
}

func TestReadCSV(t *testing.T) {
	table, err := ReadCSV(strings.NewReader("step,loss/policy\r\n1,\r\n2,-1e-3\r\n3,0."))
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Column("step"); !reflect.DeepEqual(got, []float64{1, 2}) {
		t.Errorf("step: %v", got)
	}
	if got := table.Column("loss/policy"); !math.IsNaN(got[0]) || got[1] != -0.001 {
		t.Errorf("loss/policy: %v", got)
	}
	if got := table.Column("loss"); got != nil {
		t.Errorf("loss: %v", got)
	}
}

func TestTrainHeaderPanicsOnBadName(t *testing.T) {
	for _, name := range []string{"a,b", `a"`, "a\n"} {
		mustPanic(t, func() { TrainHeader(name) })
	}
}

// FuzzReadCSV holds that no file makes a reader panic, that every row of a Table has all columns, and that what
// ReadEval accepts is the same after it has been written and read again.
func FuzzReadCSV(f *testing.F) {
	f.Add(evalFile(EvalRow{Step: 1, Mode: Greedy, HackLow: math.NaN()}, EvalRow{Mode: Sampled, HackHigh: math.Inf(-1)}))
	f.Add(TrainHeader("epsilon") + "\n" + TrainRow{Extra: []float64{1e-300}}.Line() + "\n1,2")
	for _, file := range []string{"", "\n", "a\n\n", "a,b\n1\n", "a,a\n0x1p-2,nan\n", "\"a\nb\"\n1\n", "\"\n"} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if table, err := ReadCSV(strings.NewReader(file)); err == nil {
			for _, row := range table.Rows {
				if len(row) != len(table.Columns) {
					t.Fatalf("%d values in %d columns", len(row), len(table.Columns))
				}
			}
		}
		rows, _, err := ReadEval(strings.NewReader(file))
		if err != nil {
			return
		}
		written := evalFile(rows...)
		again, _, err := ReadEval(strings.NewReader(written))
		if err != nil {
			t.Fatal(err)
		}
		if got := evalFile(again...); got != written {
			t.Errorf("got  %q\nwant %q", got, written)
		}
	})
}

// evalFile returns the contents of an eval.csv.
func evalFile(rows ...EvalRow) string {
	file := EvalHeader() + "\n"
	for _, row := range rows {
		file += row.Line() + "\n"
	}
	return file
}
