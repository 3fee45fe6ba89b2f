"""Judge an ONNX file by its bytes alone, before onnxruntime sees it.

onnxruntime follows paths to external data, runs loops and nested functions, and takes NaN
weights without a word. A model of ours needs none of these, so only a plain graph of known
operators with finite weights passes; `onnx.checker` promises nothing of the kind.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from engine_plugin.errors import ModelBrokenError
from engine_plugin.protobuf import decode_text, read_fields, read_varint

MAX_NODES = 1024
MAX_DIMENSIONS = 16

# Pure and loop-free operators that exporters of dense, convolutional and recurrent networks use.
OPERATORS = frozenset(
    """
    Abs Add And ArgMax ArgMin AveragePool BatchNormalization BitShift BitwiseAnd BitwiseOr Cast
    Ceil Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos CumSum DepthToSpace Div
    Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements
    GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual
    GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN
    LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul
    Max MaxPool Mean Min Mish Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow RNN Range
    Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence Round
    ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Size Slice Softmax Softplus Softsign
    SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Tile TopK Transpose
    Trilu Unsqueeze Upsample Where Xor
    """.split()  # noqa: SIM905 (a hundred names read better without quotes)
)


@dataclass(frozen=True)
class ModelSummary:
    """nodes: operators in the graph; parameters: numbers in its weights; operators: their names."""

    nodes: int
    parameters: int
    operators: tuple[str, ...]


@dataclass(frozen=True)
class _TensorType:
    """numpy: how `raw_data` reads; field: the number of the typed data field (0: raw only)."""

    numpy: str
    field: int


# TensorProto.DataType → how it is stored.
_TENSOR_TYPES = {
    1: _TensorType("<f4", 4),
    2: _TensorType("u1", 5),
    3: _TensorType("i1", 5),
    4: _TensorType("<u2", 5),
    5: _TensorType("<i2", 5),
    6: _TensorType("<i4", 5),
    7: _TensorType("<i8", 7),
    9: _TensorType("?", 5),
    10: _TensorType("<f2", 0),
    11: _TensorType("<f8", 10),
    12: _TensorType("<u4", 11),
    13: _TensorType("<u8", 11),
}

# TensorProto fields that hold typed elements: how wide one is, None for a varint.
_TYPED_FIELDS: dict[int, str | None] = {4: "<f4", 5: None, 7: None, 10: "<f8", 11: None}


def inspect_model(data: bytes) -> ModelSummary:
    """Check the bytes of a model and count what is in it. Raises ModelBrokenError."""
    graphs = []
    for number, value in read_fields(memoryview(data)):
        if number == 7:
            graphs.append(_message(value))
        elif number in (20, 25):
            raise _refused("functions and training graphs")
    if len(graphs) != 1:
        raise ModelBrokenError(
            f"expected an ONNX model with one graph, got {len(graphs)}; the file is no model"
        )
    operators: set[str] = set()
    nodes = parameters = 0
    for number, value in read_fields(graphs[0]):
        if number == 1:
            nodes += 1
            if nodes > MAX_NODES:
                raise _refused(f"more than {MAX_NODES} nodes")
            operator, constants = _check_node(_message(value))
            operators.add(operator)
            parameters += constants
        elif number == 5:
            parameters += _check_tensor(_message(value))
        elif number == 15:
            raise _refused("sparse weights")
    return ModelSummary(nodes, parameters, tuple(sorted(operators)))


def _check_node(node: memoryview) -> tuple[str, int]:
    """(operator, elements of its constant attributes)."""
    operator, elements = "", 0
    for number, value in read_fields(node):
        if number == 4:
            operator = decode_text(_message(value))
        elif number == 7 and decode_text(_message(value)) not in ("", "ai.onnx"):
            raise _refused("operators of other domains")
        elif number == 5:
            elements += _check_attribute(_message(value))
    if operator not in OPERATORS:
        raise _refused(f"the operator {operator[:40]!r}")
    return operator, elements


def _check_attribute(attribute: memoryview) -> int:
    elements = 0
    for number, value in read_fields(attribute):
        if number in (6, 11, 22, 23):
            raise _refused("subgraphs and sparse constants")
        if number in (5, 10):
            elements += _check_tensor(_message(value))
        elif number in (2, 7):
            _check_finite(np.frombuffer(_whole(_message(value), 4), "<f4"))
    return elements


def _check_tensor(tensor: memoryview) -> int:
    """Elements of a tensor whose stated shape, bytes and values agree."""
    shape: list[int] = []
    data_type = 0
    raw: memoryview | None = None
    typed: list[tuple[int, int | memoryview]] = []
    for number, value in read_fields(tensor):
        if number == 1:
            shape.extend(islice(_extents(value), MAX_DIMENSIONS + 1))
            if len(shape) > MAX_DIMENSIONS:
                raise _refused(f"weights of more than {MAX_DIMENSIONS} dimensions")
        elif number == 2 and isinstance(value, int):
            data_type = value
        elif number == 9:
            raw = _message(value)
        elif number in _TYPED_FIELDS:
            typed.append((number, value))
        elif number == 13 or (number == 14 and value != 0):
            raise _refused("weights in other files")
        elif number in (3, 6):
            raise _refused("segments and texts as weights")
    if data_type not in _TENSOR_TYPES:
        raise _refused(f"weights of ONNX type {data_type}")
    expected = math.prod(shape)
    kind = _TENSOR_TYPES[data_type]
    if raw is not None and not typed:
        values = np.frombuffer(_whole(raw, np.dtype(kind.numpy).itemsize), kind.numpy)
        _check_finite(values)
        found = values.size
    elif raw is None and all(number == kind.field for number, _ in typed):
        found = sum(_count_typed(number, value) for number, value in typed)
    else:
        raise ModelBrokenError("a weight is stored in two ways at once; the model is damaged")
    if found != expected:
        raise ModelBrokenError(
            f"a weight of shape {shape[:8]} needs {expected} values, got {found}; "
            "the model is damaged"
        )
    return found


def _count_typed(number: int, value: int | memoryview) -> int:
    """Elements in one occurrence of a typed data field, packed or single."""
    width = _TYPED_FIELDS[number]
    if width is None:
        # Every varint ends in the one byte of it below 128.
        if isinstance(value, int):
            return 1
        return int((np.frombuffer(value, np.uint8) < 128).sum())
    values = np.frombuffer(_whole(_message(value), np.dtype(width).itemsize), width)
    _check_finite(values)
    return int(values.size)


def _check_finite(values: np.ndarray) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ModelBrokenError(
            "expected finite weights, got NaN or infinity; train or export the model again"
        )


def _extents(value: int | memoryview) -> Iterator[int]:
    """The numbers of a repeated field, packed or single."""
    if isinstance(value, int):
        yield value
        return
    position = 0
    while position < len(value):
        number, position = read_varint(value, position)
        yield number


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ModelBrokenError("expected an ONNX model, got other bytes; the file is damaged")
    return value


def _whole(value: memoryview, width: int) -> memoryview:
    if len(value) % width:
        raise ModelBrokenError("a weight ends in the middle of a value; the model is damaged")
    return value


def _refused(what: str) -> ModelBrokenError:
    return ModelBrokenError(
        f"a model with {what} is not accepted; export it with engine-plugin export"
    )
