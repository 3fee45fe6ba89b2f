"""The DQN's targets, losses and updates against values worked out by hand.

The networks are tables here: an observation's first byte names a state, its row holds the values.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
import tensorflow as tf

import fastenv
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.dqn import (
    AVOIDED,
    FORBIDDEN,
    MARGIN,
    DQNLearner,
    allowed_only,
    avoidance_loss,
    chosen,
    cloning_loss,
    log_policy,
)
from engine_plugin.learn.replay import Transitions

GAMMA = 0.9
RATE = 0.5


class Table:
    """Values float32 [states, actions] as a network; `absorbing` as the discriminator's."""

    def __init__(self, values: Any, absorbing: float = 0.0):
        self.values = tf.Variable(values, dtype=tf.float32)
        self.absorbing = tf.Variable(absorbing)
        self.trainable_variables = [self.values]

    def __call__(self, observations: Any, symmetry: Any = None, training: bool = False) -> Any:
        return tf.gather(self.values, tf.cast(observations[:, 0], tf.int32))


def learner(online: Any, target: Any = None, judge: Table | None = None, **settings: Any) -> Any:
    """A learner whose networks are tables, with plain gradient descent."""
    values = {
        "out": "unused", "demos": "unused", "reward": "game", "gamma": GAMMA, "game_weight": 1.0,
        "temperature": 1.0, "policy": "greedy", "target_tau": 0.25, "margin": 0.0,
        "clone_weight": 0.0, "n_step": 1, "avoid_weight": 0.0,
    }
    made = DQNLearner.__new__(DQNLearner)
    made.config = PolicyConfig(**{**values, **settings}).resolved()
    made.discriminator = judge  # type: ignore[assignment]
    made.network = Table(online)
    made.target = Table(online if target is None else target)
    made.optimizer = keras.optimizers.SGD(RATE)
    return made


def transitions(
    states: list[list[int]],
    actions: list[list[int]],
    rewards: list[list[float]],
    after: list[int],
    *,
    allowed: Any = None,
    next_allowed: Any = None,
    terminated: list[float] | None = None,
    steps: list[int] | None = None,
    choices: int = 3,
) -> Transitions:
    """A batch in terms of states; by default all is allowed and nothing ends."""
    rows, n_step = np.shape(states)
    steps = steps or [n_step] * rows
    return Transitions(
        observations=np.array(states, np.uint8)[..., None],
        allowed=np.ones((rows, n_step, choices), np.uint8) if allowed is None
        else np.array(allowed, np.uint8),
        actions=np.array(actions, np.int32),
        rewards=np.array(rewards, np.float32),
        valid=np.array([[float(step < count) for step in range(n_step)] for count in steps],
                       np.float32),
        next_observations=np.array(after, np.uint8)[:, None],
        next_allowed=np.ones((rows, choices), np.uint8) if next_allowed is None
        else np.array(next_allowed, np.uint8),
        terminated=np.array(terminated or [0.0] * rows, np.float32),
        steps=np.array(steps, np.int32),
    )


def huber(difference: float) -> float:
    size = abs(difference)
    return size**2 / 2 if size <= 1 else size - 0.5


def update(made: Any, batch: Transitions, shown: int = 0, margin: float = 0.0) -> Any:
    return made._update(batch, shown, None, tf.constant(margin)).numpy()


def goals(made: Any, batch: Transitions) -> list[float]:
    """Every row's target, as the loss gets to see it."""
    seen: list[np.ndarray] = []

    def loss(goal: Any, value: Any) -> Any:
        seen.append(goal.numpy()[:, 0])
        return tf.square(goal - value)[:, 0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.losses, "huber", loss)
        update(made, batch)
    return seen[0].tolist()


# ---------------------------------------------------------------------------------- helpers


def test_what_is_not_allowed_has_no_value_and_no_probability() -> None:
    values, allowed = tf.constant([[1.0, 5.0, 2.0]]), tf.constant([[1, 0, 1]])
    np.testing.assert_array_equal(allowed_only(values, allowed), [[1, FORBIDDEN, 2]])
    share = np.exp([1 / 2, 2 / 2])
    logs = log_policy(values, allowed, 2.0).numpy()[0]
    np.testing.assert_allclose(logs[[0, 2]], np.log(share / share.sum()), rtol=1e-5)
    assert logs[1] < -1e8
    np.testing.assert_array_equal(chosen(values, tf.constant([1])), [5.0])


