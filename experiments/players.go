package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"idsrl/algos"
	"idsrl/algos/selfplay"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// playerForms are the descriptions of players that do not learn.
var playerForms = []string{"bot:NAME", "random", "constant:ACTION", "optimal", "checkpoint:RUN", "greedy:RUN", "mixture:WEIGHT PLAYER; ..."}

// PlayerHelp lists them.
var PlayerHelp = strings.Join(playerForms, ", ")

// player makes a player of a seat from its description. env is the game with every seat open, game its settings.
//
//	bot:NAME         a bot of the game
//	random           any legal action
//	constant:ACTION  always the same action, an id or a name
//	optimal          an equilibrium policy, which sees the whole state, of a game that can be solved; see Solve
//	checkpoint:RUN   what a run has learnt, with chance: a stochastic policy draws its actions, any other plays its best
//	                 but for what was left of exploration at the end of training
//	greedy:RUN       what a run has learnt, without chance
//	mixture:...      one of several players, drawn for each episode by weight: "mixture:0.4 greedy:RUN; 0.6 bot:random"
//
// What open returns for RUN is shared by its players, which one goroutine uses.
func (c Catalog) player(
	description string, game envs.Game, env envs.Env, index int, open func(run string) (*Saved, error),
) (envs.Policy, error) {
	kind, name, _ := strings.Cut(description, ":")
	mode, seat := algos.Sampled, env.Spec().Seats[index]
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
	case "optimal":
		return newOptimal(env)
	case "mixture":
		return c.mixture(name, game, env, index, open)
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

// mixture makes a player that draws another for each episode.
func (c Catalog) mixture(
	text string, game envs.Game, env envs.Env, index int, open func(run string) (*Saved, error),
) (envs.Policy, error) {
	parts, err := ParseMixture(text)
	if err != nil {
		return nil, err
	}
	var members []envs.Policy
	var weights []float64
	for _, part := range parts {
		member, err := c.player(part.Player, game, env, index, open)
		if err != nil {
			return nil, err
		}
		members, weights = append(members, member), append(weights, part.Weight)
	}
	return selfplay.NewMixture(members, weights), nil
}

// Weighted is a member of a mixture: a player that is no mixture itself, and how often it plays.
type Weighted struct {
	Weight float64
	Player string
}

// ParseMixture reads a mixture's members. Their weights are positive and need not add up to 1.
func ParseMixture(text string) (parts []Weighted, err error) {
	for part := range strings.SplitSeq(text, ";") {
		weight, player, _ := strings.Cut(strings.TrimSpace(part), " ")
		w, err := strconv.ParseFloat(weight, 64)
		player = strings.TrimSpace(player)
		if err != nil || !(w > 0) || math.IsInf(w, 1) || player == "" || strings.HasPrefix(player, "mixture:") {
			return nil, &settings.Error{Key: "mixture", Value: strings.TrimSpace(part), Problem: `must be a positive weight and a player ` +
				`that is no mixture, as in "0.4 greedy:RUN; 0.6 bot:random"`}
		}
		parts = append(parts, Weighted{w, player})
	}
	return parts, nil
}

// FormatMixture describes a mixture as a player. It leaves out members of weight 0; a single one needs no mixture.
func FormatMixture(parts []Weighted) string {
	var list []string
	player := ""
	for _, part := range parts {
		if part.Weight > 0 {
			player = part.Player
			list = append(list, strconv.FormatFloat(part.Weight, 'g', -1, 64)+" "+player)
		}
	}
	if len(list) == 1 {
		return player
	}
	return "mixture:" + strings.Join(list, "; ")
}

// withRuns is a player with other names for the runs whose learners play: name tells that of each, in their order. A mixture
// that cannot be read stays as it is; who makes the player reports what is wrong.
func withRuns(player string, name func(run string) string) string {
	kind, rest, _ := strings.Cut(player, ":")
	switch kind {
	case "checkpoint", "greedy":
		return kind + ":" + name(rest)
	case "mixture":
		parts, err := ParseMixture(rest)
		if err != nil {
			return player
		}
		for i := range parts {
			parts[i].Player = withRuns(parts[i].Player, name)
		}
		return FormatMixture(parts)
	}
	return player
}

// runsOf are the runs whose learners play as a player.
func runsOf(player string) (runs []string) {
	withRuns(player, func(run string) string {
		runs = append(runs, run)
		return run
	})
	return runs
}

// runOf is the first of runsOf, "" if there is none.
func runOf(player string) string {
	if runs := runsOf(player); len(runs) > 0 {
		return runs[0]
	}
	return ""
}

// constant always plays the same action.
type constant int

// Act does not look.
func (c constant) Act(envs.Env, int, *rand.Rand) int { return int(c) }

// Probabilities are those of the one action.
func (c constant) Probabilities(_ envs.Env, _ int, dst []float64) bool {
	clear(dst)
	dst[c] = 1
	return true
}

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

// hashed matches the name of a checkpoint by its hash.
var hashed = regexp.MustCompile(`^[0-9a-f]{16}$`)

// copyOf is the file for a frozen player in a run's folder.
func copyOf(dir, hash string) string {
	return filepath.Join(dir, strings.Replace(results.OpponentCheckpoints, "*", hash, 1))
}

// freeze reads the checkpoints that the player of a seat is made from and names them by their hashes.
func (cfg *Config) freeze(s seat, dir string) error {
	var problems error
	player := withRuns(s.player, func(run string) string {
		hash, err := cfg.freezeRun(run, dir)
		problems = errors.Join(problems, err)
		return hash
	})
	if problems != nil {
		return fmt.Errorf("%s = %s: %w", s.role, s.player, problems)
	}
	if player != s.player {
		*cfg.part(s.role).player = player
	}
	return nil
}

// freezeRun reads a checkpoint and returns its hash. One that is named by its hash already is read from dir, and may be
// missing there: the player's opponents have learnt without it.
func (cfg *Config) freezeRun(run, dir string) (hash string, err error) {
	path, isHash := run, hashed.MatchString(run)
	if isHash {
		path = copyOf(dir, run)
	}
	path, err = checkpointAt(path)
	var data []byte
	switch {
	case err != nil:
	case isHash:
		data, err = ReadHashed(path, run)
	default:
		data, err = os.ReadFile(path)
	}
	if isHash && errors.Is(err, os.ErrNotExist) {
		return run, nil
	}
	if err != nil {
		return "", err
	}
	hash = Hash(data)
	if cfg.frozen == nil {
		cfg.frozen = map[string]frozen{}
	}
	cfg.frozen[hash] = frozen{path, data}
	return hash, nil
}

// Hash is the name of a checkpoint by its contents: the beginning of a SHA-256, enough to tell files apart.
func Hash(data []byte) string { return sha256Of(data)[:16] }

// sha256Of is the SHA-256 of data in hexadecimal.
func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// ReadHashed reads a file whose contents must have the hash.
func ReadHashed(path, hash string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if now := Hash(data); now != hash {
		return nil, fmt.Errorf("%s is not the file that it was: its hash is %s", path, now)
	}
	return data, nil
}

// keep writes a copy of each frozen player into the folder of a run.
func (cfg *Config) keep(dir string) (err error) {
	for hash, f := range cfg.frozen {
		err = errors.Join(err, results.WriteFile(copyOf(dir, hash), f.data))
	}
	return err
}
