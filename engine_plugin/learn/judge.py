"""The `evaluate` command: a model file against others, with and without its safety filter.

Needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError, TrajectoryError
from engine_plugin.learn.agents import BOT_PREFIX, load_agent
from engine_plugin.learn.demonstrations import recorded_statistics, who_played
from engine_plugin.learn.evaluate import (
    OPTIONAL_COUNTS,
    YARDSTICK,
    PolicyFunction,
    ScriptedPolicy,
    StyleYardstick,
    play_episodes,
    profile,
    summary,
)
from engine_plugin.learn.intervals import share_with_interval
from engine_plugin.levels.source import levels_from
from engine_plugin.runtime.policy import Policy, load_policy
from engine_plugin.trajectory import load_trajectories
from fastenv import GameSpec, Level


def policy_function(policy: Policy) -> PolicyFunction:
    """A loaded model as a function of observations and allowed actions."""

    def decide(observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return policy.act_batch(observations, allowed, survivable_masks=allowed).astype(np.uint8)

    return decide


def with_shares(counts: dict[str, Any]) -> dict[str, Any]:
    """A summary with "shares": what share of all episodes was won, won early, lost by one's own
    hand, each as {"share", "low", "high"}; the last two in games that count them."""
    shares = {
        name: share_with_interval(counts[name], counts["episodes"])
        for name in ("wins", *OPTIONAL_COUNTS)
        if name in counts
    }
    return {**counts, "shares": shares}


def judge_model(
    model: str,
    game: str,
    against: Sequence[str],
    episodes: int,
    seed: int,
    levels: str,
    style: str | None,
    safety: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Matches of `model` (a file, a shipped name, or bot:NAME) against scripted players or models.

    Returns counts, their shares with 95 % intervals, and profile for each opponent, as the card
    says it plays ("against") and with and without the safety filter, and with `style` the style
    score against that file's demonstrator, see `_demonstrated`.
    `safety` is one of card.SAFETIES instead of what the card says; `say` is told what is played,
    once all is checked.
    """
    if episodes < 1:
        raise ConfigError(f"expected at least one episode, got {episodes}")
    spec = fastenv.game_spec(game)
    for name in against:
        load_agent(name, spec)
    grounds = levels_from(levels, spec, seed)
    contenders: dict[str, PolicyFunction | ScriptedPolicy]
    if model.startswith(BOT_PREFIX):
        name = model.removeprefix(BOT_PREFIX)
        fastenv.make_bot(name, game)
        contenders = {"survivable": ScriptedPolicy(name)}
        own = "survivable"
        decision: dict[str, Any] = {"rule": "scripted"}
    else:
        policy = load_policy(model, game=game, layout_hash=spec.layout_hash)
        policy = policy.with_decision(safety=safety)
        own = policy.card.decision.safety
        decision = asdict(policy.card.decision)
        contenders = {
            each: policy_function(policy.with_decision(safety=each, seed=seed))
            for each in (own if own != "none" else "survivable", "none")
        }
    shown = None if style is None else _demonstrated(style, spec, grounds)
    say(f"playing {episodes} matches against {', '.join(against)}")
    judged: dict[str, Any] = {}
    for each, contender in contenders.items():
        played = play_episodes(spec, contender, against, episodes, seed, grounds, each)
        judged[each] = {
            name: with_shares(summary(spec, rows)) for name, rows in played.items()
        }
    result = {
        "model": model,
        "game": game,
        "seed": seed,
        "decision": decision,
        "against": judged[own],
        "by_safety": judged,
    }
    if shown is not None:
        result["style"] = _judge_style(contenders, own, shown, spec, episodes, seed)
    return result


@dataclass(frozen=True)
class _Shown:
    """Who is to be resembled, and against whom and where.

    recorded: statistics of each recorded episode, where the demonstrator cannot play again
    """

    demonstrator: str
    opponents: tuple[str, ...]
    levels: Sequence[Level]
    recorded: np.ndarray | None


def _demonstrated(demonstrations: str, spec: GameSpec, levels: Sequence[Level]) -> _Shown:
    """Scripted players play again on `levels`. A person's (or a model's) recorded episodes count as
    they are, beside matches on the same levels against the same opponents.

    Raises TrajectoryError; UnknownGameError or a ModelError for an opponent that is gone.
    """
    file = load_trajectories(demonstrations, game=spec.name, layout_hash=spec.layout_hash)
    demonstrator, opponents = who_played(file.header)
    if demonstrator == YARDSTICK:
        raise TrajectoryError(
            f"the style score runs from the {YARDSTICK} to the demonstrator, and in "
            f"{demonstrations} they are the same; record another player"
        )
    if not opponents:
        raise TrajectoryError(
            f"{demonstrations} demonstrates every seat: the style score needs opponents"
        )
    scripted = fastenv.scripted_player_names(spec.name)
    if demonstrator in scripted and set(opponents) <= set(scripted):
        return _Shown(demonstrator, opponents, levels, None)
    for name in opponents:
        load_agent(name, spec)
    boards = {episode.level.tobytes(): episode.level for episode in file.episodes}
    return _Shown(
        demonstrator,
        opponents,
        [Level.from_tiles(tiles, spec) for tiles in boards.values()],
        recorded_statistics(file, spec),
    )


def _judge_style(
    contenders: dict[str, PolicyFunction | ScriptedPolicy],
    own: str,
    shown: _Shown,
    spec: GameSpec,
    episodes: int,
    seed: int,
) -> dict[str, Any]:
    opponents, levels = shown.opponents, shown.levels
    yardstick = StyleYardstick(
        spec, shown.demonstrator, opponents, episodes, seed, levels, shown.recorded
    )
    scores, intervals, profiles = {}, {}, {}
    for safety, contender in contenders.items():
        played = play_episodes(spec, contender, opponents, episodes, seed, levels, safety)
        scores[safety] = round(yardstick.score(played), 4)
        intervals[safety] = [round(bound, 4) for bound in yardstick.interval(played)]
        profiles[safety] = profile(spec, np.concatenate(list(played.values())))
    return {
        "demonstrator": shown.demonstrator,
        "opponents": list(opponents),
        "recorded_episodes": None if shown.recorded is None else len(shown.recorded),
        "score": scores[own],
        "score_by_safety": scores,
        "interval_by_safety": intervals,
        "profile": profiles[own],
        "demonstrator_profile": yardstick.profile,
        "survivor_profile": yardstick.survivor_profile,
        "demonstrator_spread": yardstick.spread,
    }
