package experiments

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	path, err := checkpointAt(path)
	if err != nil {
		return nil, err
	}
	checkpoint, err := ReadCheckpoint(path)
	if err != nil {
		return nil, err
	}
	return c.revive(path, checkpoint)
}

// checkpointAt is the checkpoint file that path names, itself or as the folder of a run.
func checkpointAt(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return path, err
	}
	for _, name := range []string{results.FinalCheckpoint, results.LastCheckpoint} {
		file := filepath.Join(path, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s holds no checkpoint (%s or %s): is it the folder of a run?", path,
		results.FinalCheckpoint, results.LastCheckpoint)
}

// revive builds what a checkpoint is of. Errors name it path.
func (c Catalog) revive(path string, checkpoint *algos.Checkpoint) (*Saved, error) {
	cfg, err := c.Load(Sources{File: settings.File(path+":config.yaml", checkpoint.Config), Dir: filepath.Dir(path)})
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
	spent := algos.Budget{Episodes: cfg.Episodes, Steps: cfg.Steps}.Spent(checkpoint.Episodes, checkpoint.Steps)
	if checkpoint.Policy {
		spent = 1 // opponents play without the exploration of training
	}
	for _, l := range s.table.learners {
		l.Anneal(spent)
	}
	return s, nil
}

// Roles are the roles that the run's learners play.
func (s *Saved) Roles() []envs.Role {
	roles := make([]envs.Role, len(s.table.learners))
	for i := range roles {
		roles[i] = s.table.role(i)
	}
	return roles
}

// Policy is what the run has learnt for the role of a seat, which must look like the one of the training. All policies
// of a run are for one goroutine.
func (s *Saved) Policy(seat envs.Seat, mode algos.Mode) (envs.Policy, error) {
	i := slices.Index(s.Roles(), seat.Role)
	if i < 0 {
		return nil, fmt.Errorf("%s holds no %s: it has learnt to be the %s", s.Path, seat.Role, s.names())
	}
	const cure = "; it is of %s, take a run of the same game and size"
	learnt := s.table.game.Spec().Seats[s.table.open[i]]
	switch {
	case learnt.Actions.N != seat.Actions.N:
		return nil, fmt.Errorf("%s has learnt to choose among %d actions, not %d"+cure,
			s.Path, learnt.Actions.N, seat.Actions.N, s.Config.Env)
	case learnt.Obs.Len() != seat.Obs.Len(), !slices.Equal(learnt.Encodings, seat.Encodings):
		return nil, fmt.Errorf("%s has learnt from other observations than this environment's"+cure, s.Path, s.Config.Env)
	}
	return algos.Lend(s.table.learners[i], mode), nil // nothing learns on
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
	Workers      int    // goroutines that play; the result does not depend on it
	Watch        algos.Watcher
}

// Result is how a test went in one mode.
type Result struct {
	Env      string    // name of what was played
	Settings envs.Game // of it
	Mode     algos.Mode
	Seats    []envs.Seat // of the game, in the order of Tally.Returns
	algos.Tally
}

// Run plays the games of the test in one mode.
func (s *Saved) Run(ctx context.Context, test Test, mode algos.Mode) (Result, error) {
	var st *stage
	rooms := make([]algos.Room, max(test.Workers, 1))
	for i := range rooms {
		run, err := s, error(nil)
		if i > 0 {
			run, err = s.catalog.revive(s.Path, s.Checkpoint) // another copy for another goroutine
		}
		if err == nil {
			st, err = run.stage(test)
		}
		if err != nil {
			return Result{}, err
		}
		rooms[i].Game = st.game
		if rooms[i].Players, err = run.players(test, st, mode); err != nil {
			return Result{}, err
		}
	}
	tally, err := algos.EvaluateAll(ctx, rooms, test.Episodes, test.Seed, test.Watch)
	return Result{
		Env: variant(st.entry.ID, st.entry.Game(), st.settings), Settings: st.settings, Mode: mode, Seats: st.game.Spec().Seats,
		Tally: tally,
	}, err
}

// stage builds the game of a test. In the run's own environment its opponents are those of the training, in another one
// that environment's bots.
func (s *Saved) stage(test Test) (*stage, error) {
	cfg, instance := s.Config, test.InstanceSeed
	if test.Env != "" {
		cfg = &Config{Env: test.Env}
	}
	if instance == 0 {
		instance = s.Config.InstanceSeed
	}
	var sources []*settings.Source
	if test.Env == "" {
		sources = append(sources, settings.File(s.Path+":config.yaml", settings.Encode(s.table.settings)))
	}
	sources = append(sources, test.EnvFile, settings.Assign("--env-set", test.EnvSet))
	entry, game, err := s.catalog.gameOf(cfg.Env, sources...)
	if err != nil {
		return nil, err
	}
	return s.catalog.newStage(cfg, entry, game, instance)
}

// players seats the run, the opponent it is tested against, and those that the stage has.
func (s *Saved) players(test Test, st *stage, mode algos.Mode) ([]envs.Policy, error) {
	seats := st.game.Spec().Seats
	plays := func(seat envs.Seat) bool {
		return slices.Contains(s.Roles(), seat.Role) && (test.As == envs.Nobody || test.As == seat.Role)
	}
	if !slices.ContainsFunc(seats, plays) {
		return nil, fmt.Errorf("%s plays none of the seats: it has learnt to be the %s", s.Path, s.names())
	}
	players := make([]envs.Policy, len(seats))
	for i, seat := range seats {
		var err error
		switch {
		case plays(seat):
			players[i], err = s.Policy(seat, mode)
		case test.Opponent != "":
			players[i], err = s.catalog.player(test.Opponent, st.settings, st.game, i, s.catalog.Open)
		default:
			players[i], err = st.opponent(i)
		}
		if players[i] == nil && err == nil {
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
