"""The compiled Blast against the plain Python rules: equal in every byte, tick by tick."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import fastenv
from tests.fastenv.reference import CLOSING_TICK, FUSE, VARIANTS, Reference

SPEC = fastenv.game_spec("blast")
STEPS_IN_ALL = 40_000
NUM_ENVS = 40
# (player in seat 0, player in seat 1); "random" draws from all actions, legal or not
PAIRS = (
    ("survivor", "survivor"),
    ("hunter", "miner"),
    ("hunter", "hunter"),
    ("miner", "survivor"),
    ("random", "survivor"),
    ("random", "random"),
    ("idle", "miner"),
    ("survivor", "idle"),
)
# The closing can be seen coming this early: the danger of a closing cell, a tick in advance.
FORK_TICK = CLOSING_TICK - FUSE - 1
SURVIVABLE_POSITIONS = 800

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


def levels() -> list[fastenv.Level]:
    own = [fastenv.Level.from_text(text, SPEC) for text in (TREASURY, OPEN_FIELD)]
    return own * 6 + fastenv.builtin_levels(SPEC, 5, count=12)


class Twin:
    """The reference game beside one env; before the closing shows which spiral was drawn, all."""

    def __init__(self, tiles: np.ndarray):
        self.candidates = [Reference.from_tiles(tiles)]

    def step(self, actions: tuple[int, int]) -> list[tuple[int, int]]:
        if self.candidates[0].tick == FORK_TICK:
            self.candidates = [self.candidates[0].copy(variant) for variant in range(VARIANTS)]
        return [game.step(actions) for game in self.candidates]

    def keep(self, fits: list[bool], what: str) -> None:
        kept = [game for game, good in zip(self.candidates, fits, strict=True) if good]
        assert kept, what
        self.candidates = kept


def choose_actions(batch: fastenv.BatchEnv, random: np.random.Generator) -> np.ndarray:
    actions = np.empty((batch.num_envs, 2), np.uint8)
    for seat in range(2):
        by_name = {
            name: fastenv.make_bot(name).act(batch, seat)
            for name in fastenv.scripted_player_names("blast")
        }
        by_name["random"] = random.integers(0, 6, batch.num_envs, dtype=np.uint8)
        for row in range(batch.num_envs):
            actions[row, seat] = by_name[PAIRS[row % len(PAIRS)][seat]][row]
    return actions


@pytest.fixture(scope="module")
def played() -> tuple[Counter[str], list[tuple[str, bool]]]:
    """Play and compare; how often what occurred, and the verdicts on survivable masks."""
    random = np.random.default_rng(11)
    batch = fastenv.make_batch("blast", NUM_ENVS, seed=3, levels=levels())
    twins = [Twin(batch.levels[index].tiles) for index in batch.level_index]
    seen: Counter[str] = Counter()
    verdicts: list[tuple[str, bool]] = []
    for step in range(STEPS_IN_ALL // NUM_ENVS):
        if len(verdicts) < SURVIVABLE_POSITIONS:
            verdicts += check_survivable(batch, twins, step)
        actions = choose_actions(batch, random)
        batch.step(actions)
        observations = np.where(
            batch.terminated[:, None, None], batch.final_observations, batch.observations
        )
        for index, twin in enumerate(twins):
            where = f"env {index}, step {step}, actions {actions[index]}"
            rewards = twin.step((int(actions[index, 0]), int(actions[index, 1])))
            twin.keep(
                [
                    np.array_equal(game.observations(), observations[index])
                    and reward == tuple(batch.rewards[index])
                    and game.ended == batch.terminated[index]
                    for game, reward in zip(twin.candidates, rewards, strict=True)
                ],
                where,
            )
            game = twin.candidates[0]
            count(seen, game, batch, index)
            if batch.terminated[index]:
                twins[index] = Twin(batch.levels[batch.level_index[index]].tiles)
                game = twins[index].candidates[0]
                assert np.array_equal(game.observations(), batch.observations[index]), where
            assert np.array_equal(game.legal_mask(), batch.legal_mask[index]), where
            assert not batch.truncated[index]
        running = [twin.candidates[0].illegal_actions for twin in twins]
        assert running == batch.illegal_actions().tolist()
    return seen, verdicts


def count(seen: Counter[str], game: Reference, batch: fastenv.BatchEnv, index: int) -> None:
    seen["steps"] += 1
    seen["bursts"] += bool(game.flames)
    seen["two bombs a hand"] += len(game.bombs) > 2
    seen["most range"] += max(player.range for player in game.players) == 6
    seen["most bombs"] += max(player.capacity for player in game.players) == 4
    seen["closing"] += game.tick >= CLOSING_TICK
    seen["illegal"] += game.illegal_actions > 0
    if game.ended:
        seen["ends"] += 1
        seen["draws"] += not any(player.alive for player in game.players)
        seen["caught by the closing"] += any(
            player.cell == game.closing_cell(game.tick) for player in game.players
        )


def check_survivable(
    batch: fastenv.BatchEnv, twins: list[Twin], step: int
) -> list[tuple[str, bool]]:
    """One env in turn, where something threatens."""
    index = step % batch.num_envs
    games = twins[index].candidates
    if not games[0].bombs and games[0].tick <= FORK_TICK:
        return []
    compiled = batch.survivable_mask()[index]
    return [
        (
            f"env {index}, tick {games[0].tick}, seat {seat}, got {compiled[seat]}",
            any(np.array_equal(game.survivable_mask(seat), compiled[seat]) for game in games),
        )
        for seat in range(2)
    ]


def test_every_observation_reward_and_mask_is_that_of_the_prose(played):
    seen, _ = played
    assert seen["steps"] == STEPS_IN_ALL


@pytest.mark.parametrize(
    "event",
    [
        "bursts", "two bombs a hand", "most range", "most bombs", "closing", "illegal", "ends",
        "draws", "caught by the closing",
    ],
)  # fmt: skip
def test_the_comparison_met(played, event):
    assert played[0][event] > 0


def test_survivable_masks_are_those_of_trying_every_way_out(played):
    _, verdicts = played
    assert len(verdicts) >= SURVIVABLE_POSITIONS
    assert [where for where, good in verdicts if not good] == []
