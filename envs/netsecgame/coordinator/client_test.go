package coordinator

import (
	"reflect"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// A reply with everything in it, as the game's own clients expect it.
const answered = `{"to_agent":["127.0.0.1",1],"status":"GameStatus.OK","observation":{"state":{` +
	`"known_networks":[{"ip":"10.0.0.0","mask":24}],"known_hosts":[{"ip":"10.0.0.1"},{"ip":"8.8.8.8"}],` +
	`"controlled_hosts":[],"known_services":{"10.0.0.1":[{"name":"s","type":"t","version":"v","is_local":false}]},` +
	`"known_data":{"8.8.8.8":[{"owner":"o","id":"i","size":3,"type":"","content":"E\u004fF"}]},` +
	`"known_blocks":{"8.8.8.8":[{"ip":"10.0.0.1"}]}},"reward":-1.5,"end":true,` +
	`"info":{"end_reason":"AgentStatus.Success","info":"x"}},"message":{"message":"m","max_steps":null}}`

// A client reads what a reply says, and refuses what is none.
func TestParseAnswer(t *testing.T) {
	got, err := ParseAnswer([]byte(answered))
	want := &Answer{
		Status: "OK", Message: "m", Observed: true, Reward: -1.5, End: true, EndReason: "AgentStatus.Success",
		State: netsecgame.GameState{
			KnownNetworks: []netsecgame.Network{{IP: "10.0.0.0", Mask: 24}},
			KnownHosts:    []netsecgame.IP{"10.0.0.1", "8.8.8.8"},
			KnownServices: map[netsecgame.IP][]netsecgame.Service{"10.0.0.1": {{Name: "s", Type: "t", Version: "v"}}},
			KnownData:     map[netsecgame.IP][]netsecgame.Data{"8.8.8.8": {{Owner: "o", ID: "i", Size: 3, Content: "EOF"}}},
			KnownBlocks:   map[netsecgame.IP][]netsecgame.IP{"8.8.8.8": {"10.0.0.1"}},
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) || !got.Succeeded() {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for old, wrong := range map[string]string{
		`"status"`: `"state"`, "GameStatus.": "", `"end":true,`: "", `"reward":-1.5,`: "", `"controlled_hosts":[],`: "",
		`{"ip":"8.8.8.8"`: `{"ip":"8.8.8"`, `"mask":24`: `"prefix":24`, "null}}": "null}", `"info":{`: `"more":1,"info":{`,
	} {
		text := strings.Replace(answered, old, wrong, 1)
		if a, err := ParseAnswer([]byte(text)); text == answered || err == nil {
			t.Errorf("%s for %s: %+v", wrong, old, a)
		}
	}
}

// The server reads from a client's messages what the client means.
func TestMessages(t *testing.T) {
	action := netsecgame.Action{
		Type: netsecgame.ExfiltrateData, Has: netsecgame.SourceHost | netsecgame.TargetHost | netsecgame.TargetData,
		SourceHost: "10.0.0.1", TargetHost: "8.8.8.8", Data: netsecgame.Data{Owner: "ü\"", ID: "EOF", Size: 1, Content: "\n"},
	}
	for _, test := range []struct {
		message string
		want    Request
	}{
		{string(AppendMessage(nil, action)), Request{Kind: Act, Played: Played{Action: action}}},
		{string(AppendReset(nil, Wish{})), Request{Kind: Reset}},
		{string(AppendReset(nil, Wish{Trajectory: true, Seeded: true, Seed: maxSeed, Renumber: true})), Request{
			Kind: Reset, Wish: Wish{Trajectory: true, Seeded: true, Seed: maxSeed, Renumber: true},
		}},
		{QuitMessage, Request{Kind: Quit}},
		{string(AppendJoin(nil, "me", envs.Benign, `"s"`)), Request{Kind: Join, Name: "me", Role: envs.Benign, Token: `"s"`}},
	} {
		if got := Parse([]byte(test.message)); !reflect.DeepEqual(*got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.message, *got, test.want)
		}
	}
}

// Whatever a server sends, a client survives it.
func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(answered))
	f.Fuzz(func(t *testing.T, reply []byte) {
		if a, err := ParseAnswer(reply); err == nil && a.Status == "" {
			t.Errorf("%q has no status", reply)
		}
	})
}
