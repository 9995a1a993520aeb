package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

// A Search looks for settings by random search (Bergstra and Bengio 2012) with synchronous successive halving (Jamieson and
// Talwalkar 2016, arXiv:1502.07943; the bracket of Li et al. 2018, arXiv:1810.05934, that halves from the first rung on).
// All trials train with a small budget; the best of each rung, one in Eta, train with Eta times as much, up to the whole
// budget. A rung ends before the next begins, unlike in the asynchronous ASHA, so that the outcome does not depend on how
// many runs train at the same time.
//
// A rung trains from the start: schedules follow the fraction of the budget that is spent, so a run with a part of the
// budget is not the beginning of a longer one. Every training is thus an ordinary run, and the best one is what its
// configuration gives again.
type Search struct {
	Catalog Catalog
	Base    Sources // of all trials; its Set must not name a setting of the space
	Space   Space
	Dir     string
	Seed    uint64 // of the settings that are drawn
	Trials  int
	Seeds   int // runs of each trial, with the seeds from the configuration's on
	Rungs   int // 1 is random search
	Eta     int

	trials []*Trial
}

// A Trial is a point of the space.
type Trial struct {
	ID     int
	Values []string // by dimension, as in a file
	Config *Config  // with the whole budget
	Rung   int      // the last that it trained in
	Scores []float64
}

// score is the mean over seeds, NaN if a run is not finished.
func (t *Trial) score() float64 { return results.Mean(t.Scores) }

// failed reports whether a run of the last rung is not finished.
func (t *Trial) failed() bool { return math.IsNaN(t.score()) }

// A Job is a run that is to be trained.
type Job struct {
	Config *Config
	Dir    string
}

