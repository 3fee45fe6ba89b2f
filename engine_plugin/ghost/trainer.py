"""Raises a ghost in a thread of its own, beside a game that goes on.

onnxruntime computes without holding the interpreter, and a piece lasts a few milliseconds, so that
the game's loop gets its turn whenever it asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

Pieces = Generator[float, None, bytes]


class GhostTrainer:
    """Work that goes on in the background; all its methods return at once, but `wait`.

    progress: share that is done, 0 to 1
    error: what ended it early, or None; nothing is raised into the game
    """

    def __init__(self, pieces: Pieces, finish: Callable[[bytes], None]) -> None:
        """finish: called in the thread with the model's bytes."""
        self.progress = 0.0
        self.error: Exception | None = None
        self._pieces = pieces
        self._finish = finish
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ghost", daemon=True)

    @classmethod
    def start(cls, pieces: Pieces, finish: Callable[[bytes], None]) -> GhostTrainer:
        trainer = cls(pieces, finish)
        trainer._thread.start()
        return trainer

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Give up, after the piece that is being worked on."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(seconds)
        return not self.running

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self.progress = next(self._pieces)
        except StopIteration as end:
            self._finish(end.value)
        except Exception as error:  # the game must go on, whatever it was
            self.error = error
