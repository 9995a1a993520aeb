package qlearning

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

// hashTable has rows, none of which was updated.
func hashTable(actions, rows int, counted bool) table {
	t := newTable(actions, min(actions, pageWidth), 0.5, counted)
	t.index, t.max = map[string]int{}, rows
	for row := range rows {
		key := string(rune('a' + row))
		t.index[key] = row
		t.keys = append(t.keys, key)
		t.pages = append(t.pages, t.blank...)
	}
	return t
}

// A hash table is rows of all values, of which it stores the pages that were updated. Values are few, so that many are equal.
func TestPages(t *testing.T) {
	const rows = 5
	rng := rand.New(envs.NewPCG(1))
	for _, actions := range []int{1, 30, 63, 64, 65, 128, 129, 500} {
		pages := hashTable(actions, rows, true)
		values := slices.Repeat([]float64{0.5}, rows*actions) // what each entry should be
		counts := make([]uint32, rows*actions)
		touched := map[int]bool{0: true} // the pages that should be stored, numbered by the test
		legal := make([]bool, actions)
		for range 300 {
			row, action := rng.IntN(rows-1), rng.IntN(actions) // the last row is never updated
			x := float64(rng.IntN(3)) / 2
			k := pages.entry(row, action)
			pages.q[k] = x
			pages.n[k]++
			values[row*actions+action] = x
			counts[row*actions+action]++
			touched[1+row*actions+action/pageWidth] = true
			if len(pages.q) != len(touched)*pages.width || len(pages.n) != len(pages.q) {
				t.Fatalf("%d actions: %d values and %d counts on %d pages of %d", actions, len(pages.q), len(pages.n), len(touched), pages.width)
			}
			for row := range rows {
				want := values[row*actions : (row+1)*actions]
				if got := pages.values(row); !slices.Equal(got, want) {
					t.Fatalf("%d actions: row %d is %v, want %v", actions, row, got, want)
				}
				if got := copyRow(&pages, row, pages.n); !slices.Equal(got, counts[row*actions:(row+1)*actions]) {
					t.Fatalf("%d actions: row %d was updated %v times", actions, row, got)
				}
				for i := range legal {
					legal[i] = rng.IntN(4) == 0
				}
				legal[rng.IntN(actions)] = true
				best := nets.ArgmaxLegal(want, legal)
				if action, value := pages.best(row, legal); action != best || value != want[best] {
					t.Fatalf("%d actions: the best is %d of value %v, want %d of %v", actions, action, value, best, want[best])
				}
			}
		}
	}
}

// A state that is not in the table has initial values and no updates, also of legal actions that stand on a later page.
func TestUnseen(t *testing.T) {
	pages := hashTable(100, 1, true)
	pages.set(0, 99, 7)
	legal := make([]bool, 100)
	legal[98], legal[99] = true, true
	if action, value := pages.best(-1, legal); action != 98 || value != 0.5 {
		t.Errorf("the best is %d of value %v", action, value)
	}
	if x := pages.values(-1); len(x) != 100 || slices.Max(x) != 0.5 || slices.Min(x) != 0.5 {
		t.Errorf("values %v", x)
	}
}

// What is saved is as large as what was updated, and pages that rows would share or that nobody has are errors.
func TestDecodePages(t *testing.T) {
	saved := func(change func(t *table)) []byte {
		pages := hashTable(200, 3, true) // of 4 pages each
		pages.set(0, 0, 1)
		pages.set(2, 199, 2)
		change(&pages)
		var e algos.Encoder
		pages.encode(&e)
		return e.Data
	}
	for _, c := range []struct {
		name   string
		change func(t *table)
		want   string // part of the error
	}{
		{"as it is", func(*table) {}, ""},
		{"a page of two rows", func(t *table) { t.pages[5] = 1 }, "page 1 of 3, or twice"},
		{"a page that is not there", func(t *table) { t.pages[5] = 3 }, "page 3 of 3, or twice"},
		{"a page of no row", func(t *table) { t.pages[0] = 0 }, "12 pages, 192 values and 192 counts for 3 states of 200 actions"},
		{"more pages than rows have", func(t *table) { t.pages = append(t.pages, 0) }, "13 pages"},
		{"half a page", func(t *table) { t.q = append(t.q, make([]float64, 32)...) }, "224 values"},
		{"no page 0", func(t *table) { t.pages, t.q, t.n = make([]uint32, 12), nil, nil }, "page 0 of 0"},
		{"no counts", func(t *table) { t.n = nil }, "0 counts"},
	} {
		got := hashTable(200, 3, true)
		d := algos.NewDecoder(saved(c.change))
		got.decode(d)
		if err := d.Close(); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		if c.want == "" && (got.values(0)[0] != 1 || got.values(2)[199] != 2 || len(got.q) != 3*pageWidth) {
			t.Errorf("restored as %d values, among them %v and %v", len(got.q), got.values(0)[0], got.values(2)[199])
		}
	}
}
