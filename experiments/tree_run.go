package experiments

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// Jobs are the training runs that the experiments consist of, each with so many seeds (0: as many as is usual), and those
// that they need of others. Each is there once.
func (t *Tree) Jobs(list []Experiment, seeds int) (jobs []Job, problems error) {
	there := map[string]bool{}
	add := func(e Experiment, cfg *Config, from, to int) {
		for seed := from; seed < to; seed++ {
			if dir := e.run(seed); !there[dir] {
				there[dir] = true
				jobs = append(jobs, Job{cfg.WithSeed(cfg.Seed + uint64(seed)), dir})
			}
		}
	}
	for _, e := range list {
		if e.Kind == Training {
			cfg, err := e.Config()
			if problems = errors.Join(problems, err); err == nil {
				n := seeds
				if n == 0 {
					n = e.Seeds(cfg)
				}
				add(e, cfg, 0, n)
			}
			continue
		}
		for seed := range e.rounds(seeds) {
			needs, err := e.Needs(seed)
			problems = errors.Join(problems, err)
			for _, need := range needs {
				cfg, err := need.Experiment.Config()
				if problems = errors.Join(problems, err); err == nil {
					add(need.Experiment, cfg, need.Seed, need.Seed+1)
				}
			}
		}
	}
	return jobs, problems
}

// Holds reports whether a folder holds a run of the configuration, and how far it is. A run that cannot be read does not
// count; a warning names the file.
func (cfg *Config) Holds(dir string) (results.Status, bool) {
	run := cfg.held(dir)
	if run == nil {
		return "", false
	}
	return run.Status, true
}

