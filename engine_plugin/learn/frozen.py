"""Frozen copies of a Q-network that decide together, each for its own rows.

One call of one graph however many copies there are: the rows are encoded at once, sorted to their
copies, padded to equal numbers, and go through stacked weights. What that saves beside calling the
copies one by one, tests/benchmarks/pool.py measures.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from engine_plugin.errors import ConfigError
from engine_plugin.facts import GameFacts
from engine_plugin.learn.networks import DQN
from engine_plugin.learn.ways import Preparation


class FrozenNetworks:
    """Copies of `network` in numbered slots; see `opponents.Frozen`."""

    def __init__(self, network: DQN, facts: GameFacts, slots: int, prepare: Preparation):
        """network: built, of this game; slots: most copies."""
        self.network, self.facts, self.slots, self.prepare = network, facts, slots, prepare
        self.filled = 0
        # One variable [slots, *shape] for each of the network's; made when first needed.
        self._stacks: list[Any] = []
        self._graph: Any = None

    def keep(self, slot: int) -> None:
        """Copy the network's weights into a slot: an old one, or the next."""
        self._prepare()
        for stack, variable in zip(self._stacks, self.network.trainable_variables, strict=True):
            stack[slot].assign(variable.value)
        self.filled = max(self.filled, slot + 1)

    def values(self, slots: np.ndarray, observations: np.ndarray) -> np.ndarray:
        """Values of observations uint8 [n, obs_size] by the copies in `slots`, int [n]: float32
        [n, actions]."""
        order = np.argsort(slots, kind="stable")
        counts = np.bincount(slots, minlength=self.slots)
        starts = np.cumsum(counts) - counts
        place = np.arange(len(slots)) - np.repeat(starts, counts)
        # Which row stands in which place of its copy's; places left over repeat row 0.
        rows = np.zeros((self.slots, int(counts.max())), np.int32)
        rows[slots[order], place] = order
        prepared = self.prepare(observations)
        padded = self._graph(tf.constant(prepared), tf.constant(rows)).numpy()
        values = np.empty((len(slots), padded.shape[2]), np.float32)
        values[order] = padded[slots[order], place]
        return values

    def save_state(self) -> dict[str, np.ndarray]:
        return {
            f"{number:03d}": stack.numpy()[: self.filled]
            for number, stack in enumerate(self._stacks)
        }

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Raises ConfigError where the weights are of another network."""
        if not state:
            return
        self._prepare()
        saved = [state[name] for name in sorted(state)]
        filled = len(saved[0])
        expected = [(filled, *stack.shape[1:]) for stack in self._stacks]
        if [array.shape for array in saved] != expected or filled > self.slots:
            raise ConfigError(
                "the checkpoint's frozen policies are of another network; resume with the settings "
                "in run.json"
            )
        for stack, array in zip(self._stacks, saved, strict=True):
            stack[:filled].assign(array)
        self.filled = filled

    def _prepare(self) -> None:
        if self._stacks:
            return
        self._stacks = [
            tf.Variable(tf.zeros([self.slots, *variable.shape]), trainable=False)
            for variable in self.network.trainable_variables
        ]
        signature = (
            tf.TensorSpec((None, *self.prepare.shape), self.facts.observation_dtype),
            tf.TensorSpec((self.slots, None), tf.int32),
        )
        function = tf.function(self._values_graph, signature, autograph=False)
        # Without the checks that come before: they take longer than the graph.
        self._graph = function.get_concrete_function()

    def _values_graph(self, observations: Any, rows: Any) -> Any:
        """rows int32 [slots, most]: -> float32 [slots, most, actions]."""
        # An encoder has one part or two; the second is None of games brought along.
        parts = [part for part in self.network.encoder(observations) if part is not None]

        def of_one_copy(arguments: Any) -> Any:
            own_weights, own_parts = arguments
            mapping = list(zip(self.network.trainable_variables, own_weights, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return self.network.judge(*own_parts, *[None] * (2 - len(own_parts)))

        weights = [stack.read_value() for stack in self._stacks]
        return tf.vectorized_map(of_one_copy, (weights, [tf.gather(part, rows) for part in parts]))
