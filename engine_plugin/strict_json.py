"""JSON from files of others: only what the standard allows, bounded in size and depth.

Python's own reader takes NaN, 1e400 and duplicate keys, and deep nesting ends in a
RecursionError; everything here ends in a ValueError instead.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_BYTES = 1 << 20
MAX_DEPTH = 32

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def parse_object(data: bytes | str) -> dict[str, Any]:
    """The JSON object in `data` (UTF-8). Raises ValueError with the reason."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"expected at most {MAX_BYTES:,} bytes of JSON, got {len(data):,}")
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    _check_depth(text)
    value = json.loads(
        text,
        parse_float=_finite_float,
        parse_constant=_refuse_constant,
        object_pairs_hook=_without_duplicates,
    )
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def dump_object(value: dict[str, Any]) -> str:
    """One line of JSON with sorted keys, which `parse_object` reads back.

    Raises ValueError or TypeError for what JSON cannot hold (NaN, infinity, other types) and
    for what `parse_object` would refuse.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    parse_object(text)
    return text


def _check_depth(text: str) -> None:
    depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"expected at most {MAX_DEPTH} levels of nesting, got more")
        elif character in "]}":
            depth -= 1


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {text[:20]}")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"expected a finite number, got {text}")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return value
