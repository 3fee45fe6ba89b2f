"""From values to actions: what plays in training, in validation and before an export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.health import DecisionTally
from engine_plugin.learn.stopping import StoppedError, StopRequest


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


class Values:
    """A network's values for N rows that go on from call to call; what it remembers of each row is
    kept here.

    act: (observations, allowed) -> values, or with a state of `state_size` numbers a row
        (observations, allowed, state) -> (values, next state)
    state: float32 [n, state_size] before the next call; None before the first
    """

    def __init__(self, act: Callable[..., Any], state_size: int = 0):
        self._act = act
        self.state_size = state_size
        self.state: np.ndarray | None = None

    def __call__(self, observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """Values float32 [n, actions]; -1e9 where an action is not allowed."""
        if not self.state_size:
            values: np.ndarray = self._act(observations, allowed).numpy()
            return values
        values, state = self._act(observations, allowed, self.state_of(len(observations)))
        self.state = np.array(state)
        return np.asarray(values)

    def state_of(self, count: int) -> np.ndarray:
        """The state of `count` rows, zeros at first."""
        if self.state is None:
            self.state = np.zeros((count, self.state_size), np.float32)
        return self.state

    def forget(self, ended: np.ndarray) -> None:
        """Start the rows anew where `ended`, bool [n]."""
        if self.state is not None:
            self.state[ended] = 0


class Actor:
    """A network as a PolicyFunction that decides as the exported model will; one for each set of
    episodes, because it remembers them. A tally counts how it decides."""

    def __init__(
        self,
        values: Values,
        config: PolicyConfig,
        seed: int,
        tally: DecisionTally | None = None,
        prepare: Callable[[np.ndarray], np.ndarray] | None = None,
        stop: StopRequest | None = None,
    ):
        """prepare: what is done with observations first, see learn/ways.py; stop: once it is asked,
        StoppedError is raised in place of a decision"""
        self._values = values
        self._tally = tally
        self._prepare = prepare
        self._stop = stop
        self._temperature = config.play_temperature if config.policy == "soft" else 0.0
        self._random = np.random.default_rng(seed)

    def __call__(self, observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        if self._stop is not None and self._stop.asked:
            raise StoppedError
        if self._prepare is not None:
            observations = self._prepare(observations)
        values = self._values(observations, allowed)
        actions = values_to_actions(values, allowed, self._temperature, self._random)
        if self._tally is not None:
            self._tally.note(values / (self._temperature or 1.0), allowed, actions)
        return actions

    def forget(self, ended: np.ndarray) -> None:
        """Others have begun in the rows whose episode has ended, bool [n]."""
        self._values.forget(ended)