// held is the run that Holds means, nil if there is none. Of one that is not finished it has the manifest alone: the end of its
// other files need not be text, Resume cuts it.
func (cfg *Config) held(dir string) *results.Run {
	config, err := os.ReadFile(filepath.Join(dir, results.ConfigFile))
	if err != nil || !bytes.Equal(config, cfg.Encode()) {
		return nil
	}
	run := &results.Run{Dir: dir}
	manifest, err := results.ReadManifest(dir)
	if err == nil {
		run.Manifest = *manifest
		if run.Status == results.Finished {
			run, err = results.ReadRun(dir)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		slog.Warn("a run that cannot be read does not count", "error", err)
		return nil
	}
	return run
}

// Reach begins the run of a configuration in dir, or goes on with it if the folder holds it already, also when it is
// finished. With force it takes the place of a run of another configuration.
func (c Catalog) Reach(cfg *Config, dir string, force bool, o Options) (*Run, error) {
	if _, ok := cfg.Holds(dir); ok {
		return c.Resume(dir, o)
	}
	return c.Start(cfg, dir, force, o)
}

// rounds is how often an experiment that is no training is played, each time with another seed: so often as asked, or 10
// times. A person plays once.
func (e Experiment) rounds(seeds int) int {
	switch {
	case e.Kind == Playing || e.tree.Quick:
		return 1
	case seeds == 0:
		return 10
	default:
		return seeds
	}
}

// An Outcome is what an experiment came to.
type Outcome struct {
	Experiment string            `json:"experiment"`
	File       string            `json:"config"`
	Config     string            `json:"config_sha256,omitempty"` // of the configuration without seeds, as Config.SHA256
	Env        string            `json:"env"`
	Players    string            `json:"players"`
	Protocol   int               `json:"evaluation_protocol,omitempty"` // results.EvalProtocol; 0 of a simulation, which has no evaluations
	Programs   []results.Program `json:"programs,omitempty"`            // those that made the runs
	Seeds      int               `json:"seeds"`
	Budget     results.Budget    `json:"budget,omitzero"`
	Games      int64             `json:"games"`                 // of each seed's last evaluation
	Hacked     float64           `json:"hack_probability"`      // greedy, mean over seeds
	Interval   []float64         `json:"interval_95,omitempty"` // of it, by bootstrap; none of one seed
	Steps      float64           `json:"steps,omitempty"`       // mean over seeds
	Seconds    float64           `json:"-"`                     // likewise; the only one that the configuration does not decide
	Curve      []float64         `json:"curve,omitempty"`       // of Hacked over training, by Budget.Axis
	Scores     []Score           `json:"scores,omitempty"`      // by seed; missing of what was published without
}

// A Score is what one seed of an experiment came to.
type Score struct {
	Seed        uint64   `json:"seed"`
	Hacked      float64  `json:"hack_probability"`
	Checkpoints []string `json:"checkpoints_sha256,omitempty"` // final ones: the run's, or those of the players of a simulation
}

// FindOutcome finds the outcome of an experiment with the configuration in a file; nil if it is not there.
func FindOutcome(outcomes []Outcome, experiment, file string) *Outcome {
	at := slices.IndexFunc(outcomes, func(o Outcome) bool { return o.Experiment == experiment && o.File == file })
	if at < 0 {
		return nil
	}
	return &outcomes[at]
}

// Estimate is Hacked with its interval.
func (o *Outcome) Estimate() results.Estimate {
	if o.Interval == nil {
		return results.Estimate{Value: o.Hacked, Low: math.NaN(), High: math.NaN()}
	}
	return results.Estimate{Value: o.Hacked, Low: o.Interval[0], High: o.Interval[1]}
}

// estimate settles Seeds, Hacked and Interval from the scores.
func (o *Outcome) estimate() {
	var hacked []float64
	for _, score := range o.Scores {
		hacked = append(hacked, score.Hacked)
	}
	e := results.NewEstimate(results.Statistics[0], hacked)
	o.Seeds, o.Hacked, o.Interval = len(hacked), e.Value, nil
	if !math.IsNaN(e.Low) {
		o.Interval = []float64{e.Low, e.High}
	}
}

// Measure finds what the experiment came to: it reads the finished runs of training, and plays a simulation, which takes a
// moment. The outcome is nil if there is none, as of manual play, or of a simulation of runs that are not finished.
func (e Experiment) Measure(ctx context.Context) (*Outcome, error) {
	switch {
	case e.Kind == Training:
		return e.trained()
	case e.Kind == Simulating, e.tree.Quick:
		return e.play(ctx)
	}
	return nil, nil
}

// Games are how many games Measure plays if all runs that it needs are finished.
func (e Experiment) Games() (int64, error) {
	if e.Kind == Training || e.Kind == Playing && !e.tree.Quick {
		return 0, nil
	}
	sim, err := e.match()
	return int64(sim.Episodes) * int64(e.rounds(0)), err
}

// trained is what the finished runs came to.
func (e Experiment) trained() (*Outcome, error) {
	runs, err := e.Finished()
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	cfg, err := e.Config()
	if err != nil {
		return nil, err
	}
	s := results.Summarize(runs, results.Statistics[0])[0]
	o := &Outcome{
		Experiment: e.Name, File: e.tree.File, Config: cfg.SHA256(), Env: s.Env, Players: s.Algo, Protocol: results.EvalProtocol,
		Budget: s.Budget, Steps: s.Steps, Seconds: s.WallSeconds, Curve: s.Curve,
	}
	for _, run := range runs {
		last, _ := run.Last(results.Greedy)
		o.Games = last.Games
		o.Scores = append(o.Scores, Score{run.Seed, last.HackProbability, []string{run.CheckpointSHA256}})
		if !slices.Contains(o.Programs, run.Program) {
			o.Programs = append(o.Programs, run.Program)
		}
	}
	o.estimate()
	return o, nil
}

// Finished are the finished runs of the configuration as it is, by seed.
func (e Experiment) Finished() (runs []*results.Run, err error) {
	cfg, err := e.Config()
	if err != nil {
		return nil, err
	}
	folders, err := os.ReadDir(e.Runs())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, folder := range folders {
		if seed, ok := seedOf(folder.Name()); ok {
			if run := e.finished(cfg, seed); run != nil {
				run.Config = cfg.SHA256() // which not every manifest says
				runs = append(runs, run)
			}
		}
	}
	slices.SortFunc(runs, func(a, b *results.Run) int { return cmp.Compare(a.Seed, b.Seed) })
	return runs, nil
}

// finished is the run with a seed, nil unless it is finished and of the configuration.
func (e Experiment) finished(cfg *Config, seed int) *results.Run {
	run := cfg.WithSeed(cfg.Seed + uint64(seed)).held(e.run(seed))
	if run == nil || run.Status != results.Finished {
		return nil
	}
	return run
}

// play plays a simulation with each of its seeds for which the runs that it needs are finished.
func (e Experiment) play(ctx context.Context) (*Outcome, error) {
	o := &Outcome{Experiment: e.Name, File: e.tree.File, Programs: []results.Program{e.tree.Program}}
	match, err := e.match()
	if err != nil {
		return nil, err
	}
	o.Config = hashOf(settings.Encode(&SimulationConfig{
		Env: match.Env, Attacker: match.Players[envs.Attacker], Defender: match.Players[envs.Defender], Episodes: match.Episodes,
	}))
	if o.Env, o.Players, err = e.Players(); err != nil {
		return nil, err
	}
	for seed := range e.rounds(0) {
		checkpoints, ok, err := e.ready(seed)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		sim, err := e.Simulation(seed)
		if err != nil {
			return nil, err
		}
		sim.Begun = e.tree.Begun
		simulated, err := e.tree.Catalog.Simulate(ctx, sim)
		if err != nil {
			return nil, err
		}
		o.Games = simulated.Total.Episodes
		o.Scores = append(o.Scores, Score{uint64(seed), simulated.Total.HackProbability(), checkpoints})
	}
	if o.Scores == nil {
		return nil, nil
	}
	o.estimate()
	return o, nil
}

// ready reports whether all runs that a simulation needs for a seed are finished, and their final checkpoints.
func (e Experiment) ready(seed int) (checkpoints []string, ok bool, err error) {
	needs, err := e.Needs(seed)
	for _, need := range needs {
		cfg, err := need.Experiment.Config()
		if err != nil {
			return nil, false, err
		}
		run := need.Experiment.finished(cfg, need.Seed)
		if run == nil {
			return nil, false, nil
		}
		checkpoints = append(checkpoints, run.CheckpointSHA256)
	}
	return checkpoints, err == nil, err
}
