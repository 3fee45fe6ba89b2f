"""Whole episodes are held out, the same ones each time, and nothing of them stays behind."""

from __future__ import annotations

import numpy as np
import pytest

from engine_plugin.learn.held_out import FEWEST_EPISODES, split_episodes
from engine_plugin.learn.replay import ReplayBuffer


def demonstrations(lengths: list[int], last_is_cut: bool = False) -> ReplayBuffer:
    """Episodes of the given lengths; every transition carries its episode and tick."""
    buffer = ReplayBuffer(sum(lengths), 1, (2,), 3)
    for episode, length in enumerate(lengths):
        for tick in range(length):
            last = tick == length - 1
            cut = last_is_cut and episode == len(lengths) - 1
            here = np.array([[episode, tick]], np.uint8)
            buffer.add(
                observations=here, allowed=np.ones((1, 3), np.uint8), actions=np.array([1]),
                rewards=np.zeros(1), next_observations=here, next_allowed=np.ones((1, 3)),
                terminated=np.array([last and not cut]), truncated=np.array([last and cut]),
            )  # fmt: skip
    return buffer


def held(buffer: ReplayBuffer) -> list[tuple[int, int]]:
    """(episode, tick) of every transition, in order."""
    return [tuple(row) for row in buffer.arrays["observations"][: buffer.filled, 0].tolist()]


def test_the_parts_are_whole_episodes_and_together_all_of_them() -> None:
    lengths = [3, 5, 2, 7, 4, 6, 1, 3, 8, 2]
    split = split_episodes(demonstrations(lengths, last_is_cut=True), 0.2, seed=4)
    assert split.held_out is not None
    assert (split.episodes, split.held_out_episodes) == (8, 2)
    assert split.mean_ticks == pytest.approx(np.mean(lengths))
    assert sorted(held(split.learned) + held(split.held_out)) == held(demonstrations(lengths))
    for part, count in ((split.learned, 8), (split.held_out, 2)):
        ticks_of: dict[int, list[int]] = {}
        for episode, tick in held(part):
            ticks_of.setdefault(episode, []).append(tick)
        assert len(ticks_of) == count
        assert all(ticks == list(range(lengths[number])) for number, ticks in ticks_of.items())


def test_a_seed_chooses_and_the_buffer_given_stays_as_it_is() -> None:
    lengths = [2] * 40
    given = demonstrations(lengths)
    first, again, other = (split_episodes(given, 0.1, seed).held_out for seed in (1, 1, 2))
    assert first is not None and again is not None and other is not None
    assert held(first) == held(again) != held(other)
    assert held(given) == held(demonstrations(lengths)) and given.filled == given.length == 80


def test_both_parts_are_sampled_like_any_buffer() -> None:
    split = split_episodes(demonstrations([4] * 10), 0.3, seed=0)
    random = np.random.default_rng(0)
    assert split.held_out is not None
    for part in (split.learned, split.held_out):
        batch = part.sample(random, 400, 2)
        seen = {tuple(row) for row in batch.observations[:, 0].tolist()}
        starts = set(held(part)[:-1])
        assert seen == starts
        # A step of two never runs from one episode into another.
        runs_on = batch.observations[:, 0, 0] != batch.observations[:, 1, 0]
        assert not batch.valid[runs_on, 1].any()


@pytest.mark.parametrize(
    ("lengths", "share"), [([3] * (FEWEST_EPISODES - 1), 0.5), ([3] * 20, 0.0), ([], 0.1)]
)
def test_few_episodes_are_all_learned_from(lengths: list[int], share: float) -> None:
    given = demonstrations(lengths)
    split = split_episodes(given, share, seed=0)
    assert split.held_out is None and split.learned is given
    assert (split.episodes, split.held_out_episodes) == (len(lengths), 0)


def test_a_small_share_of_enough_episodes_is_one() -> None:
    split = split_episodes(demonstrations([3] * FEWEST_EPISODES), 0.01, seed=0)
    assert (split.episodes, split.held_out_episodes) == (FEWEST_EPISODES - 1, 1)