def test_cloning_is_cross_entropy_with_outputs_pulled_towards_log_pi() -> None:
    outputs = np.array([[0.5, -1.0, 3.0], [0.0, 2.0, 1.0]])
    normalisers = np.log(np.exp(outputs).sum(axis=1))
    cross_entropy = np.mean([normalisers[0] - outputs[0, 1], normalisers[1] - outputs[1, 1]])
    loss = cloning_loss(tf.constant(outputs, tf.float32), tf.constant([1, 1]))
    assert float(loss) == pytest.approx(np.mean(np.square(normalisers)) / 2 + cross_entropy)


def test_sqil_pays_for_demonstrated_steps_alone() -> None:
    made = learner(np.zeros((1, 3)), reward="sqil")
    batch = transitions([[0], [0], [0]], [[1], [0], [2]], [[0.5], [0.5], [0.5]], [0, 0, 0])
    rewards, end_value = made.step_rewards(batch, None, 2)
    np.testing.assert_array_equal(rewards, [[1], [1], [0]])
    assert float(end_value) == 0


def test_forbidden_values_are_pulled_below_the_others_and_no_further() -> None:
    values = np.array([[1.0, 1.0, 5.0, -30.0], [0.0, 0.0, 0.0, 0.0]])
    allowed = np.array([[1, 1, 0, 0], [1, 1, 1, 1]])
    temperature = 0.5
    state = 1 + temperature * np.log(2)
    # Of eight values one is forbidden and too high.
    expected = (5 - (state - AVOIDED * temperature)) / 8
    loss = avoidance_loss(tf.constant(values, tf.float32), tf.constant(allowed), temperature)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    low = tf.constant([[1.0, 1.0, state - AVOIDED * temperature - 0.1]])
    assert float(avoidance_loss(low, tf.constant([[1, 1, 0]]), temperature)) == 0


# ---------------------------------------------------------------------------------- targets


def test_one_step_target_is_the_reward_and_the_discounted_best_value() -> None:
    made = learner([[0.0, 0.2, 0.4], [0.3, 0.7, 0.1]])
    batch = transitions([[0]], [[1]], [[0.5]], [1])
    assert goals(made, batch) == pytest.approx([0.5 + GAMMA * 0.7])


def test_n_step_target_sums_discounted_game_rewards() -> None:
    made = learner([[0.0, 0.2, 0.4], [0.3, 0.7, 0.1]], n_step=3, game_weight=0.5)
    batch = transitions([[0, 0, 0]], [[1, 0, 2]], [[0.2, 0.4, -0.6]], [1])
    goal = 0.5 * (0.2 + GAMMA * 0.4 - GAMMA**2 * 0.6) + GAMMA**3 * 0.7
    assert goals(made, batch) == pytest.approx([goal])


def test_terminated_stops_at_the_end_and_truncated_bootstraps_from_it() -> None:
    made = learner([[0.0, 0.2, 0.4], [0.3, 0.7, 0.1]], n_step=3)
    batch = transitions(
        [[0, 0, 0], [0, 0, 0]], [[1, 0, 2], [0, 1, 1]], [[0.2, 0.4, 9.0], [0.2, 0.4, 9.0]], [1, 1],
        terminated=[1.0, 0.0], steps=[2, 2],
    )
    summed = 0.2 + GAMMA * 0.4      # what lies behind the end, 9.0, belongs to another episode
    assert goals(made, batch) == pytest.approx([summed, summed + GAMMA**2 * 0.7])


def test_forbidden_actions_have_no_part_in_the_target() -> None:
    made = learner([[0.0, 0.2, 0.4], [0.3, 0.7, 0.1]])
    batch = transitions([[0]], [[1]], [[0.0]], [1], next_allowed=[[1, 0, 1]])
    assert goals(made, batch) == pytest.approx([GAMMA * 0.3])


def test_double_dqn_chooses_by_the_network_and_judges_by_the_target() -> None:
    made = learner([[0, 0, 0], [0.5, 0.1, 0.4]], [[0, 0, 0], [-0.3, 0.9, 0.2]])
    batch = transitions(
        [[0], [0]], [[0], [1]], [[0.0], [0.0]], [1, 1], next_allowed=[[1, 1, 1], [0, 1, 1]]
    )
    assert goals(made, batch) == pytest.approx([GAMMA * -0.3, GAMMA * 0.2])


@pytest.mark.parametrize("temperature", (1.0, 0.25))
def test_the_soft_value_is_log_sum_exp_over_the_allowed_of_the_target(temperature: float) -> None:
    made = learner([[0, 0, 0], [9, 9, 9]], [[0, 0, 0], [0.3, 0.7, 0.1]], policy="soft",
                   temperature=temperature)
    batch = transitions([[0]], [[1]], [[0.1]], [1], next_allowed=[[1, 0, 1]])
    value = temperature * np.log(np.exp(0.3 / temperature) + np.exp(0.1 / temperature))
    assert goals(made, batch) == pytest.approx([0.1 + GAMMA * value], rel=1e-5)


