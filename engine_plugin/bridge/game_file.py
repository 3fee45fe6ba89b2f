"""A game's file, run as if by hand, and what it says where it fails."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from pathlib import Path

from engine_plugin.bridge.job import Job
from engine_plugin.errors import EnginePluginError


def load_game(job: Job) -> None:
    """Run the game's file as if it had been started by hand; returns where it ends."""
    path = Path(job.game)
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    os.chdir(path.parent)
    runpy.run_path(str(path), run_name="__main__")


def told(error: BaseException, game: str) -> str:
    """An error in the game's code on a few lines: what it was, and where in its own files."""
    if isinstance(error, EnginePluginError):
        return str(error)
    folder = str(Path(game).parent)
    own = [
        entry
        for entry in traceback.extract_tb(error.__traceback__)
        if entry.filename.startswith(folder)
    ]
    places = "".join(
        f"\n  {Path(entry.filename).name}:{entry.lineno} in {entry.name}: {entry.line}"
        for entry in own[-5:]
    )
    what = "".join(traceback.format_exception_only(error)).strip()
    return f"the game has crashed: {what}{places}"
