package recording

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"

	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
)

// Report is what Verify found in one file.
type Report struct {
	Episodes, Steps  int
	Initials, States int // initial states and state numbers
	Differences      int
	First            *Difference
	Lines            int
}

// Difference is a place where the recording and this implementation differ, or a line that cannot be read.
type Difference struct {
	Line      int
	Episode   string // its label, "" outside one
	Field     string // "" for a line that cannot be read, or that stands in a wrong place
	Want, Got string // the recording's value and ours; for such a line, Got is the problem
}

func (d *Difference) String() string {
	where := fmt.Sprintf("line %d", d.Line)
	if d.Episode != "" {
		where += " (" + d.Episode + ")"
	}
	if d.Field == "" {
		return where + ": " + d.Got
	}
	return fmt.Sprintf("%s: field %s\n  want %s\n  got  %s", where, d.Field, d.Want, d.Got)
}

// maxLine is the longest line that is read, in bytes. The lines of the largest game stay below 1 MiB.
const maxLine = 4 << 20

// Verify plays every recorded game again by the rules of this implementation and compares all that is recorded, line by
// line. The text may be gzip'ed. An error means that reading failed; what the file says wrong is in the Report.
func Verify(r io.Reader) (Report, error) { return Replay(r, nil) }

// A Watcher sees games that are played again, as an algos.Watcher does.
type Watcher interface {
	Start(game envs.Env) error
	Step(game envs.Env, actions []int, out *envs.Outcome) error
}

// Replay is Verify before the eyes of watchers: choose returns the one of the k-th recorded game, counted from 0, nil for
// none. Where nothing is played, an action is idsgame.NoAttack. An error of a watcher ends the replay.
func Replay(r io.Reader, choose func(k int, e *Episode) Watcher) (Report, error) {
	buffered := bufio.NewReader(r)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return Report{}, err
		}
		buffered = bufio.NewReader(unzipped)
	}
	v := verifier{entries: map[string]envs.Entry{}, choose: choose}
	for _, e := range idsgame.Entries() {
		v.entries[e.ID] = e
	}
	lines := bufio.NewScanner(buffered)
	lines.Buffer(make([]byte, 1<<16), maxLine)
	for lines.Scan() {
		v.report.Lines++
		if err := v.line(lines.Bytes()); err != nil {
			v.differ("", "", err.Error())
			v.recorded = nil
		}
		if v.blind != nil {
			return v.report, v.blind
		}
	}
	if err := lines.Err(); err != nil {
		return v.report, fmt.Errorf("line %d: %w", v.report.Lines+1, err)
	}
	if v.recorded != nil {
		v.differ("", "", "the episode has no end line")
	}
	return v.report, nil
}

type verifier struct {
	entries  map[string]envs.Entry
	report   Report
	tape     tape
	recorded *Episode // the running episode, nil between episodes
	before   Views    // what the players saw before the step

	choose func(k int, e *Episode) Watcher // may be nil
	watch  Watcher                         // of the running episode; nil: none
	blind  error                           // of a watcher
}

func (v *verifier) differ(field, want, got string) {
	v.report.Differences++
	if v.report.First == nil {
		v.report.First = &Difference{Line: v.report.Lines, Field: field, Want: want, Got: got}
		if v.recorded != nil {
			v.report.First.Episode = v.recorded.ID
		}
	}
}

// line checks one line. Its error is about a line that cannot be played.
func (v *verifier) line(text []byte) error {
	decoded, err := decode(text)
	if err != nil {
		return err
	}
	_, step := decoded.(*Step)
	_, end := decoded.(*End)
	if inside := step || end; inside && v.recorded == nil {
		return errors.New("stands outside an episode")
	} else if !inside && v.recorded != nil {
		v.differ("", "", "the episode before has no end line")
		v.recorded = nil
	}
	switch line := decoded.(type) {
	case *Episode:
		v.report.Episodes++
		return v.episode(line)
	case *Step:
		v.report.Steps++
		return v.step(line)
	case *End:
		v.compare(line, v.tape.end(v.recorded))
		v.recorded = nil
	case *Initial:
		v.report.Initials++
		return v.initial(line)
	case *QState:
		v.report.States++
		return v.qstate(line)
	}
	return nil
}

