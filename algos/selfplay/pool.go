package selfplay

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"idsrl/envs"
)

// Record is what a pool knows of a member.
type Record struct {
	Name    string  `json:"name"`
	Quality float64 `json:"quality"`
	Games   int64   `json:"games"`  // played as a member
	Recent  float64 `json:"recent"` // games, the latest weighing most; see forget
	Wins    float64 `json:"wins"`   // the learner's in these, draws by half
}

// forget is what a game weighs less for each that came after it, so that win rates follow the learner's progress.
const forget = 0.99

// winRate is the learner's against the member; 1/2 before the first game.
func (r *Record) winRate() float64 { return (r.Wins + 0.5) / (r.Recent + 1) }

// member is a policy that does not change. Several environments may play against it at once, each against an instance.
type member struct {
	Record
	thaw func() (envs.Policy, error)
	idle []envs.Policy // instances that play in no environment
}

// newMember makes an instance, so that what cannot be made is an error now.
func newMember(r Record, thaw func(name string) (envs.Policy, error)) (*member, error) {
	m := &member{Record: r, thaw: func() (envs.Policy, error) { return thaw(r.Name) }}
	first, err := m.thaw()
	if err != nil {
		return nil, err
	}
	m.idle = append(m.idle, first)
	return m, nil
}

// take is an instance for an environment, until it is given back.
func (m *member) take() envs.Policy {
	if n := len(m.idle); n > 0 {
		p := m.idle[n-1]
		m.idle = m.idle[:n-1]
		return p
	}
	p, err := m.thaw()
	if err != nil {
		panic(fmt.Sprintf("selfplay: %s, of which there has been an instance: %v", m.Name, err))
	}
	return p
}

func (m *member) give(p envs.Policy) { m.idle = append(m.idle, p) }

// pool is the frozen policies of a learner that others are trained against.
type pool struct {
	cfg     PoolConfig
	thaw    func(name string) (envs.Policy, error)
	current *member   // what the learner played when it was frozen
	members []*member // bots, then past policies from the oldest on
	bots    int
	weights []float64 // by member; empty: to be computed

	games, beaten int64 // since the last report
}

// newPool makes a pool of bots.
func newPool(cfg PoolConfig, bots []string, thaw func(name string) (envs.Policy, error)) (*pool, error) {
	p := &pool{cfg: cfg, thaw: thaw}
	for _, name := range bots {
		if err := p.add(name); err != nil {
			return nil, err
		}
	}
	p.bots = len(p.members)
	return p, nil
}

// freeze makes a policy the current one.
func (p *pool) freeze(name string) (err error) {
	p.current, err = newMember(Record{Name: name}, p.thaw)
	return err
}

// add makes a policy a member, in the place of the oldest one if the pool is full. One that is a member stays as it is.
func (p *pool) add(name string) error {
	if slices.ContainsFunc(p.members, func(m *member) bool { return m.Name == name }) {
		return nil
	}
	m, err := newMember(Record{Name: name, Quality: p.best()}, p.thaw)
	if err != nil {
		return err
	}
	p.members = append(p.members, m)
	if len(p.members)-p.bots > p.cfg.Size {
		p.members = slices.Delete(p.members, p.bots, p.bots+1)
	}
	p.weights = p.weights[:0]
	return nil
}

// best is the largest quality, or that of the first member to come.
func (p *pool) best() float64 {
	if len(p.members) == 0 {
		return p.cfg.InitialQuality
	}
	return slices.MaxFunc(p.members, func(a, b *member) int { return cmp.Compare(a.Quality, b.Quality) }).Quality
}

// draw is who plays an episode, and whether as a member. It takes two numbers from rng, whatever they decide.
func (p *pool) draw(rng *rand.Rand) (m *member, past bool) {
	u, v := rng.Float64(), rng.Float64()
	if u >= p.cfg.Probability {
		return p.current, false
	}
	return p.members[draw(p.distribution(), v)], true
}

// lowest is how far below the best one a quality may sink: e^-700 is a probability still.
const lowest = 700

// distribution is weights by which members are drawn. They belong to the pool.
func (p *pool) distribution() []float64 {
	if len(p.weights) > 0 {
		return p.weights
	}
	best := p.best()
	for _, m := range p.members {
		weight := 1.0
		switch p.cfg.Sampling {
		case "quality":
			weight = math.Exp(m.Quality - best)
		case "pfsp":
			weight = PFSP(p.cfg.PFSPWeighting, m.winRate())
		}
		p.weights = append(p.weights, weight)
	}
	return p.weights
}

