"""The DQN with a memory, learned from stretches of play (R2D2, Kapturowski et al. 2019).

What the network remembered when a stretch began was stored with it. The network has changed since:
it first reads `burn_in` steps without learning, so that what it remembers is its own again, and
then learns from the `sequence` steps after them. Double, dueling and masked as in dqn.py.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from engine_plugin.facts import GameFacts
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.dqn import ValueLearner, allowed_only
from engine_plugin.learn.networks import RecurrentDQN, compiled_updates
from engine_plugin.learn.replay import Sequences


class RecurrentLearner(ValueLearner):
    """As DQNLearner, with a state: `act` and `act_averaged` take (observations, allowed, state) and
    give (values, next state); `update_many` takes Sequences with a leading axis [K]."""

    def __init__(self, facts: GameFacts, config: PolicyConfig):
        super().__init__(facts, config)
        self.state_size = config.memory_size
        self.act = tf.function(self._act, autograph=False)
        self.act_averaged = tf.function(self._act_averaged, autograph=False)
        self.update_many = compiled_updates(self._update_many, facts, config)

    def _act(self, observations: Any, allowed: Any, state: Any) -> tuple[Any, Any]:
        values, state = self.network(observations, state)
        return allowed_only(values, allowed), state

    def _act_averaged(self, observations: Any, allowed: Any, state: Any) -> tuple[Any, Any]:
        values, state = self.target(observations, state)
        return allowed_only(values, allowed), state

    def _update_many(self, batches: Sequences) -> Any:
        """One gradient step after the other; means of loss, value and reward, float32 [3]."""
        count = batches.actions.shape[0]

        def one(index: Any, sums: Any) -> tuple[Any, Any]:
            return index + 1, sums + self._update(Sequences(*(part[index] for part in batches)))

        _, sums = tf.while_loop(lambda index, _: index < count, one, [0, tf.zeros(3)])
        return sums / count

    def _update(self, batch: Sequences) -> Any:
        burn_in = self.config.burn_in
        early = Sequences._make([*(part[:, :burn_in] for part in batch[:-1]), batch.state])
        late = Sequences._make([*(part[:, burn_in:] for part in batch[:-1]), batch.state])
        state, target_state = batch.state, batch.state
        if burn_in:
            state = self._read(self.network, early, state)[2]
            target_state = self._read(self.target, early, target_state)[2]
        _, judged, _ = self._read(self.target, late, target_state)
        judged = self._values_after(self.target, late, judged)
        with tf.GradientTape() as tape:
            values, states, _ = self._read(self.network, late, state)
            value = tf.gather(values, late.actions, batch_dims=2)
            preferred = tf.argmax(
                self._values_after(self.network, late, states), axis=2, output_type=tf.int32
            )
            after = tf.gather(judged, preferred, batch_dims=2)
            goal = tf.stop_gradient(self._goals(late, after))
            loss = tf.reduce_mean(keras.losses.huber(goal[..., None], value[..., None]))
        self.apply(tape.gradient(loss, self.network.trainable_variables))
        self.follow()
        return tf.stack([loss, tf.reduce_mean(value), tf.reduce_mean(self._paid(late))])

    def _paid(self, batch: Sequences) -> Any:
        """Rewards [B, T] by config."""
        if self.config.reward == "constant":
            return tf.ones_like(batch.rewards)
        return self.config.game_weight * batch.rewards

    def _goals(self, batch: Sequences, after: Any) -> Any:
        """n-step targets [B, T] from V of the next observations `after` [B, T].

        G(1, t) = r_t + gamma V_t, without V where the rules ended the episode; G(n, t) = r_t +
        gamma G(n - 1, t + 1) where the episode goes on within the stretch, else G(1, t).
        """
        rewards = self._paid(batch)
        single = rewards + self.config.gamma * (1 - batch.terminated) * after
        goal = single
        for _ in range(self.config.n_step - 1):
            further = rewards[:, :-1] + self.config.gamma * goal[:, 1:]
            further = tf.where(batch.ended[:, :-1] > 0, single[:, :-1], further)
            goal = tf.concat([further, single[:, -1:]], axis=1)
        return goal

    @staticmethod
    def _read(network: RecurrentDQN, batch: Sequences, state: Any) -> tuple[Any, Any, Any]:
        """(values [B, T, actions], states after each step [B, T, s], state to go on with [B, s])
        of reading the stretches from `state`; after the end of an episode it begins with zeros."""
        rows, steps = batch.actions.shape
        flat = tf.reshape(batch.observations, [-1, *batch.observations.shape[2:]])
        embedded = network.embedded(flat)
        seen = tf.reshape(embedded, [rows, steps, embedded.shape[-1]])

        def one(carried: Any, step: Any) -> tuple[Any, Any]:
            features, goes_on = step
            state = network.remember(features, carried[1])
            return state, state * goes_on[:, None]

        # Step by step in a loop of the graph: unrolled, it takes minutes to compile.
        along_time = (tf.transpose(seen, [1, 0, 2]), tf.transpose(1 - batch.ended))
        remembered, carried = tf.scan(one, along_time, (state, state))
        remembered = tf.transpose(remembered, [1, 0, 2])
        state = carried[-1]
        values = network.values(embedded, tf.reshape(remembered, [rows * steps, -1]))
        return tf.reshape(values, [rows, steps, -1]), remembered, state

    @staticmethod
    def _values_after(network: RecurrentDQN, batch: Sequences, states: Any) -> Any:
        """Values [B, T, actions] of the next observations, -1e9 where not allowed."""
        rows, steps = batch.actions.shape
        flat = tf.reshape(batch.next_observations, [-1, *batch.next_observations.shape[2:]])
        values, _ = network(flat, tf.reshape(states, [rows * steps, -1]))
        allowed = tf.reshape(batch.next_allowed, [rows * steps, -1])
        return tf.reshape(allowed_only(values, allowed), [rows, steps, -1])
