package settings

import "strings"

// Suggest returns the name in known that is nearest to word, or "" if none is near. Near is one change, and one more
// for every four characters of word. Changes are those of Damerau (1964): a character too many, one missing, one wrong,
// two neighbours swapped. Case does not count, nor does - against _. Of equally near names it is
// the first in the alphabet.
func Suggest(word string, known []string) string {
	w := fold(word)
	best, least := "", 1+len(w)/4
	for _, name := range known {
		n := fold(name)
		if max(len(n)-len(w), len(w)-len(n)) > least {
			continue
		}
		if d := distance(w, n); d < least || d == least && (best == "" || name < best) {
			best, least = name, d
		}
	}
	return best
}

func fold(s string) []rune { return []rune(strings.ReplaceAll(strings.ToLower(s), "_", "-")) }

// distance returns the number of changes between a and b, where no character changes twice (optimal string
// alignment). With d(i, j) the distance of the first i and j characters,
//
//	d(i, j) = min{ d(i−1, j) + 1,  d(i, j−1) + 1,  d(i−1, j−1) + [a_i ≠ b_j],
//	               d(i−2, j−2) + 1  if a_{i−1} a_i = b_j b_{j−1} }
func distance(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			wrong := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				wrong++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, wrong)
			if i > 1 && j > 1 && a[i-2] == b[j-1] && a[i-1] == b[j-2] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
