package netsecgame_test

import (
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// Of several reasons to end, the goal counts first, then detection, then the step limit.
func TestEnding(t *testing.T) {
	goal, other := part{networks: "[192.168.2.0/24]"}, part{networks: "[192.168.1.0/24]"}
	const watched = "use_global_defender: true"
	for name, test := range map[string]struct {
		goal     part
		env      string
		steps    int
		detected bool
		want     netsecgame.Ending
		asked    bool // the global defender
	}{
		"nothing":                   {other, watched, 2, false, netsecgame.NoEnding, true},
		"limit":                     {other, watched, 3, false, netsecgame.ByStepLimit, true},
		"past the limit":            {other, "", 4, false, netsecgame.ByStepLimit, false},
		"detection":                 {other, watched, 2, true, netsecgame.ByDetection, true},
		"detection and limit":       {other, watched, 3, true, netsecgame.ByDetection, true},
		"nobody looks":              {other, "", 2, true, netsecgame.NoEnding, false},
		"goal":                      {goal, watched, 2, false, netsecgame.ByGoal, false},
		"goal, detection and limit": {goal, watched, 3, true, netsecgame.ByGoal, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, taskText("two_networks_tiny", goal, test.goal, test.env))
			w.Task().Roles[envs.Attacker].MaxSteps = 3
			asked := false
			got := w.Task().Ending(w.NewAgent(envs.Attacker), test.steps, func() bool {
				asked = true
				return test.detected
			})
			if got != test.want || asked != test.asked {
				t.Errorf("ending %d, want %d; the global defender is asked: %t, want %t", got, test.want, asked, test.asked)
			}
		})
	}
}
