package results

import (
	_ "embed" // references.csv is a part of the program
	"encoding/csv"
	"strconv"
	"strings"
)

//go:embed references.csv
var references string

// A Bound is the best hack probability that the learner of an environment can reach.
type Bound struct {
	Value float64
	Limit string // "≥" or "≤" where only a limit of it is known, "" where it is
	Is    string // how that is known
}

// String is the bound to three digits.
func (b Bound) String() string { return strings.TrimSpace(b.Limit + " " + fixed(b.Value, 3)) }

// FindBound returns the bound of a registered environment, if one is known.
func FindBound(env string) (b Bound, ok bool) {
	lines, err := csv.NewReader(strings.NewReader(references)).ReadAll()
	if err != nil {
		panic("results: references.csv: " + err.Error())
	}
	for _, line := range lines[1:] { // env, learner, best, limit, best_is
		if line[0] == env {
			value, err := strconv.ParseFloat(line[2], 64)
			if err != nil {
				panic("results: references.csv: " + err.Error())
			}
			return Bound{value, line[3], line[4]}, true
		}
	}
	return b, false
}
