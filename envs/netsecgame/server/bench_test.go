package server

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"idsrl/envs/netsecgame"
)

// BenchmarkLoopback is agents in rooms of their own, each of which waits for its reply. They share the cores with the
// server.
func BenchmarkLoopback(b *testing.B) {
	for _, agents := range []int{1, 10} {
		b.Run(fmt.Sprintf("agents=%d", agents), func(b *testing.B) {
			cfg := Config{Rooms: make([]Room, agents)}
			for i := range cfg.Rooms {
				cfg.Rooms[i] = game(b, "views_no_limit", netsecgame.Compat{})
				cfg.Rooms[i].Name = strconv.Itoa(i)
			}
			s, _ := start(b, cfg)
			clients := make([]*client, agents)
			for i := range clients {
				clients[i] = dial(b, s, i)
				clients[i].ask(joining)
			}
			b.ResetTimer()
			var group sync.WaitGroup
			for i, c := range clients {
				group.Go(func() {
					for n := i; n < b.N; n += agents {
						text := plays[n/agents%len(plays)]
						if n/agents%200 == 199 {
							text = resetting
						}
						c.ask(text)
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "actions/s")
		})
	}
}
