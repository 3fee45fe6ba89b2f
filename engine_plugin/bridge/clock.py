"""Time that passes as fast as a game can be computed.

It moves when the game waits for it: a frame's tick, a sleep, a delay; and where the game waits for
nothing but its screen, with every picture that it shows. A loop that only looks at the clock until
it has moved would look for ever; after LOOKS looks in a row every further one moves it by a
millisecond. All of it is counted in whole nanoseconds, so that the same calls give the same times
on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
# 2024-01-01: what the time of day begins with in every run.
EPOCH_SECONDS = 1_704_067_200
LOOKS = 10_000
# Pictures in a row without a wait between them, after which a game that has waited before, perhaps
# at its title, is taken for one that leaves the pace to its screen. One frame may show a few.
PICTURES = 8
PICTURES_A_SECOND = 60


@dataclass
class Timer:
    """An event that comes again and again: `left` times, or for ever where it is 0."""

    event: Any
    every: int
    due: int
    left: int


class VirtualClock:
    """The time of one run, and its timers.

    now: nanoseconds since the start
    """

    def __init__(self) -> None:
        self.now = 0
        self._looks = 0
        self._has_waited = False
        self._pictures = 0  # since the last wait
        self._timers: dict[Any, Timer] = {}

    def advance(self, nanoseconds: int) -> None:
        self.now += max(int(nanoseconds), 0)
        self._looks = 0

    def wait(self, nanoseconds: int) -> None:
        """The game waits; not to wait at all is no pace."""
        if nanoseconds > 0:
            self.wait_until(self.now + nanoseconds)

    def wait_until(self, moment: int) -> None:
        """The game keeps a pace of its own, also where the moment has passed."""
        self._has_waited, self._pictures = True, 0
        self.advance(moment - self.now)

    def show_picture(self) -> None:
        """The game shows a picture: as if that waited for the screen, unless it keeps a pace."""
        self._pictures += 1
        if self._pictures > (PICTURES if self._has_waited else 0):
            self.advance(SECOND // PICTURES_A_SECOND)

    def look(self) -> int:
        """The time, for a game that asks for it."""
        self._looks += 1
        if self._looks > LOOKS:
            self.now += MILLISECOND
        return self.now

    @property
    def milliseconds(self) -> int:
        return self.look() // MILLISECOND

    def set_timer(self, key: Any, event: Any, milliseconds: int, loops: int = 0) -> None:
        """Start a timer in place of the one with the same key; 0 milliseconds only stop it."""
        self._timers.pop(key, None)
        every = int(milliseconds) * MILLISECOND
        if every > 0:
            self._timers[key] = Timer(event, every, self.now + every, loops)

    def next_due(self) -> int | None:
        """When the next timer is due; None where there is none."""
        return min((timer.due for timer in self._timers.values()), default=None)

    def due_events(self) -> list[Any]:
        """The events of all timers that are due, in the order in which they are."""
        if not self._timers:
            return []
        found = []
        for key, timer in list(self._timers.items()):
            while timer.due <= self.now:
                found.append((timer.due, timer.event))
                timer.due += timer.every
                timer.left -= 1
                if timer.left == 0:
                    del self._timers[key]
                    break
        return [event for _, event in sorted(found, key=lambda pair: pair[0])]
