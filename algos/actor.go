package algos

import (
	"fmt"
	"math/rand/v2"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/nets"
)

// Network is the settings of a policy network.
type Network struct {
	Policy     string `yaml:"policy" choice:"flat|autoregressive" usage:"flat chooses among all actions at once; autoregressive first a row of the observation, in idsgame a node, then what to do there"`
	Hidden     []int  `yaml:"hidden" range:"[1, 4096]" usage:"widths of the hidden layers"`
	Activation string `yaml:"activation" choice:"tanh|relu" usage:"of the hidden layers"`
	Shared     bool   `yaml:"shared" usage:"one tower of hidden layers for policy and value, instead of one each; an autoregressive policy always shares"`
	Backend    string `yaml:"backend" choice:"direct|gorgonia" usage:"what computes gradients: own kernels, or a gorgonia graph over the same weights, equal up to rounding and two to three times slower"`
}

// DefaultNetwork is two towers of two layers.
func DefaultNetwork() Network {
	return Network{Policy: "flat", Hidden: []int{64, 64}, Activation: "tanh", Backend: "direct"}
}

// Actor is a policy network in a seat: it scales observations, acts, and is saved and restored with its optimizer and
// random stream. Learners embed it.
type Actor struct {
	Net  nets.Policy[float32]
	Adam *nets.Adam[float32]
	Rng  *rand.Rand

	pcg   *rand.PCG
	scale []float32 // [ObsLen]
	obs   []float32 // [N x ObsLen], scaled: what Act saw
	one   []float32 // [ObsLen]
}

// NewActor builds the network of a seat for n environments. Its weights and its actions come from seed.
func NewActor(cfg Network, seat envs.Seat, n int, seed uint64) (*Actor, error) {
	a := &Actor{pcg: envs.NewPCG(seed), scale: Scale(seat.Obs)}
	a.Rng = rand.New(a.pcg)
	a.obs, a.one = make([]float32, n*len(a.scale)), make([]float32, len(a.scale))
	activation := nets.Activation(cfg.Activation)
	var err error
	if cfg.Policy == "autoregressive" {
		shape := seat.Obs.Shape
		if len(shape) != 2 || seat.Actions.N%shape[0] != 0 {
			return nil, &settings.Error{Key: "network.policy", Value: cfg.Policy, Problem: fmt.Sprintf(
				"%d actions do not divide among the rows of an observation of shape %v", seat.Actions.N, shape)}
		}
		a.Net, err = nets.NewAutoActorCritic[float32](nets.AutoActorCriticConfig{
			Obs: len(a.scale), Nodes: shape[0], Types: seat.Actions.N / shape[0], Row: shape[1],
			Hidden: cfg.Hidden, Activation: activation,
		}, a.Rng)
	} else {
		a.Net, err = nets.NewActorCritic[float32](nets.ActorCriticConfig{
			Obs: len(a.scale), Actions: seat.Actions.N, Hidden: cfg.Hidden, Activation: activation, Shared: cfg.Shared,
		}, a.Rng)
	}
	if err == nil && cfg.Backend == "gorgonia" {
		a.Net, err = nets.NewGorgoniaPolicy(a.Net)
	}
	if err != nil {
		return nil, err
	}
	a.Adam = nets.NewAdam[float32](len(a.Net.Params()))
	a.Adam.Eps = 1e-5 // as usual for policy gradients (Huang et al. 2022, The 37 Implementation Details of PPO, 3)
	return a, nil
}

// Scale is the factors that bring the entries of a box to about [-1, 1].
func Scale(box envs.Box) []float32 {
	scale := make([]float32, box.Len())
	for i := range scale {
		scale[i] = 1 / max(-box.Low[i], box.High[i], 1)
	}
	return scale
}

// Rescale writes obs, any number of rows, scaled into dst.
func Rescale(dst, obs, scale []float32) {
	for from := 0; from < len(obs); from += len(scale) {
		for i, s := range scale {
			dst[from+i] = obs[from+i] * s
		}
	}
}

// View asks for observations and legal actions.
func (a *Actor) View() envs.View { return envs.View{Obs: true, Legal: true} }

// Sample chooses an action for every row of b and returns the scaled observations that it saw.
func (a *Actor) Sample(b *envs.Batch, actions []int) (obs []float32, out nets.PolicyOut) {
	Rescale(a.obs, b.Obs, a.scale)
	return a.obs, a.Net.Sample(actions, a.obs, b.Legal, a.Rng)
}

// Values are those of what every environment of b shows now.
func (a *Actor) Values(b *envs.Batch) []float64 {
	Rescale(a.obs, b.Obs, a.scale)
	return a.Net.Values(a.obs, b.N)
}

// LastValue is that of the last observation of row i's finished episode.
func (a *Actor) LastValue(b *envs.Batch, i int) float64 {
	Rescale(a.one, b.Last[i*b.ObsLen:(i+1)*b.ObsLen], a.scale)
	return a.Net.Values(a.one, 1)[0]
}

// Encode saves weights, optimizer and random stream.
func (a *Actor) Encode(e *Encoder) error {
	random, err := a.pcg.MarshalBinary()
	e.Bytes(random)
	e.Float32s(a.Net.Params())
	e.Int(a.Adam.Steps)
	e.Float32s(a.Adam.M)
	e.Float32s(a.Adam.V)
	return err
}

// Decode restores what Encode saved.
func (a *Actor) Decode(d *Decoder) {
	if err := a.pcg.UnmarshalBinary(d.Bytes()); err != nil {
		d.Fail("random stream: %w", err)
	}
	fill(d, a.Net.Params(), d.Float32s())
	if a.Adam.Steps = d.Int(); a.Adam.Steps < 0 {
		d.Fail("%d steps of Adam", a.Adam.Steps)
	}
	fill(d, a.Adam.M, d.Float32s())
	fill(d, a.Adam.V, d.Float32s())
}

// Policy is a frozen copy of the network.
func (a *Actor) Policy(mode Mode) envs.Policy {
	return &netPolicy{
		net: a.Net.ClonePolicy(), scale: a.scale, mode: mode,
		raw: make([]float32, len(a.scale)), obs: make([]float32, len(a.scale)), legal: make([]bool, a.Net.Actions()),
		action: make([]int, 1),
	}
}

type netPolicy struct {
	net             nets.Policy[float32]
	scale, raw, obs []float32
	legal           []bool
	action          []int
	mode            Mode
}

// Act runs the network on what seat sees.
func (p *netPolicy) Act(env envs.Env, seat int, rng *rand.Rand) int {
	env.Observe(seat, p.raw)
	env.Legal(seat, p.legal)
	Rescale(p.obs, p.raw, p.scale)
	if p.mode == Greedy {
		p.net.Greedy(p.action, p.obs, p.legal)
	} else {
		p.net.Sample(p.action, p.obs, p.legal, rng)
	}
	return p.action[0]
}
