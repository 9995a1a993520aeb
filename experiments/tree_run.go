package experiments

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

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
		needs, err := e.Needs()
		problems = errors.Join(problems, err)
		for _, need := range needs {
			cfg, err := need.Experiment.Config()
			if problems = errors.Join(problems, err); err == nil {
				add(need.Experiment, cfg, need.Seed, need.Seed+1)
			}
		}
	}
	return jobs, problems
}

// Holds reports whether a folder holds a run of the configuration, and how far it is.
func (cfg *Config) Holds(dir string) (results.Status, bool) {
	manifest, err := readManifest(dir)
	if err != nil {
		return "", false
	}
	config, _ := os.ReadFile(filepath.Join(dir, results.ConfigFile))
	return manifest.Status, bytes.Equal(config, cfg.Encode())
}

// Reach begins the run of a configuration in dir, or goes on with it if the folder holds it already, also when it is
// finished. With force it takes the place of a run of another configuration.
func (c Catalog) Reach(cfg *Config, dir string, force bool, o Options) (*Run, error) {
	if _, ok := cfg.Holds(dir); ok {
		return c.Resume(dir, o)
	}
	return c.Start(cfg, dir, force, o)
}

// An Outcome is what the finished runs of an experiment came to.
type Outcome struct {
	Experiment string         `json:"experiment"`
	File       string         `json:"config"`
	Env        string         `json:"env"`
	Players    string         `json:"players"`
	Seeds      int            `json:"seeds"`
	Budget     results.Budget `json:"budget,omitzero"`
	Games      int64          `json:"games"`                 // of each seed's last evaluation
	Hacked     float64        `json:"hack_probability"`      // greedy, mean over seeds
	Interval   []float64      `json:"interval_95,omitempty"` // of it, by bootstrap; none of one seed
	Steps      float64        `json:"steps,omitempty"`       // mean over seeds
	Seconds    float64        `json:"-"`                     // likewise; the only one that the configuration does not decide
	Curve      []float64      `json:"curve,omitempty"`       // of Hacked in training
}

// Estimate is Hacked with its interval.
func (o *Outcome) Estimate() results.Estimate {
	if o.Interval == nil {
		return results.Estimate{Value: o.Hacked, Low: math.NaN(), High: math.NaN()}
	}
	return results.Estimate{Value: o.Hacked, Low: o.Interval[0], High: o.Interval[1]}
}

// setEstimate is the inverse.
func (o *Outcome) setEstimate(e results.Estimate) {
	o.Hacked, o.Interval = e.Value, nil
	if !math.IsNaN(e.Low) {
		o.Interval = []float64{e.Low, e.High}
	}
}

// Outcome is what the experiment came to: nil if there is nothing, as of manual play, or of a simulation with a run that is
// not finished. A simulation takes a moment and is played for it.
func (e Experiment) Outcome(ctx context.Context) (*Outcome, error) {
	switch e.Kind {
	case Training:
		runs, err := e.Finished()
		if err != nil || len(runs) == 0 {
			return nil, err
		}
		s := results.Summarize(runs, results.Statistics[0])[0]
		last, _ := runs[0].Last(results.Greedy)
		o := &Outcome{
			Experiment: e.Name, File: e.tree.File, Env: s.Env, Players: s.Algo, Seeds: s.Seeds, Budget: s.Budget, Games: last.Games,
			Steps: s.Steps, Seconds: s.WallSeconds, Curve: s.Curve,
		}
		o.setEstimate(s.GreedyHack)
		return o, nil
	case Simulating:
		return e.simulate(ctx)
	default:
		if e.tree.Quick {
			return e.simulate(ctx)
		}
		return nil, nil
	}
}

// Finished are the finished runs of the configuration as it is.
func (e Experiment) Finished() (runs []*results.Run, err error) {
	cfg, err := e.Config()
	if err != nil {
		return nil, err
	}
	for seed := 0; ; seed++ {
		one, dir := cfg.WithSeed(cfg.Seed+uint64(seed)), e.run(seed)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return runs, nil
		}
		if status, ok := one.Holds(dir); !ok || status != results.Finished {
			continue
		}
		run, err := results.ReadRun(dir)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
}

// simulationSeeds is the number of seeds of a simulation, each with its own layout unless a run has learnt in one.
const simulationSeeds = 10

func (e Experiment) simulate(ctx context.Context) (*Outcome, error) {
	needs, err := e.Needs()
	if err != nil {
		return nil, err
	}
	finished := func(m Made) bool {
		_, err := os.Stat(filepath.Join(m.Dir, results.FinalCheckpoint))
		return err == nil
	}
	if slices.ContainsFunc(needs, func(m Made) bool { return !finished(m) }) {
		return nil, nil
	}
	sim, err := e.Simulation()
	if err != nil {
		return nil, err
	}
	n := simulationSeeds
	if e.tree.Quick {
		n = 1
	}
	o := &Outcome{Experiment: e.Name, File: e.tree.File, Seeds: n, Games: int64(sim.Episodes)}
	if o.Env, o.Players, err = e.Players(); err != nil {
		return nil, err
	}
	var hacked []float64
	for seed := range n {
		sim.Seed = uint64(seed) + 1
		simulated, err := e.tree.Catalog.Simulate(ctx, sim)
		if err != nil {
			return nil, err
		}
		hacked = append(hacked, simulated.Total.HackProbability())
	}
	o.setEstimate(results.NewEstimate(results.Statistics[0], hacked))
	return o, nil
}
