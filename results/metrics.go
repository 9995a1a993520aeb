package results

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Mode says how a policy chose its actions in an evaluation.
type Mode string

const (
	Greedy  Mode = "greedy"  // the best action by its own estimate
	Sampled Mode = "sampled" // drawn from its distribution
)

// Modes are all modes.
var Modes = []Mode{Greedy, Sampled}

// An EvalRow is one line of eval.csv: Games games played after Step steps of training. NaN means that there is no
// value.
type EvalRow struct {
	Step                 int64 // steps of the environment since the start of training
	Episodes             int64 // episodes finished by then
	Mode                 Mode
	Games                int64
	HackProbability      float64 // share of games in which the attacker reached its goal
	HackLow, HackHigh    float64 // 95 % Wilson interval of it
	DetectionProbability float64 // share of games in which the attacker was caught
	AttackerReturn       float64 // mean over games, without discount
	DefenderReturn       float64
	EpisodeLength        float64 // mean number of steps
}

// columns ties the names in eval.csv to the fields, for the writer and the reader alike.
func (r *EvalRow) columns() []column {
	return []column{
		{"step", &r.Step},
		{"episodes", &r.Episodes},
		{"mode", &r.Mode},
		{"games", &r.Games},
		{"hack_probability", &r.HackProbability},
		{"hack_low", &r.HackLow},
		{"hack_high", &r.HackHigh},
		{"detection_probability", &r.DetectionProbability},
		{"attacker_return", &r.AttackerReturn},
		{"defender_return", &r.DefenderReturn},
		{"episode_length", &r.EpisodeLength},
	}
}

// EvalHeader returns the first line of eval.csv for rows with these extra metrics, as TrainHeader.
func EvalHeader(extra ...string) string { return header(named(new(EvalRow).columns(), extra)) }

// Line returns the row as a line of eval.csv, with the values of its extra metrics.
func (r EvalRow) Line(extra ...float64) string { return line(valued(r.columns(), extra)) }

// A TrainRow is one line of train.csv: what happened in training since the line before, exploration included. NaN means
// that there is no value.
type TrainRow struct {
	Step, Episodes       int64 // as in EvalRow
	HackProbability      float64
	DetectionProbability float64
	AttackerReturn       float64
	DefenderReturn       float64
	EpisodeLength        float64
	Extra                []float64 // the algorithm's own metrics, as named in TrainHeader
}

func (r *TrainRow) columns() []column {
	return []column{
		{"step", &r.Step},
		{"episodes", &r.Episodes},
		{"hack_probability", &r.HackProbability},
		{"detection_probability", &r.DetectionProbability},
		{"attacker_return", &r.AttackerReturn},
		{"defender_return", &r.DefenderReturn},
		{"episode_length", &r.EpisodeLength},
	}
}

// TrainHeader returns the first line of train.csv for rows with these extra metrics. A name with a comma, a quote or a
// line break panics.
func TrainHeader(extra ...string) string { return header(named(new(TrainRow).columns(), extra)) }

// Line returns the row as a line of train.csv.
func (r TrainRow) Line() string { return line(valued(r.columns(), r.Extra)) }

// named appends columns of these names.
func named(columns []column, extra []string) []column {
	for _, name := range extra {
		if strings.ContainsAny(name, ",\"\r\n") {
			panic(fmt.Sprintf("results: %q cannot name a column", name))
		}
		columns = append(columns, column{name: name})
	}
	return columns
}

// valued appends columns of these values.
func valued(columns []column, extra []float64) []column {
	for i := range extra {
		columns = append(columns, column{value: &extra[i]})
	}
	return columns
}

// A column is a name and a pointer to a row's value: *int64, *float64 or *Mode.
type column struct {
	name  string
	value any
}

func header(columns []column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(names, ",")
}

func line(columns []column) string {
	cells := make([]string, len(columns))
	for i, c := range columns {
		switch v := c.value.(type) {
		case *int64:
			cells[i] = strconv.FormatInt(*v, 10)
		case *float64:
			cells[i] = formatFloat(*v)
		case *Mode:
			cells[i] = string(*v)
		}
	}
	return strings.Join(cells, ",")
}

// parse is the inverse of line for one cell.
func (c column) parse(cell string) (err error) {
	switch v := c.value.(type) {
	case *int64:
		if *v, err = strconv.ParseInt(cell, 10, 64); err != nil {
			return fmt.Errorf("%.40q is not a whole number", cell)
		}
	case *float64:
		*v, err = parseFloat(cell)
	case *Mode:
		if *v = Mode(cell); *v != Greedy && *v != Sampled {
			return fmt.Errorf("%.40q is neither %s nor %s", cell, Greedy, Sampled)
		}
	}
	return err
}

