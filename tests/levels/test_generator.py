"""The runtime: levels to order from a model file, with nothing but the card to go by."""

import hashlib

import numpy as np
import pytest

from engine_plugin.errors import (
    ConfigError,
    GenerationError,
    ModelBrokenError,
    ModelMismatchError,
    ModelMissingError,
)
from engine_plugin.runtime.constraints import violations
from engine_plugin.runtime.generator import LevelGenerator, load_generator


def test_levels_are_valid_read_only_and_described(model, card):
    generator = load_generator(model)
    names = [name for name, _ in card.tiles]
    levels = generator.generate(30, seed=5)
    for level in levels:
        assert level.tiles.shape == (11, 13) and level.tiles.dtype == np.uint8
        assert not level.tiles.flags.writeable
        symmetry = level.condition["symmetry"]
        assert violations(level.tiles, names, card.constraints, symmetry) == []
        assert 0.1 <= level.condition["crates"] <= 0.7
        assert level.raw_valid == (level.edits == 0)
        assert list(level.legend.items()) == [(c, name) for name, c in card.tiles]
        assert level.seed == 5
    assert {level.condition["symmetry"] for level in levels} == {"none", "rotate", "mirror"}
    assert generator.model_hash == hashlib.sha256(model).hexdigest()
    report = generator.last_report
    assert report.samples == 30 + report.duplicates + report.rejected
    assert report.raw_valid + report.repaired + report.rejected == report.samples
    assert report.mean_edits > 0


def test_text_has_one_line_a_row(model):
    (level,) = load_generator(model).generate(1)
    lines = level.to_text().splitlines()
    assert [len(line) for line in lines] == [13] * 11
    assert lines[0] == "#############" and level.to_text().endswith("\n")


def test_a_seed_gives_the_same_levels_however_many(model):
    first = load_generator(model).generate(3, seed=9)
    again = load_generator(model).generate(8, seed=9)
    assert [level.to_text() for level in first] == [level.to_text() for level in again[:3]]
    other = load_generator(model).generate(3, seed=10)
    assert first[0].to_text() != other[0].to_text()


def test_conditions_are_kept(model):
    conditions = {"crates": 0.4, "symmetry": "rotate"}
    for level in load_generator(model).generate(5, seed=1, conditions=conditions):
        assert level.condition == conditions
    for level in load_generator(model).generate(5, seed=1, conditions={"crates": np.float32(0.5)}):
        assert level.condition["crates"] == 0.5


@pytest.mark.parametrize(
    "conditions",
    [
        {"crates": 0.9},
        {"crates": float("nan")},
        {"crates": "many"},
        {"crates": True},
        {"symmetry": "diagonal"},
        {"symmetry_rotate": 1.0},
        {"lava": 0.2},
    ],
)
def test_conditions_out_of_range_are_refused(model, conditions):
    with pytest.raises(ConfigError, match="condition"):
        load_generator(model).generate(1, conditions=conditions)


@pytest.mark.parametrize("arguments", [{"count": -1}, {"count": 1.5}, {"seed": -1}, {"seed": "a"}])
def test_counts_and_seeds_are_whole_numbers(model, arguments):
    with pytest.raises(ConfigError, match="whole number"):
        load_generator(model).generate(**arguments)
    assert load_generator(model).generate(0) == []


def test_a_foreign_game_gets_its_own_levels(dungeon_model):
    generator = load_generator(dungeon_model, game="dungeon")
    assert generator.symmetries == ()
    for level in generator.generate(20, seed=2, conditions={"depth": 3}):
        text = level.to_text()
        assert text.count("@") == text.count("k") == 1
        assert level.condition == {"depth": 3.0}
    with pytest.raises(ConfigError, match="no condition 'symmetry'"):
        generator.generate(1, conditions={"symmetry": "rotate"})


def test_levels_of_a_call_differ_or_it_says_so(card):
    logits = np.full((1, 11, 13, 7), -1e9, np.float32)
    logits[..., 0] = 0
    logits[0, 1, 1, 5] = logits[0, 9, 11, 6] = 1e12
    generator = LevelGenerator(lambda latent, condition: logits, card)
    with pytest.raises(GenerationError, match="after 1 levels"):
        generator.generate(2, conditions={"symmetry": "none"})
    assert generator.last_report.duplicates == 50


def test_what_is_no_generator_is_refused(model, with_constraints, card, tmp_path):
    with pytest.raises(ModelMissingError):
        load_generator(tmp_path / "none.onnx")
    with pytest.raises(ModelBrokenError):
        load_generator(model[: len(model) // 2])
    with pytest.raises(ModelMismatchError, match="maze"):
        load_generator(model, game="maze")
    with pytest.raises(ModelMismatchError, match="lava"):
        load_generator(with_constraints(border="lava"))
    with pytest.raises(ModelMismatchError, match="constraints"):
        load_generator(with_constraints(exactly=7))
    short = LevelGenerator(lambda latent, condition: np.zeros((1, 3, 3, 7), np.float32), card)
    with pytest.raises(ModelMismatchError, match="tile logits"):
        short.generate(1)
