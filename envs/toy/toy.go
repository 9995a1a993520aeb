// Package toy holds tiny games whose best play is known, for tests of learners. Each is made to catch one mistake; its
// comment says which.
//
// What the games share: every seat sees everything, as a one-hot vector of States() entries, but in [Recall]; and the
// encoding "state" is the number of the state. With two seats the first is the attacker, the second the defender, both
// move at once, and their rewards add up to zero. Nothing is drawn for an instance; for an episode, the first state and
// what is left to chance. The bots of a seat are "uniform" and, for every action, one by its name that always plays it.
//
// [Game.Model] gives a game to package exact, which finds its values. The settings of a game are its type's fields.
package toy

import (
	"strconv"

	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/settings"
)

// Game is the settings of a toy game.
type Game interface {
	envs.Game
	// Model is the game as package exact reads it: of one seat, an exact.Model, of two, an exact.Game. It panics if
	// the settings are out of range.
	Model() *Table
}

// Entries are all toy games with their default settings.
func Entries() []envs.Entry {
	return []envs.Entry{
		{ID: "toy-corridor-v0", About: "a chain of cells with the reward at its end", Game: newCorridor},
		{ID: "toy-forbidden-v0", About: "the action that looks best is illegal nearly everywhere", Game: newForbidden},
		{ID: "toy-clock-v0", About: "an endless task that a step limit cuts short", Game: newClock},
		{ID: "toy-recall-v0", About: "a cue to remember until it is asked for", Game: newRecall},
		{ID: "toy-pennies-v0", About: "matching pennies with uneven stakes", Game: newPennies},
		{ID: "toy-rps-v0", About: "rock, paper, scissors with uneven stakes", Game: newRPS},
		{ID: "toy-pursuit-v0", About: "an intruder and a guard at two doors", Game: newPursuit},
		{ID: "toy-pursuit-attack-v0", About: "the same, for the intruder; the guard plays at random", Game: newPursuit,
			Cast: []string{"", "uniform"}},
		{ID: "toy-pursuit-defend-v0", About: "the same, for the guard; the intruder plays at random", Game: newPursuit,
			Cast: []string{"uniform", ""}},
	}
}

func build(g Game) (envs.Env, error) {
	if err := settings.Check(g); err != nil {
		return nil, err
	}
	return g.Model().env(), nil
}

// single describes a game of one seat that starts in state 0.
func single(id string, states, limit int, actions ...string) *Table {
	t := &Table{
		id: id, roles: []envs.Role{envs.Benign}, actions: [][]string{actions}, limit: limit,
		start: make([]float64, states),
	}
	t.start[0] = 1
	return t
}

// double describes a game of two seats with the same actions that starts in state 0. The last states are those in which
// it ends; winners names who has won there.
func double(id string, going int, winners []envs.Role, limit int, actions ...string) *Table {
	t := &Table{
		id: id, roles: []envs.Role{envs.Attacker, envs.Defender}, actions: [][]string{actions, actions}, limit: limit,
		start:   make([]float64, going+len(winners)),
		winners: append(make([]envs.Role, going), winners...),
	}
	t.start[0] = 1
	return t
}

// Corridor is a walk along a chain of cells from the first to the last, with slips. Learners that do not discount, that
// do not hand credit back along the chain or that never explore get it wrong.
//
// Actions: left and right, one cell; at the first cell left stays. With probability Slip the step goes the other way.
// Rewards: 1 for reaching the last cell, which ends the episode. Best play: always right while Slip < 1/2; without slips
// cell s is worth γ^(Cells-2-s).
type Corridor struct {
	Cells    int     `yaml:"cells" usage:"length of the chain" range:"[2, 1000]"`
	Slip     float64 `yaml:"slip" usage:"probability that a step goes the wrong way" range:"[0, 1]"`
	MaxSteps int     `yaml:"max_steps" usage:"steps after which an episode is truncated" range:"[1, 1e6]"`
}

func newCorridor() envs.Game { return &Corridor{Cells: 8, Slip: 0.1, MaxSteps: 200} }

