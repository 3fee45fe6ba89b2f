"""Numbers to be had without playing: cells slid over, places of players and crates, sums kept."""

from __future__ import annotations

import numpy as np
import pytest

import fastenv
from tests.fastenv.compared_games import RACE
from tests.fastenv.counting import OPEN, SOLID, STEPS, Cell, numbers_of_positions, walked
from tests.fastenv.counting import board as board_of

SPEC = RACE.spec
FLOOR, WALL, CRATE, ICE, COIN = range(5)
RINK = "~" * 11


def board(rows: list[str]) -> fastenv.Level:
    """A level from its first rows, at most seven; below are walls, the coins and, if she is nowhere
    else, player 2, out of reach."""
    last = "#" if any("2" in row for row in rows) else "2"
    return board_of("race", [*rows, *[SOLID] * (8 - len(rows)), last + "#ooooooooo"])


# ------------------------------------------------------------------------------ cells slid over


def flooded(level: fastenv.Level) -> set[Cell]:
    """The cells that player 1 can come to: by steps, and over ice straight on."""
    tiles = level.tiles
    row, column = np.argwhere(tiles == SPEC.tile_id("spawn_1"))[0].tolist()
    found, stops, edge = {(row, column)}, {(row, column)}, [(row, column)]
    while edge:
        start = edge.pop()
        for down, right in STEPS[1:]:
            cell, ahead = start, (start[0] + down, start[1] + right)
            while tiles[ahead] != WALL:
                cell, ahead = ahead, (ahead[0] + down, ahead[1] + right)
                found.add(cell)
                if tiles[cell] != ICE:
                    break
            if cell not in stops:
                stops.add(cell)
                edge.append(cell)
    return found


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        (["1" + OPEN[1:], *[OPEN] * 6], 77),
        # From a corner one only ever gets along the boards of an empty rink: 2 × 11 + 2 × 5.
        (["1" + RINK[1:], *[RINK] * 6], 32),
        # Floor in the middle lies on no way; on the boards it lets her turn, into a row of 9 more.
        (["1" + RINK[1:], RINK, RINK, "~~~~~.~~~~~", *[RINK] * 3], 32),
        (["1" + RINK[1:], RINK, RINK, ".~~~~~~~~~~", *[RINK] * 3], 32 + 9),
        # A wall in the top row takes a cell and stops her on either side: two columns of 5 more.
        (["1~~~~#~~~~~", *[RINK] * 6], 32 - 1 + 2 * 5),
    ],
    ids=["floor", "rink", "floor in the middle", "floor at the side", "wall"],
)
def test_as_many_cells_can_be_come_to_as_were_counted_by_hand(rows, cells):
    level = board(rows)
    assert len(walked("race", level, 1)[0]) == cells
    assert len(flooded(level)) == cells


@pytest.mark.parametrize("number", range(6))
def test_runners_get_exactly_where_a_flood_gets(number):
    random = np.random.default_rng(number)
    tiles = random.choice(list(".~~~~#"), (7, 11))
    tiles[0, 0] = "1"
    level = board(["".join(row) for row in tiles])
    assert walked("race", level, number)[0] == flooded(level)


# ----------------------------------------------------------------- places of players and crates


def pushed(length: int, crates: int) -> int:
    """Places of a player in a corridor of `length` cells who pushes from its left end.

    The nearest crate starts on cell 3 and is the only one that moves: any other right behind it
    could not be pushed two at a time. With it on cell c she is on one of the c - 1 before it.
    """
    return sum(cell - 1 for cell in range(3, length - crates + 2))


@pytest.mark.parametrize("crates", [1, 2, 3])
def test_one_who_pushes_a_crate_along_a_corridor(crates):
    """The other crates lie at its right end, one beside the other."""
    corridor = "1.+...." [: 7 - (crates - 1)] + "+" * (crates - 1)
    level = board([corridor.ljust(11, "#")])
    numbers = numbers_of_positions("race", level, 24)
    assert numbers[-1] == pushed(7, crates)


def test_two_who_are_far_apart_spread_like_two_alone():
    """One alone in the open is within k steps: 2 k (k + 1) + 1 cells."""
    level = board([*[OPEN] * 3, "..1.....2..", *[OPEN] * 3])
    assert numbers_of_positions("race", level, 2) == [1, 5**2, 13**2]


def test_two_in_a_corridor_never_pass_each_other():
    """Two in order on seven cells: 7 × 6 / 2."""
    level = board([SOLID, "##1.2....##"])
    assert numbers_of_positions("race", level, 12)[-1] == 21


def test_two_in_a_corridor_with_a_crate_between():
    """Three in order on seven cells, each pushing it back to the other: 7 × 6 × 5 / 6."""
    level = board([SOLID, "##1..+..2##"])
    assert numbers_of_positions("race", level, 30)[-1] == 35


# ------------------------------------------------------------------------------ what is kept


def test_no_crate_no_ice_and_no_coin_is_ever_lost():
    batch = fastenv.make_batch("race", 20, seed=4, levels=RACE.levels())
    bots = [fastenv.make_bot(name, "race") for name in ("pusher", "racer")]
    started = np.stack([level.tiles for level in batch.levels])
    coins = [SPEC.offset(name) for name in ("own_coins", "foe_coins", "coins_left")]
    for _ in range(300):
        batch.step(np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1))
        cells = batch.observations[:, 0, : 11 * 13].reshape(-1, 11, 13)
        start = started[batch.level_index]
        for kept in (WALL, ICE):
            assert np.array_equal(cells == kept, start == kept)
        counts = [(board == CRATE).sum(axis=(1, 2)) for board in (cells, start)]
        assert np.array_equal(*counts)
        assert (batch.observations[:, 0, coins].sum(axis=1) == 9).all()
        assert np.array_equal(batch.observations[:, 0, coins[2]], (cells == COIN).sum(axis=(1, 2)))
