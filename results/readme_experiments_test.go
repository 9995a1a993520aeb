package results

import (
	"cmp"
	"encoding/json"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// learning is the environments in which training is published, beside what is possible and what the original reached. An
// algorithm for which the original has no experiment there has its default settings.
func learning(t *testing.T) *Grid {
	algos := []struct{ title, folder, name string }{
		{"tabular Q", "tabular_q_learning", "tabular-q"},
		{"DQN", "dqn", "dqn"},
		{"REINFORCE", "reinforce", "reinforce"},
		{"actor-critic", "actor_critic", "actor-critic"},
		{"PPO", "ppo_openai", "ppo"},
	}
	titles := []string{"environment", "best possible"}
	for _, algo := range algos {
		titles = append(titles, algo.title)
	}
	g := newReadmeGrid(append(titles, "original's, in this order")...)
	outcomes, folders := trainings(t)
	defaults := published(t, "neural.csv")
	references := byColumn(published(t, "references.csv"), "env")
	originals := byColumn(published(t, "../experiments/originals.csv"), "experiment")
	for _, folder := range folders {
		name := strings.TrimPrefix(path.Base(folder)+"-"+path.Base(path.Dir(folder)), "two_agents-")
		ref := references["idsgame-"+name]
		neural := strings.Split(ref["original_neural"], " / ") // of the algorithms from the second on
		cells, reached := []Cell{{Text: name}, {Text: possible(ref)}}, []string{}
		for i, algo := range algos {
			experiment := path.Join(folder, algo.folder)
			original, exists := originals[experiment]
			e, ok := outcomes[experiment]
			if !exists {
				e, ok = hacked(t, defaults, "idsgame-"+name, algo.name)
			}
			text := ""
			if ok {
				text = Interval(e, 3).Text + missed(t, e, ref)
			} else if exists {
				text = "not run"
			}
			cells = append(cells, Cell{Text: text})

			text, _, _ = strings.Cut(original["hacked"], " ±")
			if text == "" && 0 < i && i <= len(neural) {
				text = neural[i-1]
			}
			reached = append(reached, cmp.Or(text, noValue))
		}
		for len(reached) > 0 && reached[len(reached)-1] == noValue {
			reached = reached[:len(reached)-1]
		}
		g.Add(append(cells, Cell{Text: strings.Join(reached, " / ")})...)
	}
	return g
}

// trainings is what the trainings in experiments.json came to, by experiment, and the folders of their environments.
func trainings(t *testing.T) (outcomes map[string]Estimate, folders []string) {
	t.Helper()
	data, err := os.ReadFile("experiments.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Experiment, Config string
		Hacked             float64    `json:"hack_probability"`
		Interval           [2]float64 `json:"interval_95"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	outcomes = map[string]Estimate{}
	for _, o := range list {
		if strings.HasPrefix(o.Experiment, "training/") && o.Config == ConfigFile {
			outcomes[o.Experiment] = Estimate{o.Hacked, o.Interval[0], o.Interval[1]}
			folders = append(folders, path.Dir(o.Experiment))
		}
	}
	return outcomes, slices.Compact(folders)
}

// hacked is the hack probability of an algorithm in an environment, if the rows have it.
func hacked(t *testing.T, rows []row, env, algo string) (e Estimate, ok bool) {
	t.Helper()
	for _, r := range rows {
		if r["env"] == env && r["algo"] == algo {
			return r.bounds(t, interval("greedy_hack_probability")...), true
		}
	}
	return e, false
}

// missed marks an estimate whose interval ends more than 0.02 short of the best possible.
func missed(t *testing.T, e Estimate, ref row) string {
	t.Helper()
	if ref == nil {
		return ""
	}
	best, err := strconv.ParseFloat(strings.TrimPrefix(possible(ref), "≤ "), 64)
	if err != nil {
		t.Fatal(err)
	}
	short := best - e.High
	if ref["bound"] == "" { // a defender
		short = e.Low - best
	}
	if short > 0.02 {
		return " †"
	}
	return ""
}

// byColumn finds rows by the value of a column.
func byColumn(rows []row, column string) map[string]row {
	m := map[string]row{}
	for _, r := range rows {
		m[r[column]] = r
	}
	return m
}
