package envs

import "math/rand/v2"

// Policy plays one seat: a bot, a trained agent, a person. All its randomness comes from rng. A Policy may hold
// scratch memory, so one goroutine uses it at a time.
//
// A Policy that also has a method StartEpisode(rng *rand.Rand) hears of each new episode before its first action;
// that is all that an opponent pool needs, or a Policy that remembers the episode. Such a one plays one seat of one
// game, and is asked for an action in every step.
type Policy interface {
	Act(env Env, seat int, rng *rand.Rand) int
}

// Starter is the optional part of a Policy that hears of each new episode.
type Starter interface {
	StartEpisode(rng *rand.Rand)
}

// Bot is a scripted player that a game offers for one of its seats.
type Bot struct {
	Name  string
	About string
	New   func() Policy
}

// Uniform returns a Policy that plays every legal action with the same probability.
func Uniform() Policy { return new(uniform) }

type uniform struct{ legal []bool }

func (u *uniform) Act(env Env, seat int, rng *rand.Rand) int {
	n := env.Spec().Seats[seat].Actions.N
	if len(u.legal) != n {
		u.legal = make([]bool, n)
	}
	env.Legal(seat, u.legal)
	return RandomLegal(u.legal, rng)
}

// RandomLegal draws one of the ids for which legal holds, each with the same probability. One at least must be legal.
func RandomLegal(legal []bool, rng *rand.Rand) int {
	count := 0
	for _, ok := range legal {
		count += number(ok)
	}
	k := rng.IntN(count)
	for id, ok := range legal {
		if k -= number(ok); k < 0 {
			return id
		}
	}
	panic("unreachable")
}

// Pick is the index that u falls on, where index i is as wide as weights[i] and one of width 0 is never chosen; above all
// of them, as rounding may leave u, it is the last. With u uniform below the sum of the weights, it draws by weight.
func Pick(weights []float64, u float64) int {
	last := -1
	for i, w := range weights {
		if w == 0 {
			continue
		}
		if last = i; u < w {
			break
		}
		u -= w
	}
	return last
}

// number is 1 if b is true, else 0. It compiles to no branch, which would be mispredicted often in a long list.
func number(b bool) (n int) {
	if b {
		n = 1
	}
	return n
}
