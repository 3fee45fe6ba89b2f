"""The protobuf wire format, read only: enough to look into an ONNX file without a library.

Nothing here allocates by a number that the file states, and every fault in the bytes is a
ModelBrokenError, so that a file can be judged before anything else touches it.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine_plugin.errors import ModelBrokenError

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5


def read_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (field number, value) in file order.

    The value is an unsigned int for a varint, else the bytes: 8, 4 or as many as were stated.
    Raises ModelBrokenError where the message does not end as it says.
    """
    position, end = 0, len(message)
    while position < end:
        tag, position = read_varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise ModelBrokenError("expected an ONNX model, got other bytes; the file is damaged")
        if wire_type == VARINT:
            value, position = read_varint(message, position)
            yield number, value
            continue
        if wire_type == LENGTH_DELIMITED:
            size, position = read_varint(message, position)
        elif wire_type in (FIXED64, FIXED32):
            size = 8 if wire_type == FIXED64 else 4
        else:
            raise ModelBrokenError("expected an ONNX model, got other bytes; the file is damaged")
        if size > end - position:
            raise ModelBrokenError(
                f"the model is truncated: expected {size:,} more bytes, got {end - position:,}; "
                "copy or download it again"
            )
        yield number, message[position : position + size]
        position += size


def read_varint(message: memoryview, position: int) -> tuple[int, int]:
    """(unsigned 64-bit value, position after it)."""
    value = 0
    for index in range(10):
        if position + index >= len(message):
            raise ModelBrokenError("the model is truncated; copy or download it again")
        byte = message[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position + index + 1
    raise ModelBrokenError("expected an ONNX model, got other bytes; the file is damaged")


def decode_text(value: memoryview) -> str:
    """UTF-8 text of a length-delimited field."""
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise ModelBrokenError(f"the model holds text that is not UTF-8: {error}") from error
