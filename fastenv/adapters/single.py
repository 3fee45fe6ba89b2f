"""One env of a batch, spoken to as one game: what both adapters stand on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, SupportsInt

import gymnasium
import numpy as np
from numpy.typing import NDArray

import fastenv


class SingleEnv:
    """A game that is seeded by its first reset, steps one tick at a time and hands out copies."""

    def __init__(self, game: str, levels: Sequence[fastenv.Level] | None):
        """game: name of the game; levels: to start on by chance, None means built-in ones."""
        self._batch = fastenv.make_batch(game, num_envs=1, levels=levels, autoreset=False)
        self._actions = np.zeros((1, self._batch.players), np.uint8)
        self.is_seeded = False

    @property
    def spec(self) -> fastenv.GameSpec:
        return self._batch.spec

    @property
    def terminated(self) -> bool:
        return bool(self._batch.terminated[0])

    @property
    def truncated(self) -> bool:
        return bool(self._batch.truncated[0])

    def reset(self, seed: int | None, options: Mapping[str, Any] | None) -> None:
        """seed: None goes on with the streams; options: "level" is the level of this episode."""
        with chosen_level(self._batch, options):
            self._batch.reset(seed)
        self.is_seeded = self.is_seeded or seed is not None

    def step(self, actions: Mapping[int, SupportsInt]) -> None:
        """actions: by seat. Raises ActionError before anything moves."""
        count = len(self.spec.actions)
        for seat, action in actions.items():
            number = int(action)
            if not 0 <= number < count:
                raise fastenv.ActionError(
                    f"expected an action from 0 to {count - 1} in seat {seat}, got {number}"
                )
            self._actions[0, seat] = number
        self._batch.step(self._actions)

    def decide(self, bot: fastenv.Bot, seat: int) -> int:
        return int(bot.act(self._batch, seat)[0])

    def observation(self, seat: int) -> NDArray[np.uint8]:
        return np.array(self._batch.observations[0, seat])

    def action_mask(self, seat: int) -> NDArray[np.int8]:
        """int8 [actions], 1 = legal, as Gymnasium's `Discrete.sample(mask=...)` wants it."""
        return np.array(self._batch.legal_mask[0, seat], np.int8)

    def reward(self, seat: int) -> float:
        return float(self._batch.rewards[0, seat])

    def final_statistics(self, seat: int) -> dict[str, int]:
        """Counters of the episode that ended, by name."""
        values = self._batch.final_statistics[0, seat].tolist()
        return dict(zip(self.spec.statistics, values, strict=True))

    def snapshot(self) -> dict[str, Any]:
        return self._batch.snapshot(0)


@contextmanager
def chosen_level(batch: fastenv.BatchEnv, options: Mapping[str, Any] | None) -> Iterator[None]:
    """Meanwhile episodes start on the level that a reset's options choose, if they choose one.

    Raises LevelError.
    """
    level = (options or {}).get("level")
    if level is None:
        yield
        return
    if not isinstance(level, fastenv.Level):
        raise fastenv.LevelError(
            f'expected a fastenv.Level as option "level", got {type(level).__name__}'
        )
    usual = list(batch.levels)
    batch.set_levels([level])
    try:
        yield
    finally:
        batch.set_levels(usual)


def observation_space(spec: fastenv.GameSpec) -> gymnasium.spaces.Box:
    """A flat uint8 Box with the ranges that the spec declares."""
    low = np.concatenate([np.full(field.size, field.low, np.uint8) for field in spec.observation])
    high = np.concatenate([np.full(field.size, field.high, np.uint8) for field in spec.observation])
    return gymnasium.spaces.Box(low, high, dtype=np.uint8)


def check_render_mode(render_mode: str | None, known: Iterable[str]) -> None:
    """Raise ValueError for a mode that there is not."""
    if render_mode is not None and render_mode not in known:
        raise ValueError(f"expected render_mode {', '.join(known)} or None, got {render_mode!r}")
