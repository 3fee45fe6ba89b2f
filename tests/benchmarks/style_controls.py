"""Style from the discriminator's reward alone beside its controls: one command, other rewards.

    python tests/benchmarks/style_controls.py [--minutes 9] [--seed 0] [--out runs/controls]

Trains from random weights with `--reward style` and `--reward constant`, clones with
`--reward none`, and prints the style score of each on seeds that no training saw. A run that is
there already is kept, so a stopped benchmark goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path


def command(*arguments: str) -> str:
    """Run a command of the command line; its stdout."""
    return subprocess.run(
        [sys.executable, "-m", "engine_plugin.cli", *arguments],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", default="9")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--episodes", default="400")
    parser.add_argument("--out", default="runs/controls")
    arguments = parser.parse_args()
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    demos = str(out / "hunter.npz")
    if not Path(demos).exists():
        command("record", "--player", "hunter", "--transitions", "12000", "--out", demos)
    for reward in ("style", "constant", "none"):
        run = out / reward
        if not (run / "model.onnx").exists():
            command(
                "train", "policy", "--demos", demos, "--reward", reward, "--out", str(run),
                "--minutes", arguments.minutes, "--seed", arguments.seed, "--force",
            )
        judged = json.loads(
            command(
                "evaluate", str(run / "model.onnx"), "--style", demos, "--json",
                "--episodes", arguments.episodes,
            )
        )
        scores = judged["style"]["score_by_safety"]
        print(
            f"{reward:10} style score {scores['survivable']:6.3f}, without the safety filter "
            f"{scores['none']:6.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
