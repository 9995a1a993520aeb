package play_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame/play"
)

// BenchmarkStep is a step of random legal play, resets included: the world alone, with the observation and the mask of
// every seat after every step, or with the key for tables and the mask.
func BenchmarkStep(b *testing.B) {
	for _, id := range []string{
		"netsecgame-two_networks_small-attacker-v0", "netsecgame-two_networks_small-v0",
		"netsecgame-two_networks-attacker-v0", "netsecgame-two_networks-v0",
	} {
		for _, look := range []string{"nothing", "observation", "key"} {
			b.Run(id+"/"+look, func(b *testing.B) { benchmark(b, id, look) })
		}
	}
}

func benchmark(b *testing.B, id, look string) {
	entries := play.Entries()
	env, err := entries[slices.IndexFunc(entries, func(e envs.Entry) bool { return e.ID == id })].New(0)
	if err != nil {
		b.Fatal(err)
	}
	seats := env.Spec().Seats
	obs, legal := make([][]float32, len(seats)), make([][]bool, len(seats))
	for i, seat := range seats {
		obs[i], legal[i] = make([]float32, seat.Obs.Len()), make([]bool, seat.Actions.N)
	}
	var key []byte
	const episodes = 64
	moves := record(b, env, episodes)
	out := env.Spec().NewOutcome()
	b.ReportAllocs()
	episode, step := episodes-1, len(moves[episodes-1])
	actions := 0
	for b.Loop() {
		if step == len(moves[episode]) {
			episode, step = (episode+1)%episodes, 0
			if err := env.Reset(uint64(episode)); err != nil {
				b.Fatal(err)
			}
		}
		if err := env.Step(moves[episode][step], out); err != nil {
			b.Fatal(err)
		}
		step++
		actions += len(seats)
		if look == "nothing" {
			continue
		}
		for i := range seats {
			env.Legal(i, legal[i])
			if look == "key" {
				key = env.AppendKey(key[:0], i)
			} else {
				env.Observe(i, obs[i])
			}
		}
	}
	b.ReportMetric(float64(actions)/b.Elapsed().Seconds(), "actions/s")
}

// record returns the actions of the episodes with the first seeds.
func record(b *testing.B, env envs.Env, episodes int) (moves [][][]int) {
	random, rng, out := envs.Uniform(), rand.New(rand.NewPCG(1, 2)), env.Spec().NewOutcome()
	for seed := range uint64(episodes) {
		if err := env.Reset(seed); err != nil {
			b.Fatal(err)
		}
		var steps [][]int
		for over := false; !over; over = out.Over() {
			var actions []int
			for i := range env.Spec().Seats {
				actions = append(actions, random.Act(env, i, rng))
			}
			steps = append(steps, actions)
			if err := env.Step(actions, out); err != nil {
				b.Fatal(err)
			}
		}
		moves = append(moves, steps)
	}
	return moves
}
