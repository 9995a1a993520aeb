// Package experiments says what to run and runs it: from a configuration to a folder that holds all that came out.
package experiments

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"idsrl/algos"
	"idsrl/algos/selfplay"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// Catalog is what there is to run.
type Catalog struct {
	Envs       *envs.Registry
	Algorithms []algos.Algorithm
}

// Config is a training run, complete: the same Config gives the same bytes, on one architecture.
type Config struct {
	Env          string `yaml:"env" usage:"environment, as listed by: idsrl envs list"`
	Algo         string `yaml:"algo,omitempty" usage:"algorithm of every seat that the environment leaves open"`
	Attacker     string `yaml:"attacker,omitempty" usage:"who plays the attacker instead: an algorithm, or a player that does not learn, as in idsrl train --help; learners of different algorithms take the larger number of environments and the larger budget, in steps if one counts them; learners that take turns, both budgets"`
	Defender     string `yaml:"defender,omitempty" usage:"the same for the defender"`
	Seed         uint64 `yaml:"seed" usage:"root of all random numbers of training and evaluation"`
	InstanceSeed uint64 `yaml:"instance_seed" usage:"decides what the environment draws once, such as where its weak spots are; 0 derives it from seed"`

	Episodes int64 `yaml:"episodes" range:"[0, inf)" usage:"train for so many episodes; with steps as well, for whichever is reached first; 0 and 0 take the algorithm's budget"`
	Steps    int64 `yaml:"steps" range:"[0, inf)" usage:"train for so many steps"`
	Envs     int   `yaml:"envs" range:"[0, 4096]" usage:"environments that are stepped together; 0 takes the algorithm's number"`

	LogRows       int `yaml:"log_rows" range:"[1, 100000]" usage:"rows of train.csv, equally spaced over the budget"`
	Evaluations   int `yaml:"evaluations" range:"[1, 10000]" usage:"evaluations, equally spaced over the budget, besides one before training"`
	EvalEpisodes  int `yaml:"eval_episodes" range:"[1, 100000000]" usage:"games of each evaluation and mode"`
	FinalEpisodes int `yaml:"final_episodes" range:"[1, 100000000]" usage:"games of the last evaluation and mode"`

	EnvSettings settings.Section `yaml:"env_settings" usage:"settings of the environment"`
	Settings    settings.Section `yaml:"settings,omitempty" usage:"hyperparameters of the algorithm"`

	SelfPlay settings.Section `yaml:"self_play,omitempty" usage:"how learners in several seats train each other"`

	AttackerSettings settings.Section `yaml:"attacker_settings,omitempty" usage:"hyperparameters of the algorithm that attacker names"`
	DefenderSettings settings.Section `yaml:"defender_settings,omitempty" usage:"hyperparameters of the algorithm that defender names"`

	frozen map[string]frozen // what the frozen players are made from, by hash
}

// Defaults are the settings of a run but for its environment, algorithm and budget.
func Defaults() *Config {
	cfg := &Config{LogRows: 100, Evaluations: 20, EvalEpisodes: 2000, FinalEpisodes: 10000}
	if err := cfg.SelfPlay.Bind(selfplay.Defaults()); err != nil {
		panic(err)
	}
	return cfg
}

// Sources are where the settings of a run come from, the later ones over the earlier.
type Sources struct {
	File      *settings.Source     // a whole configuration; may be nil
	Dir       string               // its folder, which holds the checkpoints of frozen players that it names by hash
	Env, Algo string               // names, over those of the file; may be empty
	Players   map[envs.Role]string // who plays, over those of the file
	EnvFile   *settings.Source     // settings of the environment; may be nil
	EnvSet    []string             // assignments key=value to settings of the environment
	Set       []string             // assignments to settings of the run, of all learners or, as in attacker.key=value, of one
}

