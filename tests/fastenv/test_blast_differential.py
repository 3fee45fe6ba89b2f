"""The compiled Blast against the plain Python rules: equal in every byte, tick by tick.

A short run; `tests/benchmarks/differential.py` is the long one.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.fastenv.differential import Comparison

STEPS_IN_ALL = 40_000
NUM_ENVS = 40
SURVIVABLE_POSITIONS = 800


@pytest.fixture(scope="module")
def played() -> Comparison:
    """Played and compared for all of the steps."""
    comparison = Comparison(NUM_ENVS, seed=3)
    for _ in range(STEPS_IN_ALL // NUM_ENVS):
        if comparison.survivable_checked < SURVIVABLE_POSITIONS:
            comparison.check_survivable()
        comparison.step()
    return comparison


def test_every_observation_reward_and_mask_is_that_of_the_prose(played):
    assert played.mismatches == []
    assert played.seen["steps"] == STEPS_IN_ALL


@pytest.mark.parametrize(
    "event",
    [
        "bursts", "two bombs a hand", "most range", "most bombs", "closing", "illegal", "ends",
        "draws", "caught by the closing",
    ],
)  # fmt: skip
def test_the_comparison_met(played, event):
    assert played.seen[event] > 0


def test_enough_survivable_masks_were_compared(played):
    assert played.survivable_checked >= SURVIVABLE_POSITIONS


def test_a_difference_is_found_and_told():
    comparison = Comparison(4, seed=1)
    twin = comparison.twins[2]
    assert twin is not None
    twin.game.players[0].range = 3
    comparison.step()
    assert len(comparison.mismatches) == 1
    assert comparison.mismatches[0].startswith("env 2, step 1: observations")
    rows = [row for row, twin in enumerate(comparison.twins) if twin is None]
    assert np.array_equal(rows, [2])
