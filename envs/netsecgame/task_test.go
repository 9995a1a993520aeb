package netsecgame_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/settings"
)

const example = `coordinator:
  agents:
    Attacker:
      max_steps: 50
      goal:
        description: Bring DatabaseData of User1 to 213.47.23.195
        known_networks: [192.168.1.0/24]
        known_hosts: [192.168.1.2, all_local]
        controlled_hosts: []
        known_services: {192.168.1.2: [[ssh, passive, 8.1.0, false], random, random]}
        known_data: {213.47.23.195: [[User1, DatabaseData]]}
        known_blocks: {}
      start_position:
        known_networks: []
        known_hosts: []
        controlled_hosts: [213.47.23.195, random, random]
        known_services: {}
        known_data: {192.168.1.2: [Random]}
    Defender:
      max_steps:
      goal: {known_networks: [], known_hosts: [], controlled_hosts: [], known_services: {}, known_data: {}, known_blocks: {}}
      start_position: {known_networks: [], known_hosts: {}, controlled_hosts: [all_local], known_services: {}, known_data: {}}
    Benign: {max_steps: 7}
env:
  scenario: two_networks_small
  required_players: 2
  use_firewall: off
  use_global_defender: yes
  use_dynamic_addresses: true
  save_trajectories: True
  rewards: {success: 100, step: -0.5, fail: -10, false_positive: -5}
`

func TestTask(t *testing.T) {
	task, warnings, err := netsecgame.LoadTask("task.yaml", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Problem, "does not say that the goal is about 192.168.1.2") {
			t.Errorf("warning %v", w)
		}
	}
	ssh := netsecgame.Service{Name: "ssh", Type: "passive", Version: "8.1.0"}
	random := netsecgame.View{Controlled: netsecgame.HostView{Random: 3}}
	want := &netsecgame.Task{
		Scenario:        task.Scenario,
		RequiredPlayers: 2, UseGlobalDefender: true, UseDynamicAddresses: true, SaveTrajectories: true,
		Rewards:            netsecgame.Rewards{Step: -0.5, Success: 100, Fail: -10, FalsePositive: -5},
		SuccessProbability: [netsecgame.ActionTypes]float64{1, 1, 1, 1, 1, 1},
		Roles: [envs.Benign + 1]*netsecgame.RoleTask{
			envs.Attacker: {
				MaxSteps: 50, HasMaxSteps: true, Description: "Bring DatabaseData of User1 to 213.47.23.195",
				Start: netsecgame.View{
					Controlled: netsecgame.HostView{IPs: []netsecgame.IP{"213.47.23.195"}, Random: 1},
					Data:       []netsecgame.DataView{{Host: "192.168.1.2", Random: true}},
				},
				Goal: netsecgame.View{
					Networks: []netsecgame.Network{{IP: "192.168.1.0", Mask: 24}},
					Known:    netsecgame.HostView{IPs: []netsecgame.IP{"192.168.1.2"}, AllLocal: true},
					Services: []netsecgame.ServiceView{{Host: "192.168.1.2", Services: []*netsecgame.Service{&ssh, nil, nil}}},
					Data: []netsecgame.DataView{
						{Host: "213.47.23.195", Data: []netsecgame.DataKey{{Owner: "User1", ID: "DatabaseData"}}},
					},
				},
			},
			envs.Defender: {Start: netsecgame.View{Controlled: netsecgame.HostView{AllLocal: true}}},
			envs.Benign:   {MaxSteps: 7, HasMaxSteps: true, Start: random, Goal: task.Roles[envs.Benign].Goal},
		},
	}
	if !reflect.DeepEqual(task, want) {
		t.Errorf("task %+v, want %+v", task, want)
	}
	if task.Scenario.Name != "two_networks_small" {
		t.Errorf("scenario %s", task.Scenario.Name)
	}
}

// TestTaskDefaults: what need not be said.
func TestTaskDefaults(t *testing.T) {
	task := load(t, "env: {scenario: one_network}\ncoordinator: {agents: {Benign: {}}}")
	if task.RequiredPlayers != 1 || !task.UseFirewall || task.UseGlobalDefender || task.UseDynamicAddresses ||
		task.SaveTrajectories || task.Rewards != (netsecgame.Rewards{}) {
		t.Errorf("task %+v", task)
	}
	if task.Roles[envs.Attacker] != nil || task.Roles[envs.Defender] != nil || task.Roles[envs.Benign] == nil {
		t.Errorf("roles %v", task.Roles)
	}
}

