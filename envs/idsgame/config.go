package idsgame

import (
	"idsrl/envs"
	"idsrl/envs/settings"
)

// Config is the settings of a game. Keys and defaults are those of the original, so that its users find theirs.
type Config struct {
	// The network.
	NumLayers          int  `yaml:"num_layers" range:"[0, 20]" usage:"rows of servers between the start node and the data node; 0 joins start and data"`
	NumServersPerLayer int  `yaml:"num_servers_per_layer" range:"[1, 20]" usage:"servers in each row"`
	NumAttackTypes     int  `yaml:"num_attack_types" range:"[1, 50]" usage:"kinds of attack, T, each with its own defence"`
	MaxValue           int  `yaml:"max_value" range:"[1, 100]" usage:"the largest attack, defence or detection value that play can reach, M"`
	ConnectedLayers    bool `yaml:"connected_layers" usage:"join each server with its left and right neighbour, so that the attacker may move sideways"`
	MaxGameSteps       int  `yaml:"max_game_steps" range:"[1, 100000]" usage:"the step limit: this many steps and one more are played, the call after that ends the episode"`

	// What the attacker sees.
	FullyObserved     bool     `yaml:"fully_observed" usage:"the attacker sees the attack values of all nodes, not only of those near it, and tables are keyed by both sides' values"`
	LocalView         bool     `yaml:"local_view_observations" usage:"the attacker sees only the cells at relative_neighbor_positions"`
	NeighborPositions [][2]int `yaml:"relative_neighbor_positions" range:"[-20, 20]" usage:"(row, column) offsets from the attacker that a local view shows; rows grow towards the start"`

	// How observations show it.
	Observation string `yaml:"observation" choice:"own|joint|merged" usage:"own shows what a seat sees by itself; joint adds the other side's values, node by node, if the game is fully observed; merged shows defence minus attack values instead of both, there or with reconnaissance (merged_ad_features of the original)"`
	ZeroMean    bool   `yaml:"zero_mean_features" usage:"show attack values less their mean in each row, and defence values less theirs"`
	Normalize   bool   `yaml:"normalize_features" usage:"show attack values divided by their norm over all rows, and so defence values; with those the detection values, unless the game has reconnaissance"`

	// The initial state.
	DefenseVal              int `yaml:"defense_val" range:"[0, 100]" usage:"initial defence value; the largest one if randomize_env"`
	AttackVal               int `yaml:"attack_val" range:"[0, 100]" usage:"initial attack value; the largest one if randomize_env"`
	DetVal                  int `yaml:"det_val" range:"[0, 100]" usage:"initial detection value, the largest one if randomize_env; a failed attack is detected with a tenth of it as probability"`
	VulnerabilityVal        int `yaml:"vulnerability_val" range:"[0, 100]" usage:"initial defence value of a weak spot, the smallest one if randomize_env"`
	VulnerabilitiesPerNode  int `yaml:"num_vulnerabilities_per_node" range:"[0, 50]" usage:"weak spots drawn, with repetition, on each weak server and on the data node"`
	VulnerabilitiesPerLayer int `yaml:"num_vulnerabilities_per_layer" range:"[0, 20]" usage:"servers in each row that have weak spots"`

	// What is drawn for each episode.
	RandomizeEnv                 bool    `yaml:"randomize_env" usage:"draw new values and weak spots for each episode; otherwise they are drawn once for an instance"`
	MinRandomDVal                int     `yaml:"min_random_d_val" range:"[0, 100]" usage:"smallest defence value that randomize_env draws"`
	MinRandomAVal                int     `yaml:"min_random_a_val" range:"[0, 100]" usage:"smallest attack value that randomize_env draws"`
	MinRandomDetVal              int     `yaml:"min_random_det_val" range:"[0, 100]" usage:"smallest detection value that randomize_env draws"`
	MaxRandomVVal                int     `yaml:"max_random_v_val" range:"[0, 100]" usage:"largest defence value of a weak spot that randomize_env draws"`
	RandomizeStart               bool    `yaml:"randomize_starting_position" usage:"start each episode on a random server or on the start node"`
	RandomizeVisibility          bool    `yaml:"randomize_visibility" usage:"with randomize_env and reconnaissance, reveal nodes at random when an episode starts"`
	VisibilityP                  float64 `yaml:"visibility_p" range:"[0, 1]" usage:"probability that randomize_visibility reveals a node"`
	ConstructRandomizeVisibility bool    `yaml:"construct_randomize_visibility" usage:"reveal nodes at random in the instance's base state"`
	ConstructVisibilityP         float64 `yaml:"construct_visibility_p" range:"[0, 1]" usage:"probability that construct_randomize_visibility reveals a node"`

	// Rewards: sparse (a hack pays 1 and -1, a detection -1 and 1) if none is set.
	DenseRewards   bool `yaml:"dense_rewards" usage:"pay the attacker for each row that it gains"`
	DenseRewardsV2 bool `yaml:"dense_rewards_v2" usage:"alone the same as dense_rewards; with dense_rewards, pay 1 a row and 100 for a detection"`
	DenseRewardsV3 bool `yaml:"dense_rewards_v3" usage:"pay for well-chosen attacks and for the defence that is left; with neither of the other two"`

	// Reconnaissance.
	Reconnaissance            bool    `yaml:"reconnaissance_actions" usage:"the attacker has an action per node that reveals its defence values; 10 stands for an unknown one, so keep max_value below 10"`
	ReconnaissanceBool        bool    `yaml:"reconnaissance_bool_features" usage:"show in the observation which nodes reconnaissance has revealed"`
	ReconnaissanceReward      bool    `yaml:"reconnaissance_reward" usage:"pay 0.5 for reconnaissance that reveals something, -0.5 for one that does not"`
	ExtraReconnaissanceReward bool    `yaml:"extra_reconnaissance_reward" usage:"with dense rewards, pay 1 more for reaching a node after reconnaissance of it"`
	DetectionFactor           float64 `yaml:"reconnaissance_detection_factor" range:"[0, 10]" usage:"how much the detection probability of an attack is multiplied with for reconnaissance"`
}

