package experiments

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// A Tree is a folder of experiments: each folder below it with a configuration is one, and its path is its name.
type Tree struct {
	Catalog Catalog
	Dir     string
	Runs    string          // folder for the runs of all experiments: those of an experiment are in Runs/NAME/seed-N
	File    string          // name of the configurations: results.ConfigFile, or that of others that stand beside them
	Quick   bool            // only try whether experiments run: a few updates, a few games
	Program results.Program // plays simulations
	Begun   *atomic.Int64   // counts the games of simulations that have begun; may be nil
}

// A Kind is what an experiment does.
type Kind string

// The kinds. Of the folders in a tree, simulations and manual_play hold theirs, all others training.
const (
	Training   Kind = "training"
	Simulating Kind = "simulation"
	Playing    Kind = "manual play"
)

// An Experiment is a configuration in a tree.
type Experiment struct {
	Name string
	Kind Kind
	tree *Tree
}

// Find returns the experiments that any of the patterns names, or all without a pattern, in the order of their names. A
// pattern is a name or the beginning of one up to a slash, and may hold what path.Match knows: */v0, training/v?/*/dqn. None
// is found, without an error, where no folder has a configuration of that name.
func (t *Tree) Find(patterns ...string) (found []Experiment, err error) {
	used := make([]bool, len(patterns))
	err = fs.WalkDir(os.DirFS(t.Dir), ".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() != t.File {
			return err
		}
		e := Experiment{Name: path.Dir(at), tree: t}
		named := len(patterns) == 0
		for i, pattern := range patterns {
			ok, err := below(pattern, e.Name)
			if err != nil {
				return &settings.Error{Key: "experiment", Value: pattern, Problem: err.Error()}
			}
			named, used[i] = named || ok, used[i] || ok
		}
		if named {
			e.Kind = kindOf(e.Name)
			found = append(found, e)
		}
		return nil
	})
	if unused := slices.Index(used, false); unused >= 0 && err == nil {
		err = t.unknown(patterns[unused])
	}
	slices.SortFunc(found, func(a, b Experiment) int { return results.ByName(a.Name, b.Name) })
	return found, err
}

// unknown is the error of a pattern that no experiment matches, nil if no folder has a configuration of that name. It suggests
// experiments and folders of them: those at the end of whose path the pattern is, a few that are called nearly so, or the folder
// that holds some.
func (t *Tree) unknown(pattern string) error {
	all, err := t.Find()
	if err != nil || len(all) == 0 {
		return err
	}
	var known, near []string
	for _, e := range all {
		for name := e.Name; name != "." && !slices.Contains(known, name); name = path.Dir(name) {
			known = append(known, name)
			if strings.HasSuffix(name, "/"+pattern) {
				near = append(near, name)
			}
		}
	}
	for len(near) < 3 {
		name := settings.Suggest(pattern, known)
		if name == "" {
			break
		}
		near, known = append(near, name), slices.DeleteFunc(known, func(k string) bool { return k == name })
	}
	for folder := path.Dir(pattern); len(near) == 0 && folder != "."; folder = path.Dir(folder) {
		if slices.Contains(known, folder) {
			near = append(near, folder)
		}
	}
	unknown := &envs.UnknownError{Kind: "experiment", Name: pattern, Hint: "idsrl experiments list shows all"}
	if t.File != results.ConfigFile {
		unknown.Kind += " with " + t.File
	}
	if near = near[:min(len(near), 3)]; len(near) > 0 {
		unknown.Hint = "did you mean " + strings.Join(near, " or ") + "? " + unknown.Hint
	}
	return unknown
}

