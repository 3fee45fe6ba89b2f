"""Elo ratings of everybody who played, fitted at once, with 95 % intervals.

Model (Bradley and Terry 1952). i scores s in {0, 1/2, 1} against j, a draw being one half, with

    p_ij = E[s] = 1 / (1 + exp(-(t_i - t_j))),      Elo_i = 1000 + (400 / ln 10) (t_i - t_anchor),

so that, as chess players are used to, 200 points mean an expected score of 76 %. A model of draws
of their own (Davidson 1970) would change what a point means with the share of draws.

Estimate. The t that maximise the sum over matches of s log p_ij + (1 - s) log p_ji. One draw that
nobody played is added to every pair (weight PRIOR): it keeps ratings finite where somebody won all,
and moves others by next to nothing. Setting the gradient to zero gives what makes Elo fair: over
all matches of i, the sum of (s - p_ij) is 0. The sum is concave and Newton's method finds the top.

Intervals. That sum is no likelihood where there are draws (they vary less), and matches on one
level are not independent: the same two play it twice with seats swapped, and all pairs play it.
So the covariance of t is the sandwich H^-1 J H^-1 (Huber 1967) with levels as clusters (Liang and
Zeger 1986): with x_ij = e_i - e_j,

    H = sum over matches of p_ij p_ji x_ij x_ij^T,
    J = L / (L - 1)  sum over the L levels of g g^T,   g = sum over its matches of (s - p_ij) x_ij,

the prior draw counting in both as half a win and half a loss. The interval is that of the
distance to the anchor, whose own rating is fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine_plugin.learn.intervals import QUANTILE

ANCHOR_ELO = 1000.0
ELO_A_LOGIT = 400 / np.log(10)
PRIOR = 1.0
MOST_ROUNDS = 100
ENOUGH = 1e-10


@dataclass(frozen=True, eq=False)
class Pairing:
    """The matches of two players.

    first, second: their numbers
    scores: float [levels, matches a level], of the first: 1 won, 0.5 drawn, 0 lost. Row l of every
        pairing was played on the same level
    """

    first: int
    second: int
    scores: np.ndarray


@dataclass(frozen=True, eq=False)
class Ratings:
    """Elo, and the ends of the 95 % intervals, by player: float64 [players]."""

    elo: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit_ratings(players: int, pairings: Sequence[Pairing], anchor: int) -> Ratings:
    """Ratings of `players` players with player `anchor` at 1000.

    The pairings must connect all of them, and have equally many levels.
    """
    # x: [pairings, players]; without the anchor's column, whose t is 0.
    differences = np.zeros((len(pairings), players))
    for row, pairing in enumerate(pairings):
        differences[row, pairing.first], differences[row, pairing.second] = 1, -1
    others = np.arange(players) != anchor
    x = differences[:, others]
    counts = np.array([pairing.scores.size for pairing in pairings]) + PRIOR
    scored = np.array([pairing.scores.sum() for pairing in pairings]) + PRIOR / 2
    t = _best(x, counts, scored)
    p = _expected(x @ t)
    hessian = (x * (counts * p * (1 - p))[:, None]).T @ x
    # [levels, pairings]: by how much the score on each level is above what was expected
    above = np.stack(
        [pairing.scores.sum(axis=1) - pairing.scores.shape[1] * p[row]
         for row, pairing in enumerate(pairings)],
        axis=1,
    )  # fmt: skip
    levels = len(above)
    g = above @ x
    of_prior = PRIOR / 2 * ((1 - p) ** 2 + p**2)
    spread = levels / max(levels - 1, 1) * g.T @ g + (x * of_prior[:, None]).T @ x
    inverse = np.linalg.inv(hessian)
    deviation = np.sqrt(np.diag(inverse @ spread @ inverse))
    elo, reach = np.full(players, ANCHOR_ELO), np.zeros(players)
    elo[others] += ELO_A_LOGIT * t
    reach[others] = ELO_A_LOGIT * QUANTILE * deviation
    return Ratings(elo, elo - reach, elo + reach)


def expected_score(elo: float, against: float) -> float:
    """What share of the points a rating should win against another."""
    return float(_expected((elo - against) / ELO_A_LOGIT))


def _expected(differences: np.ndarray | float) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.asarray(differences))))


def _best(x: np.ndarray, counts: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """The t that maximise the sum above. A Newton step that overshoots is halved."""

    def height(t: np.ndarray) -> float:
        difference = x @ t
        return float(scored @ difference - counts @ np.logaddexp(0, difference))

    t = np.zeros(x.shape[1])
    for _ in range(MOST_ROUNDS):
        p = _expected(x @ t)
        gradient = x.T @ (scored - counts * p)
        step = np.linalg.solve((x * (counts * p * (1 - p))[:, None]).T @ x, gradient)
        while height(t + step) < height(t) and np.abs(step).max() > ENOUGH:
            step /= 2
        t = t + step
        if np.abs(step).max() < ENOUGH:
            break
    return t
