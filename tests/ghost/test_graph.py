"""The ONNX bytes that are written by hand: what onnx and onnxruntime read back from them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from engine_plugin.ghost.graph import Graph
from engine_plugin.runtime.inspection import inspect_model


def twice_plus_one() -> Graph:
    graph = Graph()
    value = graph.input("x", "float32", None, 2)
    doubled = graph.add("Mul", value, graph.constant(np.float32(2)))
    graph.output(graph.add("Add", doubled, graph.constant(np.float32(1))), "y", "float32", None, 2)
    return graph


def test_a_graph_runs() -> None:
    session = onnxruntime.InferenceSession(twice_plus_one().to_bytes("g", {}))
    (answer,) = session.run(["y"], {"x": np.array([[1, -2], [0.5, 300]], np.float32)})
    assert answer.tolist() == [[3, -3], [2, 601]]


def test_onnx_reads_every_kind_of_constant_and_attribute_back() -> None:
    graph = Graph()
    arrays = [
        np.array([[1.5, -2]], np.float32),
        np.arange(300, dtype=np.uint8)[:256],
        np.array([-1, 2**31 - 1], np.int32),
        np.array([-5, 2**62], np.int64),
        np.array([True, False]),
        np.uint32(2**32 - 1),
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
    ]
    for array in arrays:
        graph.add("Identity", graph.constant(array))
    graph.add("Made", "x", integer=-3, real=0.25, text="RIGHT", several=(1, -2, 300))
    graph.output(graph.cast(graph.input("x", "uint8", None, 3), "int32"), "y", "int32", None, 3)
    model = onnx.load_model_from_string(graph.to_bytes("name", {"key": "value — ü"}))
    assert {prop.key: prop.value for prop in model.metadata_props} == {"key": "value — ü"}
    read = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    for array, found in zip(arrays, read, strict=True):
        assert found.dtype == array.dtype and np.array_equal(found, array)
    made = next(node for node in model.graph.node if node.op_type == "Made")
    attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in made.attribute}
    assert attributes == {"integer": -3, "real": 0.25, "text": b"RIGHT", "several": [1, -2, 300]}
    (shown,) = model.graph.input
    extents = shown.type.tensor_type.shape.dim
    assert (extents[0].dim_param, extents[1].dim_value) == ("batch", 3)


def test_equal_constants_are_kept_once() -> None:
    graph = Graph()
    first = graph.constant(np.arange(3, dtype=np.int64))
    assert graph.integers(0, 1, 2) == first
    assert graph.constant(np.arange(3, dtype=np.int32)) != first
    assert graph.constant(np.arange(3, dtype=np.int64)[:, None]) != first


def test_the_bytes_pass_the_look_that_every_model_gets() -> None:
    summary = inspect_model(twice_plus_one().to_bytes("g", {}))
    assert (summary.nodes, summary.parameters) == (3, 2)
    assert summary.operators == ("Add", "Identity", "Mul")
