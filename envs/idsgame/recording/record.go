package recording

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
)

// tape turns a game that is being played into lines. Recorder writes them; Verify compares them with a recording.
type tape struct {
	game   *idsgame.Game
	cast   []string // as in envs.Entry
	calls  int      // of step
	capped bool
}

// botName is what recordings call the bot of a seat, nil for an open one.
func (t *tape) botName(seat int) *string {
	if t.cast == nil || t.cast[seat] == "" {
		return nil
	}
	name := t.cast[seat] + [...]string{idsgame.AttackerSeat: "_attack", idsgame.DefenderSeat: "_defense"}[seat]
	return &name
}

// episode is the first line of the episode that is about to start.
func (t *tape) episode() Episode {
	t.calls, t.capped = 0, false
	spec, rules := t.game.Spec(), t.game.Rules()
	cfg := rules.Config()
	e := Episode{
		Type: "episode", Env: spec.ID, Role: "two-agent",
		AttackerBot: t.botName(idsgame.AttackerSeat), DefenderBot: t.botName(idsgame.DefenderSeat),
		Nodes: rules.Net.Nodes, AttackTypes: cfg.NumAttackTypes,
		AttackerShape: spec.Seats[idsgame.AttackerSeat].Obs.Shape,
		DefenderShape: spec.Seats[idsgame.DefenderSeat].Obs.Shape,
		Initial:       values(t.game), Views: t.views(),
	}
	switch {
	case e.AttackerBot != nil:
		e.Role = "defender"
	case e.DefenderBot != nil:
		e.Role = "attacker"
	}
	if cfg.DenseRewardsV3 {
		reference := Real(rules.Reference)
		e.Reference = &reference
	}
	return e
}

// step is the line of a call of step that has just taken place.
func (t *tape) step(attack, defence int, roll float64, tr idsgame.Transition) Step {
	v, s := values(t.game), t.game.True()
	t.capped = tr.Capped
	step := Step{
		Type: "step", T: t.calls, Attack: &attack, Defence: &defence, Roll: &roll,
		Reward: [2]Real{Real(tr.AttackerReward), Real(tr.DefenderReward)}, Done: t.done(),
		Hacked: s.Hacked, Detected: s.Detected, Moved: tr.Moved, GameStep: s.Steps, Capped: tr.Capped,
		AttackerNode: v.AttackerNode, AttackValues: v.Attack,
		Reconnaissance: v.Reconnaissance, Reconnoitred: v.Reconnoitred, Views: t.views(),
	}
	if !tr.Rolled {
		step.Roll = nil
	}
	if tr.Capped {
		step.Attack, step.Defence = nil, nil
	}
	t.calls++
	return step
}

func (t *tape) done() bool {
	s := t.game.True()
	return s.Hacked || s.Detected || t.capped
}

// end is the last line of the episode; first is its first.
func (t *tape) end(first *Episode) End {
	s := t.game.True()
	var stats idsgame.Stats
	stats.Count(s)
	e := End{
		Type: "end", Steps: t.calls, Return: [2]Real{Real(s.AttackerReturn), Real(s.DefenderReturn)},
		After: AfterReset{
			Games: stats.Games, Hacks: stats.Hacks, HackProbability: Real(stats.HackProbability()),
			AttackerReward: Real(stats.AttackerReturn), DefenderReward: Real(stats.DefenderReturn),
		},
	}
	switch {
	case s.Hacked && s.Detected:
		e.Outcome = "both"
	case s.Hacked:
		e.Outcome = "hacked"
	case s.Detected:
		e.Outcome = "detected"
	case t.capped:
		e.Outcome = "capped"
	default:
		e.Outcome = "open"
	}
	if cfg := t.game.Rules().Config(); !cfg.RandomizeEnv && !cfg.RandomizeStart {
		// The next episode begins as this one did: with the base state.
		e.After.AttackerObs, e.After.DefenderObs = first.Views.AttackerObs, first.Views.DefenderObs
	}
	return e
}

// views are what the players see and may do now.
func (t *tape) views() Views {
	g := t.game
	v := Views{AttackerObs: observation(g, idsgame.AttackerSeat), DefenderObs: observation(g, idsgame.DefenderSeat)}
	if !t.done() {
		v.LegalAttacks = g.LegalAttacks(Ints{})
		v.MinimalDefence = g.MinimalDefence(Ints{})
		v.MaximalAttack = g.MaximalAttack(Ints{})
	}
	return v
}

func observation(g *idsgame.Game, seat int) Ints {
	obs := make([]float32, g.Spec().Seats[seat].Obs.Len())
	g.Observe(seat, obs)
	ints := make(Ints, len(obs))
	for i, x := range obs {
		ints[i] = int(x)
	}
	return ints
}

// values is the state of the game in the layout of recordings: no columns but those of the attack types.
func values(g *idsgame.Game) Values {
	s, nodes := g.True(), g.Rules().Net.Nodes
	types := len(s.Defence)/nodes - 1
	v := Values{
		AttackerNode: s.Node,
		Attack:       columns(s.Attack, len(s.Attack)/nodes, 0, types),
		Defence:      columns(s.Defence, types+1, 0, types),
		Detection:    columns(s.Defence, types+1, types, types+1),
	}
	if s.Known != nil {
		v.Reconnaissance, v.Reconnoitred = columns(s.Known, types, 0, types), Ints{}
		for u, scanned := range s.Scanned {
			if scanned {
				v.Reconnoitred = append(v.Reconnoitred, u)
			}
		}
	}
	return v
}

