"""Ctrl-C while training: kept until the run stands between two ticks, where it can be saved. An
evaluation, which may take minutes, is given up; a run that goes on makes it again."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StoppedError(Exception):
    """An evaluation was given up."""


class StopRequest:
    """Inside `with`, the first SIGINT or SIGTERM sets `asked`; a second one stops at once.

    In another thread than the main one signals cannot be taken over, and all stays as it was.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in self.SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
