"""Checks levels against the constraints that a generator's card carries, and repairs them.

The constraints are the plain data of a card (tile names, no game needed), so a game that ships a
generator of its own uses the same two functions:

- `violations` says in words what is wrong with a level;
- `repair` turns the scores of a generator into the valid level that it likes best: wanted counts by
  the highest scores, room around starting cells, and blocked ways opened where the generator minds
  least. What cannot be repaired is rejected.

Keys of the constraints, all optional, all by tile name: border (the outermost ring), exactly and
at_most (pairs of name and count), connected (must reach each other), apart (a number: least steps,
walls ignored, between connected tiles), blocks_paths (no way through),
pockets (need a horizontal and a vertical neighbour out of open_tiles), reachable (every such cell
must be reachable from the connected ones).

Symmetries: none, rotate (by 180 degrees) and mirror (left-right). A symmetric level changes the
connected tiles with each other, first with last, so that two players swap seats.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from engine_plugin.errors import ConfigError, GenerationError

SYMMETRIES = ("none", "rotate", "mirror")

# What opening a blocked cell costs beyond the scores: between equals the shorter way wins.
_OPENING_COST = 1e-3


@lru_cache(maxsize=64)
def partner_cells(height: int, width: int, symmetry: str) -> np.ndarray:
    """Flat index of the cell that each cell is paired with: int64 [height * width], read-only."""
    cells = np.arange(height * width).reshape(height, width)
    if symmetry == "rotate":
        cells = cells[::-1, ::-1]
    elif symmetry == "mirror":
        cells = cells[:, ::-1]
    elif symmetry != "none":
        raise ConfigError(f"expected a symmetry out of {', '.join(SYMMETRIES)}, got {symmetry!r}")
    partners = np.ascontiguousarray(cells).reshape(-1)
    partners.setflags(write=False)
    return partners


def partner_tiles(tile_names: Sequence[str], constraints: Mapping[str, Any]) -> np.ndarray:
    """Tile id that each tile turns into in the partner cell: int64 [tiles]."""
    partners = np.arange(len(tile_names))
    seats = _ids(tile_names, constraints.get("connected", ()), "connected")
    for seat, other in zip(seats, reversed(seats), strict=True):
        partners[seat] = other
    return partners


def symmetrize(
    values: np.ndarray, tile_names: Sequence[str], constraints: Mapping[str, Any], symmetry: str
) -> np.ndarray:
    """Copy the first half of per-tile values [height, width, tiles] onto the second half."""
    if symmetry == "none":
        return values
    height, width, tiles = values.shape
    cells = partner_cells(height, width, symmetry)
    flat = values.reshape(-1, tiles)
    copied = flat[cells][:, partner_tiles(tile_names, constraints)]
    keep = (cells >= np.arange(len(cells)))[:, None]
    return np.where(keep, flat, copied).reshape(values.shape)


def violations(
    tiles: np.ndarray,
    tile_names: Sequence[str],
    constraints: Mapping[str, Any],
    symmetry: str = "none",
) -> list[str]:
    """What is wrong with a level of integer tile ids [height, width]; empty if nothing is.

    Raises ConfigError if the constraints name a tile that is not in `tile_names`.
    """
    rules = _Rules.read(tile_names, constraints)
    tiles = np.asarray(tiles)
    if tiles.ndim != 2 or tiles.dtype.kind not in "ui":
        return [f"expected integer tiles [height, width], got {tiles.dtype} {tiles.shape}"]
    if tiles.size == 0 or tiles.min() < 0 or tiles.max() >= len(tile_names):
        return [f"expected tile ids 0 to {len(tile_names) - 1} in every cell"]
    height, width = tiles.shape
    flat = tiles.reshape(-1)
    found: list[str] = []
    if rules.border is not None:
        wrong = int((flat[_ring(height, width)] != rules.border).sum())
        if wrong:
            found.append(f"{wrong} border cells are not {tile_names[rules.border]}")
    counts = np.bincount(flat, minlength=len(tile_names))
    for tile, count in rules.exactly.items():
        if counts[tile] != count:
            found.append(f"expected {count} × {tile_names[tile]}, got {counts[tile]}")
    for tile, count in rules.at_most.items():
        if counts[tile] > count:
            found.append(f"expected at most {count} × {tile_names[tile]}, got {counts[tile]}")
    for cell in np.flatnonzero(rules.pockets[flat]):
        for axis, neighbours in zip(
            ("horizontal", "vertical"), _axes(height, width)[cell], strict=True
        ):
            if not any(rules.open[flat[neighbour]] for neighbour in neighbours):
                found.append(f"{tile_names[flat[cell]]} has no open {axis} neighbour")
    seats = np.flatnonzero(rules.is_connected[flat])
    nearest = min(
        (_steps(int(a), int(b), width) for a, b in combinations(seats, 2)), default=rules.apart
    )
    if nearest < rules.apart:
        names = " and ".join(tile_names[tile] for tile in rules.connected)
        found.append(f"expected {names} {rules.apart} steps apart, got {nearest}")
    if len(seats):
        reached = _reach(~rules.blocks[flat], int(seats[0]), height, width)
        if not reached[seats].all():
            found.append(f"no way between {' and '.join(tile_names[t] for t in rules.connected)}")
        for tile in rules.reachable:
            lost = int((~reached[flat == tile]).sum())
            if lost:
                found.append(f"{lost} × {tile_names[tile]} out of reach")
    if symmetry != "none":
        cells = partner_cells(height, width, symmetry)
        if not np.array_equal(rules.partners[flat[cells]], flat):
            found.append(f"not symmetric by {symmetry}")
    return found


def repair(
    scores: np.ndarray,
    tile_names: Sequence[str],
    constraints: Mapping[str, Any],
    symmetry: str = "none",
) -> tuple[np.ndarray, int]:
    """The valid level closest to the scores, and how many cells differ from their argmax.

    scores: float [height, width, tiles], the higher the better: logits (with noise, to sample), or
        log-probabilities.
    Returns uint8 tiles [height, width] and the number of edits.
    Raises GenerationError if no valid level was found, ConfigError for unusable constraints.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 3 or scores.shape[2] != len(tile_names):
        raise ConfigError(
            f"expected scores [height, width, {len(tile_names)}], got shape {scores.shape}"
        )
    if not np.isfinite(scores).all():
        raise GenerationError("expected finite scores; the generator returned infinities or NaN")
    rules = _Rules.read(tile_names, constraints)
    repairer = _Repairer(scores, rules, symmetry)
    repairer.place_exact_tiles()
    repairer.enforce_caps()
    repairer.clear_pockets()
    repairer.connect()
    repairer.settle_unreachable()
    tiles = repairer.tiles.reshape(scores.shape[:2]).astype(np.uint8)
    remaining = violations(tiles, tile_names, constraints, symmetry)
    if remaining:
        raise GenerationError(f"a level could not be repaired: {'; '.join(remaining)}")
    return tiles, int((tiles != scores.argmax(-1)).sum())


