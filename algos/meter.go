package algos

import "math"

// Meter takes means of quantities between two reports.
type Meter struct {
	Names []string

	sums   []float64
	counts []int
}

// NewMeter makes a meter of quantities with these names.
func NewMeter(names ...string) Meter {
	return Meter{Names: names, sums: make([]float64, len(names)), counts: make([]int, len(names))}
}

// Add takes a value of quantity k into account, unless it is NaN.
func (m *Meter) Add(k int, x float64) {
	if !math.IsNaN(x) {
		m.sums[k] += x
		m.counts[k]++
	}
}

// Report writes the mean of each quantity, NaN where there was no value, and forgets the values.
func (m *Meter) Report(dst []float64) {
	for k, sum := range m.sums {
		dst[k] = sum / float64(m.counts[k])
	}
	clear(m.sums)
	clear(m.counts)
}

// Encode saves what has been added.
func (m *Meter) Encode(e *Encoder) {
	e.Floats(m.sums)
	e.Ints(m.counts)
}

// Decode restores what Encode saved, of a meter of as many quantities.
func (m *Meter) Decode(d *Decoder) {
	fill(d, m.sums, d.Floats())
	fill(d, m.counts, d.Ints())
	for k, n := range m.counts {
		if n < 0 {
			d.Fail("a mean of %d values of %s", n, m.Names[k])
		}
	}
}
