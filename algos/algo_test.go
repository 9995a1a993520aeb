package algos_test

import (
	"errors"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
)

func TestFind(t *testing.T) {
	list := []algos.Algorithm{{Name: "tabular-q"}, {Name: "ppo"}}
	if a := algotest.Must(algos.Find(list, "ppo")); a.Name != "ppo" {
		t.Errorf("found %q", a.Name)
	}
	for name, want := range map[string]string{
		"tabular_q": `there is no algorithm called "tabular_q"; did you mean "tabular-q"?`,
		"tabularq":  `there is no algorithm called "tabularq"; did you mean "tabular-q"?`,
		"sarsa":     `there is no algorithm called "sarsa"; there are: tabular-q, ppo`,
		"":          `there is no algorithm called ""; there are: tabular-q, ppo`,
	} {
		_, err := algos.Find(list, name)
		var unknown *envs.UnknownError
		if !errors.Is(err, envs.ErrUnknown) || !errors.As(err, &unknown) || err.Error() != want {
			t.Errorf("%q: error %v, want %s", name, err, want)
		}
	}
}

func TestModes(t *testing.T) {
	var names []string
	for _, m := range algos.Modes {
		names = append(names, m.String())
	}
	if got := strings.Join(names, " "); got != "greedy sampled" {
		t.Errorf("modes %s", got)
	}
}
