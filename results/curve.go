package results

import (
	"maps"
	"math"
	"slices"
)

// An Axis is what the progress of training is measured in.
type Axis struct {
	Name   string
	Column string // of train.csv and eval.csv
	at     func(EvalRow) int64
}

// String returns the name.
func (a Axis) String() string { return a.Name }

// Axes are those of learning curves; the first is the default.
var Axes = []Axis{
	{"steps", "step", func(e EvalRow) int64 { return e.Step }},
	{"episodes", "episodes", func(e EvalRow) int64 { return e.Episodes }},
}

// Axis is what the budget counts: steps, or episodes alone. Runs of the same budget are evaluated at the same places on it.
func (b Budget) Axis() Axis {
	if b.Steps == 0 && b.Episodes > 0 {
		return Axes[1]
	}
	return Axes[0]
}

// A Point of a learning curve holds the values of all runs that have come so far, one a run.
type Point struct {
	X      float64
	Values []float64
}

// Curve returns the learning curve of a group of runs, by x: a point wherever one of them was evaluated, as in Merge. NaN
// is no evaluation.
func Curve(group []*Run, mode Mode, axis Axis, value func(EvalRow) float64) []Point {
	tracks := make([]Track, len(group))
	for i, run := range group {
		tracks[i] = EvalTrack(run, mode, axis, value)
	}
	return Merge(tracks)
}

// EvalTrack is the course of a value in the evaluations of a run.
func EvalTrack(run *Run, mode Mode, axis Axis, value func(EvalRow) float64) Track {
	t := Track{Held: run.Status == Finished}
	for _, row := range run.Evals {
		if row.Mode == mode {
			t.Add(float64(axis.at(row)), value(row))
		}
	}
	return t
}

// A Track is the course of a value in one run, by rising x.
type Track struct {
	X, Y []float64
	Held bool // the run is finished: it keeps its last value
}

// Add appends a point. NaN is none.
func (t *Track) Add(x, y float64) {
	if !math.IsNaN(y) {
		t.X, t.Y = append(t.X, x), append(t.Y, y)
	}
}

// Merge returns a point wherever one of the tracks has one. The value of a run between two of its points is interpolated. A
// finished run keeps its last value, since a budget of episodes takes some runs more steps than others; an unfinished run
// ends.
func Merge(tracks []Track) []Point {
	xs := map[float64]bool{}
	for _, t := range tracks {
		for _, x := range t.X {
			xs[x] = true
		}
	}
	var points []Point
	for _, x := range slices.Sorted(maps.Keys(xs)) {
		p := Point{X: x}
		for i := range tracks {
			if y, ok := tracks[i].at(x); ok {
				p.Values = append(p.Values, y)
			}
		}
		points = append(points, p)
	}
	return points
}

// at is the value at x.
func (t *Track) at(x float64) (y float64, ok bool) {
	next, found := slices.BinarySearch(t.X, x)
	switch {
	case found:
		return t.Y[next], true
	case next == len(t.X) && next > 0 && t.Held:
		return t.Y[next-1], true
	case next == 0 || next == len(t.X):
		return 0, false
	}
	a, b := t.X[next-1], t.X[next]
	return t.Y[next-1] + (x-a)/(b-a)*(t.Y[next]-t.Y[next-1]), true
}
