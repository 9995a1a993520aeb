package idsgame

import (
	"math"
	"math/rand/v2"

	"idsrl/envs"
)

// bots are the scripted players of each seat. They see the true state.
var bots = [2][]envs.Bot{
	AttackerSeat: {
		{Name: "maximal", About: "attacks where its attack value is largest; scouts first where it can", New: newMaximalAttack},
		{Name: "random", About: "any legal attack", New: newRandomAttack},
	},
	DefenderSeat: {
		{Name: "minimal", About: "raises the smallest defence or detection value", New: newMinimalDefence},
		{Name: "random", About: "any defence of a server or the data node", New: newRandomDefence},
	},
}

// A bot draws one of the ids that its rule allows, each with the same probability.
type bot struct {
	rule func(g *Game, dst []int) []int
	ids  []int
}

func newMinimalDefence() envs.Policy { return &bot{rule: (*Game).MinimalDefence} }
func newMaximalAttack() envs.Policy  { return &bot{rule: (*Game).MaximalAttack} }

// Act plays the rule in the game below env.
func (b *bot) Act(env envs.Env, _ int, rng *rand.Rand) int {
	b.ids = b.rule(game(env), b.ids[:0])
	if len(b.ids) == 1 {
		return b.ids[0]
	}
	return b.ids[rng.IntN(len(b.ids))]
}

func game(env envs.Env) *Game {
	g, ok := envs.As[*Game](env)
	if !ok {
		panic("idsgame: a bot plays in its own game only")
	}
	return g
}

// MinimalDefence appends the ids among which the minimal defence chooses. It looks at the data node and the servers in
// the order of their ids, at the smallest defence value of each or, where that is smaller still, its detection value,
// and raises the smallest of all. Among equals, a detection value wins only if it comes first; and the first of three
// or more equals is never chosen, the first of two always. A value at the maximum is chosen like any other.
func (g *Game) MinimalDefence(dst []int) []int {
	r, best, first, start := g.rules, int8(math.MaxInt8), 0, len(dst)
	for v := range r.Net.Start() {
		weakest := g.view.weakest[v]
		value := weakest.value()
		detection := v*r.defenceWidth + r.cfg.NumAttackTypes
		switch det := g.state.Defence[detection]; {
		case det < value:
			if det < best {
				best, first, dst = det, detection, dst[:start]
			}
		case value < best:
			best, first, dst = value, v*r.defenceWidth+weakest.smallestType(), dst[:start]
		case value == best:
			dst = append(dst, v*r.defenceWidth+weakest.smallestType())
		}
	}
	if len(dst)-start < 2 {
		dst = append(dst[:start], first)
	}
	return dst
}

// MaximalAttack appends the ids among which the maximal attack chooses. Without reconnaissance, it takes the largest
// attack value (its first type) of each node above the attacker, if that can still grow, and among these the largest,
// the first of equals. With reconnaissance, it scouts the first legal node that is not scanned; else, among the legal
// attacks on scanned nodes, it takes the first of those with the smallest gap between known defence and attack value.
// Where neither finds anything, it chooses among all legal ids, or among all ids if none is legal.
func (g *Game) MaximalAttack(dst []int) []int {
	var id int
	switch {
	case !g.rules.cfg.Reconnaissance:
		id = g.strongestAbove()
	case g.rules.LocalAttackActions() > 0:
		id = g.smallestGap(g.visible())
	default:
		id = g.smallestGap(g.rules.Net.Targets[g.state.Node])
	}
	if id >= 0 {
		return append(dst, id)
	}
	if local := g.rules.LocalAttackActions(); local > 0 {
		return g.localOrAll(dst, local)
	}
	return g.legalOrAll(dst)
}

// strongestAbove is the rule of the maximal attack without reconnaissance, or -1.
func (g *Game) strongestAbove() int {
	r, best, id := g.rules, int8(-1), -1
	for _, u := range r.Net.Targets[g.state.Node] {
		strongest := g.view.strongest[u]
		value := strongest.value()
		if r.Net.Row[u] < r.Net.Row[g.state.Node] && int(value) < r.cfg.MaxValue && value > best {
			best, id = value, u*r.attackWidth+strongest.largestType()
		}
	}
	return id
}

