"""Style against strength: what a stronger agent keeps of its demonstrator, in one table and plot.

    python tests/benchmarks/frontier.py [--minutes 10] [--threads 1] [--points mix game ...]
        [--out runs/frontier]

Trains one agent for every point from the same demonstrations of the hunter, against the same
opponents and for the same time: mixes from style to game reward, the game's reward alone, and a DQN
on the game's reward that a cross-entropy term holds to the clone, without a discriminator. Each is
judged on seeds that no training saw, with 95 % intervals. What is there already is kept, so that a
stopped benchmark goes on; the plot is frontier.png.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_line import command
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DEMONSTRATOR = "hunter"
# Of every training alike.
GROUNDS = (
    "--opponents", "hunter,hunter,survivor,idle", "--late-reward", "0.4", "--safety", "cautious",
    "--gamma", "0.985",
)  # fmt: skip
TRANSITIONS = 12_000
SEED = 1  # of the matches that judge; trainings validate on others
MIX = ("--reward", "mix", "--temperature")
HELD = (
    "--reward", "game", "--policy", "soft", "--temperature", "0.003", "--clone-weight",
)  # fmt: skip


# Kind -> (what it is, how it is drawn).
KINDS = {
    "mix": ("mix of style and game, at a temperature", "o-"),
    "held": ("game's reward, held to the clone by a weight", "s--"),
    "game": ("game's reward alone", "^"),
    "clone": ("clone", "D"),
}


@dataclass(frozen=True)
class Point:
    """A contestant: its kind, which is a line of the plot, what sets it apart, and how it is
    trained."""

    kind: str
    label: str
    settings: tuple[str, ...]


POINTS = (
    *(Point("mix", f"temperature {value}", (*MIX, value)) for value in ("0.005", "0.003")),
    Point("game", "reward alone", ("--reward", "game", "--no-warm-start", "--select", "strength")),
    *(
        Point("held", f"to the clone, {value}", (*HELD, value))
        for value in ("0.00001", "0.0001", "0.001", "0.01", "0.000001")
    ),
    Point("clone", "", ("--reward", "none")),
    *(Point("mix", f"temperature {value}", (*MIX, value)) for value in ("0.008", "0.002")),
)


def judged(point: Point, demos: str, folder: Path, given: Any) -> dict[str, Any]:
    """What `evaluate` says of the point's agent, trained first where that was not done yet."""
    run = folder / "-".join((point.kind, *point.label.replace(",", "").split()))
    result = run / f"judged-{given.episodes}.json"
    if not result.exists():
        if not (run / "model.onnx").exists():
            goes_on = ("--resume",) if (run / "checkpoint.npz").exists() else ("--force",)
            command(
                "train", "policy", "--demos", demos, "--out", str(run), "--minutes",
                str(given.minutes), "--threads", str(given.threads), *GROUNDS,
                *point.settings, *goes_on,
            )  # fmt: skip
        told = command(
            "evaluate", str(run / "model.onnx"), "--style", demos, "--json", "--against",
            DEMONSTRATOR, "--episodes", str(given.episodes), "--seed", str(SEED),
        )  # fmt: skip
        result.write_text(told, encoding="utf-8")
    read: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return read


def figures(told: dict[str, Any]) -> tuple[float, float, float, list[float]]:
    """Share of decided matches won, share won early, style score and its interval."""
    row, style = told["against"][DEMONSTRATOR], told["style"]
    won = row["wins"] / max(row["wins"] + row["losses"], 1)
    interval = style["interval_by_safety"][told["decision"]["safety"]]
    return won, row["wins_before_closing"] / row["episodes"], style["score"], interval


def draw(rows: list[tuple[Point, dict[str, Any]]], path: Path) -> None:
    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for kind, (meaning, marker) in KINDS.items():
        points = [(point, figures(told)) for point, told in rows if point.kind == kind]
        points.sort(key=lambda entry: entry[1][0])
        if not points:
            continue
        axes.plot(
            [100 * values[0] for _, values in points], [values[2] for _, values in points],
            marker, label=meaning,
        )  # fmt: skip
        for point, values in points:
            axes.annotate(
                point.label.split()[-1] if len(points) > 1 else "", (100 * values[0], values[2]),
                textcoords="offset points", xytext=(5, 5), fontsize=8,
            )  # fmt: skip
    axes.set_xlabel(f"wins of decided matches against {DEMONSTRATOR}, %")
    axes.set_ylabel(f"style score: 1 plays as {DEMONSTRATOR} does")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=1_000)
    parser.add_argument("--points", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--out", default="runs/frontier")
    given = parser.parse_args()
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    demos = str(folder / "demos.npz")
    if not Path(demos).exists():
        command(
            "record", "--player", DEMONSTRATOR, "--out", demos, "--transitions", str(TRANSITIONS)
        )
    print(f"{'agent':24} decided wins  early wins  style score (95 % interval)")
    rows = []
    for point in POINTS:
        if point.kind in given.points:
            told = judged(point, demos, folder, given)
            rows.append((point, told))
            won, early, style, (low, high) = figures(told)
            print(
                f"{point.kind + ' ' + point.label:24} {won:11.1%} {early:11.1%}"
                f"  {style:5.2f} ({low:5.2f} to {high:5.2f})",
                flush=True,
            )
    draw(rows, folder / "frontier.png")
    print(f"plot: {folder / 'frontier.png'}")


if __name__ == "__main__":
    main()
