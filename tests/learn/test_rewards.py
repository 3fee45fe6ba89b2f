"""The reward forms against their derivations, and the fixed point that `advantage` is made for."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import tensorflow as tf

from engine_plugin.learn.rewards import (
    OUTPUT_LIMIT,
    absorbing_value,
    logits_demonstration_is_high,
    style_reward,
)

FORMS = ("survive", "goal", "neutral", "advantage")
LOGITS = np.array([-5.0, -1.5, -0.1, 0.0, 0.3, 2.0, 6.0])
D = 1 / (1 + np.exp(-LOGITS))


def reward(form: str, outputs: np.ndarray) -> np.ndarray:
    return style_reward(form, tf.constant(outputs, tf.float32)).numpy()


def test_survive_is_minus_log_of_one_minus_d() -> None:
    np.testing.assert_allclose(reward("survive", LOGITS), -np.log(1 - D), rtol=1e-5)
    assert (reward("survive", LOGITS) > 0).all()


def test_goal_is_log_d() -> None:
    np.testing.assert_allclose(reward("goal", LOGITS), np.log(D), rtol=1e-5)
    assert (reward("goal", LOGITS) < 0).all()


def test_neutral_is_the_mean_of_both_and_has_no_sign_of_its_own() -> None:
    np.testing.assert_allclose(
        reward("neutral", LOGITS), (np.log(D) - np.log(1 - D)) / 2, rtol=1e-4, atol=1e-6
    )
    both = (reward("survive", LOGITS) + reward("goal", LOGITS)) / 2
    np.testing.assert_allclose(reward("neutral", LOGITS), both, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(reward("neutral", -LOGITS), -reward("neutral", LOGITS))


def test_advantage_is_the_output_itself() -> None:
    np.testing.assert_allclose(reward("advantage", LOGITS), LOGITS, rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_what_looks_more_demonstrated_is_worth_more_up_to_the_limit(form: str) -> None:
    rising = reward(form, np.linspace(-OUTPUT_LIMIT, OUTPUT_LIMIT, 50))
    assert (np.diff(rising) > 0).all()
    outside = reward(form, np.array([-1e4, 1e4]))
    np.testing.assert_array_equal(outside, rising[[0, -1]])


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="advantage"):
        style_reward("happy", tf.zeros(1))


def test_the_logit_of_advantage_is_f_minus_log_pi() -> None:
    outputs, logs = tf.constant([1.0, -2.0]), tf.constant([-0.5, -3.0])
    for form in ("survive", "goal", "neutral"):
        np.testing.assert_array_equal(
            logits_demonstration_is_high(form, outputs, logs), [1.0, -2.0]
        )
    np.testing.assert_array_equal(
        logits_demonstration_is_high("advantage", outputs, logs), [1.5, 1.0]
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("gamma", (0.5, 0.92))
def test_the_absorbing_state_is_worth_its_reward_for_ever(form: str, gamma: float) -> None:
    logit = 0.7
    forever = sum(gamma**step for step in range(2000)) * reward(form, np.array([logit]))[0]
    value = absorbing_value(form, tf.constant(logit), gamma)
    assert float(value) == pytest.approx(forever, rel=1e-4)
    assert float(value) == pytest.approx(float(style_reward(form, logit)) / (1 - gamma), rel=1e-5)


def test_under_advantage_an_end_pays_only_where_the_demonstrator_ends_oftener() -> None:
    often, alike, seldom = (
        absorbing_value("advantage", tf.constant(logit), 0.9) for logit in (2.0, 0.0, -2.0)
    )
    assert float(often) == pytest.approx(20) and float(seldom) == pytest.approx(-20)
    assert float(alike) == 0.0


@pytest.mark.parametrize("gamma", (0.5, 0.92, 0.99))
def test_the_demonstrator_is_the_fixed_point_of_advantage(gamma: float) -> None:
    """A random game with ends and forbidden actions; p_A = p_E makes the logit l* = 0 everywhere,
    in the absorbing state too, so that f* = l* + log pi_E. Soft Q-iteration from random values
    arrives at Q = log pi_E, V = 0.
    """
    random = np.random.default_rng(5)
    states, actions = 6, 4
    allowed = random.random((states, actions)) < 0.7
    allowed[:, 0] = True
    shares = np.where(allowed, random.random((states, actions)) + 0.1, 0)
    shares /= shares.sum(axis=1, keepdims=True)
    log_demonstrator = np.log(np.where(allowed, shares, 1))
    follows = random.integers(0, states, (states, actions))
    ends = random.random((states, actions)) < 0.2

    rewards = reward("advantage", log_demonstrator)
    end_value = float(absorbing_value("advantage", tf.constant(0.0), gamma))
    values = random.normal(size=(states, actions)) * 3
    for _ in range(int(20 / (1 - gamma))):
        state_values = np.log(np.where(allowed, np.exp(values), 0).sum(axis=1))
        values = rewards + gamma * np.where(ends, end_value, state_values[follows])
    np.testing.assert_allclose(state_values, 0, atol=1e-5)
    np.testing.assert_allclose(values[allowed], log_demonstrator[allowed], atol=1e-5)
    softmax = np.where(allowed, np.exp(values - state_values[:, None]), 0)
    np.testing.assert_allclose(softmax, shares, atol=1e-5)


@pytest.mark.parametrize("form", ("survive", "goal", "neutral"))
def test_the_other_forms_forget_the_demonstrator_once_it_is_reached(form: str) -> None:
    """l* = 0 everywhere: the same reward for all, from which no action can be told."""
    assert np.ptp(reward(form, np.zeros(7))) == 0
