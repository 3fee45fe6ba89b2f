"""A screen that says what is wrong and what to do, such as a missing model."""

from __future__ import annotations

import pygame

from engine_plugin.host import palette
from engine_plugin.host.input import Command
from engine_plugin.host.renderer import HEIGHT, WIDTH
from engine_plugin.host.screens import Screen
from engine_plugin.host.stage import Stage

MARGIN = 24
LINE_HEIGHT = 10
MOST_LINES = 9


class MessageScreen:
    """Shows an error until a key goes back to `behind`, or ends the run."""

    def __init__(self, stage: Stage, title: str, error: Exception, behind: Screen) -> None:
        self._stage = stage
        self._title = title
        self._error = error
        self._next: Screen = self
        self._behind = behind
        stage.error = error

    def handle(self, command: Command) -> None:
        if command in (Command.CONFIRM, Command.BACK):
            self._stage.error = None
            self._next = self._behind

    def update(self, seconds: float) -> Screen | None:
        return self._next

    def draw(self, canvas: pygame.Surface) -> None:
        font = self._stage.font
        canvas.fill(palette.BACKGROUND)
        lines = font.wrap(str(self._error), WIDTH - 2 * MARGIN)[:MOST_LINES]
        box = pygame.Rect(MARGIN // 2, 20, WIDTH - MARGIN, 44 + LINE_HEIGHT * len(lines))
        pygame.draw.rect(canvas, palette.PANEL, box, border_radius=4)
        pygame.draw.rect(canvas, palette.ALARM, box, 1, 4)
        canvas.blit(self._stage.sprites["bomb_2"], (MARGIN, 27))
        font.draw(canvas, self._title, (MARGIN + 22, 28), palette.ALARM, 2)
        for index, line in enumerate(lines):
            font.draw(canvas, line, (MARGIN, 52 + LINE_HEIGHT * index), palette.TEXT)
        font.draw_centred(
            canvas, "Enter: choose another opponent", (WIDTH // 2, HEIGHT - 20), palette.FAINT
        )
