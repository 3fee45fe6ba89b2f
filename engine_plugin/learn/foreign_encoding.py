"""How the observation of a game brought along becomes network input; all of it is in the graph.

Every encoder maps observations [n, *observation_shape] to (main float32 [n, ...], None): as the
window encoder of our games does, whose second part is a vector that these have no use for.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from engine_plugin.facts import ForeignGame

INPUT_LIMIT = 10.0  # of normalised numbers, in standard deviations
SMALLEST_DEVIATION = 1e-3


class VectorEncoder(keras.layers.Layer):
    """Numbers in units of their standard deviation from their mean, limited to ±10.

    mean, deviation float32 [size] are weights that no gradient moves: `set_scale` writes them from
    what was played, checkpoints keep them, and the exported graph holds them as constants.
    """

    def __init__(self, size: int):
        super().__init__(name="scale")
        self.mean = self.add_weight(
            shape=(size,), initializer="zeros", trainable=False, name="mean"
        )
        self.deviation = self.add_weight(
            shape=(size,), initializer="ones", trainable=False, name="deviation"
        )

    def call(self, observations: Any, symmetry: Any = None) -> tuple[Any, None]:
        values = (tf.cast(observations, tf.float32) - self.mean) / self.deviation
        return tf.clip_by_value(values, -INPUT_LIMIT, INPUT_LIMIT), None

    def set_scale(self, mean: np.ndarray, deviation: np.ndarray) -> None:
        """Normalise by these, float [size] each; what never varied is only shifted."""
        self.mean.assign(mean)
        self.deviation.assign(np.where(deviation > SMALLEST_DEVIATION, deviation, 1.0))


class ImageEncoder:
    """Images [n, height, width, channels]; bytes that go beyond 1 become 0 to 1."""

    def __init__(self, highest: float):
        self.factor = 1 / max(highest, 1.0)

    def __call__(self, observations: Any, symmetry: Any = None) -> tuple[Any, None]:
        return tf.cast(observations, tf.float32) * self.factor, None


class CategoryEncoder:
    """Ids [n, size] as one-hot vectors beside each other; an id out of range is all zeros."""

    def __init__(self, categories: tuple[int, ...]):
        self.categories = categories

    def __call__(self, observations: Any, symmetry: Any = None) -> tuple[Any, None]:
        ids = tf.cast(observations, tf.int32)
        hot = [tf.one_hot(ids[:, place], count) for place, count in enumerate(self.categories)]
        return tf.concat(hot, axis=1), None


def foreign_encoder(facts: ForeignGame) -> VectorEncoder | ImageEncoder | CategoryEncoder:
    if facts.kind == "image":
        return ImageEncoder(facts.fields[0].high or 1.0)
    if facts.kind == "categories":
        return CategoryEncoder(facts.categories)
    return VectorEncoder(facts.observation_shape[0])


class RunningScale:
    """Mean and deviation of all that was ever shown to it (Chan et al. 1979), in doubles."""

    def __init__(self, size: int):
        self.count = 0.0
        self.mean = np.zeros(size)
        self.squares = np.zeros(size)  # sum of squared distances from the mean

    def add(self, observations: np.ndarray) -> None:
        """Take in observations [n, size]."""
        shown = observations.astype(np.float64)
        count, mean = len(shown), shown.mean(axis=0)
        total = self.count + count
        apart = mean - self.mean
        self.squares += ((shown - mean) ** 2).sum(axis=0)
        self.squares += apart**2 * self.count * count / total
        self.mean += apart * count / total
        self.count = total

    @property
    def deviation(self) -> np.ndarray:
        return np.sqrt(self.squares / max(self.count, 1.0))

    def save_state(self) -> dict[str, np.ndarray]:
        return {"count": np.array(self.count), "mean": self.mean, "squares": self.squares}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        self.count = float(state["count"])
        self.mean, self.squares = state["mean"].copy(), state["squares"].copy()
