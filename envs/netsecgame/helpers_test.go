package netsecgame_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// A part is a start position or a goal as it stands in a task file. What is empty is written as such.
type part struct{ networks, hosts, controlled, services, data string }

func (p part) yaml() string {
	or := func(text, empty string) string {
		if text == "" {
			return empty
		}
		return text
	}
	return fmt.Sprintf("known_networks: %s, known_hosts: %s, controlled_hosts: %s, known_services: %s, known_data: %s",
		or(p.networks, "[]"), or(p.hosts, "[]"), or(p.controlled, "[]"), or(p.services, "{}"), or(p.data, "{}"))
}

// taskText returns a task file in which attackers have the given start and goal, and defenders start on all local hosts.
// More lines go into env.
func taskText(scenario string, start, goal part, env ...string) string {
	return fmt.Sprintf(`
coordinator:
  agents:
    Attacker:
      start_position: {%s}
      goal: {%s, known_blocks: {}}
    Defender:
      start_position: {%s}
      goal: {%s, known_blocks: {}}
env:
  scenario: %s
  %s
`, start.yaml(), goal.yaml(), part{controlled: "[all_local]"}.yaml(), part{}.yaml(), scenario, strings.Join(env, "\n  "))
}

// load reads a task that has no errors.
func load(tb testing.TB, text string) *netsecgame.Task {
	tb.Helper()
	task, _, err := netsecgame.LoadTask("task.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return task
}

// newWorld returns a world of a task text, with the project's own generator.
func newWorld(tb testing.TB, text string) *netsecgame.World {
	tb.Helper()
	r := netsecgame.NewGenerator()
	r.Seed(1)
	return netsecgame.NewWorld(load(tb, text), netsecgame.Compat{}, r)
}

// play applies an action, which must be a good request.
func play(tb testing.TB, w *netsecgame.World, a *netsecgame.Agent, action netsecgame.Action) {
	tb.Helper()
	m, err := w.Compile(action)
	if err == nil {
		err = w.Apply(a, m)
	}
	if err != nil {
		tb.Fatalf("%+v: %v", action, err)
	}
}

// The actions, with all parameters that they need.

func scan(s netsecgame.IP, network string) netsecgame.Action {
	n, err := netsecgame.ParseNetwork(network)
	if err != nil {
		panic(err)
	}
	return netsecgame.Action{
		Type: netsecgame.ScanNetwork, Has: netsecgame.SourceHost | netsecgame.TargetNetwork, SourceHost: s, TargetNetwork: n,
	}
}

func on(kind netsecgame.ActionType, s, t netsecgame.IP) netsecgame.Action {
	return netsecgame.Action{
		Type: kind, Has: netsecgame.SourceHost | netsecgame.TargetHost, SourceHost: s, TargetHost: t,
	}
}

func findServices(s, t netsecgame.IP) netsecgame.Action { return on(netsecgame.FindServices, s, t) }
func findData(s, t netsecgame.IP) netsecgame.Action     { return on(netsecgame.FindData, s, t) }

func exploit(s, t netsecgame.IP, v netsecgame.Service) netsecgame.Action {
	a := on(netsecgame.ExploitService, s, t)
	a.Has |= netsecgame.TargetService
	a.TargetService = v
	return a
}

func exfiltrate(s, t netsecgame.IP, d netsecgame.Data) netsecgame.Action {
	a := on(netsecgame.ExfiltrateData, s, t)
	a.Has |= netsecgame.TargetData
	a.Data = d
	return a
}

func block(s, t, b netsecgame.IP) netsecgame.Action {
	a := on(netsecgame.BlockIP, s, t)
	a.Has |= netsecgame.BlockedHost
	a.BlockedHost = b
	return a
}

// sorted returns the members of a set in the order of their texts.
func sorted[T any](list []T) []string {
	texts := make([]string, len(list))
	for i, x := range list {
		texts[i] = fmt.Sprint(x)
	}
	slices.Sort(texts)
	return texts
}

// equal reports whether two lists are the same set, given as texts.
func equal[T any](list []T, want ...string) bool {
	slices.Sort(want)
	return slices.Equal(sorted(list), want)
}

// dice are a Randomness that answers as a test wants, and notes what it was asked.
type dice struct {
	pick  func(from []string) int // nil: the first one
	roll  float64
	asked []string // candidates, one line for each draw
	rolls int
}

func (d *dice) Seed(uint64) {}

func (d *dice) Choose(from netsecgame.Candidates) int {
	var names []string
	for i := range from.Len() {
		names = append(names, strings.Join(from.Name(i), " "))
	}
	d.asked = append(d.asked, strings.Join(names, ", "))
	if d.pick == nil {
		return 0
	}
	return d.pick(names)
}

func (d *dice) Roll() float64 {
	d.rolls++
	return d.roll
}

func (d *dice) Renumber(*netsecgame.Topology) {}

var roles = []envs.Role{envs.Attacker, envs.Defender, envs.Benign}
