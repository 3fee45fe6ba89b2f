"""How somebody plays a game that was brought along, in numbers, and how like somebody else that is.

Nothing is known of such a game but what is seen and done, so the manners of a round are

    what is done        share of each action among the decisions, and of decisions that differ from
                        the one before
    where that leads    mean and deviation of every value that is seen

Style score, as of our own games (learn/evaluate.py). For the manners k, with s_k the demonstrator's
standard deviation over rounds and at least FLOOR of the distance between random play and him,

    d(x) = mean of |x_k - demonstrator_k| / s_k over each of the two, and of these the mean,
    score = 1 - d(agent) / d(random).

0: no nearer to the demonstrator than random play; 1: the demonstrator. The floor keeps a value in
which all his rounds happen to agree from outweighing all others. Needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine_plugin.facts import ForeignGame

FLOOR = 0.2
RESAMPLES, BOOTSTRAP_SEED = 400, 0


@dataclass(frozen=True)
class PlayedRound:
    """One round as a seat saw it.

    observations: float32 [decisions, values]; actions: uint8 [decisions]
    score: what its rewards add up to; terminated: ended by the game, not cut off
    """

    observations: np.ndarray
    actions: np.ndarray
    score: float = 0.0
    terminated: bool = True


def manner_names(facts: ForeignGame) -> tuple[str, ...]:
    """Names of the columns of `manners`."""
    seen = [
        f"{field.name}[{place}]" if field.size > 1 else field.name
        for field in facts.fields
        for place in range(field.size)
    ]
    return (
        *(f"share of {name}" for name in facts.actions),
        "changes",
        *(f"{name} mean" for name in seen),
        *(f"{name} deviation" for name in seen),
    )


def manners(rounds: Sequence[PlayedRound], facts: ForeignGame) -> np.ndarray:
    """The manners of each round, float64 [rounds, manners]."""
    rows = []
    for played in rounds:
        shares = np.bincount(played.actions, minlength=len(facts.actions)) / len(played.actions)
        changes = np.count_nonzero(np.diff(played.actions)) / len(played.actions)
        seen = played.observations.astype(np.float64)
        rows.append([*shares, changes, *seen.mean(axis=0), *seen.std(axis=0)])
    return np.array(rows)


class Likeness:
    """What a demonstrator's rounds and those of random play make of the manners of others.

    shown, random: rounds of the demonstrator and of random play
    profile, random_profile, spread: {manner: value} of those that tell the two apart at all
    """

    def __init__(
        self, shown: Sequence[PlayedRound], random: Sequence[PlayedRound], facts: ForeignGame
    ) -> None:
        self._facts = facts
        self._shown, self._random = manners(shown, facts), manners(random, facts)
        apart = np.abs(self._shown.mean(axis=0) - self._random.mean(axis=0))
        self._spread = np.maximum(self._shown.std(axis=0), FLOOR * apart)
        # What nobody's play changes is no manner.
        scale = np.maximum(np.abs(self._shown).max(axis=0), np.abs(self._random).max(axis=0))
        self._told = self._spread > 1e-6 * np.maximum(scale, 1e-3)
        self._done = np.arange(len(self._told)) <= len(facts.actions)
        self.profile = self._named(self._shown.mean(axis=0))
        self.random_profile = self._named(self._random.mean(axis=0))
        self.spread = self._named(self._spread)

    def profile_of(self, rounds: Sequence[PlayedRound]) -> dict[str, float]:
        return self._named(manners(rounds, self._facts).mean(axis=0))

    def compared_with(self) -> dict[str, dict[str, float]]:
        """What a profile is held against, for a run's record."""
        return {
            "profile": self.profile,
            "random_profile": self.random_profile,
            "spread": self.spread,
        }

    def score(self, rounds: Sequence[PlayedRound]) -> float:
        """The style score of these rounds."""
        return self._score(manners(rounds, self._facts), self._random)

    def interval(self, rounds: Sequence[PlayedRound]) -> tuple[float, float]:
        """95 % interval (low, high) of the score over rounds drawn anew, the agent's and those of
        random play: the bootstrap's percentiles (Efron 1979)."""
        own, random = manners(rounds, self._facts), self._random
        draw = np.random.default_rng(BOOTSTRAP_SEED)
        scores = [
            self._score(
                own[draw.integers(0, len(own), len(own))],
                random[draw.integers(0, len(random), len(random))],
            )
            for _ in range(RESAMPLES)
        ]
        low, high = np.percentile(scores, (2.5, 97.5))
        return float(low), float(high)

    def _score(self, own: np.ndarray, random: np.ndarray) -> float:
        return 1 - self._distance(own) / max(self._distance(random), 1e-9)

    def _distance(self, rows: np.ndarray) -> float:
        apart = np.abs(rows.mean(axis=0) - self._shown.mean(axis=0))
        parts = [self._told & self._done, self._told & ~self._done]
        return float(np.mean([(apart[p] / self._spread[p]).mean() for p in parts if p.any()]))

    def _named(self, values: np.ndarray) -> dict[str, float]:
        names = manner_names(self._facts)
        return {
            name: round(float(value), 4)
            for name, value, told in zip(names, values, self._told, strict=True)
            if told
        }
