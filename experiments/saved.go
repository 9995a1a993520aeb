package experiments

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// Saved is a trained run, read back to be used.
type Saved struct {
	Path       string // of the checkpoint
	Config     *Config
	Checkpoint *algos.Checkpoint

	catalog Catalog
	table   *table
}

// Open reads a checkpoint file, or the final checkpoint of a run's folder, or the last one if it is not finished.
func (c Catalog) Open(path string) (*Saved, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.IsDir() {
		path, err = checkpointIn(path)
		if err != nil {
			return nil, err
		}
	}
	checkpoint, err := ReadCheckpoint(path)
	if err != nil {
		return nil, err
	}
	cfg, err := c.Load(Sources{File: settings.File(path+":config.yaml", checkpoint.Config)})
	if err != nil {
		return nil, err
	}
	s := &Saved{Path: path, Config: cfg, Checkpoint: checkpoint, catalog: c}
	if s.table, err = c.build(cfg); err != nil {
		return nil, err
	}
	if err := s.table.restore(checkpoint); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	budget := algos.Budget{Episodes: cfg.Episodes, Steps: cfg.Steps}
	for _, l := range s.table.learners {
		l.Anneal(budget.Spent(checkpoint.Episodes, checkpoint.Steps))
	}
	return s, nil
}

func checkpointIn(dir string) (string, error) {
	for _, name := range []string{results.FinalCheckpoint, results.LastCheckpoint} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s holds no checkpoint (%s or %s): is it the folder of a run?", dir,
		results.FinalCheckpoint, results.LastCheckpoint)
}

// Roles are the roles that the run's learners play.
func (s *Saved) Roles() []envs.Role {
	roles := make([]envs.Role, len(s.table.learners))
	for i := range roles {
		roles[i] = s.table.role(i)
	}
	return roles
}

// Policy is what the run has learnt for the role of a seat. The seat must look like the one of the training.
func (s *Saved) Policy(seat envs.Seat, mode algos.Mode) (envs.Policy, error) {
	i := slices.Index(s.Roles(), seat.Role)
	if i < 0 {
		return nil, fmt.Errorf("%s holds no %s", s.Path, seat.Role)
	}
	learnt := s.table.game.Spec().Seats[s.table.open[i]]
	switch {
	case learnt.Actions.N != seat.Actions.N:
		return nil, fmt.Errorf("%s has learnt to choose among %d actions, not %d", s.Path, learnt.Actions.N, seat.Actions.N)
	case learnt.Obs.Len() != seat.Obs.Len(), !slices.Equal(learnt.Encodings, seat.Encodings):
		return nil, fmt.Errorf("%s has learnt from other observations than this environment's", s.Path)
	}
	return s.table.learners[i].Policy(mode), nil
}

// Test is an evaluation of a saved run.
type Test struct {
	Env          string           // another registered environment; "" for the run's own
	EnvFile      *settings.Source // settings of it; may be nil
	EnvSet       []string
	InstanceSeed uint64    // another instance; 0 for the run's own
	As           envs.Role // the seat that the run plays; Nobody for all that it has learnt
	Opponent     string    // who plays the other seats, as in Catalog.Player; "" for the environment's bots
	Episodes     int
	Seed         uint64 // root of the test's random numbers
	Watch        algos.Watcher
}

// Result is how a test went in one mode.
type Result struct {
	Mode  algos.Mode
	Seats []envs.Seat // of the game, in the order of Tally.Returns
	algos.Tally
}

// Run plays the games of the test in one mode.
func (s *Saved) Run(ctx context.Context, test Test, mode algos.Mode) (Result, error) {
	entry, game, env, err := s.stage(test)
	if err != nil {
		return Result{}, err
	}
	players, err := s.players(test, entry, game, env, mode)
	if err != nil {
		return Result{}, err
	}
	tally, err := algos.Evaluate(ctx, env, players, test.Episodes, test.Seed, test.Watch)
	return Result{Mode: mode, Seats: env.Spec().Seats, Tally: tally}, err
}

