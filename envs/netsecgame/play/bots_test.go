package play_test

import (
	"regexp"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame/play"
)

// The careful attack is never detected: it wins in every episode of every scenario in which it has the time, by what it
// finds out on the way. The same attack in haste is detected.
func TestCarefulIsNotDetected(t *testing.T) {
	for _, e := range play.Entries() {
		if !strings.HasSuffix(e.ID, "-attacker_global_defender-v0") {
			continue
		}
		wins := map[string]int{}
		const episodes = 30
		for _, name := range []string{"careful", "bfs"} {
			e.Cast = []string{name}
			env, err := e.New(0)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(episodes) {
				_, steps, winner := episode(t, env, seed)
				switch {
				case winner == envs.Attacker:
					wins[name]++
				case name == "careful" && steps < env.Spec().MaxSteps:
					t.Errorf("%s, seed %d: detected after %d steps", e.ID, seed, steps)
				}
			}
		}
		if wins["careful"] <= wins["bfs"] {
			t.Errorf("%s: of %d episodes, %v are won", e.ID, episodes, wins)
		}
	}
}

// Five actions win in the published scenarios, wherever the attack starts. They are of five types, so that the global
// defender never rolls: to win every episode is possible.
func TestFiveActionsAreNotDetected(t *testing.T) {
	plan := []*regexp.Regexp{
		regexp.MustCompile(`^ScanNetwork 192\.168\.2\.\d 192\.168\.1\.0/24$`),
		regexp.MustCompile(`^FindServices 192\.168\.2\.\d 192\.168\.1\.3$`),
		regexp.MustCompile(`^ExploitService 192\.168\.2\.\d 192\.168\.1\.3 postgresql`),
		regexp.MustCompile(`^FindData 192\.168\.1\.3 192\.168\.1\.3$`),
		regexp.MustCompile(`^ExfiltrateData 192\.168\.1\.3 213\.47\.23\.195 User1/DatabaseData$`),
	}
	for _, scenario := range []string{"two_networks_small", "two_networks"} {
		cfg := play.Defaults()
		cfg.Scenario, cfg.Global = scenario, true
		env := newGame(t, cfg)
		seat, out := env.Spec().Seats[0], env.Spec().NewOutcome()
		legal := make([]bool, seat.Actions.N)
		for seed := range uint64(200) {
			if err := env.Reset(seed); err != nil {
				t.Fatal(err)
			}
			for _, pattern := range plan {
				env.Legal(0, legal)
				id := 0
				for ; !legal[id] || !pattern.MatchString(seat.Actions.Name(id)); id++ {
				}
				if err := env.Step([]int{id}, out); err != nil {
					t.Fatal(err)
				}
			}
			if !out.Terminated || out.Winner != envs.Attacker {
				t.Errorf("%s, seed %d: %+v", scenario, seed, out)
			}
		}
	}
}
