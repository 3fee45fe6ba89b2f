"""Demonstrations kept back: whole episodes that nothing learns from, to see what was learned by
heart.

Whole episodes, because neighbouring ticks of one are nearly the same picture: a transition held out
from the middle of an episode would be known by its neighbours.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from engine_plugin.learn.replay import ReplayBuffer

FEWEST_EPISODES = 4  # fewer are all learned from: one of three would be too much to miss
STREAM = 7_919  # beside the run's seed, so that no other draw of the run moves with this one


@dataclass(frozen=True)
class Split:
    """Demonstrations in two parts of whole episodes.

    learned: what everything learns from
    held_out: what nothing learns from; None where there are too few episodes
    episodes, held_out_episodes: how many are in each
    mean_ticks: mean length of an episode, over both
    """

    learned: ReplayBuffer
    held_out: ReplayBuffer | None
    episodes: int
    held_out_episodes: int
    mean_ticks: float


def split_episodes(demonstrations: ReplayBuffer, share: float, seed: int) -> Split:
    """Hold out `share` of the episodes, at least one where there are `FEWEST_EPISODES` or more.

    demonstrations: a full buffer of one env, episode after episode. The same seed and
    demonstrations give the same split.
    """
    arrays = demonstrations.arrays
    ended = (arrays["terminated"] | arrays["truncated"])[: demonstrations.filled, 0]
    episode_of = np.concatenate([[0], np.cumsum(ended)[:-1]]) if len(ended) else np.zeros(0, int)
    episodes = int(episode_of[-1]) + 1 if len(ended) else 0
    mean_ticks = demonstrations.filled / max(episodes, 1)
    count = 0
    if share > 0 and episodes >= FEWEST_EPISODES:
        count = max(1, round(share * episodes))
    if count == 0:
        return Split(demonstrations, None, episodes, 0, mean_ticks)
    order = np.random.default_rng([STREAM, seed]).permutation(episodes)
    kept_back = np.isin(episode_of, order[:count])
    return Split(
        _ticks(demonstrations, ~kept_back),
        _ticks(demonstrations, kept_back),
        episodes - count,
        count,
        mean_ticks,
    )


def _ticks(buffer: ReplayBuffer, chosen: np.ndarray) -> ReplayBuffer:
    """A full buffer of the chosen ticks, bool [filled]; whole episodes, so that none runs on."""
    part = copy.copy(buffer)
    part.arrays = {name: array[: buffer.filled][chosen] for name, array in buffer.arrays.items()}
    part.length = part.filled = int(chosen.sum())
    part.head = 0
    return part
