package algos

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/nets"
)

// Network is the settings of a policy network.
type Network struct {
	Policy   string `yaml:"policy" choice:"flat|autoregressive" usage:"flat chooses among all actions at once; autoregressive first a row of the observation, in idsgame a node, then what to do there"`
	Layers   `yaml:",inline"`
	Shared   bool `yaml:"shared" usage:"one tower of hidden layers for policy and value, instead of one each; an autoregressive policy and one with an LSTM always share"`
	LSTM     int  `yaml:"lstm" range:"[0, 4096]" usage:"units of an LSTM between the hidden layers and the heads, a memory of the episode so far; 0: none"`
	Encoding `yaml:",inline"`
}

// DefaultNetwork is two towers of two layers.
func DefaultNetwork() Network {
	return Network{Policy: "flat", Layers: DefaultLayers("tanh"), Encoding: DefaultEncoding()}
}

// Actor is a policy network in a seat: it encodes observations, acts, and is saved and restored with its optimizer and
// random stream. Learners embed it.
type Actor struct {
	Net  nets.Policy[float32]
	Adam *nets.Adam[float32]
	Rng  *rand.Rand

	pcg    *rand.PCG
	input  *Input
	memory *memory
}

// NewActor builds the network of a seat for n environments. Its weights and its actions come from seed.
func NewActor(cfg Network, seat envs.Seat, n int, seed uint64) (*Actor, error) {
	a := &Actor{pcg: envs.NewPCG(seed), input: NewInput(cfg.Encoding, seat.Obs, n)}
	a.Rng = rand.New(a.pcg)
	activation := nets.Activation(cfg.Activation)
	var err error
	if cfg.Policy == "autoregressive" {
		shape := seat.Obs.Shape
		if len(shape) != 2 || seat.Actions.N%shape[0] != 0 {
			return nil, &settings.Error{Key: "network.policy", Value: cfg.Policy, Problem: fmt.Sprintf(
				"%d actions do not divide among the rows of an observation of shape %v", seat.Actions.N, shape)}
		}
		a.Net, err = nets.NewAutoActorCritic[float32](nets.AutoActorCriticConfig{
			Obs: a.input.Len(), Nodes: shape[0], Types: seat.Actions.N / shape[0], Row: a.input.Row(),
			Hidden: cfg.Hidden, LSTM: cfg.LSTM, Activation: activation,
		}, a.Rng)
	} else {
		a.Net, err = nets.NewActorCritic[float32](nets.ActorCriticConfig{
			Obs: a.input.Len(), Actions: seat.Actions.N, Hidden: cfg.Hidden, Activation: activation,
			Shared: cfg.Shared || cfg.LSTM > 0, LSTM: cfg.LSTM,
		}, a.Rng)
	}
	if err == nil && cfg.LSTM > 0 {
		a.Net, err = nets.NewRecurrent(a.Net)
	}
	if err != nil {
		return nil, err
	}
	a.memory = newMemory(a.Net, n)
	a.Adam = nets.NewAdam[float32](len(a.Net.Params()))
	a.Adam.Eps = 1e-5 // as usual for policy gradients (Huang et al. 2022, The 37 Implementation Details of PPO, 3)
	return a, nil
}

// Width is that of what the network sees.
func (a *Actor) Width() int { return a.Net.Inputs() }

// Remembers reports whether the network has a memory, so that it learns from sequences.
func (a *Actor) Remembers() bool { return a.memory != nil }

// View asks for observations and legal actions.
func (a *Actor) View() envs.View { return envs.View{Obs: true, Legal: true} }

// Sample chooses an action for every row of b and returns what the network saw [N x Width].
func (a *Actor) Sample(b *envs.Batch, actions []int) (obs []float32, out nets.PolicyOut) {
	obs = a.memory.see(a.input.See(b), b.First)
	out = a.Net.Sample(actions, obs, b.Legal, a.Rng)
	a.memory.step()
	return obs, out
}

