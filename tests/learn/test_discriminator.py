"""The discriminator's loss, what it makes of transitions, and that it learns to tell them apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
import tensorflow as tf

import fastenv
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.discriminator import DiscriminatorLearner
from engine_plugin.learn.replay import Transitions

SPEC = fastenv.game_spec("blast")
ROWS = 8
ALLOWED = np.array([1, 1, 0, 1, 0, 0], np.uint8)


def learner(**settings: Any) -> DiscriminatorLearner:
    values = {"out": "unused", "demos": "unused", "style_form": "neutral", "discriminator_width": 8,
              "discriminator_window": 3, "discriminator_dropout": 0.0,
              "discriminator_rate": 0.01, "gradient_penalty": 0.0, "temperature": 1.0}
    keras.utils.set_random_seed(0)
    return DiscriminatorLearner(SPEC, PolicyConfig(**{**values, **settings}).resolved())


def silence(made: DiscriminatorLearner) -> None:
    """Make every output 0 and the absorbing state's 0 too."""
    for variable in (*made.network.logit.trainable_variables, made.network.absorbing):
        variable.assign(tf.zeros_like(variable))


def same_everywhere(observations: Any, symmetry: Any = None) -> Any:
    """A DQN whose soft policy is uniform over what is allowed."""
    return tf.zeros([tf.shape(observations)[0], len(SPEC.actions)])


def batch(actions: list[int], terminated: float = 0.0, seed: int = 1) -> Transitions:
    observations = fastenv.make_batch("blast", len(actions), seed=seed).observations[:, 0].copy()
    rows = len(actions)
    return Transitions(
        observations=observations[:, None],
        allowed=np.tile(ALLOWED, (rows, 1, 1)),
        actions=np.array(actions, np.int32)[:, None],
        rewards=np.zeros((rows, 1), np.float32),
        valid=np.ones((rows, 1), np.float32),
        next_observations=observations,
        next_allowed=np.tile(ALLOWED, (rows, 1)),
        terminated=np.full(rows, terminated, np.float32),
        steps=np.ones(rows, np.int32),
    )


def test_an_undecided_judge_s_loss_is_that_of_coin_flips_and_ends_count_by_their_share() -> None:
    made = learner()
    silence(made)
    shown, own = batch([1] * ROWS, terminated=0.25), batch([3] * ROWS, terminated=0.5, seed=2)
    loss, accuracy, of_shown, of_own = made._update(same_everywhere, shown, own, None).numpy()
    assert loss == pytest.approx((2 + 0.25 + 0.5) * np.log(2), rel=1e-5)
    assert (accuracy, of_shown, of_own) == (0.0, 0.0, 0.0)
    # More ends among its own play: the absorbing state now looks less demonstrated.
    assert float(made.network.absorbing) < 0


def test_under_advantage_the_logit_is_f_minus_log_pi() -> None:
    made = learner(style_form="advantage", temperature=0.5)
    silence(made)
    # Action 2 is not allowed: demonstrated all the same, it counts as a fourth choice.
    shown, own = batch([1] * 4 + [2] * 4), batch([3] * ROWS, seed=2)
    loss, accuracy, of_shown, of_own = made._update(same_everywhere, shown, own, None).numpy()
    mean_shown = (np.log(3) + np.log(4)) / 2
    assert of_shown == pytest.approx(mean_shown, rel=1e-5)
    assert of_own == pytest.approx(np.log(3), rel=1e-5)
    expected = (np.log1p(1 / 3) + np.log1p(1 / 4)) / 2 + np.log1p(3)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert accuracy == 0.5      # all of the demonstrations, none of its own


@pytest.mark.parametrize("symmetry", range(8))
def test_a_symmetry_judges_the_same_action(symmetry: int) -> None:
    """The penalised output of a turned board stands at the turned action's place."""
    made = learner()
    shown, own = batch([1, 2, 3, 4] * 2), batch([4, 3, 2, 1] * 2, seed=2)
    symmetries = np.full(2 * ROWS, symmetry, np.int32)
    observations = np.concatenate([shown.observations[:, 0], own.observations[:, 0]])
    actions = np.concatenate([shown.actions[:, 0], own.actions[:, 0]])
    outputs = made.network(observations, symmetries).numpy()[np.arange(2 * ROWS), actions]
    _, _, of_shown, of_own = made._update(same_everywhere, shown, own, symmetries).numpy()
    assert of_shown == pytest.approx(outputs[:ROWS].mean(), abs=1e-5)
    assert of_own == pytest.approx(outputs[ROWS:].mean(), abs=1e-5)


