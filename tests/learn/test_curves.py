"""Curves as TensorBoard reads them: every figure of the log at its step, and histograms."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import tensorflow as tf

from engine_plugin.learn.curves import CURVES, FOLDER, CurveWriter
from engine_plugin.learn.health import discriminator_health, logit_edges


def line(steps: int, style: float) -> dict[str, Any]:
    logits = np.linspace(-2, 3, 50)
    return {
        "steps": steps, "seconds": steps / 10, "style": style, "strength": 0.25,
        "discriminator": discriminator_health(logits, logits - 1, logits - 2),
        "profile": {"bombs": 9.5},
        "against": {"hunter": {"episodes": 20, "wins": 5, "losses": 10, "draws": 5}},
    }  # fmt: skip


def events(run: Path) -> dict[tuple[str, str], list[tuple[int, Any]]]:
    """(plugin, tag) -> (step, values) of all event files of a run."""
    found: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for path in sorted((run / FOLDER).iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                points = found.setdefault((plugin, value.tag), [])
                points.append((event.step, tf.make_ndarray(value.tensor)))
    return found


def test_every_figure_is_a_curve_at_its_step(tmp_path: Path) -> None:
    with closing(CurveWriter(tmp_path)) as curves:
        curves.write(line(100, 0.5))
        curves.write(line(200, 0.6))
    found = events(tmp_path)
    style = found["scalars", CURVES["style"]]
    assert [(step, round(float(value), 6)) for step, value in style] == [(100, 0.5), (200, 0.6)]
    for tag in ("discriminator/memorising gap", "profile/bombs", "run/seconds"):
        assert [step for step, _ in found["scalars", tag]] == [100, 200]
    assert float(found["scalars", "wins/hunter"][0][1]) == 0.25
    bins = found["histograms", "discriminator/logits, held out"][0][1]
    assert bins.shape == (len(logit_edges()) - 1, 3)  # left, right, count: TensorBoard's own layout
    np.testing.assert_allclose(bins[:, 0], logit_edges()[:-1])
    assert bins[:, 2].sum() == pytest.approx(1.0, abs=1e-3)


def test_a_line_is_on_disk_at_once(tmp_path: Path) -> None:
    with closing(CurveWriter(tmp_path)) as curves:
        curves.write(line(100, 0.5))
        assert ("scalars", CURVES["style"]) in events(tmp_path)


def test_a_run_that_goes_on_never_doubles_back(tmp_path: Path) -> None:
    with closing(CurveWriter(tmp_path)) as curves:
        for steps in (100, 200, 300):
            curves.write(line(steps, 0.5))
    with closing(CurveWriter(tmp_path, [line(100, 0.5)])) as curves:
        curves.write(line(150, 0.7))
    assert [step for step, _ in events(tmp_path)["scalars", CURVES["style"]]] == [100, 150]


def test_a_line_that_knows_little_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    with closing(CurveWriter(tmp_path)) as curves:
        curves.write(json.loads('{"steps": 7, "strength": 0.5, "style": null}'))
    assert {tag for _, tag in events(tmp_path)} == {CURVES["strength"]}
