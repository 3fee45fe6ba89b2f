"""A run that is killed and goes on is the run that was never killed: compared byte for byte.

    python -m tests.benchmarks.resume [--cuts 5] [--seed 0] [--threads 1] [--steps 24576]

Trains a short style run without a stop. Then the same run again, in a new folder for each cut:
killed with SIGKILL at a random moment, resumed, and left to end. All arrays of the last
checkpoints and of the best weights are compared (weights, optimiser, target network, replay
buffer, envs, discriminator), and all of their facts but the clock's (random streams, controller,
sums since the last evaluation); and the logs, line for line. The moments are drawn from the seed:
after which evaluation, and how far into the interval that follows. Nothing may differ: exit status
1 where anything does. About two minutes on an idle core.
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

from engine_plugin.learn.checkpoint import (
    CHECKPOINT,
    load_checkpoint,
    load_newest_checkpoint,
)
from engine_plugin.learn.log import read_log

CLOCKS = ("seconds", "due_seconds")  # what may differ: how long it took


INTERVALS = 12

# The learner alone, without the export that ends the command `train`.
LEARN = """
import json, sys
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.train import train_policy
train_policy(PolicyConfig(**json.loads(sys.argv[1])))
"""


@dataclass(frozen=True)
class Cut:
    """One killed run, compared with the whole one.

    evaluations: lines in its log when it was killed; into: share of the interval played after them
    reached: step of its newest whole checkpoint then
    differing: names of the arrays and files that are not the same; arrays: how many were compared
    """

    evaluations: int
    into: float
    reached: int
    differing: list[str]
    arrays: int


def learner(out: Path, demos: Path, given: argparse.Namespace, **more: Any) -> list[str]:
    """The command of the learner's process."""
    settings = {
        "out": str(out), "demos": str(demos), "reward": "style", "levels": "builtin",
        "opponents": "survivor", "steps": given.steps, "seed": 11, "threads": given.threads,
        "evaluate_steps": given.steps // INTERVALS, "evaluation_episodes": 8, "num_envs": 64,
        "batch_size": 128, "steps_per_update": 64, "warm_up": 1024, "replay_size": 16_384,
        "width": 64, "warm_start": False, **more,
    }  # fmt: skip
    return [sys.executable, "-c", LEARN, json.dumps(settings)]


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


def checkpoint_step(run: Path) -> int:
    """Step of the newest whole checkpoint of a run."""
    return int(load_newest_checkpoint(run, lambda text: None)[1]["steps"])


def kill_and_go_on(
    folder: Path, evaluations: int, into: float, demos: Path, given: argparse.Namespace
) -> Cut:
    """Start the run, kill it after so many evaluations and `into` the next interval, go on."""
    out = folder / f"cut_{evaluations}_{into:.3f}"
    process = subprocess.Popen(learner(out, demos, given), stderr=subprocess.DEVNULL)
    try:
        while len(lines := read_log(out / "log.jsonl")) < evaluations and process.poll() is None:
            time.sleep(0.02)
        if len(lines) < evaluations:
            raise RuntimeError(f"the run ended by itself after {len(lines)} evaluations")
        ended = [0.0, *(line["seconds"] for line in lines)]
        time.sleep(into * (ended[-1] - ended[-2]))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    reached = checkpoint_step(out)
    subprocess.run(learner(out, demos, given, resume=True), check=True, capture_output=True)
    return Cut(evaluations, into, reached, *differences(folder / "whole", out))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=24_576)
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
        subprocess.run(learner(folder / "whole", demos, given), check=True, capture_output=True)
        print(
            f"{checkpoint_step(folder / 'whole'):,} steps without a stop, {given.threads} "
            f"thread(s): {time.monotonic() - began:.0f} s"
        )
        print(f"{'killed':>28}  {'went on from':>12}  {'arrays':>6}  differing")
        random = np.random.default_rng(given.seed)
        differing = False
        for _ in range(given.cuts):
            evaluations, into = int(random.integers(1, INTERVALS)), float(random.random())
            cut = kill_and_go_on(folder, evaluations, into, demos, given)
            where = f"evaluation {cut.evaluations} and {cut.into:.0%} on"
            verdict = ", ".join(cut.differing) or "nothing"
            print(f"{where:>28}  {cut.reached:>12,}  {cut.arrays:>6}  {verdict}", flush=True)
            differing |= bool(cut.differing)
    return int(differing)


if __name__ == "__main__":
    raise SystemExit(main())
