"""Types of the ways; what they are stands in ways.pyx."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

class WaysFinder:
    targets: int
    def __init__(
        self,
        *,
        size: int,
        height: int,
        width: int,
        cells: int,
        own_row: int,
        own_column: int,
        foe_row: int,
        foe_column: int,
        reach: int,
        wall: int,
        solid: Sequence[int],
        opaque: Sequence[int],
        things: Sequence[int],
        longest: int,
        line: int,
    ) -> None: ...
    def find(self, observations: NDArray[np.uint8], out: NDArray[np.uint8]) -> None: ...