// TestTaskProblems: all that is wrong or odd is told at once, with its line.
func TestTaskProblems(t *testing.T) {
	for _, c := range []struct{ text, errors, warnings string }{
		{
			`coordinator:
  agents:
    Attacker:
      max_steps: 2.9
      goal:
        description: get it to 1.2.3.4
        is_any_part_of_goal_random: true
        known_networks: [192.168.9.0/24, random, 192.168.1.0/33]
        known_hosts: all_local
        controlled_hosts: [8.8.8.8/8, Random]
        known_services: {192.168.1.2: [[ssh, passive, 8.1.0], [a, b, c, no, d], other, random], 192.168.1.1: [random], server: []}
        known_data: {213.47.23.195: [User1, Data], 192.168.1.1: [[a, b, c], RANDOM]}
        known_blocks: {213.47.23.195: all_attackers, 1.1.1.1: {a}}
      start_position:
        known_networks:
        known_hosts: []
        controlled_hosts: []
        known_services: []
        known_data: {9.9.9.9: [random]}
        known_blocks: {1.2.3.4: [1.1.1.1]}
        blocked_ips: {}
    Defender:
    attacker: {}
    Benign: {max_steps: many, goal: {}}
env:
  scenario: three_nets
  required_players: lots
  rewards: {success: -100, step: x, fail: 10, fals_positive: -5}
  use_firewall: "no"
  use_global_defender: 1
  random_seed: 42
  actions: {scan_network: {prob_success: 0.9}}
  scenario: two_networks
output: {}`,
			`8: Attacker.goal.known_networks = 192.168.9.0/24: must be a network of two_networks: 192.168.1.0/24, 192.168.2.0/24, 213.47.23.192/26
9: Attacker.goal.known_hosts = all_local: must be a list; write [] for an empty one
11: Attacker.goal.known_services.server = []: server must be an address
11: Attacker.goal.known_services.192.168.1.2 = [ssh, passive, 8.1.0]: must be [name, type, version, is_local] or random
11: Attacker.goal.known_services.192.168.1.1 = random: 192.168.1.1 has no services to draw from in two_networks
12: Attacker.goal.known_data.213.47.23.195 = User1: must be [owner, id] or random; the value is a list of these: [[User1, DatabaseData]]
12: Attacker.goal.known_data.213.47.23.195 = Data: must be [owner, id] or random; the value is a list of these: [[User1, DatabaseData]]
12: Attacker.goal.known_data.192.168.1.1 = [a, b, c]: must be [owner, id]
13: Attacker.goal.known_blocks.1.1.1.1: must be a list of addresses, or all_attackers
15: Attacker.start_position.known_networks: must be a list; write [] for an empty one
18: Attacker.start_position.known_services = []: must hold keys and values; write {} if there are none
19: Attacker.start_position.known_data: 9.9.9.9 has no data to draw from: no such address in two_networks
22: Defender: has no value; leave the key out if nobody plays this role
24: Benign.max_steps = many: must be an integer; leave the key out for no limit
28: env.rewards.step = x: must be a number; leave the key out for 0`,
			`4: Attacker.max_steps = 2.9: counts as 2
6: Attacker.goal.description = get it to 1.2.3.4: does not say that the goal is about 192.168.1.1
6: Attacker.goal.description = get it to 1.2.3.4: does not say that the goal is about 192.168.1.2
6: Attacker.goal.description = get it to 1.2.3.4: does not say that the goal is about 213.47.23.195
7: Attacker.goal.is_any_part_of_goal_random = true: is ignored; the keyword random says so
8: Attacker.goal.known_networks = random: is dropped; it must be a network like 192.168.1.0/24
8: Attacker.goal.known_networks = 192.168.1.0/33: is dropped; it must be a network like 192.168.1.0/24
10: Attacker.goal.controlled_hosts = 8.8.8.8/8: is dropped; it must be an address, random or all_local
10: Attacker.goal.controlled_hosts = Random: is dropped; it must be an address, random or all_local
11: Attacker.goal.known_services.192.168.1.2 = [a, b, c, no, d]: counts up to is_local; it must be [name, type, version, is_local] or random
11: Attacker.goal.known_services.192.168.1.2 = other: is dropped; it must be [name, type, version, is_local] or random
13: Attacker.goal.known_blocks.213.47.23.195 = all_attackers: is ignored; blocks are never part of a goal
13: Attacker.goal.known_blocks.1.1.1.1: is ignored; blocks are never part of a goal
14: Attacker.start_position: has no controlled_hosts, so that attackers can do nothing
20: Attacker.start_position.known_blocks: is ignored; nobody knows blocks at the start
23: attacker: means nothing here; did you mean Attacker?
24: Benign.goal: is ignored; benign agents start at random places, and their goal is out of reach
26: env.scenario = three_nets: does not count, because the key is given again
27: env.required_players = lots: is no number, so that 1 counts
28: env.rewards.fals_positive = -5: means nothing here; did you mean false_positive?
28: env.rewards.success = -100: has an odd sign
28: env.rewards.fail = 10: has an odd sign
29: env.use_firewall = "no": counts as true; write true or false
30: env.use_global_defender = 1: counts as true; write true or false
31: env.random_seed = 42: is ignored
32: env.actions: is ignored, unless env.use_success_probabilities is true
34: output: means nothing here`,
		},
		{
			"env: {scenario: two_netwroks, required_players: 0}\ncoordinator: {agents: {}}",
			`1: env.scenario = two_netwroks: no scenario is called "two_netwroks"; did you mean two_networks?; there are ` +
				strings.Join(netsecgame.Scenarios(), ", ") + `
1: env.required_players = 0: must be at least 1, or nobody can play
2: coordinator.agents: must have one of Attacker, Defender, Benign`, "",
		},
		{
			"coordinator:\n  agents: {Attacker: {start_position: {}, goal: {}}, Benign: {max_steps: 1}}\nenv: {}",
			`2: Attacker.start_position: needs known_networks; write known_networks: []
2: Attacker.start_position: needs known_hosts; write known_hosts: []
2: Attacker.start_position: needs controlled_hosts; write controlled_hosts: []
2: Attacker.start_position: needs known_services; write known_services: {}
2: Attacker.start_position: needs known_data; write known_data: {}
2: Attacker.goal: needs known_networks; write known_networks: []
2: Attacker.goal: needs known_hosts; write known_hosts: []
2: Attacker.goal: needs controlled_hosts; write controlled_hosts: []
2: Attacker.goal: needs known_services; write known_services: {}
2: Attacker.goal: needs known_data; write known_data: {}
2: Attacker.goal: needs known_blocks; write known_blocks: {}
3: env: needs scenario; write scenario: two_networks`,
			"2: Attacker.start_position: has no controlled_hosts, so that attackers can do nothing",
		},
		{
			`coordinator: {agents: {Benign: {max_steps: "12"}}}
env:
  scenario: two_networks
  required_players: null
  rewards: null
  use_success_probabilities: yes
  actions: {scan: {}, exploit_services: {prob_success: 2}}`,
			`4: env.required_players: must be an integer; leave the key out for 1
5: env.rewards: must hold keys and values; write {} if there are none
7: env.actions.scan: is no action; the actions are ScanNetwork, FindServices, FindData, ExploitService, ExfiltrateData, BlockIP
7: env.actions.exploit_services.prob_success = 2: must be in [0, 1]`,
			`1: Benign.max_steps = "12": counts as 12`,
		},
		{"", "1: must hold keys and values; write {} if there are none", ""},
		{"env: [", "1: not YAML: sequence end token ']' not found", ""},
		{
			"env: {scenario: &s two_networks}\ncoordinator: {agents: {Benign: {}}}",
			"1: env.scenario: must be written out, without &, * and !", "",
		},
		{
			"env: {scenario: none.yaml}\ncoordinator: {agents: {Benign: {}}}",
			"1: env.scenario = none.yaml: open none.yaml: no such file or directory", "",
		},
	} {
		_, warnings, err := netsecgame.LoadTask("t.yaml", []byte(c.text))
		short := strings.NewReplacer("t.yaml:", "", "coordinator.agents.", "", "coordinator.agents:", "coordinator.agents:")
		if got := short.Replace(err.Error()); got != c.errors {
			t.Errorf("errors\n%s\nwant\n%s", got, c.errors)
		}
		if got := short.Replace(warnings.Error()); got != c.warnings {
			t.Errorf("warnings\n%s\nwant\n%s", got, c.warnings)
		}
	}
}

