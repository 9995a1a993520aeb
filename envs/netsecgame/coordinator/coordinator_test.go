package coordinator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
	"idsrl/envs/netsecgame/recording/recordingtest"
)

// A table is a game whose clients have names.
type table struct {
	t       testing.TB
	game    *coordinator.Coordinator
	clients map[string]*coordinator.Client
}

// small is a game of attackers with two steps, defenders and benign agents. Nobody reaches a goal, but defenders if
// theirs is empty.
func small(t testing.TB, players int, options coordinator.Options) *table {
	t.Helper()
	task, fixed := recordingtest.Game(t, "roles_mixed_result", options.Compat)
	task.RequiredPlayers = players
	task.Roles[envs.Attacker].MaxSteps, task.Roles[envs.Defender].MaxSteps = 2, 0
	task.Roles[envs.Defender].Start.Controlled = netsecgame.HostView{IPs: []netsecgame.IP{"192.168.2.2"}}
	task.Roles[envs.Defender].Goal = netsecgame.View{}
	options.Randomness = netsecgame.NewGenerator()
	options.MaxConnections = fixed.MaxConnections
	return &table{t, coordinator.New(task, options), map[string]*coordinator.Client{}}
}

// play has a client do something: "A +" connects A and "A -" disconnects it; "A Attacker" joins; "A act" plays an action
// with little effect; "A reset", "A reset 7" and "A reset 7 true" reset, with a seed, with new addresses, and
// "A recall" with the trajectory; "A quit" and "A bad" are what they say. It returns what the clients are told.
func (tb *table) play(what string) string {
	words := strings.Fields(what)
	name := words[0]
	cl := tb.clients[name]
	var message string
	switch words[1] {
	case "+":
		if tb.clients[name] = tb.game.Connect("127.0.0.1", len(tb.clients)); tb.clients[name] == nil {
			return name + " is refused"
		}
		return ""
	case "-":
		return tb.told(tb.game.Leave(cl))
	case "act":
		message = `{"action_type": "FindServices", "parameters": {"source_host": {"ip": "9.9.9.9"}, "target_host": {"ip": "9.9.9.9"}}}`
	case "recall":
		message = `{"action_type": "ResetGame", "parameters": {"request_trajectory": "True"}}`
	case "reset":
		values := []string{"null", "false"}
		copy(values, words[2:])
		message = fmt.Sprintf(`{"action_type": "ResetGame", "parameters": {"seed": %s, "randomize_topology": %s}}`, values[0], values[1])
	case "quit":
		message = `{"action_type": "QuitGame", "parameters": {}}`
	case "bad":
		message = `{}`
	default:
		message = fmt.Sprintf(`{"action_type": "JoinGame", "parameters": {"agent_info": {"name": %q, "role": %q}}}`, name, words[1])
	}
	return tb.told(tb.game.Handle(cl, coordinator.Parse([]byte(message))))
}

// reply is what tests look at.
type reply struct {
	Status      string
	Observation *struct {
		Reward float64
		End    bool
		Info   map[string]string
	}
	Message any
}

