"""A run in words: what was trained, how far it got, and whether that is any good.

The bars are the ones that this project holds its own models to; tests/benchmarks/RESULTS.md has the
measurements behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine_plugin.learn.alarms import NOT_A_NUMBER, figures
from engine_plugin.learn.log import Line

STYLE_BAR = 0.6  # what a shipped model has to reach
CONTROL_BAR = 0.15  # what the control that learns nothing from the demonstrations stays below
WINS_BAR = 0.8  # of decided matches

REWARDS = {
    "style": "rewarded by the discriminator alone",
    "game": "rewarded by the game alone",
    "mix": "rewarded by the discriminator and the game",
    "constant": "rewarded with +1 at every step: a control that learns nothing from demonstrations",
    "none": "by cloning the demonstrations alone",
}


def title(record: dict[str, Any]) -> str:
    """What the run makes, in a line."""
    config, player = record["config"], _player(record)
    game = config.get("env") or Path(config.get("loop") or config["game"]).stem.capitalize()
    if config["reward"] == "constant":
        return f"A control for {game}"
    if player and config["reward"] != "game":
        imitates = config["reward"] in ("style", "none")
        aim = "play like" if imitates else "win in the manner of"
        return f"An agent for {game} that is to {aim} {player}"
    return f"An agent for {game} that is to win"


def story(record: dict[str, Any], lines: Sequence[Line]) -> str:
    """What was trained, on what, for how long, and how it ended."""
    config, shown = record["config"], record.get("demonstrations") or {}
    sources = ""
    if shown:
        player = f" by {shown['player']}" if shown.get("player") else ""
        episodes = _count(shown["episodes"], "episode")
        sources = f" from {shown['transitions']:,} transitions in {episodes}{player}"
        if shown.get("held_out_episodes"):
            sources += f" ({shown['held_out_episodes']} more held out)"
    played = [line for line in lines if "updates" in line]
    last = played[-1] if played else {"seconds": 0, "steps": 0, "updates": 0}
    return (
        f"Trained{sources}, {REWARDS.get(config['reward'], config['reward'])}, for "
        f"{duration(last['seconds'])}: {last['steps']:,} steps of play, "
        f"{last['updates']:,} updates of the network. {_ending(record, lines)}"
    )


def headline(record: dict[str, Any], best: Line) -> str:
    """Whether it is any good, in a sentence; nothing where nothing is known yet."""
    reward, player = record["config"]["reward"], _player(record) or "the demonstrator"
    if reward == "constant":
        return "Its figures are what learning nothing from the demonstrations looks like."
    said = []
    if "style" in best and reward != "game":
        style = best["style"]
        if style >= STYLE_BAR:
            said.append(f"it plays like {player}")
        elif style > CONTROL_BAR:
            said.append(f"it has taken up some of the way {player} plays")
        else:
            said.append(f"it does not play like {player} yet")
    rows = [row for row in best.get("against", {}).values() if row["wins"] + row["losses"]]
    if rows and reward not in ("style", "none"):
        least = min(row["wins"] / (row["wins"] + row["losses"]) for row in rows)
        if least >= WINS_BAR:
            said.append("it beats every opponent it was tried on")
        elif least > 0.5:
            said.append("it wins more than it loses")
        else:
            said.append("it does not win more than it loses against every opponent yet")
    text = " and ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def findings(record: dict[str, Any], best: Line) -> list[str]:
    """Whether it is any good: sentences about the kept model, each beside its bar or control."""
    said = []
    if "style" in best:
        style = best["style"]
        player = _player(record) or "the demonstrator"
        is_random = "random_profile" in (record.get("compared_with") or {})
        zero = "random play" if is_random else "a player that is random but safe"
        if style >= STYLE_BAR:
            how = f"past the bar of {STYLE_BAR} that a shipped model has to reach"
        elif style > CONTROL_BAR:
            how = (
                f"nearer to {player} than any control (at most {CONTROL_BAR}), and below the bar "
                f"of {STYLE_BAR} that a shipped model has to reach"
            )
        else:
            how = (
                f"no better than a control that learns nothing from {player} (at most "
                f"{CONTROL_BAR})"
            )
        said.append(
            f"Style score {number(style)}, {how}. 0 is {zero}, 1 is {player}."
        )
    if "return" in best:
        shown = best["return"]
        said.append(f"Return {shown['mean']:.4g} ± {shown['std']:.3g} in unseen episodes.")
    for opponent, row in best.get("against", {}).items():
        decided = row["wins"] + row["losses"]
        if decided:
            share = row["wins"] / decided
            asked = record["config"]["reward"] in ("game", "mix") and share < WINS_BAR
            bar = f" (the bar for strength is {percent(WINS_BAR)})" if asked else ""
            said.append(
                f"Against {opponent} it wins {percent(share)} of the decided matches{bar}: "
                f"{row['wins']} won, {row['losses']} lost, {row['draws']} drawn."
            )
    return said


def kept(record: dict[str, Any], lines: Sequence[Line]) -> Line:
    """The evaluation of the weights that the run keeps; of an unfinished run, as known so far."""
    result = record.get("result") or {}
    if result.get("evaluation"):
        evaluation: Line = result["evaluation"]
        return evaluation
    scored = [line for line in lines if figures([line], "score")]
    return max(scored, key=lambda line: line["score"]) if scored else {}


def number(value: float) -> str:
    """A score, with a minus sign that reads as one."""
    return f"{value:.2f}".replace("-", "−")


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def duration(seconds: float) -> str:
    """42 seconds, 9 minutes, 2 h 5 min."""
    if seconds < 90:
        return _count(round(seconds), "second")
    minutes = round(seconds / 60)
    return _count(minutes, "minute") if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _ending(record: dict[str, Any], lines: Sequence[Line]) -> str:
    if record.get("result"):
        return "The run is finished."
    if not lines:
        return "The run has not been evaluated yet."
    if any(alarm["name"] == NOT_A_NUMBER for line in lines for alarm in line.get("alarms", ())):
        return "The run has stopped itself: see the alarms."
    return (
        "The run is not finished: it is still going on, or was stopped and can go on with "
        "--resume. What follows is what is known so far."
    )


def _player(record: dict[str, Any]) -> str:
    name: str = (record.get("demonstrations") or {}).get("player", "")
    return name


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
