"""The levels that a generator learns from: drawn templates and levels from the grammar.

Drawn levels lie in assets/levels/GAME/templates; those in held_out are never trained on, so that
what a generator makes can be measured against ideas it has not seen.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from engine_plugin.levels.grammar import make_level
from engine_plugin.runtime.constraints import partner_cells
from engine_plugin.runtime.loading import assets_folder
from fastenv.level import Level
from fastenv.spec import GameSpec

GRAMMAR_LEVELS = 2000
HELD_OUT_GRAMMAR_LEVELS = 500

# Streams of the grammar: what is measured against never comes from the stream trained on.
_TRAINING_STREAM, _HELD_OUT_STREAM = 0, 1


def templates(spec: GameSpec, held_out: bool = False) -> list[Level]:
    """The drawn levels of a game, by name; none for a game without a folder of them."""
    folder = levels_folder() / spec.name / ("held_out" if held_out else "templates")
    return [Level.load(path, spec) for path in sorted(folder.glob("*.txt"))]


def grammar_tiles(
    spec: GameSpec, count: int = GRAMMAR_LEVELS, seed: int = 0, held_out: bool = False
) -> np.ndarray:
    """Levels of the grammar, uint8 [count, height, width]; level i depends on seed and i alone."""
    stream = _HELD_OUT_STREAM if held_out else _TRAINING_STREAM
    levels = [make_level(spec, np.random.default_rng([seed, stream, i])) for i in range(count)]
    return np.array(levels, np.uint8).reshape(count, spec.height, spec.width)


@lru_cache(maxsize=4)
def training_tiles(spec: GameSpec, count: int = GRAMMAR_LEVELS, seed: int = 0) -> np.ndarray:
    """Templates first, then `count` levels of the grammar: read-only uint8 [n, height, width]."""
    drawn = template_tiles(spec)
    tiles = np.concatenate([drawn, grammar_tiles(spec, count, seed)])
    tiles.setflags(write=False)
    return tiles


def template_tiles(spec: GameSpec, held_out: bool = False) -> np.ndarray:
    """The drawn levels, uint8 [n, height, width]."""
    levels = [level.tiles for level in templates(spec, held_out)]
    return np.array(levels, np.uint8).reshape(len(levels), spec.height, spec.width)


def symmetry_of(tiles: np.ndarray, spec: GameSpec) -> str:
    """The first symmetry that a level [height, width] has, else "none"."""
    flat = tiles.reshape(-1)
    swapped = seat_swap(spec)
    for symmetry in spec.level_constraints.symmetries:
        if symmetry != "none" and np.array_equal(
            swapped[flat[partner_cells(*tiles.shape, symmetry)]], flat
        ):
            return symmetry
    return "none"


def seat_swap(spec: GameSpec) -> np.ndarray:
    """Tile ids with the seats exchanged, first with last: uint8 [tiles]."""
    swapped = np.arange(len(spec.tiles), dtype=np.uint8)
    seats = spec.level_constraints.connected
    for seat, other in zip(seats, reversed(seats), strict=True):
        swapped[spec.tile_id(seat)] = spec.tile_id(other)
    return swapped


def levels_folder() -> Path:
    """Where the shipped levels lie, in a checkout and in an installation alike."""
    return Path(str(assets_folder())) / "levels"
