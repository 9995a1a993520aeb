package results

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Formats are the formats that Grid.Render knows: three for people, two for machines.
var Formats = []string{"table", "markdown", "latex", "csv", "json"}

// A Grid is a table that is shown to people or machines.
type Grid struct {
	Columns []Column
	Rows    [][]Cell // each as long as Columns
	Spare   int      // how many columns a table may leave out, from the last one on, to be no wider than MaxWidth
}

// MaxWidth is the number of characters in a line of a table that most terminals show.
const MaxWidth = 130

// A Column has a title for people, which may hold line feeds, and names for machines, one for each value of its
// cells. Without a title it is left out for people, without names for machines.
type Column struct {
	Title string
	Names []string
}

// A Cell holds a text for people and values for machines, one for each name of its column: bool, string, int, int64,
// uint64 or float64. NaN means that there is no value.
type Cell struct {
	Text   string
	Values []any
}

// NewGrid returns a grid without rows, with a column of one value for each title. Its name is the title with an
// underscore for each space. Columns of another kind are appended to Grid.Columns before the first row.
func NewGrid(titles ...string) *Grid {
	g := &Grid{}
	for _, title := range titles {
		name := strings.Join(strings.Fields(title), "_")
		g.Columns = append(g.Columns, Column{title, []string{name}})
	}
	return g
}

// IntervalColumn returns a column for cells of Interval. Its names are NAME, NAME_low and NAME_high.
func IntervalColumn(title, name string) Column { return Column{title, interval(name)} }

// interval names the three values of an estimate.
func interval(name string) []string { return []string{name, name + "_low", name + "_high"} }

// Add appends a row. It panics if the cells or their values are not as many as the columns and their names.
func (g *Grid) Add(cells ...Cell) {
	fits := func(c Cell, col Column) bool { return len(c.Values) == len(col.Names) }
	if !slices.EqualFunc(cells, g.Columns, fits) {
		panic(fmt.Sprintf("results: row %v does not fit columns %v", cells, g.Columns))
	}
	g.Rows = append(g.Rows, cells)
}

// noValue stands in a table where there is no value.
const noValue = "—"

// Text shows a string as it is.
func Text(s string) Cell { return Cell{s, []any{s}} }

// Int shows a whole number.
func Int[T int | int64 | uint64](n T) Cell { return Cell{fmt.Sprint(n), []any{n}} }

// Fixed shows x with so many digits after the point.
func Fixed(x float64, digits int) Cell { return Cell{fixed(x, digits), []any{x}} }

func fixed(x float64, digits int) string {
	if math.IsNaN(x) {
		return noValue
	}
	text := strconv.FormatFloat(x, 'f', digits, 64)
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-") // nothing below zero is left
	}
	return text
}

// Scaled shows x in three digits, in thousands (k), millions (M) or billions (G): 4.2 M.
func Scaled(x float64) Cell {
	if math.IsNaN(x) {
		return Cell{noValue, []any{x}}
	}
	scaled, units := x, []string{"", " k", " M", " G"}
	for math.Abs(scaled) >= 999.5 && len(units) > 1 { // 999.5 is where three digits become four
		scaled, units = scaled/1000, units[1:]
	}
	return Cell{strconv.FormatFloat(scaled, 'g', 3, 64) + units[0], []any{x}}
}

// Seconds shows a duration to the second, 1h23m0s, or if it is short to a tenth, 2.5s.
func Seconds(s float64) Cell {
	text := noValue
	switch {
	case s < 10:
		text = fixed(s, 1) + "s"
	case !math.IsNaN(s):
		text = time.Duration(math.Round(s) * float64(time.Second)).String()
	}
	return Cell{text, []any{s}}
}

// Interval shows an estimate as 0.638 [0.630, 0.646]. Its column has three names: for the value, the low and the high
// end.
func Interval(e Estimate, digits int) Cell {
	text := fixed(e.Value, digits)
	if !math.IsNaN(e.Low) {
		text += fmt.Sprintf(" [%s, %s]", fixed(e.Low, digits), fixed(e.High, digits))
	}
	return Cell{text, []any{e.Value, e.Low, e.High}}
}

// Proportion shows successes among so many trials with the Wilson interval. Its column is like that of Interval.
func Proportion(successes, n int64) Cell {
	low, high := Wilson(int(successes), int(n), Z95)
	return Interval(Estimate{Value: float64(successes) / float64(n), Low: low, High: high}, 3)
}

// NormalMean shows a mean with the half-width of its normal 95 % interval, 0.25 ± 0.02. Its column is like that of
// Interval.
func NormalMean(mean, standardError float64, digits int) Cell {
	half := Z95 * standardError
	return Cell{fixed(mean, digits) + " ± " + fixed(half, digits), []any{mean, mean - half, mean + half}}
}

// Render writes the grid in one of the Formats.
func (g *Grid) Render(w io.Writer, format string) error {
	switch format {
	case "table":
		lines := tw.NewSymbols(tw.StyleLight)
		return g.narrowed().renderText(w, renderer.NewBlueprint(tw.Rendition{Symbols: lines}), strings.NewReplacer())
	case "markdown":
		return g.renderText(w, renderer.NewMarkdown(), strings.NewReplacer("\n", " ", "|", `\|`))
	case "latex":
		return g.renderLaTeX(w)
	case "csv":
		return g.renderCSV(w)
	case "json":
		return g.renderJSON(w)
	}
	return fmt.Errorf("no format is called %q: choose one of %s", format, strings.Join(Formats, ", "))
}

