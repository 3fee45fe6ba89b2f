"""The recurrent learner against values worked out by hand: its targets, and what it remembers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
import tensorflow as tf

from engine_plugin.facts import ForeignField, ForeignGame
from engine_plugin.learn.acting import Actor, Values
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.recurrent import RecurrentLearner
from engine_plugin.learn.replay import ReplayBuffer, Sequences

FACTS = ForeignGame("toy", ("left", "right"), (ForeignField("x", (2,)),))


def learner(**settings: Any) -> RecurrentLearner:
    values = {"out": "unused", "env": "toy", "memory": "gru", "memory_size": 4, "width": 8,
              "n_step": 1, "gamma": 0.5, "burn_in": 2, "sequence": 3, "steps": 100}
    keras.utils.set_random_seed(1)
    return RecurrentLearner(FACTS, PolicyConfig(**{**values, **settings}).resolved())


def stretch(steps: int, ends: tuple[int, ...] = (), rules: bool = True, seed: int = 0) -> Sequences:
    """Two rows of random play; both end an episode at the steps `ends`."""
    random = np.random.default_rng(seed)
    ended = np.zeros((2, steps), np.float32)
    ended[:, list(ends)] = 1
    return Sequences(
        observations=random.normal(size=(2, steps, 2)).astype(np.float32),
        actions=random.integers(0, 2, (2, steps)).astype(np.int32),
        rewards=random.normal(size=(2, steps)).astype(np.float32),
        next_observations=random.normal(size=(2, steps, 2)).astype(np.float32),
        next_allowed=np.ones((2, steps, 2), np.uint8),
        terminated=ended if rules else np.zeros_like(ended),
        ended=ended,
        state=random.normal(size=(2, 4)).astype(np.float32),
    )


@pytest.mark.parametrize("n_step", (1, 2, 3))
@pytest.mark.parametrize("rules", (True, False))
def test_targets_sum_rewards_up_to_the_end_and_go_on_from_a_cut(n_step: int, rules: bool) -> None:
    made, batch = learner(n_step=n_step), stretch(5, ends=(2,), rules=rules)
    after = np.arange(10, dtype=np.float32).reshape(2, 5) + 1
    goals = made._goals(batch, tf.constant(after)).numpy()
    for row in range(2):
        for start in range(5):
            # From each start: the end, the stretch's end, or n steps, whichever comes first.
            last = min([start + n_step - 1, 4, *([2] if start <= 2 else [])])
            expected = sum(0.5 ** (step - start) * batch.rewards[row, step]
                           for step in range(start, last + 1))
            if not (rules and last == 2):
                expected += 0.5 ** (last - start + 1) * after[row, last]
            assert goals[row, start] == pytest.approx(expected, rel=1e-4)


def test_reading_a_stretch_is_acting_step_by_step_and_forgets_at_an_end() -> None:
    made, batch = learner(), stretch(6, ends=(3,))
    values, states, state = made._read(made.network, batch, tf.constant(batch.state))
    remembered = batch.state
    allowed = np.ones((2, 2), np.uint8)
    for step in range(6):
        shown, remembered = made.act(batch.observations[:, step], allowed, remembered)
        np.testing.assert_allclose(values[:, step], shown, atol=1e-5)
        np.testing.assert_allclose(states[:, step], remembered, atol=1e-5)
        remembered = np.asarray(remembered) * (1 - batch.ended[:, step, None])
    np.testing.assert_allclose(state, remembered, atol=1e-5)


def test_burn_in_is_read_and_not_learned_from() -> None:
    """Rewards of the first steps change nothing; what was shown in them does."""
    batch = stretch(5)
    early_paid = batch._replace(rewards=batch.rewards.copy())
    early_paid.rewards[:, :2] += 100
    early_seen = batch._replace(observations=batch.observations.copy())
    early_seen.observations[:, :2] += 1
    losses = [
        float(learner().update_many(Sequences(*(part[None] for part in shown)))[0])
        for shown in (batch, early_paid, early_seen)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_what_is_not_allowed_next_is_not_chosen_in_the_target() -> None:
    made, batch = learner(burn_in=0), stretch(3)
    states = tf.zeros([2, 3, 4])
    forbidden = batch._replace(next_allowed=np.tile(np.array([0, 1], np.uint8), (2, 3, 1)))
    values = made._values_after(made.network, forbidden, states).numpy()
    assert (values[..., 0] == -1e9).all() and (values[..., 1] > -1e3).all()


def test_sampled_stretches_are_what_was_played() -> None:
    buffer, random = ReplayBuffer(9, 2, (1,), 2, "float32", state_size=1), np.random.default_rng(0)
    for number in range(14):
        buffer.add(
            observations=np.array([[number], [number + 100]]), allowed=1, actions=number % 2,
            rewards=np.array([number, -number]), next_allowed=1,
            next_observations=np.array([[number + 1], [number + 101]]),
            terminated=number == 8, truncated=number == 11,
            states=np.array([[number / 2], [number / 4]]),
        )
    batch = buffer.sample_sequences(random, 300, 4)
    starts = set()
    for row in range(300):
        env, start = divmod(int(batch.observations[row, 0, 0]), 100)
        starts.add((start, env))
        numbers = np.arange(start, start + 4)
        assert batch.observations[row, :, 0].tolist() == (numbers + 100 * env).tolist()
        assert batch.next_observations[row, :, 0].tolist() == (numbers + 1 + 100 * env).tolist()
        assert batch.rewards[row].tolist() == (numbers * (1 - 2 * env)).tolist()
        assert batch.actions[row].tolist() == (numbers % 2).tolist()
        assert batch.terminated[row].tolist() == (numbers == 8).tolist()
        assert batch.ended[row].tolist() == ((numbers == 8) | (numbers == 11)).tolist()
        assert batch.state[row, 0] == start / (4 if env else 2)
    # Held are 5 to 13; a stretch of four begins at 10 at the latest.
    assert starts == {(start, env) for start in range(5, 11) for env in (0, 1)}
    with pytest.raises(ValueError, match="at least 10"):
        buffer.sample_sequences(random, 1, 10)


def test_an_actor_forgets_the_rows_whose_episode_has_ended() -> None:
    values = Values(lambda seen, allowed, state: (np.zeros((2, 2)), state + 1), state_size=3)
    actor = Actor(values, PolicyConfig(out="", reward="game").resolved(), 0)
    for _ in range(2):
        actor(np.zeros((2, 1), np.float32), np.ones((2, 2), np.uint8))
    actor.forget(np.array([True, False]))
    assert values.state_of(2).tolist() == [[0, 0, 0], [2, 2, 2]]