// loadRun loads the configuration in the folder of a run.
func (c Catalog) loadRun(dir string) (*Config, error) {
	path := filepath.Join(dir, results.ConfigFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return c.Load(Sources{File: settings.File(path, data), Dir: dir})
}

// Load makes a configuration in which everything is settled. It reports all problems at once.
func (c Catalog) Load(from Sources) (*Config, error) {
	cfg := Defaults()
	ofRun, ofLearners := split(from.Set)
	problems := settings.Load(cfg, from.File, settings.Assign("--set", ofRun))
	cfg.Env, cfg.Algo = cmp.Or(from.Env, cfg.Env), cmp.Or(from.Algo, cfg.Algo)
	for role, player := range from.Players {
		*cfg.part(role).player = player
	}
	cfg.resolve()
	entry, err := c.Envs.Lookup(cfg.Env)
	if cfg.Env == "" {
		err = errors.New("which environment? name one with --env; idsrl envs list shows all")
	}
	if err != nil {
		_, algoErr := c.algorithm(cfg.Algo)
		if cfg.Algo == "" && cfg.named() {
			algoErr = nil
		}
		return cfg, errors.Join(problems, err, algoErr)
	}
	err = bind(&cfg.EnvSettings, entry.Game(), from.EnvFile, settings.Assign("--env-set", from.EnvSet))
	return cfg, distinct(errors.Join(problems, err, c.cast(cfg, entry, from.Dir, ofLearners)))
}

// resolve settles the instance seed.
func (cfg *Config) resolve() {
	if cfg.InstanceSeed == 0 {
		cfg.InstanceSeed = envs.Derive(cfg.Seed, "instance", 0)
	}
}

// withoutSeeds is a copy with the seed 0, and without an instance seed unless one was given.
func (cfg *Config) withoutSeeds() *Config {
	c := *cfg
	if c.InstanceSeed == envs.Derive(c.Seed, "instance", 0) {
		c.InstanceSeed = 0
	}
	c.Seed = 0
	return &c
}

// WithSeed is a copy with another seed and the instance seed that follows from it, unless one was given.
func (cfg *Config) WithSeed(seed uint64) *Config {
	c := cfg.withoutSeeds()
	c.Seed = seed
	c.resolve()
	return c
}

// split separates assignments to settings of a run from those to settings of its learners.
func split(assignments []string) (ofRun, ofLearners []string) {
	for _, a := range assignments {
		if has(Defaults(), keyOf(a)) {
			ofRun = append(ofRun, a)
		} else {
			ofLearners = append(ofLearners, a)
		}
	}
	return ofRun, ofLearners
}

// keyOf is the key of an assignment.
func keyOf(assignment string) string {
	key, _, _ := strings.Cut(assignment, "=")
	return strings.TrimSpace(key)
}

// has reports whether cfg has a setting or a group of that key.
func has(cfg any, key string) bool {
	return slices.ContainsFunc(settings.Fields(cfg), func(f settings.Field) bool {
		return f.Key == key || strings.HasPrefix(f.Key, key+".")
	})
}

// bind settles a section: the struct's own values, what the configuration says, then the sources.
func bind(section *settings.Section, into any, sources ...*settings.Source) error {
	problems := section.Bind(into)
	more := settings.Load(into, sources...)
	if problems != nil {
		more = placed(more) // the rest repeats what Bind found
	}
	return errors.Join(problems, more)
}

// placed is the problems that a source has, without those of values that stand in the struct.
func placed(problems error) error {
	var all, kept settings.Errors
	if errors.As(problems, &all) {
		for _, p := range all {
			if p.File != "" {
				kept = append(kept, p)
			}
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// distinct is problems without those that another repeats or says more of.
func distinct(problems error) error {
	all := leaves(problems)
	var kept []error
	for i, p := range all {
		covered := false
		for j, other := range all {
			longer := len(other.Error()) - len(p.Error())
			covered = covered || strings.HasPrefix(other.Error(), p.Error()) && (longer > 0 || j < i)
		}
		if !covered {
			kept = append(kept, p)
		}
	}
	return errors.Join(kept...)
}

// leaves are the single problems in a tree of joined ones.
func leaves(problems error) (list []error) {
	switch joined := problems.(type) { //nolint:errorlint // this takes the tree of errors apart, node by node
	case nil:
	case interface{ Unwrap() []error }:
		for _, p := range joined.Unwrap() {
			list = append(list, leaves(p)...)
		}
	default:
		list = []error{problems}
	}
	return list
}

// EnvName names the environment: the registered id, and what is set otherwise.
func (c Catalog) EnvName(cfg *Config) string {
	entry, err := c.Envs.Lookup(cfg.Env)
	if err != nil {
		return cfg.Env
	}
	return variant(cfg.Env, entry.Game(), cfg.EnvSettings.Bound())
}

// AlgoName names the algorithm and what of its settings is not the default, such as "tabular-q+gamma=0.9". Where
// learners differ or a seat is not played as the environment casts it, it names all players: "ppo-vs-bot-random". What is
// set of self-play comes last: "ppo+schedule=alternating".
func (c Catalog) AlgoName(cfg *Config) string {
	return variant(c.playersName(cfg), selfplay.Defaults(), cfg.selfPlay())
}

// playersName is AlgoName without self-play.
func (c Catalog) playersName(cfg *Config) string {
	entry, err := c.Envs.Lookup(cfg.Env)
	if err != nil || !cfg.named() {
		return c.playerName(seat{player: cfg.Algo, section: &cfg.Settings})
	}
	seats, err := cfg.seats(entry)
	if err != nil {
		return cfg.Algo
	}
	var names []string
	for _, s := range seats {
		names = append(names, c.playerName(s))
	}
	return strings.Join(names, "-vs-")
}

// playerName names who plays a seat.
func (c Catalog) playerName(s seat) string {
	algorithm, err := algos.Find(c.Algorithms, s.player)
	if err == nil {
		return variant(s.player, algorithm.Config(), s.section.Bound())
	}
	kind, which, ok := strings.Cut(s.player, ":")
	if !ok {
		return s.player
	}
	return kind + "-" + inPath(which)
}

// variant is base and the changes from one struct of settings to another, such as "tabular-q+state=observation".
func variant(base string, from, to any) string {
	defaults := map[string]string{}
	for _, f := range settings.Fields(from) {
		defaults[f.Key] = f.String()
	}
	var changes []string
	for _, f := range settings.Fields(to) {
		if f.String() != defaults[f.Key] {
			changes = append(changes, f.Key+"="+f.String())
		}
	}
	if len(changes) == 0 {
		return base
	}
	return base + "+" + inPath(strings.Join(changes, ","))
}

// maxInPath is the longest text that a name spells out.
const maxInPath = 60

// inPath is text as part of a name: its hash where it is long or no good in a path.
func inPath(text string) string {
	if len(text) > maxInPath || strings.ContainsAny(text, `/\ "*:<>?|`) {
		return sha256Of([]byte(text))[:8]
	}
	return text
}

// Dir is the folder of a run below root: environment, algorithm, seed.
func (c Catalog) Dir(root string, cfg *Config) string {
	return filepath.Join(root, c.EnvName(cfg), c.AlgoName(cfg), fmt.Sprintf("seed-%d", cfg.Seed))
}

// Encode is the config.yaml of a run.
func (cfg *Config) Encode() []byte { return settings.Compact(cfg) }

// SHA256 names what runs with different seeds share: it is the hash of their config.yaml, in hexadecimal, without comments
// and with the seeds set to 0. An instance seed that does not follow from the seed is a setting like any other.
func (cfg *Config) SHA256() string { return hashOf(cfg.withoutSeeds().Encode()) }

// hashOf is the SHA-256 of the lines of a configuration that are no comments, in hexadecimal.
func hashOf(config []byte) string {
	h := sha256.New()
	for line := range bytes.Lines(config) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			h.Write(line)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
