package results

import (
	_ "embed" // references.csv is a part of the program
	"encoding/csv"
	"strconv"
	"strings"
)

//go:embed references.csv
var references string

// Bound returns the best hack probability that an attacker of the environment can reach, where it is known.
func Bound(env string) (bound float64, ok bool) {
	lines, err := csv.NewReader(strings.NewReader(references)).ReadAll()
	if err != nil {
		panic("results: references.csv: " + err.Error())
	}
	for _, line := range lines[1:] { // env, bound
		if line[0] == env && line[1] != "" {
			if bound, err = strconv.ParseFloat(line[1], 64); err != nil {
				panic("results: references.csv: " + err.Error())
			}
			return bound, true
		}
	}
	return 0, false
}
