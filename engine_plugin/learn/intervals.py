"""How sure a share is: the interval of Wilson, the one place where shares get their bounds."""

from __future__ import annotations

import math
from statistics import NormalDist

CONFIDENCE = 0.95
QUANTILE = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
"""Standard deviations to each side that hold 95 % of a normal distribution: 1.96."""


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval (low, high) of a share of which `count` in `total` was seen.

    Wilson (1927): all p for which what was seen lies within z standard deviations of p,

        (count / total - p)^2 <= z^2 p (1 - p) / total,

    a quadratic in p with the roots below. Unlike count / total +- z s it stays within 0 and 1 and
    has a width where nothing, or everything, was seen. Nothing seen at all: (0, 1).
    """
    if total == 0:
        return 0.0, 1.0
    spread = QUANTILE**2 / total
    share = count / total
    middle = share + spread / 2
    reach = math.sqrt(share * (1 - share) * spread + spread**2 / 4)
    low, high = ((middle + sign * reach) / (1 + spread) for sign in (-1, 1))
    # Rounding must not leave 0 or 1 outside where the count says that they are possible.
    return (0.0 if count == 0 else low), (1.0 if count == total else high)


def share_with_interval(count: int, total: int) -> dict[str, float]:
    """{"share", "low", "high"}, rounded, as results carry it."""
    low, high = wilson(count, total)
    share = count / total if total else 0.0
    return {"share": round(share, 4), "low": round(low, 4), "high": round(high, 4)}
