"""The scripted players of Blast can be told apart by the rates that style is judged by."""

from __future__ import annotations

import numpy as np
import pytest

import fastenv
from engine_plugin.learn.evaluate import (
    YARDSTICK,
    ScriptedPolicy,
    play_episodes,
    profile,
    profile_spread,
    style_distance,
)

SPEC = fastenv.game_spec("blast")
OPPONENTS = ("survivor", "hunter")
EPISODES = 150
CAREFUL = [name for name in fastenv.scripted_player_names("blast") if name != "idle"]
DEMONSTRATORS = [name for name in CAREFUL if name != YARDSTICK]


@pytest.fixture(scope="module")
def played() -> dict[str, np.ndarray]:
    """Counters of the episodes of every player, against the same opponents on the same levels."""
    return {
        name: np.concatenate(
            list(
                play_episodes(
                    SPEC, ScriptedPolicy(name), OPPONENTS, EPISODES, 3, None, "survivable"
                ).values()
            )
        )
        for name in CAREFUL
    }


@pytest.mark.parametrize("demonstrator", DEMONSTRATORS)
def test_nobody_else_plays_half_like_a_demonstrator(
    demonstrator: str, played: dict[str, np.ndarray]
) -> None:
    """By the style score of evaluate.py: 1 is the demonstrator, 0 the survivor."""
    shown = profile(SPEC, played[demonstrator])
    spread = profile_spread(SPEC, played[demonstrator])
    distances = {
        name: style_distance(profile(SPEC, rows), shown, spread) for name, rows in played.items()
    }
    for name in DEMONSTRATORS:
        score = 1 - distances[name] / distances[YARDSTICK]
        assert score == 1 if name == demonstrator else score < 0.4, name


@pytest.mark.parametrize(
    ("name", "most", "least"),
    [
        ("hunter", ("bombs",), ()),
        ("miner", ("crates", "items"), ()),
        ("turtle", ("wait", "distance"), ("bombs", "crates", "items", "kills")),
        ("rusher", ("kills",), ("wait", "distance")),
    ],
)
def test_a_manner_shows_in_its_rates(
    name: str, most: tuple[str, ...], least: tuple[str, ...], played: dict[str, np.ndarray]
) -> None:
    profiles = {player: profile(SPEC, rows) for player, rows in played.items()}
    for rates, extreme in ((most, max), (least, min)):
        for rate in rates:
            assert extreme(profiles, key=lambda player: profiles[player][rate]) == name, rate


def test_a_turtle_outlives_a_hunter_until_the_arena_closes() -> None:
    rows = play_episodes(SPEC, ScriptedPolicy("turtle"), ("hunter",), 200, 5, None, "none")
    ticks = rows["hunter"][:, SPEC.statistics.index("ticks")]
    assert (ticks >= 200).mean() > 0.7


def test_a_rusher_wins_more_matches_early_than_anybody_else(played: dict[str, np.ndarray]) -> None:
    early = SPEC.statistics.index("early_wins")
    assert max(played, key=lambda name: played[name][:, early].sum()) == "rusher"