@dataclass(frozen=True)
class _Rules:
    """The constraints by tile id; the bool arrays are indexed by tile id."""

    border: int | None
    exactly: dict[int, int]
    at_most: dict[int, int]
    connected: list[int]
    apart: int
    reachable: list[int]
    is_connected: np.ndarray
    blocks: np.ndarray
    pockets: np.ndarray
    open: np.ndarray
    partners: np.ndarray

    @classmethod
    def read(cls, tile_names: Sequence[str], constraints: Mapping[str, Any]) -> _Rules:
        def flags(key: str) -> np.ndarray:
            mask = np.zeros(len(tile_names), bool)
            mask[_ids(tile_names, constraints.get(key, ()), key)] = True
            return mask

        def counts(key: str) -> dict[int, int]:
            wanted = dict(constraints.get(key, ()))
            ids = _ids(tile_names, wanted, key)
            return dict(zip(ids, map(int, wanted.values()), strict=True))

        border = constraints.get("border")
        return cls(
            border=None if border is None else _ids(tile_names, [border], "border")[0],
            exactly=counts("exactly"),
            at_most=counts("at_most"),
            connected=_ids(tile_names, constraints.get("connected", ()), "connected"),
            apart=int(constraints.get("apart", 0)),
            reachable=_ids(tile_names, constraints.get("reachable", ()), "reachable"),
            is_connected=flags("connected"),
            blocks=flags("blocks_paths"),
            pockets=flags("pockets"),
            open=flags("open_tiles"),
            partners=partner_tiles(tile_names, constraints),
        )


