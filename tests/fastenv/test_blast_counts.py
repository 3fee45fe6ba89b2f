"""Numbers to be had without playing: reachable cells, positions after k ticks, burning cells."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

import fastenv
from tests.fastenv.counting import OPEN, SOLID, STEPS, Cell, numbers_of_positions, walked
from tests.fastenv.counting import board as board_of
from tests.fastenv.scenario import SPEC, Scenario


def board(rows: list[str]) -> fastenv.Level:
    return board_of("blast", rows)


def without_crates(level: fastenv.Level) -> fastenv.Level:
    """Its crates made walls."""
    names = [tile.name for tile in SPEC.tiles]
    crates = [number for number, name in enumerate(names) if name.startswith("crate")]
    tiles = np.where(np.isin(level.tiles, crates), names.index("wall"), level.tiles)
    return fastenv.Level.from_tiles(tiles, SPEC)


# --------------------------------------------------------------------------- cells to walk on

OPEN_BOARD = board(["1..........", *[OPEN] * 7, "..........2"])
# Every second cell of every second row a pillar: 4 rows of 5.
PILLARS = board(["1..........", ".#.#.#.#.#."] + [OPEN, ".#.#.#.#.#."] * 3 + ["..........2"])
# A room of 2 × 3 cells for player 1, and for player 2 the row at the bottom.
ROOMS = board(["1..#.......", "...#.......", *[SOLID] * 6, "..........2"])


def flooded(level: fastenv.Level, seat: int) -> set[Cell]:
    """The cells that can be walked to from a spawn, crates taken for walls."""
    tiles = without_crates(level).tiles
    names = [tile.name for tile in SPEC.tiles]
    row, column = np.argwhere(tiles == names.index(f"spawn_{seat + 1}"))[0].tolist()
    found, edge = {(row, column)}, [(row, column)]
    while edge:
        row, column = edge.pop()
        for down, right in STEPS:
            cell = (row + down, column + right)
            if tiles[cell] != names.index("wall") and cell not in found:
                found.add(cell)
                edge.append(cell)
    return found


@pytest.mark.parametrize(
    ("level", "first", "second"),
    [(OPEN_BOARD, 99, 99), (PILLARS, 79, 79), (ROOMS, 6, 11)],
    ids=["open", "pillars", "rooms"],
)
def test_as_many_cells_can_be_walked_to_as_were_counted_by_hand(level, first, second):
    assert [len(cells) for cells in walked("blast", without_crates(level), 1)] == [first, second]
    assert [len(flooded(level, seat)) for seat in range(2)] == [first, second]


@pytest.mark.parametrize("number", range(4))
def test_walkers_get_exactly_where_a_flood_gets(number):
    level = fastenv.builtin_levels(SPEC, 21, 4)[number]
    reached = [flooded(level, seat) for seat in range(2)]
    assert walked("blast", without_crates(level), number) == reached


# ------------------------------------------------------------------------- positions after k ticks


def enumerated(level: fastenv.Level, ticks: int) -> list[int]:
    """The same numbers from pairs of cells and nothing else."""
    starts = [np.argwhere(level.tiles == tile)[0].tolist() for tile in (5, 6)]
    pairs = {(tuple(starts[0]), tuple(starts[1]))}
    numbers = [1]
    for _ in range(ticks):
        pairs = {after for pair in pairs for after in _followers(level, *pair)}
        numbers.append(len(pairs))
    return numbers


def _followers(level: fastenv.Level, first: Cell, second: Cell) -> Iterator[tuple[Cell, Cell]]:
    for one, other in product(_targets(level, first), _targets(level, second)):
        meets = one == other or (one, other) == (second, first)
        yield (first, second) if meets else (one, other)


def _targets(level: fastenv.Level, cell: Cell) -> set[Cell]:
    around = {(cell[0] + down, cell[1] + right) for down, right in STEPS}
    return {target for target in around if level.tiles[target] not in (1, 2, 3, 4)}


def test_two_who_are_far_apart_spread_like_two_alone():
    """One alone in the open is within k steps: 2 k (k + 1) + 1 cells."""
    level = board([*[OPEN] * 4, "..1.....2..", *[OPEN] * 4])
    assert numbers_of_positions("blast", level, 2) == [1, 5**2, 13**2]


def test_two_who_can_just_meet_miss_the_cells_where_they_would():
    """Six steps apart, two down and four right: after three ticks they want one of 3 same cells."""
    level = board([*[OPEN] * 3, "...1.......", OPEN, ".......2...", *[OPEN] * 3])
    assert numbers_of_positions("blast", level, 3) == [1, 5**2, 13**2, 25**2 - 3]


def test_two_in_a_corridor_never_pass_each_other():
    """Two in order on seven cells: 7 × 6 / 2."""
    level = board([*[SOLID] * 4, "##1.2....##", *[SOLID] * 4])
    numbers = numbers_of_positions("blast", level, 12)
    assert numbers[-1] == 21 and numbers == enumerated(level, 12)


@pytest.mark.parametrize(
    "rows",
    [
        [*[OPEN] * 4, "....12.....", *[OPEN] * 4],
        ["1.#........", "2..........", *[OPEN] * 7],
        [*[OPEN] * 3, "...#.#.....", "...1.2+....", "....r......", *[OPEN] * 3],
    ],
    ids=["side by side", "corner", "obstacles"],
)
def test_positions_near_each_other_are_as_many_as_enumerated(rows):
    level = board(rows)
    assert numbers_of_positions("blast", level, 3) == enumerated(level, 3)


# ------------------------------------------------------------------------------ burning cells

# Four items around the middle, all burnt free by one bomb.
ITEMS = {3: ".....r.....", 5: "...r.1.r...", 7: ".....r.....", 9: "..........2"}
FREE_THE_ITEMS = "bomb right up wait*6 down left "
FETCH = ("up up down down ", "down down up up ", "left left right right ", "right right left left ")
LAY_AND_LEAVE = "bomb right up wait*6"


def equipped(items: int) -> Scenario:
    """Player 1 in the middle, row 5, column 6, with that many range items."""
    match = Scenario(ITEMS).play(FREE_THE_ITEMS + "".join(FETCH[:items]))
    assert match.place(0) == (5, 6) and match.player(0)["range"] == 2 + items
    return match


@pytest.mark.parametrize(("items", "cells"), [*enumerate((9, 13, 17, 19, 19))])
def test_in_the_middle_four_times_the_range_and_one_cell_burn_but_no_wall(items, cells):
    """Up and down there are 4 cells to the wall, to the left and right 5."""
    reach = 2 + items
    match = equipped(items).play(LAY_AND_LEAVE)
    assert len(match.flames()) == cells == 1 + 2 * min(reach, 4) + 2 * min(reach, 5)


@pytest.mark.parametrize("items", range(5))
def test_in_a_corner_twice_the_range_and_one_cell_burn(items):
    match = equipped(items).play("up left*5 up*3 bomb down right wait*6")
    assert len(match.flames()) == 1 + 2 * (2 + items)


@pytest.mark.parametrize(
    ("between", "first", "second"),
    [
        ("12", 14, 0),      # 6 in the row and 4 up and down of each
        ("1.2", 15, 0),
        ("1..2", 9, 9),     # out of reach: each for itself
        ("1#2", 7, 7),      # the wall keeps two cells of each
        ("1+2", 8, 9),      # the crate keeps one cell of the first and is gone for the second
    ],
)
def test_a_chain_burns_the_union_of_its_bombs(between, first, second):
    """The second bomb is laid two ticks later, range two; both walk out of the flames."""
    row = f"....{between}".ljust(11, ".")
    match = Scenario({5: row}).play("bomb up left wait*6", "wait*2 bomb up right wait*4")
    assert len(match.flames()) == first
    match.wait(2)
    assert len(match.flames()) == second
    assert match.now["bombs"] == [] and not match.ended()
