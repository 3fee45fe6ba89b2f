"""The controller: decides in its period, and nothing gets out of `tick`."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from engine_plugin.card import Decision
from engine_plugin.errors import ConfigError
from engine_plugin.runtime.controller import AgentController
from engine_plugin.runtime.policy import load_policy

ALL = np.ones(3, np.uint8)
LEFT = np.array([0, 9, 0, 0], np.uint8)
RIGHT = np.array([0, 0, 9, 0], np.uint8)


@pytest.fixture
def policy(make_model):
    return load_policy(make_model())


def test_it_decides_every_tick_by_default(policy):
    controller = AgentController(policy)
    assert [controller.tick(o, ALL) for o in (LEFT, RIGHT, LEFT)] == [1, 2, 1]
    assert controller.errors == 0


def test_between_decisions_the_last_action_goes_on_while_legal(policy):
    controller = AgentController(policy, period=3)
    blocked = np.array([1, 0, 1], np.uint8)
    assert controller.tick(LEFT, ALL) == 1
    assert controller.tick(RIGHT, ALL) == 1
    assert controller.tick(RIGHT, blocked) == 0
    assert controller.tick(RIGHT, ALL) == 2


def test_the_card_gives_the_period_and_an_offset_shifts_it(make_model, make_card):
    policy = load_policy(make_model(make_card(period=2)))
    assert [AgentController(policy, offset=1).tick(LEFT, ALL)] == [0]
    controller = AgentController(policy, offset=1)
    assert [controller.tick(o, ALL) for o in (LEFT, LEFT, RIGHT, RIGHT)] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("observation", "mask", "action"),
    [
        (np.zeros(9, np.uint8), ALL, 0),
        (LEFT, np.array([0, 0, 1]), 2),
        (None, ALL, 0),
        (LEFT, None, 0),
        (LEFT, np.zeros(3), 0),
        (np.full(4, np.nan), ALL, 0),
        ("nonsense", "nonsense", 0),
    ],
)
def test_nothing_gets_out_of_a_tick(policy, observation, mask, action):
    assert AgentController(policy).tick(observation, mask) == action


def test_failures_are_counted_and_logged_once(make_model, caplog):
    controller = AgentController(load_policy(make_model(logarithm=True)))
    with caplog.at_level(logging.WARNING):
        actions = [controller.tick(LEFT, ALL) for _ in range(5)]
    assert actions == [0] * 5
    assert controller.errors == 5
    assert "NaN" in controller.last_error
    assert len(caplog.records) == 1


def test_the_fallback_is_legal(policy):
    controller = AgentController(policy, fallback_action=1)
    wrong = np.zeros(9, np.uint8)
    assert controller.tick(wrong, ALL) == 1
    assert controller.tick(wrong, np.array([0, 0, 1])) == 2


def test_two_controllers_share_a_policy_but_no_stream(make_model, make_card):
    policy = load_policy(make_model(make_card(decision=Decision("softmax"))))
    nothing = np.zeros(4, np.uint8)

    def play(controller):
        return [controller.tick(nothing, ALL) for _ in range(30)]

    alone = play(AgentController(policy, seed=5))
    first, second = AgentController(policy, seed=5), AgentController(policy, seed=6)
    both = [(first.tick(nothing, ALL), second.tick(nothing, ALL)) for _ in range(30)]
    assert [a for a, _ in both] == alone
    assert [b for _, b in both] != alone
    first.reset(5)
    assert play(first) == alone


def test_latencies_are_kept(policy):
    controller = AgentController(policy)
    assert controller.latency_percentiles() == {"p50_ms": 0.0, "p99_ms": 0.0}
    for _ in range(20):
        controller.tick(LEFT, ALL)
    latency = controller.latency_percentiles()
    assert 0 < latency["p50_ms"] <= latency["p99_ms"]


def test_settings_out_of_range(policy):
    with pytest.raises(ConfigError, match="period"):
        AgentController(policy, period=0)
    with pytest.raises(ConfigError, match="fallback_action"):
        AgentController(policy, fallback_action=3)
