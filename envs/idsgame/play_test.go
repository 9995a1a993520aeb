package idsgame_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"idsrl/envs"
	"idsrl/envs/idsgame"
)

// TestPlay plays at random, legally and illegally, from ordinary and from made-up states, under registered and under
// random settings, and holds every step against what the rules promise: see tableau.step and tableau.look.
func TestPlay(t *testing.T) {
	random, episodes := 150, 8
	if testing.Short() {
		random, episodes = 40, 3
	}
	for v := range 22 {
		for _, id := range []string{fmt.Sprintf("idsgame-v%d", v), fmt.Sprintf("idsgame-maximal_attack-v%d", v)} {
			if v != 16 && v != 17 && id != fmt.Sprintf("idsgame-v%d", v) {
				continue // the families of other versions share their settings
			}
			t.Run(id, func(t *testing.T) { playAll(t, configOf(t, id), uint64(v), episodes) })
		}
	}
	for k := range random {
		t.Run(fmt.Sprintf("random-%d", k), func(t *testing.T) {
			rng := newRand(uint64(1000 + k))
			playAll(t, randomConfig(t, rng), uint64(k), episodes)
		})
	}
}

func playAll(t *testing.T, cfg idsgame.Config, seed uint64, episodes int) {
	rng := newRand(seed)
	tb := newTableau(t, cfg, seed, rng)
	for k := range episodes {
		if tb.play(uint64(k)); t.Failed() {
			t.Logf("settings: %+v", cfg)
			return
		}
	}
}

// tableau is a game under test with what it is compared with.
type tableau struct {
	t      *testing.T
	cfg    idsgame.Config
	rng    *rand.Rand
	game   *idsgame.Game // views are kept up to date step by step
	fresh  *idsgame.Game // views are made anew by SetState
	other  *idsgame.Game // has been through something else
	naive  *naive
	keys   [2]map[string][]float32 // what has been seen under a key
	bots   [2][]pair
	legal  [2][]bool
	rolls  int // 0: any; 1: high ones, for long episodes
	before *idsgame.State
}

// pair is a bot for the game and another one of its kind for the fresh game.
type pair struct {
	name        string
	game, fresh envs.Policy
}

func newTableau(t *testing.T, cfg idsgame.Config, seed uint64, rng *rand.Rand) *tableau {
	tb := &tableau{
		t: t, cfg: cfg, rng: rng, naive: newNaive(cfg),
		game: newGame(t, cfg, seed), fresh: newGame(t, cfg, seed+1), other: newGame(t, cfg, seed),
	}
	for seat := range 2 {
		tb.keys[seat] = map[string][]float32{}
		tb.legal[seat] = make([]bool, tb.game.Spec().Seats[seat].Actions.N)
		for _, bot := range cfg.Bots(seat) {
			tb.bots[seat] = append(tb.bots[seat], pair{bot.Name, bot.New(), bot.New()})
		}
	}
	tb.before = tb.game.Rules().NewState()
	return tb
}

func (tb *tableau) play(episode uint64) {
	if err := tb.game.Reset(episode); err != nil {
		tb.t.Fatal(err)
	}
	if chance(tb.rng, 0.5) {
		s := tb.game.True().Clone()
		randomState(tb.rng, tb.game.Rules(), s)
		tb.game.SetState(s)
	} else {
		tb.first()
	}
	tb.rolls = tb.rng.IntN(2)
	tb.look()
	for after := 0; after < 4 && !tb.t.Failed(); {
		if s := tb.game.True(); tb.step() || s.Hacked || s.Detected {
			after++ // Apply plays on after the end, by the same rules
		}
		tb.look()
	}
}

