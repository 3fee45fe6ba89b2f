"""The networks of the policy learner: `DQN` and `RecurrentDQN` (observation -> action values) and
`Discriminator` (transition -> logit, high = demonstration). The encoder in front follows from the
observation, the layers behind it from the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from engine_plugin.card import MAX_MODEL_BYTES
from engine_plugin.errors import ConfigError
from engine_plugin.facts import ForeignGame, GameFacts
from engine_plugin.grid import GridLayout, action_permutations
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.encoding import WindowEncoder
from engine_plugin.learn.foreign_encoding import foreign_encoder
from fastenv import GameSpec

# Convolutions of images as (filters, side, stride): of small ones as in Young & Tian 2019
# (MinAtar), of large ones as in Mnih et al. 2015 (Atari), whose strides leave few numbers to the
# next layer.
SMALL_IMAGE = ((16, 3, 1),)
LARGE_IMAGE = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
CARD_ROOM = 2 << 20  # bytes of a model file for all that is no weight
LARGE_SIDE = 36  # of images that are large: from here on each of these layers has an input


def example_of(facts: GameFacts) -> Any:
    """One observation of zeros, to build a network's weights with."""
    return tf.zeros([1, *facts.observation_shape], facts.observation_dtype)


def compiled_updates(
    update_many: Callable[..., Any], facts: GameFacts, config: PolicyConfig
) -> Any:
    """A function that makes many updates, as a graph. XLA fuses the hundreds of small operations
    of each; not those of a convolution, whose gradient takes it several times as long on a
    processor as TensorFlow's own kernels."""
    convolves = facts.observation_kind == "image" or config.encoder == "convolutional"
    return tf.function(update_many, autograph=False, jit_compile=not convolves)


def _encoder(facts: GameFacts, window: int, absolute: bool, with_ways: bool) -> Any:
    if isinstance(facts, GameSpec):
        return WindowEncoder(GridLayout.of(facts), window, absolute, with_ways)
    assert isinstance(facts, ForeignGame)
    return foreign_encoder(facts)


def _trunk(facts: GameFacts, kind: str, dropout: float, name: str) -> keras.Sequential:
    """Layers from the encoded observation, such as a window [n, side, side, channels], to flat
    features. Of a board or an image one feature in five can be missed; of a handful of numbers,
    each of which may be the one that matters, none is dropped."""
    layers: list[keras.layers.Layer] = []
    if facts.observation_kind == "image":
        large = min(facts.observation_shape[:2]) >= LARGE_SIDE
        for filters, side, stride in LARGE_IMAGE if large else SMALL_IMAGE:
            layers.append(keras.layers.Conv2D(filters, side, stride, activation="relu"))
    elif kind == "convolutional":
        layers += [
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="valid", activation="relu"),
        ]
    layers.append(keras.layers.Flatten())
    if dropout and facts.observation_kind in ("grid", "image"):
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


def _joined(features: Any, vector: Any) -> Any:
    """Features [n, k] and the encoder's second part, where there is one."""
    return features if vector is None else tf.concat([features, vector], axis=1)


class _InOriginalOrder:
    """Undoes a symmetry on values a network gives for the actions of a transformed board."""

    def __init__(self, actions: tuple[str, ...]):
        self.permutations = action_permutations(actions)

    def __call__(self, values: Any, symmetry: Any) -> Any:
        if symmetry is None:
            return values
        return tf.gather(values, tf.gather(self.permutations, symmetry), batch_dims=1)

    def places(self, actions: Any, symmetry: Any) -> Any:
        """Where actions int32 [n] stand on the transformed board."""
        if symmetry is None:
            return actions
        return tf.gather(tf.gather(self.permutations, symmetry), actions, batch_dims=1)


class _NoSymmetry:
    """Of games of which no symmetry is known."""

    def __call__(self, values: Any, symmetry: Any) -> Any:
        return values

    def places(self, actions: Any, symmetry: Any) -> Any:
        return actions


def _in_original_order(facts: GameFacts) -> _InOriginalOrder | _NoSymmetry:
    return _InOriginalOrder(facts.actions) if isinstance(facts, GameSpec) else _NoSymmetry()


class DQN(keras.Model):
    """Dueling Q-network (Wang et al. 2016): Q(s, a) = V(s) + A(s, a) - mean over a of A(s, a).

    call(observations uint8 or float32 [n, *observation_shape], symmetry int32 [n] or None) ->
    float32 [n, actions]. A symmetry shows the board transformed; the values still stand in the
    order of the actions. Dropout works while training, that is, cloning.
    """

    def __init__(self, facts: GameFacts, config: PolicyConfig):
        super().__init__(name="dqn")
        self.encoder = _encoder(facts, config.window, True, config.ways)
        self.in_original_order = _in_original_order(facts)
        self.trunk = _trunk(facts, config.encoder, config.clone_dropout, "trunk")
        self.hidden = _hidden(config.width, config.clone_dropout, "hidden")
        self.value = keras.layers.Dense(1, name="value")
        self.advantage = keras.layers.Dense(len(facts.actions), name="advantage")

    def call(self, observations: Any, symmetry: Any = None, training: bool = False) -> Any:
        window, vector = self.encoder(observations, symmetry)
        return self.in_original_order(self.judge(window, vector, training), symmetry)

    def judge(self, window: Any, vector: Any, training: bool = False) -> Any:
        """Values [n, actions] of encoded observations, in the order of the board as shown; split
        off for learn/frozen.py."""
        features = _joined(self.trunk(window, training=training), vector)
        hidden = self.hidden(features, training=training)
        advantage = self.advantage(hidden)
        advantage -= tf.reduce_mean(advantage, axis=1, keepdims=True)
        return self.value(hidden) + advantage


