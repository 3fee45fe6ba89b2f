"""One match: rounds of a game between seats, tick by tick, with what drawing and scoring need.

Holds a batch of one env; the rules stay in fastenv and the decisions in the seats.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.host.seats import Seat

Snapshot = dict[str, Any]
FACING_ACTIONS = ("up", "down", "left", "right")


@dataclass(frozen=True)
class RoundResult:
    """How a round ended. winner: player index, or None for a draw."""

    winner: int | None
    ticks: int

    @property
    def text(self) -> str:
        return "draw" if self.winner is None else f"player {self.winner + 1} wins"


class Scene(Protocol):
    """What the board is drawn from: a match that is played, or a recorded one.

    before, after, start_tiles, facing: as in `Match`
    """

    @property
    def before(self) -> Snapshot: ...
    @property
    def after(self) -> Snapshot: ...
    @property
    def start_tiles(self) -> np.ndarray: ...
    @property
    def facing(self) -> Sequence[str]: ...


class Match:
    """Seats, the running round and the score.

    before, after: the env's snapshots around the last tick; drawing interpolates between them
    facing: one of FACING_ACTIONS for each player; start_tiles: content ids as the round began
    score: rounds won by each player; draws; results: every finished round
    """

    def __init__(self, game: str, seats: Sequence[Seat]) -> None:
        self.spec = fastenv.game_spec(game)
        if len(seats) != self.spec.players:
            raise ConfigError(f"{game} has {self.spec.players} seats, got {len(seats)} players")
        self.seats = list(seats)
        self.score = [0] * self.spec.players
        self.results: list[RoundResult] = []
        self.result: RoundResult | None = None
        self.seed = 0
        self.actions = np.zeros((1, self.spec.players), np.uint8)
        self._decision_seconds: list[float] = []
        self._batch: fastenv.BatchEnv | None = None
        self.before: Snapshot = {}
        self.after: Snapshot = {}
        self.start_tiles = np.zeros((self.spec.height, self.spec.width), np.uint8)
        self.facing = ["down"] * self.spec.players

    @property
    def batch(self) -> fastenv.BatchEnv:
        if self._batch is None:
            raise RuntimeError("no round has started")
        return self._batch

    @property
    def level(self) -> fastenv.Level:
        """The level of the running round."""
        level: fastenv.Level = self.batch.levels[int(self.batch.level_index[0])]
        return level

    @property
    def draws(self) -> int:
        return sum(result.winner is None for result in self.results)

    def start_round(self, level: fastenv.Level | None, seed: int) -> None:
        """Begin a round on this level; None means one of the game's built-in levels."""
        levels = None if level is None else [level]
        self._batch = fastenv.make_batch(
            self.spec.name, num_envs=1, seed=seed, levels=levels, autoreset=False
        )
        self.seed = seed
        self.result = None
        self.actions[:] = 0
        self.before = self.after = self.batch.snapshot(0)
        self.start_tiles = self.after["tiles"]
        self.facing = ["down"] * self.spec.players
        for player, seat in enumerate(self.seats):
            seat.begin(seed + player)

    def choose(self) -> np.ndarray:
        """Ask every seat; uint8 [1, players], kept in `actions`. Nothing moves yet."""
        for player, seat in enumerate(self.seats):
            start = time.perf_counter()
            self.actions[0, player] = seat.choose(self.batch, player)
            if seat.automatic:
                self._decision_seconds.append(time.perf_counter() - start)
        return self.actions

    def tick(self) -> None:
        """Play one tick with `actions`; scores the round if it ends."""
        if self.result is not None:
            return
        self.before = self.after
        self.batch.step(self.actions)
        self.after = self.batch.snapshot(0)
        for player, action in enumerate(self.actions[0]):
            name = self.spec.actions[action]
            if name in FACING_ACTIONS:
                self.facing[player] = name
        if self.batch.terminated[0] or self.batch.truncated[0]:
            self._finish()

    def _finish(self) -> None:
        rewards = self.batch.rewards[0]
        best = int(rewards.argmax())
        winner = best if rewards[best] > 0 else None
        self.result = RoundResult(winner, self.after["tick"])
        self.results.append(self.result)
        if winner is not None:
            self.score[winner] += 1

    def latency_percentiles(self) -> dict[str, float] | None:
        """Milliseconds that automatic seats took to decide: {"p50", "p99"}; None before any."""
        if not self._decision_seconds:
            return None
        p50, p99 = np.percentile(np.array(self._decision_seconds) * 1000.0, (50, 99))
        return {"p50": round(float(p50), 4), "p99": round(float(p99), 4)}
