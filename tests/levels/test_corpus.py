"""The corpus: every level that is learned from is one that may be played."""

from dataclasses import asdict

import numpy as np
import pytest

import fastenv
from engine_plugin.levels.corpus import (
    grammar_tiles,
    symmetry_of,
    template_tiles,
    templates,
    training_tiles,
)
from engine_plugin.levels.grammar import CRATE_SHARE, make_level
from engine_plugin.levels.metrics import crate_shares, duplicate_share, nearest_distances
from engine_plugin.runtime.constraints import violations

SPEC = fastenv.game_spec("blast")
NAMES = [tile.name for tile in SPEC.tiles]
CONSTRAINTS = asdict(SPEC.level_constraints)


@pytest.mark.parametrize("held_out", [False, True])
def test_drawn_levels_are_valid(held_out):
    levels = templates(SPEC, held_out)
    assert len(levels) == (6 if held_out else 18)
    for level in levels:
        assert violations(level.tiles, NAMES, CONSTRAINTS) == [], level.metadata["name"]


def test_held_out_levels_are_no_relatives_of_the_templates():
    distances = nearest_distances(template_tiles(SPEC, True), template_tiles(SPEC), SPEC)
    assert distances.min() > 0.25


def test_grammar_levels_are_valid_different_and_seeded():
    tiles = grammar_tiles(SPEC, 150, seed=3)
    assert tiles.shape == (150, 11, 13) and tiles.dtype == np.uint8
    assert all(violations(level, NAMES, CONSTRAINTS) == [] for level in tiles)
    assert duplicate_share(tiles) == 0
    assert np.array_equal(tiles[:20], grammar_tiles(SPEC, 20, seed=3))
    assert not np.array_equal(tiles[:20], grammar_tiles(SPEC, 20, seed=3, held_out=True))
    assert {symmetry_of(level, SPEC) for level in tiles} == {"none", "rotate", "mirror"}


@pytest.mark.parametrize("symmetry", ["none", "rotate", "mirror"])
@pytest.mark.parametrize("crates", CRATE_SHARE)
def test_the_grammar_does_as_asked(symmetry, crates):
    random = np.random.default_rng(0)
    levels = np.array([make_level(SPEC, random, crates, symmetry) for _ in range(10)])
    assert np.abs(crate_shares(levels, SPEC) - crates).max() < 0.1
    for level in levels:
        assert violations(level, NAMES, CONSTRAINTS, symmetry) == []


def test_training_levels_hold_the_templates_and_no_held_out_ones():
    tiles = training_tiles(SPEC, 50)
    assert len(tiles) == 68
    assert np.array_equal(tiles[:18], template_tiles(SPEC))
    assert not tiles.flags.writeable
    assert nearest_distances(template_tiles(SPEC, True), tiles, SPEC).min() > 0
