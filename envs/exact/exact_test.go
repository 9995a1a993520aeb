package exact_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/envs/exact"
)

// mdp is a Model written out: [state][action], nil where an action is not legal.
type mdp [][][]exact.Transition

func (m mdp) States() int { return len(m) }

func (m mdp) Actions(s int) []int {
	var ids []int
	for a, ts := range m[s] {
		if ts != nil {
			ids = append(ids, a)
		}
	}
	return ids
}

func (m mdp) Transitions(dst []exact.Transition, s, a int) []exact.Transition {
	return append(dst, m[s][a]...)
}

// randomMDP has states without actions, illegal actions and terminal transitions in it.
func randomMDP(rng *rand.Rand, states, actions int) mdp {
	m := make(mdp, states)
	for s := range m {
		if s == states-1 {
			continue // over
		}
		m[s] = make([][]exact.Transition, actions)
		for a := range m[s] {
			if a > 0 && rng.IntN(4) == 0 {
				continue // not legal
			}
			m[s][a] = randomTransitions(rng, states)
		}
	}
	return m
}

func randomTransitions(rng *rand.Rand, states int) []exact.Transition {
	ts := make([]exact.Transition, 1+rng.IntN(3))
	sum := 0.0
	for i := range ts {
		ts[i] = exact.Transition{Prob: rng.Float64() + 0.01, Reward: rng.NormFloat64(), Next: rng.IntN(states)}
		ts[i].Terminal = ts[i].Next == states-1 || rng.IntN(5) == 0
		sum += ts[i].Prob
	}
	for i := range ts {
		ts[i].Prob /= sum
	}
	return ts
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// One state: staying pays 1 each time, leaving pays 6 once. With γ = 0.5 staying forever is worth 2, with 0.9 it is 10.
func TestValueIterationByHand(t *testing.T) {
	m := mdp{{
		{{Prob: 1, Reward: 1, Next: 0}},
		nil,
		{{Prob: 1, Reward: 6, Next: 0, Terminal: true}},
	}}
	for _, tt := range []struct{ gamma, v, stay float64 }{
		{0, 6, 1},
		{0.5, 6, 4},
		{0.9, 10, 10},
	} {
		v, q := exact.ValueIteration(m, tt.gamma, 1e-10)
		near(t, fmt.Sprintf("γ %v: v", tt.gamma), v[0], tt.v, 1e-10)
		near(t, fmt.Sprintf("γ %v: Q of staying", tt.gamma), q[0][0], tt.stay, 1e-10)
		near(t, fmt.Sprintf("γ %v: Q of leaving", tt.gamma), q[0][2], 6, 1e-10)
		if !math.IsInf(q[0][1], -1) {
			t.Errorf("γ %v: Q of the illegal action = %v", tt.gamma, q[0][1])
		}
	}
}

// Two states: from 0 a safe step pays 1 and leads to 1; a gamble pays 4 or nothing, each with probability 1/2, and
// stays or ends. From 1 one leads back, for 0. With γ = 0.5:
//
//	safe:   v0 = 1 + v1/2, v1 = v0/2           so v0 = 4/3, v1 = 2/3
//	gamble: v0 = (4 + v0/2)/2 + 0/2, v1 = v0/2 so v0 = 8/3, v1 = 4/3
func TestPolicyValueByHand(t *testing.T) {
	m := mdp{
		{
			{{Prob: 1, Reward: 1, Next: 1}},
			{{Prob: 0.5, Reward: 4, Next: 0}, {Prob: 0.5, Next: 1, Terminal: true}},
		},
		{{{Prob: 1, Next: 0}}},
	}
	tests := []struct {
		name   string
		policy [][]float64
		v0, v1 float64
	}{
		{"safe", [][]float64{{1, 0}, {1}}, 4. / 3, 2. / 3},
		{"gamble", [][]float64{{0, 1}, {1}}, 8. / 3, 4. / 3},
		// v0 = 1/2 (1 + v1/2) + 1/2 (2 + v0/4), v1 = v0/2: v0 (1 - 1/8 - 1/8) = 3/2
		{"half and half", [][]float64{{0.5, 0.5}, {1}}, 2, 1},
	}
	for _, tt := range tests {
		v := exact.PolicyValue(m, tt.policy, 0.5)
		near(t, tt.name+": v0", v[0], tt.v0, 1e-14)
		near(t, tt.name+": v1", v[1], tt.v1, 1e-14)
	}
	v, q := exact.ValueIteration(m, 0.5, 1e-12)
	near(t, "optimal v0", v[0], 8./3, 1e-12)
	if p := exact.Greedy(q); p[0][1] != 1 || p[0][0] != 0 || p[1][0] != 1 {
		t.Errorf("greedy policy %v", p)
	}
	// Without discounting the gamble ends after two rounds on average: v0 = 2 + v0/2.
	near(t, "undiscounted v0", exact.PolicyValue(m, [][]float64{{0, 1}, {1}}, 1)[0], 4, 1e-14)
}

// The optimal value of every state is the best that any deterministic policy gets there.
func TestValueIterationIsBestOfAllPolicies(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		const states, actions, tol = 5, 3, 1e-9
		m := randomMDP(rng, states, actions)
		gamma := rng.Float64() * 0.98
		best := make([]float64, states)
		for s := range best {
			best[s] = math.Inf(-1)
		}
		policies := 0
		for code := range 81 { // 3^4: the last state has no actions
			policy, legal := make([][]float64, states), true
			for s := range states {
				policy[s] = make([]float64, actions)
				if s < states-1 {
					a := code % actions
					code /= actions
					policy[s][a] = 1
					legal = legal && m[s][a] != nil
				}
			}
			if !legal {
				continue
			}
			policies++
			for s, v := range exact.PolicyValue(m, policy, gamma) {
				best[s] = max(best[s], v)
			}
		}
		v, q := exact.ValueIteration(m, gamma, tol)
		greedy := exact.PolicyValue(m, exact.Greedy(q), gamma)
		for s := range states {
			near(t, fmt.Sprintf("γ %v, best of %d: v(%d)", gamma, policies, s), v[s], best[s], 2*tol)
			near(t, fmt.Sprintf("γ %v: greedy v(%d)", gamma, s), greedy[s], best[s], 2*tol)
		}
		if v[states-1] != 0 {
			t.Errorf("a state without actions is worth %v", v[states-1])
		}
	}
}

