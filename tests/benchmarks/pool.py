"""What the opponent pool costs: env steps a second with and without it, and one call of its graph.

    python tests/benchmarks/pool.py [--seconds 5]

Three ways to play 128 envs with an untrained network on one thread: against scripted players in
fixed groups, against a pool of them and 8 frozen policies of which half of all envs have one, and
against frozen policies alone. "playing" acts and steps; "training" also learns, as
`train policy --reward game` does with its default settings.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.opponents import SELF
from engine_plugin.learn.train import TrainingRun
from engine_plugin.learn.worlds import open_task

SCRIPTED = "hunter,survivor,idle"
WAYS = {
    "scripted players": SCRIPTED,
    "pool: half frozen": f"{SCRIPTED},self,self,self",
    "pool: all frozen": SELF,
}
SLOTS, ROWS = 8, 8


def run_of(opponents: str, folder: str) -> TrainingRun:
    """A run whose pool, if it has one, is full, with everybody equally likely."""
    config = PolicyConfig(
        out=folder, reward="game", opponents=opponents, levels="builtin", threads=1,
        pool_size=SLOTS,
    ).resolved()  # fmt: skip
    task = open_task(config)
    run = TrainingRun(config, "", task, None)
    run.play_one_tick()
    pool = getattr(run.world, "pool", None)
    if pool is not None:
        for _ in range(SLOTS):
            pool._freeze()
        pool._draw_for(np.ones(len(pool.member_of), bool))
    return run


def rate(act: Callable[[], None], envs: int, seconds: float) -> float:
    """Env steps a second."""
    for _ in range(40):
        act()
    begin, ticks = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        act()
        ticks += 1
    return ticks * envs / (time.perf_counter() - begin)


def learn(run: TrainingRun) -> None:
    run.play_one_tick()
    while run.updates_due():
        run.update_policy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    seconds = parser.parse_args().seconds
    first: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, opponents in WAYS.items():
            run = run_of(opponents, folder)
            measured = {"playing": rate(run.play_one_tick, run.config.num_envs, seconds)}
            while run.steps <= run.config.warm_up + 1024:
                learn(run)
            measured["training"] = rate(lambda run=run: learn(run), run.config.num_envs, seconds)
            for what, value in measured.items():
                first.setdefault(what, value)
                print(f"{name:20} {what:9} {value:9,.0f} steps/s  {value / first[what]:5.0%}")
        frozen = run.world.pool.frozen
        observations = run.world.observations[: SLOTS * ROWS]
        slots = np.arange(SLOTS * ROWS) % SLOTS

        def together() -> None:
            frozen.values(slots, observations)

        def one_by_one() -> None:
            for slot in range(SLOTS):
                run.learner.act_averaged(
                    observations[slots == slot], run.world.allowed[: SLOTS * ROWS][slots == slot]
                ).numpy()

        for name, act in (("together", together), ("one by one", one_by_one)):
            calls = rate(act, 1, seconds)
            print(f"{SLOTS} networks, {ROWS} rows each, {name}: {1e6 / calls:,.0f} µs")


if __name__ == "__main__":
    main()
