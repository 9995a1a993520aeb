package experiments

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
	"time"

	"idsrl/algos"
	"idsrl/algos/selfplay"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// Options are what a run needs to know besides its configuration. None changes what is learnt.
type Options struct {
	Command  []string        // for the manifest
	Program  results.Program // for the manifest
	Progress func(Progress)  // called a few times a second and after each evaluation; may be nil
}

// Progress is how far a run is.
type Progress struct {
	Dir             string // of the run
	Seed            uint64
	Spent           float64 // fraction of the budget
	Episodes, Steps int64
	Evaluation      *results.EvalRow // the latest greedy one; nil before the first
}

// Run is a training run in its folder.
type Run struct {
	Dir    string
	Config *Config

	options  Options
	table    *table
	session  *algos.Session
	turns    *selfplay.Turns // nil: all learners learn in the same games
	stock    *stock          // of turns
	manifest results.Manifest
	lock     *os.File             // from Start or Resume to the end of Train
	files    [2]*results.Appender // train.csv and eval.csv
	marks    marks
	latest   *results.EvalRow
	measure  *Exploiter // nil where exploitability is not measured
	saveAt   time.Time  // when the next checkpoint is due
}

// The files of a run that grow.
const (
	trainCSV = iota
	evalCSV
)

var csvNames = [2]string{trainCSV: results.TrainFile, evalCSV: results.EvalFile}

// marks are what a checkpoint keeps besides session and learners: which rows are written.
type marks struct {
	Logs        int             `json:"logs"`
	Evaluations int             `json:"evaluations"`
	Bytes       [2]int64        `json:"bytes"` // of train.csv and eval.csv
	Session     json.RawMessage `json:"session"`
}

// ErrExists is the error of a folder that holds another run.
var ErrExists = errors.New("the folder holds a run already")

// ErrInterrupted is the error of a run that was stopped; Resume goes on with it.
var ErrInterrupted = errors.New("interrupted")

const progressEvery = 150 * time.Millisecond // between calls of Options.Progress

// saveAfter is how long to wait with the next checkpoint after one that took cost: checkpoints take a 20th of the time at
// most. Tests do not wait.
var saveAfter = func(cost time.Duration) time.Duration { return max(5*time.Second, 20*cost) }

