"""The two networks of the level GAN: `Generator` makes levels, `LevelCritic` judges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from engine_plugin.runtime.constraints import partner_cells, partner_tiles

# What the fixed tile of the border is ahead of every other in its logits.
_BORDER_LEAD = 30.0
_EXACT_TILE_WEIGHT = 4.0


@dataclass(frozen=True)
class LevelShape:
    """What the networks need to know of a game.

    height, width: level size in tiles
    tile_names: in tile id order
    constraints: as in a generator's card
    symmetries: one condition column each, in this order, after `crates`
    crate_range: lowest and highest crate share that can be asked for
    """

    height: int
    width: int
    tile_names: tuple[str, ...]
    constraints: dict[str, Any]
    symmetries: tuple[str, ...]
    crate_range: tuple[float, float]

    @property
    def condition_size(self) -> int:
        return 1 + len(self.symmetries)


class Generator(keras.Model):
    """(latent [batch, z], condition [batch, c]) -> tile logits [batch, height, width, tiles].

    The border is fixed where the game has one, and a level asked to be symmetric has symmetric
    logits: the network's first half is copied onto the second.
    """

    def __init__(self, shape: LevelShape, channels: int, seed: int) -> None:
        super().__init__(name="generator")
        self.shape = shape
        seeds = keras.random.SeedGenerator(seed)
        self.border = 1 if shape.constraints.get("border") else 0
        self.inside = (shape.height - 2 * self.border, shape.width - 2 * self.border)
        self.coarse = ((self.inside[0] + 1) // 2, (self.inside[1] + 1) // 2)

        def convolution(filters: int, size: int = 3) -> keras.layers.Conv2D:
            start = keras.initializers.GlorotUniform(seed=seeds)
            return keras.layers.Conv2D(filters, size, padding="same", kernel_initializer=start)

        self.seed_map = keras.layers.Dense(
            self.coarse[0] * self.coarse[1] * channels,
            kernel_initializer=keras.initializers.GlorotUniform(seed=seeds),
        )
        self.coarse_convolution = convolution(channels)
        self.position = self.add_weight(
            name="position", shape=(1, *self.inside, channels), initializer="zeros"
        )
        self.first_convolution = convolution(channels)
        self.second_convolution = convolution(channels)
        self.to_logits = convolution(len(shape.tile_names), 1)
        self._prepare_symmetries()

    def call(self, latent: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        low, high = self.shape.crate_range
        crates = (condition[:, :1] - low) * (2 / (high - low)) - 1
        asked = tf.concat([crates, condition[:, 1:]], 1)
        x = self.seed_map(tf.concat([latent, asked], 1))
        x = tf.nn.leaky_relu(tf.reshape(x, (-1, *self.coarse, self.position.shape[-1])), 0.2)
        x = tf.nn.leaky_relu(self.coarse_convolution(x), 0.2)
        x = tf.repeat(tf.repeat(x, 2, 1), 2, 2)[:, : self.inside[0], : self.inside[1]]
        x = x + self.position
        x = tf.nn.leaky_relu(self.first_convolution(x), 0.2)
        x = x + tf.nn.leaky_relu(self.second_convolution(x), 0.2)
        return self.symmetrize(self._with_border(self.to_logits(x)), condition)

    def symmetrize(self, values: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        """Copy the first half of [batch, height, width, tiles] as each condition asks."""
        height, width, tiles = self.shape.height, self.shape.width, len(self.shape.tile_names)
        flat = tf.reshape(values, (-1, height * width, tiles))
        swapped = tf.gather(flat, self._swap, axis=2)
        result = tf.zeros_like(flat)
        for index, (cells, keep) in enumerate(self._copies, start=1):
            copied = flat * keep + tf.gather(swapped, cells, axis=1) * (1 - keep)
            result += condition[:, index, None, None] * copied
        return tf.reshape(result, (-1, height, width, tiles))

    def _prepare_symmetries(self) -> None:
        shape = self.shape
        self._swap = partner_tiles(shape.tile_names, shape.constraints).astype(np.int32)
        self._copies = []
        for symmetry in shape.symmetries:
            cells = partner_cells(shape.height, shape.width, symmetry)
            keep = (cells >= np.arange(len(cells))).astype(np.float32)[None, :, None]
            self._copies.append((cells.astype(np.int32), keep))

    def _with_border(self, logits: tf.Tensor) -> tf.Tensor:
        if not self.border:
            return logits
        fixed = self.shape.tile_names.index(self.shape.constraints["border"])
        lead = np.full(len(self.shape.tile_names), -_BORDER_LEAD, np.float32)
        lead[fixed] = 0
        # Padded with zeros, so that adding the lead on the ring makes the border certain.
        ring = np.ones((1, self.shape.height, self.shape.width, 1), np.float32)
        ring[:, 1:-1, 1:-1] = 0
        return tf.pad(logits, ((0, 0), (1, 1), (1, 1), (0, 0))) + ring * lead


class LevelCritic(keras.Model):
    """(levels [batch, height, width, tiles], condition [batch, c]) -> logit [batch]; high = corpus.

    levels: one-hot tiles. Tiles that must occur an exact number of times, and so are rare but
    decide a level, weigh more: a critic of bounded slope could hardly see them otherwise.
    With `spectral`, every layer is divided by its largest singular value, which bounds the slope
    of the critic (Miyato et al. 2018, arXiv 1802.05957).
    """

    def __init__(self, shape: LevelShape, channels: int, spectral: bool, seed: int) -> None:
        super().__init__(name="level_critic")
        exact = dict(shape.constraints.get("exactly", ()))
        self._weights = np.array(
            [_EXACT_TILE_WEIGHT if name in exact else 1 for name in shape.tile_names], np.float32
        )
        seeds = keras.random.SeedGenerator(seed)

        def bounded(layer: keras.layers.Layer) -> keras.layers.Layer:
            return keras.layers.SpectralNormalization(layer) if spectral else layer

        def convolution(filters: int, size: int, stride: int) -> keras.layers.Layer:
            start = keras.initializers.GlorotUniform(seed=seeds)
            return bounded(
                keras.layers.Conv2D(filters, size, stride, padding="same", kernel_initializer=start)
            )

        def dense(units: int) -> keras.layers.Layer:
            start = keras.initializers.GlorotUniform(seed=seeds)
            return bounded(keras.layers.Dense(units, kernel_initializer=start))

        self.convolutions: Sequence[keras.layers.Layer] = [
            convolution(channels, 3, 1),
            convolution(channels * 3 // 2, 4, 2),
            convolution(channels * 2, 3, 2),
        ]
        self.hidden = dense(channels * 2)
        self.judgement = dense(1)

    def call(self, levels: tf.Tensor, condition: tf.Tensor, training: bool = False) -> tf.Tensor:
        shape = tf.shape(levels)
        levels = levels * self._weights
        asked = tf.broadcast_to(
            condition[:, None, None, :], tf.concat([shape[:3], tf.shape(condition)[1:]], 0)
        )
        x = tf.concat([levels, asked], 3)
        for convolution in self.convolutions:
            x = tf.nn.leaky_relu(convolution(x, training=training), 0.2)
        x = tf.reshape(x, (shape[0], x.shape[1] * x.shape[2] * x.shape[3]))
        counts = tf.reduce_sum(levels, (1, 2)) / 4
        x = tf.concat([x, counts, condition, batch_deviation(x)], 1)
        x = tf.nn.leaky_relu(self.hidden(x, training=training), 0.2)
        return self.judgement(x, training=training)[:, 0]


def batch_deviation(features: tf.Tensor) -> tf.Tensor:
    """How much a batch [n, features] varies, told to each of its members: [n, 1].

    A generator that makes one level only gives itself away by it (Karras et al. 2017).
    """
    deviation = tf.sqrt(tf.math.reduce_variance(features, 0) + 1e-6)
    return tf.fill((tf.shape(features)[0], 1), tf.reduce_mean(deviation))
