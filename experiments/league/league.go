package league

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"idsrl/algos"
	"idsrl/algos/selfplay"
	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/results"
)

// The files in a league's folder.
const (
	ConfigFile   = "league.yaml"   // every setting as it was used
	ManifestFile = "manifest.json" // when and by which program; nothing depends on it
	StateFile    = "state.json"    // members, matches and meta-strategies: what the tables are made of
	PayoffFile   = "payoff.csv"    // a line a match
	RatingsFile  = "ratings.csv"   // a line a member
	MetaFile     = "meta.csv"      // a line a round and member that plays in its meta-strategy
	RoundsFile   = "rounds.csv"    // a line a round
	membersDir   = "members"       // HASH.ckpt: the checkpoints of members, by the hash of the file
	runsDir      = "runs"          // round-N/SEAT-AGENT: the training runs
)

// stateFormat is the version of StateFile.
const stateFormat = 1

// Member is a player of the league, which never changes.
type Member struct {
	Name   string `json:"name"`            // unique on its side
	Agent  string `json:"agent,omitempty"` // whose it is; "" for one from the start
	Round  int    `json:"round"`           // that added it
	Player string `json:"player"`          // as in the configuration of a run, checkpoints by their hash
}

// Meta is the equilibrium of the payoff matrix after a round.
type Meta struct {
	Value   float64      `json:"value"`   // what the attackers get
	Weights [2][]float64 `json:"weights"` // by seat and member
}

// state is all that a league has found out.
type state struct {
	Format  int              `json:"format"`
	Members [2][]Member      `json:"members"` // attackers, defenders
	Matches [][]*algos.Tally `json:"matches"` // [attacker][defender]; nil where there was none yet
	Metas   []Meta           `json:"metas"`   // by round; that of round 0 is among the members from the start
}

// Options are what a league needs to know besides its configuration. None changes what comes out.
type Options struct {
	Workers  int             // runs and matches at the same time
	Command  []string        // for the manifest
	Program  results.Program // for the manifest
	Progress func(Progress)  // called now and then from several goroutines; may be nil
}

// Progress is how far a league is.
type Progress struct {
	Round, Rounds int
	Doing         string  // training, or playing matches
	Done, All     int     // runs or matches
	Value         float64 // as League.Value
}

// League is a league in its folder.
type League struct {
	Dir    string
	Config *Config

	catalog  experiments.Catalog
	options  Options
	state    state
	manifest manifest
	saveAt   time.Time
}

// manifest is what the configuration does not say.
type manifest struct {
	Status      results.Status  `json:"status"`
	Members     int             `json:"members"`
	WallSeconds float64         `json:"wall_seconds"`
	StartedAt   time.Time       `json:"started_at"`
	EndedAt     time.Time       `json:"ended_at,omitzero"`
	Command     []string        `json:"command"`
	Program     results.Program `json:"program"`
}

// saveEvery is the time between saved states while matches are played. Tests do not wait.
var saveEvery = 2 * time.Second

