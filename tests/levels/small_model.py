"""The smallest generator model: logits = latent W + condition V + b."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine_plugin.card import Card
from engine_plugin.export.card_io import attach_card


def linear_model(card: Card, spread: float = 1.0, bias: np.ndarray | None = None) -> bytes:
    """An ONNX generator with this card and random weights; bias: [height, width, tiles]."""
    random = np.random.default_rng(0)
    shape = (card.height, card.width, len(card.tiles))
    size = int(np.prod(shape))
    weights = {
        "w": random.normal(0, spread, (card.latent_size, size)),
        "v": random.normal(0, spread, (len(card.conditions), size)),
        "b": np.zeros(size) if bias is None else bias.reshape(-1),
    }
    initializers = [
        numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()
    ]
    initializers.append(numpy_helper.from_array(np.array([-1, *shape], np.int64), "shape"))
    nodes = [
        helper.make_node("MatMul", ["latent", "w"], ["lw"]),
        helper.make_node("MatMul", ["condition", "v"], ["cv"]),
        helper.make_node("Add", ["lw", "cv"], ["sum"]),
        helper.make_node("Add", ["sum", "b"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["tile_logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "generator",
        [
            helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["n", card.latent_size]),
            helper.make_tensor_value_info(
                "condition", TensorProto.FLOAT, ["n", len(card.conditions)]
            ),
        ],
        [helper.make_tensor_value_info("tile_logits", TensorProto.FLOAT, ["n", *shape])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return attach_card(model.SerializeToString(), card)
