package results

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestReadmeTables holds the tables in README files equal to the numbers published in this folder; -update rewrites
// them. A table stands between <!-- table NAME --> and <!-- end -->.
func TestReadmeTables(t *testing.T) {
	tables := map[string]*Grid{
		"attackers": attackers(t), "defenders": defenders(t),
		"learntattack": learning(t, "attacker"), "learntdefence": learning(t, "defender"), "learntboth": learning(t, "both"),
		"neural": neural(t), "scouting": scouting(t),
		"solved": solved(t),
		"psro":   psro(t), "league": league(t), "selfplay": selfPlay(t),
		"netsecgame": netsecgame(t), "addresses": addresses(t),
		"steps":   steps(t),
		"updates": speed(t, "µs"), "training": speed(t, "steps/s"),
	}
	block := regexp.MustCompile(`(?s)<!-- table (\w+) -->\n.*?<!-- end -->`)
	for _, path := range []string{"../README.md", "../algos/README.md", "../nets/README.md", "README.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		made := block.ReplaceAllFunc(text, func(old []byte) []byte {
			name := string(block.FindSubmatch(old)[1])
			grid, ok := tables[name]
			if !ok {
				t.Errorf("%s: no table is called %s", path, name)
				return old
			}
			var b bytes.Buffer
			if err := grid.Render(&b, "markdown"); err != nil {
				t.Fatal(err)
			}
			return fmt.Appendf(nil, "<!-- table %s -->\n%s<!-- end -->", name, b.Bytes())
		})
		if bytes.Equal(made, text) {
			continue
		}
		if !*update {
			t.Errorf("%s: a table differs from the published numbers; make tables rewrites it", path)
		} else if err := os.WriteFile(path, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindBound(t *testing.T) {
	for env, want := range map[string]string{
		"idsgame-minimal_defense-v2": "0.720", "idsgame-maximal_attack-v2": "0.000", "idsgame-random_attack-v1": "≤ 0.128",
	} {
		if b, ok := FindBound(env); !ok || b.String() != want || b.Is == "" {
			t.Errorf("%s: %v, %t, want %q", env, b, ok, want)
		}
	}
	if b, ok := FindBound("idsgame-minimal_defense-v2+num_layers=2"); ok {
		t.Errorf("a game with other settings has the bound of the registered one: %v", b)
	}
}

// solved is the games of two whose value is not 0.
func solved(t *testing.T) *Grid {
	g := newReadmeGrid("environment", "states", "value", "gap", "stopped by")
	for _, r := range published(t, "solved.csv") {
		if r["states"] != "0" {
			g.Add(environment(r), Cell{Text: r["states"]}, Cell{Text: r["value"]}, Cell{Text: r["gap"]}, Cell{Text: r["stopped_by"]})
		}
	}
	return g
}

// row is a line of a published CSV file by column.
type row map[string]string

func published(t *testing.T, name string) []row {
	t.Helper()
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var records []row
	for _, line := range lines[1:] {
		r := row{}
		for i, name := range lines[0] {
			r[name] = line[i]
		}
		records = append(records, r)
	}
	return records
}

// find is the first row in which each of the columns has its value: find(records, "env", id, "algo", name).
func find(t *testing.T, records []row, columns ...string) row {
	t.Helper()
	for _, r := range records {
		ok := true
		for i := 0; i < len(columns); i += 2 {
			ok = ok && r[columns[i]] == columns[i+1]
		}
		if ok {
			return r
		}
	}
	t.Fatalf("nothing is published for %q", columns)
	return nil
}

// estimate shows a mean with its interval.
func (r row) estimate(t *testing.T, name string) Cell {
	t.Helper()
	return r.interval(t, interval(name)...)
}

// interval shows an estimate by its columns: value, lower end, upper end.
func (r row) interval(t *testing.T, columns ...string) Cell {
	t.Helper()
	return Cell{Text: Interval(r.bounds(t, columns...), 3).Text}
}

// bounds is an estimate by the same columns.
func (r row) bounds(t *testing.T, columns ...string) Estimate {
	t.Helper()
	return Estimate{r.number(t, columns[0]), r.number(t, columns[1]), r.number(t, columns[2])}
}

// number is the value of a column.
func (r row) number(t *testing.T, column string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func environment(r row) Cell { return Cell{Text: strings.TrimPrefix(r["env"], "idsgame-")} }

// measured is the references of the environments in which the original's tabular Q-learning was measured.
func measured(t *testing.T) []row {
	t.Helper()
	return slices.DeleteFunc(published(t, "references.csv"), func(ref row) bool { return ref["original"] == "" })
}

// possible is the best hack probability of a learner in an environment, "" if it is not known.
func possible(env string) string {
	b, ok := FindBound(env)
	if !ok {
		return ""
	}
	return b.String()
}

func newReadmeGrid(titles ...string) *Grid {
	g := &Grid{}
	for _, title := range titles {
		g.Columns = append(g.Columns, Column{Title: title})
	}
	return g
}

// attackers are the attackers of versions 0 to 3 beside what is possible.
func attackers(t *testing.T) *Grid {
	g := newReadmeGrid("environment", "tabular Q, 10 seeds", "optimum", "how known", "original's tabular Q")
	runs := published(t, "tabular-q.csv")
	for _, ref := range measured(t) {
		if ref["learner"] != "attacker" {
			continue
		}
		run := find(t, runs, "env", ref["env"], "algo", "tabular-q")
		g.Add(environment(ref), run.estimate(t, "greedy_hack_probability"), Cell{Text: possible(ref["env"])},
			Cell{Text: ref["best_is"]}, Cell{Text: ref["original"]})
	}
	return g
}

// defenders are the defenders of versions 0 to 3, with one state and with observation keys.
func defenders(t *testing.T) *Grid {
	g := newReadmeGrid("environment", "one state, 10 seeds", "best constant action, same layouts",
		"observation keys, 10 seeds", "original's tabular Q")
	runs, baselines := published(t, "tabular-q.csv"), published(t, "baselines.csv")
	for _, ref := range measured(t) {
		if ref["learner"] != "defender" {
			continue
		}
		one := find(t, runs, "env", ref["env"], "algo", "tabular-q")
		keys := find(t, runs, "env", ref["env"], "algo", "tabular-q+state=observation")
		best := find(t, baselines, "env", ref["env"], "player", "best constant")
		g.Add(environment(ref), one.estimate(t, "greedy_hack_probability"), best.estimate(t, "hack_probability"),
			keys.estimate(t, "greedy_hack_probability"), Cell{Text: ref["original"]})
	}
	return g
}

// neural is all algorithms with their default settings in versions 0 to 3.
func neural(t *testing.T) *Grid {
	g := newReadmeGrid("environment", "best possible", "tabular Q", "DQN", "REINFORCE", "actor-critic", "PPO",
		"original's DQN / REINFORCE / actor-critic")
	runs, tabular := published(t, "neural.csv"), published(t, "tabular-q.csv")
	for _, ref := range measured(t) {
		keys := "tabular-q"
		if ref["learner"] == "defender" {
			keys = "tabular-q+state=observation"
		}
		cells := []Cell{environment(ref), {Text: possible(ref["env"])}, find(t, tabular, "env", ref["env"], "algo", keys).estimate(t, "greedy_hack_probability")}
		for _, algo := range []string{"dqn", "reinforce", "actor-critic", "ppo"} {
			cells = append(cells, find(t, runs, "env", ref["env"], "algo", algo).estimate(t, "greedy_hack_probability"))
		}
		g.Add(append(cells, Cell{Text: ref["original_neural"]})...)
	}
	return g
}

// speed is the work that is measured in a unit, beside PyTorch and the graph.
func speed(t *testing.T, unit string) *Grid {
	g := newReadmeGrid("work", "budget, "+unit, "idsrl, direct, "+unit, "PyTorch, "+unit, "times as fast", "idsrl, gorgonia graph, "+unit)
	for _, r := range published(t, "speed.csv") {
		if r["unit"] == unit {
			g.Add(Cell{Text: r["work"]}, Cell{Text: r["budget"]}, Cell{Text: r["idsrl"]}, Cell{Text: r["pytorch"]},
				r.ratio(t, "idsrl", "pytorch"), Cell{Text: r["graph"]})
		}
	}
	return g
}

// steps is how many steps a second environments make on one core, beside the original.
func steps(t *testing.T) *Grid {
	g := newReadmeGrid("environment", "raw", "observe", "random", "original")
	originals := byColumn(published(t, "steps-original.csv"), "env")
	var order []string
	rates := map[string][]Cell{}
	for _, r := range published(t, "steps.csv") {
		name := r["env"]
		if rates[name] == nil {
			order = append(order, name)
		}
		rates[name] = append(rates[name], Cell{Text: Scaled(r.number(t, "steps_per_second")).Text})
	}
	for _, name := range order {
		original := Cell{}
		if r, ok := originals[name]; ok {
			original.Text = Scaled(r.number(t, "steps_per_second")).Text
		}
		g.Add(append(append([]Cell{{Text: strings.TrimPrefix(name, "idsgame-")}}, rates[name]...), original)...)
	}
	return g
}

// ratio tells how many times as fast column a is as b; nothing if one is empty.
func (r row) ratio(t *testing.T, a, b string) Cell {
	t.Helper()
	if r[a] == "" || r[b] == "" {
		return Cell{}
	}
	if strings.HasSuffix(r["unit"], "/s") {
		a, b = b, a
	}
	return Cell{Text: fixed(r.number(t, b)/r.number(t, a), 1)}
}

// scouting is PPO where a defence is unknown until it is scouted: policies that choose at once and node by node, of what
// they see now and of the last observations.
func scouting(t *testing.T) *Grid {
	g := newReadmeGrid("environment", "best possible", "flat", "autoregressive", "flat, 4 frames", "autoregressive, 4 frames",
		"original, autoregressive")
	runs := published(t, "neural.csv")
	for _, ref := range [][2]string{
		{"idsgame-minimal_defense-v19", "0.37 to 0.38"}, {"idsgame-maximal_attack-v19", "0.04 to 0.05"},
	} {
		cells := []Cell{{Text: strings.TrimPrefix(ref[0], "idsgame-")}, {Text: possible(ref[0])}}
		for _, algo := range []string{
			"ppo", "ppo+network.policy=autoregressive", "ppo+network.frames=4",
			"ppo+network.policy=autoregressive,network.frames=4",
		} {
			cells = append(cells, find(t, runs, "env", ref[0], "algo", algo).estimate(t, "greedy_hack_probability"))
		}
		g.Add(append(cells, Cell{Text: ref[1]})...)
	}
	return g
}