// build makes the game of an env field; params are those of a game that is not registered.
func (v *verifier) build(env string, params json.RawMessage) (*idsgame.Game, []string, error) {
	if params != nil {
		cfg, err := customConfig(params)
		if err != nil {
			return nil, nil, err
		}
		g, err := idsgame.NewGame(env, cfg, 0)
		return g, nil, err
	}
	entry, ok := v.entries[env]
	if !ok {
		return nil, nil, fmt.Errorf("env %q is not registered and the line has no params", env)
	}
	game, err := entry.Game().New(0)
	if err != nil {
		return nil, nil, err
	}
	return game.(*idsgame.Game), entry.Cast, nil
}

// derived are parameters of the original that follow from others or play no part in the rules.
var derived = []string{
	"max_neighbors", "reconnaissance_actions_env_flag", "save_trajectories", "save_attack_stats", "manual_attacker",
	"manual_defender",
}

// customConfig is the Config of a recording's params.
func customConfig(params json.RawMessage) (idsgame.Config, error) {
	// A recorded game sets its states, so what only initial states depend on may be absent and must not get in the way.
	cfg := idsgame.Defaults()
	cfg.DefenseVal, cfg.VulnerabilitiesPerLayer = 0, 0
	var given map[string]json.RawMessage
	if err := json.Unmarshal(params, &given); err != nil {
		return cfg, fmt.Errorf("params: %w", err)
	}
	for key, value := range given {
		if slices.Contains(derived, key) || string(value) == "null" {
			delete(given, key) // null: the original's way to say that there are none
		}
	}
	text, err := json.Marshal(given)
	if err != nil {
		return cfg, fmt.Errorf("params: %w", err)
	}
	err = settings.Decode(&cfg, "params", text)
	return cfg, err
}

func (v *verifier) episode(line *Episode) error {
	game, cast, err := v.build(line.Env, line.Params)
	if err != nil {
		return err
	}
	if line.Params != nil && line.Reference != nil {
		game.Rules().Reference = float64(*line.Reference)
	}
	if err := load(game, &line.Initial); err != nil {
		return err
	}
	v.recorded, v.tape = line, tape{game: game, cast: cast}
	got := v.tape.episode()
	got.ID, got.Tags, got.Policy, got.Params = line.ID, line.Tags, line.Policy, line.Params
	v.compare(line, got)
	v.before = line.Views
	if v.watch = nil; v.choose != nil {
		v.watch = v.choose(v.report.Episodes-1, line)
	}
	if v.watch != nil {
		v.blind = v.watch.Start(game)
	}
	return nil
}

func (v *verifier) step(line *Step) error {
	attack, defence, roll := idsgame.NoAttack, 0, 0.0
	rules := v.tape.game.Rules()
	if !line.Capped {
		if line.Attack == nil || line.Defence == nil {
			return errors.New("a step that is not capped needs attack_action and defense_action")
		}
		attack, defence = *line.Attack, *line.Defence
		if attack < idsgame.NoAttack || attack >= rules.AttackActions() || defence < 0 || defence >= rules.DefenceActions() {
			return fmt.Errorf("attack %d or defence %d is outside the action space", attack, defence)
		}
		v.played(attack, defence)
	}
	if line.Roll != nil {
		roll = *line.Roll
	}
	tr := v.tape.game.Apply(attack, defence, roll)
	v.compare(line, v.tape.step(attack, defence, roll, tr))
	v.before = line.Views
	if v.watch != nil {
		out := v.tape.game.Spec().NewOutcome()
		v.tape.game.Outcome(out)
		v.blind = v.watch.Step(v.tape.game, []int{attack, defence}, out)
	}
	return nil
}

