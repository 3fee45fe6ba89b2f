"""The network of a ghost, three layers, and the gradients of its loss, as an ONNX graph.

onnxruntime computes them and not NumPy, whose matrix products take as many threads as the machine
has cores: the game's own among them, and on a busy machine they wait for each other more than they
work. Here it is one thread, which never holds the interpreter while it computes.

Of weights W, b of the layers, features x and demonstrated actions a, the loss is the mean over the
examples of

    z - v_a + z² / 2,   v = W₃ relu(W₂ relu(W₁ x + b₁) + b₂) + b₃,   z = log sum exp v.

The first two terms are -log softmax(v)_a. The last pulls to 0 what they leave free, so that the
values are log probabilities themselves. Over all actions, also forbidden ones: what the player
never does becomes improbable without any filter. Its gradient by v is
(1 + z) softmax(v) - [a demonstrated].
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import onnxruntime

from engine_plugin.ghost.graph import Graph
from engine_plugin.runtime.session import session_options

LAYERS = 3
Weights = list[np.ndarray]
"""[weights, bias] of each layer, float32 [inputs, outputs] and [outputs]."""


def first_weights(
    inputs: int, width: int, actions: int, random: np.random.Generator
) -> Weights:
    """Normal with variance 2 / inputs (He et al. 2015), the last layer a tenth of that wide."""
    weights: Weights = []
    for layer, (size, outputs) in enumerate(pairwise((inputs, *[width] * (LAYERS - 1), actions))):
        deviation = np.sqrt(2 / size) * (0.1 if layer == LAYERS - 1 else 1.0)
        weights.append((random.standard_normal((size, outputs)) * deviation).astype(np.float32))
        weights.append(np.zeros(outputs, np.float32))
    return weights


def write_network(graph: Graph, features: str, parameters: list[str]) -> list[str]:
    """Add the layers; `parameters` are the values of `Weights`. Returns what each layer reads,
    and last the values v [batch, actions]."""
    layers = [features]
    for layer in range(LAYERS):
        value = graph.add("Gemm", layers[-1], *parameters[2 * layer : 2 * layer + 2])
        layers.append(graph.add("Relu", value) if layer < LAYERS - 1 else value)
    return layers


class Gradients:
    """The gradients of the loss for networks of these sizes; it keeps no weights."""

    def __init__(self, inputs: int, width: int, actions: int) -> None:
        sizes = (inputs, *[width] * (LAYERS - 1), actions)
        self._actions = actions
        self._parameters = [f"{kind}_{layer}" for layer in range(LAYERS) for kind in "Wb"]
        data = self._graph(list(pairwise(sizes))).to_bytes("gradients", {})
        self._session = onnxruntime.InferenceSession(
            data, session_options(), providers=["CPUExecutionProvider"]
        )

    def __call__(
        self, weights: Weights, features: np.ndarray, actions: np.ndarray
    ) -> tuple[float, Weights]:
        """The loss and its gradients by the weights; features float32 [n, inputs], actions [n]."""
        shown = np.zeros((len(features), self._actions), np.float32)
        shown[np.arange(len(features)), actions] = 1
        feeds = dict(zip(self._parameters, weights, strict=True))
        feeds |= {"features": features, "shown": shown}
        names = ["losses", *(f"gradient_{name}" for name in self._parameters)]
        losses, *gradients = self._session.run(names, feeds)
        return float(losses.mean()), gradients

    def _graph(self, sizes: list[tuple[int, int]]) -> Graph:
        graph = Graph()
        features = graph.input("features", "float32", None, sizes[0][0])
        shown = graph.input("shown", "float32", None, self._actions)
        parameters = []
        for layer, (size, outputs) in enumerate(sizes):
            parameters.append(graph.input(f"W_{layer}", "float32", size, outputs))
            parameters.append(graph.input(f"b_{layer}", "float32", outputs))
        *layers, values = write_network(graph, features, parameters)
        second, one = graph.integers(1), graph.constant(np.float32(1))
        normaliser = graph.add("ReduceLogSumExp", values, second, keepdims=1)
        chosen = graph.add(
            "ReduceSum", graph.add("Mul", values, shown), second, keepdims=1
        )
        half = graph.add("Mul", normaliser, graph.constant(np.float32(0.5)))
        losses = graph.add(
            "Add", graph.add("Sub", normaliser, chosen), graph.add("Mul", normaliser, half)
        )
        slope = graph.add(
            "Sub",
            graph.add(
                "Mul", graph.add("Softmax", values, axis=1), graph.add("Add", normaliser, one)
            ),
            shown,
        )
        rows = graph.slice(graph.add("Shape", features), 0, 1, 0)
        slope = graph.add("Div", slope, graph.cast(rows, "float32"))
        graph.output(losses, "losses", "float32", None, 1)
        for layer in reversed(range(LAYERS)):
            size, outputs = sizes[layer]
            by_weights = graph.add("Gemm", layers[layer], slope, transA=1)
            graph.output(by_weights, f"gradient_W_{layer}", "float32", size, outputs)
            by_bias = graph.add("ReduceSum", slope, graph.integers(0), keepdims=0)
            graph.output(by_bias, f"gradient_b_{layer}", "float32", outputs)
            if layer:
                nothing = graph.constant(np.float32(0))
                active = graph.add("Greater", layers[layer], nothing)
                slope = graph.add("Gemm", slope, parameters[2 * layer], transB=1)
                slope = graph.add("Where", active, slope, nothing)
        return graph