// Draw settles the trials. Trial i is the same for any number of trials. A point that the algorithm refuses is drawn again.
func (s *Search) Draw() error {
	if err := s.check(); err != nil {
		return err
	}
	const tries = 100
	for id := range s.Trials {
		rng := rand.New(rand.NewPCG(envs.Derive(s.Seed, "trial", uint64(id)), 0))
		trial := &Trial{ID: id}
		var err error
		for range tries {
			trial.Values = nil
			var set []string
			for _, d := range s.Space {
				value := d.draw(rng)
				trial.Values, set = append(trial.Values, value), append(set, d.Key+"="+value)
			}
			if trial.Config, _, err = s.build(set...); err == nil {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("trial %d: %d points of the space were refused: %w", id, tries, err)
		}
		s.trials = append(s.trials, trial)
	}
	return nil
}

// check reports what of the space does not suit the algorithm, and a game in which not one seat learns.
func (s *Search) check() error {
	base, t, err := s.build()
	if err != nil {
		return err
	}
	if len(t.learners) != 1 {
		return &settings.Error{Key: "env", Value: base.Env, Problem: fmt.Sprintf(
			"%d seats learn; a search needs one, whose success is the score: name a player of the other seat", len(t.learners))}
	}
	var problems settings.Errors
	for _, d := range s.Space {
		for _, value := range d.extremes() {
			var bad *settings.Error
			if _, _, err := s.build(d.Key + "=" + value); errors.As(err, &bad) {
				problems = append(problems, d.node.Errorf("%s = %s: %s", d.Key, value, bad.Problem))
				break
			} else if err != nil {
				return err
			}
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// build makes the configuration with more settings than the base, and what it describes.
func (s *Search) build(set ...string) (*Config, *table, error) {
	from := s.Base
	from.Set = slices.Concat(from.Set, set)
	cfg, err := s.Catalog.Load(from)
	if err != nil {
		return nil, nil, err
	}
	t, err := s.Catalog.build(cfg)
	return cfg, t, err
}

// Run trains rung after rung. train makes the runs of a rung, in any order; one that fails ends its trial.
func (s *Search) Run(ctx context.Context, train func([]Job) error) error {
	alive := s.trials
	for rung := range s.Rungs {
		var jobs []Job
		for _, t := range alive {
			jobs = append(jobs, s.jobs(t, rung)...)
		}
		if err := train(jobs); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, t := range alive {
			t.Rung, t.Scores = rung, nil
			for _, job := range s.jobs(t, rung) {
				run, err := results.ReadRun(job.Dir)
				switch {
				case errors.Is(err, os.ErrNotExist), err == nil && run.Status != results.Finished:
					t.Scores = append(t.Scores, math.NaN())
				case err != nil:
					return err
				default:
					t.Scores = append(t.Scores, run.Score())
				}
			}
		}
		alive = best(alive)
		alive = alive[:(len(alive)+s.Eta-1)/s.Eta]
		alive = slices.DeleteFunc(alive, (*Trial).failed)
	}
	return nil
}

// jobs are the runs of a trial in a rung.
func (s *Search) jobs(t *Trial, rung int) (jobs []Job) {
	for i := range s.Seeds {
		cfg := t.Config.WithSeed(t.Config.Seed + uint64(i))
		cfg.Episodes, cfg.Steps = s.part(cfg.Episodes, rung), s.part(cfg.Steps, rung)
		jobs = append(jobs, Job{cfg, filepath.Join(s.Dir, fmt.Sprintf("trial-%d", t.ID), fmt.Sprintf("rung-%d", rung),
			fmt.Sprintf("seed-%d", cfg.Seed))})
	}
	return jobs
}

// part is what a rung has of a budget.
func (s *Search) part(budget int64, rung int) int64 {
	for range s.Rungs - 1 - rung {
		budget = (budget + int64(s.Eta) - 1) / int64(s.Eta)
	}
	return budget
}

// best sorts trials: those with the largest budget first, then by score. Those that failed come last.
func best(trials []*Trial) []*Trial {
	var good, failed []*Trial
	for _, t := range trials {
		if t.failed() {
			failed = append(failed, t)
		} else {
			good = append(good, t)
		}
	}
	slices.SortFunc(good, func(a, b *Trial) int {
		return cmp.Or(cmp.Compare(b.Rung, a.Rung), cmp.Compare(b.score(), a.score()), cmp.Compare(a.ID, b.ID))
	})
	return append(good, failed...)
}

// Best returns the configuration of the best trial, after Run. It is an error if every run failed.
func (s *Search) Best() (*Config, error) {
	first := best(s.trials)[0]
	if first.failed() {
		return nil, errors.New("a run of every trial failed")
	}
	return first.Config, nil
}

// Table shows the trials, the best first.
func (s *Search) Table() *results.Grid {
	g := results.NewGrid("rank", "trial", "rung", "budget", "seeds")
	g.Columns = append(g.Columns, results.IntervalColumn("score", "score"))
	for _, d := range s.Space {
		g.Columns = append(g.Columns, results.Column{Title: d.Key, Names: []string{d.Key}})
	}
	for i, t := range best(s.trials) {
		budget := results.Budget{Episodes: s.part(t.Config.Episodes, t.Rung), Steps: s.part(t.Config.Steps, t.Rung)}
		score := results.Estimate{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
		if !t.failed() {
			score = results.NewEstimate(results.Statistics[0], t.Scores)
		}
		row := []results.Cell{
			results.Int(i + 1), results.Int(t.ID), results.Int(t.Rung), results.Text(budget.String()), results.Int(len(t.Scores)),
			results.Interval(score, 3),
		}
		for _, value := range t.Values {
			row = append(row, results.Text(value))
		}
		g.Add(row...)
	}
	return g
}

// A Space is the settings that a search draws, in the order of its file.
type Space []Dimension

// A Dimension is a setting and where its values come from.
type Dimension struct {
	Key       string
	node      settings.Node
	kind      string
	low, high float64  // of a range
	choices   []string // of a choice, as in a file
}

// kinds are the ranges that a Dimension can have.
var kinds = []string{"uniform", "log", "int", "log_int", "choice"}

// ParseSpace reads a space from YAML, a line a setting of the run or of its algorithms:
//
//	gamma: {uniform: [0.9, 1]}                 a number, each as likely
//	learning_rate.start: {log: [1e-4, 1e-2]}   its logarithm, each as likely
//	rollout.epochs: {int: [1, 10]}             a whole number; log_int by its logarithm
//	network.hidden: {choice: [[64], [64, 64]]} one of a list
//
// Numbers are drawn to four digits. Both ends belong to a range.
func ParseSpace(file string, data []byte) (Space, error) {
	root, err := settings.Parse(file, data)
	if err != nil {
		return nil, err
	}
	nodes, problems, ok := root.Map()
	if !ok || len(nodes) == 0 {
		return nil, root.Errorf("must hold settings and their ranges, one `key: {uniform: [low, high]}` a line")
	}
	var space Space
	for _, node := range nodes {
		d, bad := parseDimension(node)
		if bad != nil {
			problems = append(problems, bad)
		}
		if slices.ContainsFunc(space, func(other Dimension) bool { return other.Key == d.Key }) {
			problems = append(problems, node.Errorf("already given"))
		}
		space = append(space, d)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return space, nil
}

func parseDimension(node settings.Node) (Dimension, *settings.Error) {
	d := Dimension{Key: node.Name(), node: node}
	ranges, _, ok := node.Map()
	if !ok || len(ranges) != 1 || !slices.Contains(kinds, ranges[0].Name()) {
		return d, node.Errorf("must be a range such as {uniform: [0, 1]}, one of %s", strings.Join(kinds, ", "))
	}
	d.kind = ranges[0].Name()
	items, ok := ranges[0].List()
	if d.kind == "choice" {
		if !ok || len(items) == 0 {
			return d, node.Errorf("must be a list of values, such as {choice: [1, 2]}")
		}
		for _, item := range items {
			d.choices = append(d.choices, inFile(item))
		}
		return d, nil
	}
	if !ok || len(items) != 2 {
		return d, node.Errorf("must be two ends, such as {%s: [1, 2]}", d.kind)
	}
	for i, end := range []*float64{&d.low, &d.high} {
		text, _, _ := items[i].Text()
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return d, items[i].Errorf("must be a number")
		}
		*end = x
	}
	whole := func(x float64) bool { return x == math.Trunc(x) && math.Abs(x) <= 1<<53 }
	switch {
	case d.low >= d.high:
		return d, node.Errorf("the first end must be less than the second")
	case strings.HasPrefix(d.kind, "log") && d.low <= 0:
		return d, node.Errorf("ends of a logarithm must be above 0")
	case strings.HasSuffix(d.kind, "int") && !(whole(d.low) && whole(d.high)):
		return d, node.Errorf("must be whole numbers")
	}
	return d, nil
}

// inFile is a scalar or a list as in a file.
func inFile(node settings.Node) string {
	if items, ok := node.List(); ok {
		var texts []string
		for _, item := range items {
			texts = append(texts, inFile(item))
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	text, _, _ := node.Text()
	return text
}

// extremes are the values that must be good for all to be.
func (d Dimension) extremes() []string {
	if d.kind == "choice" {
		return d.choices
	}
	return []string{d.format(d.low), d.format(d.high)}
}

// draw is a value of the dimension.
func (d Dimension) draw(rng *rand.Rand) string {
	switch d.kind {
	case "choice":
		return d.choices[rng.IntN(len(d.choices))]
	case "int":
		return d.format(d.low + float64(rng.Int64N(int64(d.high-d.low)+1)))
	case "log_int": // each whole number has the width of a half around it
		low, high := math.Log(d.low-0.5), math.Log(d.high+0.5)
		return d.format(math.Round(math.Exp(low + rng.Float64()*(high-low))))
	case "log":
		return d.format(math.Exp(math.Log(d.low) + rng.Float64()*math.Log(d.high/d.low)))
	}
	return d.format(d.low + rng.Float64()*(d.high-d.low))
}

// format writes x in the range: a whole number as it is, any other to four digits.
func (d Dimension) format(x float64) string {
	digits := 4
	if strings.HasSuffix(d.kind, "int") || x == d.low || x == d.high {
		digits = -1
	}
	text := strconv.FormatFloat(x, 'g', digits, 64)
	if rounded, err := strconv.ParseFloat(text, 64); err == nil && rounded < d.low {
		return strconv.FormatFloat(d.low, 'g', -1, 64)
	} else if err == nil && rounded > d.high {
		return strconv.FormatFloat(d.high, 'g', -1, 64)
	}
	return text
}
