"""Elo: small cases by hand, what defines the estimate, and how often its intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine_plugin.learn.ratings import Pairing, expected_score, fit_ratings

# Ten levels, each played twice: five won twice, five won once.
FIFTEEN_OF_TWENTY = np.array([[1.0, 1.0]] * 5 + [[1.0, 0.0]] * 5)


def test_two_players_by_hand() -> None:
    """15 of 20 and the prior draw: 15.5 of 21. With one unknown the sandwich is a fraction."""
    ratings = fit_ratings(2, [Pairing(0, 1, FIFTEEN_OF_TWENTY)], anchor=1)
    assert ratings.elo == pytest.approx([1000 + 400 * math.log10(15.5 / 5.5), 1000])
    p = 15.5 / 21
    spread = 10 / 9 * (5 * (2 - 2 * p) ** 2 + 5 * (1 - 2 * p) ** 2) + ((1 - p) ** 2 + p**2) / 2
    deviation = math.sqrt(spread) / (21 * p * (1 - p)) * 400 / math.log(10)
    assert ratings.high[0] - ratings.elo[0] == pytest.approx(1.959964 * deviation)
    assert ratings.elo[0] - ratings.low[0] == pytest.approx(1.959964 * deviation)
    assert ratings.low[1] == ratings.high[1] == 1000


def test_the_anchor_only_shifts_and_the_order_only_turns() -> None:
    one = fit_ratings(2, [Pairing(0, 1, FIFTEEN_OF_TWENTY)], anchor=1)
    other = fit_ratings(2, [Pairing(0, 1, FIFTEEN_OF_TWENTY)], anchor=0)
    turned = fit_ratings(2, [Pairing(1, 0, 1 - FIFTEEN_OF_TWENTY)], anchor=1)
    assert other.elo == pytest.approx([1000, 2000 - one.elo[0]])
    assert turned.elo == pytest.approx(one.elo) and turned.low == pytest.approx(one.low)


def test_draws_only_are_equal_ratings() -> None:
    ratings = fit_ratings(2, [Pairing(0, 1, np.full((10, 2), 0.5))], anchor=0)
    assert ratings.elo == pytest.approx([1000, 1000])


def test_a_player_who_won_all_stays_finite_and_unsure() -> None:
    ratings = fit_ratings(2, [Pairing(0, 1, np.ones((50, 2)))], anchor=1)
    assert ratings.elo[0] == pytest.approx(1000 + 400 * math.log10(100.5 / 0.5))
    assert ratings.high[0] - ratings.low[0] > 400


def test_expected_score_is_that_of_chess() -> None:
    assert expected_score(1200, 1000) == pytest.approx(1 / (1 + 10 ** (-0.5)))
    assert expected_score(1000, 1000) == 0.5


def test_everybody_scores_as_expected_against_all_together() -> None:
    """The equation that defines the estimate, for three who do not rank in a line."""
    random = np.random.default_rng(0)
    pairs = ((0, 1), (1, 2), (0, 2))
    pairings = [Pairing(*pair, random.integers(0, 3, (30, 2)) / 2) for pair in pairs]
    elo = fit_ratings(3, pairings, anchor=2).elo
    for player in range(3):
        scored = expected = 0.0
        for pairing in pairings:
            for own, foe, share in (
                (pairing.first, pairing.second, pairing.scores.sum()),
                (pairing.second, pairing.first, 60 - pairing.scores.sum()),
            ):
                if own == player:
                    scored += share + 0.5
                    expected += 61 * expected_score(elo[own], elo[foe])
        assert scored == pytest.approx(expected)


def simulated(random: np.random.Generator, true: np.ndarray, levels: int) -> list[Pairing]:
    """Matches with draws, an advantage of the seat, and levels that lie the one or the other: what
    makes matches of one level depend on each other."""
    luck = 0.15 * random.choice([-1, 1], levels)
    seat = 0.1 * random.choice([-1, 1], levels)
    pairings = []
    for first, second in ((0, 1), (0, 2), (1, 2)):
        p = expected_score(true[first], true[second])
        shifted = np.stack([p + luck + seat, p + luck - seat], axis=1)
        drawn = 0.1
        draw = random.random((levels, 2))
        scores = np.where(draw < shifted - drawn / 2, 1.0, 0.0)
        scores[(draw >= shifted - drawn / 2) & (draw < shifted + drawn / 2)] = 0.5
        pairings.append(Pairing(first, second, scores))
    return pairings


def test_intervals_hold_the_truth_19_times_of_20() -> None:
    random = np.random.default_rng(1)
    true = np.array([1000.0, 1060.0, 1150.0])
    held = np.zeros(3)
    rounds = 500
    for _ in range(rounds):
        ratings = fit_ratings(3, simulated(random, true, levels=60), anchor=0)
        held += (ratings.low <= true) & (true <= ratings.high)
    shares = held[1:] / rounds
    assert (shares > 0.92).all() and (shares < 0.98).all(), shares