// first checks the first state of an episode.
func (tb *tableau) first() {
	s, n := tb.game.True(), tb.naive
	n.s = s
	if s.Steps != 0 || s.Hacked || s.Detected || s.Fails != 0 || s.Moves != 0 || s.AttackerReturn != 0 ||
		s.DefenderReturn != 0 || s.Furthest != tb.cfg.NumLayers+1 {
		tb.t.Errorf("an episode begins with %+v", s)
	}
	if !tb.cfg.RandomizeStart && s.Node != n.start() || s.Node == idsgame.Data {
		tb.t.Errorf("the attacker starts on node %d", s.Node)
	}
	for t := range tb.cfg.NumAttackTypes {
		if n.attack(n.start(), t) != 0 || n.defence(n.start(), t) != 0 || n.det(n.start()) != 0 {
			tb.t.Error("the start node has values")
		}
	}
}

// choose returns an attack id, legal or not, and a defence id.
func (tb *tableau) choose() (attack, defence int) {
	rng := tb.rng
	attack, defence = rng.IntN(len(tb.legal[0])), rng.IntN(len(tb.legal[1]))
	switch tb.game.Legal(idsgame.AttackerSeat, tb.legal[0]); {
	case chance(rng, 0.7):
		attack = envs.RandomLegal(tb.legal[0], rng)
	case chance(rng, 0.1):
		attack = idsgame.NoAttack
	}
	if chance(rng, 0.3) { // something worthwhile, or values hardly ever reach the maximum
		defence = tb.game.MinimalDefence(nil)[0]
	}
	return attack, defence
}

// step plays a step and checks what it did to the state. It reports whether the step limit refused it.
func (tb *tableau) step() (capped bool) {
	t, s, rules := tb.t, tb.game.True(), tb.game.Rules()
	attack, defence := tb.choose()
	roll := tb.rng.Float64()
	if tb.rolls == 1 {
		roll = 1 - roll/1000
		if roll == 1 {
			roll = math.Nextafter(1, 0)
		}
	}
	tb.before.Set(s)
	before := tb.before
	tr := tb.game.Apply(attack, defence, roll)

	// Apply is a function: the same again, also by other Rules that have been used in between.
	if tb.other.Rules().Reference == rules.Reference {
		again := before.Clone()
		if tr2 := tb.other.Rules().Apply(again, attack, defence, roll); tr != tr2 || !sameState(again, s) {
			t.Errorf("Apply(%d, %d, %v) is %+v and, elsewhere, %+v\n%+v\n%+v", attack, defence, roll, tr, tr2, s, again)
		}
		tb.other.Apply(tb.rng.IntN(len(tb.legal[0])), tb.rng.IntN(len(tb.legal[1])), tb.rng.Float64())
		if tb.other.True().Steps > 20 {
			if err := tb.other.Reset(uint64(tb.rng.IntN(100))); err != nil {
				t.Fatal(err)
			}
		}
	}

	n := tb.naive
	n.s = before
	if want := before.Steps > tb.cfg.MaxGameSteps; tr.Capped != want {
		t.Fatalf("step %d: capped is %v", before.Steps, tr.Capped)
	}
	if tr.Capped {
		want := idsgame.Transition{AttackerReward: -100, DefenderReward: -100, Capped: true}
		if tr != want || !sameState(before, s) {
			t.Errorf("at the limit: %+v\n%+v\n%+v", tr, before, s)
		}
		return true
	}
	possible := attack >= 0 && n.possible(attack/n.attackWidth())
	scout := attack >= 0 && attack%n.attackWidth() == tb.cfg.NumAttackTypes
	if s.Steps != before.Steps+1 || tr.Attacked != possible || tr.Scouted != (possible && scout) ||
		tr.Rolled != (possible && !tr.Moved) || tr.Moved && scout || tr.Moved && !possible {
		t.Errorf("attack %d from %d: %+v, step %d after %d", attack, before.Node, tr, s.Steps, before.Steps)
	}
	tb.checkValues(before, s, attack, defence, tr)
	tb.checkPlace(before, s, attack, tr)
	tb.checkKnowledge(before, s, attack, tr)
	if tr.Rolled {
		n.s = s
		p := float64(n.det(attack/n.attackWidth())) / 10
		if scout {
			p *= tb.cfg.DetectionFactor
		}
		if caught := s.Detected && !before.Detected; !before.Detected && caught != (roll < p) {
			t.Errorf("detected is %v with roll %v and probability %v", caught, roll, p)
		}
	} else if s.Detected != before.Detected {
		t.Error("detected without a roll")
	}
	tb.checkRewards(before, s, possible, tr)
	return false
}

