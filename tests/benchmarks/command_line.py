"""The command line as the benchmarks call it: a process of its own for each command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def command(*arguments: str, modules: Path | None = None) -> str:
    """Run a command; its stdout. modules: folder of modules that it must find, such as envs.

    Raises CalledProcessError where it fails.
    """
    paths = [str(modules or ""), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-m", "engine_plugin.cli", *arguments],
        check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    ).stdout  # fmt: skip


def own_and_passed_on(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What stands before "--" and what stands after it."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]
