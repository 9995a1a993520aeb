package idsgame

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"idsrl/envs"
)

// The seats of a Game.
const (
	AttackerSeat = iota
	DefenderSeat
)

// The encodings of both seats; the full one only where it is in the Spec.
const (
	NodeEncoding = iota
	FullEncoding
)

// Game is the game as an envs.Env with two seats. It keeps what players look at up to date cell by cell, so that a step
// costs what it changes and not the size of the network.
type Game struct {
	rules *Rules
	spec  envs.Spec
	draws *rand.PCG   // of initial states
	rolls envs.Stream // of detection
	deal  *Dealer
	state *State
	view  views
	base  *State       // of the instance
	start *State       // of an episode, unless that is drawn
	first views        // of start
	seen  [2]*features // by seat
	ready bool         // an episode is running
	nodes []int        // scratch of visible
	last  Transition
	roll  float64 // of last
}

// NewGame builds an instance; instance draws its base state.
func NewGame(id string, cfg Config, instance uint64) (*Game, error) {
	rules, err := NewRules(cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	pcg := envs.NewPCG(instance)
	g := &Game{rules: rules, draws: pcg, deal: NewDealer(rules, generator{rand.New(pcg)})}
	g.state, g.base = rules.NewState(), rules.NewState()
	g.deal.Base(g.base)
	rules.Reference = min(rules.Score(g.base), rules.finiteScore()) // Inf - Inf would be no reward
	g.view, g.first = rules.newViews(), rules.newViews()
	g.start = g.base.Clone()
	clear(g.start.Scanned) // what the base state reveals is known in an episode, too, but not marked
	g.first.derive(rules, g.start)
	g.seen = [2]*features{newFeatures(rules, AttackerSeat), newFeatures(rules, DefenderSeat)}
	g.spec = rules.spec(id, g.seen)
	g.state.Set(g.base)
	g.view.derive(rules, g.state)
	return g, nil
}

// Rules are the game's rules, precomputed.
func (g *Game) Rules() *Rules { return g.rules }

// True is the true state, to read; SetState changes it.
func (g *Game) True() *State { return g.state }

// Base is the base state of the instance, to read.
func (g *Game) Base() *State { return g.base }

// SetState goes on from a copy of s. After a hack or a detection only Apply and Reset go on.
func (g *Game) SetState(s *State) {
	g.state.Set(s)
	g.view.derive(g.rules, g.state)
	g.ready = !s.Hacked && !s.Detected
}

// Spec describes the game.
func (g *Game) Spec() *envs.Spec { return &g.spec }

// Reset starts the episode that seed names.
func (g *Game) Reset(seed uint64) error {
	g.rolls = envs.NewStream(seed)
	if g.rules.cfg.RandomizeEnv || g.rules.cfg.RandomizeStart {
		envs.Seed(g.draws, seed)
		g.deal.First(g.state, g.base)
		g.view.derive(g.rules, g.state)
	} else {
		g.state.Set(g.start)
		g.view.set(&g.first)
	}
	g.ready = true
	return nil
}

// Step plays actions[AttackerSeat] and actions[DefenderSeat]. The episode is truncated by the call after
// Config.MaxGameSteps+1 steps, which costs both sides 100 and changes nothing else.
func (g *Game) Step(actions []int, out *envs.Outcome) error {
	if !g.ready {
		panic("idsgame: Step without Reset, or after the end of the episode")
	}
	attack, defence := actions[AttackerSeat], actions[DefenderSeat]
	if uint(attack) >= uint(len(g.rules.attacks)) || uint(defence) >= uint(len(g.rules.defences)) {
		panic(fmt.Sprintf("idsgame: attack %d or defence %d is outside the action spaces", attack, defence))
	}
	g.roll = g.rolls.Float64()
	g.play(attack, defence, g.roll, &g.last)
	g.Outcome(out)
	g.ready = !out.Over()
	return nil
}

// Outcome writes what the last Step or Apply brought.
func (g *Game) Outcome(out *envs.Outcome) {
	tr := &g.last
	// The score is infinite where everything is at the maximum; a learner gets the sum of all rows instead.
	out.Rewards[AttackerSeat] = tr.AttackerReward
	out.Rewards[DefenderSeat] = tr.DefenderReward
	if math.IsInf(tr.DefenderReward, 1) {
		out.Rewards[DefenderSeat] = g.rules.finiteScore()
	}
	out.Terminated, out.Truncated, out.Winner = false, tr.Capped, envs.Nobody
	switch {
	case g.state.Hacked:
		out.Terminated, out.Winner = true, envs.Attacker
	case g.state.Detected:
		out.Terminated, out.Winner = true, envs.Defender
	}
}

// Last is what the last Step or Apply did, and the detection roll that it was given.
func (g *Game) Last() (tr Transition, roll float64) { return g.last, g.roll }

// Apply is Rules.Apply on the game's state. It ignores whether the episode is over.
func (g *Game) Apply(attack, defence int, roll float64) Transition {
	g.roll = roll
	g.play(attack, defence, roll, &g.last)
	return g.last
}

func (g *Game) play(attack, defence int, roll float64, tr *Transition) {
	from := g.state.Node
	g.rules.apply(g.state, attack, defence, roll, tr)
	if tr.Hardened {
		g.view.hardened(g.rules, g.state, defence)
	}
	if tr.Attacked {
		g.view.attacked(g.rules, g.state, attack, from, tr)
	}
}

// Observe writes what a seat sees, in the layout of the package documentation.
func (g *Game) Observe(seat int, dst []float32) {
	if f := g.seen[seat]; !f.plain {
		f.observe(g.state, dst)
		return
	}
	copy(dst, g.view.obs[seat])
}

// Legal writes which ids are legal. Where the attacker has no legal id left, all are set.
func (g *Game) Legal(seat int, dst []bool) {
	if seat == AttackerSeat && g.view.legalCount == 0 {
		for i := range dst {
			dst[i] = true
		}
		return
	}
	copy(dst, g.view.legal[seat])
}

// AppendKey names what a seat sees: its observation, one byte an entry (two in a local view
// of more than 127 nodes), before it is encoded; if the game is fully observed, both sides'.
func (g *Game) AppendKey(dst []byte, seat int) []byte {
	if seat == AttackerSeat || g.rules.cfg.FullyObserved {
		wide := g.rules.cfg.LocalView && g.rules.Net.Nodes > math.MaxInt8 // node ids need two bytes
		for _, x := range g.view.obs[AttackerSeat] {
			dst = append(dst, byte(int(x)))
			if wide {
				dst = append(dst, byte(int(x)>>8))
			}
		}
	}
	if seat == DefenderSeat || g.rules.cfg.FullyObserved {
		for _, x := range g.state.Defence {
			dst = append(dst, byte(x))
		}
	}
	if g.rules.cfg.LocalView && g.rules.cfg.joint() { // the defender sees more of the attacker than the local view shows
		dst = append(dst, byte(g.state.Node), byte(g.state.Node>>8))
		for _, x := range g.state.Attack {
			dst = append(dst, byte(x))
		}
	}
	return dst
}

// State numbers what a seat sees: under NodeEncoding by the attacker's node (the defender, who does not see it, has one
// state), under FullEncoding by what AppendKey shows, read as a number in base MaxValue+1, first entry most significant,
// larger entries counted as MaxValue.
func (g *Game) State(seat, encoding int) int {
	switch {
	case encoding == NodeEncoding && seat == AttackerSeat:
		return g.state.Node
	case encoding == NodeEncoding:
		return 0
	}
	index, joint := 0, g.rules.cfg.FullyObserved
	if seat == AttackerSeat || joint {
		index = g.rules.digits(index, g.view.obs[AttackerSeat])
	}
	if seat == DefenderSeat || joint {
		index = g.rules.digits(index, g.view.obs[DefenderSeat])
	}
	return index
}

// digits appends the entries of obs to the number index.
func (r *Rules) digits(index int, obs []float32) int {
	for _, x := range obs {
		index = index*(r.cfg.MaxValue+1) + min(int(x), r.cfg.MaxValue)
	}
	return index
}

// Layout is the base state that the instance seed drew, a text for each node but the start: its defence values by attack
// type and its detection value.
func (g *Game) Layout() []byte {
	width := g.rules.defenceWidth
	var nodes []string
	for v := range g.rules.Net.Start() {
		values := g.base.Defence[v*width : (v+1)*width]
		nodes = append(nodes, fmt.Sprintf("defence %d detection %d", values[:width-1], values[width-1]))
	}
	text, err := json.Marshal(map[string][]string{"nodes": nodes})
	if err != nil {
		panic(err) // strings always have a text
	}
	return text
}

// Close does nothing.
func (g *Game) Close() error { return nil }
