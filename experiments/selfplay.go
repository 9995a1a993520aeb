package experiments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"idsrl/algos"
	"idsrl/algos/selfplay"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// selfPlay is how the learners train each other; with the defaults where only one learns.
func (cfg *Config) selfPlay() *selfplay.Config {
	if c, ok := cfg.SelfPlay.Bound().(*selfplay.Config); ok {
		return c
	}
	return selfplay.Defaults()
}

// settleSelfPlay leaves self-play out of the configuration where fewer than two learn, and reports settings of it.
func (cfg *Config) settleSelfPlay(learners []learner) error {
	if len(learners) > 1 {
		return nil
	}
	defaults := settings.Fields(selfplay.Defaults())
	for i, f := range settings.Fields(cfg.selfPlay()) {
		if f.String() != defaults[i].String() {
			return &settings.Error{
				Key: "self_play." + f.Key, Value: f.String(), Problem: "needs learners in two seats; leave it out",
			}
		}
	}
	cfg.SelfPlay = settings.Section{}
	return nil
}

// stock is the frozen policies of a run: in its folder, as frozen players are, each in a file that is named by the hash of
// its contents.
type stock struct {
	table  *table
	dir    string                 // of the run
	states map[string]algos.State // by name
	files  map[string][]byte      // those that are not in the folder yet
	actors []algos.Learner        // by learner: one that takes on a state to make a policy of it
}

func newStock(t *table, dir string) (*stock, error) {
	s := &stock{table: t, dir: dir, states: map[string]algos.State{}, files: map[string][]byte{}}
	for i := range t.learners {
		actor, err := t.newLearner(i)
		if err != nil {
			return nil, err
		}
		s.actors = append(s.actors, actor)
	}
	return s, nil
}

// Freeze keeps what a learner plays now.
func (s *stock) Freeze(learner int) (name string, err error) {
	state, err := algos.Snapshot(s.table.learners[learner])
	if err != nil {
		return "", err
	}
	c := &algos.Checkpoint{
		Header: s.table.header(),
		Config: s.table.cfg.Encode(), Learners: make([]algos.State, len(s.table.learners)),
	}
	c.Policy, c.Learners[learner] = true, state
	data, err := c.Encode()
	if err != nil {
		return "", err
	}
	name = Hash(data)
	if _, ok := s.states[name]; !ok {
		s.states[name], s.files[name] = state, data
	}
	return name, nil
}

// Thaw makes a player of a learner's seat: a bot, or what was frozen.
func (s *stock) Thaw(learner int, name string) (envs.Policy, error) {
	if bot, ok := strings.CutPrefix(name, "bot:"); ok {
		return envs.NewBot(s.table.settings, s.table.open[learner], bot)
	}
	state, ok := s.states[name]
	if !ok {
		var err error
		if state, err = s.read(learner, name); err != nil {
			return nil, err
		}
		s.states[name] = state
	}
	actor := s.actors[learner]
	if err := state.Imitate(actor); err != nil {
		return nil, err
	}
	actor.Anneal(1) // opponents play without the exploration of training
	return actor.Policy(algos.Sampled), nil
}

// read reads a frozen policy from the folder.
func (s *stock) read(learner int, name string) (algos.State, error) {
	path := copyOf(s.dir, name)
	if !hashed.MatchString(name) {
		return algos.State{}, fmt.Errorf("%q is no hash", name)
	}
	data, err := ReadHashed(path, name)
	if err != nil {
		return algos.State{}, err
	}
	c, err := decode(path, data)
	switch {
	case err != nil:
	case !c.Policy || len(c.Learners) != len(s.actors) || c.Learners[learner].Empty():
		err = fmt.Errorf("%s is not a policy of the %s", path, s.table.role(learner))
	default:
		return c.Learners[learner], nil
	}
	return algos.State{}, err
}

// write writes what is in use and not in the folder yet.
func (s *stock) write(inUse map[string]bool) error {
	for name, data := range s.files {
		if !inUse[name] {
			continue
		}
		if err := results.WriteFile(copyOf(s.dir, name), data); err != nil {
			return err
		}
		delete(s.files, name)
	}
	return nil
}

// prune forgets what is not in use, also in the folder, where the frozen players of the configuration stay.
func (s *stock) prune(inUse map[string]bool) error {
	for name := range s.states {
		if !inUse[name] {
			delete(s.states, name)
			delete(s.files, name)
		}
	}
	names, err := frozenIn(s.dir)
	for _, name := range names {
		if _, player := s.table.cfg.frozen[name]; !player && !inUse[name] {
			err = errors.Join(err, os.Remove(copyOf(s.dir, name)))
		}
	}
	return err
}

// frozenIn are the names of the frozen policies in a run's folder.
func frozenIn(dir string) ([]string, error) {
	before, after, _ := strings.Cut(results.OpponentCheckpoints, "*")
	files, err := fs.Glob(os.DirFS(dir), results.OpponentCheckpoints)
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, before), after)
	}
	return files, err
}

// turns lets the learners of a run learn in turn, against what stock has of the others.
func (t *table) turns(stock *stock) (*selfplay.Turns, error) {
	var seats []selfplay.Seat
	for i, index := range t.open {
		algorithm, err := algos.Find(t.catalog.Algorithms, t.seat(index).player)
		if err != nil {
			return nil, err
		}
		s := selfplay.Seat{Index: index, Role: t.role(i), Learner: t.learners[i], Turn: algorithm.Turn}
		for _, bot := range t.settings.Bots(index) {
			s.Bots = append(s.Bots, "bot:"+bot.Name)
		}
		seats = append(seats, s)
	}
	return selfplay.NewTurns(*t.cfg.selfPlay(), seats, stock)
}
