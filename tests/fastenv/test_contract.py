"""The games of this package keep the contract of games."""

from __future__ import annotations

import fastenv
from fastenv.registry import OWN_GAMES
from tests.fastenv.contract import GameContract


class TestBlast(GameContract):
    game = "blast"
    longest_episode = 300


class TestRace(GameContract):
    game = "race"
    longest_episode = 240


def test_every_game_of_this_package_is_under_contract() -> None:
    assert {TestBlast.game, TestRace.game} == set(OWN_GAMES) <= set(fastenv.games())
