"""The same seed, the same bytes: over millions of steps, and from any saved point on.

    python tests/benchmarks/determinism.py [--game blast] [--steps 10000000]
                                           [--points 10000] [--then 1000]

First: one hash over everything that `steps` env-steps write (observations, masks, rewards, ends,
final observations and statistics), some envs driven by scripted players, some by random actions. It
must be the same for all in one batch; for smaller batches, the last first; for several threads; and
in a fresh process. Second: `points` states of running games, each saved, put into another env and
played on for `then` steps beside the one it was saved from.

Prints a line a check and its duration; the exit status is 1 if any fails.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import fastenv

SEED = 20
ENVS = 8_192    # so many that four threads do share them out
WRITTEN = (
    "observations", "legal_mask", "rewards", "terminated", "truncated", "final_observations",
    "final_statistics", "level_index",
)  # fmt: skip

Actions = NDArray[np.uint8]


def play(batch: fastenv.BatchEnv, rows: Sequence[int], steps: int) -> Iterator[Actions]:
    """Step the batch, whose envs are those numbered `rows` of a larger one; yields what was played.

    Every third env plays at random, from a stream of its own; the others by scripted players.
    """
    names = fastenv.scripted_player_names(batch.spec.name)
    bots = [fastenv.make_bot(names[-1 - seat % len(names)], batch.spec.name)
            for seat in range(batch.players)]
    random = [np.random.default_rng([SEED, row]) for row in rows]
    at_random = np.array(rows) % 3 == 0
    shape = (len(rows), batch.players)
    for start in range(0, steps, 256):
        length = min(256, steps - start)
        drawn = np.stack(
            [each.integers(0, len(batch.spec.actions), (256, batch.players), np.uint8)
             for each in random],
            axis=1,
        )
        for step in range(length):
            actions = np.empty(shape, np.uint8)
            for seat, bot in enumerate(bots):
                actions[:, seat] = bot.act(batch, seat)
            actions[at_random] = drawn[step, at_random]
            batch.step(actions)
            yield actions


class RollingHash:
    """One 64-bit hash an env over all that its steps write; any changed bit changes it.

    The words of a step are weighted by odd numbers and summed, modulo 2**64, then mixed in.
    """

    def __init__(self, batch: fastenv.BatchEnv):
        self._arrays = [
            getattr(batch, name).reshape(batch.num_envs, -1).view(np.uint8) for name in WRITTEN
        ]
        self._width = sum(array.shape[1] for array in self._arrays)
        words = -(-self._width // 8)
        self._bytes = np.zeros((batch.num_envs, 8 * words), np.uint8)
        weights = np.random.default_rng(SEED).integers(0, 2**63, words, np.uint64)
        self._weights = weights * np.uint64(2) + np.uint64(1)
        self.value = np.ones(batch.num_envs, np.uint64)

    def add_step(self) -> None:
        np.concatenate(self._arrays, axis=1, out=self._bytes[:, : self._width])
        self.value ^= (self._bytes.view(np.uint64) * self._weights).sum(axis=1)
        self.value *= np.uint64(0x9E3779B97F4A7C15)
        self.value ^= self.value >> np.uint64(29)


def hashes_by_env(
    game: str, steps: int, total: int, size: int, *, reverse: bool = False, threads: int = 1
) -> list[int]:
    """A rolling hash for each of `total` envs, played in batches of `size` neighbours.

    An env's number decides its streams: it is moved into its batch as a saved state.
    """
    rows = list(range(total))
    groups = [rows[first : first + size] for first in range(0, total, size)]
    result = [0] * total
    for group in reversed(groups) if reverse else groups:
        batch = fastenv.make_batch(game, len(group), SEED, threads=threads)
        whole = fastenv.make_batch(game, group[-1] + 1, SEED)
        for place, row in enumerate(group):
            batch.load_state(place, whole.save_state(row))
        for name in ("final_observations", "final_statistics"):
            getattr(batch, name)[...] = 0
        rolling = RollingHash(batch)
        for _ in play(batch, group, steps // total):
            rolling.add_step()
        for row, value in zip(group, rolling.value.tolist(), strict=True):
            result[row] = value
    return result


def one_hash(hashes: list[int]) -> str:
    return hashlib.blake2b(str(hashes).encode(), digest_size=8).hexdigest()


def in_a_fresh_process(game: str, steps: int, total: int) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.determinism", "--game", game,
         "--steps", str(steps), "--only-hash", str(total)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return run.stdout.strip()


def same_from_any_point(game: str, points: int, then: int) -> int:
    """How many of `points` saved states went on as the game they were saved from."""
    size = min(points, 500)
    good = 0
    for part in range(-(-points // size)):
        count = min(size, points - part * size)
        batch = fastenv.make_batch(game, count, SEED + part)
        other = fastenv.make_batch(game, count, SEED + 1_000_000 + part, levels=batch.levels)
        ages = np.random.default_rng([SEED, part]).integers(1, 300, count)
        blobs = [b""] * count
        for age, _ in enumerate(play(batch, range(count), 300), start=1):
            for place in np.flatnonzero(ages == age):
                blobs[place] = batch.save_state(place)
        # Both go on from the saved point: one in its own env, the other in one that was elsewhere.
        for place, blob in enumerate(blobs):
            batch.load_state(place, blob)
            other.load_state(count - 1 - place, blob)
        equal = np.ones(count, bool)
        for actions in play(batch, range(count), then):
            other.step(np.ascontiguousarray(actions[::-1]))
            for name in ("observations", "legal_mask", "rewards", "terminated"):
                here, there = getattr(batch, name), getattr(other, name)[::-1]
                equal &= (here == there).reshape(count, -1).all(axis=1)
        good += int(equal.sum())
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", default="blast")
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--then", type=int, default=1_000)
    parser.add_argument("--only-hash", type=int, default=0, metavar="ENVS",
                        help="print the hash of this many envs in one batch, and nothing else")
    given = parser.parse_args()
    if given.only_hash:
        print(one_hash(hashes_by_env(given.game, given.steps, given.only_hash, given.only_hash)))
        return 0

    failed = False

    def report(name: str, good: bool, value: str, start: float) -> None:
        nonlocal failed
        failed |= not good
        print(f"{'ok ' if good else 'NO '} {name:44} {value}  {time.perf_counter() - start:.1f} s",
              flush=True)

    start = time.perf_counter()
    expected = one_hash(hashes_by_env(given.game, given.steps, ENVS, ENVS))
    report(f"{given.steps:,} steps, {ENVS} envs in one batch", True, expected, start)
    for name, keywords in (
        ("batches of 1,000", {"size": 1_000}),
        ("batches of 16, last first", {"size": 16, "reverse": True}),
        ("two threads", {"size": ENVS, "threads": 2}),
        ("four threads", {"size": ENVS, "threads": 4}),
    ):
        start = time.perf_counter()
        got = one_hash(hashes_by_env(given.game, given.steps, ENVS, **keywords))
        report(name, got == expected, got, start)
    start = time.perf_counter()
    got = in_a_fresh_process(given.game, given.steps, ENVS)
    report("a fresh process", got == expected, got, start)
    start = time.perf_counter()
    good = same_from_any_point(given.game, given.points, given.then)
    report(f"{given.points:,} saved points, {given.then:,} steps on", good == given.points,
           f"{good:,} equal", start)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
