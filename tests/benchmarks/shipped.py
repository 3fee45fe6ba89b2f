"""The figures of what is shipped: style and strength of the policies, the generator's levels.

    python tests/benchmarks/shipped.py [--episodes 400] [--seed 1]

Prints one line a figure with its bar; records the hunter's demonstrations first, from seed 0.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import fastenv
from engine_plugin.learn.judge import judge_model
from engine_plugin.learn.record import record_scripted
from engine_plugin.levels.source import levels_from
from engine_plugin.levels.store import evaluate_levels


def share(part: int, whole: int) -> float:
    return part / max(whole, 1)


def line(name: str, value: float, bar: float, *, most: bool = False) -> None:
    holds = value <= bar if most else value >= bar
    print(f"{name:58} {value:7.3f}   {'<=' if most else '>='} {bar:.2f}   {'' if holds else 'NO'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    spec = fastenv.game_spec("blast")
    with tempfile.TemporaryDirectory() as folder:
        demos = str(Path(folder) / "hunter.npz")
        grounds = levels_from("generator", spec, 0)
        record_scripted(spec, "hunter", ("survivor", "hunter"), 12_000, 0, grounds, demos)
        against = ("survivor", "hunter", "idle")
        judged = {
            name: judge_model(
                f"blast/{name}", "blast", against, arguments.episodes, arguments.seed,
                "generator", demos,
            )
            for name in ("medium", "hard")
        }
    line("medium: style score", judged["medium"]["style"]["score"], 0.6)
    without = judged["medium"]["style"]["score_by_safety"]["none"]
    print(f"{'medium: style score without the safety filter':58} {without:7.3f}")
    print(f"{'hard: style score':58} {judged['hard']['style']['score']:7.3f}")
    for opponent, won, early in (("hunter", 0.8, 0.5), ("survivor", 0.65, 0.1)):
        row = judged["hard"]["against"][opponent]
        decided = row["wins"] + row["losses"]
        line(f"hard: wins of decided against {opponent}", share(row["wins"], decided), won)
        line(
            f"hard: wins of all before the arena closes, {opponent}",
            share(row["wins_before_closing"], row["episodes"]),
            early,
        )
    levels = evaluate_levels("blast/generator", 1_000, arguments.seed)
    print(f"generator, 1,000 levels: {levels}")


if __name__ == "__main__":
    main()
