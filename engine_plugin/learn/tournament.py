"""The `tournament` command: everybody against everybody, seats swapped, rated at the end.

Needs no TensorFlow.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.files import refuse_existing
from engine_plugin.learn.agents import BOT_PREFIX, Agent, load_agent
from engine_plugin.learn.evaluate import YARDSTICK
from engine_plugin.learn.instructive import choose_instructive, save_matches
from engine_plugin.learn.intervals import share_with_interval
from engine_plugin.learn.matches import Matches, play_matches
from engine_plugin.learn.ratings import Pairing, Ratings, fit_ratings
from engine_plugin.levels.source import levels_from
from fastenv import GameSpec, Level

OPTIONAL_STATISTICS = ("early_wins", "self_kills")
"""Counted only by the games that know them."""


@dataclass(frozen=True, eq=False)
class PairPlay:
    """What two contestants played: match i of both seatings is on the same level and seed.

    first, second: their numbers; seatings[0]: the first in seat 0; seatings[1]: in seat 1
    """

    first: int
    second: int
    seatings: tuple[Matches, Matches]

    def results(self, contestant: int) -> np.ndarray:
        """int8 [levels, 2], +1 won, 0 drawn, -1 lost, by that one; a column for each seating."""
        columns = [play.results[:, seat] for play, seat in self._seats(contestant)]
        return np.stack(columns, axis=1)

    def statistic(self, spec: GameSpec, name: str, contestant: int) -> int:
        """A counter of that one, summed over all matches."""
        column = spec.statistics.index(name)
        return sum(
            int(play.statistics[:, seat, column].sum()) for play, seat in self._seats(contestant)
        )

    def _seats(self, contestant: int) -> list[tuple[Matches, int]]:
        """Both seatings, each with the seat in which that one sits."""
        here, there = self.seatings
        return [(here, 0), (there, 1)] if contestant == self.first else [(here, 1), (there, 0)]


def play_tournament(
    names: Sequence[str],
    game: str,
    matches: int,
    seed: int,
    levels: str,
    *,
    safety: str | None = None,
    anchor: str | None = None,
    keep: int = 3,
    out: Path | None = None,
    force: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """A round-robin of models (files or shipped names) and scripted players (bot:NAME).

    matches: of every pair, half in each seating, on the same levels and seeds for all pairs
    safety: one of card.SAFETIES instead of what the models' cards say
    anchor: whose rating is 1000; without it the survivor where it plays, else the first
    keep, out: folder for that many of the most instructive matches of every kind

    Raises ConfigError, UnknownGameError, ModelError kinds or OutputExistsError before a match is
    played. Returns what `tables.describe_tournament` shows, JSON-ready.
    """
    spec = fastenv.game_spec(game)
    _check(spec, names, matches, keep)
    agents: list[Agent] = [load_agent(name, spec, safety) for name in names]
    shown = [agent.name for agent in agents]
    _check_names(shown)
    anchored = _anchor(anchor, shown)
    grounds = levels_from(levels, spec, seed)
    if out is not None:
        refuse_existing(out, force)
        if out.exists() and not out.is_dir():
            raise ConfigError(f"expected a folder for the matches, got a file: {out}")
    plays = []
    for first, second in combinations(range(len(agents)), 2):
        say(f"playing {matches} matches of {shown[first]} against {shown[second]}")
        pair = (agents[first], agents[second])
        plays.append(PairPlay(first, second, _play_pair(spec, pair, matches // 2, seed, grounds)))
    pairings = [
        Pairing(play.first, play.second, (play.results(play.first) + 1) / 2) for play in plays
    ]
    ratings = fit_ratings(len(agents), pairings, anchored)
    result: dict[str, Any] = {
        "game": game,
        "seed": seed,
        "levels": levels,
        "matches_a_pair": matches,
        "safety": safety or "as the cards say",
        "anchor": shown[anchored],
        "contestants": _standings(spec, shown, plays, ratings),
        "pairs": [_pair_counts(spec, shown, play) for play in plays],
    }
    if out is not None:
        elo = dict(zip(shown, ratings.elo.tolist(), strict=True))
        chosen = choose_instructive(spec, [play.seatings for play in plays], elo, keep)
        try:
            result["instructive"] = save_matches(out, spec, chosen, force)
            result["out"] = str(out)
        except OSError as error:  # a full disk; what was played counts all the same
            say(f"cannot keep matches in {out}: {error}")
    return result


def _play_pair(
    spec: GameSpec, pair: tuple[Agent, Agent], count: int, seed: int, levels: list[Level]
) -> tuple[Matches, Matches]:
    """Both seatings. An agent's stream depends on its name, its seat and the seed alone, so that
    who is named first makes no difference."""

    def seated(agent: Agent, seat: int) -> Agent:
        name = zlib.crc32(agent.name.encode())
        return agent.fresh(int(np.random.SeedSequence([seed, name, seat]).generate_state(1)[0]))

    first, second = pair
    here = play_matches(spec, (seated(first, 0), seated(second, 1)), count, seed, levels)
    there = play_matches(spec, (seated(second, 0), seated(first, 1)), count, seed, levels)
    return here, there


def _standings(
    spec: GameSpec, names: list[str], plays: list[PairPlay], ratings: Ratings
) -> list[dict[str, Any]]:
    """A row for every contestant, the strongest first."""
    rows = []
    for number, name in enumerate(names):
        own = [play for play in plays if number in (play.first, play.second)]
        results = np.concatenate([play.results(number) for play in own])
        wins, losses = int((results > 0).sum()), int((results < 0).sum())
        rows.append(
            {
                "name": name,
                "elo": round(float(ratings.elo[number]), 1),
                "elo_low": round(float(ratings.low[number]), 1),
                "elo_high": round(float(ratings.high[number]), 1),
                "matches": results.size,
                "wins": wins,
                "draws": results.size - wins - losses,
                "losses": losses,
                "win_share": share_with_interval(wins, results.size),
                **{
                    statistic: sum(play.statistic(spec, statistic, number) for play in own)
                    for statistic in OPTIONAL_STATISTICS
                    if statistic in spec.statistics
                },
            }
        )
    return sorted(rows, key=lambda row: -row["elo"])


def _pair_counts(spec: GameSpec, names: list[str], play: PairPlay) -> dict[str, Any]:
    """The counts of one pair, from the first one's side; lists hold [first, second]."""
    results = play.results(play.first)
    both = (play.first, play.second)
    ticks = np.concatenate([seating.ticks for seating in play.seatings])
    return {
        "players": [names[number] for number in both],
        "wins": int((results > 0).sum()),
        "draws": int((results == 0).sum()),
        "losses": int((results < 0).sum()),
        **{
            statistic: [play.statistic(spec, statistic, number) for number in both]
            for statistic in OPTIONAL_STATISTICS
            if statistic in spec.statistics
        },
        "mean_ticks": round(float(ticks.mean()), 1),
    }


def _anchor(anchor: str | None, names: list[str]) -> int:
    if anchor is None:
        return names.index(YARDSTICK) if YARDSTICK in names else 0
    wanted = anchor.removeprefix(BOT_PREFIX)
    if wanted not in names:
        raise ConfigError(f"expected an anchor who takes part ({', '.join(names)}), got {anchor!r}")
    return names.index(wanted)


def _check(spec: GameSpec, names: Sequence[str], matches: int, keep: int) -> None:
    if spec.players != 2:
        raise ConfigError(f"a tournament needs a game for two, {spec.name} has {spec.players}")
    if len(names) < 2:
        raise ConfigError(f"expected two contestants or more, got {len(names)}")
    if matches < 2 or matches % 2:
        raise ConfigError(
            f"expected an even number of matches, half in each seating, got {matches}"
        )
    if keep < 1:
        raise ConfigError(f"expected to keep at least one match of each kind, got {keep}")


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"expected every contestant once, got {', '.join(twice)} twice")
