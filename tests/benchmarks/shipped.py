"""The figures of what is shipped: style and strength of the policies, the generator's levels.

    python tests/benchmarks/shipped.py [--episodes 1000] [--seed 1]

Prints one line a figure with its bar; shares of matches stand with their 95 % intervals (Wilson).
Records the hunter's demonstrations first, from seed 0.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import fastenv
from engine_plugin.learn.intervals import share_with_interval
from engine_plugin.learn.judge import judge_model
from engine_plugin.learn.record import record_scripted
from engine_plugin.levels.source import levels_from
from engine_plugin.levels.store import evaluate_levels
from engine_plugin.tables import describe_values

# Of `hard`: opponent -> the least share of the decided matches to win, and of all early.
STRENGTH = {"hunter": (0.88, 0.60), "survivor": (0.75, 0.20), "idle": (None, 0.90)}
MOST_SELF_KILLS = 0.02


def line(name: str, value: float, bar: float | None, note: str = "", *, most: bool = False) -> None:
    holds = bar is None or (value <= bar if most else value >= bar)
    wanted = "" if bar is None else f"{'<=' if most else '>='} {bar:.2f}"
    print(f"{name:58} {value:7.3f}   {wanted:8} {'' if holds else 'NO':3} {note}")


def share_line(
    name: str, part: int, whole: int, bar: float | None, *, most: bool = False
) -> None:
    told = share_with_interval(part, whole)
    note = f"({told['low']:.3f} to {told['high']:.3f})"
    line(name, told["share"], bar, note, most=most)


def strength_lines(against: dict[str, Any], with_bars: bool) -> None:
    """The shares of every opponent's matches."""
    for opponent, (won, early) in STRENGTH.items():
        row = against[opponent]
        decided = row["wins"] + row["losses"]
        bars = (won, early, MOST_SELF_KILLS) if with_bars else (None, None, None)
        share_line(f"hard: wins of decided against {opponent}", row["wins"], decided, bars[0])
        share_line(
            f"hard: wins of all before the arena closes, {opponent}",
            row["wins_before_closing"], row["episodes"], bars[1],
        )  # fmt: skip
        share_line(
            f"hard: self-kills against {opponent}",
            row["self_kills"], row["episodes"], bars[2], most=True,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    spec = fastenv.game_spec("blast")
    with tempfile.TemporaryDirectory() as folder:
        demos = str(Path(folder) / "hunter.npz")
        grounds = levels_from("generator", spec, 0)
        record_scripted(spec, "hunter", ("survivor", "hunter"), 12_000, 0, grounds, demos)
        against = tuple(STRENGTH)
        judged = {
            name: judge_model(
                f"blast/{name}", "blast", against, arguments.episodes, arguments.seed,
                "generator", demos,
            )
            for name in ("medium", "hard")
        }
    for name, bar in (("medium", 0.6), ("hard", 0.5)):
        style = judged[name]["style"]
        low, high = next(iter(style["interval_by_safety"].values()))
        line(f"{name}: style score", style["score"], bar, f"({low:.2f} to {high:.2f})")
        without = style["score_by_safety"]["none"]
        line(f"{name}: style score without the safety filter", without, None)
    strength_lines(judged["hard"]["against"], with_bars=True)
    print("without the safety filter")
    strength_lines(judged["hard"]["by_safety"]["none"], with_bars=False)
    levels = evaluate_levels("blast/generator", 1_000, arguments.seed)
    print(describe_values({"generator, 1,000 levels": levels}))


if __name__ == "__main__":
    main()
