"""Playing a policy against opponents, and what is measured there: strength and style.

Needs no TensorFlow: a policy is any function from observations and allowed actions to actions.

Style score. For the rates k of the game's profile, on the same seeds, levels and opponents,

    d(x) = mean over k of |x_k - demonstrator_k| / s_k,
    score = 1 - d(agent) / d(survivor),

s_k being the demonstrator's standard deviation over episodes. 0: no nearer to the demonstrator than
a player that is random but safe; 1: the demonstrator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import fastenv
from engine_plugin.learn.arena import Arena
from fastenv import GameSpec, Level

# observations uint8 [n, obs_size], allowed uint8 [n, actions] -> actions uint8 [n]
PolicyFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]

YARDSTICK = "survivor"
RESAMPLES, BOOTSTRAP_SEED = 400, 0
# Name in a summary -> statistic that not every game counts.
OPTIONAL_COUNTS = {"wins_before_closing": "early_wins", "self_kills": "self_kills"}


class ScriptedPolicy:
    """A scripted player in the learner's seat; it looks at the game, not at the observation."""

    def __init__(self, name: str):
        self.name = name


def play_episodes(
    spec: GameSpec,
    policy: PolicyFunction | ScriptedPolicy,
    opponents: Sequence[str],
    episodes: int,
    seed: int,
    levels: Sequence[Level] | None,
    safety: str,
) -> dict[str, np.ndarray]:
    """Statistics int32 [episodes, statistics] of the policy's seat, for each opponent.

    Every env plays one episode, half of them in each seat, so that short episodes count no more
    than long ones. An opponent named twice plays once.
    """
    opponents = tuple(dict.fromkeys(opponents))
    arena = Arena(spec.name, opponents, episodes * len(opponents), seed, levels, safety)
    result = np.zeros_like(arena.final_statistics)
    open_rows = np.ones(arena.num_envs, bool)
    bots = {}
    if isinstance(policy, ScriptedPolicy):
        bots = {id(group): fastenv.make_bot(policy.name, spec.name) for group in arena.groups}
    actions = np.zeros(arena.num_envs, np.uint8)
    while open_rows.any():
        if isinstance(policy, ScriptedPolicy):
            for group in arena.groups:
                actions[group.rows] = bots[id(group)].act(group.batch, group.seat)
        else:
            actions[:] = policy(arena.observations, arena.allowed)
        arena.step(actions)
        ended = (arena.terminated | arena.truncated) & open_rows
        result[ended] = arena.final_statistics[ended]
        open_rows &= ~ended
    return {name: result[arena.opponent_of == index] for index, name in enumerate(arena.opponents)}


def profile(spec: GameSpec, statistics: np.ndarray) -> dict[str, float]:
    """The behaviour rates over a set of episodes, statistics int [episodes, statistics]."""
    columns = {name: statistics[:, index].sum() for index, name in enumerate(spec.statistics)}
    ticks = max(int(columns["ticks"]), 1)
    return {rate: float(columns[statistic]) * per / ticks for rate, statistic, per in spec.profile}


def profile_spread(spec: GameSpec, statistics: np.ndarray) -> dict[str, float]:
    """Standard deviation over episodes of each rate."""
    ticks = np.maximum(statistics[:, spec.statistics.index("ticks")], 1)
    return {
        rate: float((statistics[:, spec.statistics.index(statistic)] * per / ticks).std())
        for rate, statistic, per in spec.profile
    }


def style_distance(
    own: dict[str, float], demonstrator: dict[str, float], spread: dict[str, float]
) -> float:
    """d(x): mean over the rates in `spread` of |own - demonstrator| / spread."""
    return float(
        np.mean(
            [abs(own[rate] - demonstrator[rate]) / max(spread[rate], 1e-6) for rate in spread]
            or [0.0]
        )
    )