// narrowed is the grid without the titles of those spare columns that are too much for MaxWidth.
func (g *Grid) narrowed() *Grid {
	narrow := &Grid{Columns: slices.Clone(g.Columns), Rows: g.Rows}
	spare := g.Spare
	for i := len(g.Columns) - 1; i >= 0 && spare > 0 && narrow.width() > MaxWidth; i-- {
		if g.Columns[i].Title != "" {
			narrow.Columns[i].Title = ""
			spare--
		}
	}
	return narrow
}

// width is the number of characters in a line of the table.
func (g *Grid) width() int {
	sum := 1 // the line at the end
	for i, col := range g.Columns {
		if col.Title == "" {
			continue
		}
		widest := 0
		for line := range strings.SplitSeq(col.Title, "\n") {
			widest = max(widest, utf8.RuneCountInString(line))
		}
		for _, row := range g.Rows {
			widest = max(widest, utf8.RuneCountInString(row[i].Text))
		}
		sum += widest + 3 // a line and two spaces
	}
	return sum
}

// renderText writes the texts of the columns that have a title.
func (g *Grid) renderText(w io.Writer, drawing tw.Renderer, escape *strings.Replacer) error {
	var titles []string
	var aligns []tw.Align
	rows := make([][]string, len(g.Rows))
	for i, col := range g.Columns {
		if col.Title == "" {
			continue
		}
		titles = append(titles, escape.Replace(col.Title))
		aligns = append(aligns, g.align(i))
		for j, row := range g.Rows {
			rows[j] = append(rows[j], escape.Replace(row[i].Text))
		}
	}
	cells := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
		Alignment:  tw.CellAlignment{PerColumn: aligns},
	}
	var text bytes.Buffer // the package does not report what w reports
	table := tablewriter.NewTable(&text,
		tablewriter.WithConfig(tablewriter.Config{Header: cells, Row: cells}),
		tablewriter.WithRenderer(drawing),
		tablewriter.WithTrimSpace(tw.Off), // a curve may begin with a gap
		tablewriter.WithEastAsian(tw.Off)) // the same table in every locale
	table.Header(titles)
	if err := table.Bulk(rows); err != nil {
		return err
	}
	if err := table.Render(); err != nil {
		return err
	}
	_, err := w.Write(text.Bytes())
	return err
}

var latex = strings.NewReplacer("\n", " ", `\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "$", `\$`, "&", `\&`, "#", `\#`,
	"%", `\%`, "_", `\_`, "^", `\textasciicircum{}`, "~", `\textasciitilde{}`, noValue, "---", "≤", `$\leq$`)

// escapeLaTeX writes what means something to LaTeX otherwise, and leaves out sparklines, which its fonts lack.
func escapeLaTeX(text string) string {
	return strings.TrimRight(latex.Replace(text), " "+bars)
}

// renderLaTeX writes a tabular with the rules of the package booktabs. It leaves out columns that only draw.
func (g *Grid) renderLaTeX(w io.Writer) error {
	var b bytes.Buffer
	line := func(cell func(column int) string) {
		var cells []string
		for i, col := range g.Columns {
			if col.Title != "" && len(col.Names) > 0 {
				cells = append(cells, escapeLaTeX(cell(i)))
			}
		}
		fmt.Fprintf(&b, "%s \\\\\n", strings.Join(cells, " & "))
	}
	b.WriteString(`\begin{tabular}{`)
	for i, col := range g.Columns {
		if col.Title != "" && len(col.Names) > 0 {
			b.WriteString(map[tw.Align]string{tw.AlignLeft: "l", tw.AlignRight: "r"}[g.align(i)])
		}
	}
	b.WriteString("}\n\\toprule\n")
	line(func(i int) string { return g.Columns[i].Title })
	b.WriteString("\\midrule\n")
	for _, row := range g.Rows {
		line(func(i int) string { return row[i].Text })
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	_, err := w.Write(b.Bytes())
	return err
}

// align puts columns of numbers to the right.
func (g *Grid) align(column int) tw.Align {
	if len(g.Rows) == 0 || len(g.Columns[column].Names) == 0 {
		return tw.AlignLeft
	}
	switch g.Rows[0][column].Values[0].(type) {
	case string, bool:
		return tw.AlignLeft
	}
	return tw.AlignRight
}

// names returns what machines call the columns.
func (g *Grid) names() []string {
	var names []string
	for _, col := range g.Columns {
		names = append(names, col.Names...)
	}
	return names
}

// values returns a row as machines see it, as long as names.
func values(row []Cell) []any {
	var values []any
	for _, cell := range row {
		values = append(values, cell.Values...)
	}
	return values
}

func (g *Grid) renderCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	lines := [][]string{g.names()}
	for _, row := range g.Rows {
		var line []string
		for _, v := range values(row) {
			if x, ok := v.(float64); ok {
				line = append(line, formatFloat(x))
			} else {
				line = append(line, fmt.Sprint(v))
			}
		}
		lines = append(lines, line)
	}
	return out.WriteAll(lines)
}

// renderJSON writes an array of objects, whose keys stand in the order of the columns. What is no JSON number is null.
func (g *Grid) renderJSON(w io.Writer) error {
	names := g.names()
	rows := make([]json.RawMessage, len(g.Rows))
	for i, row := range g.Rows {
		pairs := make([]string, len(names))
		for j, v := range values(row) {
			if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
				v = nil
			}
			value, err := json.Marshal(v)
			if err != nil {
				return err
			}
			pairs[j] = fmt.Sprintf("%q:%s", names[j], value)
		}
		rows[i] = json.RawMessage("{" + strings.Join(pairs, ",") + "}")
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}
