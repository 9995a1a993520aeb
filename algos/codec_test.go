package algos_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/nets"
)

// script is a sequence of values of the kinds that a codec knows.
type script []any

func randomScript(rng *rand.Rand) (s script) {
	for range rng.IntN(12) {
		n := rng.IntN(4)
		switch rng.IntN(8) {
		case 0:
			s = append(s, int(int64(rng.Uint64()>>rng.IntN(64))))
		case 1:
			s = append(s, []float64{rng.NormFloat64(), 0, math.Copysign(0, -1), math.Inf(1), math.SmallestNonzeroFloat64}[rng.IntN(5)])
		case 2:
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			s = append(s, b)
		case 3:
			xs := make([]int, n)
			for i := range xs {
				xs[i] = rng.IntN(100) - 50
			}
			s = append(s, xs)
		case 4:
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = rng.NormFloat64()
			}
			s = append(s, xs)
		case 5:
			xs := make([]uint32, n)
			for i := range xs {
				xs[i] = rng.Uint32()
			}
			s = append(s, xs)
		case 6:
			xs := make([]float32, n)
			for i := range xs {
				xs[i] = []float32{float32(rng.NormFloat64()), 0, float32(math.Inf(-1)), math.SmallestNonzeroFloat32}[rng.IntN(4)]
			}
			s = append(s, xs)
		default:
			xs := make([]bool, n)
			for i := range xs {
				xs[i] = rng.IntN(2) == 1
			}
			s = append(s, xs)
		}
	}
	return s
}

func (s script) encode() []byte {
	var e algos.Encoder
	for _, x := range s {
		switch x := x.(type) {
		case int:
			e.Int(x)
		case float64:
			e.Float(x)
		case []byte:
			e.Bytes(x)
		case []int:
			e.Ints(x)
		case []float64:
			e.Floats(x)
		case []uint32:
			e.Uint32s(x)
		case []float32:
			e.Float32s(x)
		case []bool:
			e.Bools(x)
		}
	}
	return e.Data
}

// decode reads values of the kinds of s.
func (s script) decode(data []byte) (got script, err error) {
	d := algos.NewDecoder(data)
	for _, x := range s {
		switch x.(type) {
		case int:
			got = append(got, d.Int())
		case float64:
			got = append(got, d.Float())
		case []byte:
			got = append(got, d.Bytes())
		case []int:
			got = append(got, d.Ints())
		case []float64:
			got = append(got, d.Floats())
		case []uint32:
			got = append(got, d.Uint32s())
		case []float32:
			got = append(got, d.Float32s())
		case []bool:
			got = append(got, d.Bools())
		}
	}
	return got, d.Close()
}

func TestCodec(t *testing.T) {
	rng := rand.New(envs.NewPCG(1))
	for range 300 {
		s := randomScript(rng)
		data := s.encode()
		got, err := s.decode(data)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("%v becomes %v, %v", s, got, err)
		}
		if !bytes.Equal(got.encode(), data) {
			t.Fatalf("%v becomes other bytes", s)
		}
		for n := range data {
			if got, err := s.decode(data[:n]); err == nil {
				t.Fatalf("%d bytes of %d of %v give %v", n, len(data), s, got)
			}
		}
		if _, err := s.decode(append(slices.Clone(data), 0)); err == nil {
			t.Fatalf("%v with a byte too many is no error", s)
		}
	}
	nan := math.Float64frombits(0x7ff8000000abcdef)
	if got, err := (script{nan}).decode(script{nan}.encode()); err != nil || math.Float64bits(got[0].(float64)) != 0x7ff8000000abcdef {
		t.Errorf("a NaN becomes %x, %v", math.Float64bits(got[0].(float64)), err)
	}
}

// A length is checked before memory is asked for.
func TestCodecLengths(t *testing.T) {
	for _, n := range []int{-1, math.MinInt, 2, 1 << 40, math.MaxInt} {
		data := append(binary.LittleEndian.AppendUint64(nil, uint64(n)), make([]byte, 7)...)
		for _, s := range []script{{[]int{}}, {[]float64{}}, {[]uint32{}}, {[]float32{}}} {
			if got, err := s.decode(data); err == nil {
				t.Errorf("length %d gives %v", n, got)
			}
		}
		for _, s := range []script{{[]byte{}}, {[]bool{}}} {
			if got, err := s.decode(data); err == nil && n != 2 {
				t.Errorf("length %d gives %v", n, got)
			}
		}
	}
}

// Numbers keep all of their bits; a truth value is 0 or 1 and nothing else, so that equal states are equal bytes.
func TestCodecBits(t *testing.T) {
	nan := math.Float32frombits(0x7fc0abcd)
	if got, err := (script{[]float32{nan}}).decode(script{[]float32{nan}}.encode()); err != nil ||
		math.Float32bits(got[0].([]float32)[0]) != 0x7fc0abcd {
		t.Errorf("a NaN becomes %v, %v", got, err)
	}
	data := script{[]bool{false, true}}.encode()
	data[len(data)-1] = 2
	if got, err := (script{[]bool{}}).decode(data); err == nil || err.Error() != "2 is no truth value" {
		t.Errorf("%x gives %v, %v", data, got, err)
	}
}

func TestDecoderKeepsFirstProblem(t *testing.T) {
	d := algos.NewDecoder(script{1, 2}.encode())
	d.Expect("number", 1)
	d.Expect("shoe size", 3)
	d.Fail("something later")
	if x := d.Int(); x != 0 {
		t.Errorf("%d after a problem, want 0", x)
	}
	if err := d.Close(); err == nil || err.Error() != "shoe size is 2, not 3" {
		t.Errorf("error %v", err)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5}, script{1, 2.0, []byte("abc"), []int{1}, []float64{2}, []uint32{3}}.encode())
	f.Add([]byte{6, 7}, script{[]float32{-1, 2}, []bool{true, false}}.encode())
	f.Add([]byte{3, 3}, script{[]int{-1}, []int{}}.encode())
	kinds := script{0, 0.0, []byte(nil), []int(nil), []float64(nil), []uint32(nil), []float32(nil), []bool(nil)}
	f.Fuzz(func(t *testing.T, order, data []byte) {
		var s script
		for _, k := range order {
			s = append(s, kinds[int(k)%len(kinds)])
		}
		if got, err := s.decode(data); err == nil && !bytes.Equal(got.encode(), data) {
			t.Errorf("%x becomes %v, which is %x", data, got, got.encode())
		}
	})
}

// An optimizer is restored as it was, into one of as many parameters.
func TestCodecAdam(t *testing.T) {
	a := nets.NewAdam[float32](3)
	a.Step([]float32{1, 2, 3}, []float32{0.1, -0.2, 0.3}, 0.01, 0)
	encode := func() []byte {
		var e algos.Encoder
		e.Adam(a)
		return e.Data
	}
	decode := func(parameters int) (*nets.Adam[float32], error) {
		d, restored := algos.NewDecoder(encode()), nets.NewAdam[float32](parameters)
		d.Adam(restored)
		return restored, d.Close()
	}
	if got, err := decode(3); err != nil || got.Steps != 1 || !slices.Equal(got.M, a.M) || !slices.Equal(got.V, a.V) {
		t.Errorf("%+v is restored as %+v, %v", a, got, err)
	}
	if _, err := decode(2); err == nil {
		t.Error("of another number of parameters: no error")
	}
	a.Steps = -1
	if _, err := decode(3); err == nil {
		t.Error("-1 steps: no error")
	}
}
