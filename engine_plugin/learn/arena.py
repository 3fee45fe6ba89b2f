"""Envs with one learner seat each and an opponent in the other, seen as one batch.

Envs fall into groups that are stepped apart: one for each pair of opponent and learner seat, so
that every opponent is asked once a tick for all its envs. With an opponent pool the opponents
change from episode to episode, and there is one group a seat.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.learn.agents import (
    Agent,
    allowed_actions,
    load_agent,
    restore_stream,
    stream_state,
)
from engine_plugin.learn.opponents import Frozen, OpponentPool
from engine_plugin.learn.payment import GAMES_OWN, Payment
from fastenv import BatchEnv, Level

POOL = "pool/"
STREAMS = "streams"


@dataclass(frozen=True)
class Group:
    """Envs of one opponent, or of a pool's (None), with the learner in one seat; `rows` are theirs
    in the arena."""

    batch: BatchEnv
    opponent: Agent | None
    seat: int
    rows: slice
    actions: np.ndarray


class Arena:
    """The learner's view of all groups; arrays are overwritten by `step`.

    observations        uint8 [num_envs, obs_size]
    allowed             uint8 [num_envs, actions]: legal, and survivable where asked and possible
    rewards             float32 [num_envs], as `payment` says
    terminated, truncated   bool [num_envs]
    next_observations   uint8 [num_envs, obs_size]: after the step, before an autoreset
    next_allowed        uint8 [num_envs, actions]: `allowed`; where a limit cut an episode off, what
                        the new one allows at its start stands in for it
    final_statistics    int32 [num_envs, statistics]: the learner's, of episodes that ended
    opponent_of         int [num_envs]: place in `opponents`; without meaning where there is a pool
    """

    def __init__(
        self,
        game: str,
        opponents: Sequence[str],
        num_envs: int,
        seed: int,
        levels: Sequence[Level] | None = None,
        safety: str = "survivable",
        payment: Payment = GAMES_OWN,
        pool: OpponentPool | None = None,
    ):
        """opponents: names, see `load_agent`; one named twice has twice as many envs. With a pool
        they are not looked at.

        Raises UnknownGameError, ModelError kinds for an opponent that is a model, ConfigError where
        there is nobody to play against, or where rewards depend on what the game does not count.
        """
        if pool is None and not opponents:
            raise ConfigError("expected the name of an opponent or more, got none")
        self.spec = fastenv.game_spec(game)
        self.opponents = () if pool else tuple(opponents)
        self.pool = pool
        self.num_envs = num_envs
        self.safety = safety
        self.payment = payment
        payment.check(self.spec)
        agents: dict[str, Agent] = {name: load_agent(name, self.spec) for name in self.opponents}
        pairs = [
            (name, seat) for name in self.opponents or (None,) for seat in range(self.spec.players)
        ]
        borders = np.linspace(0, num_envs, len(pairs) + 1).astype(int)
        self.opponent_of = np.zeros(num_envs, int)
        self.groups: list[Group] = []
        for index, (name, seat) in enumerate(pairs):
            count = int(borders[index + 1] - borders[index])
            if count == 0:
                continue
            rows = slice(int(borders[index]), int(borders[index + 1]))
            if name is not None:
                self.opponent_of[rows] = self.opponents.index(name)
            own_seed = (seed * 1009 + index) % 2**64
            batch = fastenv.make_batch(game, count, own_seed, levels)
            self.groups.append(
                Group(
                    batch,
                    None if name is None else agents[name].fresh(own_seed),
                    seat,
                    rows,
                    np.zeros((count, self.spec.players), np.uint8),
                )
            )
        size, actions = self.spec.observation_size, len(self.spec.actions)
        self.observations = np.zeros((num_envs, size), np.uint8)
        self.next_observations = np.zeros((num_envs, size), np.uint8)
        self.allowed = np.zeros((num_envs, actions), np.uint8)
        self.rewards = np.zeros(num_envs, np.float32)
        self.terminated = np.zeros(num_envs, bool)
        self.truncated = np.zeros(num_envs, bool)
        self.final_statistics = np.zeros((num_envs, len(self.spec.statistics)), np.int32)
        if pool is not None:
            pool.seat(len(self.groups), num_envs)
        for group in self.groups:
            self._observe(group)

    def meet(self, frozen: Frozen) -> None:
        """Let the learner into the pool, where there is one."""
        if self.pool is not None:
            self.pool.meet(frozen)

    def report(self) -> dict[str, Any]:
        """How the pool stands, for the log; {} without one."""
        return {} if self.pool is None else {"pool": self.pool.report()}

    def _observe(self, group: Group) -> None:
        batch, seat, rows = group.batch, group.seat, group.rows
        self.observations[rows] = batch.observations[:, seat]
        self.allowed[rows] = allowed_actions(batch, seat, self.safety)

    def step(self, actions: np.ndarray) -> None:
        """Play one tick with the learner's actions, uint8 [num_envs]."""
        theirs = None
        if self.pool is not None:
            seats = [(group.batch, 1 - group.seat, group.rows) for group in self.groups]
            theirs = self.pool.act(seats, self.safety)
        for group in self.groups:
            batch, seat, rows = group.batch, group.seat, group.rows
            if group.opponent is not None:
                group.actions[:, 1 - seat] = group.opponent.act(batch, 1 - seat)
            elif theirs is not None:
                group.actions[:, 1 - seat] = theirs[rows]
            group.actions[:, seat] = actions[rows]
            batch.step(group.actions)
            ended = batch.terminated | batch.truncated
            self.rewards[rows] = self.payment.of(batch, seat)
            self.terminated[rows] = batch.terminated
            self.truncated[rows] = batch.truncated
            self.final_statistics[rows] = batch.final_statistics[:, seat]
            self.next_observations[rows] = np.where(
                ended[:, None], batch.final_observations[:, seat], batch.observations[:, seat]
            )
            self._observe(group)
            if group.opponent is not None:
                group.opponent.forget(ended)
        if self.pool is not None:
            # By what was paid: an opponent that is beaten, but late, is not beaten yet.
            scores = np.clip((1 + self.rewards) / 2, 0, 1)
            rows_of = [group.rows for group in self.groups]
            self.pool.note(self.terminated | self.truncated, scores, rows_of)

    @property
    def next_allowed(self) -> np.ndarray:
        return self.allowed

    def save_state(self) -> dict[str, np.ndarray]:
        """Every env's state, uint8 [envs of the group, bytes] for each group by its number; what
        models that are opponents draw from; and the pool's state."""
        streams = [
            None if group.opponent is None else stream_state(group.opponent)
            for group in self.groups
        ]
        state = {
            f"{number:03d}": np.stack(
                [
                    np.frombuffer(group.batch.save_state(index), np.uint8)
                    for index in range(group.batch.num_envs)
                ]
            )
            for number, group in enumerate(self.groups)
        }
        if any(streams):
            state[STREAMS] = np.frombuffer(json.dumps(streams).encode(), np.uint8)
        if self.pool is not None:
            state |= {POOL + name: array for name, array in self.pool.save_state().items()}
        return state

    def load_state(self, state: dict[str, np.ndarray]) -> np.ndarray:
        """Go on from a saved state. Raises ConfigError where it is of other envs."""
        numbers = sorted(name for name in state if name.isdecimal())
        if [len(state[name]) for name in numbers] != [
            group.batch.num_envs for group in self.groups
        ]:
            raise ConfigError(
                "the checkpoint's envs are of another number: resume with the settings in run.json"
            )
        for name, group in zip(numbers, self.groups, strict=True):
            for index, blob in enumerate(state[name]):
                group.batch.load_state(index, blob.tobytes())
            self._observe(group)
        self._load_streams(state.get(STREAMS))
        if self.pool is not None:
            self.pool.load_state(
                {
                    name.removeprefix(POOL): array
                    for name, array in state.items()
                    if name.startswith(POOL)
                }
            )
        return np.zeros(self.num_envs, bool)

    def close(self) -> None:
        """Nothing to do: there are no processes."""

    def _load_streams(self, saved: np.ndarray | None) -> None:
        if saved is None:
            return
        try:
            streams = json.loads(saved.tobytes())
            for group, stream in zip(self.groups, streams, strict=True):
                if group.opponent is not None:
                    restore_stream(group.opponent, stream)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"the checkpoint's random streams are damaged: {error}") from error
