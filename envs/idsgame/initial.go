package idsgame

import "math/rand/v2"

// Source makes the random draws of an initial state, in the order of the original. The game's own is a generator; the
// draws of a recording can take its place.
type Source interface {
	// Distinct fills dst with distinct numbers out of 0..n-1; len(dst) <= n.
	Distinct(dst []int, n int)
	// Repeat fills dst with independent numbers out of 0..n-1.
	Repeat(dst []int, n int)
	// Int is a number in [low, high].
	Int(low, high int) int
	// Uniform is a number in [0, 1).
	Uniform() float64
}

// Dealer makes initial states from the draws of a Source.
type Dealer struct {
	rules   *Rules
	src     Source
	weak    []bool // [Nodes]
	columns []int  // of the weak servers of a row
	types   []int  // of a node's weak spots
}

// NewDealer returns a Dealer of the rules' states.
func NewDealer(r *Rules, src Source) *Dealer {
	return &Dealer{
		rules: r, src: src, weak: make([]bool, r.Net.Nodes),
		columns: make([]int, r.cfg.VulnerabilitiesPerLayer),
		types:   make([]int, min(r.cfg.VulnerabilitiesPerNode, r.cfg.NumAttackTypes)),
	}
}

// Base makes s the state with which an instance is built. Its weak spots are drawn; values are not.
func (d *Dealer) Base(s *State) {
	d.weakSpots()
	d.values(s, false)
	if d.rules.cfg.ConstructRandomizeVisibility {
		d.reveal(s, d.rules.cfg.ConstructVisibilityP)
	}
}

// First makes s the first state of an episode in the instance with the given base state: a new state if the game is
// randomised, else the base state with no node scanned.
func (d *Dealer) First(s, base *State) {
	r := d.rules
	if r.cfg.RandomizeEnv {
		d.weakSpots()
		d.values(s, true)
		if r.cfg.RandomizeVisibility {
			d.reveal(s, r.cfg.VisibilityP)
		}
	} else {
		r.begin(s)
		copy(s.Attack, base.Attack)
		copy(s.Defence, base.Defence)
		copy(s.Known, base.Known)
	}
	if r.cfg.RandomizeStart {
		// One entry for each server and one for each column of the start row, so that the start node weighs Cols.
		servers := r.Net.Nodes - 2
		s.Node = min(1+d.src.Int(0, servers+r.Net.Cols-1), r.Net.Start())
	}
}

// weakSpots draws which nodes have weak spots: some servers of each row, and the data node always.
func (d *Dealer) weakSpots() {
	net := d.rules.Net
	clear(d.weak)
	d.weak[Data] = true
	for row := 1; row < net.Rows-1; row++ {
		d.src.Distinct(d.columns, net.Cols)
		for _, col := range d.columns {
			d.weak[net.At(row, col)] = true
		}
	}
}

// values makes s an initial state with the values of every node but the start, whose values are 0. The detection value
// and the value of weak spots are drawn for each type, as in the original, and the last draw counts.
func (d *Dealer) values(s *State, randomise bool) {
	r, c, src := d.rules, &d.rules.cfg, d.src
	r.begin(s)
	clear(s.Attack)
	clear(s.Defence)
	for v := range r.Net.Start() {
		types := d.types[:0]
		if d.weak[v] {
			types = d.types
			src.Repeat(types, c.NumAttackTypes)
		}
		defence, attack := s.Defence[v*r.defenceWidth:][:r.defenceWidth], s.Attack[v*r.attackWidth:]
		detection, weak := c.DetVal, c.VulnerabilityVal
		for t := range c.NumAttackTypes {
			value, invested := c.DefenseVal, c.AttackVal
			if randomise {
				value = src.Int(c.MinRandomDVal, c.DefenseVal)
				invested = src.Int(c.MinRandomAVal, c.AttackVal)
				detection = src.Int(c.MinRandomDetVal, c.DetVal)
				weak = src.Int(c.VulnerabilityVal, c.MaxRandomVVal)
			}
			defence[t], attack[t] = int8(value), int8(invested)
		}
		defence[c.NumAttackTypes] = int8(detection)
		for _, t := range types {
			defence[t] = int8(weak)
		}
	}
}

// reveal shows the attacker each node with probability p. It draws also where there is no reconnaissance.
func (d *Dealer) reveal(s *State, p float64) {
	r := d.rules
	for v := range r.Net.Nodes {
		if d.src.Uniform() < p && s.Known != nil {
			copy(s.Known[v*r.cfg.NumAttackTypes:(v+1)*r.cfg.NumAttackTypes], s.Defence[v*r.defenceWidth:])
			s.Scanned[v] = true
		}
	}
}

// generator is the Source of a game. It does not draw where only one number is possible.
type generator struct{ *rand.Rand }

func (g generator) Distinct(dst []int, n int) { distinct(dst, n, g.IntN) }

// distinct fills dst with distinct numbers out of 0..n-1 in ascending order, by draws of intN.
func distinct(dst []int, n int, intN func(n int) int) {
	for i := range dst {
		// Of the n-i numbers left, take the k-th: skip those already drawn, which dst[:i] holds in ascending order.
		k, at := intN(n-i), 0
		for at < i && dst[at] <= k {
			k++
			at++
		}
		copy(dst[at+1:i+1], dst[at:i])
		dst[at] = k
	}
}

func (g generator) Repeat(dst []int, n int) {
	for i := range dst {
		dst[i] = g.IntN(n)
	}
}

func (g generator) Int(low, high int) int {
	if low == high {
		return low
	}
	return low + g.IntN(high-low+1)
}

func (g generator) Uniform() float64 { return g.Float64() }
