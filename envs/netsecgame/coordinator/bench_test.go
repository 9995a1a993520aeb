package coordinator_test

import (
	"testing"

	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
	"idsrl/envs/netsecgame/recording/recordingtest"
)

// plays are messages of an attacker in two_networks_small that act on all that it comes to know.
var plays = []string{
	`{"action_type": "ActionType.ScanNetwork", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_network": {"ip": "192.168.1.0", "mask": 24}}}`,
	`{"action_type": "ActionType.FindServices", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_host": {"ip": "192.168.1.3"}}}`,
	`{"action_type": "ActionType.ExploitService", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_host": {"ip": "192.168.1.3"}, "target_service": {"name": "postgresql", "type": "passive", "version": "14.3.0", "is_local": false}}}`,
	`{"action_type": "ActionType.FindData", "parameters": {"source_host": {"ip": "192.168.1.3"}, "target_host": {"ip": "192.168.1.3"}}}`,
	`{"action_type": "ActionType.ExfiltrateData", "parameters": {"source_host": {"ip": "192.168.1.3"}, "target_host": {"ip": "213.47.23.195"}, "data": {"owner": "User1", "id": "DatabaseData", "size": 0, "type": "", "content": ""}}}`,
	`{"action_type": "ActionType.FindServices", "parameters": {"source_host": {"ip": "192.168.1.3"}, "target_host": {"ip": "192.168.1.4"}}}`,
	`{"action_type": "ActionType.FindData", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_host": {"ip": "192.168.2.2"}}}`,
	`{"action_type": "ActionType.BlockIP", "parameters": {"source_host": {"ip": "192.168.2.2"}, "target_host": {"ip": "192.168.1.3"}, "blocked_host": {"ip": "9.9.9.9"}}}`,
}

const (
	joining   = `{"action_type": "ActionType.JoinGame", "parameters": {"agent_info": {"name": "A", "role": "Attacker"}}}`
	resetting = `{"action_type": "ActionType.ResetGame", "parameters": {"request_trajectory": false}}`
)

// BenchmarkActions is a message read, played and answered, with a reset every 200.
func BenchmarkActions(b *testing.B) {
	task, options := recordingtest.Game(b, "views_no_limit", netsecgame.Compat{})
	c := coordinator.New(task, options)
	client := c.Connect("127.0.0.1", 1)
	c.Handle(client, coordinator.Parse([]byte(joining)))
	messages := make([][]byte, len(plays))
	for i, text := range plays {
		messages[i] = []byte(text)
	}
	b.ReportAllocs()
	bytes, n := 0, 0
	for b.Loop() {
		message := messages[n%len(messages)]
		if n++; n%200 == 0 {
			message = []byte(resetting)
		}
		replies := c.Handle(client, coordinator.Parse(message))
		bytes += len(replies[0].Text)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "actions/s")
	b.ReportMetric(float64(bytes)/float64(n), "B/reply")
}
