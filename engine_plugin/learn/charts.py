"""The pictures of a run's report: each a function from the log to one SVG, or None where it has
nothing to show. Drawn with matplotlib, without a window or a display."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine_plugin.learn.alarms import figures
from engine_plugin.learn.health import logit_edges
from engine_plugin.learn.log import Line
from engine_plugin.learn.pace import BAND

# Apart by lightness too, for a black-and-white print and for eyes that do not tell red from green.
AGENT, SHOWN, SAFE, OTHER = "#1f6f8b", "#22313a", "#a9b4ba", "#c9763a"
WON, DRAWN, LOST = "#1f6f8b", "#dbe2e5", "#e3a87c"
WANTED = "#e6f0e6"
INK, FAINT = "#3c4a52", "#e4e8ea"
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that a page looks alike everywhere
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#b9c2c7",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "svg.hashsalt": "engine-plugin",  # the same log gives the same file
}
WIDE, HALF = (8.6, 3.0), (4.2, 2.9)
MOST_RATES = 16


def _svg(size: tuple[float, float], draw: Callable[[Axes], None]) -> bytes:
    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _curve(axes: Axes, lines: Sequence[Line], path: str, **look: Any) -> None:
    """The figure at `path` over the steps, of the lines that have it."""
    points = [(line["steps"], value) for line in lines for value in figures([line], path)]
    if points:
        steps, values = zip(*points, strict=True)
        axes.plot(np.array(steps) / _unit(lines)[0], values, marker="o", **look)


def _unit(lines: Sequence[Line]) -> tuple[float, str]:
    """What steps are counted in, so that the axis reads well."""
    most = max((line["steps"] for line in lines), default=0)
    for size, word in ((1e6, "million steps"), (1e3, "thousand steps")):
        if most >= 2 * size:
            return size, word
    return 1, "steps"


def _finish(axes: Axes, lines: Sequence[Line], label: str) -> None:
    axes.set_xlabel(_unit(lines)[1])
    axes.set_ylabel(label)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", fontsize=8.5)


# ------------------------------------------------------------------------------------- curves


def scores(lines: Sequence[Line], best: Line | None) -> bytes | None:
    """Style score and strength over the run; the kept model's evaluation is ringed."""
    if not figures(lines, "strength") and not figures(lines, "style"):
        return None

    def draw(axes: Axes) -> None:
        if figures(lines, "style"):
            axes.axhline(1, color=SHOWN, linewidth=0.9, linestyle=(0, (4, 3)))
            axes.annotate("the demonstrator", (1, 1), xycoords=("axes fraction", "data"),
                          xytext=(0, 2), textcoords="offset points", ha="right", va="bottom",
                          fontsize=8, color=SHOWN)  # fmt: skip
            axes.axhline(0, color="#8b979d", linewidth=0.9, linestyle=(0, (4, 3)))
            axes.annotate("safe at random", (1, 0), xycoords=("axes fraction", "data"),
                          xytext=(0, 2), textcoords="offset points", ha="right", va="bottom",
                          fontsize=8, color="#6b777d")  # fmt: skip
        _curve(axes, lines, "style", color=AGENT, label="style score")
        _curve(axes, lines, "strength", color=OTHER, label="strength")
        for name, color in (("style", AGENT), ("strength", OTHER)):
            if best and name in best:
                axes.plot(best["steps"] / _unit(lines)[0], best[name], "o", color="none",
                          markeredgecolor=color, markersize=11)  # fmt: skip
        _finish(axes, lines, "score")

    return _svg(WIDE, draw)


def returns(lines: Sequence[Line], best: Line | None) -> bytes | None:
    """Mean return over the run, within one standard deviation of its episodes."""
    shown = [line for line in lines if figures([line], "return/mean")]
    if not shown:
        return None

    def draw(axes: Axes) -> None:
        steps = np.array([line["steps"] for line in shown]) / _unit(lines)[0]
        means = np.array(figures(shown, "return/mean"))
        spread = np.array([*figures(shown, "return/std"), *[0.0] * len(shown)][: len(shown)])
        axes.fill_between(steps, means - spread, means + spread, color=AGENT, alpha=0.15)
        _curve(axes, lines, "return/mean", color=AGENT, label="mean return")
        if best and "return" in best:
            axes.plot(best["steps"] / _unit(lines)[0], best["return"]["mean"], "o", color="none",
                      markeredgecolor=AGENT, markersize=11)  # fmt: skip
        _finish(axes, lines, "return")

    return _svg(WIDE, draw)


def losses(lines: Sequence[Line]) -> bytes | None:
    """Loss of the policy and of the discriminator."""
    if not figures(lines, "temporal_difference_loss"):
        return None

    def draw(axes: Axes) -> None:
        _curve(axes, lines, "temporal_difference_loss", color=AGENT, label="policy")
        _curve(axes, lines, "discriminator_loss", color=OTHER, label="discriminator")
        axes.set_ylim(bottom=0)
        _finish(axes, lines, "loss")

    return _svg(HALF, draw)


def episode_length(lines: Sequence[Line], demonstrated: float) -> bytes | None:
    """Mean length of an episode beside the demonstrations'."""
    path = "episode_ticks" if figures(lines, "episode_ticks") else "length/mean"
    if not figures(lines, path):
        return None

    def draw(axes: Axes) -> None:
        _curve(axes, lines, path, color=AGENT, label="agent")
        if demonstrated:
            axes.axhline(demonstrated, color=SHOWN, linestyle=(0, (4, 3)), linewidth=1.1,
                         label="demonstrations")  # fmt: skip
        axes.set_ylim(bottom=0)
        _finish(axes, lines, "steps an episode")

    return _svg(HALF, draw)