class _Repairer:
    """One level on its way to validity; every change is made in the partner cell as well."""

    def __init__(self, scores: np.ndarray, rules: _Rules, symmetry: str) -> None:
        self.height, self.width, tiles = scores.shape
        self.rules = rules
        self.partners = partner_cells(self.height, self.width, symmetry)
        self.symmetric = symmetry != "none"
        flat = scores.reshape(-1, tiles)
        self.scores = flat
        if self.symmetric:
            self.scores = (flat + flat[self.partners][:, rules.partners]) / 2
        self.ring = np.zeros(len(flat), bool)
        if rules.border is not None:
            self.ring[_ring(self.height, self.width)] = True
        self.exact = np.zeros(tiles, bool)
        self.exact[list(rules.exactly)] = True
        self.capped = np.zeros(tiles, bool)
        self.capped[list(rules.at_most)] = True
        self.axes = _axes(self.height, self.width)
        self.fixed = self.ring.copy()  # cells that no later step may change
        self.tiles = np.zeros(len(flat), np.int64)

    def place_exact_tiles(self) -> None:
        """Wanted counts go to the cells with the highest margin; all else takes its best tile."""
        ordinary = np.flatnonzero(~self.exact)
        if not len(ordinary):
            raise ConfigError("expected at least one tile that is not counted exactly")
        best = ordinary[self.scores[:, ordinary].argmax(1)]
        self.tiles[:] = best
        if self.rules.border is not None:
            self.tiles[self.ring] = self.rules.border
        margins = self.scores - self.scores[np.arange(len(best)), best][:, None]
        missing = dict(self.rules.exactly)
        for tile in self.rules.exactly:
            while missing[tile] > 0:
                partner = int(self.rules.partners[tile])
                allowed = np.array(
                    [self._can_hold(cell, tile, missing) for cell in range(len(best))]
                )
                if not allowed.any():
                    raise GenerationError("no cell is left for a tile that must be there")
                cell = int(np.where(allowed, margins[:, tile], -np.inf).argmax())
                self._put(cell, tile)
                missing[tile] -= 1
                self.fixed[cell] = True
                if self.symmetric and self.partners[cell] != cell:
                    missing[partner] -= 1
                    self.fixed[self.partners[cell]] = True

    def _can_hold(self, cell: int, tile: int, missing: dict[int, int]) -> bool:
        if self.fixed[cell]:
            return False
        around = [neighbour for axis in self.axes[cell] for neighbour in axis]
        if any(self.exact[self.tiles[neighbour]] for neighbour in around):
            return False
        if self.rules.is_connected[tile] and not self._is_apart(cell):
            return False
        if self.symmetric:
            partner_cell, partner_tile = int(self.partners[cell]), int(self.rules.partners[tile])
            if partner_cell == cell:
                if partner_tile != tile:
                    return False
            elif partner_cell in around or missing.get(partner_tile, 0) < 1 + (
                partner_tile == tile
            ):
                return False
        if not self.rules.pockets[tile]:
            return True
        return all(any(not self.fixed[n] for n in axis) for axis in self.axes[cell])

    def _is_apart(self, cell: int) -> bool:
        """Whether a connected tile in this cell keeps its distance from all others."""
        others = [int(c) for c in np.flatnonzero(self.rules.is_connected[self.tiles])]
        if self.symmetric and self.partners[cell] != cell:
            others.append(int(self.partners[cell]))
        return all(_steps(cell, other, self.width) >= self.rules.apart for other in others)

    def enforce_caps(self) -> None:
        """Where a tile occurs too often, its weakest cells take their next best tile."""
        others = np.flatnonzero(~self.exact & ~self.capped)
        for tile, cap in self.rules.at_most.items():
            cells = np.flatnonzero((self.tiles == tile) & ~self.fixed)
            excess = int((self.tiles == tile).sum()) - cap
            order = np.argsort(self._losses(cells, others), kind="stable")
            for cell in cells[order]:
                if excess <= 0:
                    break
                if self.tiles[cell] == tile:
                    excess -= 1 + int(self.partners[cell] != cell)
                    self._put(int(cell), self._best(int(cell), others))

    def clear_pockets(self) -> None:
        """Each pocket tile gets an open horizontal and an open vertical neighbour."""
        opening = np.flatnonzero(self.rules.open & ~self.exact & ~self.capped)
        for cell in np.flatnonzero(self.rules.pockets[self.tiles]):
            for axis in self.axes[cell]:
                if any(self.rules.open[self.tiles[neighbour]] for neighbour in axis):
                    continue
                choices = np.array([n for n in axis if not self.fixed[n]], np.int64)
                if not len(choices) or not len(opening):
                    raise GenerationError("no room around a starting cell")
                neighbour = int(choices[self._losses(choices, opening).argmin()])
                self._put(neighbour, self._best(neighbour, opening))

    def connect(self) -> None:
        """Open the cheapest ways between the connected tiles, and to exact tiles to be reached."""
        wanted = self.rules.is_connected.copy()
        wanted[[tile for tile in self.rules.reachable if self.exact[tile]]] = True
        seats = np.flatnonzero(self.rules.is_connected[self.tiles])
        if not len(seats):
            return
        for target in np.flatnonzero(wanted[self.tiles]):
            for cell in self._cheapest_way(int(seats[0]), int(target)):
                if self.rules.blocks[self.tiles[cell]]:
                    self._put(cell, self._best(cell, self._passable()))

    def settle_unreachable(self) -> None:
        """Uncounted tiles that must be reachable and are not take their next best tile."""
        seats = np.flatnonzero(self.rules.is_connected[self.tiles])
        if not len(seats):
            return
        passable = ~self.rules.blocks[self.tiles]
        reached = _reach(passable, int(seats[0]), self.height, self.width)
        needs_reach = np.zeros(len(self.exact), bool)
        needs_reach[self.rules.reachable] = True
        others = np.flatnonzero(~self.exact & ~self.capped & ~needs_reach)
        for cell in np.flatnonzero(needs_reach[self.tiles] & ~reached & ~self.fixed):
            self._put(int(cell), self._best(int(cell), others))

    def _cheapest_way(self, start: int, target: int) -> list[int]:
        """Cells from start to target (Dijkstra); entering a blocked cell costs the score lost."""
        blocked = self.rules.blocks[self.tiles]
        options = self._passable()
        costs = np.zeros(len(self.tiles))
        costs[blocked] = np.inf
        doors = np.flatnonzero(blocked & ~self.fixed)
        if len(options):
            costs[doors] = np.maximum(self._losses(doors, options), 0) + _OPENING_COST
        distance = {start: 0.0}
        previous: dict[int, int] = {}
        queue = [(0.0, start)]
        while queue:
            so_far, cell = heapq.heappop(queue)
            if cell == target:
                way = [cell]
                while way[-1] != start:
                    way.append(previous[way[-1]])
                return way
            if so_far > distance[cell]:
                continue
            for axis in self.axes[cell]:
                for neighbour in axis:
                    total = so_far + costs[neighbour]
                    if total < distance.get(neighbour, np.inf):
                        distance[neighbour] = total
                        previous[neighbour] = cell
                        heapq.heappush(queue, (total, neighbour))
        raise GenerationError("no way can be opened between the starting cells")

    def _passable(self) -> np.ndarray:
        return np.flatnonzero(~self.rules.blocks & ~self.exact & ~self.capped)

    def _put(self, cell: int, tile: int) -> None:
        self.tiles[cell] = tile
        if self.symmetric:
            self.tiles[self.partners[cell]] = self.rules.partners[tile]

    def _best(self, cell: int, options: np.ndarray) -> int:
        if not len(options):
            raise GenerationError("no other tile is allowed in a cell that must change")
        return int(options[self.scores[cell, options].argmax()])

    def _losses(self, cells: np.ndarray, options: np.ndarray) -> np.ndarray:
        """Score lost in each cell by taking the best of the options instead of its tile."""
        if not len(options):
            return np.zeros(len(cells))
        losses: np.ndarray = self.scores[cells, self.tiles[cells]]
        losses -= self.scores[cells][:, options].max(1)
        return losses


