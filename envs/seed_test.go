package envs_test

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"idsrl/envs"
)

// Golden values come from an independent implementation. If they change, no run can be repeated.
func TestDeriveGolden(t *testing.T) {
	for _, tt := range []struct {
		root  uint64
		label string
		index uint64
		want  uint64
	}{
		{0, "", 0, 0xa6bbc8dcbe30928c},
		{1, "episode", 0, 0xa2767e060898f4fb},
		{1, "episode", 1, 0x0b53f1c8979e7ff8},
		{2, "episode", 0, 0x3c0fad95fb17f4a9},
		{1, "explore", 0, 0xd6915cde6b909d5a},
		{math.MaxUint64, "player", math.MaxUint64, 0x24cfabf31fbeddb8},
		{42, "α", 1 << 40, 0x0ccc2dcecf9526e6},
	} {
		if got := envs.Derive(tt.root, tt.label, tt.index); got != tt.want {
			t.Errorf("Derive(%d, %q, %d) = %#x, want %#x", tt.root, tt.label, tt.index, got, tt.want)
		}
	}
	for seed, want := range [][3]uint64{
		{0xb18c97843f57bb91, 0xd7046f21f79eba31, 0x50a2e241ff366667},
		{0xaf9d32bf75779748, 0xb7672df032bf0473, 0x17e851b73891d79},
	} {
		pcg := envs.NewPCG(uint64(seed))
		if got := [3]uint64{pcg.Uint64(), pcg.Uint64(), pcg.Uint64()}; got != want {
			t.Errorf("the stream of seed %d begins with %#x, want %#x", seed, got, want)
		}
	}
}

// Different roots, labels and indices give different seeds: of 125000, two are equal by chance with 4e-10.
func TestDeriveDistinct(t *testing.T) {
	seen := map[uint64]string{}
	for root := range uint64(50) {
		for l := range 50 {
			label := fmt.Sprint("label", l)
			for index := range uint64(50) {
				what := fmt.Sprint(root, label, index)
				d := envs.Derive(root, label, index)
				if before, ok := seen[d]; ok {
					t.Fatalf("%s and %s have the same seed", before, what)
				}
				seen[d] = what
			}
		}
	}
	if envs.Derive(1, "ab", 0) == envs.Derive(1, "ba", 0) {
		t.Error("the order of letters does not matter")
	}
}

// A change of one bit in the root or the index changes every bit of the result with probability 1/2. Of 51200 bits the
// share has a standard deviation of 0.0022, so 0.02 is off by chance less than once in 10^18.
func TestDeriveAvalanche(t *testing.T) {
	flipped, total := 0, 0
	for k := range uint64(200) {
		root, index := k*0x5851f42d4c957f2d, k
		d := envs.Derive(root, "episode", index)
		bit := uint64(1) << (k % 64)
		flipped += bits.OnesCount64(d ^ envs.Derive(root^bit, "episode", index))
		flipped += bits.OnesCount64(d ^ envs.Derive(root, "episode", index^bit))
		total += 128
	}
	if share := float64(flipped) / float64(total); math.Abs(share-0.5) > 0.02 {
		t.Errorf("a share of %v of the bits changes, want half", share)
	}
}

func TestPCG(t *testing.T) {
	pcg := envs.NewPCG(7)
	first := []uint64{pcg.Uint64(), pcg.Uint64(), pcg.Uint64()}
	state := must(pcg.MarshalBinary())
	next := pcg.Uint64()
	var restored rand.PCG
	if err := restored.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	if got := restored.Uint64(); got != next {
		t.Errorf("a restored stream goes on with %#x, want %#x", got, next)
	}
	envs.Seed(pcg, 7)
	for i, want := range first {
		if got := pcg.Uint64(); got != want {
			t.Errorf("draw %d after Seed = %#x, want %#x", i, got, want)
		}
	}

	// Streams of consecutive seeds have nothing to do with each other: the correlation of 10000 pairs of numbers is
	// within 5 standard deviations of 0, a false alarm once in 10^6.
	sum := 0.0
	const n = 10000
	for seed := range uint64(n) {
		a, b := rand.New(envs.NewPCG(seed)), rand.New(envs.NewPCG(seed+1))
		sum += (a.Float64() - 0.5) * (b.Float64() - 0.5) * 12
	}
	if r := sum / n; math.Abs(r) > 5/math.Sqrt(n) {
		t.Errorf("the first numbers of consecutive seeds have correlation %v", r)
	}
}
