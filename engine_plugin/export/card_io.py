"""Puts a card into the bytes of an ONNX model; `engine_plugin.card.read_card` takes it out."""

from __future__ import annotations

import onnx

from engine_plugin.card import CARD_KEY, Card


def attach_card(model_bytes: bytes, card: Card) -> bytes:
    """The same model with this card, in place of any it had."""
    model = onnx.load_model_from_string(model_bytes)
    for index in reversed(range(len(model.metadata_props))):
        if model.metadata_props[index].key == CARD_KEY:
            del model.metadata_props[index]
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card.to_json()
    serialized: bytes = model.SerializeToString()
    return serialized
