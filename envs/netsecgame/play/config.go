package play

import (
	"fmt"
	"os"
	"strings"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/settings"
)

// Config is the settings of a game: a task, who plays, and what players see.
type Config struct {
	Task string `yaml:"task" usage:"a task file of NetSecGame; without one, the standard task is played, which the next settings make"`

	// The standard task: to bring a file to a host. Defenders start on all hosts inside.
	Scenario      string    `yaml:"scenario" usage:"a scenario that comes with the game, or a scenario file"`
	Start         []string  `yaml:"start" usage:"what attackers control at the start: addresses, or random for a drawn one"`
	GoalData      [2]string `yaml:"goal_data" usage:"owner and id of the file that attackers want"`
	GoalHost      string    `yaml:"goal_host" usage:"address where they want it"`
	MaxSteps      int       `yaml:"max_steps" range:"[0, inf)" usage:"step limit of attackers; 0: none"`
	StepReward    float64   `yaml:"step_reward" usage:"for every action"`
	SuccessReward float64   `yaml:"success_reward" usage:"for attackers that reach their goal, and for defenders if none does"`
	FailReward    float64   `yaml:"fail_reward" usage:"for those who do not succeed"`
	FalsePositive float64   `yaml:"false_positive_reward" usage:"for a defender, each time that defenders or benign agents run into its blocks"`
	Firewall      bool      `yaml:"firewall" usage:"the rules of the scenario say who reaches whom; otherwise everybody does"`
	Global        bool      `yaml:"global_defender" usage:"suspicious sequences of actions may be detected, which ends the agent's part"`
	// Success has one entry for each type, so that it reads like the list of types.
	Success [netsecgame.ActionTypes]float64 `yaml:"success_probability" range:"[0, 1]" usage:"that ScanNetwork, FindServices, FindData, ExploitService, ExfiltrateData, BlockIP succeed"`

	// Seats and what they have.
	Attackers int    `yaml:"attackers" range:"[1, 16]" usage:"seats of attackers"`
	Defenders int    `yaml:"defenders" range:"[0, 16]" usage:"seats of defenders"`
	Benign    int    `yaml:"benign" range:"[0, 16]" usage:"seats of benign agents"`
	Addresses []int  `yaml:"addresses" range:"[0, inf)" usage:"variants of the addresses, one of which is drawn for each episode: 0 is the scenario's own, each other number a change of all of them; none draws new addresses for each episode"`
	Actions   string `yaml:"actions" choice:"useful|all" usage:"useful leaves out actions that bring nothing that another does not; all is the whitebox world's list"`
	History   bool   `yaml:"history" usage:"agents see the types of their last four actions, by which the global defender judges"`
	Key       string `yaml:"key" choice:"knowledge|python" usage:"what tables are keyed by: the observation, or the text that agents of the original use"`
}

// Defaults are the standard task in the smaller of the published scenarios, with one attacker.
func Defaults() Config {
	return Config{
		Scenario: "two_networks_small", Start: []string{"213.47.23.195", "random"},
		GoalData: [2]string{"User1", "DatabaseData"}, GoalHost: "213.47.23.195",
		MaxSteps: 100, StepReward: -1, SuccessReward: 100, FailReward: -10, FalsePositive: -5, Firewall: true,
		Success:   [netsecgame.ActionTypes]float64{1, 1, 1, 1, 1, 1},
		Attackers: 1, Addresses: []int{0}, Actions: "useful", Key: "knowledge",
	}
}

// Validate reports every setting that does not fit the others, and what is wrong with the task.
func (c *Config) Validate() error {
	var ck settings.Checks
	key, value := "task", c.Task
	if c.Task == "" {
		key, value = "scenario", c.Scenario
		_, err := netsecgame.ParseIP(c.GoalHost)
		ck.Require(err == nil, "goal_host", c.GoalHost, "must be an address")
		for _, start := range c.Start {
			_, err := netsecgame.ParseIP(start)
			ck.Require(err == nil || start == "random", "start", c.Start, "must be addresses or random")
		}
		if err := ck.Err(); err != nil {
			return err
		}
	}
	t, _, err := c.load()
	if err != nil {
		ck.Require(false, key, value, "%v", err)
		return ck.Err()
	}
	ck.Require(t.Roles[envs.Attacker] != nil, key, value, "must have a section for Attacker")
	ck.Require(t.Roles[envs.Defender] != nil || c.Defenders == 0, "defenders", c.Defenders,
		"needs a section for Defender in the task")
	return ck.Err()
}

