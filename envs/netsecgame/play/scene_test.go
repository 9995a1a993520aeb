package play_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame/play"
)

// A seat's scene is a function of what its agent knows: over games of chance, equal knowledge (the key of tabular agents
// of the original is the text of it), equal scene, whatever the others do.
func TestSceneLeaksNothing(t *testing.T) {
	cfg := tiny()
	cfg.Key, cfg.Defenders = "python", 1
	game := newGame(t, cfg).(*play.Game)
	seen, repeats := map[string]string{}, 0
	random := envs.Uniform()
	out := game.Spec().NewOutcome()
	for seed := range uint64(20) {
		if err := game.Reset(seed % 3); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(envs.NewPCG(seed))
		for out.Terminated = false; !out.Over(); {
			actions := make([]int, 2)
			for seat := range actions {
				key := string(game.AppendKey([]byte{byte(seat)}, seat))
				text, err := json.Marshal(game.Scene(seat))
				if err != nil {
					t.Fatal(err)
				}
				if before, ok := seen[key]; !ok {
					seen[key] = string(text)
				} else if repeats++; before != string(text) {
					t.Fatalf("seat %d knows the same, but is shown\n%s\n%s", seat, before, text)
				}
				actions[seat] = random.Act(game, seat, rng)
			}
			if err := game.Step(actions, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	if repeats == 0 {
		t.Error("nothing came twice")
	}
}