// told sums up replies, in the order of names.
func (tb *table) told(replies []coordinator.Reply) string {
	tb.t.Helper()
	var lines []string
	for _, r := range replies {
		line := ""
		for name, cl := range tb.clients {
			if cl == r.To {
				line = name
			}
		}
		if r.Close {
			lines = append(lines, line+" is closed")
			continue
		}
		text, ok := bytes.CutSuffix(r.Text, []byte("EOF"))
		var x reply
		if err := json.Unmarshal(text, &x); err != nil || !ok || bytes.Contains(text, []byte("EOF")) {
			tb.t.Fatalf("%s: %v", r.Text, err)
		}
		line += " " + strings.TrimPrefix(x.Status, "GameStatus.")
		if o := x.Observation; o != nil && x.Status != "GameStatus.CREATED" && x.Status != "GameStatus.RESET_DONE" {
			line += fmt.Sprintf(" %v", o.Reward)
			if o.End {
				line += strings.TrimRight(" end "+strings.TrimPrefix(o.Info["end_reason"], "AgentStatus."), " ")
			}
		}
		if x.Status == "GameStatus.BAD_REQUEST" {
			if m, ok := x.Message.(map[string]any); ok {
				x.Message = m["message"]
			}
			line += fmt.Sprintf(" %s", x.Message)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

// What the recordings of the original do not show, or what the default mends. Each line is what a client does, and what
// the clients are told.
func TestConversations(t *testing.T) {
	strict := netsecgame.Strict()
	const (
		malformed = "BAD_REQUEST Bad request received: Malformed Action"
		conflict  = "BAD_REQUEST Agents disagree on the seed. Undefined state. Stopping the game"
		topology  = "BAD_REQUEST Agents disagree on the topology change. Undefined state. Stopping the game"
	)
	for _, test := range []struct {
		name    string
		players int
		options coordinator.Options
		lines   [][2]string
	}{
		{"an empty goal of a defender is reached at once", 1, coordinator.Options{Compat: strict}, [][2]string{
			{"A +", ""}, {"D +", ""}, {"A Attacker", "A CREATED"}, {"D Defender", "D CREATED"}, {"D act", ""},
			{"A act", "A OK -1"}, {"A act", "A OK -11 end TimeoutReached; D OK 99 end Success"},
		}},
		{"an empty goal of a defender is to see attackers fail", 1, coordinator.Options{}, [][2]string{
			{"A +", ""}, {"D +", ""}, {"A Attacker", "A CREATED"}, {"D Defender", "D CREATED"}, {"D act", "D OK -1"},
			{"A act", "A OK -1"}, {"D act", "D OK -1"}, {"A act", ""},
			{"D act", "A OK -11 end TimeoutReached; D OK 99 end Success"}, {"D act", "D FORBIDDEN 99 end Success"},
			{"A reset", ""}, {"D reset", "A RESET_DONE; D RESET_DONE"}, {"A act", "A OK -1"},
		}},
		{"a wish to reset keeps others waiting", 1, coordinator.Options{Compat: strict}, [][2]string{
			{"A +", ""}, {"D +", ""}, {"A Attacker", "A CREATED"}, {"D Benign", "D CREATED"}, {"D reset", ""}, {"A act", "A OK -1"},
			{"A act", ""},
		}},
		{"a wish to reset counts as an end", 1, coordinator.Options{}, [][2]string{
			{"A +", ""}, {"D +", ""}, {"A Attacker", "A CREATED"}, {"D Benign", "D CREATED"}, {"D reset", ""}, {"A act", "A OK -1"},
			{"A act", "A OK -11 end TimeoutReached"}, {"A reset", "A RESET_DONE; D RESET_DONE"},
			{"A act", "A OK -1"}, {"A act", ""}, {"D reset", "A OK -11 end TimeoutReached"}, {"A reset", "A RESET_DONE; D RESET_DONE"},
			// An attacker that wishes it does not keep others playing.
			{"A reset", ""}, {"D act", "D OK -1 end"}, {"D act", "D FORBIDDEN -1 end Playing"}, {"D reset", "A RESET_DONE; D RESET_DONE"},
		}},
		{"whoever leaves stops starts", 1, coordinator.Options{Compat: strict}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"A Attacker", "A CREATED"}, {"B Benign", "B CREATED"}, {"B -", ""}, {"A reset", ""},
			{"C +", ""}, {"C Benign", "A RESET_DONE; C CREATED"},
		}},
		{"starts go on with enough attackers", 1, coordinator.Options{}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"C +", ""}, {"A Attacker", "A CREATED"}, {"B Benign", "B CREATED"}, {"B -", ""},
			{"A reset", "A RESET_DONE"}, {"A -", ""}, {"C Benign", ""}, {"A +", ""}, {"A Attacker", "A CREATED; C CREATED"},
		}},
		{"only attackers that play make a start", 2, coordinator.Options{Compat: strict}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"C +", ""}, {"A Attacker", ""}, {"B Attacker", "A CREATED; B CREATED"}, {"A act", "A OK -1"},
			{"A act", ""}, {"B -", "A OK -11 end TimeoutReached"}, {"C Attacker", ""},
		}},
		{"attackers that have ended make a start, too", 2, coordinator.Options{}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"C +", ""}, {"A Attacker", ""}, {"B Attacker", "A CREATED; B CREATED"}, {"A act", "A OK -1"},
			{"A act", ""}, {"B -", "A OK -11 end TimeoutReached"}, {"C Attacker", "C CREATED"},
		}},
		{"a conflict stops the game", 1, coordinator.Options{Compat: strict}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"A Attacker", "A CREATED"}, {"B Benign", "B CREATED"}, {"A reset 1", ""},
			{"B reset 2", "A " + conflict + "; B " + conflict}, {"C +", "C is refused"},
			{"A act", "A BAD_REQUEST The game has stopped."}, {"A bad", "A " + malformed}, {"B quit", "B is closed"}, {"A -", ""},
		}},
		{"a conflict is told", 1, coordinator.Options{}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"A Attacker", "A CREATED"}, {"B Benign", "B CREATED"}, {"A reset 1 true", ""},
			{"B reset 1 false", "A " + topology + "; B " + topology}, {"A act", "A OK -1"}, {"A reset 1", ""}, {"B reset", "A RESET_DONE; B RESET_DONE"},
		}},
		{"a seed conflict comes before one of topology", 1, coordinator.Options{}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"C +", ""}, {"A Attacker", "A CREATED"}, {"B Benign", "B CREATED"}, {"C Benign", "C CREATED"},
			{"A reset 1 true", ""}, {"B reset 1 false", ""}, {"C reset 2 true", "A " + conflict + "; B " + conflict + "; C " + conflict},
			{"A reset 1 true", ""}, {"B reset 2 true", ""}, {"C reset 1 false", "A " + conflict + "; B " + conflict + "; C " + conflict},
		}},
		{"places", 1, coordinator.Options{Compat: strict}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"C +", ""}, {"D +", ""}, {"E +", "E is refused"}, {"B quit", "B is closed"}, {"E +", ""},
			{"B +", "B is refused"}, {"C -", ""}, {"B +", ""},
		}},
		{"nothing before joining", 1, coordinator.Options{}, [][2]string{
			{"A +", ""}, {"A act", "A BAD_REQUEST Bad request received: JoinGame must come first"},
			{"A reset", "A BAD_REQUEST Bad request received: JoinGame must come first"}, {"A bad", "A " + malformed},
			{"A Spy", "A " + malformed}, {"A Attacker", "A CREATED"}, {"A Defender", "A BAD_REQUEST Agent already exists."},
			{"A reset -1", "A BAD_REQUEST Bad request received: seed must be in [0, 4294967295]"},
			{"A reset 4294967296", "A BAD_REQUEST Bad request received: seed must be in [0, 4294967295]"}, {"A reset 4294967295", "A RESET_DONE"},
		}},
		{"the mark in a name", 1, coordinator.Options{}, [][2]string{
			{"aEOFEOFb +", ""}, {"aEOFEOFb Attacker", "aEOFEOFb CREATED"},
		}},
		{"a wish leaves with its agent", 1, coordinator.Options{}, [][2]string{
			{"A +", ""}, {"B +", ""}, {"C +", ""}, {"A Attacker", "A CREATED"}, {"B Benign", "B CREATED"}, {"C Benign", "C CREATED"},
			{"A reset", ""}, {"B reset", ""}, {"C -", "A RESET_DONE; B RESET_DONE"},
		}},
		{"a limit of the trajectory", 1, coordinator.Options{MaxTrajectory: 1}, [][2]string{
			{"A +", ""}, {"A Attacker", "A CREATED"}, {"A act", "A OK -1"},
			{"A act", "A BAD_REQUEST Bad request received: this episode takes 550 bytes, which is the limit; reset the game"},
			{"A recall", "A BAD_REQUEST Bad request received: the trajectory is too long; reset without request_trajectory"},
			{"A reset", "A RESET_DONE"}, {"A recall", "A RESET_DONE"}, {"A act", "A OK -1"},
		}},
	} {
		tb := small(t, test.players, test.options)
		for i, line := range test.lines {
			if told := tb.play(line[0]); told != line[1] {
				t.Errorf("%s: line %d: %s: %q, want %q", test.name, i, line[0], told, line[1])
				break
			}
		}
	}
}

