"""Makes arena levels from a seed: walls by one of several plans, then starting cells, then crates.

The grammar exists to teach: it gives a generator more levels than anyone can draw, over the whole
range of crate shares and symmetries. It works for every game whose tiles are called floor, wall,
crate, crate_* (a crate that hides an item), spawn_1 and spawn_2. What it returns satisfies the
game's constraints.

    walls    pillars | corridors | rooms | open | rings | diagonals | blocks
    crates   scattered | clustered | chequered | banded, up to the wanted share of the free cells
    items    two to six crates of each kind hide one
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise

import numpy as np

from engine_plugin.errors import GenerationError
from engine_plugin.runtime.constraints import partner_cells, violations
from fastenv.spec import GameSpec

CRATE_SHARE = (0.1, 0.7)
MOST_WALLS = 0.42
LEAST_SPAWN_DISTANCE = 7
_ATTEMPTS = 200


def make_level(
    spec: GameSpec,
    random: np.random.Generator,
    crates: float | None = None,
    symmetry: str | None = None,
) -> np.ndarray:
    """One valid level, uint8 [height, width] tile ids.

    crates: share of the cells without a wall that hold a crate; None draws one of CRATE_SHARE
    symmetry: one of the game's; None draws one
    """
    share = random.uniform(*CRATE_SHARE) if crates is None else crates
    if symmetry is None:
        symmetry = str(random.choice(spec.level_constraints.symmetries))
    constraints = asdict(spec.level_constraints)
    names = [tile.name for tile in spec.tiles]
    for _ in range(_ATTEMPTS):
        tiles = _attempt(spec, random, share, symmetry)
        if tiles is not None and not violations(tiles, names, constraints, symmetry):
            return tiles
    raise GenerationError(f"the grammar found no {spec.name} level in {_ATTEMPTS} attempts")


def _attempt(
    spec: GameSpec, random: np.random.Generator, share: float, symmetry: str
) -> np.ndarray | None:
    inside = (spec.height - 2, spec.width - 2)
    partners = partner_cells(*inside, symmetry)
    plan = _PLANS[random.integers(len(_PLANS))]
    walls = _without_enclosures(_copied(plan(random, *inside), partners))
    if walls is None or walls.mean() > MOST_WALLS:
        return None
    tiles = np.full(inside, spec.tile_id("floor"), np.uint8)
    tiles[walls] = spec.tile_id("wall")
    seats = _spawns(random, walls, partners, symmetry)
    if seats is None:
        return None
    room = np.zeros(inside, bool)
    for name, seat in zip(("spawn_1", "spawn_2"), seats, strict=True):
        tiles.flat[seat] = spec.tile_id(name)
    for seat in _first_of_orbits(np.array(seats), partners):
        pocket = _pocket(random, int(seat), walls)
        room.flat[[seat, *pocket]] = True
    room = room | room.reshape(-1)[partners].reshape(inside)
    _place_crates(spec, random, tiles, ~walls & ~room, round(share * int((~walls).sum())), partners)
    return np.pad(tiles, 1, constant_values=spec.tile_id("wall"))


def _copied(values: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """The first half copied onto the second."""
    flat = values.reshape(-1)
    copied = np.where(partners >= np.arange(len(flat)), flat, flat[partners])
    return np.asarray(copied.reshape(values.shape))


def _first_of_orbits(cells: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """One cell out of each pair of partners, in the order of `cells`."""
    paired = np.isin(partners[cells], cells)
    return np.asarray(cells[~paired | (partners[cells] >= cells)])


# Walls: each plan returns bool [height, width] of the inside of the border.


def _pillars(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    walls = np.zeros((height, width), bool)
    down, across = random.integers(2, 4, 2)
    walls[1::down, 1::across] = True
    return walls & (random.random(walls.shape) < random.uniform(0.6, 1.0))


def _corridors(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    across = bool(random.integers(2))
    shape = (height, width) if across else (width, height)
    walls = np.zeros(shape, bool)
    for row in range(random.integers(1, 3), shape[0] - 1, random.integers(2, 4)):
        walls[row] = True
        walls[row, random.choice(shape[1], random.integers(2, 5), replace=False)] = False
    return walls if across else walls.T


def _rooms(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    walls = np.zeros((height, width), bool)
    rows = sorted(random.choice(np.arange(2, height - 2), random.integers(1, 3), replace=False))
    columns = sorted(random.choice(np.arange(2, width - 2), random.integers(1, 3), replace=False))
    walls[rows] = True
    walls[:, columns] = True
    row_edges, column_edges = [-1, *rows, height], [-1, *columns, width]
    for row in rows:
        for left, right in pairwise(column_edges):
            if right - left > 1:
                walls[row, random.integers(left + 1, right)] = False
    for column in columns:
        for top, bottom in pairwise(row_edges):
            if bottom - top > 1:
                walls[random.integers(top + 1, bottom), column] = False
    return walls


def _open(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    walls = np.zeros((height, width), bool)
    walls.flat[random.choice(walls.size, random.integers(3, 13), replace=False)] = True
    return walls


def _rings(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    walls = np.zeros((height, width), bool)
    for depth in range(random.integers(1, 3), min(height, width) // 2, 2):
        ring = np.zeros_like(walls)
        ring[depth : height - depth, depth : width - depth] = True
        ring[depth + 1 : height - depth - 1, depth + 1 : width - depth - 1] = False
        cells = np.flatnonzero(ring)
        gates = min(len(cells), int(random.integers(3, 8)))
        ring.flat[random.choice(cells, gates, replace=False)] = False
        walls |= ring
    return walls


def _diagonals(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    rows, columns = np.indices((height, width))
    slope = random.choice((-1, 1))
    walls: np.ndarray = (columns + slope * rows + random.integers(0, 6)) % random.integers(
        4, 7
    ) == 0
    return walls & (random.random(walls.shape) < random.uniform(0.55, 0.85))


def _blocks(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    walls = np.zeros((height, width), bool)
    for _ in range(random.integers(6, 14)):
        tall, wide = random.integers(1, 4, 2)
        row = random.integers(0, height - tall + 1)
        column = random.integers(0, width - wide + 1)
        around = walls[max(row - 1, 0) : row + tall + 1, max(column - 1, 0) : column + wide + 1]
        if tall * wide <= 4 and not around.any():
            walls[row : row + tall, column : column + wide] = True
    return walls


_PLANS: tuple[Callable[[np.random.Generator, int, int], np.ndarray], ...] = (
    _pillars,
    _corridors,
    _rooms,
    _open,
    _rings,
    _diagonals,
    _blocks,
)


def _without_enclosures(walls: np.ndarray) -> np.ndarray | None:
    """Fill small pockets that nobody can enter; None if the walls cut the arena apart."""
    labels = np.where(walls, 0, np.arange(1, walls.size + 1).reshape(walls.shape))
    while True:
        spread = np.pad(labels, 1)
        highest = np.maximum.reduce(
            [labels, spread[:-2, 1:-1], spread[2:, 1:-1], spread[1:-1, :-2], spread[1:-1, 2:]]
        )
        highest[walls] = 0
        if np.array_equal(highest, labels):
            break
        labels = highest
    sizes = np.bincount(labels[~walls])
    largest = int(sizes.argmax())
    if sizes[largest] < 0.85 * (~walls).sum():
        return None
    filled: np.ndarray = labels != largest
    return filled


def _spawns(
    random: np.random.Generator, walls: np.ndarray, partners: np.ndarray, symmetry: str
) -> tuple[int, int] | None:
    """Two cells far apart, partners of each other where the level is symmetric."""
    width = walls.shape[1]
    cells = [cell for cell in np.flatnonzero(~walls) if all(_free_neighbours(int(cell), walls))]
    # Corners are where most arenas start, but not all.
    edge = np.array([_edge_distance(int(cell), walls.shape) for cell in cells], float)
    order = np.argsort(edge * random.choice((0.0, 1.0)) + random.random(len(cells)) * 4)
    for first in (int(cells[index]) for index in order):
        others = (
            [int(partners[first])]
            if symmetry != "none"
            else [int(cell) for cell in random.permutation(cells)]
        )
        for second in others:
            rows = abs(first // width - second // width)
            columns = abs(first % width - second % width)
            if rows + columns >= LEAST_SPAWN_DISTANCE:
                return (first, second) if random.integers(2) else (second, first)
    return None


def _edge_distance(cell: int, shape: tuple[int, ...]) -> int:
    row, column = divmod(cell, shape[1])
    return min(row, shape[0] - 1 - row) + min(column, shape[1] - 1 - column)


def _free_neighbours(cell: int, walls: np.ndarray) -> tuple[list[int], list[int]]:
    """The neighbours without a wall: horizontal ones, vertical ones."""
    height, width = walls.shape
    row, column = divmod(cell, width)
    horizontal = [row * width + c for c in (column - 1, column + 1) if 0 <= c < width]
    vertical = [r * width + column for r in (row - 1, row + 1) if 0 <= r < height]
    return (
        [c for c in horizontal if not walls.flat[c]],
        [c for c in vertical if not walls.flat[c]],
    )


def _pocket(random: np.random.Generator, seat: int, walls: np.ndarray) -> list[int]:
    """Cells to keep free around a spawn: one across and one down, or all that there are."""
    across, down = _free_neighbours(seat, walls)
    if random.integers(2):
        return across + down
    return [int(random.choice(across)), int(random.choice(down))]


def _place_crates(
    spec: GameSpec,
    random: np.random.Generator,
    tiles: np.ndarray,
    allowed: np.ndarray,
    count: int,
    partners: np.ndarray,
) -> None:
    """Turn about `count` allowed cells into crates, the first of some liking; hide items."""
    liking = _copied(_crate_liking(random, *tiles.shape), partners).reshape(-1)
    cells = np.flatnonzero(allowed & allowed.reshape(-1)[partners].reshape(allowed.shape))
    firsts = cells[partners[cells] >= cells]
    order = firsts[np.argsort(-liking[firsts], kind="stable")]
    placed: list[int] = []
    total = 0
    for cell in order:
        if total >= count:
            break
        placed.append(int(cell))
        total += 1 + int(partners[cell] != cell)
    crates = np.array(placed, np.int64)
    flat = tiles.reshape(-1)
    flat[crates] = flat[partners[crates]] = spec.tile_id("crate")
    at_most = dict(spec.level_constraints.at_most)
    hiding = random.permutation(crates)
    for tile in spec.tiles:
        if tile.name.startswith("crate_"):
            wanted = int(random.integers(2, 7))
            found = 0
            while len(hiding) and found < wanted:
                cell, hiding = int(hiding[0]), hiding[1:]
                size = 1 + int(partners[cell] != cell)
                if found + size <= at_most.get(tile.name, tiles.size):
                    flat[cell] = flat[partners[cell]] = spec.tile_id(tile.name)
                    found += size


def _crate_liking(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Where crates go first: float [height, width]."""
    liking = random.random((height, width))
    rows, columns = np.indices((height, width))
    style = random.integers(4)
    if style == 1:
        coarse = random.random((height // 3 + 1, width // 3 + 1))
        liking += 2 * np.kron(coarse, np.ones((3, 3)))[:height, :width]
    elif style == 2:
        liking += 1.7 * ((rows + columns + random.integers(2)) % 2)
    elif style == 3:
        line = rows if random.integers(2) else columns
        liking += 1.7 * (line % random.integers(2, 4) == 0)
    return liking
