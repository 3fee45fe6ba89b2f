"""Every alarm on hand-made logs: one that raises it, and near ones that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from engine_plugin.learn.alarms import CHECKS, RunFacts, new_alarms, not_a_number
from engine_plugin.learn.config import PolicyConfig

FACTS = RunFacts(
    style_form="neutral", policy="soft", replay_size=64_000, num_envs=64,
    batch_size=256, demonstration_ticks=100.0, demonstrated_transitions=3_000,
)


def healthy(**changes: Any) -> dict[str, Any]:
    """A line of a run that goes well; keys with "/" reach into it."""
    line: dict[str, Any] = {
        "temporal_difference_loss": 0.3, "mean_value": -1.0, "balanced_accuracy": 0.7,
        "discriminator": {"memorising_gap": 0.02}, "style": 0.6, "strength": 0.2,
        "style_reward": {"mean": 0.1, "positive": 0.6, "end_value": 0.0},
        "decisions": {"most_chosen": "wait", "largest_share": 0.3, "entropy": 0.5},
        "episode_ticks": 110.0,
    }
    for path, value in changes.items():
        *outer, key = path.split("/")
        place = line
        for name in outer:
            place = place[name]
        place[key] = value
    return line


def log(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"steps": 1_000 * number, **line} for number, line in enumerate(lines, start=1)]


def series(path: str, *values: Any, **others: Any) -> list[dict[str, Any]]:
    return log(*(healthy(**{path: value}, **others) for value in values))


def names(lines: list[dict[str, Any]], facts: RunFacts = FACTS) -> set[str]:
    return {alarm.name for alarm in new_alarms(lines, facts)}


def of(form: str) -> RunFacts:
    return RunFacts(**{**FACTS.__dict__, "style_form": form})


def paid(
    mean: float, positive: float, *lengths: float, going_on: float, end: float
) -> list[dict[str, Any]]:
    """Lines of a style reward, of what going on and ending are worth by it, and of lengths."""
    return series("episode_ticks", *lengths, mean_value=going_on,
                  **{"style_reward/mean": mean, "style_reward/positive": positive,
                     "style_reward/end_value": end})


def alive(*lengths: float, positive: float = 1.0, end: float = 3.0) -> list[dict[str, Any]]:
    return paid(1.4, positive, *lengths, going_on=7.0, end=end)


def ending(*lengths: float, positive: float = 0.0, end: float = -3.0) -> list[dict[str, Any]]:
    return paid(-0.9, positive, *lengths, going_on=-4.5, end=end)


@dataclass(frozen=True)
class Case:
    """alarm: its name; fires, not: logs (or what makes them); facts: of the run"""

    alarm: str
    fires: list[list[dict[str, Any]]]
    not_: list[list[dict[str, Any]]]
    facts: RunFacts = FACTS


ACCURACY, GAP = "balanced_accuracy", "discriminator/memorising_gap"
LOSS = "temporal_difference_loss"
SHARE, ENTROPY = "decisions/largest_share", "decisions/entropy"
CASES = [
    Case("discriminator wins",
         [series(ACCURACY, 0.7, 0.93, 0.95)],
         [series(ACCURACY, 0.7, 0.95), series(ACCURACY, 0.95, 0.95, 0.8),
          series(ACCURACY, 0.86, 0.89)]),
    Case("discriminator memorises",
         [series(GAP, 0.2, 0.3)],
         [series(GAP, 0.3), series(GAP, 0.3, 0.1), series(GAP, -0.3, -0.3)]),
    Case("discriminator cannot tell",
         [series(ACCURACY, 0.5, 0.52, 0.51, style=0.1),
          series(ACCURACY, 0.5, 0.5, 0.5, style=None)],
         [series(ACCURACY, 0.5, 0.52, 0.51, style=0.7),  # it plays alike: that is success
          series(ACCURACY, 0.52, 0.51, style=0.1), series(ACCURACY, 0.5, 0.6, 0.5, style=0.1)]),
    Case("one action",
         [series(SHARE, 0.5, 0.97, 0.99)], [series(SHARE, 0.99), series(SHARE, 0.99, 0.9)]),
    Case("entropy gone",
         [series(ENTROPY, 0.5, 0.001, 0.002)],
         [series(ENTROPY, 0.001), series(ENTROPY, 0.001, 0.01)]),
    Case("loss diverges",
         [series(LOSS, 0.3, 0.2, 0.3, 1.0, 2.0, 3.5)],
         [series(LOSS, 0.3, 0.2, 0.3, 0.5, 0.8, 1.0),   # grows, but not out of all proportion
          series(LOSS, 0.3, 0.2, 9.0, 8.0, 9.0, 8.0),
          series(LOSS, 0.0, 0.1, 9.0)]),
    Case("replay too small",
         [series("episode_ticks", 1_001.0)], [series("episode_ticks", 999.0)]),
    Case("evaluation falls",
         [series("score", 0.2, 0.8, 0.7, 0.6, 0.5, 0.4), series("score", 200, 180, 150, 90, 10)],
         [series("score", 0.8, 0.7, 0.6, 0.5), series("score", 0.8, 0.7, 0.6, 0.65, 0.5),
          series("score", 0.2, 0.80, 0.79, 0.78, 0.77, 0.76),   # falls within the noise
          series("style", 0.8, 0.7, 0.6, 0.5, 0.4)]),           # not what the model is chosen by
    Case("no end",
         [series("cut", 40, 40)], [series("cut", 40), series("cut", 40, 39), series("cut", 0, 0)]),
    Case("termination bias",
         [alive(90, 140, 180), alive(140, 150, 160, positive=0.96)],
         [alive(90, 110, 120), alive(180), alive(90, 140, 180, positive=0.8),
          alive(200, 100), alive(60, 50), alive(180, 180),  # long from the start: not the reward
          alive(90, 140, 180, end=9.0)], of("survive")),    # ending is worth more
    Case("termination bias",
         [ending(90, 60, 40)],
         [ending(90, 100, 90), ending(180, 190), ending(90, 60, 40, positive=0.4),
          ending(90, 60, 40, end=-6.0)],
         of("goal")),
    # However the sign is, what counts is which of the two is worth more.
    Case("termination bias",
         [paid(0.3, 1.0, 90, 60, 40, going_on=1.5, end=3.5)],
         [paid(0.3, 1.0, 90, 60, 40, going_on=3.6, end=3.5)], of("survive")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alarm} {case.facts.style_form}")
def test_each_alarm_fires_where_it_should_and_nowhere_else(case: Case) -> None:
    for lines in case.fires:
        assert names(lines, case.facts) == {case.alarm}
    for lines in case.not_:
        assert names(lines, case.facts) == set()


def test_every_alarm_has_a_case_and_a_healthy_run_has_no_alarm() -> None:
    assert {case.alarm for case in CASES} == set(CHECKS)
    assert names(log(*[healthy()] * 12)) == set()
    assert names([]) == set()


def test_a_log_that_knows_little_raises_nothing() -> None:
    assert names(log(*[{"strength": 0.1}] * 6), RunFacts()) == set()


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        (alive(90, 180, 190), of("advantage")),
        (alive(90, 180, 190), of("")),
        (series(ENTROPY, 0.0, 0.0), RunFacts(policy="greedy")),
    ],
)
def test_an_alarm_that_does_not_apply_is_silent(
    lines: list[dict[str, Any]], facts: RunFacts
) -> None:
    assert names(lines, facts) == set()


def test_a_buffer_of_a_few_batches_is_too_small() -> None:
    small = RunFacts(**{**FACTS.__dict__, "replay_size": 2_560, "num_envs": 1})
    (alarm,) = new_alarms(series("episode_ticks", 50.0), small)
    assert alarm.name == "replay too small" and "--replay-size 5120" in alarm.text


def test_an_alarm_is_raised_once_a_run() -> None:
    lines = series(GAP, 0.3, 0.3)
    lines[-1]["alarms"] = [{"name": "discriminator memorises", "text": "…"}]
    assert names([*lines, *series(GAP, 0.4)]) == set()
    assert names([*lines, *series(SHARE, 0.99, 0.99)]) == {"one action"}


def test_a_clone_is_not_judged_as_a_trained_policy() -> None:
    lines = series(SHARE, 0.99, 0.99)
    assert names([{**lines[0], "phase": "clone"}, lines[1]]) == set()
    assert names([{**lines[0], "phase": "clone"}]) == set()


SAYS: list[tuple[list[dict[str, Any]], RunFacts, tuple[str, ...]]] = [
    (alive(100, 200, 240), of("survive"),
     ("positive", "+1.40", "staying alive pays", "2.4 times as long as", "240 steps to 100",
      "up 140 %", "worth +7.00, ending +3.00", "--style-form advantage")),
    (ending(100, 60, 50), of("goal"),
     ("negative", "-0.90", "ending soon pays", "only 50 %", "down 50 %",
      "--style-form advantage")),
    (series(GAP, 0.3, 0.31), FACTS, ("31 %", "by heart", "3,000 transitions")),
    (series("score", 0.2, 0.8, 0.7, 0.6, 0.5, 0.4), FACTS, ("0.80 to 0.40", "step 2,000")),
    (series(SHARE, 0.99, 0.99), FACTS, ("“wait”", "99 %", "--temperature")),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "facts", "parts"), SAYS)
def test_the_words_say_what_is_seen_and_what_to_change(
    lines: list[dict[str, Any]], facts: RunFacts, parts: tuple[str, ...]
) -> None:
    (alarm,) = new_alarms(lines, facts)
    for part in parts:
        assert part in alarm.text


def test_every_text_names_an_option_that_exists() -> None:
    options = {f"--{name.replace('_', '-')}" for name in PolicyConfig.__dataclass_fields__}
    for case in CASES:
        for alarm in new_alarms(case.fires[0], case.facts):
            named = {word.strip(".,;:()") for word in alarm.text.split() if word.startswith("--")}
            assert named and named <= options
    alarm = not_a_number("loss", 1_234)
    assert "1,234" in alarm.text and "--learning-rate" in alarm.text
