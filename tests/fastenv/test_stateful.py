"""Any order of steps, saves, loads, resets and mistakes leaves a game where the plain rules say."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

import fastenv
from fastenv import ActionError, StateError
from tests.fastenv.compared_games import BLAST, RACE
from tests.fastenv.contract import everything
from tests.fastenv.differential import ComparedGame, Twin
from tests.fastenv.effort import scaled

ENVS = 3
GOOD = np.zeros((ENVS, 2), np.uint8)
BAD_ACTIONS: dict[str, Any] = {
    "largest": np.full((ENVS, 2), 255, np.uint8),
    "int64": GOOD.astype(np.int64),
    "int8": GOOD.astype(np.int8),
    "float": GOOD.astype(np.float32),
    "bool": GOOD.astype(bool),
    "an env short": GOOD[:-1],
    "an env more": np.zeros((ENVS + 1, 2), np.uint8),
    "one seat": GOOD[:, :1],
    "flat": GOOD.ravel(),
    "three axes": GOOD[None],
    "strided": np.zeros((ENVS, 4), np.uint8)[:, ::2],
    "empty": np.zeros((0, 2), np.uint8),
    "list": GOOD.tolist(),
    "none": None,
}

SEEDS = st.integers(0, 2**64 - 1)
SLOTS = st.integers(0, ENVS - 1)
# Of more actions and players than any game has; each machine folds them into its own.
MOVES = st.lists(
    st.lists(st.integers(0, 59), min_size=2 * ENVS, max_size=2 * ENVS), min_size=1, max_size=8
)
PLAYERS = st.integers(0, 59)


class GameMachine(RuleBasedStateMachine):
    """A batch and, for each env, the reference beside it; rewards and ends are those expected."""

    compared: ClassVar[ComparedGame]

    saved = Bundle("saved")

    @initialize(target=saved, seed=SEEDS, autoreset=st.booleans())
    def start(self, seed: int, autoreset: bool) -> Any:
        name = self.compared.name
        self.levels = self.compared.levels()[::4]
        self.bots = [fastenv.make_bot(each, name) for each in fastenv.scripted_player_names(name)]
        self.batch = self._fresh(ENVS, seed, autoreset)
        self._take_new_twins()
        return multiple()

    @rule(moves=MOVES)
    def play_any_actions(self, moves: list[list[int]]) -> None:
        for row in moves:
            actions = np.array(row, np.uint8).reshape(ENVS, 2)
            self._step(actions % len(self.batch.spec.actions))

    @rule(players=st.tuples(PLAYERS, PLAYERS), ticks=st.integers(1, 70))
    def play_scripted(self, players: tuple[int, int], ticks: int) -> None:
        bots = [self.bots[number % len(self.bots)] for number in players]
        for _ in range(ticks):
            seats = [bot.act(self.batch, seat) for seat, bot in enumerate(bots)]
            self._step(np.stack(seats, axis=1))

    @rule(target=saved, slot=SLOTS)
    def save(self, slot: int) -> tuple[bytes, Twin]:
        blob = self.batch.save_state(slot)
        assert self.batch.save_state(slot) == blob
        return blob, self.twins[slot].copy()

    @rule(save=saved, slot=SLOTS)
    def load(self, save: tuple[bytes, Twin], slot: int) -> None:
        blob, twin = save
        others = [self.batch.save_state(other) for other in range(ENVS) if other != slot]
        self.batch.load_state(slot, blob)
        self.twins[slot] = twin.copy()
        assert self.batch.save_state(slot) == blob
        assert others == [self.batch.save_state(other) for other in range(ENVS) if other != slot]

    @rule(seed=SEEDS)
    def reset_with_a_seed(self, seed: int) -> None:
        self.batch.reset(seed)
        fresh = self._fresh(ENVS, seed)
        for slot in range(ENVS):
            assert self.batch.save_state(slot) == fresh.save_state(slot)
        self._take_new_twins()

    @rule()
    def reset(self) -> None:
        self.batch.reset()
        self._take_new_twins()

    @rule(slot=SLOTS, seed=st.none() | SEEDS)
    def reset_one(self, slot: int, seed: int | None) -> None:
        others = [self.batch.save_state(other) for other in range(ENVS) if other != slot]
        self.batch.reset_env(slot, seed)
        assert others == [self.batch.save_state(other) for other in range(ENVS) if other != slot]
        if seed is not None:
            fresh = self._fresh(1, seed)
            assert self.batch.save_state(slot) == fresh.save_state(0)
        self.twins[slot] = self._new_twin(slot)
        self.rewards[slot], self.ends[slot] = 0, False

    @rule(name=st.sampled_from(sorted(BAD_ACTIONS)))
    def bad_actions(self, name: str) -> None:
        before = everything(self.batch)
        with pytest.raises(ActionError, match="expected"):
            self.batch.step(BAD_ACTIONS[name])
        too_high = GOOD.copy()
        too_high[-1, -1] = len(self.batch.spec.actions)
        with pytest.raises(ActionError, match="expected actions below"):
            self.batch.step(too_high)
        assert everything(self.batch) == before

    @rule(slot=SLOTS, place=st.integers(0, 10_000), mask=st.integers(1, 255))
    def damaged_state(self, slot: int, place: int, mask: int) -> None:
        before = everything(self.batch)
        blob = bytearray(self.batch.save_state(slot))
        blob[place % len(blob)] ^= mask
        with pytest.raises(StateError):
            self.batch.load_state(slot, bytes(blob))
        with pytest.raises(IndexError, match="expected an env"):
            self.batch.load_state(ENVS, self.batch.save_state(slot))
        with pytest.raises(ValueError, match="expected a seed"):
            self.batch.reset(-1)
        assert everything(self.batch) == before

    @rule(slot=SLOTS)
    def ask_what_can_be_survived(self, slot: int) -> None:
        before = everything(self.batch)
        masks = self.batch.survivable_mask()
        assert everything(self.batch) == before
        game = self.twins[slot].game
        if not (game.terminated or game.truncated):
            for seat in range(2):
                assert self.twins[slot].can_survive_like(seat, masks[slot, seat])

    @invariant()
    def all_is_as_the_reference_says(self) -> None:
        batch = self.batch
        assert batch.rewards.tolist() == self.rewards.tolist()
        assert self._ends_of(batch).tolist() == self.ends.tolist()
        for slot, twin in enumerate(self.twins):
            seen, mask = batch.observations[slot], batch.legal_mask[slot]
            fits = [np.array_equal(game.observations(), seen) for game in twin.candidates]
            assert twin.keep(fits), f"observations of env {slot}"
            assert np.array_equal(twin.game.legal_mask(), mask)
            assert batch.illegal_actions()[slot] == twin.game.illegal_actions
            assert twin.looks_like(batch.snapshot(slot))

    def _step(self, actions: np.ndarray) -> None:
        batch = self.batch
        batch.step(actions)
        self.rewards, self.ends = batch.rewards.copy(), self._ends_of(batch)
        for slot, twin in enumerate(self.twins):
            ended = bool(self.ends[slot].any())
            seen = batch.final_observations if ended else batch.observations
            mask = batch.final_legal_mask if ended else batch.legal_mask
            moves = (int(actions[slot, 0]), int(actions[slot, 1]))
            assert twin.play(moves, seen[slot], batch.rewards[slot], self.ends[slot]), f"env {slot}"
            assert np.array_equal(twin.game.legal_mask(), mask[slot])
            if ended and batch.autoreset:
                self.twins[slot] = self._new_twin(slot)

    def _ends_of(self, batch: fastenv.BatchEnv) -> np.ndarray:
        """bool [envs, 2]: terminated, truncated."""
        return np.stack([batch.terminated, batch.truncated], axis=1)

    def _fresh(self, num_envs: int, seed: int, autoreset: bool = True) -> fastenv.BatchEnv:
        return fastenv.make_batch(
            self.compared.name, num_envs, seed, levels=self.levels, autoreset=autoreset
        )

    def _take_new_twins(self) -> None:
        self.twins = [self._new_twin(slot) for slot in range(ENVS)]
        self.rewards = np.zeros((ENVS, 2), np.float32)
        self.ends = np.zeros((ENVS, 2), bool)

    def _new_twin(self, slot: int) -> Twin:
        return Twin(self.compared.start(self.levels[self.batch.level_index[slot]].tiles))


class BlastMachine(GameMachine):
    compared = BLAST


class RaceMachine(GameMachine):
    compared = RACE


TestBlastStates = BlastMachine.TestCase
TestRaceStates = RaceMachine.TestCase
TestBlastStates.settings = TestRaceStates.settings = settings(
    max_examples=scaled(150),
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
