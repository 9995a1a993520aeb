package league

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/experiments"
)

// Config is a league, complete: the same Config gives the same bytes, on one architecture.
type Config struct {
	Env          string           `yaml:"env" usage:"environment with an attacker and a defender, as listed by: idsrl envs list"`
	EnvSettings  settings.Section `yaml:"env_settings" usage:"settings of the environment"`
	Seed         uint64           `yaml:"seed" usage:"root of all random numbers of training and matches"`
	InstanceSeed uint64           `yaml:"instance_seed" usage:"decides what the environment draws once, for the whole league; 0 derives it from seed"`

	Rounds int    `yaml:"rounds" range:"[0, 10000]" usage:"rounds of training; each adds a member for each agent"`
	Games  int    `yaml:"games" range:"[1, 1e8]" usage:"games of each match of an attacker and a defender"`
	Payoff string `yaml:"payoff" choice:"hacked|return" usage:"what the attacker wants and the defender does not, of which the payoff matrix is: that it hacks, or its return"`

	Attackers Side `yaml:"attackers" usage:"who attacks"`
	Defenders Side `yaml:"defenders" usage:"who defends"`

	Opponents string  `yaml:"opponents" choice:"nash|pfsp|uniform" usage:"whom main agents train against: the other side's members by their weight in the equilibrium of the payoff matrix, as in PSRO, by the agent's win rate against them, or all alike"`
	Latest    float64 `yaml:"latest" range:"[0, 1]" usage:"share of the games of main agents that are against the latest members of the other side's main agents instead"`
	PFSP      string  `yaml:"pfsp" choice:"hard|even" usage:"by win rate, prefer members that the agent loses to, or those that it is even with"`

	Greedy []string `yaml:"greedy" usage:"algorithms whose members play their best action; members of the others draw their actions as at the end of training"`
	Set    []string `yaml:"set" usage:"settings of the training runs, as KEY=VALUE; with a role, an algorithm or both before it, as in attacker.ppo.gamma=0.9, of those alone"`
}

// Side is the agents of a role, each an algorithm that adds a member a round, and members from the start.
type Side struct {
	Main             []string `yaml:"main" usage:"algorithms of main agents, which train against the opponents below"`
	MainExploiters   []string `yaml:"main_exploiters" usage:"algorithms of agents that train against the latest members of the other side's main agents"`
	LeagueExploiters []string `yaml:"league_exploiters" usage:"algorithms of agents that train against all members of the other side by win rate"`
	Players          []string `yaml:"players" usage:"members from the start: bot:NAME, random, constant:ACTION, checkpoint:RUN, greedy:RUN"`
}

// Defaults are PSRO with tabular Q-learning as the oracle.
func Defaults() *Config {
	side := func() Side { return Side{Main: []string{"tabular-q"}, Players: []string{"random"}} }
	return &Config{
		Env: "idsgame-v2", Rounds: 10, Games: 1000, Payoff: "hacked", Attackers: side(), Defenders: side(),
		Opponents: "nash", PFSP: "hard", Greedy: []string{"tabular-q", "dqn"},
	}
}

// Template is a file with the defaults, to edit.
func Template() []byte {
	cfg := Defaults()
	if err := cfg.EnvSettings.Bind(&struct{}{}); err != nil {
		panic(err)
	}
	return cfg.Encode()
}

// side is the part of a role, by its seat: 0 for the attacker, 1 for the defender.
func (cfg *Config) side(seat int) *Side {
	if seat == 0 {
		return &cfg.Attackers
	}
	return &cfg.Defenders
}

// Load makes a configuration in which everything is settled. It reports all problems at once.
func Load(c experiments.Catalog, file *settings.Source, set []string) (*Config, error) {
	cfg := Defaults()
	problems := settings.Load(cfg, file, settings.Assign("--set", set))
	cfg.InstanceSeed = cmp.Or(cfg.InstanceSeed, envs.Derive(cfg.Seed, "instance", 0))
	entry, err := c.Envs.Lookup(cfg.Env)
	if err != nil {
		return cfg, errors.Join(problems, err)
	}
	if problems = errors.Join(problems, cfg.EnvSettings.Bind(entry.Game())); problems != nil {
		return cfg, problems
	}
	for seat, role := range experiments.Roles {
		for _, player := range cfg.side(seat).Players {
			if strings.HasPrefix(player, "mixture:") {
				problems = errors.Join(problems, &settings.Error{Key: role.String() + "s.players", Value: player,
					Problem: "must not be a mixture, whose members are members of their own"})
			}
		}
		if repeated := firstRepeated(cfg.side(seat).Players); repeated != "" {
			problems = errors.Join(problems, &settings.Error{Key: role.String() + "s.players", Value: repeated, Problem: "given twice"})
		}
		if len(cfg.side(seat).Players) == 0 {
			problems = errors.Join(problems, &settings.Error{Key: role.String() + "s.players",
				Problem: "must hold one player at least, for the first round"})
		}
		for _, a := range cfg.agents(seat) {
			_, err := cfg.training(c, a, 1, "random")
			problems = errors.Join(problems, err)
		}
	}
	return cfg, problems
}

