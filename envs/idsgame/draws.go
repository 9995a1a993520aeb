package idsgame

// draws is a Source that deals every first state: one sequence of draws after the other, until another is false. Numbers
// are equally likely, and of sequences that begin alike all have as many numbers to choose from.
type draws struct {
	chosen, sizes []int // by draw
	at            int
}

// another goes on to the next sequence; false after the last.
func (d *draws) another() bool {
	d.at = 0
	for last := len(d.chosen) - 1; last >= 0; last-- {
		if d.chosen[last]++; d.chosen[last] < d.sizes[last] {
			return true
		}
		d.chosen, d.sizes = d.chosen[:last], d.sizes[:last]
	}
	return false
}

// sequences is how many sequences there are, as the current one shows it: the inverse of its probability.
func (d *draws) sequences() float64 {
	n := 1.0
	for _, size := range d.sizes {
		n *= float64(size)
	}
	return n
}

func (d *draws) choose(n int) int {
	if d.at == len(d.chosen) {
		d.chosen, d.sizes = append(d.chosen, 0), append(d.sizes, n)
	}
	d.at++
	return d.chosen[d.at-1]
}

func (d *draws) Distinct(dst []int, n int) { distinct(dst, n, d.choose) }

func (d *draws) Repeat(dst []int, n int) {
	for i := range dst {
		dst[i] = d.choose(n)
	}
}

func (d *draws) Int(low, high int) int { return low + d.choose(high-low+1) }

// Uniform decides what an attacker knows, which no Model looks at.
func (d *draws) Uniform() float64 { return 0 }
