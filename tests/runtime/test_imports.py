"""What a game ships is light: proven in a fresh process that loads a model and acts once."""

from __future__ import annotations

import subprocess
import sys

import pytest

import engine_plugin

FORBIDDEN = ["tensorflow", "keras", "pygame", "fastenv", "onnx", "gymnasium", "tf2onnx"]

SCRIPT = """
import sys
import numpy as np
import engine_plugin
assert "onnxruntime" not in sys.modules, "import engine_plugin alone is heavy"
policy = engine_plugin.load_policy(sys.argv[1])
controller = engine_plugin.AgentController(policy)
assert controller.tick(np.array([0, 5, 0, 0], np.uint8), np.ones(3, np.uint8)) == 1
for name in engine_plugin.__all__:
    getattr(engine_plugin, name)
print(sorted(set(sys.modules) & set({names})))
"""


def test_the_runtime_loads_nothing_of_the_training_side(make_model, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(make_model())
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{names}", repr(FORBIDDEN)), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="dragon"):
        engine_plugin.dragon  # noqa: B018
    assert set(engine_plugin.__all__) <= set(dir(engine_plugin))
