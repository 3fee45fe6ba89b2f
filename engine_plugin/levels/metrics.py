"""How good levels are: valid, different from each other and from the corpus, alike in style.

Every function takes tile ids uint8 [n, height, width]. Rates are shares from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from engine_plugin.levels.corpus import seat_swap
from engine_plugin.runtime.constraints import violations
from engine_plugin.runtime.generator import GeneratedLevel, GenerationReport
from fastenv.spec import GameSpec

# A level is as asked for if its crate share differs by no more than this.
IN_CONTROL = 0.1
# A near-copy is closer to the corpus than this share of corpus levels is to its nearest neighbour.
NEAR_COPY_QUANTILE = 0.05
_NEIGHBOUR_SAMPLE = 300


def crate_ids(tile_names: Sequence[str]) -> list[int]:
    """Ids of the tiles that are crates: "crate" and those that hide an item, "crate_*"."""
    return [i for i, name in enumerate(tile_names) if name.split("_")[0] == "crate"]


def crate_shares(tiles: np.ndarray, spec: GameSpec) -> np.ndarray:
    """Share of the cells without a wall that hold a crate: float64 [n]."""
    names = [tile.name for tile in spec.tiles]
    walls = [names.index(name) for name in spec.level_constraints.blocks_paths]
    crates = np.isin(tiles, crate_ids(names)).sum((1, 2))
    free = np.maximum((~np.isin(tiles, walls)).sum((1, 2)), 1)
    return np.asarray(crates / free, np.float64)


def playable(tiles: np.ndarray, spec: GameSpec) -> np.ndarray:
    """Which levels satisfy the game's constraints: bool [n]."""
    names = [tile.name for tile in spec.tiles]
    constraints = asdict(spec.level_constraints)
    return np.array([not violations(level, names, constraints) for level in tiles], bool)


def diversity(tiles: np.ndarray, spec: GameSpec) -> float:
    """Mean share of cells in which two levels of the set differ; border cells do not count.

    A pair differs in a cell unless both drew the same tile, so the mean over all pairs follows from
    the tile counts of each cell: 1 - sum over tiles of k (k - 1) / (n (n - 1)).
    """
    count = len(tiles)
    if count < 2:
        return 0.0
    cells = _free_cells(tiles, spec)
    same = np.zeros(cells.shape[1])
    for tile in range(len(spec.tiles)):
        occurs = (cells == tile).sum(0, dtype=np.float64)
        same += occurs * (occurs - 1)
    return float(1 - (same / (count * (count - 1))).mean())


def duplicate_share(tiles: np.ndarray) -> float:
    """Share of levels that equal an earlier one."""
    if not len(tiles):
        return 0.0
    return 1 - len(np.unique(tiles.reshape(len(tiles), -1), axis=0)) / len(tiles)


