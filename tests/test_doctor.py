"""The examination finds what is there, says what is missing for which command, and how to mend it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine_plugin import doctor
from engine_plugin.doctor import BASE, COMMANDS, TRAINING, Findings, Need, describe, diagnose

ALL_MODELS = {"blast/hard", "blast/generator"}


def findings(
    *,
    without: tuple[str, ...] = ("pygame",),
    compiled: bool = True,
    compiler: str | None = "/usr/bin/cc",
    models: set[str] = ALL_MODELS,
    display: str | None = "DISPLAY=:0",
) -> Findings:
    """A machine where everything is in order but for what is said."""
    return Findings(
        versions={name: None if name in without else "1.0" for name in doctor.REPORTED},
        compiled={"fastenv.batch": compiled},
        compiler=compiler,
        models=dict.fromkeys(models, "ok"),
        usable_models=models,
        display=display,
    )


def text_of(diagnosis: dict[str, list[str]]) -> str:
    return "\n".join([*diagnosis["missing"], *diagnosis["fix"]])


@pytest.mark.parametrize("command", COMMANDS)
def test_where_everything_is_there_every_command_is_ready(command):
    assert diagnose(COMMANDS[command], findings()) == {"ready": True, "missing": [], "fix": []}


def test_training_without_tensorflow_names_the_extra():
    diagnosis = diagnose(COMMANDS["train"], findings(without=("pygame", "tensorflow", "keras")))
    assert not diagnosis["ready"] and diagnosis["missing"] == ["tensorflow", "keras"]
    assert "[train]" in diagnosis["fix"][-1] and "pip install" in diagnosis["fix"][-1]


def test_playing_needs_one_pygame_of_the_two():
    assert diagnose(COMMANDS["play"], findings(without=("pygame-ce",)))["ready"]
    diagnosis = diagnose(COMMANDS["play"], findings(without=("pygame", "pygame-ce")))
    assert diagnosis["missing"] == ["pygame-ce or pygame"] and "[play]" in diagnosis["fix"][0]


def test_two_pygames_are_a_conflict():
    both = findings(without=())
    assert both.pygame_conflict and not findings().pygame_conflict
    diagnosis = diagnose(COMMANDS["play"], both)
    assert diagnosis["fix"][0] == "python -m pip uninstall -y pygame pygame-ce"
    assert diagnose(COMMANDS["train"], both)["ready"]


def test_a_missing_base_package_is_no_matter_of_extras():
    diagnosis = diagnose(COMMANDS["train"], findings(without=("onnxruntime",)))
    assert "[" not in diagnosis["fix"][0]


def test_games_that_are_not_compiled_need_a_compiler_first():
    diagnosis = diagnose(COMMANDS["record"], findings(compiled=False, compiler=None))
    assert "compiled games" in text_of(diagnosis) and "C compiler" in diagnosis["fix"][0]
    with_compiler = diagnose(COMMANDS["record"], findings(compiled=False))
    assert "C compiler" not in text_of(with_compiler) and len(with_compiler["fix"]) == 1


def test_a_missing_model_and_a_missing_display_are_named():
    diagnosis = diagnose(COMMANDS["play"], findings(models=set(), display=None))
    assert "blast/hard" in text_of(diagnosis)
    assert "engine-plugin play --headless" in diagnosis["fix"]
    assert diagnose(COMMANDS["export"], findings(models=set(), display=None))["ready"]


def test_a_new_python_without_tensorflow_says_so(monkeypatch):
    monkeypatch.setattr(doctor, "NO_TENSORFLOW_FROM", (3, 0))
    diagnosis = diagnose(COMMANDS["train"], findings(without=("tensorflow",)))
    assert diagnosis["fix"][0].startswith("use Python 3.11")


def test_every_need_is_reported():
    for need in COMMANDS.values():
        assert isinstance(need, Need)
        for names in need.packages:
            assert {names} if isinstance(names, str) else set(names) <= set(doctor.REPORTED)
    assert set(BASE) <= set(TRAINING)


# ------------------------------------------------------------------------ on this very machine


def test_the_examination_of_this_machine_is_json_and_readable():
    report = doctor.examine()
    assert json.loads(json.dumps(report)) == report
    assert set(report["commands"]) == {
        "play", "record", "train", "generate", "evaluate", "export", "report", "ghost"
    }  # fmt: skip
    assert report["versions"]["numpy"]
    assert report["compiled_games"] and all(report["compiled_games"].values())
    text = describe(report)
    for word in ("Python", "numpy", "Display", "C compiler", "Shipped models", "train"):
        assert word in text


def test_compiled_games_are_looked_for_where_their_sources_are(tmp_path, monkeypatch):
    package = tmp_path / "fastenv"
    (package / "games").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "batch.pyx").touch()
    (package / "games" / "blast.pyx").touch()
    (package / "batch").with_suffix(doctor.EXTENSION_SUFFIXES[0]).touch()
    monkeypatch.setattr(
        doctor,
        "find_spec",
        lambda _: type("Spec", (), {"submodule_search_locations": [str(package)]}),
    )
    assert doctor.compiled_games() == {"fastenv.batch": True, "fastenv.games.blast": False}
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    assert doctor.compiled_games() == {}


def test_models_are_held_against_their_manifest(tmp_path, monkeypatch):
    folder = tmp_path / "models" / "blast"
    folder.mkdir(parents=True)
    digest = {"sha256": "0" * 64, "bytes": 1}
    listed = {"schema": 1, "models": {"gone.onnx": digest, "bad.onnx": digest}}
    (folder / "manifest.json").write_text(json.dumps(listed))
    (folder / "bad.onnx").write_bytes(b"not a model")
    for module in ("engine_plugin.runtime.loading", "engine_plugin.doctor"):
        monkeypatch.setattr(f"{module}.assets_folder", lambda: tmp_path)
    verdicts = doctor.examine()["models"]
    assert "not there" in verdicts["blast/gone"]
    assert "SHA-256" in verdicts["blast/bad"]
    (folder / "manifest.json").write_text("{")
    assert "damaged" in doctor.examine()["models"]["blast/manifest.json"]


def test_a_machine_without_assets_is_examined_too(tmp_path, monkeypatch):
    for module in ("engine_plugin.runtime.loading", "engine_plugin.doctor"):
        monkeypatch.setattr(f"{module}.assets_folder", lambda: tmp_path / "nothing")
    report = doctor.examine()
    assert report["models"] == {} and not report["commands"]["generate"]["ready"]
    assert "Shipped models: none" in describe(report)


@pytest.mark.parametrize("platform, available", [("win32", True), ("linux", False)])
def test_the_display_is_known_by_the_system_or_its_variables(monkeypatch, platform, available):
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert (doctor._display() is not None) == available
    monkeypatch.setenv("DISPLAY", ":7")
    assert doctor._display() is not None


def test_it_runs_by_itself():
    run = subprocess.run(
        [sys.executable, "-m", "engine_plugin.doctor", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[1],
        check=True,
    )
    assert json.loads(run.stdout)["commands"]
