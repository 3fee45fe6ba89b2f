"""What a match pays: the game's own reward, shaped by two settings. The agent and the
demonstrations that it learns from are paid alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine_plugin.errors import ConfigError

if TYPE_CHECKING:
    from fastenv import BatchEnv, GameSpec


@dataclass(frozen=True)
class Payment:
    """late_reward: times the reward where nobody won early; self_kill_penalty: less, where one
    ended by one's own hand."""

    late_reward: float = 1.0
    self_kill_penalty: float = 0.0

    def check(self, spec: GameSpec) -> None:
        """Raise ConfigError where it depends on what the game does not count."""
        for setting, statistic, in_use in (
            ("late_reward", "early_wins", self.late_reward != 1),
            ("self_kill_penalty", "self_kills", self.self_kill_penalty != 0),
        ):
            if in_use and statistic not in spec.statistics:
                raise ConfigError(
                    f"{setting} needs a game that counts {statistic}, not {spec.name}"
                )

    def of(self, batch: BatchEnv, seat: int) -> np.ndarray:
        """Of the step just made, float32 [num_envs]."""
        rewards = batch.rewards[:, seat].copy()
        names, final = batch.spec.statistics, batch.final_statistics
        if self.late_reward != 1:
            early = final[:, :, names.index("early_wins")]
            rewards *= np.where(early.any(axis=1), 1, self.late_reward)
        if self.self_kill_penalty:
            killed = final[:, seat, names.index("self_kills")]
            ended = batch.terminated | batch.truncated
            rewards -= self.self_kill_penalty * (ended & (killed > 0))
        return rewards


GAMES_OWN = Payment()
