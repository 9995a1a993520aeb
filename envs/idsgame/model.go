package idsgame

import (
	"maps"
	"math"
	"slices"

	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/settings"
)

// Model is a game as an [exact.Finite] of two seats that see the true state, in which a hack is worth 1 to the attacker,
// who is seat 0, and everything else 0. It plays by Rules.Apply and starts as Dealer.First does. Both seats play legal
// ids.
//
// A state that is decided, because the attacker can no longer reach the data node, is not in the Model. The step limit
// is part of a state only where it can matter, which is where fewer steps are left than attack values can still grow.
//
// In a full Model every value of a state counts, and an action is an id. Any other leaves out what does not change the
// value of the game:
//
//   - States in which the defender can hold a row against every attack (see guarded) are decided.
//
// With at most one row of servers it also is reduced:
//
//   - Only nodes above the attacker count, and of a node's types only those for which its defence can still be beaten.
//   - States that differ by the order of types on a node, or of servers, are one. The ids that such a permutation
//     exchanges are one action, which plays each of them with the same probability: some equilibrium does.
//   - Attacks that cannot succeed, reconnaissance, and defences without effect are left out. They are dominated: lower
//     attack values, higher defence or detection values, fewer steps and a lower node are never better for the attacker,
//     who can play from the better state as from the worse, and do nothing where it has what it fights for.
type Model struct {
	rules         *Rules
	full, reduced bool
	start         []exact.Transition
	index         map[string]int32 // number of a state by its key
	keys          []string         // by number
	limit         int
	each          func(states int) error

	at          int // the state that here shows, or none
	state, next *State
	here, there *sight
	visited     []bool   // [Nodes]
	ranks       []int    // 0, 1, 2, ...
	waiting     []string // keys of states that are still to be numbered
}

const none = -1

// maxDraws is how many sequences of draws may lead to a first state.
const maxDraws = 1 << 22

// Finite is the game's instance as a Model.
func (g *Game) Finite(full bool, limit int, each func(states int) error) (exact.Finite, error) {
	return NewModel(g, full, limit, each)
}

// NewModel enumerates the states of g's instance, as exact.Maker has it.
func NewModel(g *Game, full bool, limit int, each func(states int) error) (*Model, error) {
	cfg := &g.rules.cfg
	var ck settings.Checks
	ck.Require(cfg.AttackVal < cfg.MaxValue, "attack_val", cfg.AttackVal,
		"must be below max_value = %d in a game that is written out", cfg.MaxValue)
	ck.Require(!full || !cfg.Reconnaissance, "reconnaissance_actions", true,
		"makes too many states to be told apart")
	if err := ck.Err(); err != nil {
		return nil, err
	}
	m := &Model{
		rules: g.rules, full: full, reduced: !full && cfg.NumLayers <= 1, index: map[string]int32{}, limit: limit, each: each,
	}
	m.room()
	if worst := g.worst(); !full && m.guarded(worst) == g.rules.Net.Row[Data] {
		return m, nil // and so from every first state
	}
	err := m.deal(g)
	return m, err
}

// worst is a state that is not worse for the attacker, wherever it is, than any first state but for detection.
func (g *Game) worst() *State {
	r := g.rules
	c := &r.cfg
	if !c.RandomizeEnv {
		return g.base
	}
	s := r.NewState()
	for u := range r.Net.Start() {
		for t := range c.NumAttackTypes {
			s.Attack[u*r.attackWidth+t], s.Defence[u*r.defenceWidth+t] = int8(c.AttackVal), int8(c.MinRandomDVal)
			if t < c.VulnerabilitiesPerNode {
				s.Defence[u*r.defenceWidth+t] = int8(min(c.VulnerabilityVal, c.MinRandomDVal))
			}
		}
	}
	return s
}

// room makes what one goroutine needs to use the Model.
func (m *Model) room() {
	r := m.rules
	m.state, m.next, m.at = r.NewState(), r.NewState(), none
	m.here, m.there = newSight(r), newSight(r)
	m.visited, m.waiting = make([]bool, r.Net.Nodes), nil
	m.ranks = make([]int, max(len(r.attacks), len(r.defences)))
	for i := range m.ranks {
		m.ranks[i] = i
	}
}

// Clone is a copy for another goroutine.
func (m *Model) Clone() exact.Finite {
	c := *m
	c.index, c.keys, c.each = maps.Clone(m.index), slices.Clone(m.keys), nil
	c.room()
	return &c
}

// States is how many states there are.
func (m *Model) States() int { return len(m.keys) }

// Start are the first states.
func (m *Model) Start() []exact.Transition { return m.start }

// Legal are the actions of a seat in state s. They belong to the Model.
func (m *Model) Legal(seat, s int) []int {
	m.show(s)
	return m.ranks[:len(m.here.ids[seat])]
}

// IDs are the ids that an action stands for in the state that Enter sets. They belong to the Model.
func (m *Model) IDs(seat, s, action int) []int {
	m.show(s)
	return m.here.ids[seat][action]
}

// Enter puts the Game below env into state s.
func (m *Model) Enter(env envs.Env, s int) {
	m.show(s)
	game(env).SetState(m.state)
}

// Find is the state of the Game below env. It may be a new one.
func (m *Model) Find(env envs.Env) (state int, ids [2][][]int) {
	s := game(env).True()
	if !m.look(s, m.there) {
		return none, [2][][]int{AttackerSeat: {m.attacks(s)}, DefenderSeat: {m.parries(s)}}
	}
	m.limit, m.at = math.MaxInt, none
	number, _ := m.discover(string(m.there.key)) // no limit, no error
	m.look(s, m.there)
	return int(number), m.there.ids
}

