"""Evaluates the models of package onnxtest: JSON of its cases on standard input, of its results on standard output."""

import base64
import json
import sys

import numpy
import onnx
import onnx.checker
import onnx.helper
import onnx.numpy_helper

try:
    from onnx.reference import ReferenceEvaluator
except ImportError:
    ReferenceEvaluator = None


def reshape(x, shape):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape)])


def slice_(x, starts, ends, axes):
    index = [slice(None)] * x.ndim
    for start, end, axis in zip(starts, ends, axes):
        index[axis] = slice(start, end)
    return x[tuple(index)]


def reduced(function):
    return lambda x, axes, keepdims: function(x, axis=tuple(axes), keepdims=bool(keepdims))


def argmax(x, axis, keepdims):
    best = numpy.argmax(x, axis=axis)  # the first one
    return numpy.expand_dims(best, axis) if keepdims else best


# The operators, from docs/Operators.md of ONNX, as far as the models use them.
OPERATORS = {
    "Add": numpy.add,
    "ArgMax": argmax,
    "Cast": lambda x, to: x.astype({1: numpy.float32, 7: numpy.int64, 9: numpy.bool_}[to]),
    "Concat": lambda *xs, axis: numpy.concatenate(xs, axis=axis),
    "GatherElements": lambda x, index, axis: numpy.take_along_axis(x, index, axis=axis),
    "Gemm": lambda x, w, b: x @ w + b,
    "Mul": numpy.multiply,
    "ReduceMax": reduced(numpy.max),
    "ReduceMean": reduced(numpy.mean),
    "Relu": lambda x: numpy.maximum(x, 0),
    "Reshape": reshape,
    "Slice": slice_,
    "Sub": numpy.subtract,
    "Tanh": numpy.tanh,
    "Where": numpy.where,
}


def evaluate(model, inputs):
    """Returns the outputs of model, in their order."""
    if ReferenceEvaluator:
        return ReferenceEvaluator(model).run(None, inputs)
    values = dict(inputs)
    for tensor in model.graph.initializer:
        values[tensor.name] = onnx.numpy_helper.to_array(tensor)
    for node in model.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        (output,) = node.output
        values[output] = OPERATORS[node.op_type](*[values[name] for name in node.input], **attributes)
    return [values[output.name] for output in model.graph.output]


def result(case):
    model = onnx.load_from_string(base64.b64decode(case["model"]))
    onnx.checker.check_model(model, full_check=True)
    inputs = {
        "observation": numpy.array(case["observation"], dtype=numpy.float32),
        "legal": numpy.array(case["legal"], dtype=numpy.bool_),
    }
    outputs = {}
    for output, value in zip(model.graph.output, evaluate(model, inputs)):
        outputs[output.name] = [None if x == -numpy.inf else float(x) for x in value.ravel()]
    return {"outputs": outputs, "metadata": {p.key: p.value for p in model.metadata_props}}


def main():
    name = "onnx.reference" if ReferenceEvaluator else "numpy after onnx.checker (there is no onnx.reference)"
    results = [result(case) for case in json.load(sys.stdin)]
    json.dump({"evaluator": f"{name}, onnx {onnx.__version__}", "results": results}, sys.stdout)


main()
