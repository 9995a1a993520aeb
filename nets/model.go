package nets

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"strconv"
	"strings"
)

// A Model is a policy for other programs: operators of ONNX (github.com/onnx/onnx, docs/Operators.md) that lead from what
// an environment shows to the best action, and the weights that they use.
//
//	inputs    observation [batch x obs], legal [batch x actions]
//	outputs   what Describe adds; of every policy, action [batch]
//
// Observations are as the environment gives them: scaling is part of the model. Scores of illegal actions are −∞.
type Model struct {
	Metadata map[string]string // what a reader should know; kept in both formats

	scale           []float32 // of observations
	weights         []Tensor[float32]
	constants       []constant
	operators       []operator
	inputs, outputs []port
	obs             Value // scaled
	actions         int
}

// A Value is the name of what an operator takes or gives. There is one of a name.
type Value string

// elem is a type of elements, by its number in TensorProto.DataType.
type elem int

const (
	elemFloat elem = 1
	elemInt   elem = 7 // int64
	elemBool  elem = 9
)

// String is the type's name in NumPy.
func (e elem) String() string {
	return map[elem]string{elemFloat: "float32", elemInt: "int64", elemBool: "bool"}[e]
}

// A constant is a tensor that is no weight.
type constant struct {
	name  Value
	elem  elem
	shape []int
	data  []byte // little-endian
}

type operator struct {
	kind       string // the operator's name in ONNX
	attributes []attribute
	inputs     []Value
	output     Value
}

// An attribute is a parameter of an operator.
type attribute struct {
	name  string
	value any // int or []int
}

// A port is an input or output [batch], or [batch x width] if width is positive.
type port struct {
	name  Value
	elem  elem
	width int
	about string
}

// The inputs.
const (
	observation Value = "observation"
	legal       Value = "legal"
)

// A Describer is a network that knows by what operators it chooses an action.
type Describer interface {
	Inputs() int
	Actions() int
	Tensors() []Tensor[float32]
	Describe(m *Model)
}

// NewModel describes net, which sees observations whose entries are multiplied by scale.
func NewModel(net Describer, scale []float32) *Model {
	m := &Model{
		Metadata: map[string]string{}, scale: scale, weights: net.Tensors(), actions: net.Actions(),
		inputs: []port{
			{observation, elemFloat, net.Inputs(), "as the environment gives it"},
			{legal, elemBool, net.Actions(), "the actions that the rules allow, one at least"},
		},
	}
	m.obs = m.apply("observation.scaled", "Mul", nil, observation, m.floats("observation.scale", []int{len(scale)}, scale...))
	net.Describe(m)
	return m
}

// WriteTensors writes the weights in the safetensors format, with what else the operators of the model need.
func (m *Model) WriteTensors(w io.Writer) error {
	scale, err := json.Marshal(m.scale)
	if err != nil {
		return fmt.Errorf("nets: scale of observations: %w", err)
	}
	metadata := maps.Clone(m.Metadata)
	metadata["observation_scale"] = string(scale)
	metadata["layer"] = "x * weight + bias, where weight is [inputs, outputs]"
	return WriteTensors(w, m.weights, metadata)
}

// String lists inputs and outputs, one a line.
func (m *Model) String() string {
	var b strings.Builder
	for _, list := range []struct {
		kind  string
		ports []port
	}{{"input", m.inputs}, {"output", m.outputs}} {
		for _, p := range list.ports {
			shape := "[batch]"
			if p.width > 0 {
				shape = fmt.Sprintf("[batch, %d]", p.width)
			}
			fmt.Fprintf(&b, "%-6s  %-11s  %-7s  %-12s  %s\n", list.kind, p.name, p.elem, shape, p.about)
		}
	}
	return b.String()
}

// apply adds an operator.
func (m *Model) apply(output Value, kind string, attributes []attribute, inputs ...Value) Value {
	m.operators = append(m.operators, operator{kind, attributes, inputs, output})
	return output
}

func (m *Model) floats(name Value, shape []int, xs ...float32) Value {
	m.constants = append(m.constants, constant{name, elemFloat, shape, appendElements(nil, xs)})
	return name
}

// ints adds a vector.
func (m *Model) ints(name Value, xs ...int) Value {
	var data []byte
	for _, x := range xs {
		data = binary.LittleEndian.AppendUint64(data, uint64(int64(x)))
	}
	m.constants = append(m.constants, constant{name, elemInt, []int{len(xs)}, data})
	return name
}

// output adds an output of a value that is there.
func (m *Model) output(v Value, e elem, width int, about string) {
	m.outputs = append(m.outputs, port{v, e, width, about})
}

// column makes x [batch x 1] a vector [batch].
func (m *Model) column(name, x Value) Value {
	return m.apply(name, "Reshape", nil, x, m.ints(name+".shape", 0)) // 0: as long as it is
}

// masked replaces scores of what is not legal by −∞.
func (m *Model) masked(name, legal, scores Value) Value {
	return m.apply(name, "Where", nil, legal, scores, m.floats(name+".illegal", nil, float32(math.Inf(-1))))
}

// best is the first index with the largest score: [batch x 1].
func (m *Model) best(name, scores Value) Value {
	return m.apply(name, "ArgMax", []attribute{{"axis", 1}, {"keepdims", 1}}, scores)
}

