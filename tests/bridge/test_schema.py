"""What a seat sees: fields of every kind, their scale, and everything that must not change."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pygame
import pytest

from engine_plugin.bridge.schema import Schema
from engine_plugin.errors import ConfigError, GameLoopError

ARENA = pygame.Rect(100, 0, 200, 100)


def schema_of(shown, arena=ARENA, nearest=2):
    return Schema(shown, arena, nearest, 1)


def encode(shown, later=None, **settings):
    return schema_of(shown, **settings).encode(shown if later is None else later, 7).tolist()


def sprite(rect):
    thing = pygame.sprite.Sprite()
    thing.rect = rect
    return thing


def test_numbers_bools_and_vectors_are_as_they_are():
    shown = {
        "lives": 3,
        "armed": True,
        "tuple": (1, 2.5),
        "velocity": pygame.Vector2(-4, 0.5),
        "grid": np.arange(6).reshape(2, 3),
    }
    assert encode(shown) == [3, 1, 1, 2.5, -4, 0.5, 0, 1, 2, 3, 4, 5]


def test_places_are_in_units_of_the_arena_from_the_middle_of_me():
    me, ball = pygame.Rect(140, 40, 20, 20), pygame.Rect(245, 70, 10, 10)
    expected = [0.25, 0.5, 0.1, 0.2, 0.5, 0.25, 0.05, 0.1]
    assert encode({"me": me, "ball": ball}) == pytest.approx(expected)
    assert encode({"me": sprite(me), "ball": sprite(ball)}) == pytest.approx(expected)
    assert encode({"ball": ball}) == pytest.approx([0.75, 0.75, 0.05, 0.1])


def test_me_may_be_a_point():
    shown = {"me": (3, 4), "food": pygame.Rect(5, 4, 0, 0)}
    assert encode(shown, arena=(10, 8)) == pytest.approx([0.3, 0.5, 0, 0, 0.2, 0, 0, 0])


def test_of_a_group_the_nearest_are_seen_and_the_rest_is_padded():
    me = pygame.Rect(190, 40, 20, 20)
    far, near, nearer = (pygame.Rect(x, 45, 10, 10) for x in (280, 255, 225))
    group = pygame.sprite.Group(sprite(far), sprite(near), sprite(nearer))
    two = [1, 0.15, 0, 0.05, 0.1, 1, 0.3, 0, 0.05, 0.1]
    assert encode({"me": me, "all": group})[4:] == pytest.approx(two)
    assert encode({"me": me, "all": [far, near, nearer]})[4:] == pytest.approx(two)
    padded = encode({"me": me, "all": group}, {"me": me, "all": []})
    assert padded[4:] == [0] * 10
    assert len(encode({"me": me, "all": []}, nearest={"all": 3})) == 4 + 15


def test_a_list_of_points_is_a_group():
    shown = {"me": (1, 1), "body": [(2, 1), (3, 1), (4, 1)]}
    assert encode(shown, arena=(10, 10))[4:] == pytest.approx([1, 0.1, 0, 0, 0, 1, 0.2, 0, 0, 0])


def test_far_away_is_limited():
    shown = {"me": pygame.Rect(100, 0, 0, 0), "ball": pygame.Rect(9_000, -9_000, 0, 0)}
    assert encode(shown)[4:6] == [2, -2]


def test_the_fields_have_names_and_ranges():
    fields = schema_of({"me": ARENA, "lives": 3, "armed": False, "all": []}).fields
    assert [(f.name, f.shape, f.low, f.high) for f in fields] == [
        ("me", (4,), -2, 2),
        ("lives", (1,), None, None),
        ("armed", (1,), 0, 1),
        ("all", (10,), -2, 2),
    ]


@pytest.mark.parametrize(
    ("later", "says"),
    [
        ({"speed": (1, 2), "lives": 3, "shield": 1}, "'shield' appeared"),
        ({"speed": (1, 2)}, "'lives' vanished"),
        ({"speed": (1, 2, 3), "lives": 3}, "'speed' had 2 values at first and has now 3"),
        ({"speed": ARENA, "lives": 3}, "was a vector at first and is now a place"),
        ({"speed": (1, float("nan")), "lives": 3}, "'speed' holds nan"),
        ({"speed": (1, 2), "lives": float("inf")}, "'lives' holds inf"),
        ({"speed": (1, 2), "lives": 1e300}, "'lives' holds inf"),
        ({"speed": (1, 2), "lives": None}, "'lives' is None"),
        ({"speed": (1, 2), "lives": "three"}, "'lives' is 'three'"),
        ({"speed": [1, "x"], "lives": 3}, "list of 1 and others"),
        ([1, 2], "expected a dict"),
    ],
)
def test_a_field_that_is_not_what_it_was_is_refused_with_the_frame(later, says):
    schema = schema_of({"speed": (1, 2), "lives": 3})
    with pytest.raises(GameLoopError, match="frame 7: see:") as caught:
        schema.encode(later, 7)
    assert says in str(caught.value)
    assert caught.value.frame == 7


def test_places_need_an_arena():
    with pytest.raises(GameLoopError, match=r"arena=screen\.get_rect"):
        schema_of({"me": pygame.Rect(0, 0, 1, 1)}, arena=None)


@pytest.mark.parametrize("arena", [(0, 10), (1, 2, 3), "wide", pygame.Rect(0, 0, 0, 5)])
def test_an_arena_has_a_size(arena):
    with pytest.raises(ConfigError, match="arena"):
        schema_of({"me": pygame.Rect(0, 0, 1, 1)}, arena=arena)


def test_a_place_that_holds_nan_is_refused():
    shown = {"me": pygame.Rect(0, 0, 1, 1)}
    broken = SimpleNamespace(centerx=float("nan"), centery=0, width=1, height=1)
    with pytest.raises(GameLoopError, match="'me' holds nan"):
        schema_of(shown).encode({"me": broken}, 7)
