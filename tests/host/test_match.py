"""A match keeps score and snapshots; decisions and rules come from elsewhere."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import fastenv
from engine_plugin.card import Decision
from engine_plugin.errors import ConfigError, ModelMissingError
from engine_plugin.host import seats
from engine_plugin.host.input import Command, InputState
from engine_plugin.host.match import Match
from engine_plugin.host.seats import make_seat

OPEN_LEVEL = "\n".join(
    ["#############", "#1..........#", *["#...........#"] * 7, "#..........2#", "#############"]
)


def open_level() -> fastenv.Level:
    return fastenv.Level.from_text(OPEN_LEVEL, fastenv.game_spec("blast"))


def played(seed: int) -> Match:
    match = Match("blast", [make_seat("bot:hunter", "blast"), make_seat("bot:survivor", "blast")])
    match.start_round(None, seed)
    while match.result is None:
        match.choose()
        match.tick()
    return match


def test_the_same_seed_plays_the_same_round() -> None:
    first, second = played(11), played(11)
    assert first.result == second.result
    assert first.after["players"] == second.after["players"]


def test_score_and_result_agree_with_the_rewards() -> None:
    match = played(2)
    assert match.result is not None
    rewards = match.batch.rewards[0]
    expected = None if rewards.max() <= 0 else int(rewards.argmax())
    assert match.result.winner == expected
    assert sum(match.score) + match.draws == len(match.results) == 1
    assert match.result.ticks == match.after["tick"]
    latency = match.latency_percentiles()
    assert latency is not None and 0 < latency["p50"] <= latency["p99"]


def test_snapshots_before_and_after_and_facing_follow_the_keys() -> None:
    state = InputState()
    match = Match("blast", [make_seat("keyboard", "blast", state), make_seat("bot:idle", "blast")])
    match.start_round(open_level(), 0)
    state.press(Command.RIGHT)
    match.choose()
    match.tick()
    assert match.before["players"][0]["column"] == 1
    assert match.after["players"][0]["column"] == 2
    assert match.facing == ["right", "down"]


def test_an_ended_round_stays_as_it_is() -> None:
    match = played(5)
    ticks = match.after["tick"]
    match.tick()
    assert match.after["tick"] == ticks and len(match.results) == 1


class OnlySafe:
    """Stands for a policy: needs the survivable mask, keeps it and takes the first action."""

    card = SimpleNamespace(
        period=1,
        actions=fastenv.game_spec("blast").actions,
        name="safe",
        decision=Decision(safety="cautious"),
    )

    def __init__(self) -> None:
        self.masks: list[np.ndarray] = []

    def copy(self, *, seed: int = 0) -> OnlySafe:
        return self

    def reset(self, seed: int | None = None) -> None:
        """Nothing random here."""

    def act(
        self, observation: np.ndarray, legal: np.ndarray, *, survivable_mask: np.ndarray
    ) -> int:
        self.masks.append(survivable_mask.copy())
        return int((legal & survivable_mask).argmax())


def test_agents_get_observations_and_masks_through_the_controller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = {}
    safe = OnlySafe()

    def load(name: str, **expected: str) -> OnlySafe:
        asked[name] = expected
        return safe

    monkeypatch.setattr(seats, "load_policy", load)
    seat = make_seat("runs/x/policy.onnx", "blast")
    spec = fastenv.game_spec("blast")
    assert asked["runs/x/policy.onnx"] == {"game": "blast", "layout_hash": spec.layout_hash}
    assert seat.label == "policy"
    match = Match("blast", [seat, make_seat("bot:idle", "blast")])
    match.start_round(open_level(), 0)
    cautious = []
    caution = safe.card.decision.caution
    for _ in range(5):
        cautious.append(match.batch.survivable_mask(caution=caution)[0, 0])
        match.choose()
        match.tick()
    assert seat.failures == 0
    assert np.array_equal(safe.masks, cautious)


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("bot:nobody", ConfigError, "hunter"),
        ("keyboard", ConfigError, "keyboard"),
        ("blast/no-such-model", ModelMissingError, "no-such-model"),
    ],
)
def test_a_seat_nobody_can_take_says_why(name: str, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        make_seat(name, "blast")
