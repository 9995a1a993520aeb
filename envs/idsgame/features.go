package idsgame

import (
	"math"

	"idsrl/envs"
)

// features is what a seat sees of a state, in the encodings of the original: the settings observation,
// zero_mean_features and normalize_features. It fills a sheet with the rows of the observation and the columns
//
//	T attack values | place | T defence values | detection value | scanned
//
// of which the observation has those that the seat sees. Place is 1 where the attacker is, and in its local view the
// node's id. An attacker with reconnaissance has defence values as it knows them.
type features struct {
	rules  *Rules
	seat   int
	plain  bool  // the observation is what views keeps up to date
	merged bool  // the attack columns show defence minus attack values
	show   []int // columns
	sheet  []float64
	blank  []bool // by row: all columns show -1
}

// joint reports whether both seats see the values of both sides.
func (c *Config) joint() bool { return c.FullyObserved && c.Observation != "own" }

func newFeatures(r *Rules, seat int) *features {
	c, t := &r.cfg, r.cfg.NumAttackTypes
	attacker, joint := seat == AttackerSeat, c.joint()
	attack, defence := attacker || joint, !attacker || joint || c.Reconnaissance
	f := &features{rules: r, seat: seat, merged: c.Observation == "merged" && attack && defence}
	f.plain = !joint && !f.merged && !c.ZeroMean && !c.Normalize
	f.blank = make([]bool, r.rows(seat))
	f.sheet = make([]float64, len(f.blank)*f.width())
	for col := range f.width() {
		switch {
		case col <= t && attack,
			col > t && col <= 2*t && defence && !f.merged,
			col == 2*t+1 && (!attacker || joint),
			col == 2*t+2 && attacker && c.Reconnaissance && c.ReconnaissanceBool:
			f.show = append(f.show, col)
		}
	}
	return f
}

// width is the number of columns of the sheet.
func (f *features) width() int { return 2*f.rules.cfg.NumAttackTypes + 3 }

// row is one of the sheet.
func (f *features) row(i int) []float64 { return f.sheet[i*f.width() : (i+1)*f.width()] }

// observe writes the observation of s.
func (f *features) observe(s *State, dst []float32) {
	c, t := &f.rules.cfg, f.rules.cfg.NumAttackTypes
	for i := range f.blank {
		f.look(s, i)
	}
	if c.ZeroMean {
		for i := range f.blank {
			centre(f.row(i)[:t])
			centre(f.row(i)[t+1 : 2*t+1])
		}
	}
	if c.Normalize {
		f.normalize(0, t)
		if c.Reconnaissance {
			f.normalize(t+1, 2*t+1)
		} else {
			f.normalize(t+1, 2*t+2) // the detection values belong to the defence
		}
	}
	at := 0
	for i, blank := range f.blank {
		row := f.row(i)
		if f.merged {
			for k, x := range row[t+1 : 2*t+1] {
				row[k] = x - row[k]
			}
		}
		for _, col := range f.show {
			if dst[at] = float32(row[col]); blank {
				dst[at] = -1
			}
			at++
		}
	}
}

// look fills in row i of the sheet.
func (f *features) look(s *State, i int) {
	r, t := f.rules, f.rules.cfg.NumAttackTypes
	row, node, local := f.row(i), i, r.local(f.seat)
	if local {
		if node = r.Neighbour(s.Node, r.cfg.NeighborPositions[i]); node < 0 {
			for col := range row {
				row[col] = -1
			}
			f.blank[i] = f.merged
			return
		}
	}
	clear(row)
	if r.sees(s.Node, node) {
		copyValues(row[:t], s.Attack[node*r.attackWidth:])
	}
	switch {
	case local:
		row[t] = float64(node)
	case node == s.Node:
		row[t] = 1
	}
	copyValues(row[t+1:2*t+2], s.Defence[node*r.defenceWidth:])
	if f.seat == DefenderSeat || s.Known == nil {
		f.blank[i] = false
		return
	}
	copyValues(row[t+1:2*t+1], s.Known[node*t:])
	if s.Scanned[node] {
		row[2*t+2] = 1
	}
	sum := 0.0
	for _, x := range row[t+1 : 2*t+1] {
		sum += x
	}
	f.blank[i] = f.merged && local && sum <= 0 // as in the original
}

// copyValues fills dst with the first values of src.
func copyValues(dst []float64, src []int8) {
	for i := range dst {
		dst[i] = float64(src[i])
	}
}

// centre takes their mean off xs.
func centre(xs []float64) {
	mean := 0.0
	for _, x := range xs {
		mean += x / float64(len(xs))
	}
	for i := range xs {
		xs[i] -= mean
	}
}

// normalize divides the columns from..to-1 of all rows by their Euclidean norm, unless they are all 0.
func (f *features) normalize(from, to int) {
	squares := 0.0
	for i := range f.blank {
		for _, x := range f.row(i)[from:to] {
			squares += x * x
		}
	}
	if squares == 0 {
		return
	}
	for i := range f.blank {
		for k := range f.row(i)[from:to] {
			f.row(i)[from+k] /= math.Sqrt(squares)
		}
	}
}

// span is the bounds of a column.
type span struct{ low, high float32 }

// box bounds the observation.
func (f *features) box() envs.Box {
	c, t, lowest, most := &f.rules.cfg, f.rules.cfg.NumAttackTypes, float32(0), float32(f.rules.cfg.MaxValue)
	place := span{0, 1}
	if f.rules.local(f.seat) {
		lowest, place = -1, span{-1, float32(f.rules.Net.Nodes - 1)}
	}
	attack, defence := span{lowest, most}, span{lowest, most}
	detection := span{lowest, max(most, float32(c.DetVal))} // it may start above the maximum of play
	if f.seat == AttackerSeat && c.Reconnaissance {
		defence.high = max(Unknown, most)
	}
	if c.ZeroMean {
		attack, defence = attack.minus(attack), defence.minus(defence)
	}
	if c.Normalize {
		attack, defence = attack.unit(), defence.unit()
		if !c.Reconnaissance {
			detection = detection.unit()
		}
	}
	if f.merged {
		attack = defence.minus(attack)
	}
	b := envs.UniformBox(0, 0, len(f.blank), len(f.show))
	for i := range b.Low {
		s := span{lowest, 1} // scanned
		switch col := f.show[i%len(f.show)]; {
		case col < t:
			s = attack
		case col == t:
			s = place
		case col <= 2*t:
			s = defence
		case col == 2*t+1:
			s = detection
		}
		b.Low[i], b.High[i] = s.low, s.high
	}
	return b
}

// minus bounds the difference of values in s and o.
func (s span) minus(o span) span { return span{s.low - o.high, s.high - o.low} }

// unit bounds values in s that are divided by a norm of which they are part.
func (s span) unit() span { return span{max(s.low, -1), min(s.high, 1)} }
