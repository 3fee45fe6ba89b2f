"""Style learned from demonstrations alone, beside its controls: one command.

    python tests/benchmarks/style.py [--demonstrator hunter] [--transitions 12000] [--seeds 1]
        [--minutes 9] [--threads 1] [--only agent clone ...] [--out runs/style-bench]

Records the demonstrations, trains every contestant without the game's reward, and prints the style
score of each, with and without the safety filter, on seeds that no training saw, with 95 %
intervals. What is there already is kept, so that a stopped benchmark goes on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from command_line import command

# Contestant -> settings of `engine-plugin train policy`. The controls should fail; their last
# weights are judged, as the best would be those of the clone that they began with.
CONTESTANTS: dict[str, tuple[str, ...]] = {
    "agent": ("--reward", "style"),
    "agent from random weights": ("--reward", "style", "--no-warm-start"),
    "clone": ("--reward", "none"),
    "clone without the ways": ("--reward", "none", "--no-ways"),
    "constant reward": ("--reward", "constant", "--select", "last"),
    "discriminator never learns": (
        "--reward", "style", "--control", "random-discriminator", "--select", "last",
    ),
    "shuffled demonstrations": (
        "--reward", "style", "--control", "shuffled", "--select", "last",
    ),
    "SQIL": ("--reward", "sqil", "--demo-share", "0.5", "--no-warm-start", "--select", "last"),
}
SEED = 1  # of the matches that judge; trainings validate on others


def judged(name: str, seed: int, demos: str, folder: Path, given: Any) -> dict[str, Any]:
    """The contestant's style, trained first where that was not done yet."""
    run = folder / f"{name.replace(' ', '-')}-{seed}"
    result = run / f"style-{given.episodes}.json"
    if not result.exists():
        if not (run / "model.onnx").exists():
            goes_on = ("--resume",) if (run / "checkpoint.npz").exists() else ("--force",)
            command(
                "train", "policy", "--demos", demos, "--out", str(run), "--seed", str(seed),
                "--minutes", str(given.minutes), "--threads", str(given.threads),
                "--evaluation-episodes", "500", *CONTESTANTS[name], *goes_on,
            )
        style = json.loads(
            command(
                "evaluate", str(run / "model.onnx"), "--style", demos, "--json", "--against",
                "survivor", "--episodes", str(given.episodes), "--seed", str(SEED),
            )
        )["style"]
        result.write_text(json.dumps(style), encoding="utf-8")
    read: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return read


def cell(style: dict[str, Any], safety: str) -> str:
    low, high = style["interval_by_safety"][safety]
    return f"{style['score_by_safety'][safety]:5.2f} ({low:5.2f} to {high:5.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demonstrator", default="hunter")
    parser.add_argument("--transitions", type=int, default=12_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=2_000)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--out", default="runs/style-bench")
    given = parser.parse_args()
    folder = Path(given.out) / f"{given.demonstrator}-{given.transitions}"
    folder.mkdir(parents=True, exist_ok=True)
    demos = str(folder / "demos.npz")
    if not Path(demos).exists():
        command(
            "record", "--player", given.demonstrator, "--out", demos,
            "--transitions", str(given.transitions),
        )
    print(f"{given.demonstrator}, {given.transitions} transitions; style score (95 % interval)")
    print(f"{'contestant':28} seed  with the safety filter    without it")
    for name in given.only:
        for seed in range(given.seeds):
            style = judged(name, seed, demos, folder, given)
            print(
                f"{name:28} {seed:4}  {cell(style, 'survivable'):24}  {cell(style, 'none')}",
                flush=True,
            )


if __name__ == "__main__":
    main()
