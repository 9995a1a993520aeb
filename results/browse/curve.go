package browse

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"idsrl/results"
	"idsrl/results/plots"
)

// How much of a curve is shown; see the package documentation.
const (
	Parts      = 200
	LinePoints = 300
	Resamples  = 1000
)

// A Number is written in six digits, and as null where there is none.
type Number float64

// MarshalJSON writes the number.
func (n Number) MarshalJSON() ([]byte, error) {
	if x := float64(n); !math.IsNaN(x) && !math.IsInf(x, 0) {
		return strconv.AppendFloat(nil, x, 'g', 6, 64), nil
	}
	return []byte("null"), nil
}

func numbers(values []float64) []Number {
	list := make([]Number, len(values))
	for i, x := range values {
		list[i] = Number(x)
	}
	return list
}

// A Metric is something that runs measure: in evaluations, by mode, or in training.
type Metric struct {
	ID          string `json:"id"` // greedy/NAME, sampled/NAME or train/COLUMN
	Label       string `json:"label"`
	Probability bool   `json:"probability"`
}

// The part of a Metric's id that stands for rows of train.csv.
const training = "train"

// A Curve is a metric over training.
type Curve struct {
	Metric Metric   `json:"metric"`
	Axis   string   `json:"axis"`
	Stat   string   `json:"stat"`
	Rows   int      `json:"rows"` // that it was made of
	X      []Number `json:"x"`
	Y      []Number `json:"y"`
	Low    []Number `json:"low"`
	High   []Number `json:"high"`
	Runs   []int    `json:"runs"`            // by point
	Bound  *Number  `json:"bound,omitempty"` // the best that is possible, where it is known
}

// A Line is the curve of one run.
type Line struct {
	Run  string   `json:"run"`
	Seed string   `json:"seed"`
	X    []Number `json:"x"`
	Y    []Number `json:"y"`
}

// Metrics are those of a run or group.
func (l *Library) Metrics(id string) ([]Metric, error) { return ask(l, id, "metrics", group.metrics) }

func (g group) metrics() ([]Metric, error) {
	list := []Metric{}
	for _, mode := range results.Modes {
		for _, m := range plots.Metrics {
			list = append(list, Metric{string(mode) + "/" + m.Name, m.Label, m.Probability})
		}
	}
	for _, r := range g.runs {
		columns, err := r.columns()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		for _, column := range columns {
			m := Metric{training + "/" + column, strings.ReplaceAll(column, "_", " "), strings.HasSuffix(column, "probability")}
			if !slices.Contains(list, m) && !slices.ContainsFunc(results.Axes, func(a results.Axis) bool { return a.Column == column }) {
				list = append(list, m)
			}
		}
	}
	return list, nil
}

// Curve is a metric of a run or group, by an axis.
func (l *Library) Curve(id, metric string, axis results.Axis, stat results.Statistic) (*Curve, error) {
	return ask(l, id, strings.Join([]string{"curve", metric, axis.Name, stat.Name}, " "), func(g group) (*Curve, error) {
		return g.curve(metric, axis, stat)
	})
}

// Lines are a metric of each run of a group, by an axis.
func (l *Library) Lines(id, metric string, axis results.Axis) ([]Line, error) {
	return ask(l, id, strings.Join([]string{"lines", metric, axis.Name}, " "), func(g group) ([]Line, error) {
		return g.lines(metric, axis)
	})
}