// stage builds the game of a test.
func (s *Saved) stage(test Test) (entry envs.Entry, game envs.Game, env envs.Env, err error) {
	name, instance := test.Env, test.InstanceSeed
	if name == "" {
		name = s.Config.Env
	}
	if instance == 0 {
		instance = s.Config.InstanceSeed
	}
	if entry, err = s.catalog.Envs.Lookup(name); err != nil {
		return entry, nil, nil, err
	}
	game = entry.Game()
	var sources []*settings.Source
	if test.Env == "" {
		sources = append(sources, settings.File(s.Path+":config.yaml", settings.Encode(s.table.settings)))
	}
	sources = append(sources, test.EnvFile, settings.Assign("--env-set", test.EnvSet))
	if err = settings.Load(game, sources...); err != nil {
		return entry, nil, nil, err
	}
	env, err = game.New(instance)
	return entry, game, env, err
}

// players seats the run, the opponent it is tested against, and the environment's bots.
func (s *Saved) players(
	test Test, entry envs.Entry, game envs.Game, env envs.Env, mode algos.Mode,
) ([]envs.Policy, error) {
	seats := env.Spec().Seats
	players, err := entry.Players(game, len(seats))
	if err != nil {
		return nil, err
	}
	plays := func(seat envs.Seat) bool {
		return slices.Contains(s.Roles(), seat.Role) && (test.As == envs.Nobody || test.As == seat.Role)
	}
	if !slices.ContainsFunc(seats, plays) {
		return nil, fmt.Errorf("%s plays none of the seats: it has learnt to be the %s", s.Path, s.names())
	}
	for i, seat := range seats {
		switch {
		case plays(seat):
			players[i], err = s.Policy(seat, mode)
		case test.Opponent != "":
			players[i], err = s.catalog.Player(test.Opponent, game, i, seat)
		case players[i] == nil:
			err = &settings.Error{Key: "opponent", Problem: fmt.Sprintf("who plays the %s? name one", seat.Role)}
		}
		if err != nil {
			return nil, err
		}
	}
	return players, nil
}

func (s *Saved) names() string {
	var names []string
	for _, role := range s.Roles() {
		names = append(names, role.String())
	}
	return strings.Join(names, " and the ")
}

// PlayerHelp says what Catalog.Player understands.
const PlayerHelp = "bot:NAME, random, constant:ACTION (an id or a name) or checkpoint:RUN"

// Player makes a player of a seat of game from its description:
//
//	bot:NAME         a bot of the game
//	random           any legal action
//	constant:ACTION  always the same action, an id or a name
//	checkpoint:RUN   what a run has learnt, greedy: a checkpoint file or the folder of a run
func (c Catalog) Player(description string, game envs.Game, seat int, spec envs.Seat) (envs.Policy, error) {
	kind, name, _ := strings.Cut(description, ":")
	switch kind {
	case "bot":
		return envs.NewBot(game, seat, name)
	case "random":
		return envs.Uniform(), nil
	case "constant":
		for id := range spec.Actions.N {
			if name == strconv.Itoa(id) || name == spec.Actions.Name(id) {
				return constant(id), nil
			}
		}
		return nil, &settings.Error{Key: "constant", Value: name, Problem: fmt.Sprintf(
			"the %s has no such action: ids are 0 to %d, names are like %s", spec.Role, spec.Actions.N-1, spec.Actions.Name(0))}
	case "checkpoint":
		saved, err := c.Open(name)
		if err != nil {
			return nil, err
		}
		return saved.Policy(spec, algos.Greedy)
	default:
		return nil, &settings.Error{Key: "player", Value: description, Problem: "is none of: " + PlayerHelp}
	}
}

// constant always plays the same action.
type constant int

// Act does not look.
func (c constant) Act(envs.Env, int, *rand.Rand) int { return int(c) }
