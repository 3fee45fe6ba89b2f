"""From checked bytes to an onnxruntime session whose inputs and outputs fit the card.

One thread and no spinning: a small network runs as fast so, and the game keeps its cores.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnxruntime

from engine_plugin.card import Card
from engine_plugin.errors import ModelBrokenError, ModelMismatchError

_TENSOR_NAMES = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}

# name → (tensor type, elements per batch entry; None: any fixed number)
Contract = dict[str, tuple[str, int | None]]


def open_session(data: bytes, card: Card) -> onnxruntime.InferenceSession:
    """A session of the bytes that `read_model` gave, checked against its card.

    Raises ModelBrokenError where onnxruntime refuses the bytes and ModelMismatchError where
    the inputs or outputs are not those that the card promises.
    """
    try:
        # Its fallback prints to stdout and then tries the same provider again.
        session = onnxruntime.InferenceSession(
            data, session_options(), providers=["CPUExecutionProvider"], enable_fallback=0
        )
        found_inputs = _describe(session.get_inputs())
        found_outputs = _describe(session.get_outputs())
    except Exception as error:  # onnxruntime's errors share no base class but Exception
        raise ModelBrokenError(
            f"onnxruntime {onnxruntime.__version__} cannot load {card.name!r}: {_brief(error)}; "
            "export it again or upgrade onnxruntime"
        ) from error
    inputs, outputs = _contract(card)
    if "state" in found_inputs:
        remembered = found_inputs["state"][1][1:]
        fixed = [extent for extent in remembered if isinstance(extent, int)]
        # A size that is not fixed is refused below, as of any input.
        size = math.prod(fixed) if len(fixed) == len(remembered) else None
        inputs["state"] = ("tensor(float)", None)
        outputs["next_state"] = ("tensor(float)", size)
    _check("input", found_inputs, inputs, card)
    _check("output", found_outputs, outputs, card)
    return session


def session_options() -> onnxruntime.SessionOptions:
    """How every graph of ours is run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what goes wrong is raised, not printed
    return options


def run_session(
    session: onnxruntime.InferenceSession, outputs: list[str], feeds: dict[str, np.ndarray]
) -> list[np.ndarray]:
    """One run; every fault of onnxruntime becomes a ModelBrokenError."""
    try:
        return list(session.run(outputs, feeds))
    except Exception as error:  # onnxruntime's errors share no base class but Exception
        raise ModelBrokenError(f"the model failed while running: {_brief(error)}") from error


def _contract(card: Card) -> tuple[Contract, Contract]:
    """(inputs, outputs) of a model of the card's kind."""
    if card.kind == "policy":
        actions = len(card.actions)
        observation = (_TENSOR_NAMES[card.observation_type], card.observation_size)
        return (
            {"observation": observation, "legal_mask": ("tensor(uint8)", actions)},
            {"q_values": ("tensor(float)", actions), "action": ("tensor(int32)", 1)},
        )
    cells = card.height * card.width * len(card.tiles)
    return (
        {
            "latent": ("tensor(float)", card.latent_size),
            "condition": ("tensor(float)", len(card.conditions)),
        },
        {"tile_logits": ("tensor(float)", cells)},
    )


def _describe(nodes: list[Any]) -> dict[str, tuple[str, list[int | str | None]]]:
    """name → (tensor type, shape); reading names that are not UTF-8 raises."""
    return {node.name: (node.type, list(node.shape)) for node in nodes}


def _check(
    side: str,
    found: dict[str, tuple[str, list[int | str | None]]],
    expected: Contract,
    card: Card,
) -> None:
    if set(found) != set(expected):
        raise ModelMismatchError(
            f"{card.name!r}: expected the {side}s {sorted(expected)}, got {sorted(found)}; "
            "export the model with engine-plugin export"
        )
    for name, (kind, size) in expected.items():
        found_kind, shape = found[name]
        free_batch = bool(shape) and not isinstance(shape[0], int)
        extents = [extent for extent in shape[1:] if isinstance(extent, int)]
        if len(extents) == len(shape[1:]):
            fits = size in (None, math.prod(extents))
        else:
            # An exporter may leave output shapes open; the first run shows them.
            fits = side == "output"
        if found_kind != kind or not free_batch or not fits:
            raise ModelMismatchError(
                f"{card.name!r}: expected the {side} {name} as {kind} with a free batch size and "
                f"{size or 'a fixed number of'} values each, got {found_kind} {shape}; "
                "export the model with engine-plugin export"
            )


def _brief(error: Exception) -> str:
    """The first line of an error, short enough for one line on a terminal."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
