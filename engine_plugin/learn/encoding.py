"""How a grid observation becomes network input: a window around the player, as features.

The player is always in the middle, so that what is learned in one place holds in all. A symmetry of
the board (a flip, a transposition) is a permutation of the window and of the actions: augmentation
costs no more than another index table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from engine_plugin.grid import (
    PROBE_NAMES,
    SYMMETRIES,
    GridLayout,
    action_permutations,
    cell_table,
    window_offsets,
)
from engine_plugin.learn.ways import Ways


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
        turned = window_offsets(side)
        # NumPy arrays, which become constants of whatever graph is traced; a captured tensor would
        # become an input of the exported one.
        self.offsets = turned[..., 0] * self.padded_width + turned[..., 1]
        self.matrices = SYMMETRIES.astype(np.float32)
        self.table = cell_table(layout.contents)
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
