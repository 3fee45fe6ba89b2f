"""The computer that the game believes it runs on: clock, keyboard, events, screen, loudspeakers.

The game's file stays as it is; what it calls is replaced before it is run. Time passes when the
game waits (clock.py), keys are those that are injected, the screen shows nothing. Drawing is left
out only where the answer is known without it: whatever would be cut off at an edge, and whatever is
drawn on another surface than the screen, is really drawn, so that a game gets the same rects, sizes
and masks with a screen and without one.

Not replaced: mouse and joystick (never moved), the date (datetime), threads of the game's own.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from types import FrameType
from typing import Any

import numpy as np
import pygame

from engine_plugin.bridge.clock import EPOCH_SECONDS, MILLISECOND, SECOND, VirtualClock
from engine_plugin.errors import ConfigError, GameLoopError

FRAME_RATE = 60  # of a loop that sets none
TEXTS_KEPT = 1_024


class Keyboard:
    """Keys that are held by somebody at the game who is no person.

    They reach the game as KEYDOWN and KEYUP events; `held` is what is down now.
    """

    def __init__(self) -> None:
        self.held: frozenset[int] = frozenset()
        self._by_owner: dict[Any, frozenset[int]] = {}

    def hold(self, owner: Any, keys: frozenset[int]) -> None:
        """The keys that `owner` holds from now on, in place of those before."""
        if self._by_owner.get(owner, frozenset()) == keys:
            return
        self._by_owner[owner] = keys
        before, self.held = self.held, frozenset().union(*self._by_owner.values())
        for key in sorted(before - self.held):
            self._send(pygame.KEYUP, key)
        for key in sorted(self.held - before):
            self._send(pygame.KEYDOWN, key)

    def _send(self, kind: int, key: int) -> None:
        post(key_event(kind, key))


def key_event(kind: int, key: int) -> Any:
    text = chr(key) if 32 <= key < 127 and kind == pygame.KEYDOWN else ""
    return pygame.event.Event(kind, key=key, mod=0, unicode=text, scancode=0)


def post(event: Any) -> None:
    """Into the game's queue; one that nobody reads is full some day, which does no harm."""
    try:
        pygame.event.post(event)
    except pygame.error:
        return


def expect_known_keys(keys: Iterable[int]) -> None:
    """Raise ConfigError for a number that is no key."""
    for key in keys:
        if not pygame.key.name(key):
            raise ConfigError(f"keys: {key} is no key; expected numbers such as pygame.K_UP")


class Pressed:
    """What get_pressed() answers: true for the keys that are held, by key code.

    over: what a person holds, for all keys that are not in `own`
    """

    def __init__(
        self, held: frozenset[int], own: frozenset[int] | None = None, over: Any = None
    ) -> None:
        self._held, self._own, self._over = held, own, over

    def __getitem__(self, key: int) -> bool:
        if self._own is None or key in self._own:
            return key in self._held
        return bool(self._over[key])

    def __len__(self) -> int:
        return 512

    def __iter__(self) -> Any:
        """For any(): as many true values as keys are held."""
        return iter([True] * len(self._held))


def share_keyboard(keyboard: Keyboard, own: frozenset[int]) -> None:
    """From now on get_pressed() says of the keys in `own` what `keyboard` holds, and of all others
    what the person at the game does; for loops that ask without their seat."""
    asked = pygame.key.get_pressed
    keys: Any = pygame.key
    keys.get_pressed = lambda: Pressed(keyboard.held, own, asked())


