package experiments

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// Roles are those whose players a configuration can name. Seats of other roles play algo, or as the environment casts
// them.
var Roles = []envs.Role{envs.Attacker, envs.Defender}

// part is what a configuration says of the seats of a role.
type part struct {
	player   *string
	settings *settings.Section // of player, where it is an algorithm
}

func (cfg *Config) part(role envs.Role) part {
	switch role {
	case envs.Attacker:
		return part{&cfg.Attacker, &cfg.AttackerSettings}
	case envs.Defender:
		return part{&cfg.Defender, &cfg.DefenderSettings}
	default:
		return part{new(string), new(settings.Section)}
	}
}

// named reports whether the configuration names the player of a role.
func (cfg *Config) named() bool {
	return slices.ContainsFunc(Roles, func(role envs.Role) bool { return *cfg.part(role).player != "" })
}

// seat is a seat of a game and who plays it.
type seat struct {
	index   int
	role    envs.Role
	open    bool              // whether the environment leaves it open
	player  string            // an algorithm, or a player as in Catalog.player; "" where none is named
	section *settings.Section // of the configuration, for the settings of an algorithm in this seat
}

// seat says who plays a seat: the player that its role names, else the environment's bot, else algo.
func (cfg *Config) seat(entry envs.Entry, index int, role envs.Role) seat {
	p := cfg.part(role)
	s := seat{index: index, role: role, open: entry.Open(index), player: *p.player, section: p.settings}
	switch {
	case s.player != "":
	case s.open:
		s.player, s.section = cfg.Algo, &cfg.Settings
	default:
		s.player = "bot:" + entry.Cast[index]
	}
	return s
}

// seats are those of the environment's game. Which there are does not depend on its settings.
func (cfg *Config) seats(entry envs.Entry) (list []seat, err error) {
	game, err := entry.Game().New(0)
	if err != nil {
		return nil, err
	}
	for i, s := range game.Spec().Seats {
		list = append(list, cfg.seat(entry, i, s.Role))
	}
	return list, game.Close()
}

// learner is a seat that an algorithm plays.
type learner struct {
	seat
	algorithm algos.Algorithm
	config    any // the settings of its algorithm
}

// cast settles who plays, with which settings the learners learn, and what of the run follows from who they are.
func (c Catalog) cast(cfg *Config, entry envs.Entry, dir string, set []string) error {
	seats, err := cfg.seats(entry)
	if err != nil {
		return err
	}
	learners, problems := c.enlist(cfg, entry, seats)
	roles := byRole(set)
	if problems == nil { // else nobody knows which settings there are
		problems = errors.Join(bindAll(learners, roles), cfg.refuse(seats, roles))
	}
	for _, s := range seats {
		problems = errors.Join(problems, cfg.freeze(s, dir))
	}
	problems = errors.Join(problems, cfg.settleSelfPlay(learners))
	cfg.plan(learners)
	if problems == nil {
		cfg.simplify(entry, seats, learners)
	}
	return problems
}

// enlist finds the learners.
func (c Catalog) enlist(cfg *Config, entry envs.Entry, seats []seat) (learners []learner, problems error) {
	for _, s := range seats {
		algorithm, err := c.algorithm(s.player)
		switch plays := s.section == &cfg.Settings; {
		case err == nil:
			learners = append(learners, learner{seat: s, algorithm: algorithm})
		case plays && s.player == "" && cfg.named():
			problems = errors.Join(problems, fmt.Errorf(
				"who plays the %s? name a player with --%[1]s, or an algorithm for every open seat with --algo", s.role))
		case plays:
			problems = errors.Join(problems, err)
		default:
			problems = errors.Join(problems, c.checkForm(s, entry.Game()))
		}
	}
	for _, role := range Roles {
		player := *cfg.part(role).player
		if player != "" && !slices.ContainsFunc(seats, func(s seat) bool { return s.role == role }) {
			problems = errors.Join(problems, &settings.Error{
				Key: role.String(), Value: player, Problem: cfg.Env + " has no such seat; leave it out",
			})
		}
	}
	if problems == nil && len(learners) == 0 {
		problems = &settings.Error{Key: "env", Value: cfg.Env, Problem: "nobody learns: " + describe(seats) +
			"; name an algorithm with " + flags(seats)}
	}
	return learners, problems
}

// algorithm finds an algorithm for every open seat.
func (c Catalog) algorithm(name string) (algos.Algorithm, error) {
	if name == "" {
		return algos.Algorithm{}, errors.New("which algorithm? name one with --algo: " + strings.Join(c.algorithmNames(), ", "))
	}
	return algos.Find(c.Algorithms, name)
}

func (c Catalog) algorithmNames() []string {
	var names []string
	for _, a := range c.Algorithms {
		names = append(names, a.Name)
	}
	return names
}

// describe says who plays each seat.
func describe(seats []seat) string {
	var list []string
	for _, s := range seats {
		list = append(list, fmt.Sprintf("%s plays the %s", s.player, s.role))
	}
	return strings.Join(list, ", ")
}

// flags are those that name the players of seats.
func flags(seats []seat) string {
	var list []string
	for _, s := range seats {
		list = append(list, "--"+s.role.String())
	}
	return strings.Join(list, " or ")
}

