"""The batch, shown on Blast: what tests/fastenv/contract.py does not ask of every game."""

from __future__ import annotations

import zlib
from ctypes import c_uint8

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastenv
from fastenv import ActionError, Level, LevelError, StateError, UnknownGameError
from tests.fastenv.contract import everything
from tests.fastenv.effort import scaled

SPEC = fastenv.game_spec("blast")
LEVELS = fastenv.builtin_levels(SPEC, 1, 8)


# ------------------------------------------------------------------------------- determinism


def play_with_bots(batch: fastenv.BatchEnv, steps: int) -> list[bytes]:
    bots = [fastenv.make_bot("hunter"), fastenv.make_bot("survivor")]
    seen = []
    for _ in range(steps):
        batch.step(np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1))
        seen.append(everything(batch))
    return seen


def test_reset_with_a_seed_starts_all_over():
    batch = fastenv.make_batch("blast", 4, seed=5)
    first = play_with_bots(batch, 150)[-1]
    batch.reset(5)
    assert everything(fastenv.make_batch("blast", 4, seed=5)) != first
    batch.final_observations[:], batch.final_statistics[:] = 0, 0
    assert play_with_bots(batch, 150)[-1] == first


def test_reset_without_a_seed_goes_on_with_the_streams():
    first, second = (fastenv.make_batch("blast", 16, seed=5) for _ in range(2))
    before = first.level_index.copy()
    first.reset()
    second.reset()
    assert np.array_equal(first.level_index, second.level_index)
    assert not np.array_equal(first.level_index, before)


# ------------------------------------------------------------------------------ saved states


def test_going_back_and_on_again_repeats_the_game():
    batch = fastenv.make_batch("blast", 1, seed=3)
    random = np.random.default_rng(0)
    for start in range(0, 60, 6):
        batch.reset(start)
        for actions in random.integers(0, 6, (start, 1, 2), dtype=np.uint8):
            batch.step(actions)
        blob = batch.save_state(0)
        futures = []
        for _ in range(2):
            batch.load_state(0, blob)
            seen = []
            for actions in np.random.default_rng(start).integers(0, 6, (80, 1, 2), np.uint8):
                batch.step(actions)
                seen.append(batch.observations.tobytes() + batch.rewards.tobytes())
            futures.append(seen)
        assert futures[0] == futures[1]


def saved_states() -> list[bytes]:
    batch = fastenv.make_batch("blast", 6, seed=4)
    play_with_bots(batch, 90)
    return [batch.save_state(index) for index in range(6)]


SAVED = saved_states()
RAW_START = SAVED[0].index(b"]") + 1     # where the JSON header ends and the struct begins


@settings(max_examples=scaled(300), deadline=None)
@given(st.sampled_from(SAVED), st.data())
def test_a_damaged_blob_is_refused_and_changes_nothing(blob, data):
    damaged = bytearray(blob)
    kind = data.draw(st.sampled_from(["flip", "cut", "extend", "noise"]))
    if kind == "flip":
        position = data.draw(st.integers(0, len(blob) - 1))
        damaged[position] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del damaged[data.draw(st.integers(0, len(blob) - 1)) :]
    elif kind == "extend":
        damaged += data.draw(st.binary(min_size=1, max_size=20))
    else:
        damaged = bytearray(data.draw(st.binary(max_size=64)))
    batch = fastenv.make_batch("blast", 2, seed=1, levels=LEVELS)
    before = everything(batch)
    with pytest.raises(StateError):
        batch.load_state(0, bytes(damaged))
    assert everything(batch) == before


@settings(max_examples=scaled(300), deadline=None)
@given(st.sampled_from(SAVED), st.data())
def test_a_forged_blob_is_refused_or_can_be_played(blob, data):
    """With a checksum that fits: what is let in must step, observe and save without harm."""
    forged = bytearray(blob[:-4])
    for _ in range(data.draw(st.integers(1, 4))):
        forged[data.draw(st.integers(RAW_START, len(forged) - 1))] = data.draw(st.integers(0, 255))
    forged += zlib.crc32(forged[len(b"fastenv1") :]).to_bytes(4, "little")
    batch = fastenv.make_batch("blast", 1, seed=1, levels=LEVELS)
    try:
        batch.load_state(0, bytes(forged))
    except StateError:
        return
    bots = [fastenv.make_bot("hunter"), fastenv.make_bot("miner")]
    for _ in range(12):
        batch.survivable_mask()
        batch.step(np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1))
        batch.snapshot(0)


@pytest.mark.parametrize("blob", [None, 7, "text", [1, 2]])
def test_what_is_not_bytes_is_refused(blob):
    with pytest.raises(StateError, match="save_state"):
        fastenv.make_batch("blast", 1).load_state(0, blob)


@pytest.mark.parametrize("index", [-1, 2])
def test_envs_that_there_are_not(index):
    batch = fastenv.make_batch("blast", 2)
    for call in (batch.snapshot, batch.save_state, lambda i: batch.load_state(i, SAVED[0])):
        with pytest.raises(IndexError, match="0 to 1"):
            call(index)


