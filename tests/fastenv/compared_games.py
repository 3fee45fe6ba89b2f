"""The games that have their rules in plain Python beside them, and how they are compared."""

from __future__ import annotations

import fastenv
from tests.fastenv import blast_reference, race_reference
from tests.fastenv.differential import ComparedGame

# Nearly every crate holds an item, so that ranges and hands grow to their limits.
TREASURY = """\
#############
#1.rbrbrbrbr#
#.#b#r#b#r#b#
#rbrbrbrbrbr#
#b#r#b#r#b#r#
#rbr.....rbr#
#r#b#r#b#r#b#
#rbrbrbrbrbr#
#b#r#b#r#b#.#
#rbrbrbrbr.2#
#############
"""
OPEN_FIELD = """\
#############
#...........#
#..+.....+..#
#...........#
#....+.+....#
#1.+..r..+.2#
#....+.+....#
#...........#
#..+.....+..#
#...........#
#############
"""
# Long slides that cross each other, against walls and crates.
RINK = """\
#############
#1.~~~~~~~o.#
#.~~~~+~~~~.#
#~~o~~~~~#~~#
#~~~#~o~~~~~#
#~+~~~~~~o~~#
#~~~~o~#~~~~#
#~~#~~~~~o~~#
#o~~~~+~~~~.#
#.o~~~~~~o.2#
#############
"""
# Crates that two can push towards each other, across each other and at each other.
WAREHOUSE = """\
#############
#...........#
#.+.+.+.+.+.#
#..o.o.o.o..#
#.+.+.+.+.+.#
#..1+...+2..#
#.+.+.+.+.+.#
#..o.o.o.o..#
#.+.+.+.+.+.#
#.....o.....#
#############
"""


def levels_of(game: str, *own: str) -> list[fastenv.Level]:
    """Half of them these, half built in."""
    spec = fastenv.game_spec(game)
    return [fastenv.Level.from_text(text, spec) for text in own] * 6 + fastenv.builtin_levels(
        spec, 5, count=12
    )


def events_of_blast(game: blast_reference.Reference) -> dict[str, bool]:
    return {
        "bursts": bool(game.flames),
        "two bombs a hand": len(game.bombs) > 2,
        "most range": max(player.range for player in game.players) == 6,
        "most bombs": max(player.capacity for player in game.players) == 4,
        "closing": game.tick >= blast_reference.CLOSING_TICK,
        "illegal": game.illegal_actions > 0,
        "draws": game.terminated and not any(player.alive for player in game.players),
        "caught by the closing": game.terminated and any(
            player.cell == game.closing_cell(game.tick) for player in game.players
        ),
    }


def events_of_race(game: race_reference.Reference) -> dict[str, bool]:
    happened = (
        "push", "slide", "same cell", "swap", "other collision", "contested push", "blocked slide",
    )  # fmt: skip
    return {name: name in game.happened for name in happened} | {
        "two who slide": all(player.sliding for player in game.players),
        "illegal": game.illegal_actions > 0,
        "wins": game.terminated,
        "cut off": game.truncated,
    }


BLAST = ComparedGame(
    name="blast",
    start=blast_reference.Reference.from_tiles,
    levels=lambda: levels_of("blast", TREASURY, OPEN_FIELD),
    pairs=(
        ("survivor", "survivor"),
        ("hunter", "miner"),
        ("hunter", "hunter"),
        ("miner", "survivor"),
        ("random", "survivor"),
        ("random", "random"),
        ("idle", "miner"),
        ("survivor", "idle"),
        ("rusher", "turtle"),
        ("turtle", "hunter"),
    ),
    events=events_of_blast,
    is_threatened=lambda game: bool(game.bombs) or game.tick > blast_reference.FORK_TICK,
)
RACE = ComparedGame(
    name="race",
    start=race_reference.Reference.from_tiles,
    levels=lambda: levels_of("race", RINK, WAREHOUSE),
    pairs=(
        ("survivor", "survivor"),
        ("racer", "pusher"),
        ("racer", "racer"),
        ("pusher", "pusher"),
        ("pusher", "survivor"),
        ("random", "pusher"),
        ("random", "random"),
        ("idle", "random"),
    ),
    events=events_of_race,
    is_threatened=lambda game: True,
)
COMPARED_GAMES = {compared.name: compared for compared in (BLAST, RACE)}
