// Package experiments says what to run and runs it: from a configuration to a folder that holds all that came out.
package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// Catalog is what there is to run.
type Catalog struct {
	Envs       *envs.Registry
	Algorithms []algos.Algorithm
}

// Config is a training run, complete: the same Config gives the same bytes, on one architecture.
type Config struct {
	Env          string `yaml:"env" usage:"environment, as listed by: idsrl envs list"`
	Algo         string `yaml:"algo" usage:"algorithm of every seat that the environment leaves open"`
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
	Settings    settings.Section `yaml:"settings" usage:"hyperparameters of the algorithm"`
}

// Defaults are the settings of a run but for its environment, algorithm and budget.
func Defaults() *Config {
	return &Config{LogRows: 100, Evaluations: 20, EvalEpisodes: 2000, FinalEpisodes: 10000}
}

// Sources are where the settings of a run come from, the later ones over the earlier.
type Sources struct {
	File      *settings.Source // a whole configuration; may be nil
	Env, Algo string           // names, over those of the file; may be empty
	EnvFile   *settings.Source // settings of the environment; may be nil
	EnvSet    []string         // assignments key=value to settings of the environment
	Set       []string         // assignments to settings of the run or of the algorithm
}

// Load makes a configuration in which everything is settled. It reports all problems at once.
func (c Catalog) Load(from Sources) (*Config, error) {
	cfg := Defaults()
	ofRun, ofAlgo := split(from.Set)
	problems := settings.Load(cfg, from.File, settings.Assign("--set", ofRun))
	if from.Env != "" {
		cfg.Env = from.Env
	}
	if from.Algo != "" {
		cfg.Algo = from.Algo
	}
	entry, err := c.Envs.Lookup(cfg.Env)
	if cfg.Env == "" {
		err = errors.New("which environment? name one with --env; idsrl envs list shows all")
	}
	problems = errors.Join(problems, err)
	algorithm, algoErr := algos.Find(c.Algorithms, cfg.Algo)
	if cfg.Algo == "" {
		algoErr = errors.New("which algorithm? name one with --algo: " + strings.Join(c.algorithmNames(), ", "))
	}
	problems = errors.Join(problems, algoErr)
	if err == nil {
		problems = errors.Join(problems, bind(&cfg.EnvSettings, entry.Game(), from.EnvFile, "--env-set", from.EnvSet))
	}
	if algoErr == nil {
		problems = errors.Join(problems, bind(&cfg.Settings, algorithm.Config(), nil, "--set", ofAlgo))
		if cfg.Episodes == 0 && cfg.Steps == 0 {
			cfg.Episodes, cfg.Steps = algorithm.Budget.Episodes, algorithm.Budget.Steps
		}
		if cfg.Envs == 0 {
			cfg.Envs = max(1, algorithm.Envs)
		}
	}
	cfg.resolve()
	return cfg, problems
}

// resolve settles the instance seed.
func (cfg *Config) resolve() {
	if cfg.InstanceSeed == 0 {
		cfg.InstanceSeed = envs.Derive(cfg.Seed, "instance", 0)
	}
}

// WithSeed is a copy with another seed and the instance seed that follows from it, unless one was given.
func (cfg *Config) WithSeed(seed uint64) *Config {
	c := *cfg
	if c.InstanceSeed == envs.Derive(c.Seed, "instance", 0) {
		c.InstanceSeed = 0
	}
	c.Seed = seed
	c.resolve()
	return &c
}

func (c Catalog) algorithmNames() []string {
	var names []string
	for _, a := range c.Algorithms {
		names = append(names, a.Name)
	}
	return names
}

// split separates assignments to settings of a run from those to settings of its algorithm.
func split(assignments []string) (ofRun, ofAlgo []string) {
	keys := map[string]bool{}
	bare := Defaults()
	bare.EnvSettings.Bind(&struct{}{}) //nolint:errcheck // nothing waits to be loaded
	bare.Settings.Bind(&struct{}{})    //nolint:errcheck // nothing waits to be loaded
	for _, f := range settings.Fields(bare) {
		keys[f.Key] = true
	}
	for _, a := range assignments {
		if key, _, _ := strings.Cut(a, "="); keys[strings.TrimSpace(key)] {
			ofRun = append(ofRun, a)
		} else {
			ofAlgo = append(ofAlgo, a)
		}
	}
	return ofRun, ofAlgo
}

// bind settles a section: the struct's own values, what the configuration says, a file, assignments.
func bind(section *settings.Section, into any, file *settings.Source, flag string, assignments []string) error {
	problems := section.Bind(into)
	more := settings.Load(into, file, settings.Assign(flag, assignments))
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

// EnvName names the environment: the registered id, and what is set otherwise.
func (c Catalog) EnvName(cfg *Config) string {
	entry, err := c.Envs.Lookup(cfg.Env)
	if err != nil {
		return cfg.Env
	}
	return variant(cfg.Env, entry.Game(), cfg.EnvSettings.Bound())
}

// AlgoName names the algorithm and what of its settings is not the default.
func (c Catalog) AlgoName(cfg *Config) string {
	algorithm, err := algos.Find(c.Algorithms, cfg.Algo)
	if err != nil {
		return cfg.Algo
	}
	return variant(cfg.Algo, algorithm.Config(), cfg.Settings.Bound())
}

// maxVariant is the longest list of changes that a name spells out.
const maxVariant = 60

// variant is base and the changes from one struct of settings to another, such as "tabular-q+state=observation"; a
// long list of changes is named by its hash.
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
	list := strings.Join(changes, ",")
	if len(list) > maxVariant || strings.ContainsAny(list, `/\ "`) {
		sum := sha256.Sum256([]byte(list))
		list = hex.EncodeToString(sum[:4])
	}
	return base + "+" + list
}

// Dir is the folder of a run below root: environment, algorithm, seed.
func (c Catalog) Dir(root string, cfg *Config) string {
	return filepath.Join(root, c.EnvName(cfg), c.AlgoName(cfg), fmt.Sprintf("seed-%d", cfg.Seed))
}

// Encode is the config.yaml of a run.
func (cfg *Config) Encode() []byte { return settings.Encode(cfg) }
