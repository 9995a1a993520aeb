package algos_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/actorcritic"
	"idsrl/algos/algotest"
	"idsrl/algos/ppo"
	"idsrl/algos/qlearning"
	"idsrl/algos/reinforce"
	"idsrl/envs"
	"idsrl/envs/exact"
	"idsrl/envs/settings"
	"idsrl/envs/toy"
	"idsrl/nets"
)

// gradients are the learners that embed an Actor, with settings for tests that are not about learning: small networks
// and rounds that end often, and not always with the same number of steps.
var gradients = []variant{
	{Algorithm: ppo.Algorithm(), Set: []string{"network.hidden=[8]", "horizon=13", "epochs=2", "minibatch=5", "target_kl=0.02"}},
	{Algorithm: actorcritic.Algorithm(), Set: []string{"network.hidden=[8]", "network.shared=true", "horizon=7", "whiten=true"}},
	{Algorithm: reinforce.Algorithm(), Set: []string{"network.hidden=[8, 8]", "network.activation=relu", "episodes_per_update=5"}},
	{Algorithm: ppo.Algorithm(), Set: []string{"network.hidden=[8]", "network.lstm=4", "horizon=13", "epochs=2", "minibatch=13"}},
	{Algorithm: actorcritic.Algorithm(), Set: []string{"network.hidden=[8]", "network.lstm=4", "horizon=7"}},
	{Algorithm: reinforce.Algorithm(), Set: []string{"network.hidden=[8]", "network.lstm=4", "episodes_per_update=5"}},
}

// actorOf is the network inside of a learner that embeds an Actor.
func actorOf(tb testing.TB, l algos.Learner, network algos.Network, seat envs.Seat) *algos.Actor {
	tb.Helper()
	a := algotest.Must(algos.NewActor(network, seat, 1, 1))
	if err := nets.CopyTensors(a.Tensors(), l.(algos.Neural).Tensors()); err != nil {
		tb.Fatal(err)
	}
	return a
}

func networkOf(cfg algos.Config) algos.Network {
	switch cfg := cfg.(type) {
	case *ppo.Config:
		return cfg.Network
	case *actorcritic.Config:
		return cfg.Network
	case *reinforce.Config:
		return cfg.Network
	}
	panic("not an algorithm with a policy network")
}

// Saving and restoring within rounds and episodes makes no difference.
func TestActorRestore(t *testing.T) {
	for _, p := range gradients {
		for _, r := range []algotest.Setup{
			{ID: "toy-corridor-v0", N: 1, Budget: algos.Budget{Steps: 900}},
			{ID: "toy-clock-v0", N: 3, Budget: algos.Budget{Steps: 900}},
			{ID: "toy-pursuit-v0", N: 3, Budget: algos.Budget{Episodes: 300}},
			{ID: "idsgame-minimal_defense-v0", N: 1, Budget: algos.Budget{Steps: 900}},
			{ID: "idsgame-minimal_defense-v0", N: 3, Budget: algos.Budget{Steps: 1800}},
		} {
			t.Run(fmt.Sprintf("%s/%s, %d environments", p.Name, r.ID, r.N), func(t *testing.T) {
				t.Parallel()
				algotest.CheckRestore(t, func(seed uint64) *room { return p.Open(t, r, seed) })
			})
		}
	}
}

func TestActorRestoredGoesOn(t *testing.T) {
	for _, p := range gradients {
		p := p.With("learning_rate.start=0.02")
		algotest.CheckGoesOn(t, func() *algotest.Board { return p.Board(t, 1) })
	}
}

// Policies stand for themselves.
func TestActorPolicies(t *testing.T) {
	for _, p := range gradients {
		for _, kind := range []string{"flat", "autoregressive"} {
			p := p.With("network.policy="+kind, "learning_rate.start=0.02")
			s := algotest.Setup{ID: "idsgame-minimal_defense-v0", N: 2, Budget: algos.Budget{Steps: 2000}}
			algotest.CheckPolicies(t, func(seed uint64) *room { return p.Open(t, s, seed) })
		}
	}
}

