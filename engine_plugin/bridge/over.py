"""Rounds that stay over: how long a game may take to begin the next one."""

from __future__ import annotations

from engine_plugin.errors import GameLoopError

MOST_FRAMES_OVER = 600


class FramesOver:
    """Counts the frames between two rounds where nobody is there to begin the next."""

    def __init__(self) -> None:
        self._frames = 0

    def count(self, frame: int) -> None:
        """One more; `frame` is the game's. Raises GameLoopError where they are too many."""
        self._frames += 1
        if self._frames > MOST_FRAMES_OVER:
            raise GameLoopError(
                f"over stays true for {MOST_FRAMES_OVER} frames at the start of a round; "
                "restart has to begin a new one, or leave it out for a fresh process",
                frame,
            )

    def clear(self) -> None:
        """A round goes on."""
        self._frames = 0
