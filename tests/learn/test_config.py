"""Settings left open are filled in for every reward and every kind of game."""

from __future__ import annotations

from typing import Any

import pytest

from engine_plugin.errors import ConfigError
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


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"safety": "survivable"}, "--safety survivable"),
        ({"reward": "mix", "demos": "x.npz", "clone_weight": 1.0}, "--clone-weight"),
        ({"demos": "x.npz", "reward": "game", "margin": 0.5}, "--margin"),
    ],
)
def test_what_would_have_no_effect_on_a_game_brought_along_is_refused(
    settings: dict[str, Any], says: str
) -> None:
    PolicyConfig(out="run", env="CartPole-v1").resolved()
    with pytest.raises(ConfigError, match=says):
        PolicyConfig(out="run", env="CartPole-v1", **settings).resolved()
