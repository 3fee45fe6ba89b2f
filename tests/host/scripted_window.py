"""A window that presses keys by a script."""

from __future__ import annotations

from collections.abc import Callable

from engine_plugin.host.input import InputState
from engine_plugin.host.null_window import NullWindow

Script = Callable[[int, InputState], None]
TICK = 0.1


class ScriptedWindow(NullWindow):
    """Calls script(frame, state) before each frame; fails a run that does not end."""

    def __init__(self, script: Script, most_frames: int = 2000) -> None:
        super().__init__(TICK)
        self._script = script
        self._most_frames = most_frames
        self.frame = 0

    def poll(self, state: InputState) -> None:
        self._script(self.frame, state)
        self.frame += 1
        assert self.frame < self._most_frames, "the run does not end"
