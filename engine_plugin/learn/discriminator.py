"""Training the discriminator: demonstrations against the agent's newest and older transitions.

Kept from memorising and from winning outright by dropout, board symmetries, a zero-centred gradient
penalty at the demonstrations (R1, Mescheder et al. 2018) and a controller that lets it rest while
its balanced accuracy is above `REST_ABOVE`.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from engine_plugin.facts import GameFacts
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.dqn import chosen, cloning_loss, log_policy
from engine_plugin.learn.networks import DQN, Discriminator, example_of
from engine_plugin.learn.replay import Transitions
from engine_plugin.learn.rewards import logits_demonstration_is_high

REST_ABOVE = 0.85
SMOOTHING = 0.98


class DiscriminatorLearner:
    """Discriminator, optimiser, compiled update and the controller of its pace."""

    def __init__(self, facts: GameFacts, config: PolicyConfig):
        self.config = config
        self.network = Discriminator(facts, config)
        self.network(example_of(facts))
        self.optimizer = keras.optimizers.Adam(config.discriminator_rate, global_clipnorm=10.0)
        self.optimizer.build(self.network.trainable_variables)
        self.update = tf.function(self._update, autograph=False)
        self.clone = tf.function(self._clone, autograph=False)
        self.balanced_accuracy = 0.5

    def set_learning_rate(self, rate: float) -> None:
        self.optimizer.learning_rate.assign(rate)

    def note(self, accuracy: float) -> None:
        """Take the balanced accuracy of an update into the running mean."""
        self.balanced_accuracy = SMOOTHING * self.balanced_accuracy + (1 - SMOOTHING) * accuracy

    @property
    def should_rest(self) -> bool:
        return self.balanced_accuracy > REST_ABOVE

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
        if config.style_form == "advantage":
            allowed = tf.maximum(
                tf.cast(allowed, tf.float32), tf.one_hot(actions, allowed.shape[1])
            )
            logs = chosen(log_policy(dqn(observations), allowed, config.temperature), actions)
            logs = tf.maximum(logs, -12.0)
        else:
            logs = tf.zeros_like(actions, tf.float32)
        places = self.network.in_original_order.places(actions, symmetry)
        window, vector = self.network.encoder(observations, symmetry)
        ends = tf.stack([tf.reduce_mean(demonstrated.terminated), tf.reduce_mean(own.terminated)])
        with tf.GradientTape() as tape:
            outputs, penalty = self._outputs_and_penalty(window, vector, places, count)
            logits = logits_demonstration_is_high(config.style_form, outputs, logs)
            shown, played = logits[:count], logits[count:]
            loss = tf.reduce_mean(tf.nn.softplus(-shown)) + tf.reduce_mean(tf.nn.softplus(played))
            absorbing = self.network.absorbing
            loss += ends[0] * tf.nn.softplus(-absorbing) + ends[1] * tf.nn.softplus(absorbing)
            total = loss + config.gradient_penalty * penalty
        if config.control != "random-discriminator":
            gradients = tape.gradient(total, self.network.trainable_variables)
            self.optimizer.apply(gradients, self.network.trainable_variables)
        accuracy = 0.5 * (
            tf.reduce_mean(tf.cast(shown > 0, tf.float32))
            + tf.reduce_mean(tf.cast(played < 0, tf.float32))
        )
        return tf.stack([loss, accuracy, tf.reduce_mean(shown), tf.reduce_mean(played)])

    def _outputs_and_penalty(
        self, window: Any, vector: Any, places: Any, count: int
    ) -> tuple[Any, Any]:
        """Outputs [n] at the actions' places and the mean squared gradient of the first `count`."""
        if not self.config.gradient_penalty:
            return chosen(self.network.judge(window, vector, training=True), places), 0.0
        with tf.GradientTape() as inner:
            inner.watch(window)
            outputs = chosen(self.network.judge(window, vector, training=True), places)
        slope = inner.gradient(outputs, window)[:count]
        axes = list(range(1, len(window.shape)))
        return outputs, tf.reduce_mean(tf.reduce_sum(tf.square(slope), axis=axes))
