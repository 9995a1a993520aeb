package play

import (
	"math/rand/v2"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// bots are the scripted players of each role. They know what their agents know, and nothing of the scenario.
var bots = [envs.Benign + 1][]envs.Bot{
	envs.Attacker: {
		{Name: "bfs", About: "brings the wanted data home as soon as it can; until then takes every host it finds, one after the other", New: newBFS},
		{Name: "careful", About: "the same, but waits rather than do what the global defender may detect", New: newCareful},
		{Name: "heuristic", About: "any action that may bring news", New: newHeuristic},
		{Name: "random", About: "any legal action", New: envs.Uniform},
	},
	envs.Defender: {
		{Name: "blocking", About: "cuts hosts of different networks off from each other, a pair a step", New: newBlocking},
		{Name: "random", About: "any legal action", New: envs.Uniform},
	},
	envs.Benign: {
		{Name: "random", About: "any legal action", New: envs.Uniform},
	},
}

// A bot plays actions that may bring news, none of them twice in an episode.
type bot struct {
	types   []netsecgame.ActionType // of what it plays, those that it prefers first
	draws   bool                    // one of those that it might play, whatever the type; else it takes the first
	careful bool                    // plays nothing suspicious
	played  []bool                  // by id, in this episode
	history netsecgame.History[int] // if it is careful
	legal   []bool
	fresh   []bool // what it might play
}

func newBFS() envs.Policy { return &bot{types: homewards} }

func newCareful() envs.Policy { return &bot{types: homewards, careful: true} }

func newHeuristic() envs.Policy { return &bot{types: homewards, draws: true} }

func newBlocking() envs.Policy { return &bot{types: []netsecgame.ActionType{netsecgame.BlockIP}} }

// homewards starts with what is nearest to the goal.
var homewards = []netsecgame.ActionType{
	netsecgame.ExfiltrateData, netsecgame.FindData, netsecgame.ExploitService, netsecgame.FindServices,
	netsecgame.ScanNetwork,
}

// StartEpisode forgets the one before.
func (b *bot) StartEpisode(*rand.Rand) {
	clear(b.played)
	b.history.Reset()
}

// Act plays in the game below env. Where nothing is left to play, it waits if it may or is careful, or
// else draws any legal action.
func (b *bot) Act(env envs.Env, seat int, rng *rand.Rand) int {
	g, ok := envs.As[*Game](env)
	if !ok {
		panic("netsecgame: a bot plays in its own game only")
	}
	p := &g.players[seat]
	if wait := len(p.moves); len(b.legal) != wait+1 {
		b.played, b.legal, b.fresh = make([]bool, wait+1), make([]bool, wait+1), make([]bool, wait+1)
	}
	g.Legal(seat, b.legal)
	id := b.choose(g, p, rng)
	b.played[id] = true
	if b.careful {
		b.history.Add(p.kind(id), id)
	}
	return id
}

func (b *bot) choose(g *Game, p *player, rng *rand.Rand) int {
	clear(b.fresh)
	some := false
	for _, kind := range b.types {
		for id := range p.moves {
			m := &p.moves[id]
			if m.Type != kind || !b.legal[id] || b.played[id] || !g.world.News(p.agent, m) ||
				b.careful && b.history.Suspicious(kind, id) {
				continue
			}
			if !b.draws {
				return id
			}
			b.fresh[id], some = true, true
		}
	}
	switch wait := len(p.moves); {
	case some:
		return envs.RandomLegal(b.fresh, rng)
	case b.careful, b.legal[wait]:
		return wait
	default:
		return envs.RandomLegal(b.legal, rng)
	}
}
