"""Types of the yardstick; what it is for stands in yardstick.pyx."""

import numpy as np
from numpy.typing import NDArray

def copy_rows(target: NDArray[np.uint8], source: NDArray[np.uint8], times: int) -> None: ...
