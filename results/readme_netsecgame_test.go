package results

import (
	"strings"
	"testing"
)

// netsecgame is attackers in the two published scenarios, alone and under the global defender, in as many steps as tests
// give them, beside what was published.
func netsecgame(t *testing.T) *Grid {
	g := newReadmeGrid("scenario", "steps", "random", "heuristic", "bfs", "careful", "tabular Q, published protocol",
		"tabular Q", "PPO", "published: tabular Q", "published: language model")
	runs, baselines := published(t, "netsecgame.csv"), published(t, "netsecgame-baselines.csv")
	for _, ref := range published(t, "netsecgame-references.csv") {
		cells := []Cell{{Text: strings.ReplaceAll(ref["scenario"], "-", ", ")}, {Text: ref["steps"]}}
		for _, player := range []string{"random", "bot:heuristic", "bot:bfs", "bot:careful"} {
			cells = append(cells, find(t, baselines, "env", ref["env"], "player", player).estimate(t, "hack_probability"))
		}
		for _, algo := range []string{"tabular-q-published", "tabular-q", "ppo"} {
			cells = append(cells, tested(t, runs, ref["scenario"]+"/"+algo, "max_steps="+ref["steps"]))
		}
		g.Add(append(cells, Cell{Text: ref["tabular_q"]}, Cell{Text: ref["language_model"]})...)
	}
	return g
}

// addresses is what attackers that were trained with five variants of the addresses make of one of these and of a sixth.
func addresses(t *testing.T) *Grid {
	g := newReadmeGrid("states are known by", "one of the five", "a sixth")
	runs := published(t, "netsecgame.csv")
	for _, key := range []struct{ name, algo string }{
		{"the numbers of things", "tabular-q"}, {"the original's text", "tabular-q-python_key"},
	} {
		experiment := "two_networks_small-five_addresses/" + key.algo
		g.Add(Cell{Text: key.name}, tested(t, runs, experiment, "addresses=[1]"), tested(t, runs, experiment, "addresses=[6]"))
	}
	return g
}

// tested is how the greedy policies of an experiment do in a test.
func tested(t *testing.T, runs []row, experiment, test string) Cell {
	t.Helper()
	r := find(t, runs, "experiment", experiment, "test", test, "mode", "greedy")
	return r.interval(t, "hack_probability", "hack_low", "hack_high")
}
