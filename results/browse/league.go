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
	"slices"
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
	for _, read := range []func(*file) error{out.readMembers, out.readMatches, out.readRounds} {
		if err := read(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readMembers reads who plays.
func (l *League) readMembers(f *file) error {
	rows, err := f.table("ratings.csv")
	if err != nil {
		return err
	}
	for _, row := range rows {
		side, ok := sides[row["side"]]
		if !ok {
			return fmt.Errorf("%s: ratings.csv: no side is called %q", f.name, row["side"])
		}
		l.Members[side] = append(l.Members[side], Member{
			Name: row["member"], Player: row["player"], Elo: row.number("elo"), Low: row.number("elo_low"), High: row.number("elo_high"),
			Wins: row.number("win_rate"), Weight: row.number("meta_weight"),
		})
	}
	return nil
}

// readMatches reads what members came to against each other.
func (l *League) readMatches(f *file) error {
	rows, err := f.table(LeagueFile)
	if err != nil {
		return err
	}
	l.Matches = make([][]*Match, len(l.Members[0]))
	for i := range l.Matches {
		l.Matches[i] = make([]*Match, len(l.Members[1]))
	}
	member := func(side int, name string) int {
		return slices.IndexFunc(l.Members[side], func(m Member) bool { return m.Name == name })
	}
	for _, row := range rows {
		a, d := member(0, row["attacker"]), member(1, row["defender"])
		if a >= 0 && d >= 0 { // others joined between the writing of the two tables
			l.Matches[a][d] = &Match{
				row.number("games"), row.number("hack_probability"), row.number("hack_low"), row.number("hack_high"), row.number("attacker_return"),
			}
		}
	}
	return nil
}

// readRounds reads what rounds came to, if they are recorded.
func (l *League) readRounds(f *file) error {
	rows, err := f.table("meta.csv")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, row := range rows {
		round, err := strconv.Atoi(row["round"])
		side, ok := sides[row["side"]]
		if err != nil || !ok || round < 0 || round > len(l.Rounds) {
			return fmt.Errorf("%s: meta.csv: round %q of side %q", f.name, row["round"], row["side"])
		}
		if round == len(l.Rounds) {
			l.Rounds = append(l.Rounds, Round{row.number("value"), [2]map[string]Number{{}, {}}})
		}
		l.Rounds[round].Weights[side][row["member"]] = row.number("weight")
	}
	return nil
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
