package league

import (
	"bytes"
	"errors"
	"math"
	"path/filepath"
	"strconv"

	"idsrl/algos"
	"idsrl/experiments"
	"idsrl/results"
)

// writeTables writes the tables of the matches so far.
func (l *League) writeTables() error {
	var problems error
	for name, grid := range map[string]*results.Grid{PayoffFile: l.Payoffs(), RatingsFile: l.Ratings(), MetaFile: l.Metas(), RoundsFile: l.Rounds()} {
		var text bytes.Buffer
		problems = errors.Join(problems, grid.Render(&text, "csv"))
		problems = errors.Join(problems, results.WriteFile(filepath.Join(l.Dir, name), text.Bytes()))
	}
	return problems
}

// Payoffs has a row a match.
func (l *League) Payoffs() *results.Grid {
	g := results.NewGrid("attacker", "defender", "games")
	g.Columns = append(g.Columns,
		results.Column{Title: "hacked", Names: []string{"hack_probability", "hack_low", "hack_high"}},
		results.IntervalColumn("attacker\nreturn", "attacker_return"))
	for _, pair := range l.pairs(func(t *algos.Tally) bool { return t != nil }) {
		t := l.state.Matches[pair[0]][pair[1]]
		g.Add(results.Text(l.state.Members[0][pair[0]].Name), results.Text(l.state.Members[1][pair[1]].Name),
			results.Int(t.Episodes), results.Proportion(t.Hacks, t.Episodes), results.NormalMean(t.MeanReturn(0), t.ReturnError(0), 3))
	}
	return g
}

// Matrix shows the payoff matrix: a row an attacker, a column a defender by its number in Ratings. Probabilities are in
// per cent.
func (l *League) Matrix() *results.Grid {
	g := results.NewGrid("#", "attacker")
	g.Columns[1].Title = "attacker \\ defender"
	for d, m := range l.state.Members[1] {
		g.Columns = append(g.Columns, results.Column{Title: strconv.Itoa(d + 1), Names: []string{m.Name}})
	}
	for a, row := range l.state.Matches {
		cells := []results.Cell{results.Int(a + 1), results.Text(l.state.Members[0][a].Name)}
		for _, tally := range row {
			x := l.payoff(tally)
			cell := results.Fixed(x, 2)
			if l.Config.Payoff == "hacked" {
				cell.Text = results.Fixed(100*x, 0).Text
			}
			cells = append(cells, cell)
		}
		g.Add(cells...)
	}
	return g
}

// Ratings has a row a member.
func (l *League) Ratings() *results.Grid {
	g := results.NewGrid("side", "#", "member")
	g.Columns = append(g.Columns, results.IntervalColumn("Elo", "elo"),
		results.Column{Title: "wins", Names: []string{"win_rate"}}, results.Column{Title: "games", Names: []string{"games"}},
		results.Column{Title: "meta-\nstrategy", Names: []string{"meta_weight"}},
		results.Column{Title: "", Names: []string{"player"}})
	var meta Meta
	if n := len(l.state.Metas); n > 0 {
		meta = l.state.Metas[n-1]
	}
	wins, games := l.games()
	var ratings [2][]Rating
	ratings[0], ratings[1] = Rate(wins, games)
	for seat, members := range l.state.Members {
		for i, m := range members {
			won, played := 0.0, 0.0
			for j := range l.state.Members[1-seat] {
				if seat == 0 {
					won, played = won+wins[i][j], played+games[i][j]
				} else {
					won, played = won+games[j][i]-wins[j][i], played+games[j][i]
				}
			}
			weight := 0.0
			if i < len(meta.Weights[seat]) {
				weight = meta.Weights[seat][i]
			}
			r := ratings[seat][i]
			g.Add(results.Text(experiments.Roles[seat].String()), results.Int(i+1), results.Text(m.Name),
				results.Interval(results.Estimate{Value: r.Elo, Low: r.Low(), High: r.High()}, 0),
				results.Fixed(won/played, 3), results.Int(int64(played)), results.Fixed(weight, 3), results.Text(m.Player))
		}
	}
	return g
}

