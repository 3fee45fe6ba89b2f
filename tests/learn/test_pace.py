"""The controller of the discriminator's pace: its band, its hysteresis and its bounds."""

from __future__ import annotations

import pytest

from engine_plugin.learn.pace import BAND, MOST_UPDATES, PATIENCE, REST_INTERVAL, DiscriminatorPace

LOW, HIGH = BAND
INSIDE = 0.7


def told(pace: DiscriminatorPace, accuracy: float, times: int) -> DiscriminatorPace:
    for _ in range(times):
        pace.note(accuracy)
    return pace


def updates(pace: DiscriminatorPace, policy_updates: int) -> int:
    return sum(pace.updates_due(number) for number in range(policy_updates))


@pytest.mark.parametrize("accuracy", (LOW + 0.01, INSIDE, HIGH - 0.01))
def test_inside_the_band_both_learn_alike(accuracy: float) -> None:
    pace = told(DiscriminatorPace(), accuracy, 2_000)
    assert pace.mode == "steady" and updates(pace, 100) == 100


def test_a_start_that_soon_learns_changes_nothing() -> None:
    pace = told(DiscriminatorPace(), 0.55, PATIENCE - 10)
    assert pace.balanced_accuracy < LOW and pace.mode == "steady"
    assert told(pace, INSIDE, 100).mode == "steady"


def test_it_rests_while_it_wins_and_until_it_clearly_does_not() -> None:
    pace = DiscriminatorPace()
    told(pace, 1.0, 30)
    assert pace.mode == "steady" and pace.balanced_accuracy < HIGH  # one good batch proves nothing
    told(pace, 1.0, 100)
    assert pace.mode == "rest" and updates(pace, 100) == 100 // REST_INTERVAL
    while pace.balanced_accuracy > HIGH - 0.02:
        pace.note(INSIDE)
    assert pace.mode == "rest"  # back in the band, but only just
    told(pace, INSIDE, 20)
    assert pace.mode == "steady" and updates(pace, 100) == 100


def test_it_hurries_more_and_more_while_it_cannot_tell_up_to_a_bound() -> None:
    pace = told(DiscriminatorPace(), 0.5, PATIENCE)
    assert pace.mode == "hurry" and updates(pace, 100) == 200
    assert updates(told(pace, 0.5, PATIENCE), 100) == 300
    assert updates(told(pace, 0.5, 20 * PATIENCE), 100) == 100 * MOST_UPDATES
    while pace.balanced_accuracy < LOW + 0.02:
        pace.note(INSIDE)
    assert pace.mode == "hurry"
    told(pace, INSIDE, 30)
    assert pace.mode == "steady" and updates(pace, 100) == 100


def test_from_one_side_to_the_other() -> None:
    pace = told(told(DiscriminatorPace(), 0.4, 3 * PATIENCE), 1.0, 500)
    assert pace.mode == "rest" and updates(pace, 100) == 25
    assert told(pace, 0.4, 500).mode == "hurry" and updates(pace, 100) == 200


def test_it_goes_on_from_its_state() -> None:
    pace = told(told(DiscriminatorPace(), 0.3, PATIENCE + 7), 0.62, 50)
    again = DiscriminatorPace(**pace.state())
    for accuracy in (0.5, 0.9, 1.0) * 200:
        pace.note(accuracy)
        again.note(accuracy)
        assert pace == again and pace.updates_due(4) == again.updates_due(4)