// Start begins a league in dir, or goes on with the one that is there if it has the same configuration.
func Start(c experiments.Catalog, cfg *Config, dir string, o Options) (*League, error) {
	l := &League{Dir: dir, Config: cfg, catalog: c, options: o}
	l.manifest = manifest{StartedAt: time.Now().UTC(), Command: o.Command, Program: o.Program}
	old, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	switch {
	case err == nil && bytes.Equal(old, cfg.Encode()):
		if err := l.read(); !errors.Is(err, os.ErrNotExist) {
			return l, err
		}
	case err == nil:
		return nil, fmt.Errorf("%s holds a league of another configuration; choose another --out", dir)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	for _, sub := range []string{membersDir, runsDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	if err := results.WriteFile(filepath.Join(dir, ConfigFile), cfg.Encode()); err != nil {
		return nil, err
	}
	for seat := range l.state.Members {
		for _, player := range cfg.side(seat).Players {
			frozen, err := l.freeze(player)
			if err != nil {
				return nil, fmt.Errorf("%ss.players: %s: %w", experiments.Roles[seat], player, err)
			}
			l.state.Members[seat] = append(l.state.Members[seat], Member{Name: frozen, Player: frozen})
		}
	}
	l.grow()
	if err := l.save(); err != nil {
		return nil, err
	}
	return l, nil
}

// Open reads the league in dir.
func Open(c experiments.Catalog, dir string, o Options) (*League, error) {
	data, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	if err != nil {
		return nil, fmt.Errorf("%s holds no league: %w", dir, err)
	}
	cfg, err := Load(c, settings.File(filepath.Join(dir, ConfigFile), data), nil)
	if err != nil {
		return nil, err
	}
	l := &League{Dir: dir, Config: cfg, catalog: c, options: o}
	if err := l.read(); err != nil {
		return nil, err
	}
	return l, nil
}

// read reads state and manifest.
func (l *League) read() error {
	for name, into := range map[string]any{StateFile: &l.state, ManifestFile: &l.manifest} {
		path := filepath.Join(l.Dir, name)
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	path := filepath.Join(l.Dir, StateFile)
	if l.state.Format != stateFormat {
		return fmt.Errorf("%s: format %d is unknown: this program reads format %d", path, l.state.Format, stateFormat)
	}
	n, m := len(l.state.Members[0]), len(l.state.Members[1])
	ok := len(l.state.Matches) == n && !slices.ContainsFunc(l.state.Matches, func(row []*algos.Tally) bool { return len(row) != m })
	for _, meta := range l.state.Metas {
		ok = ok && len(meta.Weights[0]) <= n && len(meta.Weights[1]) <= m
	}
	if !ok {
		return fmt.Errorf("%s: the matches are not those of %d attackers and %d defenders", path, n, m)
	}
	return nil
}

// freeze stores the checkpoint of a player, if it has one, and names it by its hash.
func (l *League) freeze(player string) (string, error) {
	kind, run, _ := strings.Cut(player, ":")
	if kind != "checkpoint" && kind != "greedy" {
		return player, nil
	}
	saved, err := l.catalog.Open(run)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(saved.Path)
	if err != nil {
		return "", err
	}
	hash := experiments.Hash(data)
	return kind + ":" + hash, results.WriteFile(l.checkpoint(hash), data)
}

// checkpoint is the file of a member.
func (l *League) checkpoint(hash string) string {
	return filepath.Join(l.Dir, membersDir, hash+".ckpt")
}

// thawed is a member as a player outside of the league: its checkpoint by its path.
func (l *League) thawed(seat, member int) string {
	player := l.state.Members[seat][member].Player
	kind, hash, _ := strings.Cut(player, ":")
	if kind == "checkpoint" || kind == "greedy" {
		return kind + ":" + l.checkpoint(hash)
	}
	return player
}

// grow makes room for the matches of new members.
func (l *League) grow() {
	for len(l.state.Matches) < len(l.state.Members[0]) {
		l.state.Matches = append(l.state.Matches, nil)
	}
	for a, row := range l.state.Matches {
		for len(row) < len(l.state.Members[1]) {
			row = append(row, nil)
		}
		l.state.Matches[a] = row
	}
}

// Run trains and plays to the end, or until ctx is done: then it keeps everything and returns experiments.ErrInterrupted.
// Whenever it is killed, Start or Open and Run come to the same end.
func (l *League) Run(ctx context.Context) error {
	began, before := time.Now(), l.manifest.WallSeconds
	err := l.run(ctx)
	l.manifest.WallSeconds = before + time.Since(began).Seconds()
	l.manifest.Status = results.Finished
	switch {
	case ctx.Err() != nil:
		l.manifest.Status, err = results.Interrupted, experiments.ErrInterrupted
	case err != nil:
		l.manifest.Status = results.Failed
	}
	return errors.Join(err, l.save())
}

func (l *League) run(ctx context.Context) error {
	for round := len(l.state.Metas); round <= l.Config.Rounds; round++ {
		if round > 0 {
			if err := l.train(ctx, round); err != nil {
				return err
			}
		}
		if err := l.play(ctx, round); err != nil {
			return err
		}
		meta := Meta{}
		meta.Value, meta.Weights[0], meta.Weights[1] = exact.MatrixGame(l.payoffs())
		l.state.Metas = append(l.state.Metas, meta)
		if err := errors.Join(l.save(), l.writeTables()); err != nil {
			return err
		}
	}
	return l.writeTables()
}

// payoffs is the payoff matrix.
func (l *League) payoffs() [][]float64 {
	matrix := make([][]float64, len(l.state.Matches))
	for a, row := range l.state.Matches {
		for _, tally := range row {
			matrix[a] = append(matrix[a], l.payoff(tally))
		}
	}
	return matrix
}

// payoff is what the attacker got; NaN where there was no match yet.
func (l *League) payoff(t *algos.Tally) float64 {
	switch {
	case t == nil:
		return math.NaN()
	case l.Config.Payoff == "hacked":
		return t.HackProbability()
	default:
		return t.MeanReturn(0)
	}
}

// save writes state and manifest.
func (l *League) save() error {
	l.state.Format = stateFormat
	data, err := json.Marshal(l.state)
	if err != nil {
		return err
	}
	if l.manifest.Status == "" {
		l.manifest.Status = results.Running
	}
	l.manifest.Members, l.manifest.EndedAt = len(l.state.Members[0])+len(l.state.Members[1]), time.Now().UTC()
	about, err := json.MarshalIndent(l.manifest, "", "  ")
	if err != nil {
		return err
	}
	l.saveAt = time.Now().Add(saveEvery)
	return errors.Join(
		results.WriteFile(filepath.Join(l.Dir, ManifestFile), append(about, '\n')), // first: a state has a manifest beside it
		results.WriteFile(filepath.Join(l.Dir, StateFile), append(data, '\n')),
	)
}

// opponents are the weights by which an agent draws the other side's members in a round of training.
func (l *League) opponents(a agent) []float64 {
	members := l.state.Members[1-a.seat]
	weights := make([]float64, len(members))
	for i := range weights {
		switch meta := l.state.Metas[len(l.state.Metas)-1]; {
		case a.kind == mainExploiter:
			weights[i] = l.latest(1 - a.seat)[i]
		case a.kind == leagueExploiter || l.Config.Opponents == "pfsp":
			weights[i] = selfplay.PFSP(l.Config.PFSP, l.winRate(a, i))
		case l.Config.Opponents == "nash":
			weights[i] = meta.Weights[1-a.seat][i]
		default:
			weights[i] = 1
		}
	}
	normalize(weights)
	if a.kind == mainAgent && l.Config.Latest > 0 {
		for i, x := range l.latest(1 - a.seat) {
			weights[i] = (1-l.Config.Latest)*weights[i] + l.Config.Latest*x
		}
	}
	return weights
}

// winRate is the share of games that an agent's latest member won against a member of the other side; 1/2 if there is none.
func (l *League) winRate(a agent, other int) float64 {
	for own, m := range slices.Backward(l.state.Members[a.seat]) {
		if m.Agent != a.name {
			continue
		}
		if a.seat == 0 {
			return l.state.Matches[own][other].HackProbability()
		}
		return 1 - l.state.Matches[other][own].HackProbability()
	}
	return 0.5
}

// latest is the even mixture of the last members of a side's main agents, in the beginning of all members.
func (l *League) latest(seat int) []float64 {
	weights := make([]float64, len(l.state.Members[seat]))
	for _, a := range l.Config.agents(seat) {
		for i, m := range slices.Backward(l.state.Members[seat]) {
			if a.kind == mainAgent && m.Agent == a.name {
				weights[i] = 1
				break
			}
		}
	}
	normalize(weights)
	return weights
}

// normalize makes weights add up to 1; if all are 0, they become alike.
func normalize(weights []float64) {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	for i := range weights {
		if sum > 0 {
			weights[i] /= sum
		} else {
			weights[i] = 1 / float64(len(weights))
		}
	}
}

// mixture is the player that draws a side's members by weight.
func (l *League) mixture(seat int, weights []float64) string {
	var parts []experiments.Weighted
	for i, w := range weights {
		parts = append(parts, experiments.Weighted{Weight: w, Player: l.thawed(seat, i)})
	}
	return experiments.FormatMixture(parts)
}

// simulation is the match of two players of the league's game, with random numbers of their own.
func (l *League) simulation(attacker, defender string, games int, seed uint64) experiments.Simulation {
	return experiments.Simulation{
		Env: l.Config.Env, EnvFile: l.Config.envSource(), InstanceSeed: l.Config.InstanceSeed,
		Players:  map[envs.Role]string{envs.Attacker: attacker, envs.Defender: defender},
		Episodes: games, Seed: seed,
	}
}

// Value is what the attackers get in the last meta-strategy; NaN before the first.
func (l *League) Value() float64 {
	if len(l.state.Metas) == 0 {
		return math.NaN()
	}
	return l.state.Metas[len(l.state.Metas)-1].Value
}
