"""Writes a trained policy as ONNX, if the file decides as TensorFlow does.

All preprocessing is inside the graph. Inputs: `observation` uint8 or float32 [batch, obs_size] (of
an image [batch, height, width, channels]), `legal_mask` uint8 [batch, actions]. Outputs: `q_values`
float32 [batch, actions], -1e9 where not legal, and `action` int32 [batch], the best legal one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf2onnx

from engine_plugin.card import Card, Decision
from engine_plugin.errors import ParityError
from engine_plugin.export.card_io import attach_card
from engine_plugin.facts import GameFacts
from engine_plugin.files import atomic_write
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.dqn import allowed_only
from engine_plugin.learn.networks import DQN
from engine_plugin.runtime.policy import load_policy

OPSET = 18  # the first with integers combined bit by bit
TOLERANCE = 1e-4


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
        training=training,
        evaluation=evaluation,
    )


def export_policy(
    network: DQN, card: Card, path: str | Path, observations: np.ndarray, masks: np.ndarray
) -> float:
    """Write network and card to `path`; return the largest difference of a q value that was found.

    observations [n, *observation_shape], masks uint8 [n, actions]: recorded in play, to compare on.
    Raises ParityError, and writes nothing, where onnxruntime's values differ from TensorFlow's by
    more than 1e-4, or its action does although the two best values differ by more than that.
    """
    data = attach_card(_to_onnx(network, card, observations.shape[1:]), card)
    ours = np.asarray(load_policy(data).q_values(observations, masks))
    theirs = allowed_only(network(tf.constant(observations)), tf.constant(masks)).numpy()
    difference = float(np.abs(ours - theirs).max())
    best = np.sort(theirs, axis=1)
    clear = best[:, -1] - best[:, -2] > TOLERANCE
    disagreeing = int((clear & (ours.argmax(axis=1) != theirs.argmax(axis=1))).sum())
    if not difference <= TOLERANCE or disagreeing:
        raise ParityError(
            f"expected q values within {TOLERANCE} of TensorFlow's and the same actions, got a "
            f"difference of {difference:.3g} and {disagreeing} other actions; {path} was not "
            "written. Update tf2onnx and onnxruntime together"
        )
    atomic_write(path, data)
    return difference


def _to_onnx(network: DQN, card: Card, observation_shape: tuple[int, ...]) -> bytes:
    observation = tf.TensorSpec(
        (None, *observation_shape), card.observation_type, name="observation"
    )
    legal_mask = tf.TensorSpec((None, len(card.actions)), tf.uint8, name="legal_mask")

    @tf.function(input_signature=[observation, legal_mask])
    def decide(observation: tf.Tensor, legal_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        values = allowed_only(network(observation), tf.cast(legal_mask, tf.int32))
        action = tf.argmax(values, axis=1, output_type=tf.int32)
        return {"q_values": tf.identity(values), "action": tf.identity(action)}

    model, _ = tf2onnx.convert.from_function(
        decide, input_signature=[observation, legal_mask], opset=OPSET
    )
    serialized: bytes = model.SerializeToString()
    return serialized
