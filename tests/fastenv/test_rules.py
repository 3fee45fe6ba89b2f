"""Each rule in the prose of blast.pyx, one small match a rule. Cells are (row, column)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import fastenv
from tests.fastenv.scenario import (
    ACTIONS,
    BOMB,
    BOMB_ITEM,
    CRATE,
    FLOOR,
    RANGE_ITEM,
    SPEC,
    WALL,
    Scenario,
)

FAR = {9: "..........2"}


def cross(row: int, column: int, reach: int) -> set[tuple[int, int]]:
    """The flames of a bomb in the open."""
    return {(row + step, column) for step in range(-reach, reach + 1)} | {
        (row, column + step) for step in range(-reach, reach + 1)
    }


def test_both_start_on_their_spawns_with_one_bomb_of_range_two():
    match = Scenario({1: "..1........", **FAR})
    assert (match.place(0), match.place(1)) == ((1, 3), (9, 11))
    for seat in range(2):
        player = match.player(seat)
        assert (player["bombs"], player["capacity"], player["range"]) == (1, 1, 2)


# -------------------------------------------------------------------------------- 2. acting


def test_steps_go_to_the_four_neighbours():
    match = Scenario({5: ".....1.....", **FAR})
    for move, place in (("up", (4, 6)), ("left", (4, 5)), ("down", (5, 5)), ("right", (5, 6))):
        assert match.play(move).place(0) == place


@pytest.mark.parametrize("obstacle", ["#", "+", "r", "b"])
def test_walls_and_crates_stop_a_step_which_counts_as_illegal(obstacle):
    match = Scenario({5: f".....1{obstacle}....", **FAR})
    assert not match.batch.legal_mask[0, 0, ACTIONS["right"]]
    match.play("right")
    assert match.place(0) == (5, 6)
    assert match.batch.illegal_actions().tolist() == [1]
    assert match.batch.statistics()[0, 0, SPEC.statistics.index("waits")] == 1


def test_a_bomb_can_be_left_but_not_entered_by_either():
    match = Scenario({5: "....1..2...", 4: "####.######", 6: "####.######"})
    match.play("bomb").play("left", "left")
    assert match.place(0) == (5, 4)
    assert not match.batch.legal_mask[0, 0, ACTIONS["right"]]
    match.play("right", "left")
    assert (match.place(0), match.place(1)) == ((5, 4), (5, 6))
    assert not match.batch.legal_mask[0, 1, ACTIONS["left"]]
    assert match.batch.illegal_actions().tolist() == [1]


def test_laying_needs_a_bomb_in_hand():
    match = Scenario({1: "1..........", **FAR}).play("bomb right")
    assert match.player(0)["bombs"] == 0
    assert not match.batch.legal_mask[0, 0, ACTIONS["bomb"]]
    match.play("bomb")
    assert len(match.now["bombs"]) == 1
    assert match.batch.illegal_actions().tolist() == [1]


def test_laying_needs_a_cell_without_a_bomb():
    match = Scenario({5: ".....1b....", **FAR})
    match.play("bomb left left up wait*5").play("down right right right")
    assert match.player(0)["bombs"] == 2
    match.play("bomb")
    assert match.player(0)["bombs"] == 1
    assert not match.batch.legal_mask[0, 0, ACTIONS["bomb"]]
    assert match.play("bomb").player(0)["bombs"] == 1


def test_two_who_want_the_same_cell_both_stay():
    match = Scenario({5: "....1.2...."}).play("right", "left")
    assert (match.place(0), match.place(1)) == ((5, 5), (5, 7))
    assert match.batch.illegal_actions().tolist() == [0]


def test_two_who_would_swap_both_stay():
    match = Scenario({5: "....12....."}).play("right", "left")
    assert (match.place(0), match.place(1)) == ((5, 5), (5, 6))


def test_nobody_enters_the_cell_of_one_who_stays():
    match = Scenario({5: "....12....."}).play("right", "wait")
    assert (match.place(0), match.place(1)) == ((5, 5), (5, 6))


def test_a_cell_that_is_left_in_the_same_tick_can_be_entered():
    match = Scenario({5: "....12....."}).play("right", "right")
    assert (match.place(0), match.place(1)) == ((5, 6), (5, 7))


def test_a_bomb_is_laid_even_where_the_other_pushes_in():
    match = Scenario({5: "....12....."}).play("bomb", "left")
    assert (match.place(0), match.place(1)) == ((5, 5), (5, 6))
    assert match.content(5, 5) == BOMB


# ----------------------------------------------------------------------------------- 3. items


def items_match() -> Scenario:
    """Player 1 has blown up the two crates beside row 5, column 6 and stands there again."""
    match = Scenario({5: "....r1b....", **FAR})
    return match.play("bomb down down right wait*5").play("left up up")


def test_a_range_item_lengthens_the_flames():
    match = items_match()
    assert (match.content(5, 5), match.content(5, 7)) == (RANGE_ITEM, BOMB_ITEM)
    match.play("left")
    assert match.player(0)["range"] == 3
    assert match.content(5, 5) == FLOOR
    match.play("bomb").wait(8)
    assert (5, 2) in match.flames() and (5, 1) not in match.flames()


def test_a_bomb_item_gives_one_more_bomb():
    match = items_match().play("right")
    assert (match.player(0)["bombs"], match.player(0)["capacity"]) == (2, 2)
    match.play("bomb down bomb")
    assert len(match.now["bombs"]) == 2


# ----------------------------------------------------------------------------- 4. bombs and flames


def test_a_bomb_bursts_eight_ticks_after_it_was_laid_and_goes_back_into_the_hand():
    match = Scenario({5: ".....1.....", **FAR}).play("bomb up up up")
    match.wait(4)
    assert [bomb["fuse"] for bomb in match.now["bombs"]] == [1]
    assert match.flames() == set() and match.player(0)["bombs"] == 0
    match.wait(1)
    assert match.flames() == cross(5, 6, 2)
    assert match.now["bombs"] == [] and match.player(0)["bombs"] == 1
    assert match.content(5, 6) == FLOOR


def test_flames_are_gone_in_the_next_tick_and_deadly_only_in_the_tick_of_the_burst():
    match = Scenario({5: ".....1.....", **FAR}).play("bomb up up up wait*5")
    match.play("down")
    assert match.flames() == set() and match.place(0) == (3, 6)
    assert match.player(0)["alive"] and not match.ended()


def test_flames_stop_before_a_wall():
    match = Scenario({5: "....#1.....", **FAR}).play("bomb up up up wait*5")
    assert {(5, 5), (5, 4)} & match.flames() == set()
    assert match.content(5, 5) == WALL


@pytest.mark.parametrize("crate, left", [("+", FLOOR), ("r", RANGE_ITEM), ("b", BOMB_ITEM)])
def test_flames_stop_at_the_first_crate_which_burns_and_leaves_what_it_hid(crate, left):
    match = Scenario({5: f"...+{crate}1.....", **FAR}).play("bomb up up up wait*5")
    assert (5, 5) in match.flames() and (5, 4) not in match.flames()
    assert (match.content(5, 5), match.content(5, 4)) == (left, CRATE)


def test_a_bomb_that_a_flame_reaches_bursts_in_the_same_tick():
    match = Scenario({5: "....1.2....", **FAR} | {9: "..........."})
    match.play("bomb up up up up", "wait*3 bomb up up up right").wait(1)
    assert match.flames() == cross(5, 5, 2) | cross(5, 7, 2)
    assert match.now["bombs"] == []
    assert match.player(0)["bombs"] == match.player(1)["bombs"] == 1


def test_all_bombs_of_a_tick_see_the_crates_as_they_stood_before_it():
    # The crate between two bombs stops the flames of both.
    match = Scenario({5: "....1+2....", **FAR} | {9: "..........."})
    match.play("bomb left left left down wait*4", "bomb right right right down wait*4")
    assert (5, 6) in match.flames() and match.content(5, 6) == FLOOR
    assert match.flames() == (cross(5, 5, 2) - {(5, 7)}) | (cross(5, 7, 2) - {(5, 5)})


def test_flames_burn_open_items_and_pass_over_them():
    match = Scenario({5: "....r1.....", **FAR}).play("bomb up up up wait*5")
    assert match.content(5, 5) == RANGE_ITEM
    match.play("down down down bomb up up up wait*5")
    assert match.content(5, 5) == FLOOR
    assert match.player(0)["range"] == 2
    assert {(5, 5), (5, 4)} <= match.flames()


# ---------------------------------------------------------------------------- 5. and 7. the end


def test_one_who_stays_in_the_flames_dies_and_the_other_wins():
    match = Scenario({5: ".....1.....", **FAR}).play("bomb").wait(7)
    assert match.rewards() == (0, 0) and not match.ended()
    match.wait(1)
    assert not match.player(0)["alive"] and match.player(1)["alive"]
    assert match.rewards() == (-1, 1) and match.ended()
    names = SPEC.statistics
    counters = match.batch.final_statistics[0]
    assert counters[0, names.index("self_kills")] == 1
    assert counters[1, names.index("wins")] == counters[1, names.index("early_wins")] == 1
    assert counters[0, names.index("losses")] == 1


def test_a_bomb_kills_the_other_too():
    match = Scenario({5: "....1.2...."}).play("bomb up up up wait*5")
    assert match.rewards() == (1, -1) and match.ended()
    assert match.batch.final_statistics[0, 0, SPEC.statistics.index("kills")] == 1


def test_both_dead_in_the_same_tick_is_a_draw():
    match = Scenario({5: "....1.2...."}).play("bomb").wait(8)
    assert match.ended() and match.rewards() == (0, 0)
    assert not match.player(0)["alive"] and not match.player(1)["alive"]


def test_an_ended_match_stays_as_it_ended():
    match = Scenario({5: ".....1.....", **FAR}).play("bomb").wait(8)
    before = match.now
    match.play("left", "left")
    assert match.ended() and match.rewards() == (0, 0)
    assert np.array_equal(before["tiles"], match.now["tiles"])
    assert before["players"] == match.now["players"]


# ------------------------------------------------------------------------------ 6. the closing


@pytest.mark.parametrize("seed", range(12))
def test_the_arena_closes_in_a_spiral_one_cell_a_tick(seed):
    match = Scenario({5: "....1.2...."}, seed).wait(199)
    closed = match.now["tiles"] == WALL
    path: list[tuple[int, int]] = []
    while not match.ended():
        match.wait(1)
        walls = match.now["tiles"] == WALL
        new = np.argwhere(walls & ~closed)
        assert len(new) == 1
        path.append((int(new[0, 0]), int(new[0, 1])))
        closed = walls
    assert path[0] in {(1, 1), (1, 11), (9, 1), (9, 11)}
    assert all(
        abs(row - other_row) + abs(column - other_column) == 1
        for (row, column), (other_row, other_column) in pairwise(path)
    )
    assert path[-1] in {(5, 5), (5, 7)}
    assert sorted(match.rewards()) == [-1, 1]


def test_the_closing_starts_anywhere_and_turns_both_ways():
    starts = set()
    for seed in range(40):
        match = Scenario({5: "....1.2...."}, seed).wait(199)
        open_before = match.now["tiles"] == FLOOR
        match.wait(2)
        starts.add(tuple(map(tuple, np.argwhere(open_before & (match.now["tiles"] == WALL)))))
    assert len(starts) == 8


def test_the_closing_kills_whom_it_meets():
    ends = set()
    for seed in range(16):
        match = Scenario({1: "1.........2"}, seed).wait(200)
        ends.add((match.ended(), match.rewards()))
    assert ends == {(True, (-1, 1)), (True, (1, -1)), (False, (0, 0))}


def test_a_bomb_on_a_closing_cell_goes_back_to_its_owner():
    for seed in range(16):
        match = Scenario({1: "1..........", **FAR}, seed)
        match.wait(197).play("bomb right down")
        if match.content(1, 1) == WALL:
            assert match.now["bombs"] == [] and match.player(0)["bombs"] == 1
            return
    pytest.fail("no spiral of 16 started where the bomb lay")


# ------------------------------------------------------------------------------- what is seen


def field(match: Scenario, seat: int, name: str) -> int:
    return int(match.batch.observations[0, seat, SPEC.offset(name)])


def test_danger_counts_down_and_a_chain_shortens_it():
    match = Scenario({5: "....1.2....", 9: "..........."})
    match.play("bomb up up up", "wait*3 bomb")
    # The first bomb, 5 ticks before its burst, will set off the second, laid just now.
    assert match.danger(5, 5) == match.danger(5, 6) == 5
    assert match.danger(5, 7) == match.danger(5, 9) == match.danger(7, 7) == 5
    assert match.danger(1, 1) == 0
    match.wait(1)
    assert match.danger(5, 9) == 4


def test_danger_announces_the_closing_eight_ticks_ahead():
    match = Scenario({5: "....1.2...."}).wait(191)
    assert not match.now["danger"].any()
    match.wait(1)
    assert np.count_nonzero(match.now["danger"]) == 1 and match.now["danger"].max() == 8
    match.wait(7)
    assert sorted(match.now["danger"][match.now["danger"] > 0].tolist()) == list(range(1, 9))


def test_nobody_sees_what_a_crate_hides():
    seen = [
        Scenario({5: f"....{crate}1.....", **FAR}).batch.observations.tobytes() for crate in "+rb"
    ]
    assert len(set(seen)) == 1


def test_each_player_sees_from_her_own_seat():
    match = Scenario({2: "...1.......", 7: "........2.."}).play("bomb")
    expected = {
        "own_column": (4, 9), "own_row": (2, 7), "foe_column": (9, 4), "foe_row": (7, 2),
        "own_bombs": (0, 1), "own_capacity": (1, 1), "own_range": (2, 2),
        "foe_bombs": (1, 0), "foe_capacity": (1, 1), "foe_range": (2, 2),
        "ticks_to_closing": (199, 199), "ticks_closed": (0, 0), "seat": (0, 1),
    }  # fmt: skip
    assert {name: (field(match, 0, name), field(match, 1, name)) for name in expected} == expected
    assert set(expected) | {"cells"} == {field.name for field in SPEC.observation}


def test_the_clock_of_the_closing_runs_to_zero_and_then_up():
    match = Scenario({5: "....1.2...."}).wait(200)
    assert (field(match, 0, "ticks_to_closing"), field(match, 0, "ticks_closed")) == (0, 0)
    match.wait(3)
    assert (field(match, 0, "ticks_to_closing"), field(match, 0, "ticks_closed")) == (0, 3)


# ------------------------------------------------------------------------------ no seat is better

TURNED_ACTION = np.array([0, 2, 1, 4, 3, 5], np.uint8)
MIRRORED_ACTION = np.array([0, 1, 2, 4, 3, 5], np.uint8)


@pytest.mark.parametrize(
    "turn, turned_action",
    [
        (lambda board: board[::-1, ::-1], TURNED_ACTION),
        (lambda board: board[:, ::-1], MIRRORED_ACTION),
    ],
    ids=["turned", "mirrored"],
)
def test_a_turned_board_with_swapped_seats_plays_the_same(turn, turned_action):
    random = np.random.default_rng(4)
    levels = fastenv.builtin_levels(SPEC, 1, count=16)
    swap_spawns = np.array([0, 1, 2, 3, 4, 6, 5], np.uint8)
    for level in levels:
        other = fastenv.Level.from_tiles(turn(swap_spawns[level.tiles]), SPEC)
        first, second = (
            fastenv.make_batch("blast", 1, levels=[each], autoreset=False)
            for each in (level, other)
        )
        for _ in range(80):
            survivable = first.survivable_mask()[0]
            assert np.array_equal(
                survivable, second.survivable_mask()[0, ::-1][:, turned_action]
            )
            actions = np.array(
                [[random.choice(np.flatnonzero(mask)) if mask.any() else 0 for mask in survivable]],
                np.uint8,
            )
            first.step(actions)
            second.step(np.ascontiguousarray(turned_action[actions][:, ::-1]))
            assert first.rewards[0].tolist() == second.rewards[0, ::-1].tolist()
            for name in ("tiles", "danger", "flames"):
                assert np.array_equal(turn(first.snapshot(0)[name]), second.snapshot(0)[name])
