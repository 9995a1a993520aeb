package review

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame/recording"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/experiments/manual"
)

// A GameRow is a recorded game.
type GameRow struct {
	Title   string `json:"title"`
	Steps   int    `json:"steps"`
	Outcome string `json:"outcome"`
}

// Limits of a file of recorded games.
const (
	maxGames    = 10_000
	maxGameSize = 64 << 20 // bytes of a file
)

// a gameFile is a file of recorded games: recordings of idsgame, or games that people played.
type gameFile struct {
	catalog experiments.Catalog
	data    []byte
	manual  bool
}

func openGames(c experiments.Catalog, r io.Reader) (*gameFile, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxGameSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxGameSize {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxGameSize>>20)
	}
	var head struct {
		Type    string  `json:"type"`
		Actions [][]int `json:"actions"`
	}
	first, _, _ := bytes.Cut(data, []byte{'\n'})
	_ = json.Unmarshal(first, &head) // what else a file holds is found by its reader
	return &gameFile{c, data, head.Type == "" && head.Actions != nil}, nil
}

// list tells of the games.
func (f *gameFile) list() ([]GameRow, error) {
	list := []GameRow{}
	if f.manual {
		err := f.each(func(k int, e *manual.Episode) error {
			if k < maxGames {
				list = append(list, GameRow{e.Env, len(e.Actions), e.Winner})
			}
			return nil
		})
		return list, err
	}
	_, err := recording.Replay(bytes.NewReader(f.data), func(k int, e *recording.Episode) recording.Watcher {
		if k >= maxGames {
			return nil
		}
		list = append(list, GameRow{Title: e.ID})
		return &counter{&list[k]}
	})
	return list, err
}

// A counter fills in a GameRow.
type counter struct{ row *GameRow }

func (c *counter) Start(envs.Env) error { return nil }

func (c *counter) Step(_ envs.Env, _ []int, out *envs.Outcome) error {
	c.row.Steps++
	if out.Over() {
		c.row.Outcome = out.Winner.String()
	}
	return nil
}

// play plays game n again.
func (f *gameFile) play(n int) (*Episode, error) {
	t := &tape{view: everything}
	found := false
	var err error
	if f.manual {
		err = f.each(func(k int, e *manual.Episode) error {
			if k != n {
				return nil
			}
			found = true
			t.episode.Title, t.episode.Players = e.Env, e.Players
			return f.replay(e, t)
		})
	} else {
		_, err = recording.Replay(bytes.NewReader(f.data), func(k int, e *recording.Episode) recording.Watcher {
			if k != n {
				return nil
			}
			found = true
			t.episode.Title = e.ID
			return t
		})
	}
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errNoGame
	}
	t.episode.Frames, t.episode.Editable = t.film.Frames, false // also of a game that was left
	for len(t.episode.Thoughts) < len(t.episode.Frames) {
		t.episode.Thoughts = append(t.episode.Thoughts, nil)
	}
	t.decide()
	t.episode.Thoughts = nil
	return &t.episode, nil
}

var errNoGame = errors.New("the file holds no such game")

// replay plays a game of people again.
func (f *gameFile) replay(e *manual.Episode, watch algos.Watcher) error {
	entry, err := f.catalog.Envs.Lookup(e.Env)
	if err != nil {
		return err
	}
	game := entry.Game()
	if err := settings.Load(game, settings.File(e.Env, []byte(e.Settings))); err != nil {
		return err
	}
	env, err := game.New(e.InstanceSeed)
	if err != nil {
		return err
	}
	return errors.Join(e.Replay(env, watch), env.Close())
}

// each reads games that people played.
func (f *gameFile) each(visit func(k int, e *manual.Episode) error) error {
	lines := bufio.NewScanner(bytes.NewReader(f.data))
	lines.Buffer(nil, maxGameSize)
	for k := 0; lines.Scan(); k++ {
		e := new(manual.Episode)
		if err := json.Unmarshal(lines.Bytes(), e); err != nil {
			return fmt.Errorf("line %d: %w", k+1, err)
		}
		if err := visit(k, e); err != nil {
			return err
		}
	}
	return lines.Err()
}
