"""A real window: turns keys into commands, scales the picture, keeps the frame rate."""

from __future__ import annotations

import os
import time
from typing import Protocol

import pygame

from engine_plugin.host.errors import DisplayError
from engine_plugin.host.input import Command, InputState

FRAMES_A_SECOND = 60
LARGEST_DEFAULT_SCALE = 4
MODE_CHANGE_SECONDS = 0.5
"""A window that changes to fullscreen loses the focus for a moment; that is no reason to pause."""

KEYS: dict[int, tuple[Command, ...]] = {
    pygame.K_UP: (Command.UP,),
    pygame.K_w: (Command.UP,),
    pygame.K_DOWN: (Command.DOWN,),
    pygame.K_s: (Command.DOWN,),
    pygame.K_LEFT: (Command.LEFT,),
    pygame.K_a: (Command.LEFT,),
    pygame.K_RIGHT: (Command.RIGHT,),
    pygame.K_d: (Command.RIGHT,),
    pygame.K_SPACE: (Command.BOMB,),
    pygame.K_RETURN: (Command.BOMB, Command.CONFIRM),
    pygame.K_KP_ENTER: (Command.BOMB, Command.CONFIRM),
    pygame.K_ESCAPE: (Command.BACK,),
    pygame.K_p: (Command.PAUSE,),
    pygame.K_F5: (Command.RESTART,),
    pygame.K_r: (Command.RECORD,),
    pygame.K_BACKSPACE: (Command.DISCARD,),
    pygame.K_v: (Command.WATCH,),
    pygame.K_g: (Command.GHOST,),
    pygame.K_PAGEDOWN: (Command.NEXT,),
    pygame.K_PAGEUP: (Command.PREVIOUS,),
    pygame.K_HOME: (Command.FIRST,),
    pygame.K_END: (Command.LAST,),
    pygame.K_PLUS: (Command.FASTER,),
    pygame.K_EQUALS: (Command.FASTER,),
    pygame.K_KP_PLUS: (Command.FASTER,),
    pygame.K_MINUS: (Command.SLOWER,),
    pygame.K_KP_MINUS: (Command.SLOWER,),
    pygame.K_F11: (Command.FULLSCREEN,),
    pygame.K_m: (Command.MUTE,),
}


INVISIBLE_DRIVERS = ("dummy", "offscreen")
"""What SDL falls back to without a display; fine only for somebody who asked for it."""


class Window(Protocol):
    """Where pictures go and commands come from; the app loop knows nothing else of the machine.

    realtime: people watch, so frames come evenly; otherwise the loop runs as fast as it can
    """

    realtime: bool

    def poll(self, state: InputState) -> None:
        """Put what happened since the last frame into the input state."""

    def present(self, canvas: pygame.Surface) -> float:
        """Show a picture and wait for the frame's end; the seconds since the last one."""

    def toggle_fullscreen(self) -> None:
        """Switch between window and whole screen."""

    def close(self) -> None:
        """Give the display back."""


class PygameWindow:
    """The window that people see."""

    realtime = True

    def __init__(
        self,
        size: tuple[int, int],
        title: str,
        scale: int | None,
        fullscreen: bool,
        mouse: bool = False,
    ) -> None:
        """size: of the unscaled picture; mouse: whether there is anything to click on.

        Raises DisplayError where there is no display.
        """
        self._size = size
        try:
            pygame.display.init()
            if pygame.display.get_driver() in INVISIBLE_DRIVERS and not _driver_chosen():
                raise pygame.error("no screen is connected")
            self._scale = scale or _fitting_scale(size)
            self._fullscreen = fullscreen
            self._surface = self._set_mode()
        except pygame.error as error:
            pygame.display.quit()
            raise DisplayError(
                f"expected a display to open a window on, got: {error}; "
                "play without a window by --headless"
            ) from error
        pygame.display.set_caption(title)
        pygame.mouse.set_visible(mouse)
        self._down: set[int] = set()  # keys
        self._clock = pygame.time.Clock()
        self._last = time.perf_counter()

    def poll(self, state: InputState) -> None:
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                state.press(Command.QUIT)
            elif event.type == pygame.WINDOWFOCUSLOST:
                self._down.clear()
                state.release_all()
                if time.perf_counter() - self._mode_changed > MODE_CHANGE_SECONDS:
                    state.press(Command.FOCUS_LOST)
            elif event.type == pygame.KEYDOWN:
                self._down.add(event.key)
                for command in _commands(event):
                    state.press(command)
            elif event.type == pygame.KEYUP:
                self._down.discard(event.key)
                # Another key for the same may still be down.
                held = {command for key in self._down for command in KEYS.get(key, ())}
                for command in KEYS.get(event.key, ()):
                    if command not in held:
                        state.release(command)
            elif event.type == pygame.MOUSEBUTTONDOWN or (
                event.type == pygame.MOUSEMOTION and event.buttons[0]
            ):
                scale, left, top = self._placement()
                state.point((event.pos[0] - left) // scale, (event.pos[1] - top) // scale)

    def present(self, canvas: pygame.Surface) -> float:
        scale, left, top = self._placement()
        picture = pygame.transform.scale_by(canvas, scale)
        if left > 0 or top > 0:
            self._surface.fill((0, 0, 0))
        self._surface.blit(picture, (left, top))
        pygame.display.flip()
        self._clock.tick(FRAMES_A_SECOND)
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        return seconds

    def _placement(self) -> tuple[int, int, int]:
        """Scale, left and top of the picture in the window."""
        width, height = self._surface.get_size()
        own_width, own_height = self._size
        scale = max(1, min(width // own_width, height // own_height))
        return scale, (width - scale * own_width) // 2, (height - scale * own_height) // 2

    def toggle_fullscreen(self) -> None:
        self._fullscreen = not self._fullscreen
        self._surface = self._set_mode()

    def close(self) -> None:
        pygame.display.quit()

    def _set_mode(self) -> pygame.Surface:
        self._mode_changed = time.perf_counter()
        if self._fullscreen:
            return pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        width, height = self._size
        return pygame.display.set_mode(
            (width * self._scale, height * self._scale), pygame.RESIZABLE
        )


def _commands(event: pygame.event.Event) -> tuple[Command, ...]:
    """By the character typed where that is '+' or '-', whatever key a layout has it on."""
    if event.unicode in ("+", "-"):
        return (Command.FASTER,) if event.unicode == "+" else (Command.SLOWER,)
    return KEYS.get(event.key, ())


def _driver_chosen() -> bool:
    return bool(os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER"))


def _fitting_scale(size: tuple[int, int]) -> int:
    """The largest whole factor with which the window still leaves some of the desktop free."""
    desktop_width, desktop_height = pygame.display.get_desktop_sizes()[0]
    fitting = min(int(desktop_width * 0.95) // size[0], int(desktop_height * 0.9) // size[1])
    return max(1, min(LARGEST_DEFAULT_SCALE, fitting))
