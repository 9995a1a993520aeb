package selfplay

import "idsrl/envs/settings"

// Config is how the learners of a game train each other.
type Config struct {
	Schedule string `yaml:"schedule" choice:"simultaneous|alternating|best-response" usage:"simultaneous: all learn in the same games; alternating and best-response: they take turns in games of their own, in which the others are frozen, for period_updates or until the learner gets no better"`

	PeriodUpdates int `yaml:"period_updates" range:"[0, 1e9]" usage:"updates of a turn, alternating; 0 takes the number of the learner's algorithm"`

	EvaluationEpisodes  int     `yaml:"evaluation_episodes" range:"[1, 1e9]" usage:"best-response: the mean return of so many of the learner's games in a row is an evaluation"`
	PatienceEvaluations int     `yaml:"patience_evaluations" range:"[1, 1e9]" usage:"best-response: a turn ends when so many evaluations in a row have not exceeded the best one of the turn"`
	Threshold           float64 `yaml:"threshold" range:"[0, inf)" usage:"best-response: by how much an evaluation must exceed the best one, in units of the return"`

	Pool PoolConfig `yaml:"pool" usage:"past policies to learn against, for learners that take turns"`
}

// PoolConfig is the settings of the pools.
type PoolConfig struct {
	Probability      float64 `yaml:"probability" range:"[0, 1]" usage:"share of the episodes that are played against past policies, the others against current ones; 0: no pool"`
	Size             int     `yaml:"size" range:"[1, 1e6]" usage:"most past policies; the oldest goes for a new one"`
	IncrementUpdates int     `yaml:"increment_updates" range:"[0, 1e9]" usage:"updates of the learner after which its policy joins the pool; 0: at the end of its turns"`

	Sampling       string  `yaml:"sampling" choice:"uniform|quality|pfsp" usage:"how members are drawn: all alike; by the softmax of qualities that sink where members lose; or by the win rate against them"`
	QualityEta     float64 `yaml:"quality_eta" range:"[0, inf)" usage:"step size of qualities, η"`
	InitialQuality float64 `yaml:"initial_quality" range:"(-inf, inf)" usage:"quality of the first member"`
	PFSPWeighting  string  `yaml:"pfsp_weighting" choice:"hard|even" usage:"prefer members that the learner loses to, or those that it is even with"`
	Bots           bool    `yaml:"bots" usage:"the scripted bots of the seat are members, besides past policies"`
}

// Defaults are those of a run with learners in several seats.
func Defaults() *Config {
	return &Config{
		Schedule:           "simultaneous",
		EvaluationEpisodes: 1000, PatienceEvaluations: 3, Threshold: 0.01,
		Pool: PoolConfig{
			Probability: 0.5, Size: 1000, Sampling: "uniform", QualityEta: 0.01, InitialQuality: 1, PFSPWeighting: "hard",
		},
	}
}

// Validate reports settings of a pool that nobody would play against.
func (c *Config) Validate() error {
	var ck settings.Checks
	ck.Require(c.TakesTurns() || c.Pool == Defaults().Pool, "schedule", c.Schedule,
		"must be alternating or best-response with settings of the pool")
	return ck.Err()
}

// TakesTurns reports whether the learners learn in games of their own.
func (c *Config) TakesTurns() bool { return c.Schedule != "simultaneous" }