def test_the_penalty_is_the_squared_slope_at_the_demonstrations() -> None:
    made = learner(gradient_penalty=1.0)
    observations = batch([1] * 4).observations[:, 0]
    window, vector = made.network.encoder(observations)
    places = tf.constant([1, 2, 3, 0])
    outputs, penalty = made._judged_and_penalty(window, vector, places, 2)
    judged = made.network.judge(window, vector, False).numpy()
    np.testing.assert_allclose(outputs, judged, rtol=1e-5)
    # The same by differences, one input after the other, of the first two rows.
    flat, width = window.numpy().reshape(4, -1), 1e-2
    slopes = np.zeros((2, flat.shape[1]))
    for place in range(flat.shape[1]):
        moved = [flat.copy(), flat.copy()]
        moved[0][:, place] += width
        moved[1][:, place] -= width
        high, low = (
            made.network.judge(tf.reshape(part, window.shape), vector, False).numpy()
            for part in moved
        )
        slopes[:, place] = [(high - low)[row, places[row]] / (2 * width) for row in range(2)]
    assert float(penalty) == pytest.approx((slopes**2).sum(axis=1).mean(), rel=0.02)
    without = learner()._judged_and_penalty(window, vector, places, 2)[1]
    assert without == 0.0


@pytest.mark.parametrize("form", ("neutral", "advantage"))
def test_it_learns_which_transitions_are_demonstrated(form: str) -> None:
    made = learner(style_form=form, gradient_penalty=0.01, discriminator_dropout=0.1)
    shown = batch([1] * ROWS, terminated=0.0)
    own = batch([3] * ROWS, terminated=1.0, seed=2)
    symmetry = np.zeros(2 * ROWS, np.int32)
    for _ in range(100):
        result = made.update(same_everywhere, shown, own, symmetry).numpy()
    loss, accuracy, of_shown, of_own = result
    assert loss < 0.8 and accuracy == 1.0 and of_shown > 0 > of_own
    assert float(made.network.absorbing) < -0.3


def test_pulled_towards_a_clone_f_is_the_log_of_what_is_demonstrated() -> None:
    """Three of four times action 1, else action 3; the agent only ever does action 3."""
    made = learner(style_form="advantage", discriminator_clone_weight=100.0)
    shown, own = batch([1, 1, 1, 3] * 2), batch([3] * ROWS)
    alike = np.repeat(shown.observations[:1], ROWS, axis=0)
    shown, own = shown._replace(observations=alike), own._replace(observations=alike)
    for _ in range(300):
        made.update(same_everywhere, shown, own, None)
    f = made.network(alike[:1, 0]).numpy()[0]
    assert np.exp(f[[1, 3]]) == pytest.approx([0.75, 0.25], abs=0.02)
    assert np.exp(f).sum() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("form", ("neutral", "advantage", "survive", "goal"))
def test_weighing_gives_the_logits_and_what_they_are_paid(form: str) -> None:
    made = learner(style_form=form, style_weight=3.0, discriminator_dropout=0.5)
    own = batch([1] * 4 + [3] * 4, seed=2)
    logits, rewards = (part.numpy() for part in made.weigh(same_everywhere, own))
    outputs = made.network(own.observations[:, 0]).numpy()[np.arange(ROWS), own.actions[:, 0]]
    log_share = np.log(3) if form == "advantage" else 0.0  # of one among three allowed actions
    np.testing.assert_allclose(logits, outputs + log_share, rtol=1e-4, atol=1e-5)
    paid = {"neutral": outputs / 2, "advantage": outputs, "survive": np.log1p(np.exp(outputs)),
            "goal": -np.log1p(np.exp(-outputs))}
    np.testing.assert_allclose(rewards, 3.0 * paid[form], rtol=1e-4, atol=1e-5)
    # Nothing is dropped out and nothing learned: the same again.
    np.testing.assert_array_equal(logits, made.weigh(same_everywhere, own)[0].numpy())


@pytest.mark.parametrize(
    ("form", "worth"), [("neutral", 5.0), ("advantage", 10.0), ("goal", -np.log1p(np.exp(-1)) * 10)]
)
def test_the_worth_of_an_end(form: str, worth: float) -> None:
    made = learner(style_form=form, style_weight=2.0, gamma=0.8)
    made.network.absorbing.assign(1.0)
    assert made.end_value == pytest.approx(worth, rel=1e-5)


def test_cloning_makes_f_the_log_share_of_the_demonstrator() -> None:
    made = learner(style_form="advantage")
    made.set_learning_rate(0.02)
    made.network.absorbing.assign(1.0)
    shown = batch([1] * 6 + [3] * 2)
    # One and the same state: six times action 1, twice action 3.
    observations = np.tile(shown.observations[:1, 0], (8, 1))
    for _ in range(150):
        made.clone(observations, shown.actions[:, 0], np.zeros(8, np.int32))
    outputs = made.network(observations[:1]).numpy()[0]
    np.testing.assert_allclose(np.exp(outputs[[1, 3]]), [0.75, 0.25], atol=0.05)
    assert abs(float(made.network.absorbing)) < 0.2
