package server

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"

	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
)

// A game goes on as if nothing were, while others in its room and in the next one stall, flood, vanish, send garbage and
// disagree.
func TestHostile(t *testing.T) {
	messages := 100_000
	if testing.Short() {
		messages = 10_000
	}
	const stalled, senders = 200, 10
	quiet, wild := game(t, "views_no_limit", netsecgame.Compat{}), game(t, "reset_seed_conflict", netsecgame.Compat{})
	wild.Task.RequiredPlayers = 1 // whoever joins is answered
	alone := coordinator.New(quiet.Task, game(t, "views_no_limit", netsecgame.Compat{}).Options)
	s, stop := start(t, Config{Rooms: []Room{quiet, wild}})

	hostile := make(chan struct{}) // closed when all is sent
	var senderGroup, playerGroup sync.WaitGroup
	for i := range stalled {
		c := dial(t, s, i%2)
		c.send([]string{"", "{", joining[:50], " ", `{"action_type": "Join`}[i%5])
	}
	for i := range senders {
		senderGroup.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			var c *client
			room := i % 2
			for range messages / senders {
				if c == nil {
					room = 1 - room
					c = dial(t, s, room)
				}
				if !assault(rng, c, room == 1) {
					c.Close()
					c = nil
				}
			}
		})
	}
	playerGroup.Go(func() {
		c := dial(t, s, 0)
		us := c.LocalAddr().(*net.TCPAddr)
		twin := alone.Connect("127.0.0.1", us.Port)
		play := func(text string) {
			want := alone.Handle(twin, coordinator.Parse([]byte(text)))[0].Text
			if got := c.ask(text); !bytes.Equal(got, bytes.TrimSuffix(want, []byte("EOF"))) {
				t.Errorf("%s\n got %.2000s\nwant %.2000s", text, got, want)
			}
		}
		play(joining)
		for n := 0; ; n++ {
			select {
			case <-hostile:
				if n < 100 {
					break
				}
				t.Logf("%d actions of the game, %d hostile messages", n, messages)
				return
			default:
			}
			if n%50 == 49 {
				play(strings.Replace(resetting, "{}", `{"request_trajectory": true, "seed": 1}`, 1))
			} else {
				play(plays[n%len(plays)])
			}
		}
	})
	senderGroup.Wait()
	close(hostile)
	playerGroup.Wait()
	stop()
}

// assault sends something bad and reports whether the connection is still of use. It joins the game only if it may.
func assault(rng *rand.Rand, c *client, mayJoin bool) bool {
	text := plays[rng.IntN(len(plays))]
	switch rng.IntN(500) {
	case 0: // stops in the middle of a message
		c.send(text[:rng.IntN(len(text))])
		return false
	case 1: // more than anybody reads
		io.WriteString(c, strings.Repeat(text, 1000)) //nolint:errcheck // the server may have had enough
		return false
	case 2:
		c.send(`{"x": "` + strings.Repeat("y", 1<<20) + `"}`)
	case 3: // a connection reset
		c.Conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // of a TCP connection
		c.send(text)
		return false
	case 4: // sends ahead
		for range 3 {
			c.send(text)
		}
		return false
	case 5:
		c.send(quitting)
		return false
	case 6:
		c.send(strings.Repeat(`{"x":[`, 5000) + strings.Repeat("]}", 5000))
	case 7, 8, 9: // disagrees about a reset, or leaves while others wait for it
		if mayJoin {
			c.ask(joining)
			c.send(fmt.Sprintf(`{"action_type": "ResetGame", "parameters": {"seed": %d}}`, rng.IntN(3)))
		}
		return false
	default:
		c.send(garbage(rng, text))
	}
	return c.read() != nil
}

// garbage is text with some bytes that are others: an object of wrong content, or nothing that can be read.
func garbage(rng *rand.Rand, text string) string {
	bad := []byte(text)
	for range 1 + rng.IntN(5) {
		i := rng.IntN(len(bad))
		switch {
		case strings.IndexByte(`{}[]"`, bad[i]) >= 0: // it would be the beginning of a message
		case rng.IntN(2) == 0:
			bad[i] = "x0._- \xff\x01"[rng.IntN(8)]
		default:
			bad[i] = text[rng.IntN(len("action"))+2]
		}
	}
	if rng.IntN(4) == 0 {
		return "?" + string(bad)
	}
	return string(bad)
}
