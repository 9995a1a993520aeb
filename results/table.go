package results

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Summary is what all runs of one algorithm in one environment, each with its own seed, came to. Estimates are of
// each run's last evaluation, which for an unfinished run is an early one: compare groups only when Unfinished is 0.
type Summary struct {
	Identity
	Seeds, Unfinished int // runs; those among them whose Status is not Finished
	Statistic         string

	GreedyHack, SampledHack                       Estimate // probability
	Detection                                     Estimate // probability; this and the following are greedy
	AttackerReturn, DefenderReturn, EpisodeLength Estimate

	Steps, StepsPerSecond, WallSeconds float64   // means over seeds
	Curve                              []float64 // greedy hack probability over training, by Budget.Axis
}

// An Identity is what runs share that differ in nothing but their seed.
type Identity struct {
	Env, Algo string
	Budget    Budget
	Config    string // Manifest.Config; "" of runs that do not say
}

// Identity is the run's.
func (m *Manifest) Identity() Identity { return Identity{m.Env, m.Algo, m.Budget, m.Config} }

// compare sorts by environment, algorithm, budget and configuration.
func (i Identity) compare(j Identity) int {
	return cmp.Or(
		ByName(i.Env, j.Env),
		ByName(i.Algo, j.Algo),
		cmp.Compare(i.Budget.Episodes, j.Budget.Episodes),
		cmp.Compare(i.Budget.Steps, j.Budget.Steps),
		strings.Compare(i.Config, j.Config))
}

// config shows the beginning of the configuration's hash.
func (i Identity) config() string { return cmp.Or(i.Config[:min(8, len(i.Config))], noValue) }

// Names tells groups of an environment apart: by the algorithm, where it has several budgets in an environment also by the
// budget, and where several groups share this, too, by the hash of the configuration.
func Names(groups []Identity) []string {
	budgets, configs := repeated(groups)
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Algo
		if budgets[g.Algo] {
			names[i] += ", " + g.Budget.String()
		}
		g.Config = ""
		if configs[g] {
			names[i] += ", config " + groups[i].config()
		}
	}
	return names
}

// repeated are the algorithms that have several budgets in an environment, and the identities, but for the configuration,
// that have several configurations.
func repeated(groups []Identity) (budgets map[string]bool, configs map[Identity]bool) {
	budgets, configs = map[string]bool{}, map[Identity]bool{}
	seen, budget := map[Identity]bool{}, map[Identity]Budget{} // the latter by environment and algorithm
	for _, g := range groups {
		g.Config = ""
		if seen[g] {
			configs[g] = true
		}
		seen[g] = true
		pair := Identity{Env: g.Env, Algo: g.Algo}
		if b, ok := budget[pair]; ok && b != g.Budget {
			budgets[g.Algo] = true
		}
		budget[pair] = g.Budget
	}
	return budgets, configs
}

// Groups are the runs that differ in nothing but their seed, sorted by environment, algorithm, budget, configuration and
// seed. A seed counts once in a group: see Copies.
func Groups(runs []*Run) [][]*Run {
	groups, _ := grouped(runs)
	return groups
}

// Copies are the runs that Groups leaves out: another run of the group has the same seed, and came as far or further.
func Copies(runs []*Run) []*Run {
	_, copies := grouped(runs)
	return copies
}

func grouped(runs []*Run) (groups [][]*Run, copies []*Run) {
	var last *Run
	for _, run := range sorted(runs) {
		switch {
		case last == nil || run.Identity() != last.Identity():
			groups = append(groups, []*Run{run})
		case run.Seed == last.Seed:
			copies = append(copies, run)
			continue
		default:
			groups[len(groups)-1] = append(groups[len(groups)-1], run)
		}
		last = run
	}
	return groups, copies
}

// Summarize sums up each group of runs.
func Summarize(runs []*Run, stat Statistic) []Summary {
	var summaries []Summary
	for _, group := range Groups(runs) {
		summaries = append(summaries, summarize(group, stat))
	}
	return summaries
}

