package nets

import (
	"io"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// The versions of the format: of the file, and of the operators. Both are of ONNX 1.7, the oldest with an ArgMax that
// says which of equal elements it takes.
const (
	onnxIR    = 7
	onnxOpset = 12
)

// The fields of the messages in onnx.proto (github.com/onnx/onnx, onnx/onnx.proto) that a model has.
const (
	modelIRVersion   protowire.Number = 1
	modelProducer    protowire.Number = 2
	modelGraph       protowire.Number = 7
	modelOpsetImport protowire.Number = 8
	modelMetadata    protowire.Number = 14

	opsetVersion protowire.Number = 2

	entryKey   protowire.Number = 1
	entryValue protowire.Number = 2

	graphNode        protowire.Number = 1
	graphName        protowire.Number = 2
	graphInitializer protowire.Number = 5
	graphInput       protowire.Number = 11
	graphOutput      protowire.Number = 12

	nodeInput     protowire.Number = 1
	nodeOutput    protowire.Number = 2
	nodeName      protowire.Number = 3
	nodeOpType    protowire.Number = 4
	nodeAttribute protowire.Number = 5

	attributeName protowire.Number = 1
	attributeInt  protowire.Number = 3
	attributeInts protowire.Number = 8
	attributeType protowire.Number = 20

	tensorDims     protowire.Number = 1
	tensorDataType protowire.Number = 2
	tensorName     protowire.Number = 8
	tensorRawData  protowire.Number = 9

	valueName protowire.Number = 1
	valueType protowire.Number = 2
	valueDoc  protowire.Number = 3

	typeTensor protowire.Number = 1

	tensorTypeElem  protowire.Number = 1
	tensorTypeShape protowire.Number = 2

	shapeDim protowire.Number = 1

	dimValue protowire.Number = 1
	dimParam protowire.Number = 2
)

// AttributeProto.AttributeType.
const (
	typeInt  = 2
	typeInts = 7
)

// A message of protobuf, in the making.
type message []byte

func (m *message) int(field protowire.Number, x int) {
	*m = protowire.AppendTag(*m, field, protowire.VarintType)
	*m = protowire.AppendVarint(*m, uint64(int64(x)))
}

func (m *message) string(field protowire.Number, x string) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendString(*m, x)
}

func (m *message) bytes(field protowire.Number, x []byte) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendBytes(*m, x)
}

// WriteONNX writes the model as an ONNX file.
func (m *Model) WriteONNX(w io.Writer) error {
	var graph message
	for _, o := range m.operators {
		graph.bytes(graphNode, o.proto())
	}
	graph.string(graphName, "policy")
	for _, t := range m.weights {
		graph.bytes(graphInitializer, constant{Value(t.Name), elemFloat, t.Shape, appendElements(nil, t.Data)}.proto())
	}
	for _, c := range m.constants {
		graph.bytes(graphInitializer, c.proto())
	}
	for _, p := range m.inputs {
		graph.bytes(graphInput, p.proto())
	}
	for _, p := range m.outputs {
		graph.bytes(graphOutput, p.proto())
	}

	var opset message
	opset.int(opsetVersion, onnxOpset)

	var model message
	model.int(modelIRVersion, onnxIR)
	model.string(modelProducer, "idsrl")
	model.bytes(modelGraph, graph)
	model.bytes(modelOpsetImport, opset)
	for _, key := range slices.Sorted(maps.Keys(m.Metadata)) {
		var entry message
		entry.string(entryKey, key)
		entry.string(entryValue, m.Metadata[key])
		model.bytes(modelMetadata, entry)
	}
	_, err := w.Write(model)
	return err
}

func (o operator) proto() (node message) {
	for _, v := range o.inputs {
		node.string(nodeInput, string(v))
	}
	node.string(nodeOutput, string(o.output))
	node.string(nodeName, string(o.output))
	node.string(nodeOpType, o.kind)
	for _, a := range o.attributes {
		node.bytes(nodeAttribute, a.proto())
	}
	return node
}

func (a attribute) proto() (m message) {
	m.string(attributeName, a.name)
	switch x := a.value.(type) {
	case int:
		m.int(attributeInt, x)
		m.int(attributeType, typeInt)
	case []int:
		for _, x := range x {
			m.int(attributeInts, x)
		}
		m.int(attributeType, typeInts)
	}
	return m
}

func (c constant) proto() (tensor message) {
	for _, d := range c.shape {
		tensor.int(tensorDims, d)
	}
	tensor.int(tensorDataType, int(c.elem))
	tensor.string(tensorName, string(c.name))
	tensor.bytes(tensorRawData, c.data)
	return tensor
}

func (p port) proto() (value message) {
	var batch, width, shape, tensor, kind message
	batch.string(dimParam, "batch")
	shape.bytes(shapeDim, batch)
	if p.width > 0 {
		width.int(dimValue, p.width)
		shape.bytes(shapeDim, width)
	}
	tensor.int(tensorTypeElem, int(p.elem))
	tensor.bytes(tensorTypeShape, shape)
	kind.bytes(typeTensor, tensor)
	value.string(valueName, string(p.name))
	value.bytes(valueType, kind)
	value.string(valueDoc, p.about)
	return value
}