// PFSP is the weight of an opponent that a learner beats at the given rate in prioritised fictitious self-play (Vinyals et al.
// 2019): "hard" prefers those that it loses to, "even" those that it is even with.
func PFSP(weighting string, winRate float64) float64 {
	if weighting == "hard" {
		return (1 - winRate) * (1 - winRate)
	}
	return winRate * (1 - winRate)
}

// logProbability is the logarithm of a member's softmax probability.
func (p *pool) logProbability(m *member) float64 {
	best, sum := p.best(), 0.0
	for _, other := range p.members {
		sum += math.Exp(other.Quality - best)
	}
	return m.Quality - best - math.Log(sum)
}

// note hears how a game against a member went: the learner's score is 1 if it won, 1/2 for a draw.
func (p *pool) note(m *member, score float64) {
	p.games++
	m.Games++
	m.Recent, m.Wins = forget*m.Recent+1, forget*m.Wins+score
	if score == 1 {
		p.beaten++
		if p.cfg.Sampling == "quality" && slices.Contains(p.members, m) {
			n := float64(len(p.members))
			step := math.Exp(math.Log(p.cfg.QualityEta/n) - p.logProbability(m))
			m.Quality = math.Max(m.Quality-step, p.best()-lowest)
		}
	}
	if p.cfg.Sampling != "uniform" {
		p.weights = p.weights[:0]
	}
}

// statistics name the values of report.
var statistics = []string{
	"pool/size", "pool/entropy", "pool/best_quality", "pool/worst_quality", "pool/games_per_member", "pool/beaten",
}

// report writes the number of members, the entropy of their distribution in nats, the largest and the smallest quality, the
// games per member, and the share of the games since the last report that they lost.
func (p *pool) report(dst []float64) {
	worst, games := math.Inf(1), int64(0)
	for _, m := range p.members {
		worst = min(worst, m.Quality)
		games += m.Games
	}
	n := float64(len(p.members))
	copy(dst, []float64{
		n, entropy(p.distribution()), p.best(), worst, float64(games) / n, float64(p.beaten) / float64(p.games),
	})
	p.games, p.beaten = 0, 0
}

// entropy of the distribution that is proportional to weights.
func entropy(weights []float64) float64 {
	sum, h := 0.0, 0.0
	for _, w := range weights {
		sum += w
	}
	for _, w := range weights {
		if w > 0 {
			h -= w / sum * math.Log(w/sum)
		}
	}
	return h
}

// savedPool is a pool at rest.
type savedPool struct {
	Current string   `json:"current"`
	Members []Record `json:"members"`
	Games   int64    `json:"games"`
	Beaten  int64    `json:"beaten"`
}

func (p *pool) save() savedPool {
	at := savedPool{Current: p.current.Name, Games: p.games, Beaten: p.beaten}
	for _, m := range p.members {
		at.Members = append(at.Members, m.Record)
	}
	return at
}

// restore takes over what save returned in a pool of the same settings.
func (p *pool) restore(at savedPool) error {
	if at.Games < 0 || at.Beaten < 0 || at.Beaten > at.Games || len(at.Members) == 0 {
		return fmt.Errorf("a pool of %d members that lost %d of %d games", len(at.Members), at.Beaten, at.Games)
	}
	var members []*member
	for i, r := range at.Members {
		if i < p.bots && r.Name != p.members[i].Name || i >= p.bots && strings.HasPrefix(r.Name, bot) {
			return fmt.Errorf("member %d of a pool of %d bots is %s", i, p.bots, r.Name)
		}
		if r.Games < 0 || r.Recent < 0 || r.Wins < 0 || r.Wins > r.Recent {
			return fmt.Errorf("member %s won %v of %v games", r.Name, r.Wins, r.Recent)
		}
		m, err := newMember(r, p.thaw)
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	if err := p.freeze(at.Current); err != nil {
		return err
	}
	p.members, p.weights, p.games, p.beaten = members, p.weights[:0], at.Games, at.Beaten
	return nil
}

// find is who plays a running episode. One that was evicted, or is the current policy no more, plays it to the end.
func (p *pool) find(at savedPart) (*member, error) {
	if !at.Past && at.Name == p.current.Name {
		return p.current, nil
	}
	for _, m := range p.members {
		if at.Past && m.Name == at.Name {
			return m, nil
		}
	}
	return newMember(Record{Name: at.Name}, p.thaw)
}