def summary(spec: GameSpec, statistics: np.ndarray) -> dict[str, Any]:
    """Counts of one match-up: episodes, wins, losses, draws and profile; early wins and self-kills
    where the game counts them."""
    column = {name: statistics[:, index] for index, name in enumerate(spec.statistics)}
    wins, losses = int(column["wins"].sum()), int(column["losses"].sum())
    return {
        "episodes": len(statistics),
        "wins": wins,
        "losses": losses,
        "draws": len(statistics) - wins - losses,
        **{
            name: int(column[statistic].sum())
            for name, statistic in OPTIONAL_COUNTS.items()
            if statistic in column
        },
        "profile": {rate: round(value, 4) for rate, value in profile(spec, statistics).items()},
    }


def strength(spec: GameSpec, statistics: dict[str, np.ndarray]) -> float:
    """One number to select by: mean over opponents of (wins - losses + early wins) / episodes;
    early wins count in the games that know any."""

    def total(rows: np.ndarray, name: str) -> float:
        return float(rows[:, spec.statistics.index(name)].mean()) if name in spec.statistics else 0

    return float(
        np.mean(
            [
                total(rows, "wins") - total(rows, "losses") + total(rows, "early_wins")
                for rows in statistics.values()
            ]
        )
    )


class StyleYardstick:
    """The demonstrator's and the survivor's profiles on fixed seeds, levels and opponents.

    recorded: what a demonstrator who cannot play again, such as a person, did in each recorded
        episode, int32 [n, statistics]; None lets the scripted player `demonstrator` play
    """

    def __init__(
        self,
        spec: GameSpec,
        demonstrator: str,
        opponents: Sequence[str],
        episodes: int,
        seed: int,
        levels: Sequence[Level] | None,
        recorded: np.ndarray | None = None,
    ):
        self.spec = spec
        self.demonstrator = demonstrator
        self._plays_again = recorded is None

        def measured(name: str) -> np.ndarray:
            played = play_episodes(
                spec, ScriptedPolicy(name), opponents, episodes, seed, levels, "survivable"
            )
            return np.concatenate(list(played.values()))

        self.shown = measured(demonstrator) if recorded is None else recorded
        self.survivor = measured(YARDSTICK)
        self.profile = profile(spec, self.shown)
        # What he never varies (in few episodes) is measured by how far the survivor does.
        others = profile_spread(spec, self.survivor)
        spread = {
            rate: own or others[rate] for rate, own in profile_spread(spec, self.shown).items()
        }
        self.spread = {rate: value for rate, value in spread.items() if value > 0}
        self.survivor_profile = profile(spec, self.survivor)

    def score(self, statistics: dict[str, np.ndarray]) -> float:
        """The style score of a policy from its episodes against the same opponents."""
        return self._score(np.concatenate(list(statistics.values())), slice(None), slice(None))

    def interval(self, statistics: dict[str, np.ndarray]) -> tuple[float, float]:
        """95 % interval (low, high) of the score: the bootstrap's percentiles (Efron 1979).

        Episode i of the policy, the demonstrator and the survivor is the same seed and level, so
        that the three are drawn together. The demonstrator's spread stays what it is, and so do
        recorded episodes: it is them that the policy is held against, few as they may be.
        """
        own = np.concatenate(list(statistics.values()))
        random = np.random.default_rng(BOOTSTRAP_SEED)
        scores = []
        for _ in range(RESAMPLES):
            drawn = random.integers(0, len(own), len(own))
            scores.append(self._score(own, drawn, drawn if self._plays_again else slice(None)))
        low, high = np.percentile(scores, (2.5, 97.5))
        return float(low), float(high)

    def _score(self, own: np.ndarray, episodes: Any, shown: Any) -> float:
        agent, survivor = (profile(self.spec, rows[episodes]) for rows in (own, self.survivor))
        demonstrator = profile(self.spec, self.shown[shown])
        scale = style_distance(survivor, demonstrator, self.spread)
        return 1 - style_distance(agent, demonstrator, self.spread) / max(scale, 1e-6)
