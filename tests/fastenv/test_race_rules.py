"""The rules of Race, one test a sentence, on small boards written out."""

from __future__ import annotations

import numpy as np
import pytest

import fastenv

SPEC = fastenv.game_spec("race")
ACTIONS = {name: number for number, name in enumerate(SPEC.actions)}
# Nine coins far from where the tests play, but for those that they ask for.
SHELF = "ooooooooo.."


def start(*rows: str, coins_used: int = 0) -> fastenv.BatchEnv:
    """One env; `rows` are the first lines inside the border, then floor and a shelf of coins."""
    inside = [row.ljust(11, ".") for row in rows]
    inside += ["." * 11] * (8 - len(inside)) + [SHELF.replace("o", ".", coins_used)]
    text = "\n".join(["#" * 13, *(f"#{line}#" for line in inside), "#" * 13])
    level = fastenv.Level.from_text(text, SPEC)
    return fastenv.make_batch("race", 1, levels=[level], autoreset=False)


def play(batch: fastenv.BatchEnv, first: str, second: str = "") -> dict:
    moves = [first.split(), second.split()]
    for tick in range(max(map(len, moves))):
        names = [words[tick] if tick < len(words) else "wait" for words in moves]
        batch.step(np.array([[ACTIONS[name] for name in names]], np.uint8))
    return batch.snapshot(0)


def places(snapshot: dict) -> list[tuple[int, int]]:
    return [(player["row"], player["column"]) for player in snapshot["players"]]


def legal(batch: fastenv.BatchEnv, player: int = 0) -> list[str]:
    return [name for name, number in ACTIONS.items() if batch.legal_mask[0, player, number]]


def statistic(batch: fastenv.BatchEnv, name: str) -> list[int]:
    return batch.statistics()[0, :, SPEC.statistics.index(name)].tolist()


def test_a_step_needs_a_cell_without_a_wall():
    batch = start("1.#........", "#.........2")
    assert legal(batch) == ["wait", "right"]
    assert places(play(batch, "right right up")) == [(1, 2), (2, 11)]
    assert batch.illegal_actions().tolist() == [2]


def test_a_crate_is_pushed_onto_bare_floor_only():
    batch = start("1+.o......2", coins_used=1)
    now = play(batch, "right")
    assert places(now)[0] == (1, 2) and now["tiles"][1, 3] == SPEC.content_id("crate")
    assert statistic(batch, "pushes") == [1, 0]
    assert "right" not in legal(batch), "a coin lies behind the crate"
    for behind in ("1+#.......2", "1++.......2", "1+~.......2", "1+2........"):
        assert "right" not in legal(start(behind)), behind


def test_who_comes_onto_ice_slides_until_something_stops_her():
    batch = start("1.~~~+....2")
    play(batch, "right right")
    assert legal(batch) == ["wait"] and batch.observations[0, 0, SPEC.offset("own_sliding")] == 1
    assert batch.observations[0, 1, SPEC.offset("foe_sliding")] == 1
    now = play(batch, "wait")
    assert places(now)[0] == (1, 4)
    play(batch, "up")
    assert batch.illegal_actions().tolist() == [1], "who slides has no choice"
    now = batch.snapshot(0)
    assert places(now)[0] == (1, 5) and set(legal(batch)) == {"wait", "left", "right", "down"}
    assert places(play(batch, "wait"))[0] == (1, 5)
    assert statistic(batch, "slides") == [2, 0]


def test_a_slide_ends_on_floor():
    batch = start("1~~........", "2")
    assert places(play(batch, "right wait wait wait"))[0] == (1, 4)


@pytest.mark.parametrize("row", ["1.2", "12"], ids=["same cell", "swap"])
def test_two_who_want_the_same_cell_both_stay(row):
    batch = start(row)
    before = places(batch.snapshot(0))
    assert places(play(batch, "right", "left")) == before
    assert batch.illegal_actions().tolist() == [0]


@pytest.mark.parametrize(
    "row, second_row", [("1+.+2", ""), ("1+.2", ""), ("1+", "..2")],
    ids=["two crates", "a step along", "a step across"],
)
def test_a_crate_stays_where_its_way_is_contested(row, second_row):
    batch = start(row, second_row)
    before = batch.snapshot(0)
    now = play(batch, "right", "up" if second_row else "left")
    assert np.array_equal(now["tiles"], before["tiles"]) and places(now) == places(before)
    assert statistic(batch, "pushes") == [0, 0] and batch.illegal_actions().tolist() == [0]


def test_two_crates_with_room_for_both_are_pushed():
    now = play(start("1+..+2"), "right", "left")
    assert places(now) == [(1, 2), (1, 5)]
    assert (now["tiles"][1, 3:5] == SPEC.content_id("crate")).all()


def test_a_blocked_slide_is_over():
    batch = start("1~.2")
    now = play(batch, "right wait", "wait left")
    assert places(now) == [(1, 2), (1, 4)]
    assert legal(batch) == ["wait", "down", "left", "right"]


def test_the_fifth_coin_wins_at_once():
    batch = start("1ooooo....2", coins_used=5)
    play(batch, "right right right right")
    assert not batch.terminated[0] and batch.snapshot(0)["players"][0]["coins"] == 4
    play(batch, "right")
    assert batch.terminated[0] and not batch.truncated[0]
    assert batch.rewards[0].tolist() == [1, -1]
    assert statistic(batch, "wins") == [1, 0] and statistic(batch, "losses") == [0, 1]
    assert batch.observations[0, 0, SPEC.offset("coins_left")] == 4


def test_the_race_is_cut_after_tick_240_without_a_winner():
    batch = start("1.........2")
    play(batch, "wait " * 239)
    assert not batch.truncated[0]
    play(batch, "wait")
    assert batch.truncated[0] and not batch.terminated[0] and not batch.rewards.any()
    assert statistic(batch, "ticks") == [240, 240] and statistic(batch, "wins") == [0, 0]


def test_a_coin_taken_in_the_last_tick_still_wins():
    batch = start("1ooooo....2", coins_used=5)
    play(batch, "right " * 4 + "wait " * 235)
    assert batch.snapshot(0)["tick"] == 239 and not batch.terminated[0]
    play(batch, "right")
    assert batch.terminated[0] and not batch.truncated[0] and batch.rewards[0].tolist() == [1, -1]


def test_a_level_needs_all_nine_coins():
    with pytest.raises(fastenv.LevelError, match="9 × coin"):
        start("1o........2")


def test_racers_beat_random_players_and_win_about_half_against_each_other():
    wins, losses = (SPEC.statistics.index(name) for name in ("wins", "losses"))
    for other, least, most in (("survivor", 0.8, 1.0), ("racer", 0.3, 0.7)):
        batch = fastenv.make_batch("race", 200, seed=3, autoreset=False)
        bots = [fastenv.make_bot("racer", "race"), fastenv.make_bot(other, "race")]
        for _ in range(240):
            batch.step(np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1))
        final = batch.final_statistics[:, 0]
        decided = final[:, wins].sum() + final[:, losses].sum()
        assert decided > 150 and least <= final[:, wins].sum() / decided <= most
