// Package qlearning is tabular Q-learning (Watkins and Dayan 1992, doi:10.1007/BF00992698) for one seat of a game:
//
//	Q(s, a) ← Q(s, a) + α (r + γ max_{a' legal in s'} Q(s', a') − Q(s, a))
//
// without the last term after a terminal step, and with the state before the cut as s' after a truncated one.
//
// States are numbers: an encoding that the environment offers (the attacker's node, the full state), or whatever the
// seat sees, collected in a hash table as it occurs.
//
// Exploration is that of an algos.Explorer: an exploring action begins where a state is entered, and may be repeated. This
// matters where a state hides what earlier attempts have achieved. In idsgame an attack may succeed only at the third
// attempt, so a single one never shows its worth; and a defender with one state would compare single actions within the
// course of its best one, instead of whole courses.
//
// Deviations from the Python original, whose results suffered from them: no value is taken from terminal states or
// illegal actions, and evaluation never writes files. Equal values go to the smallest id, as there.
package qlearning

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

	Alpha algos.Schedule `yaml:"alpha" usage:"smallest step size α"`
	Omega float64        `yaml:"omega" range:"[0, 1]" usage:"an entry's n-th update has at least the step size n^-omega; 0 uses alpha alone"`
	Gamma float64        `yaml:"gamma" range:"[0, 1]" usage:"discount factor γ"`

	algos.Exploration

	InitialQ  float64 `yaml:"initial_q" range:"(-inf, inf)" usage:"value of an action before its first update"`
	MaxStates int     `yaml:"max_states" range:"[1, 100000000]" usage:"most rows of a table keyed by observations; states beyond share the last row"`
}

// Algorithm is the entry of the list of algorithms.
func Algorithm() algos.Algorithm {
	return algos.Algorithm{
		Name: "tabular-q", About: "tabular Q-learning", Budget: algos.Budget{Episodes: 200_000}, Envs: 1, Turn: 2000,
		Config: func() algos.Config { return Defaults() },
	}
}

// Defaults reach the bounds of versions 0 to 3 of idsgame.
func Defaults() *Config {
	return &Config{
		State: "auto", Gamma: 0.999, MaxStates: 1_000_000,
		Alpha: algos.Constant(0.0003), Omega: 0.65,
		Exploration: algos.Exploration{
			Epsilon:   algos.Schedule{Start: 1, End: 0.05, Over: 0.8, Shape: "linear"},
			ExploreAt: "entry", Repeat: 0.9,
		},
	}
}

// Validate keeps step sizes at most 1: values would not stay finite otherwise.
func (c *Config) Validate() error {
	var ck settings.Checks
	c.Alpha.RequireAtMost(1, &ck, "alpha")
	return errors.Join(c.Exploration.Validate(), ck.Err())
}

// NewLearner makes a learner of a seat.
func (c *Config) NewLearner(spec *envs.Spec, seat, n int, seed uint64) (algos.Learner, error) {
	s := spec.Seats[seat]
	l := &learner{
		cfg: *c, row: make([]int, n), explorer: algos.NewExplorer(c.Exploration, s.Actions.N, n, seed),
		meter: algos.NewMeter("td_error"),
	}
	if c.Omega > 0 {
		l.powers = make([]float64, 1<<14)
		for n := range l.powers {
			l.powers[n] = math.Pow(float64(n), -c.Omega)
		}
	}
	if c.State == Observation || c.State == "auto" && len(s.Encodings) == 0 {
		l.table = newTable(s.Actions.N, min(s.Actions.N, pageWidth), c.InitialQ, c.Omega > 0)
		l.table.index, l.table.max = map[string]int{}, c.MaxStates
		return l, nil
	}
	l.table = newTable(s.Actions.N, s.Actions.N, c.InitialQ, c.Omega > 0)
	if c.State != "auto" {
		l.table.encoding = slices.IndexFunc(s.Encodings, func(e envs.Encoding) bool { return e.Name == c.State })
	}
	if l.table.encoding < 0 {
		var names []string
		for _, e := range s.Encodings {
			names = append(names, e.Name)
		}
		return nil, &settings.Error{Key: "state", Value: c.State, Problem: fmt.Sprintf(
			"%s offers the %s: %s", spec.ID, s.Role, strings.Join(append(names, Observation), ", "))}
	}
	for range s.Encodings[l.table.encoding].States {
		l.table.pages = append(l.table.pages, l.table.newPage())
	}
	return l, nil
}

type learner struct {
	cfg      Config
	explorer *algos.Explorer
	table    table
	row      []int // by environment: the state in which it acted

	alpha  float64
	slow   float64   // from so many updates of an entry on, its step size is α
	powers []float64 // n^−ω for small n, since math.Pow takes longer than all the rest of an update

	updates int         // so far
	meter   algos.Meter // of |δ|
}

// View asks for legal actions and rows of the table.
func (l *learner) View() envs.View { return envs.View{Legal: true, Row: l.table.visit} }

