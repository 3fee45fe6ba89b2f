"""Games to sit down at, and what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine_plugin.bridge.actor import Actor

GAMES = Path(__file__).parent / "games"

HEAD = """
import pygame
import engine_plugin as ai
pygame.init()
screen = pygame.display.set_mode((100, 100))
clock = pygame.time.Clock()
"""


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