// An action late in an episode costs what an early one does, though all logs have grown.
func TestLongEpisode(t *testing.T) {
	task, options := recordingtest.Game(t, "views_no_limit", netsecgame.Compat{})
	c := coordinator.New(task, options)
	client := c.Connect("127.0.0.1", 1)
	c.Handle(client, coordinator.Parse([]byte(joining)))
	cost := func(actions int) (bytes uint64, reply int) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for n := range actions {
			replies := c.Handle(client, coordinator.Parse([]byte(plays[n%len(plays)])))
			reply = len(replies[0].Text)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, reply
	}
	cost(1000)
	early, short := cost(1000)
	cost(30_000)
	late, long := cost(1000)
	if late > 3*early || long != short {
		t.Errorf("%d and %d bytes for 1000 actions, replies of %d and %d bytes", early, late, short, long)
	}
}

// A role with a token is closed to those who do not know it.
func TestTokens(t *testing.T) {
	options := coordinator.Options{}
	options.Tokens[envs.Attacker] = "secret"
	tb := small(t, 1, options)
	for _, test := range []struct{ role, token, told string }{
		{"Attacker", `"secre"`, "A BAD_REQUEST Bad request received: this is not the token of role Attacker"},
		{"Attacker", `null`, "A BAD_REQUEST Bad request received: this is not the token of role Attacker"},
		{"Attacker", `"secret"`, "A CREATED"},
		{"Benign", `"any"`, "A CREATED"},
	} {
		tb.play("A +")
		text := fmt.Sprintf(
			`{"token": %s, "action_type": "JoinGame", "parameters": {"agent_info": {"name": "A", "role": %q}}}`, test.token, test.role)
		if told := tb.told(tb.game.Handle(tb.clients["A"], coordinator.Parse([]byte(text)))); told != test.told {
			t.Errorf("%s with %s: %s", test.role, test.token, told)
		}
	}
}

