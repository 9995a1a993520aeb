package selfplay

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"idsrl/algos"
	"idsrl/envs"
)

// bot begins the names of the scripted players in a pool.
const bot = "bot:"

// Stock makes frozen policies and keeps them.
type Stock interface {
	// Freeze keeps what a learner plays now under a name that follows from its contents.
	Freeze(learner int) (name string, err error)
	// Thaw makes a player of that learner's seat from a name: one that Freeze gave, or bot:NAME. Each is for one environment.
	Thaw(learner int, name string) (envs.Policy, error)
}

// Seat is a seat of the game in which an algorithm learns.
type Seat struct {
	Index   int // in the game, and so in the Returns of an episode
	Role    envs.Role
	Learner algos.Learner
	Turn    int      // updates of a turn where the settings name no number
	Bots    []string // names of the scripted players that may join the pool, as in bot:NAME
}

// Turns lets learners learn in turn, each in an arena of its own. It is the Director of their Session.
type Turns struct {
	cfg   Config
	seats []Seat
	stock Stock
	pools []*pool     // by learner: of its past policies
	games [][]*player // by learner and environment: those that it learns against

	turn  int
	began int   // updates of its learner when the turn began
	grown []int // by learner: its updates when its pool grew last
	trial trial
}

// trial is the evaluations of a best-response turn.
type trial struct {
	Sum      float64 `json:"sum"` // of the returns in the running evaluation
	Episodes int     `json:"episodes"`
	Count    int     `json:"count"` // evaluations
	Best     float64 `json:"best"`
	Since    int     `json:"since"` // evaluations since the best one
}

