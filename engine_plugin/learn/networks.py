"""The two networks of the policy learner: `DQN` (observation -> action values) and `Discriminator`
(transition -> logit, high = demonstration). Dense or convolutional, by config."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.encoding import GridLayout, WindowEncoder, action_permutations
from fastenv import GameSpec


def _trunk(kind: str, dropout: float, name: str) -> keras.Sequential:
    """Layers from the encoded window [n, side, side, channels] to flat features."""
    layers: list[keras.layers.Layer] = []
    if kind == "convolutional":
        layers += [
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="valid", activation="relu"),
        ]
    layers.append(keras.layers.Flatten())
    if dropout:
        layers.append(keras.layers.Dropout(dropout))
    return keras.Sequential(layers, name=name)


def _hidden(width: int, dropout: float, name: str) -> keras.Sequential:
    layers: list[keras.layers.Layer] = []
    for _ in range(2):
        layers += [
            keras.layers.Dense(width),
            keras.layers.LayerNormalization(),
            keras.layers.ReLU(),
        ]
        if dropout:
            layers.append(keras.layers.Dropout(dropout))
    return keras.Sequential(layers, name=name)


class _InOriginalOrder:
    """Undoes a symmetry on values a network gives for the actions of a transformed board."""

    def __init__(self, actions: tuple[str, ...]):
        self.permutations = action_permutations(actions)

    def __call__(self, values: Any, symmetry: Any) -> Any:
        if symmetry is None:
            return values
        return tf.gather(values, tf.gather(self.permutations, symmetry), batch_dims=1)


class DQN(keras.Model):
    """Dueling Q-network (Wang et al. 2016): Q(s, a) = V(s) + A(s, a) - mean over a of A(s, a).

    call(observations uint8 [n, obs_size], symmetry int32 [n] or None) -> float32 [n, actions]. A
    symmetry shows the board transformed; the values still stand in the order of the actions.
    """

    def __init__(self, spec: GameSpec, config: PolicyConfig):
        super().__init__(name="dqn")
        self.encoder = WindowEncoder(GridLayout.of(spec), config.window)
        self.in_original_order = _InOriginalOrder(spec.actions)
        self.trunk = _trunk(config.encoder, 0.0, "trunk")
        self.hidden = _hidden(config.width, 0.0, "hidden")
        self.value = keras.layers.Dense(1, name="value")
        self.advantage = keras.layers.Dense(len(spec.actions), name="advantage")

    def call(self, observations: Any, symmetry: Any = None) -> Any:
        window, vector = self.encoder(observations, symmetry)
        hidden = self.hidden(tf.concat([self.trunk(window), vector], axis=1))
        advantage = self.advantage(hidden)
        advantage -= tf.reduce_mean(advantage, axis=1, keepdims=True)
        return self.in_original_order(self.value(hidden) + advantage, symmetry)


class Discriminator(keras.Model):
    """Judges transitions: one output for every action of a state, high = demonstrated.

    call(observations, symmetry) -> float32 [n, actions]: the logit, or f of the form `advantage`,
    see learn/rewards.py. It does not see where on the board the
    player is, so that it cannot tell demonstrations by the place. `absorbing` is the logit of the
    absorbing state.
    """

    def __init__(self, spec: GameSpec, config: PolicyConfig):
        super().__init__(name="discriminator")
        self.encoder = WindowEncoder(
            GridLayout.of(spec), config.discriminator_window, absolute=False
        )
        dropout = config.discriminator_dropout
        self.in_original_order = _InOriginalOrder(spec.actions)
        self.trunk = _trunk(config.encoder, dropout, "trunk")
        self.hidden = _hidden(config.discriminator_width, dropout, "hidden")
        self.logit = keras.layers.Dense(len(spec.actions), name="logit")
        self.absorbing = self.add_weight(shape=(), initializer="zeros", name="absorbing")

    def call(self, observations: Any, symmetry: Any = None, training: bool = False) -> Any:
        window, vector = self.encoder(observations, symmetry)
        return self.in_original_order(self.judge(window, vector, training), symmetry)

    def judge(self, window: Any, vector: Any, training: bool) -> Any:
        """Outputs [n, actions] of encoded observations, in the order of the board as shown; split
        off for the gradient penalty."""
        features = tf.concat([self.trunk(window, training=training), vector], axis=1)
        return self.logit(self.hidden(features, training=training))