// TestScalars: YAML 1.1, as Python reads it.
func TestScalars(t *testing.T) {
	for _, c := range []struct {
		text string
		want int // of max_steps
		ok   bool
	}{
		{"010", 8, true}, {"0b11", 3, true}, {"0x1f", 31, true}, {"1_000", 1000, true}, {"-3", -3, true}, {"+3", 3, true},
		{"3.99", 3, true}, {"1.5e+1", 15, true}, {".5", 0, true}, {"on", 1, true}, {"No", 0, true}, {`" 12 "`, 12, true},
		{"1e3", 0, false}, {"'3.5'", 0, false}, {".inf", 0, false}, {".nan", 0, false}, {"[1]", 0, false}, {"~", 0, true},
		{"99999999999999999999", 0, false}, {"08", 8, true},
	} {
		task, _, err := netsecgame.LoadTask("t", []byte("env: {scenario: one_network}\ncoordinator:\n  agents:\n    Benign:\n      max_steps: "+c.text))
		if (err == nil) != c.ok || err == nil && task.Roles[envs.Benign].MaxSteps != c.want {
			t.Errorf("max_steps: %s: %v, %v; want %d, %t", c.text, task, err, c.want, c.ok)
		}
	}
}

// TestSuccessProbabilities: switched on by a key, by action, in any spelling.
func TestSuccessProbabilities(t *testing.T) {
	text := "coordinator: {agents: {Benign: {}}}\nenv:\n  scenario: one_network\n  actions: {scan_network: {prob_success: 0.5}, " +
		"ExploitService: {prob_success: 0}, find_service: {}, exfiltrate_data: {prob_success: 1}}\n"
	want := [netsecgame.ActionTypes]float64{1, 1, 1, 1, 1, 1}
	if got := load(t, text).SuccessProbability; got != want {
		t.Errorf("switched off: %v", got)
	}
	want[netsecgame.ScanNetwork], want[netsecgame.ExploitService] = 0.5, 0
	if got := load(t, text+"  use_success_probabilities: true").SuccessProbability; got != want {
		t.Errorf("switched on: %v, want %v", got, want)
	}
}