// Model is the game as package exact reads it.
func (c *Corridor) Model() *Table {
	t := single("toy-corridor-v0", c.Cells, c.MaxSteps, "left", "right")
	goal := c.Cells - 1
	t.winners = make([]envs.Role, c.Cells)
	t.winners[goal] = envs.Benign
	to := func(s int) exact.Transition {
		if s == goal {
			return exact.Transition{Reward: 1, Next: s, Terminal: true}
		}
		return exact.Transition{Next: s}
	}
	return t.fill(nil, func(s, a, _ int) []exact.Transition {
		left, right := to(max(s-1, 0)), to(min(s+1, goal))
		left.Prob, right.Prob = 1-c.Slip, c.Slip
		if a == 1 {
			left.Prob, right.Prob = c.Slip, 1-c.Slip
		}
		return []exact.Transition{left, right}
	})
}

// Validate has nothing to add to the ranges.
func (c *Corridor) Validate() error { return nil }

// New builds the game.
func (c *Corridor) New(uint64) (envs.Env, error) { return build(c) }

// Bots are the scripted players.
func (c *Corridor) Bots(seat int) []envs.Bot { return c.Model().bots(seat) }

// Forbidden is a way home over a row of fields. The shortcut is by far the best action, but legal only in the last
// field. Learners that play it elsewhere, or that count it in the maximum over next actions, find values that are too
// high: all true values are negative, so even a table that starts at zero misleads them.
//
// Actions: walk, one field on, costs 1; ride, two fields, costs 1.5; shortcut, home at once from anywhere, costs 0.5.
// The episode ends at home, after Fields steps at the latest. Best play: a mixture of walks and rides that discounting
// decides, then the shortcut.
type Forbidden struct {
	Fields int `yaml:"fields" usage:"fields on the way home" range:"[1, 1000]"`
}

func newForbidden() envs.Game { return &Forbidden{Fields: 5} }

// Model is the game as package exact reads it.
func (f *Forbidden) Model() *Table {
	const shortcut = 2
	home := f.Fields
	t := single("toy-forbidden-v0", f.Fields+1, f.Fields, "walk", "ride", "shortcut")
	t.winners = make([]envs.Role, f.Fields+1)
	t.winners[home] = envs.Benign
	return t.fill(
		func(_, s, a int) bool { return a != shortcut || s == home-1 },
		func(s, a, _ int) []exact.Transition {
			next := min(s+[]int{1, 2, home}[a], home)
			reward := []float64{-1, -1.5, -0.5}[a]
			return []exact.Transition{{Prob: 1, Reward: reward, Next: next, Terminal: next == home}}
		})
}

// Validate has nothing to add to the ranges.
func (f *Forbidden) Validate() error { return nil }

// New builds the game.
func (f *Forbidden) New(uint64) (envs.Env, error) { return build(f) }

// Bots are the scripted players.
func (f *Forbidden) Bots(seat int) []envs.Bot { return f.Model().bots(seat) }

// Clock is a clock that wants winding, forever. The step limit is not part of the state, so every state is worth
// 1/(1-γ), 10 for γ = 0.9. Learners that take truncation for the end find about 1/(1-γ(1-1/MaxSteps)), 5.3 with the
// default limit.
//
// Actions: wind, on to the next hour, pays 1; wait pays nothing. The first hour is drawn uniformly. Best play: always
// wind.
type Clock struct {
	Hours    int `yaml:"hours" usage:"hours on the dial" range:"[1, 1000]"`
	MaxSteps int `yaml:"max_steps" usage:"steps after which an episode is truncated" range:"[1, 1e6]"`
}

func newClock() envs.Game { return &Clock{Hours: 3, MaxSteps: 10} }

// Model is the game as package exact reads it.
func (c *Clock) Model() *Table {
	t := single("toy-clock-v0", c.Hours, c.MaxSteps, "wind", "wait")
	for s := range t.start {
		t.start[s] = 1 / float64(c.Hours)
	}
	return t.fill(nil, func(s, a, _ int) []exact.Transition {
		if a == 1 {
			return []exact.Transition{{Prob: 1, Next: s}}
		}
		return []exact.Transition{{Prob: 1, Reward: 1, Next: (s + 1) % c.Hours}}
	})
}

// Validate has nothing to add to the ranges.
func (c *Clock) Validate() error { return nil }

// New builds the game.
func (c *Clock) New(uint64) (envs.Env, error) { return build(c) }

// Bots are the scripted players.
func (c *Clock) Bots(seat int) []envs.Bot { return c.Model().bots(seat) }