// checkValues: attack and defence values grow by one at most and only where the step played.
func (tb *tableau) checkValues(before, s *idsgame.State, attack, defence int, tr idsgame.Transition) {
	for id := range s.Defence {
		grown := s.Defence[id] - before.Defence[id]
		if want := id == defence && int(before.Defence[id]) < tb.cfg.MaxValue; want != (grown == 1) || !want && grown != 0 {
			tb.t.Errorf("defence %d by %d: from %d to %d", id, defence, before.Defence[id], s.Defence[id])
		}
		if id == defence && tr.Hardened != (grown == 1) {
			tb.t.Errorf("Hardened = %v", tr.Hardened)
		}
	}
	for id := range s.Attack {
		grown := s.Attack[id] - before.Attack[id]
		want := id == attack && tr.Attacked && !tr.Scouted && int(before.Attack[id]) < tb.cfg.MaxValue
		if want != (grown == 1) || !want && grown != 0 {
			tb.t.Errorf("attack %d by %d: from %d to %d", id, attack, before.Attack[id], s.Attack[id])
		}
		if s.Attack[id] < 0 || int(s.Attack[id]) > tb.cfg.MaxValue ||
			id%tb.naive.attackWidth() == tb.cfg.NumAttackTypes && s.Attack[id] != 0 {
			tb.t.Errorf("attack %d is %d", id, s.Attack[id])
		}
	}
	for id, x := range s.Defence {
		most := tb.cfg.MaxValue
		if id%(tb.cfg.NumAttackTypes+1) == tb.cfg.NumAttackTypes {
			most = max(most, tb.cfg.DetVal)
		}
		if x < 0 || int(x) > most {
			tb.t.Errorf("defence %d is %d", id, x)
		}
	}
}

// checkPlace: the attacker moves by success only, to the target, which is adjacent and not lower.
func (tb *tableau) checkPlace(before, s *idsgame.State, attack int, tr idsgame.Transition) {
	n := tb.naive
	if moved := s.Node != before.Node; moved != tr.Moved {
		tb.t.Errorf("from %d to %d, moved is %v", before.Node, s.Node, tr.Moved)
	}
	if !tr.Moved {
		if s.Moves != before.Moves || s.Hacked != before.Hacked {
			tb.t.Error("a success without a move")
		}
		return
	}
	v, t := attack/n.attackWidth(), attack%n.attackWidth()
	n.s = s
	if s.Node != v || !n.adjacent(before.Node, v) || n.row(v) > n.row(before.Node) || n.attack(v, t) <= n.defence(v, t) {
		tb.t.Errorf("attack %d moves from %d to %d", attack, before.Node, s.Node)
	}
	if s.Moves != before.Moves+1 || s.Fails != 0 || v == idsgame.Data && !s.Hacked || v != idsgame.Data && s.Hacked != before.Hacked {
		tb.t.Errorf("after a move to %d: %+v", v, s)
	}
}

