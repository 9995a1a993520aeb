package experiments

import (
	"errors"
	"fmt"
	"slices"

	"idsrl/algos"
	"idsrl/algos/selfplay"
	"idsrl/envs"
	"idsrl/envs/settings"
)

// stage is a game and who plays it but for its learners.
type stage struct {
	catalog  Catalog
	cfg      *Config
	entry    envs.Entry
	settings envs.Game
	game     envs.Env          // every seat open
	opened   map[string]*Saved // frozen players by their hash
}

// newStage builds the game.
func (c Catalog) newStage(cfg *Config, entry envs.Entry, game envs.Game, instance uint64) (*stage, error) {
	env, err := game.New(instance)
	return &stage{catalog: c, cfg: cfg, entry: entry, settings: game, game: env, opened: map[string]*Saved{}}, err
}

// gameOf is an environment, and its settings as the sources change them.
func (c Catalog) gameOf(env string, sources ...*settings.Source) (entry envs.Entry, game envs.Game, err error) {
	if entry, err = c.Envs.Lookup(env); err != nil {
		return entry, nil, err
	}
	game = entry.Game()
	return entry, game, settings.Load(game, sources...)
}

// seat says who plays a seat.
func (st *stage) seat(index int) seat {
	return st.cfg.seat(st.entry, index, st.game.Spec().Seats[index].Role)
}

// opponents makes the players of the seats in which nobody learns; the others are nil.
func (st *stage) opponents() ([]envs.Policy, error) {
	players := make([]envs.Policy, len(st.game.Spec().Seats))
	for i := range players {
		var err error
		if players[i], err = st.opponent(i); err != nil {
			return nil, err
		}
	}
	return players, nil
}

// opponent makes the player of a seat; nil if it is a learner's.
func (st *stage) opponent(index int) (envs.Policy, error) {
	s := st.seat(index)
	if s.player == "" || st.catalog.learns(s) {
		return nil, nil
	}
	player, err := st.catalog.player(s.player, st.settings, st.game, index, st.thaw)
	if err != nil {
		return nil, fmt.Errorf("%s = %s: %w", s.role, s.player, err)
	}
	return player, nil
}

// thaw opens the checkpoint of a frozen player.
func (st *stage) thaw(hash string) (*Saved, error) {
	if saved := st.opened[hash]; saved != nil {
		return saved, nil
	}
	f, ok := st.cfg.frozen[hash]
	if !ok {
		return nil, fmt.Errorf("%s is missing in the folder of the run; put it back", copyOf("", hash))
	}
	checkpoint, err := decode(f.path, f.data)
	if err != nil {
		return nil, err
	}
	st.opened[hash], err = st.catalog.revive(f.path, checkpoint)
	return st.opened[hash], err
}

// table is what a configuration describes, built: the game, who plays it, and the learners.
type table struct {
	*stage
	open     []int // seats of the game that learners play
	learners []algos.Learner
}

// build makes everything new, untrained.
func (c Catalog) build(cfg *Config) (*table, error) {
	t := new(table)
	var err error
	if t.stage, err = c.stageOf(cfg); err != nil {
		return nil, err
	}
	for i := range t.game.Spec().Seats {
		if c.learns(t.seat(i)) {
			t.open = append(t.open, i)
		}
	}
	for i := range t.open {
		learner, err := t.newLearner(i)
		if err != nil {
			return nil, err
		}
		t.learners = append(t.learners, learner)
	}
	return t, nil
}

// newLearner makes a learner, untrained.
func (t *table) newLearner(i int) (algos.Learner, error) {
	game, index := t.game.Spec(), t.open[i]
	spec := &envs.Spec{ID: game.ID, MaxSteps: game.MaxSteps, Seats: game.Seats[index : index+1]}
	config := t.seat(index).section.Bound().(algos.Config)
	seed := envs.Derive(t.cfg.Seed, "learner", stream(t.entry, index, len(game.Seats)))
	learner, err := config.NewLearner(spec, 0, t.cfg.Envs, seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.role(i), err)
	}
	return learner, nil
}

// learns reports whether an algorithm plays a seat.
func (c Catalog) learns(s seat) bool {
	_, err := algos.Find(c.Algorithms, s.player)
	return err == nil
}

// stream numbers the random stream of a seat's learner: the seats that the environment leaves open come before those
// that it casts. So a learner draws the same whoever plays the other seats.
func stream(entry envs.Entry, index, seats int) (n uint64) {
	for other := range seats {
		if entry.Open(other) == entry.Open(index) && other < index || entry.Open(other) && !entry.Open(index) {
			n++
		}
	}
	return n
}

// arena makes the environments of training for some of the learners, with the opponents in their seats and turns in those
// of the other learners.
func (t *table) arena(learners []int, turns *selfplay.Turns) (a algos.Arena, err error) {
	es := make([]envs.Env, t.cfg.Envs)
	for i := range es {
		game, err := t.settings.New(t.cfg.InstanceSeed)
		if err != nil {
			return a, err
		}
		players, err := t.opponents()
		if err != nil {
			return a, err
		}
		for other, seat := range t.open {
			if !slices.Contains(learners, other) {
				players[seat] = turns.Player(learners[0], other)
			}
		}
		if es[i], err = envs.Versus(game, players...); err != nil {
			return a, err
		}
	}
	var views []envs.View
	for _, i := range learners {
		a.Learners = append(a.Learners, t.learners[i])
		views = append(views, t.learners[i].View())
	}
	a.Vec, err = envs.NewVec(envs.Derive(t.cfg.Seed, "training", uint64(learners[0])), es, views)
	return a, err
}

// header says of what run a checkpoint is, but not how far it is.
func (t *table) header() algos.Header {
	return algos.Header{Env: t.catalog.EnvName(t.cfg), Algo: t.catalog.AlgoName(t.cfg), Seed: t.cfg.Seed}
}

// role is what the learner's seat is for.
func (t *table) role(learner int) envs.Role { return t.game.Spec().Seats[t.open[learner]].Role }

// players seat a policy of every learner in the given mode, and the opponents in the other seats. They hold until the
// learners learn on.
func (t *table) players(mode algos.Mode) ([]envs.Policy, error) {
	players, err := t.opponents()
	if err != nil {
		return nil, err
	}
	for i, seat := range t.open {
		players[seat] = algos.Lend(t.learners[i], mode)
	}
	return players, nil
}

// restore gives the learners of a fresh table what a checkpoint holds. Of one that holds a policy alone, its learner is
// left.
func (t *table) restore(c *algos.Checkpoint) error {
	if len(c.Learners) != len(t.learners) {
		return fmt.Errorf("the checkpoint holds %d learners, the environment has %d open seats",
			len(c.Learners), len(t.learners))
	}
	if c.Policy {
		i := slices.IndexFunc(c.Learners, func(s algos.State) bool { return !s.Empty() })
		if i < 0 {
			return errors.New("the checkpoint holds no policy")
		}
		t.open, t.learners = t.open[i:i+1], t.learners[i:i+1]
		return c.Learners[i].Imitate(t.learners[0])
	}
	var problems error
	for i, state := range c.Learners {
		problems = errors.Join(problems, state.Restore(t.learners[i]))
	}
	return problems
}