// played checks that what a bot played is among what it can play.
func (v *verifier) played(attack, defence int) {
	if v.tape.done() {
		return
	}
	rules := v.tape.game.Rules()
	if name := v.recorded.AttackerBot; name != nil && attack != idsgame.NoAttack {
		set := v.before.MaximalAttack
		if *name == "random_attack" {
			set = v.before.LegalAttacks
		}
		if len(set) > 0 && !slices.Contains(set, attack) {
			v.differ("attack_action", fmt.Sprint(attack), fmt.Sprintf("one of %v", set))
		}
	}
	if name := v.recorded.DefenderBot; name != nil {
		switch {
		case *name == "minimal_defense" && !slices.Contains(v.before.MinimalDefence, defence):
			v.differ("defense_action", fmt.Sprint(defence), fmt.Sprintf("one of %v", v.before.MinimalDefence))
		case *name == "random_defense" && !rules.LegalDefence(defence):
			v.differ("defense_action", fmt.Sprint(defence), "an id of a node other than the start")
		}
	}
}

func (v *verifier) initial(line *Initial) error {
	game, _, err := v.build(line.Env, nil)
	if err != nil {
		return err
	}
	source := &log{draws: line.Draws}
	dealer, s := idsgame.NewDealer(game.Rules(), source), game.Rules().NewState()
	if line.Type == "construct" {
		dealer.Base(s)
	} else {
		dealer.First(s, game.Base())
	}
	if problem := source.close(); problem != "" {
		v.differ("draws", fmt.Sprintf("%d draws", len(line.Draws)), problem)
		return nil
	}
	game.SetState(s)
	v.compare(line, Initial{
		Type: line.Type, ID: line.ID, Env: line.Env, Draws: line.Draws, State: values(game),
		AttackerObs: observation(game, idsgame.AttackerSeat), DefenderObs: observation(game, idsgame.DefenderSeat),
	})
	return nil
}

// qstate builds a state that looks as recorded and numbers it.
func (v *verifier) qstate(line *QState) error {
	game, _, err := v.build(line.Env, nil)
	if err != nil {
		return err
	}
	spec := game.Spec()
	if len(spec.Seats[idsgame.AttackerSeat].Encodings) <= idsgame.FullEncoding {
		return fmt.Errorf("%s has no full-state encoding", line.Env)
	}
	nodes := game.Rules().Net.Nodes
	width := len(line.DefenderObs) / nodes // T and one column more, in both observations
	if len(line.DefenderObs) != spec.Seats[idsgame.DefenderSeat].Obs.Len() || len(line.AttackerObs) != len(line.DefenderObs) {
		return errors.New("an observation has a wrong length")
	}
	var values Values
	for u := range nodes {
		attack, defence := line.AttackerObs[u*width:(u+1)*width], line.DefenderObs[u*width:(u+1)*width]
		values.Attack = append(values.Attack, attack[:width-1]...)
		values.Defence = append(values.Defence, defence[:width-1]...)
		values.Detection = append(values.Detection, defence[width-1])
		if attack[width-1] == 1 {
			values.AttackerNode = u
		}
	}
	if err := load(game, &values); err != nil {
		return err
	}
	v.compare(line, QState{
		Type: line.Type, Env: line.Env,
		AttackerObs: observation(game, idsgame.AttackerSeat), DefenderObs: observation(game, idsgame.DefenderSeat),
		FullIndex: game.State(idsgame.AttackerSeat, idsgame.FullEncoding),
		NodeIndex: game.State(idsgame.AttackerSeat, idsgame.NodeEncoding),
	})
	return nil
}

// compare notes every field in which the recorded line (a pointer to a struct) and ours (the struct) differ.
func (v *verifier) compare(recorded, ours any) {
	v.compareFields("", reflect.ValueOf(recorded).Elem(), reflect.ValueOf(ours))
}

