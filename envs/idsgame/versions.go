package idsgame

import (
	"fmt"

	"idsrl/envs"
)

// matchup says who plays a family of ids: the bots of the attacker and the defender, "" where the seat is open.
type matchup struct {
	family             string // between "idsgame" and the version; "" where both seats are open
	attacker, defender string
}

var matchups = []matchup{
	{"minimal_defense", "", "minimal"},
	{"random_defense", "", "random"},
	{"maximal_attack", "maximal", ""},
	{"random_attack", "random", ""},
	{"", "", ""},
}

// versions are the settings of versions 0 to 21, as changes of Defaults.
var versions = []func(*Config){
	0:  oneServer,
	1:  with(oneServer, func(c *Config) { c.DefenseVal, c.DetVal, c.VulnerabilitiesPerNode = 4, 3, 4 }),
	2:  func(*Config) {},
	3:  twoByThree,
	4:  with(fourByFive, func(c *Config) { c.VulnerabilitiesPerLayer = 5 }),
	5:  with(fourByFive, connected),
	6:  with(fourByFive, connected, densely),
	7:  with(twoByThree, densely),
	8:  with(oneServer, densely),
	9:  densely,
	10: with(oneServer, densely, fullyObserved),
	11: with(noServer, func(c *Config) { c.MaxValue, c.DetVal = 2, 1 }),
	12: with(noServer, func(c *Config) {
		c.MaxValue, c.DefenseVal, c.AttackVal, c.DetVal = 2, 1, 1, 1
		c.RandomizeEnv = true
	}),
	13: with(noServer, func(c *Config) { c.MaxValue, c.DetVal = 1, 10 }),
	14: with(oneServer, fourTypes, fullyObserved, upAndDown, densely, func(c *Config) { c.LocalView = true }),
	15: with(densely, fullyObserved, upAndDown, func(c *Config) {
		c.MaxValue, c.DefenseVal, c.VulnerabilitiesPerLayer = 10, 4, 1
		c.RandomizeEnv, c.MinRandomDVal, c.MinRandomDetVal = true, 2, 1
		c.LocalView = true
	}),
	16: with(oneServer, fourTypes, fullyObserved, upAndDown, densely2, anywhere),
	17: with(oneServer, fourTypes, densely2, anywhere),
	18: with(oneServer, fourTypes, upAndDown, densely2, anywhere, scouting, func(c *Config) {
		c.MaxValue, c.DefenseVal, c.MinRandomDVal = 7, 7, 7
		c.LocalView = true
	}),
	19: with(scoutingV3, func(c *Config) {
		c.DefenseVal, c.MinRandomDVal, c.VulnerabilitiesPerLayer = 9, 7, 1
		c.ConstructRandomizeVisibility = true
	}),
	20: with(scoutingV3, func(c *Config) { c.DefenseVal, c.MinRandomDVal = 9, 3 }),
	21: with(scoutingV3, func(c *Config) { c.DefenseVal, c.MinRandomDVal, c.VulnerabilitiesPerNode = 1, 1, 0 }),
}

// The parts of which versions are made.

func with(parts ...func(*Config)) func(*Config) {
	return func(c *Config) {
		for _, part := range parts {
			part(c)
		}
	}
}

func oneServer(c *Config) { c.NumServersPerLayer, c.VulnerabilitiesPerLayer = 1, 1 }

func twoByThree(c *Config) { c.NumLayers, c.NumServersPerLayer, c.VulnerabilitiesPerLayer = 2, 3, 3 }

func fourByFive(c *Config) { c.NumLayers, c.NumServersPerLayer = 4, 5 }

func noServer(c *Config) {
	c.NumLayers, c.NumServersPerLayer, c.NumAttackTypes = 0, 1, 2
	c.DefenseVal, c.VulnerabilitiesPerNode, c.VulnerabilitiesPerLayer = 0, 0, 0
	c.FullyObserved, c.DenseRewards = true, true
}

func fourTypes(c *Config) {
	c.NumAttackTypes, c.MaxValue, c.DefenseVal, c.DetVal = 4, 4, 4, 1
	c.RandomizeEnv, c.MinRandomDVal, c.MinRandomDetVal = true, 3, 1
}

func scouting(c *Config) {
	c.Reconnaissance, c.ReconnaissanceBool, c.VulnerabilityVal = true, true, 1
}

func scoutingV3(c *Config) {
	c.NumAttackTypes, c.DetVal, c.DenseRewardsV3 = 4, 1, true
	c.RandomizeEnv, c.MinRandomDetVal = true, 1
	c.RandomizeVisibility, c.VisibilityP, c.ConstructVisibilityP = false, 0, 0
	anywhere(c)
	scouting(c)
}

func anywhere(c *Config)      { c.RandomizeStart = true }
func connected(c *Config)     { c.ConnectedLayers = true }
func densely(c *Config)       { c.DenseRewards = true }
func densely2(c *Config)      { c.DenseRewardsV2 = true }
func fullyObserved(c *Config) { c.FullyObserved = true }
func upAndDown(c *Config)     { c.NeighborPositions = [][2]int{{-1, 0}, {1, 0}} }

// exceptions are the two ids whose settings depend on more than the version.
var exceptions = map[string]func(*Config){
	"idsgame-maximal_attack-v16": strongerDetection,
	"idsgame-maximal_attack-v17": strongerDetection,
}

func strongerDetection(c *Config) { c.DetVal, c.MinRandomDVal = 4, 1 }

// named is a Config under the id of its entry, which its environments carry.
type named struct {
	Config `yaml:",inline"`
	id     string
}

// New builds the game.
func (n *named) New(instance uint64) (envs.Env, error) { return NewGame(n.id, n.Config, instance) }

// Entries are the 110 registered ids, version by version.
func Entries() []envs.Entry {
	var entries []envs.Entry
	for v, change := range versions {
		for _, m := range matchups {
			id := fmt.Sprintf("idsgame-v%d", v)
			if m.family != "" {
				id = fmt.Sprintf("idsgame-%s-v%d", m.family, v)
			}
			entry := envs.Entry{ID: id, About: m.about(), Game: func() envs.Game {
				cfg := Defaults()
				change(&cfg)
				if exception, ok := exceptions[id]; ok {
					exception(&cfg)
				}
				return &named{Config: cfg, id: id}
			}}
			if m.family != "" {
				entry.Cast = []string{AttackerSeat: m.attacker, DefenderSeat: m.defender}
			}
			entries = append(entries, entry)
		}
	}
	return entries
}

func (m matchup) about() string {
	switch {
	case m.defender != "":
		return "attack against the " + m.defender + " defence"
	case m.attacker != "":
		return "defend against the " + m.attacker + " attack"
	default:
		return "attacker against defender"
	}
}
