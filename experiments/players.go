package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// playerForms are the descriptions of players that do not learn.
var playerForms = []string{"bot:NAME", "random", "constant:ACTION", "checkpoint:RUN", "greedy:RUN"}

// PlayerHelp lists them.
var PlayerHelp = strings.Join(playerForms, ", ")

// player makes a player of a seat of game from its description:
//
//	bot:NAME         a bot of the game
//	random           any legal action
//	constant:ACTION  always the same action, an id or a name
//	checkpoint:RUN   what a run has learnt, with chance: a stochastic policy draws its actions, any other plays its best
//	                 but for what was left of exploration at the end of training
//	greedy:RUN       what a run has learnt, without chance
//
// What open returns for RUN is shared by its players, which one goroutine uses.
func (c Catalog) player(
	description string, game envs.Game, index int, seat envs.Seat, open func(run string) (*Saved, error),
) (envs.Policy, error) {
	kind, name, _ := strings.Cut(description, ":")
	mode := algos.Sampled
	switch kind {
	case "bot":
		return envs.NewBot(game, index, name)
	case "random":
		return envs.Uniform(), nil
	case "constant":
		for id := range seat.Actions.N {
			if name == strconv.Itoa(id) || name == seat.Actions.Name(id) {
				return constant(id), nil
			}
		}
		return nil, &settings.Error{Key: "constant", Value: name, Problem: fmt.Sprintf(
			"the %s has no such action: ids are 0 to %d, names are like %s", seat.Role, seat.Actions.N-1, seat.Actions.Name(0))}
	case "checkpoint":
	case "greedy":
		mode = algos.Greedy
	default:
		return nil, &settings.Error{Key: "player", Value: description, Problem: "is none of: " + PlayerHelp}
	}
	saved, err := open(name)
	if err != nil {
		return nil, err
	}
	return saved.Policy(seat, mode)
}

// constant always plays the same action.
type constant int

// Act does not look.
func (c constant) Act(envs.Env, int, *rand.Rand) int { return int(c) }

// checkForm reports a player that is neither an algorithm nor described in one of the forms.
func (c Catalog) checkForm(s seat, game envs.Game) error {
	kind := func(description string) string {
		word, _, _ := strings.Cut(description, ":")
		return word
	}
	known := c.algorithmNames()
	for _, form := range playerForms {
		switch kind(form) {
		case kind(s.player):
			return nil
		case "bot":
			for _, bot := range game.Bots(s.index) {
				known = append(known, "bot:"+bot.Name)
			}
		default:
			known = append(known, form)
		}
	}
	return fmt.Errorf("%s: %w", s.role, &envs.UnknownError{Kind: "player", Name: s.player, Known: known})
}

// frozen is the checkpoint that a player is made from. The configuration of a run names it by the hash of its bytes,
// and the run's folder holds a copy: what becomes of the original is of no matter.
type frozen struct {
	path string // where it was read
	data []byte
}

// hashed is the name of a checkpoint by its hash: the beginning of a SHA-256, enough to tell files apart.
var hashed = regexp.MustCompile(`^[0-9a-f]{16}$`)

// copyOf is the file for a frozen player in a run's folder.
func copyOf(dir, hash string) string {
	return filepath.Join(dir, strings.Replace(results.OpponentCheckpoints, "*", hash, 1))
}

// freeze reads the checkpoint that a player is made from and names it by its hash. One that is named so already is read
// from dir, and may be missing there: the player's opponents have learnt without it.
func (cfg *Config) freeze(s seat, dir string) error {
	kind, run, _ := strings.Cut(s.player, ":")
	if kind != "checkpoint" && kind != "greedy" {
		return nil
	}
	path, isHash := run, hashed.MatchString(run)
	if isHash {
		path = copyOf(dir, run)
	}
	path, err := checkpointAt(path)
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:8])
	switch {
	case isHash && errors.Is(err, os.ErrNotExist):
		return nil
	case isHash && err == nil && hash != run:
		err = fmt.Errorf("%s is not the file that it was: its hash is %s", path, hash)
	}
	if err != nil {
		return fmt.Errorf("%s = %s: %w", s.role, s.player, err)
	}
	if cfg.frozen == nil {
		cfg.frozen = map[string]frozen{}
	}
	cfg.frozen[hash] = frozen{path, data}
	*cfg.part(s.role).player = kind + ":" + hash
	return nil
}

// keep writes a copy of each frozen player into the folder of a run.
func (cfg *Config) keep(dir string) (err error) {
	for hash, f := range cfg.frozen {
		err = errors.Join(err, results.WriteFile(copyOf(dir, hash), f.data))
	}
	return err
}
