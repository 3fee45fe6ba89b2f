"""The same bytes for any size, order and number of threads; the long run is a benchmark."""

from __future__ import annotations

import os

import numpy as np
import pytest

import fastenv
from tests.benchmarks import determinism
from tests.fastenv.effort import scaled

ENVS = 300
STEPS = ENVS * 250
MANY_ENVS = 8_192       # so many that four threads do share them out


@pytest.fixture(scope="module")
def expected() -> list[int]:
    return determinism.hashes_by_env("blast", STEPS, ENVS, ENVS)


@pytest.mark.parametrize(
    "keywords",
    [{"size": 100}, {"size": 17, "reverse": True}],
    ids=["smaller batches", "last first"],
)
def test_the_hash_of_all_that_is_written_is_the_same(expected, keywords):
    assert len(set(expected)) == ENVS
    assert determinism.hashes_by_env("blast", STEPS, ENVS, **keywords) == expected


def test_the_hash_is_the_same_in_a_fresh_process(expected):
    fresh = determinism.in_a_fresh_process("blast", STEPS, ENVS)
    assert fresh == determinism.one_hash(expected)


def test_games_go_on_equally_from_saved_points():
    assert determinism.same_from_any_point("blast", points=200, then=scaled(300)) == 200


def test_the_hash_is_the_same_for_more_threads():
    steps = MANY_ENVS * scaled(60)
    one, four = (
        determinism.hashes_by_env("blast", steps, MANY_ENVS, MANY_ENVS, threads=threads)
        for threads in (1, 4)
    )
    assert one == four


def test_threads_write_the_same_masks_and_decisions():
    one, four = (
        fastenv.make_batch("blast", MANY_ENVS, seed=4, threads=count) for count in (1, 4)
    )
    assert (one.threads, four.threads) == (1, 4)
    bot = fastenv.make_bot("hunter")
    for _ in range(scaled(40)):
        masks = [batch.survivable_mask() for batch in (one, four)]
        actions = [
            np.stack([bot.act(batch, seat) for seat in range(2)], axis=1) for batch in (one, four)
        ]
        assert np.array_equal(*masks) and np.array_equal(*actions)
        one.step(actions[0])
        four.step(actions[1])
    assert np.array_equal(one.observations, four.observations)


@pytest.mark.parametrize("threads", [0, -1, 257])
def test_numbers_of_threads_that_there_are_not(threads):
    with pytest.raises(ValueError, match="1 to 256 threads"):
        fastenv.make_batch("blast", 1, threads=threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_process_does_without_threads():
    batch = fastenv.make_batch("blast", MANY_ENVS, seed=1, threads=3)
    actions = np.full((MANY_ENVS, 2), 4, np.uint8)
    child = os.fork()
    if child == 0:
        batch.step(actions)
        del batch
        os._exit(0)
    batch.step(actions)
    assert os.waitpid(child, 0)[1] == 0
