"""Imitation without the game's reward from 3 trajectories, beside the controls it has to beat.

    python tests/benchmarks/gymnasium_imitation.py --env Acrobot-v1 --expert EXPERT.onnx -- \\
        --play-temperature 0.1 --gamma 0.8

Records 3 episodes of the expert, then trains on them with `--reward style` (clone and
discriminator), `--reward none` (the clone alone) and `--reward constant` (+1 a step, demonstrations
in the batch, nothing judged), and prints the mean return of 100 unseen episodes of each, of the
expert and of random play. On CartPole the constant reward alone reaches what the expert does: a
game that pays for staying alive proves nothing about imitation. What stands after `--` goes to
`train policy`; a low temperature of play suits an expert that always takes its best action.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from command_line import command, own_and_passed_on

EPISODES = "100"
# Validations of a run, which choose the model by its manners and not by returns. Of a game whose
# episodes are long they take more time than the training.
WATCHED = 8
REWARDS = ("style", "none", "constant")


def main() -> None:
    own, passed_on = own_and_passed_on(sys.argv[1:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--env", default="Acrobot-v1")
    parser.add_argument("--expert", required=True)
    parser.add_argument("--trajectories", default="3")
    parser.add_argument("--steps", default="20000")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--rewards", nargs="+", choices=REWARDS, default=REWARDS)
    parser.add_argument("--out", default="runs/imitation")
    arguments = parser.parse_args(own)
    env, out = arguments.env, Path(arguments.out)
    name = env.rpartition(":")[2].replace("/", "-")

    def report(player: str, model: str) -> None:
        judged = json.loads(
            command("evaluate", model, "--env", env, "--episodes", EPISODES, "--json")
        )["return"]
        print(
            f"{env} {player:10} {judged['mean']:8.1f} ± {judged['std']:.1f} "
            f"(min {judged['min']:.0f})",
            flush=True,
        )

    out.mkdir(parents=True, exist_ok=True)
    demos = str(out / f"{name}.npz")
    command(
        "record", "--env", env, "--policy", arguments.expert, "--episodes", arguments.trajectories,
        "--seed", arguments.seed, "--out", demos, "--force",
    )
    report("expert", arguments.expert)
    report("random", "bot:random")
    for reward in arguments.rewards:
        run = out / f"{name}-{reward}-{arguments.seed}"
        start = ("--no-warm-start",) if reward == "constant" else ()
        command(
            "train", "policy", "--env", env, "--demos", demos, "--reward", reward, *start,
            "--steps", arguments.steps, "--seed", arguments.seed, "--threads", "1",
            "--evaluate-steps", str(max(int(arguments.steps) // WATCHED, 1)),
            "--out", str(run), "--force", *passed_on,
        )  # fmt: skip
        report(reward, str(run / "model.onnx"))


if __name__ == "__main__":
    main()