class KeyWatch:
    """Sees every key that goes down, and what is held, without changing anything of the game.

    pressed: keys that went down since `take`
    """

    def __init__(self, on_function_key: Callable[[], None] | None = None) -> None:
        self._on_function_key = on_function_key
        self._pressed: set[int] = set()
        self._held = pygame.key.get_pressed
        for name in ("get", "poll", "wait"):
            setattr(pygame.event, name, partial(self._seen, getattr(pygame.event, name)))

    def take(self) -> set[int]:
        """Keys that went down since the last call."""
        pressed, self._pressed = self._pressed, set()
        return pressed

    def held(self, keys: Iterable[int]) -> frozenset[int]:
        """Which of `keys` are down."""
        state = self._held()
        return frozenset(key for key in keys if state[key])

    def _seen(self, original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        answer = original(*arguments, **named)
        for event in answer if isinstance(answer, list) else [answer]:
            if event.type == pygame.KEYDOWN:
                self._pressed.add(event.key)
                if event.key == pygame.K_F9 and self._on_function_key is not None:
                    self._on_function_key()
        return answer


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
        self._ticks_clocks = False
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
                step = SECOND / framerate if framerate > 0 else SECOND / FRAME_RATE
                clock.wait(round(self._last + step) - clock.now)
                self._passed = clock.now // MILLISECOND - self._last // MILLISECOND
                self._last = clock.now
                machine._ticks_clocks = True
                machine._frame_ends(sys._getframe(1))
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
        general: Any = time
        general.time = lambda: EPOCH_SECONDS + clock.look() / SECOND
        general.time_ns = lambda: EPOCH_SECONDS * SECOND + clock.look()
        for name in ("monotonic", "perf_counter"):
            setattr(general, name, lambda: clock.look() / SECOND)
            setattr(general, f"{name}_ns", clock.look)
        general.sleep = sleep

    def screen_rect(self) -> Any:
        """Where the game is shown."""
        return self._screen.get_rect()

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
                post(key_event(pygame.KEYDOWN, key))
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
        self.clock.wait(timeout * MILLISECOND or SECOND // FRAME_RATE)
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
            if not self.clock.paced:
                # As if the picture waited for the screen.
                self.clock.advance(SECOND // FRAME_RATE)
            if not self._ticks_clocks:
                self._frame_ends(sys._getframe(1))

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


# ------------------------------------------------------------------------------ drawing left out


class Screen(pygame.Surface):
    """The window's surface, on which nothing is drawn whose answer is known without it."""

    def fill(self, color: Any, rect: Any = None, special_flags: int = 0) -> Any:
        clip = self.get_clip()
        answer = clip if rect is None else pygame.Rect(rect).clip(clip)
        return answer if answer else super().fill(color, rect, special_flags)

    def blit(
        self, source: Any, dest: Any = (0, 0), area: Any = None, special_flags: int = 0
    ) -> Any:
        if area is not None:
            return super().blit(source, dest, area, special_flags)
        answer = pygame.Rect(topleft_of(dest), source.get_size()).clip(self.get_clip())
        return answer if answer else super().blit(source, dest, area, special_flags)

    def blits(self, blit_sequence: Any = (), doreturn: int | bool = True) -> Any:
        answers = [self.blit(*entry) for entry in blit_sequence]
        return answers if doreturn else None

    def fblits(self, blit_sequence: Any, special_flags: int = 0) -> None:
        for _ in blit_sequence:
            continue

    def get_at(self, point: Any) -> Any:
        raise unreadable_screen()

    def get_view(self, kind: Any = "2") -> Any:
        raise unreadable_screen()

    def get_buffer(self) -> Any:
        raise unreadable_screen()


def unreadable_screen() -> GameLoopError:
    return GameLoopError(
        "the game reads what it has drawn on its screen, where nothing is drawn while it learns; "
        "let it draw with --drawing (slower)"
    )


def topleft_of(dest: Any) -> tuple[int, int]:
    """Where a blit to `dest` begins: a rect, something with one, or a point."""
    if hasattr(dest, "topleft"):
        dest = dest.topleft
    elif hasattr(dest, "rect"):
        dest = dest.rect.topleft
    return int(dest[0]), int(dest[1])


def install_drawing() -> None:
    """Rects, ellipses and discs that lie wholly on the screen are not drawn; all else is, for its
    answer."""
    draw: Any = pygame.draw
    real_rect, real_circle, real_ellipse = draw.rect, draw.circle, draw.ellipse

    def rect(surface: Any, color: Any, rect: Any, *more: Any, **named: Any) -> Any:
        # Corners of their own, and thick outlines, may stand out of the rect.
        if type(surface) is Screen and not any(more) and named.keys() <= {"border_radius"}:
            answer = pygame.Rect(rect)
            if answer.width > 0 and answer.height > 0 and surface.get_clip().contains(answer):
                return answer
        return real_rect(surface, color, rect, *more, **named)

    def ellipse(surface: Any, color: Any, rect: Any, width: int = 0) -> Any:
        if type(surface) is Screen and not width:
            answer = pygame.Rect(rect)
            wide, high = answer.size
            # A flat one does not reach its ends.
            is_round = 1 < wide < 3 * high and 1 < high < 3 * wide
            if is_round and surface.get_clip().contains(answer):
                return answer
        return real_ellipse(surface, color, rect, width)

    def circle(
        surface: Any, color: Any, center: Any, radius: Any, *more: Any, **named: Any
    ) -> Any:
        if type(surface) is Screen and not named and not any(more) and radius >= 1:
            reach = int(radius)
            answer = pygame.Rect(
                int(center[0]) - reach, int(center[1]) - reach, 2 * reach, 2 * reach
            )
            if surface.get_clip().contains(answer):
                return answer
        return real_circle(surface, color, center, radius, *more, **named)

    draw.rect, draw.circle, draw.ellipse = rect, circle, ellipse


def install_font_memory() -> None:
    """Texts that were drawn before are copied."""

    class Font(pygame.font.Font):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._texts: dict[Any, Any] = {}

        def render(self, *arguments: Any, **named: Any) -> Any:
            style = (self.get_bold(), self.get_italic(), self.get_underline())
            key = (style, tuple(map(str, arguments)), tuple(sorted(map(str, named.items()))))
            if key not in self._texts:
                if len(self._texts) >= TEXTS_KEPT:
                    self._texts.clear()
                self._texts[key] = super().render(*arguments, **named)
            return self._texts[key].copy()

    own: Any = pygame
    own.font.Font = Font
    # It imports the class by name.
    import pygame.sysfont as system

    if hasattr(system, "Font"):
        system.Font = Font


def find_fonts() -> None:
    """Make the list of the system's fonts, which takes long."""
    import pygame.sysfont as system

    getattr(system, "initsysfonts", lambda: None)()


# -------------------------------------------------------------------------------------- silence


class Silence:
    """A sound, a channel or the music, of which nothing is heard and that ends at once."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        return

    def play(self, *arguments: Any, **named: Any) -> Silence:
        return Silence()

    def get_busy(self) -> bool:
        return False

    def get_volume(self) -> float:
        return 1.0

    def get_length(self) -> float:
        return 0.0

    def get_pos(self) -> int:
        return -1

    def get_num_channels(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **named: None


def silence_mixer() -> None:
    """pygame.mixer without a loudspeaker."""
    own: Any = pygame
    silent: Any = Silence()
    mixer = type(sys)("pygame.mixer")
    answers: dict[str, Any] = {
        "Sound": Silence,
        "SoundType": Silence,
        "Channel": Silence,
        "ChannelType": Silence,
        "music": silent,
        "get_init": lambda: (44_100, -16, 2),
        "get_busy": lambda: False,
        "get_num_channels": lambda: 8,
        "find_channel": lambda *arguments, **named: Silence(),
        "set_num_channels": lambda count: None,
        "set_reserved": lambda count: count,
    }
    for name in ("init", "pre_init", "quit", "stop", "pause", "unpause", "fadeout"):
        answers[name] = lambda *arguments, **named: None
    for name, answer in answers.items():
        setattr(mixer, name, answer)
    own.mixer = sys.modules["pygame.mixer"] = mixer
    sys.modules["pygame.mixer_music"] = silent


# ------------------------------------------------------------------------------------- randomness


def seed_randomness(seed: int) -> None:
    """Begin every random stream that a game draws from without asking for one of its own."""
    random.seed(seed)
    np.random.seed(seed & 0xFFFF_FFFF)
    streams = np.random.SeedSequence(seed)
    make = _default_rng

    def default_rng(given: Any = None) -> np.random.Generator:
        return make(streams.spawn(1)[0] if given is None else given)

    general: Any = np.random
    general.default_rng = default_rng


_default_rng = np.random.default_rng