// summarize sums up the runs of one group.
func summarize(group []*Run, stat Statistic) Summary {
	over := func(value func(*Run) float64) []float64 {
		values := make([]float64, len(group))
		for i, run := range group {
			values[i] = value(run)
		}
		return withoutNaN(values)
	}
	final := func(mode Mode, value func(EvalRow) float64) Estimate {
		return NewEstimate(stat, over(func(r *Run) float64 {
			row, _ := r.Last(mode)
			return value(row)
		}))
	}
	hack := func(e EvalRow) float64 { return e.HackProbability }
	s := Summary{
		Identity: group[0].Identity(), Seeds: len(group), Statistic: stat.Name,
		GreedyHack:     final(Greedy, hack),
		SampledHack:    final(Sampled, hack),
		Detection:      final(Greedy, func(e EvalRow) float64 { return e.DetectionProbability }),
		AttackerReturn: final(Greedy, func(e EvalRow) float64 { return e.AttackerReturn }),
		DefenderReturn: final(Greedy, func(e EvalRow) float64 { return e.DefenderReturn }),
		EpisodeLength:  final(Greedy, func(e EvalRow) float64 { return e.EpisodeLength }),
		Steps:          Mean(over(func(r *Run) float64 { return float64(r.Steps) })),
		StepsPerSecond: Mean(over(func(r *Run) float64 { return r.StepsPerSecond() })),
		WallSeconds:    Mean(over(func(r *Run) float64 { return r.WallSeconds })),
	}
	for _, point := range Curve(group, Greedy, s.Budget.Axis(), hack) {
		s.Curve = append(s.Curve, stat.Of(point.Values))
	}
	for _, run := range group {
		if run.Status != Finished {
			s.Unfinished++
		}
	}
	return s
}

// identities are those of summaries.
func identities(summaries []Summary) (ids []Identity) {
	for _, s := range summaries {
		ids = append(ids, s.Identity)
	}
	return ids
}

// seeds shows the number of runs.
func (s Summary) seeds() string {
	if s.Unfinished > 0 {
		return fmt.Sprintf("%d/%d", s.Seeds-s.Unfinished, s.Seeds)
	}
	return fmt.Sprint(s.Seeds)
}

// sorted returns runs by identity and seed, of the same seed those first that came furthest.
func sorted(runs []*Run) []*Run {
	return slices.SortedStableFunc(slices.Values(runs), func(a, b *Run) int {
		return cmp.Or(
			a.Identity().compare(b.Identity()),
			cmp.Compare(a.Seed, b.Seed),
			cmp.Compare(b.Steps, a.Steps))
	})
}

var digits = regexp.MustCompile(`[0-9]+`)

// ByName puts v2 before v10, by widening numbers to the same length.
func ByName(a, b string) int {
	widen := func(id string) string {
		return digits.ReplaceAllStringFunc(id, func(n string) string { return fmt.Sprintf("%20s", n) })
	}
	return strings.Compare(widen(a), widen(b))
}

// curveWidth is the length of a learning curve in a table.
const curveWidth = 8

// SummaryGrid shows a row a group. Machines see everything, people what fits a terminal: speed, time and curve only if there
// is room. Unfinished runs appear as finished/all under seeds, budgets and configurations where rows differ in nothing else.
func SummaryGrid(summaries []Summary) *Grid {
	mean := func(e Estimate, digits int) Cell { // of an interval that machines see in full
		return Cell{fixed(e.Value, digits), Interval(e, digits).Values}
	}
	budget, config := "", ""
	budgets, configs := repeated(identities(summaries))
	if len(budgets) > 0 {
		budget = "budget"
	}
	if len(configs) > 0 {
		config = "config"
	}
	grid := fill(summaries, []field[Summary]{
		{Column{"env", []string{"env"}}, func(s Summary) Cell { return Text(s.Env) }},
		{Column{"algo", []string{"algo"}}, func(s Summary) Cell { return Text(s.Algo) }},
		{Column{budget, []string{"budget_episodes", "budget_steps"}}, func(s Summary) Cell {
			return Cell{s.Budget.String(), []any{s.Budget.Episodes, s.Budget.Steps}}
		}},
		{Column{config, []string{"config_sha256"}}, func(s Summary) Cell { return Cell{s.config(), []any{s.Config}} }},
		{Column{"seeds", []string{"seeds", "unfinished"}}, func(s Summary) Cell {
			return Cell{s.seeds(), []any{s.Seeds, s.Unfinished}}
		}},
		{Column{"", []string{"statistic"}}, func(s Summary) Cell { return Text(s.Statistic) }},
		{IntervalColumn("hacked,\ngreedy", "greedy_hack_probability"),
			func(s Summary) Cell { return Interval(s.GreedyHack, 3) }},
		{IntervalColumn("", "sampled_hack_probability"), func(s Summary) Cell { return mean(s.SampledHack, 3) }},
		{IntervalColumn("", "detection_probability"), func(s Summary) Cell { return mean(s.Detection, 3) }},
		{Column{"attacker/\ndefender\nreturn", slices.Concat(interval("attacker_return"), interval("defender_return"))},
			func(s Summary) Cell {
				attacker, defender := Interval(s.AttackerReturn, 2), Interval(s.DefenderReturn, 2)
				text := fixed(s.AttackerReturn.Value, 2) + "/" + fixed(s.DefenderReturn.Value, 2)
				return Cell{text, slices.Concat(attacker.Values, defender.Values)}
			}},
		{IntervalColumn("length", "episode_length"), func(s Summary) Cell { return mean(s.EpisodeLength, 1) }},
		{Column{"", []string{"steps"}}, func(s Summary) Cell { return Scaled(s.Steps) }},
		{Column{"steps/s", []string{"steps_per_second"}}, func(s Summary) Cell { return Scaled(s.StepsPerSecond) }},
		{Column{"time", []string{"wall_seconds"}}, func(s Summary) Cell { return Seconds(s.WallSeconds) }},
		{Column{"curve", nil}, func(s Summary) Cell { return Cell{Text: Sparkline(s.Curve, 0, 1, curveWidth)} }},
	})
	grid.Spare = 3
	return grid
}