// firstRepeated is the first text that stands twice; "" if none does.
func firstRepeated(list []string) string {
	for i, text := range list {
		if slices.Contains(list[:i], text) {
			return text
		}
	}
	return ""
}

// kind is what an agent trains against.
type kind int

const (
	mainAgent kind = iota
	mainExploiter
	leagueExploiter
)

// agent is a place in the league whose learner adds a member in each round.
type agent struct {
	name      string // within its side, such as main-ppo
	seat      int    // 0: attacker, 1: defender
	kind      kind
	algorithm string
}

// agents are those of a side, in the order of the configuration.
func (cfg *Config) agents(seat int) (list []agent) {
	side := cfg.side(seat)
	times := map[string]int{}
	for _, group := range []struct {
		kind       kind
		name       string
		algorithms []string
	}{
		{mainAgent, "main", side.Main},
		{mainExploiter, "main-exploiter", side.MainExploiters},
		{leagueExploiter, "league-exploiter", side.LeagueExploiters},
	} {
		for _, algorithm := range group.algorithms {
			name := group.name + "-" + algorithm
			if times[name]++; times[name] > 1 {
				name = fmt.Sprintf("%s-%d", name, times[name])
			}
			list = append(list, agent{name, seat, group.kind, algorithm})
		}
	}
	return list
}

// training is the configuration of an agent's run in a round against an opponent, a player.
func (cfg *Config) training(c experiments.Catalog, a agent, round int, opponent string) (*experiments.Config, error) {
	role, other := experiments.Roles[a.seat], experiments.Roles[1-a.seat]
	if _, err := algos.Find(c.Algorithms, a.algorithm); err != nil {
		return nil, err
	}
	// What a league looks at is its matches.
	set := []string{"log_rows=20", "evaluations=2", "eval_episodes=200", "final_episodes=200"}
	set = append(set, cfg.settingsOf(c, a)...)
	seed := envs.Derive(cfg.Seed, role.String()+" "+a.name, uint64(round))
	set = append(set, fmt.Sprintf("seed=%d", seed), fmt.Sprintf("instance_seed=%d", cfg.InstanceSeed))
	return c.Load(experiments.Sources{
		Env: cfg.Env, Players: map[envs.Role]string{role: a.algorithm, other: opponent},
		EnvFile: cfg.envSource(), Set: lastOf(set),
	})
}

// envSource is the settings of the environment.
func (cfg *Config) envSource() *settings.Source {
	return settings.File(ConfigFile+":env_settings", settings.Encode(cfg.EnvSettings.Bound()))
}

// settingsOf are the assignments for an agent, without the role and the algorithm before them.
func (cfg *Config) settingsOf(c experiments.Catalog, a agent) (set []string) {
	words := map[string]bool{} // that may stand before a setting, and whether they mean the agent
	for seat, role := range experiments.Roles {
		words[role.String()] = seat == a.seat
	}
	for _, algorithm := range c.Algorithms {
		words[algorithm.Name] = algorithm.Name == a.algorithm
	}
	for _, assignment := range cfg.Set {
		rest, meant := assignment, true
		for {
			word, after, _ := strings.Cut(rest, ".")
			agents, ok := words[word]
			if !ok {
				break
			}
			rest, meant = after, meant && agents
		}
		if meant {
			set = append(set, rest)
		}
	}
	return set
}

// lastOf keeps the last assignment of each key.
func lastOf(set []string) (kept []string) {
	key := func(assignment string) string {
		before, _, _ := strings.Cut(assignment, "=")
		return strings.TrimSpace(before)
	}
	for i, assignment := range set {
		if !slices.ContainsFunc(set[i+1:], func(later string) bool { return key(later) == key(assignment) }) {
			kept = append(kept, assignment)
		}
	}
	return kept
}

// player is how an agent's member plays, from its checkpoint.
func (cfg *Config) player(algorithm, checkpoint string) string {
	if slices.Contains(cfg.Greedy, algorithm) {
		return "greedy:" + checkpoint
	}
	return "checkpoint:" + checkpoint
}

// Encode is the league.yaml of a league.
func (cfg *Config) Encode() []byte { return settings.Encode(cfg) }
