"""A run that is killed and goes on is the run that was never killed: compared byte for byte.

    python tests/benchmarks/resume.py [--cuts 5] [--seed 0] [--threads 1] [--steps 49152]

Trains a short style run without a stop. Then the same run again, in a new folder for each cut:
killed with SIGKILL at a random moment, resumed, and left to end. All arrays of the last
checkpoints and of the best weights are compared (weights, optimiser, target network, replay
buffer, envs, discriminator), and all of their facts but the seconds; and the logs, line for line.
The moments are drawn from the seed, as shares of the time that the first run took. Nothing here
may differ: exit status 1 where anything does.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine_plugin.learn.checkpoint import CHECKPOINT, PREVIOUS, load_checkpoint
from engine_plugin.learn.log import read_log

CLOCKS = ("seconds", "due_seconds")  # what may differ: how long it took


@dataclass(frozen=True)
class Cut:
    """One killed run, compared with the whole one.

    share: of the whole run's time after which it was killed
    reached: step of its last checkpoint then, None before the first
    differing: names of the arrays and files that are not the same; arrays: how many were compared
    """

    share: float
    reached: int | None
    differing: list[str]
    arrays: int


def command(out: Path, demos: Path, given: argparse.Namespace, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "engine_plugin.cli", "train", "policy", "--demos", str(demos),
        "--out", str(out), "--reward", "style", "--levels", "builtin", "--opponents", "survivor",
        "--steps", str(given.steps), "--evaluate-steps", str(given.steps // 12), "--seed", "11",
        "--num-envs", "64", "--batch-size", "128", "--steps-per-update", "64", "--warm-up", "1024",
        "--replay-size", "16384", "--width", "64", "--evaluation-episodes", "8",
        "--threads", str(given.threads), *more,
    ]  # fmt: skip


def without_clocks(value: Any) -> Any:
    """The same facts without what depends on the clock."""
    if isinstance(value, dict):
        return {key: without_clocks(part) for key, part in value.items() if key not in CLOCKS}
    return value


def differences(one: Path, other: Path) -> tuple[list[str], int]:
    """Names of what differs between two runs' folders, and how many arrays were compared."""
    found, count = [], 0
    for name in (CHECKPOINT, "best.npz"):
        ours, facts = load_checkpoint(one / name)
        theirs, other_facts = load_checkpoint(other / name)
        if without_clocks(facts) != without_clocks(other_facts):
            found.append(f"{name}: facts")
        arrays, others = (
            {f"{name}/{key}": array for name, part in groups.items() for key, array in part.items()}
            for groups in (ours, theirs)
        )
        if arrays.keys() != others.keys():
            found.append(f"{name}: names")
        for key in arrays.keys() & others.keys():
            count += 1
            same = arrays[key].dtype == others[key].dtype and arrays[key].shape == others[key].shape
            if not same or arrays[key].tobytes() != others[key].tobytes():
                found.append(f"{name}: {key}")
    logs = [[without_clocks(line) for line in read_log(run / "log.jsonl")] for run in (one, other)]
    if logs[0] != logs[1]:
        found.append("log.jsonl")
    return sorted(found), count


def checkpoint_step(run: Path) -> int | None:
    """Step of the newest whole checkpoint of a run."""
    for name in (CHECKPOINT, PREVIOUS):
        if (run / name).exists():
            return int(load_checkpoint(run / name)[1]["steps"])
    return None


def kill_and_go_on(
    folder: Path, number: int, share: float, seconds: float, demos: Path, given: argparse.Namespace
) -> Cut:
    """Start the run, kill it when `share` of `seconds` has passed, go on with it to its end."""
    out = folder / f"cut{number}"
    process = subprocess.Popen(
        command(out, demos, given), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(share * seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = checkpoint_step(out)
    more = ("--resume",) if reached is not None else ("--force",)
    subprocess.run(command(out, demos, given, *more), check=True, capture_output=True)
    return Cut(share, reached, *differences(folder / "whole", out))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=49_152)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demos = folder / "hunter.npz"
        subprocess.run(
            [sys.executable, "-m", "engine_plugin.cli", "record", "--player", "hunter", "--against",
             "survivor", "--transitions", "2000", "--levels", "builtin", "--out", str(demos)],
            check=True, capture_output=True,
        )  # fmt: skip
        began = time.monotonic()
        subprocess.run(command(folder / "whole", demos, given), check=True, capture_output=True)
        seconds = time.monotonic() - began
        steps = checkpoint_step(folder / "whole")
        print(f"{steps:,} steps without a stop: {seconds:.0f} s, {given.threads} thread(s)")
        print(f"{'killed after':>12}  {'went on from step':>17}  {'arrays':>6}  differing")
        cuts = []
        shares = np.random.default_rng(given.seed).uniform(0.2, 0.98, given.cuts).tolist()
        for number, share in enumerate(shares):
            cut = kill_and_go_on(folder, number, share, seconds, demos, given)
            cuts.append(cut)
            reached = "the start" if cut.reached is None else f"{cut.reached:,}"
            verdict = ", ".join(cut.differing) or "none"
            print(f"{share * seconds:10.1f} s  {reached:>17}  {cut.arrays:>6}  {verdict}",
                  flush=True)
    if given.json:
        print(json.dumps([cut.__dict__ for cut in cuts]))
    return int(any(cut.differing for cut in cuts))


if __name__ == "__main__":
    raise SystemExit(main())
