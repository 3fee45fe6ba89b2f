"""A window that nobody sees: it has no display, no keys of its own, and never waits."""

from __future__ import annotations

import pygame

from engine_plugin.host.input import InputState


class NullWindow:
    """Every frame lasts exactly `frame_seconds` of game time and as little real time as it can."""

    realtime = False

    def __init__(self, frame_seconds: float) -> None:
        self._frame_seconds = frame_seconds

    def poll(self, state: InputState) -> None:
        """Nobody presses anything."""

    def present(self, canvas: pygame.Surface) -> float:
        return self._frame_seconds

    def toggle_fullscreen(self) -> None:
        """There is nothing to switch."""

    def close(self) -> None:
        """There is nothing to give back."""