// strict makes an environment in which an illegal action fails the test, and counts the actions.
func strict(tb testing.TB, count *int, legal func(dst []bool)) func(envs.Env) envs.Env {
	return func(env envs.Env) envs.Env {
		return &algotest.Altered{Env: env, Mask: legal, Before: func(env envs.Env, actions []int) {
			for seat, a := range actions {
				mask := make([]bool, env.Spec().Seats[seat].Actions.N)
				env.Legal(seat, mask)
				if !mask[a] {
					tb.Errorf("seat %d plays the illegal action %d", seat, a)
				}
				*count++
			}
		}}
	}
}

// What is illegal is never played, in training and after, and what never is legal gets no gradient, however much of it
// the rest gets.
func TestActorMasks(t *testing.T) {
	const never = 3 // of the attacker's ids
	for _, p := range gradients {
		for _, r := range []algotest.Setup{
			{ID: "toy-forbidden-v0", N: 2, Budget: algos.Budget{Steps: 1500}},
			{ID: "idsgame-minimal_defense-v0", N: 2, Budget: algos.Budget{Steps: 1500}},
			{ID: "idsgame-v2", N: 2, Budget: algos.Budget{Steps: 1500}},
		} {
			p := p.With("learning_rate.start=0.02")
			count := 0
			forbid := func(dst []bool) {
				if len(dst) <= never {
					return
				}
				if dst[never] = false; !slices.Contains(dst, true) {
					dst[0] = true // an episode that is over
				}
			}
			r.Wrap = strict(t, &count, forbid)
			s := p.Open(t, r, 1)
			before := p.Open(t, r, 1)
			s.Train(1)
			spec := s.Vec.Spec()
			if count < 1500 {
				t.Fatalf("%d actions were looked at", count)
			}
			for seat, l := range s.Learners {
				for _, mode := range algos.Modes {
					s.Moves(seat, l.Policy(mode))
				}
				from, to := before.Learners[seat].(algos.Neural).Tensors(), l.(algos.Neural).Tensors()
				columns, moved := 0, 0
				for k, tensor := range to {
					if !strings.HasPrefix(tensor.Name, "policy_head") {
						continue
					}
					width := tensor.Shape[len(tensor.Shape)-1]
					for i, x := range tensor.Data {
						switch same := x == from[k].Data[i]; {
						case i%width != never:
							if !same {
								moved++
							}
						case !same:
							t.Errorf("%s, %s: %s of an action that is never legal moves from %v to %v",
								p.Name, r.ID, tensor.Name, from[k].Data[i], x)
						default:
							columns++
						}
					}
				}
				if moved == 0 || columns == 0 && spec.Seats[seat].Actions.N > never {
					t.Errorf("%s, %s: %d weights of the policy's head move, %d must not", p.Name, r.ID, moved, columns)
				}
			}
		}
	}
}

// A step and an update allocate nothing once all buffers have their size.
func TestActorAllocations(t *testing.T) {
	for _, p := range gradients {
		for _, r := range []algotest.Setup{
			{ID: "toy-corridor-v0", N: 1, Budget: algos.Budget{Steps: 30_000}},
			{ID: "idsgame-minimal_defense-v0", N: 3, Budget: algos.Budget{Steps: 30_000}},
		} {
			for _, kind := range []string{"flat", "autoregressive"} {
				if kind == "flat" || !strings.HasPrefix(r.ID, "toy") {
					algotest.CheckAllocations(t, p.With("network.policy="+kind).Open(t, r, 1))
				}
			}
		}
	}
}

var lessons = []algotest.Lesson{
	{ID: "toy-corridor-v0", Steps: 16_000, Tol: 0.12},
	{ID: "toy-forbidden-v0", Steps: 8_000, Tol: 0.05},
	{ID: "toy-clock-v0", Steps: 16_000, Tol: 0.1},
}