// Start begins a run in dir. A folder with a run is taken over only if that run is finished and had the same
// configuration, which would come out the same, or if force is set.
func (c Catalog) Start(cfg *Config, dir string, force bool, o Options) (*Run, error) {
	r, err := c.prepare(cfg, dir, o)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if r.lock, err = lock(dir); err != nil {
		return nil, err
	}
	if err := r.begin(force); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// begin writes what a run begins with into its folder.
func (r *Run) begin(force bool) error {
	if !force {
		if err := mayStart(r.Config, r.Dir); err != nil {
			return err
		}
	}
	if err := removeRun(r.Dir); err != nil {
		return err
	}
	config := filepath.Join(r.Dir, results.ConfigFile)
	if err := errors.Join(r.Config.keep(r.Dir), results.WriteFile(config, r.Config.Encode())); err != nil {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	err := errors.Join(
		r.files[trainCSV].WriteLine(results.TrainHeader(r.metrics()...)),
		r.files[evalCSV].WriteLine(results.EvalHeader(r.measure.metrics()...)),
	)
	if err == nil {
		err = r.save()
	}
	return err
}

// mayStart is the error of a folder that holds a run which cfg does not repeat.
func mayStart(cfg *Config, dir string) error {
	old, err := results.ReadManifest(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w, which cannot be read: %w; choose another --out, or replace it with --force", ErrExists, err)
	}
	config, _ := os.ReadFile(filepath.Join(dir, results.ConfigFile))
	switch same := bytes.Equal(config, cfg.Encode()); {
	case same && old.Status != results.Finished:
		return fmt.Errorf("%w, interrupted: %s; go on with --resume, or start over with --force", ErrExists, dir)
	case !same:
		return fmt.Errorf("%w, of another configuration: %s; choose another --out, or replace it with --force", ErrExists, dir)
	}
	return nil
}

// removeRun removes the files of a run that the next one in the folder does not write anew at once.
func removeRun(dir string) error {
	stale := []string{results.ManifestFile, results.FinalCheckpoint, results.LastCheckpoint}
	policies, err := frozenIn(dir)
	if err != nil {
		return err
	}
	for _, name := range policies {
		stale = append(stale, copyOf("", name))
	}
	for _, name := range stale {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// metrics are the names of what the learners report, each after its role, and of what their turns do.
func (r *Run) metrics() (names []string) {
	for i, l := range r.table.learners {
		for _, name := range l.Metrics() {
			names = append(names, r.table.role(i).String()+"/"+name)
		}
	}
	if r.turns != nil {
		names = append(names, r.turns.Metrics()...)
	}
	return names
}

// Resume goes on with the run in dir from its last checkpoint. A finished run is not an error; its Train does nothing.
func (c Catalog) Resume(dir string, o Options) (r *Run, err error) {
	old, err := results.ReadManifest(dir)
	if err != nil {
		return nil, fmt.Errorf("nothing to resume: %w", err)
	}
	name := results.FinalCheckpoint
	var held *os.File
	if old.Status != results.Finished {
		name = results.LastCheckpoint
		if held, err = lock(dir); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, held.Close())
			}
		}()
	}
	checkpoint, err := ReadCheckpoint(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	cfg, err := c.Load(Sources{File: settings.File(filepath.Join(dir, results.ConfigFile), checkpoint.Config), Dir: dir})
	if err != nil {
		return nil, err
	}
	if r, err = c.prepare(cfg, dir, o); err != nil {
		return nil, err
	}
	r.lock = held
	if err := r.table.restore(checkpoint); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	r.manifest.StartedAt, r.manifest.WallSeconds = old.StartedAt, old.WallSeconds
	if old.Status == results.Finished {
		r.manifest = *old
		return r, nil
	}
	if err := json.Unmarshal(checkpoint.Session, &r.marks); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	if err := json.Unmarshal(r.marks.Session, r.session); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	// Only now, with its end cut off: what a crash of the machine leaves there need not be text.
	run, err := results.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	if row, ok := run.Last(results.Greedy); ok {
		r.latest = &row
	}
	return r, nil
}

// prepare builds everything but files.
func (c Catalog) prepare(cfg *Config, dir string, o Options) (*Run, error) {
	t, err := c.build(cfg)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, Config: cfg, options: o, table: t}
	if r.measure, err = t.exploiter(); err != nil {
		return nil, err
	}
	if err := r.meet(); err != nil {
		return nil, err
	}
	header := t.header()
	r.manifest = results.Manifest{
		Env: header.Env, Algo: header.Algo, Seed: cfg.Seed, InstanceSeed: cfg.InstanceSeed,
		Budget: results.Budget{Episodes: cfg.Episodes, Steps: cfg.Steps}, Config: cfg.SHA256(),
		StartedAt: time.Now().UTC(), Command: o.Command, Program: o.Program,
	}
	for i := range t.learners {
		r.manifest.Learners = append(r.manifest.Learners, t.role(i).String())
	}
	if d, ok := envs.As[envs.Drawn](t.game); ok {
		r.manifest.Layout = d.Layout()
	}
	return r, nil
}

// meet makes the games of training: the same ones for all learners, or for each its own.
func (r *Run) meet() (err error) {
	t, budget := r.table, algos.Budget{Episodes: r.Config.Episodes, Steps: r.Config.Steps}
	if !r.Config.selfPlay().TakesTurns() {
		all := make([]int, len(t.learners))
		for i := range all {
			all[i] = i
		}
		arena, err := t.arena(all, nil)
		if err != nil {
			return err
		}
		r.session = algos.NewSession(arena, budget)
		return nil
	}
	if r.stock, err = newStock(t, r.Dir); err != nil {
		return err
	}
	if r.turns, err = t.turns(r.stock); err != nil {
		return err
	}
	var arenas []algos.Arena
	for i := range t.learners {
		arena, err := t.arena([]int{i}, r.turns)
		if err != nil {
			return err
		}
		arenas = append(arenas, arena)
	}
	r.session = algos.NewDirectedSession(arenas, r.turns, budget)
	return nil
}

// open opens the files that grow, without what was written after the checkpoint.
func (r *Run) open() (err error) {
	for i, name := range csvNames {
		if r.files[i], err = results.OpenAppender(filepath.Join(r.Dir, name), r.marks.Bytes[i]); err != nil {
			return err
		}
	}
	return nil
}

// close closes the files that grow and unlocks the folder.
func (r *Run) close() (err error) {
	for _, f := range r.files {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return errors.Join(err, r.lock.Close())
}

// Train trains to the end, or until ctx is done: then it saves and returns ErrInterrupted.
func (r *Run) Train(ctx context.Context) (err error) {
	if r.manifest.Status == results.Finished {
		return nil
	}
	defer func() { err = errors.Join(err, r.close()) }()
	started, before := time.Now(), r.manifest.WallSeconds
	for r.marks.Evaluations <= r.Config.Evaluations {
		log, eval := r.next()
		slice, cancel := context.WithTimeout(ctx, progressEvery)
		err := r.session.Run(slice, min(log, eval))
		cancel()
		r.manifest.WallSeconds = before + time.Since(started).Seconds()
		switch {
		case ctx.Err() != nil:
			r.manifest.Status = results.Interrupted
			return errors.Join(ErrInterrupted, r.save())
		case errors.Is(err, context.DeadlineExceeded):
		case err != nil:
			r.manifest.Status = results.Failed
			last := filepath.Join(r.Dir, results.LastCheckpoint)
			return errors.Join(fmt.Errorf("%w; %s holds what was learnt before", err, last), r.note())
		default:
			if err := r.reach(ctx, log <= eval, eval <= log); err != nil {
				if ctx.Err() != nil {
					r.manifest.Status = results.Interrupted
					return errors.Join(ErrInterrupted, r.save())
				}
				return err
			}
		}
		r.report()
		if time.Now().After(r.saveAt) && r.marks.Evaluations <= r.Config.Evaluations {
			if err := r.save(); err != nil {
				return err
			}
		}
	}
	r.manifest.WallSeconds = before + time.Since(started).Seconds()
	return r.finish()
}

// next are the fractions of the budget at which the next row of each file is due.
func (r *Run) next() (log, eval float64) {
	log = float64(r.marks.Logs+1) / float64(r.Config.LogRows)
	if r.marks.Logs == r.Config.LogRows {
		log = math.Inf(1)
	}
	return log, float64(r.marks.Evaluations) / float64(r.Config.Evaluations)
}

// reach writes the rows that are due.
func (r *Run) reach(ctx context.Context, log, eval bool) error {
	if log {
		if err := r.log(); err != nil {
			return err
		}
		r.marks.Logs++
	}
	if eval {
		if err := r.evaluate(ctx); err != nil {
			return err
		}
		r.marks.Evaluations++
	}
	return nil
}

// log writes a row of train.csv.
func (r *Run) log() error {
	w := r.session.Window()
	row := results.TrainRow{
		Step: r.session.Steps, Episodes: r.session.Episodes,
		HackProbability: w.HackProbability(), DetectionProbability: w.DetectionProbability(),
		AttackerReturn: r.meanReturn(w, envs.Attacker), DefenderReturn: r.meanReturn(w, envs.Defender),
		EpisodeLength: w.MeanLength(),
	}
	for _, l := range r.table.learners {
		values := make([]float64, len(l.Metrics()))
		l.Report(values)
		row.Extra = append(row.Extra, values...)
	}
	if r.turns != nil {
		values := make([]float64, len(r.turns.Metrics()))
		r.turns.Report(values)
		row.Extra = append(row.Extra, values...)
	}
	return r.files[trainCSV].WriteLine(row.Line())
}

// meanReturn is the mean return of the first seat of a role, NaN where there is none.
func (r *Run) meanReturn(t algos.Tally, role envs.Role) float64 {
	seat := slices.IndexFunc(r.table.game.Spec().Seats, func(s envs.Seat) bool { return s.Role == role })
	if seat < 0 {
		return math.NaN()
	}
	return t.MeanReturn(seat)
}

// evaluate writes the rows of eval.csv of one evaluation. Every evaluation of a run plays the same episodes.
func (r *Run) evaluate(ctx context.Context) error {
	episodes := r.Config.EvalEpisodes
	if r.marks.Evaluations == r.Config.Evaluations {
		episodes = r.Config.FinalEpisodes
	}
	var lines []string
	for _, mode := range algos.Modes {
		players, err := r.table.players(mode)
		if err != nil {
			return err
		}
		root := envs.Derive(r.Config.Seed, "evaluation", 0)
		t, err := algos.Evaluate(ctx, r.table.game, players, episodes, root, nil)
		if err != nil {
			return err
		}
		low, high := results.Wilson(int(t.Hacks), int(t.Episodes), results.Z95)
		row := results.EvalRow{
			Step: r.session.Steps, Episodes: r.session.Episodes, Mode: results.Mode(mode.String()),
			Games: t.Episodes, HackProbability: t.HackProbability(), HackLow: low, HackHigh: high,
			DetectionProbability: t.DetectionProbability(),
			AttackerReturn:       r.meanReturn(t, envs.Attacker), DefenderReturn: r.meanReturn(t, envs.Defender),
			EpisodeLength: t.MeanLength(),
		}
		extra, err := r.measure.measure(players)
		if err != nil {
			return err
		}
		lines = append(lines, row.Line(extra...))
		if mode == algos.Greedy {
			r.latest = &row
		}
	}
	for _, line := range lines {
		if err := r.files[evalCSV].WriteLine(line); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) report() {
	if r.options.Progress != nil {
		r.options.Progress(Progress{
			Dir: r.Dir, Seed: r.Config.Seed, Spent: r.session.Spent(),
			Episodes: r.session.Episodes, Steps: r.session.Steps, Evaluation: r.latest,
		})
	}
}

// checkpoint is the run at rest, without what only Resume needs.
func (r *Run) checkpoint() (*algos.Checkpoint, error) {
	c := &algos.Checkpoint{Header: r.table.header(), Config: r.Config.Encode()}
	c.Episodes, c.Steps = r.session.Episodes, r.session.Steps
	for _, l := range r.table.learners {
		state, err := algos.Save(l)
		if err != nil {
			return nil, err
		}
		c.Learners = append(c.Learners, state)
	}
	return c, nil
}

// save writes the checkpoint from which Resume goes on: first what it refers to, so that a kill between the writes
// leaves the older checkpoint with longer files, which Resume cuts.
func (r *Run) save() error {
	began := time.Now()
	for i, f := range r.files {
		if err := f.Sync(); err != nil {
			return err
		}
		r.marks.Bytes[i] = f.Size()
	}
	c, err := r.checkpoint()
	if err != nil {
		return err
	}
	if r.marks.Session, err = json.Marshal(r.session); err != nil {
		return err
	}
	if c.Session, err = json.Marshal(r.marks); err != nil {
		return err
	}
	data, err := c.Encode()
	if err != nil {
		return err
	}
	if err := r.keep(results.LastCheckpoint, data); err != nil {
		return err
	}
	if r.manifest.Status == "" {
		r.manifest.Status = results.Running
	}
	if err := r.note(); err != nil {
		return err
	}
	r.saveAt = time.Now().Add(saveAfter(time.Since(began)))
	return nil
}

// keep writes a checkpoint: before it the frozen policies that it names, and after it, those that none names any more go.
func (r *Run) keep(name string, data []byte) error {
	path := filepath.Join(r.Dir, name)
	if r.turns == nil {
		return results.WriteFile(path, data)
	}
	inUse := r.turns.Frozen()
	if err := r.stock.write(inUse); err != nil {
		return err
	}
	if err := results.WriteFile(path, data); err != nil {
		return err
	}
	return r.stock.prune(inUse)
}

// note writes the manifest.
func (r *Run) note() error {
	r.manifest.Steps, r.manifest.Episodes = r.session.Steps, r.session.Episodes
	r.manifest.EndedAt = time.Now().UTC()
	return r.manifest.Save(r.Dir)
}

// finish writes the final checkpoint and says so in the manifest.
func (r *Run) finish() error {
	for _, f := range r.files {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	c, err := r.checkpoint()
	if err != nil {
		return err
	}
	data, err := c.Encode()
	if err != nil {
		return err
	}
	if err := r.keep(results.FinalCheckpoint, data); err != nil {
		return err
	}
	r.manifest.CheckpointSHA256 = sha256Of(data)
	r.manifest.Status = results.Finished
	if err := r.note(); err != nil {
		return err
	}
	return os.Remove(filepath.Join(r.Dir, results.LastCheckpoint))
}

// ReadCheckpoint reads a checkpoint file.
func ReadCheckpoint(path string) (*algos.Checkpoint, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decode(path, data)
}

// decode is ReadCheckpoint of data that was read at path.
func decode(path string, data []byte) (*algos.Checkpoint, error) {
	c, err := algos.DecodeCheckpoint(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