def test_the_soft_n_step_target_counts_the_entropy_of_later_actions() -> None:
    temperature = 0.5
    target = np.array([[0.1, 0.5, -0.2], [0.3, 0.7, 0.1], [0.0, 0.4, 0.2]])
    made = learner(np.zeros((3, 3)), target, policy="soft", temperature=temperature, n_step=3)
    allowed = [[[1, 1, 1], [1, 1, 0], [1, 1, 1]], [[1, 1, 1], [1, 1, 1], [1, 1, 1]]]
    batch = transitions(
        [[0, 1, 2], [0, 1, 2]], [[1, 0, 2], [2, 1, 0]], [[0.2, 0.4, 0.6], [0.2, 0.4, 0.6]], [0, 0],
        allowed=allowed, steps=[3, 2], terminated=[0.0, 1.0],
    )

    def log_pi(state: int, action: int, keep: list[int]) -> float:
        shares = np.exp(target[state] / temperature) * keep
        return float(np.log(shares[action] / shares.sum()))

    value = temperature * np.log(np.exp(target[0] / temperature).sum())
    whole = (
        0.2
        + GAMMA * (0.4 - temperature * log_pi(1, 0, [1, 1, 0]))
        + GAMMA**2 * (0.6 - temperature * log_pi(2, 2, [1, 1, 1]))
        + GAMMA**3 * value
    )
    # The second row ends with its second step; the entropy of the third is another episode's.
    ended = 0.2 + GAMMA * (0.4 - temperature * log_pi(1, 1, [1, 1, 1]))
    assert goals(made, batch) == pytest.approx([whole, ended], rel=1e-5)


def test_a_later_action_that_is_not_allowed_counts_at_most_ten_temperatures() -> None:
    made = learner(np.zeros((1, 2)), policy="soft", temperature=0.1, n_step=2)
    batch = transitions([[0, 0]], [[0, 1]], [[0.0, 0.0]], [0], allowed=[[[1, 1], [1, 0]]],
                        next_allowed=[[1, 1]], choices=2)
    np.testing.assert_allclose(made.entropy_between(batch, None), [[0.0, 1.0]], rtol=1e-6)


def test_soft_n_step_and_one_step_targets_agree_where_values_are_soft_optimal() -> None:
    """On a chain solved by soft Q-iteration each path gives the same n-step as one-step target."""
    temperature, reward = 0.7, np.array([[0.3, -0.2], [0.1, 0.5], [0.0, 0.4]])
    values = np.zeros((3, 2))
    for _ in range(400):
        soft = temperature * np.log(np.exp(values / temperature).sum(axis=1))
        values = reward + GAMMA * soft[[1, 2, 0], None]
    shared = {"policy": "soft", "temperature": temperature}
    three = transitions([[0, 1, 2]], [[1, 0, 1]], [[-0.2, 0.1, 0.4]], [0], choices=2)
    assert goals(learner(values, n_step=3, **shared), three) == pytest.approx([values[0, 1]],
                                                                              rel=1e-4)


# ---------------------------------------------------------------------------------- rewards


def test_the_control_pays_one_a_step_whatever_happens() -> None:
    made = learner(np.zeros((2, 3)), reward="constant", n_step=2)
    batch = transitions([[0, 0], [0, 0]], [[0, 1], [1, 1]], [[5.0, 5.0], [-5.0, -5.0]], [1, 1],
                        steps=[2, 1], terminated=[0.0, 1.0])
    assert goals(made, batch) == pytest.approx([1 + GAMMA, 1.0])


def test_the_control_s_soft_target_counts_entropy_like_any_other() -> None:
    values = np.array([[0.2, 0.2], [0.4, 0.4]])
    made = learner(values, reward="constant", n_step=2, policy="soft")
    batch = transitions([[0, 1]], [[0, 1]], [[0.0, 0.0]], [0], choices=2, next_allowed=[[1, 1]])
    value = 0.2 + np.log(2)
    goal = 1 + GAMMA * (1 + np.log(2)) + GAMMA**2 * value
    assert goals(made, batch) == pytest.approx([goal], rel=1e-5)


