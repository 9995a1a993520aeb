// Package algos is the contract between learning algorithms and the rest, and what they share: the loop that trains
// the learners of a game together, evaluation, schedules and checkpoints. Each algorithm is a package below.
package algos

import (
	"encoding"

	"idsrl/envs"
	"idsrl/nets"
)

// Learner plays one seat of every environment of a Vec and learns from what happens. A Session drives it:
//
//	Act, then the environments step, then Learn, and so on
//
// A Learner owns its random numbers, so that nothing that other learners do changes its draws. Learners of both
// seats of a game train at once by being driven in turn.
type Learner interface {
	// View says what of its seat the learner needs to see.
	View() envs.View
	// Anneal sets how much of the training is done, in [0, 1]. Schedules follow it.
	Anneal(progress float64)
	// Act chooses actions[i] for row i of b.
	Act(b *envs.Batch, actions []int)
	// Learn hears what these actions brought: b is the view after the step. After an error, such as a *DivergedError, the
	// learner is of no use.
	Learn(b *envs.Batch, actions []int) error
	// Updates is how often its parameters have been updated: steps of an optimizer, or updates of a table's entries.
	Updates() int
	// Policy is a copy of what has been learnt; learning on does not change it.
	Policy(mode Mode) envs.Policy
	// Metrics names the values of Report, the same ones all through a run.
	Metrics() []string
	// Report writes the metrics since the last Report; NaN where there is nothing to report.
	Report(dst []float64)
	// A Learner at rest: parameters, optimizer, counters and random streams; of a Neural one, all but the weights. What is
	// restored goes on as the saved one would have, to the last bit. See Save and State.Restore.
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// Neural is a Learner whose parameters are the weights of networks.
type Neural interface {
	Learner
	// Tensors are the weights of all networks. They share the networks' memory.
	Tensors() []nets.Tensor[float32]
	// Model describes the greedy policy to other programs. It shares memory with the network. The error says why there is
	// no description.
	Model() (*nets.Model, error)
}

// Lender is a Learner that can lend its policy where a copy would be costly: one that shares memory with the learner and
// holds until it learns on.
type Lender interface {
	Learner
	Lend(mode Mode) envs.Policy
}

// Lend is the policy of a learner for use before it learns on: lent, or else a copy.
func Lend(l Learner, mode Mode) envs.Policy {
	if lender, ok := l.(Lender); ok {
		return lender.Lend(mode)
	}
	return l.Policy(mode)
}

// Mode is how a policy chooses.
type Mode uint8

// Greedy takes the best action; Sampled plays with what is left of exploration, or draws from a stochastic policy.
const (
	Greedy Mode = iota
	Sampled
)

// Modes are all modes.
var Modes = []Mode{Greedy, Sampled}

// String is the mode as in files.
func (m Mode) String() string {
	if m == Greedy {
		return "greedy"
	}
	return "sampled"
}

// Config is the settings of an algorithm: a pointer to a struct in the form of package settings.
type Config interface {
	// Validate reports every setting that does not fit the others.
	Validate() error
	// NewLearner makes a learner of a seat, for a Vec of n environments. The error is about settings that do not suit
	// the environment.
	NewLearner(spec *envs.Spec, seat, n int, seed uint64) (Learner, error)
}

// Algorithm is a registered algorithm.
type Algorithm struct {
	Name   string // as on the command line
	About  string // one line
	Budget Budget // of a run that names none
	Envs   int    // environments stepped together in a run that names no number
	Turn   int    // updates of a turn in self-play that names no number
	Config func() Config
}

// Find returns the algorithm of that name. Its error is an *envs.UnknownError that suggests a near name.
func Find(algorithms []Algorithm, name string) (Algorithm, error) {
	var names []string
	for _, a := range algorithms {
		if a.Name == name {
			return a, nil
		}
		names = append(names, a.Name)
	}
	return Algorithm{}, &envs.UnknownError{Kind: "algorithm", Name: name, Known: names}
}
