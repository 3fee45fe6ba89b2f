"""Drawing left out where the answer is known without it, and texts drawn once.

Whatever would be cut off at an edge, and whatever is drawn on another surface than the screen, is
really drawn, so that a game gets the same rects, sizes and masks with a screen and without one.
"""

from __future__ import annotations

from typing import Any

import pygame

from engine_plugin.errors import GameLoopError

TEXTS_KEPT = 1_024


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