// Values are those of what every environment of b shows now.
func (a *Actor) Values(b *envs.Batch) []float64 {
	return a.Net.Values(a.memory.see(a.input.Peek(b), b.First), b.N)
}

// LastValue is that of the last observation of row i's finished episode. It is asked for before Values.
func (a *Actor) LastValue(b *envs.Batch, i int) float64 {
	return a.Net.Values(a.memory.seeOne(a.input.Last(b, i), i), 1)[0]
}

// Tensors are the weights.
func (a *Actor) Tensors() []nets.Tensor[float32] { return a.Net.Tensors() }

// Model describes the network, unless it has a memory.
func (a *Actor) Model() (*nets.Model, error) {
	net, ok := a.Net.(nets.Describer)
	if !ok {
		return nil, errors.New("a policy with a memory cannot be exported; train one with network.lstm = 0")
	}
	return a.input.Model(net), nil
}

// Encode saves optimizer, random stream, earlier frames and memory.
func (a *Actor) Encode(e *Encoder) {
	e.PCG(a.pcg)
	e.Adam(a.Adam)
	a.input.Encode(e)
	a.memory.Encode(e)
}

// Decode restores what Encode saved.
func (a *Actor) Decode(d *Decoder) {
	d.PCG(a.pcg)
	d.Adam(a.Adam)
	a.input.Decode(d)
	a.memory.Decode(d)
}

// Policy is a frozen copy of the network.
func (a *Actor) Policy(mode Mode) envs.Policy {
	net := a.Net.ClonePolicy()
	return &netPolicy{
		PolicyInput: a.input.ForPolicy(), memory: newMemory(net, 1), net: net, mode: mode,
		legal: make([]bool, a.Net.Actions()), action: make([]int, 1),
	}
}

type netPolicy struct {
	*PolicyInput
	memory *memory
	net    nets.Policy[float32]
	legal  []bool
	action []int
	mode   Mode
}

// StartEpisode forgets the episode before.
func (p *netPolicy) StartEpisode(rng *rand.Rand) {
	p.PolicyInput.StartEpisode(rng)
	p.memory.forget()
}

// Act runs the network on what seat sees.
func (p *netPolicy) Act(env envs.Env, seat int, rng *rand.Rand) int {
	obs := p.memory.seeOne(p.See(env, seat), 0)
	env.Legal(seat, p.legal)
	if p.mode == Greedy {
		p.net.Greedy(p.action, obs, p.legal)
	} else {
		p.net.Sample(p.action, obs, p.legal, rng)
	}
	p.memory.step()
	return p.action[0]
}

// Probabilities are those of Act, unless the network sees earlier observations or has a memory.
func (p *netPolicy) Probabilities(env envs.Env, seat int, dst []float64) bool {
	if !p.Present() || p.memory != nil {
		return false
	}
	obs := p.See(env, seat)
	env.Legal(seat, p.legal)
	p.probabilities(obs, dst)
	return true
}

// probabilities are those of every id, given what the network sees and what is legal.
func (p *netPolicy) probabilities(obs []float32, dst []float64) {
	clear(dst)
	if p.mode == Greedy {
		p.net.Greedy(p.action, obs, p.legal)
		dst[p.action[0]] = 1
		return
	}
	for id, ok := range p.legal {
		if ok {
			p.action[0] = id
			dst[id] = math.Exp(p.net.Evaluate(p.action, obs, p.legal).LogProb[0])
		}
	}
}

// Explain shows the probabilities and the value of the network; a learner without values, such as REINFORCE without a
// baseline, has 0.
func (p *netPolicy) Explain(env envs.Env, seat int) envs.Explanation {
	obs := p.memory.seeOne(p.See(env, seat), 0)
	env.Legal(seat, p.legal)
	x := envs.Explanation{Probability: make([]float64, len(p.legal)), Value: p.net.Values(obs, 1)[0]}
	p.probabilities(obs, x.Probability)
	p.memory.step()
	return x
}