// Recall shows a cue, then nothing for some steps, then asks for the cue. What is seen when it asks does not depend on
// the cue: a policy of the observation alone is right with probability 1/Cues, whatever it plays. Learners that do not
// remember, or that take the memory of the episode before along, get no further.
//
// It is seen as a one-hot vector: each cue, nothing, the question, and that it is over. The encoding "state" tells the
// cue all the time. Actions: one for each cue. Rewards: 1 for the right answer to the question, which ends the episode.
// Best play: to answer with the cue, worth γ^(Delay+1).
type Recall struct {
	Cues  int `yaml:"cues" usage:"how many cues there are, all with the same probability" range:"[2, 100]"`
	Delay int `yaml:"delay" usage:"steps between cue and question in which nothing is seen" range:"[0, 1000]"`
}

func newRecall() envs.Game { return &Recall{Cues: 2, Delay: 3} }

// Model is the game as package exact reads it.
func (r *Recall) Model() *Table {
	steps := r.Delay + 2 // of an episode: state cue*steps + step
	right, wrong := r.Cues*steps, r.Cues*steps+1
	var names []string
	for cue := range r.Cues {
		names = append(names, strconv.Itoa(cue))
	}
	t := single("toy-recall-v0", r.Cues*steps+2, steps, names...)
	t.winners, t.views = make([]envs.Role, t.States()), make([]int, t.States())
	t.winners[right] = envs.Benign
	nothing, question, over := r.Cues, r.Cues+1, r.Cues+2
	for s := range right {
		switch s % steps {
		case 0:
			t.start[s], t.views[s] = 1/float64(r.Cues), s/steps
		case steps - 1:
			t.views[s] = question
		default:
			t.views[s] = nothing
		}
	}
	t.views[right], t.views[wrong] = over, over
	return t.fill(nil, func(s, a, _ int) []exact.Transition {
		switch {
		case s < right && s%steps < steps-1:
			return []exact.Transition{{Prob: 1, Next: s + 1}}
		case s < right && a == s/steps:
			return []exact.Transition{{Prob: 1, Reward: 1, Next: right, Terminal: true}}
		default:
			return []exact.Transition{{Prob: 1, Next: wrong, Terminal: true}}
		}
	})
}

// Validate has nothing to add to the ranges.
func (r *Recall) Validate() error { return nil }

// New builds the game.
func (r *Recall) New(uint64) (envs.Env, error) { return build(r) }

// Bots are the scripted players.
func (r *Recall) Bots(seat int) []envs.Bot { return r.Model().bots(seat) }

// MatchingPennies is one throw of two coins. The attacker wins if they match. Its equilibrium is mixed and uneven, so
// learners that end at a pure strategy, or that only cycle around the equilibrium, show by how much they can be
// exploited.
//
// Actions: heads, tails. Rewards for the attacker: Heads if both show heads, Tails if both show tails, -Miss otherwise.
// Best play: with Miss = 1, both play heads with probability (Tails+1)/(Heads+Tails+2), which is 2/5 by default, and
// the attacker gets (Heads·Tails-1)/(Heads+Tails+2), which is 1/5.
type MatchingPennies struct {
	Heads float64 `yaml:"heads" usage:"what two heads pay the attacker" range:"(0, 1000]"`
	Tails float64 `yaml:"tails" usage:"what two tails pay the attacker" range:"(0, 1000]"`
	Miss  float64 `yaml:"miss" usage:"what different sides pay the defender" range:"(0, 1000]"`
}

func newPennies() envs.Game { return &MatchingPennies{Heads: 2, Tails: 1, Miss: 1} }

// Model is the game as package exact reads it.
func (m *MatchingPennies) Model() *Table {
	t := double("toy-pennies-v0", 1, []envs.Role{envs.Attacker, envs.Defender}, 1, "heads", "tails")
	return t.fill(nil, func(_, a, b int) []exact.Transition {
		switch {
		case a != b:
			return []exact.Transition{{Prob: 1, Reward: -m.Miss, Next: 2, Terminal: true}}
		case a == 0:
			return []exact.Transition{{Prob: 1, Reward: m.Heads, Next: 1, Terminal: true}}
		default:
			return []exact.Transition{{Prob: 1, Reward: m.Tails, Next: 1, Terminal: true}}
		}
	})
}

// Validate has nothing to add to the ranges.
func (m *MatchingPennies) Validate() error { return nil }

// New builds the game.
func (m *MatchingPennies) New(uint64) (envs.Env, error) { return build(m) }

// Bots are the scripted players.
func (m *MatchingPennies) Bots(seat int) []envs.Bot { return m.Model().bots(seat) }

