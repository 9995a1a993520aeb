package netsecgame

import (
	"math/bits"
	"math/rand/v2"

	"idsrl/envs"
)

// Randomness makes all random choices of a World. There are three: [NewGenerator] for training, [NewTwister], which
// repeats the draws of the original, and [Script], which answers from a recording. One World uses it at a time.
type Randomness interface {
	// Seed starts all streams anew.
	Seed(seed uint64)
	// Choose draws one of the candidates, of which there is at least one, and returns its index.
	Choose(from Candidates) int
	// Roll draws a number in [0, 1).
	Roll() float64
	// Renumber overwrites the addresses in t with new ones.
	Renumber(t *Topology)
}

// Candidates is a list that one is drawn from.
type Candidates interface {
	Len() int
	// Name returns the i-th candidate as it is called in recordings: one word for an address, owner, id and type of
	// data, name, type, version and is_local of a service.
	Name(i int) []string
}

// dice draw numbers.
type dice interface {
	seed(seed uint64)
	below(n int) int // in [0, n), where n is below 2^32
	real() float64   // in [0, 1)
}

// A generator draws with dice for each use.
type generator struct{ choices, rolls, addresses dice }

// NewGenerator returns the project's own generator, with a stream for each use. Its seed is yet to be set.
func NewGenerator() Randomness {
	return generator{newPCG("choices"), newPCG("rolls"), newPCG("addresses")}
}

func (g generator) Seed(seed uint64) {
	g.choices.seed(seed)
	g.rolls.seed(seed)
	g.addresses.seed(seed)
}

func (g generator) Choose(from Candidates) int { return g.choices.below(from.Len()) }
func (g generator) Roll() float64              { return g.rolls.real() }
func (g generator) Renumber(t *Topology)       { t.renumber(g.addresses) }

// pcg are the dice of a named stream.
type pcg struct {
	label string
	state rand.PCG
	rng   *rand.Rand
}

func newPCG(label string) *pcg {
	d := &pcg{label: label}
	d.rng = rand.New(&d.state)
	return d
}

func (d *pcg) seed(seed uint64) { envs.Seed(&d.state, envs.Derive(seed, d.label, 0)) }
func (d *pcg) below(n int) int  { return d.rng.IntN(n) }
func (d *pcg) real() float64    { return d.rng.Float64() }

// NewTwister returns a generator that draws what the original draws from the same seed, but for choices of data, whose
// candidates are in no order there. Its seed is yet to be set.
func NewTwister() Randomness {
	choices := new(twister)
	return original{generator{choices, choices, new(twister)}}
}

// original is a generator that wastes the draws that the original wastes.
type original struct{ generator }

// Renumber shuffles the addresses of each network before, to no use.
func (o original) Renumber(t *Topology) {
	for _, i := range t.byText() {
		for n := 1<<(32-t.Networks[i].Mask) - 2; n > 1; n-- {
			o.choices.below(n)
		}
	}
	t.renumber(o.addresses)
}

// A twister is the generator MT19937 with the 32-bit words and the seeding by array of Matsumoto and Nishimura (1998,
// doi:10.1145/272991.272995), and the numbers that Python makes of them.
type twister struct {
	state [624]uint32
	next  int // index in state
}

func (d *twister) seed(seed uint64) {
	key := []uint32{uint32(seed), uint32(seed >> 32)}
	if key[1] == 0 {
		key = key[:1]
	}
	s := &d.state
	s[0] = 19650218
	for i := 1; i < len(s); i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + uint32(i)
	}
	i := 1
	advance := func() {
		if i++; i == len(s) {
			s[0], i = s[len(s)-1], 1
		}
	}
	for k := range len(s) {
		j := k % len(key)
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + key[j] + uint32(j)
		advance()
	}
	for range len(s) - 1 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		advance()
	}
	s[0] = 1 << 31
	d.next = len(s)
}

func (d *twister) uint32() uint32 {
	s := &d.state
	if d.next == len(s) {
		for i := range s {
			y := s[i]&(1<<31) | s[(i+1)%len(s)]&(1<<31-1)
			s[i] = s[(i+397)%len(s)] ^ y>>1 ^ y&1*0x9908b0df
		}
		d.next = 0
	}
	y := s[d.next]
	d.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (d *twister) below(n int) int {
	for {
		if x := int(d.uint32() >> (32 - bits.Len(uint(n)))); x < n {
			return x
		}
	}
}

func (d *twister) real() float64 {
	high, low := d.uint32()>>5, d.uint32()>>6
	return (float64(high)*(1<<26) + float64(low)) / (1 << 53)
}
