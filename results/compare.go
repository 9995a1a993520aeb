package results

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Scores are those of several algorithms in the same environments, one score a finished run.
type Scores struct {
	Envs, Algos []string
	Runs        [][][]float64 // by algorithm and environment
}

// NewScores gathers the scores (see Run.Score) of algos, or of all algorithms if none is named, in the environments in
// which each of them has a finished run. It is an error if there is none, if runs of an algorithm in an environment differ in
// more than the seed, or if they do not say who learns.
func NewScores(runs []*Run, algos ...string) (*Scores, error) {
	scores, err := scoresOf(runs, algos)
	if err != nil {
		return nil, err
	}
	s := &Scores{Algos: algos}
	if len(algos) == 0 {
		s.Algos = slices.SortedFunc(maps.Keys(scores), ByName)
	}
	scored := map[string]int{} // by environment, the algorithms that have scores in it
	for _, algo := range s.Algos {
		if scores[algo] == nil {
			return nil, fmt.Errorf("no run of %s", algo)
		}
		for env := range scores[algo] {
			if len(scores[algo][env]) > 0 {
				scored[env]++
			}
		}
	}
	for _, env := range slices.SortedFunc(maps.Keys(scored), ByName) {
		if scored[env] == len(s.Algos) {
			s.Envs = append(s.Envs, env)
		}
	}
	if len(s.Envs) == 0 {
		return nil, fmt.Errorf("no environment in which each of %s has a finished run: name the folders of those to compare",
			strings.Join(s.Algos, ", "))
	}
	for _, algo := range s.Algos {
		var strata [][]float64
		for _, env := range s.Envs {
			strata = append(strata, scores[algo][env])
		}
		s.Runs = append(s.Runs, strata)
	}
	return s, nil
}

// scoresOf are the scores of finished runs by algorithm, one of algos unless none is named, and environment.
func scoresOf(runs []*Run, algos []string) (map[string]map[string][]float64, error) {
	scores := map[string]map[string][]float64{}
	for _, group := range Groups(runs) {
		env, algo := group[0].Env, group[0].Algo
		if len(algos) > 0 && !slices.Contains(algos, algo) {
			continue
		}
		if scores[algo] == nil {
			scores[algo] = map[string][]float64{}
		}
		if scores[algo][env] != nil {
			return nil, fmt.Errorf("%s has runs of several budgets or configurations in %s: name the folders of one", algo, env)
		}
		for _, run := range group {
			if run.Status == Finished {
				scores[algo][env] = append(scores[algo][env], run.Score())
			}
		}
		if len(withoutNaN(scores[algo][env])) < len(scores[algo][env]) {
			return nil, fmt.Errorf("runs of %s in %s do not say who learns: train them again", algo, env)
		}
	}
	return scores, nil
}

// even are the scores of as many runs in each environment as the least has, those with the lowest seeds: statistics of all
// environments together weigh these alike only then.
func (s *Scores) even() *Scores {
	least := math.MaxInt
	for _, strata := range s.Runs {
		for _, values := range strata {
			least = min(least, len(values))
		}
	}
	e := &Scores{Envs: s.Envs, Algos: s.Algos}
	for _, strata := range s.Runs {
		var cut [][]float64
		for _, values := range strata {
			cut = append(cut, values[:least])
		}
		e.Runs = append(e.Runs, cut)
	}
	return e
}

// count is the number of runs in strata.
func count(strata [][]float64) (n int) {
	for _, values := range strata {
		n += len(values)
	}
	return n
}