// RockPaperScissors is one round of the game, with different stakes for each way to win. Learners that do not mix, or
// that mix evenly, can be exploited.
//
// Actions: rock, paper, scissors. Rewards: the winner gets from the other Rock, Paper or Scissors, by what it won with;
// 0 for a draw. Best play for both: rock, paper and scissors in the proportion Scissors : Rock : Paper, which is 1/6,
// 3/6, 2/6 by default; the game is worth 0.
type RockPaperScissors struct {
	Rock     float64 `yaml:"rock" usage:"what rock wins" range:"(0, 1000]"`
	Paper    float64 `yaml:"paper" usage:"what paper wins" range:"(0, 1000]"`
	Scissors float64 `yaml:"scissors" usage:"what scissors win" range:"(0, 1000]"`
}

func newRPS() envs.Game { return &RockPaperScissors{Rock: 3, Paper: 2, Scissors: 1} }

// Model is the game as package exact reads it.
func (g *RockPaperScissors) Model() *Table {
	winners := []envs.Role{envs.Attacker, envs.Defender, envs.Nobody}
	t := double("toy-rps-v0", 1, winners, 1, "rock", "paper", "scissors")
	stakes := []float64{g.Rock, g.Paper, g.Scissors}
	return t.fill(nil, func(_, a, b int) []exact.Transition {
		switch (a - b + 3) % 3 {
		case 1: // each beats the one before it
			return []exact.Transition{{Prob: 1, Reward: stakes[a], Next: 1, Terminal: true}}
		case 2:
			return []exact.Transition{{Prob: 1, Reward: -stakes[b], Next: 2, Terminal: true}}
		default:
			return []exact.Transition{{Prob: 1, Next: 3, Terminal: true}}
		}
	})
}

// Validate has nothing to add to the ranges.
func (g *RockPaperScissors) Validate() error { return nil }

// New builds the game.
func (g *RockPaperScissors) New(uint64) (envs.Env, error) { return build(g) }

// Bots are the scripted players.
func (g *RockPaperScissors) Bots(seat int) []envs.Bot { return g.Model().bots(seat) }

// Pursuit is an intruder who has to get through Depth rooms, each with a front and a back door, and a guard who watches
// one of the doors. Its equilibrium is mixed in every room and different in each, so learners need values and mixtures.
//
// Actions of both: front, back. At the front, unwatched, the intruder gets one room on; watched, it is caught. At the
// back, unwatched, it gets one room on with probability Creep and stays otherwise; watched, it is caught with
// probability Catch and back in the first room otherwise. Rewards for the intruder: 1 for getting through the last
// room, -1 for being caught; either ends the episode. Best play: [exact.Shapley] finds it.
type Pursuit struct {
	Depth    int     `yaml:"depth" usage:"rooms to get through" range:"[1, 100]"`
	Creep    float64 `yaml:"creep" usage:"probability to get on through an unwatched back door" range:"(0, 1]"`
	Catch    float64 `yaml:"catch" usage:"probability to be caught at a watched back door" range:"(0, 1)"`
	MaxSteps int     `yaml:"max_steps" usage:"steps after which an episode is truncated" range:"[1, 1e6]"`
}

func newPursuit() envs.Game { return &Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 100} }

// Model is the game as package exact reads it.
func (p *Pursuit) Model() *Table {
	inside, caught := p.Depth, p.Depth+1
	winners := []envs.Role{envs.Attacker, envs.Defender}
	t := double("toy-pursuit-v0", p.Depth, winners, p.MaxSteps, "front", "back")
	return t.fill(nil, func(s, a, b int) []exact.Transition {
		on := exact.Transition{Prob: 1, Next: min(s+1, inside)}
		if on.Next == inside {
			on.Reward, on.Terminal = 1, true
		}
		lost := exact.Transition{Prob: 1, Reward: -1, Next: caught, Terminal: true}
		const front = 0
		switch {
		case a == front && b == front:
			return []exact.Transition{lost}
		case a == front:
			return []exact.Transition{on}
		case b == front:
			on.Prob = p.Creep
			return []exact.Transition{on, {Prob: 1 - p.Creep, Next: s}}
		default:
			lost.Prob = p.Catch
			return []exact.Transition{lost, {Prob: 1 - p.Catch, Next: 0}}
		}
	})
}

// Validate has nothing to add to the ranges.
func (p *Pursuit) Validate() error { return nil }

// New builds the game.
func (p *Pursuit) New(uint64) (envs.Env, error) { return build(p) }

// Bots are the scripted players.
func (p *Pursuit) Bots(seat int) []envs.Bot { return p.Model().bots(seat) }