class RecurrentDQN(keras.Model):
    """A dueling Q-network with a memory: a gated recurrent unit (Cho et al. 2014) between encoder
    and heads, its state going in and out.

    call(observations [n, *observation_shape], state float32 [n, memory_size]) ->
    (values float32 [n, actions], next state float32 [n, memory_size]); zeros begin an episode.
    """

    def __init__(self, facts: GameFacts, config: PolicyConfig):
        super().__init__(name="recurrent_dqn")
        self.encoder = _encoder(facts, config.window, True, config.ways)
        self.trunk = _trunk(facts, config.encoder, 0.0, "trunk")
        self.embed = keras.layers.Dense(config.width, activation="relu", name="embed")
        self.cell = keras.layers.GRUCell(config.memory_size, name="memory")
        self.hidden = _hidden(config.width, 0.0, "hidden")
        self.value = keras.layers.Dense(1, name="value")
        self.advantage = keras.layers.Dense(len(facts.actions), name="advantage")

    def call(self, observations: Any, state: Any) -> tuple[Any, Any]:
        embedded = self.embedded(observations)
        state = self.remember(embedded, state)
        return self.values(embedded, state), state

    def embedded(self, observations: Any) -> Any:
        """Features float32 [n, width] of observations alone."""
        window, vector = self.encoder(observations, None)
        return self.embed(_joined(self.trunk(window), vector))

    def remember(self, embedded: Any, state: Any) -> Any:
        """The next state [n, memory_size]."""
        return self.cell(embedded, [state])[0]

    def values(self, embedded: Any, state: Any) -> Any:
        """Values [n, actions] from what is seen and what is remembered, this step included."""
        hidden = self.hidden(tf.concat([embedded, state], axis=1))
        advantage = self.advantage(hidden)
        return self.value(hidden) + advantage - tf.reduce_mean(advantage, axis=1, keepdims=True)


def build_network(facts: GameFacts, config: PolicyConfig) -> DQN | RecurrentDQN:
    """The Q-network of these settings, with its weights made."""
    example = example_of(facts)
    if config.memory == "gru":
        recurrent = RecurrentDQN(facts, config)
        recurrent(example, tf.zeros([1, config.memory_size]))
        return recurrent
    network = DQN(facts, config)
    network(example)
    return network


def expect_room(network: keras.Model) -> None:
    """Raise ConfigError for a network that no model file has room for, before it is trained."""
    needed, room = 4 * network.count_params(), MAX_MODEL_BYTES - CARD_ROOM
    if needed > room:
        raise ConfigError(
            f"the network's weights take {needed / 2**20:.0f} MiB, and a model file has room for "
            f"{room / 2**20:.0f}: use a smaller --width, or let the env show less (of images "
            "smaller ones: gymnasium.wrappers.ResizeObservation)"
        )


class Discriminator(keras.Model):
    """Judges transitions: one output for every action of a state, high = demonstrated.

    call(observations, symmetry) -> float32 [n, actions]: the logit, or f of the form `advantage`,
    see learn/rewards.py. On a grid it does not see where on the board the player is, so that it
    cannot tell demonstrations by the place. `absorbing` is the logit of the absorbing state.
    """

    def __init__(self, facts: GameFacts, config: PolicyConfig):
        super().__init__(name="discriminator")
        self.encoder = _encoder(facts, config.discriminator_window, False, config.ways)
        dropout = config.discriminator_dropout
        self.in_original_order = _in_original_order(facts)
        self.trunk = _trunk(facts, config.encoder, dropout, "trunk")
        self.hidden = _hidden(config.discriminator_width, dropout, "hidden")
        self.logit = keras.layers.Dense(len(facts.actions), name="logit")
        self.absorbing = self.add_weight(shape=(), initializer="zeros", name="absorbing")

    def call(self, observations: Any, symmetry: Any = None, training: bool = False) -> Any:
        window, vector = self.encoder(observations, symmetry)
        return self.in_original_order(self.judge(window, vector, training), symmetry)

    def judge(self, window: Any, vector: Any, training: bool) -> Any:
        """Outputs [n, actions] of encoded observations, in the order of the board as shown; split
        off for the gradient penalty."""
        features = _joined(self.trunk(window, training=training), vector)
        return self.logit(self.hidden(features, training=training))