// checkKnowledge: known defence values change by reconnaissance of the node, and otherwise only up to an attack value.
func (tb *tableau) checkKnowledge(before, s *idsgame.State, attack int, tr idsgame.Transition) {
	n := tb.naive
	n.s = s
	for i, x := range s.Known {
		v, t := i/tb.cfg.NumAttackTypes, i%tb.cfg.NumAttackTypes
		want := int(before.Known[i])
		switch {
		case tr.Scouted && v == attack/n.attackWidth():
			want = n.defence(v, t)
		case tr.Attacked && attack == n.attackID(v, t):
			want = max(want, n.attack(v, t))
		}
		if int(x) != want || x < 0 || int(x) > max(idsgame.Unknown, tb.cfg.MaxValue) {
			tb.t.Errorf("known defence of node %d, type %d: from %d to %d, not %d", v, t, before.Known[i], x, want)
		}
	}
	for v, scanned := range s.Scanned {
		scouted := tr.Scouted && v == attack/n.attackWidth()
		if scanned != (before.Scanned[v] || scouted) || s.Scouted[v] != (before.Scouted[v] || scouted) {
			tb.t.Errorf("node %d: scanned %v, scouted %v", v, scanned, s.Scouted[v])
		}
	}
}

// checkRewards holds rewards against the ranges of section 7.7 and the returns against the rewards.
func (tb *tableau) checkRewards(before, s *idsgame.State, possible bool, tr idsgame.Transition) {
	c, a, d := tb.cfg, tr.AttackerReward, tr.DefenderReward
	if !possible && (a != -1 || d != 0) {
		tb.t.Errorf("an impossible attack pays %v and %v", a, d)
	}
	if s.AttackerReturn != before.AttackerReturn+a || s.DefenderReturn != before.DefenderReturn+d {
		tb.t.Errorf("returns are %v and %v", s.AttackerReturn, s.DefenderReturn)
	}
	nothing := !tr.Moved && (!s.Detected || before.Detected) && possible
	scouting := tr.Scouted && c.ReconnaissanceReward
	switch {
	case nothing && !scouting && !s.Detected && (a != 0 || d != 0):
		tb.t.Errorf("nothing happened, and it pays %v and %v", a, d)
	case nothing && scouting && !s.Detected && (math.Abs(a) != 0.5 || d != 0):
		tb.t.Errorf("reconnaissance pays %v and %v", a, d)
	}
	lowA, highA, lowD, highD := -1.0, 1.0, -1.0, 1.0
	switch {
	case c.DenseRewardsV3:
		score := float64(c.MaxValue * (c.NumLayers + 2))
		highA = float64(before.Steps + 2)
		lowD, highD = -score, math.Inf(1)
	case c.DenseRewards && c.DenseRewardsV2:
		lowA, highA, lowD, highD = -100, 2, -float64(s.Moves)-1, 100
	case c.DenseRewards || c.DenseRewardsV2:
		highA, lowD = 2, -float64(s.Moves)
		if c.ExtraReconnaissanceReward {
			highA = 3
		}
	}
	if !(lowA <= a && a <= highA && lowD <= d && d <= highD) {
		tb.t.Errorf("rewards %v and %v are not in [%v, %v] and [%v, %v]", a, d, lowA, highA, lowD, highD)
	}
}

