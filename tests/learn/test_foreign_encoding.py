"""What becomes of numbers, images and categories before the first layer, and what has no place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow")

from engine_plugin.errors import ConfigError
from engine_plugin.facts import ForeignField, ForeignGame, fields_of_ranges
from engine_plugin.learn.foreign_encoding import (
    CategoryEncoder,
    ImageEncoder,
    VectorEncoder,
    foreign_encoder,
)
from engine_plugin.learn.scaling import RunningReturns, RunningScale

ACTIONS = ("left", "right")


@settings(max_examples=50, deadline=None)
@given(parts=st.lists(st.integers(1, 9), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_a_running_scale_is_the_mean_and_deviation_of_all_it_saw(
    parts: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    shown = [random.normal(1e4, [1, 30], (count, 2)) for count in parts]
    scale = RunningScale(2)
    for rows in shown:
        scale.add(rows)
    together = np.concatenate(shown)
    np.testing.assert_allclose(scale.mean, together.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(scale.deviation, together.std(axis=0), rtol=1e-6, atol=1e-6)
    again = RunningScale(2)
    again.load_state(scale.save_state())
    for one in (scale, again):
        one.add(together[:1])
    np.testing.assert_array_equal(scale.deviation, again.deviation)


def test_the_size_of_returns_is_that_of_the_discounted_sums_as_they_add_up() -> None:
    returns = RunningReturns(2, 0.5)
    assert returns.size == 1
    for rewards, ended in (([0, 4], [False, True]), ([2, 0], [False, False])):
        returns.add(np.array(rewards, np.float32), np.array(ended))
    # The sums were 0 and 4, then 2 and, after an end, 0.
    assert returns.size == pytest.approx(np.sqrt((16 + 4) / 4))
    again = RunningReturns(2, 0.5)
    again.load_state(returns.save_state())
    for one in (returns, again):
        one.add(np.ones(2, np.float32), np.zeros(2, bool))
    assert returns.size == again.size == pytest.approx(np.sqrt((16 + 4 + 4 + 1) / 6))


def test_numbers_are_normalised_and_limited_and_what_never_varied_is_shifted() -> None:
    encoder = VectorEncoder(3)
    encoder.set_scale(np.array([1.0, -2.0, 5.0]), np.array([2.0, 0.5, 0.0]))
    encoded, rest = encoder(np.array([[3, -2, 6], [1e6, -1e6, 5]], np.float32))
    assert rest is None
    assert encoded.numpy().tolist() == [[1, 0, 1], [10, -10, 0]]


@pytest.mark.parametrize(("highest", "shown", "expected"), [(255, 51, 0.2), (1, 1, 1), (0.5, 1, 1)])
def test_bytes_become_shares_and_bits_stay(highest: float, shown: int, expected: float) -> None:
    encoded, _ = ImageEncoder(highest)(np.full((1, 3, 3, 1), shown, np.uint8))
    np.testing.assert_allclose(encoded, np.full((1, 3, 3, 1), expected), rtol=1e-6)


def test_categories_stand_beside_each_other() -> None:
    encoded, _ = CategoryEncoder((2, 3))(np.array([[1, 0], [0, 2], [7, 1]], np.uint8))
    assert encoded.numpy().tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1], [0, 0, 0, 1, 0]]


def test_the_kind_of_observation_chooses_the_encoder() -> None:
    image = ForeignField("image", (4, 4, 3), 0, 255)
    kinds = {
        "vector": ((ForeignField("x", (2,)),), VectorEncoder),
        "image": ((image,), ImageEncoder),
        "categories": ((ForeignField("id", (1,), 0, 4),), CategoryEncoder),
    }
    for kind, (fields, encoder) in kinds.items():
        facts = ForeignGame("toy", ACTIONS, fields, "uint8", kind)
        assert isinstance(foreign_encoder(facts), encoder)


def test_neighbours_of_one_range_are_one_field() -> None:
    fields = fields_of_ranges("x", np.array([0, 0, -np.inf, 0]), np.array([1, 1, np.inf, 1]))
    assert fields == (
        ForeignField("x[0:2]", (2,), 0, 1),
        ForeignField("x[2:3]", (1,), None, None),
        ForeignField("x[3:4]", (1,), 0, 1),
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "sound"}, "sound"),
        ({"dtype": "float64"}, "float64"),
        ({"actions": ()}, "1 to 255 actions"),
        ({"fields": ()}, "one value or more"),
        ({"kind": "image"}, "three extents"),
        ({"kind": "categories", "fields": (ForeignField("id", (1,), 0, 1e6),)}, "categories"),
    ],
)
def test_facts_that_cannot_be_are_refused(changes: dict[str, object], message: str) -> None:
    values = {"name": "toy", "actions": ACTIONS, "fields": (ForeignField("x", (2,)),), **changes}
    with pytest.raises(ConfigError, match=message):
        ForeignGame(**values)  # type: ignore[arg-type]