// smallestGap is the rule of the maximal attack with reconnaissance over nodes that can be attacked, or -1.
func (g *Game) smallestGap(nodes []int) int {
	r, s, id := g.rules, g.state, -1
	t := r.cfg.NumAttackTypes
	for _, u := range nodes {
		if !s.Scanned[u] {
			return u*r.attackWidth + t
		}
	}
	best := math.MaxInt
	for _, u := range nodes {
		for typ, value := range s.Attack[u*r.attackWidth:][:t] {
			gap := int(s.Known[u*t+typ]) - int(value)
			if int(value) < r.cfg.MaxValue && gap < best {
				best, id = gap, u*r.attackWidth+typ
			}
		}
	}
	return id
}

// visible are the nodes that the local view shows, in its order.
func (g *Game) visible() []int {
	nodes := g.nodes[:0]
	for _, offset := range g.rules.cfg.NeighborPositions {
		if u := g.rules.Neighbour(g.state.Node, offset); u >= 0 {
			nodes = append(nodes, u)
		}
	}
	g.nodes = nodes
	return nodes
}

// legalOrAll appends the legal attack ids, or all ids if none is legal.
func (g *Game) legalOrAll(dst []int) []int {
	if g.view.legalCount == 0 {
		for id := range g.rules.attacks {
			dst = append(dst, id)
		}
		return dst
	}
	return g.LegalAttacks(dst)
}

// LegalAttacks appends the legal attack ids in ascending order. There may be none.
func (g *Game) LegalAttacks(dst []int) []int {
	r := g.rules
	for _, u := range r.Net.Targets[g.state.Node] {
		for typ := range r.attackWidth {
			if id := u*r.attackWidth + typ; g.view.legal[AttackerSeat][id] {
				dst = append(dst, id)
			}
		}
	}
	return dst
}

// visibleAttacks appends the legal attack ids of the nodes that the local view shows; if there are none, the ids of the
// local action space.
func (g *Game) visibleAttacks(dst []int) []int {
	start := len(dst)
	for _, u := range g.visible() {
		for id := u * g.rules.attackWidth; id < (u+1)*g.rules.attackWidth; id++ {
			if g.view.legal[AttackerSeat][id] {
				dst = append(dst, id)
			}
		}
	}
	if len(dst) == start {
		for id := range g.rules.LocalAttackActions() {
			dst = append(dst, id)
		}
	}
	return dst
}

// localOrAll appends the ids of the local action space whose translation is legal, or all of them if there is none.
func (g *Game) localOrAll(dst []int, local int) []int {
	start := len(dst)
	for id := range local {
		if global, ok := g.rules.GlobalAttack(g.state, id); ok && g.view.legal[AttackerSeat][global] {
			dst = append(dst, id)
		}
	}
	if len(dst) == start {
		for id := range local {
			dst = append(dst, id)
		}
	}
	return dst
}

// randomAttack plays any legal attack, in a local view with reconnaissance any that the view shows.
type randomAttack struct{ ids []int }

func newRandomAttack() envs.Policy { return new(randomAttack) }

func (b *randomAttack) Act(env envs.Env, _ int, rng *rand.Rand) int {
	g := game(env)
	r := g.rules
	if r.LocalAttackActions() > 0 {
		b.ids = g.visibleAttacks(b.ids[:0])
		return b.ids[rng.IntN(len(b.ids))]
	}
	if g.view.legalCount == 0 {
		return rng.IntN(len(r.attacks))
	}
	k := rng.IntN(g.view.legalCount)
	scan := r.attackWidth - r.cfg.NumAttackTypes // legal ids of a node besides its attacks
	for _, u := range r.Net.Targets[g.state.Node] {
		if n := int(g.view.open[u]) + scan; k >= n {
			k -= n
			continue
		}
		for id := u * r.attackWidth; ; id++ {
			if g.view.legal[AttackerSeat][id] {
				if k == 0 {
					return id
				}
				k--
			}
		}
	}
	panic("unreachable")
}

// randomDefence raises any value of any node but the start node.
type randomDefence struct{}

func newRandomDefence() envs.Policy { return randomDefence{} }

func (randomDefence) Act(env envs.Env, _ int, rng *rand.Rand) int {
	r := game(env).rules
	return rng.IntN(r.Net.Start() * r.defenceWidth)
}