// look compares everything that players and bots see with a game that has just been given the same state, and with the
// plain rules.
func (tb *tableau) look() {
	g, f, n := tb.game, tb.fresh, tb.naive
	s := g.True()
	f.SetState(s)
	n.s = s
	if !sameState(f.True(), s) {
		tb.t.Error("SetState sets another state")
	}
	for seat := range 2 {
		tb.lookAt(seat)
	}
	ids := n.legalAttacks()
	for id := range tb.legal[idsgame.AttackerSeat] {
		if legal := g.Rules().LegalAttack(s, id); legal != slices.Contains(ids, id) {
			tb.t.Errorf("LegalAttack(%d) = %v, legal are %v", id, legal, ids)
		}
	}
	tb.sameIDs("LegalAttacks", g.LegalAttacks(nil), f.LegalAttacks(nil), ids)
	tb.sameIDs("MinimalDefence", g.MinimalDefence(nil), f.MinimalDefence(nil), n.minimalDefence())
	tb.sameIDs("MaximalAttack", g.MaximalAttack(nil), f.MaximalAttack(nil), n.maximalAttack())
	if got := g.MaximalAttack([]int{-7}); got[0] != -7 || len(got) < 2 {
		tb.t.Errorf("MaximalAttack does not append: %v", got)
	}
	if got := g.MinimalDefence([]int{-7, 3, 3}); !slices.Equal(got[:3], []int{-7, 3, 3}) {
		tb.t.Errorf("MinimalDefence does not append: %v", got)
	}
	sets := map[string][]int{
		"maximal": n.maximalAttack(), "random attack": n.randomAttack(),
		"minimal": n.minimalDefence(),
	}
	for seat, bots := range tb.bots {
		for _, bot := range bots {
			seed := tb.rng.Uint64()
			got := bot.game.Act(g, seat, rand.New(envs.NewPCG(seed)))
			if again := bot.fresh.Act(f, seat, rand.New(envs.NewPCG(seed))); got != again {
				tb.t.Errorf("%s bot of seat %d: %d, in a fresh game %d", bot.name, seat, got, again)
			}
			set, ok := sets[bot.name]
			if !ok && seat == idsgame.AttackerSeat {
				set, ok = sets["random attack"], true
			}
			if ok && !slices.Contains(set, got) || !ok && !g.Rules().LegalDefence(got) {
				tb.t.Errorf("%s bot of seat %d: %d is not among %v", bot.name, seat, got, set)
			}
		}
	}
}

func (tb *tableau) lookAt(seat int) {
	t, g, f, n := tb.t, tb.game, tb.fresh, tb.naive
	spec := g.Spec().Seats[seat]
	got, fresh := observe(g, seat), observe(f, seat)
	if want := n.features(seat); !slices.EqualFunc(got, want, near) {
		t.Errorf("seat %d sees\n%v, not\n%v", seat, got, want)
	}
	if !slices.Equal(got, fresh) {
		t.Errorf("seat %d sees\n%v, in a fresh game\n%v", seat, got, fresh)
	}
	for i, x := range got {
		if x < spec.Obs.Low[i] || x > spec.Obs.High[i] {
			t.Errorf("seat %d: entry %d is %v, not in [%v, %v]", seat, i, x, spec.Obs.Low[i], spec.Obs.High[i])
		}
	}
	legal := make([]bool, spec.Actions.N)
	f.Legal(seat, legal)
	g.Legal(seat, tb.legal[seat])
	if want := n.legal(seat); !slices.Equal(tb.legal[seat], want) || !slices.Equal(legal, want) {
		t.Errorf("seat %d: legal\n%v, in a fresh game\n%v, not\n%v", seat, tb.legal[seat], legal, want)
	}
	if !slices.Contains(tb.legal[seat], true) {
		t.Errorf("seat %d: nothing is legal", seat)
	}
	for k, e := range spec.Encodings {
		want := 0
		switch {
		case k == idsgame.FullEncoding:
			want = n.fullState(seat)
		case seat == idsgame.AttackerSeat:
			want = g.True().Node
		}
		if x, y := g.State(seat, k), f.State(seat, k); x != want || y != want || x < 0 || x >= e.States {
			t.Errorf("seat %d, %s: state %d, in a fresh game %d, not %d of %d", seat, e.Name, x, y, want, e.States)
		}
	}
	key := g.AppendKey([]byte("key"), seat)
	if again := f.AppendKey(nil, seat); !bytes.Equal(key[3:], again) || string(key[:3]) != "key" {
		t.Errorf("seat %d: key %x, in a fresh game %x", seat, key, again)
	}
	if tb.cfg.FullyObserved { // then tables are keyed by both views
		got = append(observe(g, idsgame.AttackerSeat), observe(g, idsgame.DefenderSeat)...)
	}
	if seen, ok := tb.keys[seat][string(key)]; ok && !slices.Equal(seen, got) {
		t.Errorf("seat %d: key %x stands for\n%v and\n%v", seat, key, seen, got)
	}
	tb.keys[seat][string(key)] = got
}

