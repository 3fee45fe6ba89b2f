"""The network of a ghost and how it learns, in NumPy: cross-entropy to what the player did.

A piece of work is one minibatch, a millisecond or two, so that a thread can stop after any of them
and the game beside it loses no frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine_plugin.checks import Checks
from engine_plugin.errors import ConfigError
from engine_plugin.ghost.symmetry import Symmetry

FIRST_DECAY, SECOND_DECAY, SMALLEST = 0.9, 0.999, 1e-8  # of Adam (Kingma & Ba 2015)
Weights = list[np.ndarray]
_expect = Checks(ConfigError)


@dataclass(frozen=True)
class GhostConfig:
    """How a ghost learns. Raises ConfigError.

    steps: minibatches in all, however many examples there are: few are seen oftener
    minibatch: examples a step
    width: units of each of the two hidden layers
    learning_rate: at the start; a cosine leads it down to nothing (Loshchilov & Hutter 2017)
    seed: of the first weights, the order of the examples and the symmetries
    """

    steps: int = 1_400
    minibatch: int = 256
    width: int = 128
    learning_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("steps", 1, 1_000_000),
            ("minibatch", 1, 65_536),
            ("width", 1, 4_096),
            ("seed", 0, (1 << 63) - 1),
        ):
            _expect.whole(name, getattr(self, name), low, high)
        if not 0 < self.learning_rate <= 1:
            raise ConfigError(f"learning_rate: expected 0 to 1, got {self.learning_rate!r}")


def first_weights(inputs: int, width: int, actions: int, random: np.random.Generator) -> Weights:
    """[weights, bias] of three layers, float32 [inputs, outputs] and [outputs]; normal with
    variance 2 / inputs (He et al. 2015), the last layer a tenth of that."""
    sizes = (inputs, width, width, actions)
    weights: Weights = []
    for layer, (size, outputs) in enumerate(pairwise(sizes)):
        deviation = np.sqrt(2 / size) * (0.1 if layer == 2 else 1.0)
        weights.append((random.standard_normal((size, outputs)) * deviation).astype(np.float32))
        weights.append(np.zeros(outputs, np.float32))
    return weights


def logits(weights: Weights, features: np.ndarray) -> np.ndarray:
    """What the model of these weights answers: float32 [n, actions] for features [n, inputs]."""
    hidden = features
    for layer in (0, 2):
        hidden = np.maximum(hidden @ weights[layer] + weights[layer + 1], 0)
    answer: np.ndarray = hidden @ weights[4] + weights[5]
    return answer


def loss_and_gradients(
    weights: Weights, features: np.ndarray, actions: np.ndarray
) -> tuple[float, Weights]:
    """The mean of -log softmax(logits)[action] + log(sum exp logits)² / 2, and its gradients.

    The second term pulls what the cross-entropy leaves free to 0, so that the logits are log
    probabilities themselves. Over all actions, also forbidden ones: what the player never does
    becomes improbable without any filter.

    features float32 [n, inputs], actions int [n]
    """
    rows = np.arange(len(features))
    layers = [features]
    for layer in (0, 2):
        hidden = layers[-1] @ weights[layer]
        hidden += weights[layer + 1]
        np.maximum(hidden, 0, out=hidden)
        layers.append(hidden)
    values = layers[-1] @ weights[4] + weights[5]
    highest = values.max(axis=1, keepdims=True)
    powers = np.exp(values - highest)
    total = powers.sum(axis=1, keepdims=True)
    normaliser = np.log(total) + highest
    loss = float((normaliser[:, 0] - values[rows, actions] + normaliser[:, 0] ** 2 / 2).mean())
    # d/dv_a: (1 + log sum exp) softmax_a - [a demonstrated]
    slope = powers / total * (1 + normaliser)
    slope[rows, actions] -= 1
    slope /= len(features)
    gradients: Weights = []
    for layer in (4, 2, 0):
        below = layers[layer // 2]
        gradients[:0] = [below.T @ slope, slope.sum(axis=0)]
        if layer:
            slope = slope @ weights[layer].T
            slope *= below > 0
    return loss, gradients


class Adam:
    """Adam on a list of arrays, in place."""

    def __init__(self, weights: Weights):
        self._weights = weights
        self._first = [np.zeros_like(array) for array in weights]
        self._second = [np.zeros_like(array) for array in weights]
        self._steps = 0

    def step(self, gradients: Weights, learning_rate: float) -> None:
        self._steps += 1
        # Both corrections for the zeros that the averages begin with.
        rate = learning_rate * np.sqrt(1 - SECOND_DECAY**self._steps)
        rate = np.float32(rate / (1 - FIRST_DECAY**self._steps))
        for array, gradient, first, second in zip(
            self._weights, gradients, self._first, self._second, strict=True
        ):
            first *= FIRST_DECAY
            first += (1 - FIRST_DECAY) * gradient
            second *= SECOND_DECAY
            second += (1 - SECOND_DECAY) * np.square(gradient)
            array -= rate * first / (np.sqrt(second) + SMALLEST)


class Clone:
    """Learns the examples: features float32 [n, inputs], actions uint8 [n].

    weights: as they stand now; `pieces` moves them
    """

    def __init__(
        self,
        features: np.ndarray,
        actions: np.ndarray,
        action_count: int,
        symmetries: Sequence[Symmetry],
        config: GhostConfig,
    ):
        self._features = features
        self._actions = actions.astype(np.int64)
        self._symmetries = symmetries
        self._config = config
        self._random = np.random.default_rng(config.seed)
        self.weights = first_weights(
            features.shape[1], config.width, action_count, self._random
        )

    def pieces(self) -> Iterator[float]:
        """Learn, one minibatch after the other; yields the share that is done."""
        config, count = self._config, len(self._actions)
        optimiser = Adam(self.weights)
        batches = max(1, count // config.minibatch)  # of one pass through the examples
        for done in range(config.steps):
            if done % batches == 0:
                order = self._random.permutation(count)
            start = done % batches * config.minibatch
            rate = config.learning_rate * (1 + np.cos(np.pi * done / config.steps)) / 2
            optimiser.step(self._gradients(order[start : start + config.minibatch]), rate)
            yield (done + 1) / config.steps

    def _gradients(self, rows: np.ndarray) -> Weights:
        """Of one minibatch, the game shown under one of its symmetries."""
        symmetry = self._symmetries[int(self._random.integers(len(self._symmetries)))]
        shown = [symmetry.on_weights(self.weights[0]), *self.weights[1:]]
        actions = symmetry.action_places[self._actions[rows]]
        _, gradients = loss_and_gradients(shown, self._features[rows], actions)
        gradients[0] = symmetry.gradient_of_weights(gradients[0])
        return gradients
