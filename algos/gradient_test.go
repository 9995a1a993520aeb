package algos_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
)

// Updates of many rows come out the same, to the last bit, whoever computes what.
func TestGradientCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, p := range gradients {
		for _, kind := range []string{"flat", "autoregressive"} {
			r := algotest.Setup{ID: "idsgame-minimal_defense-v0", N: 16, Budget: algos.Budget{Steps: 4000}}
			p := p.With("network.hidden=[8]", "network.policy="+kind)
			if p.Name == "ppo" {
				p = p.With("horizon=60", "minibatch=480") // 7 shards and a part of one
			}
			var want string
			for _, cores := range []int{1, 2, 3} {
				runtime.GOMAXPROCS(cores)
				s := p.Open(t, r, 1).Train(1)
				if got := s.Bytes(); want != "" && got != want {
					t.Errorf("%s, %s: %d cores end with other bytes than one", p.Name, kind, cores)
				} else {
					want = got
				}
			}
		}
	}
}

// What goes wrong stops the session with an error that says what, when and where.
func TestDiverged(t *testing.T) {
	for _, p := range gradients {
		for _, c := range []struct {
			name     string
			set      []string
			reward   float64 // of every step, unless 0
			quantity string
		}{
			{"infinite rewards", []string{"scale_rewards=false"}, math.Inf(1), "return"},
			{"rewards of no number", []string{"scale_rewards=false"}, math.NaN(), "return"},
			{"enormous rewards", []string{"scale_rewards=false"}, 1e300, "loss"},
			{"enormous steps", []string{"learning_rate.start=1e30", "max_grad_norm=0"}, 0, ""},
		} {
			pay := func(out *envs.Outcome) {
				if c.reward != 0 {
					out.Rewards[0] = c.reward
				}
			}
			change := func(env envs.Env) envs.Env { return &algotest.Altered{Env: env, Outcome: pay} }
			s := p.With(c.set...).Open(t, algotest.Setup{ID: "toy-corridor-v0", N: 4, Budget: algos.Budget{Steps: 20_000}, Wrap: change}, 1)
			err := s.Run(t.Context(), 1)
			var diverged *algos.DivergedError
			if !errors.As(err, &diverged) || !strings.Contains(diverged.Quantity, c.quantity) || diverged.Update < 1 {
				t.Errorf("%s, %s: error %v", p.Name, c.name, err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), fmt.Sprintf("%s: update ", s.Vec.Spec().Seats[0].Role)) {
				t.Errorf("%s, %s: %v does not say whose", p.Name, c.name, err)
			}
		}
	}
}
