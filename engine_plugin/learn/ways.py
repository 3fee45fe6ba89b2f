"""How near things are on foot: the shortest ways on a grid, as network input.

A window shows what is near. Which first step leads to it, round walls and crates, a small network
finds out only with many examples; so the ways are found beforehand, for every kind of target and
the whole batch at once. A set of cells is one integer a row of the board, and a flood from the
targets over the free cells takes a few integer operations a step.

The targets: the opponent; each content of a cell but floor and wall; cells that nothing threatens;
cells in line with the opponent, and cells in line with something solid that is not a wall, each as
far as the player's reach. For every target and each of five cells (the player's own and its four
neighbours) there are two features: how near the target is by the shortest way from there,
1 - steps / (LONGEST + 1) and 0 where no way of LONGEST steps leads there, and whether no other of
the five is nearer. The targets themselves need not be free, so that the way to a crate ends beside
it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from engine_plugin.facts import GameFacts
from engine_plugin.grid import LINE, LONGEST, PROBES, GridLayout
from engine_plugin.learn.config import PolicyConfig
from fastenv import GameSpec
from fastenv.ways import WaysFinder


class Ways:
    """int32 observations [n, obs_size], or what `FoundWays` made of them, -> features float32
    [n, size].

    probe_orders: int32 [symmetries, 5], the place of each of PROBE_NAMES after each symmetry
    """

    def __init__(self, layout: GridLayout, probe_orders: np.ndarray):
        self.layout = layout
        # A view shows at the place of each probe what lies at the one that is moved there.
        self.shown = np.argsort(probe_orders, axis=1).astype(np.int32)
        self.targets = len(layout.things) + 4
        self.size = 2 * len(PROBES) * self.targets

    def __call__(self, values: Any, symmetry: Any = None) -> Any:
        known = values[:, self.layout.size :]
        if known.shape[1]:
            near = tf.cast(tf.reshape(known, [-1, len(PROBES), self.targets]), tf.float32)
            near /= LONGEST + 1
        else:
            near = self._nearness(values)
        if symmetry is not None:
            near = tf.gather(near, tf.gather(self.shown, symmetry), batch_dims=1)
        nearest = (near > 0) & (near == tf.reduce_max(near, axis=1, keepdims=True))
        features = tf.concat([near, tf.cast(nearest, tf.float32)], axis=2)
        return tf.reshape(features, [-1, self.size])  # whose last dimension is then known

    def _nearness(self, values: Any) -> Any:
        """float32 [n, 5, targets], found in the graph."""
        layout = self.layout
        size = layout.height * layout.width
        cells = values[:, layout.cells : layout.cells + size]
        cells = tf.reshape(cells, [-1, layout.height, layout.width])
        content, danger = cells % 16, cells // 16
        solid, opaque = _is_one_of(content, layout.solid), _is_one_of(content, layout.opaque)
        in_the_way = solid & (content != layout.wall)
        foe = single_cells(values[:, layout.foe_row], values[:, layout.foe_column], layout.height)
        in_line = cells_in_line(
            tf.stack([foe, row_sets(in_the_way & (danger == 0))], axis=2),
            row_sets(~opaque)[..., None],
            tf.fill(tf.shape(values)[:1], LINE)
            if layout.reach is None
            else values[:, layout.reach],
        )
        sets = [foe, row_sets(~solid & (danger == 0))]
        sets += [row_sets(content == thing) for thing in layout.things]
        return nearness(
            tf.concat([tf.stack(sets, axis=2), in_line], axis=2),
            row_sets(~solid)[..., None],
            values[:, layout.own_row],
            values[:, layout.own_column],
        )


class AsSeen:
    """Observations [n, *shape] as they are."""

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        return observations


class FoundWays:
    """Observations uint8 [n, obs_size] -> [n, obs_size + what is found of the ways]: found once
    when something is seen, by the compiled finder, and not again in every update that looks at it.
    """

    def __init__(self, layout: GridLayout):
        self.layout = layout
        self.finder = WaysFinder(
            size=layout.size,
            height=layout.height,
            width=layout.width,
            cells=layout.cells,
            own_row=layout.own_row,
            own_column=layout.own_column,
            foe_row=layout.foe_row,
            foe_column=layout.foe_column,
            reach=-1 if layout.reach is None else layout.reach,
            wall=layout.wall,
            solid=layout.solid,
            opaque=layout.opaque,
            things=layout.things,
            longest=LONGEST,
            line=LINE,
        )
        self.shape = (layout.size + len(PROBES) * self.finder.targets,)

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        found = np.empty((len(observations), len(PROBES), self.finder.targets), np.uint8)
        self.finder.find(np.ascontiguousarray(observations), found)
        return np.concatenate([observations, found.reshape(len(observations), -1)], axis=1)


Preparation = AsSeen | FoundWays


def preparation(facts: GameFacts, config: PolicyConfig) -> Preparation:
    """What is done once with everything that is seen, before it is remembered or decided on."""
    if isinstance(facts, GameSpec) and config.ways:
        return FoundWays(GridLayout.of(facts))
    return AsSeen(facts.observation_shape)


def _is_one_of(content: Any, kinds: tuple[int, ...]) -> Any:
    found = tf.zeros_like(content, tf.bool)
    for kind in kinds:
        found |= content == kind
    return found


# -------------------------------------------------------- sets of cells: bit c of a row, column c

_SETS = tf.TensorSpec([None, None, None], tf.int32)
_NUMBERS = tf.TensorSpec([None], tf.int32)


def row_sets(cells: Any) -> Any:
    """bool [n, height, width] -> int32 [n, height]."""
    weights = np.left_shift(1, np.arange(cells.shape[2])).astype(np.int32)
    return tf.reduce_sum(tf.cast(cells, tf.int32) * weights, axis=2)


def single_cells(row: Any, column: Any, height: int) -> Any:
    """The set of one cell, int32 [n, height]."""
    bit = tf.bitwise.left_shift(tf.ones_like(column), column)
    return tf.cast(tf.range(height) == row[:, None], tf.int32) * bit[:, None]


def _moved(rows: Any) -> tuple[Any, Any, Any, Any]:
    """Sets int32 [n, height, k] with every cell moved up, down, left and right."""
    nothing, one = tf.zeros_like(rows[:, :1]), tf.ones_like(rows)
    return (
        tf.concat([rows[:, 1:], nothing], axis=1),
        tf.concat([nothing, rows[:, :-1]], axis=1),
        tf.bitwise.right_shift(rows, one),
        tf.bitwise.left_shift(rows, one),
    )


def _union(*sets: Any) -> Any:
    result = sets[0]
    for each in sets[1:]:
        result = tf.bitwise.bitwise_or(result, each)
    return result


# Traced once for all networks: it has some hundred operations.
@tf.function(input_signature=[_SETS, _SETS, _NUMBERS], autograph=False)
def cells_in_line(sources: Any, free: Any, reach: Any) -> Any:
    """The sources and the free cells from which one lies straight ahead, with only free cells
    between, at most `reach` cells away.

    sources int32 [n, height, k], free int32 [n, height, 1]; reach int32 [n], at most LINE counts
    """
    lines, result = [sources] * 4, sources
    for step in range(LINE):
        free *= tf.cast(reach > step, tf.int32)[:, None, None]
        lines = [
            tf.bitwise.bitwise_and(_moved(line)[direction], free)
            for direction, line in enumerate(lines)
        ]
        result = _union(result, *lines)
    return result


@tf.function(input_signature=[_SETS, _SETS, _NUMBERS, _NUMBERS], autograph=False)
def nearness(targets: Any, free: Any, row: Any, column: Any) -> Any:
    """float32 [n, 5, k]: how near each target is to each of PROBES around (row, column).

    targets int32 [n, height, k], free int32 [n, height, 1]; row, column int32 [n], inside the
    border (others are moved there).
    """
    row = tf.clip_by_value(row, 1, tf.shape(targets)[1] - 2)
    rows = row[:, None] + np.array([-1, 0, 1], np.int32)
    flood, floods = targets, []
    for _ in range(LONGEST + 1):
        floods.append(tf.gather(flood, rows, batch_dims=1))
        flood = _union(flood, tf.bitwise.bitwise_and(_union(*_moved(flood)), free))
    seen = tf.stack(floods, axis=3)  # [n, 3, k, steps]
    # One bit for each of the steps after which the flood had come; more bits, nearer.
    column = tf.maximum(column, 1)[:, None, None]
    counts = [
        tf.reduce_sum(
            tf.bitwise.bitwise_and(
                tf.bitwise.right_shift(
                    seen[:, 1 + down], tf.zeros_like(seen[:, 0]) + column + right
                ),
                tf.ones_like(seen[:, 0]),
            ),
            axis=2,
        )
        for down, right in PROBES
    ]
    return tf.cast(tf.stack(counts, axis=1), tf.float32) / (LONGEST + 1)
