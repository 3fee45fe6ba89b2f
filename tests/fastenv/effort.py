"""How much the long tests do: all, or, where every instruction is watched, a share of it.

The share is in the environment variable FASTENV_TEST_EFFORT, above 0 and at most 1.
"""

from __future__ import annotations

import os

EFFORT = float(os.environ.get("FASTENV_TEST_EFFORT", "1"))


def scaled(count: int) -> int:
    """That share of a number of examples, envs or steps."""
    return max(1, round(count * EFFORT))