func (tb *tableau) sameIDs(what string, got, fresh, want []int) {
	if !slices.Equal(got, want) || !slices.Equal(fresh, want) {
		tb.t.Errorf("%s: %v, in a fresh game %v, not %v", what, got, fresh, want)
	}
}

// near is equality up to rounding.
func near(x, y float32) bool { return math.Abs(float64(x)-float64(y)) <= 1e-6 }

func observe(env envs.Env, seat int) []float32 {
	obs := make([]float32, env.Spec().Seats[seat].Obs.Len())
	for i := range obs {
		obs[i] = -99
	}
	env.Observe(seat, obs)
	return obs
}

// sameState is equality in which NaN, which has no place here, would show.
func sameState(x, y *idsgame.State) bool { return reflect.DeepEqual(x, y) }

// TestReset looks at the first state of many episodes. The views of an instance whose base state shows scanned nodes
// must not show them in an episode, which starts with none.
func TestReset(t *testing.T) {
	for k := range 200 {
		rng := newRand(uint64(5000 + k))
		cfg := randomConfig(t, rng)
		if k%2 == 0 {
			cfg.RandomizeEnv, cfg.RandomizeStart = false, false
		}
		tb := newTableau(t, cfg, uint64(k), rng)
		tb.look() // as constructed
		for seed := range uint64(3) {
			if err := tb.game.Reset(seed); err != nil {
				t.Fatal(err)
			}
			if !cfg.RandomizeEnv && slices.Contains(tb.game.True().Scanned, true) {
				t.Error("a node is scanned at the beginning of an episode that is not randomised")
			}
			tb.first()
			tb.look()
			tb.step()
			tb.look()
		}
		if t.Failed() {
			t.Fatalf("settings: %+v", cfg)
		}
	}
}

// TestStep plays whole episodes through Env.Step and compares each outcome with Rules.Apply on a copy of the state.
func TestStep(t *testing.T) {
	configs := []idsgame.Config{}
	for v := range 22 {
		configs = append(configs, configOf(t, fmt.Sprintf("idsgame-v%d", v)))
	}
	for k := range 60 {
		configs = append(configs, randomConfig(t, newRand(uint64(7000+k))))
	}
	var hacked, detected, truncated int
	for k, cfg := range configs {
		rng := newRand(uint64(8000 + k))
		g := newGame(t, cfg, uint64(k))
		attack, defence := g.Rules().AttackActions(), g.Rules().DefenceActions()
		legal := make([]bool, attack)
		out := g.Spec().NewOutcome()
		for seed := range uint64(12) {
			if err := g.Reset(seed); err != nil {
				t.Fatal(err)
			}
			if seed%3 == 0 { // nothing ends these
				s := g.True().Clone()
				for v := range g.Rules().Net.Nodes {
					s.Defence[(v+1)*(cfg.NumAttackTypes+1)-1] = 0
				}
				g.SetState(s)
			}
			for calls := 1; ; calls++ {
				actions := []int{rng.IntN(attack), rng.IntN(defence)}
				switch seed % 3 {
				case 0:
					actions = []int{g.Rules().Net.Start() * attack / g.Rules().Net.Nodes, 0} // impossible, or hopeless
				case 1:
					g.Legal(idsgame.AttackerSeat, legal)
					actions[0] = envs.RandomLegal(legal, rng)
				}
				before := g.True().Clone()
				*out = envs.Outcome{Rewards: []float64{math.NaN(), math.NaN()}, Winner: envs.Benign}
				if err := g.Step(actions, out); err != nil {
					t.Fatal(err)
				}
				s := before.Clone()
				roll := 1.0
				if g.True().Detected {
					roll = 0
				}
				tr := g.Rules().Apply(s, actions[0], actions[1], roll)
				compareOutcome(t, g, s, tr, out)
				if out.Over() || t.Failed() {
					checkEnd(t, cfg, calls, out)
					break
				}
				if calls > cfg.MaxGameSteps+2 {
					t.Fatal("an episode without end")
				}
			}
			switch {
			case t.Failed():
				t.Fatalf("settings %+v", cfg)
			case out.Truncated:
				truncated++
			case out.Winner == envs.Attacker:
				hacked++
			default:
				detected++
			}
		}
	}
	if hacked < 50 || detected < 50 || truncated < 50 {
		t.Errorf("%d hacked, %d detected, %d truncated: too few to mean something", hacked, detected, truncated)
	}
}

