"""Which matches of a tournament are worth watching, and keeping them as trajectories.

Every kind orders the matches that qualify and keeps the first few, of each pair at most one; a
match goes under the first kind that claims it. Ratings are those of the tournament itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine_plugin.checks import LONGEST_NAME
from engine_plugin.files import atomic_write, refuse_existing
from engine_plugin.learn.matches import Matches
from engine_plugin.learn.ratings import expected_score
from engine_plugin.trajectory import TrajectoryFile, TrajectoryHeader
from fastenv import GameSpec

INDEX_NAME = "index.json"
OWN_NAME = re.compile(r"\d+-[a-z-]+\.npz")


@dataclass(frozen=True)
class MatchFacts:
    """What choosing looks at in one match.

    matches, number: where it was played; agents: names by seat
    winner: seat, or None for a draw; favourite: seat of the higher rating
    gap: Elo from the favourite down to the other, never negative
    own_goal: the favourite killed itself; None in games that do not count that
    early: somebody won before the arena closed; None likewise
    """

    matches: Matches
    number: int
    agents: tuple[str, ...]
    ticks: int
    winner: int | None
    favourite: int
    gap: float
    own_goal: bool | None
    early: bool | None

    @property
    def pair(self) -> tuple[str, ...]:
        """Who played, in whatever seats."""
        return tuple(sorted(self.agents))


@dataclass(frozen=True)
class Kind:
    """One reason to watch a match. order: smaller first; None: the match does not qualify."""

    name: str
    order: Callable[[MatchFacts], tuple[float, ...] | None]
    why: Callable[[MatchFacts], str]


def _names(match: MatchFacts) -> tuple[str, str]:
    """(favourite, underdog)."""
    return match.agents[match.favourite], match.agents[1 - match.favourite]


def _chance(match: MatchFacts) -> str:
    return f"{expected_score(0, match.gap):.0%}"


def _versus(match: MatchFacts) -> str:
    return " against ".join(match.agents)


def _winner(match: MatchFacts) -> str:
    return "nobody" if match.winner is None else match.agents[match.winner]


KINDS = (
    # The underdog wins: the greatest surprise first, of equal ones the shortest.
    Kind(
        "upset",
        lambda match: (
            (-match.gap, match.ticks) if match.winner == 1 - match.favourite else None
        ),
        lambda match: (
            f"{_names(match)[1]} was expected to score {_chance(match)} against "
            f"{_names(match)[0]} and won"
        ),
    ),
    # The favourite dies of its own bomb, in the same order.
    Kind(
        "own-goal",
        lambda match: (-match.gap, match.ticks) if match.own_goal else None,
        lambda match: (
            f"{_names(match)[0]} is {match.gap:.0f} Elo stronger than {_names(match)[1]} and "
            "killed itself"
        ),
    ),
    # The quickest win; in games with a closing arena, before it closes.
    Kind(
        "fastest",
        lambda match: (
            (match.ticks,) if match.winner is not None and match.early is not False else None
        ),
        lambda match: f"{_versus(match)}: {_winner(match)} won after {match.ticks} ticks",
    ),
    Kind(
        "longest",
        lambda match: (-match.ticks,),
        lambda match: f"{_versus(match)}: {match.ticks} ticks, won by {_winner(match)}",
    ),
    # Between those nearest in strength, the one that was open for longest and yet decided.
    Kind(
        "closest",
        lambda match: (match.gap, -match.ticks) if match.winner is not None else None,
        lambda match: (
            f"{_versus(match)}, {match.gap:.0f} Elo apart: {_winner(match)} won after "
            f"{match.ticks} ticks"
        ),
    ),
)


def choose_instructive(
    spec: GameSpec,
    plays: Sequence[Sequence[Matches]],
    elo: Mapping[str, float],
    keep: int,
) -> list[tuple[Kind, MatchFacts]]:
    """At most `keep` matches of every kind, kind by kind, best first.

    plays: what was played, pair by pair and seating by seating
    """
    facts = [
        _facts(spec, matches, number, elo)
        for seatings in plays
        for matches in seatings
        for number in range(len(matches))
    ]
    taken: set[int] = set()
    chosen: list[tuple[Kind, MatchFacts]] = []
    for kind in KINDS:
        orders = [(kind.order(match), index) for index, match in enumerate(facts)]
        pairs: set[tuple[str, ...]] = set()
        # Equal ones in the order in which they were played.
        for _, index in sorted((order, index) for order, index in orders if order is not None):
            match = facts[index]
            if index in taken or match.pair in pairs or len(pairs) == keep:
                continue
            taken.add(index)
            pairs.add(match.pair)
            chosen.append((kind, match))
    return chosen


def save_matches(
    folder: Path, spec: GameSpec, chosen: Sequence[tuple[Kind, MatchFacts]], force: bool
) -> list[dict[str, Any]]:
    """Write one trajectory file a match, numbered in this order, and `index.json`, which says why
    each is there; returns that list. Raises OutputExistsError."""
    refuse_existing(folder, force)
    folder.mkdir(parents=True, exist_ok=True)
    _remove_older(folder)
    index = []
    digits = max(2, len(str(len(chosen))))
    for number, (kind, match) in enumerate(chosen, start=1):
        name = f"{number:0{digits}d}-{kind.name}.npz"
        episode = match.matches.episode(match.number)
        header = TrajectoryHeader(
            game=spec.name,
            game_version=spec.version,
            layout_hash=spec.layout_hash,
            players=tuple(agent[-LONGEST_NAME:] for agent in match.agents),
            demonstrated=tuple(range(spec.players)),
            actions=len(spec.actions),
            tick_rate=spec.tick_rate,
            seed=match.matches.seed,
        )
        TrajectoryFile(header, (episode,)).save_npz(folder / name)
        index.append(
            {
                "file": name,
                "kind": kind.name,
                "players": list(match.agents),
                "winner": None if match.winner is None else match.agents[match.winner],
                "ticks": match.ticks,
                "why": kind.why(match),
            }
        )
    atomic_write(folder / INDEX_NAME, (json.dumps(index, indent=1) + "\n").encode())
    return index


def _remove_older(folder: Path) -> None:
    """Take away what an earlier tournament wrote here, by its index; other files stay."""
    try:
        names = [str(row["file"]) for row in json.loads((folder / INDEX_NAME).read_text())]
    except (OSError, ValueError, TypeError, KeyError):
        return  # no index, or not one of ours
    for name in names:
        if OWN_NAME.fullmatch(name):
            (folder / name).unlink(missing_ok=True)


def _facts(
    spec: GameSpec, matches: Matches, number: int, elo: Mapping[str, float]
) -> MatchFacts:
    def counted(statistic: str, seat: int) -> bool | None:
        if statistic not in spec.statistics:
            return None
        column = spec.statistics.index(statistic)
        return bool(matches.statistics[number, seat, column])

    results = matches.results[number].tolist()
    here, there = (elo[name] for name in matches.agents)
    favourite = 0 if here >= there else 1
    winner = results.index(1) if 1 in results else None
    return MatchFacts(
        matches=matches,
        number=number,
        agents=matches.agents,
        ticks=int(matches.ticks[number]),
        winner=winner,
        favourite=favourite,
        gap=abs(here - there),
        own_goal=counted("self_kills", favourite),
        early=None if winner is None else counted("early_wins", winner),
    )
