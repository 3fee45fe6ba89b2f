"""Stable-Baselines3 in a virtual environment of its own: torch is no dependency of this package."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fastenv

# onnxruntime is what our judges of policies import, numpy comes with it.
PACKAGES = ("torch==2.13.0", "stable-baselines3>=2.7", "gymnasium>=1.0", "onnxruntime")


@contextmanager
def sb3_python(folder: Path | None) -> Iterator[str]:
    """The interpreter of an environment with PACKAGES, made if it is not there (a minute or more).

    folder: where it is kept; None: in a temporary folder, thrown away at the end
    """
    with tempfile.TemporaryDirectory() as temporary:
        kept = folder or Path(temporary) / "sb3"
        python = kept / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not python.exists():
            venv.create(kept, with_pip=True)
            print(f"installing {', '.join(PACKAGES)}", file=sys.stderr)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        yield str(python)


def with_our_packages() -> dict[str, str]:
    """This process's environment variables; a program run with them finds our packages."""
    return {**os.environ, "PYTHONPATH": fastenv.get_include()}
