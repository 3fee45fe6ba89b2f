"""The replay buffer: observations of many envs in a ring, sampled as n-step transitions.

Rewards of the discriminator are not stored: they are computed when a batch is sampled.
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from engine_plugin.errors import ConfigError

MEMORY_SHARE = 0.75  # of the machine's memory that a buffer may take


class Transitions(NamedTuple):
    """A sampled batch of B n-step transitions; step j of row i counts where `valid[i, j]`.

    observations        uint8 or float32 [B, n, *observation_shape]
    allowed             uint8 [B, n, actions], the actions the policy chose from
    actions             int32 [B, n]
    rewards             float32 [B, n], the game's
    valid               float32 [B, n], 1 up to the end of the episode
    next_observations   [B, *observation_shape], after the last valid step
    next_allowed        uint8 [B, actions]
    terminated          float32 [B], 1 where the last valid step ended the episode by the rules
    steps               int32 [B], number of valid steps
    """

    observations: np.ndarray
    allowed: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    valid: np.ndarray
    next_observations: np.ndarray
    next_allowed: np.ndarray
    terminated: np.ndarray
    steps: np.ndarray


class Sequences(NamedTuple):
    """A sampled batch of B stretches of T steps each; a new episode may begin within one.

    observations        uint8 or float32 [B, T, *observation_shape]
    actions             int32 [B, T]
    rewards             float32 [B, T], the game's
    next_observations   [B, T, *observation_shape], after each step and before any reset
    next_allowed        uint8 [B, T, actions]
    terminated          float32 [B, T], 1 where the step ended the episode by the rules
    ended               float32 [B, T], 1 where it ended by the rules or by a limit
    state               float32 [B, s], what the network remembered before the first step
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: np.ndarray
    next_allowed: np.ndarray
    terminated: np.ndarray
    ended: np.ndarray
    state: np.ndarray


def concatenate(first: Transitions, second: Transitions, axis: int = 0) -> Transitions:
    """One batch of both, in this order; axis 1 for batches that `split` has parted."""
    return Transitions(*(np.concatenate(pair, axis) for pair in zip(first, second, strict=True)))


Batch = TypeVar("Batch", Transitions, Sequences)


def split(batch: Batch, parts: int) -> Batch:
    """The same rows as `parts` batches of one size, along a new leading axis."""
    return type(batch)(*(array.reshape(parts, -1, *array.shape[1:]) for array in batch))


def only_part(batch: Batch) -> Batch:
    """The one batch that `split` into one part gives."""
    return type(batch)(*(array[0] for array in batch))


