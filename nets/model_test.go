package nets

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"idsrl/nets/onnxtest"
)

// describers are policies of every kind, with weights that matter.
func describers() map[string]Policy[float32] {
	all := map[string]Policy[float32]{}
	for _, act := range Activations {
		maps.Copy(all, newPolicies[float32](act, 51))
	}
	all["autoregressive, with more than rows"] = must(NewAutoActorCritic[float32](AutoActorCriticConfig{
		Obs: 14, Nodes: 4, Types: 3, Row: 2, Hidden: []int{7}, Activation: Tanh,
	}, newRand(52)))
	for _, p := range all {
		rng := newRand(54)
		for i := range p.Params() {
			p.Params()[i] = float32(0.4 * rng.NormFloat64())
		}
	}
	// All logits are equal.
	all["zero"] = must(NewActorCritic[float32](ActorCriticConfig{Obs: 3, Actions: 5, Hidden: []int{2}, Activation: Tanh}, nil))
	return all
}

// scaleFor is a scale of observations that differs from entry to entry.
func scaleFor(p Policy[float32]) []float32 {
	scale := make([]float32, p.Inputs())
	for i := range scale {
		scale[i] = 1 / float32(1+i%9)
	}
	return scale
}

func modelOf(p Policy[float32]) *Model { return NewModel(p.(Describer), scaleFor(p)) }