// NewTurns freezes the untrained learners. The first seat begins.
func NewTurns(cfg Config, seats []Seat, stock Stock) (*Turns, error) {
	t := &Turns{cfg: cfg, seats: seats, stock: stock, games: make([][]*player, len(seats)), grown: make([]int, len(seats))}
	for k, s := range seats {
		bots := s.Bots
		if !cfg.Pool.Bots {
			bots = nil
		}
		p, err := newPool(cfg.Pool, bots, func(name string) (envs.Policy, error) { return stock.Thaw(k, name) })
		if err != nil {
			return nil, err
		}
		t.pools = append(t.pools, p)
		name, err := stock.Freeze(k)
		if err == nil {
			err = p.freeze(name)
		}
		if err == nil {
			err = p.add(name)
		}
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Player plays the seat of another learner in the next environment that learner k learns in: in each, one for every other
// learner, in their order.
func (t *Turns) Player(k, other int) envs.Policy {
	p := &player{pool: t.pools[other]}
	t.games[k] = append(t.games[k], p)
	return p
}

// player plays each episode as its pool draws.
type player struct {
	pool   *pool
	now    part
	before part  // in the episode that has ended
	resume *part // who goes on with a restored episode
}

// part is who plays an episode.
type part struct {
	member *member
	past   bool // drawn from the pool, not the current policy
	policy envs.Policy
}

// StartEpisode draws who plays, and tells that one.
func (p *player) StartEpisode(rng *rand.Rand) {
	if p.now.policy != nil {
		p.now.member.give(p.now.policy)
	}
	p.before = p.now
	p.now.member, p.now.past = p.pool.draw(rng)
	if p.resume != nil {
		p.now, p.resume = *p.resume, nil
	}
	p.now.policy = p.now.member.take()
	if s, ok := p.now.policy.(envs.Starter); ok {
		s.StartEpisode(rng)
	}
}

// Act asks who plays.
func (p *player) Act(env envs.Env, seat int, rng *rand.Rand) int {
	return p.now.policy.Act(env, seat, rng)
}

// Turn is the learner that learns now.
func (t *Turns) Turn() int { return t.turn }

// Next hears of the learner's finished games, lets its pool grow, and passes the turn when it is over.
func (t *Turns) Next(finished []envs.Episode) error {
	for _, e := range finished {
		t.hear(e)
	}
	k, p := t.turn, t.pools[t.turn]
	updates := t.seats[k].Learner.Updates()
	over := t.over(updates)
	grows := over
	if period := t.cfg.Pool.IncrementUpdates; period > 0 {
		grows = updates-t.grown[k] >= period
	}
	if grows = grows && t.cfg.Pool.Probability > 0; !grows && !over {
		return nil
	}
	name, err := t.stock.Freeze(k)
	if err == nil && grows {
		t.grown[k] = updates
		err = p.add(name)
	}
	if err == nil && over {
		err = p.freeze(name)
		t.turn = (k + 1) % len(t.seats)
		t.began, t.trial = t.seats[t.turn].Learner.Updates(), trial{}
	}
	return err
}

// hear notes how a game of the turn's learner went.
func (t *Turns) hear(e envs.Episode) {
	learner := t.seats[t.turn]
	t.trial.add(e.Returns[learner.Index], &t.cfg)
	others := len(t.seats) - 1
	for _, p := range t.games[t.turn][e.Env*others : (e.Env+1)*others] {
		if !p.before.past {
			continue
		}
		score := 0.0
		switch e.Winner {
		case learner.Role:
			score = 1
		case envs.Nobody:
			score = 0.5
		}
		p.pool.note(p.before.member, score)
	}
}

// add counts a return, and ends an evaluation when it is complete.
func (tr *trial) add(x float64, cfg *Config) {
	tr.Sum += x
	if tr.Episodes++; tr.Episodes < cfg.EvaluationEpisodes {
		return
	}
	mean := tr.Sum / float64(tr.Episodes)
	tr.Sum, tr.Episodes = 0, 0
	tr.Count++
	if tr.Since++; tr.Count == 1 || mean > tr.Best+cfg.Threshold {
		tr.Best, tr.Since = mean, 0
	}
}

// over reports whether the turn is, now that its learner has made so many updates.
func (t *Turns) over(updates int) bool {
	if t.cfg.Schedule == "best-response" {
		return t.trial.Since >= t.cfg.PatienceEvaluations && updates > t.began
	}
	period := t.cfg.PeriodUpdates
	if period == 0 {
		period = t.seats[t.turn].Turn
	}
	return updates-t.began >= period
}

// Frozen are the names of the policies that are in use, without bots.
func (t *Turns) Frozen() map[string]bool {
	names := map[string]bool{}
	for _, p := range t.pools {
		names[p.current.Name] = true
		for _, m := range p.members {
			names[m.Name] = true
		}
	}
	for _, p := range slices.Concat(t.games...) {
		names[p.now.member.Name] = true
	}
	maps.DeleteFunc(names, func(name string, _ bool) bool { return strings.HasPrefix(name, bot) })
	return names
}

// Metrics names the values of Report.
func (t *Turns) Metrics() (names []string) {
	if t.cfg.Pool.Probability == 0 {
		return nil
	}
	for _, s := range t.seats {
		for _, name := range statistics {
			names = append(names, s.Role.String()+"/"+name)
		}
	}
	return names
}

// Report writes the statistics of each learner's pool: its size; the entropy of the distribution by which members are drawn,
// in nats; the largest and the smallest quality; games per member; and the share of the games that its members lost since
// the last Report, NaN if they played none.
func (t *Turns) Report(dst []float64) {
	if t.cfg.Pool.Probability == 0 {
		return
	}
	for k, p := range t.pools {
		p.report(dst[k*len(statistics):])
	}
}

// saved is Turns at rest.
type saved struct {
	Turn    int           `json:"turn"`
	Began   int           `json:"began"`
	Grown   []int         `json:"grown"`
	Trial   trial         `json:"trial"`
	Pools   []savedPool   `json:"pools"`
	Playing [][]savedPart `json:"playing"` // by learner, as in games
}

type savedPart struct {
	Name string `json:"name"`
	Past bool   `json:"past"`
}

// MarshalJSON saves everything but the policies, which it names.
func (t *Turns) MarshalJSON() ([]byte, error) {
	at := saved{Turn: t.turn, Began: t.began, Grown: t.grown, Trial: t.trial, Playing: make([][]savedPart, len(t.games))}
	for k, p := range t.pools {
		at.Pools = append(at.Pools, p.save())
		for _, g := range t.games[k] {
			at.Playing[k] = append(at.Playing[k], savedPart{g.now.member.Name, g.now.past})
		}
	}
	return json.Marshal(at)
}

// UnmarshalJSON restores what MarshalJSON saved. The environments must be restored next: they start the running episodes,
// and who played these goes on.
func (t *Turns) UnmarshalJSON(data []byte) error {
	var at saved
	if err := json.Unmarshal(data, &at); err != nil {
		return err
	}
	n := len(t.seats)
	if at.Turn < 0 || at.Turn >= n || len(at.Grown) != n || len(at.Pools) != n || len(at.Playing) != n {
		return fmt.Errorf("turn %d, pools of %d learners, not %d", at.Turn, len(at.Pools), n)
	}
	for k, p := range t.pools {
		if err := p.restore(at.Pools[k]); err != nil {
			return err
		}
	}
	for k, games := range t.games {
		if len(at.Playing[k]) != len(games) {
			return fmt.Errorf("%d opponents of a learner, not %d", len(at.Playing[k]), len(games))
		}
		for i, g := range games {
			m, err := g.pool.find(at.Playing[k][i])
			if err != nil {
				return err
			}
			g.resume = &part{member: m, past: at.Playing[k][i].Past}
		}
	}
	t.turn, t.began, t.grown, t.trial = at.Turn, at.Began, at.Grown, at.Trial
	return nil
}
