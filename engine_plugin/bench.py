"""How fast a game runs on one core, measured so that the figure means something.

Actions are made beforehand, so that only the game is timed: at random (matches end soon, starting
anew costs) and by a careful scripted player (matches last, bombs and closing cost). Every step
writes the observations of all seats and the legal masks, and ended envs start anew. The clock is
the process's CPU time on one thread; each figure is the median of several repeats. The same run
measures a yardstick: how often a second the bytes of the observations can merely be copied, by the
same kind of loop. What more threads bring is measured by the clock on the wall, as it depends on
the cores that are free.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastenv
from engine_plugin.errors import ConfigError
from fastenv.yardstick import copy_rows

BATCH_SIZES = (1, 16, 256, 1_024, 16_384)
HEADLINE_SIZE = 1_024
THREAD_COUNTS = (1, 2)
THREADED_SIZE = 16_384
CAREFUL_PLAYER = "survivor"
SEQUENCE = 256      # steps of prepared actions: as long as most careful matches
REPEATS = 5
SEED = 1
# Decisions and masks are measured in the states of these steps of a careful match.
SAMPLED_STEPS = range(16, SEQUENCE, 16)

Actions = list[NDArray[np.uint8]]


def bench_env(game: str = "blast", seconds: float = 1.0) -> dict[str, Any]:
    """Measure a game; the figures as JSON-ready data.

    game: its name; seconds: CPU seconds that each figure takes, all repeats together

    "env_steps_per_second" is the lower of the two kinds of actions at 1,024 envs. "batches" has,
    for each batch size, env-steps a second by kind of actions and "copies": how many envs a second
    the same observation bytes can be copied for. "threads" has env-steps a second of wall time by
    number of threads, random actions. "decisions_per_second" is by scripted player.

    Raises ConfigError for seconds out of range and fastenv's UnknownGameError.
    """
    if not 0 < seconds <= 600:
        raise ConfigError(f"expected more than 0 and at most 600 seconds, got {seconds}")
    spec = fastenv.game_spec(game)
    names = fastenv.scripted_player_names(game)
    careful = CAREFUL_PLAYER if CAREFUL_PLAYER in names else names[-1]
    batches = [_bench_size(game, size, careful, seconds) for size in BATCH_SIZES]
    headline = next(each for each in batches if each["num_envs"] == HEADLINE_SIZE)
    batch = fastenv.make_batch(game, HEADLINE_SIZE, SEED)
    sequence = _careful_actions(batch, careful)
    return {
        "game": game,
        "game_version": spec.version,
        "env_steps_per_second": min(headline["random"], headline[careful]),
        "observation_bytes": spec.observation_size,
        "players": spec.players,
        "batches": batches,
        "threads": [_bench_threads(game, threads, seconds) for threads in THREAD_COUNTS],
        "decisions_per_second": {
            name: _rate_in_sampled_states(
                batch, sequence, _decider(batch, name), HEADLINE_SIZE, seconds
            )
            for name in names
        },
        "survivable_masks_per_second": _rate_in_sampled_states(
            batch,
            sequence,
            _mask_maker(batch),
            HEADLINE_SIZE * spec.players,
            seconds,
        ),
        "clock": "process CPU time, one thread",
        "repeats": REPEATS,
        "seed": SEED,
        "machine": _machine(),
    }


def _bench_size(game: str, size: int, careful: str, seconds: float) -> dict[str, Any]:
    batch = fastenv.make_batch(game, size, SEED)
    result: dict[str, Any] = {"num_envs": size}
    for kind, actions in (
        ("random", _random_actions(batch)), (careful, _careful_actions(batch, careful))
    ):
        result[kind] = _median_rate(
            lambda: batch.reset(SEED), _stepper(batch, actions), size * SEQUENCE, seconds
        )
    source = np.ones_like(batch.observations).reshape(size, -1)
    target = np.zeros_like(source)
    result["copies"] = _median_rate(
        lambda: None, lambda: copy_rows(target, source, SEQUENCE), size * SEQUENCE, seconds
    )
    return result


def _bench_threads(game: str, threads: int, seconds: float) -> dict[str, Any]:
    batch = fastenv.make_batch(game, THREADED_SIZE, SEED, threads=threads)
    rate = _median_rate(
        lambda: batch.reset(SEED),
        _stepper(batch, _random_actions(batch)),
        THREADED_SIZE * SEQUENCE,
        seconds,
        time.perf_counter_ns,
    )
    return {
        "threads": threads, "num_envs": THREADED_SIZE, "env_steps_per_second_of_wall_time": rate
    }


def _random_actions(batch: fastenv.BatchEnv) -> Actions:
    random = np.random.default_rng(SEED)
    shape = (batch.num_envs, batch.players)
    return [
        random.integers(0, len(batch.spec.actions), shape, dtype=np.uint8)
        for _ in range(SEQUENCE)
    ]


def _careful_actions(batch: fastenv.BatchEnv, name: str) -> Actions:
    """What the scripted player does in all seats from the seed on; played again it fits again."""
    bot = fastenv.make_bot(name, batch.spec.name)
    batch.reset(SEED)
    sequence: Actions = []
    for _ in range(SEQUENCE):
        seats = [bot.act(batch, seat) for seat in range(batch.players)]
        sequence.append(np.stack(seats, axis=1))
        batch.step(sequence[-1])
    return sequence


def _stepper(batch: fastenv.BatchEnv, actions: Actions) -> Callable[[], None]:
    def run() -> None:
        step = batch.step
        for each in actions:
            step(each)

    return run


def _decider(batch: fastenv.BatchEnv, name: str) -> Callable[[], None]:
    bot = fastenv.make_bot(name, batch.spec.name)
    out = np.empty(batch.num_envs, np.uint8)
    return lambda: _discard(bot.act(batch, 0, out))


def _mask_maker(batch: fastenv.BatchEnv) -> Callable[[], None]:
    out = batch.survivable_mask()
    return lambda: _discard(batch.survivable_mask(out))


def _discard(_: object) -> None:
    return None


def _rate_in_sampled_states(
    batch: fastenv.BatchEnv,
    sequence: Actions,
    work: Callable[[], None],
    amount: int,
    seconds: float,
) -> float:
    """Units of work a CPU second over the states of a careful match; `amount` units a call."""
    batch.reset(SEED)
    budget = seconds / len(SAMPLED_STEPS)
    calls, spent = 0, 0.0
    for step, actions in enumerate(sequence):
        if step in SAMPLED_STEPS:
            here = 0.0
            while here < budget:
                here += _timed(work)
                calls += 1
            spent += here
        batch.step(actions)
    return calls * amount / spent


def _median_rate(
    prepare: Callable[[], None],
    work: Callable[[], None],
    amount: int,
    seconds: float,
    clock: Callable[[], int] = time.process_time_ns,
) -> float:
    """Units of work a second of `clock`, the median of `REPEATS`; `amount` units a call of `work`.
    """
    rates = []
    for _ in range(REPEATS):
        calls, spent = 0, 0.0
        while spent < seconds / REPEATS:
            prepare()
            spent += _timed(work, clock)
            calls += 1
        rates.append(calls * amount / spent)
    return statistics.median(rates)


def _timed(
    work: Callable[[], None], clock: Callable[[], int] = time.process_time_ns
) -> float:
    """Seconds, of this process's CPU time if no other clock is given, at least one of its ticks."""
    start = clock()
    work()
    return max(clock() - start, 1) / 1e9


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor_name(),
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _processor_name() -> str:
    """As the system names it; the architecture where it does not."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines: Sequence[str] = file.readlines()
    except OSError:
        lines = ()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
