package idsgame_test

import (
	"math"
	"slices"

	"idsrl/envs/idsgame"
)

// naive is the network, the views and the bots' rules once more, as plainly as they can be written: nothing is kept,
// everything is looked up in the grid and in the true state. (The rules of a step have the published recordings.)
type naive struct {
	idsgame.Config
	s     *idsgame.State
	cells [][2]int // by node
}

func newNaive(cfg idsgame.Config) *naive {
	n := &naive{Config: cfg}
	last := cfg.NumLayers + 1
	for row := range last + 1 {
		for col := range cfg.NumServersPerLayer {
			if row > 0 && row < last || col == cfg.NumServersPerLayer/2 {
				n.cells = append(n.cells, [2]int{row, col})
			}
		}
	}
	return n
}

func (n *naive) nodes() int             { return len(n.cells) }
func (n *naive) start() int             { return len(n.cells) - 1 }
func (n *naive) row(v int) int          { return n.cells[v][0] }
func (n *naive) at(row, col int) int    { return slices.Index(n.cells, [2]int{row, col}) }
func (n *naive) attackID(v, t int) int  { return v*n.attackWidth() + t }
func (n *naive) defenceID(v, t int) int { return v*(n.NumAttackTypes+1) + t }

func (n *naive) attackWidth() int {
	if n.Reconnaissance {
		return n.NumAttackTypes + 1
	}
	return n.NumAttackTypes
}

func (n *naive) attack(v, t int) int  { return int(n.s.Attack[n.attackID(v, t)]) }
func (n *naive) defence(v, t int) int { return int(n.s.Defence[n.defenceID(v, t)]) }
func (n *naive) det(v int) int        { return int(n.s.Defence[n.defenceID(v, n.NumAttackTypes)]) }
func (n *naive) known(v, t int) int   { return int(n.s.Known[v*n.NumAttackTypes+t]) }

// adjacent is section 2.
func (n *naive) adjacent(u, v int) bool {
	if n.row(u) > n.row(v) {
		u, v = v, u
	}
	server := func(w int) bool { return w != idsgame.Data && w != n.start() }
	below, beside := n.row(v) == n.row(u)+1, n.row(u) == n.row(v)
	sideways := n.cells[v][1] - n.cells[u][1]
	switch {
	case u == idsgame.Data && v == n.start():
		return n.NumLayers == 0
	case u == idsgame.Data && server(v):
		return n.row(v) == 1
	case server(u) && v == n.start():
		return n.row(u) == n.NumLayers
	case server(u) && server(v) && below:
		return sideways == 0
	case server(u) && server(v) && beside:
		return n.ConnectedLayers && (sideways == 1 || sideways == -1)
	}
	return false
}

// possible is section 5.4.
func (n *naive) possible(v int) bool {
	return v != n.s.Node && n.adjacent(v, n.s.Node) && n.row(v) <= n.row(n.s.Node)
}

func (n *naive) legalAttack(id int) bool {
	v, t := id/n.attackWidth(), id%n.attackWidth()
	return n.possible(v) && (t == n.NumAttackTypes || n.attack(v, t) < n.MaxValue)
}