// students are learners with settings for lessons.
var students = []variant{
	{Algorithm: ppo.Algorithm(), Set: []string{
		"gamma=0.9", "network.hidden=[16]", "learning_rate.start=0.02", "horizon=32", "minibatch=64", "max_grad_norm=5",
		"entropy_coef.start=0.02", "scale_rewards=false",
	}},
	{Algorithm: actorcritic.Algorithm(), Set: []string{
		"gamma=0.9", "network.hidden=[16]", "learning_rate.start=0.02", "horizon=8", "max_grad_norm=5",
		"entropy_coef.start=0.02", "scale_rewards=false",
	}},
	{Algorithm: reinforce.Algorithm(), Set: []string{
		"gamma=0.9", "network.hidden=[16]", "learning_rate.start=0.02", "episodes_per_update=8", "max_grad_norm=5",
		"entropy_coef.start=0.02", "scale_rewards=false",
	}},
}

// result is how far the values of the states that best play meets are from the truth, at most, and how much the greedy
// policy loses in the mean over first states.
func result(tb testing.TB, l algotest.Lesson, p variant, seed uint64, wrap func(envs.Env) envs.Env) (values, loss float64) {
	tb.Helper()
	const gamma = 0.9
	s := p.Open(tb, algotest.Setup{ID: l.ID, N: 8, Budget: algos.Budget{Steps: l.Steps}, Wrap: wrap}, seed).Train(1)
	tr := algotest.Solve(l.ID, gamma)
	m, v := tr.Model.(*toy.Table), tr.V
	truth := slices.Clone(v)
	if p.Name == "reinforce" && l.ID == "toy-clock-v0" {
		// It does not look beyond the cut: what is met in one of 10 steps has 1 to 10 of them to come, Σ_k (1-γ^k)/(1-γ)/10.
		mean := 0.0
		for k := 1.0; k <= 10; k++ {
			mean += (1 - math.Pow(gamma, k)) / (1 - gamma) / 10
		}
		truth = []float64{mean, mean, mean}
	}
	seat := s.Vec.Spec().Seats[0]
	actor := actorOf(tb, s.Learners[0], networkOf(p.Settings(tb)), seat)
	policy, met := make([][]float64, m.States()), reached(m, exact.Greedy(tr.Q))
	obs, legal, action := make([]float32, m.States()), make([]bool, seat.Actions.N), make([]int, 1)
	for state := range policy {
		policy[state] = make([]float64, len(legal))
		if len(m.Actions(state)) == 0 {
			continue
		}
		clear(obs)
		clear(legal)
		obs[state] = 1
		for _, a := range m.Actions(state) {
			legal[a] = true
		}
		if altered, ok := s.Envs[0].(*algotest.Altered); ok && altered.Mask != nil {
			altered.Mask(legal)
		}
		out := actor.Net.Greedy(action, obs, legal)
		if !slices.Contains(m.Actions(state), action[0]) {
			return math.Inf(1), math.Inf(1)
		}
		policy[state][action[0]] = 1
		if met[state] {
			values = max(values, math.Abs(out.Value[0]-truth[state]))
		}
	}
	for state, x := range exact.PolicyValue(m, policy, gamma) {
		loss += m.Start()[state] * (v[state] - x)
	}
	return values, loss
}

// reached are the states that a policy may meet.
func reached(m *toy.Table, policy [][]float64) []bool {
	met := make([]bool, m.States())
	var visit func(s int)
	visit = func(s int) {
		if met[s] {
			return
		}
		met[s] = true
		for _, a := range m.Actions(s) {
			for _, tr := range m.Transitions(nil, s, a) {
				if policy[s][a] > 0 && tr.Prob > 0 && !tr.Terminal {
					visit(tr.Next)
				}
			}
		}
	}
	for s, p := range m.Start() {
		if p > 0 {
			visit(s)
		}
	}
	return met
}

// successes is how many of so many seeds learn.
func successes(tb testing.TB, l algotest.Lesson, p variant, wrap func(envs.Env) envs.Env, seeds int) int {
	tb.Helper()
	return l.Successes(tb, seeds, func(seed uint64) (worst, loss float64) { return result(tb, l, p, seed, wrap) })
}

