"""What there is to know about a game before it runs: facts as data.

A `GameSpec` names the players, actions, tiles and the observation layout of a game, so that
encoders, cards, adapters and hosts read the same facts instead of repeating them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """One named part of the observation array.

    shape: its shape when cut out of the flat array; low, high: inclusive range of every element.
    """

    name: str
    shape: tuple[int, ...]
    low: int
    high: int

    @property
    def size(self) -> int:
        size = 1
        for extent in self.shape:
            size *= extent
        return size


@dataclass(frozen=True)
class Tile:
    """One kind of level tile: its integer id is its place in `GameSpec.tiles`."""

    name: str
    character: str


@dataclass(frozen=True)
class Content:
    """What a cell shows while a game runs; its id is its place in `GameSpec.contents`.

    character, colour (red, green, blue): how plain text and plain pictures show it
    small: it lies on the floor, and is drawn so that the ground shows around it
    solid: nobody can step on it
    opaque: what spreads in straight lines, such as flames or a view, ends at it
    """

    name: str
    character: str
    colour: tuple[int, int, int]
    small: bool = False
    solid: bool = False
    opaque: bool = False


@dataclass(frozen=True)
class LevelConstraints:
    """What makes a level of this game playable, as data, so that a generator's card can carry it.

    border: tile name that the outermost ring must be made of, or None
    exactly: tile name -> how often it must occur
    at_most: tile name -> how often it may occur
    connected: tile names that must all be able to reach each other
    blocks_paths: tile names that no path can pass
    pockets: tile names around which a player needs room: at least one horizontal and one
        vertical neighbour is a tile of `open_tiles`
    reachable: tile names of which every cell must be reachable from the connected ones
    symmetries: symmetries that a level may be asked for
    """

    border: str | None = None
    exactly: tuple[tuple[str, int], ...] = ()
    at_most: tuple[tuple[str, int], ...] = ()
    connected: tuple[str, ...] = ()
    blocks_paths: tuple[str, ...] = ()
    pockets: tuple[str, ...] = ()
    open_tiles: tuple[str, ...] = ()
    reachable: tuple[str, ...] = ()
    symmetries: tuple[str, ...] = ("none", "rotate", "mirror")


@dataclass(frozen=True)
class GameSpec:
    """The facts of one game.

    name, version: identify the rules; a change of rules or layout raises the version
    players: number of seats
    actions: action names; an action is an index into them, and action 0 does nothing
    tiles: level tiles; a tile id is an index into them
    height, width: level size in tiles
    tick_rate: ticks a second when a person plays
    observation: the fields of one player's uint8 observation, in order
    statistics: names of the per-player episode counters
    profile: behaviour rates as (name, statistic, per): the sum of the statistic over a set of
        episodes, divided by the sum of `ticks`, times `per`
    level_constraints: what makes a level playable
    contents: what the low four bits of a byte of the observation field "cells" mean, by id; 0 is
        the floor and one of them is called "wall"
    """

    name: str
    version: int
    players: int
    actions: tuple[str, ...]
    tiles: tuple[Tile, ...]
    height: int
    width: int
    tick_rate: int
    observation: tuple[Field, ...]
    statistics: tuple[str, ...]
    profile: tuple[tuple[str, str, int], ...]
    level_constraints: LevelConstraints
    contents: tuple[Content, ...]

    @property
    def observation_size(self) -> int:
        return sum(field.size for field in self.observation)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        return (self.observation_size,)

    @property
    def observation_dtype(self) -> str:
        return "uint8"

    @property
    def observation_kind(self) -> str:
        """How a network has to read it: cells of a grid, then positions and scalars."""
        return "grid"

    def offset(self, field_name: str) -> int:
        """Index of the field's first element in the flat observation."""
        start = 0
        for field in self.observation:
            if field.name == field_name:
                return start
            start += field.size
        raise KeyError(f"{self.name} has no observation field {field_name!r}")

    def has_field(self, name: str) -> bool:
        return any(field.name == name for field in self.observation)

    def contents_that_are(self, quality: str) -> tuple[int, ...]:
        """Ids of the contents that are "small", "solid" or "opaque"."""
        return tuple(
            index for index, content in enumerate(self.contents) if getattr(content, quality)
        )

    def tile_id(self, name: str) -> int:
        for index, tile in enumerate(self.tiles):
            if tile.name == name:
                return index
        raise KeyError(f"{self.name} has no tile {name!r}")

    def content_id(self, name: str) -> int:
        for index, content in enumerate(self.contents):
            if content.name == name:
                return index
        raise KeyError(f"{self.name} has no content {name!r}")

    @property
    def legend(self) -> dict[str, str]:
        """Level file characters: {character: tile name}."""
        return {tile.character: tile.name for tile in self.tiles}

    def layout(self) -> dict[str, Any]:
        """The observation layout as JSON-ready data; this is what `layout_hash` covers."""
        return {
            "game": self.name,
            "version": self.version,
            "dtype": "uint8",
            "fields": [asdict(field) for field in self.observation],
            "actions": list(self.actions),
        }

    @property
    def layout_hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON of `layout()`."""
        text = json.dumps(self.layout(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
