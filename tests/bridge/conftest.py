"""Processes of games, and games written on the spot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("pygame") is None:
    collect_ignore_glob = ["test_*.py"]
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

from own_games import HEAD

from engine_plugin.bridge.actor import Actor
from engine_plugin.bridge.job import Job


@pytest.fixture
def start() -> Iterator[Any]:
    """start(game, **job) -> Actor; closed at the end."""
    actors: list[Actor] = []

    def start_actor(game: Path | str, patience: float = 60, **settings: Any) -> Actor:
        actors.append(Actor(Job("act", str(game), **settings), patience))
        return actors[-1]

    yield start_actor
    for actor in actors:
        actor.close()


@pytest.fixture
def write_game(tmp_path: Path) -> Any:
    """write_game(text) -> the path of a game that begins with HEAD."""

    def write(text: str) -> Path:
        path = tmp_path / "own_game.py"
        path.write_text(HEAD + text)
        return path

    return write