// Aggregate shows for each algorithm the aggregates of Agarwal et al. 2021 (arXiv:2108.13264), sections 3 and 4.3, of equally
// many runs in each environment: the mean and the interquartile mean of all scores, and the median over environments of the
// mean score in each.
func (s *Scores) Aggregate() *Grid {
	s = s.even()
	g := NewGrid("algo", "envs", "runs")
	g.Columns = append(g.Columns, IntervalColumn("mean", "mean"), IntervalColumn("iqm", "iqm"), IntervalColumn("median", "median"))
	for i, algo := range s.Algos {
		runs := s.Runs[i]
		g.Add(Text(algo), Int(len(s.Envs)), Int(count(runs)),
			Interval(NewEstimate(Statistic{"mean", Mean}, runs...), 3),
			Interval(NewEstimate(Statistic{"iqm", IQM}, runs...), 3),
			Interval(estimate(medianOfMeans, runs), 3))
	}
	return g
}

// medianOfMeans is the median over strata of the mean in each.
func medianOfMeans(strata [][]float64) float64 {
	means := make([]float64, len(strata))
	for i, values := range strata {
		means[i] = Mean(values)
	}
	return Median(means)
}

// Compare shows the probability that a run of the first algorithm scores higher than one of the second: in each
// environment, and in all.
func (s *Scores) Compare() *Grid {
	a, b := s.Runs[0], s.Runs[1]
	g := NewGrid("env", "runs of "+s.Algos[0], "runs of "+s.Algos[1])
	g.Columns[1].Names, g.Columns[2].Names = []string{"runs_a"}, []string{"runs_b"}
	g.Columns = append(g.Columns,
		IntervalColumn(fmt.Sprintf("P(%s > %s)", s.Algos[0], s.Algos[1]), "improvement_probability"))
	row := func(name string, a, b [][]float64) {
		g.Add(Text(name), Int(count(a)), Int(count(b)), Interval(ImprovementProbability(a, b), 3))
	}
	for i, env := range s.Envs {
		row(env, a[i:i+1], b[i:i+1])
	}
	row(fmt.Sprintf("mean of %d", len(s.Envs)), a, b)
	return g
}

// profileSteps is the number of equal steps from score 0 to 1 in a performance profile.
const profileSteps = 20

// Profiles shows for each algorithm the share of runs that score above a threshold, of equally many in each environment.
func (s *Scores) Profiles() *Grid {
	s = s.even()
	g := NewGrid("score above")
	for i, algo := range s.Algos {
		g.Columns = append(g.Columns,
			IntervalColumn(fmt.Sprintf("%s,\n%d runs in %d envs", algo, count(s.Runs[i]), len(s.Envs)), algo))
	}
	for k := range profileSteps {
		tau := float64(k) / profileSteps
		row := []Cell{Fixed(tau, 2)}
		for i := range s.Algos {
			row = append(row, Interval(Profile(tau, s.Runs[i]...), 3))
		}
		g.Add(row...)
	}
	return g
}

// Matrix shows a row an environment and a column an algorithm: the greedy hack probability, the number of runs, and the
// learning curve. Columns are those that Names tells apart.
func Matrix(summaries []Summary) *Grid {
	names := Names(identities(summaries))
	g, envs := NewGrid("env"), []string{}
	cells := map[[2]string]Cell{} // by environment and column
	for i, s := range summaries {
		name := names[i]
		if !slices.ContainsFunc(g.Columns, func(c Column) bool { return c.Title == name }) {
			g.Columns = append(g.Columns, Column{name, append(interval(name), name+"_seeds")})
		}
		if !slices.Contains(envs, s.Env) {
			envs = append(envs, s.Env)
		}
		cell := Interval(s.GreedyHack, 3)
		cell.Text = fmt.Sprintf("%s (%s) %s", cell.Text, s.seeds(), Sparkline(s.Curve, 0, 1, curveWidth))
		cells[[2]string{s.Env, name}] = Cell{cell.Text, append(cell.Values, s.Seeds)}
	}
	for _, env := range envs {
		row := []Cell{Text(env)}
		for _, c := range g.Columns[1:] {
			cell, ok := cells[[2]string{env, c.Title}]
			if !ok {
				cell = Cell{"", []any{math.NaN(), math.NaN(), math.NaN(), 0}}
			}
			row = append(row, cell)
		}
		g.Add(row...)
	}
	return g
}
