"""The generator that comes with the package keeps what it promises."""

from dataclasses import asdict

import numpy as np
import pytest

import fastenv
from engine_plugin.levels.corpus import training_tiles
from engine_plugin.levels.metrics import crate_shares, duplicate_share, nearest_distances, stacked
from engine_plugin.runtime.constraints import violations
from engine_plugin.runtime.generator import load_generator

SPEC = fastenv.game_spec("blast")


@pytest.fixture(scope="module")
def generator():
    return load_generator("blast/generator", game="blast")


def test_its_levels_are_valid_new_and_different(generator):
    levels = generator.generate(200, seed=11)
    names = [tile.name for tile in SPEC.tiles]
    for level in levels:
        symmetry = level.condition["symmetry"]
        assert violations(level.tiles, names, asdict(SPEC.level_constraints), symmetry) == []
        fastenv.Level.from_tiles(level.tiles, SPEC)
    tiles = stacked(levels, SPEC)
    assert duplicate_share(tiles) <= 0.02
    assert nearest_distances(tiles, training_tiles(SPEC, 300), SPEC).min() > 0
    assert generator.last_report.raw_valid > 40


@pytest.mark.parametrize("crates", [0.2, 0.4, 0.6])
def test_it_hides_as_many_cells_under_crates_as_asked(generator, crates):
    levels = generator.generate(30, seed=1, conditions={"crates": crates})
    assert np.mean(crate_shares(stacked(levels, SPEC), SPEC)) == pytest.approx(crates, abs=0.07)


def test_its_card_says_how_it_was_made(generator):
    training = generator.card.training
    assert training["command"] == (
        "engine-plugin train generator --game blast --minutes 6 --seed 0 --out runs/generator"
    )
    assert training["config"]["loss"] == "hinge" and training["seed"] == 0
    assert generator.card.evaluation["valid"] == 1.0