// Over 200 other seeds, every lesson was learnt by all of every learner, so a right learner does with p >= 0.97
// (0.97^200 = 0.002). Of 12 seeds, fewer than 8 succeed by chance with probability 2e-5 then, in one of nine cases with
// 2e-4.
func TestActorLearnsExactValues(t *testing.T) {
	for _, p := range students {
		for _, l := range lessons {
			t.Run(p.Name+"/"+l.ID, func(t *testing.T) {
				t.Parallel()
				if n := successes(t, l, p, nil, 12); n < 8 {
					t.Errorf("%d of 12 seeds learn the values and the policy, want 8", n)
				}
			})
		}
	}
}

// What must not be learnt is not: the criterion above can fail, in each game in every way that the game is for. Of 20
// seeds, none did, but for 2 that bootstrap through termination: the state that is never left has a value of chance, which
// may be near 0. Of 6, more than 3 do by chance with probability 1e-3 then.
func TestActorLearnsExactValuesControls(t *testing.T) {
	for _, c := range append(algotest.Controls(), []algotest.Control{
		{Name: "learning rate 1e-9", Set: []string{"learning_rate.start=1e-9"}},
		{Name: "another discount", Set: []string{"gamma=0.5"}},
	}...) {
		for _, p := range students {
			for _, l := range lessons {
				// REINFORCE never bootstraps, and takes no notice of how an episode ends.
				if !c.Spoils(l.ID) || p.Name == "reinforce" && strings.Contains(c.Name, "termination") {
					continue
				}
				t.Run(c.Name+"/"+p.Name+"/"+l.ID, func(t *testing.T) {
					t.Parallel()
					if n := successes(t, l, p.With(c.Set...), c.Wrap, 6); n > 3 {
						t.Errorf("%d of 6 seeds learn the values and the policy all the same", n)
					}
				})
			}
		}
	}
}

// attacked is the share of games of an instance of version 0 that the attacker wins after training.
func attacked(tb testing.TB, a algos.Algorithm, steps int64, seed uint64, wrap func(envs.Env) envs.Env) float64 {
	tb.Helper()
	s := algotest.Setup{ID: "idsgame-minimal_defense-v0", Instance: 1, N: a.Envs, Budget: algos.Budget{Steps: steps}, Wrap: wrap}
	return variant{Algorithm: a}.Open(tb, s, seed).Train(1).HackProbability()
}

// With a part of the default budget, the defaults reach what a policy that knows only its node can in version 0, 0.640 of
// the games. A share of 10,000 games varies by 0.005 (standard deviation), and 0.61 is six times that below.
func TestActorReachesBound(t *testing.T) {
	if testing.Short() {
		t.Skip("several seconds")
	}
	for _, c := range []struct {
		algos.Algorithm
		steps int64
	}{
		{ppo.Algorithm(), 200_000}, {actorcritic.Algorithm(), 300_000}, {reinforce.Algorithm(), 400_000},
	} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("%s, seed %d", c.Name, seed), func(t *testing.T) {
				t.Parallel()
				if x := attacked(t, c.Algorithm, c.steps, seed, nil); x < 0.61 {
					t.Errorf("the attacker wins %.4f of the games, want 0.61", x)
				}
			})
		}
		t.Run(c.Name+", control with a flipped sign", func(t *testing.T) {
			t.Parallel()
			if x := attacked(t, c.Algorithm, c.steps/8, 0, algotest.Flipped); x > 0.5 {
				t.Errorf("the attacker wins %.4f of the games with flipped rewards", x)
			}
		})
	}
}