// games are the attackers' wins and the games of all matches, [attacker][defender].
func (l *League) games() (wins, games [][]float64) {
	for _, row := range l.state.Matches {
		won, played := make([]float64, len(row)), make([]float64, len(row))
		for d, tally := range row {
			if tally != nil {
				won[d], played[d] = float64(tally.Hacks), float64(tally.Episodes)
			}
		}
		wins, games = append(wins, won), append(games, played)
	}
	return wins, games
}

// Rounds has a row a round: the value of the payoff matrix's equilibrium, and how much more than the one before a member
// that joined in the round gets against the other side's meta-strategy of the round before. Where agents are best
// responses, the two gains together are how far that meta-strategy was from an equilibrium of the game (NashConv of
// Lanctot et al. 2017), but for what training and matches leave to chance.
func (l *League) Rounds() *results.Grid {
	g := results.NewGrid("round", "value", "attackers gain", "defenders gain")
	payoff := l.payoffs()
	for round, meta := range l.state.Metas {
		gains := [2]float64{math.NaN(), math.NaN()}
		for seat, members := range l.state.Members {
			for i, m := range members {
				if round == 0 || m.Round != round {
					continue
				}
				before, got := l.state.Metas[round-1], 0.0
				for j, w := range before.Weights[1-seat] {
					if seat == 0 {
						got += w * payoff[i][j]
					} else {
						got -= w * payoff[j][i]
					}
				}
				if seat == 0 {
					got -= before.Value
				} else {
					got += before.Value
				}
				if !(gains[seat] > got) {
					gains[seat] = got
				}
			}
		}
		g.Add(results.Int(round), results.Fixed(meta.Value, 4), results.Fixed(gains[0], 4), results.Fixed(gains[1], 4))
	}
	return g
}

// Metas has a row for each member in the meta-strategy of each round.
func (l *League) Metas() *results.Grid {
	g := results.NewGrid("round", "value", "side", "member", "weight")
	for round, meta := range l.state.Metas {
		for seat, weights := range meta.Weights {
			for i, w := range weights {
				if w > 0 {
					g.Add(results.Int(round), results.Fixed(meta.Value, 4), results.Text(experiments.Roles[seat].String()),
						results.Text(l.state.Members[seat][i].Name), results.Fixed(w, 4))
				}
			}
		}
	}
	return g
}

// MetaStrategy is how a side's last meta-strategy plays, as a player of any command.
func (l *League) MetaStrategy(seat int) string {
	return l.mixture(seat, l.state.Metas[len(l.state.Metas)-1].Weights[seat])
}

// MeasurementGrid shows measurements.
func (l *League) MeasurementGrid(list []Measurement) *results.Grid {
	g := results.NewGrid("env", "side", "against", "weight", "games")
	g.Columns[1].Title = "meta-strategy of"
	g.Columns = append(g.Columns, results.Column{Title: "hacked", Names: []string{"hack_probability", "hack_low", "hack_high"}})
	for _, m := range list {
		g.Add(results.Text(l.Config.Env), results.Text(experiments.Roles[m.Seat].String()), results.Text(m.Opponent),
			results.Fixed(m.Weight, 3), results.Int(m.Episodes), results.Proportion(m.Hacks, m.Episodes))
	}
	return g
}

// ExploitGrid shows exploitations.
func (l *League) ExploitGrid(worst [2]float64, value float64) *results.Grid {
	g := results.NewGrid("env", "side", "members", "value", "best response", "exploitability")
	g.Columns[1].Title, g.Columns[4].Title = "meta-strategy of", "against best response"
	for seat, w := range worst {
		support := 0
		for _, x := range l.state.Metas[len(l.state.Metas)-1].Weights[seat] {
			if x > 0 {
				support++
			}
		}
		loss := value - w
		if seat == 1 {
			loss = w - value
		}
		g.Add(results.Text(l.Config.Env), results.Text(experiments.Roles[seat].String()), results.Int(support),
			results.Fixed(value, 4), results.Fixed(w, 4), results.Fixed(loss, 4))
	}
	return g
}
