"""The log: read after a kill in the middle of a line, cut back to a checkpoint; its means."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine_plugin.learn.interval import Interval
from engine_plugin.learn.log import RunLog, read_log

LINES = [{"steps": steps, "style": steps / 1000} for steps in (0, 100, 200, 300)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    log = RunLog(path)
    for line in LINES:
        log.append(line)
    return path


def test_what_is_written_is_read(path: Path) -> None:
    assert read_log(path) == LINES
    assert read_log(path.with_name("none.jsonl")) == []


@pytest.mark.parametrize("torn", [b'{"steps": 400, "sty', b'{"steps": 400', b"\xff\x00", b"[1]\n"])
def test_a_torn_end_is_left_out_and_mended(path: Path, torn: bytes) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert read_log(path) == LINES
    log = RunLog(path)
    log.go_on_from(300)
    assert log.lines == LINES and path.read_bytes() == whole
    log.append({"steps": 400})
    assert read_log(path) == [*LINES, {"steps": 400}]


def test_lines_after_the_checkpoint_are_cut_off(path: Path) -> None:
    log = RunLog(path)
    log.go_on_from(199)
    assert log.lines == read_log(path) == LINES[:2]


def test_a_log_that_is_lost_begins_anew(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    log.go_on_from(500)
    log.append({"steps": 600})
    assert read_log(log.path) == [{"steps": 600}]


def test_means_go_on_from_a_stored_sum_exactly() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    whole, first = Interval(), Interval()
    for row in values:
        whole.add(("loss", "value"), row)
    for row in values[:20]:
        first.add(("loss", "value"), row)
    second = Interval(json.loads(json.dumps(first.state())))
    for row in values[20:]:
        second.add(("loss", "value"), row)
    assert second.sums == whole.sums and second.means() == whole.means()
    assert whole.means()["loss"] == pytest.approx(values[:, 0].mean(), abs=1e-4)
    assert Interval().means() == {}