// TestOwnScenario: a scenario in a file next to the task.
func TestOwnScenario(t *testing.T) {
	dir := t.TempDir()
	own, err := netsecgame.ScenarioFile("scenario1_tiny")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"own.yaml": own, "bad.yml": []byte("hosts: {}\nstart: [x]")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) (*netsecgame.Task, error) {
		task, _, err := netsecgame.LoadTask(filepath.Join(dir, "task.yaml"),
			[]byte("coordinator: {agents: {Benign: {}}}\nenv: {scenario: "+name+"}"))
		return task, err
	}
	if task, err := read("own.yaml"); err != nil || task.Scenario.Name != "own" || len(task.Scenario.Hosts) != 4 {
		t.Errorf("task %+v, error %v", task, err)
	}
	if _, err := read("bad.yml"); err == nil || !strings.Contains(err.Error(), "bad.yml:2: start = x: must be") {
		t.Errorf("error %v", err)
	}
}

func TestConfigurationHash(t *testing.T) {
	hash := load(t, example).ConfigurationHash()
	if len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		t.Errorf("hash %q", hash)
	}
	if other := load(t, "# a comment\n"+example).ConfigurationHash(); other != hash {
		t.Error("equal tasks have different hashes")
	}
	for _, change := range [][2]string{{"passive, 8.1.0", "passive, 8"}, {"required_players: 2", "required_players: 3"}, {"_small", ""}} {
		if other := load(t, strings.Replace(example, change[0], change[1], 1)).ConfigurationHash(); other == hash {
			t.Errorf("%v does not change the hash", change)
		}
	}
}

func FuzzTask(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(taskText("two_networks", part{controlled: "[random]"}, part{data: "{1.1.1.1: [random]}"})))
	f.Add([]byte(`{"env": {"scenario": "scenario1", "rewards": {}}, "coordinator": {"agents": {"Benign": {"max_steps": -1}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		task, _, err := netsecgame.LoadTask("t.yaml", data)
		if err == nil {
			exercise(t, task)
			task.ConfigurationHash()
		} else if _, ok := errors.AsType[settings.Errors](err); !ok {
			t.Fatalf("%T: %v", err, err)
		}
	})
}
