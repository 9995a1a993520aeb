package envs

import "math/rand/v2"

// Derive is the seed of a named stream: the root of a run, what the stream is for, and which of its kind it is. A new
// use of randomness under a new label shifts nothing elsewhere. The label is hashed by FNV-1a, and each part passes
// through the finalizer of SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195), a bijection that
// spreads any change over all bits.
func Derive(root uint64, label string, index uint64) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(label) {
		h = (h ^ uint64(label[i])) * 1099511628211
	}
	return mix(mix(mix(root)^h) + index)
}

// Seed sets pcg to the start of the stream that seed names. Any seed will do, also small or consecutive ones.
func Seed(pcg *rand.PCG, seed uint64) { pcg.Seed(mix(seed), mix(seed+golden)) }

// NewPCG is a generator at the start of the stream that seed names. Its position can be saved.
func NewPCG(seed uint64) *rand.PCG {
	pcg := new(rand.PCG)
	Seed(pcg, seed)
	return pcg
}

// Stream is a source of random numbers that costs a few cycles, for draws in every step: SplitMix64, a counter that
// passes through mix.
type Stream uint64

// NewStream is the start of the stream that seed names.
func NewStream(seed uint64) Stream { return Stream(mix(seed)) }

// Uint64 is 64 random bits.
func (s *Stream) Uint64() uint64 {
	x := mix(uint64(*s))
	*s += golden
	return x
}

// Float64 is a number in [0, 1) with 53 random bits.
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) * 0x1p-53 }

const golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio, the step of SplitMix64

func mix(z uint64) uint64 {
	z += golden
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
