package browse

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"path/filepath"
	"strconv"
)

// A League is how its members play against each other.
type League struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	Members [2][]Member `json:"members"` // attackers, defenders
	Matches [][]*Match  `json:"matches"` // [attacker][defender]; null if it was not played
	Rounds  []Round     `json:"rounds"`
}

// A Member of a league.
type Member struct {
	Name   string `json:"name"`
	Player string `json:"player"`
	Elo    Number `json:"elo"`
	Low    Number `json:"low"` // of Elo
	High   Number `json:"high"`
	Wins   Number `json:"wins"` // share of the games
	Weight Number `json:"weight"`
}

// A Match is all games of two members.
type Match struct {
	Games  Number `json:"games"`
	Hacked Number `json:"hacked"`
	Low    Number `json:"low"`
	High   Number `json:"high"`
	Return Number `json:"return"` // the attacker's mean
}

// A Round is what a league came to after it: the value of the equilibrium and, by side, the weights of the members in it.
type Round struct {
	Value   Number               `json:"value"`
	Weights [2]map[string]Number `json:"weights"`
}

// sides are the names of League.Members in tables.
var sides = map[string]int{"attacker": 0, "defender": 1}

// League reads the tables of a league.
func (l *Library) League(id string) (*League, error) {
	l.mu.Lock()
	f := l.leagues[id]
	l.mu.Unlock()
	if f == nil {
		return nil, ErrUnknown
	}
	out := &League{ID: id, Name: f.name, Rounds: []Round{}}
	ratings, err := f.table("ratings.csv")
	if err != nil {
		return nil, err
	}
	index := [2]map[string]int{{}, {}}
	for _, row := range ratings {
		side, ok := sides[row["side"]]
		if !ok {
			return nil, fmt.Errorf("%s: ratings.csv: no side is called %q", f.name, row["side"])
		}
		index[side][row["member"]] = len(out.Members[side])
		out.Members[side] = append(out.Members[side], Member{
			Name: row["member"], Player: row["player"], Elo: row.number("elo"), Low: row.number("elo_low"), High: row.number("elo_high"),
			Wins: row.number("win_rate"), Weight: row.number("meta_weight"),
		})
	}
	out.Matches = make([][]*Match, len(out.Members[0]))
	for i := range out.Matches {
		out.Matches[i] = make([]*Match, len(out.Members[1]))
	}
	payoffs, err := f.table(LeagueFile)
	if err != nil {
		return nil, err
	}
	for _, row := range payoffs {
		a, known := index[0][row["attacker"]]
		d, also := index[1][row["defender"]]
		if known && also { // others joined between the writing of the two tables
			out.Matches[a][d] = &Match{
				row.number("games"), row.number("hack_probability"), row.number("hack_low"), row.number("hack_high"), row.number("attacker_return"),
			}
		}
	}
	meta, err := f.table("meta.csv")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, row := range meta {
		round, err := strconv.Atoi(row["round"])
		side, ok := sides[row["side"]]
		if err != nil || !ok || round < 0 || round > len(out.Rounds) {
			return nil, fmt.Errorf("%s: meta.csv: round %q of side %q", f.name, row["round"], row["side"])
		}
		if round == len(out.Rounds) {
			out.Rounds = append(out.Rounds, Round{row.number("value"), [2]map[string]Number{{}, {}}})
		}
		out.Rounds[round].Weights[side][row["member"]] = row.number("weight")
	}
	return out, nil
}

// A record is a line of a table by the names of its columns.
type record map[string]string

func (r record) number(name string) Number {
	x, err := strconv.ParseFloat(r[name], 64)
	if err != nil {
		return Number(math.NaN())
	}
	return Number(x)
}

// table reads a table of a league.
func (f *file) table(name string) ([]record, error) {
	r, err := f.root.dir.Open(filepath.FromSlash(path.Join(f.path, name)))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	lines, err := csv.NewReader(io.LimitReader(r, 64<<20)).ReadAll()
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	var rows []record
	for _, line := range lines[1:] {
		row := record{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		rows = append(rows, row)
	}
	return rows, nil
}