# --------------------------------------------------------------------------------- refusals


def wrong_actions() -> dict[str, object]:
    good = np.zeros((3, 2), np.uint8)
    too_high = good.copy()
    too_high[2, 1] = 6
    return {
        "too high": too_high,
        "int64": good.astype(np.int64),
        "int8": good.astype(np.int8),
        "float": good.astype(np.float32),
        "bool": good.astype(bool),
        "characters": memoryview(bytes(6)).cast("c", (3, 2)),
        "structs of a byte": good.view([("action", np.uint8)]),
        "wrong rows": np.zeros((2, 2), np.uint8),
        "wrong players": np.zeros((3, 3), np.uint8),
        "flat": np.zeros(6, np.uint8),
        "not contiguous": np.zeros((3, 4), np.uint8)[:, ::2],
        "list": [[0, 0]] * 3,
        "none": None,
        "text": "left",
    }


@pytest.mark.parametrize("name", wrong_actions())
def test_bad_actions_are_refused_before_anything_moves(name):
    batch = fastenv.make_batch("blast", 3, seed=1)
    before = everything(batch)
    with pytest.raises(ActionError, match="expected"):
        batch.step(wrong_actions()[name])
    assert everything(batch) == before


def test_read_only_actions_and_other_buffers_of_uint8_are_fine():
    actions = np.full((3, 2), 1, np.uint8)
    actions.setflags(write=False)
    expected = None
    other_buffers = memoryview(bytes(actions)).cast("B", (3, 2)), (c_uint8 * 2 * 3)(*[(1, 1)] * 3)
    for same in (actions, *other_buffers):
        batch = fastenv.make_batch("blast", 3)
        batch.step(same)
        expected = expected or everything(batch)
        assert everything(batch) == expected


def unchecked(**changes: int) -> Level:
    """A Level that skipped its checks."""
    tiles = np.array(fastenv.builtin_levels(SPEC, 0, 1)[0].tiles)
    for cell, tile in changes.items():
        row, column = map(int, cell.removeprefix("at_").split("_"))
        tiles[row, column] = tile
    return Level(tiles)


BAD_LEVELS = {
    "no border": unchecked(at_0_3=0),
    "no spawn": unchecked(at_1_1=0),
    "two spawns": unchecked(at_5_5=5),
    "unknown tile": unchecked(at_5_5=7),
    "wrong size": Level(np.ones((5, 5), np.uint8)),
    "wide tiles": Level(unchecked().tiles.astype(np.int64) + 256),
}


@pytest.mark.parametrize("name", BAD_LEVELS)
def test_levels_that_skipped_their_checks_are_refused(name):
    with pytest.raises(LevelError, match=r"expected|border"):
        fastenv.make_batch("blast", 1, levels=[unchecked(), BAD_LEVELS[name]])
    batch = fastenv.make_batch("blast", 1, seed=1)
    before = everything(batch), batch.levels
    with pytest.raises(LevelError):
        batch.set_levels([BAD_LEVELS[name]])
    assert (everything(batch), batch.levels) == before


def test_no_levels_no_envs_no_seed():
    with pytest.raises(LevelError, match="at least one"):
        fastenv.make_batch("blast", 1, levels=[])
    with pytest.raises(ValueError, match="at least one env"):
        fastenv.make_batch("blast", 0)
    for seed in (-1, 2**64):
        with pytest.raises(ValueError, match="seed"):
            fastenv.make_batch("blast", 1).reset(seed)


def test_unknown_names_say_which_there_are():
    with pytest.raises(UnknownGameError, match="blast"):
        fastenv.make_batch("chess", 1)
    with pytest.raises(UnknownGameError, match="idle, survivor, hunter, miner, turtle, rusher"):
        fastenv.make_bot("boss")


def test_a_bot_refuses_a_seat_that_there_is_not_and_what_is_no_batch():
    bot, batch = fastenv.make_bot("survivor"), fastenv.make_batch("blast", 2)
    for seat in (-1, 2):
        with pytest.raises(ValueError, match="seat from 0 to 1"):
            bot.act(batch, seat)
    with pytest.raises(ValueError, match="out of 2 actions"):
        bot.act(batch, 0, np.zeros(3, np.uint8))
    for dtype in (bool, np.int64):
        with pytest.raises(ValueError):
            bot.act(batch, 0, np.zeros(2, dtype))
    with pytest.raises(TypeError):
        bot.act(None, 0)


@pytest.mark.parametrize("method, dtype", [("survivable_mask", np.uint8), ("statistics", np.int32)])
def test_out_is_written_and_checked(method, dtype):
    batch = fastenv.make_batch("blast", 2)
    ask = getattr(batch, method)
    out = np.full_like(ask(), 77)
    assert ask(out) is out and np.array_equal(out, ask())
    shape = out.shape
    for wrong in (
        np.zeros((1, 2, 6), dtype), np.zeros(shape, np.float64), np.zeros(shape, bool),
        out[:, :, ::-1],
    ):  # fmt: skip
        with pytest.raises(ValueError):
            ask(wrong)