// Warnings are about what the task file says in vain.
func (c *Config) Warnings() settings.Errors {
	_, warnings, _ := c.load() // Validate reports the error
	return warnings
}

// load returns the task that the settings name or make, and what is odd about it.
func (c *Config) load() (*netsecgame.Task, settings.Errors, error) {
	if c.Task != "" {
		text, err := os.ReadFile(c.Task)
		if err != nil {
			return nil, nil, err
		}
		return netsecgame.LoadTask(c.Task, text)
	}
	text := fmt.Appendf(nil, standardTask, c.MaxSteps, strings.Join(c.Start, ", "), c.GoalHost, c.GoalData[0],
		c.GoalData[1], c.Scenario, c.Firewall, c.Global, c.StepReward, c.SuccessReward, c.FailReward, c.FalsePositive)
	t, warnings, err := netsecgame.LoadTask("standard task", text)
	if err == nil {
		t.SuccessProbability = c.Success
	}
	return t, warnings, err
}

const standardTask = `
coordinator:
  agents:
    Attacker:
      max_steps: %d
      start_position:
        {known_networks: [], known_hosts: [], controlled_hosts: [%s], known_services: {}, known_data: {}}
      goal:
        {known_networks: [], known_hosts: [], controlled_hosts: [], known_services: {}, known_data: {%s: [[%q, %q]]}, known_blocks: {}}
    Defender:
      start_position:
        {known_networks: [], known_hosts: [], controlled_hosts: [all_local], known_services: {}, known_data: {}}
      goal:
        {known_networks: [], known_hosts: [], controlled_hosts: [], known_services: {}, known_data: {}, known_blocks: {}}
env:
  scenario: %q
  use_firewall: %t
  use_global_defender: %t
  rewards: {step: %v, success: %v, fail: %v, false_positive: %v}
`

// New builds the game. Nothing is drawn for an instance.
func (c *Config) New(uint64) (envs.Env, error) { return NewGame("netsecgame", *c) }

// roles are the seats.
func (c *Config) roles() []envs.Role {
	var roles []envs.Role
	for _, part := range []struct {
		role  envs.Role
		seats int
	}{{envs.Attacker, c.Attackers}, {envs.Defender, c.Defenders}, {envs.Benign, c.Benign}} {
		for range part.seats {
			roles = append(roles, part.role)
		}
	}
	return roles
}

// Bots are the scripted players of a seat.
func (c *Config) Bots(seat int) []envs.Bot { return bots[c.roles()[seat]] }

// Entries are the registered ids: for each scenario, those of [matchups].
func Entries() []envs.Entry {
	var entries []envs.Entry
	for _, s := range scenarios {
		for _, m := range matchups {
			id := "netsecgame-" + s.name + m.family + "-v0"
			entries = append(entries, envs.Entry{
				ID: id, About: m.about, Cast: m.cast,
				Game: func() envs.Game {
					cfg := Defaults()
					cfg.Scenario = s.name
					if s.data != "" {
						cfg.GoalData[1] = s.data
					}
					m.change(&cfg)
					return &named{cfg, id}
				},
			})
		}
	}
	return entries
}

// scenarios are those of the registered ids, with the file that attackers want if it is not the default.
var scenarios = []struct{ name, data string }{
	{"two_networks_tiny", "DataFromServer1"}, {"two_networks_small", ""}, {"two_networks", ""}, {"one_network", ""},
	{"three_net_scenario", ""},
}

// matchups say who plays.
var matchups = []struct {
	family, about string
	cast          []string // "" where the seat is open; nil: all are
	change        func(*Config)
}{
	{"-attacker", "attack, undisturbed", nil, func(*Config) {}},
	{"-attacker_global_defender", "attack under the eyes of the global defender", nil, func(c *Config) { c.Global = true }},
	{"-attacker_blocking", "attack against the blocking defender", []string{"", "blocking"}, withDefender},
	{"-defender", "defend against the goal-directed attack", []string{"bfs", ""}, withDefender},
	{"", "attacker against defender", nil, withDefender},
}

func withDefender(c *Config) { c.Defenders = 1 }

// named is a Config under the id of its entry, which its environments carry.
type named struct {
	Config `yaml:",inline"`
	id     string
}

// New builds the game.
func (n *named) New(uint64) (envs.Env, error) { return NewGame(n.id, n.Config) }
