package qlearning

import (
	"maps"
	"math"
	"slices"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

// pageWidth is the most actions of a page of a hash table.
const pageWidth = 64

// table holds the values of all actions, a row for each state. A row is a page of values in a table by number. In a hash
// table it is cut into several, which take memory from their first update on: where there are hundreds of actions, few are
// ever tried in a state.
type table struct {
	actions  int
	width    int       // actions of a page; the last page of a row may have room for more
	pages    []uint32  // [rows x pages of a row], where they stand in q and n; page 0 if there was no update
	blank    []uint32  // [pages of a row], a row without updates
	q        []float64 // [pages x width], those of page 0 before the first update
	n        []uint32  // [pages x width], updates so far; empty if the step size does not depend on them
	encoding int       // which of the environment's encodings numbers the rows, unless it is a hash table

	// Of a hash table only.
	index map[string]int // row by key; nil if the table is none
	keys  []string       // by row
	max   int            // rows
	key   []byte         // scratch
}

// newTable has no rows. Its updates are counted, or not.
func newTable(actions, width int, initial float64, counted bool) table {
	t := table{
		actions: actions, width: width,
		blank: make([]uint32, (actions+width-1)/width), q: slices.Repeat([]float64{initial}, width),
	}
	if counted {
		t.n = make([]uint32, width)
	}
	return t
}

// newPage is the number of a copy of page 0.
func (t *table) newPage() uint32 {
	page := len(t.q) / t.width
	t.q = append(t.q, t.q[:t.width]...)
	if len(t.n) > 0 {
		t.n = append(t.n, t.n[:t.width]...)
	}
	return uint32(page)
}

func (t *table) rows() int { return len(t.pages) / len(t.blank) }

// row is the pages of a row; of row -1, those of a state that is not in the table.
func (t *table) row(row int) []uint32 {
	if row < 0 {
		return t.blank
	}
	return t.pages[row*len(t.blank):][:len(t.blank)]
}

// best is the first of the best legal actions, and its value.
func (t *table) best(row int, legal []bool) (action int, value float64) {
	if t.index == nil { // row r is page r + 1: no need to look
		values := t.q[(row+1)*t.width:][:t.width]
		action = nets.ArgmaxLegal(values, legal)
		return action, values[action]
	}
	action = -1
	for k, page := range t.row(row) {
		first := k * t.width
		values := t.q[int(page)*t.width:][:t.width]
		a := nets.ArgmaxLegal(values, legal[first:min(first+t.width, len(legal))])
		if a >= 0 && (action < 0 || values[a] > value) {
			action, value = first+a, values[a]
		}
	}
	return action, value
}

// entry is where the value of an action stands in q, and its updates in n, on a page that is the row's own.
func (t *table) entry(row, action int) int {
	if t.index == nil {
		return (row+1)*t.width + action
	}
	page := &t.row(row)[action/t.width]
	if *page == 0 {
		*page = t.newPage()
	}
	return int(*page)*t.width + action%t.width
}

// copyRow is a copy of what column, q or n, has in a row.
func copyRow[T any](t *table, row int, column []T) []T {
	var dst []T
	for _, page := range t.row(row) {
		dst = append(dst, column[int(page)*t.width:][:t.width]...)
	}
	return dst[:t.actions]
}

// visit is the row of what seat sees, a new one where it was never seen before.
func (t *table) visit(env envs.Env, seat int) int {
	if t.index == nil {
		return env.State(seat, t.encoding)
	}
	row := t.find(env, seat)
	if row < 0 {
		row = t.rows()
		key := string(t.key)
		t.index[key] = row
		t.keys = append(t.keys, key)
		t.pages = append(t.pages, t.blank...)
	}
	return row
}

// find is the row of what seat sees; of a state that was never seen, -1, unless it shares the last row.
func (t *table) find(env envs.Env, seat int) int {
	if t.index == nil {
		return env.State(seat, t.encoding)
	}
	t.key = env.AppendKey(t.key[:0], seat)
	if row, ok := t.index[string(t.key)]; ok {
		return row
	}
	if t.rows() == t.max {
		return t.max - 1
	}
	return -1
}

// share is what a policy needs. It holds until t changes.
func (t *table) share() table {
	c := *t
	c.keys, c.key = nil, nil
	return c
}

// clone is what find needs. It shares nothing with t that changes, and does not know how often its values were updated.
func (t *table) clone() table {
	c := t.share()
	c.pages, c.q, c.n, c.index = slices.Clone(t.pages), slices.Clone(t.q), nil, maps.Clone(t.index)
	return c
}

func (t *table) encode(e *algos.Encoder) {
	e.Int(t.actions)
	e.Int(len(t.keys))
	for _, key := range t.keys {
		e.Bytes([]byte(key))
	}
	if t.index != nil {
		e.Uint32s(t.pages)
	}
	e.Floats(t.q)
	e.Uint32s(t.n)
}

// decode restores what encode saved into a table of the same kind.
func (t *table) decode(d *algos.Decoder) {
	d.Expect("number of actions", t.actions)
	keys, rows := d.Int(), t.rows()
	if t.index != nil && keys > t.max {
		d.Fail("%d states in a table of at most %d", keys, t.max)
		return
	}
	if t.index != nil {
		rows, t.index, t.keys = keys, map[string]int{}, nil
		for range keys {
			key := string(d.Bytes())
			if _, repeated := t.index[key]; repeated {
				d.Fail("a state stands twice in the table")
				return
			}
			t.index[key] = len(t.keys)
			t.keys = append(t.keys, key)
		}
		t.pages = d.Uint32s()
	} else if keys != 0 {
		d.Fail("%d states by name in a table by number", keys)
	}
	counts := 0
	q, n := d.Floats(), d.Uint32s()
	if len(t.n) > 0 {
		counts = len(q)
	}
	used := make([]bool, len(q)/t.width) // by page
	own := 1                             // pages; 0 is no row's
	for _, page := range t.pages {
		if int(page) >= len(used) || used[page] {
			d.Fail("page %d of %d, or twice", page, len(used))
			return
		}
		if page > 0 {
			used[page] = true
			own++
		}
	}
	if len(t.pages) != rows*len(t.blank) || len(q) != own*t.width || len(n) != counts {
		d.Fail("%d pages, %d values and %d counts for %d states of %d actions", len(t.pages), len(q), len(n), rows, t.actions)
	}
	for _, x := range q {
		if !(math.Abs(x) <= 1e300) { // else differences need not be finite
			d.Fail("%v as a value", x)
		}
	}
	t.q, t.n = q, n
}
