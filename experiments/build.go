package experiments

import (
	"errors"
	"fmt"

	"idsrl/algos"
	"idsrl/envs"
)

// table is what a configuration describes, built: the game, who plays it, and the learners of the open seats.
type table struct {
	entry    envs.Entry
	settings envs.Game
	game     envs.Env // for evaluation, every seat open
	open     []int    // seats of the game that learners play
	vec      *envs.Vec
	learners []algos.Learner // by open seat
}

// build makes everything new, untrained.
func (c Catalog) build(cfg *Config) (*table, error) {
	entry, err := c.Envs.Lookup(cfg.Env)
	if err != nil {
		return nil, err
	}
	t := &table{entry: entry, settings: cfg.EnvSettings.Bound().(envs.Game)}
	if t.game, err = t.settings.New(cfg.InstanceSeed); err != nil {
		return nil, err
	}
	for seat := range t.game.Spec().Seats {
		if entry.Open(seat) {
			t.open = append(t.open, seat)
		}
	}
	es := make([]envs.Env, cfg.Envs)
	for i := range es {
		if es[i], err = entry.Build(t.settings, cfg.InstanceSeed); err != nil {
			return nil, err
		}
	}
	views := make([]envs.View, len(t.open))
	for i := range t.open {
		seed := envs.Derive(cfg.Seed, "learner", uint64(i))
		learner, err := cfg.Settings.Bound().(algos.Config).NewLearner(es[0].Spec(), i, cfg.Envs, seed)
		if err != nil {
			return nil, err
		}
		t.learners = append(t.learners, learner)
		views[i] = learner.View()
	}
	t.vec, err = envs.NewVec(envs.Derive(cfg.Seed, "training", 0), es, views)
	return t, err
}

// role is what the learner's seat is for.
func (t *table) role(learner int) envs.Role { return t.game.Spec().Seats[t.open[learner]].Role }

// players seat a policy of every learner in the given mode, and the environment's bots in the other seats. They hold until
// the learners learn on.
func (t *table) players(mode algos.Mode) ([]envs.Policy, error) {
	players, err := t.entry.Players(t.settings, len(t.game.Spec().Seats))
	if err != nil {
		return nil, err
	}
	for i, seat := range t.open {
		players[seat] = algos.Lend(t.learners[i], mode)
	}
	return players, nil
}

// restore gives the learners of a fresh table what a checkpoint holds.
func (t *table) restore(c *algos.Checkpoint) error {
	if len(c.Learners) != len(t.learners) {
		return fmt.Errorf("the checkpoint holds %d learners, the environment has %d open seats",
			len(c.Learners), len(t.learners))
	}
	var problems error
	for i, data := range c.Learners {
		problems = errors.Join(problems, t.learners[i].UnmarshalBinary(data))
	}
	return problems
}