func (n *naive) legalAttacks() []int {
	ids := []int{}
	for id := range n.nodes() * n.attackWidth() {
		if n.legalAttack(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// legal is what Env.Legal says: the legal ids or, for an attacker that has none, all.
func (n *naive) legal(seat int) []bool {
	if seat == idsgame.DefenderSeat {
		legal := make([]bool, n.nodes()*(n.NumAttackTypes+1))
		for id := range legal {
			legal[id] = id/(n.NumAttackTypes+1) != n.start()
		}
		return legal
	}
	legal := make([]bool, n.nodes()*n.attackWidth())
	ids := n.legalAttacks()
	for id := range legal {
		legal[id] = len(ids) == 0 || slices.Contains(ids, id)
	}
	return legal
}

// slot is the node that the local view shows at a slot, or -1.
func (n *naive) slot(k int) int {
	here, offset := n.cells[n.s.Node], n.NeighborPositions[k]
	if v := n.at(here[0]+offset[0], here[1]+offset[1]); v >= 0 && n.possible(v) {
		return v
	}
	return -1
}

// observe is section 9.
func (n *naive) observe(seat int) (obs []float32) {
	add := func(x int) { obs = append(obs, float32(x)) }
	flag := func(b bool) {
		if b {
			add(1)
		} else {
			add(0)
		}
	}
	if seat == idsgame.DefenderSeat {
		for v := range n.nodes() {
			for t := range n.NumAttackTypes {
				add(n.defence(v, t))
			}
			add(n.det(v))
		}
		return obs
	}
	knowledge := func(v int) {
		if !n.Reconnaissance {
			return
		}
		for t := range n.NumAttackTypes {
			add(n.known(v, t))
		}
		if n.ReconnaissanceBool {
			flag(n.s.Scanned[v])
		}
	}
	if n.LocalView {
		for k := range n.NeighborPositions {
			if v := n.slot(k); v >= 0 {
				for t := range n.NumAttackTypes {
					add(n.attack(v, t))
				}
				add(v)
				knowledge(v)
				continue
			}
			width := n.NumAttackTypes + 1
			if n.Reconnaissance {
				width += n.NumAttackTypes
			}
			if n.ReconnaissanceBool {
				width++
			}
			for range width {
				add(-1)
			}
		}
		return obs
	}
	for v := range n.nodes() {
		for t := range n.NumAttackTypes {
			if v == n.s.Node || n.adjacent(v, n.s.Node) || n.FullyObserved {
				add(n.attack(v, t))
			} else {
				add(0)
			}
		}
		flag(v == n.s.Node)
		knowledge(v)
	}
	return obs
}

// features is what the original's learners make of observations (update_state), in the same order.
func (n *naive) features(seat int) (obs []float32) {
	attacker, t := seat == idsgame.AttackerSeat, n.NumAttackTypes
	view := *n
	view.LocalView = n.LocalView && attacker
	var nodes []int // by row
	for v := range n.nodes() {
		nodes = append(nodes, v)
	}
	if view.LocalView {
		nodes = nil
		for k := range n.NeighborPositions {
			nodes = append(nodes, n.slot(k))
		}
	}
	var attack, defence, scanned [][]float64
	var det []float64
	var blank []bool
	attacks, defences := view.observe(idsgame.AttackerSeat), n.observe(idsgame.DefenderSeat)
	for i, v := range nodes {
		row := floats(attacks[i*len(attacks)/len(nodes) : (i+1)*len(attacks)/len(nodes)])
		own := slices.Repeat([]float64{-1}, t+1)
		if v >= 0 {
			own = floats(defences[v*(t+1) : (v+1)*(t+1)])
		}
		det = append(det, own[t])
		flags := []float64{}
		if attacker && n.Reconnaissance {
			own, flags = row[t+1:2*t+1], row[2*t+1:]
		}
		attack, defence, scanned = append(attack, row[:t+1]), append(defence, own), append(scanned, flags)
		blank = append(blank, view.LocalView && (v < 0 || n.Reconnaissance && total(own) <= 0))
	}
	if n.ZeroMean {
		for i := range nodes {
			for _, row := range [][]float64{attack[i][:t], defence[i][:t]} {
				mean := total(row) / float64(t)
				for k := range row {
					row[k] -= mean
				}
			}
		}
	}
	if n.Normalize {
		frobenius(attack, t)
		if n.Reconnaissance {
			frobenius(defence, t)
		} else {
			frobenius(defence, t+1)
			for i := range det {
				det[i] = defence[i][t]
			}
		}
	}
	both := n.Observation != "own" && (n.FullyObserved || attacker && n.Reconnaissance)
	add := func(xs ...float64) {
		for _, x := range xs {
			obs = append(obs, float32(x))
		}
	}
	for i := range nodes {
		from := len(obs)
		switch {
		case both && n.Observation == "merged":
			for k := range t {
				add(defence[i][k] - attack[i][k])
			}
			add(attack[i][t])
		case both:
			add(attack[i]...)
			add(defence[i][:t]...)
		case attacker && n.Reconnaissance:
			add(attack[i]...)
			add(defence[i]...)
		case attacker:
			add(attack[i]...)
		default:
			add(defence[i]...)
		}
		if both && n.FullyObserved {
			add(det[i])
		}
		add(scanned[i]...)
		for k := range obs[from:] {
			if both && n.Observation == "merged" && blank[i] {
				obs[from+k] = -1
			}
		}
	}
	return obs
}

func floats(xs []float32) (ys []float64) {
	for _, x := range xs {
		ys = append(ys, float64(x))
	}
	return ys
}

func total(xs []float64) (sum float64) {
	for _, x := range xs {
		sum += x
	}
	return sum
}

// frobenius divides the first columns of a matrix by their norm. Where that gives no number, they stay as they are.
func frobenius(rows [][]float64, columns int) {
	norm := 0.0
	for _, row := range rows {
		for _, x := range row[:columns] {
			norm = math.Hypot(norm, x)
		}
	}
	for _, row := range rows {
		for k, x := range row[:columns] {
			if !math.IsNaN(x / norm) {
				row[k] = x / norm
			}
		}
	}
}

// minimalDefence is section 10.2.
func (n *naive) minimalDefence() []int {
	best, first := math.MaxInt, -1
	var ties []int
	for v := range n.nodes() - 1 {
		m, i := math.MaxInt, -1
		for t := range n.NumAttackTypes {
			if n.defence(v, t) < m {
				m, i = n.defence(v, t), t
			}
		}
		switch {
		case n.det(v) < m:
			if n.det(v) < best {
				best, first, ties = n.det(v), n.defenceID(v, n.NumAttackTypes), nil
			}
		case m < best:
			best, first, ties = m, n.defenceID(v, i), nil
		case m == best:
			ties = append(ties, n.defenceID(v, i))
		}
	}
	if len(ties) >= 2 {
		return ties
	}
	return []int{first}
}

// candidate is an id that an attacker bot may play: what it returns, and what it means.
type candidate struct{ id, global int }

// space is the ids among which the attacker bots choose: the whole, and those that are legal.
func (n *naive) space() (all, legal []candidate) {
	width := n.attackWidth()
	if n.LocalView && n.Reconnaissance {
		for local := range len(n.NeighborPositions) * width {
			c := candidate{id: local, global: -1}
			if v := n.slot(local / width); v >= 0 {
				c.global = n.attackID(v, local%width)
			}
			all = append(all, c)
		}
	} else {
		for id := range n.nodes() * width {
			all = append(all, candidate{id, id})
		}
	}
	for _, c := range all {
		if c.global >= 0 && n.legalAttack(c.global) {
			legal = append(legal, c)
		}
	}
	return all, legal
}

// maximalAttack is sections 10.4 and 10.5.
func (n *naive) maximalAttack() (ids []int) {
	all, legal := n.space()
	kept, best := -1, math.MaxInt
	if !n.Reconnaissance {
		best = math.MinInt
		for v := range n.nodes() - 1 {
			largest := 0
			for t := range n.NumAttackTypes {
				if n.attack(v, t) > n.attack(v, largest) {
					largest = t
				}
			}
			if n.legalAttack(n.attackID(v, largest)) && n.row(v) < n.row(n.s.Node) && n.attack(v, largest) > best {
				kept, best = n.attackID(v, largest), n.attack(v, largest)
			}
		}
	} else {
		for _, c := range legal {
			v, t := c.global/n.attackWidth(), c.global%n.attackWidth()
			if t == n.NumAttackTypes {
				if !n.s.Scanned[v] {
					return []int{c.global}
				}
			} else if n.s.Scanned[v] && n.known(v, t)-n.attack(v, t) < best {
				kept, best = c.global, n.known(v, t)-n.attack(v, t)
			}
		}
	}
	if kept >= 0 {
		return []int{kept}
	}
	if len(legal) == 0 {
		legal = all
	}
	for _, c := range legal {
		ids = append(ids, c.id)
	}
	return ids
}

// randomAttack is the ids among which the random attack chooses (section 10.3).
func (n *naive) randomAttack() (ids []int) {
	all, legal := n.space()
	for _, c := range legal {
		ids = append(ids, c.global)
	}
	if len(legal) == 0 {
		for _, c := range all {
			ids = append(ids, c.id)
		}
	}
	return ids
}

// fullState is the index of section 11.
func (n *naive) fullState(seat int) int {
	obs := n.observe(seat)
	if n.FullyObserved {
		obs = append(n.observe(idsgame.AttackerSeat), n.observe(idsgame.DefenderSeat)...)
	}
	index := 0
	for _, x := range obs {
		index = index*(n.MaxValue+1) + min(int(x), n.MaxValue)
	}
	return index
}
