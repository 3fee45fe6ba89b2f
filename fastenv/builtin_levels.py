"""Levels to start from when nobody gives any: pillars, crates by chance, rotationally symmetric.

They follow from the game's tiles and constraints alone, so that every grid game has some. Tiles go
by their names: "floor", "wall" and "spawn_1" and so on are what they say; "crate" and "crate_*"
(crates that hide something) fill a share of the floor; every other tile lies on the floor, as often
as the constraints' `exactly` says or up to as often as its `at_most`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastenv.errors import LevelError
from fastenv.level import Level
from fastenv.spec import GameSpec

COUNT = 64
MIN_CRATE_SHARE, MAX_CRATE_SHARE = 0.2, 0.6
ITEM_SHARE = 0.25
MOST_TRIES = 1000

Tiles = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def builtin_levels(spec: GameSpec, seed: int, count: int = COUNT) -> list[Level]:
    """`count` levels; the same seed gives the same levels.

    Raises LevelError for a game whose constraints no try met: it needs levels of its own.
    """
    random = np.random.default_rng([seed, 0x1E7E1])
    return [_level(spec, random) for _ in range(count)]


def _level(spec: GameSpec, random: np.random.Generator) -> Level:
    for _ in range(MOST_TRIES):
        tiles = _ground(spec, random)
        if _scatter(tiles, spec, random) and _is_connected(tiles, spec):
            return Level.from_tiles(tiles, spec)
    raise LevelError(f"no built-in level fits {spec.name}: give levels of your own")


def _ground(spec: GameSpec, random: np.random.Generator) -> Tiles:
    """Border, pillars, crates and spawns with room around them."""
    tiles = np.full((spec.height, spec.width), spec.tile_id("floor"), np.uint8)
    names = [tile.name for tile in spec.tiles]
    if "crate" in names:
        _fill_with_crates(tiles, spec, random)
    tiles[2::2, 2::2] = spec.tile_id("wall")
    border = spec.tile_id(spec.level_constraints.border or "wall")
    tiles[[0, -1], :] = border
    tiles[:, [0, -1]] = border
    for row, column in ((1, 1), (1, 2), (2, 1)):
        tiles[row, column] = tiles[-1 - row, -1 - column] = spec.tile_id("floor")
    corners = ((1, 1), (-2, -2), (1, -2), (-2, 1))
    for player, corner in zip(range(1, spec.players + 1), corners, strict=False):
        tiles[corner] = spec.tile_id(f"spawn_{player}")
    for name, most in spec.level_constraints.at_most:
        if _hides_something(name):
            _make_rarer(tiles, spec.tile_id(name), most, spec.tile_id("crate"), random)
    return tiles


def _make_rarer(
    tiles: Tiles, tile: int, most: int, instead: int, random: np.random.Generator
) -> None:
    """Leave the tile on at most so many cells, in pairs: a cell and the one opposite to it."""
    flat = tiles.reshape(-1)
    found = random.permutation(np.flatnonzero(flat == tile)).tolist()
    kept: set[int] = set()
    for cell in found:
        pair = {cell, flat.size - 1 - cell} & set(found)
        if len(kept | pair) <= most:
            kept |= pair
    flat[[cell for cell in found if cell not in kept]] = instead


def _fill_with_crates(tiles: Tiles, spec: GameSpec, random: np.random.Generator) -> None:
    share = random.uniform(MIN_CRATE_SHARE, MAX_CRATE_SHARE)
    tiles[random.random(tiles.shape) < share] = spec.tile_id("crate")
    hiding = [index for index, tile in enumerate(spec.tiles) if _hides_something(tile.name)]
    if hiding:
        hidden = (tiles == spec.tile_id("crate")) & (random.random(tiles.shape) < ITEM_SHARE)
        kinds = random.integers(0, len(hiding), tiles.shape)
        tiles[hidden] = np.array(hiding, np.uint8)[kinds[hidden]]
    first_half = np.arange(tiles.size).reshape(tiles.shape) < tiles.size // 2
    tiles[:] = np.where(first_half, tiles, tiles[::-1, ::-1])


def _hides_something(name: str) -> bool:
    return name.startswith("crate_")


def _scatter(tiles: Tiles, spec: GameSpec, random: np.random.Generator) -> bool:
    """Lay the other tiles on the floor, in pairs; False where there is too little of it."""
    constraints = spec.level_constraints
    exactly, at_most = dict(constraints.exactly), dict(constraints.at_most)
    flat = tiles.reshape(-1)
    floor = spec.tile_id("floor")
    for index, tile in enumerate(spec.tiles):
        if tile.name in ("floor", "wall") or tile.name.startswith(("crate", "spawn_")):
            continue
        count = exactly.get(tile.name)
        if count is None:
            count = int(random.integers(0, at_most.get(tile.name, 0) + 1))
        open_cells = (tiles == floor) & _within_reach(tiles, spec)
        free = np.flatnonzero(open_cells)
        free = random.permutation(free[free < flat.size // 2])
        if count // 2 > len(free):
            return False
        flat[free[: count // 2]] = flat[flat.size - 1 - free[: count // 2]] = index
        if count % 2:
            middle = flat.size // 2
            if flat[middle] != floor:
                return False
            flat[middle] = index
    return True


def _within_reach(tiles: Tiles, spec: GameSpec) -> Mask:
    """Cells that a walk from the first connected tile reaches; all cells if none is named."""
    constraints = spec.level_constraints
    if not constraints.connected:
        return np.ones(tiles.shape, bool)
    passable = ~np.isin(tiles, [spec.tile_id(name) for name in constraints.blocks_paths])
    reached: Mask = tiles == spec.tile_id(constraints.connected[0])
    while True:
        wider = reached.copy()
        wider[1:] |= reached[:-1]
        wider[:-1] |= reached[1:]
        wider[:, 1:] |= reached[:, :-1]
        wider[:, :-1] |= reached[:, 1:]
        wider &= passable
        if np.array_equal(wider, reached):
            return reached
        reached = wider


def _is_connected(tiles: Tiles, spec: GameSpec) -> bool:
    constraints = spec.level_constraints
    wanted = {*constraints.connected, *constraints.reachable}
    there = np.isin(tiles, [spec.tile_id(name) for name in wanted])
    return not (there & ~_within_reach(tiles, spec)).any()
