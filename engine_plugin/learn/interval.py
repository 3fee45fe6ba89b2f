"""What has been measured since the last evaluation, as sums that a checkpoint can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Interval:
    """Means of named figures; `state` is JSON-ready, `Interval(state)` goes on from it exactly."""

    def __init__(self, state: dict[str, list[float]] | None = None):
        stored = state or {}
        self.sums = {name: (float(total), int(count)) for name, (total, count) in stored.items()}

    def add(self, names: Sequence[str], values: np.ndarray) -> None:
        """One measurement of each name, values float [names]."""
        for name, value in zip(names, values.tolist(), strict=True):
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + value, count + 1)

    def means(self) -> dict[str, float]:
        """Means by name, rounded for the log."""
        return {name: round(total / count, 4) for name, (total, count) in self.sums.items()}

    def state(self) -> dict[str, Any]:
        return {name: [total, count] for name, (total, count) in self.sums.items()}
