"""A game file that cannot be edited, as a Gymnasium env."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from engine_plugin.bridge.actions import Actions
from engine_plugin.bridge.actor import PATIENCE, Actor
from engine_plugin.bridge.job import Job
from engine_plugin.errors import ConfigError

Observation = np.ndarray


def drive(
    game: str | Path,
    *,
    keys: Mapping[str, Iterable[int]],
    see: Mapping[str, str],
    score: str = "0",
    over: str = "False",
    restart: str = "",
    arena: tuple[float, float, float, float] | None = None,
    every: int = 6,
    nearest: int | Mapping[str, int] = 4,
    max_frames: int = 7_200,
    drawing: bool = False,
    patience: float = PATIENCE,
) -> DrivenEnv:
    """A game's file as a Gymnasium env: it runs unchanged, in virtual time, as its own process.

        env = drive("pong.py", keys={"stay": [], "up": [pygame.K_UP], "down": [pygame.K_DOWN]},
                    see={"me": "paddle.rect", "ball": "ball.rect", "speed": "ball.velocity"},
                    score="points", over="lives == 0")

    see, score, over, restart: Python expressions about the game's own names, see `driven.py`; a
        round that the game ends by exiting is over as well; without restart each is a fresh process
    arena: (left, top, width, height), without it the screen; the others as in `Seat`

    Raises ConfigError here; GameLoopError in `reset` and `step` where the game does what it must
    not.
    """
    actions = Actions.declared(keys)
    path = Path(game).resolve()
    if not path.is_file():
        raise ConfigError(f"expected a game file, got {game}")
    facts = {
        "name": path.stem,
        "keys": {
            name: sorted(held) for name, held in zip(actions.names, actions.keys, strict=True)
        },
        "see": dict(see),
        "score": score,
        "over": over,
        "restart": restart,
        "arena": list(arena) if arena is not None else None,
        "every": every,
        "nearest": nearest if isinstance(nearest, int) else dict(nearest),
    }
    job = Job("act", str(path), drive=facts, max_frames=max_frames, drawing=drawing)
    return DrivenEnv(job, patience)


class DrivenEnv(gymnasium.Env[Observation, np.int64]):
    """One running game; `drive` makes one.

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
        elif self._first is None and not self._has_ended:
            self._rounds += 1
            self._start()
        shown, self._first = self._first, None
        self._has_ended = False
        return self._receive() if shown is None else shown, {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        if self._actor is None or self._has_ended:
            raise gymnasium.error.ResetNeeded("the round is over; call reset")
        self._first = None
        self._actor.answer(int(action))
        seen = self._actor.receive()
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

    def _receive(self) -> Observation:
        assert self._actor is not None
        return self._actor.receive().values


def _bound(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
