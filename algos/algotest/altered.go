package algotest

import (
	"math/rand/v2"
	"slices"

	"idsrl/envs"
)

// Altered is an environment that shows something else than what happens. A function that is nil alters nothing.
type Altered struct {
	envs.Env
	Before  func(env envs.Env, actions []int) // hears of each step before it is made
	Outcome func(out *envs.Outcome)           // of each step
	Mask    func(legal []bool)
}

// Unwrap is the environment itself.
func (a *Altered) Unwrap() envs.Env { return a.Env }

// Step shows another outcome.
func (a *Altered) Step(actions []int, out *envs.Outcome) error {
	if a.Before != nil {
		a.Before(a, actions)
	}
	err := a.Env.Step(actions, out)
	if a.Outcome != nil {
		a.Outcome(out)
	}
	return err
}

// Legal shows another mask.
func (a *Altered) Legal(seat int, dst []bool) {
	a.Env.Legal(seat, dst)
	if a.Mask != nil {
		a.Mask(dst)
	}
}

// Flipped pays the first seat the opposite.
func Flipped(env envs.Env) envs.Env {
	return &Altered{Env: env, Outcome: func(out *envs.Outcome) { out.Rewards[0] *= -1 }}
}

// shuffled gives back the rewards of the first seat in a random order.
func shuffled(env envs.Env) envs.Env {
	rng, past := rand.New(envs.NewPCG(1)), make([]float64, 64)
	return &Altered{Env: env, Outcome: func(out *envs.Outcome) {
		k := rng.IntN(len(past))
		out.Rewards[0], past[k] = past[k], out.Rewards[0]
	}}
}

// endless shows all ends as cuts, after which values go on.
func endless(env envs.Env) envs.Env {
	return &Altered{Env: env, Outcome: func(out *envs.Outcome) { out.Terminated, out.Truncated = false, out.Over() }}
}

// final shows all cuts as ends, after which nothing comes.
func final(env envs.Env) envs.Env {
	return &Altered{Env: env, Outcome: func(out *envs.Outcome) { out.Terminated, out.Truncated = out.Over(), false }}
}

// unmasked shows every action as legal.
func unmasked(env envs.Env) envs.Env {
	return &Altered{Env: env, Mask: func(legal []bool) {
		for a := range legal {
			legal[a] = true
		}
	}}
}

// Control is a way to spoil learning: a test that passes with it says nothing.
type Control struct {
	Name  string
	Set   []string                // of the algorithm
	Wrap  func(envs.Env) envs.Env // what to make of each environment; nil: nothing
	Games []string                // where it matters; nil: everywhere
}

// Spoils reports whether the control matters in a game.
func (c Control) Spoils(id string) bool { return c.Games == nil || slices.Contains(c.Games, id) }

// Controls are those by environment.
func Controls() []Control {
	return []Control{
		{Name: "flipped sign", Wrap: Flipped},
		{Name: "shuffled rewards", Wrap: shuffled},
		{Name: "bootstrapping through termination", Wrap: endless, Games: []string{
			"toy-corridor-v0", "toy-forbidden-v0", "toy-pursuit-attack-v0", "toy-pursuit-defend-v0",
		}},
		{Name: "termination by the clock", Wrap: final, Games: []string{"toy-clock-v0"}},
		{Name: "illegal actions", Wrap: unmasked, Games: []string{"toy-forbidden-v0"}},
	}
}
