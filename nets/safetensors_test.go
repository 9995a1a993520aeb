package nets

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"testing"
)

func encodeTensors[T Float](t testing.TB, tensors []Tensor[T], metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTensors(&b, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTensorsRoundTrip(t *testing.T) {
	for name, net := range newPolicies[float32](Tanh, 41) {
		net.Params()[0], net.Params()[1] = float32(math.Inf(-1)), float32(math.Copysign(0, -1))
		data := encodeTensors(t, net.Tensors(), map[string]string{"env": "toy"})
		back, metadata, err := ReadTensors[float32](data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if metadata["env"] != "toy" {
			t.Errorf("%s: metadata %v", name, metadata)
		}
		other := newPolicies[float32](Tanh, 42)[name]
		if err := CopyTensors(other.Tensors(), back); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(other.Params(), net.Params()) {
			t.Errorf("%s: parameters changed", name)
		}
		if again := encodeTensors(t, back, metadata); !bytes.Equal(again, data) {
			t.Errorf("%s: written again, the bytes differ", name)
		}
		if _, _, err := ReadTensors[float64](data); err == nil {
			t.Errorf("%s: float32 read as float64", name)
		}
	}
}

// The bytes of a small file, written out from the description of the format.
func TestTensorsLayout(t *testing.T) {
	got := encodeTensors(t, []Tensor[float32]{{"w", []int{1, 2}, []float32{1, -2}}}, nil)
	head := `{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}`
	want := binary.LittleEndian.AppendUint64(nil, 56)
	want = append(want, head...)
	want = append(want, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0)
	if len(head) != 56 || !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTensorErrors(t *testing.T) {
	file := func(head string, body int) []byte {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
		return append(append(b, head...), make([]byte, body)...)
	}
	for name, data := range map[string][]byte{
		"empty":          nil,
		"short header":   file("", 0)[:5],
		"long header":    binary.LittleEndian.AppendUint64(nil, 1<<40),
		"negative":       binary.LittleEndian.AppendUint64(nil, 1<<63),
		"not JSON":       file(`{`, 0),
		"other type":     file(`{"w":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}`, 2),
		"gap":            file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8),
		"overlap":        file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
		"past the end":   file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4),
		"left over":      file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 8),
		"negative shape": file(`{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,-4]}}`, 0),
		"huge shape":     file(`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0),
		"wrong shape":    file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4),
		"bad metadata":   file(`{"__metadata__":3}`, 0),
	} {
		if _, _, err := ReadTensors[float32](data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	x := Tensor[float32]{"w", []int{2}, []float32{1, 2}}
	for name, ts := range map[string][]Tensor[float32]{
		"same name":     {x, x},
		"wrong shape":   {{"w", []int{3}, x.Data}},
		"reserved name": {{metadataKey, []int{2}, x.Data}},
	} {
		if err := WriteTensors(&bytes.Buffer{}, ts, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, src := range map[string][]Tensor[float32]{
		"missing": nil,
		"shape":   {{"w", []int{1, 2}, x.Data}},
		"more":    {x, {"v", []int{1}, x.Data[:1]}},
	} {
		if err := CopyTensors([]Tensor[float32]{x}, src); err == nil {
			t.Errorf("copy, %s: no error", name)
		}
	}
}

// Whatever is read without an error is the same after writing and reading it again.
func FuzzReadTensors(f *testing.F) {
	f.Add(encodeTensors(f, []Tensor[float32]{{"w", []int{1, 2}, []float32{1, 2}}, {"b", []int{0}, nil}}, nil))
	f.Add(encodeTensors(f, []Tensor[float32]{{"", []int{}, []float32{3}}}, map[string]string{"a": "b"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, metadata, err := ReadTensors[float32](data)
		if err != nil {
			return
		}
		written := encodeTensors(t, tensors, metadata)
		again, metadata2, err := ReadTensors[float32](written)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encodeTensors(t, again, metadata2), written) || !reflect.DeepEqual(metadata, metadata2) {
			t.Errorf("%v became %v", tensors, again)
		}
	})
}
