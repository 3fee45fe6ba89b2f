"""How a ghost learns: cross-entropy to what its player did, one minibatch after the other.

A minibatch takes a millisecond or two, so that a thread can stop after any of them and the game
beside it loses no frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine_plugin.checks import Checks
from engine_plugin.errors import ConfigError
from engine_plugin.ghost.network import Gradients, Weights, first_weights
from engine_plugin.ghost.symmetry import Symmetry

FIRST_DECAY, SECOND_DECAY, SMALLEST = 0.9, 0.999, 1e-8  # of Adam (Kingma & Ba 2015)
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
        _expect(
            0 < self.learning_rate <= 1,
            f"learning_rate: expected above 0 and at most 1, got {self.learning_rate!r}",
        )


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
        inputs = features.shape[1]
        self._features = features
        self._actions = actions.astype(np.int64)
        self._symmetries = symmetries
        self._config = config
        self._random = np.random.default_rng(config.seed)
        self._gradients = Gradients(inputs, config.width, action_count)
        self.weights = first_weights(inputs, config.width, action_count, self._random)

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
            optimiser.step(self._learned_from(order[start : start + config.minibatch]), rate)
            yield (done + 1) / config.steps

    def _learned_from(self, rows: np.ndarray) -> Weights:
        """The gradients of one minibatch, the game shown under one of its symmetries."""
        symmetry = self._symmetries[int(self._random.integers(len(self._symmetries)))]
        shown = [symmetry.on_weights(self.weights[0]), *self.weights[1:]]
        actions = symmetry.action_places[self._actions[rows]]
        _, gradients = self._gradients(shown, self._features[rows], actions)
        gradients[0] = symmetry.gradient_of_weights(gradients[0])
        return gradients