// Several learners of one game, of different kinds, too, each with random numbers of its own.
func TestActorTwoLearners(t *testing.T) {
	tabular := variant{Algorithm: qlearning.Algorithm()}
	mixtures := [][]variant{
		{gradients[0], tabular}, {tabular, gradients[1]}, {gradients[2], gradients[0]}, {gradients[1], gradients[2]}, {gradients[0]},
		{gradients[3], gradients[5]},
	}
	for _, id := range []string{"toy-pursuit-v0", "toy-rps-v0", "idsgame-v0", "idsgame-v17"} {
		for _, variants := range mixtures {
			r := algotest.Setup{ID: id, N: 2, Budget: algos.Budget{Steps: 800}}
			s, again := open(t, r, 1, variants...), open(t, r, 1, variants...)
			var before []string
			for _, l := range s.Learners {
				before = append(before, algotest.State(l))
			}
			s.Train(1)
			if again.Train(0.5); s.Bytes() != again.Restored(open(t, r, 1, variants...)).Train(1).Bytes() {
				t.Errorf("%s, %d and %s: the same seed, other bytes", id, len(variants), variants[0].Name)
			}
			if len(s.Learners) != 2 {
				t.Fatalf("%s has %d seats", id, len(s.Learners))
			}
			for seat, l := range s.Learners {
				if algotest.State(l) == before[seat] {
					t.Errorf("%s: seat %d learns nothing", id, seat)
				}
			}
			for k, x := range s.Report() {
				if math.IsInf(x, 0) {
					t.Errorf("%s, %s: metric %d is %v", id, variants[0].Name, k, x)
				}
			}
		}
	}
}

// A policy that chooses a node first, on the versions that the paper has it for.
func TestActorAutoregressive(t *testing.T) {
	for _, p := range gradients {
		for _, id := range []string{"idsgame-minimal_defense-v19", "idsgame-random_attack-v19", "idsgame-v0"} {
			p := p.With("network.policy=autoregressive")
			count := 0
			r := algotest.Setup{ID: id, N: 2, Budget: algos.Budget{Steps: 1200}, Wrap: strict(t, &count, nil)}
			whole := p.Open(t, r, 1)
			for part := range 4 {
				whole.Train(float64(part+1) / 4)
				names := whole.Learners[0].Metrics()
				for k, x := range whole.Report() {
					// There is nothing to report of an update that did not take place, or where all returns are the same.
					name := names[k%len(names)]
					if math.IsInf(x, 0) || math.IsNaN(x) && name != "explained_variance" && p.Name != "reinforce" {
						t.Errorf("%s, %s: %s is %v", p.Name, id, name, x)
					}
				}
			}
			s, rng := p.Open(t, r, 1), rand.New(envs.NewPCG(1))
			for at := 0.0; !s.Done(); at += 0.5 * rng.Float64() {
				s = s.Train(min(1, at)).Restored(p.Open(t, r, 1))
			}
			s.Report()
			if s.Bytes() != whole.Bytes() {
				t.Errorf("%s, %s: restored on the way, the learner ends with other bytes", p.Name, id)
			}
			if count < 2400 {
				t.Errorf("%s, %s: %d actions were looked at", p.Name, id, count)
			}
			for seat, l := range s.Learners {
				for _, mode := range algos.Modes {
					s.Moves(seat, l.Policy(mode))
				}
			}
		}
	}
}

// Where the actions do not divide among the rows of an observation, there is no policy that chooses a row first.
func TestActorAutoregressiveShapes(t *testing.T) {
	for _, p := range gradients {
		for _, c := range []struct {
			shape   []int
			actions int
			want    string
		}{
			{[]int{12}, 12, "12 actions do not divide among the rows of an observation of shape [12]"},
			{[]int{3, 2, 2}, 12, "12 actions do not divide among the rows of an observation of shape [3 2 2]"},
			{[]int{5, 4}, 12, "12 actions do not divide among the rows of an observation of shape [5 4]"},
			{[]int{4, 5}, 12, ""},
		} {
			spec := &envs.Spec{Seats: []envs.Seat{{Obs: envs.UniformBox(0, 1, c.shape...), Actions: envs.Discrete{N: c.actions}}}}
			_, err := p.With("network.policy=autoregressive").Settings(t).NewLearner(spec, 0, 2, 1)
			if c.want == "" {
				if err != nil {
					t.Errorf("%s: shape %v: %v", p.Name, c.shape, err)
				}
				continue
			}
			var setting *settings.Error
			if !errors.As(err, &setting) || setting.Key != "network.policy" || setting.Problem != c.want {
				t.Errorf("%s: shape %v: error %v, want %q", p.Name, c.shape, err, c.want)
			}
		}
	}
}

