"""Training the discriminator: demonstrations against the agent's newest and older transitions.

Kept from memorising and from winning outright by dropout, board symmetries, a zero-centred gradient
penalty at the demonstrations (R1, Mescheder et al. 2018), the controller of learn/pace.py and, in
the form `advantage`, the pull of f towards log pi of a clone, its fixed point: without it f grows
sharper the longer it sees the same few demonstrations.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from engine_plugin.facts import GameFacts
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.dqn import chosen, cloning_loss, log_policy
from engine_plugin.learn.networks import DQN, Discriminator, compiled_updates, example_of
from engine_plugin.learn.replay import Transitions, only_part
from engine_plugin.learn.rewards import (
    absorbing_value,
    logits_demonstration_is_high,
    style_reward,
)


class DiscriminatorLearner:
    """Discriminator, optimiser and compiled functions."""

    def __init__(self, facts: GameFacts, config: PolicyConfig):
        self.config = config
        self.network = Discriminator(facts, config)
        self.network(example_of(facts))
        self.optimizer = keras.optimizers.Adam(config.discriminator_rate, global_clipnorm=10.0)
        self.optimizer.build(self.network.trainable_variables)
        self.update = tf.function(self._update, autograph=False)
        self.update_many = compiled_updates(self._update_many, facts, config)
        self.clone = tf.function(self._clone, autograph=False)
        self.weigh = tf.function(self._weigh, autograph=False)

    def set_learning_rate(self, rate: float) -> None:
        self.optimizer.learning_rate.assign(rate)

    def _weigh(self, dqn: DQN, batch: Transitions) -> tuple[Any, Any]:
        """Logits float32 [B] of the first steps and the style rewards [B] that they are paid;
        nothing is learned and nothing dropped out."""
        form = self.config.style_form
        observations, actions = batch.observations[:, 0], batch.actions[:, 0]
        outputs = chosen(self.network(observations), actions)
        logs = self._log_policy(dqn, observations, batch.allowed[:, 0], actions)
        rewards = self.config.style_weight * style_reward(form, outputs)
        return logits_demonstration_is_high(form, outputs, logs), rewards

    @property
    def end_value(self) -> float:
        """What the end of an episode is worth, in units of the reward that is paid."""
        config = self.config
        value = absorbing_value(config.style_form, self.network.absorbing, config.gamma)
        return config.style_weight * float(value)

    def _log_policy(self, dqn: DQN, observations: Any, allowed: Any, actions: Any) -> Any:
        """log pi(a | s) of the agent where the form needs it, else 0, float32 [n]."""
        if self.config.style_form != "advantage":
            return tf.zeros_like(actions, tf.float32)
        allowed = tf.maximum(tf.cast(allowed, tf.float32), tf.one_hot(actions, allowed.shape[1]))
        logs = log_policy(dqn(observations), allowed, self.config.temperature)
        return tf.maximum(chosen(logs, actions), -12.0)

    def _clone(self, observations: Any, actions: Any, symmetry: Any) -> Any:
        """One step towards f = log pi of a clone, the fixed point of the form `advantage`: beside a
        cloned policy the discriminator then begins with nothing to correct."""
        with tf.GradientTape() as tape:
            outputs = self.network(observations, symmetry, training=True)
            # A clone knows nothing of ends: the absorbing state is judged neither way.
            loss = cloning_loss(outputs, actions) + tf.square(self.network.absorbing)
        variables = self.network.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _update(self, dqn: DQN, demonstrated: Transitions, own: Transitions, symmetry: Any) -> Any:
        """One gradient step on equally many transitions of both kinds (their first steps).

        Returns float32 [4]: loss, balanced accuracy, mean logit of demonstrations, of the agent.
        """
        config = self.config
        count = demonstrated.actions.shape[0]
        observations = tf.concat([demonstrated.observations[:, 0], own.observations[:, 0]], axis=0)
        allowed = tf.concat([demonstrated.allowed[:, 0], own.allowed[:, 0]], axis=0)
        actions = tf.concat([demonstrated.actions[:, 0], own.actions[:, 0]], axis=0)
        logs = self._log_policy(dqn, observations, allowed, actions)
        places = self.network.in_original_order.places(actions, symmetry)
        window, vector = self.network.encoder(observations, symmetry)
        ends = tf.stack([tf.reduce_mean(demonstrated.terminated), tf.reduce_mean(own.terminated)])
        with tf.GradientTape() as tape:
            judged, penalty = self._judged_and_penalty(window, vector, places, count)
            outputs = chosen(judged, places)
            logits = logits_demonstration_is_high(config.style_form, outputs, logs)
            shown, played = logits[:count], logits[count:]
            loss = tf.reduce_mean(tf.nn.softplus(-shown)) + tf.reduce_mean(tf.nn.softplus(played))
            absorbing = self.network.absorbing
            loss += ends[0] * tf.nn.softplus(-absorbing) + ends[1] * tf.nn.softplus(absorbing)
            total = loss + config.gradient_penalty * penalty
            if config.style_form == "advantage" and config.discriminator_clone_weight:
                likeness = cloning_loss(judged[:count], places[:count])
                total += config.discriminator_clone_weight * likeness
        if config.control != "random-discriminator":
            gradients = tape.gradient(total, self.network.trainable_variables)
            self.optimizer.apply(gradients, self.network.trainable_variables)
        accuracy = 0.5 * (
            tf.reduce_mean(tf.cast(shown > 0, tf.float32))
            + tf.reduce_mean(tf.cast(played < 0, tf.float32))
        )
        return tf.stack([loss, accuracy, tf.reduce_mean(shown), tf.reduce_mean(played)])

    def learn(
        self, dqn: DQN, demonstrated: Transitions, own: Transitions, symmetry: np.ndarray | None
    ) -> np.ndarray:
        """A gradient step on each of the pairs of batches [K, B]; symmetry int32 [K, 2 B]. Means of
        the figures of `update`, float32 [4]."""
        if len(own.actions) > 1:
            figures = self.update_many(dqn, demonstrated, own, symmetry)
        else:
            turned = None if symmetry is None else symmetry[0]
            figures = self.update(dqn, only_part(demonstrated), only_part(own), turned)
        return np.asarray(figures)

    def _update_many(
        self, dqn: DQN, demonstrated: Transitions, own: Transitions, symmetry: Any
    ) -> Any:
        """One gradient step after the other on batches with a leading axis [K]; means as of
        `update`."""
        count = own.actions.shape[0]

        def one(index: Any, sums: Any) -> tuple[Any, Any]:
            shown, played = (
                Transitions(*(array[index] for array in batch)) for batch in (demonstrated, own)
            )
            turned = None if symmetry is None else symmetry[index]
            return index + 1, sums + self._update(dqn, shown, played, turned)

        _, sums = tf.while_loop(lambda index, _: index < count, one, [0, tf.zeros(4)])
        return sums / count

    def _judged_and_penalty(
        self, window: Any, vector: Any, places: Any, count: int
    ) -> tuple[Any, Any]:
        """Outputs [n, actions], and the mean squared gradient of the first `count` at `places`."""
        if not self.config.gradient_penalty:
            return self.network.judge(window, vector, training=True), 0.0
        with tf.GradientTape() as inner:
            inner.watch(window)
            judged = self.network.judge(window, vector, training=True)
            outputs = chosen(judged, places)
        slope = inner.gradient(outputs, window)[:count]
        axes = list(range(1, len(window.shape)))
        return judged, tf.reduce_mean(tf.reduce_sum(tf.square(slope), axis=axes))