// ask answers a question about a run or group and remembers the answer. Others may ask meanwhile.
func ask[T any](l *Library, id, question string, f func(group) (T, error)) (answer T, err error) {
	l.mu.Lock()
	l.refresh()
	g, err := l.members(id)
	key := id + " " + question
	known, ok := l.recall(key, g.version)
	l.mu.Unlock()
	if err != nil || ok {
		answer, _ = known.(T)
		return answer, err
	}
	if answer, err = f(g); err != nil {
		return answer, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remember(key, g.version, answer)
	return answer, nil
}

func (g group) curve(metric string, axis results.Axis, stat results.Statistic) (*Curve, error) {
	m, tracks, err := g.tracks(metric, axis)
	if err != nil {
		return nil, err
	}
	c := &Curve{Metric: m, Axis: axis.Name, Stat: stat.Name, X: []Number{}, Y: []Number{}, Low: []Number{}, High: []Number{}, Runs: []int{}}
	if bound, ok := results.FindBound(g.data[0].Env); ok && bound.Limit == "" && strings.HasSuffix(metric, "/"+plots.Metrics[0].Name) {
		limit := Number(bound.Value)
		c.Bound = &limit
	}
	end := 0.0
	for _, t := range tracks {
		c.Rows += len(t.X)
		if len(t.X) > 0 {
			end = max(end, t.X[len(t.X)-1])
		}
	}
	for i := range tracks {
		if strings.HasPrefix(metric, training+"/") || len(tracks[i].X) > Parts {
			tracks[i] = average(tracks[i], end)
		}
	}
	for _, p := range results.Merge(tracks) {
		c.X, c.Y, c.Runs = append(c.X, Number(p.X)), append(c.Y, Number(stat.Of(p.Values))), append(c.Runs, len(p.Values))
		low, high := results.Bootstrap(func(s [][]float64) float64 { return stat.Of(s[0]) }, 0.95, Resamples, 1, p.Values)
		c.Low, c.High = append(c.Low, Number(low)), append(c.High, Number(high))
	}
	return c, nil
}

func (g group) lines(metric string, axis results.Axis) ([]Line, error) {
	_, tracks, err := g.tracks(metric, axis)
	lines := []Line{}
	for i, t := range tracks {
		x, y := Thin(t.X, t.Y, LinePoints)
		lines = append(lines, Line{g.runs[i].id, strconv.FormatUint(g.data[i].Seed, 10), numbers(x), numbers(y)})
	}
	return lines, err
}

// tracks are the courses of a metric, by run.
func (g group) tracks(metric string, axis results.Axis) (Metric, []results.Track, error) {
	known, err := g.metrics()
	if err != nil {
		return Metric{}, nil, err
	}
	at := slices.IndexFunc(known, func(m Metric) bool { return m.ID == metric })
	if at < 0 {
		return Metric{}, nil, ErrUnknown
	}
	source, name, _ := strings.Cut(metric, "/")
	tracks := make([]results.Track, len(g.runs))
	if source != training {
		m := plots.Metrics[slices.IndexFunc(plots.Metrics, func(m plots.Metric) bool { return m.Name == name })]
		for i, data := range g.data {
			tracks[i] = results.EvalTrack(data, results.Mode(source), axis, m.Of)
		}
		return known[at], tracks, nil
	}
	problems := make([]error, len(g.runs))
	var readers sync.WaitGroup
	for i, r := range g.runs { // to read a large file takes a while
		readers.Go(func() { tracks[i], problems[i] = r.track(name, axis, g.data[i].Status == results.Finished) })
	}
	readers.Wait()
	return known[at], tracks, errors.Join(problems...)
}

// track is the course of a column of train.csv.
func (r *run) track(column string, axis results.Axis, held bool) (results.Track, error) {
	t := results.Track{Held: held}
	table, err := r.table()
	if err != nil {
		return t, fmt.Errorf("%s: %w", r.name, err)
	}
	x, y := table.Column(axis.Column), table.Column(column)
	for k := range min(len(x), len(y)) {
		t.Add(x[k], y[k])
	}
	return t, nil
}

// average has, for each of Parts equal parts of (0, end], the mean of the track's points there, at the end of the part.
// What lies before stays.
func average(t results.Track, end float64) results.Track {
	out := results.Track{Held: t.Held}
	for from := 0; from < len(t.X); {
		part := math.Ceil(t.X[from] * Parts / end)
		to := from + 1
		for to < len(t.X) && math.Ceil(t.X[to]*Parts/end) == part {
			to++
		}
		out.Add(part*end/Parts, results.Mean(t.Y[from:to]))
		from = to
	}
	return out
}

// Thin keeps n of the points of a line, n > 2, so that it looks the same: the first, the last, and from each of n−2 buckets
// of the others the one that spans the largest triangle with the point kept before it and the mean of the next bucket.
func Thin(x, y []float64, n int) (keptX, keptY []float64) {
	if len(x) <= n {
		return x, y
	}
	keep := func(i int) { keptX, keptY = append(keptX, x[i]), append(keptY, y[i]) }
	border := func(bucket int) int { return 1 + bucket*(len(x)-2)/(n-2) }
	keep(0)
	last := 0
	for b := range n - 2 {
		from, to, next := border(b), border(b+1), min(border(b+2), len(x))
		if b == n-3 {
			next = len(x)
		}
		cx, cy := results.Mean(x[to:next]), results.Mean(y[to:next])
		area := func(i int) float64 {
			return math.Abs((x[last]-cx)*(y[i]-y[last]) - (x[last]-x[i])*(cy-y[last]))
		}
		best := from
		for i := from + 1; i < to; i++ {
			if cmp.Compare(area(i), area(best)) > 0 {
				best = i
			}
		}
		keep(best)
		last = best
	}
	keep(len(x) - 1)
	return keptX, keptY
}
