"""A symmetry of a game, as what it does to features and actions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Symmetry:
    """The transformed game shows features x'[i] = signs[i] * x[columns[i]], and what was action a
    is action_places[a] there.

    columns: int [size], a permutation; signs: float32 [size], 1 or -1
    action_places: int [actions], a permutation
    """

    columns: np.ndarray
    signs: np.ndarray
    action_places: np.ndarray

    @classmethod
    def none(cls, size: int, actions: int) -> Symmetry:
        """The one that every game has."""
        return cls(np.arange(size), np.ones(size, np.float32), np.arange(actions))

    def on_weights(self, weights: np.ndarray) -> np.ndarray:
        """W' with x @ W' = x' @ W; weights float32 [size, k]."""
        turned = np.empty_like(weights)
        turned[self.columns] = self.signs[:, None] * weights
        return turned

    def gradient_of_weights(self, gradient: np.ndarray) -> np.ndarray:
        """The gradient of W from that of W'."""
        turned: np.ndarray = self.signs[:, None] * gradient[self.columns]
        return turned