func (v *verifier) compareFields(prefix string, want, got reflect.Value) {
	for i := range want.NumField() {
		field := want.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		w, g := want.Field(i), got.Field(i)
		switch {
		case field.Anonymous:
			v.compareFields(prefix, w, g)
		case w.Kind() == reflect.Struct:
			v.compareFields(prefix+name+".", w, g)
		case !same(w, g):
			v.differ(prefix+name, show(w), show(g))
		}
	}
}

// same is equality bit for bit, in which an absent list differs from an empty one.
func same(x, y reflect.Value) bool {
	switch x.Kind() {
	case reflect.Float64:
		return math.Float64bits(x.Float()) == math.Float64bits(y.Float())
	case reflect.Pointer:
		if x.IsNil() || y.IsNil() {
			return x.IsNil() == y.IsNil()
		}
		return same(x.Elem(), y.Elem())
	case reflect.Slice, reflect.Array:
		if x.Kind() == reflect.Slice && x.IsNil() != y.IsNil() || x.Len() != y.Len() {
			return false
		}
		for i := range x.Len() {
			if !same(x.Index(i), y.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		return reflect.DeepEqual(x.Interface(), y.Interface())
	default:
		return x.Equal(y)
	}
}

func show(x reflect.Value) string {
	if x.Kind() == reflect.Slice && x.IsNil() {
		return "absent"
	}
	text, err := json.Marshal(x.Interface())
	if err != nil {
		return fmt.Sprint(x)
	}
	return string(text)
}

// log is the recorded draws as the source of an initial state. At the first draw that does not fit it keeps the error
// and answers whatever is allowed.
type log struct {
	draws []Draw
	next  int
	err   error
}

// draw takes the next draw, which must be of the kind and the parameters asked for, into result.
func (l *log) draw(asked Draw, result any) bool {
	if l.err != nil {
		return false
	}
	if l.next == len(l.draws) {
		l.err = fmt.Errorf("draw %d (%s) is not in the log", l.next, asked.Kind)
		return false
	}
	d := l.draws[l.next]
	recorded := d
	recorded.Result = nil
	if !reflect.DeepEqual(recorded, asked) {
		l.err = fmt.Errorf("draw %d is %+v, not %+v", l.next, asked, recorded)
		return false
	}
	if string(d.Result) == "null" || json.Unmarshal(d.Result, result) != nil {
		l.err = fmt.Errorf("draw %d: result %s", l.next, d.Result)
		return false
	}
	l.next++
	return true
}

// close says what was wrong with the log, "" if nothing was.
func (l *log) close() string {
	switch left := len(l.draws) - l.next; {
	case l.err != nil:
		return l.err.Error()
	case left > 0:
		return fmt.Sprintf("%d draws are left over", left)
	default:
		return ""
	}
}

func (l *log) list(kind string, dst []int, n int) {
	clear(dst)
	var result []int
	if !l.draw(Draw{Kind: kind, N: n, K: len(dst)}, &result) {
		return
	}
	bad := len(result) != len(dst)
	for i, x := range result {
		bad = bad || x < 0 || x >= n || kind == "distinct" && slices.Contains(result[:i], x)
	}
	if bad {
		l.err = fmt.Errorf("draw %d: result %v", l.next-1, result)
		return
	}
	copy(dst, result)
}

func (l *log) Distinct(dst []int, n int) { l.list("distinct", dst, n) }

func (l *log) Repeat(dst []int, n int) { l.list("repeat", dst, n) }

func (l *log) Int(low, high int) int {
	result := low
	if l.draw(Draw{Kind: "int", Low: low, High: high}, &result) && (result < low || result > high) {
		l.err = fmt.Errorf("draw %d: result %d", l.next-1, result)
		return low
	}
	return result
}

func (l *log) Uniform() float64 {
	result := 0.0
	if l.draw(Draw{Kind: "uniform"}, &result) && !(0 <= result && result < 1) {
		l.err = fmt.Errorf("draw %d: result %v", l.next-1, result)
		return 0
	}
	return result
}
