package idsgame_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/idsgame"
)

var update = flag.Bool("update", false, "rewrite testdata/traces.txt")

const tracesHeader = `An episode of every id, in its instance 1: open seats play legal actions at random. A line is a step: what each side
played and got and, where it changed, the attacker's node. At most 12 steps are shown.
go test ./envs/idsgame -update rewrites this file.
`

// TestTraces replays testdata/traces.txt, which pins down for every id what is drawn for an instance, for an episode
// and by the bots, and what steps do.
func TestTraces(t *testing.T) {
	const path = "testdata/traces.txt"
	var text strings.Builder
	text.WriteString(tracesHeader)
	traces := map[string]string{}
	for i, e := range idsgame.Entries() {
		traces[e.ID] = trace(t, e, uint64(i))
		text.WriteString("\n" + traces[e.ID])
	}
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden := strings.Split(string(data), "\n\n")
	if len(data) > 150_000 {
		t.Errorf("%s has %d bytes, too many to read", path, len(data))
	}
	want := map[string]string{}
	for _, section := range golden[1:] {
		id, _, _ := strings.Cut(section, "\n")
		want[id] = strings.TrimRight(section, "\n")
	}
	if golden[0]+"\n" != tracesHeader || len(want) != len(golden)-1 {
		t.Errorf("%s: another header or a repeated id", path)
	}
	for _, e := range idsgame.Entries() {
		if got := strings.TrimRight(traces[e.ID], "\n"); got != want[e.ID] {
			t.Errorf("got\n%s\nwant\n%s\n(-update accepts what is got)", got, want[e.ID])
		}
		delete(want, e.ID)
	}
	for id := range want {
		t.Errorf("%s is not registered", id)
	}
}

// trace is the episode of that seed as text.
func trace(t *testing.T, e envs.Entry, seed uint64) string {
	t.Helper()
	var b strings.Builder
	env, err := e.New(1)
	if err != nil {
		t.Fatal(err)
	}
	game, _ := envs.As[*idsgame.Game](env)
	if err := env.Reset(seed); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%s\n    Reset(%d), attacker on %d\n", e.ID, seed, game.True().Node)
	rng := newRand(seed)
	players := []envs.Policy{envs.Uniform(), envs.Uniform()}
	open := make([]int, len(env.Spec().Seats))
	out := env.Spec().NewOutcome()
	for step := 1; ; step++ {
		for seat := range open {
			open[seat] = players[seat].Act(env, seat, rng)
		}
		node := game.True().Node
		if err := env.Step(open, out); err != nil {
			t.Fatal(err)
		}
		played, joint := open, out
		if m, ok := envs.As[*envs.Match](env); ok {
			played, joint = m.Actions(), m.Joint()
		}
		if step <= 12 {
			seats := game.Spec().Seats
			fmt.Fprintf(&b, "%3d", step)
			for seat, id := range played {
				fmt.Fprintf(&b, "  %v %s %+.6g", seats[seat].Role, seats[seat].Actions.Name(id), joint.Rewards[seat])
			}
			if game.True().Node != node {
				fmt.Fprintf(&b, "  on %d", game.True().Node)
			}
			b.WriteString("\n")
		}
		if out.Over() {
			s := game.True()
			end := "truncated"
			switch out.Winner {
			case envs.Attacker:
				end = "hacked"
			case envs.Defender:
				end = "detected"
			}
			fmt.Fprintf(&b, "    %s in step %d, returns %+.6g and %+.6g\n", end, step, s.AttackerReturn, s.DefenderReturn)
			return b.String()
		}
	}
}
