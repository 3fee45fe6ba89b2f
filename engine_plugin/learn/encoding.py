"""How a grid observation becomes network input: a window around the player, as features.

The player is always in the middle, so that what is learned in one place holds in all. A symmetry of
the board (a flip, a transposition) is a permutation of the window and of the actions: augmentation
costs no more than another index table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from engine_plugin.learn.ways import PROBE_NAMES, Ways
from fastenv import GameSpec

DANGER_TICKS = 8  # values of the high four bits of a cell, 0 excluded
DANGER_FEATURES = 3


def _cell_table(contents: int) -> np.ndarray:
    """float32 [256, contents - 1 + 3]: the features of every cell byte, of whose low four bits
    there are `contents` values: one-hot content (floor is none of them), threatened, how soon, next
    tick."""
    table = np.zeros((256, contents - 1 + DANGER_FEATURES), np.float32)
    for value in range(256):
        content, danger = value & 15, value >> 4
        if 0 < content < contents:
            table[value, content - 1] = 1
        if danger:
            table[value, contents - 1 :] = (
                1,
                (DANGER_TICKS + 1 - danger) / DANGER_TICKS,
                danger == 1,
            )
    return table


# The eight symmetries as integer matrices on (row, column) offsets: flips first, then transposed.
SYMMETRIES = np.array(
    [[[r, 0], [0, c]] for r in (1, -1) for c in (1, -1)]
    + [[[0, r], [c, 0]] for r in (1, -1) for c in (1, -1)],
    np.int32,
)
STEPS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


def action_permutations(actions: tuple[str, ...]) -> np.ndarray:
    """int32 [8, actions]: the place of each action after each symmetry; others stay themselves."""
    table = np.tile(np.arange(len(actions), dtype=np.int32), (len(SYMMETRIES), 1))
    names = {step: name for name, step in STEPS.items()}
    for index, matrix in enumerate(SYMMETRIES):
        for name, step in STEPS.items():
            row, column = (int(value) for value in matrix @ np.array(step))
            table[index, actions.index(name)] = actions.index(names[(row, column)])
    return table


@dataclass(frozen=True)
class GridLayout:
    """Where the parts of a grid game's observation are, read from its spec."""

    height: int
    width: int
    cells: int
    own_column: int
    own_row: int
    foe_column: int
    foe_row: int
    contents: int
    wall: int
    solid: tuple[int, ...]
    opaque: tuple[int, ...]
    reach: int | None
    scalars: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, spec: GameSpec) -> GridLayout:
        """Offsets in the flat observation, how many kinds of content a cell can have, which is the
        wall that lies around the board, which are solid and opaque. `reach`: offset of how far the
        player's bombs reach, None in games without; `scalars`: (offset, scale) of what is neither
        the grid nor a position nor the seat."""
        positions = ("cells", "own_column", "own_row", "foe_column", "foe_row", "seat")
        return cls(
            height=spec.height,
            width=spec.width,
            cells=spec.offset("cells"),
            own_column=spec.offset("own_column"),
            own_row=spec.offset("own_row"),
            foe_column=spec.offset("foe_column"),
            foe_row=spec.offset("foe_row"),
            contents=len(spec.contents),
            wall=spec.content_id("wall"),
            solid=spec.contents_that_are("solid"),
            opaque=spec.contents_that_are("opaque"),
            reach=spec.offset("own_range") if spec.has_field("own_range") else None,
            scalars=tuple(
                (spec.offset(field.name), 1 / max(field.high, 1))
                for field in spec.observation
                if field.name not in positions
            ),
        )


class WindowEncoder:
    """uint8 observations [n, obs_size] -> window float32 [n, side, side, channels] and vector
    float32 [n, scalars]; `absolute`: whether the vector tells where on the board the player is;
    `with_ways`: whether it tells how near things are on foot."""

    def __init__(
        self, layout: GridLayout, side: int, absolute: bool = True, with_ways: bool = True
    ):
        self.layout = layout
        self.side = side
        self.absolute = absolute
        reach = side // 2
        self.pad = reach
        self.padded_width = layout.width + 2 * reach
        offsets = np.array(
            [
                (row, column)
                for row in range(-reach, reach + 1)
                for column in range(-reach, reach + 1)
            ],
            np.int32,
        )
        # Entry i of the transformed window shows what lies at matrix^-1 @ offset_i.
        turned = np.stack([offsets @ matrix for matrix in SYMMETRIES])
        # NumPy arrays, which become constants of whatever graph is traced; a captured tensor would
        # become an input of the exported one.
        self.offsets = turned[..., 0] * self.padded_width + turned[..., 1]
        self.matrices = SYMMETRIES.astype(np.float32)
        self.table = _cell_table(layout.contents)
        self.channels = self.table.shape[1] + 1
        self.ways = Ways(layout, action_permutations(PROBE_NAMES)) if with_ways else None

    @property
    def vector_size(self) -> int:
        size = len(self.layout.scalars) + 2 + (2 if self.absolute else 0)
        return size + (self.ways.size if self.ways else 0)

    def __call__(self, observations: Any, symmetry: Any = None) -> tuple[Any, Any]:
        """symmetry int32 [n]: which of the eight each row is shown under; None: as it is."""
        layout = self.layout
        values = tf.cast(observations, tf.int32)
        count = tf.shape(values)[0]
        cells = tf.reshape(
            values[:, layout.cells : layout.cells + layout.height * layout.width],
            [count, layout.height, layout.width],
        )
        padding = [[0, 0], [self.pad, self.pad], [self.pad, self.pad]]
        cells = tf.reshape(
            tf.pad(cells, padding, constant_values=layout.wall),
            [count, (layout.height + 2 * self.pad) * self.padded_width],
        )
        own_row, own_column = values[:, layout.own_row], values[:, layout.own_column]
        foe_row, foe_column = values[:, layout.foe_row], values[:, layout.foe_column]
        middle = (own_row + self.pad) * self.padded_width + own_column + self.pad
        foe = (foe_row + self.pad) * self.padded_width + foe_column + self.pad
        if symmetry is None:
            places = middle[:, None] + self.offsets[:1]
        else:
            places = middle[:, None] + tf.gather(self.offsets, symmetry)
        window = tf.gather(cells, places, batch_dims=1)
        features = tf.gather(self.table, window)
        foe_plane = tf.cast(tf.equal(places, foe[:, None]), tf.float32)[..., None]
        window = tf.concat([features, foe_plane], axis=-1)
        window = tf.reshape(window, [count, self.side, self.side, self.channels])
        to_foe = tf.stack([foe_row - own_row, foe_column - own_column], axis=1)
        pairs = [tf.cast(to_foe, tf.float32) / 8]
        if self.absolute:
            to_centre = tf.stack(
                [layout.height // 2 - own_row, layout.width // 2 - own_column], axis=1
            )
            pairs.append(tf.cast(to_centre, tf.float32) / 5)
        if symmetry is not None:
            matrix = tf.gather(self.matrices, symmetry)
            pairs = [tf.linalg.matvec(matrix, pair) for pair in pairs]
        scalars = [
            tf.cast(values[:, offset], tf.float32)[:, None] * scale
            for offset, scale in layout.scalars
        ]
        ways = [self.ways(values, symmetry)] if self.ways else []
        return window, tf.concat(pairs + scalars + ways, axis=1)
