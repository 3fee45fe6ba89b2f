"""The random streams that a game draws from without asking for one of its own."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

_default_rng = np.random.default_rng


def seed_randomness(seed: int) -> None:
    """Begin every random stream that a game draws from without asking for one of its own."""
    random.seed(seed)
    np.random.seed(seed & 0xFFFF_FFFF)
    streams = np.random.SeedSequence(seed)
    make = _default_rng

    def default_rng(given: Any = None) -> np.random.Generator:
        return make(streams.spawn(1)[0] if given is None else given)

    general: Any = np.random
    general.default_rng = default_rng
