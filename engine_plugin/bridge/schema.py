"""What a seat sees, as one float32 array with named parts.

`see` gives a dict of fields. What a field is, its first sight decides, and every later one has to
be the same:

    a number, a bool        one value
    a vector                a tuple, list or array of numbers, or a Vector2: its values as they are
    a place                 a rect, or anything with a `rect`: (x, y, width, height); as the field
                            `me` also a point (x, y)
    a group                 a sprite group, or a list of rects, sprites or points: the `nearest` of
                            them, each (1, x, y, width, height), nearest first; zeros where there
                            are fewer

Places are in units of the arena, x and y from the middle of the field `me` (that of `me` itself
from the arena's corner; all of them, where there is none), limited to ±2.

Nothing here knows pygame: a rect is what has a middle and a size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine_plugin.errors import ConfigError, GameLoopError
from engine_plugin.facts import ForeignField

OWN = "me"
REACH = 2.0
MOST_VALUES = 4_096
Box = tuple[float, float, float, float]  # middle x, middle y, width, height


class Schema:
    """The fields of one seat, fixed by their first sight.

    shown: what `see` gave first; arena: rect, (width, height) or (left, top, width, height), needed
    where there are places; nearest: how many of a group, or {field: how many}

    Raises GameLoopError for a field that cannot be read.
    """

    def __init__(
        self, shown: Any, arena: Any, nearest: int | Mapping[str, int], frame: int
    ) -> None:
        expect_fields(shown, frame)
        self._kinds: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._wanted: dict[str, int] = {}
        for name, value in shown.items():
            kind, size = kind_of(name, value, frame)
            if name == OWN and is_point(value):
                kind, size = "place", 4
            self._kinds[name] = kind
            if kind == "group":
                count = nearest.get(name, 4) if isinstance(nearest, Mapping) else nearest
                self._wanted[name] = count
                size = 5 * count
            self._sizes[name] = size
        self.size = sum(self._sizes.values())
        if not 1 <= self.size <= MOST_VALUES:
            raise GameLoopError(
                f"see: expected 1 to {MOST_VALUES} values in all, got {self.size}", frame
            )
        has_places = any(kind in ("place", "group") for kind in self._kinds.values())
        if has_places and arena is None:
            raise GameLoopError(
                "see shows places: say in which area they are, Seat(..., arena=screen.get_rect())",
                frame,
            )
        self._left, self._top, self._width, self._height = arena_box(arena)

    @property
    def fields(self) -> tuple[ForeignField, ...]:
        """The parts in order, with the ranges that are known."""
        ranges: dict[str, tuple[float | None, float | None]] = {
            "bool": (0.0, 1.0),
            "place": (-REACH, REACH),
            "group": (-REACH, REACH),
        }
        return tuple(
            ForeignField(name, (self._sizes[name],), *ranges.get(kind, (None, None)))
            for name, kind in self._kinds.items()
        )

    def encode(self, shown: Any, frame: int) -> np.ndarray:
        """One observation, float32 [size]. Raises GameLoopError where a field is not what it was,
        or holds NaN."""
        expect_fields(shown, frame)
        if shown.keys() != self._kinds.keys():
            self._refuse_names(shown, frame)
        origin = None
        if self._kinds.get(OWN) == "place":
            self._expect_kind(OWN, shown[OWN], frame)
            origin = box_of(shown[OWN])
        values: list[float] = []
        for name, kind in self._kinds.items():
            value = shown[name]
            self._expect_kind(name, value, frame)
            if kind == "vector":
                values += np.ravel(np.asarray(value, float)).tolist()
            elif kind == "place":
                box = box_of(value)
                values += self._scaled(box, None if name == OWN else origin)
            elif kind == "group":
                values += self._nearest(members_of(value), origin, self._wanted[name])
            else:
                values.append(float(value))
        with np.errstate(over="ignore"):
            observation = np.array(values, np.float32)
        if not np.isfinite(observation).all():
            self._refuse_values(observation, frame)
        return observation

    def _scaled(self, box: Box, origin: Box | None) -> list[float]:
        x0, y0 = (self._left, self._top) if origin is None else origin[:2]
        return [
            limited((box[0] - x0) / self._width),
            limited((box[1] - y0) / self._height),
            limited(box[2] / self._width),
            limited(box[3] / self._height),
        ]

    def _nearest(self, boxes: list[Box], origin: Box | None, wanted: int) -> list[float]:
        if origin is None:
            x0, y0 = self._left + self._width / 2, self._top + self._height / 2
        else:
            x0, y0 = origin[:2]
        ordered = sorted(boxes, key=lambda box: (box[0] - x0) ** 2 + (box[1] - y0) ** 2)[:wanted]
        values: list[float] = []
        for box in ordered:
            values.append(1.0)
            values += self._scaled(box, origin)
        return values + [0.0] * (5 * (wanted - len(ordered)))

    def _expect_kind(self, name: str, value: Any, frame: int) -> None:
        kind, size = kind_of(name, value, frame)
        expected = self._kinds[name]
        if name == OWN and expected == "place" and is_point(value):
            return
        if kind != expected and not {kind, expected} <= {"number", "bool"}:
            raise GameLoopError(
                f"see: the field {name!r} was a {expected} at first and is now a {kind}", frame
            )
        if kind == "vector" and size != self._sizes[name]:
            raise GameLoopError(
                f"see: the field {name!r} had {self._sizes[name]} values at first and has now "
                f"{size}; for things that come and go show a group of rects",
                frame,
            )

    def _refuse_names(self, shown: Mapping[str, Any], frame: int) -> None:
        parts = []
        if new := sorted(shown.keys() - self._kinds.keys()):
            parts.append(f"{', '.join(map(repr, new))} appeared")
        if gone := sorted(self._kinds.keys() - shown.keys()):
            parts.append(f"{', '.join(map(repr, gone))} vanished")
        raise GameLoopError(
            f"see: expected the same fields all the time, {' and '.join(parts)}; show things that "
            "come and go as a group (an empty list where there are none)",
            frame,
        )

    def _refuse_values(self, observation: np.ndarray, frame: int) -> None:
        place = int(np.flatnonzero(~np.isfinite(observation))[0])
        for name, size in self._sizes.items():
            if place < size:
                raise GameLoopError(
                    f"see: expected finite numbers, the field {name!r} holds "
                    f"{observation[place + sum_before(self._sizes, name)]}",
                    frame,
                )
            place -= size


def sum_before(sizes: Mapping[str, int], name: str) -> int:
    """Values of all fields in front of one."""
    names = list(sizes)
    return sum(sizes[other] for other in names[: names.index(name)])


def expect_fields(shown: Any, frame: int) -> None:
    if not isinstance(shown, Mapping) or not shown:
        raise GameLoopError(
            f'see: expected a dict such as {{"me": rect, "speed": 3}}, got {shown!r:.60}', frame
        )


def kind_of(name: str, value: Any, frame: int) -> tuple[str, int]:
    """(kind, values) of one field. Raises GameLoopError."""
    if isinstance(value, (bool, np.bool_)):
        return "bool", 1
    if isinstance(value, (int, float, np.number)):
        return "number", 1
    if has_middle(value):
        return "place", 4
    if hasattr(value, "sprites"):
        return "group", 0
    if has_middle(getattr(value, "rect", None)):
        return "place", 4
    if isinstance(value, np.ndarray) and value.dtype.kind in "buif":
        return "vector", value.size
    if isinstance(value, str) or not hasattr(value, "__len__"):
        raise GameLoopError(
            f"see: the field {name!r} is {value!r:.40}; expected a number, a bool, a vector, a "
            "rect, a sprite, or a group or list of those",
            frame,
        )
    members = list(value)
    if members and all(isinstance(member, (int, float, np.number)) for member in members):
        return "vector", len(members)
    if all(is_place(member) for member in members):
        return "group", 0
    raise GameLoopError(
        f"see: the field {name!r} is a list of {members[0]!r:.40} and others; expected numbers, "
        "or rects, sprites or points (x, y)",
        frame,
    )


def has_middle(value: Any) -> bool:
    return hasattr(value, "centerx") and hasattr(value, "width")


def is_place(value: Any) -> bool:
    return has_middle(value) or has_middle(getattr(value, "rect", None)) or is_point(value)


def is_point(value: Any) -> bool:
    return (
        hasattr(value, "__len__")
        and not isinstance(value, str)
        and len(value) == 2
        and all(isinstance(part, (int, float, np.number)) for part in value)
    )


def box_of(value: Any) -> Box:
    """The middle and size of a place."""
    if not has_middle(value):
        value = getattr(value, "rect", value)
    if has_middle(value):
        return float(value.centerx), float(value.centery), float(value.width), float(value.height)
    x, y = value
    return float(x), float(y), 0.0, 0.0


def members_of(value: Any) -> list[Box]:
    members = value.sprites() if hasattr(value, "sprites") else value
    return [box_of(member) for member in members]


def arena_box(arena: Any) -> Box:
    """(left, top, width, height) of an arena; without one, as if it were of size 1.

    Raises ConfigError.
    """
    if arena is None:
        return 0.0, 0.0, 1.0, 1.0
    if has_middle(arena):
        arena = (arena.left, arena.top, arena.width, arena.height)
    sides = tuple(arena) if hasattr(arena, "__len__") else ()
    if len(sides) == 2:
        sides = (0, 0, *sides)
    if len(sides) != 4 or not all(
        isinstance(side, (int, float)) and math.isfinite(side) for side in sides
    ) or min(sides[2:]) <= 0:
        raise ConfigError(
            f"arena: expected a rect such as screen.get_rect(), or (width, height), got {arena!r}"
        )
    left, top, width, height = map(float, sides)
    return left, top, width, height


def limited(value: float) -> float:
    """Within ±REACH; NaN stays what it is."""
    return min(max(value, -REACH), REACH) if value == value else value