func encodeModel(t *testing.T, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteONNX(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// table is x row by row.
func table[T any](x []T, width int) (rows [][]T) {
	for row := range slices.Chunk(x, width) {
		rows = append(rows, row)
	}
	return rows
}

// mask is scores as float64, −∞ where illegal.
func mask(scores []float32, legal []bool) []float64 {
	masked := make([]float64, len(scores))
	for i, x := range scores {
		masked[i] = math.Inf(-1)
		if legal[i] {
			masked[i] = float64(x)
		}
	}
	return masked
}

// sameOutput compares an output with what the network says.
func sameOutput(t *testing.T, name string, outputs map[string]onnxtest.Matrix, output string, want []float64) {
	t.Helper()
	got, ok := outputs[output]
	if !ok || len(got) != len(want) {
		t.Errorf("%s: %d elements of %s, want %d", name, len(got), output, len(want))
		return
	}
	for i, w := range want {
		if got[i] != w && (math.IsInf(w, 0) || !(math.Abs(got[i]-w) <= 1e-5*max(1, math.Abs(w)))) {
			t.Errorf("%s: %s[%d] is %v, want %v", name, output, i, got[i], w)
			return
		}
	}
}

// Another implementation computes from a model what the network computes.
func TestModelOutputs(t *testing.T) {
	const n = 64
	all := describers()
	names := slices.Sorted(maps.Keys(all))
	cases := make([]onnxtest.Case, len(names))
	raw, masks := make([][]float32, len(names)), make([][]bool, len(names))
	for k, name := range names {
		p, rng := all[name], newRand(uint64(k))
		raw[k] = normal[float32](rng, n*p.Inputs())
		for i := range raw[k] {
			raw[k][i] *= 5
		}
		masks[k], _ = randomLegal(rng, n, p.Actions())
		cases[k] = onnxtest.Case{Model: encodeModel(t, modelOf(p)), Obs: table(raw[k], p.Inputs()), Legal: table(masks[k], p.Actions())}
	}
	for k, result := range onnxtest.Run(t, cases...) {
		p, name, outputs := all[names[k]], names[k], result.Outputs
		obs, scale := slices.Clone(raw[k]), scaleFor(p)
		for i := range obs {
			obs[i] *= scale[i%len(scale)]
		}
		actions := make([]int, n)
		out := p.Greedy(actions, obs, masks[k])
		chosen := make([]float64, n)
		for i, a := range actions {
			chosen[i] = float64(a)
		}
		sameOutput(t, name, outputs, "action", chosen)
		count := 3
		switch p := p.(type) {
		case *AutoActorCritic[float32]:
			types, legalTypes := p.typeHead.outputs[1], []bool(nil)
			for i, node := range p.nodeAction {
				legalTypes = append(legalTypes, masks[k][i*p.Actions()+node*p.cfg.Types:][:p.cfg.Types]...)
			}
			sameOutput(t, name, outputs, "node_logits", mask(p.nodeHead.outputs[0], p.nodeLegal))
			sameOutput(t, name, outputs, "type_logits", mask(types, legalTypes))
			sameOutput(t, name, outputs, "value", out.Value)
			count++
		case interface {
			Forward(obs []float32, n int) (logits, values []float32)
		}:
			logits, _ := p.Forward(obs, n)
			sameOutput(t, name, outputs, "logits", mask(logits, masks[k]))
			if _, ok := outputs["value"]; ok {
				sameOutput(t, name, outputs, "value", out.Value)
			} else {
				count--
			}
		}
		if len(outputs) != count {
			t.Errorf("%s: outputs %v, want %d", name, slices.Sorted(maps.Keys(outputs)), count)
		}
		if want := modelOf(p).Metadata; !maps.Equal(result.Metadata, want) {
			t.Errorf("%s: metadata %v, want %v", name, result.Metadata, want)
		}
	}
}

// A proto is a message of protobuf: the values of each field, numbers or bytes.
type proto map[protowire.Number][]any

func parseProto(t *testing.T, data []byte) proto {
	t.Helper()
	p := proto{}
	for len(data) > 0 {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		data = data[n:]
		switch kind {
		case protowire.VarintType:
			x, size := protowire.ConsumeVarint(data)
			p[field], n = append(p[field], int64(x)), size
		case protowire.BytesType:
			x, size := protowire.ConsumeBytes(data)
			p[field], n = append(p[field], x), size
		default:
			t.Fatalf("field %d is of wire type %d", field, kind)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		data = data[n:]
	}
	return p
}

// messages are the values of a field that holds messages.
func (p proto) messages(t *testing.T, field protowire.Number) (all []proto) {
	t.Helper()
	for _, x := range p[field] {
		all = append(all, parseProto(t, x.([]byte)))
	}
	return all
}

// texts are the values of a field that holds strings.
func (p proto) texts(field protowire.Number) (all []string) {
	for _, x := range p[field] {
		all = append(all, string(x.([]byte)))
	}
	return all
}

// A file parses back: it has the weights, bit by bit, and operators that each use what is there before them. The numbers
// of fields are those of onnx.proto.
func TestONNXFile(t *testing.T) {
	for name, p := range describers() {
		m := modelOf(p)
		m.Metadata["env"] = "toy"
		data := encodeModel(t, m)
		if !bytes.Equal(data, encodeModel(t, m)) {
			t.Errorf("%s: the same model, other bytes", name)
		}
		model := parseProto(t, data)
		if ir, opset := model[1][0], model.messages(t, 8)[0][2][0]; ir != int64(7) || opset != int64(12) {
			t.Errorf("%s: IR version %v, operators %v", name, ir, opset)
		}
		metadata := map[string]string{}
		for _, entry := range model.messages(t, 14) {
			metadata[entry.texts(1)[0]] = entry.texts(2)[0]
		}
		if !maps.Equal(metadata, m.Metadata) {
			t.Errorf("%s: metadata %v, want %v", name, metadata, m.Metadata)
		}

		graph := model.messages(t, 7)[0]
		known, used := map[string]bool{}, map[string]bool{}
		know := func(v string) {
			if known[v] {
				t.Errorf("%s: a second %q", name, v)
			}
			known[v] = true
		}
		for _, input := range graph.messages(t, 11) {
			know(input.texts(1)[0])
		}
		initializers := map[string]proto{}
		for _, tensor := range graph.messages(t, 5) {
			v := tensor.texts(8)[0]
			know(v)
			initializers[v] = tensor
		}
		for _, node := range graph.messages(t, 1) {
			for _, v := range node.texts(1) {
				if used[v] = true; !known[v] {
					t.Errorf("%s: %s uses %q before it is there", name, node.texts(4)[0], v)
				}
			}
			know(node.texts(2)[0])
		}
		for _, output := range graph.messages(t, 12) {
			used[output.texts(1)[0]] = true
			if !known[output.texts(1)[0]] {
				t.Errorf("%s: nothing computes the output %q", name, output.texts(1)[0])
			}
		}
		for v := range known {
			if !used[v] {
				t.Errorf("%s: nothing uses %q", name, v)
			}
		}
		for _, w := range p.Tensors() {
			var dims []int
			for _, d := range initializers[w.Name][1] {
				dims = append(dims, int(d.(int64)))
			}
			var raw []byte
			for _, x := range w.Data {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
			}
			tensor := initializers[w.Name]
			if !slices.Equal(dims, w.Shape) || tensor[2][0] != int64(1) || !bytes.Equal(tensor[9][0].([]byte), raw) {
				t.Errorf("%s: %s is not the network's", name, w.Name)
			}
		}
	}
}

// The weights of a model are the network's, with what there is to know about them.
func TestModelTensors(t *testing.T) {
	for name, p := range describers() {
		m := modelOf(p)
		var b bytes.Buffer
		if err := m.WriteTensors(&b); err != nil {
			t.Fatal(err)
		}
		tensors, metadata, err := ReadTensors[float32](b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		other := p.ClonePolicy()
		clear(other.Params())
		if err := CopyTensors(other.Tensors(), tensors); err != nil || !slices.Equal(other.Params(), p.Params()) {
			t.Errorf("%s: other weights, or error %v", name, err)
		}
		var scale []float32
		if err := json.Unmarshal([]byte(metadata["observation_scale"]), &scale); err != nil || !slices.Equal(scale, scaleFor(p)) {
			t.Errorf("%s: scale %v, error %v, want %v", name, scale, err, scaleFor(p))
		}
		for key, want := range m.Metadata {
			if metadata[key] != want || metadata["activation"] == "" {
				t.Errorf("%s: %s is %q, want %q", name, key, metadata[key], want)
			}
		}
	}
}
