"""Games to sit down at, and processes of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pygame")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

from engine_plugin.bridge.actor import Actor
from engine_plugin.bridge.job import Job

GAMES = Path(__file__).parent / "games"

HEAD = """
import pygame
import engine_plugin as ai
pygame.init()
screen = pygame.display.set_mode((100, 100))
clock = pygame.time.Clock()
"""


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


def trace(actor: Actor, decisions: int) -> list[tuple[Any, ...]]:
    """All that a game shows under drawn actions: (values, reward, first, terminated, truncated)."""
    draw = np.random.default_rng(7)
    rows, action = [], 0
    while decisions:
        seen = actor.receive()
        rows.append(
            (seen.values.tolist(), seen.reward, seen.first, seen.terminated, seen.truncated)
        )
        if seen.terminated or seen.truncated:
            continue
        assert actor.hello is not None
        if decisions % 3 == 0:
            action = int(draw.integers(len(actor.hello.facts.actions)))
        actor.answer(action)
        decisions -= 1
    return rows
