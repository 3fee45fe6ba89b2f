"""What the commands `generate` and `evaluate-levels` call."""

import json

import pytest

import fastenv
from engine_plugin.errors import ConfigError, OutputExistsError
from engine_plugin.levels import store
from engine_plugin.levels.store import evaluate_levels, generate_to_folder


def test_levels_are_written_with_their_story(model, tmp_path):
    out = tmp_path / "new" / "levels"
    report = generate_to_folder(model, 4, 3, {"crates": 0.4}, out)
    assert sorted(path.name for path in out.iterdir()) == [
        f"level_00{i}.{ending}" for i in range(4) for ending in ("json", "txt")
    ]
    spec = fastenv.game_spec("blast")
    level = fastenv.Level.load(out / "level_002.txt", spec)
    assert level.metadata["seed"] == 3 and level.metadata["index"] == 2
    assert level.metadata["conditions"]["crates"] == 0.4
    assert level.metadata["model_hash"] == report["model_hash"]
    assert level.metadata["verdict"] == "valid"
    assert level.metadata["legend"] == spec.legend
    assert report["levels"] == 4
    assert report["raw_valid_share"] + report["repaired_share"] == pytest.approx(1)
    json.dumps(report)


def test_an_existing_folder_is_refused_and_replaced_by_force(model, tmp_path):
    out = tmp_path / "levels"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(OutputExistsError):
        generate_to_folder(model, 1, 0, None, out)
    assert (out / "mine.txt").read_text() == "mine"
    generate_to_folder(model, 1, 0, None, out, force=True)
    assert sorted(path.name for path in out.iterdir()) == ["level_000.json", "level_000.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["levels"]


def test_after_an_error_nothing_is_left(model, tmp_path, monkeypatch):
    with pytest.raises(ConfigError):
        generate_to_folder(model, 2, 0, {"crates": 2.0}, tmp_path / "levels")
    with pytest.raises(ConfigError):
        generate_to_folder(model, 0, 0, None, tmp_path / "levels")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(store, "_move", fail)
    with pytest.raises(OSError, match="disk full"):
        generate_to_folder(model, 2, 0, None, tmp_path / "levels")
    assert list(tmp_path.iterdir()) == []


def test_evaluation_measures_validity_and_style(model, monkeypatch):
    monkeypatch.setattr(store, "HELD_OUT_GRAMMAR_LEVELS", 40)
    spec = fastenv.game_spec("blast")
    monkeypatch.setattr(store, "training_tiles", lambda spec: store.grammar_tiles(spec, 80))
    figures = evaluate_levels(model, 40, seed=2)
    assert figures["valid"] == 1.0
    assert figures["copies"] == figures["duplicates"] == 0
    assert figures["levels"] == 40 and figures["seed"] == 2
    assert 0 < figures["diversity"] <= 1
    grammar = figures["held_out"]["grammar"]
    assert grammar["floor"]["2x2"] < grammar["divergence"]["2x2"]
    assert set(figures["held_out"]) == {"grammar", "templates"}
    assert store.game_of(store.load_generator(model)) == spec
    json.dumps(figures)
