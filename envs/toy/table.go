package toy

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"idsrl/envs"
	"idsrl/envs/exact"
)

// Table is a finite game written out: what every joint action may lead to in every state. With one seat it is an
// [exact.Model], with two an [exact.Game] whose rewards add up to zero. The step limit is not part of it.
type Table struct {
	id      string
	roles   []envs.Role
	actions [][]string  // names by seat
	start   []float64   // probability by state
	winners []envs.Role // by state in which the game may end; nil: nobody ever wins
	limit   int         // steps after which an episode ends
	views   []int       // by state: what every seat sees, as a number; nil: the state itself

	over   []bool               // by state: no episode goes on from here
	legal  [][]bool             // by seat: [state*actions+a]
	joints int                  // joint actions
	next   [][]exact.Transition // [state*joints+joint]
}

// fill writes the table out. legal says what a seat may do, nil that it may do anything; play says what follows, also
// after what is not legal. With one seat b is 0.
func (t *Table) fill(legal func(seat, s, a int) bool, play func(s, a, b int) []exact.Transition) *Table {
	states := len(t.start)
	t.over = make([]bool, states)
	t.joints = 1
	for _, names := range t.actions {
		t.joints *= len(names)
	}
	for s := range states {
		for joint := range t.joints {
			a, b := joint, 0
			if len(t.actions) == 2 {
				a, b = joint/len(t.actions[1]), joint%len(t.actions[1])
			}
			next := play(s, a, b)
			for _, tr := range next {
				t.over[tr.Next] = t.over[tr.Next] || tr.Terminal
			}
			t.next = append(t.next, next)
		}
	}
	for seat, names := range t.actions {
		row := make([]bool, 0, states*len(names))
		for s := range states {
			for a := range names {
				row = append(row, legal == nil || t.over[s] || legal(seat, s, a))
			}
		}
		t.legal = append(t.legal, row)
	}
	return t
}

// view is what every seat sees in state s, as a number below seen().
func (t *Table) view(s int) int {
	if t.views == nil {
		return s
	}
	return t.views[s]
}

// seen is how many views there are.
func (t *Table) seen() int {
	if t.views == nil {
		return t.States()
	}
	return slices.Max(t.views) + 1
}

// States is how many states there are, numbered from 0, those included in which the game is over.
func (t *Table) States() int { return len(t.start) }

// Start is the probability of each state to be the first. It belongs to the Table.
func (t *Table) Start() []float64 { return t.start }

// Legal are the ids that a seat may play in state s; none where the game is over.
func (t *Table) Legal(seat, s int) []int {
	if t.over[s] {
		return nil
	}
	var ids []int
	n := len(t.actions[seat])
	for a, ok := range t.legal[seat][s*n : (s+1)*n] {
		if ok {
			ids = append(ids, a)
		}
	}
	return ids
}

// Joint appends to dst what may happen when the first seat plays a and the second b in state s.
func (t *Table) Joint(dst []exact.Transition, s, a, b int) []exact.Transition {
	joint := a
	if len(t.actions) == 2 {
		joint = a*len(t.actions[1]) + b
	}
	return append(dst, t.next[s*t.joints+joint]...)
}

// Actions is Legal of the first seat.
func (t *Table) Actions(s int) []int { return t.Legal(0, s) }

// Transitions appends to dst what may happen when the only seat plays a in state s.
func (t *Table) Transitions(dst []exact.Transition, s, a int) []exact.Transition {
	return t.Joint(dst, s, a, 0)
}

// bots are, for every seat, one that plays at random and one that always plays the same, for every action.
func (t *Table) bots(seat int) []envs.Bot {
	list := []envs.Bot{{Name: "uniform", About: "plays every legal action with the same probability", New: envs.Uniform}}
	for a, name := range t.actions[seat] {
		list = append(list, envs.Bot{
			Name: name, About: "always plays " + name + ", or the first legal action where it may not",
			New: func() envs.Policy { return &always{a: a, legal: make([]bool, len(t.actions[seat]))} },
		})
	}
	return list
}

type always struct {
	a     int
	legal []bool
}

func (p *always) Act(env envs.Env, seat int, _ *rand.Rand) int {
	env.Legal(seat, p.legal)
	if p.legal[p.a] {
		return p.a
	}
	for a, ok := range p.legal {
		if ok {
			return a
		}
	}
	panic("unreachable")
}

// env returns a game that is played by the table.
func (t *Table) env() envs.Env {
	e := &env{table: t, spec: envs.Spec{ID: t.id, MaxSteps: t.limit}, over: true, pcg: envs.NewPCG(0)}
	e.rng = rand.New(e.pcg)
	about := "the number of the state, of which everything is seen"
	if t.views != nil {
		about = "the number of the state, of which the observation shows a part"
	}
	for seat, names := range t.actions {
		e.spec.Seats = append(e.spec.Seats, envs.Seat{
			Role:    t.roles[seat],
			Obs:     envs.UniformBox(0, 1, t.seen()),
			Actions: envs.Discrete{N: len(names), NameFunc: func(a int) string { return names[a] }},
			Encodings: []envs.Encoding{
				{Name: "state", States: t.States(), About: about},
			},
		})
	}
	return e
}

// env plays a Table.
type env struct {
	table *Table
	spec  envs.Spec
	pcg   *rand.PCG
	rng   *rand.Rand
	state int
	steps int
	over  bool // also before the first Reset
}

func (e *env) Spec() *envs.Spec { return &e.spec }

func (e *env) Reset(seed uint64) error {
	envs.Seed(e.pcg, seed)
	e.steps, e.over = 0, false
	e.state = envs.Pick(e.table.start, e.rng.Float64())
	return nil
}

func (e *env) Step(actions []int, out *envs.Outcome) error {
	if e.over {
		panic("toy: Step without Reset, or after the end of the episode")
	}
	t := e.table
	joint := 0
	for seat, names := range t.actions {
		a := actions[seat]
		if a < 0 || a >= len(names) {
			panic(fmt.Sprintf("toy: action %d of seat %d is not one of %d", a, seat, len(names)))
		}
		joint = joint*len(names) + a
	}
	e.steps++
	next := t.next[e.state*t.joints+joint]
	i, u := 0, e.rng.Float64()
	for i < len(next)-1 && u >= next[i].Prob {
		u -= next[i].Prob
		i++
	}
	tr := next[i]
	e.state = tr.Next
	out.Rewards[0] = tr.Reward
	if len(t.actions) == 2 {
		out.Rewards[1] = 0 - tr.Reward // not -0
	}
	out.Terminated = tr.Terminal
	out.Truncated = !tr.Terminal && e.steps == t.limit
	out.Winner = envs.Nobody
	if tr.Terminal && t.winners != nil {
		out.Winner = t.winners[tr.Next]
	}
	e.over = out.Over()
	return nil
}

func (e *env) Observe(_ int, dst []float32) {
	clear(dst)
	dst[e.table.view(e.state)] = 1
}

func (e *env) Legal(seat int, dst []bool) {
	n := len(e.table.actions[seat])
	copy(dst, e.table.legal[seat][e.state*n:(e.state+1)*n])
}

func (e *env) State(int, int) int { return e.state }

func (e *env) AppendKey(dst []byte, _ int) []byte {
	view := e.table.view(e.state)
	return append(dst, byte(view>>8), byte(view))
}

func (e *env) Close() error { return nil }