def _expect_memory(transitions: int, bytes_each: int) -> None:
    """Raise ConfigError where the observations of so many transitions would not fit; where a system
    does not say how much it has, they are taken to."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # no such function, no such name, no answer
        return
    fits = int(MEMORY_SHARE * memory)
    if transitions * bytes_each > fits:
        raise ConfigError(
            f"a replay buffer of {transitions:,} transitions takes "
            f"{transitions * bytes_each / 2**30:.1f} GiB, and this machine has "
            f"{memory / 2**30:.1f}: use --replay-size {fits // bytes_each} or less"
        )


class ReplayBuffer:
    """A ring of `length` ticks of `num_envs` envs; with a `state_size`, also of what a network
    remembered before each step. Raises ConfigError where this machine has not the memory for it."""

    def __init__(
        self,
        length: int,
        num_envs: int,
        observation_shape: tuple[int, ...],
        actions: int,
        dtype: str = "uint8",
        state_size: int = 0,
    ):
        shape = (length, num_envs)
        seen = math.prod(observation_shape) * np.dtype(dtype).itemsize
        _expect_memory(length * num_envs, 2 * seen)
        self.arrays: dict[str, np.ndarray] = {
            "observations": np.zeros((*shape, *observation_shape), dtype),
            "allowed": np.zeros((*shape, actions), np.uint8),
            "actions": np.zeros(shape, np.uint8),
            "rewards": np.zeros(shape, np.float32),
            "next_observations": np.zeros((*shape, *observation_shape), dtype),
            "next_allowed": np.zeros((*shape, actions), np.uint8),
            "terminated": np.zeros(shape, bool),
            "truncated": np.zeros(shape, bool),
        }
        if state_size:
            self.arrays["states"] = np.zeros((*shape, state_size), np.float32)
        self.length = length
        self.num_envs = num_envs
        self.head = 0  # where the next tick is written
        self.filled = 0  # ticks held

    def __len__(self) -> int:
        return self.filled * self.num_envs

    def cut(self, envs: np.ndarray) -> None:
        """What these envs showed last, bool [num_envs], is followed by another episode."""
        if self.filled:
            last = (self.head - 1) % self.length
            self.arrays["truncated"][last, envs & ~self.arrays["terminated"][last]] = True

    def add(self, **tick: np.ndarray | np.generic | bool) -> None:
        """Store one tick of all envs; the oldest is overwritten. Keys as in `arrays`."""
        for name, values in tick.items():
            self.arrays[name][self.head] = values
        self.head = (self.head + 1) % self.length
        self.filled = min(self.filled + 1, self.length)

    def prepared(self, prepare: Callable[[np.ndarray], np.ndarray]) -> ReplayBuffer:
        """The same ticks with prepare(observations [n, ...]) for what was seen, see
        learn/ways.py."""
        result = copy.copy(self)
        result.arrays = dict(self.arrays)
        for name in ("observations", "next_observations"):
            seen = self.arrays[name]
            made = prepare(seen.reshape(-1, *seen.shape[2:]))
            result.arrays[name] = made.reshape(*seen.shape[:2], *made.shape[1:])
        return result

    def sample(
        self, random: np.random.Generator, count: int, n_step: int, newest: int | None = None
    ) -> Transitions:
        """Draw `count` n-step transitions, each start alike, from the `newest` ticks or from all.

        The last n - 1 ticks cannot start one. Raises ValueError when too little is held.
        """
        starts = self.filled - n_step + 1
        if starts < 1:
            raise ValueError(f"expected at least {n_step} ticks, the buffer holds {self.filled}")
        window = starts if newest is None else min(newest, starts)
        age = random.integers(0, window, count) + n_step  # ticks behind the head
        env = random.integers(0, self.num_envs, count)
        tick = (self.head - age[:, None] + np.arange(n_step)) % self.length
        arrays = self.arrays
        envs = env[:, None]
        ended = arrays["terminated"][tick, envs] | arrays["truncated"][tick, envs]
        # A step is valid while no earlier step of the row has ended the episode.
        valid = np.ones((count, n_step), bool)
        valid[:, 1:] = ~np.logical_or.accumulate(ended, axis=1)[:, :-1]
        steps = valid.sum(axis=1)
        last = tick[np.arange(count), steps - 1]
        return Transitions(
            observations=arrays["observations"][tick, envs],
            allowed=arrays["allowed"][tick, envs],
            actions=arrays["actions"][tick, envs].astype(np.int32),
            rewards=arrays["rewards"][tick, envs],
            valid=valid.astype(np.float32),
            next_observations=arrays["next_observations"][last, env],
            next_allowed=arrays["next_allowed"][last, env],
            terminated=arrays["terminated"][last, env].astype(np.float32),
            steps=steps.astype(np.int32),
        )

    def sample_sequences(self, random: np.random.Generator, count: int, steps: int) -> Sequences:
        """Draw `count` stretches of `steps` steps of one env each, each start alike.

        Raises ValueError when too little is held.
        """
        starts = self.filled - steps + 1
        if starts < 1:
            raise ValueError(f"expected at least {steps} ticks, the buffer holds {self.filled}")
        age = random.integers(0, starts, count) + steps
        env = random.integers(0, self.num_envs, count)
        tick = (self.head - age[:, None] + np.arange(steps)) % self.length
        arrays, envs = self.arrays, env[:, None]
        ended = arrays["terminated"][tick, envs] | arrays["truncated"][tick, envs]
        return Sequences(
            observations=arrays["observations"][tick, envs],
            actions=arrays["actions"][tick, envs].astype(np.int32),
            rewards=arrays["rewards"][tick, envs],
            next_observations=arrays["next_observations"][tick, envs],
            next_allowed=arrays["next_allowed"][tick, envs],
            terminated=arrays["terminated"][tick, envs].astype(np.float32),
            ended=ended.astype(np.float32),
            state=arrays["states"][tick[:, 0], env],
        )