func compareOutcome(t *testing.T, g *idsgame.Game, s *idsgame.State, tr idsgame.Transition, out *envs.Outcome) {
	t.Helper()
	if !sameState(s, g.True()) {
		t.Errorf("Step comes to\n%+v, Apply to\n%+v", g.True(), s)
	}
	winner := envs.Nobody
	switch {
	case s.Hacked:
		winner = envs.Attacker
	case s.Detected:
		winner = envs.Defender
	}
	if out.Terminated != (s.Hacked || s.Detected) || out.Truncated != tr.Capped || out.Winner != winner {
		t.Errorf("outcome %+v of %+v", out, tr)
	}
	// An infinite reward is a finite one to learners.
	finite := math.Abs(out.Rewards[0]) < 1e6 && math.Abs(out.Rewards[1]) < 1e6
	infinite := math.IsInf(tr.DefenderReward, 1) && out.Rewards[1] > 0
	if !finite || out.Rewards[0] != tr.AttackerReward || out.Rewards[1] != tr.DefenderReward && !infinite {
		t.Errorf("rewards %v of %+v", out.Rewards, tr)
	}
}

func checkEnd(t *testing.T, cfg idsgame.Config, calls int, out *envs.Outcome) {
	t.Helper()
	if out.Terminated && out.Truncated {
		t.Error("both terminated and truncated")
	}
	if out.Truncated != (calls == cfg.MaxGameSteps+2) || calls > cfg.MaxGameSteps+2 {
		t.Errorf("the episode ends by call %d: %+v", calls, out)
	}
}

// TestFailuresDoNotOverflow counts more failures of one attack than an int16 holds.
func TestFailuresDoNotOverflow(t *testing.T) {
	cfg := configOf(t, "idsgame-v19")
	cfg.MaxGameSteps = 100000
	r := newGame(t, cfg, 0).Rules()
	s := r.NewState()
	s.Node = 1
	const scout, failures = 4, 40000
	for range failures {
		r.Apply(s, scout, r.DefenceActions()-1, 0) // detection is 0
	}
	if tr := r.Apply(s, 0, r.DefenceActions()-1, 0); !tr.Moved || tr.AttackerReward != failures+1 {
		t.Errorf("%+v after %d failures of the attack that succeeds, which pays %d", tr, failures, failures+1)
	}
}

// TestKeysOfLargeLocalViews looks at two nodes whose ids are equal modulo 256.
func TestKeysOfLargeLocalViews(t *testing.T) {
	cfg := idsgame.Defaults()
	cfg.NumLayers, cfg.NumServersPerLayer = 20, 20
	cfg.LocalView, cfg.NeighborPositions = true, [][2]int{{-1, 0}}
	g := newGame(t, cfg, 0)
	s := g.Rules().NewState()
	seen := map[string]int{}
	for node := 21; node < g.Rules().Net.Start(); node++ {
		s.Node = node
		g.SetState(s)
		key := string(g.AppendKey(nil, idsgame.AttackerSeat))
		if other, ok := seen[key]; ok {
			t.Fatalf("on nodes %d and %d the attacker sees other nodes under the same key %x", other, node, key)
		}
		seen[key] = node
	}
}
