package envs

// Stochastic is the optional part of a Policy that can tell with which probabilities it chooses.
type Stochastic interface {
	// Probabilities writes those of all ids in the present state of env, in place of Act. It returns false if they depend on
	// more than that, such as earlier observations.
	Probabilities(env Env, seat int, dst []float64) bool
}

// Probabilities are the same for every legal id.
func (u *uniform) Probabilities(env Env, seat int, dst []float64) bool {
	legal := make([]bool, len(dst))
	env.Legal(seat, legal)
	Evenly(dst, legal)
	return true
}

// Evenly gives all ids for which legal holds the same probability, and the others none.
func Evenly(dst []float64, legal []bool) {
	count := 0
	for _, ok := range legal {
		count += number(ok)
	}
	for id, ok := range legal {
		dst[id] = float64(number(ok)) / float64(count)
	}
}