def discriminator_accuracy(lines: Sequence[Line]) -> bytes | None:
    """Balanced accuracy on what it learns from and on what it never saw, over the wanted band."""
    if not figures(lines, "balanced_accuracy"):
        return None

    def draw(axes: Axes) -> None:
        axes.axhspan(*BAND, color=WANTED, linewidth=0)
        axes.annotate("wanted", (0.01, BAND[1]), xycoords=("axes fraction", "data"),
                      xytext=(0, -3), textcoords="offset points", va="top", fontsize=8,
                      color="#5d7a5d")  # fmt: skip
        _curve(axes, lines, "balanced_accuracy", color="#7f8f97", label="while learning")
        _curve(axes, lines, "discriminator/balanced_accuracy", color=OTHER,
               label="demonstrations learned from")  # fmt: skip
        _curve(axes, lines, "discriminator/held_out_accuracy", color=AGENT,
               label="demonstrations held out")  # fmt: skip
        axes.set_ylim(0.4, 1)
        _finish(axes, lines, "balanced accuracy")

    return _svg(WIDE, draw)


# ------------------------------------------------------------------------------------- pictures


def discriminator_histograms(line: Line) -> bytes | None:
    """How sure the discriminator is of each kind of transition, at one evaluation."""
    shares = line.get("discriminator", {}).get("histograms", {})
    if not shares:
        return None
    edges = logit_edges()

    def draw(axes: Axes) -> None:
        looks = (
            ("agent", "the agent's play", LOST, {"fill": True, "alpha": 0.75, "linewidth": 0}),
            ("demonstrations", "demonstrations learned from", SHOWN, {"linewidth": 1.4}),
            ("held_out", "demonstrations held out", AGENT,
             {"linewidth": 1.6, "linestyle": (0, (3, 2))}),
        )  # fmt: skip
        for kind, label, color, look in looks:
            if kind in shares:
                axes.stairs(shares[kind], edges, color=color, label=label, **look)
        axes.axvline(0, color=INK, linewidth=0.8)
        used = [index for kind in shares.values() for index, share in enumerate(kind) if share > 0]
        reach = max(abs(edges[min(used)]), abs(edges[max(used) + 1]), 2) if used else edges[-1]
        axes.set_xlim(-reach, reach)
        axes.set_xlabel("← judged the agent's      logit      judged demonstrated →")
        axes.set_ylabel("share of transitions")
        axes.legend(loc="upper left", fontsize=8.5)

    return _svg(WIDE, draw)


def profiles(own: dict[str, float], others: dict[str, Any]) -> bytes | None:
    """Each behaviour rate of the agent and of whoever the style score begins with (`survivor`, or
    random play), as a distance from the demonstrator's in units of his own spread over episodes:
    what the style score is the mean of. Of very many the MOST_RATES that tell most."""
    shown, spread = (others.get(key, {}) for key in ("profile", "spread"))
    kind = "survivor_profile" if "survivor_profile" in others else "random_profile"
    safe = others.get(kind, {})
    rates = [rate for rate in own if rate in shown and rate in safe and spread.get(rate)]
    if not rates:
        return None
    told = sorted(rates, key=lambda rate: -abs(safe[rate] - shown[rate]) / spread[rate])
    rates = [rate for rate in rates if rate in told[:MOST_RATES]]
    label = "safe at random (survivor)" if kind == "survivor_profile" else "random play"

    def draw(axes: Axes) -> None:
        for row, rate in enumerate(rates):
            ours = (own[rate] - shown[rate]) / spread[rate]
            theirs = (safe[rate] - shown[rate]) / spread[rate]
            axes.plot([0, theirs], [row, row], color=FAINT, linewidth=5, solid_capstyle="round")
            axes.plot([0, ours], [row, row], color=AGENT, linewidth=2, alpha=0.45)
            axes.plot(theirs, row, "o", color=SAFE, markersize=9,
                      label=label if row == 0 else None)  # fmt: skip
            axes.plot(ours, row, "D", color=AGENT, markersize=8,
                      label="the agent" if row == 0 else None)  # fmt: skip
        axes.axvline(0, color=SHOWN, linewidth=1.4, label="the demonstrator", zorder=0)
        axes.set_yticks(
            range(len(rates)),
            [f"{rate}\n{_short(own[rate])}, wanted {_short(shown[rate])}" for rate in rates],
        )
        axes.set_ylim(len(rates) - 0.5, -0.5)
        axes.grid(False, axis="y")
        axes.set_xlabel("difference from the demonstrator, in his own standard deviations")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=8.5)

    return _svg((8.6, 1.1 + 0.46 * len(rates)), draw)


def matches(rows: Sequence[tuple[str, int, int, int]]) -> bytes | None:
    """Won, drawn and lost of each match-up, rows of (label, won, drawn, lost)."""
    rows = [row for row in rows if sum(row[1:])]
    if not rows:
        return None

    def draw(axes: Axes) -> None:
        for place, (_, won, drawn, lost) in enumerate(rows):
            left, total = 0.0, won + drawn + lost
            for count, color, ink in ((won, WON, "white"), (drawn, DRAWN, INK), (lost, LOST, INK)):
                share = 100 * count / total
                axes.barh(place, share, left=left, color=color, height=0.68, edgecolor="white")
                if share >= 6:
                    axes.text(left + share / 2, place, f"{share:.0f} %", ha="center", va="center",
                              color=ink, fontsize=8.5)  # fmt: skip
                left += share
        for color, label in ((WON, "won"), (DRAWN, "drawn"), (LOST, "lost")):
            axes.bar(0, 0, color=color, label=label)
        axes.set_yticks(range(len(rows)), [row[0] for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.set_xticks([])
        axes.grid(False)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=8.5)

    return _svg((8.6, 0.75 + 0.36 * len(rows)), draw)


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
