package idsgame_test

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/settings"
)

// published is testdata/envs.json: the parameters of every id as the original constructs them.
type published struct {
	Constants struct {
		MaxGameSteps int       `json:"max_game_steps"`
		Unknown      int       `json:"unknown_reconnaissance_value"`
		CapReward    []float64 `json:"cap_reward"`
	}
	Defaults map[string]any
	Families map[string]struct {
		ID, Role string
		Opponent *string
	}
	Versions map[string]struct {
		Params  map[string]any
		Derived struct {
			Topology             string
			NumNodes             int    `json:"num_nodes"`
			NumRows              int    `json:"num_rows"`
			NumCols              int    `json:"num_cols"`
			MaxNeighbors         int    `json:"max_neighbors"`
			NumAttackActions     int    `json:"num_attack_actions"`
			NumGlobalAttackIDs   int    `json:"num_global_attack_ids"`
			NumDefenseActions    int    `json:"num_defense_actions"`
			AttackerObsShape     []int  `json:"attacker_obs_shape"`
			DefenderObsShape     []int  `json:"defender_obs_shape"`
			TabularStates        int    `json:"tabular_states"`
			FullStateDigits      int    `json:"full_state_digits"`
			FullStateBase        int    `json:"full_state_base"`
			RewardScheme         string `json:"reward_scheme"`
			DeclaredAttackShape  []int  `json:"declared_attacker_space_shape"` // not compared, as the next two: what the
			DeclaredAttackHigh   int    `json:"declared_attacker_space_high"`  // original says of its spaces is not what
			DeclaredDefenseShape []int  `json:"declared_defender_space_shape"` // it shows (spec 9.4)
		}
	}
	Topologies map[string]struct {
		Rows, Cols    int
		NodeTypes     []string `json:"node_types"`
		NodePositions [][2]int `json:"node_positions"`
		DataNode      int      `json:"data_node"`
		StartNode     int      `json:"start_node"`
		Neighbours    [][]int
		AttackTargets [][]int `json:"attack_targets"`
	}
	Envs map[string]struct {
		Version, Family string
		Overrides       map[string]any
	}
}

// notSettings are parameters of the original that are no settings here.
var notSettings = map[string]string{
	"reconnaissance_actions_env_flag": "a second copy of reconnaissance_actions, equal to it in every id",
	"save_trajectories":               "recording is a matter of the caller",
	"save_attack_stats":               "recording is a matter of the caller",
	"manual_attacker":                 "for the window of the original",
	"manual_defender":                 "for the window of the original",
}

