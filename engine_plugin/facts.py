"""The facts of a game that is not one of ours, as data: what it shows, what can be done.

`GameFacts` is what networks, replay buffer, card and runtime need to know of any game;
`fastenv.GameSpec` is one, `ForeignGame` the other. A foreign observation is one array of uint8 or
float32. Its parts are named and have ranges, so that a model can be refused where a game has
changed, and a person can read in the card what it looks at.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from engine_plugin.card import Card, hash_of
from engine_plugin.errors import ConfigError

# grid: cells around players, only of compiled games · vector: numbers, normalised by what was seen
# · image: [height, width, channels] · categories: whole numbers that name something, one-hot
FOREIGN_KINDS = ("vector", "image", "categories")
MAX_CATEGORIES = 65_536


class GameFacts(Protocol):
    """What is known of a game before it runs.

    name, version: identify the rules
    actions: action names; an action is an index into them
    observation_kind: "grid", "vector", "image" or "categories"
    observation_dtype, observation_shape: of the array that one player sees
    layout, layout_hash: what stands in cards and trajectories, see `engine_plugin.card`
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def actions(self) -> tuple[str, ...]: ...
    @property
    def observation_kind(self) -> str: ...
    @property
    def observation_dtype(self) -> str: ...
    @property
    def observation_shape(self) -> tuple[int, ...]: ...
    def layout(self) -> dict[str, Any]: ...
    @property
    def layout_hash(self) -> str: ...


@dataclass(frozen=True)
class ForeignField:
    """One named part of a foreign observation.

    shape: its shape in the observation; low, high: inclusive range of every element, None where
    it has no bound. Of categories, `high` is the greatest id and `low` 0.
    """

    name: str
    shape: tuple[int, ...]
    low: float | None = None
    high: float | None = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class ForeignGame:
    """The facts of a game that was brought along. Raises ConfigError where they cannot be.

    name: what identifies it, such as a Gymnasium id
    period: frames or ticks of the game that one decision lasts, where that is declared
    dtype: "uint8" or "float32"
    kind: one of FOREIGN_KINDS; an image is one field of three extents, the others are flat
    fields: the parts of the observation, in order
    """

    name: str
    actions: tuple[str, ...]
    fields: tuple[ForeignField, ...]
    dtype: str = "float32"
    kind: str = "vector"
    version: int = 0
    period: int = 1

    def __post_init__(self) -> None:
        if self.kind not in FOREIGN_KINDS:
            raise ConfigError(f"expected an observation of {FOREIGN_KINDS}, got {self.kind!r}")
        if self.dtype not in ("uint8", "float32"):
            raise ConfigError(f"expected observations of uint8 or float32, got {self.dtype!r}")
        if not 1 <= len(self.actions) <= 255:
            raise ConfigError(f"expected 1 to 255 actions, got {len(self.actions)}")
        if not self.fields or min(field.size for field in self.fields) < 1:
            raise ConfigError(f"{self.name}: expected observations of one value or more")
        if self.kind == "image" and (len(self.fields) != 1 or len(self.fields[0].shape) != 3):
            raise ConfigError(f"expected an image as one field of three extents: {self.fields}")
        if self.kind == "categories" and sum(self.categories) > MAX_CATEGORIES:
            raise ConfigError(
                f"expected at most {MAX_CATEGORIES} categories, got {sum(self.categories)}"
            )

    @property
    def observation_kind(self) -> str:
        return self.kind

    @property
    def observation_dtype(self) -> str:
        return self.dtype

    @property
    def observation_shape(self) -> tuple[int, ...]:
        if self.kind == "image":
            return self.fields[0].shape
        return (sum(field.size for field in self.fields),)

    @property
    def categories(self) -> tuple[int, ...]:
        """How many ids each element of an observation of kind "categories" can have."""
        return tuple(
            int(field.high or 0) + 1 for field in self.fields for _ in range(field.size)
        )

    def layout(self) -> dict[str, Any]:
        """The observation layout as JSON-ready data; this is what `layout_hash` covers."""
        return {
            "game": self.name,
            "version": self.version,
            "dtype": self.dtype,
            "kind": self.kind,
            "fields": [
                {**asdict(field), "shape": list(field.shape)} for field in self.fields
            ],
            "actions": list(self.actions),
            **({"period": self.period} if self.period != 1 else {}),
        }

    @property
    def layout_hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON of `layout()`."""
        return hash_of(self.layout())


def foreign_game(card: Card) -> ForeignGame:
    """The facts of the game brought along that a policy was made for, from its card.

    Raises ConfigError where the card is of one of our games, or of no game.
    """
    try:
        facts = game_of_layout(card.layout)
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"expected a model of a game brought along, got {card.name!r} of {card.game}"
        ) from error
    if facts.layout_hash != card.layout_hash:
        raise ConfigError(f"the layout of {card.name!r} says more than this version knows")
    return facts


def game_of_layout(layout: dict[str, Any]) -> ForeignGame:
    """The game whose `layout()` this is. Raises KeyError or TypeError where it is none's."""
    fields = tuple(
        ForeignField(**{**field, "shape": tuple(field["shape"])}) for field in layout["fields"]
    )
    return ForeignGame(
        layout["game"],
        tuple(layout["actions"]),
        fields,
        layout["dtype"],
        layout["kind"],
        layout["version"],
        layout.get("period", 1),
    )


def fields_of_ranges(name: str, low: np.ndarray, high: np.ndarray) -> tuple[ForeignField, ...]:
    """Fields for a flat array with a range for every element: neighbours of one range are one
    field, named by their places ("name[2:4]"). low, high: [n], infinite where there is no bound."""
    pairs = [(bound_of(least), bound_of(most)) for least, most in zip(low, high, strict=True)]
    borders = [
        index for index in range(len(pairs)) if index == 0 or pairs[index] != pairs[index - 1]
    ]
    return tuple(
        ForeignField(f"{name}[{start}:{stop}]", (stop - start,), *pairs[start])
        for start, stop in zip(borders, [*borders[1:], len(pairs)], strict=True)
    )


def bound_of(value: float) -> float | None:
    """The largest floats mean "no bound" in many games' declarations."""
    return float(value) if abs(value) < 1e30 else None
