"""Writes a trained policy as ONNX, if the file decides as TensorFlow does.

All preprocessing is inside the graph. Inputs: `observation` uint8 or float32 [batch, obs_size] (of
an image [batch, height, width, channels]), `legal_mask` uint8 [batch, actions]. Outputs: `q_values`
float32 [batch, actions], -1e9 where not legal, and `action` int32 [batch], the best legal one. One
that remembers also has the input `state` and the output `next_state`, float32 [batch, memory_size].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tf2onnx

from engine_plugin.card import Card, Decision
from engine_plugin.errors import ParityError
from engine_plugin.export.card_io import attach_card
from engine_plugin.facts import ForeignGame, GameFacts
from engine_plugin.files import atomic_write
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.dqn import allowed_only
from engine_plugin.learn.networks import DQN, RecurrentDQN
from engine_plugin.runtime.policy import load_policy

OPSET = 18  # the first with integers combined bit by bit
TOLERANCE = 1e-4

Network = DQN | RecurrentDQN


class Tick(NamedTuple):
    """One tick of recorded play, for n rows: observations [n, *observation_shape], masks uint8
    [n, actions], TensorFlow's values float32 [n, actions]."""

    observations: np.ndarray
    masks: np.ndarray
    values: np.ndarray


def policy_card(
    name: str,
    facts: GameFacts,
    config: PolicyConfig,
    training: dict[str, Any],
    evaluation: dict[str, Any],
) -> Card:
    """The card of a policy trained by `config`; `name` is shown to people."""
    return Card(
        kind="policy",
        name=name,
        game=facts.name,
        game_version=facts.version,
        layout=facts.layout(),
        actions=facts.actions,
        decision=Decision(
            rule="softmax" if config.policy == "soft" else "greedy",
            temperature=config.play_temperature,
            safety=config.safety,
        ),
        period=facts.period if isinstance(facts, ForeignGame) else 1,
        training=training,
        evaluation=evaluation,
    )


def masked_values(network: Network) -> Callable[..., Any]:
    """The network with its mask: (observations, masks[, state]) -> values[, next state]."""
    if isinstance(network, RecurrentDQN):

        def remembering(observations: Any, masks: Any, state: Any) -> tuple[Any, Any]:
            values, state = network(tf.convert_to_tensor(observations), state)
            return allowed_only(values, tf.cast(masks, tf.int32)), state

        return remembering
    return lambda observations, masks: allowed_only(
        network(tf.convert_to_tensor(observations)), tf.cast(masks, tf.int32)
    )


def export_policy(network: Network, card: Card, path: str | Path, ticks: Sequence[Tick]) -> float:
    """Write network and card to `path`; return the largest difference of a q value that was found.

    ticks: recorded play of all rows from their first tick on, to compare on
    Raises ParityError, and writes nothing, where onnxruntime's values differ from TensorFlow's by
    more than 1e-4 (of the largest value, where that is above 1: float32 holds seven digits), or its
    action does although the two best values differ by more than that.
    """
    data = attach_card(_to_onnx(network, card, ticks[0].observations.shape[1:]), card)
    policy = load_policy(data)
    ours = np.concatenate([policy.q_values(tick.observations, tick.masks) for tick in ticks])
    theirs = np.concatenate([tick.values for tick in ticks])
    masks = np.concatenate([tick.masks for tick in ticks])
    difference = float(np.abs(ours - theirs).max())
    tolerance = TOLERANCE * max(1.0, float(np.abs(theirs[masks > 0]).max()))
    best = np.sort(theirs, axis=1)
    second = best[:, -2] if best.shape[1] > 1 else np.full(len(best), -np.inf)
    clear = best[:, -1] - second > tolerance
    disagreeing = int((clear & (ours.argmax(axis=1) != theirs.argmax(axis=1))).sum())
    if not difference <= tolerance or disagreeing:
        raise ParityError(
            f"expected q values within {tolerance:.3g} of TensorFlow's and the same actions, got a "
            f"difference of {difference:.3g} and {disagreeing} other actions; {path} was not "
            "written. Update tf2onnx and onnxruntime together"
        )
    atomic_write(path, data)
    return difference


def _to_onnx(network: Network, card: Card, observation_shape: tuple[int, ...]) -> bytes:
    signature = [
        tf.TensorSpec((None, *observation_shape), card.observation_type, name="observation"),
        tf.TensorSpec((None, len(card.actions)), tf.uint8, name="legal_mask"),
    ]
    if isinstance(network, RecurrentDQN):
        signature.append(tf.TensorSpec((None, network.cell.units), tf.float32, name="state"))
    values_of = masked_values(network)

    @tf.function(input_signature=signature)
    def decide(observation: Any, legal_mask: Any, *state: Any) -> dict[str, Any]:
        answer = values_of(observation, legal_mask, *state)
        values = answer[0] if state else answer
        action = tf.argmax(values, axis=1, output_type=tf.int32)
        named = {"q_values": tf.identity(values), "action": tf.identity(action)}
        return named | ({"next_state": tf.identity(answer[1])} if state else {})

    model, _ = tf2onnx.convert.from_function(decide, input_signature=signature, opset=OPSET)
    serialized: bytes = model.SerializeToString()
    return serialized
