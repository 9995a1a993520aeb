package netsecgame

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"idsrl/envs"
	"idsrl/envs/settings"
)

// A Task is what a game is about: a scenario, start positions and goals of the roles, and the rules in force. It does
// not change.
type Task struct {
	Scenario *Scenario
	Roles    [envs.Benign + 1]*RoleTask // by role; nil: nobody may join in this role. Benign is never nil.

	RequiredPlayers     int // at least 1
	Rewards             Rewards
	UseFirewall         bool
	UseGlobalDefender   bool
	UseDynamicAddresses bool
	SaveTrajectories    bool

	// SuccessProbability is the chance that an action succeeds whose conditions hold, by type. NetSecGame reads it and
	// does not use it: all are 1, unless env.use_success_probabilities is true.
	SuccessProbability [ActionTypes]float64
}

// A RoleTask is the part of a Task that concerns one role.
type RoleTask struct {
	MaxSteps    int  // 0: no limit; a negative limit is reached by the first step
	HasMaxSteps bool // agents are told MaxSteps even if it is 0
	Start, Goal View
	Description string // of the goal
}

// Rewards are what agents are paid.
type Rewards struct{ Step, Success, Fail, FalsePositive float64 }

// A View is a start position or a goal, with keywords that are resolved anew for every agent and episode.
type View struct {
	Networks          []Network
	Known, Controlled HostView
	Services          []ServiceView
	Data              []DataView
}

// A HostView is a set of addresses.
type HostView struct {
	IPs      []IP
	Random   int  // so many draws from the start candidates, for a goal from all addresses
	AllLocal bool // all addresses of private networks
}

// A ServiceView is the services of a host.
type ServiceView struct {
	Host     IP
	Services []*Service // nil: one that is drawn from those of the host that are not there yet
}

// A DataView is the data of a host.
type DataView struct {
	Host   IP
	Data   []DataKey
	Random bool // one that is drawn from those of the host that are not there yet, for a goal from those of all hosts
}

// isEmpty reports whether nothing is in v.
func (v *View) isEmpty() bool {
	none := func(h HostView) bool { return len(h.IPs) == 0 && h.Random == 0 && !h.AllLocal }
	return len(v.Networks) == 0 && none(v.Known) && none(v.Controlled) && len(v.Services) == 0 && len(v.Data) == 0
}

// ConfigurationHash returns 64 hexadecimal digits: equal tasks, equal hashes.
func (t *Task) ConfigurationHash() string {
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // numbers are finite
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// LoadTask reads a task configuration of NetSecGame. Beyond its format, env.scenario may be the path of a file for
// [ParseScenario], relative to this one, that ends in .yaml or .yml; and env.use_success_probabilities may be true.
//
// The error is a [settings.Errors] with every problem: what keeps NetSecGame from starting, and what makes it hang when
// somebody joins or resets. The warnings are about what it ignores, drops or bends.
func LoadTask(file string, data []byte) (t *Task, warnings settings.Errors, err error) {
	root, err := settings.Parse(file, data)
	if err != nil {
		return nil, nil, err
	}
	r := &taskReader{file: file}
	t = r.task(root)
	if len(r.errs) > 0 {
		return nil, byLine(r.warnings), byLine(r.errs)
	}
	return t, byLine(r.warnings), nil
}

// Final is the reward of an agent's last action with what the end of the episode adds (section 11). A defender succeeds if no
// attacker does.
func (r *Rewards) Final(reward float64, a *Agent, succeeded bool) float64 {
	switch {
	case a.Role == envs.Benign:
		return reward
	case succeeded:
		reward += r.Success
	default:
		reward += r.Fail
	}
	if a.Role == envs.Defender {
		reward += r.FalsePositive * float64(a.FalsePositives)
	}
	return reward
}
