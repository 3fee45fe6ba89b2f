"""The DQN: double, dueling, n-step, masked in behaviour and target, with a target network.

The soft policy is pi(a | s) = exp(Q(s, a) / T) / sum over allowed b of exp(Q(s, b) / T), its value
V(s) = T log sum over allowed b of exp(Q(s, b) / T) (soft Q-learning, Haarnoja et al. 2017). The
greedy one takes the best allowed action; in the target, the Q-network chooses and the target
network judges (double DQN, van Hasselt et al. 2016).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from engine_plugin.facts import GameFacts
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.networks import Discriminator, build_network, compiled_updates
from engine_plugin.learn.replay import Transitions, only_part
from engine_plugin.learn.rewards import absorbing_value, style_reward

FORBIDDEN = -1e9
AVOIDED = 6.0  # temperatures that a forbidden action's value is to lie below the state's: e^-6
MARGIN = 0.8  # of the large-margin loss (DQfD, Hester et al. 2018)


def allowed_only(values: Any, allowed: Any) -> Any:
    """Values [n, actions], those of actions that are not allowed replaced by -1e9."""
    return tf.where(allowed > 0, values, FORBIDDEN)


def chosen(values: Any, actions: Any) -> Any:
    """values [n, actions] at actions int32 [n] -> [n]."""
    return tf.gather(values, actions, batch_dims=1)


def log_policy(values: Any, allowed: Any, temperature: float) -> Any:
    """log pi(a | s) of the soft policy, float32 [n, actions]; about -1e9 where not allowed."""
    return tf.nn.log_softmax(allowed_only(values / temperature, allowed), axis=1)


def cloning_loss(outputs: Any, actions: Any) -> Any:
    """Cross-entropy of softmax(outputs) to the demonstrated actions, a scalar.

    Over all actions, not the allowed ones alone: so the clone learns what its demonstrator never
    does, and what the filter would forbid is improbable without the filter too. A pull of
    log sum exp towards 0 fixes what the cross-entropy leaves free, so that outputs are log pi
    themselves: the values that the DQN's fixed point has, see learn/rewards.py.
    """
    normaliser = tf.reduce_logsumexp(outputs, axis=1)
    likelihood = chosen(outputs, actions) - normaliser
    return tf.reduce_mean(tf.square(normaliser)) / 2 - tf.reduce_mean(likelihood)


def avoidance_loss(values: Any, allowed: Any, temperature: float) -> Any:
    """How far values of forbidden actions reach above V(s) - AVOIDED * temperature, a scalar.

    Nothing else tells their values: they are never played, nor do they count in the target. With
    this the policy keeps off them where no filter stands behind it.
    """
    state = temperature * tf.reduce_logsumexp(
        allowed_only(values, allowed) / temperature, axis=1, keepdims=True
    )
    excess = tf.nn.relu(values - tf.stop_gradient(state) + AVOIDED * temperature)
    return tf.reduce_mean(tf.where(allowed > 0, 0.0, excess))


class ValueLearner:
    """Q-network, target network and optimiser, whatever their updates look like."""

    def __init__(self, facts: GameFacts, config: PolicyConfig):
        self.config = config
        self.network = build_network(facts, config)
        self.target = build_network(facts, config)
        self.target.set_weights(self.network.get_weights())
        self.optimizer = keras.optimizers.Adam(config.learning_rate, global_clipnorm=10.0)
        self.optimizer.build(self.network.trainable_variables)

    def set_learning_rate(self, rate: float) -> None:
        self.optimizer.learning_rate.assign(rate)

    def set_scale(self, mean: np.ndarray, deviation: np.ndarray) -> None:
        """Normalise observations of numbers by these, float [size] each."""
        for network in (self.network, self.target):
            network.encoder.set_scale(mean, deviation)

    def apply(self, gradients: Any) -> None:
        self.optimizer.apply(gradients, self.network.trainable_variables)

    def follow(self) -> None:
        """Move the target network a little towards the Q-network."""
        for ours, theirs in zip(
            self.target.trainable_variables, self.network.trainable_variables, strict=True
        ):
            ours.assign_add(self.config.target_tau * (theirs - ours))


class DQNLearner(ValueLearner):
    """The learner of a network without memory, and its compiled update and acting functions.

    state_size: numbers that the network remembers of a row; none here
    """

    state_size = 0

    def __init__(self, facts: GameFacts, config: PolicyConfig, discriminator: Discriminator | None):
        super().__init__(facts, config)
        self.discriminator = discriminator
        self.act = tf.function(self._act, autograph=False)
        self.act_averaged = tf.function(self._act_averaged, autograph=False)
        self.update = tf.function(self._update, autograph=False)
        self.update_many = compiled_updates(self._update_many, facts, config)
        self.clone = tf.function(self._clone, autograph=False)

    def _act(self, observations: Any, allowed: Any) -> Any:
        """Values of the allowed actions, float32 [n, actions]; -1e9 elsewhere."""
        return allowed_only(self.network(observations), allowed)

    def _act_averaged(self, observations: Any, allowed: Any) -> Any:
        """As `act`, from the target network: an average over updates, steadier than the newest
        weights, and therefore what is evaluated and exported."""
        return allowed_only(self.target(observations), allowed)

    def step_rewards(
        self, batch: Transitions, symmetry: Any, demonstrations: int = 0
    ) -> tuple[Any, Any]:
        """Rewards float32 [B, n] by config, and the value of an episode's end, a scalar."""
        config = self.config
        end_value = tf.constant(0.0)
        paid = tf.ones_like if config.reward == "constant" else tf.zeros_like
        rewards = paid(batch.rewards)
        if config.reward == "sqil":
            is_demonstrated = tf.range(batch.rewards.shape[0])[:, None] < demonstrations
            rewards += tf.cast(is_demonstrated, tf.float32)
        if config.reward in ("game", "mix"):
            rewards += config.game_weight * batch.rewards
        if self.discriminator is not None:
            weight = config.style_weight
            rows, steps = batch.actions.shape
            flat = tf.reshape(batch.observations, [-1, *batch.observations.shape[2:]])
            repeated = None if symmetry is None else tf.repeat(symmetry, steps)
            outputs = chosen(self.discriminator(flat, repeated), tf.reshape(batch.actions, [-1]))
            style = style_reward(config.style_form, outputs)
            rewards += weight * tf.reshape(style, [rows, steps])
            end_value = weight * absorbing_value(
                config.style_form, self.discriminator.absorbing, config.gamma
            )
        if config.policy == "soft" and config.n_step > 1:
            rewards += self.entropy_between(batch, symmetry)
        return rewards, end_value

    def entropy_between(self, batch: Transitions, symmetry: Any) -> Any:
        """What the soft value holds beside the rewards: -T log pi of every step after the first,
        float32 [B, n]. Soft Q(s, a) = r + gamma V(s'), V(s') = E[Q(s', a') - T log pi(a' | s')]:
        a sum over n steps needs that term for each action but the first."""
        rows, steps = batch.actions.shape
        later = tf.reshape(batch.observations[:, 1:], [-1, *batch.observations.shape[2:]])
        allowed = tf.reshape(batch.allowed[:, 1:], [-1, batch.allowed.shape[2]])
        actions = tf.reshape(batch.actions[:, 1:], [-1])
        repeated = None if symmetry is None else tf.repeat(symmetry, steps - 1)
        logs = log_policy(self.target(later, repeated), allowed, self.config.temperature)
        # An action that is not allowed (an old one, or a demonstrated slip) has no probability.
        terms = -self.config.temperature * tf.maximum(chosen(logs, actions), -10.0)
        return tf.pad(tf.reshape(terms, [rows, steps - 1]), [[0, 0], [1, 0]])

    def next_values(self, batch: Transitions, symmetry: Any) -> Any:
        """V of the states after the last step, float32 [B], by the policy's kind."""
        config = self.config
        target = allowed_only(self.target(batch.next_observations, symmetry), batch.next_allowed)
        if config.policy == "soft":
            return config.temperature * tf.reduce_logsumexp(target / config.temperature, axis=1)
        online = allowed_only(self.network(batch.next_observations, symmetry), batch.next_allowed)
        return chosen(target, tf.argmax(online, axis=1, output_type=tf.int32))

    def _update(self, batch: Transitions, demonstrations: int, symmetry: Any, margin: Any) -> Any:
        """One gradient step; the first `demonstrations` rows are demonstrated.

        Returns float32 [3]: temporal-difference loss, mean value, mean reward.
        """
        config = self.config
        rewards, end_value = self.step_rewards(batch, symmetry, demonstrations)
        powers = config.gamma ** tf.range(batch.rewards.shape[1], dtype=tf.float32)
        summed = tf.reduce_sum(rewards * batch.valid * powers, axis=1)
        after = (1 - batch.terminated) * self.next_values(batch, symmetry)
        after += batch.terminated * end_value
        goal = summed + config.gamma ** tf.cast(batch.steps, tf.float32) * after
        goal = tf.stop_gradient(goal)
        with tf.GradientTape() as tape:
            values = self.network(batch.observations[:, 0], symmetry)
            value = chosen(values, batch.actions[:, 0])
            temporal_difference = tf.reduce_mean(keras.losses.huber(goal[:, None], value[:, None]))
            loss = temporal_difference
            if config.avoid_weight:
                loss += config.avoid_weight * avoidance_loss(
                    values, batch.allowed[:, 0], config.temperature
                )
            if demonstrations and config.margin:
                loss += margin * self.margin_loss(values[:demonstrations], batch, demonstrations)
            if demonstrations and config.clone_weight:
                loss += config.clone_weight * self.cross_entropy(
                    values[:demonstrations],
                    batch.allowed[:demonstrations, 0],
                    batch.actions[:demonstrations, 0],
                )
        self.apply(tape.gradient(loss, self.network.trainable_variables))
        self.follow()
        return tf.stack([temporal_difference, tf.reduce_mean(value), tf.reduce_mean(rewards)])

    def learn(
        self, batches: Transitions, demonstrations: int, symmetry: np.ndarray | None, margin: float
    ) -> np.ndarray:
        """A gradient step on each of the batches [K, B], their first `demonstrations` rows
        demonstrated; symmetry int32 [K, B]. Means of the figures of `update`, float32 [3]."""
        weight = tf.constant(margin, tf.float32)
        if len(batches.actions) > 1:
            figures = self.update_many(batches, demonstrations, symmetry, weight)
        else:
            turned = None if symmetry is None else symmetry[0]
            figures = self.update(only_part(batches), demonstrations, turned, weight)
        return np.asarray(figures)

    def _update_many(
        self, batches: Transitions, demonstrations: int, symmetry: Any, margin: Any
    ) -> Any:
        """One gradient step after the other on batches with a leading axis [K]; means as of
        `update`. One call for all, because a call costs more than a small network's update."""
        count = batches.actions.shape[0]

        def one(index: Any, sums: Any) -> tuple[Any, Any]:
            batch = Transitions(*(array[index] for array in batches))
            turned = None if symmetry is None else symmetry[index]
            return index + 1, sums + self._update(batch, demonstrations, turned, margin)

        _, sums = tf.while_loop(lambda index, _: index < count, one, [0, tf.zeros(3)])
        return sums / count

    @staticmethod
    def margin_loss(values: Any, batch: Transitions, count: int) -> Any:
        """max over a of (Q(s, a) + margin where a is not demonstrated) - Q(s, demonstrated)."""
        actions = batch.actions[:count, 0]
        raised = values + MARGIN * (1 - tf.one_hot(actions, values.shape[1]))
        best = tf.reduce_max(allowed_only(raised, batch.allowed[:count, 0]), axis=1)
        return tf.reduce_mean(best - chosen(values, actions))

    def cross_entropy(self, values: Any, allowed: Any, actions: Any) -> Any:
        """-log pi of the demonstrated actions, which always count as allowed."""
        logs = log_policy(values, allowed, self.config.temperature)
        return -tf.reduce_mean(chosen(logs, actions))

    def _clone(self, observations: Any, actions: Any, symmetry: Any) -> Any:
        """One step of behaviour cloning: the outputs are logits of the policy."""
        with tf.GradientTape() as tape:
            loss = cloning_loss(self.network(observations, symmetry, training=True), actions)
        self.apply(tape.gradient(loss, self.network.trainable_variables))
        return loss

    def take_over_clone(self) -> None:
        """Turn cloned logits into values, Q = T logits; start from them with a fresh optimiser."""
        for head in (self.network.value, self.network.advantage):
            for variable in head.variables:
                variable.assign(self.config.temperature * variable)
        self.target.set_weights(self.network.get_weights())
        for variable in self.optimizer.variables:
            if variable is not self.optimizer.learning_rate:
                variable.assign(tf.zeros_like(variable))
