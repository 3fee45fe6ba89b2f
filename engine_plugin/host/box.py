"""A box with a few words, in the middle of the board."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from engine_plugin.host import palette
from engine_plugin.host.renderer import BOARD_LEFT, BOARD_TOP, TILE
from engine_plugin.host.tileset import Colour, PixelFont
from fastenv import GameSpec

HEADLINE_SCALE = 2
MARGIN = 20  # pixels beside the longest line, both sides together


def draw_box(
    canvas: pygame.Surface, font: PixelFont, spec: GameSpec, lines: Sequence[str], colour: Colour
) -> None:
    """Draw the lines over the board of this game; the first one is large. What is too long for the
    board is cut."""
    room = spec.width * TILE - MARGIN
    headline = font.shorten(lines[0], headline_room(spec))
    lines = [headline, *(font.shorten(line, room) for line in lines[1:])]
    longest = max(font.width(line) for line in lines)
    width = max(font.width(headline, HEADLINE_SCALE), longest) + MARGIN
    height = 28 + 11 * (len(lines) - 1)
    box = pygame.Rect(0, 0, width, height)
    box.center = (BOARD_LEFT + spec.width * TILE // 2, BOARD_TOP + spec.height * TILE // 2)
    pygame.draw.rect(canvas, palette.BACKGROUND, box, border_radius=4)
    pygame.draw.rect(canvas, colour, box, 1, 4)
    font.draw_centred(canvas, lines[0], (box.centerx, box.top + 7), colour, HEADLINE_SCALE)
    for index, line in enumerate(lines[1:]):
        font.draw_centred(canvas, line, (box.centerx, box.top + 26 + 11 * index), palette.TEXT)


def headline_room(spec: GameSpec) -> int:
    """Pixels of unscaled text that the first line has room for."""
    return (spec.width * TILE - MARGIN) // HEADLINE_SCALE
