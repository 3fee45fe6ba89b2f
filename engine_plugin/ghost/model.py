"""From examples to a model file: encode, learn, write, load as any other model is loaded."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict

import numpy as np
import onnxruntime

from engine_plugin.card import CARD_KEY, Card, Decision
from engine_plugin.facts import ForeignGame, GameFacts
from engine_plugin.ghost.clone import Clone, GhostConfig
from engine_plugin.ghost.encoders import Encoder, encoder_for
from engine_plugin.ghost.graph import Graph, open_graph
from engine_plugin.ghost.network import Weights, write_network
from engine_plugin.runtime.policy import load_policy

ROWS_AT_ONCE = 128  # encoded in one piece, in a few milliseconds
FORBIDDEN = -1e9  # q value of an action that is not legal

# Shares of the work, for its progress; measured for a grid, which is the longest to encode.
ENCODING_SHARE = 0.1


def raise_ghost(
    facts: GameFacts,
    observations: np.ndarray,
    actions: np.ndarray,
    *,
    name: str,
    safety: str = "none",
    config: GhostConfig | None = None,
) -> Generator[float, None, bytes]:
    """Learn from examples, in pieces of a few milliseconds; the generator yields the share that is
    done and returns the bytes of the model.

    observations [n, obs_size] of the game's dtype, actions uint8 [n]
    name: of the ghost, in its card; safety: the card's, one of card.SAFETIES

    The same examples and seed give the same bytes on the same machine. Raises ConfigError for a
    game whose observations a ghost cannot read, and ModelError kinds where the model is refused.
    """
    config = config or GhostConfig()
    encoder = encoder_for(facts, observations)
    features = np.zeros((len(observations), encoder.size), np.float32)
    encode = open_graph(encoding_graph(facts, encoder))
    for start in range(0, len(observations), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        (features[rows],) = encode.run(["features"], {"observation": observations[rows]})
        yield ENCODING_SHARE * min(start + ROWS_AT_ONCE, len(features)) / len(features)
    clone = Clone(features, actions, len(facts.actions), encoder.symmetries, config)
    for done in clone.pieces():
        yield ENCODING_SHARE + (1 - ENCODING_SHARE) * done
    card = Card(
        kind="policy",
        name=name,
        game=facts.name,
        game_version=facts.version,
        layout=facts.layout(),
        actions=facts.actions,
        decision=Decision(rule="softmax", temperature=1.0, safety=safety),
        period=facts.period if isinstance(facts, ForeignGame) else 1,
        training={
            "maker": "ghost",
            "config": asdict(config),
            "transitions": len(actions),
            "versions": {"numpy": np.__version__, "onnxruntime": onnxruntime.__version__},
        },
    )
    data = model_bytes(facts, encoder, clone.weights, card)
    load_policy(data, game=facts.name, layout_hash=facts.layout_hash)
    return data


def model_bytes(facts: GameFacts, encoder: Encoder, weights: Weights, card: Card) -> bytes:
    """The ONNX file: the encoder, three layers, and the mask of the legal actions."""
    graph, actions = Graph(), len(facts.actions)
    value = encoder.write(graph, _observation_input(graph, facts))
    mask = graph.input("legal_mask", "uint8", None, actions)
    values = write_network(graph, value, [graph.constant(array) for array in weights])[-1]
    forbidden = graph.constant(np.float32(FORBIDDEN))
    values = graph.add("Where", graph.cast(mask, "bool"), values, forbidden)
    best = graph.add("ArgMax", values, axis=1, keepdims=0)
    graph.output(values, "q_values", "float32", None, actions)
    graph.output(graph.cast(best, "int32"), "action", "int32", None)
    return graph.to_bytes("ghost", {CARD_KEY: card.to_json()})


def encoding_graph(facts: GameFacts, encoder: Encoder) -> Graph:
    """observation -> features, of which the model's first nodes are a copy."""
    graph = Graph()
    features = encoder.write(graph, _observation_input(graph, facts))
    graph.output(features, "features", "float32", None, encoder.size)
    return graph


def _observation_input(graph: Graph, facts: GameFacts) -> str:
    size = int(np.prod(facts.observation_shape))
    return graph.input("observation", facts.observation_dtype, None, size)