// attacks are the legal attacks, or all of them.
func (m *Model) attacks(s *State) (legal []int) {
	for id := range m.rules.attacks {
		if m.rules.LegalAttack(s, id) {
			legal = append(legal, id)
		}
	}
	if legal == nil {
		return m.ranks[:len(m.rules.attacks)]
	}
	return legal
}

// parries are the defences that keep a decided state so: in the row that the defender can hold, those against attacks that
// would succeed at once; anything if there is none.
func (m *Model) parries(s *State) (ids []int) {
	r, row := m.rules, m.guarded(s)
	for id, d := range r.defences {
		if d.typ < r.cfg.NumAttackTypes && d.node != r.Net.Start() && r.Net.Row[d.node] == row &&
			m.live(s, d.node, d.typ) && m.gap(s, d.node, d.typ) == 0 {
			return []int{id}
		}
		if r.LegalDefence(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Joint appends to dst what may happen when the seats play actions a and b in state s.
func (m *Model) Joint(dst []exact.Transition, s, a, b int) []exact.Transition {
	m.show(s)
	return m.joint(dst, a, b, func(key []byte) int32 { return m.index[string(key)] })
}

// joint is Joint in the state that here shows, with numbers of states from number. Of the ids that a stands for, one will
// do, since permutations that exchange them leave b as it is.
func (m *Model) joint(dst []exact.Transition, a, b int, number func(key []byte) int32) []exact.Transition {
	defences := m.here.ids[DefenderSeat][b]
	share := 1 / float64(len(defences))
	for _, defence := range defences {
		p, hacked := m.play(m.here.ids[AttackerSeat][a][0], defence)
		switch {
		case hacked:
			dst = append(dst, exact.Transition{Prob: share, Reward: 1, Terminal: true})
			continue
		case p < 1:
			dst = append(dst, exact.Transition{Prob: share * (1 - p), Terminal: true})
		}
		if p > 0 {
			tr := exact.Transition{Prob: share * p, Terminal: true}
			if m.look(m.next, m.there) {
				tr.Next, tr.Terminal = int(number(m.there.key)), false
			}
			dst = append(dst, tr)
		}
	}
	return dst
}

// play makes next what follows on state if the attacker is not detected, which has probability p.
func (m *Model) play(attack, defence int) (p float64, hacked bool) {
	m.next.Set(m.state)
	tr := m.rules.Apply(m.next, attack, defence, math.Inf(1)) // a roll that detects nothing
	if !tr.Rolled {
		return 1, m.next.Hacked
	}
	return 1 - min(m.rules.risk(m.next, &m.rules.attacks[attack]), 1), false
}

// show makes here the sight of state s.
func (m *Model) show(s int) {
	if m.at == s {
		return
	}
	m.decode(m.keys[s])
	m.look(m.state, m.here)
	m.at = s
}

// deal finds the first states, and what can follow on them.
func (m *Model) deal(g *Game) error {
	src := new(draws)
	dealer, first := NewDealer(m.rules, src), m.rules.NewState()
	seen := map[int32]int{} // index in start
	for {
		dealer.First(first, g.base)
		sequences := src.sequences()
		if sequences > maxDraws {
			return &exact.TooLargeError{What: "sequences of draws that decide the first state", Limit: maxDraws}
		}
		if m.look(first, m.here) {
			number, err := m.discover(string(m.here.key))
			if err != nil {
				return err
			}
			i, ok := seen[number]
			if !ok {
				i = len(m.start)
				seen[number], m.start = i, append(m.start, exact.Transition{Next: int(number)})
			}
			m.start[i].Prob += 1 / sequences
		}
		if !src.another() {
			return nil
		}
	}
}

// What stands in for a number: a state was found, or those that can follow on it get their numbers first.
const (
	found      = -1
	inProgress = -2
)

// wait keeps the key of a state that has no number yet.
func (m *Model) wait(key []byte) int32 {
	number, ok := m.index[string(key)]
	if ok && number >= 0 {
		return number
	}
	text := string(key)
	if !ok {
		m.index[text] = found
	}
	m.waiting = append(m.waiting, text)
	return found
}

// discover numbers the state of a key, after all that can follow on it.
func (m *Model) discover(key string) (int32, error) {
	switch number, ok := m.index[key]; {
	case ok && number >= 0:
		return number, nil
	case ok && number == inProgress:
		panic("idsgame: a state recurs")
	}
	m.index[key] = inProgress
	m.decode(key)
	m.look(m.state, m.here)
	from := len(m.waiting)
	var room [64]exact.Transition
	for a := range m.here.ids[AttackerSeat] {
		for b := range m.here.ids[DefenderSeat] {
			m.joint(room[:0], a, b, m.wait)
			if len(m.index) > m.limit {
				return 0, &exact.TooLargeError{What: "states", Limit: m.limit}
			}
		}
	}
	for last := len(m.waiting) - 1; last >= from; last-- {
		next := m.waiting[last]
		m.waiting = m.waiting[:last]
		if _, err := m.discover(next); err != nil {
			return 0, err
		}
	}
	number := int32(len(m.keys))
	m.index[key], m.keys = number, append(m.keys, key)
	if m.each != nil {
		return number, m.each(len(m.keys))
	}
	return number, nil
}