def pattern_divergence(tiles: np.ndarray, others: np.ndarray, size: int) -> float:
    """Jensen-Shannon divergence, in bits, of the size x size patterns of two sets: 0 to 1."""
    base = int(max(tiles.max(), others.max())) + 1
    first, second = _patterns(tiles, size, base), _patterns(others, size, base)
    _, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    index = index.reshape(-1)
    kinds = int(index.max()) + 1
    p = np.bincount(index[: len(first)], minlength=kinds) / len(first)
    q = np.bincount(index[len(first) :], minlength=kinds) / len(second)
    middle = (p + q) / 2
    return float((_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2)


def nearest_distances(tiles: np.ndarray, corpus: np.ndarray, spec: GameSpec) -> np.ndarray:
    """Share of differing cells to the nearest corpus level in any view: float64 [n].

    The views are the board's four symmetries, each with and without the seats exchanged.
    """
    alike = np.zeros(len(tiles))
    levels = _one_hot(_free_cells(tiles, spec), len(spec.tiles))
    for view in _views(corpus, spec):
        others = _one_hot(_free_cells(view, spec), len(spec.tiles))
        alike = np.maximum(alike, (levels @ others.T).max(1, initial=0))
    distances: np.ndarray = 1 - alike / _cell_count(tiles, spec)
    return distances


def near_copy_distance(corpus: np.ndarray, spec: GameSpec) -> float:
    """Below this distance a level is a near-copy: hardly any two in the corpus are as close."""
    if len(corpus) < 2:
        return 0.0
    chosen = np.random.default_rng(0).permutation(len(corpus))[:_NEIGHBOUR_SAMPLE]
    cells = _cell_count(corpus, spec)
    levels = _one_hot(_free_cells(corpus[chosen], spec), len(spec.tiles))
    nearest = np.full(len(chosen), np.inf)
    for view in _views(corpus, spec):
        others = _one_hot(_free_cells(view, spec), len(spec.tiles))
        distances = 1 - (levels @ others.T) / cells
        distances[np.arange(len(chosen)), chosen] = np.inf  # a level and its own views
        nearest = np.minimum(nearest, distances.min(1))
    return float(np.quantile(nearest, NEAR_COPY_QUANTILE))


def stacked(levels: Sequence[GeneratedLevel], spec: GameSpec) -> np.ndarray:
    """The tiles of all levels, uint8 [n, height, width]."""
    tiles = np.array([level.tiles for level in levels], np.uint8)
    return tiles.reshape(len(levels), spec.height, spec.width)


def summarize(
    levels: Sequence[GeneratedLevel], report: GenerationReport, spec: GameSpec, corpus: np.ndarray
) -> dict[str, Any]:
    """Measure the levels of one `generate` call, with its report, against a corpus.

    Returns JSON-ready figures. joint_yield is the share of samples that were valid as drawn, are no
    near-copies, do not repeat and have about the crate share that was asked for, all at once.
    """
    tiles = stacked(levels, spec)
    nearest = nearest_distances(tiles, corpus, spec)
    near = nearest < near_copy_distance(corpus, spec)
    raw_valid = np.array([level.raw_valid for level in levels], bool)
    errors = control_errors(levels, spec)
    good = raw_valid & ~near & (errors <= IN_CONTROL)
    return {
        "levels": len(levels),
        "valid": _rate(playable(tiles, spec)),
        "raw_valid": round(report.raw_valid / max(report.samples, 1), 4),
        "repaired": round(report.repaired / max(report.samples, 1), 4),
        "rejected": round(report.rejected / max(report.samples, 1), 4),
        "mean_edits": round(report.mean_edits, 2),
        "duplicates_drawn": round(report.duplicates / max(report.samples, 1), 4),
        "duplicates": round(duplicate_share(tiles), 4),
        "copies": _rate(nearest == 0),
        "near_copies": _rate(near),
        "nearest_distance": round(float(nearest.mean()), 4),
        "diversity": round(diversity(tiles, spec), 4),
        "control_error": round(float(errors.mean()), 4),
        "joint_yield": round(float(good.sum()) / max(report.samples, 1), 4),
        "pattern_divergence": divergences(tiles, corpus),
    }


def control_errors(levels: Sequence[GeneratedLevel], spec: GameSpec) -> np.ndarray:
    """|crate share measured - asked for| of each level: float64 [n]; 0 where none was asked for."""
    measured = crate_shares(stacked(levels, spec), spec)
    asked = [
        level.condition.get("crates", share) for level, share in zip(levels, measured, strict=True)
    ]
    errors: np.ndarray = np.abs(measured - np.array(asked, np.float64))
    return errors


def divergences(tiles: np.ndarray, others: np.ndarray) -> dict[str, float]:
    """Pattern divergences in bits: {"2x2": ..., "3x3": ...}."""
    return {f"{k}x{k}": round(pattern_divergence(tiles, others, k), 4) for k in (2, 3)}


def all_views(tiles: np.ndarray, spec: GameSpec) -> np.ndarray:
    """Each level in its eight views, uint8 [8 n, height, width]."""
    return np.concatenate(_views(tiles, spec))


def _views(tiles: np.ndarray, spec: GameSpec) -> list[np.ndarray]:
    boards = [tiles, tiles[:, ::-1], tiles[:, :, ::-1], tiles[:, ::-1, ::-1]]
    swapped = seat_swap(spec)
    return boards + [swapped[board] for board in boards]


def _free_cells(tiles: np.ndarray, spec: GameSpec) -> np.ndarray:
    """Cells that the game does not fix: [n, cells]."""
    inside = tiles[:, 1:-1, 1:-1] if spec.level_constraints.border else tiles
    return inside.reshape(len(tiles), -1)


def _cell_count(tiles: np.ndarray, spec: GameSpec) -> int:
    return int(_free_cells(tiles[:1], spec).shape[1])


def _one_hot(cells: np.ndarray, tiles: int) -> np.ndarray:
    encoded: np.ndarray = (cells[..., None] == np.arange(tiles)).astype(np.float32)
    return encoded.reshape(len(cells), -1)


def _patterns(tiles: np.ndarray, size: int, base: int) -> np.ndarray:
    """Every size x size window as one number, its tiles being the digits to this base."""
    if base ** (size * size) > 2**64:
        raise ValueError(f"expected windows of up to 64 bits, got {size}x{size} of {base} tiles")
    windows = np.lib.stride_tricks.sliding_window_view(tiles, (size, size), axis=(1, 2))
    weights = np.uint64(base) ** np.arange(size * size, dtype=np.uint64).reshape(size, size)
    return np.asarray((windows.astype(np.uint64) * weights).sum((-1, -2)).reshape(-1))


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> float:
    present = p > 0
    return float((p[present] * np.log2(p[present] / q[present])).sum())


def _rate(mask: np.ndarray) -> float:
    return round(float(mask.mean()), 4) if len(mask) else 0.0
