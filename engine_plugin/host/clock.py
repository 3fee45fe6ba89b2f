"""Turns uneven frames into even ticks."""

from __future__ import annotations

MAX_TICKS_PER_FRAME = 4
SPEEDS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0)
_ROUNDING = 1e-9


class TickClock:
    """A fixed timestep: collects frame time and hands out whole ticks.

    After a long frame at most MAX_TICKS_PER_FRAME ticks are due and the rest of the time is
    forgotten: the game stutters once instead of racing.
    """

    def __init__(self, tick_rate: float, speed: float = 1.0) -> None:
        self.tick_rate = tick_rate
        self.speed = speed
        self._collected = 0.0

    def due_ticks(self, seconds: float) -> int:
        """Add the frame's seconds; the number of ticks to play now."""
        self._collected += seconds * self.speed * self.tick_rate
        due = int(self._collected + _ROUNDING)
        if due > MAX_TICKS_PER_FRAME:
            self._collected = 0.0
            return MAX_TICKS_PER_FRAME
        self._collected = max(0.0, self._collected - due)
        return due

    @property
    def fraction(self) -> float:
        """How far time is on the way to the next tick, 0 to 1: what drawing interpolates with."""
        return min(self._collected, 1.0)

    def restart(self) -> None:
        self._collected = 0.0

    def change_speed(self, steps: int) -> float:
        """Move along SPEEDS; the new speed."""
        nearest = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self.speed))
        self.speed = SPEEDS[max(0, min(len(SPEEDS) - 1, nearest + steps))]
        return self.speed
