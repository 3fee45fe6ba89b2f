"""How an observation becomes the numbers that a ghost's network reads, as nodes of an ONNX graph.

The graph is the only place where it stands: onnxruntime runs it over the examples before anything
is learned, and the same nodes go into the model, so that both see the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from engine_plugin.errors import ConfigError
from engine_plugin.facts import ForeignGame, GameFacts
from engine_plugin.ghost.graph import Graph
from engine_plugin.ghost.grid import GridEncoder
from engine_plugin.ghost.symmetry import Symmetry
from engine_plugin.grid import GridLayout

if TYPE_CHECKING:
    from fastenv import GameSpec

INPUT_LIMIT = 10.0  # of numbers, in standard deviations
SMALLEST_DEVIATION = 1e-3


class Encoder(Protocol):
    """From observations to features.

    size: number of features
    symmetries: under which a game stays the same; the first changes nothing
    """

    @property
    def size(self) -> int: ...
    @property
    def symmetries(self) -> tuple[Symmetry, ...]: ...
    def write(self, graph: Graph, observation: str) -> str:
        """Add the nodes from the value `observation` [batch, obs_size] to the features float32
        [batch, size]."""


@dataclass(frozen=True, eq=False)
class NumbersEncoder:
    """Numbers in units of their standard deviation from their mean, limited to ±10; what never
    varied is only shifted. mean, deviation: float32 [size]"""

    mean: np.ndarray
    deviation: np.ndarray
    symmetries: tuple[Symmetry, ...]

    @classmethod
    def of(cls, observations: np.ndarray, actions: int) -> NumbersEncoder:
        """Scaled by the examples' observations [n, size]."""
        deviation = observations.std(axis=0, dtype=np.float64)
        return cls(
            observations.mean(axis=0, dtype=np.float64).astype(np.float32),
            np.where(deviation > SMALLEST_DEVIATION, deviation, 1.0).astype(np.float32),
            (Symmetry.none(observations.shape[1], actions),),
        )

    @property
    def size(self) -> int:
        return len(self.mean)

    def write(self, graph: Graph, observation: str) -> str:
        shifted = graph.add("Sub", graph.cast(observation, "float32"), graph.constant(self.mean))
        scaled = graph.add("Div", shifted, graph.constant(self.deviation))
        limits = (graph.constant(np.float32(side * INPUT_LIMIT)) for side in (-1, 1))
        return graph.add("Clip", scaled, *limits)


@dataclass(frozen=True, eq=False)
class CategoriesEncoder:
    """Ids as one-hot vectors beside each other; an id out of range is all zeros.

    counts: how many ids each element of the observation can have
    """

    counts: tuple[int, ...]
    symmetries: tuple[Symmetry, ...]

    @property
    def size(self) -> int:
        return sum(self.counts)

    def write(self, graph: Graph, observation: str) -> str:
        places = np.repeat(np.arange(len(self.counts)), self.counts)
        ids = np.concatenate([np.arange(count, dtype=np.int32) for count in self.counts])
        shown = graph.add(
            "Gather", graph.cast(observation, "int32"), graph.integers(*places.tolist()), axis=1
        )
        return graph.cast(graph.add("Equal", shown, graph.constant(ids)), "float32")


def encoder_for(facts: GameFacts, observations: np.ndarray) -> Encoder:
    """The encoder of a game; numbers are scaled by the observations [n, obs_size].

    Raises ConfigError for games whose observations are images.
    """
    kind, actions = facts.observation_kind, len(facts.actions)
    if kind == "grid":
        return GridEncoder(GridLayout.of(cast("GameSpec", facts)), facts.actions)
    if kind == "categories" and isinstance(facts, ForeignGame):
        counts = facts.categories
        return CategoriesEncoder(counts, (Symmetry.none(sum(counts), actions),))
    if kind == "vector":
        return NumbersEncoder.of(observations, actions)
    raise ConfigError(
        f"expected observations that are numbers, categories or a grid, got {kind!r} of "
        f"{facts.name}; a ghost has no eyes for it, engine-plugin train has"
    )
