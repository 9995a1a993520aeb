package algos_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
)

// history is the steps of one environment, as GAE wants them.
type history struct {
	reward, value, next []float64
	done                []bool
}

func randomHistory(rng *rand.Rand, n int) (h history) {
	for t := range n {
		h.reward = append(h.reward, rng.NormFloat64())
		h.value = append(h.value, rng.NormFloat64())
		h.done = append(h.done, rng.IntN(4) == 0)
		next := rng.NormFloat64()
		if h.done[t] && rng.IntN(2) == 0 {
			next = 0 // terminal; else truncated
		}
		h.next = append(h.next, next)
	}
	for t := range n - 1 {
		if !h.done[t] {
			h.next[t] = h.value[t+1]
		}
	}
	return h
}

// advantage is the sum of equation 16, (γλ)^l δ_{t+l} over the steps from t to the end of the episode.
func (h history) advantage(t int, gamma, lambda float64) (sum float64) {
	for l := 0; t+l < len(h.reward); l++ {
		u := t + l
		sum += math.Pow(gamma*lambda, float64(l)) * (h.reward[u] + gamma*h.next[u] - h.value[u])
		if h.done[u] {
			break
		}
	}
	return sum
}

// discounted is the return from t on, with the value of the state where the episode or the history breaks off.
func (h history) discounted(t int, gamma float64) (sum float64) {
	for l := 0; ; l++ {
		u := t + l
		sum += math.Pow(gamma, float64(l)) * h.reward[u]
		if h.done[u] || u == len(h.reward)-1 {
			return sum + math.Pow(gamma, float64(l+1))*h.next[u]
		}
	}
}

func TestGAE(t *testing.T) {
	rng := rand.New(envs.NewPCG(1))
	for range 500 {
		n := rng.IntN(20)
		h := randomHistory(rng, n)
		gamma, lambda := rng.Float64(), []float64{0, 1, rng.Float64()}[rng.IntN(3)]
		if rng.IntN(4) == 0 {
			gamma = 1
		}
		adv, target := make([]float64, n), make([]float64, n)
		algos.GAE(adv, target, h.reward, h.value, h.next, h.done, gamma, lambda)
		for i := range n {
			near(t, fmt.Sprintf("γ %v, λ %v: advantage of step %d of %+v", gamma, lambda, i, h), adv[i], h.advantage(i, gamma, lambda), 1e-12)
			near(t, "target", target[i], adv[i]+h.value[i], 0)
			switch lambda {
			case 0: // the error of one step
				near(t, "λ 0: target", target[i], h.reward[i]+gamma*h.next[i], 1e-12)
			case 1: // the return
				near(t, "λ 1: target", target[i], h.discounted(i, gamma), 1e-12)
			}
		}
	}
}

// Five steps by hand with γ = 1/2 and λ = 1/2; the second ends an episode, the fourth is truncated where the state is
// worth 4, and the fifth goes on to one that is worth 2.
//
//	δ = 1+½·2−1, 6−2, 0+½·4−0, 3+½·4−4, 1+½·2−6 = 1, 4, 2, 1, −4
//	A_5 = −4; A_4 = 1; A_3 = 2+¼·1; A_2 = 4; A_1 = 1+¼·4
func TestGAEByHand(t *testing.T) {
	h := history{
		reward: []float64{1, 6, 0, 3, 1},
		value:  []float64{1, 2, 0, 4, 6},
		next:   []float64{2, 0, 4, 4, 2},
		done:   []bool{false, true, false, true, false},
	}
	adv, target := make([]float64, 5), make([]float64, 5)
	algos.GAE(adv, target, h.reward, h.value, h.next, h.done, 0.5, 0.5)
	for i, want := range []float64{2, 4, 2.25, 1, -4} {
		near(t, fmt.Sprintf("advantage %d", i+1), adv[i], want, 0)
		near(t, fmt.Sprintf("target %d", i+1), target[i], want+h.value[i], 0)
	}
}

func TestGAEPanics(t *testing.T) {
	for k := range 6 {
		xs := make([][]float64, 5)
		for i := range xs {
			xs[i] = make([]float64, 3)
		}
		done := make([]bool, 3)
		if k < 5 {
			xs[k] = xs[k][:2]
		} else {
			done = done[:2]
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("argument %d is shorter, and nobody minds", k)
				}
			}()
			algos.GAE(xs[0], xs[1], xs[2], xs[3], xs[4], done, 1, 1)
		}()
	}
}

func near(tb testing.TB, what string, got, want, tol float64) {
	tb.Helper()
	if !(math.Abs(got-want) <= tol) {
		tb.Errorf("%s = %v, want %v", what, got, want)
	}
}
