package algos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"idsrl/nets"
)

// Encoder appends values to a learner's saved state, little-endian.
type Encoder struct{ Data []byte }

// Int writes an integer.
func (e *Encoder) Int(x int) { e.Data = binary.LittleEndian.AppendUint64(e.Data, uint64(int64(x))) }

// Float writes a number, all of its bits.
func (e *Encoder) Float(x float64) {
	e.Data = binary.LittleEndian.AppendUint64(e.Data, math.Float64bits(x))
}

// Bytes writes a length and as many bytes.
func (e *Encoder) Bytes(x []byte) {
	e.Int(len(x))
	e.Data = append(e.Data, x...)
}

// Ints writes a length and as many integers.
func (e *Encoder) Ints(xs []int) {
	e.Int(len(xs))
	for _, x := range xs {
		e.Int(x)
	}
}

// Floats writes a length and as many numbers.
func (e *Encoder) Floats(xs []float64) {
	e.Int(len(xs))
	for _, x := range xs {
		e.Float(x)
	}
}

// Uint32s writes a length and as many numbers of 32 bits.
func (e *Encoder) Uint32s(xs []uint32) {
	e.Int(len(xs))
	for _, x := range xs {
		e.Data = binary.LittleEndian.AppendUint32(e.Data, x)
	}
}

// Float32s writes a length and as many numbers.
func (e *Encoder) Float32s(xs []float32) {
	e.Int(len(xs))
	for _, x := range xs {
		e.Data = binary.LittleEndian.AppendUint32(e.Data, math.Float32bits(x))
	}
}

// Bools writes a length and as many truth values.
func (e *Encoder) Bools(xs []bool) {
	e.Int(len(xs))
	for _, x := range xs {
		bit := byte(0)
		if x {
			bit = 1
		}
		e.Data = append(e.Data, bit)
	}
}

// PCG writes the position of a random stream.
func (e *Encoder) PCG(p *rand.PCG) {
	position, _ := p.MarshalBinary() // there is no error that it could return
	e.Bytes(position)
}

// Adam writes how far an optimizer is.
func (e *Encoder) Adam(a *nets.Adam[float32]) {
	e.Int(a.Steps)
	e.Float32s(a.M)
	e.Float32s(a.V)
}

// Decoder reads what an Encoder wrote. After the first problem every value is zero and Close returns the problem, so
// callers check once. Lengths are checked against what is left before anything is allocated.
type Decoder struct {
	data []byte
	err  error
}

// NewDecoder reads from data.
func NewDecoder(data []byte) *Decoder { return &Decoder{data: data} }

var errShort = errors.New("the state ends too early")

// Fail notes a problem that the caller found, unless there was one before.
func (d *Decoder) Fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// Close returns the first problem; data that is left over is one.
func (d *Decoder) Close() error {
	if d.err == nil && len(d.data) > 0 {
		d.err = fmt.Errorf("the state has %d bytes too many", len(d.data))
	}
	return d.err
}

func (d *Decoder) word() uint64 {
	if d.err != nil || len(d.data) < 8 {
		d.Fail("%w", errShort)
		return 0
	}
	x := binary.LittleEndian.Uint64(d.data)
	d.data = d.data[8:]
	return x
}

// Int reads an integer.
func (d *Decoder) Int() int { return int(int64(d.word())) }

// Expect reads an integer that must be want; what says what it is.
func (d *Decoder) Expect(what string, want int) {
	if got := d.Int(); d.err == nil && got != want {
		d.Fail("%s is %d, not %d", what, got, want)
	}
}

// Float reads a number.
func (d *Decoder) Float() float64 { return math.Float64frombits(d.word()) }

// length reads a length of items of the given size.
func (d *Decoder) length(size int) int {
	n := d.Int()
	if d.err == nil && (n < 0 || n > len(d.data)/size) {
		d.Fail("%w", errShort)
	}
	if d.err != nil {
		return 0
	}
	return n
}

// Bytes reads what Encoder.Bytes wrote. The slice shares memory with the data.
func (d *Decoder) Bytes() []byte {
	n := d.length(1)
	x := d.data[:n:n]
	d.data = d.data[n:]
	return x
}

// Ints reads what Encoder.Ints wrote.
func (d *Decoder) Ints() []int {
	xs := make([]int, d.length(8))
	for i := range xs {
		xs[i] = d.Int()
	}
	return xs
}

// Floats reads what Encoder.Floats wrote.
func (d *Decoder) Floats() []float64 {
	xs := make([]float64, d.length(8))
	for i := range xs {
		xs[i] = d.Float()
	}
	return xs
}

// Uint32s reads what Encoder.Uint32s wrote.
func (d *Decoder) Uint32s() []uint32 {
	xs := make([]uint32, d.length(4))
	for i := range xs {
		xs[i] = binary.LittleEndian.Uint32(d.data)
		d.data = d.data[4:]
	}
	return xs
}

// Float32s reads what Encoder.Float32s wrote.
func (d *Decoder) Float32s() []float32 {
	xs := make([]float32, d.length(4))
	for i := range xs {
		xs[i] = math.Float32frombits(binary.LittleEndian.Uint32(d.data[4*i:]))
	}
	d.data = d.data[4*len(xs):]
	return xs
}

// Bools reads what Encoder.Bools wrote.
func (d *Decoder) Bools() []bool {
	xs := make([]bool, d.length(1))
	for i := range xs {
		if d.data[i] > 1 {
			d.Fail("%d is no truth value", d.data[i])
		}
		xs[i] = d.data[i] == 1
	}
	d.data = d.data[len(xs):]
	return xs
}

// PCG restores what Encoder.PCG wrote.
func (d *Decoder) PCG(p *rand.PCG) {
	if err := p.UnmarshalBinary(d.Bytes()); err != nil {
		d.Fail("random stream: %w", err)
	}
}

// Adam restores what Encoder.Adam wrote, of an optimizer of as many parameters.
func (d *Decoder) Adam(a *nets.Adam[float32]) {
	if a.Steps = d.Int(); a.Steps < 0 {
		d.Fail("%d steps of Adam", a.Steps)
	}
	fill(d, a.M, d.Float32s())
	fill(d, a.V, d.Float32s())
}
