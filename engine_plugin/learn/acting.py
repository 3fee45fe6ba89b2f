"""From values to actions: what plays in training, in validation and before an export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.health import DecisionTally


def values_to_actions(
    values: np.ndarray,
    allowed: np.ndarray,
    temperature: float = 0.0,
    random: np.random.Generator | None = None,
) -> np.ndarray:
    """The best allowed action of each row, uint8 [n]; with a temperature, a sample of
    softmax(values / temperature): the argmax of values with Gumbel noise.

    values float32 [n, actions], allowed uint8 [n, actions]
    """
    if temperature and random is not None:
        values = values / temperature + random.gumbel(size=values.shape)
    actions: np.ndarray = np.where(allowed > 0, values, -np.inf).argmax(axis=1)
    return actions.astype(np.uint8)


class Actor:
    """A network as a PolicyFunction that decides as the exported model will; a tally counts how."""

    def __init__(
        self,
        act: Callable[[Any, Any], Any],
        config: PolicyConfig,
        seed: int,
        tally: DecisionTally | None = None,
    ):
        self._act = act
        self._tally = tally
        self._temperature = config.play_temperature if config.policy == "soft" else 0.0
        self._random = np.random.default_rng(seed)

    def __call__(self, observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        values = self._act(observations, allowed).numpy()
        actions = values_to_actions(values, allowed, self._temperature, self._random)
        if self._tally is not None:
            self._tally.note(values / (self._temperature or 1.0), allowed, actions)
        return actions
