package results

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func ExampleGrid() {
	g := NewGrid("env", "steps/s")
	g.Columns = append(g.Columns,
		Column{"win rate", []string{"win_rate", "win_low", "win_high"}},
		Column{"", []string{"exact"}}) // for machines only
	g.Add(Text("matching-pennies"), Scaled(4_237_000), Interval(Estimate{0.5, 0.25, 0.75}, 2), Fixed(0.5, 1))
	g.Add(Text("rock|paper"), Scaled(999), Interval(Estimate{1. / 3, math.NaN(), math.NaN()}, 2), Fixed(math.NaN(), 1))
	for _, format := range Formats {
		if err := g.Render(os.Stdout, format); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// ┌──────────────────┬─────────┬───────────────────┐
	// │ env              │ steps/s │          win rate │
	// ├──────────────────┼─────────┼───────────────────┤
	// │ matching-pennies │  4.24 M │ 0.50 [0.25, 0.75] │
	// │ rock|paper       │     999 │              0.33 │
	// └──────────────────┴─────────┴───────────────────┘
	// | env              | steps/s |          win rate |
	// |:-----------------|--------:|------------------:|
	// | matching-pennies |  4.24 M | 0.50 [0.25, 0.75] |
	// | rock\|paper      |     999 |              0.33 |
	// \begin{tabular}{lrr}
	// \toprule
	// env & steps/s & win rate \\
	// \midrule
	// matching-pennies & 4.24 M & 0.50 [0.25, 0.75] \\
	// rock|paper & 999 & 0.33 \\
	// \bottomrule
	// \end{tabular}
	// env,steps/s,win_rate,win_low,win_high,exact
	// matching-pennies,4.237e+06,0.5,0.25,0.75,0.5
	// rock|paper,999,0.3333333333333333,,,
	// [
	//   {
	//     "env": "matching-pennies",
	//     "steps/s": 4237000,
	//     "win_rate": 0.5,
	//     "win_low": 0.25,
	//     "win_high": 0.75,
	//     "exact": 0.5
	//   },
	//   {
	//     "env": "rock|paper",
	//     "steps/s": 999,
	//     "win_rate": 0.3333333333333333,
	//     "win_low": null,
	//     "win_high": null,
	//     "exact": null
	//   }
	// ]
}

func TestCellTexts(t *testing.T) {
	nan := math.NaN()
	cases := []struct {
		cell Cell
		want string
	}{
		{Text("ppo"), "ppo"},
		{Int(uint64(math.MaxUint64)), "18446744073709551615"},
		{Int(-3), "-3"},
		{Fixed(-12.345, 1), "-12.3"},
		{Fixed(-0.04, 1), "0.0"},
		{Fixed(nan, 1), "—"},
		{Fixed(math.Inf(1), 1), "+Inf"},
		{Interval(Estimate{0.6384, 0.63, 0.646}, 3), "0.638 [0.630, 0.646]"},
		{Interval(Estimate{0.6384, nan, nan}, 3), "0.638"},
		{Interval(Estimate{nan, nan, nan}, 3), "—"},
		{Scaled(nan), "—"},
		{Scaled(0), "0"},
		{Scaled(0.5), "0.5"},
		{Scaled(999), "999"},
		{Scaled(999.4), "999"},
		{Scaled(999.5), "1 k"},
		{Scaled(38_400), "38.4 k"},
		{Scaled(4_200_000), "4.2 M"},
		{Scaled(999_600_000), "1 G"},
		{Scaled(-4_200_000), "-4.2 M"},
		{Seconds(nan), "—"},
		{Seconds(0.44), "0.4s"},
		{Seconds(4980.3), "1h23m0s"},
	}
	for _, c := range cases {
		if c.cell.Text != c.want {
			t.Errorf("%v: got %q, want %q", c.cell.Values, c.cell.Text, c.want)
		}
	}
}

// A table leaves out spare columns from the end until it fits; other formats and other columns do not.
func TestSpareColumns(t *testing.T) {
	for _, test := range []struct {
		long, spare int // characters of the first cell
		want        string
	}{
		{MaxWidth - 16, 2, "name one two"}, // the others have 3 characters, and each column has 3 of borders
		{MaxWidth - 15, 2, "name one"},
		{MaxWidth - 10, 2, "name one"},
		{MaxWidth - 9, 2, "name"},
		{MaxWidth, 2, "name"},
		{MaxWidth, 1, "name one"},
		{MaxWidth, 0, "name one two"},
	} {
		g := NewGrid("name", "one")
		g.Columns = append(g.Columns, Column{"two", nil}, Column{"", []string{"three"}})
		g.Spare = test.spare
		g.Add(Text(strings.Repeat("x", test.long)), Int(100), Cell{Text: "▁▂▃"}, Int(3))
		lines := strings.Split(render(t, g, "table"), "\n")
		if got := strings.Join(strings.Fields(strings.ReplaceAll(lines[1], "│", " ")), " "); got != test.want {
			t.Errorf("%d, %d: columns %s, want %s", test.long, test.spare, got, test.want)
		}
		if width := utf8.RuneCountInString(lines[0]); width != g.narrowed().width() {
			t.Errorf("%d, %d: %d characters, computed %d", test.long, test.spare, width, g.narrowed().width())
		}
		if !strings.Contains(render(t, g, "markdown"), "two") {
			t.Error("markdown leaves out a column")
		}
	}
}

func TestGridWithoutRows(t *testing.T) {
	want := map[string]string{
		"table":    "┌────┬──────┐\n│ id │ kind │\n└────┴──────┘\n",
		"markdown": "| id | kind |\n|:---|:-----|\n",
		"latex":    "\\begin{tabular}{ll}\n\\toprule\nid & kind \\\\\n\\midrule\n\\bottomrule\n\\end{tabular}\n",
		"csv":      "id,kind\n",
		"json":     "[]\n",
	}
	for _, format := range Formats {
		if got := render(t, NewGrid("id", "kind"), format); got != want[format] {
			t.Errorf("%s: got\n%s\nwant\n%s", format, got, want[format])
		}
	}
}

// Texts that a format gives a meaning to, and a curve that begins with a gap.
func TestGridEscapes(t *testing.T) {
	g := NewGrid("a b", `q"`)
	g.Columns = append(g.Columns, Column{Title: "two\nlines"})
	g.Add(Text(`x,"y"|`), Cell{"yes", []any{true}}, Cell{Text: " ▁█"})
	want := map[string]string{
		"table": `
┌────────┬─────┬───────┐
│ a b    │ q"  │ two   │
│        │     │ lines │
├────────┼─────┼───────┤
│ x,"y"| │ yes │  ▁█   │
└────────┴─────┴───────┘
`,
		"markdown": `
| a b     | q"  | two lines |
|:--------|:----|:----------|
| x,"y"\| | yes |  ▁█       |
`,
		"latex": `
\begin{tabular}{ll}
\toprule
a b & q" \\
\midrule
x,"y"| & yes \\
\bottomrule
\end{tabular}
`,
		"csv": `
a_b,"q"""
"x,""y""|",true
`,
		"json": `
[
  {
    "a_b": "x,\"y\"|",
    "q\"": true
  }
]
`}
	for _, format := range Formats {
		if got := "\n" + render(t, g, format); got != want[format] {
			t.Errorf("%s: got%s\nwant%s", format, got, want[format])
		}
	}
}

func TestEscapeLaTeX(t *testing.T) {
	const text, want = "a_b & {5 %}\n\\~^ $#≤ 0.5 ▁█", `a\_b \& \{5 \%\} \textbackslash{}\textasciitilde{}\textasciicircum{} \$\#$\leq$ 0.5`
	if got := escapeLaTeX(text); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGridErrors(t *testing.T) {
	err := NewGrid("id").Render(io.Discard, "xml")
	want := `no format is called "xml": choose one of table, markdown, latex, csv, json`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, format := range Formats {
		if err := NewGrid("id").Render(brokenPipe{}, format); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: a broken pipe is reported as %v", format, err)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAddPanicsOnWrongShape(t *testing.T) {
	g := NewGrid("id", "kind")
	mustPanic(t, func() { g.Add(Text("one")) })
	mustPanic(t, func() { g.Add(Text("one"), Interval(Estimate{}, 1)) })
}

func render(t *testing.T, g *Grid, format string) string {
	t.Helper()
	var b strings.Builder
	if err := g.Render(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
