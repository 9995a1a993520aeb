package play

import (
	"slices"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// Game is the Env. Bots find it by envs.As and see what their own agent sees.
type Game struct {
	spec    envs.Spec
	cfg     Config
	task    *netsecgame.Task
	world   *netsecgame.World
	random  *addresses
	blocks  bool // somebody may block
	players []player
	running bool
}

// A player is the part of a seat.
type player struct {
	agent   *netsecgame.Agent
	moves   []netsecgame.Move // by id, without the last one, which is to wait
	history netsecgame.History[int]
	recent  [4]int // types of the last actions from 1, the newest first; 0: none
	steps   int
	ending  netsecgame.Ending
	ended   bool

	// What the state looks like, as of a version.
	version  uint64
	features []float32
	mask     *netsecgame.Mask
	key      []byte // the features, packed; empty until somebody asks
}

// NewGame builds the game under an id.
func NewGame(id string, cfg Config) (*Game, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	task, _, err := cfg.load()
	if err != nil {
		return nil, err
	}
	r := newAddresses(cfg.Addresses)
	r.Seed(0)
	g := &Game{cfg: cfg, task: task, random: r, blocks: cfg.Actions == "all" || cfg.Defenders > 0}
	g.world = netsecgame.NewWorld(task, netsecgame.Compat{}, r)
	r.own = g.world.Topology()
	g.spec = envs.Spec{ID: id, MaxSteps: task.Roles[envs.Attacker].MaxSteps}
	if g.spec.MaxSteps < 0 {
		g.spec.MaxSteps = 1
	}
	var seats [envs.Benign + 1]*envs.Seat
	var moves [len(seats)][]netsecgame.Move
	features := g.world.Features(g.blocks)
	for _, role := range cfg.roles() {
		if seats[role] == nil {
			moves[role] = g.catalogue(role)
			seats[role] = g.seat(role, moves[role])
		}
		g.spec.Seats = append(g.spec.Seats, *seats[role])
		agent := g.world.NewAgent(role)
		g.players = append(g.players, player{
			agent: agent, moves: moves[role], ended: true, features: make([]float32, features),
			mask: g.world.NewMask(&agent.State, moves[role], role == envs.Defender), key: make([]byte, 0, (features+7)/8),
		})
	}
	g.reserve()
	return g, nil
}

// reserve makes room, so that play takes no more memory.
func (g *Game) reserve() {
	steps := g.spec.MaxSteps
	if steps == 0 {
		steps = longEpisode
	}
	agents := make([]*netsecgame.Agent, len(g.players))
	for i := range g.players {
		p := &g.players[i]
		agents[i] = p.agent
		p.history.Reserve(min(steps, len(p.moves)))
	}
	g.world.Reserve(min(steps, longEpisode), agents)
}

// longEpisode is how many steps there is room for from the start. Longer episodes take memory as they go.
const longEpisode = 1000

// catalogue lists the actions of a role.
func (g *Game) catalogue(role envs.Role) []netsecgame.Move {
	moves := g.world.AllMoves()
	if g.cfg.Actions == "all" {
		return moves
	}
	return slices.DeleteFunc(moves, func(m netsecgame.Move) bool {
		return g.world.Pointless(m) || m.Type == netsecgame.BlockIP && role != envs.Defender
	})
}

func (g *Game) seat(role envs.Role, moves []netsecgame.Move) *envs.Seat {
	names := make([]string, 0, len(moves)+1)
	for _, m := range moves {
		names = append(names, describe(g.world.Action(m)))
	}
	names = append(names, "Wait")
	n := g.world.Features(g.blocks) + 1
	if g.cfg.History {
		n += len(player{}.recent) * netsecgame.ActionTypes
	}
	return &envs.Seat{
		Role: role, Obs: envs.UniformBox(0, 1, n),
		Actions: envs.Discrete{N: len(names), NameFunc: func(id int) string { return names[id] }},
	}
}

// describe returns an action in a few words.
func describe(a netsecgame.Action) string {
	text := a.Type.String() + " " + string(a.SourceHost)
	switch a.Type {
	case netsecgame.ScanNetwork:
		return text + " " + a.TargetNetwork.String()
	case netsecgame.ExploitService:
		s := a.TargetService
		return text + " " + string(a.TargetHost) + " " + s.Name + " " + s.Version
	case netsecgame.ExfiltrateData:
		return text + " " + string(a.TargetHost) + " " + a.Data.Owner + "/" + a.Data.ID
	case netsecgame.BlockIP:
		return text + " " + string(a.TargetHost) + " " + string(a.BlockedHost)
	default:
		return text + " " + string(a.TargetHost)
	}
}

// Action returns what a seat's id stands for, with the addresses of now.
func (g *Game) Action(seat, id int) netsecgame.Action {
	if p := &g.players[seat]; id < len(p.moves) {
		return g.world.Action(p.moves[id])
	}
	return netsecgame.Wait
}

// Spec describes the game.
func (g *Game) Spec() *envs.Spec { return &g.spec }

// Reset starts an episode.
func (g *Game) Reset(seed uint64) error {
	g.random.Seed(seed)
	g.world.Reset(g.random.change())
	for i := range g.players {
		p := &g.players[i]
		g.world.Begin(p.agent)
		p.begin()
	}
	g.running = true
	return nil
}

// Step plays the actions, seat by seat.
func (g *Game) Step(actions []int, out *envs.Outcome) error {
	if !g.running {
		panic("netsecgame: Step outside an episode")
	}
	over := true
	for i := range g.players {
		p := &g.players[i]
		id := actions[i]
		if uint(id) > uint(len(p.moves)) {
			panic("netsecgame: no action has this id")
		}
		out.Rewards[i] = 0
		if !p.ended {
			if err := g.act(p, id); err != nil {
				return err
			}
			out.Rewards[i] = g.task.Rewards.Step
		}
		over = over && p.ended
	}
	out.Terminated, out.Truncated, out.Winner = over, false, envs.Nobody
	if over {
		g.running = false
		out.Winner = g.settle(out.Rewards)
	}
	return nil
}

// act plays an agent's action and finds out whether its part is over.
func (g *Game) act(p *player, id int) error {
	if id < len(p.moves) {
		if err := g.world.Apply(p.agent, p.moves[id]); err != nil {
			return err
		}
	}
	kind := p.played(id)
	p.steps++
	p.ending = g.task.Ending(p.agent, p.steps, func() bool { return p.history.Detects(kind, id, g.random) })
	p.ended = p.ending != netsecgame.NoEnding || !g.attacked()
	return nil
}

// begin starts a part.
func (p *player) begin() {
	p.history.Reset()
	p.recent = [len(p.recent)]int{}
	p.steps, p.ending, p.ended = 0, netsecgame.NoEnding, false
}

// played notes an action and returns its type.
func (p *player) played(id int) netsecgame.ActionType {
	kind := p.kind(id)
	copy(p.recent[1:], p.recent[:])
	p.recent[0] = int(kind) + 1
	return kind
}

// kind is the type of an action.
func (p *player) kind(id int) netsecgame.ActionType {
	if id < len(p.moves) {
		return p.moves[id].Type
	}
	return netsecgame.Wait.Type
}

// attacked reports whether an attacker plays.
func (g *Game) attacked() bool {
	for i := range g.players[:g.cfg.Attackers] {
		if !g.players[i].ended {
			return true
		}
	}
	return false
}

// settle adds the rewards of the end and returns who wins.
func (g *Game) settle(rewards []float64) envs.Role {
	winner := envs.Defender
	for i := range g.players { // attackers first
		p := &g.players[i]
		succeeded := p.ending == netsecgame.ByGoal
		switch p.agent.Role {
		case envs.Attacker:
			if succeeded {
				winner = envs.Attacker
			}
		case envs.Defender:
			succeeded = winner == envs.Defender
		}
		rewards[i] = g.task.Rewards.Final(rewards[i], p.agent, succeeded)
	}
	return winner
}

// look brings up to date what the seat sees of its state.
func (g *Game) look(p *player) {
	s := &p.agent.State
	version := s.Version()
	if version == p.version {
		return
	}
	p.version = version
	s.Features(p.features, g.blocks)
	p.mask.Update()
	p.key = p.key[:0]
}

// Observe writes what a seat sees.
func (g *Game) Observe(seat int, dst []float32) {
	p := &g.players[seat]
	g.look(p)
	n := copy(dst, p.features)
	clear(dst[n:])
	if g.cfg.History {
		for _, kind := range p.recent {
			if kind > 0 {
				dst[n+kind-1] = 1
			}
			n += netsecgame.ActionTypes
		}
	}
	if p.ended {
		dst[n] = 1
	}
}

// Legal writes what makes sense to a seat.
func (g *Game) Legal(seat int, dst []bool) {
	p := &g.players[seat]
	wait := len(p.moves)
	if p.ended {
		clear(dst)
		dst[wait] = true
		return
	}
	g.look(p)
	copy(dst, p.mask.Valid)
	dst[wait] = p.mask.Count == 0 || p.agent.Role == envs.Defender
}

// State panics: what a seat sees has a key, and no number.
func (g *Game) State(int, int) int { panic("netsecgame: there are no encodings") }

// AppendKey names what a seat sees.
func (g *Game) AppendKey(dst []byte, seat int) []byte {
	p := &g.players[seat]
	if g.cfg.Key == "python" {
		dst = p.agent.State.View().AppendKey(dst)
	} else {
		g.look(p)
		if len(p.key) == 0 {
			p.key = appendBits(p.key, p.features)
		}
		dst = append(dst, p.key...)
	}
	if g.cfg.History {
		for _, kind := range p.recent {
			dst = append(dst, byte(kind))
		}
	}
	if p.ended {
		dst = append(dst, '!')
	}
	return dst
}

// appendBits packs eight entries, 0 or 1 each, into a byte.
func appendBits(dst []byte, bits []float32) []byte {
	for ; len(bits) > 0; bits = bits[min(8, len(bits)):] {
		var b byte
		for i, x := range bits[:min(8, len(bits))] {
			b |= byte(x) << i
		}
		dst = append(dst, b)
	}
	return dst
}

// Close does nothing.
func (g *Game) Close() error { return nil }