@pytest.mark.parametrize(
    ("form", "paid", "for_ever"),
    [
        ("advantage", lambda f: f, lambda f: f / (1 - GAMMA)),
        ("neutral", lambda f: f / 2, lambda f: f / 2 / (1 - GAMMA)),
        ("survive", lambda f: np.log1p(np.exp(f)), lambda f: np.log1p(np.exp(f)) / (1 - GAMMA)),
        ("goal", lambda f: -np.log1p(np.exp(-f)), lambda f: -np.log1p(np.exp(-f)) / (1 - GAMMA)),
    ],
)
def test_the_style_reward_is_judged_when_sampled_and_ends_in_the_absorbing_state(
    form: str, paid: Any, for_ever: Any
) -> None:
    judge = Table([[0.1, -0.4, 0.2], [0.6, 0.3, -0.2]], absorbing=0.05)
    made = learner(np.zeros((2, 3)), judge=judge, reward="style", style_form=form,
                   policy="soft", n_step=1, temperature=1e-6, style_weight=1.0)
    batch = transitions([[0], [0], [1]], [[1], [2], [0]], [[7.0], [7.0], [7.0]], [1, 1, 1],
                        terminated=[0.0, 1.0, 1.0])
    end = GAMMA * for_ever(0.05)
    assert goals(made, batch) == pytest.approx(
        [paid(-0.4), paid(0.2) + end, paid(0.6) + end], abs=1e-4
    )


def test_mix_weighs_both_rewards_and_the_absorbing_state() -> None:
    judge = Table([[0.4, 0.0], [0.2, 0.8]], absorbing=0.3)
    made = learner(np.zeros((2, 2)), judge=judge, reward="mix", style_form="neutral",
                   style_weight=0.5, game_weight=0.1, n_step=2)
    batch = transitions([[0, 1]], [[0, 1]], [[0.0, 1.0]], [0], terminated=[1.0], choices=2,
                        next_allowed=[[1, 1]])
    goal = 0.5 * 0.2 + GAMMA * (0.5 * 0.4 + 0.1) + GAMMA**2 * 0.5 * 0.15 / (1 - GAMMA)
    assert goals(made, batch) == pytest.approx([goal], rel=1e-5)


# ---------------------------------------------------------------------------------- losses


def test_an_update_reports_its_loss_and_moves_the_target_by_tau() -> None:
    online, target = np.array([[0.0, 0.2], [3.0, 0.1]]), np.array([[1.0, 1.0], [0.5, 0.2]])
    made = learner(online, target)
    batch = transitions([[0], [1]], [[1], [0]], [[0.5], [0.0]], [1, 1], choices=2,
                        next_allowed=[[1, 1], [1, 1]])
    goal = [0.5 + GAMMA * 0.5, GAMMA * 0.5]
    loss, mean_value, mean_reward = update(made, batch)
    assert loss == pytest.approx((huber(goal[0] - 0.2) + huber(goal[1] - 3.0)) / 2, rel=1e-5)
    assert mean_value == pytest.approx(1.6) and mean_reward == pytest.approx(0.25)
    after = made.network.values.numpy()
    # Huber's slope is the difference, at most 1; the mean over two rows halves it.
    expected = online.copy()
    expected[0, 1] += RATE * (goal[0] - 0.2) / 2
    expected[1, 0] -= RATE * 1.0 / 2
    np.testing.assert_allclose(after, expected, rtol=1e-5)
    np.testing.assert_allclose(made.target.values, target + 0.25 * (after - target), rtol=1e-5)


def test_the_margin_loss_asks_the_demonstrated_action_to_lead() -> None:
    values = tf.constant([[1.0, 0.5, 3.0], [0.0, 2.0, 1.0]])
    batch = transitions([[0], [0]], [[0], [1]], [[0.0], [0.0]], [0, 0],
                        allowed=[[[1, 1, 0]], [[1, 1, 1]]])
    first = max(1.0, 0.5 + MARGIN) - 1.0        # action 2 is not allowed, however good
    second = max(2.0, 1.0 + MARGIN, MARGIN) - 2.0
    assert second == 0.0
    loss = DQNLearner.margin_loss(values, batch, 2)
    assert float(loss) == pytest.approx((first + second) / 2)


def test_margin_and_cross_entropy_pull_on_the_demonstrated_rows_alone() -> None:
    online = np.array([[0.2, 0.1], [0.2, 0.1]])
    # Rewards that leave no temporal difference: Q = r + gamma * 0.2.
    rewards = [[0.1 - GAMMA * 0.2], [0.1 - GAMMA * 0.2]]
    batch = transitions([[0], [1]], [[1], [1]], rewards, [0, 0], choices=2,
                        next_allowed=[[1, 1], [1, 1]])
    made = learner(online, margin=1.0)
    update(made, batch, shown=1, margin=0.5)
    np.testing.assert_allclose(
        made.network.values, online + RATE * 0.5 * np.array([[-1, 1], [0, 0]]), atol=1e-6
    )
    made = learner(online, clone_weight=0.3, temperature=0.5)
    update(made, batch, shown=1)
    share = np.exp(0.4) / (np.exp(0.4) + np.exp(0.2))
    np.testing.assert_allclose(
        made.network.values,
        online + RATE * 0.3 / 0.5 * share * np.array([[-1, 1], [0, 0]]), atol=1e-6,
    )


