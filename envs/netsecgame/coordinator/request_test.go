package coordinator

import (
	"encoding/json"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// Messages with parameters of a game action, and what comes of them. Recordings show many more.
func TestParseAction(t *testing.T) {
	service := netsecgame.Service{Name: "ssh", Type: "unknown", Version: "unknown", Local: true}
	for _, test := range []struct {
		parameters string
		want       Played
	}{
		{``, Played{}},
		{
			`"source_host": {"ip": "::1"}, "target_host": {"ip": "0.0.0.0"}`,
			Played{Action: netsecgame.Action{Has: netsecgame.SourceHost | netsecgame.TargetHost, SourceHost: "::1", TargetHost: "0.0.0.0"}},
		},
		{
			`"blocked_host": {"ip": "1.2.3.4"}, "blocked_ip": {"ip": "1.2.3.5"}`,
			Played{Action: netsecgame.Action{
				Has: netsecgame.BlockedHost | netsecgame.BlockedIP, BlockedHost: "1.2.3.4", BlockedIP: "1.2.3.5",
			}},
		},
		{
			`"target_network": {"mask": "24", "ip": "10.0.0.0"}`,
			Played{
				Action: netsecgame.Action{Has: netsecgame.TargetNetwork, TargetNetwork: netsecgame.Network{IP: "10.0.0.0", Mask: 24}},
				mask:   true,
			},
		},
		{
			`"target_network": {"mask": null, "ip": 7}`, // who scans it will know
			Played{Action: netsecgame.Action{Has: netsecgame.TargetNetwork, TargetNetwork: netsecgame.Network{IP: "7", Mask: -1}}},
		},
		{
			`"target_service": {"name": "ssh"}`,
			Played{Action: netsecgame.Action{Has: netsecgame.TargetService, TargetService: service}},
		},
		{
			`"data": {"owner": "\u0055s\u00e9r", "id": "\ud83d\ude00", "size": -3, "content": "a\tb"}`,
			Played{Action: netsecgame.Action{
				Has: netsecgame.TargetData, Data: netsecgame.Data{Owner: "Usér", ID: "😀", Size: -3, Content: "a\tb"},
			}},
		},
		{
			`"seed": true, "request_trajectory": "[1]", "randomize_topology": "0", "agent_info": "{'name': 'a b', 'role': 'x.BENIGN'}"`,
			Played{Rest: `,"seed":1,"request_trajectory":true,"randomize_topology":false,"agent_info":{"name":"a b","role":"Benign"}`},
		},
	} {
		test.want.Type = netsecgame.BlockIP
		text := `{"parameters": {` + test.parameters + `}, "x": [NaN, -Infinity, {"y": null}], "action_type": "BlockIP"}`
		r := Parse([]byte(text))
		if r.Kind != Act || r.Played != test.want {
			t.Errorf("%s: %d, %+v", text, r.Kind, r.Played)
		}
		// An action reads as it is written, but for what goes as another value.
		again := Parse(appendAction(nil, &r.Played))
		if r.Played.TargetNetwork.IP != "7" && (again.Kind != Act || again.Played != test.want) {
			t.Errorf("%s: written %s", text, appendAction(nil, &r.Played))
		}
	}
}

// Every parameter has values that spoil a message, whatever the action.
func TestParseMalformed(t *testing.T) {
	bad := []string{
		`{"action_type": "BlockIP"}`, `{"parameters": {}}`, `{"action_type": "BlockIP", "parameters": null}`,
		`{"action_type": "x.BlockIP", "parameters": {}}`, `{"action_type": "BlockIP", "parameters": {}} x`,
		`{"action_type": "BlockIP", "parameters": {},}`, `{"action_type": "BlockIP", "parameters": {}, "x": [1,]}`,
		`{"action_type": "BlockIP", "parameters": {}, "x": 01}`, `{"action_type": "BlockIP", "parameters": {}, "x": 1.}`,
		`{"action_type": "BlockIP", "parameters": {}, "x": "` + "\x01" + `"}`, `{"action_type": "BlockIP", "parameters": {}, "x": "\x"}`,
		`{"action_type": "BlockIP", "parameters": {}, "x": "` + "\xff" + `"}`,
		`{"action_type": "BlockIP", "parameters": {}, "x": ` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	}
	for parameter, values := range map[string][]string{
		"source_host":        {`"1.1.1.1"`, `{}`, `{"ip": 1}`, `{"ip": "1.1.1"}`, `{"ip": "1.1.1.1/8"}`, `{"IP": "1.1.1.1"}`, `null`},
		"target_network":     {`{"ip": "1.1.1.1"}`, `{"mask": 8}`, `{"ip": "1.1.1.1", "mask": 8, "x": 1}`, `"1.1.1.1/8"`},
		"target_service":     {`{}`, `{"name": 1}`, `{"name": "x", "port": 1}`, `{"name": "x", "is_local": "yes"}`},
		"data":               {`{"owner": "x"}`, `{"id": "x"}`, `{"owner": "x", "id": "y", "size": 1.5}`, `[]`},
		"agent_info":         {`{"name": "x"}`, `{"role": "Attacker"}`, `{"name": "x", "role": "spy"}`, `"{'name': 'x'}"`, `"{"`, `7`},
		"request_trajectory": {`1`, `null`, `"true"`, `"maybe"`, `""`},
		"seed":               {`"5"`, `5.0`, `1e3`, `NaN`, `[1]`, `{}`},
		"verbose":            {`true`},
	} {
		for _, value := range values {
			bad = append(bad, `{"action_type": "BlockIP", "parameters": {"`+parameter+`": `+value+`}}`)
		}
	}
	for _, text := range bad {
		if r := Parse([]byte(text)); r.Kind != Malformed {
			t.Errorf("%s is taken as %+v", text, r)
		}
	}
}

func TestParseReset(t *testing.T) {
	for parameters, want := range map[string]Wish{
		``:                                    {},
		`"seed": null, "seed": 3, "seed": 4`:  {Seeded: true, Seed: 4},
		`"seed": 3, "seed": "None"`:           {Seed: 3},
		`"seed": -7`:                          {Seeded: true, Seed: -7},
		`"seed": 99999999999999999999999`:     {Seeded: true, Seed: -1},
		`"randomize_topology": "True"`:        {Renumber: true},
		`"request_trajectory": "{'a': None}"`: {Trajectory: true},
	} {
		text := `{"action_type": "ActionType.ResetGame", "parameters": {` + parameters + `}}`
		if r := Parse([]byte(text)); r.Kind != Reset || r.Wish != want {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

func TestParseJoin(t *testing.T) {
	for info, want := range map[string]struct {
		name string
		role envs.Role
	}{
		`{"name": "A", "role": "Attacker", "x": 1}`:                       {"A", envs.Attacker},
		`{"name": "  we!rd  n\u00e4me--_x__", "role": "a.b.dEFENDER"}`:    {"we_rd_n_me--_x", envs.Defender},
		`{"name": null, "role": "benign"}`:                                {"None", envs.Benign},
		`{"name": 1.50, "role": "benign"}`:                                {"1_50", envs.Benign},
		`{"name": "!!!", "role": "benign"}`:                               {"", envs.Benign},
		`{"name": "` + strings.Repeat("x", 300) + `", "role": "benign"}`:  {strings.Repeat("x", 200), envs.Benign},
		`"{'name': 'O\\'x', 'role': \"Attacker\"}"`:                       {"O_x", envs.Attacker},
		`" {'x': (1, [], -2.5e3, True), 'name': 7, 'role': 'Attacker',}"`: {"7", envs.Attacker},
	} {
		text := `{"action_type": "JoinGame", "parameters": {"agent_info": ` + info + `}, "token": "t"}`
		if r := Parse([]byte(text)); r.Kind != Join || cleanName(r.Name) != want.name || r.Role != want.role || r.Token != "t" {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

// Strings are written as Python's json.dumps does, and read back the same.
func TestStrings(t *testing.T) {
	for s, want := range map[string]string{
		"":               `""`,
		"a\"b\\c\nd\x00": `"a\"b\\c\nd\u0000"`,
		"é😀\x7f":         `"\u00e9\ud83d\ude00` + "\x7f" + `"`,
	} {
		text := string(appendString(nil, s))
		d := decoder{text: []byte(text)}
		back, ok := d.str()
		if text != want || !ok || back != s {
			t.Errorf("%q is written %s and read %q", s, text, back)
		}
	}
}

// Whatever is taken for a message is an object that package json can read as well, but for the names of numbers.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"action_type": "ActionType.BlockIP", "parameters": {"source_host": {"ip": "1.1.1.1"}, "seed": 7}}`))
	f.Add([]byte(`{"action_type": "JoinGame", "parameters": {"agent_info": "{'name': 'x', 'role': 'Attacker'}"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := Parse(text)
		if r.Kind == Malformed {
			return
		}
		var object map[string]any
		if err := json.Unmarshal(text, &object); err != nil && !strings.ContainsAny(string(text), "NI") {
			t.Fatalf("%q: %v", text, err)
		}
		if r.Kind == Act {
			if again := Parse(appendAction(nil, &r.Played)); again.Kind != Act || again.Played.Has != r.Played.Has {
				t.Fatalf("%q is written %q", text, appendAction(nil, &r.Played))
			}
		}
	})
}
