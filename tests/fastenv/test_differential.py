"""The compiled games against their rules in plain Python: equal in every byte, tick by tick.

A short run; `tests/benchmarks/differential.py` is the long one.
"""

from __future__ import annotations

import numpy as np
import pytest

from fastenv.registry import OWN_GAMES
from tests.fastenv.compared_games import COMPARED_GAMES
from tests.fastenv.differential import ComparedGame, Comparison
from tests.fastenv.effort import scaled

TICKS = 1_000
NUM_ENVS = 40
SURVIVABLE_POSITIONS = scaled(800)


@pytest.fixture(scope="module", params=COMPARED_GAMES)
def played(request) -> Comparison:
    """Played and compared for all of the steps."""
    compared = COMPARED_GAMES[request.param]
    comparison = Comparison(compared, max(scaled(NUM_ENVS), len(compared.pairs)), seed=3)
    for _ in range(TICKS):
        if comparison.survivable_checked < SURVIVABLE_POSITIONS:
            comparison.look_closely()
        comparison.step()
    return comparison


def test_every_observation_reward_and_mask_is_that_of_the_prose(played):
    assert played.mismatches == []
    assert played.seen["steps"] == TICKS * played.batch.num_envs


def test_the_comparison_met_all_that_the_rules_speak_of(played):
    events = played.compared.events(played.twins[0].game)
    assert {event: played.seen[event] > 0 for event in [*events, "ends"]} == {
        event: True for event in [*events, "ends"]
    }


def test_enough_survivable_masks_were_compared(played):
    assert played.survivable_checked >= SURVIVABLE_POSITIONS


@pytest.mark.parametrize("compared", COMPARED_GAMES.values(), ids=COMPARED_GAMES)
@pytest.mark.parametrize("in_the_rules", [True, False], ids=["rules", "snapshot"])
def test_a_difference_is_found_and_told(compared: ComparedGame, in_the_rules: bool):
    comparison = Comparison(compared, 4, seed=1)
    twin = comparison.twins[2]
    assert twin is not None
    column = 1 if twin.game.players[0].cell[1] > 1 else 2
    twin.game.players[0].cell = (twin.game.players[0].cell[0], column)
    comparison.steps = 2
    if in_the_rules:
        comparison.step()
    else:
        comparison.look_closely()
    assert len(comparison.mismatches) == 1
    assert comparison.mismatches[0].startswith(
        "env 2, step 3: observations" if in_the_rules else "env 2, step 2: snapshot"
    )
    rows = [row for row, twin in enumerate(comparison.twins) if twin is None]
    assert np.array_equal(rows, [2])


def test_every_game_of_this_package_has_its_rules_in_plain_python():
    assert set(COMPARED_GAMES) == set(OWN_GAMES)
