"""Any order of steps, saves, loads, resets and mistakes leaves Blast where the plain rules say."""

from __future__ import annotations

from typing import Any

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
from tests.fastenv.contract import everything
from tests.fastenv.differential import SPEC, Twin, levels
from tests.fastenv.reference import HEIGHT, WIDTH, Reference

ENVS = 3
LEVELS = levels()[::4]
BOTS = {name: fastenv.make_bot(name) for name in fastenv.scripted_player_names("blast")}
GOOD = np.zeros((ENVS, 2), np.uint8)
TOO_HIGH = np.array([[0, 0], [0, 0], [0, len(SPEC.actions)]], np.uint8)
BAD_ACTIONS: dict[str, Any] = {
    "too high": TOO_HIGH,
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
MOVES = st.lists(
    st.lists(st.integers(0, 5), min_size=2 * ENVS, max_size=2 * ENVS), min_size=1, max_size=8
)
NAMES = st.sampled_from(sorted(BOTS))


class BlastMachine(RuleBasedStateMachine):
    """A batch and, for each env, the reference beside it; rewards and ends are those expected."""

    saved = Bundle("saved")

    @initialize(target=saved, seed=SEEDS, autoreset=st.booleans())
    def start(self, seed: int, autoreset: bool) -> Any:
        self.batch = fastenv.make_batch("blast", ENVS, seed, levels=LEVELS, autoreset=autoreset)
        self._take_new_twins()
        return multiple()

    @rule(moves=MOVES)
    def play_any_actions(self, moves: list[list[int]]) -> None:
        for row in moves:
            self._step(np.array(row, np.uint8).reshape(ENVS, 2))

    @rule(names=st.tuples(NAMES, NAMES), ticks=st.integers(1, 70))
    def play_scripted(self, names: tuple[str, str], ticks: int) -> None:
        for _ in range(ticks):
            seats = [BOTS[name].act(self.batch, seat) for seat, name in enumerate(names)]
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
        fresh = fastenv.make_batch("blast", ENVS, seed, levels=LEVELS)
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
            fresh = fastenv.make_batch("blast", 1, seed, levels=LEVELS)
            assert self.batch.save_state(slot) == fresh.save_state(0)
        self.twins[slot] = self._new_twin(slot)
        self.rewards[slot], self.terminated[slot] = 0, False

    @rule(name=st.sampled_from(sorted(BAD_ACTIONS)))
    def bad_actions(self, name: str) -> None:
        before = everything(self.batch)
        with pytest.raises(ActionError, match="expected"):
            self.batch.step(BAD_ACTIONS[name])
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
        if not self.twins[slot].game.ended:
            for seat in range(2):
                assert self.twins[slot].can_survive_like(seat, masks[slot, seat])

    @invariant()
    def all_is_as_the_reference_says(self) -> None:
        batch = self.batch
        assert batch.rewards.tolist() == self.rewards.tolist()
        assert batch.terminated.tolist() == self.terminated.tolist()
        assert not batch.truncated.any()
        for slot, twin in enumerate(self.twins):
            seen, mask = batch.observations[slot], batch.legal_mask[slot]
            fits = [np.array_equal(game.observations(), seen) for game in twin.candidates]
            assert twin.keep(fits), f"observations of env {slot}"
            assert np.array_equal(twin.game.legal_mask(), mask)
            assert batch.illegal_actions()[slot] == twin.game.illegal_actions
            assert comparable(batch.snapshot(slot)) == snapshot_of(twin.game)

    def _step(self, actions: np.ndarray) -> None:
        batch = self.batch
        batch.step(actions)
        for slot, twin in enumerate(self.twins):
            ended = bool(batch.terminated[slot])
            seen = batch.final_observations if ended else batch.observations
            moves = (int(actions[slot, 0]), int(actions[slot, 1]))
            assert twin.play(moves, seen[slot], batch.rewards[slot], ended), f"env {slot}"
            if ended and batch.autoreset:
                self.twins[slot] = self._new_twin(slot)
        self.rewards = batch.rewards.copy()
        self.terminated = batch.terminated.copy()

    def _take_new_twins(self) -> None:
        self.twins = [self._new_twin(slot) for slot in range(ENVS)]
        self.rewards = np.zeros((ENVS, 2), np.float32)
        self.terminated = np.zeros(ENVS, bool)

    def _new_twin(self, slot: int) -> Twin:
        return Twin(LEVELS[self.batch.level_index[slot]].tiles)


def comparable(snapshot: dict[str, Any]) -> dict[str, Any]:
    """A snapshot as plain values that can be compared; bombs have no order."""
    return {
        **snapshot,
        **{name: snapshot[name].tolist() for name in ("tiles", "danger", "flames")},
        "bombs": sorted(snapshot["bombs"], key=lambda bomb: (bomb["row"], bomb["column"])),
    }


def snapshot_of(game: Reference) -> dict[str, Any]:
    cells = game.cells()
    flames = np.zeros((HEIGHT, WIDTH), bool)
    for cell in game.flames:
        flames[cell] = True
    return comparable(
        {
            "tiles": cells & 15,
            "danger": cells >> 4,
            "flames": flames,
            "players": [
                {
                    "row": player.cell[0], "column": player.cell[1], "alive": player.alive,
                    "bombs": player.bombs, "capacity": player.capacity, "range": player.range,
                }
                for player in game.players
            ],
            "bombs": [
                {
                    "row": bomb.cell[0], "column": bomb.cell[1], "fuse": bomb.fuse,
                    "range": bomb.range, "owner": bomb.owner,
                }
                for bomb in game.bombs
            ],
            "tick": game.tick,
            "closing_tick": 200,
        }
    )  # fmt: skip


TestBlastStates = BlastMachine.TestCase
TestBlastStates.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
