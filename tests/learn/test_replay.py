"""The replay buffer against a plain list of all that was ever added."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_plugin.learn.replay import ReplayBuffer, concatenate

ACTIONS = 3


class Tick(NamedTuple):
    """One tick of one env, told apart by its number."""

    number: int
    action: int
    terminated: bool
    truncated: bool


def signature(number: int, env: int) -> np.ndarray:
    return np.array([number // 256, number % 256, env], np.uint8)


def mask(number: int) -> np.ndarray:
    return np.array([number % 2, 1, number // 2 % 2], np.uint8)


def fill(length: int, envs: int, ticks: int, ends: float, seed: int):
    """A buffer and, for each env, the list of everything it was given."""
    random = np.random.default_rng(seed)
    buffer = ReplayBuffer(length, envs, (3,), ACTIONS)
    history: list[list[Tick]] = [[] for _ in range(envs)]
    for number in range(ticks):
        row = [
            Tick(
                number, int(random.integers(ACTIONS)), kind < ends / 2, ends / 2 <= kind < ends
            )
            for kind in random.random(envs)
        ]
        for env, tick in enumerate(row):
            history[env].append(tick)
        buffer.add(
            observations=np.stack([signature(number, env) for env in range(envs)]),
            allowed=np.stack([mask(number)] * envs),
            actions=np.array([tick.action for tick in row]),
            rewards=np.array([number + env / 10 for env in range(envs)], np.float32),
            next_observations=np.stack([signature(number + 1000, env) for env in range(envs)]),
            next_allowed=np.stack([mask(number + 1)] * envs),
            terminated=np.array([tick.terminated for tick in row]),
            truncated=np.array([tick.truncated for tick in row]),
        )
    return buffer, history


def expected_steps(ticks: list[Tick], start: int, n_step: int) -> int:
    """Steps from `start` up to and with the end of the episode, at most n."""
    for step in range(n_step):
        if ticks[start + step].terminated or ticks[start + step].truncated:
            return step + 1
    return n_step


@settings(max_examples=40, deadline=None)
@given(
    length=st.integers(2, 9),
    envs=st.integers(1, 3),
    ticks=st.integers(1, 30),
    n_step=st.integers(1, 4),
    ends=st.sampled_from((0.0, 0.3, 0.9)),
    newest=st.none() | st.integers(1, 12),
    seed=st.integers(0, 2**16),
)
@example(length=8, envs=2, ticks=11, n_step=2, ends=0.3, newest=3, seed=1)
@example(length=6, envs=1, ticks=20, n_step=4, ends=0.3, newest=None, seed=2)
def test_every_sample_is_a_stretch_of_what_was_played(
    length: int, envs: int, ticks: int, n_step: int, ends: float, newest: int | None, seed: int
) -> None:
    buffer, history = fill(length, envs, ticks, ends, seed)
    held = min(length, ticks)
    assert len(buffer) == held * envs
    if held < n_step:
        with pytest.raises(ValueError, match="at least"):
            buffer.sample(np.random.default_rng(seed), 4, n_step, newest)
        return
    count = 600
    batch = buffer.sample(np.random.default_rng(seed), count, n_step, newest)
    starts = set()
    for row in range(count):
        high, low, env = (int(value) for value in batch.observations[row, 0])
        start = high * 256 + low
        starts.add((start, env))
        # Nothing overwritten, nothing from beyond the head.
        assert ticks - held <= start <= ticks - n_step
        steps = expected_steps(history[env], start, n_step)
        assert batch.steps[row] == steps
        assert batch.valid[row].tolist() == [1.0] * steps + [0.0] * (n_step - steps)
        for step in range(steps):
            tick = history[env][start + step]
            assert (batch.observations[row, step] == signature(start + step, env)).all()
            assert (batch.allowed[row, step] == mask(start + step)).all()
            assert batch.actions[row, step] == tick.action
            assert batch.rewards[row, step] == np.float32(start + step + env / 10)
        last = history[env][start + steps - 1]
        assert (batch.next_observations[row] == signature(last.number + 1000, env)).all()
        assert (batch.next_allowed[row] == mask(last.number + 1)).all()
        assert batch.terminated[row] == last.terminated
    # All starts are drawn, and no others: those of the newest window where one is asked for.
    possible = held - n_step + 1
    window = possible if newest is None else min(newest, possible)
    newest_start = ticks - n_step
    assert starts == {
        (newest_start - back, env) for back in range(window) for env in range(envs)
    }


def test_dtypes_are_those_that_the_learner_compiles_for() -> None:
    buffer, _ = fill(5, 2, 7, 0.3, 0)
    batch = buffer.sample(np.random.default_rng(0), 6, 2)
    kinds = {name: str(value.dtype) for name, value in batch._asdict().items()}
    assert kinds == {
        "observations": "uint8", "allowed": "uint8", "actions": "int32", "rewards": "float32",
        "valid": "float32", "next_observations": "uint8", "next_allowed": "uint8",
        "terminated": "float32", "steps": "int32",
    }
    assert batch.observations.shape == (6, 2, 3) and batch.next_observations.shape == (6, 3)


def test_a_truncated_end_is_no_terminated_one() -> None:
    buffer = ReplayBuffer(4, 1, (1,), 1)
    for number in range(4):
        buffer.add(
            observations=np.array([[number]]), allowed=1, actions=0, rewards=1.0,
            next_observations=np.array([[number + 100]]), next_allowed=1,
            terminated=number == 3, truncated=number == 1,
        )
    batch = buffer.sample(np.random.default_rng(0), 200, 3)
    for row in range(200):
        start = int(batch.observations[row, 0, 0])
        assert start in (0, 1)
        assert batch.terminated[row] == 0 and batch.next_observations[row, 0] == 101
        assert batch.steps[row] == 2 - start


def test_concatenated_batches_keep_their_order() -> None:
    buffer, _ = fill(5, 1, 5, 0.0, 1)
    random = np.random.default_rng(0)
    first, second = buffer.sample(random, 3, 2), buffer.sample(random, 4, 2)
    both = concatenate(first, second)
    for name, value in both._asdict().items():
        assert (value[:3] == getattr(first, name)).all()
        assert (value[3:] == getattr(second, name)).all()


def test_a_cut_parts_what_was_shown_last_from_what_follows() -> None:
    buffer = ReplayBuffer(4, 2, (1,), 2)
    for tick in range(5):
        buffer.add(terminated=np.array([False, tick == 4]), rewards=np.float32(tick))
    buffer.cut(np.array([True, True]))
    newest = buffer.arrays["rewards"][:, 0] == 4
    assert buffer.arrays["truncated"][newest].tolist() == [[True, False]]
    assert not buffer.arrays["truncated"][~newest].any()
