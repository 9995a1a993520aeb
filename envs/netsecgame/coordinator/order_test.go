package coordinator_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
)

// keys lists the members of the object at a path in a JSON text, in order.
func keys(t *testing.T, text, path string) (list []string) {
	t.Helper()
	for key := range strings.FieldsSeq(path) {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			t.Fatal(err)
		}
		text = string(members[key])
	}
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		list = append(list, key.(string))
	}
	return list
}

// The members of replies come in the order in which the original has them (sections 4 and 18 of its description).
func TestOrder(t *testing.T) {
	const (
		act   = `{"action_type": "FindData", "parameters": {"source_host": {"ip": "9.9.9.9"}, "target_host": {"ip": "9.9.9.9"}}}`
		join  = `{"action_type": "JoinGame", "parameters": {"agent_info": {"name": "A", "role": "Attacker"}}}`
		reset = `{"action_type": "ResetGame", "parameters": {"request_trajectory": true}}`
	)
	tb := small(t, 1, coordinator.Options{Compat: netsecgame.Strict(), Whitebox: true})
	cl := tb.game.Connect("127.0.0.1", 1)
	for i, test := range []struct{ message, path, want string }{
		{"{}", "", "to_agent status observation message"},
		{join, "", "to_agent status observation message"},
		{join, "", "to_agent status message"},
		{act, "", "to_agent observation status"},
		{act, "observation", "state reward end info"},
		{act, "observation info", "end_reason info"},
		{act, "", "to_agent observation status"},
		{act, "observation state", "known_networks known_hosts controlled_hosts known_services known_data known_blocks"},
		{reset, "", "to_agent status observation message"},
		{reset, "message", "message max_steps goal_description configuration_hash last_trajectory"},
		{reset, "message last_trajectory", "trajectory end_reason agent_role agent_name"},
		{reset, "message last_trajectory trajectory", "states actions rewards"},
		{`{"action_type": "QuitGame", "parameters": {}}`, "", ""},
		{join, "message", "message max_steps goal_description actions configuration_hash all_actions"},
	} {
		reply := tb.game.Handle(cl, coordinator.Parse([]byte(test.message)))[0]
		if reply.Close {
			cl = tb.game.Connect("127.0.0.1", 1)
			continue
		}
		text := strings.TrimSuffix(string(reply.Text), coordinator.EndMark)
		if got := keys(t, text, test.path); !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("message %d: %q in %.300s", i, got, text)
		}
	}
}

// Agents are told the limit of the task file, whether it means anything or not.
func TestMaxSteps(t *testing.T) {
	for limit, want := range map[string]string{"": "null", "max_steps: null": "null", "max_steps: 0": "0", "max_steps: -3": "-3"} {
		text := "coordinator: {agents: {Benign: {" + limit + "}}}\nenv: {scenario: one_network, required_players: 1}"
		task, _, err := netsecgame.LoadTask("task.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		task.RequiredPlayers = 0 // benign agents start no game
		game := coordinator.New(task, coordinator.Options{Randomness: netsecgame.NewGenerator()})
		join := `{"action_type": "JoinGame", "parameters": {"agent_info": {"name": "B", "role": "Benign"}}}`
		reply := string(game.Handle(game.Connect("127.0.0.1", 1), coordinator.Parse([]byte(join)))[0].Text)
		if !strings.Contains(reply, `"max_steps":`+want+",") {
			t.Errorf("%s: %s", limit, reply)
		}
	}
}
