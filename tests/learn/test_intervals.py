"""Wilson's interval: published values, and what it promises at the ends."""

from __future__ import annotations

import numpy as np
import pytest

from engine_plugin.learn.intervals import share_with_interval, wilson


def test_published_values() -> None:
    """Newcombe (1998), table I, method 3 (the score interval without continuity correction)."""
    for count, total, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        assert wilson(count, total) == pytest.approx((low, high), abs=5e-5)


def test_the_ends_stay_within_0_and_1_and_have_a_width() -> None:
    for total in (1, 7, 400):
        assert wilson(0, total)[0] == 0 < wilson(0, total)[1] < 1
        assert wilson(total, total)[1] == 1 > wilson(total, total)[0] > 0
    assert wilson(0, 0) == (0.0, 1.0)
    assert share_with_interval(0, 0) == {"share": 0.0, "low": 0.0, "high": 1.0}


def test_the_bounds_solve_the_equation_that_defines_them() -> None:
    for count, total in ((3, 10), (150, 400), (399, 400)):
        for bound in wilson(count, total):
            deviations = abs(count / total - bound) / np.sqrt(bound * (1 - bound) / total)
            assert deviations == pytest.approx(1.959964, abs=1e-5)