// part is the columns from to to−1 of x.
func (m *Model) part(name, x Value, from, to int) Value {
	return m.apply(name, "Slice", nil, x, m.ints(name+".from", from), m.ints(name+".to", to), m.ints(name+".axis", 1))
}

// times is x by a number.
func (m *Model) times(name, x Value, factor int) Value {
	return m.apply(name, "Mul", nil, x, m.ints(name+".factor", factor))
}

// block is the size columns of x that begin, in each row, at column from [batch x 1].
func (m *Model) block(name, x, from Value, size int) Value {
	offsets := make([]int, size)
	for i := range offsets {
		offsets[i] = i
	}
	columns := m.apply(name+".columns", "Add", nil, from, m.ints(name+".offsets", offsets...))
	return m.apply(name, "GatherElements", []attribute{{"axis", 1}}, x, columns)
}

// Choose adds scores [batch x actions] as an output of that name, about which there is something to say, and the legal
// action with the largest one, the first of equals, as the output action.
func (m *Model) Choose(name string, scores Value, about string) {
	masked := m.masked(Value(name), legal, scores)
	m.output(masked, elemFloat, m.actions, about)
	m.output(m.column("action", m.best("action.column", masked)), elemInt, 0, "greedy: the first of the best legal actions")
}

// Dueling is Q = V + A − mean A of x [batch x (actions+1)], the advantages A and the value V.
func (m *Model) Dueling(x Value) Value {
	advantage, value := m.part("advantage", x, 0, m.actions), m.part("state_value", x, m.actions, m.actions+1)
	mean := m.apply("advantage.mean", "ReduceMean", []attribute{{"axes", []int{1}}, {"keepdims", 1}}, advantage)
	base := m.apply("base", "Sub", nil, value, mean)
	return m.apply("q.all", "Add", nil, advantage, base)
}

// describe adds the layers.
func (s *stack[T]) describe(m *Model, x Value) Value {
	m.Metadata["activation"] = string(s.act)
	operator := map[Activation]string{Tanh: "Tanh", ReLU: "Relu"}[s.act]
	for i := range s.layers {
		name := Value(fmt.Sprintf("%s.%d", s.name, i))
		x = m.apply(name, "Gemm", nil, x, name+".weight", name+".bias")
		if i < len(s.layers)-1 || s.hidden {
			x = m.apply(name+"."+Value(s.act), operator, nil, x)
		}
	}
	return x
}

// describe adds the layers. A model has no memory.
func (t *trunk[T]) describe(m *Model, x Value) Value {
	if t.memory != nil {
		panic("nets: a model of a network with an LSTM")
	}
	return t.stack.describe(m, x)
}

// describeValue adds the output of a value head.
func (s *stack[T]) describeValue(m *Model, h Value) {
	m.output(m.column("value", s.describe(m, h)), elemFloat, 0, "expected discounted return of the rewards that training saw")
}

// Layers adds the layers to a model that begins with them, and returns their output.
func (m *MLP[T]) Layers(to *Model) Value { return m.body.describe(to, to.obs) }

const aboutLogits = "unnormalized log-probabilities, -inf if illegal"

// Describe implements [Describer].
func (a *ActorCritic[T]) Describe(m *Model) {
	m.Metadata["policy"] = "flat"
	h := a.policyBody.describe(m, m.obs)
	m.Choose("logits", a.policyHead.describe(m, h), aboutLogits)
	if a.cfg.NoValue {
		return
	}
	if a.valueBody != nil {
		h = a.valueBody.describe(m, m.obs)
	}
	a.valueHead.describeValue(m, h)
}

// Describe implements [Describer].
func (a *AutoActorCritic[T]) Describe(m *Model) {
	c := &a.cfg
	m.Metadata["policy"] = "autoregressive"
	m.Metadata["nodes"], m.Metadata["types"] = strconv.Itoa(c.Nodes), strconv.Itoa(c.Types)
	h := a.trunk.describe(m, m.obs)

	// A node is legal if any of its types is.
	numbers := m.apply("legal.number", "Cast", []attribute{{"to", int(elemFloat)}}, legal)
	byNode := m.apply("legal.by_node", "Reshape", nil, numbers, m.ints("legal.shape", 0, c.Nodes, c.Types))
	largest := m.apply("legal.largest", "ReduceMax", []attribute{{"axes", []int{2}}, {"keepdims", 0}}, byNode)
	nodeLegal := m.apply("legal.node", "Cast", []attribute{{"to", int(elemBool)}}, largest)
	nodeLogits := m.masked("node_logits", nodeLegal, a.nodeHead.describe(m, h))
	node := m.best("node", nodeLogits)

	row := m.block("row", m.obs, m.times("row.first", node, c.Row), c.Row)
	joined := m.apply("joined", "Concat", []attribute{{"axis", 1}}, h, row)
	first := m.times("action.first", node, c.Types)
	typeLogits := m.masked("type_logits", m.block("legal.type", legal, first, c.Types), a.typeHead.describe(m, joined))
	action := m.apply("action.column", "Add", nil, first, m.best("type", typeLogits))

	m.output(nodeLogits, elemFloat, c.Nodes, aboutLogits)
	m.output(typeLogits, elemFloat, c.Types, aboutLogits+", at the best node")
	m.output(m.column("action", action), elemInt, 0, "greedy: the best type at the best node, as node * types + type")
	a.valHead.describeValue(m, h)
}

var (
	_ Describer = (*ActorCritic[float32])(nil)
	_ Describer = (*AutoActorCritic[float32])(nil)
)