// Defaults are the settings from which every version departs: version 2, the network of Elderman et al. (2017).
func Defaults() Config {
	return Config{
		NumLayers: 1, NumServersPerLayer: 2, NumAttackTypes: 10, MaxValue: 9, MaxGameSteps: 100,
		Observation: "own",
		DefenseVal:  2, DetVal: 2, VulnerabilitiesPerNode: 1, VulnerabilitiesPerLayer: 2,
		MaxRandomVVal: 1, RandomizeVisibility: true, VisibilityP: 0.5, ConstructVisibilityP: 0.5,
		DetectionFactor: 1,
	}
}

// Validate reports every setting that does not fit the others; ranges stand in the tags.
func (c *Config) Validate() error {
	var ck settings.Checks
	ck.Require(c.DefenseVal <= c.MaxValue, "defense_val", c.DefenseVal, "must be at most max_value = %d", c.MaxValue)
	ck.Require(c.AttackVal <= c.MaxValue, "attack_val", c.AttackVal, "must be at most max_value = %d", c.MaxValue)
	ck.Require(c.VulnerabilityVal <= c.MaxValue, "vulnerability_val", c.VulnerabilityVal,
		"must be at most max_value = %d", c.MaxValue)
	ck.Require(c.VulnerabilitiesPerLayer <= c.NumServersPerLayer, "num_vulnerabilities_per_layer",
		c.VulnerabilitiesPerLayer, "must be at most num_servers_per_layer = %d", c.NumServersPerLayer)
	if c.RandomizeEnv {
		ck.Require(c.MinRandomDVal <= c.DefenseVal, "min_random_d_val", c.MinRandomDVal,
			"must be at most defense_val = %d", c.DefenseVal)
		ck.Require(c.MinRandomAVal <= c.AttackVal, "min_random_a_val", c.MinRandomAVal,
			"must be at most attack_val = %d", c.AttackVal)
		ck.Require(c.MinRandomDetVal <= c.DetVal, "min_random_det_val", c.MinRandomDetVal,
			"must be at most det_val = %d", c.DetVal)
		ck.Require(c.VulnerabilityVal <= c.MaxRandomVVal && c.MaxRandomVVal <= c.MaxValue, "max_random_v_val",
			c.MaxRandomVVal, "must be in [vulnerability_val, max_value] = [%d, %d]", c.VulnerabilityVal, c.MaxValue)
	}
	if c.LocalView {
		ck.Require(len(c.NeighborPositions) > 0, "relative_neighbor_positions", c.NeighborPositions,
			"must name at least one offset for a local view, such as [[-1, 0], [1, 0]]")
	}
	if nodes := c.NumLayers*c.NumServersPerLayer + 2; c.LocalView && c.Reconnaissance {
		// The maximal attack plays local ids as if they were global ones.
		ck.Require(len(c.NeighborPositions) <= nodes, "relative_neighbor_positions", c.NeighborPositions,
			"must name at most as many offsets as there are nodes, %d, with reconnaissance in a local view", nodes)
	}
	ck.Require(c.Observation != "joint" || c.FullyObserved, "observation", c.Observation, "needs fully_observed: true")
	ck.Require(c.Observation != "merged" || c.FullyObserved || c.Reconnaissance, "observation", c.Observation,
		"needs fully_observed: true or reconnaissance_actions: true")
	if !c.Reconnaissance {
		ck.Require(!c.ReconnaissanceReward, "reconnaissance_reward", true, "needs reconnaissance_actions: true")
		ck.Require(!c.ExtraReconnaissanceReward, "extra_reconnaissance_reward", true,
			"needs reconnaissance_actions: true")
	}
	ck.Require(!c.DenseRewardsV3 || !c.DenseRewards && !c.DenseRewardsV2, "dense_rewards_v3", true,
		"does not go together with dense_rewards or dense_rewards_v2")
	return ck.Err()
}

// New builds the game. The instance seed draws the base state: where the weak spots are.
func (c *Config) New(instance uint64) (envs.Env, error) { return NewGame("idsgame", *c, instance) }

// Bots are the scripted players of a seat.
func (c *Config) Bots(seat int) []envs.Bot { return bots[seat] }
