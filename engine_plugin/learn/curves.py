"""The log as TensorBoard curves: `tensorboard --logdir RUN/tensorboard` shows them.

Written with TensorFlow's own event writer, which needs no TensorBoard to be installed; only
viewing does. The log is the truth and the events are its picture: a run that goes on writes them
anew from its log, so that curves never double back where a run was cut off.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from engine_plugin.learn.health import logit_edges

FOLDER = "tensorboard"
# Figures of a log line -> the name of their curve; TensorBoard groups by what stands before the
# "/".
CURVES = {
    "style": "score/style",
    "strength": "score/strength",
    "score": "score/that chooses the model",
    "episode_ticks": "score/episode length",
    "length/mean": "score/episode length",
    "return/mean": "score/return",
    "temporal_difference_loss": "policy/loss",
    "mean_value": "policy/mean value",
    "mean_reward": "policy/mean reward",
    "decisions/entropy": "policy/entropy",
    "decisions/largest_share": "policy/share of the most chosen action",
    "style_reward/mean": "style reward/mean",
    "style_reward/positive": "style reward/share above 0",
    "discriminator_loss": "discriminator/loss",
    "balanced_accuracy": "discriminator/balanced accuracy while learning",
    "discriminator/balanced_accuracy": "discriminator/balanced accuracy",
    "discriminator/held_out_accuracy": "discriminator/balanced accuracy, held out",
    "discriminator/memorising_gap": "discriminator/memorising gap",
    "discriminator/logits/demonstrations": "discriminator/mean logit, demonstrations",
    "discriminator/logits/held_out": "discriminator/mean logit, held out",
    "discriminator/logits/agent": "discriminator/mean logit, agent",
    "seconds": "run/seconds",
    "updates": "run/updates",
}


class CurveWriter:
    """Writes log lines as events into a folder, until it is closed."""

    def __init__(self, run: Path, lines: Sequence[dict[str, Any]] = ()):
        """Starts anew in `run`/tensorboard with the lines that there are already."""
        folder = run / FOLDER
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
        self.writer = tf.summary.create_file_writer(str(folder))
        for line in lines:
            self.write(line)

    def close(self) -> None:
        self.writer.close()

    def write(self, line: dict[str, Any]) -> None:
        """All curves and histograms of one line, at its step; on disk when this returns."""
        with self.writer.as_default(step=int(line["steps"])):
            for name, value in curve_points(line):
                tf.summary.write(name, tf.constant(value, tf.float32), metadata=_SCALARS)
            for kind, shares in line.get("discriminator", {}).get("histograms", {}).items():
                edges = logit_edges()
                bins = np.stack([edges[:-1], edges[1:], np.array(shares)], axis=1)
                tf.summary.write(
                    f"discriminator/logits, {kind.replace('_', ' ')}",
                    tf.constant(bins, tf.float64),
                    metadata=_HISTOGRAMS,
                )
        self.writer.flush()


def curve_points(line: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """(curve, value) of everything in a line that is drawn as a curve."""
    for path, name in CURVES.items():
        value: Any = line
        for key in path.split("/"):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            yield name, float(value)
    for rate, value in line.get("profile", {}).items():
        yield f"profile/{rate}", float(value)
    for opponent, row in line.get("against", {}).items():
        for count in ("wins", "losses", "draws"):
            if count in row and row.get("episodes"):
                yield f"{count}/{opponent}", row[count] / row["episodes"]


def _of_plugin(name: str) -> Any:
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = name
    return metadata


_SCALARS = _of_plugin("scalars")
_HISTOGRAMS = _of_plugin("histograms")
