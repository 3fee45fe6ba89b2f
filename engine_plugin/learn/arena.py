"""Envs with one learner seat each and a scripted player in the other, seen as one batch.

Envs fall into groups, one for each pair of opponent and learner seat, so that every scripted player
is asked once a tick for all its envs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError
from fastenv import BatchEnv, Bot, Level


@dataclass(frozen=True)
class Group:
    """Envs of one opponent with the learner in one seat; `rows` are theirs in the arena."""

    batch: BatchEnv
    opponent: Bot
    seat: int
    rows: slice
    actions: np.ndarray


class Arena:
    """The learner's view of all groups; arrays are overwritten by `step`.

    observations        uint8 [num_envs, obs_size]
    allowed             uint8 [num_envs, actions]: legal, and survivable where asked and possible
    rewards             float32 [num_envs]; times `late_reward` where nobody won early
    terminated, truncated   bool [num_envs]
    next_observations   uint8 [num_envs, obs_size]: after the step, before an autoreset
    next_allowed        uint8 [num_envs, actions]: `allowed`; where a limit cut an episode off, what
                        the new one allows at its start stands in for it
    final_statistics    int32 [num_envs, statistics]: the learner's, of episodes that ended
    """

    def __init__(
        self,
        game: str,
        opponents: Sequence[str],
        num_envs: int,
        seed: int,
        levels: Sequence[Level] | None = None,
        safety: str = "survivable",
        late_reward: float = 1.0,
    ):
        self.spec = fastenv.game_spec(game)
        self.opponents = tuple(opponents)
        self.num_envs = num_envs
        self.safety = safety
        self.late_reward = late_reward
        pairs = [(name, seat) for name in self.opponents for seat in range(self.spec.players)]
        borders = np.linspace(0, num_envs, len(pairs) + 1).astype(int)
        self.groups = []
        for index, (name, seat) in enumerate(pairs):
            count = int(borders[index + 1] - borders[index])
            if count == 0:
                continue
            batch = fastenv.make_batch(game, count, seed * 1009 + index, levels)
            self.groups.append(
                Group(
                    batch,
                    fastenv.make_bot(name, game),
                    seat,
                    slice(int(borders[index]), int(borders[index + 1])),
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
        self.opponent_of = np.zeros(num_envs, int)
        for group in self.groups:
            self.opponent_of[group.rows] = self.opponents.index(group.opponent.name)
            self._observe(group)

    def _observe(self, group: Group) -> None:
        batch, seat, rows = group.batch, group.seat, group.rows
        self.observations[rows] = batch.observations[:, seat]
        self.allowed[rows] = allowed_actions(batch, seat, self.safety)

    def step(self, actions: np.ndarray) -> None:
        """Play one tick with the learner's actions, uint8 [num_envs]."""
        for group in self.groups:
            batch, seat, rows = group.batch, group.seat, group.rows
            group.actions[:, 1 - seat] = group.opponent.act(batch, 1 - seat)
            group.actions[:, seat] = actions[rows]
            batch.step(group.actions)
            ended = batch.terminated | batch.truncated
            self.rewards[rows] = batch.rewards[:, seat]
            if self.late_reward != 1:
                early = batch.final_statistics[:, :, self.spec.statistics.index("early_wins")]
                self.rewards[rows] *= np.where(early.any(axis=1), 1, self.late_reward)
            self.terminated[rows] = batch.terminated
            self.truncated[rows] = batch.truncated
            self.final_statistics[rows] = batch.final_statistics[:, seat]
            self.next_observations[rows] = np.where(
                ended[:, None], batch.final_observations[:, seat], batch.observations[:, seat]
            )
            self._observe(group)

    @property
    def next_allowed(self) -> np.ndarray:
        return self.allowed

    def save_state(self) -> dict[str, np.ndarray]:
        """Every env's state, uint8 [envs of the group, bytes] for each group by its number."""
        return {
            f"{number:03d}": np.stack(
                [
                    np.frombuffer(group.batch.save_state(index), np.uint8)
                    for index in range(group.batch.num_envs)
                ]
            )
            for number, group in enumerate(self.groups)
        }

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a saved state. Raises ConfigError where it is of other envs."""
        if [len(state[name]) for name in sorted(state)] != [
            group.batch.num_envs for group in self.groups
        ]:
            raise ConfigError(
                "the checkpoint's envs are of another number: resume with the settings in run.json"
            )
        for name, group in zip(sorted(state), self.groups, strict=True):
            for index, blob in enumerate(state[name]):
                group.batch.load_state(index, blob.tobytes())
            self._observe(group)


def allowed_actions(batch: BatchEnv, seat: int, safety: str) -> np.ndarray:
    """uint8 [num_envs, actions]: survivable actions where there are any, else the legal ones."""
    legal: np.ndarray = batch.legal_mask[:, seat]
    if safety == "none":
        return legal
    survivable: np.ndarray = batch.survivable_mask()[:, seat]
    return np.where(survivable.any(axis=1, keepdims=True), survivable, legal)