// What an episode ended with is not what the next one begins with.
func TestActorValues(t *testing.T) {
	seat := envs.Seat{Obs: envs.UniformBox(0, 4, 2), Actions: envs.Discrete{N: 2}}
	a := algotest.Must(algos.NewActor(algos.DefaultNetwork(), seat, 2, 1))
	b := &envs.Batch{N: 2, ObsLen: 2, Actions: 2, Obs: []float32{1, 2, 3, 4}, Last: []float32{0, 3, 4, 2}, First: make([]bool, 2)}
	value := func(obs ...float32) float64 { return a.Net.Values(obs, 1)[0] }
	now := slices.Clone(a.Values(b))
	for i, want := range []float64{value(0.25, 0.5), value(0.75, 1)} {
		near(t, fmt.Sprintf("value %d", i), now[i], want, 0)
	}
	for i, want := range []float64{value(0, 0.75), value(1, 0.5)} {
		near(t, fmt.Sprintf("last value %d", i), a.LastValue(b, i), want, 0)
	}
}

// Every part of a state that is cut off, and a state of another learner or environment, is an error.
func TestActorStateErrors(t *testing.T) {
	for _, p := range gradients {
		r := algotest.Setup{ID: "toy-forbidden-v0", N: 2, Budget: algos.Budget{Steps: 100}}
		p := p.With("network.hidden=[2]")
		s := p.Open(t, r, 1).Train(1)
		data := algotest.Must(s.Learners[0].MarshalBinary())
		l := p.Learner(t, s.Vec.Spec(), 0, 2, 1)
		for n := range data {
			if err := l.UnmarshalBinary(data[:n]); err == nil || !strings.HasPrefix(err.Error(), p.Name+": ") {
				t.Fatalf("%s: the first %d of %d bytes: error %v", p.Name, n, len(data), err)
			}
		}
		for name, l := range map[string]algos.Learner{
			"fewer environments": p.Learner(t, s.Vec.Spec(), 0, 1, 1),
			"more environments":  p.Learner(t, s.Vec.Spec(), 0, 3, 1),
			"another network":    p.With("network.hidden=[3]").Learner(t, s.Vec.Spec(), 0, 2, 1),
			"another game":       p.Learner(t, algotest.NewEnv("toy-corridor-v0").Spec(), 0, 2, 1),
		} {
			if err := l.UnmarshalBinary(data); err == nil {
				t.Errorf("%s: %s: no error", p.Name, name)
			}
		}
	}
}

// Whatever a saved state holds, it is an error or a learner that goes on.
func FuzzActorRestore(f *testing.F) {
	kinds := []struct {
		variant
		id string
	}{
		{gradients[0].With("network.hidden=[2]", "horizon=6"), "toy-forbidden-v0"},
		{gradients[1].With("network.hidden=[2]"), "toy-forbidden-v0"},
		{gradients[2].With("network.hidden=[2]"), "toy-forbidden-v0"},
		{gradients[3].With("network.hidden=[2]", "network.lstm=2", "horizon=6", "minibatch=6"), "toy-forbidden-v0"},
		{gradients[5].With("network.hidden=[2]", "network.lstm=2"), "toy-forbidden-v0"},
		{gradients[1].With("network.hidden=[2]", "network.policy=autoregressive", "horizon=2"), "idsgame-minimal_defense-v0"},
	}
	for _, k := range kinds {
		for _, steps := range []int64{2, 12, 26} {
			s := k.Open(f, algotest.Setup{ID: k.id, N: 2, Budget: algos.Budget{Steps: steps}}, 1).Train(1)
			state := algotest.Must(algos.Save(s.Learners[0]))
			f.Add(state.Data, state.Weights)
		}
	}
	f.Fuzz(func(t *testing.T, data, weights []byte) {
		for _, k := range kinds {
			s := k.Open(t, algotest.Setup{ID: k.id, N: 2, Budget: algos.Budget{Steps: 100}}, 1)
			if err := (algos.State{Data: data, Weights: weights}).Restore(s.Learners[0]); err != nil {
				continue
			}
			if got := string(algotest.Must(s.Learners[0].MarshalBinary())); got != string(data) {
				t.Fatalf("%x is restored as %x", data, got)
			}
			s.GoOn()
		}
	})
}
