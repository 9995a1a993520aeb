package results

import (
	"strings"
	"testing"
)

// psro is the table of exact exploitability.
func psro(t *testing.T) *Grid {
	grid := NewGrid("environment", "meta-strategy of", "members", "value of the game", "against best response", "exploitability")
	for _, r := range published(t, "league-exploit.csv") {
		row := []Cell{Text(strings.TrimPrefix(r["env"], "idsgame-")), Text(r["side"]), Text(r["members"])}
		for _, name := range []string{"value", "best_response", "exploitability"} {
			row = append(row, Fixed(r.number(t, name), 4))
		}
		grid.Add(row...)
	}
	return grid
}

// league is the table of meta-strategies against everybody: in each environment and for each side, the worst case, the mean,
// and each bot.
func league(t *testing.T) *Grid {
	grid := NewGrid("environment", "meta-strategy of", "opponents", "mean hack probability", "worst case", "by", "bots")
	type side struct{ env, side string }
	measured := map[side][]row{}
	var order []side
	for _, r := range published(t, "league-measure.csv") {
		key := side{r["env"], r["side"]}
		if measured[key] == nil {
			order = append(order, key)
		}
		measured[key] = append(measured[key], r)
	}
	for _, key := range order {
		var values []float64
		var bots []string
		worst := 0
		for i, r := range measured[key] {
			x := r.number(t, "hack_probability")
			values = append(values, x)
			if key.side == "attacker" && x < values[worst] || key.side == "defender" && x > values[worst] {
				worst = i
			}
			if bot, ok := strings.CutPrefix(r["against"], "bot:"); ok {
				bots = append(bots, bot+" "+fixed(x, 3))
			}
		}
		grid.Add(Text(strings.TrimPrefix(key.env, "idsgame-")), Text(key.side), Int(len(values)), Fixed(Mean(values), 3),
			Text(measured[key][worst].interval(t, "hack_probability", "hack_low", "hack_high").Text),
			Text(measured[key][worst]["against"]), Text(strings.Join(bots, ", ")))
	}
	return grid
}
