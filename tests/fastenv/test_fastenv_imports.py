"""`import fastenv` is light: proven in a fresh process that also plays."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
import fastenv
batch = fastenv.make_batch("blast", 2, seed=1)
batch.step(np.stack([fastenv.make_bot("hunter").act(batch, seat) for seat in range(2)], axis=1))
forbidden = {"tensorflow", "keras", "pygame", "engine_plugin", "gymnasium", "pettingzoo",
             "onnxruntime"}
print(sorted(forbidden & set(sys.modules)))
"""


def test_fastenv_loads_neither_tensorflow_nor_pygame_nor_the_plugin():
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