// formatFloat writes the shortest decimal that parseFloat reads back as x, bit for bit, and nothing for NaN.
func formatFloat(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func parseFloat(cell string) (float64, error) {
	if cell == "" {
		return math.NaN(), nil
	}
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a number", cell)
	}
	return x, nil
}

// ReadEval reads eval.csv. It finds the columns by name. The others are extra, with a row for each of rows; those that hold
// anything but numbers are passed over. A last line without a line feed is still being written, or was when the run was
// killed: it is ignored.
func ReadEval(r io.Reader) (rows []EvalRow, extra Table, err error) {
	names, records, err := readRecords(r)
	if err != nil {
		return nil, extra, err
	}
	rows, extra.Rows = make([]EvalRow, len(records)), make([][]float64, len(records))
	for i, rec := range records {
		for _, c := range rows[i].columns() {
			at := slices.Index(names, c.name)
			if at < 0 {
				return nil, extra, fmt.Errorf("no column is called %s", c.name)
			}
			if err := c.parse(rec.cells[at]); err != nil {
				return nil, extra, fmt.Errorf("line %d, column %s: %w", rec.line, c.name, err)
			}
		}
	}
	known := new(EvalRow).columns()
	for at, name := range names {
		if slices.ContainsFunc(known, func(c column) bool { return c.name == name }) {
			continue
		}
		if values, ok := numbers(records, at); ok {
			extra.add(name, values)
		}
	}
	return rows, extra, nil
}

// numbers are the values of a column, if all are numbers.
func numbers(records []record, at int) ([]float64, bool) {
	values := make([]float64, len(records))
	for i, rec := range records {
		var err error
		if values[i], err = parseFloat(rec.cells[at]); err != nil {
			return nil, false
		}
	}
	return values, true
}

// A Table is a CSV file of numbers, such as train.csv. An empty cell is NaN.
type Table struct {
	Columns []string
	Rows    [][]float64 // each as long as Columns

	lines int // read so far
}

// Column returns the values under name, from top to bottom, and nil if no column is called so.
func (t *Table) Column(name string) []float64 {
	at := slices.Index(t.Columns, name)
	if at < 0 {
		return nil
	}
	values := make([]float64, len(t.Rows))
	for i, row := range t.Rows {
		values[i] = row[at]
	}
	return values
}

// add appends a column, with a value for each row.
func (t *Table) add(name string, values []float64) {
	t.Columns = append(t.Columns, name)
	for i, x := range values {
		t.Rows[i] = append(t.Rows[i], x)
	}
}

// Last is the value under name in the last row, NaN if there is none.
func (t *Table) Last(name string) float64 {
	at := slices.Index(t.Columns, name)
	if at < 0 || len(t.Rows) == 0 {
		return math.NaN()
	}
	return t.Rows[len(t.Rows)-1][at]
}

// ReadCSV reads a header and lines of numbers. As in ReadEval, a last line without a line feed is ignored.
func ReadCSV(r io.Reader) (*Table, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	t := new(Table)
	_, err = t.Append(data)
	return t, err
}

// Append reads the complete lines of data, which go on where those before have ended: the header, then rows. It returns
// how many bytes these are. Names are not quoted.
func (t *Table) Append(data []byte) (n int, err error) {
	for {
		end := bytes.IndexByte(data[n:], '\n')
		if end < 0 {
			return n, nil
		}
		if err := t.line(bytes.TrimSuffix(data[n:n+end], []byte{'\r'})); err != nil {
			return n, err
		}
		n += end + 1
	}
}

// line reads a line. Empty ones are passed over.
func (t *Table) line(text []byte) error {
	t.lines++
	switch {
	case len(text) == 0:
		return nil
	case t.Columns == nil:
		t.Columns = strings.Split(string(text), ",")
		return nil
	}
	row := make([]float64, len(t.Columns))
	for i := range row {
		cell, rest, more := bytes.Cut(text, []byte{','})
		if more != (i < len(row)-1) {
			return fmt.Errorf("line %d has not %d values", t.lines, len(row))
		}
		var err error
		if row[i], err = parseFloat(string(cell)); err != nil {
			return fmt.Errorf("line %d, column %s: %w", t.lines, t.Columns[i], err)
		}
		text = rest
	}
	t.Rows = append(t.Rows, row)
	return nil
}

// A record is one line of a CSV file under the header, with as many cells as that.
type record struct {
	line  int
	cells []string
}

// readRecords reads the complete lines of a CSV file.
func readRecords(r io.Reader) (names []string, records []record, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	reader := csv.NewReader(bytes.NewReader(data[:bytes.LastIndexByte(data, '\n')+1]))
	for {
		cells, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return names, records, nil
		case err != nil:
			return nil, nil, err
		case names == nil:
			names = cells
		default:
			at, _ := reader.FieldPos(0)
			records = append(records, record{at, cells})
		}
	}
}
