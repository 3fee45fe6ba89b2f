"""What every game keeps, written once; a game's tests inherit it in three lines:

    class TestRace(GameContract):
        game = "race"
"""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pytest

import fastenv
from fastenv import ActionError, BatchEnv, Bot, GameSpec, LevelError, StateError
from fastenv.adapters.rendering import board_picture, board_text

BUFFERS = (
    "observations", "legal_mask", "rewards", "terminated", "truncated", "final_observations",
    "final_legal_mask", "final_statistics", "level_index",
)  # fmt: skip
# What hosts, learners and tables read by name.
STATISTICS = {"ticks", "wins", "losses"}
YARDSTICK = "survivor"


class GameContract:
    """The contract of games; class attributes say what a game declares beside its spec.

    game: its name; zero_sum: whether the rewards of every tick add up to nothing
    longest_episode: ticks after which every episode has ended
    """

    game: ClassVar[str]
    zero_sum: ClassVar[bool] = True
    longest_episode: ClassVar[int] = 400

    # Asked for at every tick; finding a game of another package reads the installed packages.
    @cached_property
    def spec(self) -> GameSpec:
        return fastenv.game_spec(self.game)

    @cached_property
    def bots(self) -> dict[str, Bot]:
        names = fastenv.scripted_player_names(self.game)
        return {name: fastenv.make_bot(name, self.game) for name in names}

    def make(self, num_envs: int, seed: int = 0, **options: Any) -> BatchEnv:
        return fastenv.make_batch(self.game, num_envs, seed, **options)

    def actions_by_row(self, seed: int, steps: int, rows: int) -> np.ndarray:
        """Random actions [steps, rows, players]; row i is the same for every number of rows."""
        shape = (steps, self.spec.players)
        count = len(self.spec.actions)
        return np.stack(
            [
                np.random.default_rng([seed, row]).integers(0, count, shape, dtype=np.uint8)
                for row in range(rows)
            ],
            axis=1,
        )

    def play(self, batch: BatchEnv, ticks: range, names: tuple[str, ...] = ()) -> None:
        """Let scripted players play these ticks: all there are, in every seat for a while."""
        bots = [self.bots[name] for name in names or self.bots]
        actions = np.zeros((batch.num_envs, batch.players), np.uint8)
        for tick in ticks:
            for seat in range(batch.players):
                bot = bots[(tick // 8 * (seat + 1) + seat) % len(bots)]
                actions[:, seat] = bot.act(batch, seat)
            batch.step(actions)

    # ------------------------------------------------------------------------------ its facts

    def test_the_spec_says_what_others_read(self) -> None:
        spec = self.spec
        assert spec.name == self.game and self.game in fastenv.games()
        assert set(spec.statistics) >= STATISTICS
        assert {statistic for _, statistic, _ in spec.profile} <= set(spec.statistics)
        names = [field.name for field in spec.observation]
        assert len(set(names)) == len(names) and len(spec.layout_hash) == 16
        assert all(0 <= field.low <= field.high <= 255 for field in spec.observation)
        assert len({tile.character for tile in spec.tiles}) == len(spec.tiles)
        assert YARDSTICK in self.bots
        if "cells" in names:
            assert spec.observation[names.index("cells")].shape == (spec.height, spec.width)
            assert spec.contents[0].name == "floor" and spec.content_id("wall") > 0

    def test_buffers_have_the_shapes_and_types_of_the_contract(self) -> None:
        batch, spec = self.make(3), self.spec
        seats = (3, spec.players)
        expected = {
            "observations": ((*seats, spec.observation_size), np.uint8),
            "legal_mask": ((*seats, len(spec.actions)), np.uint8),
            "rewards": (seats, np.float32),
            "terminated": ((3,), np.bool_),
            "truncated": ((3,), np.bool_),
            "final_observations": ((*seats, spec.observation_size), np.uint8),
            "final_legal_mask": ((*seats, len(spec.actions)), np.uint8),
            "final_statistics": ((*seats, len(spec.statistics)), np.int32),
            "level_index": ((3,), np.int32),
        }
        for name, (shape, dtype) in expected.items():
            buffer = getattr(batch, name)
            assert buffer.shape == shape and buffer.dtype == dtype, name

    def test_built_in_levels_are_playable_and_round_trip(self) -> None:
        spec = self.spec
        levels = fastenv.builtin_levels(spec, 3, 8)
        again = fastenv.builtin_levels(spec, 3, 8)
        for level, same in zip(levels, again, strict=True):
            assert np.array_equal(level.tiles, same.tiles)
            text = level.to_text(spec)
            assert np.array_equal(fastenv.Level.from_text(text, spec).tiles, level.tiles)
        with pytest.raises(LevelError):
            self.make(1, levels=[fastenv.Level(np.full((2, 2), 0, np.uint8))])

    # ---------------------------------------------------------------------------- determinism

    def test_the_same_seed_plays_the_same_bytes(self) -> None:
        first, second = self.make(4, seed=5), self.make(4, seed=5)
        for tick in range(150):
            for batch in (first, second):
                self.play(batch, range(tick, tick + 1))
            assert everything(first) == everything(second)
        assert everything(self.make(4, seed=5)) != everything(self.make(4, seed=6))

    def test_an_env_does_not_depend_on_the_size_of_the_batch(self) -> None:
        small, large = self.make(2, seed=9), self.make(23, seed=9)
        for few, many in zip(
            self.actions_by_row(1, 200, 2), self.actions_by_row(1, 200, 23), strict=True
        ):
            small.step(few)
            large.step(many)
            assert buffers_of(small, slice(None)) == buffers_of(large, slice(2))

    def test_scripted_players_do_not_depend_on_the_size_of_the_batch(self) -> None:
        small, large = self.make(2, seed=9), self.make(23, seed=9)
        for tick in range(200):
            for batch in (small, large):
                self.play(batch, range(tick, tick + 1))
            assert buffers_of(small, slice(None)) == buffers_of(large, slice(2))

    def test_asking_changes_nothing(self) -> None:
        asked, left_alone = self.make(2, seed=2), self.make(2, seed=2)
        for actions in self.actions_by_row(3, 60, 2):
            asked.survivable_mask()
            asked.statistics()
            asked.snapshot(1)
            asked.illegal_actions()
            asked.save_state(0)
            asked.step(actions)
            left_alone.step(actions)
        assert everything(asked) == everything(left_alone)

    # ------------------------------------------------------------------------ starting anew

    def test_starting_some_envs_anew_touches_no_other(self) -> None:
        """In all a new episode begins as if the whole batch had begun one."""
        chosen = np.array([True, False, False, True, False])
        batch, whole = self.make(5, seed=11), self.make(5, seed=11)
        for each in (batch, whole):
            self.play(each, range(self.longest_episode // 3))
        before = [rows_of(batch, index) for index in range(5)]
        finals = [batch.final_observations[chosen].tobytes(), batch.final_statistics.tobytes()]
        batch.reset_envs(chosen)
        whole.reset()
        for index in range(5):
            now = rows_of(batch, index)
            assert now == (rows_of(whole, index) if chosen[index] else before[index])
            assert (now != before[index]) == chosen[index]
        assert finals == [
            batch.final_observations[chosen].tobytes(), batch.final_statistics.tobytes()
        ]  # fmt: skip

    def test_ended_envs_can_be_started_anew_one_by_one(self) -> None:
        batch = self.make(6, seed=4, autoreset=False)
        self.play(batch, range(self.longest_episode))
        ended = batch.terminated | batch.truncated
        assert ended.all()
        for index in (4, 0):
            batch.reset_env(index)
            ended[index] = False
            assert np.array_equal(batch.terminated | batch.truncated, ended)
            assert not batch.statistics()[index].any()
        self.play(batch, range(1))
        ticks = self.spec.statistics.index("ticks")
        assert np.array_equal(batch.statistics()[:, 0, ticks] == 1, ~ended)

    def test_an_env_from_a_seed_plays_alike_in_any_place(self) -> None:
        """As the only env of a batch does after a reset with that seed."""
        seeds = np.array([7, 2**64 - 1, 7, 5], np.uint64)
        chosen = np.array([True, True, True, False])
        batch = self.make(4, seed=1)
        self.play(batch, range(9))
        singles = [self.make(1, seed=int(each), levels=batch.levels) for each in seeds]
        batch.reset_envs(chosen, seeds)
        batch.reset_env(3, 5)
        for tick in range(self.longest_episode + 50):
            for index, single in enumerate(singles):
                assert batch.save_state(index) == single.save_state(0)
            for each in (batch, *singles):
                self.play(each, range(tick, tick + 1))
        assert batch.save_state(0) == batch.save_state(2) != batch.save_state(1)

    def test_wrong_masks_and_seeds_are_refused_before_anything_moves(self) -> None:
        batch = self.make(3, seed=1)
        before = everything(batch)
        mask, seeds = np.ones(3, bool), np.zeros(3, np.uint64)
        for bad in (
            (mask[:2], None), (np.ones(3, np.uint8), None), ([True] * 3, None), (None, None),
            (mask, seeds[:2]), (mask, seeds.astype(np.int64)), (mask, [1, 2, 3]),
            (mask[:, None], None),
        ):  # fmt: skip
            with pytest.raises(ValueError, match="expected"):
                batch.reset_envs(*bad)  # type: ignore[arg-type]
        for index, seed in ((3, None), (-1, None), (0, -1), (0, 2**64)):
            with pytest.raises((IndexError, ValueError), match="expected"):
                batch.reset_env(index, seed)
        assert everything(batch) == before
        batch.reset_envs(np.zeros(3, bool))
        assert everything(batch) == before

    def test_a_scripted_player_that_is_asked_for_some_envs_leaves_the_others_alone(self) -> None:
        where = np.array([True, False, True])
        levels = fastenv.builtin_levels(self.spec, 6, 4)
        for bot in self.bots.values():
            batch, whole = (self.make(3, seed=6, levels=levels) for _ in range(2))
            before = [batch.save_state(index) for index in range(3)]
            asked = bot.act(batch, 0, where=where)
            expected = bot.act(whole, 0)
            assert np.array_equal(asked, expected * where)
            out = np.full(3, 77, np.uint8)
            bot.act(self.make(3, seed=6, levels=levels), 0, out, where)
            assert np.array_equal(out, np.where(where, expected, 77))
            for index in range(3):
                twin = whole.save_state(index) if where[index] else before[index]
                assert batch.save_state(index) == twin
        with pytest.raises(ValueError, match="expected where"):
            bot.act(batch, 0, where=where[:2])

    # --------------------------------------------------------------------------- saved states

    def test_a_saved_state_has_the_same_future_in_any_slot(self) -> None:
        batch = self.make(3, seed=3)
        self.play(batch, range(25))
        other = self.make(2, seed=77, levels=batch.levels)
        other.load_state(1, batch.save_state(2))
        for name in ("observations", "legal_mask", "level_index"):
            assert np.array_equal(getattr(other, name)[1], getattr(batch, name)[2])
        ends = 0
        for tick in range(3 * self.longest_episode):
            for each in (batch, other):
                self.play(each, range(tick, tick + 1))
            ends += bool(batch.terminated[2] or batch.truncated[2])
            for name in ("observations", "legal_mask", "rewards", "terminated", "level_index"):
                assert np.array_equal(getattr(other, name)[1], getattr(batch, name)[2])
        assert ends >= 2
        assert other.save_state(1) == batch.save_state(2)

    def test_what_is_no_saved_state_of_this_game_is_refused_and_changes_nothing(self) -> None:
        batch = self.make(1, seed=1)
        blob = batch.save_state(0)
        foreign = [
            fastenv.make_batch(name, 1).save_state(0)
            for name in fastenv.games()
            if name != self.game
        ]
        before = everything(batch)
        for bad in (None, b"", blob[:-1], blob + b"x", blob[:40] + b"?" + blob[41:], *foreign):
            with pytest.raises(StateError):
                batch.load_state(0, bad)  # type: ignore[arg-type]
        assert everything(batch) == before

    def test_a_forged_state_is_refused_or_can_be_played(self) -> None:
        """With a checksum that fits: what is let in must step, observe and save without harm."""
        random = np.random.default_rng(0)
        played = self.make(8, seed=4)
        self.play(played, range(20))
        saved = [played.save_state(index) for index in range(8)]
        start = saved[0].index(b"]") + 1
        batch = self.make(1, seed=1)
        for trial in range(300):
            forged = bytearray(saved[trial % 8][:-4])
            for _ in range(int(random.integers(1, 4))):
                forged[int(random.integers(start, len(forged)))] = int(random.integers(256))
            forged += zlib.crc32(forged[len(b"fastenv1") :]).to_bytes(4, "little")
            try:
                batch.load_state(0, bytes(forged))
            except StateError:
                continue
            for tick in range(0, 64, 8):
                batch.survivable_mask()
                self.play(batch, range(tick, tick + 1))
                batch.snapshot(0)

    # ---------------------------------------------------------------------- actions and masks

    def test_bad_actions_are_refused_before_anything_moves(self) -> None:
        batch = self.make(3, seed=1)
        good = np.zeros((3, batch.players), np.uint8)
        too_high = good.copy()
        too_high[2, -1] = len(self.spec.actions)
        before = everything(batch)
        for bad in (
            too_high, good.astype(np.int64), good.astype(np.float32), good.astype(bool), good[:2],
            good[:, :-1], good.ravel(), np.zeros((3, 2 * batch.players), np.uint8)[:, ::2],
            good.tolist(), None,
        ):  # fmt: skip
            with pytest.raises(ActionError, match="expected"):
                batch.step(bad)  # type: ignore[arg-type]
        assert everything(batch) == before

    def test_an_action_is_counted_as_illegal_exactly_where_the_mask_says_so(self) -> None:
        batch = self.make(16, seed=6, autoreset=False)
        illegal = np.zeros(16, np.int64)
        for actions in self.actions_by_row(2, self.longest_episode, 16):
            running = ~(batch.terminated | batch.truncated)
            assert batch.legal_mask[:, :, 0].all(), "action 0 is always legal"
            chosen = np.take_along_axis(
                batch.legal_mask, actions[:, :, None].astype(np.int64), axis=2
            )
            illegal += running * (chosen[:, :, 0] == 0).sum(axis=1)
            batch.step(actions)
            assert np.array_equal(batch.illegal_actions(), illegal)
        assert illegal.sum() > 0, "random actions never were illegal: nothing was shown"

    def test_an_illegal_action_is_played_as_action_0(self) -> None:
        batch = self.make(16, seed=6)
        for actions in self.actions_by_row(4, 80, 16):
            legal = np.take_along_axis(
                batch.legal_mask, actions[:, :, None].astype(np.int64), axis=2
            )[:, :, 0]
            twin = self.make(16, seed=1, levels=batch.levels)
            for index in range(16):
                twin.load_state(index, batch.save_state(index))
            batch.step(actions)
            twin.step(actions * legal)
            assert np.array_equal(batch.observations, twin.observations)
            assert np.array_equal(batch.rewards, twin.rewards)

    def test_survivable_actions_are_legal(self) -> None:
        batch = self.make(8, seed=2)
        for tick in range(60):
            assert (batch.survivable_mask() <= batch.legal_mask).all()
            self.play(batch, range(tick, tick + 1))

    def test_caution_takes_survivable_actions_away_but_never_the_last(self) -> None:
        batch = self.make(8, seed=2)
        for tick in range(60):
            plain, cautious = batch.survivable_mask(), batch.survivable_mask(caution=1)
            assert (cautious <= plain).all()
            assert (cautious.any(axis=2) == plain.any(axis=2)).all()
            self.play(batch, range(tick, tick + 1))
        with pytest.raises(ValueError, match="caution of at least 0"):
            batch.survivable_mask(caution=-1)

    def test_scripted_players_play_legal_actions(self) -> None:
        for name, bot in self.bots.items():
            batch = self.make(8, seed=3)
            for _ in range(150):
                actions = np.stack([bot.act(batch, seat) for seat in range(batch.players)], axis=1)
                legal = np.take_along_axis(
                    batch.legal_mask, actions[:, :, None].astype(np.int64), axis=2
                )
                assert legal.all(), name
                batch.step(actions)

    # -------------------------------------------------------------- what is seen, and the end

    def test_every_observation_stays_in_the_ranges_that_the_spec_declares(self) -> None:
        low, high = (
            np.concatenate([np.full(each.size, getattr(each, edge)) for each in
                            self.spec.observation])
            for edge in ("low", "high")
        )  # fmt: skip
        batch = self.make(16, seed=8)
        for actions in self.actions_by_row(7, self.longest_episode, 16):
            batch.step(actions)
            ended = batch.terminated | batch.truncated
            for seen in (batch.observations, batch.final_observations[ended]):
                assert (seen >= low).all() and (seen <= high).all()

    def test_rewards_are_finite_and_add_up(self) -> None:
        batch, total = self.make(32, seed=8), 0.0
        for tick in range(self.longest_episode):
            self.play(batch, range(tick, tick + 1))
            assert np.isfinite(batch.rewards).all()
            total += float(np.abs(batch.rewards).sum())
            if self.zero_sum:
                assert not batch.rewards.sum(axis=1).any()
        assert total > 0, "nobody ever got a reward: nothing was shown"

    def test_every_episode_ends_and_stays_as_it_ended(self) -> None:
        batch = self.make(16, seed=8, autoreset=False)
        for players in [(name,) for name in self.bots]:
            batch.reset(8)
            self.play(batch, range(self.longest_episode), players)
            assert (batch.terminated | batch.truncated).all(), players
        assert not (batch.terminated & batch.truncated).any()
        before = batch.observations.copy(), batch.final_statistics.copy()
        assert np.array_equal(batch.final_observations, batch.observations)
        for actions in self.actions_by_row(1, 5, 16):
            ends = batch.terminated.copy()
            batch.step(actions)
            assert np.array_equal(batch.terminated, ends) and not batch.rewards.any()
            assert np.array_equal(batch.observations, before[0])
            assert np.array_equal(batch.final_statistics, before[1])
        batch.reset()
        assert not (batch.terminated | batch.truncated).any()

    def test_autoreset_starts_the_next_episode_in_the_step_that_ends_one(self) -> None:
        """Beside it the same env without autoreset shows how the old episode ended."""
        batch, ending = self.make(4, seed=3), self.make(4, seed=3, autoreset=False)
        ticks = self.spec.statistics.index("ticks")
        open_envs, seen = np.ones(4, bool), 0
        for actions in self.actions_by_row(5, self.longest_episode, 4):
            batch.step(actions)
            ending.step(actions)
            ended = (batch.terminated | batch.truncated) & open_envs
            for index in np.flatnonzero(ended):
                seen += 1
                assert np.array_equal(batch.final_observations[index], ending.observations[index])
                assert np.array_equal(batch.final_legal_mask[index], ending.legal_mask[index])
                assert np.array_equal(batch.final_statistics[index], ending.statistics()[index])
                assert np.array_equal(batch.rewards[index], ending.rewards[index])
                assert batch.terminated[index] == ending.terminated[index]
                assert (batch.final_statistics[index, :, ticks] > 0).all()
                assert not batch.statistics()[index].any()
            open_envs &= ~ended
        assert seen == 4

    def test_wins_and_losses_are_counted_once(self) -> None:
        batch, spec = self.make(32, seed=4), self.spec
        wins, losses = (spec.statistics.index(name) for name in ("wins", "losses"))
        for tick in range(self.longest_episode):
            self.play(batch, range(tick, tick + 1))
            for index in np.flatnonzero(batch.terminated | batch.truncated):
                final, rewards = batch.final_statistics[index], batch.rewards[index]
                assert np.array_equal(final[:, wins], rewards > 0)
                assert np.array_equal(final[:, losses], rewards < 0)

    def test_a_snapshot_has_what_every_host_draws(self) -> None:
        batch, spec = self.make(1, seed=3), self.spec
        self.play(batch, range(12))
        snapshot = batch.snapshot(0)
        assert snapshot["tiles"].shape == (spec.height, spec.width)
        assert snapshot["tiles"].dtype == np.uint8
        assert snapshot["tiles"].max() < len(spec.contents)
        assert isinstance(snapshot["tick"], int)
        assert len(snapshot["players"]) == spec.players
        for player in snapshot["players"]:
            assert 0 <= player["row"] < spec.height and 0 <= player["column"] < spec.width
            assert isinstance(player["alive"], bool)
        lines = board_text(snapshot, spec.contents).splitlines()
        assert [len(line) for line in lines] == [spec.width] * spec.height
        picture = board_picture(snapshot, spec.contents)
        assert picture.shape == (spec.height * 16, spec.width * 16, 3)


def everything(batch: BatchEnv) -> bytes:
    """All that can be read of a batch."""
    states = b"".join(batch.save_state(index) for index in range(batch.num_envs))
    return buffers_of(batch, slice(None)) + states


def rows_of(batch: BatchEnv, index: int) -> bytes:
    """All of one env but what its last episodes ended with."""
    names = ("observations", "legal_mask", "rewards", "terminated", "truncated", "level_index")
    rows = b"".join(getattr(batch, name)[index].tobytes() for name in names)
    return rows + batch.save_state(index)


def buffers_of(batch: BatchEnv, rows: slice) -> bytes:
    return b"".join(getattr(batch, name)[rows].tobytes() for name in BUFFERS)
