"""Tiny ONNX models, small enough that a test can say what they must answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine_plugin.card import CARD_KEY, Card, Decision
from engine_plugin.trajectory import TrajectoryHeader

ACTIONS = ("wait", "left", "right")
LAYOUT = {
    "game": "toy",
    "version": 1,
    "dtype": "uint8",
    "fields": [{"name": "cells", "shape": [2, 2], "low": 0, "high": 9}],
    "actions": list(ACTIONS),
}
# Observation value i is the q value of action i; the fourth is not looked at.
WEIGHTS = np.eye(4, 3, dtype=np.float32)

Builder = Callable[..., bytes]


def policy_card(**changes: Any) -> Card:
    values: dict[str, Any] = {
        "kind": "policy",
        "name": "toy policy",
        "game": "toy",
        "game_version": 1,
        "layout": LAYOUT,
        "actions": ACTIONS,
        "decision": Decision(),
        "training": {"command": "engine-plugin train policy", "seed": 0},
        **changes,
    }
    return Card(**values)


def build_policy(
    card: Card | None = None,
    *,
    weights: np.ndarray = WEIGHTS,
    logarithm: bool = False,
    recurrent: bool = False,
    observation_type: int = TensorProto.UINT8,
    observation_name: str = "observation",
    card_text: str | None = None,
    extra_nodes: tuple[Any, ...] = (),
) -> bytes:
    """q = observation @ weights; with `logarithm` log q (NaN below zero); illegal ones -1e9.

    recurrent: a state [1] is added to the q value of "right" and rises by 1 a step.
    """
    inputs = [
        helper.make_tensor_value_info(observation_name, observation_type, ["batch", 4]),
        helper.make_tensor_value_info("legal_mask", TensorProto.UINT8, ["batch", 3]),
    ]
    outputs = [
        helper.make_tensor_value_info("q_values", TensorProto.FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("action", TensorProto.INT32, ["batch"]),
    ]
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.float32(-1e9), "lowest"),
    ]
    nodes = [
        helper.make_node("Cast", [observation_name], ["x"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "weights"], ["product"]),
        helper.make_node("Log" if logarithm else "Identity", ["product"], ["raw"]),
        helper.make_node("Cast", ["legal_mask"], ["legal"], to=TensorProto.BOOL),
        *extra_nodes,
    ]
    if recurrent:
        inputs.append(helper.make_tensor_value_info("state", TensorProto.FLOAT, ["batch", 1]))
        outputs.append(helper.make_tensor_value_info("next_state", TensorProto.FLOAT, ["batch", 1]))
        constants.append(numpy_helper.from_array(np.array([0, 0, 1], np.float32), "to_right"))
        constants.append(numpy_helper.from_array(np.float32(1), "one"))
        nodes += [
            helper.make_node("Mul", ["state", "to_right"], ["memory"]),
            helper.make_node("Add", ["raw", "memory"], ["values"]),
            helper.make_node("Add", ["state", "one"], ["next_state"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["raw"], ["values"]))
    nodes += [
        helper.make_node("Where", ["legal", "values", "lowest"], ["q_values"]),
        helper.make_node("ArgMax", ["q_values"], ["best"], axis=1, keepdims=0),
        helper.make_node("Cast", ["best"], ["action"], to=TensorProto.INT32),
    ]
    graph = helper.make_graph(nodes, "toy", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    text = (card or policy_card()).to_json() if card_text is None else card_text
    if text:
        helper.set_model_props(model, {"other": "key", CARD_KEY: text})
    return bytes(model.SerializeToString())


@pytest.fixture
def make_card() -> Callable[..., Card]:
    return policy_card


@pytest.fixture
def make_model() -> Builder:
    return build_policy


@pytest.fixture
def edit_model() -> Callable[[bytes, Callable[[onnx.ModelProto], None]], bytes]:
    """Change a model by its protobuf: edit_model(data, change) -> data."""

    def edit(data: bytes, change: Callable[[onnx.ModelProto], None]) -> bytes:
        model = onnx.load_model_from_string(data)
        change(model)
        return bytes(model.SerializeToString())

    return edit


@pytest.fixture
def header() -> TrajectoryHeader:
    """Two players whose observations can be derived."""
    return TrajectoryHeader(
        game="toy",
        game_version=1,
        layout_hash="0123456789abcdef",
        players=("keyboard", "hunter"),
        demonstrated=(0,),
        actions=3,
        tick_rate=10,
        seed=7,
    )