// Anneal follows the schedules.
func (l *learner) Anneal(progress float64) {
	l.explorer.Anneal(progress)
	l.anneal(l.cfg.Alpha.At(progress))
}

// anneal sets α.
func (l *learner) anneal(alpha float64) { l.alpha, l.slow = alpha, math.Pow(alpha, -1/l.cfg.Omega) }

// Act plays the best action, or explores.
func (l *learner) Act(b *envs.Batch, actions []int) {
	copy(l.row, b.Row)
	l.explorer.Act(b, actions, func(i int, legal []bool) int {
		a, _ := l.table.best(l.row[i], legal)
		return a
	})
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
	l.explorer.Learn(b, func(i int) bool { return b.Row[i] != l.row[i] })
	for i, a := range actions {
		row, legal := b.Row[i], b.Legal
		if b.Truncated[i] {
			row, legal = b.LastRow[i], b.LastLegal
		}
		target := b.Reward[i]
		if !b.Terminated[i] {
			_, next := l.table.best(row, legal[i*b.Actions:(i+1)*b.Actions])
			target += l.cfg.Gamma * next
		}
		k := l.table.entry(l.row[i], a)
		q := &l.table.q[k]
		delta := target - *q
		alpha := l.alpha
		if l.cfg.Omega > 0 {
			n := &l.table.n[k]
			if *n < math.MaxUint32 {
				*n++
			}
			alpha = l.stepSize(*n)
		}
		*q += alpha * delta
		l.updates++
		l.meter.Add(0, math.Abs(delta))
		if delta-delta != 0 { // NaN or infinite
			return &algos.DivergedError{
				Update: l.updates, Quantity: "error of a value", Value: delta,
				Cause: "probably a reward of the environment is not finite",
			}
		}
	}
	return nil
}

// Updates is the number of updated entries so far.
func (l *learner) Updates() int { return l.updates }

// Metrics names the values of Report.
func (l *learner) Metrics() []string {
	return append(append([]string{"epsilon", "alpha"}, l.meter.Names...), "states")
}

// Report writes ε, α, the mean absolute temporal-difference error and the number of rows.
func (l *learner) Report(dst []float64) {
	dst[0], dst[1], dst[3] = l.explorer.Epsilon(), l.alpha, float64(l.table.rows())
	l.meter.Report(dst[2:3])
}

const stateFormat = 3 // of MarshalBinary

// MarshalBinary saves the table and everything that moves.
func (l *learner) MarshalBinary() ([]byte, error) {
	var e algos.Encoder
	e.Int(stateFormat)
	l.explorer.Encode(&e)
	e.Float(l.alpha)
	e.Int(l.updates)
	l.meter.Encode(&e)
	l.table.encode(&e)
	return e.Data, nil
}

// UnmarshalBinary restores a learner of the same environment and settings. An error leaves it as it was.
func (l *learner) UnmarshalBinary(data []byte) error {
	d := algos.NewDecoder(data)
	d.Expect("format", stateFormat)
	explorer := l.explorer.Decode(d)
	alpha, updates := d.Float(), d.Int()
	if !(0 <= alpha && alpha <= 1) || updates < 0 {
		d.Fail("alpha = %v after %d updates", alpha, updates)
	}
	meter, table := algos.NewMeter(l.meter.Names...), l.table
	meter.Decode(d)
	table.decode(d)
	if err := d.Close(); err != nil {
		return fmt.Errorf("tabular-q: %w", err)
	}
	l.anneal(alpha)
	l.explorer, l.updates, l.meter, l.table = explorer, updates, meter, table
	return nil
}

// Policy copies the table.
func (l *learner) Policy(mode algos.Mode) envs.Policy {
	return &policy{l.explorer.Policy(mode), l.table.clone()}
}

// Lend reads the table itself, which may be large.
func (l *learner) Lend(mode algos.Mode) envs.Policy {
	return &policy{l.explorer.Policy(mode), l.table.share()}
}

// policy is ε-greedy in a table that does not change.
type policy struct {
	algos.EpsilonGreedy
	table table
}

// Act plays the first legal action in a state that training has not met.
func (p *policy) Act(env envs.Env, seat int, rng *rand.Rand) int {
	return p.Choose(env, seat, rng, func(legal []bool) int { return p.best(env, seat, legal) })
}

func (p *policy) best(env envs.Env, seat int, legal []bool) int {
	a, _ := p.table.best(p.table.find(env, seat), legal)
	return a
}

// Probabilities are those of Act.
func (p *policy) Probabilities(env envs.Env, seat int, dst []float64) bool {
	p.EpsilonGreedy.Probabilities(env, seat, dst, func(legal []bool) int { return p.best(env, seat, legal) })
	return true
}

// Explain shows the row of the table.
func (p *policy) Explain(env envs.Env, seat int) envs.Explanation {
	row := p.table.find(env, seat)
	x := p.EpsilonGreedy.Explain(env, seat, copyRow(&p.table, row, p.table.q))
	if len(p.table.n) > 0 {
		x.Updates = copyRow(&p.table, row, p.table.n)
	}
	return x
}
