"""The report of a run: one page of HTML that needs nothing beside it, from run.json and log.jsonl
alone.

A run that still goes on, or that was killed, has one as well. No script, no link to anywhere: it
opens in any browser, prints as it stands, and can be sent to somebody.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from engine_plugin.errors import ConfigError
from engine_plugin.files import atomic_write, refuse_existing
from engine_plugin.learn import charts, verdict
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.log import Line, read_log
from engine_plugin.learn.run_record import read_record

REPORT = "report.html"
# Settings that say where, not what.
UNTOLD = ("out", "resume", "force")
# Settings that say which game and which kind of reward.
GIVEN = ("out", "game", "env", "loop", "seat", "demos", "reward", "steps")

CSS = """
:root { color-scheme: light }
* { box-sizing: border-box }
body { margin: 0; background: #f6f7f7; color: #27333a;
  font: 16px/1.55 "Segoe UI", "Helvetica Neue", Arial, sans-serif }
main { max-width: 960px; margin: 0 auto; padding: 40px 24px 64px }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 10px; font-weight: 600 }
h2 { font-size: 18px; margin: 0 0 4px; font-weight: 600 }
p { margin: 0 0 10px; max-width: 74ch }
.verdict { font-size: 20px; color: #1f6f8b; margin-bottom: 12px }
.lead { color: #45525a }
.numbers { display: flex; flex-wrap: wrap; gap: 12px; margin: 22px 0 }
.number { flex: 1 1 150px; background: #fff; border: 1px solid #e1e5e7; border-radius: 10px;
  padding: 12px 16px }
.number b { display: block; font-size: 26px; font-weight: 600; color: #1f6f8b;
  font-variant-numeric: tabular-nums }
.number span { color: #5c6970; font-size: 14px }
section { background: #fff; border: 1px solid #e1e5e7; border-radius: 10px; padding: 20px 24px;
  margin: 16px 0; break-inside: avoid }
section > p { color: #5c6970; font-size: 14.5px; max-width: none }
code { font: 0.92em Consolas, Menlo, monospace; white-space: nowrap }
.after { margin: 12px 0 0 }
ul { margin: 6px 0 0; padding-left: 20px }
li { margin: 4px 0 }
img { display: block; max-width: 100%; height: auto; margin: 10px auto 0 }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 16px }
.pair section { margin: 0 }
.alarm { border-left: 4px solid #c9763a; padding: 2px 0 2px 14px; margin: 14px 0 }
.alarm small { color: #5c6970 }
.alarm p { margin: 2px 0 0; max-width: none }
.calm { border-left: 4px solid #7aa17a; padding: 2px 0 2px 14px; margin: 12px 0 0 }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; margin-top: 12px;
  font-variant-numeric: tabular-nums }
th { text-align: right; color: #5c6970; font-weight: 500; border-bottom: 1px solid #d5dbde;
  padding: 4px 8px }
td { text-align: right; padding: 4px 8px; border-bottom: 1px solid #eef0f1 }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
.settings { columns: 2; column-gap: 40px; font-size: 14px; margin: 10px 0 0; padding: 0 }
.settings div { display: flex; justify-content: space-between; border-bottom: 1px solid #eef0f1;
  padding: 3px 0; break-inside: avoid; gap: 12px }
.settings dt { color: #5c6970 }
.settings dd { margin: 0; text-align: right; overflow-wrap: anywhere }
.settings .chosen dt, .settings .chosen dd { color: #27333a; font-weight: 600 }
pre { background: #f1f4f5; border-radius: 8px; padding: 12px 14px; white-space: pre-wrap;
  overflow-wrap: anywhere; font: 13.5px/1.5 Consolas, Menlo, monospace; margin: 10px 0 }
footer { color: #6b777d; font-size: 13.5px; margin-top: 20px }
@media (max-width: 700px) { .pair { grid-template-columns: 1fr } .settings { columns: 1 } }
@media print { body { background: #fff; font-size: 11pt } main { max-width: none; padding: 0 }
  section, .number { border-color: #ccc } }
"""


def write_report(run: str | Path, out: str | Path | None = None, *, force: bool = False) -> Path:
    """Write the report of the run in folder `run`; returns its path.

    out: the file; None means report.html in the run's folder, which is replaced.
    Raises ConfigError for a folder without the record of a policy's training, OutputExistsError.
    """
    run = Path(run)
    if out is not None:
        refuse_existing(out, force)
    path = Path(out) if out is not None else run / REPORT
    text = page(run.resolve().name, read_record(run), read_log(run / "log.jsonl"))
    atomic_write(path, text.encode())
    return path


def page(name: str, record: dict[str, Any], lines: Sequence[Line]) -> str:
    """The whole page, from a run's name, record and log."""
    best = verdict.kept(record, lines)
    parts = [
        f"<h1>{escape(verdict.title(record))}</h1>",
        f'<p class="verdict">{escape(verdict.headline(record, best))}</p>' if best else "",
        f'<p class="lead">{_advice(verdict.story(record, lines))}</p>',
        _numbers(best),
        _any_good(record, best),
        _alarms(lines),
        *_pictures(record, lines, best),
        _how_to_repeat(record),
        f"<footer>Run “{escape(name)}”, made by engine-plugin.</footer>",
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(verdict.title(record))} – {escape(name)}</title>\n"
        f"<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


# ------------------------------------------------------------------------------------- in words


def _numbers(best: Line) -> str:
    """The few figures that one asks for first."""
    boxes = []
    if "style" in best:
        boxes.append((verdict.number(best["style"]), "style score; 1 is the demonstrator"))
    for opponent, row in best.get("against", {}).items():
        if row["wins"] + row["losses"]:
            share = row["wins"] / (row["wins"] + row["losses"])
            boxes.append((verdict.percent(share), f"of decided matches won, {opponent}"))
    if "return" in best:
        boxes.append((f"{best['return']['mean']:.4g}", "mean return of unseen episodes"))
    if not boxes and "strength" in best:
        boxes.append((verdict.number(best["strength"]), "strength"))
    cells = "".join(
        f'<div class="number"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
        for value, label in boxes[:4]
    )
    return f'<div class="numbers">{cells}</div>' if cells else ""


def _any_good(record: dict[str, Any], best: Line) -> str:
    said = verdict.findings(record, best)
    if not said:
        return ""
    rows = "".join(f"<li>{escape(text)}</li>" for text in said)
    where = f"The model that is kept is that of step {best['steps']:,}."
    return (
        f"<section><h2>Is it any good?</h2><ul>{rows}</ul>"
        f'<p class="after">{escape(where)}</p></section>'
    )


def _alarms(lines: Sequence[Line]) -> str:
    raised = [(line, alarm) for line in lines for alarm in line.get("alarms", [])]
    if not lines:
        return ""
    if not raised:
        return (
            '<section><h2>Alarms</h2><p class="calm">None: all that is watched stayed as it '
            "should.</p></section>"
        )
    rows = "".join(
        f'<div class="alarm"><b>{escape(alarm["name"].capitalize())}</b> '
        f"<small>first seen at step {line['steps']:,}</small><p>{_advice(alarm['text'])}</p></div>"
        for line, alarm in raised
    )
    return f"<section><h2>Alarms</h2>{rows}</section>"


def _advice(text: str) -> str:
    """Text whose options are set as what one types."""
    return re.sub(r"(--[a-z][a-z-]*)", r"<code>\1</code>", escape(text))


# ------------------------------------------------------------------------------------- in pictures


def _pictures(record: dict[str, Any], lines: Sequence[Line], best: Line) -> list[str]:
    others = record.get("compared_with") or {}
    shown = (record.get("demonstrations") or {}).get("mean_ticks", 0.0)
    judged = [line for line in lines if "discriminator" in line]
    player = (record.get("demonstrations") or {}).get("player") or "the demonstrator"
    return [
        _picture(
            "How it learned",
            "Each point is an evaluation on the same validation episodes; the ring marks the model "
            "that is kept.",
            charts.scores(lines, best) or charts.returns(lines, best),
        ),
        _picture(
            f"Behaviour beside {player}",
            f"Rates of the kept model. The nearer the blue diamond to the line, the more it does "
            f"that as {player} does; the style score sums up all of them.",
            charts.profiles(best.get("profile", {}), others),
        ),
        _picture(
            "Matches of the kept model",
            "Against each opponent in the validation matches.",
            charts.matches(_match_rows(best)),
            _match_table(best),
        ),
        _picture(
            "Health of the discriminator",
            "The share that it judges rightly, demonstrations and the agent's play counted alike. "
            "In the green band its reward teaches; where it does better on the demonstrations "
            "learned from than on those held out, it knows the former by heart.",
            charts.discriminator_accuracy(lines),
        ),
        _picture(
            "What the discriminator sees at the end",
            "Where the demonstrations held out lie like those learned from, it has understood the "
            "style and not the examples.",
            charts.discriminator_histograms(judged[-1]) if judged else None,
        ),
        _side_by_side(
            _picture("Losses", "Of each network while it learns.", charts.losses(lines)),
            _picture(
                "Length of the episodes",
                "Rewards that pay for staying alive, or for ending, show here.",
                charts.episode_length(lines, shown),
            ),
        ),
    ]


def _picture(heading: str, words: str, svg: bytes | None, after: str = "") -> str:
    if svg is None:
        return ""
    source = base64.b64encode(svg).decode()
    return (
        f"<section><h2>{escape(heading)}</h2><p>{escape(words)}</p>"
        f'<img alt="{escape(heading)}" src="data:image/svg+xml;base64,{source}">{after}</section>'
    )


def _side_by_side(left: str, right: str) -> str:
    return f'<div class="pair">{left}{right}</div>' if left and right else left or right


def _match_rows(best: Line) -> list[tuple[str, int, int, int]]:
    """(label, won, drawn, lost) of each opponent, and of each seat where the log has them."""
    rows = []
    for opponent, row in best.get("against", {}).items():
        seats = row.get("by_seat") or [row]
        for seat, part in enumerate(seats, start=1):
            label = f"{opponent}, from seat {seat}" if len(seats) > 1 else opponent
            rows.append((label, part["wins"], part["draws"], part["losses"]))
    return rows


def _match_table(best: Line) -> str:
    against = best.get("against", {})
    if not against:
        return ""
    titles = {"wins": "won", "losses": "lost", "draws": "drawn", "wins_before_closing": "won early",
              "self_kills": "self-kills"}  # fmt: skip
    columns = [key for key in titles if any(key in row for row in against.values())]
    head = "".join(f"<th>{titles[key]}</th>" for key in columns)
    rows = "".join(
        f"<tr><td>{escape(opponent)}</td>"
        + "".join(f"<td>{row.get(key, '')}</td>" for key in columns)
        + "</tr>"
        for opponent, row in against.items()
    )
    return f"<table><tr><th>opponent</th>{head}</tr>{rows}</table>"


# ------------------------------------------------------------------------------------- once more


def _how_to_repeat(record: dict[str, Any]) -> str:
    config = record["config"]
    usual = usual_settings(config)
    rows = "".join(
        f'<div{_chosen(name, value, usual)}><dt>{escape(name.replace("_", " "))}</dt>'
        f"<dd>{escape(_shown(value))}</dd></div>"
        for name, value in config.items()
        if name not in UNTOLD
    )
    versions = ", ".join(f"{name} {number}" for name, number in record.get("versions", {}).items())
    command = record.get("command") or "engine-plugin train policy"
    again = f"engine-plugin report {shlex.quote(config['out'])}"
    return (
        f"<section><h2>Once more</h2><p>The command that trained it; settings other than the "
        f"usual ones are in bold.</p><pre>{escape(command)}</pre>"
        f'<dl class="settings">{rows}</dl></section>'
        f"<p><small>Seed {record.get('seed', '?')}, {escape(versions)}; "
        f"{record.get('cores', '?')} cores. "
        f"This page again: <code>{escape(again)}</code></small></p>"
    )


def usual_settings(config: dict[str, Any]) -> PolicyConfig:
    """What the settings would be had only the game and the kind of reward been given."""
    given = {name: config[name] for name in GIVEN if name in config}
    try:
        return PolicyConfig(**given).resolved()
    except ConfigError:  # settings that need others beside them
        return PolicyConfig(**given)


def _chosen(name: str, value: Any, usual: PolicyConfig) -> str:
    told = name in ("demos", "steps") and bool(value)
    return ' class="chosen"' if told or getattr(usual, name, None) != value else ""


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
