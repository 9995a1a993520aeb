package idsgame_test

import (
	"errors"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
)

// TestValidate: each rule, by what a user would write and read.
func TestValidate(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"defaults", "", ""},
		{"defence above the maximum", "max_value: 3\ndefense_val: 4", "g.yaml:2: defense_val = 4: must be at most max_value = 3"},
		{"attack above the maximum", "attack_val: 10", "g.yaml:1: attack_val = 10: must be at most max_value = 9"},
		{"weak spot above the maximum", "vulnerability_val: 10", "g.yaml:1: vulnerability_val = 10: must be at most max_value = 9"},
		{"detection above the maximum", "det_val: 10", ""}, // v13 has it
		{"too many weak servers", "num_servers_per_layer: 3\nnum_vulnerabilities_per_layer: 4",
			"g.yaml:2: num_vulnerabilities_per_layer = 4: must be at most num_servers_per_layer = 3"},
		{"all servers weak", "num_servers_per_layer: 3\nnum_vulnerabilities_per_layer: 3", ""},
		{"too few servers for the default", "num_servers_per_layer: 1",
			"num_vulnerabilities_per_layer = 2: must be at most num_servers_per_layer = 1"},
		{"random defence", "randomize_env: true\nmin_random_d_val: 3", "g.yaml:2: min_random_d_val = 3: must be at most defense_val = 2"},
		{"random attack", "randomize_env: true\nmin_random_a_val: 1", "g.yaml:2: min_random_a_val = 1: must be at most attack_val = 0"},
		{"random detection", "randomize_env: true\nmin_random_det_val: 3", "g.yaml:2: min_random_det_val = 3: must be at most det_val = 2"},
		{"not random", "min_random_d_val: 3\nmin_random_a_val: 1\nmin_random_det_val: 3\nmax_random_v_val: 99", ""},
		{"random weak value below the smallest", "randomize_env: true\nvulnerability_val: 2\nmax_random_v_val: 1",
			"g.yaml:3: max_random_v_val = 1: must be in [vulnerability_val, max_value] = [2, 9]"},
		{"random weak value above the maximum", "randomize_env: true\nmax_random_v_val: 10",
			"g.yaml:2: max_random_v_val = 10: must be in [vulnerability_val, max_value] = [0, 9]"},
		{"local view of nothing", "local_view_observations: true",
			"relative_neighbor_positions = []: must name at least one offset for a local view, such as [[-1, 0], [1, 0]]"},
		{"local view", "local_view_observations: true\nrelative_neighbor_positions: [[-1, 0]]", ""},
		{"more slots than nodes", "local_view_observations: true\nreconnaissance_actions: true\n" +
			"relative_neighbor_positions: [[-1, 0], [1, 0], [0, -1], [0, 1], [0, 0]]",
			"g.yaml:3: relative_neighbor_positions = [[-1, 0], [1, 0], [0, -1], [0, 1], [0, 0]]: must name at most as many offsets " +
				"as there are nodes, 4, with reconnaissance in a local view"},
		{"as many slots as nodes", "local_view_observations: true\nreconnaissance_actions: true\n" +
			"relative_neighbor_positions: [[-1, 0], [1, 0], [0, -1], [0, 1]]", ""},
		{"pay for reconnaissance", "reconnaissance_reward: true", "g.yaml:1: reconnaissance_reward = true: needs reconnaissance_actions: true"},
		{"pay extra for reconnaissance", "extra_reconnaissance_reward: true",
			"g.yaml:1: extra_reconnaissance_reward = true: needs reconnaissance_actions: true"},
		{"reconnaissance", "reconnaissance_actions: true\nreconnaissance_reward: true\nextra_reconnaissance_reward: true", ""},
		{"no such encoding", "observation: flat", "g.yaml:1: observation = flat: must be one of own, joint, merged"},
		{"joint", "observation: joint\nreconnaissance_actions: true", "g.yaml:1: observation = joint: needs fully_observed: true"},
		{"joint and fully observed", "observation: joint\nfully_observed: true", ""},
		{"merged", "observation: merged",
			"g.yaml:1: observation = merged: needs fully_observed: true or reconnaissance_actions: true"},
		{"merged and fully observed", "observation: merged\nfully_observed: true", ""},
		{"merged and reconnaissance", "observation: merged\nreconnaissance_actions: true", ""},
		{"v3 and dense", "dense_rewards: true\ndense_rewards_v3: true",
			"g.yaml:2: dense_rewards_v3 = true: does not go together with dense_rewards or dense_rewards_v2"},
		{"v3 and v2", "dense_rewards_v3: true\ndense_rewards_v2: true",
			"g.yaml:1: dense_rewards_v3 = true: does not go together with dense_rewards or dense_rewards_v2"},
		{"dense and v2", "dense_rewards: true\ndense_rewards_v2: true", ""},
		{"unknown key", "num_layer: 2", "g.yaml:1: num_layer = 2: unknown setting; did you mean num_layers?"},
		{"several", "defense_val: 10\nnum_servers_per_layer: 1\ndense_rewards: true\ndense_rewards_v3: true\nreconnaissance_reward: true",
			"g.yaml:1: defense_val = 10: must be at most max_value = 9\n" +
				"g.yaml:4: dense_rewards_v3 = true: does not go together with dense_rewards or dense_rewards_v2\n" +
				"g.yaml:5: reconnaissance_reward = true: needs reconnaissance_actions: true\n" +
				"num_vulnerabilities_per_layer = 2: must be at most num_servers_per_layer = 1"},
		{"several ranges", "num_layers: -1\nmax_value: 101\nvisibility_p: x",
			"g.yaml:1: num_layers = -1: must be in [0, 20]\ng.yaml:2: max_value = 101: must be in [1, 100]\n" +
				"g.yaml:3: visibility_p = x: must be a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := idsgame.Defaults()
			got := message(settings.Decode(&cfg, "g.yaml", []byte(c.text)))
			if !sameLines(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestRanges: every setting that is a number has a range, and both of its ends hold.
func TestRanges(t *testing.T) {
	ranges := map[string]struct{ low, high, text string }{
		"num_layers":                      {"-1", "21", "[0, 20]"},
		"num_servers_per_layer":           {"0", "21", "[1, 20]"},
		"num_attack_types":                {"0", "51", "[1, 50]"},
		"max_value":                       {"0", "101", "[1, 100]"},
		"max_game_steps":                  {"0", "100001", "[1, 100000]"},
		"relative_neighbor_positions":     {"[[-21, 0]]", "[[0, 21]]", "[-20, 20]"},
		"defense_val":                     {"-1", "101", "[0, 100]"},
		"attack_val":                      {"-1", "101", "[0, 100]"},
		"det_val":                         {"-1", "101", "[0, 100]"},
		"vulnerability_val":               {"-1", "101", "[0, 100]"},
		"num_vulnerabilities_per_node":    {"-1", "51", "[0, 50]"},
		"num_vulnerabilities_per_layer":   {"-1", "21", "[0, 20]"},
		"min_random_d_val":                {"-1", "101", "[0, 100]"},
		"min_random_a_val":                {"-1", "101", "[0, 100]"},
		"min_random_det_val":              {"-1", "101", "[0, 100]"},
		"max_random_v_val":                {"-1", "101", "[0, 100]"},
		"visibility_p":                    {"-0.1", "1.1", "[0, 1]"},
		"construct_visibility_p":          {"-0.1", "1.1", "[0, 1]"},
		"reconnaissance_detection_factor": {"-0.1", "10.5", "[0, 10]"},
	}
	cfg := idsgame.Defaults()
	for _, f := range settings.Fields(&cfg) {
		r, ok := ranges[f.Key]
		delete(ranges, f.Key)
		if _, truth := f.Value().(bool); truth {
			continue
		}
		if len(f.Choices) > 0 { // TestValidate has them
			continue
		}
		if !ok || f.Range == "" {
			t.Errorf("%s has the range %q and no test", f.Key, f.Range)
			continue
		}
		for _, value := range []string{r.low, r.high} {
			cfg := idsgame.Defaults()
			want := "g.yaml:1: " + f.Key + " = " + value + ": must be in " + r.text
			if f.Key == "relative_neighbor_positions" {
				want = strings.Replace(want, "must", "each must", 1)
			}
			if got := message(settings.Decode(&cfg, "g.yaml", []byte(f.Key+": "+value))); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
	for key := range ranges {
		t.Errorf("%s is not a setting", key)
	}
}

// TestNewGameChecks: settings that do not come from a file are checked, too.
func TestNewGameChecks(t *testing.T) {
	cfg := idsgame.Defaults()
	cfg.NumLayers, cfg.DefenseVal = 21, 10
	_, err := idsgame.NewGame("some-id", cfg, 0)
	var bad *settings.Error
	if !errors.As(err, &bad) || bad.Key != "num_layers" || !strings.HasPrefix(message(err), "some-id: ") {
		t.Errorf("error %v", err)
	}
	if _, err := cfg.New(0); err == nil {
		t.Error("no error from Config.New")
	}
	if _, err := envs.NewBot(&cfg, idsgame.AttackerSeat, "minimal"); !errors.Is(err, envs.ErrUnknown) {
		t.Errorf("a defence bot for the attacker: %v", err)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// sameLines compares lines in any order.
func sameLines(x, y string) bool {
	lines := map[string]int{}
	for l := range strings.SplitSeq(x, "\n") {
		lines[l]++
	}
	for l := range strings.SplitSeq(y, "\n") {
		lines[l]--
	}
	for _, n := range lines {
		if n != 0 {
			return false
		}
	}
	return true
}

// FuzzConfig reads settings from any file and, if they are good, plays a little: nothing panics, every number is in its
// bounds.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"",
		"num_layers: 2\nnum_servers_per_layer: 3\nconnected_layers: true\n",
		"num_layers: 0\nnum_servers_per_layer: 1\nnum_vulnerabilities_per_layer: 0\nmax_value: 1\ndet_val: 10\ndefense_val: 0\n",
		"reconnaissance_actions: true\nreconnaissance_bool_features: true\ndense_rewards_v3: true\nrandomize_env: true\n",
		"local_view_observations: true\nrelative_neighbor_positions: [[-1, 0], [1, 0]]\nreconnaissance_actions: true\n",
		"max_value: 100\ndefense_val: 100\ndet_val: 100\nattack_val: 100\nmax_game_steps: 3\n",
		"randomize_env: true\nrandomize_starting_position: true\nvisibility_p: 1\nmax_random_v_val: 9\n",
		"dense_rewards: true\ndense_rewards_v2: true\nreconnaissance_actions: true\nextra_reconnaissance_reward: true\n",
		"num_layers: 20\nnum_servers_per_layer: 20\nnum_attack_types: 50\n",
		"observation: merged\nfully_observed: true\nzero_mean_features: true\nnormalize_features: true\n",
	} {
		f.Add([]byte(text), uint64(1))
	}
	for seed := range uint64(10) {
		cfg := randomConfig(f, newRand(seed))
		f.Add(settings.Encode(&cfg), seed)
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		cfg := idsgame.Defaults()
		if settings.Decode(&cfg, "fuzz.yaml", text) != nil {
			return
		}
		g := newGame(t, cfg, seed)
		rng := newRand(seed)
		var bots [2][]envs.Policy
		for seat := range bots {
			for _, bot := range cfg.Bots(seat) {
				bots[seat] = append(bots[seat], bot.New())
			}
			bots[seat] = append(bots[seat], envs.Uniform())
		}
		out := g.Spec().NewOutcome()
		for episode := range seed%3 + 1 {
			if err := g.Reset(seed + episode); err != nil {
				t.Fatal(err)
			}
			for range 12 {
				var actions [2]int
				for seat, players := range bots {
					actions[seat] = players[rng.IntN(len(players))].Act(g, seat, rng)
					box := g.Spec().Seats[seat].Obs
					for i, x := range observe(g, seat) {
						if !(box.Low[i] <= x && x <= box.High[i]) {
							t.Fatalf("seat %d: entry %d is %v, not in [%v, %v]", seat, i, x, box.Low[i], box.High[i])
						}
					}
					for k, e := range g.Spec().Seats[seat].Encodings {
						if s := g.State(seat, k); s < 0 || s >= e.States {
							t.Fatalf("seat %d: state %d of %d", seat, s, e.States)
						}
					}
				}
				if err := g.Step(actions[:], out); err != nil {
					t.Fatal(err)
				}
				for _, r := range out.Rewards {
					if !(-1e6 < r && r < 1e6) {
						t.Fatalf("rewards %v", out.Rewards)
					}
				}
				if out.Over() {
					break
				}
			}
		}
	})
}
