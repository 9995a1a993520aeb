package qlearning

import (
	"maps"
	"math"
	"slices"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

// table holds the values of all actions, a row for each state.
type table struct {
	actions  int
	q        []float64 // [rows x actions]
	n        []uint32  // [rows x actions], updates so far, if the step size depends on them
	encoding int       // which of the environment's encodings numbers the rows, unless it is a hash table
	initial  float64   // of a value

	// Of a hash table only.
	index  map[string]int // row by key; nil if the table is none
	keys   []string       // by row
	max    int            // rows
	key    []byte         // scratch
	unseen []float64      // values of a state that is not in the table
}

func (t *table) rows() int { return len(t.q) / t.actions }

func (t *table) values(row int) []float64 { return t.q[row*t.actions : (row+1)*t.actions] }

// best is the value of the best action that is legal.
func (t *table) best(row int, legal []bool) float64 {
	values := t.values(row)
	return values[nets.ArgmaxLegal(values, legal)]
}

func (t *table) grow(rows int) {
	for range rows * t.actions {
		t.q = append(t.q, t.initial)
		t.n = append(t.n, 0)
	}
}

// visit is the row of what seat sees, a new one where it was never seen before.
func (t *table) visit(env envs.Env, seat int) int {
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
	row, key := t.rows(), string(t.key)
	t.index[key] = row
	t.keys = append(t.keys, key)
	t.grow(1)
	return row
}

// find is the values of what seat sees; of a state that was never seen, none, unless it shares the last row.
func (t *table) find(env envs.Env, seat int) []float64 {
	if row := t.locate(env, seat); row >= 0 {
		return t.values(row)
	}
	return t.unseen
}

// locate is the row of find, -1 if there is none.
func (t *table) locate(env envs.Env, seat int) int {
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
	c.keys, c.key, c.unseen = nil, nil, make([]float64, t.actions)
	return c
}

// clone is what find needs. It shares nothing with t, and does not know how often its values were updated.
func (t *table) clone() table {
	c := t.share()
	c.q, c.n, c.index = slices.Clone(t.q), nil, maps.Clone(t.index)
	return c
}

func (t *table) encode(e *algos.Encoder) {
	e.Int(t.actions)
	e.Int(len(t.keys))
	for _, key := range t.keys {
		e.Bytes([]byte(key))
	}
	e.Floats(t.q)
	e.Uint32s(t.n)
}

// decode restores what encode saved into a table of the same kind.
func (t *table) decode(d *algos.Decoder) {
	d.Expect("number of actions", t.actions)
	keys := d.Int()
	if t.index != nil && keys > t.max {
		d.Fail("%d states in a table of at most %d", keys, t.max)
		return
	}
	if t.index != nil {
		t.index, t.keys = map[string]int{}, nil
		for range keys {
			key := string(d.Bytes())
			if _, repeated := t.index[key]; repeated {
				d.Fail("a state stands twice in the table")
				return
			}
			t.index[key] = len(t.keys)
			t.keys = append(t.keys, key)
		}
	} else if keys != 0 {
		d.Fail("%d states by name in a table by number", keys)
	}
	want := t.rows()
	if t.index != nil {
		want = keys
	}
	t.q, t.n = d.Floats(), d.Uint32s()
	if len(t.q) != want*t.actions || len(t.n) != len(t.q) {
		d.Fail("%d values and %d counts for %d states of %d actions", len(t.q), len(t.n), want, t.actions)
	}
	for _, q := range t.q {
		if !(math.Abs(q) <= 1e300) { // else differences need not be finite
			d.Fail("%v as a value", q)
		}
	}
}