def _ids(tile_names: Sequence[str], wanted: Iterable[str], key: str) -> list[int]:
    ids = []
    for name in wanted:
        if name not in tile_names:
            raise ConfigError(
                f"constraint {key!r} names the tile {name!r}; expected one of "
                f"{', '.join(tile_names)}"
            )
        ids.append(list(tile_names).index(name))
    return ids


@lru_cache(maxsize=16)
def _ring(height: int, width: int) -> np.ndarray:
    """Flat indices of the outermost cells."""
    inside = np.zeros((height, width), bool)
    inside[1:-1, 1:-1] = True
    return np.flatnonzero(~inside)


@lru_cache(maxsize=16)
def _axes(height: int, width: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """For each cell the flat indices of its horizontal and of its vertical neighbours."""
    neighbours = []
    for cell in range(height * width):
        row, column = divmod(cell, width)
        horizontal = tuple(cell + d for d in (-1, 1) if 0 <= column + d < width)
        vertical = tuple(cell + d * width for d in (-1, 1) if 0 <= row + d < height)
        neighbours.append((horizontal, vertical))
    return neighbours


def _steps(cell: int, other: int, width: int) -> int:
    """Steps from cell to cell, up, down, left and right, on an empty board."""
    return abs(cell // width - other // width) + abs(cell % width - other % width)


def _reach(passable: np.ndarray, start: int, height: int, width: int) -> np.ndarray:
    """Which cells can be reached from `start`: bool [height * width]."""
    open_cells = passable.tolist()
    axes = _axes(height, width)
    reached = np.zeros(len(open_cells), bool)
    seen = {start}
    stack = [start]
    while stack:
        for axis in axes[stack.pop()]:
            for neighbour in axis:
                if open_cells[neighbour] and neighbour not in seen:
                    seen.add(neighbour)
                    stack.append(neighbour)
    reached[list(seen)] = True
    return reached