// byRole sorts assignments by the role that they begin with, and takes it off. Those without one are Nobody's.
func byRole(set []string) map[envs.Role][]string {
	roles := map[envs.Role][]string{}
	for _, a := range set {
		of := envs.Nobody
		for _, role := range Roles {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(a), role.String()+"."); ok {
				of, a = role, rest
			}
		}
		roles[of] = append(roles[of], a)
	}
	return roles
}

// assign is what the flags say of the settings of a role alone.
func assign(role envs.Role, roles map[envs.Role][]string) *settings.Source {
	return settings.Assign("--set "+role.String(), roles[role])
}

// bindAll settles the settings of the learners. An assignment without a role is for all that have the setting; one that
// nobody has is for all, too, and each suggests what may be meant.
func bindAll(learners []learner, roles map[envs.Role][]string) (problems error) {
	known := func(assignment string) bool {
		return slices.ContainsFunc(learners, func(l learner) bool { return has(l.algorithm.Config(), keyOf(assignment)) })
	}
	for i := range learners {
		l := &learners[i]
		if l.config = l.section.Bound(); l.config != nil {
			continue // another seat plays algo, too
		}
		l.config = l.algorithm.Config()
		var forAll []string
		for _, a := range roles[envs.Nobody] {
			if has(l.config, keyOf(a)) || !known(a) {
				forAll = append(forAll, a)
			}
		}
		problems = errors.Join(problems,
			bind(l.section, l.config, settings.Assign("--set", forAll), assign(l.role, roles)))
	}
	return problems
}

// refuse reports settings that no learner reads.
func (cfg *Config) refuse(seats []seat, roles map[envs.Role][]string) (problems error) {
	for _, role := range Roles {
		section, why := cfg.part(role).settings, fmt.Sprintf("%s has no %s; leave it out", cfg.Env, role)
		if section.Bound() != nil {
			continue
		}
		for _, s := range seats {
			switch {
			case s.role != role:
			case s.section == &cfg.Settings:
				why = fmt.Sprintf("the %s shares the settings of algo; for its own, name its algorithm: --%[1]s %s", role, s.player)
			default:
				why = fmt.Sprintf("%s, which does not learn, plays the %s; name an algorithm with --%[2]s", s.player, role)
			}
		}
		problems = errors.Join(problems, because(why, bind(section, &struct{}{}, assign(role, roles))))
	}
	if cfg.Settings.Bound() == nil {
		why := fmt.Sprintf("no seat is left to algo: %s; leave it out", describe(seats))
		err := because(why, cfg.Settings.Bind(&struct{}{}))
		if cfg.Algo != "" {
			err = &settings.Error{Key: "algo", Value: cfg.Algo, Problem: why}
		}
		problems = errors.Join(problems, err)
	}
	return problems
}

// because is the first of some errors about settings, for another reason: that of all of them.
func because(why string, err error) error {
	first, ok := errors.AsType[*settings.Error](err)
	if !ok {
		return err
	}
	first.Problem = why
	return first
}

// plan settles how long to train and in how many environments, unless the configuration says so: the largest numbers of
// the learners, and steps rather than episodes. Learners that take turns have the budget among them, all of theirs.
func (cfg *Config) plan(learners []learner) {
	var most algos.Budget
	n := 1
	for _, l := range learners {
		b := l.algorithm.Budget
		if cfg.selfPlay().TakesTurns() {
			most = algos.Budget{Episodes: most.Episodes + b.Episodes, Steps: most.Steps + b.Steps}
		} else {
			most = algos.Budget{Episodes: max(most.Episodes, b.Episodes), Steps: max(most.Steps, b.Steps)}
		}
		n = max(n, l.algorithm.Envs)
	}
	if cfg.Episodes == 0 && cfg.Steps == 0 {
		if cfg.Steps = most.Steps; cfg.Steps == 0 {
			cfg.Episodes = most.Episodes
		}
	}
	if cfg.Envs == 0 {
		cfg.Envs = n
	}
}

// simplify leaves one way to say who plays, so that equal runs have equal configurations: algo stands for the learners
// of the open seats if they are alike, else their roles name them; and no role names the environment's own bot.
func (cfg *Config) simplify(entry envs.Entry, seats []seat, learners []learner) {
	for _, s := range seats {
		if !s.open && s.player == "bot:"+entry.Cast[s.index] {
			*cfg.part(s.role).player = ""
		}
	}
	open := slices.DeleteFunc(slices.Clone(learners), func(l learner) bool { return !l.open })
	alike := !slices.ContainsFunc(open, func(l learner) bool {
		return l.player != open[0].player || !bytes.Equal(settings.Encode(l.config), settings.Encode(open[0].config))
	})
	cfg.Algo, cfg.Settings = "", settings.Section{}
	for _, l := range learners {
		p := cfg.part(l.role)
		*p.player, *p.settings = "", settings.Section{}
		if l.open && (alike || !slices.Contains(Roles, l.role)) {
			p = part{&cfg.Algo, &cfg.Settings}
		}
		*p.player = l.player
		p.settings.Bind(l.config) //nolint:errcheck // it has been bound before, without a problem
	}
}
