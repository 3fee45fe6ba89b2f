"""Settings left open are filled in for every reward and every kind of game."""

from __future__ import annotations

import pytest

from engine_plugin.learn.config import DEFAULTS, FOREIGN_DEFAULTS, PolicyConfig


@pytest.mark.parametrize("reward", sorted(DEFAULTS))
@pytest.mark.parametrize("env", ["", "CartPole-v1"])
def test_nothing_stays_open(reward: str, env: str) -> None:
    config = PolicyConfig(out="run", env=env, demos="demos.npz", reward=reward).resolved()
    assert [name for name, value in vars(config).items() if value is None] == []
    assert config.policy in ("soft", "greedy")
    assert config.temperature > 0 and 0 < config.gamma < 1 and config.n_step >= 1


def test_both_kinds_of_game_know_the_same_rewards() -> None:
    assert set(FOREIGN_DEFAULTS) == set(DEFAULTS)
