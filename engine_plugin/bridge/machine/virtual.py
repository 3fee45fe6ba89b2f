"""Clock, events and screen that a game believes in, put in place of pygame's before it is run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pygame

from engine_plugin.bridge.clock import (
    EPOCH_SECONDS,
    MILLISECOND,
    PICTURES_A_SECOND,
    SECOND,
    VirtualClock,
)
from engine_plugin.bridge.machine.keyboard import Keyboard, Pressed, key_event, post
from engine_plugin.bridge.machine.silence import silence_mixer
from engine_plugin.bridge.machine.undrawn import Screen, install_drawing, install_font_memory


class VirtualMachine:
    """Replaces what a game calls; one a process, before the game is loaded.

    drawing: draw for real, onto a screen that nobody sees
    on_frame: called once a frame with the frame of the game that ended it; for games without a seat
    """

    def __init__(self, drawing: bool = False) -> None:
        self.clock = VirtualClock()
        self.keyboard = Keyboard()
        self.drawing = drawing
        self.on_frame: Callable[[FrameType], None] | None = None
        self._repeat = (0, 0)
        self._repeats: dict[int, int] = {}  # key -> when it comes again
        self._fresh: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
        self._seen_held: frozenset[int] = frozenset()
        self._ticks_clocks = self._has_shown = False
        self._screen: Any = None

    def install(self) -> None:
        """From now on everything that asks for the time, the keys or the screen asks here."""
        os.environ["SDL_VIDEODRIVER"] = os.environ["SDL_AUDIODRIVER"] = "dummy"
        self._install_time()
        self._install_events()
        self._install_display()
        silence_mixer()
        if not self.drawing:
            install_font_memory()

    # ------------------------------------------------------------------------------------- time

    def _install_time(self) -> None:
        clock = self.clock
        machine = self

        class Clock:
            """pygame.time.Clock on the virtual time."""

            def __init__(self) -> None:
                self._last, self._passed = clock.now, 0

            def tick(self, framerate: float = 0) -> int:
                step = SECOND / framerate if framerate > 0 else SECOND / PICTURES_A_SECOND
                clock.wait_until(round(self._last + step))
                self._passed = clock.now // MILLISECOND - self._last // MILLISECOND
                self._last = clock.now
                machine._ticked(sys._getframe(1))
                return self._passed

            tick_busy_loop = tick

            def get_time(self) -> int:
                return self._passed

            get_rawtime = get_time

            def get_fps(self) -> float:
                return 1_000 / self._passed if self._passed else 0.0

        def wait(milliseconds: int) -> int:
            clock.wait(int(milliseconds) * MILLISECOND)
            return int(milliseconds)

        def sleep(seconds: float) -> None:
            clock.wait(round(seconds * SECOND))

        def set_timer(event: Any, millis: int, loops: int = 0) -> None:
            kind = event if isinstance(event, int) else event.type
            made = pygame.event.Event(event) if isinstance(event, int) else event
            clock.set_timer(kind, made, millis, int(loops))

        own: Any = pygame.time
        own.Clock = Clock
        own.get_ticks = lambda: clock.milliseconds
        own.wait = own.delay = wait
        own.set_timer = set_timer
        general: dict[str, Any] = {
            "time": lambda: EPOCH_SECONDS + clock.look() / SECOND,
            "time_ns": lambda: EPOCH_SECONDS * SECOND + clock.look(),
            "sleep": sleep,
        }
        for name in ("monotonic", "perf_counter"):
            general[name] = lambda: clock.look() / SECOND
            general[f"{name}_ns"] = clock.look
        real = {name: getattr(time, name) for name in general}
        vars(time).update(general)
        self._install_font_list(real, general)

    def _install_font_list(self, real: dict[str, Any], general: dict[str, Any]) -> None:
        """Another program lists the system's fonts, and waiting for that takes real time."""
        import pygame.sysfont as system

        own: Any = system
        find = getattr(own, "initsysfonts", None)
        if find is None:
            return

        def find_fonts() -> Any:
            vars(time).update(real)
            try:
                return find()
            finally:
                vars(time).update(general)

        own.initsysfonts = find_fonts

    def screen_rect(self) -> Any:
        """Where the game is shown."""
        return self._screen.get_rect()

    def _shown(self, frame: FrameType) -> None:
        """A picture: the first one ends its frame, before the game may begin another round."""
        if not self._ticks_clocks or not self._has_shown:
            self._has_shown = True
            self._frame_ends(frame)

    def _ticked(self, frame: FrameType) -> None:
        if not self._has_shown:
            self._frame_ends(frame)
        self._ticks_clocks, self._has_shown = True, False

    def _frame_ends(self, frame: FrameType) -> None:
        if self.on_frame is not None:
            self.on_frame(frame)

    # ----------------------------------------------------------------------------- keys, events

    def _install_events(self) -> None:
        events, keys = pygame.event, pygame.key
        get, poll, peek, clear = events.get, events.poll, events.peek, events.clear

        def take(eventtype: Any = None, pump: bool = True, exclude: Any = None) -> Any:
            if pump:
                self._pump()
            return get(eventtype, False, exclude)

        def poll_one() -> Any:
            self._pump()
            return poll()

        def wait_for_one(timeout: int = 0) -> Any:
            return self._wait(poll, timeout)

        def look(eventtype: Any = None, pump: bool = True) -> Any:
            if pump:
                self._pump()
            return peek(eventtype, False)

        def drop(eventtype: Any = None, pump: bool = True) -> None:
            if pump:
                self._pump()
            clear(eventtype, False)

        def set_repeat(delay: int = 0, interval: int = 0) -> None:
            self._repeat = (delay * MILLISECOND, (interval or delay) * MILLISECOND)

        def get_repeat() -> tuple[int, int]:
            return self._repeat[0] // MILLISECOND, self._repeat[1] // MILLISECOND

        replaced: dict[str, Any] = {
            "get": take,
            "poll": poll_one,
            "wait": wait_for_one,
            "peek": look,
            "clear": drop,
            "pump": self._pump,
        }
        for name, value in replaced.items():
            setattr(events, name, value)
        own: Any = keys
        own.get_pressed = lambda: Pressed(self.keyboard.held)
        own.get_focused = lambda: True
        own.set_repeat, own.get_repeat = set_repeat, get_repeat
        if hasattr(own, "get_just_pressed"):
            own.get_just_pressed = lambda: Pressed(self._fresh[0])
            own.get_just_released = lambda: Pressed(self._fresh[1])

    def _pump(self) -> None:
        """What has happened since the last look goes into the queue: timers, keys held so long that
        they come again."""
        for event in self.clock.due_events():
            post(event)
        held = self.keyboard.held
        self._fresh = (held - self._seen_held, self._seen_held - held)
        self._seen_held = held
        if self._repeat[0]:
            self._pump_repeats(held)

    def _pump_repeats(self, held: frozenset[int]) -> None:
        now = self.clock.now
        self._repeats = {
            key: self._repeats.get(key, now + self._repeat[0]) for key in sorted(held)
        }
        for key, due in self._repeats.items():
            if due <= now:
                post(key_event(pygame.KEYDOWN, key, None))
                self._repeats[key] = now + self._repeat[1]

    def _wait(self, poll: Callable[[], Any], timeout: int) -> Any:
        """The next event, and until then the time passes; a frame in which nothing happens at all
        ends with the news that the window is visible, which a window says now and then."""
        self._pump()
        event = poll()
        if event.type != pygame.NOEVENT:
            return event
        due, until = self.clock.next_due(), self.clock.now + timeout * MILLISECOND
        if due is not None and (not timeout or due <= until):
            self.clock.wait(due - self.clock.now)
            self._pump()
            return poll()
        self.clock.wait(timeout * MILLISECOND or SECOND // PICTURES_A_SECOND)
        return event if timeout else pygame.event.Event(pygame.VIDEOEXPOSE)

    # ---------------------------------------------------------------------------------- display

    def _install_display(self) -> None:
        display: Any = pygame.display
        set_mode, flip, update = display.set_mode, display.flip, display.update

        def set_up(
            size: Any = (0, 0), flags: int = 0, depth: int = 0, display: int = 0, vsync: int = 0
        ) -> Any:
            real = set_mode(size)
            self._screen = real if self.drawing else Screen(real.get_size())
            return self._screen

        def show(draw: Callable[..., None], *arguments: Any) -> None:
            if self.drawing:
                draw(*arguments)
            self.clock.show_picture()
            self._shown(sys._getframe(1))

        display.set_mode = set_up
        display.get_surface = lambda: self._screen
        display.flip, display.update = partial(show, flip), partial(show, update)
        display.get_active = lambda: True
        display.toggle_fullscreen = lambda: 1

        def init() -> tuple[int, int]:
            """Without the audio device, whose thread is of no use here."""
            pygame.display.init()
            pygame.font.init()
            pygame.joystick.init()
            return (3, 0)

        pygame.init = init
        if not self.drawing:
            install_drawing()
