package settings

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// versions returns 110 similar names.
func versions() (names []string) {
	matchups := []string{"", "random_attack-", "random_defense-", "minimal_defense-", "maximal_attack-"}
	for _, m := range matchups {
		for v := range 22 {
			names = append(names, fmt.Sprintf("idsgame-%sv%d", m, v))
		}
	}
	return names
}

func TestSuggest(t *testing.T) {
	keys := []string{"alpha", "gamma", "lr", "num_layers", "epsilon_decay", "seed"}
	algorithms := []string{"dqn", "ppo", "reinforce", "tabular-q"}
	for _, r := range []struct {
		word  string
		known []string
		want  string
	}{
		{"aplha", keys, "alpha"},
		{"alpah", keys, "alpha"},
		{"alfa", keys, "alpha"}, // two changes of four characters
		{"alf", keys, ""},       // two of three
		{"Alpha", keys, "alpha"},
		{"layers", keys, ""},
		{"num-layers", keys, "num_layers"},
		{"num_layer", keys, "num_layers"},
		{"epsilondecay", keys, "epsilon_decay"},
		{"l", keys, "lr"},
		{"mu", keys, ""},
		{"", keys, ""},
		{"alpha", nil, ""},
		{"tabular_q", algorithms, "tabular-q"},
		{"tabularq", algorithms, "tabular-q"},
		{"PPO", algorithms, "ppo"},
		{"pp0", algorithms, "ppo"},
		{"a3c", algorithms, ""},
		{"reinforced", algorithms, "reinforce"},
		{"idsgame-minimal_defnse-v2", versions(), "idsgame-minimal_defense-v2"},
		{"idsgame-minimal-defense-v21", versions(), "idsgame-minimal_defense-v21"},
		{"idsgame-maximal_atack-v13", versions(), "idsgame-maximal_attack-v13"},
		{"idsgame-v33", versions(), "idsgame-v13"}, // of v13, v3 the first in the alphabet
		{"idsgame_v7", versions(), "idsgame-v7"},
		{"netsecgame-small", versions(), ""},
		{strings.Repeat("x", 1<<16), versions(), ""},
	} {
		if got := Suggest(r.word, r.known); got != r.want {
			t.Errorf("Suggest(%.40q) = %q, want %q", r.word, got, r.want)
		}
		slices.Reverse(r.known)
		if got := Suggest(r.word, r.known); got != r.want {
			t.Errorf("Suggest(%.40q) = %q from reversed names, want %q", r.word, got, r.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, r := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "abd", 1},
		{"abc", "xabc", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, // 2 if characters could change twice
		{"αβ", "βα", 1},
	} {
		if got := distance([]rune(r.a), []rune(r.b)); got != r.want {
			t.Errorf("distance(%q, %q) = %d, want %d", r.a, r.b, got, r.want)
		}
	}
}
