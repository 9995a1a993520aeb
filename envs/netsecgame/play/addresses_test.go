package play_test

import (
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame/play"
)

// Each episode has the addresses of one of the variants, whatever came before, and each variant has its own.
func TestAddressVariants(t *testing.T) {
	const episodes = 40
	keys := func(variants ...int) map[string]bool {
		cfg := tiny()
		cfg.Key, cfg.Addresses, cfg.Start = "python", variants, []string{"213.47.23.195"}
		env, again := newGame(t, cfg), newGame(t, cfg)
		seen := map[string]bool{}
		for seed := range uint64(episodes) {
			key := keyAfterReset(t, env, seed)
			seen[key] = true
			if seed%7 == 0 && keyAfterReset(t, again, seed) != key {
				t.Errorf("%v, seed %d: not the addresses that another game has", variants, seed)
			}
		}
		return seen
	}
	train, own := keys(1, 2, 3, 4, 5), keys(0)
	if len(train) != 5 || len(own) != 1 { // all of five are drawn but for 7e-4, and the draws are fixed
		t.Errorf("%d and %d variants, want 5 and 1", len(train), len(own))
	}
	for key := range keys(6, 0) {
		if train[key] {
			t.Errorf("an unseen variant is among the seen ones: %s", key)
		}
		delete(own, key)
	}
	if len(own) != 0 {
		t.Error("variant 0 is not the scenario's own")
	}
}

func keyAfterReset(t *testing.T, env envs.Env, seed uint64) string {
	t.Helper()
	if err := env.Reset(seed); err != nil {
		t.Fatal(err)
	}
	g, _ := envs.As[*play.Game](env)
	return string(g.AppendKey(nil, 0))
}