// Stop tells those who wait, and saves what has been played.
func TestStop(t *testing.T) {
	var saved []string
	tb := small(t, 2, coordinator.Options{Save: func(e *coordinator.Episode) {
		var text struct {
			Trajectory struct{ Rewards []float64 }
			Reason     *string `json:"end_reason"`
		}
		if err := json.Unmarshal(e.Text, &text); err != nil {
			t.Error(err)
		}
		saved = append(saved, fmt.Sprintf("%s %s %v %t", e.Name, e.Role, text.Trajectory.Rewards, text.Reason == nil))
	}})
	for _, what := range []string{"A +", "B +", "A Attacker", "B Attacker", "A act", "A act", "B act", "B act", "A reset", "B reset", "B act"} {
		tb.play(what)
	}
	tb.play("A reset")
	if told := tb.told(tb.game.Stop()); told != "A BAD_REQUEST The game has stopped." || !tb.game.Stopped() {
		t.Error(told)
	}
	want := []string{"A Attacker [-1 -11] false", "B Attacker [-1 -11] false", "A Attacker [] true", "B Attacker [-1] true"}
	if !slices.Equal(saved, want) {
		t.Errorf("%q", saved)
	}
}

// Whatever clients do: at each event, each client is told at most one thing, and only if it is due.
func FuzzConversation(f *testing.F) {
	f.Add(true, "\x00\x10\x20\x01\x11\x21\x04\x14\x04\x14\x25\x05\x15")
	f.Add(false, "\x00\x10\x01\x12\x05\x14\x07\x10\x12")
	whats := []string{"+", "Attacker", "Defender", "Benign", "act", "reset", "reset 1 true", "-", "quit", "bad", "reset 2", "act", "act"}
	f.Fuzz(func(t *testing.T, strict bool, events string) {
		options := coordinator.Options{}
		if strict {
			options.Compat = netsecgame.Strict()
		}
		tb := small(t, 2, options)
		for _, b := range []byte(events[:min(len(events), 300)]) {
			name, what := string(rune('A'+b>>4)), whats[int(b&15)%len(whats)]
			cl := tb.clients[name]
			if (cl == nil) != (what == "+") || cl != nil && cl.Waiting() && what != "-" {
				continue
			}
			var due []string
			for other, cl := range tb.clients {
				if other == name && what != "-" || cl.Waiting() && !(other == name && what == "-") {
					due = append(due, other)
				}
			}
			told := tb.play(name + " " + what)
			if what == "-" || what == "quit" || tb.clients[name] == nil {
				delete(tb.clients, name)
			}
			lines := strings.Split(told, "; ")
			for i, line := range lines {
				to, _, _ := strings.Cut(line, " ")
				if told != "" && (!slices.Contains(due, to) && what != "+" || i > 0 && strings.HasPrefix(lines[i-1], to+" ")) {
					t.Fatalf("%s %s: %s, due to %q", name, what, told, due)
				}
				if cl := tb.clients[to]; cl != nil && cl.Waiting() {
					t.Fatalf("%s %s: %s, and %s waits", name, what, told, to)
				}
			}
			if cl := tb.clients[name]; cl != nil && what != "+" && !cl.Waiting() && !slices.ContainsFunc(lines, func(line string) bool {
				return strings.HasPrefix(line, name+" ")
			}) {
				t.Fatalf("%s %s has no reply and does not wait", name, what)
			}
		}
	})
}