// The optimal values are a fixed point of the Bellman operator, those of a policy of its own operator.
func TestBellmanResidual(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		const states, actions, tol = 40, 4, 1e-8
		m := randomMDP(rng, states, actions)
		gamma := 0.5 + 0.49*rng.Float64()
		v, q := exact.ValueIteration(m, gamma, tol)
		policy := make([][]float64, states)
		for s := range policy {
			policy[s] = make([]float64, actions)
			best, sum := math.Inf(-1), 0.0
			for _, a := range m.Actions(s) {
				best = max(best, q[s][a])
				policy[s][a] = rng.Float64()
				sum += policy[s][a]
			}
			for _, a := range m.Actions(s) {
				policy[s][a] /= sum
			}
			if s < states-1 {
				near(t, "max Q", v[s], best, 2*tol)
			}
		}
		// One application of the operator written anew.
		vp := exact.PolicyValue(m, policy, gamma)
		for s := range states {
			sum := 0.0
			for _, a := range m.Actions(s) {
				for _, tr := range m[s][a] {
					next := vp[tr.Next]
					if tr.Terminal {
						next = 0
					}
					sum += policy[s][a] * tr.Prob * (tr.Reward + gamma*next)
				}
			}
			near(t, "value of a policy", vp[s], sum, 1e-11)
			if vp[s] > v[s]+tol {
				t.Errorf("a policy gets %v where %v is the most", vp[s], v[s])
			}
		}
	}
}

func TestGreedy(t *testing.T) {
	inf := math.Inf(-1)
	got := exact.Greedy([][]float64{{1, 3, 3}, {inf, -5, inf}, {inf, inf, inf}, {}})
	want := [][]float64{{0, 1, 0}, {0, 1, 0}, {0, 0, 0}, {}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Greedy = %v, want %v", got, want)
	}
}

func TestPanics(t *testing.T) {
	forever := mdp{{{{Prob: 1, Reward: 1, Next: 0}}}}
	for name, f := range map[string]func(){
		"γ = 1 in value iteration":     func() { exact.ValueIteration(forever, 1, 1e-6) },
		"negative γ":                   func() { exact.ValueIteration(forever, -0.1, 1e-6) },
		"γ is not a number":            func() { exact.ValueIteration(forever, math.NaN(), 1e-6) },
		"no tolerance":                 func() { exact.ValueIteration(forever, 0.5, 0) },
		"endless policy with γ = 1":    func() { exact.PolicyValue(forever, [][]float64{{1}}, 1) },
		"γ = 1 in Shapley's iteration": func() { exact.Shapley(repeated{{1}}, 1, 1e-6) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			f()
		}()
	}
}

// However small the tolerance, rounding must not keep the iteration from ending.
func TestTinyTolerance(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	m := randomMDP(rng, 20, 3)
	v, q := exact.ValueIteration(m, 0.99, 1e-300)
	want := exact.PolicyValue(m, exact.Greedy(q), 0.99)
	for s := range v {
		near(t, "v", v[s], want[s], 1e-12)
	}
}
