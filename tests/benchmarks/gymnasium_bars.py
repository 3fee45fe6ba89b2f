"""Known games against known bars: trains with the command line, judges unseen episodes.

    python tests/benchmarks/gymnasium_bars.py --env CartPole-v1 [--seeds 5] [--out runs/bars]
    python tests/benchmarks/gymnasium_bars.py --env LunarLander-v3 --seeds 1 -- --num-envs 16

One line a seed and the verdict: the mean return of 100 greedy episodes of each seed's model against
the bar that Stable-Baselines3's and MinAtar's published figures set. What a game needs beside the
command line's defaults stands in BARS; what stands after `--` goes to `train policy` too. A model
that is there already is kept and a training that was stopped goes on from its checkpoint, so that
the same command ends a benchmark begun earlier. LunarLander needs `pip install "gymnasium[box2d]"`,
MinAtar `pip install minatar`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from command_line import command, own_and_passed_on


@dataclass(frozen=True)
class Bar:
    """The mean return to reach with this many env steps, and what the game needs beside the command
    line's defaults."""

    mean_return: float
    steps: int
    settings: tuple[str, ...] = ()


# Acrobot's actions differ by a step or two of 80: telling them apart takes twice the updates and a
# rate that falls to nothing.
ACROBOT = (
    "--steps-per-update", "1", "--learning-rate", "1e-3", "--rate-end", "0",
    "--evaluation-episodes", "100",
)  # fmt: skip
# 8 samples an env step, between the 32 of MinAtar's own DQN and the 2 of PQN, and many envs that
# share the cost of a decision. The bar allows 5 M steps.
MINATAR = ("--num-envs", "64", "--steps-per-update", "16", "--evaluate-steps", "100000")
BARS = {
    "CartPole-v1": Bar(500, 50_000),
    "Acrobot-v1": Bar(-80, 100_000, ACROBOT),
    # Its returns spread widely: the best weights of 40 episodes may be so by luck.
    "LunarLander-v3": Bar(200, 300_000, ("--evaluation-episodes", "100")),
    "minatar_envs:MinAtar/Breakout-v1": Bar(15, 3_000_000, MINATAR),
}
EPISODES = 100
ENVS = Path(__file__).parent


def main() -> int:
    own, passed_on = own_and_passed_on(sys.argv[1:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--env", choices=tuple(BARS), default="CartPole-v1")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", default="runs/bars")
    arguments = parser.parse_args(own)
    bar = BARS[arguments.env]
    name = arguments.env.rpartition(":")[2].replace("/", "-")
    returns = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        run = Path(arguments.out) / f"{name}-{seed}"
        started = time.monotonic()
        if not (run / "model.onnx").exists():
            command(
                "train", "policy", "--env", arguments.env, "--steps", str(bar.steps),
                "--seed", str(seed), "--threads", "1", "--out", str(run),
                "--resume" if (run / "checkpoint.npz").exists() else "--force",
                *bar.settings, *passed_on,
                modules=ENVS,
            )  # fmt: skip
        seconds = time.monotonic() - started
        judged = json.loads(
            command(
                "evaluate", str(run / "model.onnx"), "--env", arguments.env, "--episodes",
                str(EPISODES), "--json", modules=ENVS,
            )
        )["return"]
        returns.append(judged["mean"])
        print(
            f"{arguments.env} seed {seed}: {judged['mean']:.1f} ± {judged['std']:.1f} "
            f"(min {judged['min']:.0f}), {bar.steps:,} steps, {seconds:.0f} s",
            flush=True,
        )
    held = sum(mean >= bar.mean_return for mean in returns)
    print(
        f"{arguments.env}: {held} of {len(returns)} seeds reach {bar.mean_return:g}; "
        f"mean of seeds {sum(returns) / len(returns):.1f}, worst {min(returns):.1f}"
    )
    return 0 if held == len(returns) else 1


if __name__ == "__main__":
    sys.exit(main())