// PerSeed shows a row a run, sorted by environment, algorithm and seed. The interval that machines see is the
// evaluation's own, over games.
func PerSeed(runs []*Run) *Grid {
	last := func(mode Mode, cell func(EvalRow) Cell) func(*Run) Cell {
		return func(r *Run) Cell {
			row, _ := r.Last(mode)
			return cell(row)
		}
	}
	hack := func(e EvalRow) Cell {
		return Cell{fixed(e.HackProbability, 3), []any{e.HackProbability, e.HackLow, e.HackHigh}}
	}
	return fill(sorted(runs), []field[*Run]{
		{Column{"env", []string{"env"}}, func(r *Run) Cell { return Text(r.Env) }},
		{Column{"algo", []string{"algo"}}, func(r *Run) Cell { return Text(r.Algo) }},
		{Column{"seed", []string{"seed"}}, func(r *Run) Cell { return Int(r.Seed) }},
		{Column{"status", []string{"status"}}, func(r *Run) Cell { return Text(string(r.Status)) }},
		{IntervalColumn("hacked,\ngreedy", "greedy_hack_probability"), last(Greedy, hack)},
		{IntervalColumn("hacked,\nsampled", "sampled_hack_probability"), last(Sampled, hack)},
		{Column{"", []string{"detection_probability"}},
			last(Greedy, func(e EvalRow) Cell { return Fixed(e.DetectionProbability, 3) })},
		{Column{"attacker\nreturn", []string{"attacker_return"}},
			last(Greedy, func(e EvalRow) Cell { return Fixed(e.AttackerReturn, 2) })},
		{Column{"", []string{"defender_return"}},
			last(Greedy, func(e EvalRow) Cell { return Fixed(e.DefenderReturn, 2) })},
		{Column{"", []string{"episode_length"}},
			last(Greedy, func(e EvalRow) Cell { return Fixed(e.EpisodeLength, 1) })},
		{Column{"steps", []string{"steps"}}, func(r *Run) Cell {
			return Cell{Scaled(float64(r.Steps)).Text, []any{r.Steps}}
		}},
		{Column{"steps/s", []string{"steps_per_second"}}, func(r *Run) Cell { return Scaled(r.StepsPerSecond()) }},
		{Column{"time", []string{"wall_seconds"}}, func(r *Run) Cell { return Seconds(r.WallSeconds) }},
		{Column{"", []string{"dir"}}, func(r *Run) Cell { return Text(r.Dir) }},
	})
}

// A field is a column of a grid whose rows show values of type T.
type field[T any] struct {
	Column
	cell func(T) Cell
}

// fill returns a grid with a row for each item.
func fill[T any](items []T, fields []field[T]) *Grid {
	g := &Grid{}
	for _, f := range fields {
		g.Columns = append(g.Columns, f.Column)
	}
	for _, item := range items {
		var cells []Cell
		for _, f := range fields {
			cells = append(cells, f.cell(item))
		}
		g.Add(cells...)
	}
	return g
}
