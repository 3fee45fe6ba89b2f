"""An ONNX graph, written by hand: nodes are added one by one, then all become the file's bytes.

The names of the fields that the numbers below stand for are those of onnx.proto3. The same graph
gives the same bytes, always.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

OPSET = 18  # the first with integers combined bit by bit
IR_VERSION = 8  # the version of the format that came with it

_TENSOR_TYPES = {
    "float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "uint32": 12,
}  # fmt: skip
_VARINT, _LENGTH_DELIMITED, _FIXED32 = 0, 2, 5

Attribute = int | float | str | Sequence[int]


class Graph:
    """Collects nodes; a value is known by its name, as the methods return it."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []

    def input(self, name: str, dtype: str, *shape: int | None) -> str:
        """An input; None in its shape is the batch, whose size is free."""
        self._inputs.append(_value_info(name, dtype, shape))
        return name

    def constant(self, values: np.ndarray | np.generic) -> str:
        """An array that is part of the model; equal ones are kept once."""
        kept = np.asarray(values, order="C")
        key = kept.dtype.name, kept.shape, kept.astype(kept.dtype.newbyteorder("<")).tobytes()
        return self._constants.setdefault(key, f"constant_{len(self._constants)}")

    def integers(self, *values: int) -> str:
        """An int64 list: what shapes, axes and places are given as."""
        return self.constant(np.array(values, np.int64))

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """A node with one output, whose name is returned."""
        output = f"{operator}_{len(self._nodes)}"
        self._node(operator, inputs, output, attributes)
        return output

    def cast(self, value: str, dtype: str) -> str:
        return self.add("Cast", value, to=_TENSOR_TYPES[dtype])

    def slice(self, value: str, start: int, stop: int, axis: int) -> str:
        """value[start:stop] along one axis."""
        places = (self.integers(start), self.integers(stop), self.integers(axis))
        return self.add("Slice", value, *places)

    def reshape(self, value: str, *shape: int) -> str:
        """-1 stands for the batch."""
        return self.add("Reshape", value, self.integers(*shape))

    def output(self, value: str, name: str, dtype: str, *shape: int | None) -> None:
        """Give a value out under this name; None in its shape is the batch."""
        self._node("Identity", (value,), name, {})
        self._outputs.append(_value_info(name, dtype, shape))

    def to_bytes(self, name: str, metadata: dict[str, str]) -> bytes:
        """The whole file (ModelProto)."""
        tensors = [_tensor(name, *key) for key, name in self._constants.items()]
        graph = b"".join(
            [
                *(_field(1, node) for node in self._nodes),
                _field(2, name),
                *(_field(5, tensor) for tensor in tensors),
                *(_field(11, value) for value in self._inputs),
                *(_field(12, value) for value in self._outputs),
            ]
        )
        return b"".join(
            [
                _field(1, IR_VERSION),
                _field(2, "engine_plugin"),
                _field(7, graph),
                _field(8, _field(1, "") + _field(2, OPSET)),
                *(
                    _field(14, _field(1, key) + _field(2, text))
                    for key, text in metadata.items()
                ),
            ]
        )

    def _node(
        self, operator: str, inputs: Sequence[str], output: str, attributes: dict[str, Attribute]
    ) -> None:
        self._nodes.append(
            b"".join(
                [
                    *(_field(1, name) for name in inputs),
                    _field(2, output),
                    _field(4, operator),
                    *(_field(5, _attribute(*item)) for item in attributes.items()),
                ]
            )
        )


def _attribute(name: str, value: Attribute) -> bytes:
    """AttributeProto: the value in the field of its type, and the type's number."""
    if isinstance(value, str):
        return _field(1, name) + _field(4, value) + _field(20, 3)
    if isinstance(value, float):
        return _field(1, name) + _field(2, value) + _field(20, 1)
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    return _field(1, name) + b"".join(_field(8, item) for item in value) + _field(20, 7)


def _tensor(name: str, dtype: str, shape: tuple[int, ...], data: bytes) -> bytes:
    """TensorProto."""
    extents = b"".join(_field(1, extent) for extent in shape)
    return extents + _field(2, _TENSOR_TYPES[dtype]) + _field(8, name) + _field(9, data)


def _value_info(name: str, dtype: str, shape: tuple[int | None, ...]) -> bytes:
    """ValueInfoProto of a tensor; None is the batch, whose size is free."""
    extents = (
        _field(2, "batch") if extent is None else _field(1, extent) for extent in shape
    )
    dimensions = b"".join(_field(1, extent) for extent in extents)
    tensor_type = _field(1, _TENSOR_TYPES[dtype]) + _field(2, dimensions)
    return _field(1, name) + _field(2, _field(1, tensor_type))


def _field(number: int, value: int | float | str | bytes) -> bytes:
    """One field of a protobuf message."""
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | _FIXED32) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as 64 bits."""
    value &= 0xFFFFFFFFFFFFFFFF
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
