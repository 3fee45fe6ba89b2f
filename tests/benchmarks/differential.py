"""A compiled game against its rules in plain Python over many steps, byte by byte.

    python tests/benchmarks/differential.py [--game blast] [--steps 1000000] [--seed 0]

The comparison of tests/fastenv/differential.py: observations, rewards, ends, legal masks and counts
of illegal actions of every tick, driven by scripted players and by random actions, and every
seventh tick the snapshot and the survivable masks of one env. Prints what was compared; the exit
status is 1 if anything differed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

if __package__ is None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fastenv.compared_games import COMPARED_GAMES
from tests.fastenv.differential import Comparison

ENVS = 80
CLOSELY_EVERY = 7       # has no factor in common with ENVS, so that every env's turn comes
PROGRESS_SECONDS = 5.0
SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", default="blast", choices=list(COMPARED_GAMES))
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.steps < 1:
        parser.error(f"--steps: expected at least 1, got {arguments.steps}")

    comparison = Comparison(COMPARED_GAMES[arguments.game], ENVS, arguments.seed)
    ticks = -(-arguments.steps // ENVS)
    start = told = time.perf_counter()
    for tick in range(ticks):
        comparison.step()
        if tick % CLOSELY_EVERY == 0:
            comparison.look_closely()
        now = time.perf_counter()
        if now - told >= PROGRESS_SECONDS:
            told = now
            print(
                f"{tick * ENVS} of {arguments.steps} steps, {len(comparison.mismatches)} "
                f"mismatches, {now - start:.0f} s",
                file=sys.stderr,
            )
    seconds = time.perf_counter() - start
    seen = comparison.seen
    for line in comparison.mismatches[:SHOWN]:
        print(line)
    print(
        f"{arguments.game}: {seen['steps']} steps, {seen['ends']} episodes, "
        f"{comparison.survivable_checked} survivable masks, {len(comparison.mismatches)} "
        f"mismatches, {seconds:.1f} s, {seen['steps'] / seconds:.0f} steps/s"
    )
    return 1 if comparison.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