// columns are the columns from..to-1 of a matrix of the given width.
func columns(matrix []int8, width, from, to int) Ints {
	var out Ints
	for row := 0; row < len(matrix); row += width {
		for _, x := range matrix[row+from : row+to] {
			out = append(out, int(x))
		}
	}
	return out
}

// load sets the game to the beginning of an episode with the given values.
func load(g *idsgame.Game, v *Values) error {
	rules := g.Rules()
	s, nodes := rules.NewState(), rules.Net.Nodes
	types := len(s.Defence)/nodes - 1
	if v.AttackerNode < 0 || v.AttackerNode >= nodes {
		return fmt.Errorf("attacker_node %d is not one of %d nodes", v.AttackerNode, nodes)
	}
	s.Node = v.AttackerNode
	if err := fill("attack_values", s.Attack, v.Attack, nodes, 0, types); err != nil {
		return err
	}
	if err := fill("defense_values", s.Defence, v.Defence, nodes, 0, types); err != nil {
		return err
	}
	if err := fill("defense_det", s.Defence, v.Detection, nodes, types, types+1); err != nil {
		return err
	}
	if s.Known != nil {
		if err := fill("reconnaissance_state", s.Known, v.Reconnaissance, nodes, 0, types); err != nil {
			return err
		}
		for _, u := range v.Reconnoitred {
			if u < 0 || u >= nodes {
				return fmt.Errorf("reconnoitred node %d is not one of %d nodes", u, nodes)
			}
			s.Scanned[u] = true
		}
	}
	g.SetState(s)
	return nil
}

// largest is the largest value that a recorded state may hold.
const largest = 100

// fill is the inverse of columns.
func fill(name string, matrix []int8, from Ints, nodes, first, last int) error {
	if len(from) != nodes*(last-first) {
		return fmt.Errorf("%s has %d entries, not %d", name, len(from), nodes*(last-first))
	}
	width := len(matrix) / nodes
	for i, x := range from {
		if x < 0 || x > largest {
			return fmt.Errorf("%s: value %d is not in [0, %d]", name, x, largest)
		}
		node, column := i/(last-first), i%(last-first)
		matrix[node*width+first+column] = int8(x)
	}
	return nil
}

// Recorder writes episodes of one game as they are played. It is an algos.Watcher.
type Recorder struct {
	tape   tape
	env    string          // identifies the game of the tape
	params json.RawMessage // likewise
	first  *Episode        // of the running episode
	count  int             // episodes so far
	lines  *json.Encoder
	close  []io.Closer // inside out
}

// Create begins a recording in a new file, which is gzip'ed if its name ends in .gz.
func Create(path string) (*Recorder, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	r := &Recorder{lines: json.NewEncoder(f), close: []io.Closer{f}}
	if strings.HasSuffix(path, ".gz") {
		z := gzip.NewWriter(f)
		r.lines, r.close = json.NewEncoder(z), []io.Closer{z, f}
	}
	return r, nil
}

// Close ends the recording.
func (r *Recorder) Close() (err error) {
	for _, c := range r.close {
		err = errors.Join(err, c.Close())
	}
	r.close = nil
	return err
}

// Start writes the line of an episode that begins.
func (r *Recorder) Start(env envs.Env) error {
	game, ok := envs.As[*idsgame.Game](env)
	if !ok {
		return fmt.Errorf("%s cannot be recorded: recordings are of idsgame", env.Spec().ID)
	}
	if r.tape.game != game {
		r.env, r.params = identify(game)
	}
	r.tape = tape{game: game}
	line := r.tape.episode()
	line.ID = fmt.Sprintf("%s-%d", game.Spec().ID, r.count)
	line.Tags, line.Policy = []string{}, json.RawMessage(`"idsrl"`)
	line.Env, line.Params = r.env, r.params
	r.first = &line
	r.count++
	return r.lines.Encode(line)
}

// Step writes the line of a step, and after the last one that of the end.
func (r *Recorder) Step(_ envs.Env, actions []int, out *envs.Outcome) error {
	tr, roll := r.tape.game.Last()
	line := r.tape.step(actions[idsgame.AttackerSeat], actions[idsgame.DefenderSeat], roll, tr)
	if err := r.lines.Encode(line); err != nil || !out.Over() {
		return err
	}
	return r.End()
}

// End writes the line of the end of the running episode, if there is one: Step does so at its end, and who leaves it
// before calls End.
func (r *Recorder) End() error {
	if r.first == nil {
		return nil
	}
	line := r.tape.end(r.first)
	r.first = nil
	return r.lines.Encode(line)
}

// identify is the registered id of a game's rules without bots, whoever plays in it, or else its settings in full.
func identify(game *idsgame.Game) (env string, params json.RawMessage) {
	cfg := game.Rules().Config()
	same := settings.Encode(&cfg)
	for _, e := range idsgame.Entries() {
		if e.Cast == nil && bytes.Equal(same, settings.Encode(e.Game())) {
			return e.ID, nil
		}
	}
	values := map[string]any{}
	for _, f := range settings.Fields(&cfg) {
		values[f.Key] = f.Value()
	}
	params, err := json.Marshal(values)
	if err != nil {
		panic(err) // numbers, flags and lists always have a text
	}
	return "custom:" + game.Spec().ID, params
}
