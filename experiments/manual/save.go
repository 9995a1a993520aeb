package manual

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/idsgame/recording"
	"idsrl/envs/settings"
	"idsrl/experiments"
)

// Episode is a game that was played: what it was and every action. The same settings, seeds and actions make the same
// game again.
type Episode struct {
	Env          string      `json:"env"`
	Settings     string      `json:"settings"` // of the environment, as YAML
	InstanceSeed uint64      `json:"instance_seed,string"`
	Seed         uint64      `json:"seed,string"`
	Players      []string    `json:"players"` // by seat
	Actions      [][]int     `json:"actions"` // by step and seat
	Rewards      [][]float64 `json:"rewards"` // likewise
	Over         bool        `json:"over"`    // false if it was left before its end
	Winner       string      `json:"winner,omitempty"`
}

// Replay plays the episode again in a game that was built with its settings and instance seed, every seat open. It is an
// error if the rules do not know an action, or if the game is over before the last.
func (e *Episode) Replay(game envs.Env, watch algos.Watcher) error {
	if err := game.Reset(e.Seed); err != nil {
		return err
	}
	if err := watch.Start(game); err != nil {
		return err
	}
	seats, out := game.Spec().Seats, game.Spec().NewOutcome()
	for i, actions := range e.Actions {
		if len(actions) != len(seats) || out.Over() {
			return fmt.Errorf("step %d: %d actions of %d seats, over: %v", i, len(actions), len(seats), out.Over())
		}
		for seat, id := range actions {
			if id < 0 || id >= seats[seat].Actions.N {
				return fmt.Errorf("step %d: %d is no action of the %s", i, id, seats[seat].Role)
			}
		}
		if err := game.Step(actions, out); err != nil {
			return err
		}
		if err := watch.Step(game, actions, out); err != nil {
			return err
		}
	}
	return nil
}

// saver keeps the episodes of a session in one file: those of idsgame as recordings, which idsrl replay proves again,
// those of other games an Episode a line. It writes an episode when it is over or left; one without a step is not kept.
type saver struct {
	cast    *experiments.Cast
	dir     string // "" keeps nothing
	path    string // of the file; "" before the first episode
	tape    *recording.Recorder
	lines   *os.File
	episode Episode // that runs
}

// start hears of a new episode.
func (s *saver) start(seed uint64, players []string) error {
	err := s.end()
	s.episode = Episode{
		Env: s.cast.Game.Spec().ID, Settings: string(settings.Encode(s.cast.Settings)), InstanceSeed: s.cast.InstanceSeed,
		Seed: seed, Players: slices.Clone(players),
	}
	return err
}

// step hears what the seats played and what it brought.
func (s *saver) step(actions []int, out *envs.Outcome) error {
	e := &s.episode
	e.Actions, e.Rewards = append(e.Actions, slices.Clone(actions)), append(e.Rewards, slices.Clone(out.Rewards))
	if e.Over = out.Over(); !e.Over {
		return nil
	}
	e.Winner = out.Winner.String()
	return s.end()
}

// end writes the episode that has run.
func (s *saver) end() error {
	e := s.episode
	s.episode = Episode{}
	if len(e.Actions) == 0 || s.dir == "" {
		return nil
	}
	if err := s.open(); err != nil {
		return err
	}
	if s.tape == nil {
		return json.NewEncoder(s.lines).Encode(&e)
	}
	game, err := s.cast.Settings.New(e.InstanceSeed)
	if err != nil {
		return err
	}
	return errors.Join(e.Replay(game, s.tape), s.tape.End(), game.Close())
}

// open begins the file.
func (s *saver) open() (err error) {
	if s.path != "" {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	name := strings.ReplaceAll(s.cast.Env, "/", "_") + time.Now().Format("-20060102-150405")
	path := filepath.Join(s.dir, name+".jsonl")
	for i := 2; exists(path); i++ {
		path = filepath.Join(s.dir, fmt.Sprintf("%s-%d.jsonl", name, i))
	}
	if _, ok := envs.As[*idsgame.Game](s.cast.Game); ok {
		s.tape, err = recording.Create(path)
	} else {
		s.lines, err = os.Create(path)
	}
	if err == nil {
		s.path = path
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// close writes the last episode and ends the file.
func (s *saver) close() error {
	err := s.end()
	if s.tape != nil {
		err = errors.Join(err, s.tape.Close())
	}
	if s.lines != nil {
		err = errors.Join(err, s.lines.Close())
	}
	return err
}