def test_the_cross_entropy_is_that_of_the_soft_policy() -> None:
    made = learner(np.zeros((1, 3)), temperature=2.0)
    values, allowed = np.array([[1.0, 3.0, 8.0]]), np.array([[1, 1, 0]])
    loss = made.cross_entropy(tf.constant(values, tf.float32), allowed, tf.constant([0]))
    assert float(loss) == pytest.approx(np.log(np.exp(0.5) + np.exp(1.5)) - 0.5, rel=1e-5)


def test_cloning_finds_the_demonstrator_s_shares() -> None:
    made = learner(np.zeros((1, 3)), temperature=0.5)
    made.apply = lambda gradients: made.optimizer.apply(gradients, [made.network.values])
    actions = np.array([0] * 6 + [1] * 2, np.int32)
    states = np.zeros((8, 1), np.uint8)
    step = tf.function(made._clone)
    for _ in range(150):
        step(states, actions, None)
    values = made.network.values.numpy()[0]
    # Not shares alone: the outputs are log pi themselves, whatever the temperature.
    np.testing.assert_allclose(np.exp(values[:2]), [0.75, 0.25], atol=1e-3)


# ---------------------------------------------------------------------------------- with Keras


@pytest.fixture(scope="module")
def real() -> DQNLearner:
    keras.utils.set_random_seed(0)
    config = PolicyConfig(out="unused", reward="game", policy="greedy", gamma=0.9, n_step=1,
                          temperature=0.5, learning_rate=0.01, width=8, window=3).resolved()
    return DQNLearner(fastenv.game_spec("blast"), config, None)


def test_the_target_starts_as_the_network_and_acting_is_masked(real: DQNLearner) -> None:
    batch = fastenv.make_batch("blast", 4, seed=2)
    observations = batch.observations[:, 0]
    allowed = np.array([[1, 0, 1, 0, 0, 1]] * 4, np.uint8)
    values = real.network(observations).numpy()
    np.testing.assert_array_equal(real.target(observations), values)
    acted = real.act(observations, allowed).numpy()
    np.testing.assert_array_equal(acted == FORBIDDEN, allowed == 0)
    np.testing.assert_allclose(acted[allowed > 0], values[allowed > 0], rtol=1e-5)
    real.target.trainable_variables[-1].assign_add([1.0, 0, 0, 0, 0, 0])
    averaged = real.act_averaged(observations, allowed).numpy()
    np.testing.assert_allclose(
        averaged[allowed > 0], real.target(observations).numpy()[allowed > 0], rtol=1e-5
    )
    assert not np.allclose(averaged[allowed > 0], acted[allowed > 0])


def test_dueling_values_are_the_value_and_centred_advantages(real: DQNLearner) -> None:
    observations = fastenv.make_batch("blast", 4, seed=2).observations[:, 0]
    network = real.network
    window, vector = network.encoder(observations, None)
    hidden = network.hidden(tf.concat([network.trunk(window), vector], axis=1))
    values = network(observations).numpy()
    np.testing.assert_allclose(values.mean(axis=1), network.value(hidden)[:, 0], atol=1e-5)


def test_after_cloning_the_target_follows_and_the_optimiser_is_fresh(real: DQNLearner) -> None:
    observations = fastenv.make_batch("blast", 4, seed=2).observations[:, 0]
    actions = np.array([1, 1, 1, 1], np.int32)
    real.set_learning_rate(0.01)
    losses = [float(real.clone(observations, actions, np.zeros(4, np.int32)))
              for _ in range(30)]
    assert losses[-1] < losses[0] / 2
    logits = real.network(observations).numpy()
    real.take_over_clone()
    # Q = T log pi, so that softmax(Q / T) plays as the clone does.
    np.testing.assert_allclose(real.network(observations), 0.5 * logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(real.target(observations), real.network(observations))
    rest = SimpleNamespace(
        rate=float(real.optimizer.learning_rate),
        others=[variable for variable in real.optimizer.variables
                if variable is not real.optimizer.learning_rate],
    )
    assert rest.rate == pytest.approx(0.01)
    assert all(not np.any(np.asarray(variable)) for variable in rest.others)
