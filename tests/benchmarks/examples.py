"""The three loops of examples/: an agent trained on style beside its clone and a constant reward.

    python tests/benchmarks/examples.py [--games paddle snake shooter] [--seed 0] [--threads 1]
        [--out runs/examples] [-- ...]

Records 24 rounds of each game's scripted player through its keys, trains every contestant without
the game's score, and prints the style score of 100 unseen rounds of each (0 random play, 1 the
player) with its 95 % interval, and the score that the game gave them. What stands after `--` goes
to every `train`. What is there already is kept, so that a stopped benchmark goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from command_line import command, own_and_passed_on

GAMES = {"paddle": "30000", "snake": "60000", "shooter": "20000"}  # steps of training
CONTESTANTS: dict[str, tuple[str, ...]] = {
    "style": ("--reward", "style"),
    "clone": ("--reward", "none"),
    # Its last weights: the best would be those of the clone that it began with.
    "constant reward": (
        "--reward", "constant", "--policy", "soft", "--gamma", "0.9", "--n-step", "1",
        "--select", "last",
    ),
}


def judged(game: str, name: str, folder: Path, given: Any, passed_on: list[str]) -> dict[str, Any]:
    """What `evaluate` says of a contestant, trained first where that was not done yet."""
    file = f"examples/{game}/{game}.py"
    demos = folder / f"{game}.npz"
    run = folder / f"{game}-{name.replace(' ', '-')}-{given.seed}"
    result = run / "judged.json"
    if not demos.exists():
        player = f"examples/{game}/player.py:play"
        command("record", file, "--player", player, "--out", str(demos), "--seed", "0")
    if not result.exists():
        if not (run / "model.onnx").exists():
            goes_on = "--resume" if (run / "checkpoint.npz").exists() else "--force"
            command(
                "train", file, "--demos", str(demos), "--steps", GAMES[game],
                "--evaluate-steps", "5000", "--threads", str(given.threads), "--seed",
                str(given.seed), "--out", str(run), *CONTESTANTS[name], goes_on, *passed_on,
            )  # fmt: skip
        told = command(
            "evaluate", file, str(run / "model.onnx"), "--style", str(demos), "--episodes", "100",
            "--json",
        )  # fmt: skip
        result.write_text(told, encoding="utf-8")
    read: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return read


def main() -> None:
    own, passed_on = own_and_passed_on(sys.argv[1:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--games", nargs="+", choices=GAMES, default=list(GAMES))
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", default="runs/examples")
    given = parser.parse_args(own)
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    print("game     contestant       style score (95 % interval)   game's score")
    for game in given.games:
        for name in given.only:
            told = judged(game, name, folder, given, passed_on)
            low, high = told["style"]["interval"]
            print(
                f"{game:8} {name:16} {told['style']['score']:5.2f} ({low:5.2f} to {high:5.2f})"
                f"       {told['return']['mean']:10.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