func readPublished(t *testing.T) *published {
	t.Helper()
	data, err := os.ReadFile("testdata/envs.json")
	if err != nil {
		t.Fatal(err)
	}
	p := new(published)
	if err := json.Unmarshal(data, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestParameters compares the settings of all 110 ids with those of the original, and what follows from them.
func TestParameters(t *testing.T) {
	p := readPublished(t)
	entries := idsgame.Entries()
	if len(entries) != 110 || len(p.Envs) != 110 {
		t.Fatalf("%d entries and %d published ids, not 110", len(entries), len(p.Envs))
	}
	for _, e := range entries {
		t.Run(e.ID, func(t *testing.T) {
			pub, ok := p.Envs[e.ID]
			if !ok {
				t.Fatal("not a published id")
			}
			delete(p.Envs, e.ID)
			version := p.Versions[pub.Version]
			params := maps.Clone(p.Defaults)
			maps.Copy(params, version.Params)
			maps.Copy(params, pub.Overrides)
			compareParams(t, e.Game(), params, p.Constants.MaxGameSteps)

			family := p.Families[pub.Family]
			if got, want := e.ID, strings.Replace(family.ID, "vN", pub.Version, 1); got != want {
				t.Errorf("id %s, not %s", got, want)
			}
			if got, want := e.Cast, castOf(t, family.Role, family.Opponent); !slices.Equal(got, want) {
				t.Errorf("cast %q, not %q", got, want)
			}

			g := build(t, e, 1)
			compareDerived(t, p, g, pub.Version)
			env, err := e.New(1)
			if err != nil {
				t.Fatal(err)
			}
			var roles []string
			for _, seat := range env.Spec().Seats {
				roles = append(roles, seat.Role.String())
			}
			if got := strings.Join(roles, "-"); got != strings.Replace(family.Role, "two-agent", "attacker-defender", 1) {
				t.Errorf("open seats %s for the role %s", got, family.Role)
			}
			if env.Spec().ID != e.ID || env.Spec().MaxSteps != p.Constants.MaxGameSteps+2 {
				t.Errorf("Spec says %s and at most %d steps", env.Spec().ID, env.Spec().MaxSteps)
			}
		})
	}
	for id := range p.Envs {
		t.Errorf("%s is not registered", id)
	}
	if p.Constants.Unknown != idsgame.Unknown {
		t.Errorf("Unknown = %d, not %d", idsgame.Unknown, p.Constants.Unknown)
	}
}

// compareParams compares every setting with the parameter of its name, and sees to it that none is left out.
func compareParams(t *testing.T, game envs.Game, params map[string]any, maxGameSteps int) {
	t.Helper()
	if params["reconnaissance_actions_env_flag"] != params["reconnaissance_actions"] {
		t.Error("the two copies of reconnaissance_actions differ")
	}
	for key := range notSettings {
		delete(params, key)
	}
	params["max_game_steps"] = float64(maxGameSteps)
	// The original has these as settings of its learners.
	params["observation"], params["zero_mean_features"], params["normalize_features"] = "own", false, false
	for _, f := range settings.Fields(game) {
		text, err := json.Marshal(f.Value())
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		want, ok := params[f.Key]
		delete(params, f.Key)
		if !ok {
			t.Errorf("setting %s is not published", f.Key)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %v, not %v", f.Key, got, want)
		}
	}
	for key := range params {
		t.Errorf("parameter %s is not a setting", key)
	}
}

// castOf is the cast of a family: who plays the seat that the caller does not.
func castOf(t *testing.T, role string, opponent *string) []string {
	t.Helper()
	if opponent == nil {
		return nil
	}
	name, kind, _ := strings.Cut(*opponent, "_")
	switch {
	case role == "attacker" && kind == "defense":
		return []string{"", name}
	case role == "defender" && kind == "attack":
		return []string{name, ""}
	}
	t.Errorf("role %s against %s", role, *opponent)
	return nil
}

func compareDerived(t *testing.T, p *published, g *idsgame.Game, version string) {
	t.Helper()
	want, rules, spec := p.Versions[version].Derived, g.Rules(), g.Spec()
	cfg := rules.Config()
	check := func(name string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %v, not %v", name, got, want)
		}
	}
	attacker, defender := &spec.Seats[idsgame.AttackerSeat], &spec.Seats[idsgame.DefenderSeat]
	check("num_nodes", rules.Net.Nodes, want.NumNodes)
	check("num_rows", rules.Net.Rows, want.NumRows)
	check("num_cols", rules.Net.Cols, want.NumCols)
	check("num_global_attack_ids", rules.AttackActions(), want.NumGlobalAttackIDs)
	check("attack ids", attacker.Actions.N, want.NumGlobalAttackIDs)
	check("num_defense_actions", rules.DefenceActions(), want.NumDefenseActions)
	check("defence ids", defender.Actions.N, want.NumDefenseActions)
	actions := rules.LocalAttackActions()
	if actions == 0 {
		actions = rules.AttackActions()
	}
	check("num_attack_actions", actions, want.NumAttackActions)
	check("attacker_obs_shape", attacker.Obs.Shape, want.AttackerObsShape)
	check("defender_obs_shape", defender.Obs.Shape, want.DefenderObsShape)
	if cfg.LocalView { // elsewhere it has no effect
		check("max_neighbors", len(cfg.NeighborPositions), want.MaxNeighbors)
	}
	check("tabular_states", attacker.Encodings[idsgame.NodeEncoding].States, want.TabularStates)
	check("the defender's node states", defender.Encodings[idsgame.NodeEncoding].States, 1)
	for _, seat := range spec.Seats {
		if len(seat.Encodings) > idsgame.FullEncoding {
			states := 1
			for range want.FullStateDigits {
				states *= want.FullStateBase
			}
			check("full states", seat.Encodings[idsgame.FullEncoding].States, states)
		}
	}
	if full := len(attacker.Encodings) > idsgame.FullEncoding; version == "v13" && !full {
		t.Error("no full-state encoding")
	}

	top := p.Topologies[want.Topology]
	net := rules.Net
	check("rows", net.Rows, top.Rows)
	check("cols", net.Cols, top.Cols)
	check("data_node", idsgame.Data, top.DataNode)
	check("start_node", net.Start(), top.StartNode)
	check("nodes", net.Nodes, len(top.NodeTypes))
	for v, pos := range top.NodePositions {
		check("position", [2]int{net.Row[v], net.Col[v]}, pos)
		check("node at its position", net.At(pos[0], pos[1]), v)
		kind := "server"
		switch v {
		case idsgame.Data:
			kind = "data"
		case net.Start():
			kind = "start"
		}
		check("node type", kind, top.NodeTypes[v])
		if !slices.Equal(net.Neighbours[v], top.Neighbours[v]) {
			t.Errorf("neighbours of %d: %v, not %v", v, net.Neighbours[v], top.Neighbours[v])
		}
		if !slices.Equal(net.Targets[v], top.AttackTargets[v]) {
			t.Errorf("targets of %d: %v, not %v", v, net.Targets[v], top.AttackTargets[v])
		}
	}

	check("cap_reward", capReward(g), p.Constants.CapReward)
	wantHack, ok := map[string][2]float64{
		"sparse": {1, -1},
		"dense":  {2, -1}, // bonus 1, and the move that reaches the data node
		"v2":     {2, -1}, // v2 alone is dense
		"v3":     {-1, 2 - float64(cfg.MaxValue*net.Rows)},
	}[want.RewardScheme]
	if !ok {
		t.Errorf("reward_scheme %s", want.RewardScheme)
	}
	check("reward of a hack under "+want.RewardScheme, hackReward(g), wantHack)
}

// capReward is what both sides get after the step limit.
func capReward(g *idsgame.Game) []float64 {
	s := g.Rules().NewState()
	s.Steps = g.Rules().Config().MaxGameSteps + 1
	tr := g.Rules().Apply(s, 0, 0, 0)
	return []float64{tr.AttackerReward, tr.DefenderReward}
}

// hackReward is what both sides get for the first move of an episode, from node 1 to the data node, which nobody has
// scouted and whose smallest defence value is 2 or, with one attack type, that of the attack.
func hackReward(g *idsgame.Game) [2]float64 {
	r := g.Rules()
	width := r.Config().NumAttackTypes + 1
	s := r.NewState()
	s.Node = 1
	for typ := range width - 1 {
		s.Defence[idsgame.Data*width+typ] = 2
	}
	s.Attack[0] = 2
	if r.Config().MaxValue < 3 { // nothing exceeds 2 there
		clear(s.Defence)
	}
	tr := r.Apply(s, 0, r.DefenceActions()-1, 0)
	return [2]float64{tr.AttackerReward, tr.DefenderReward}
}
