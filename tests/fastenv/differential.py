"""Playing the compiled Blast beside the plain Python rules and comparing every byte, tick by tick.

Shared by the test (a short run), the stateful test and the benchmark (a long run).
"""

from __future__ import annotations

from collections import Counter

import numpy as np

import fastenv
from tests.fastenv.reference import CLOSING_TICK, FUSE, VARIANTS, Reference

SPEC = fastenv.game_spec("blast")
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

    def copy(self) -> Twin:
        other = Twin.__new__(Twin)
        other.candidates = [game.copy() for game in self.candidates]
        return other

    @property
    def game(self) -> Reference:
        """One of those that fit; they differ in nothing that was seen so far."""
        return self.candidates[0]

    def step(self, actions: tuple[int, int]) -> list[tuple[int, int]]:
        """One tick; the rewards by candidate."""
        if self.game.tick == FORK_TICK and not self.game.ended:
            self.candidates = [self.game.copy(variant) for variant in range(VARIANTS)]
        return [game.step(actions) for game in self.candidates]

    def keep(self, fits: list[bool]) -> bool:
        """Drop the candidates that do not fit; False, and all are kept, where none does."""
        kept = [game for game, good in zip(self.candidates, fits, strict=True) if good]
        self.candidates = kept or self.candidates
        return bool(kept)

    def play(
        self,
        actions: tuple[int, int],
        observations: np.ndarray,
        rewards: np.ndarray,
        terminated: bool,
    ) -> bool:
        """One tick; whether it ended in these observations [players, values] and rewards."""
        expected = self.step(actions)
        return self.keep(
            [
                np.array_equal(game.observations(), observations)
                and reward == tuple(rewards)
                and game.ended == terminated
                for game, reward in zip(self.candidates, expected, strict=True)
            ]
        )

    def can_survive_like(self, seat: int, mask: np.ndarray) -> bool:
        """Whether `mask` [actions] is what trying every way out gives."""
        return any(np.array_equal(game.survivable_mask(seat), mask) for game in self.candidates)


class Comparison:
    """A batch and its twins, driven by the scripted players and at random.

    seen: how often what occurred; mismatches: where they differed, as text
    survivable_checked: for how many players the survivable mask was compared

    An env that differed is left out until its next episode.
    """

    def __init__(self, num_envs: int, seed: int):
        self.batch = fastenv.make_batch("blast", num_envs, seed, levels=levels())
        self.random = np.random.default_rng([seed, 11])
        names = fastenv.scripted_player_names("blast")
        self.bots = {name: fastenv.make_bot(name) for name in names}
        self.twins: list[Twin | None] = [self._new_twin(index) for index in range(num_envs)]
        self.seen: Counter[str] = Counter()
        self.mismatches: list[str] = []
        self.survivable_checked = 0
        self.steps = 0

    def step(self) -> None:
        """One tick of every env, compared."""
        actions = self._choose_actions()
        batch = self.batch
        batch.step(actions)
        self.steps += 1
        observations = np.where(
            batch.terminated[:, None, None], batch.final_observations, batch.observations
        )
        illegal = batch.illegal_actions()
        for index, twin in enumerate(self.twins):
            what = ""
            ended = bool(batch.terminated[index])
            if twin is not None:
                moves = (int(actions[index, 0]), int(actions[index, 1]))
                if not twin.play(moves, observations[index], batch.rewards[index], ended):
                    what = "observations, rewards or end"
                count(self.seen, twin.game)
            if ended:
                self.twins[index] = twin = self._new_twin(index)
                if not np.array_equal(twin.game.observations(), batch.observations[index]):
                    what += " first observations"
            if twin is not None:
                if not np.array_equal(twin.game.legal_mask(), batch.legal_mask[index]):
                    what += " legal mask"
                if twin.game.illegal_actions != illegal[index]:
                    what += " illegal actions"
            if batch.truncated[index]:
                what += " truncated"
            if what:
                self._differs(index, f"{what}, actions {actions[index]}")

    def check_survivable(self) -> None:
        """Compare one env's survivable masks, each env in turn, where something threatens."""
        index = self.steps % self.batch.num_envs
        twin = self.twins[index]
        if twin is None or (not twin.game.bombs and twin.game.tick <= FORK_TICK):
            return
        compiled = self.batch.survivable_mask()[index]
        for seat in range(2):
            self.survivable_checked += 1
            if not twin.can_survive_like(seat, compiled[seat]):
                self._differs(index, f"survivable mask of seat {seat}, got {compiled[seat]}")

    def _differs(self, index: int, what: str) -> None:
        self.mismatches.append(f"env {index}, step {self.steps}: {what.strip()}")
        self.twins[index] = None

    def _new_twin(self, index: int) -> Twin:
        return Twin(self.batch.levels[self.batch.level_index[index]].tiles)

    def _choose_actions(self) -> np.ndarray:
        batch = self.batch
        actions = np.empty((batch.num_envs, 2), np.uint8)
        for seat in range(2):
            by_name = {name: bot.act(batch, seat) for name, bot in self.bots.items()}
            by_name["random"] = self.random.integers(0, 6, batch.num_envs, dtype=np.uint8)
            for row in range(batch.num_envs):
                actions[row, seat] = by_name[PAIRS[row % len(PAIRS)][seat]][row]
        return actions


def count(seen: Counter[str], game: Reference) -> None:
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
