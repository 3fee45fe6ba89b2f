"""Levels to start from when nobody gives any: pillars, crates by chance, rotationally symmetric.

They follow from the game's constraints alone, so that every grid game has some.
"""

from __future__ import annotations

import numpy as np

from fastenv.level import Level
from fastenv.spec import GameSpec

COUNT = 64
MIN_CRATE_SHARE, MAX_CRATE_SHARE = 0.2, 0.6
ITEM_SHARE = 0.25


def builtin_levels(spec: GameSpec, seed: int, count: int = COUNT) -> list[Level]:
    """`count` levels; the same seed gives the same levels."""
    random = np.random.default_rng([seed, 0x1E7E1])
    return [_level(spec, random) for _ in range(count)]


def _level(spec: GameSpec, random: np.random.Generator) -> Level:
    height, width = spec.height, spec.width
    tiles = np.zeros((height, width), np.uint8)
    share = random.uniform(MIN_CRATE_SHARE, MAX_CRATE_SHARE)
    tiles[random.random(tiles.shape) < share] = spec.tile_id("crate")
    hidden = (tiles == spec.tile_id("crate")) & (random.random(tiles.shape) < ITEM_SHARE)
    kinds = random.integers(0, 2, tiles.shape)
    tiles[hidden & (kinds == 0)] = spec.tile_id("crate_range")
    tiles[hidden & (kinds == 1)] = spec.tile_id("crate_bomb")
    tiles = np.where(
        np.arange(tiles.size).reshape(tiles.shape) < tiles.size // 2, tiles, tiles[::-1, ::-1]
    ).astype(np.uint8)
    tiles[2::2, 2::2] = spec.tile_id("wall")
    tiles[[0, -1], :] = spec.tile_id("wall")
    tiles[:, [0, -1]] = spec.tile_id("wall")
    for row, column in ((1, 1), (1, 2), (2, 1)):
        tiles[row, column] = tiles[-1 - row, -1 - column] = spec.tile_id("floor")
    tiles[1, 1] = spec.tile_id("spawn_1")
    tiles[-2, -2] = spec.tile_id("spawn_2")
    for name, most in spec.level_constraints.at_most:
        cells = np.flatnonzero(tiles == spec.tile_id(name))
        tiles.reshape(-1)[random.permutation(cells)[most:]] = spec.tile_id("crate")
    return Level.from_tiles(tiles, spec)