# --------------------------------------------------------------------------------- episode ends


def bomb_and_wait(batch: fastenv.BatchEnv) -> None:
    """Seat 0 of env 0 lays a bomb and waits for it; all others wait."""
    actions = np.zeros((batch.num_envs, 2), np.uint8)
    actions[0, 0] = 5
    batch.step(actions)
    actions[0, 0] = 0
    for _ in range(8):
        assert not batch.terminated.any()
        batch.step(actions)


def test_autoreset_starts_the_next_episode_in_the_step_that_ends_one():
    batch = fastenv.make_batch("blast", 2, seed=1)
    bomb_and_wait(batch)
    assert batch.terminated.tolist() == [True, False] and not batch.truncated.any()
    assert batch.rewards.tolist() == [[-1, 1], [0, 0]]
    clock = SPEC.offset("ticks_to_closing")
    assert batch.final_observations[0, 0, clock] == 200 - 9
    assert batch.observations[:, 0, clock].tolist() == [200, 200 - 9]
    statistic = dict(zip(SPEC.statistics, batch.final_statistics[0].T.tolist(), strict=True))
    assert statistic["ticks"] == [9, 9] and statistic["bombs"] == [1, 0]
    assert statistic["waits"] == [8, 9]
    assert not batch.statistics()[0].any() and batch.statistics()[1, 0, 0] == 9
    tiles = batch.levels[batch.level_index[0]].tiles
    shown = batch.observations[0, 0, :143].reshape(11, 13)
    assert np.array_equal(shown == 1, tiles == SPEC.tile_id("wall"))
    batch.step(np.zeros((2, 2), np.uint8))
    assert not batch.terminated.any() and not batch.rewards.any()


def test_without_autoreset_an_ended_env_stays_as_it_ended():
    batch = fastenv.make_batch("blast", 2, seed=1, autoreset=False)
    bomb_and_wait(batch)
    assert batch.rewards[0].tolist() == [-1, 1]
    ended = batch.observations[0].copy()
    assert np.array_equal(batch.final_observations[0], ended)
    statistics = batch.final_statistics[0].copy()
    for _ in range(5):
        batch.step(np.full((2, 2), 4, np.uint8))
        assert batch.terminated.tolist() == [True, False]
        assert not batch.rewards.any()
        assert np.array_equal(batch.observations[0], ended)
        assert np.array_equal(batch.final_statistics[0], statistics)
    batch.reset()
    assert not batch.terminated.any()
    assert batch.observations[0, 0, SPEC.offset("ticks_to_closing")] == 200


def test_new_levels_hold_from_the_next_episode_on():
    batch = fastenv.make_batch("blast", 2, seed=1)
    level = unchecked(at_5_5=1, at_5_6=1)
    before = batch.observations.copy()
    batch.set_levels([level])
    assert np.array_equal(batch.observations, before)
    bomb_and_wait(batch)
    shown = batch.observations[0, 0, :143].reshape(11, 13)
    assert np.array_equal(shown == 1, level.tiles == 1)


@pytest.mark.parametrize("name", [*fastenv.scripted_player_names("blast")][1:])
def test_careful_players_play_survivable_actions_while_there_are_any(name):
    batch, bot = fastenv.make_batch("blast", 16, seed=3), fastenv.make_bot(name)
    for _ in range(250):
        masks = batch.survivable_mask()
        actions = np.stack([bot.act(batch, seat) for seat in range(2)], axis=1)
        chosen = np.take_along_axis(masks, actions[:, :, None].astype(np.int64), axis=2)[:, :, 0]
        # A survivable wait is the resort of one whose walk is threatened.
        assert ((chosen == 1) | ~masks.any(axis=2)).all()
        batch.step(actions)


def test_what_caution_leaves_is_survived_wherever_the_other_steps():
    batch, bot = fastenv.make_batch("blast", 128, seed=3), fastenv.make_bot("hunter")
    twin = fastenv.make_batch("blast", 1, levels=batch.levels, autoreset=False)
    told_apart = 0
    for _ in range(150):
        plain, cautious = batch.survivable_mask(), batch.survivable_mask(caution=1)
        for env in np.flatnonzero((plain != cautious)[:, 0].any(axis=1)):
            told_apart += 1
            blob = batch.save_state(int(env))
            for action in np.flatnonzero(cautious[env, 0]):
                for step in np.flatnonzero(batch.legal_mask[env, 1, :5]):
                    twin.load_state(0, blob)
                    twin.step(np.array([[action, step]], np.uint8))
                    assert twin.terminated[0] or twin.survivable_mask()[0, 0].any()
                    assert twin.rewards[0, 0] >= 0
        batch.step(np.stack([bot.act(batch, seat) for seat in range(2)], axis=1))
    assert told_apart > 100
