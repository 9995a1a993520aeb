// Package qlearning is tabular Q-learning (Watkins and Dayan 1992, doi:10.1007/BF00992698) for one seat of a game:
//
//	Q(s, a) ← Q(s, a) + α (r + γ max_{a' legal in s'} Q(s', a') − Q(s, a))
//
// without the last term after a terminal step, and with the state before the cut as s' after a truncated one.
//
// States are numbers: an encoding that the environment offers (the attacker's node, the full state), or whatever the
// seat sees, collected in a hash table as it occurs.
//
// Exploration is ε-greedy over legal actions with repetition (ez-greedy; Dabney, Ostrovski and Barreto 2021,
// arXiv:2006.01782): an exploring action begins where a state is entered, and goes on for as long as it is legal, with a
// probability. This matters where a state hides what earlier attempts have achieved. In idsgame an attack may succeed
// only at the third attempt, so a single one never shows its worth; and a defender with one state would compare single
// actions within the course of its best one, instead of whole courses.
//
// Deviations from the Python original, whose results suffered from them: no value is taken from terminal states or
// illegal actions, and evaluation never writes files. Equal values go to the smallest id, as there.
package qlearning

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// Observation is the State setting of a hash table over all that a seat sees.
const Observation = "observation"

// Config holds the hyperparameters.
type Config struct {
	State string `yaml:"state" usage:"what the table is keyed by: an encoding of the environment such as node or full, observation for all that the seat sees, or auto for the environment's first encoding"`

	Alpha     algos.Schedule `yaml:"alpha" usage:"smallest step size α"`
	Omega     float64        `yaml:"omega" range:"[0, 1]" usage:"an entry's n-th update has at least the step size n^-omega; 0 uses alpha alone"`
	Gamma     float64        `yaml:"gamma" range:"[0, 1]" usage:"discount factor γ"`
	Epsilon   algos.Schedule `yaml:"epsilon" usage:"probability ε of an exploring action"`
	ExploreAt string         `yaml:"explore_at" choice:"entry|step" usage:"where an exploring action may begin: when the state changes, so that a choice is tried for the whole stay in a state, or at any step"`
	Repeat    float64        `yaml:"explore_repeat" range:"[0, 1]" usage:"probability that an exploring action is repeated in the next step, if it is legal there"`

	InitialQ  float64 `yaml:"initial_q" range:"(-inf, inf)" usage:"value of an action before its first update"`
	MaxStates int     `yaml:"max_states" range:"[1, 100000000]" usage:"most rows of a table keyed by observations; states beyond share the last row"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "tabular-q", About: "tabular Q-learning", Budget: algos.Budget{Episodes: 200_000}, Envs: 1,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults reach the bounds of versions 0 to 3 of idsgame.
func Defaults() *Config {
	return &Config{
		State: "auto", Gamma: 0.999, ExploreAt: "entry", Repeat: 0.9, MaxStates: 1_000_000,
		Alpha: algos.Constant(0.0003), Omega: 0.65,
		Epsilon: algos.Schedule{Start: 1, End: 0.05, Over: 0.8, Shape: "linear"},
	}
}

// Validate keeps step sizes, with which values would not stay finite otherwise, and probabilities at most 1.
func (c *Config) Validate() error {
	var ck settings.Checks
	for _, s := range []struct {
		name string
		algos.Schedule
	}{{"alpha", c.Alpha}, {"epsilon", c.Epsilon}} {
		ck.Require(s.Start <= 1, s.name+".start", s.Start, "must be at most 1")
		ck.Require(s.End <= 1, s.name+".end", s.End, "must be at most 1")
	}
	return ck.Err()
}

// NewLearner makes a learner of a seat.
func (c *Config) NewLearner(spec *envs.Spec, seat, n int, seed uint64) (algos.Learner, error) {
	s := spec.Seats[seat]
	l := &learner{
		cfg: *c, seat: seat, pcg: envs.NewPCG(seed),
		table:   table{actions: s.Actions.N, encoding: -1, initial: c.InitialQ, max: c.MaxStates},
		row:     make([]int, n),
		explore: make([]int, n),
	}
	l.rng = rand.New(l.pcg)
	if c.Omega > 0 {
		l.powers = make([]float64, 1<<14)
		for n := range l.powers {
			l.powers[n] = math.Pow(float64(n), -c.Omega)
		}
	}
	for i := range l.explore {
		l.explore[i] = none
	}
	switch {
	case c.State == Observation || c.State == "auto" && len(s.Encodings) == 0:
		l.table.index = map[string]int{}
	case c.State == "auto":
		l.table.encoding = 0
	default:
		var names []string
		for i, e := range s.Encodings {
			names = append(names, e.Name)
			if e.Name == c.State {
				l.table.encoding = i
			}
		}
		if l.table.encoding < 0 {
			return nil, &settings.Error{Key: "state", Value: c.State, Problem: fmt.Sprintf("%s offers the %s: %s",
				spec.ID, s.Role, strings.Join(append(names, Observation), ", "))}
		}
	}
	if e := l.table.encoding; e >= 0 {
		l.table.grow(s.Encodings[e].States)
	}
	return l, nil
}

// none stands for no action.
const none = -1

// greedily stands for the best action, where otherwise an exploring action would stand.
const greedily = -2

type learner struct {
	cfg   Config
	seat  int
	pcg   *rand.PCG
	rng   *rand.Rand
	table table

	alpha, epsilon float64
	slow           float64   // from so many updates of an entry on, its step size is α
	powers         []float64 // n^−ω for small n, since math.Pow takes longer than all the rest of an update

	row     []int // by environment: the state in which it acted
	explore []int // by environment: the exploring action that it took there, greedily, or none before its first action

	updates int     // since the last Report
	tdError float64 // sum of |δ| over them
}

// View asks for legal actions and rows of the table.
func (l *learner) View() envs.View { return envs.View{Legal: true, Row: l.table.visit} }

// Anneal follows the schedules.
func (l *learner) Anneal(progress float64) {
	l.alpha, l.epsilon = l.cfg.Alpha.At(progress), l.cfg.Epsilon.At(progress)
	l.slow = math.Pow(l.alpha, -1/l.cfg.Omega)
}

// Act is ez-greedy.
func (l *learner) Act(b *envs.Batch, actions []int) {
	for i, s := range b.Row {
		legal := b.Legal[i*b.Actions : (i+1)*b.Actions]
		again := l.explore[i]
		mayBegin := again != greedily || s != l.row[i] || l.cfg.ExploreAt == "step"
		switch {
		case again >= 0 && legal[again] && l.rng.Float64() < l.cfg.Repeat:
			actions[i] = again
		case mayBegin && l.rng.Float64() < l.epsilon:
			actions[i] = envs.RandomLegal(legal, l.rng)
			l.explore[i] = actions[i]
		default:
			actions[i], _ = best(l.table.values(s), legal)
			l.explore[i] = greedily
		}
		l.row[i] = s
	}
}

// stepSize is the larger of α and n^−ω, for the n-th update of an entry.
func (l *learner) stepSize(n uint32) float64 {
	switch {
	case float64(n) >= l.slow:
		return l.alpha
	case int(n) < len(l.powers):
		return l.powers[n]
	default:
		return math.Pow(float64(n), -l.cfg.Omega)
	}
}

// Learn makes one update for each environment.
func (l *learner) Learn(b *envs.Batch, actions []int) error {
	for i, a := range actions {
		target := b.Reward[i]
		switch from, to := i*b.Actions, (i+1)*b.Actions; {
		case b.Terminated[i]:
		case b.Truncated[i]:
			_, next := best(l.table.values(b.LastRow[i]), b.LastLegal[from:to])
			target += l.cfg.Gamma * next
		default:
			_, next := best(l.table.values(b.Row[i]), b.Legal[from:to])
			target += l.cfg.Gamma * next
		}
		if b.Terminated[i] || b.Truncated[i] {
			l.explore[i] = none
		}
		q := &l.table.q[l.row[i]*l.table.actions+a]
		delta := target - *q
		alpha := l.alpha
		if l.cfg.Omega > 0 {
			n := &l.table.n[l.row[i]*l.table.actions+a]
			if *n < math.MaxUint32 {
				*n++
			}
			alpha = l.stepSize(*n)
		}
		*q += alpha * delta
		l.updates++
		l.tdError += math.Abs(delta)
	}
	if l.tdError-l.tdError != 0 { // NaN or infinite
		return &algos.DivergedError{
			Update: l.updates, Quantity: "error of a value", Value: l.tdError, Cause: "probably a reward of the environment is not finite",
		}
	}
	return nil
}

// best is the legal action of the largest value, the first of equals, and that value.
func best(values []float64, legal []bool) (action int, value float64) {
	action, value = none, math.Inf(-1)
	for a, q := range values {
		if q > value && legal[a] {
			action, value = a, q
		}
	}
	return action, value
}

// Metrics names the values of Report.
func (l *learner) Metrics() []string { return []string{"epsilon", "alpha", "td_error", "states"} }

// Report writes ε, α, the mean absolute temporal-difference error and the number of rows.
func (l *learner) Report(dst []float64) {
	dst[0], dst[1] = l.epsilon, l.alpha
	dst[2], dst[3] = l.tdError/float64(l.updates), float64(l.table.rows())
	l.updates, l.tdError = 0, 0
}

// MarshalBinary saves the table and everything that moves.
func (l *learner) MarshalBinary() ([]byte, error) {
	var e algos.Encoder
	random, err := l.pcg.MarshalBinary()
	if err != nil {
		return nil, err
	}
	e.Int(stateFormat)
	e.Bytes(random)
	e.Float(l.alpha)
	e.Float(l.epsilon)
	e.Ints(l.row)
	e.Ints(l.explore)
	e.Int(l.updates)
	e.Float(l.tdError)
	l.table.encode(&e)
	return e.Data, nil
}

const stateFormat = 1 // of MarshalBinary

// UnmarshalBinary restores a learner of the same environment and settings.
func (l *learner) UnmarshalBinary(data []byte) error {
	d := algos.NewDecoder(data)
	d.Expect("format", stateFormat)
	var pcg rand.PCG
	if err := pcg.UnmarshalBinary(d.Bytes()); err != nil {
		d.Fail("random stream: %w", err)
	}
	alpha, epsilon := d.Float(), d.Float()
	row, explore := d.Ints(), d.Ints()
	updates, tdError := d.Int(), d.Float()
	restored := l.table
	restored.decode(d)
	if !(0 <= alpha && alpha <= 1 && 0 <= epsilon && epsilon <= 1) {
		d.Fail("alpha = %v, epsilon = %v", alpha, epsilon)
	}
	for _, a := range explore {
		if a < greedily || a >= l.table.actions {
			d.Fail("exploring action %d of %d", a, l.table.actions)
		}
	}
	if len(row) != len(l.row) || len(explore) != len(l.explore) {
		d.Fail("state of %d and %d environments, not %d", len(row), len(explore), len(l.row))
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("tabular-q: %w", err)
	}
	*l.pcg, l.alpha, l.epsilon, l.slow = pcg, alpha, epsilon, math.Pow(alpha, -1/l.cfg.Omega)
	l.row, l.explore, l.table = row, explore, restored
	l.updates, l.tdError = updates, tdError
	return nil
}

// Policy copies the table.
func (l *learner) Policy(mode algos.Mode) envs.Policy { return l.policy(l.table.clone(), mode) }

// Lend reads the table itself, which may be large.
func (l *learner) Lend(mode algos.Mode) envs.Policy { return l.policy(l.table.share(), mode) }

func (l *learner) policy(t table, mode algos.Mode) envs.Policy {
	p := &policy{table: t, legal: make([]bool, l.table.actions)}
	if mode == algos.Sampled {
		p.epsilon = l.epsilon
	}
	return p
}

// policy is ε-greedy in a table that does not change.
type policy struct {
	table   table
	epsilon float64
	legal   []bool
}

// Act plays the first legal action in a state that training has not met.
func (p *policy) Act(env envs.Env, seat int, rng *rand.Rand) int {
	env.Legal(seat, p.legal)
	if p.epsilon > 0 && rng.Float64() < p.epsilon {
		return envs.RandomLegal(p.legal, rng)
	}
	a, _ := best(p.table.find(env, seat), p.legal)
	return a
}
