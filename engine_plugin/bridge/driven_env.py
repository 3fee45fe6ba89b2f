"""The Gymnasium env of a game file that cannot be edited; `drive` makes one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from engine_plugin.bridge.actor import Actor
from engine_plugin.bridge.job import Job
from engine_plugin.bridge.wire import Seen
from engine_plugin.errors import GameLoopError

Observation = np.ndarray


class DrivenEnv(gymnasium.Env[Observation, np.int64]):
    """One running game.

    Observations are float32 [values] with the ranges that are known, actions the declared ones by
    their index; `facts` names both.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  as Gymnasium declares it

    def __init__(self, job: Job, patience: float) -> None:
        self._job, self._patience = job, patience
        self._rounds = 0
        self._actor: Actor | None = None
        self._has_ended = False
        actor = self._start()
        first = actor.receive()
        assert actor.hello is not None
        self.facts = actor.hello.facts
        self._first: Observation | None = first.values
        fields = [field for field in self.facts.fields for _ in range(field.size)]
        low = np.array([_bound(field.low, -np.inf) for field in fields], np.float32)
        high = np.array([_bound(field.high, np.inf) for field in fields], np.float32)
        self.observation_space = spaces.Box(low, high, dtype=np.float32)
        self.action_space = spaces.Discrete(len(self.facts.actions))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a round: the first of the seed's, or the one after the last."""
        super().reset(seed=seed)
        if seed is not None:
            self._job, self._rounds, self._first = replace(self._job, streams=(seed,)), 0, None
            self._start()
        elif self._actor is None or (self._first is None and not self._has_ended):
            self._rounds += 1
            self._start()
        shown, self._first = self._first, None
        self._has_ended = False
        return self._receive().values if shown is None else shown, {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        if self._actor is None or self._has_ended:
            raise gymnasium.error.ResetNeeded("the round is over; call reset")
        number = int(action)
        names = self.facts.actions
        if not 0 <= number < len(names):
            raise gymnasium.error.InvalidAction(
                f"expected an action from 0 to {len(names) - 1}, {', '.join(names)}; got {action!r}"
            )
        self._first = None
        self._actor.answer(number)
        seen = self._receive()
        if seen.terminated or seen.truncated:
            self._has_ended = True
            self._rounds += 1
        return seen.values, float(seen.reward), seen.terminated, seen.truncated, {}

    def close(self) -> None:
        if self._actor is not None:
            self._actor.close()
            self._actor = None

    def _start(self) -> Actor:
        self.close()
        self._actor = Actor(replace(self._job, first_round=self._rounds), self._patience)
        return self._actor

    def _receive(self) -> Seen:
        """What the game shows next. After an error there is none until it is reset."""
        assert self._actor is not None
        try:
            return self._actor.receive()
        except GameLoopError:
            self._actor = None  # it has closed itself
            raise


def _bound(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
