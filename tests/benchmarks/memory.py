"""A task that needs memory: remember a cue for many steps, with and without a recurrent network.

    python tests/benchmarks/memory.py [--seeds 5] [--steps 20000] [--out runs/memory]

The env is tests/learn/small_envs.py's Cue (a T-maze): +1 for the turn that the first observation
showed, -1 for the other, so that a policy without memory is right half of the time, a return of 0.
One line a seed: the mean return of 100 unseen episodes of `--memory gru` and of `--memory none`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from command_line import command

ENVS = Path(__file__).parents[1] / "learn"
CUE = "small_envs:small/Cue-v0"
BAR = 0.95


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", default="20000")
    parser.add_argument("--out", default="runs/memory")
    arguments = parser.parse_args()
    held = 0
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        returns = {}
        for memory in ("gru", "none"):
            run = Path(arguments.out) / f"{memory}-{seed}"
            command(
                "train", "policy", "--env", CUE, "--memory", memory, "--steps", arguments.steps,
                "--seed", str(seed), "--threads", "1", "--out", str(run), "--force", modules=ENVS,
            )
            judged = command(
                "evaluate", str(run / "model.onnx"), "--env", CUE, "--episodes", "100", "--json",
                modules=ENVS,
            )
            returns[memory] = json.loads(judged)["return"]["mean"]
        held += returns["gru"] >= BAR
        print(f"seed {seed}: gru {returns['gru']:.2f}, none {returns['none']:.2f}", flush=True)
    print(f"{held} of {arguments.seeds} seeds remember (return of {BAR} or more)")
    return 0 if held == arguments.seeds else 1


if __name__ == "__main__":
    sys.exit(main())
