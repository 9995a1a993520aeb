package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// learners are the algorithms of the tables of what was learnt.
var learners = []struct {
	title, name string
	folders     []string // of its experiment: the first that is there
}{
	{"tabular Q", "tabular-q", []string{"tabular_q_learning"}},
	{"DQN", "dqn", []string{"dqn"}},
	{"REINFORCE", "reinforce", []string{"reinforce"}},
	{"actor-critic", "actor-critic", []string{"actor_critic"}},
	{"PPO", "ppo", []string{"ppo_openai", "ppo"}},
}

// learning is the environments in which one role learns, or with "both" each, as published, beside what is possible, or what
// bots reach, and what the original reached. An algorithm for which the original has no experiment there has its default
// settings.
func learning(t *testing.T, role string) *Grid {
	g := newReadmeGrid("environment", "best possible")
	if role == "both" {
		g = newReadmeGrid("environment", "optimum", "maximal against minimal")
	}
	for _, learner := range learners {
		g.Columns = append(g.Columns, Column{Title: learner.title})
	}
	g.Columns = append(g.Columns, Column{Title: "original's, in this order"})
	outcomes, folders := trainings(t)
	defaults := slices.Concat(published(t, "neural.csv"), published(t, "versions.csv"))
	for _, r := range defaults {
		family, version, _ := strings.Cut(strings.TrimPrefix(r["env"], "idsgame-"), "-")
		folders = append(folders, path.Join("training", version, family))
	}
	slices.SortFunc(folders, ByName)
	folders = slices.Compact(folders)
	references := byColumn(published(t, "references.csv"), "env")
	originals := byColumn(published(t, "../experiments/originals.csv"), "experiment")
	values := byColumn(published(t, "solved.csv"), "env")
	for _, folder := range folders {
		version, family := path.Base(path.Dir(folder)), path.Base(folder)
		if role != roleIn(family) {
			continue
		}
		name := strings.TrimPrefix(family+"-"+version, "two_agents-")
		ref := references["idsgame-"+name]
		cells := []Cell{{Text: name}, {Text: possible("idsgame-" + name)}}
		if role == "both" {
			bots := ""
			if o, ok := outcomes[path.Join("simulations", version, "attack_maximal_vs_defend_minimal")]; ok {
				bots = fixed(o.Value, 3)
			}
			cells = []Cell{{Text: name}, {Text: valueOf(t, values["idsgame-"+name])}, {Text: bots}}
		}
		neural := strings.Split(ref["original_neural"], " / ") // of the algorithms from the second on
		var reached []string
		for i, learner := range learners {
			experiment, original, exists := "", row(nil), false
			for _, name := range learner.folders {
				if !exists {
					experiment = path.Join(folder, name)
					original, exists = originals[experiment]
				}
			}
			e, ok := outcomes[experiment]
			if !exists {
				e, ok = hacked(t, defaults, "idsgame-"+name, learner.name)
			}
			text := ""
			if ok {
				text = fmt.Sprintf("%s (%d)%s", Interval(e.Estimate, 3).Text, e.seeds, missed(e.Value, ref))
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

// roleIn is who learns in a family of experiments.
func roleIn(family string) string {
	switch {
	case family == "two_agents":
		return "both"
	case strings.HasSuffix(family, "_attack"):
		return "defender"
	default:
		return "attacker"
	}
}

// valueOf is the value of a game of two as it was solved, if it was.
func valueOf(t *testing.T, solved row) string {
	t.Helper()
	if solved["value"] == "" {
		return ""
	}
	return fixed(solved.number(t, "value"), 3)
}

// A mean is an estimate of so many seeds.
type mean struct {
	Estimate
	seeds int
}

// trainings is what the experiments in experiments.json came to, by name, and the folders of the environments in which
// something was trained.
func trainings(t *testing.T) (outcomes map[string]mean, folders []string) {
	t.Helper()
	data, err := os.ReadFile("experiments.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Experiment, Config string
		Seeds              int
		Hacked             float64    `json:"hack_probability"`
		Interval           [2]float64 `json:"interval_95"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	outcomes = map[string]mean{}
	for _, o := range list {
		if o.Config != ConfigFile {
			continue
		}
		outcomes[o.Experiment] = mean{Estimate{o.Hacked, o.Interval[0], o.Interval[1]}, o.Seeds}
		if strings.HasPrefix(o.Experiment, "training/") {
			folders = append(folders, path.Dir(o.Experiment))
		}
	}
	return outcomes, folders
}

// hacked is the hack probability of an algorithm in an environment, of a table over any states, if the rows have it.
func hacked(t *testing.T, rows []row, env, algo string) (m mean, ok bool) {
	t.Helper()
	for _, r := range rows {
		if name, _, _ := strings.Cut(r["algo"], "+state="); r["env"] == env && name == algo {
			return mean{r.bounds(t, interval("greedy_hack_probability")...), int(r.number(t, "seeds"))}, true
		}
	}
	return m, false
}

// missed marks a mean more than 0.02 short of the best possible, if that can be reached.
func missed(hacked float64, ref row) string {
	b, _ := FindBound(ref["env"])
	if ref["learner"] == "attacker" && b.Limit != "≤" && b.Value-hacked > 0.02 ||
		ref["learner"] == "defender" && b.Limit != "≥" && hacked-b.Value > 0.02 {
		return " †"
	}
	return ""
}

func TestMissed(t *testing.T) {
	for _, c := range []struct {
		env, learner string
		hacked       float64
		want         string
	}{
		{"idsgame-minimal_defense-v2", "attacker", 0.71, ""},
		{"idsgame-minimal_defense-v2", "attacker", 0.69, " †"},
		{"idsgame-minimal_defense-v2", "attacker", 0.75, ""},
		{"idsgame-minimal_defense-v20", "attacker", 0.5, ""}, // the bound cannot be reached
		{"idsgame-maximal_attack-v2", "defender", 0.01, ""},
		{"idsgame-maximal_attack-v2", "defender", 0.03, " †"},
		{"idsgame-random_attack-v1", "defender", 0.14, ""},
		{"idsgame-random_attack-v1", "defender", 0.15, " †"},
	} {
		if got := missed(c.hacked, row{"env": c.env, "learner": c.learner}); got != c.want {
			t.Errorf("%s, %v: %q, want %q", c.env, c.hacked, got, c.want)
		}
	}
}

// byColumn finds rows by the value of a column.
func byColumn(rows []row, column string) map[string]row {
	m := map[string]row{}
	for _, r := range rows {
		m[r[column]] = r
	}
	return m
}

// What is published is no worse than the original, interval against interval, and in versions 0 to 3 the best algorithm comes
// within 0.02 of what is possible.
func TestReached(t *testing.T) {
	outcomes, _ := trainings(t)
	originals := byColumn(published(t, "../experiments/originals.csv"), "experiment")
	best := map[string]float64{} // by environment
	compared := 0
	for experiment, o := range outcomes {
		version, family := path.Base(path.Dir(path.Dir(experiment))), path.Base(path.Dir(experiment))
		if !strings.HasPrefix(experiment, "training/") || family == "two_agents" {
			continue
		}
		sign := 1.0 // of what is good
		if roleIn(family) == "defender" {
			sign = -1
		}
		env := "idsgame-" + family + "-" + version
		if was, ok := best[env]; !ok || sign*o.Value > sign*was {
			best[env] = o.Value
		}
		if text := originals[experiment]["hacked"]; text != "" {
			compared++
			low, high := reported(t, text)
			if sign > 0 && o.High < low || sign < 0 && o.Low > high {
				t.Errorf("%s: %v, the original has %s", experiment, o.Estimate, text)
			}
		}
	}
	if compared < 30 {
		t.Errorf("%d experiments compared", compared)
	}
	references := byColumn(published(t, "references.csv"), "env")
	for _, version := range []string{"v0", "v1", "v2", "v3"} {
		for _, family := range []string{"minimal_defense", "random_defense", "maximal_attack", "random_attack"} {
			env := "idsgame-" + family + "-" + version
			if hacked, ok := best[env]; !ok || missed(hacked, references[env]) != "" {
				t.Errorf("%s: %v (trained: %t), possible is %s", env, hacked, ok, possible(env))
			}
		}
	}
}

// reported is the interval of a figure of the original: "0.64 ± 0.01" is the mean and the deviation of three seeds of 1000
// games, "0.40 to 0.43" are several, and any other is what was read off.
func reported(t *testing.T, text string) (low, high float64) {
	t.Helper()
	number := func(text string) float64 {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if mean, deviation, ok := strings.Cut(text, " ± "); ok {
		m := number(mean)
		standardError := math.Sqrt(max(number(deviation)*number(deviation)/3, m*(1-m)/3000))
		return m - 1.96*standardError, m + 1.96*standardError
	}
	a, b, several := strings.Cut(text, " to ")
	if !several {
		b = a
	}
	return number(a), number(b)
}
