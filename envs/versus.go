package envs

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Versus seats players in game: players[i] plays seat i, nil leaves it open. The result is an Env whose seats are the
// open ones, in order; with all seats open it is game itself, with none it plays on its own by Step(nil, out). Where
// game is a Match, its players keep their seats, the new ones join them, and only the result may be used from then on.
// Player i draws from a stream of its own that the episode's seed names, so an episode stays the same whoever plays
// the open seats alike.
func Versus(game Env, players ...Policy) (Env, error) {
	spec := game.Spec()
	if len(players) != len(spec.Seats) {
		return nil, fmt.Errorf("envs: %s has %d seats, not %d", spec.ID, len(spec.Seats), len(players))
	}
	if !slices.ContainsFunc(players, func(p Policy) bool { return p != nil }) {
		return game, nil
	}
	// Players of one game sit in one Match: each then acts in the game itself, in its own seat, and no two of them draw
	// from the same stream.
	switch inner := game.(type) {
	case *Match:
		all := make([]Policy, len(inner.actions))
		for _, p := range inner.filled {
			all[p.seat] = p.policy
		}
		for i, seat := range inner.open {
			all[seat] = players[i]
		}
		return Versus(inner.Env, all...)
	case *limited:
		if _, ok := As[*Match](inner.Env); ok {
			m, err := Versus(inner.Env, players...)
			if err != nil {
				return nil, err
			}
			return Limit(m, inner.steps), nil
		}
	}
	m := &Match{Env: game, actions: make([]int, len(players)), joint: *spec.NewOutcome()}
	m.spec = Spec{ID: spec.ID, MaxSteps: spec.MaxSteps}
	for i, p := range players {
		if p == nil {
			m.open = append(m.open, i)
			m.spec.Seats = append(m.spec.Seats, spec.Seats[i])
			continue
		}
		pcg := NewPCG(0)
		m.filled = append(m.filled, player{seat: i, policy: p, pcg: pcg, rng: rand.New(pcg)})
	}
	return m, nil
}

// Match is a game in which policies play some of the seats. Get it from an Env by As[*Match].
type Match struct {
	Env     // the game, all seats
	spec    Spec
	open    []int // seat of the game, by seat of the Match
	filled  []player
	actions []int
	joint   Outcome
}

type player struct {
	seat   int
	policy Policy
	pcg    *rand.PCG
	rng    *rand.Rand
}

// Spec describes the open seats.
func (m *Match) Spec() *Spec { return &m.spec }

// Unwrap is the game.
func (m *Match) Unwrap() Env { return m.Env }

// Joint is the outcome of the last step for every seat of the game. It belongs to the Match.
func (m *Match) Joint() *Outcome { return &m.joint }

// Actions are the ids that every seat of the game played in the last step. They belong to the Match.
func (m *Match) Actions() []int { return m.actions }

// Reset starts an episode of the game and tells the players.
func (m *Match) Reset(seed uint64) error {
	if err := m.Env.Reset(seed); err != nil {
		return err
	}
	for i := range m.filled {
		p := &m.filled[i]
		Seed(p.pcg, Derive(seed, "player", uint64(p.seat)))
		if s, ok := p.policy.(Starter); ok {
			s.StartEpisode(p.rng)
		}
	}
	return nil
}

// Step asks the players, who all see the state before the step, and plays.
func (m *Match) Step(actions []int, out *Outcome) error {
	for i, seat := range m.open {
		m.actions[seat] = actions[i]
	}
	for i := range m.filled {
		p := &m.filled[i]
		m.actions[p.seat] = p.policy.Act(m.Env, p.seat, p.rng)
	}
	if err := m.Env.Step(m.actions, &m.joint); err != nil {
		return err
	}
	for i, seat := range m.open {
		out.Rewards[i] = m.joint.Rewards[seat]
	}
	out.Terminated, out.Truncated, out.Winner = m.joint.Terminated, m.joint.Truncated, m.joint.Winner
	return nil
}

// Observe writes what an open seat sees.
func (m *Match) Observe(seat int, dst []float32) { m.Env.Observe(m.open[seat], dst) }

// Legal writes which actions an open seat may choose.
func (m *Match) Legal(seat int, dst []bool) { m.Env.Legal(m.open[seat], dst) }

// State numbers what an open seat sees.
func (m *Match) State(seat, encoding int) int { return m.Env.State(m.open[seat], encoding) }

// AppendKey names what an open seat sees.
func (m *Match) AppendKey(dst []byte, seat int) []byte { return m.Env.AppendKey(dst, m.open[seat]) }
