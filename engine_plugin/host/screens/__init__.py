"""One file a screen. A screen handles commands, lets time pass, draws itself, names the next."""

from __future__ import annotations

from typing import Protocol

import pygame

from engine_plugin.host.input import Command


class Screen(Protocol):
    """What the app loop shows."""

    def handle(self, command: Command) -> None:
        """One command since the last frame."""

    def update(self, seconds: float) -> Screen | None:
        """Let time pass; the screen to show now: itself, another, or None to end the run."""

    def draw(self, canvas: pygame.Surface) -> None:
        """Draw everything."""
