package netsecgame

import (
	"iter"
	"math/bits"
	"slices"
)

// A bitset is a set of ids.
type bitset []uint64

// words returns the length of a bitset for the ids 0..n-1.
func words(n int) int { return (n + 63) / 64 }

// has reports whether the set holds id; ids outside are never in it.
func (b bitset) has(id int32) bool {
	word := uint(id) >> 6 // of a negative id, beyond any length
	return word < uint(len(b)) && b[word]>>(uint(id)&63)&1 == 1
}

// add puts id in and reports whether it was missing.
func (b bitset) add(id int32) bool {
	word, bit := id>>6, uint64(1)<<(uint(id)&63)
	missing := b[word]&bit == 0
	b[word] |= bit
	return missing
}

func (b bitset) remove(id int32) { b[id>>6] &^= 1 << (uint(id) & 63) }

// addAll puts all of o in.
func (b bitset) addAll(o bitset) {
	for i, word := range o {
		b[i] |= word
	}
}

// contains reports whether all of o is in b.
func (b bitset) contains(o bitset) bool {
	for i, word := range o {
		if word&^b[i] != 0 {
			return false
		}
	}
	return true
}

// all returns the ids in ascending order.
func (b bitset) all() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i, word := range b {
			for ; word != 0; word &= word - 1 {
				if !yield(int32(i<<6 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// differing returns the ids that are in only one of b and o, in ascending order.
func (b bitset) differing(o bitset) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i := range b {
			for word := b[i] ^ o[i]; word != 0; word &= word - 1 {
				if !yield(int32(i<<6 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// appendTo appends the ids in ascending order.
func (b bitset) appendTo(ids []int32) []int32 {
	for id := range b.all() {
		ids = append(ids, id)
	}
	return ids
}

// A table is a bitset for each row.
type table struct {
	all   bitset
	words int // of a row
}

func newTable(rows, columns int) table {
	return table{make(bitset, rows*words(columns)), words(columns)}
}

func (t *table) row(i int32) bitset { return t.all[int(i)*t.words : (int(i)+1)*t.words] }

// A pair is an ordered pair of addresses.
type pair struct{ x, y int32 }

func (p pair) compare(o pair) int {
	if p.x != o.x {
		return int(p.x) - int(o.x)
	}
	return int(p.y) - int(o.y)
}

// A relation is a set of pairs in ascending order.
type relation []pair

func (r relation) has(p pair) bool {
	_, found := slices.BinarySearchFunc(r, p, pair.compare)
	return found
}

// add puts p in and reports whether it was missing.
func (r *relation) add(p pair) bool {
	i, found := slices.BinarySearchFunc(*r, p, pair.compare)
	if !found {
		*r = slices.Insert(*r, i, p)
	}
	return !found
}

// row returns the pairs that start with x.
func (r relation) row(x int32) relation {
	from, _ := slices.BinarySearchFunc(r, pair{x, 0}, pair.compare)
	to, _ := slices.BinarySearchFunc(r, pair{x + 1, 0}, pair.compare)
	return r[from:to]
}

// differing returns the pairs that are in only one of r and o, in ascending order.
func (r relation) differing(o relation) iter.Seq[pair] {
	return func(yield func(pair) bool) {
		for len(r) > 0 && len(o) > 0 {
			c := r[0].compare(o[0])
			if c < 0 && !yield(r[0]) || c > 0 && !yield(o[0]) {
				return
			}
			if c <= 0 {
				r = r[1:]
			}
			if c >= 0 {
				o = o[1:]
			}
		}
		for _, rest := range [2]relation{r, o} {
			for _, p := range rest {
				if !yield(p) {
					return
				}
			}
		}
	}
}
