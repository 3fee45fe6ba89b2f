"""Writes a trained level generator as ONNX, if the file computes what TensorFlow computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf2onnx

from engine_plugin.card import Card
from engine_plugin.errors import ParityError
from engine_plugin.export.card_io import attach_card
from engine_plugin.files import atomic_write
from engine_plugin.runtime.loading import read_model
from engine_plugin.runtime.session import open_session, run_session

OPSET = 17
TOLERANCE = 1e-4
_COMPARED_LEVELS = 64

# (latent float32 [batch, z], condition float32 [batch, c]) -> tile logits float32 [batch, h, w, t]
GeneratorFunction = Callable[[Any, Any], Any]


def export_generator(generator: GeneratorFunction, card: Card, path: str | Path) -> float:
    """Write the generator and its card to `path`; return the largest difference that was found.

    Raises ParityError, and writes nothing, if onnxruntime's logits differ from TensorFlow's by
    more than TOLERANCE on random latents and conditions.
    """
    data = attach_card(_to_onnx(generator, card), card)
    difference = largest_difference(generator, data)
    if not difference <= TOLERANCE:
        raise ParityError(
            f"expected tile logits within {TOLERANCE} of TensorFlow's, got a difference of "
            f"{difference:.3g}; {path} was not written. Update tf2onnx and onnxruntime together"
        )
    atomic_write(path, data)
    return difference


def largest_difference(generator: GeneratorFunction, model: bytes, seed: int = 0) -> float:
    """Largest |TensorFlow - onnxruntime| of the tile logits on random latents."""
    data, card = read_model(model)
    session = open_session(data, card)
    random = np.random.default_rng(seed)
    latent = random.standard_normal((_COMPARED_LEVELS, card.latent_size)).astype(np.float32)
    low, high = np.array([condition[1:] for condition in card.conditions], np.float32).T
    condition = random.uniform(low, high, (_COMPARED_LEVELS, len(low))).astype(np.float32)
    ours = run_session(session, ["tile_logits"], {"latent": latent, "condition": condition})[0]
    theirs = np.asarray(generator(tf.constant(latent), tf.constant(condition)))
    if ours.shape != theirs.shape:
        raise ParityError(f"expected tile logits {theirs.shape}, got {ours.shape}")
    return float(np.abs(ours - theirs).max())


def _to_onnx(generator: GeneratorFunction, card: Card) -> bytes:
    latent = tf.TensorSpec((None, card.latent_size), tf.float32, name="latent")
    condition = tf.TensorSpec((None, len(card.conditions)), tf.float32, name="condition")

    @tf.function(input_signature=[latent, condition])
    def generate(latent: tf.Tensor, condition: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"tile_logits": tf.identity(generator(latent, condition))}

    model, _ = tf2onnx.convert.from_function(
        generate, input_signature=[latent, condition], opset=OPSET
    )
    serialized: bytes = model.SerializeToString()
    return serialized
