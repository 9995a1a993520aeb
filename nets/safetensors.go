package nets

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// A Tensor is a named part of a network's parameters.
type Tensor[T Float] struct {
	Name  string
	Shape []int // the last index runs fastest
	Data  []T
}

// The safetensors format (huggingface.co/docs/safetensors, "Format"): the length of the header as 8 bytes, a header in
// JSON, padded with spaces to a multiple of 8, then the tensors' elements. All numbers are little-endian.
type header map[string]headerEntry

type headerEntry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"` // first byte and the one after the last, from the end of the header
}

const metadataKey = "__metadata__"

// maxHeader is the format's own limit.
const maxHeader = 100_000_000

// dtype is the format's name for a type, and the bytes of an element.
func dtype[T Float]() (name string, size int) {
	if _, ok := any(T(0)).(float32); ok {
		return "F32", 4
	}
	return "F64", 8
}

// WriteTensors writes tensors and metadata, which may be nil, in the safetensors format. The names must differ.
func WriteTensors[T Float](w io.Writer, tensors []Tensor[T], metadata map[string]string) error {
	kind, size := dtype[T]()
	head, offset := map[string]any{}, 0
	if metadata != nil {
		head[metadataKey] = metadata
	}
	for _, t := range tensors {
		if _, ok := head[t.Name]; ok || t.Name == metadataKey {
			return fmt.Errorf("nets: a second tensor called %q", t.Name)
		}
		if n, ok := elements(t.Shape); !ok || n != len(t.Data) {
			return fmt.Errorf("nets: tensor %q has %d elements and shape %v", t.Name, len(t.Data), t.Shape)
		}
		end := offset + size*len(t.Data)
		head[t.Name] = headerEntry{kind, t.Shape, [2]int{offset, end}}
		offset = end
	}
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("nets: header of tensors: %w", err)
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	out = append(out, text...)
	for _, t := range tensors {
		out = appendElements(out, t.Data)
	}
	_, err = w.Write(out)
	return err
}

func appendElements[T Float](out []byte, data []T) []byte {
	for _, x := range data {
		switch x := any(x).(type) {
		case float32:
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
		case float64:
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x))
		}
	}
	return out
}

// ReadTensors reads what WriteTensors wrote, and any other file of the format whose tensors have the element type T.
// They come in the order of their data.
func ReadTensors[T Float](data []byte) (tensors []Tensor[T], metadata map[string]string, err error) {
	kind, size := dtype[T]()
	if len(data) < 8 {
		return nil, nil, errors.New("nets: tensors end before their header")
	}
	length, rest := binary.LittleEndian.Uint64(data), data[8:]
	if length > maxHeader || length > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("nets: tensors with a header of %d bytes, of which %d are there", length, len(rest))
	}
	head, metadata, err := parseHeader(rest[:length])
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, 0, len(head))
	for name := range head {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		a, b := head[x].Offsets, head[y].Offsets
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]), cmp.Compare(x, y))
	})
	rest = rest[length:]
	end := 0
	for _, name := range names {
		e := head[name]
		n, ok := elements(e.Shape)
		if e.DType != kind || !ok || n > len(rest)/size || e.Offsets != [2]int{end, end + n*size} || e.Offsets[1] > len(rest) {
			return nil, nil, fmt.Errorf("nets: tensor %q of %s %v at %v: want %s from %d on, in %d bytes",
				name, e.DType, e.Shape, e.Offsets, kind, end, len(rest))
		}
		tensors = append(tensors, Tensor[T]{name, e.Shape, parseElements[T](rest[end:e.Offsets[1]], size)})
		end = e.Offsets[1]
	}
	if end != len(rest) {
		return nil, nil, fmt.Errorf("nets: %d bytes after the last tensor", len(rest)-end)
	}
	return tensors, metadata, nil
}

func parseHeader(text []byte) (head header, metadata map[string]string, err error) {
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, nil, fmt.Errorf("nets: header of tensors: %w", err)
	}
	if m, ok := raw[metadataKey]; ok {
		if err := json.Unmarshal(m, &metadata); err != nil {
			return nil, nil, fmt.Errorf("nets: metadata of tensors: %w", err)
		}
		delete(raw, metadataKey)
	}
	head = header{}
	for name, m := range raw {
		var e headerEntry
		if err := json.Unmarshal(m, &e); err != nil {
			return nil, nil, fmt.Errorf("nets: header of tensor %q: %w", name, err)
		}
		head[name] = e
	}
	return head, metadata, nil
}

func parseElements[T Float](data []byte, size int) []T {
	out := make([]T, len(data)/size)
	for i := range out {
		if size == 4 {
			out[i] = T(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
		} else {
			out[i] = T(math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
		}
	}
	return out
}

// elements is the product of a shape, unless it is negative or too large for any memory.
func elements(shape []int) (n int, ok bool) {
	n = 1
	for _, d := range shape {
		if d < 0 || (d > 0 && n > math.MaxInt32/d) {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// CopyTensors copies src to dst by name. Both must have the same names and shapes; if they do not, it changes nothing.
func CopyTensors[T Float](dst, src []Tensor[T]) error {
	from := map[string]Tensor[T]{}
	for _, t := range src {
		from[t.Name] = t
	}
	for _, t := range dst {
		s, ok := from[t.Name]
		if !ok {
			return fmt.Errorf("nets: no tensor is called %q", t.Name)
		}
		if !slices.Equal(s.Shape, t.Shape) {
			return fmt.Errorf("nets: tensor %q has shape %v, not %v", t.Name, s.Shape, t.Shape)
		}
	}
	if len(from) != len(dst) {
		return fmt.Errorf("nets: %d tensors, not %d", len(from), len(dst))
	}
	for _, t := range dst {
		copy(t.Data, from[t.Name].Data)
	}
	return nil
}
