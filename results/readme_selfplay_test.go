package results

import (
	"path"
	"testing"
)

// selfPlay is what PPO loses to best responses in the course of self-play: means over seeds, at the end with their interval.
func selfPlay(t *testing.T) *Grid {
	lost := map[string]map[float64][]float64{} // by experiment and seat, then step
	var steps []float64
	for _, r := range published(t, "selfplay.csv") {
		step := r.number(t, "step")
		if len(steps) == 0 || step > steps[len(steps)-1] {
			steps = append(steps, step)
		}
		for _, seat := range []string{"attacker", "defender"} {
			key := path.Join(path.Dir(r["run"]), seat)
			if lost[key] == nil {
				lost[key] = map[float64][]float64{}
			}
			lost[key][step] = append(lost[key][step], r.number(t, seat+"_exploitability"))
		}
	}
	titles := []string{"environment", "experiment", "exploitability of the"}
	for _, step := range steps {
		titles = append(titles, "after "+Scaled(step).Text)
	}
	g := newReadmeGrid(titles...)
	for _, env := range []string{"v11", "v13"} {
		for _, experiment := range []string{"pool", "naive", "naive-default"} {
			for _, seat := range []string{"attacker", "defender"} {
				cells := []Cell{{Text: env}, {Text: experiment}, {Text: seat}}
				var last Estimate
				for _, step := range steps {
					last = NewEstimate(Statistics[0], lost[path.Join("selfplay", env, experiment, seat)][step])
					cells = append(cells, Cell{Text: fixed(last.Value, 3)})
				}
				cells[len(cells)-1].Text = Interval(last, 3).Text
				g.Add(cells...)
			}
		}
	}
	return g
}