// below reports whether a pattern matches a name or a folder that it is in.
func below(pattern, name string) (bool, error) {
	pattern = path.Clean(pattern)
	for ; name != "."; name = path.Dir(name) {
		if ok, err := path.Match(pattern, name); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func kindOf(name string) Kind {
	switch top, _, _ := strings.Cut(name, "/"); top {
	case "simulations":
		return Simulating
	case "manual_play":
		return Playing
	default:
		return Training
	}
}

// Dir is the folder of the experiment.
func (e Experiment) Dir() string { return filepath.Join(e.tree.Dir, filepath.FromSlash(e.Name)) }

// Runs is the folder for its runs. Those of a configuration of another name have a folder of that name in it.
func (e Experiment) Runs() string {
	dir := filepath.Join(e.tree.Runs, filepath.FromSlash(e.Name))
	if e.tree.File != results.ConfigFile {
		dir = filepath.Join(dir, strings.TrimSuffix(e.tree.File, filepath.Ext(e.tree.File)))
	}
	return dir
}

// run is the folder of the run with a seed.
func (e Experiment) run(seed int) string {
	return filepath.Join(e.Runs(), fmt.Sprintf("seed-%d", seed))
}

// seedOf is the seed of a run's folder, if its name has one.
func seedOf(folder string) (seed int, ok bool) {
	number, ok := strings.CutPrefix(folder, "seed-")
	seed, err := strconv.Atoi(number)
	return seed, ok && err == nil && seed >= 0
}

// source is the configuration as it stands in the folder.
func (e Experiment) source() (*settings.Source, error) {
	file := filepath.Join(e.Dir(), e.tree.File)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return settings.File(file, data), nil
}

// Players are who plays or learns, and the environment, as configured.
func (e Experiment) Players() (env, players string, err error) {
	names := map[envs.Role]string{}
	if e.Kind == Training {
		cfg, err := e.Config()
		if err != nil || cfg.Algo != "" {
			return cfg.Env, cfg.Algo, err
		}
		env, names[envs.Attacker], names[envs.Defender] = cfg.Env, cfg.Attacker, cfg.Defender
	} else {
		sim, err := e.match()
		if err != nil {
			return "", "", err
		}
		env = sim.Env
		for role, player := range sim.Players {
			names[role] = withRuns(player, func(run string) string {
				if made, ok := e.made(run, 0); ok {
					return made.Experiment.Name
				}
				return run
			})
		}
	}
	return env, names[envs.Attacker] + " vs " + names[envs.Defender], nil
}

// quick are settings of a run that takes a moment, with two or three updates of most learners.
var quick = []string{"episodes=0", "steps=5000", "log_rows=2", "evaluations=1", "eval_episodes=10", "final_episodes=10"}

// Config is the configuration of training.
func (e Experiment) Config() (*Config, error) {
	file, err := e.source()
	if err != nil {
		return nil, err
	}
	from := Sources{File: file, Dir: e.Dir()}
	if e.tree.Quick {
		from.Set = quick
	}
	return e.tree.Catalog.Load(from)
}

// Seeds is the number of runs of the experiment that is usual: 10 where tables are learnt, 5 where networks are.
func (e Experiment) Seeds(cfg *Config) int {
	switch neural := slices.ContainsFunc([]string{cfg.Algo, cfg.Attacker, cfg.Defender}, e.tree.Catalog.neural); {
	case e.tree.Quick:
		return 1
	case neural:
		return 5
	default:
		return 10
	}
}

// neural reports whether a player is an algorithm with networks.
func (c Catalog) neural(player string) bool {
	_, err := algos.Find(c.Algorithms, player)
	return err == nil && player != "tabular-q"
}

// Simulation is the games of the experiment, which is no training, of a seed: what other experiments learn plays as it was
// learnt with this seed. A person's seat has a random player.
func (e Experiment) Simulation(seed int) (Simulation, error) {
	sim, err := e.match()
	sim.Seed = uint64(seed) + 1
	for role, player := range sim.Players {
		sim.Players[role] = withRuns(player, func(run string) string {
			if made, ok := e.made(run, seed); ok {
				return made.Dir
			}
			return filepath.Join(e.Dir(), filepath.FromSlash(run))
		})
	}
	return sim, err
}

// Needs are the runs of other experiments that the experiment needs for a seed.
func (e Experiment) Needs(seed int) (needs []Made, err error) {
	if e.Kind == Training {
		return nil, nil
	}
	sim, err := e.match()
	for _, role := range Roles {
		for _, run := range runsOf(sim.Players[role]) {
			if made, ok := e.made(run, seed); ok {
				needs = append(needs, made)
			}
		}
	}
	return needs, err
}

// match is Simulation with the folders of runs as they are written.
func (e Experiment) match() (sim Simulation, err error) {
	file, err := e.source()
	if err != nil {
		return sim, err
	}
	sim.Workers, sim.Episodes = 1, 10
	if e.Kind == Playing {
		var cfg PlayConfig
		err = settings.Load(&cfg, file)
		sim.Env, sim.Players = cfg.Env, cfg.players()
		return sim, err
	}
	var cfg SimulationConfig
	err = settings.Load(&cfg, file)
	sim.Env, sim.Players = cfg.Env, cfg.Players()
	if !e.tree.Quick {
		sim.Episodes = cfg.Episodes
	}
	return sim, err
}

// A Made is a run that an experiment makes.
type Made struct {
	Experiment Experiment
	Seed       int
	Dir        string
}

// made says which experiment makes a run that is named relative to the folder of e, if one does: the runs of the tree are
// in ../bin/runs, seen from it, unless another folder takes their place. The name is of the run for seed 0; those for the
// next seeds are the next ones.
func (e Experiment) made(run string, offset int) (made Made, ok bool) {
	usual := filepath.Join(e.tree.Dir, "..", "bin", "runs")
	name, err := filepath.Rel(usual, filepath.Join(e.Dir(), filepath.FromSlash(run)))
	if err != nil {
		return made, false
	}
	name, folder := path.Split(filepath.ToSlash(name))
	maker := Experiment{Name: path.Clean(name), Kind: Training, tree: e.tree}
	seed, ok := seedOf(folder)
	if _, missing := os.Stat(filepath.Join(maker.Dir(), e.tree.File)); !ok || missing != nil {
		return made, false
	}
	seed += offset
	return Made{maker, seed, maker.run(seed)}, true
}
