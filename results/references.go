package results

import (
	_ "embed" // references.csv is a part of the program
	"encoding/csv"
	"strconv"
	"strings"
	"sync"
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
	b, ok = bounds()[env]
	return b, ok
}

// bounds are those of all environments of which one is known.
var bounds = sync.OnceValue(func() map[string]Bound {
	lines, err := csv.NewReader(strings.NewReader(references)).ReadAll()
	if err != nil {
		panic("results: references.csv: " + err.Error())
	}
	known := map[string]Bound{}
	for _, line := range lines[1:] { // env, learner, best, limit, best_is
		value, err := strconv.ParseFloat(line[2], 64)
		if err != nil {
			panic("results: references.csv: " + err.Error())
		}
		known[line[0]] = Bound{value, line[3], line[4]}
	}
	return known
})
