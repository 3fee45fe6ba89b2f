"""The report: one page from a run's record and log, whatever state the run is in."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from engine_plugin.errors import ConfigError, OutputExistsError
from engine_plugin.learn import verdict
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.health import discriminator_health
from engine_plugin.learn.report import write_report

PROFILE = {"bombs": 10.6, "wait": 0.06}
RECORD: dict[str, Any] = {
    "command": "engine-plugin train policy --demos <hunter>.npz --minutes 9",
    "config": asdict(
        PolicyConfig(out="runs/me", demos="hunter.npz", learning_rate=7e-5).resolved()
    ),
    "seed": 3, "versions": {"tensorflow": "2.21.0"}, "cores": 2,
    "demonstrations": {"player": "hunter", "transitions": 10_871, "episodes": 63,
                       "held_out_episodes": 7, "mean_ticks": 172.0},
    "compared_with": {"profile": PROFILE, "survivor_profile": {"bombs": 10.2, "wait": 0.3},
              "spread": {"bombs": 2.0, "wait": 0.05}},
    "result": {},
}  # fmt: skip
ALARM = {"name": "discriminator memorises", "text": "It knows them by heart & <more>."}


def line(steps: int, style: float, **more: Any) -> dict[str, Any]:
    logits = np.linspace(-2, 3, 100)
    return {
        "seconds": steps / 100, "steps": steps, "updates": steps // 10, "style": style,
        "strength": style - 0.2, "score": style, "temporal_difference_loss": 0.3,
        "discriminator_loss": 1.2, "balanced_accuracy": 0.7, "episode_ticks": 180.0,
        "discriminator": discriminator_health(logits, logits - 0.5, logits - 2),
        "profile": {"bombs": 9.0, "wait": 0.2},
        "against": {"hunter": {"episodes": 20, "wins": 9, "losses": 6, "draws": 5}}, **more,
    }  # fmt: skip


LINES = [line(10_000, 0.2), line(20_000, 0.65, alarms=[ALARM]), line(30_000, 0.5)]


def folder(path: Path, lines: list[dict[str, Any]], **changes: Any) -> Path:
    (path / "run.json").write_text(json.dumps(RECORD | changes))
    (path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    return path


class Page(HTMLParser):
    """Text, pictures and everything that a page would load from elsewhere."""

    def __init__(self, path: Path):
        super().__init__()
        self.text, self.pictures, self.loads, self.open = "", [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == [], "a tag is not closed"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)
        given = dict(attributes)
        if tag == "img":
            kind, _, data = str(given["src"]).partition(";base64,")
            assert kind == "data:image/svg+xml" and given["alt"]
            self.pictures.append(base64.b64decode(data).decode())
        elif tag in ("script", "link", "iframe"):
            self.loads.append(tag)
        self.loads += [value for key, value in attributes if key == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report(path: Path, lines: list[dict[str, Any]], **changes: Any) -> Page:
    return Page(write_report(folder(path, lines, **changes)))


def test_it_says_what_was_trained_and_whether_it_is_any_good(tmp_path: Path) -> None:
    page = report(tmp_path, LINES, result={"evaluation": LINES[1], "steps": 30_000})
    for words in (
        "An agent for Blast that is to play like hunter", "It plays like hunter.",
        "10,871 transitions in 63 episodes by hunter",
        "7 more held out", "5 minutes", "30,000 steps of play", "The run is finished",
        "Style score 0.65, past the bar of 0.6", "60 % of the decided matches",
        "9 won, 6 lost, 5 drawn", "The model that is kept is that of step 20,000",
        "Discriminator memorises", "first seen at step 20,000", ALARM["text"],
        RECORD["command"], "Seed 3", "engine-plugin report runs/me", "7e-05",
    ):  # fmt: skip
        assert words in page.text, words


def test_it_needs_nothing_beside_it(tmp_path: Path) -> None:
    page = report(tmp_path, LINES)
    assert page.loads == []
    html = (tmp_path / "report.html").read_text()
    assert "url(" not in html and "@import" not in html
    assert len(page.pictures) == 7
    assert all("<svg" in picture and "<script" not in picture for picture in page.pictures)


def test_the_same_log_gives_the_same_file(tmp_path: Path) -> None:
    first = write_report(folder(tmp_path, LINES)).read_bytes()
    assert write_report(tmp_path).read_bytes() == first


def test_what_the_run_says_is_text_and_never_markup(tmp_path: Path) -> None:
    wicked = "<script>alert(1)</script>"
    against = {wicked: {"episodes": 2, "wins": 1, "losses": 1, "draws": 0}}
    shown = {**RECORD["demonstrations"], "player": wicked}
    alarms = [{"name": wicked, "text": wicked}]
    page = report(tmp_path, [line(10, 0.1, against=against, alarms=alarms)], demonstrations=shown)
    assert page.loads == [] and wicked in page.text


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "has not been evaluated yet"),
        (LINES, "not finished"),
        (LINES[:1], "Style score 0.20, nearer to hunter than any control"),
        ([line(10_000, -0.1)], "no better than a control"),
        ([*LINES, {"steps": 31_000, "alarms": [{"name": "not a number", "text": "Ran away."}]}],
         "stopped itself"),
        ([{"steps": 5, "seconds": 1, "updates": 0, "strength": 0.5, "score": 0.5}],
         "not finished"),
        ([{"steps": 500, "seconds": 9.0, "updates": 4, "score": 480.0,
           "return": {"mean": 480.0, "std": 30.0}, "length": {"mean": 480.0}}], "Return 480"),
    ],
)  # fmt: skip
def test_a_run_in_any_state_has_one(
    tmp_path: Path, lines: list[dict[str, Any]], words: str
) -> None:
    assert words in report(tmp_path, lines).text


def test_of_an_unfinished_run_the_best_so_far_is_shown(tmp_path: Path) -> None:
    assert verdict.kept(RECORD, LINES) == LINES[1]
    assert "that of step 20,000" in report(tmp_path, LINES).text


def test_a_torn_log_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    folder(tmp_path, LINES)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"steps": 40000, "sty')
    assert "30,000 steps of play" in Page(write_report(tmp_path)).text


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "mine.html"
    assert write_report(folder(tmp_path, LINES), out) == out and out.exists()
    with pytest.raises(OutputExistsError, match="--force"):
        write_report(tmp_path, out)
    write_report(tmp_path, out, force=True)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("record", ["", "[]", '{"config": {"who": 1}}', '{"config": 3}'])
def test_a_folder_without_a_record_is_refused(tmp_path: Path, record: str) -> None:
    with pytest.raises(ConfigError, match=re.escape("run.json")):
        write_report(tmp_path)
    (tmp_path / "run.json").write_text(record)
    with pytest.raises(ConfigError, match=re.escape("run.json")):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (42.4, "42 seconds"), (540, "9 minutes"), (7_500, "2 h 5 min")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert verdict.duration(seconds) == words
